/* Channels: batching, descriptors that find their message, back-pressure, and senders that cheat.
 */
#include "ipc/codec.h"
#include "rt/test_rt.h"

struct side {
	struct test_rt *t;
	struct ipc_channel *channel;
	uint64_t jobs, stop_at_job;
	int kept_fd;
	bool drained, destroy_in_receive;
	int closed_err;
};

static void
on_receive(void *ctx, struct ipc_channel *from, struct ipc_message *message)
{
	struct side *side = ctx;

	assert_ptr_equal(from, side->channel);
	if (message->type == IPC_JOB_DONE) {
		assert_int_equal(message->u.job_done.job, side->jobs);
		if (++side->jobs == side->stop_at_job)
			rt_stop(side->t->rt);
	} else if (message->type == IPC_SEGMENT_OPEN) {
		assert_int_equal(message->u.segment_open.segment, 9);
		side->kept_fd = message->u.segment_open.file;
		message->u.segment_open.file = -1;
		rt_stop(side->t->rt);
	}
	if (side->destroy_in_receive)
		ipc_channel_destroy(&side->channel);
}

static void
on_drained(void *ctx, struct ipc_channel *channel)
{
	struct side *side = ctx;

	assert_false(ipc_full(channel));
	side->drained = true;
}

static void
on_closed(void *ctx, struct ipc_channel *channel, int err)
{
	struct side *side = ctx;

	assert_ptr_equal(channel, side->channel);
	side->closed_err = err;
	rt_stop(side->t->rt);
}

static void
side_open(struct side *side, int fd, enum ipc_role self, enum ipc_role peer)
{
	struct ipc_events events = {side, on_receive, on_drained, on_closed};
	struct ipc_ends ends = {.self = self, .peer = peer};

	side->kept_fd = -1;
	assert_int_equal(ipc_channel_create(side->t->rt, fd, &ends, &events, &side->channel), 0);
}

static void
sides_begin(struct test_rt *t, struct side *smtpout, struct side *queue)
{
	int fds[2];

	*smtpout = *queue = (struct side){.t = t};
	test_rt_begin(t);
	assert_int_equal(rt_channel_pair(t->rt, fds), 0);
	side_open(smtpout, fds[0], IPC_ROLE_SMTPOUT, IPC_ROLE_QUEUE);
	side_open(queue, fds[1], IPC_ROLE_QUEUE, IPC_ROLE_SMTPOUT);
}

static void
sides_end(struct test_rt *t, struct side *smtpout, struct side *queue)
{
	ipc_channel_destroy(&smtpout->channel);
	ipc_channel_destroy(&queue->channel);
	test_rt_end(t);
}

TEST(messages_come_in_order)
{
	struct test_rt t;
	struct side smtpout, queue;

	sides_begin(&t, &smtpout, &queue);
	queue.stop_at_job = 5000;
	for (uint64_t i = 0; i < 5000; i++)
		assert_int_equal(IPC_SEND(smtpout.channel, JOB_DONE, job_done, .job = i), 0);
	test_rt_run(&t);
	assert_int_equal(queue.jobs, 5000);
	sides_end(&t, &smtpout, &queue);
}

TEST(a_descriptor_finds_its_message)
{
	struct test_rt t;
	struct side smtpout, queue;
	struct slice all;
	int fd;

	sides_begin(&t, &smtpout, &queue);
	assert_int_equal(rt_memfd(t.rt, "m", slice_str("body"), &fd), 0);
	assert_int_equal(
		IPC_SEND(queue.channel, SEGMENT_OPEN, segment_open, .segment = 9, .file = fd), 0);
	rt_close(t.rt, fd);
	test_rt_run(&t);
	assert_int_equal(rt_read_all(t.rt, smtpout.kept_fd, 100, &all), 0);
	assert_slice_str(all, "body");
	mem_give(rt_mem(t.rt), (void *)(uintptr_t)all.data, all.len);
	rt_close(t.rt, smtpout.kept_fd);
	sides_end(&t, &smtpout, &queue);
}

TEST(a_slow_neighbour_is_felt)
{
	struct test_rt t;
	struct side smtpout, queue;
	uint64_t sent = 0;
	size_t used;
	int err;

	sides_begin(&t, &smtpout, &queue);
	while ((err = IPC_SEND(smtpout.channel, JOB_DONE, job_done, .job = sent)) == 0)
		sent++;
	assert_int_equal(err, ERR_LIMIT);
	assert_true(ipc_full(smtpout.channel));
	used = rt_mem_used_bytes(t.rt);
	assert_in_range(used, IPC_PENDING_BYTES_MAX,
			IPC_PENDING_BYTES_MAX + IPC_PENDING_BYTES_MAX / 8);
	queue.stop_at_job = sent;
	test_rt_run(&t);
	assert_true(smtpout.drained);
	assert_false(ipc_full(smtpout.channel));
	sides_end(&t, &smtpout, &queue);
}

TEST(destroyed_inside_receive)
{
	struct test_rt t;
	struct side smtpout, queue;

	sides_begin(&t, &smtpout, &queue);
	queue.destroy_in_receive = true;
	for (uint64_t i = 0; i < 3; i++)
		assert_int_equal(IPC_SEND(smtpout.channel, JOB_DONE, job_done, .job = i), 0);
	test_rt_run(&t);
	assert_int_equal(queue.jobs, 1);
	assert_int_equal(smtpout.closed_err, ERR_CLOSED);
	assert_int_equal(IPC_SEND(smtpout.channel, JOB_DONE, job_done, .job = 1), ERR_CLOSED);
	sides_end(&t, &smtpout, &queue);
}

TEST(last_words_arrive)
{
	struct test_rt t;
	struct side smtpout, queue;

	sides_begin(&t, &smtpout, &queue);
	assert_int_equal(IPC_SEND(smtpout.channel, JOB_DONE, job_done, .job = 0), 0);
	ipc_channel_destroy(&smtpout.channel);
	test_rt_run(&t);
	assert_int_equal(queue.jobs, 1);
	assert_int_equal(queue.closed_err, ERR_CLOSED);
	sides_end(&t, &smtpout, &queue);
}

/* What a process that was taken over might send. */
static const struct cheat {
	const char *name;
	uint8_t bytes[24];
	size_t len, fd_count;
} cheats[] = {
	{"not on the route", {IPC_DIR_RCPT_ASK, 0, 0, 0, 4, 0, 0, 0, 1, 2, 3, 4}, 12, 0},
	{"too short", {IPC_JOB_DONE, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0}, 12, 0},
	{"leftover", {IPC_JOB_DONE, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9}, 17, 0},
	{"half a header", {IPC_JOB_DONE, 0, 0}, 3, 0},
	{"a descriptor of nobody", {IPC_JOB_DONE, 0, 0, 0, 8, 0, 0, 0}, 16, 2},
	{"junk after a good one", {IPC_JOB_DONE, 0, 0, 0, 8, 0, 0, 0, [16] = 0xff, 0xff}, 24, 1},
};

TEST(cheats_are_cut_off)
{
	for (size_t i = 0; i < sizeof(cheats) / sizeof(cheats[0]); i++) {
		const struct cheat *cheat = &cheats[i];
		struct test_rt t;
		struct side queue = {.t = &t};
		struct rt_channel_events none = {0};
		struct rt_channel *raw;
		int fds[2], sent[2] = {0, 0};

		test_rt_begin(&t);
		assert_int_equal(rt_channel_pair(t.rt, fds), 0);
		assert_int_equal(rt_channel_create(t.rt, fds[0], &none, NULL, &raw), 0);
		rt_channel_pause(raw, true);
		side_open(&queue, fds[1], IPC_ROLE_QUEUE, IPC_ROLE_SMTPOUT);
		assert_int_equal(rt_channel_send(raw, slice_of(cheat->bytes, cheat->len), sent,
						 cheat->fd_count),
				 0);
		test_rt_run(&t);
		if (queue.closed_err != ERR_PROTOCOL)
			fail_msg("%s: %d", cheat->name, queue.closed_err);
		ipc_channel_destroy(&queue.channel);
		rt_channel_destroy(&raw);
		test_rt_end(&t);
	}
}

TESTS(TEST_ROW(messages_come_in_order), TEST_ROW(a_descriptor_finds_its_message),
      TEST_ROW(a_slow_neighbour_is_felt), TEST_ROW(destroyed_inside_receive),
      TEST_ROW(last_words_arrive), TEST_ROW(cheats_are_cut_off))
