/*
 * sim/net: streams and listeners for actors.
 */
#include <errno.h>

#include "rt/sim/impl.h"

static void
on_backlog(void *ctx)
{
	struct sim_listener *listener = ctx;
	struct sim_sock *sock;

	while (!listener->closed && (sock = sim_listener_take(listener)))
		listener->fn(listener->ctx, sock);
}

void
sim_listener_actor_notice(struct sim_listener *listener)
{
	if (!sim_pending(&listener->event))
		sim_after(listener->world, &listener->event, sim_between(listener->world, 1, 50),
			  on_backlog, listener);
}

struct sim_listener *
sim_listen(struct sim_world *world, const struct net_addr *addr, sim_accept_fn *fn, void *ctx)
{
	struct sim_listener *listener = sim_listener_make(world, addr);

	listener->fn = fn;
	listener->ctx = ctx;
	return listener;
}

void
sim_listener_silent(struct sim_listener *listener, bool silent)
{
	listener->silent = silent;
}

void
sim_listener_close(struct sim_listener **listener)
{
	if (!*listener)
		return;
	(*listener)->closed = true;
	sim_listener_unref(*listener);
	*listener = NULL;
}

struct sim_sock *
sim_connect(struct sim_world *world, const struct net_addr *to, const struct net_addr *from,
	    sim_sock_fn *fn, void *ctx)
{
	struct sim_sock *sock = sim_sock_make(world);
	int err;

	sock->local = *from;
	sock->local.port = 0;
	sim_sock_set(sock, fn, ctx);
	err = sim_sock_connect(sock, to);
	ASSERT(!err);
	return sock;
}

void
sim_sock_set(struct sim_sock *sock, sim_sock_fn *fn, void *ctx)
{
	sock->fn = fn;
	sock->ctx = ctx;
}

int
sim_sock_state(const struct sim_sock *sock)
{
	if (sock->err)
		return -sock->err;
	return sock->connected ? 0 : ERR_AGAIN;
}

ssize_t
sim_sock_recv(struct sim_sock *sock, void *buf, size_t len)
{
	return sim_sock_take(sock, buf, len);
}

ssize_t
sim_sock_send(struct sim_sock *sock, struct slice bytes)
{
	return sim_sock_give(sock, &bytes, 1);
}

void
sim_sock_close(struct sim_sock **sock, bool hard)
{
	if (*sock)
		sim_sock_finish(*sock, hard);
	*sock = NULL;
}

struct net_addr
sim_sock_peer(const struct sim_sock *sock)
{
	return sock->remote;
}

void
sim_net_finish(struct sim_world *world)
{
	struct list_node *node;

	while ((node = list_first(&world->listeners))) {
		struct sim_listener *listener = CONTAINER_OF(node, struct sim_listener, node);

		listener->refs = 1;
		sim_listener_unref(listener);
	}
	sim_socks_finish(world);
}
