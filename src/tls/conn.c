/*
 * tls/conn: OpenSSL over a BIO whose reads and writes are those of the rt_stream, so that no byte
 * is copied between. TLS may need to write in order to read and the other way round; what each side
 * waits for is kept apart and joined into one wish to the stream. Decrypted bytes that wait inside
 * OpenSSL make no descriptor readable: a hook at the end of the turn stands in for it.
 */
#include "tls/conn.h"

#include <string.h>

#include "base/assert.h"
#include "tls/openssl.h"

/* One TLS record's worth; small slices are joined up to it. */
#define GATHER_MAX ((size_t)16384)
#define BINDING_LABEL "EXPORTER-Channel-Binding"
/* Not from BIO_get_new_index, which has only 127 to give in a process's life. */
#define BIO_TYPE_RT_STREAM (BIO_TYPE_SOURCE_SINK | 126)

struct conn {
	struct rt_stream *stream;
	struct rt *rt;
	conn_fn *fn;
	void *ctx;
	struct tls_context *context; /* NULL: no TLS */
	SSL *ssl;
	struct rt_timer deadline;
	struct rt_hook buffered;
	int tls_result;			/* as conn_tls_result */
	int stream_err;			/* the last error of the stream under TLS */
	uint8_t wanted;			/* by the owner */
	uint8_t recv_needs, send_needs; /* what the stream must be for it */
	bool broken;			/* a fatal TLS error: no close_notify */
	struct tls_why why;
};

static int
stream_bio_write(BIO *bio, const char *data, int len)
{
	struct conn *conn = BIO_get_data(bio);
	struct slice slice = {(const uint8_t *)data, (size_t)len};
	ssize_t put = rt_stream_send(conn->stream, &slice, 1);

	BIO_clear_retry_flags(bio);
	if (put >= 0)
		return (int)put;
	if (put == ERR_AGAIN)
		BIO_set_retry_write(bio);
	else
		conn->stream_err = (int)put;
	return -1;
}

static int
stream_bio_read(BIO *bio, char *buf, int len)
{
	struct conn *conn = BIO_get_data(bio);
	ssize_t got;

	BIO_clear_retry_flags(bio);
	if (len <= 0)
		return 0;
	got = rt_stream_recv(conn->stream, buf, (size_t)len);
	if (got >= 0)
		return (int)got;
	if (got == ERR_AGAIN) {
		BIO_set_retry_read(bio);
		return -1;
	}
	conn->stream_err = (int)got;
	return got == ERR_EOF ? 0 : -1;
}

static long
stream_bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
	struct conn *conn = BIO_get_data(bio);

	(void)number;
	(void)pointer;
	if (command == BIO_CTRL_EOF)
		return conn->stream_err == ERR_EOF;
	return command == BIO_CTRL_FLUSH;
}

BIO_METHOD *
tls_stream_bio_create(void)
{
	BIO_METHOD *method = BIO_meth_new(BIO_TYPE_RT_STREAM, "rt_stream");

	if (!method)
		return NULL;
	BIO_meth_set_write(method, stream_bio_write);
	BIO_meth_set_read(method, stream_bio_read);
	BIO_meth_set_ctrl(method, stream_bio_ctrl);
	return method;
}

static bool
tls_on(const struct conn *conn)
{
	return conn->ssl && conn->tls_result == 0;
}

static bool
handshaking(const struct conn *conn)
{
	return conn->ssl && conn->tls_result == ERR_AGAIN;
}

/* Tells the stream what is waited for, and sees to bytes that OpenSSL holds. */
static void
wish_update(struct conn *conn)
{
	unsigned wish = 0;

	/* During the handshake the owner's wishes wait: they would only turn the loop. */
	if (conn->wanted & RT_READABLE || handshaking(conn))
		wish |= conn->recv_needs;
	if (conn->wanted & RT_WRITABLE && !handshaking(conn))
		wish |= conn->send_needs;
	rt_stream_want(conn->stream, wish);
	if (conn->wanted & RT_READABLE && tls_on(conn) && SSL_pending(conn->ssl))
		rt_at_turn_end(conn->rt, &conn->buffered);
}

static void
handshake_end(struct conn *conn, int result)
{
	conn->tls_result = result;
	rt_timer_disarm(&conn->deadline);
	conn->recv_needs = RT_READABLE;
	conn->send_needs = RT_WRITABLE;
	if (result < 0)
		conn->broken = true;
	wish_update(conn);
	conn->fn(conn->ctx, RT_WRITABLE);
}

/* The error behind a failed SSL call. */
static int
failure_of(struct conn *conn, const char *what)
{
	int err = conn->stream_err ? conn->stream_err : ERR_TLS;

	conn->broken = true;
	tls_why_fill(&conn->why, what);
	return err;
}

static void
handshake_step(struct conn *conn)
{
	int rc;

	ERR_clear_error();
	rc = SSL_do_handshake(conn->ssl);
	if (rc == 1) {
		handshake_end(conn, 0);
		return;
	}
	switch (SSL_get_error(conn->ssl, rc)) {
	case SSL_ERROR_WANT_READ:
		conn->recv_needs = RT_READABLE;
		break;
	case SSL_ERROR_WANT_WRITE:
		conn->recv_needs = RT_WRITABLE;
		break;
	default:
		handshake_end(conn, failure_of(conn, "handshake failed"));
		return;
	}
	wish_update(conn);
}

static void
stream_ready(void *ctx, unsigned events)
{
	struct conn *conn = ctx;
	unsigned out = 0;

	if (handshaking(conn)) {
		handshake_step(conn);
		return;
	}
	if (conn->wanted & RT_READABLE && events & conn->recv_needs)
		out |= RT_READABLE;
	if (conn->wanted & RT_WRITABLE && events & conn->send_needs)
		out |= RT_WRITABLE;
	if (out)
		conn->fn(conn->ctx, out);
}

/* OpenSSL holds bytes that the owner did not read: as if the stream were readable, once a turn. */
static void
buffered_ready(void *ctx)
{
	struct conn *conn = ctx;

	if (!(conn->wanted & RT_READABLE) || !tls_on(conn) || !SSL_pending(conn->ssl))
		return;
	rt_at_turn_end(conn->rt, &conn->buffered);
	conn->fn(conn->ctx, RT_READABLE);
}

static void
deadline_passed(void *ctx)
{
	struct conn *conn = ctx;

	handshake_end(conn, ERR_TIMEOUT);
}

int
conn_create(struct rt_stream *stream, conn_fn *fn, void *ctx, struct conn **ret_conn)
{
	struct rt *rt = rt_stream_rt(stream);
	struct conn *conn = MEM_NEW(rt_mem(rt), struct conn);

	if (!conn) {
		rt_stream_destroy(&stream);
		return ERR_NO_MEMORY;
	}
	*conn = (struct conn){
		.stream = stream,
		.rt = rt,
		.fn = fn,
		.ctx = ctx,
		.tls_result = ERR_STATE,
		.recv_needs = RT_READABLE,
		.send_needs = RT_WRITABLE,
	};
	rt_timer_init(&conn->deadline, rt, deadline_passed, conn);
	rt_hook_init(&conn->buffered, buffered_ready, conn);
	rt_stream_on_ready(stream, stream_ready, conn);
	*ret_conn = conn;
	return 0;
}

void
conn_on_ready(struct conn *conn, conn_fn *fn, void *ctx)
{
	conn->fn = fn;
	conn->ctx = ctx;
}

void
conn_destroy(struct conn **conn)
{
	struct conn *c = *conn;

	if (!c)
		return;
	rt_timer_finish(&c->deadline);
	rt_hook_finish(&c->buffered);
	SSL_free(c->ssl);
	tls_context_unref(&c->context);
	rt_stream_destroy(&c->stream);
	mem_give(rt_mem(c->rt), c, sizeof(*c));
	*conn = NULL;
}

void
conn_want(struct conn *conn, unsigned events)
{
	conn->wanted = (uint8_t)events;
	wish_update(conn);
}

/* The answer for a call that got rc; *needs is what to wait for before the next. */
static ssize_t
io_result(struct conn *conn, int rc, uint8_t *needs, const char *what)
{
	switch (SSL_get_error(conn->ssl, rc)) {
	case SSL_ERROR_WANT_READ:
		*needs = RT_READABLE;
		return ERR_AGAIN;
	case SSL_ERROR_WANT_WRITE:
		*needs = RT_WRITABLE;
		return ERR_AGAIN;
	case SSL_ERROR_ZERO_RETURN:
		return ERR_EOF;
	default:
		return failure_of(conn, what);
	}
}

/* ERR_STATE: no TLS, go on to the stream. */
static int
tls_state(const struct conn *conn)
{
	if (!conn->ssl)
		return ERR_STATE;
	if (conn->tls_result < 0)
		return conn->tls_result;
	return conn->broken ? ERR_TLS : 0;
}

ssize_t
conn_recv(struct conn *conn, void *buf, size_t len)
{
	int rc, state = tls_state(conn);
	uint8_t needed = conn->recv_needs;
	ssize_t got;

	ASSERT(len > 0);
	if (state == ERR_STATE)
		return rt_stream_recv(conn->stream, buf, len);
	if (state < 0)
		return state;
	conn->recv_needs = RT_READABLE;
	ERR_clear_error();
	rc = SSL_read(conn->ssl, buf, len > GATHER_MAX ? (int)GATHER_MAX : (int)len);
	got = rc > 0 ? rc : io_result(conn, rc, &conn->recv_needs, "reading failed");
	/* What is wanted stays wanted: the owner need not say so again. */
	if (SSL_pending(conn->ssl) || conn->recv_needs != needed)
		wish_update(conn);
	return got;
}

/* Joins the slices' first bytes in buf, or answers the first slice itself when it fills a record
 * alone. OpenSSL wants a repeated write to offer at least as much as before; the same bytes in
 * front and one maximum give that. */
static struct slice
gather(const struct slice *slices, size_t count, uint8_t buf[GATHER_MAX])
{
	struct slice whole = {buf, 0};

	for (size_t i = 0; i < count && whole.len < GATHER_MAX; i++) {
		struct slice part = slice_sub(slices[i], 0, GATHER_MAX - whole.len);

		if (part.len == GATHER_MAX || (whole.len == 0 && i + 1 == count))
			return part;
		if (part.len)
			memcpy(buf + whole.len, part.data, part.len);
		whole.len += part.len;
	}
	return whole;
}

ssize_t
conn_send(struct conn *conn, const struct slice *slices, size_t count)
{
	uint8_t buf[GATHER_MAX];
	struct slice data;
	int rc, state = tls_state(conn);
	uint8_t needed = conn->send_needs;
	ssize_t put;

	if (state == ERR_STATE)
		return rt_stream_send(conn->stream, slices, count);
	if (state < 0)
		return state;
	data = gather(slices, count, buf);
	if (data.len == 0)
		return 0;
	conn->send_needs = RT_WRITABLE;
	ERR_clear_error();
	rc = SSL_write(conn->ssl, data.data, (int)data.len);
	put = rc > 0 ? rc : io_result(conn, rc, &conn->send_needs, "writing failed");
	if (conn->send_needs != needed)
		wish_update(conn);
	return put;
}

void
conn_shutdown(struct conn *conn)
{
	if (tls_on(conn) && !conn->broken) {
		ERR_clear_error();
		/* Best effort: what does not fit into the socket now is not worth waiting for. */
		(void)SSL_shutdown(conn->ssl);
		ERR_clear_error();
	}
	rt_stream_shutdown(conn->stream);
}

int
conn_connect_result(struct conn *conn)
{
	return rt_stream_connect_result(conn->stream);
}

static SSL *
ssl_make(struct conn *conn, const struct conn_tls_options *options)
{
	SSL *ssl = SSL_new(options->context->ctx);
	BIO *bio = BIO_new(options->context->stream_bio);

	if (!ssl || !bio ||
	    (options->server_name && SSL_set_tlsext_host_name(ssl, options->server_name) != 1)) {
		SSL_free(ssl);
		BIO_free(bio);
		return NULL;
	}
	BIO_set_data(bio, conn);
	BIO_set_init(bio, 1);
	SSL_set_bio(ssl, bio, bio);
	if (options->context->server)
		SSL_set_accept_state(ssl);
	else
		SSL_set_connect_state(ssl);
	return ssl;
}

int
conn_tls_start(struct conn *conn, const struct conn_tls_options *options)
{
	if (conn->ssl)
		return ERR_STATE;
	ERR_clear_error();
	conn->ssl = ssl_make(conn, options);
	if (!conn->ssl)
		return ERR_NO_MEMORY;
	conn->context = tls_context_ref(options->context);
	conn->tls_result = ERR_AGAIN;
	/* A client speaks first, a server waits; the stream calls either way. */
	conn->recv_needs = conn->context->server ? RT_READABLE : RT_WRITABLE;
	rt_timer_arm(&conn->deadline, options->deadline_ms);
	wish_update(conn);
	return 0;
}

int
conn_tls_result(const struct conn *conn)
{
	return conn->tls_result;
}

const char *
conn_tls_why(const struct conn *conn)
{
	return conn->why.text;
}

struct conn_tls_info
conn_tls_info(const struct conn *conn)
{
	ASSERT(tls_on(conn));
	return (struct conn_tls_info){
		.version = SSL_get_version(conn->ssl),
		.cipher = SSL_get_cipher_name(conn->ssl),
		.bits = (unsigned)SSL_get_cipher_bits(conn->ssl, NULL),
		.resumed = SSL_session_reused(conn->ssl) == 1,
	};
}

int
conn_tls_binding(const struct conn *conn, uint8_t ret_binding[CONN_BINDING_LEN])
{
	if (!tls_on(conn) || SSL_version(conn->ssl) < TLS1_3_VERSION)
		return ERR_UNSUPPORTED;
	ERR_clear_error();
	if (SSL_export_keying_material(conn->ssl, ret_binding, CONN_BINDING_LEN, BINDING_LABEL,
				       sizeof(BINDING_LABEL) - 1, NULL, 0, 1) != 1)
		return ERR_TLS;
	return 0;
}

struct net_addr
conn_peer(const struct conn *conn)
{
	return rt_stream_peer(conn->stream);
}

struct net_addr
conn_local(const struct conn *conn)
{
	return rt_stream_local(conn->stream);
}
