/* Channels: packets keep their borders and descriptors, fullness is told, the end comes last. */
#include <sys/resource.h>
#include <sys/socket.h>

#include "rt/channel.h"
#include "rt/test_rt.h"

struct end {
	struct test_rt *t;
	struct rt_channel *channel;
	size_t packets, bytes, fds;
	size_t stop_at; /* packets */
	bool writable, closed, destroy_at_first;
	size_t last_len;
	int err; /* of closed */
};

static void
on_packet(void *ctx, struct slice packet, const int *fds, size_t fd_count)
{
	struct end *end = ctx;

	end->packets++;
	end->bytes += packet.len;
	end->last_len = packet.len;
	end->fds += fd_count;
	for (size_t i = 0; i < fd_count; i++) {
		struct slice all;

		assert_int_equal(rt_read_all(end->t->rt, fds[i], 100, &all), 0);
		assert_slice_str(all, "body");
		mem_give(rt_mem(end->t->rt), (void *)(uintptr_t)all.data, all.len);
		rt_close(end->t->rt, fds[i]);
	}
	if (end->destroy_at_first)
		rt_channel_destroy(&end->channel);
	if (end->packets == end->stop_at)
		rt_stop(end->t->rt);
}

static void
on_writable(void *ctx)
{
	struct end *end = ctx;

	end->writable = true;
	rt_stop(end->t->rt);
}

static void
on_closed(void *ctx, int err)
{
	struct end *end = ctx;

	assert_false(end->closed);
	end->closed = true;
	end->err = err;
	rt_stop(end->t->rt);
}

static const struct rt_channel_events events = {on_packet, on_writable, on_closed};

static void
ends_begin(struct test_rt *t, struct end *a, struct end *b)
{
	int fds[2];

	memset(a, 0, sizeof(*a));
	memset(b, 0, sizeof(*b));
	a->t = b->t = t;
	test_rt_begin(t);
	assert_int_equal(rt_channel_pair(t->rt, fds), 0);
	assert_int_equal(rt_channel_create(t->rt, fds[0], &events, a, &a->channel), 0);
	assert_int_equal(rt_channel_create(t->rt, fds[1], &events, b, &b->channel), 0);
}

static void
ends_end(struct test_rt *t, struct end *a, struct end *b)
{
	rt_channel_destroy(&a->channel);
	rt_channel_destroy(&b->channel);
	test_rt_end(t);
}

TEST(packets_with_descriptors)
{
	struct test_rt t;
	struct end a, b;
	int fd, many[RT_PACKET_FDS_MAX];
	static uint8_t big[RT_PACKET_MAX];

	ends_begin(&t, &a, &b);
	assert_int_equal(rt_memfd(t.rt, "m", slice_str("body"), &fd), 0);
	for (int i = 0; i < RT_PACKET_FDS_MAX; i++)
		many[i] = fd;
	assert_int_equal(rt_channel_send(a.channel, slice_str("one"), NULL, 0), 0);
	assert_int_equal(rt_channel_send(a.channel, slice_str("two"), many, RT_PACKET_FDS_MAX), 0);
	assert_int_equal(rt_channel_send(a.channel, slice_of(big, sizeof(big)), many, 1), 0);
	rt_close(t.rt, fd);
	b.stop_at = 3;
	test_rt_run(&t);
	assert_int_equal(b.bytes, 6 + sizeof(big));
	assert_int_equal(b.last_len, sizeof(big));
	assert_int_equal(b.fds, RT_PACKET_FDS_MAX + 1);
	ends_end(&t, &a, &b);
}

TEST(a_full_channel_tells_and_opens_again)
{
	struct test_rt t;
	struct end a, b;
	static uint8_t big[RT_PACKET_MAX];
	size_t sent = 0;
	int err;

	ends_begin(&t, &a, &b);
	rt_channel_pause(b.channel, true);
	while ((err = rt_channel_send(a.channel, slice_of(big, sizeof(big)), NULL, 0)) == 0)
		assert_true(++sent < 10000);
	assert_int_equal(err, ERR_AGAIN);
	rt_channel_pause(b.channel, false);
	test_rt_run(&t);
	assert_true(a.writable);
	while (b.packets < sent) {
		b.stop_at = b.packets + 1;
		test_rt_run(&t);
	}
	assert_int_equal(rt_channel_send(a.channel, slice_str("x"), NULL, 0), 0);
	ends_end(&t, &a, &b);
}

TEST(closed_comes_after_the_last_packet)
{
	struct test_rt t;
	struct end a, b;

	ends_begin(&t, &a, &b);
	for (int i = 0; i < 40; i++)
		assert_int_equal(rt_channel_send(a.channel, slice_str("x"), NULL, 0), 0);
	rt_channel_destroy(&a.channel);
	test_rt_run(&t);
	assert_true(b.closed);
	assert_int_equal(b.err, ERR_CLOSED);
	assert_int_equal(b.packets, 40);
	assert_int_equal(rt_channel_send(b.channel, slice_str("x"), NULL, 0), ERR_CLOSED);
	ends_end(&t, &a, &b);
}

TEST(destroyed_inside_its_callback)
{
	struct test_rt t;
	struct end a, b;

	ends_begin(&t, &a, &b);
	for (int i = 0; i < 3; i++)
		assert_int_equal(rt_channel_send(a.channel, slice_str("x"), NULL, 0), 0);
	b.destroy_at_first = true;
	test_rt_run(&t); /* until a sees the end */
	assert_true(a.closed);
	assert_int_equal(b.packets, 1);
	ends_end(&t, &a, &b);
}

TEST(a_packet_too_large_breaks_the_channel)
{
	static uint8_t big[RT_PACKET_MAX + 1];
	struct test_rt t;
	struct end b = {.t = &t};
	int fds[2];

	test_rt_begin(&t);
	assert_int_equal(rt_channel_pair(t.rt, fds), 0);
	assert_int_equal(rt_channel_create(t.rt, fds[1], &events, &b, &b.channel), 0);
	assert_int_equal(send(fds[0], big, sizeof(big), 0), sizeof(big));
	test_rt_run(&t);
	assert_true(b.closed);
	assert_int_equal(b.err, ERR_PROTOCOL);
	assert_int_equal(b.packets, 0);
	rt_close(t.rt, fds[0]);
	rt_channel_destroy(&b.channel);
	test_rt_end(&t);
}

/* What came with a packet is lost: the owner must know that it is not the other side's end. */
TEST(descriptors_that_do_not_fit)
{
	struct rlimit old, limit;
	struct test_rt t;
	struct end a, b;

	ends_begin(&t, &a, &b);
	assert_int_equal(rt_channel_send(a.channel, slice_str("x"), (int[]){STDIN_FILENO}, 1), 0);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	limit = (struct rlimit){.rlim_cur = 3, .rlim_max = old.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	test_rt_run(&t);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	assert_true(b.closed);
	assert_int_equal(b.err, -EMFILE);
	assert_int_equal(b.packets, 0);
	ends_end(&t, &a, &b);
}

TESTS(TEST_ROW(packets_with_descriptors), TEST_ROW(a_full_channel_tells_and_opens_again),
      TEST_ROW(closed_comes_after_the_last_packet), TEST_ROW(destroyed_inside_its_callback),
      TEST_ROW(a_packet_too_large_breaks_the_channel), TEST_ROW(descriptors_that_do_not_fit))
