/* Streams over loopback: accept, connect, partial sends, ends, refusals, pauses, Unix sockets. */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "rt/net.h"
#include "rt/test_rt.h"

#define TRANSFER_BYTES ((size_t)3 * 1024 * 1024)

struct net_test {
	struct test_rt t;
	struct rt_listener *listener;
	struct rt_stream *client, *server;
	struct net_addr addr;
	size_t sent, received;
	int accepted;
	bool ended, unwanted;
	int connect_err;
	struct rt_timer later;
};

static void
net_begin(struct net_test *n, rt_accept_fn *fn)
{
	int fd;

	memset(n, 0, sizeof(*n));
	test_rt_begin(&n->t);
	assert_int_equal(net_addr_parse_port(slice_str("127.0.0.1:0"), &n->addr), 0);
	assert_int_equal(rt_listen(n->t.rt, &n->addr, &fd), 0);
	assert_int_equal(rt_listener_create(n->t.rt, fd, fn, n, &n->listener), 0);
	assert_int_equal(rt_listener_addr(n->listener, &n->addr), 0);
	assert_true(n->addr.port != 0);
}

static void
net_end(struct net_test *n)
{
	rt_timer_finish(&n->later);
	rt_stream_destroy(&n->client);
	rt_stream_destroy(&n->server);
	rt_listener_destroy(&n->listener);
	test_rt_end(&n->t);
}

static void
server_ready(void *ctx, unsigned events)
{
	static uint8_t buf[8192];
	struct net_test *n = ctx;
	ssize_t got;

	assert_int_equal(events, RT_READABLE);
	while ((got = rt_stream_recv(n->server, buf, sizeof(buf))) > 0) {
		for (ssize_t i = 0; i < got; i++)
			assert_int_equal(buf[i], (uint8_t)((n->received + (size_t)i) % 251));
		n->received += (size_t)got;
	}
	if (got == ERR_AGAIN)
		return;
	assert_int_equal(got, ERR_EOF);
	n->ended = true;
	rt_stop(n->t.rt);
}

static void
on_accept(void *ctx, struct rt_stream *stream, int err)
{
	struct net_test *n = ctx;
	struct net_addr loopback = rt_stream_peer(stream), local = rt_stream_local(stream);

	assert_int_equal(err, 0);
	assert_true(net_addr_is_loopback(&loopback) && loopback.port != 0);
	assert_true(net_addr_eq(&local, &n->addr));
	assert_int_equal(local.port, n->addr.port);
	n->server = stream;
	rt_stream_on_ready(stream, server_ready, n);
	rt_stream_want(stream, RT_READABLE);
}

static void
client_ready(void *ctx, unsigned events)
{
	static uint8_t data[TRANSFER_BYTES];
	struct net_test *n = ctx;
	struct slice slices[3];
	ssize_t put = 1;

	assert_int_equal(events, RT_WRITABLE);
	assert_int_equal(rt_stream_connect_result(n->client), 0);
	for (size_t i = 0; n->sent == 0 && i < sizeof(data); i++)
		data[i] = (uint8_t)(i % 251);
	while (n->sent < sizeof(data) && put > 0) {
		struct slice rest = slice_of(data + n->sent, sizeof(data) - n->sent);

		slices[0] = slice_sub(rest, 0, 10);
		slices[1] = slice_sub(rest, 10, 0);
		slices[2] = slice_from(rest, 10);
		put = rt_stream_send(n->client, slices, 3);
		n->sent += put > 0 ? (size_t)put : 0;
	}
	if (n->sent < sizeof(data)) {
		assert_int_equal(put, ERR_AGAIN);
		return;
	}
	rt_stream_want(n->client, 0);
	rt_stream_shutdown(n->client);
}

TEST(bytes_arrive_in_order_and_end)
{
	struct net_test n;

	net_begin(&n, on_accept);
	assert_int_equal(rt_stream_connect(n.t.rt, &n.addr, NULL, &n.client), 0);
	rt_stream_on_ready(n.client, client_ready, &n);
	rt_stream_want(n.client, RT_WRITABLE);
	test_rt_run(&n.t);
	assert_int_equal(n.sent, TRANSFER_BYTES);
	assert_int_equal(n.received, TRANSFER_BYTES);
	assert_true(n.ended);
	net_end(&n);
}

static void
refused_ready(void *ctx, unsigned events)
{
	struct net_test *n = ctx;

	(void)events;
	n->connect_err = rt_stream_connect_result(n->client);
	assert_int_equal(rt_stream_connect_result(n->client), n->connect_err);
	rt_stream_destroy(&n->client);
	rt_stop(n->t.rt);
}

TEST(a_refused_connection_is_told)
{
	struct net_test n;
	struct net_addr from;

	net_begin(&n, on_accept);
	rt_listener_destroy(&n.listener);
	assert_int_equal(net_addr_parse(slice_str("127.0.0.9"), &from), 0);
	assert_int_equal(rt_stream_connect(n.t.rt, &n.addr, &from, &n.client), 0);
	rt_stream_on_ready(n.client, refused_ready, &n);
	rt_stream_want(n.client, RT_READABLE | RT_WRITABLE);
	test_rt_run(&n.t);
	assert_int_equal(n.connect_err, -ECONNREFUSED);
	net_end(&n);
}

/* Reading is not wanted while bytes come; then it is. */
static void
unwanted_ready(void *ctx, unsigned events)
{
	struct net_test *n = ctx;
	char buf[8];

	assert_int_equal(events, RT_READABLE);
	assert_false(n->unwanted);
	assert_int_equal(rt_stream_recv(n->server, buf, sizeof(buf)), 2);
	rt_stop(n->t.rt);
}

static void
on_later(void *ctx)
{
	struct net_test *n = ctx;

	n->unwanted = false;
	rt_stream_want(n->server, RT_READABLE);
}

static void
accept_and_wait(void *ctx, struct rt_stream *stream, int err)
{
	struct net_test *n = ctx;

	assert_int_equal(err, 0);
	n->server = stream;
	n->unwanted = true;
	rt_stream_on_ready(stream, unwanted_ready, n);
	rt_stream_want(stream, RT_READABLE);
	rt_stream_want(stream, 0);
	rt_timer_arm(&n->later, 30);
}

static void
greet_ready(void *ctx, unsigned events)
{
	struct net_test *n = ctx;
	struct slice hello = slice_str("hi");

	(void)events;
	assert_int_equal(rt_stream_send(n->client, &hello, 1), 2);
	rt_stream_want(n->client, 0);
}

TEST(what_is_not_wanted_does_not_come)
{
	struct net_test n;

	net_begin(&n, accept_and_wait);
	rt_timer_init(&n.later, n.t.rt, on_later, &n);
	assert_int_equal(rt_stream_connect(n.t.rt, &n.addr, NULL, &n.client), 0);
	rt_stream_on_ready(n.client, greet_ready, &n);
	rt_stream_want(n.client, RT_WRITABLE);
	test_rt_run(&n.t);
	net_end(&n);
}

static void
accept_then_destroy(void *ctx, struct rt_stream *stream, int err)
{
	struct net_test *n = ctx;

	assert_int_equal(err, 0);
	rt_stream_destroy(&stream);
	rt_listener_destroy(&n->listener);
	rt_stop(n->t.rt);
}

TEST(a_listener_may_go_in_its_callback)
{
	struct net_test n;

	net_begin(&n, accept_then_destroy);
	assert_int_equal(rt_stream_connect(n.t.rt, &n.addr, NULL, &n.client), 0);
	test_rt_run(&n.t);
	net_end(&n);
}

static void
resume_listener(void *ctx)
{
	struct net_test *n = ctx;

	assert_null(n->server);
	rt_listener_pause(n->listener, false);
}

static void
accept_unix(void *ctx, struct rt_stream *stream, int err)
{
	struct net_test *n = ctx;
	unsigned uid = 4711;

	assert_int_equal(err, 0);
	assert_int_equal(rt_stream_peer(stream).family, NET_FAMILY_NONE);
	assert_int_equal(rt_stream_peer_uid(stream, &uid), 0);
	assert_int_equal(uid, getuid());
	n->server = stream;
	rt_stop(n->t.rt);
}

TEST(unix_sockets_tell_who_is_there)
{
	struct net_test n;
	char path[128];
	int fd;

	memset(&n, 0, sizeof(n));
	test_rt_begin(&n.t);
	test_rt_folder(&n.t);
	for (int round = 0; round < 2; round++) { /* the second replaces the first's socket */
		assert_int_equal(rt_listen_unix(n.t.rt, n.t.dir_fd, "s", 0660, &fd), 0);
		if (round == 0)
			rt_close(n.t.rt, fd);
	}
	assert_int_equal(rt_listener_create(n.t.rt, fd, accept_unix, &n, &n.listener), 0);
	rt_listener_pause(n.listener, true);
	rt_timer_init(&n.later, n.t.rt, resume_listener, &n);
	rt_timer_arm(&n.later, 20);
	snprintf(path, sizeof(path), "%s/s", n.t.path);
	assert_int_equal(rt_stream_connect_unix(n.t.rt, path, &n.client), 0);
	assert_int_equal(rt_stream_connect_result(n.client), 0);
	test_rt_run(&n.t);
	net_end(&n);
}

TEST(accepted_sockets_do_not_wait_for_more)
{
	struct net_addr addr;
	struct rt_options options = {0};
	struct sockaddr_in name;
	socklen_t len = sizeof(name), size = sizeof(int);
	struct rt *rt;
	int fd, client, server, nodelay = 0;

	assert_int_equal(rt_create(&options, &rt), 0);
	assert_int_equal(net_addr_parse_port(slice_str("127.0.0.1:0"), &addr), 0);
	assert_int_equal(rt_listen(rt, &addr, &fd), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&name, &len), 0);
	client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(client, (struct sockaddr *)&name, len), 0);
	server = accept(fd, NULL, NULL);
	assert_true(server >= 0);
	assert_int_equal(getsockopt(server, IPPROTO_TCP, TCP_NODELAY, &nodelay, &size), 0);
	assert_int_equal(nodelay, 1);
	rt_close(rt, server);
	rt_close(rt, client);
	rt_close(rt, fd);
	rt_destroy(&rt);
}

TEST(own_addresses)
{
	struct net_addr addrs[64];
	struct test_rt t;
	size_t count;

	test_rt_begin(&t);
	count = rt_own_addrs(t.rt, addrs, 64);
	assert_true(count <= 64);
	for (size_t i = 0; i < count; i++) {
		assert_true(addrs[i].family == NET_FAMILY_4 || addrs[i].family == NET_FAMILY_6);
		assert_false(net_addr_is_loopback(&addrs[i]) || net_addr_is_nowhere(&addrs[i]));
	}
	assert_int_equal(rt_own_addrs(t.rt, addrs, 0), 0);
	test_rt_end(&t);
}

TESTS(TEST_ROW(own_addresses), TEST_ROW(bytes_arrive_in_order_and_end),
      TEST_ROW(a_refused_connection_is_told), TEST_ROW(what_is_not_wanted_does_not_come),
      TEST_ROW(a_listener_may_go_in_its_callback), TEST_ROW(unix_sockets_tell_who_is_there),
      TEST_ROW(accepted_sockets_do_not_wait_for_more))
