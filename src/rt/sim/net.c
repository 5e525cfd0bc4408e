/*
 * rt/net over simulated streams. Level-triggered, as the real one: what is wanted and there comes
 * again each turn.
 */
#include <errno.h>
#include <string.h>

#include "rt/sim/impl.h"

#define ACCEPT_REST_MS 1000

enum {
	OP_LISTEN = 80,
	OP_ACCEPT,
	OP_CONNECT,
	OP_RECV,
	OP_SEND,
	OP_SHUTDOWN,
	OP_CLOSE_STREAM,
};

struct rt_stream {
	struct rt *rt;
	struct sim_sock *sock;
	int fd;
	rt_stream_fn *fn;
	void *ctx;
	unsigned wanted;
	struct sim_source source;
	bool *gone; /* set when it is destroyed inside its callback */
};

struct rt_listener {
	struct rt *rt;
	struct sim_listener *listener;
	struct list_node of_listener;
	int fd;
	rt_accept_fn *fn;
	void *ctx;
	struct sim_source source;
	struct rt_timer rest;
	bool paused;
	bool busy, dead; /* destroyed inside its callback: given back after it */
};

void
sim_stream_notice(struct rt_stream *stream)
{
	if (stream->wanted & sim_sock_events(stream->sock))
		sim_source_ready(&stream->source);
}

static void
stream_run(void *ctx)
{
	struct rt_stream *stream = ctx;
	unsigned events = stream->wanted & sim_sock_events(stream->sock);
	bool gone = false;

	if (!events)
		return;
	stream->gone = &gone;
	stream->fn(stream->ctx, events);
	if (gone)
		return;
	stream->gone = NULL;
	sim_stream_notice(stream);
}

static int
stream_make(struct rt *rt, struct sim_sock *sock, struct rt_stream **ret_stream)
{
	struct rt_stream *stream = MEM_NEW(&rt->mem, struct rt_stream);
	struct sim_desc *desc;
	int err;

	if (!stream)
		return ERR_NO_MEMORY;
	desc = sim_desc_make(rt->proc->world, SIM_STREAM);
	desc->u.sock = sock;
	err = sim_fd_add(rt->proc, desc, &stream->fd);
	if (err) {
		sock->refs++; /* the caller keeps it */
		sim_desc_unref(desc);
		mem_give(&rt->mem, stream, sizeof(*stream));
		return err;
	}
	stream->rt = rt;
	stream->sock = sock;
	stream->source = (struct sim_source){.rt = rt, .fn = stream_run, .ctx = stream};
	sock->owner = stream;
	*ret_stream = stream;
	return 0;
}

void
rt_stream_on_ready(struct rt_stream *stream, rt_stream_fn *fn, void *ctx)
{
	stream->fn = fn;
	stream->ctx = ctx;
}

void
rt_stream_want(struct rt_stream *stream, unsigned events)
{
	ASSERT(stream->fn || !events);
	stream->wanted = events;
	sim_stream_notice(stream);
}

static size_t
shorten(struct rt *rt, size_t len)
{
	if (len > 1 && sim_fails(rt, SIM_FAULT_SHORT))
		return 1 + (size_t)sim_below(rt->proc->world, len - 1);
	return len;
}

ssize_t
rt_stream_recv(struct rt_stream *stream, void *buf, size_t len)
{
	ASSERT(len > 0);
	sim_op(stream->rt, OP_RECV);
	if (sim_fails(stream->rt, SIM_FAULT_RESET))
		sim_sock_break(stream->sock);
	return sim_sock_take(stream->sock, buf, shorten(stream->rt, len));
}

ssize_t
rt_stream_send(struct rt_stream *stream, const struct slice *slices, size_t count)
{
	struct slice part;

	ASSERT(count <= RT_SEND_SLICES_MAX);
	sim_op(stream->rt, OP_SEND);
	if (sim_fails(stream->rt, SIM_FAULT_RESET))
		sim_sock_break(stream->sock);
	if (count && slices[0].len > 1 && sim_fails(stream->rt, SIM_FAULT_SHORT)) {
		part = slice_sub(slices[0], 0,
				 1 + (size_t)sim_below(stream->rt->proc->world, slices[0].len - 1));
		return sim_sock_give(stream->sock, &part, 1);
	}
	return sim_sock_give(stream->sock, slices, count);
}

void
rt_stream_shutdown(struct rt_stream *stream)
{
	sim_op(stream->rt, OP_SHUTDOWN);
	sim_sock_shut(stream->sock);
}

void
rt_stream_destroy(struct rt_stream **stream_at)
{
	struct rt_stream *stream = *stream_at;
	struct rt *rt;

	*stream_at = NULL;
	if (!stream)
		return;
	rt = stream->rt;
	sim_op(rt, OP_CLOSE_STREAM);
	list_remove(&stream->source.node);
	if (stream->gone)
		*stream->gone = true;
	sim_fd_close(rt->proc, stream->fd);
	mem_give(&rt->mem, stream, sizeof(*stream));
}

int
rt_stream_connect(struct rt *rt, const struct net_addr *to, const struct net_addr *from,
		  struct rt_stream **ret_stream)
{
	struct sim_sock *sock;
	int err;

	sim_op(rt, OP_CONNECT);
	if (sim_fails(rt, SIM_FAULT_CONNECT))
		return sim_below(rt->proc->world, 2) ? -EMFILE : -ENETUNREACH;
	sock = sim_sock_make(rt->proc->world);
	sock->local = from ? *from : (struct net_addr){.family = to->family};
	sock->local.port = 0;
	err = stream_make(rt, sock, ret_stream);
	if (err) {
		sim_sock_finish(sock, false);
		return err;
	}
	return sim_sock_connect(sock, to);
}

int
rt_stream_connect_unix(struct rt *rt, const char *path, struct rt_stream **ret_stream)
{
	(void)rt;
	(void)path;
	(void)ret_stream;
	return ERR_UNSUPPORTED;
}

int
rt_stream_connect_result(struct rt_stream *stream)
{
	return stream->sock->err && !stream->sock->connected ? -stream->sock->err
	       : stream->sock->connected		     ? 0
							     : ERR_AGAIN;
}

struct net_addr
rt_stream_peer(const struct rt_stream *stream)
{
	return stream->sock->remote;
}

struct net_addr
rt_stream_local(const struct rt_stream *stream)
{
	return stream->sock->local;
}

int
rt_stream_peer_uid(const struct rt_stream *stream, unsigned *ret_uid)
{
	(void)stream;
	*ret_uid = 0;
	return 0;
}

struct rt *
rt_stream_rt(const struct rt_stream *stream)
{
	return stream->rt;
}

size_t
rt_own_addrs(struct rt *rt, struct net_addr *addrs, size_t max)
{
	(void)rt;
	(void)addrs;
	(void)max;
	return 0;
}

/* --- listening ------------------------------------------------------------------------------- */

int
rt_listen(struct rt *rt, const struct net_addr *addr, int *ret_fd)
{
	struct sim_desc *desc;
	int err;

	sim_op(rt, OP_LISTEN);
	if (sim_listener_find(rt->proc->world, addr))
		return -EADDRINUSE;
	if (sim_fails(rt, SIM_FAULT_OPEN))
		return -EMFILE;
	desc = sim_desc_make(rt->proc->world, SIM_LISTENER);
	desc->u.listener = sim_listener_make(rt->proc->world, addr);
	err = sim_fd_add(rt->proc, desc, ret_fd);
	if (err)
		sim_desc_unref(desc);
	return err;
}

/* Nobody can connect to it: control stays outside the simulation. */
int
rt_listen_unix(struct rt *rt, int dir_fd, const char *name, unsigned mode, int *ret_fd)
{
	struct net_addr nowhere = {.family = NET_FAMILY_NONE, .port = 1};

	(void)dir_fd;
	(void)name;
	(void)mode;
	return rt_listen(rt, &nowhere, ret_fd);
}

void
sim_listener_notice(struct sim_listener *listener)
{
	struct list_node *node = list_first(&listener->owners);

	if (listener->fn) {
		sim_listener_actor_notice(listener);
		return;
	}
	for (; node; node = list_next(&listener->owners, node)) {
		struct rt_listener *owner = CONTAINER_OF(node, struct rt_listener, of_listener);

		if (!owner->paused && !rt_timer_armed(&owner->rest))
			sim_source_ready(&owner->source);
	}
}

/* False when nothing waits, or accepting rests. */
static bool
accept_one(struct rt_listener *listener)
{
	struct rt *rt = listener->rt;
	struct rt_stream *stream = NULL;
	struct sim_sock *sock;
	int err = 0;

	if (list_empty(&listener->listener->backlog))
		return false;
	sim_op(rt, OP_ACCEPT);
	if (sim_fails(rt, SIM_FAULT_ACCEPT))
		err = -EMFILE;
	sock = err ? NULL : sim_listener_take(listener->listener);
	if (sock)
		err = stream_make(rt, sock, &stream);
	if (err && sock)
		sim_sock_finish(sock, true);
	if (err)
		rt_timer_arm(&listener->rest, ACCEPT_REST_MS);
	listener->fn(listener->ctx, stream, err);
	return !err;
}

static void
listener_run(void *ctx)
{
	struct rt_listener *listener = ctx;
	bool goes_on = true;

	listener->busy = true;
	for (int i = 0; i < RT_ACCEPTS_PER_TURN && goes_on && !listener->dead && !listener->paused;
	     i++)
		goes_on = accept_one(listener);
	listener->busy = false;
	if (listener->dead) {
		mem_give(&listener->rt->mem, listener, sizeof(*listener));
		return;
	}
	if (!list_empty(&listener->listener->backlog))
		sim_listener_notice(listener->listener);
}

static void
on_rest_over(void *ctx)
{
	struct rt_listener *listener = ctx;

	sim_listener_notice(listener->listener);
}

int
rt_listener_create(struct rt *rt, int fd, rt_accept_fn *fn, void *ctx,
		   struct rt_listener **ret_listener)
{
	struct sim_desc *desc = sim_fd(rt, fd);
	struct rt_listener *listener;

	if (!desc || desc->kind != SIM_LISTENER)
		return -EBADF;
	listener = MEM_NEW(&rt->mem, struct rt_listener);
	if (!listener)
		return ERR_NO_MEMORY;
	listener->rt = rt;
	listener->listener = desc->u.listener;
	listener->fd = fd;
	listener->fn = fn;
	listener->ctx = ctx;
	listener->source = (struct sim_source){.rt = rt, .fn = listener_run, .ctx = listener};
	rt_timer_init(&listener->rest, rt, on_rest_over, listener);
	list_push_back(&desc->u.listener->owners, &listener->of_listener);
	sim_listener_notice(desc->u.listener);
	*ret_listener = listener;
	return 0;
}

void
rt_listener_pause(struct rt_listener *listener, bool paused)
{
	listener->paused = paused;
	if (paused)
		rt_timer_disarm(&listener->rest);
	else
		sim_listener_notice(listener->listener);
}

void
rt_listener_destroy(struct rt_listener **listener_at)
{
	struct rt_listener *listener = *listener_at;

	*listener_at = NULL;
	if (!listener)
		return;
	list_remove(&listener->of_listener);
	list_remove(&listener->source.node);
	rt_timer_finish(&listener->rest);
	rt_close(listener->rt, listener->fd);
	listener->dead = true;
	if (!listener->busy)
		mem_give(&listener->rt->mem, listener, sizeof(*listener));
}

int
rt_listener_addr(const struct rt_listener *listener, struct net_addr *ret_addr)
{
	if (listener->listener->addr.family == NET_FAMILY_NONE)
		return ERR_UNSUPPORTED;
	*ret_addr = listener->listener->addr;
	return 0;
}

void
sim_net_abandon(struct rt *rt)
{
	struct sim_world *world = rt->proc->world;
	struct list_node *at = list_first(&world->listeners), *node, *next;

	for (; at; at = list_next(&world->listeners, at)) {
		struct sim_listener *listener = CONTAINER_OF(at, struct sim_listener, node);

		for (node = list_first(&listener->owners); node; node = next) {
			next = list_next(&listener->owners, node);
			if (CONTAINER_OF(node, struct rt_listener, of_listener)->rt == rt)
				list_remove(node);
		}
	}
}
