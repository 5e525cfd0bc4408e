/*
 * Typed channels over rt's packets. What is sent within a turn gathers in packets: the last one is
 * filled until a message no longer fits, and all go out at the end of the turn, or later when the
 * neighbour has room again. Packets of a slow neighbour are filled up before a new one is made, so
 * memory follows the bytes that are pending, and those are capped.
 *
 * The receiver trusts nothing: a message off its route, malformed, or with descriptors that do not
 * match ends the channel with ERR_PROTOCOL.
 */
#include <string.h>

#include "base/assert.h"
#include "ipc/codec.h"
#include "rt/file.h"

struct packet {
	struct list_node node;
	struct ipc_fds fds; /* duplicates, ours */
	size_t len;
	uint8_t data[RT_PACKET_MAX];
};

struct ipc_channel {
	struct rt *rt;
	struct rt_channel *channel; /* NULL: closed or broken */
	struct ipc_ends ends;
	struct ipc_events events;
	struct ipc_routes in, out;
	struct list packets; /* the last one is being filled */
	size_t pending_bytes;
	struct packet *spare;
	struct rt_hook flush;
	bool was_full; /* drained is owed */
	bool blocked;  /* until the neighbour has room again */
	bool in_receive, dead;
	int broken; /* closed is owed, with this error */
};

static void on_packet(void *ctx, struct slice packet, const int *fds, size_t fd_count);
static void on_writable(void *ctx);
static void on_closed(void *ctx, int err);
static void on_turn_end(void *ctx);
static void packets_send(struct ipc_channel *channel);

static const struct rt_channel_events rt_events = {on_packet, on_writable, on_closed};

int
ipc_channel_create(struct rt *rt, int fd, const struct ipc_ends *ends,
		   const struct ipc_events *events, struct ipc_channel **ret_channel)
{
	struct ipc_channel *channel = MEM_NEW(rt_mem(rt), struct ipc_channel);
	int err;

	if (!channel)
		return ERR_NO_MEMORY;
	channel->rt = rt;
	channel->ends = *ends;
	channel->events = *events;
	channel->in = ipc_routes_between(ends->peer, ends->self);
	channel->out = ipc_routes_between(ends->self, ends->peer);
	list_init(&channel->packets);
	rt_hook_init(&channel->flush, on_turn_end, channel);
	err = rt_channel_create(rt, fd, &rt_events, channel, &channel->channel);
	if (err) {
		mem_give(rt_mem(rt), channel, sizeof(*channel));
		return err;
	}
	*ret_channel = channel;
	return 0;
}

static void
fds_close(struct rt *rt, struct ipc_fds *fds, size_t from)
{
	for (size_t i = from; i < fds->count; i++)
		rt_close(rt, fds->fds[i]);
	fds->count = 0;
}

static void
packet_drop(struct ipc_channel *channel, struct packet *packet)
{
	list_remove(&packet->node);
	fds_close(channel->rt, &packet->fds, 0);
	channel->pending_bytes -= packet->len;
	explicit_bzero(packet->data, packet->len); /* it may have held a password */
	if (channel->spare)
		mem_give(rt_mem(channel->rt), packet, sizeof(*packet));
	else
		channel->spare = packet;
}

static void
packets_drop(struct ipc_channel *channel)
{
	struct list_node *node;

	while ((node = list_first(&channel->packets)))
		packet_drop(channel, CONTAINER_OF(node, struct packet, node));
	mem_give(rt_mem(channel->rt), channel->spare, sizeof(*channel->spare));
	channel->spare = NULL;
}

static void
give(struct ipc_channel *channel)
{
	mem_give(rt_mem(channel->rt), channel, sizeof(*channel));
}

void
ipc_channel_destroy(struct ipc_channel **channel)
{
	struct ipc_channel *gone = *channel;

	*channel = NULL;
	if (!gone)
		return;
	/* What was sent just before is not lost if there is room for it. */
	if (gone->channel)
		packets_send(gone);
	rt_channel_destroy(&gone->channel);
	rt_hook_finish(&gone->flush);
	packets_drop(gone);
	gone->dead = true;
	if (!gone->in_receive)
		give(gone);
}

struct ipc_ends
ipc_channel_ends(const struct ipc_channel *channel)
{
	return channel->ends;
}

void
ipc_channel_pause(struct ipc_channel *channel, bool paused)
{
	if (channel->channel)
		rt_channel_pause(channel->channel, paused);
}

bool
ipc_full(const struct ipc_channel *channel)
{
	return channel->pending_bytes >= IPC_PENDING_BYTES_FULL;
}

static struct packet *
packet_new(struct ipc_channel *channel)
{
	struct packet *packet = channel->spare;

	channel->spare = NULL;
	if (!packet)
		packet = MEM_NEW(rt_mem(channel->rt), struct packet);
	if (!packet)
		return NULL;
	packet->len = 0;
	packet->fds.count = 0;
	list_push_back(&channel->packets, &packet->node);
	return packet;
}

/* ERR_LIMIT when the packet has no room for it. Nothing changes on an error. */
static int
packet_add(struct ipc_channel *channel, struct packet *packet, const struct ipc_message *message)
{
	struct ipc_fds fds = packet->fds;
	struct builder b;
	int err;

	builder_init_fixed(&b, packet->data + packet->len, sizeof(packet->data) - packet->len);
	err = ipc_encode_with_fds(&b, message, &fds);
	for (size_t i = packet->fds.count; !err && i < fds.count; i++) {
		err = rt_dup(channel->rt, fds.fds[i], &fds.fds[i]);
		if (err) {
			fds.count = i;
			fds_close(channel->rt, &fds, packet->fds.count);
		}
	}
	if (err)
		return err;
	packet->fds = fds;
	packet->len += b.len;
	channel->pending_bytes += b.len;
	return 0;
}

int
ipc_send(struct ipc_channel *channel, const struct ipc_message *message)
{
	struct list_node *last = channel->packets.head.prev;
	struct packet *packet;
	int err = ERR_LIMIT;

	ASSERT(ipc_routes_have(&channel->out, message->type));
	if (!channel->channel || channel->broken)
		return ERR_CLOSED;
	if (channel->pending_bytes >= IPC_PENDING_BYTES_MAX)
		return ERR_LIMIT;
	if (!list_empty(&channel->packets))
		err = packet_add(channel, CONTAINER_OF(last, struct packet, node), message);
	if (err == ERR_LIMIT) {
		packet = packet_new(channel);
		if (!packet)
			return ERR_NO_MEMORY;
		err = packet_add(channel, packet, message);
		if (err)
			packet_drop(channel, packet);
		/* No message of the table is larger than a packet. */
		ASSERT(err != ERR_LIMIT);
	}
	if (err)
		return err;
	if (ipc_full(channel))
		channel->was_full = true;
	rt_at_turn_end(channel->rt, &channel->flush);
	return 0;
}

/* Sends what the neighbour takes. */
static void
packets_send(struct ipc_channel *channel)
{
	struct list_node *node;
	int err = 0;

	while (!err && (node = list_first(&channel->packets))) {
		struct packet *packet = CONTAINER_OF(node, struct packet, node);

		err = rt_channel_send(channel->channel, slice_of(packet->data, packet->len),
				      packet->fds.fds, packet->fds.count);
		if (!err)
			packet_drop(channel, packet);
	}
	channel->blocked = err == ERR_AGAIN;
	/* A closed one tells by itself, after the neighbour's last words. */
	if (err && err != ERR_AGAIN && err != ERR_CLOSED)
		channel->broken = err;
}

static void
break_channel(struct ipc_channel *channel, int err)
{
	rt_channel_destroy(&channel->channel);
	rt_hook_finish(&channel->flush);
	packets_drop(channel);
	channel->broken = err;
	channel->events.closed(channel->events.ctx, channel, err);
}

/* The end of a turn: callbacks are fine here. */
static void
after_send(struct ipc_channel *channel)
{
	if (channel->broken && channel->channel) {
		break_channel(channel, channel->broken);
		return;
	}
	if (channel->was_full && !ipc_full(channel)) {
		channel->was_full = false;
		if (channel->events.drained)
			channel->events.drained(channel->events.ctx, channel);
	}
}

static void
on_turn_end(void *ctx)
{
	struct ipc_channel *channel = ctx;

	if (!channel->blocked)
		packets_send(channel);
	after_send(channel);
}

static void
on_writable(void *ctx)
{
	struct ipc_channel *channel = ctx;

	channel->blocked = false;
	packets_send(channel);
	after_send(channel);
}

static void
on_closed(void *ctx, int err)
{
	break_channel(ctx, err);
}

static void
close_left(void *ctx, int *fd)
{
	rt_close(ctx, *fd);
	*fd = -1;
}

/* One message; < 0: the sender broke the rules. */
static int
receive_next(struct ipc_channel *channel, struct slice *rest, struct ipc_fds *fds)
{
	struct ipc_message message;
	enum ipc_type type;
	struct slice body;
	size_t taken = fds->taken;

	if (ipc_packet_next(rest, &type, &body) || !ipc_routes_have(&channel->in, type) ||
	    ipc_decode_with_fds(type, body, fds, &message)) {
		fds->taken = taken;
		return ERR_PROTOCOL;
	}
	channel->events.receive(channel->events.ctx, channel, &message);
	/* The owner has set those to -1 that it keeps. */
	ipc_message_each_fd(&message, close_left, channel->rt);
	return 0;
}

static void
on_packet(void *ctx, struct slice packet, const int *fds, size_t fd_count)
{
	struct ipc_channel *channel = ctx;
	struct rt *rt = channel->rt;
	struct ipc_fds all = {.count = fd_count};
	int err = 0;

	for (size_t i = 0; i < fd_count; i++)
		all.fds[i] = fds[i];
	channel->in_receive = true;
	while (!err && packet.len && !channel->dead && channel->channel)
		err = receive_next(channel, &packet, &all);
	channel->in_receive = false;
	if (!err && !packet.len && all.taken < all.count)
		err = ERR_PROTOCOL;
	fds_close(rt, &all, all.taken);
	if (channel->dead)
		give(channel);
	else if (err && channel->channel)
		break_channel(channel, err);
}
