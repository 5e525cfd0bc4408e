/*
 * Streams between any two, and who listens where. What is under way arrives in order, some time
 * later; a receiver that does not read stops its sender. Bytes for somebody who has closed are
 * answered by a reset, as TCP does.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "rt/sim/impl.h"

#define WAY_US_MIN 20
#define WAY_US_MAX 2000
#define SLOW_US_MAX 20000000
#define PPM 1000000u
#define BACKLOG_MAX 4096
#define CONNECT_TIMEOUT_US ((uint64_t)127 * 1000000)
#define POWER_CUT_US_MAX ((uint64_t)60 * 1000000)
#define WINDOW_BITS_MIN 10
#define WINDOW_BITS_MAX 16
#define RX_FIRST_CAP 512

enum way_kind { WAY_DATA, WAY_FIN, WAY_RESET, WAY_CONNECT, WAY_CONNECTED };

struct sim_way {
	struct sim_event event;
	struct list_node node;
	struct sim_sock *to;
	enum way_kind kind;
	size_t len;
	uint8_t data[];
};

static void on_arrival(void *ctx);

struct sim_sock *
sim_sock_make(struct sim_world *world)
{
	struct sim_sock *sock = sim_take(world, sizeof(*sock));

	sock->world = world;
	sock->refs = 1;
	sock->held = true;
	sock->window = (size_t)1 << sim_between(world, WINDOW_BITS_MIN, WINDOW_BITS_MAX);
	list_init(&sock->ways);
	list_push_back(&world->socks, &sock->node);
	return sock;
}

void
sim_sock_unref(struct sim_sock *sock)
{
	ASSERT(sock->refs > 0);
	if (--sock->refs > 0)
		return;
	ASSERT(list_empty(&sock->ways));
	sim_cancel(&sock->notice);
	list_remove(&sock->node);
	list_remove(&sock->backlog);
	free(sock->rx);
	free(sock);
}

static void
on_notice(void *ctx)
{
	struct sim_sock *sock = ctx;

	if (sock->held && sock->fn)
		sock->fn(sock->ctx);
}

static void
notify(struct sim_sock *sock)
{
	if (sock->owner)
		sim_stream_notice(sock->owner);
	else if (sock->fn && !sim_pending(&sock->notice))
		sim_after(sock->world, &sock->notice, sim_between(sock->world, 1, 50), on_notice,
			  sock);
}

static uint64_t
way_us(struct sim_world *world)
{
	if (world->fault_ppm[SIM_FAULT_SLOW_NET] &&
	    sim_below(world, PPM) < world->fault_ppm[SIM_FAULT_SLOW_NET]) {
		world->fault_count[SIM_FAULT_SLOW_NET]++;
		return sim_below(world, SLOW_US_MAX);
	}
	return sim_between(world, WAY_US_MIN, WAY_US_MAX);
}

static struct sim_way *
way_make(struct sim_sock *to, enum way_kind kind, size_t len, uint64_t after_us)
{
	struct sim_world *world = to->world;
	struct sim_way *way = sim_take(world, sizeof(*way) + len);
	uint64_t at_us = world->now_us + after_us;

	if (at_us <= to->last_us)
		at_us = to->last_us + 1;
	to->last_us = at_us;
	way->to = to;
	way->kind = kind;
	way->len = len;
	to->refs++;
	list_push_back(&to->ways, &way->node);
	sim_after(world, &way->event, at_us - world->now_us, on_arrival, way);
	return way;
}

static void
way_free(struct sim_way *way)
{
	struct sim_sock *to = way->to;

	sim_cancel(&way->event);
	list_remove(&way->node);
	free(way);
	sim_sock_unref(to);
}

static void
peers_part(struct sim_sock *sock)
{
	struct sim_sock *peer = sock->peer;

	if (!peer)
		return;
	sock->peer = NULL;
	peer->peer = NULL;
	sim_sock_unref(peer);
	sim_sock_unref(sock);
}

static void
fail(struct sim_sock *sock, int error)
{
	sock->connecting = false;
	sock->err = error;
	if (error == ECONNRESET && sim_below(sock->world, 2))
		sock->rx_from = sock->rx_to;
	notify(sock);
}

static void
data_arrives(struct sim_sock *sock, const struct sim_way *way)
{
	sock->under_way -= way->len;
	if (!sock->held || sock->err) {
		if (sock->peer)
			(void)way_make(sock->peer, WAY_RESET, 0, way_us(sock->world));
		return;
	}
	if (sock->rx_from == sock->rx_to)
		sock->rx_from = sock->rx_to = 0;
	if (sock->rx_to + way->len > sock->rx_cap) {
		size_t cap = sock->rx_cap ? sock->rx_cap : RX_FIRST_CAP;

		while (cap < sock->rx_to + way->len)
			cap *= 2;
		sock->rx = realloc(sock->rx, cap);
		ASSERT(sock->rx);
		sock->rx_cap = cap;
	}
	memcpy(sock->rx + sock->rx_to, way->data, way->len);
	sock->rx_to += way->len;
	notify(sock);
}

/* At the listener, if there is one. */
static void
connect_arrives(struct sim_sock *sock)
{
	struct sim_world *world = sock->world;
	struct sim_listener *listener = sim_listener_find(world, &sock->remote);
	struct sim_sock *server;

	if (!sock->held)
		return;
	if (!listener) {
		fail(sock, ECONNREFUSED);
		return;
	}
	if (listener->silent || listener->backlog_count >= BACKLOG_MAX) {
		sock->connecting = true;
		(void)way_make(sock, WAY_RESET, 0, CONNECT_TIMEOUT_US);
		return;
	}
	server = sim_sock_make(world);
	server->connected = true;
	server->local = sock->remote;
	server->remote = sock->local;
	server->peer = sock;
	sock->peer = server;
	sock->refs++;
	server->refs++;
	list_push_back(&listener->backlog, &server->backlog);
	listener->backlog_count++;
	(void)way_make(sock, WAY_CONNECTED, 0, way_us(world));
	sim_listener_notice(listener);
}

static void
on_arrival(void *ctx)
{
	struct sim_way *way = ctx;
	struct sim_sock *sock = way->to;

	sim_hash_add(sock->world, (uint64_t)way->kind << 32 ^ way->len);
	switch (way->kind) {
	case WAY_DATA:
		data_arrives(sock, way);
		break;
	case WAY_FIN:
		sock->eof = true;
		notify(sock);
		break;
	case WAY_RESET:
		fail(sock, sock->connecting ? ETIMEDOUT : ECONNRESET);
		peers_part(sock);
		break;
	case WAY_CONNECT:
		connect_arrives(sock);
		break;
	case WAY_CONNECTED:
		sock->connecting = false;
		sock->connected = true;
		notify(sock);
		break;
	}
	way_free(way);
}

int
sim_sock_connect(struct sim_sock *sock, const struct net_addr *to)
{
	struct sim_world *world = sock->world;

	sock->remote = *to;
	if (sock->local.port == 0)
		sock->local.port = world->next_port++;
	if (world->next_port == 0)
		world->next_port = 32768;
	sock->connecting = true;
	(void)way_make(sock, WAY_CONNECT, 0, way_us(world));
	return 0;
}

static size_t
room(const struct sim_sock *to)
{
	size_t waits = to->rx_to - to->rx_from + to->under_way;

	return waits < to->window ? to->window - waits : 0;
}

unsigned
sim_sock_events(const struct sim_sock *sock)
{
	unsigned events = 0;

	if (sock->rx_to > sock->rx_from || sock->eof || sock->err)
		events |= RT_READABLE;
	if (sock->err ||
	    (sock->connected && (!sock->peer || !sock->peer->held || room(sock->peer))))
		events |= RT_WRITABLE;
	return events;
}

ssize_t
sim_sock_take(struct sim_sock *sock, void *buf, size_t len)
{
	size_t have = sock->rx_to - sock->rx_from;

	if (!have && sock->err)
		return -sock->err;
	if (!have)
		return sock->eof ? ERR_EOF : ERR_AGAIN;
	if (len > have)
		len = have;
	memcpy(buf, sock->rx + sock->rx_from, len);
	sock->rx_from += len;
	if (sock->peer)
		notify(sock->peer);
	return (ssize_t)len;
}

ssize_t
sim_sock_give(struct sim_sock *sock, const struct slice *slices, size_t count)
{
	struct sim_world *world = sock->world;
	size_t total = 0, put = 0, can;
	struct sim_way *way;

	if (sock->err)
		return -sock->err;
	if (!sock->connected)
		return ERR_AGAIN;
	if (sock->shut || !sock->peer)
		return -EPIPE;
	for (size_t i = 0; i < count; i++)
		total += slices[i].len;
	can = room(sock->peer);
	if (!can && sock->peer->held)
		return ERR_AGAIN;
	if (!sock->peer->held)
		can = total;
	if (total > can)
		total = can;
	if (total == 0)
		return 0;
	way = way_make(sock->peer, WAY_DATA, total, way_us(world));
	sock->peer->under_way += total;
	for (size_t i = 0; i < count && put < total; i++) {
		size_t part = slices[i].len < total - put ? slices[i].len : total - put;

		if (part)
			memcpy(way->data + put, slices[i].data, part);
		put += part;
	}
	return (ssize_t)total;
}

void
sim_sock_shut(struct sim_sock *sock)
{
	if (sock->shut || !sock->peer || sock->err)
		return;
	sock->shut = true;
	(void)way_make(sock->peer, WAY_FIN, 0, way_us(sock->world));
}

void
sim_sock_break(struct sim_sock *sock)
{
	if (sock->err)
		return;
	sock->err = ECONNRESET;
	if (sock->peer)
		(void)way_make(sock->peer, WAY_RESET, 0, way_us(sock->world));
	peers_part(sock);
}

void
sim_sock_finish(struct sim_sock *sock, bool hard)
{
	struct sim_world *world = sock->world;
	bool unread = sock->rx_to > sock->rx_from;

	sock->held = false;
	sock->owner = NULL;
	sock->fn = NULL;
	sim_cancel(&sock->notice);
	if (sock->peer && world->power_is_out) {
		(void)way_make(sock->peer, WAY_RESET, 0, sim_below(world, POWER_CUT_US_MAX));
		peers_part(sock);
	} else if (sock->peer && (hard || unread)) {
		(void)way_make(sock->peer, WAY_RESET, 0, way_us(world));
		peers_part(sock);
	} else if (sock->peer && !sock->peer->held) {
		peers_part(sock);
	} else {
		sim_sock_shut(sock);
	}
	sim_sock_unref(sock);
}

/* --- listeners ------------------------------------------------------------------------------- */

struct sim_listener *
sim_listener_make(struct sim_world *world, const struct net_addr *addr)
{
	struct sim_listener *listener = sim_take(world, sizeof(*listener));

	listener->world = world;
	listener->refs = 1;
	listener->addr = *addr;
	list_init(&listener->backlog);
	list_init(&listener->owners);
	list_push_back(&world->listeners, &listener->node);
	return listener;
}

void
sim_listener_unref(struct sim_listener *listener)
{
	struct sim_sock *sock;

	if (--listener->refs > 0)
		return;
	while ((sock = sim_listener_take(listener)))
		sim_sock_finish(sock, true);
	sim_cancel(&listener->event);
	list_remove(&listener->node);
	free(listener);
}

struct sim_listener *
sim_listener_find(struct sim_world *world, const struct net_addr *addr)
{
	struct list_node *node = list_first(&world->listeners);

	for (; node; node = list_next(&world->listeners, node)) {
		struct sim_listener *listener = CONTAINER_OF(node, struct sim_listener, node);

		if (listener->addr.port == addr->port && net_addr_eq(&listener->addr, addr))
			return listener;
	}
	return NULL;
}

struct sim_sock *
sim_listener_take(struct sim_listener *listener)
{
	struct list_node *node = list_pop_front(&listener->backlog);

	if (!node)
		return NULL;
	listener->backlog_count--;
	return CONTAINER_OF(node, struct sim_sock, backlog);
}

void
sim_socks_finish(struct sim_world *world)
{
	struct list_node *node, *way;

	while ((node = list_first(&world->socks))) {
		struct sim_sock *sock = CONTAINER_OF(node, struct sim_sock, node);

		sock->refs++;
		while ((way = list_first(&sock->ways)))
			way_free(CONTAINER_OF(way, struct sim_way, node));
		peers_part(sock);
		/* Whoever held it is gone. */
		sock->refs = 1;
		sim_sock_unref(sock);
	}
}
