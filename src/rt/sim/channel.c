/*
 * rt/channel: packets under way between two ends, in order, each some time later. An end whose
 * description is closed tells the other one behind its last packet.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "rt/sim/impl.h"

#define PACKETS_PER_TURN 16
#define PACKETS_MAX 128
#define BYTES_MAX 200000
#define WAY_US_MAX 80

enum { OP_PAIR = 100, OP_PACKET_SEND, OP_CHANNEL_CLOSE };

struct rt_channel {
	struct rt *rt;
	int fd;
	struct sim_end *end;
	const struct rt_channel_events *events;
	void *ctx;
	struct sim_source readable, writable;
	bool paused, closed, writable_due;
	bool *gone;
};

static struct sim_end *
end_make(struct sim_world *world)
{
	struct sim_end *end = sim_take(world, sizeof(*end));

	end->world = world;
	end->refs = 1;
	list_init(&end->packets);
	return end;
}

void
sim_end_unref(struct sim_end *end)
{
	if (--end->refs == 0)
		free(end);
}

static void
packet_free(struct sim_packet *packet)
{
	struct sim_end *to = packet->to;

	sim_cancel(&packet->event);
	list_remove(&packet->node);
	to->packet_count--;
	to->packet_bytes -= packet->len;
	for (size_t i = 0; i < packet->fd_count; i++)
		sim_desc_unref(packet->fds[i]);
	free(packet);
	sim_end_unref(to);
}

static void
on_arrival(void *ctx)
{
	struct sim_packet *packet = ctx;

	packet->arrived = true;
	if (packet->to->owner && !packet->to->owner->paused)
		sim_source_ready(&packet->to->owner->readable);
}

static struct sim_packet *
packet_send(struct sim_end *to, struct slice data)
{
	struct sim_world *world = to->world;
	struct sim_packet *packet = sim_take(world, sizeof(*packet) + data.len);
	uint64_t at_us = world->now_us + sim_between(world, 1, WAY_US_MAX);

	if (at_us <= to->last_us)
		at_us = to->last_us + 1;
	to->last_us = at_us;
	packet->to = to;
	to->refs++;
	packet->len = data.len;
	if (data.len)
		memcpy(packet->data, data.data, data.len);
	to->packet_count++;
	to->packet_bytes += data.len;
	list_push_back(&to->packets, &packet->node);
	sim_after(world, &packet->event, at_us - world->now_us, on_arrival, packet);
	return packet;
}

/* The other end parts too once it has closed. */
void
sim_end_close(struct sim_end *end)
{
	struct sim_end *peer = end->peer;
	struct list_node *node;

	end->closed = true;
	end->owner = NULL;
	while ((node = list_first(&end->packets)))
		packet_free(CONTAINER_OF(node, struct sim_packet, node));
	if (peer && !peer->closed)
		packet_send(peer, SLICE_EMPTY)->end = true;
	end->peer = NULL;
	if (peer) {
		peer->peer = NULL;
		peer->peer_closed = true;
		sim_end_unref(peer);
		sim_end_unref(end);
	}
	sim_end_unref(end);
}

int
rt_channel_pair(struct rt *rt, int ret_fds[2])
{
	struct sim_world *world = rt->proc->world;
	struct sim_end *ends[2];
	struct sim_desc *descs[2];
	int err = 0;

	sim_op(rt, OP_PAIR);
	if (sim_fails(rt, SIM_FAULT_OPEN))
		return -EMFILE;
	for (int i = 0; i < 2; i++) {
		ends[i] = end_make(world);
		descs[i] = sim_desc_make(world, SIM_CHANNEL);
		descs[i]->u.end = ends[i];
	}
	for (int i = 0; i < 2; i++) {
		ends[i]->peer = ends[!i];
		ends[i]->refs++;
	}
	err = sim_fd_add(rt->proc, descs[0], &ret_fds[0]);
	if (!err)
		err = sim_fd_add(rt->proc, descs[1], &ret_fds[1]);
	ASSERT(!err); /* super has few */
	return 0;
}

static void readable_run(void *ctx);
static void writable_run(void *ctx);

int
rt_channel_create(struct rt *rt, int fd, const struct rt_channel_events *events, void *ctx,
		  struct rt_channel **ret_channel)
{
	struct sim_desc *desc = sim_fd(rt, fd);
	struct rt_channel *channel;

	if (!desc || desc->kind != SIM_CHANNEL)
		return -EBADF;
	channel = MEM_NEW(&rt->mem, struct rt_channel);
	if (!channel)
		return ERR_NO_MEMORY;
	channel->rt = rt;
	channel->fd = fd;
	channel->end = desc->u.end;
	channel->events = events;
	channel->ctx = ctx;
	channel->readable = (struct sim_source){.rt = rt, .fn = readable_run, .ctx = channel};
	channel->writable = (struct sim_source){.rt = rt, .fn = writable_run, .ctx = channel};
	if (desc->u.end->owner)
		sim_broken(rt->proc->world, "two channels on one descriptor");
	desc->u.end->owner = channel;
	sim_source_ready(&channel->readable);
	*ret_channel = channel;
	return 0;
}

int
rt_channel_send(struct rt_channel *channel, struct slice packet, const int *fds, size_t fd_count)
{
	struct rt *rt = channel->rt;
	struct sim_end *to = channel->end->peer;
	struct sim_packet *sent;

	ASSERT(packet.len > 0 && packet.len <= RT_PACKET_MAX);
	ASSERT(fd_count <= RT_PACKET_FDS_MAX);
	sim_op(rt, OP_PACKET_SEND);
	if (!to)
		return ERR_CLOSED;
	if (to->packet_count >= PACKETS_MAX || to->packet_bytes >= BYTES_MAX) {
		channel->writable_due = true;
		return ERR_AGAIN;
	}
	for (size_t i = 0; i < fd_count; i++)
		if (!sim_fd(rt, fds[i]))
			return -EBADF;
	sent = packet_send(to, packet);
	for (size_t i = 0; i < fd_count; i++)
		sent->fds[sent->fd_count++] = sim_desc_ref(rt->proc->fds[fds[i]]);
	return 0;
}

static struct sim_packet *
first_arrived(struct rt_channel *channel)
{
	struct list_node *node = list_first(&channel->end->packets);
	struct sim_packet *packet = node ? CONTAINER_OF(node, struct sim_packet, node) : NULL;

	return packet && packet->arrived ? packet : NULL;
}

/* 0, or why the channel is at its end. */
static int
packet_take(struct rt_channel *channel, struct sim_packet *packet)
{
	struct rt *rt = channel->rt;
	struct rt_channel *sender = channel->end->peer ? channel->end->peer->owner : NULL;
	int fds[RT_PACKET_FDS_MAX];
	size_t len = packet->len, count = packet->fd_count;
	int err = 0;

	if (packet->end) {
		packet_free(packet);
		return ERR_CLOSED;
	}
	if (count && sim_fails(rt, SIM_FAULT_OPEN))
		err = -EMFILE;
	for (size_t i = 0; i < count && !err; i++) {
		err = sim_fd_add(rt->proc, packet->fds[i], &fds[i]);
		if (!err)
			(void)sim_desc_ref(packet->fds[i]);
	}
	if (err) { /* those that did fit go with the process, which gives up */
		packet_free(packet);
		return err;
	}
	memcpy(rt->packet_buf, packet->data, len);
	packet_free(packet);
	if (sender && sender->writable_due)
		sim_source_ready(&sender->writable);
	channel->events->packet(channel->ctx, slice_of(rt->packet_buf, len), fds, count);
	return 0;
}

static void
readable_run(void *ctx)
{
	struct rt_channel *channel = ctx;
	struct sim_packet *packet;
	bool gone = false;
	int err = 0;

	channel->gone = &gone;
	for (int i = 0; i < PACKETS_PER_TURN && !err && !gone && !channel->paused; i++) {
		packet = first_arrived(channel);
		if (!packet)
			break;
		err = packet_take(channel, packet);
	}
	if (!gone && err) {
		channel->closed = true;
		channel->events->closed(channel->ctx, err);
	}
	if (gone)
		return;
	channel->gone = NULL;
	if (!channel->paused && !channel->closed && first_arrived(channel))
		sim_source_ready(&channel->readable);
}

static void
writable_run(void *ctx)
{
	struct rt_channel *channel = ctx;

	channel->writable_due = false;
	if (channel->events->writable && !channel->closed)
		channel->events->writable(channel->ctx);
}

void
rt_channel_pause(struct rt_channel *channel, bool paused)
{
	channel->paused = paused;
	if (!paused && !channel->closed)
		sim_source_ready(&channel->readable);
}

void
rt_channel_destroy(struct rt_channel **channel_at)
{
	struct rt_channel *channel = *channel_at;
	struct rt *rt;

	*channel_at = NULL;
	if (!channel)
		return;
	rt = channel->rt;
	sim_op(rt, OP_CHANNEL_CLOSE);
	list_remove(&channel->readable.node);
	list_remove(&channel->writable.node);
	if (channel->gone)
		*channel->gone = true;
	channel->end->owner = NULL;
	sim_fd_close(rt->proc, channel->fd);
	mem_give(&rt->mem, channel, sizeof(*channel));
}
