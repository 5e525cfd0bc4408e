/*
 * rt/net: TCP and Unix stream sockets by readiness. recv and send never block; when they answer
 * ERR_AGAIN the owner asks by rt_stream_want to be called when it may try again. tls/conn puts
 * TLS over a stream in the same style.
 */
#ifndef RT_NET_H
#define RT_NET_H

#include <sys/types.h>

#include "base/net_addr.h"
#include "rt/rt.h"

#define RT_LISTEN_BACKLOG 4096
#define RT_ACCEPTS_PER_TURN 64
#define RT_SEND_SLICES_MAX 64

struct rt_stream;

/* events: RT_READABLE, RT_WRITABLE; both stay wanted until changed. */
typedef void rt_stream_fn(void *ctx, unsigned events);

/* Binds and listens (super). IPv6 sockets take IPv6 only. */
int rt_listen(struct rt *rt, const struct net_addr *addr, int *ret_fd) MUST_USE;
/* Unix socket at name below the directory; an old one is replaced; mode of the socket file. */
int rt_listen_unix(struct rt *rt, int dir_fd, const char *name, unsigned mode,
		   int *ret_fd) MUST_USE;

struct rt_listener;
/* The callback owns the stream. Accepting stops by itself for a second when the system is out of
 * descriptors; err then is -EMFILE or the like and stream NULL, so that the owner can log it. */
typedef void rt_accept_fn(void *ctx, struct rt_stream *stream, int err);
int rt_listener_create(struct rt *rt, int fd, rt_accept_fn *fn, void *ctx,
		       struct rt_listener **ret_listener) MUST_USE;
void rt_listener_pause(struct rt_listener *listener, bool paused);
/* Closes the descriptor. */
void rt_listener_destroy(struct rt_listener **listener);
int rt_listener_addr(const struct rt_listener *listener, struct net_addr *ret_addr) MUST_USE;

/* Starts to connect; from may be NULL. The stream becomes writable when it is connected or has
 * failed: rt_stream_connect_result then tells. TCP_NODELAY is set. */
int rt_stream_connect(struct rt *rt, const struct net_addr *to, const struct net_addr *from,
		      struct rt_stream **ret_stream) MUST_USE;
int rt_stream_connect_unix(struct rt *rt, const char *path, struct rt_stream **ret_stream) MUST_USE;
/* 0 when connected, ERR_AGAIN while not yet, else the error. */
int rt_stream_connect_result(struct rt_stream *stream) MUST_USE;

/* Must be set before rt_stream_want. */
void rt_stream_on_ready(struct rt_stream *stream, rt_stream_fn *fn, void *ctx);
void rt_stream_want(struct rt_stream *stream, unsigned events);

/* > 0 bytes read; ERR_EOF; ERR_AGAIN; -errno. */
ssize_t rt_stream_recv(struct rt_stream *stream, void *buf, size_t len) MUST_USE;
/* > 0 bytes taken (maybe fewer than all); ERR_AGAIN; -errno. count <= RT_SEND_SLICES_MAX. */
ssize_t rt_stream_send(struct rt_stream *stream, const struct slice *slices, size_t count) MUST_USE;
/* Sends what is queued, then FIN; reading goes on. */
void rt_stream_shutdown(struct rt_stream *stream);
/* Closes; no callback comes any more. */
void rt_stream_destroy(struct rt_stream **stream);

/* Addresses of this machine's interfaces, loopback left out; at most max. Answers how many: 0 too
 * when the system does not tell (in the sandbox). */
size_t rt_own_addrs(struct rt *rt, struct net_addr *addrs, size_t max);

struct net_addr rt_stream_peer(const struct rt_stream *stream);
struct net_addr rt_stream_local(const struct rt_stream *stream);
/* uid of the process at the other end of a Unix socket. */
int rt_stream_peer_uid(const struct rt_stream *stream, unsigned *ret_uid) MUST_USE;
struct rt *rt_stream_rt(const struct rt_stream *stream);

#endif
