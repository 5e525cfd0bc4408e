/*
 * tls/conn: a connection: an rt_stream that may turn on TLS. The same style of readiness as
 * rt_stream with and without TLS: try, and when the answer is ERR_AGAIN ask by conn_want to be
 * called when it is worth trying again.
 *
 * A send that answered ERR_AGAIN is tried again with the same bytes in front (more may follow).
 * Callbacks come from the loop, never from inside a call; a callback may destroy the connection.
 */
#ifndef TLS_CONN_H
#define TLS_CONN_H

#include "base/builder.h"
#include "rt/net.h"
#include "tls/context.h"

#define CONN_BINDING_LEN 32

struct conn;

/* events: RT_READABLE, RT_WRITABLE; both stay wanted until changed. */
typedef void conn_fn(void *ctx, unsigned events);

/* Owns stream from now on, also when it fails. */
int conn_create(struct rt_stream *stream, conn_fn *fn, void *ctx, struct conn **ret_conn) MUST_USE;
/* Another callback from now on (a connection that changes hands). */
void conn_on_ready(struct conn *conn, conn_fn *fn, void *ctx);
/* Closes; no callback comes any more. NULL is fine. */
void conn_destroy(struct conn **conn);

void conn_want(struct conn *conn, unsigned events);
/* > 0 bytes; ERR_AGAIN; ERR_EOF; ERR_TLS; -errno. */
ssize_t conn_recv(struct conn *conn, void *buf, size_t len) MUST_USE;
/* > 0 bytes taken (maybe fewer than all); ERR_AGAIN; ERR_TLS; -errno. */
ssize_t conn_send(struct conn *conn, const struct slice *slices, size_t count) MUST_USE;
/* Says goodbye (close_notify, FIN); reading goes on. */
void conn_shutdown(struct conn *conn);

/* 0 when connected, ERR_AGAIN while not yet, else the error: for streams that connect. */
int conn_connect_result(struct conn *conn) MUST_USE;

struct conn_tls_options {
	struct tls_context *context; /* a reference is taken; its kind says which side we are */
	const char *server_name;     /* client: SNI; NULL: none */
	uint64_t deadline_ms;	     /* for the handshake, from now */
};

/* Starts the handshake. What was received before and not yet read by the owner must be thrown away
 * by the owner (RFC 3207 4.2). The connection becomes writable, wanted or not, when the handshake
 * has ended: conn_tls_result then tells. ERR_NO_MEMORY, ERR_STATE. */
int conn_tls_start(struct conn *conn, const struct conn_tls_options *options) MUST_USE;
/* 0 when TLS is on; ERR_AGAIN during the handshake; ERR_TLS, ERR_TIMEOUT, ERR_EOF, -errno when it
 * failed; ERR_STATE when there is none. */
int conn_tls_result(const struct conn *conn) MUST_USE;
/* Why ERR_TLS, in OpenSSL's words; empty when there is nothing to say. */
const char *conn_tls_why(const struct conn *conn);

struct conn_tls_info {
	const char *version; /* "TLSv1.3" */
	const char *cipher;  /* "TLS_AES_256_GCM_SHA384" */
	unsigned bits;
	bool resumed;
};
/* Only when conn_tls_result is 0. */
struct conn_tls_info conn_tls_info(const struct conn *conn);
/* RFC 9266 tls-exporter. ERR_UNSUPPORTED below TLS 1.3 and without TLS: offer no -PLUS then. */
int conn_tls_binding(const struct conn *conn, uint8_t ret_binding[CONN_BINDING_LEN]) MUST_USE;

struct net_addr conn_peer(const struct conn *conn);
struct net_addr conn_local(const struct conn *conn);

#endif
