/*
 * sim/net: the other side of the simulated network, for actors that are no processes: remote hosts
 * and clients. The same streams that processes have by rt/net.h; callbacks come as events, never
 * from inside a call.
 */
#ifndef RT_SIM_NET_H
#define RT_SIM_NET_H

#include <sys/types.h>

#include "base/slice.h"
#include "rt/sim/sim.h"

struct sim_sock;
struct sim_listener;

/* Something may have changed: bytes, room, an end. */
typedef void sim_sock_fn(void *ctx);
/* The owner must call sim_sock_set for it. */
typedef void sim_accept_fn(void *ctx, struct sim_sock *sock);

/* Listens at an address; silent: connections are neither taken nor refused. */
struct sim_listener *sim_listen(struct sim_world *world, const struct net_addr *addr,
				sim_accept_fn *fn, void *ctx);
void sim_listener_silent(struct sim_listener *listener, bool silent);
void sim_listener_close(struct sim_listener **listener);

struct sim_sock *sim_connect(struct sim_world *world, const struct net_addr *to,
			     const struct net_addr *from, sim_sock_fn *fn, void *ctx);
void sim_sock_set(struct sim_sock *sock, sim_sock_fn *fn, void *ctx);
/* 0 connected, ERR_AGAIN not yet, else the error. */
int sim_sock_state(const struct sim_sock *sock);
/* As rt_stream_recv and rt_stream_send. */
ssize_t sim_sock_recv(struct sim_sock *sock, void *buf, size_t len) MUST_USE;
ssize_t sim_sock_send(struct sim_sock *sock, struct slice bytes) MUST_USE;
/* FIN; or RST when hard. No callback comes any more. */
void sim_sock_close(struct sim_sock **sock, bool hard);
struct net_addr sim_sock_peer(const struct sim_sock *sock);

#endif
