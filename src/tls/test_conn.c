/*
 * tls/conn: two ends in one loop over loopback: the same bytes arrive plain and encrypted, in
 * pieces of all sizes; handshakes fail and end in time; both ends know one channel binding; an idle
 * session stays small.
 */
#include <malloc.h>

#include "rt/test_rt.h"
#include "tls/conn.h"
#include "tls/test_pem.h"

#define BODY_LEN ((size_t)300000)

struct end {
	struct world *world;
	struct conn *conn;
	bool tls_done;
	size_t sent, received;
	unsigned reads;
	bool eof;
	int err;
};

struct world {
	struct test_rt t;
	struct rt_listener *listener;
	struct net_addr addr;
	struct tls_context *server_context, *client_context;
	struct test_pem pem;
	struct end server, client;
	struct conn **crowd; /* accepted one after the other, for tests with many */
	size_t crowd_count;
	size_t piece; /* size of reads and writes */
	uint8_t body[BODY_LEN];
};

static struct world w;

static void
end_ready(void *ctx, unsigned events)
{
	struct end *end = ctx;

	(void)events;
	end->tls_done = conn_tls_result(end->conn) != ERR_AGAIN;
	if (w.client.tls_done && w.server.tls_done)
		rt_stop(w.t.rt);
}

static void
on_accept(void *ctx, struct rt_stream *stream, int err)
{
	(void)ctx;
	assert_int_equal(err, 0);
	if (w.crowd) {
		assert_int_equal(
			conn_create(stream, end_ready, &w.server, &w.crowd[w.crowd_count++]), 0);
		return;
	}
	assert_int_equal(conn_create(stream, end_ready, &w.server, &w.server.conn), 0);
	rt_stop(w.t.rt);
}

static struct conn *
client_make(void)
{
	struct rt_stream *stream;
	struct conn *conn;

	assert_int_equal(rt_stream_connect(w.t.rt, &w.addr, NULL, &stream), 0);
	assert_int_equal(conn_create(stream, end_ready, &w.client, &conn), 0);
	return conn;
}

static void
world_begin(void)
{
	struct net_addr any = {.family = NET_FAMILY_4, .bytes = {127, 0, 0, 1}};
	struct tls_why why;
	int fd;

	memset(&w, 0, sizeof(w));
	test_rt_begin(&w.t);
	w.server.world = w.client.world = &w;
	test_pem_make(&w.pem);
	assert_int_equal(
		tls_context_server_create(rt_mem(w.t.rt), test_pem_slice(w.pem.certificate),
					  test_pem_slice(w.pem.key), &why, &w.server_context),
		0);
	assert_int_equal(tls_context_client_create(rt_mem(w.t.rt), &w.client_context), 0);
	assert_int_equal(rt_listen(w.t.rt, &any, &fd), 0);
	assert_int_equal(rt_listener_create(w.t.rt, fd, on_accept, NULL, &w.listener), 0);
	assert_int_equal(rt_listener_addr(w.listener, &w.addr), 0);
	for (size_t i = 0; i < BODY_LEN; i++)
		w.body[i] = (uint8_t)(i * 31 + (i >> 8));
}

static void
pair_make(void)
{
	w.client.conn = client_make();
	test_rt_run(&w.t);
	assert_non_null(w.server.conn);
}

static void
world_end(void)
{
	conn_destroy(&w.server.conn);
	conn_destroy(&w.client.conn);
	rt_listener_destroy(&w.listener);
	tls_context_unref(&w.server_context);
	tls_context_unref(&w.client_context);
	test_pem_free(&w.pem);
	test_rt_end(&w.t);
}

static void
handshake(void)
{
	struct conn_tls_options server = {.context = w.server_context, .deadline_ms = 5000};
	struct conn_tls_options client = {
		.context = w.client_context, .deadline_ms = 5000, .server_name = "mx.example.test"};

	assert_int_equal(conn_tls_start(w.server.conn, &server), 0);
	assert_int_equal(conn_tls_start(w.client.conn, &client), 0);
	assert_int_equal(conn_tls_start(w.client.conn, &client), ERR_STATE);
	test_rt_run(&w.t);
	assert_int_equal(conn_tls_result(w.server.conn), 0);
	assert_int_equal(conn_tls_result(w.client.conn), 0);
}

static void
sender_ready(void *ctx, unsigned events)
{
	struct end *end = ctx;
	ssize_t put = 1;

	assert_int_equal(events, RT_WRITABLE);
	while (end->sent < BODY_LEN && put > 0) {
		struct slice rest = {w.body + end->sent, BODY_LEN - end->sent};
		/* Small slices in front, so that they are joined. */
		struct slice parts[3] = {slice_sub(rest, 0, 3), slice_sub(rest, 3, w.piece),
					 slice_sub(rest, 3 + w.piece, w.piece)};

		put = conn_send(end->conn, parts, 3);
		if (put > 0)
			end->sent += (size_t)put;
	}
	assert_true(put > 0 || put == ERR_AGAIN);
	if (end->sent < BODY_LEN)
		return;
	conn_shutdown(end->conn);
	conn_want(end->conn, 0);
}

/* One read per callback, so that bytes stay behind in OpenSSL. */
static void
receiver_ready(void *ctx, unsigned events)
{
	struct end *end = ctx;
	uint8_t buf[70000];
	ssize_t got = conn_recv(end->conn, buf, w.piece);

	assert_int_equal(events, RT_READABLE);
	end->reads++;
	if (got > 0) {
		assert_memory_equal(buf, w.body + end->received, (size_t)got);
		end->received += (size_t)got;
	} else if (got != ERR_AGAIN) {
		assert_int_equal(got, ERR_EOF);
		conn_want(end->conn, 0);
		rt_stop(w.t.rt);
	}
}

static void
transfer(size_t piece, bool tls)
{
	world_begin();
	w.piece = piece;
	pair_make();
	if (tls)
		handshake();
	conn_on_ready(w.client.conn, sender_ready, &w.client);
	conn_on_ready(w.server.conn, receiver_ready, &w.server);
	conn_want(w.client.conn, RT_WRITABLE);
	conn_want(w.server.conn, RT_READABLE);
	test_rt_run(&w.t);
	assert_int_equal(w.server.received, BODY_LEN);
	world_end();
}

TEST(plain)
{
	transfer(1000, false);
	transfer(65536, false);
}

TEST(encrypted)
{
	static const size_t pieces[] = {100, 5000, 16384, 65536};

	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++)
		transfer(pieces[i], true);
}

TEST(session)
{
	uint8_t ours[CONN_BINDING_LEN], theirs[CONN_BINDING_LEN];
	struct conn_tls_info info;

	world_begin();
	pair_make();
	assert_int_equal(conn_tls_result(w.server.conn), ERR_STATE);
	assert_int_equal(conn_tls_binding(w.server.conn, ours), ERR_UNSUPPORTED);
	handshake();
	info = conn_tls_info(w.server.conn);
	assert_string_equal(info.version, "TLSv1.3");
	assert_true(info.bits >= 128);
	assert_int_equal(conn_tls_binding(w.server.conn, ours), 0);
	assert_int_equal(conn_tls_binding(w.client.conn, theirs), 0);
	assert_memory_equal(ours, theirs, sizeof(ours));
	/* A reload: the context goes, the session stays. */
	tls_context_unref(&w.server_context);
	assert_int_equal(conn_tls_binding(w.server.conn, ours), 0);
	world_end();
}

#define RECORD_LEN ((size_t)10000)

/* Never asks again by conn_want: what was wanted stays wanted. */
static void
record_ready(void *ctx, unsigned events)
{
	struct end *end = ctx;
	uint8_t buf[100];
	ssize_t got = conn_recv(end->conn, buf, sizeof(buf));

	assert_int_equal(events, RT_READABLE);
	end->received += got > 0 ? (size_t)got : 0;
	if (end->received == RECORD_LEN)
		rt_stop(w.t.rt);
}

/* Small reads of one record, with nothing behind it that would make the socket readable. */
TEST(record_in_small_reads)
{
	struct slice record = slice_of(w.body, RECORD_LEN);

	world_begin();
	pair_make();
	handshake();
	conn_on_ready(w.server.conn, record_ready, &w.server);
	conn_want(w.server.conn, RT_READABLE);
	assert_int_equal(conn_send(w.client.conn, &record, 1), RECORD_LEN);
	test_rt_run(&w.t);
	assert_int_equal(w.server.received, RECORD_LEN);
	world_end();
}

/* The client talks SMTP where the server waits for TLS. */
TEST(not_tls)
{
	struct conn_tls_options server = {.deadline_ms = 5000};
	struct slice text = SLICE("EHLO client.example.test\r\n");

	world_begin();
	pair_make();
	server.context = w.server_context;
	w.client.tls_done = true;
	assert_int_equal(conn_send(w.client.conn, &text, 1), text.len);
	assert_int_equal(conn_tls_start(w.server.conn, &server), 0);
	test_rt_run(&w.t);
	assert_int_equal(conn_tls_result(w.server.conn), ERR_TLS);
	assert_true(strlen(conn_tls_why(w.server.conn)) > 10);
	assert_int_equal(conn_send(w.server.conn, &text, 1), ERR_TLS);
	world_end();
}

TEST(silent_peer)
{
	struct conn_tls_options server = {.deadline_ms = 50};

	world_begin();
	pair_make();
	server.context = w.server_context;
	w.client.tls_done = true;
	assert_int_equal(conn_tls_start(w.server.conn, &server), 0);
	test_rt_run(&w.t);
	assert_int_equal(conn_tls_result(w.server.conn), ERR_TIMEOUT);
	world_end();
}

TEST(peer_closes)
{
	struct conn_tls_options server = {.deadline_ms = 5000};

	world_begin();
	pair_make();
	server.context = w.server_context;
	assert_int_equal(conn_tls_start(w.server.conn, &server), 0);
	conn_destroy(&w.client.conn);
	w.client.tls_done = true;
	test_rt_run(&w.t);
	assert_int_equal(conn_tls_result(w.server.conn), ERR_EOF);
	world_end();
}

#ifndef FRANK_SANITIZED
#define CROWD 400
#define IDLE_BYTES_MAX                                                                             \
	32768 /* of one end, the heap's part of the 64 KiB that a session may take                 \
	       */

TEST(idle_is_small)
{
	struct conn *servers[CROWD], *clients[CROWD];
	size_t before;

	world_begin();
	w.crowd = servers;
	before = mallinfo2().uordblks;
	for (size_t i = 0; i < CROWD; i++) {
		struct conn_tls_options client = {.context = w.client_context, .deadline_ms = 5000};
		struct conn_tls_options server = {.context = w.server_context, .deadline_ms = 5000};

		clients[i] = client_make();
		w.client.conn = clients[i];
		w.client.tls_done = w.server.tls_done = false;
		assert_int_equal(conn_tls_start(clients[i], &client), 0);
		while (w.crowd_count == i) {
			rt_timer_arm(&w.t.guard, 1);
			rt_run(w.t.rt);
		}
		w.t.timed_out = false;
		w.server.conn = servers[i];
		assert_int_equal(conn_tls_start(servers[i], &server), 0);
		test_rt_run(&w.t);
	}
	print_message("%zu bytes for both ends\n", (mallinfo2().uordblks - before) / CROWD);
	assert_true((mallinfo2().uordblks - before) / CROWD < (size_t)2 * IDLE_BYTES_MAX);
	w.client.conn = w.server.conn = NULL;
	for (size_t i = 0; i < CROWD; i++) {
		conn_destroy(&clients[i]);
		conn_destroy(&servers[i]);
	}
	world_end();
}
#endif

TESTS(TEST_ROW(plain), TEST_ROW(encrypted), TEST_ROW(session), TEST_ROW(record_in_small_reads),
      TEST_ROW(not_tls), TEST_ROW(silent_peer), TEST_ROW(peer_closes),
#ifndef FRANK_SANITIZED
      TEST_ROW(idle_is_small)
#endif
)
