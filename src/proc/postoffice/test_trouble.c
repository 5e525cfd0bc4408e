/*
 * Deliveries while something else goes wrong: queue dies, its channel is full, memory is short, or
 * postoffice is told to stop. No outcome is lost, and none is told to the wrong queue.
 */
#include "proc/postoffice/test_world.h"

/* Queue dies and comes back: old jobs are not told to the new one, new jobs work. */
TEST(queue_restarts)
{
	static uint8_t room[1 << 16];
	struct builder content;
	struct world w;

	world_begin(&w);
	builder_init_fixed(&content, room, sizeof(room));
	world_mail_small(&w);
	for (uint64_t job = 1; job <= 200; job++)
		world_job_give(&w, job, 0, 1);
	test_rt_run_ms(&w.t, 3);
	postoffice_process.channel_closed(w.state, w.near);
	ipc_channel_destroy(&w.near);
	ipc_channel_destroy(&w.far);
	w.result_count = w.done_count = w.rcpts_told = 0;
	world_channels_open(&w);
	w.b.len = 0;
	world_segment_give(&w);
	world_job_give(&w, 1000, 0, 1);
	world_run(&w, 1);
	assert_int_equal(w.done_count, 1);
	assert_int_equal(w.result_count, 1);
	assert_int_equal(w.results[0].job, 1000);
	assert_int_equal(w.results[0].class, VERDICT_OK);
	assert_true(world_mailbox_read(&w, "example.test/bob", "new", &content) >= 1);
	world_end(&w);
}

TEST(stop_while_busy)
{
	struct world w;

	world_begin(&w);
	world_mail_small(&w);
	for (uint64_t job = 1; job <= 100; job++)
		world_job_give(&w, job, 0, 1);
	w.done_wanted = 1;
	test_rt_run(&w.t);
	world_end(&w);
	assert_true(w.stopped);
}

static bool
fill_by(struct world *w, struct slice reply)
{
	struct verdict v = {.class = VERDICT_LATER,
			    .stage = VERDICT_STAGE_LOCAL,
			    .status = {4, 0, 0},
			    .reply = reply};
	size_t before = w->filling;
	uint16_t rcpt = 0;

	while (IPC_SEND(w->near, JOB_RESULT, job_result, .job = WORLD_FILLING_JOB,
			.rcpts = ipc_u16s_make(&rcpt, 1), .verdict = v) == 0)
		w->filling++;
	while (!reply.len && IPC_SEND(w->near, JOB_DONE, job_done, .job = WORLD_FILLING_JOB) == 0)
		w->filling++;
	return w->filling > before;
}

/* Queue reads nothing, until neither the channel nor the system's buffers take more. */
static void
channel_fill(struct world *w)
{
	static uint8_t text[1000];
	bool more = true;

	memset(text, 'x', sizeof(text));
	ipc_channel_pause(w->far, true);
	while (more) {
		more = fill_by(w, slice_of(text, sizeof(text)));
		more |= fill_by(w, SLICE_EMPTY);
		test_rt_run_ms(&w->t, 20);
	}
}

TEST(end_of_a_refused_job_is_told)
{
	struct world w;

	world_begin(&w);
	world_mail_small(&w);
	channel_fill(&w);
	for (uint64_t job = 1; job <= 3; job++)
		world_job_give(&w, job, 0, 0); /* of no recipients: refused */
	test_rt_run_ms(&w.t, 20);
	w.done_wanted = 3;
	ipc_channel_pause(w.far, false);
	test_rt_run(&w.t);
	assert_int_equal(w.filling, 0);
	assert_int_equal(w.result_count, 0);
	world_end(&w);
}

/* Its end waits until queue has room for what is to be said. */
TEST(stop_with_a_full_channel)
{
	struct world w;

	world_begin_bare(&w);
	world_mail_small(&w);
	world_job_give(&w, 1, 0, 1);
	test_rt_run_ms(&w.t, 20);
	channel_fill(&w);
	postoffice_process.stop(w.state);
	assert_false(w.stopped);
	ipc_channel_pause(w.far, false);
	while (!w.stopped)
		test_rt_run(&w.t);
	world_end(&w);
}

static void *(*take_real)(struct mem *, size_t);

static void *
take_small(struct mem *mem, size_t size)
{
	return size > RT_PACKET_MAX ? NULL : take_real(mem, size);
}

/* Without memory for a packet every outcome is kept, those of failures too, and no end of a job
 * comes before them. */
TEST(outcomes_outlive_want_of_memory)
{
	static const char *const boxes[] = {"good@x.test", "loop@x.test", "../evil@x.test", NULL};
	bool seen[3] = {false};
	struct world w;

	world_begin(&w);
	world_mail_add(&w, &(struct world_mail){"s@x.test", boxes,
						SLICE("Delivered-To: loop@x.test\r\n\r\n"),
						SLICE("x\r\n"), 0});
	world_segment_give(&w);
	world_job_give(&w, 1, 0, 3);
	world_job_give(&w, 2, 0, 0); /* of no recipients: refused */
	take_real = rt_mem(w.t.rt)->take;
	rt_mem(w.t.rt)->take = take_small;
	test_rt_run_ms(&w.t, 200);
	assert_int_equal(w.result_count + w.done_count, 0);
	rt_mem(w.t.rt)->take = take_real;
	world_run(&w, 2);
	assert_int_equal(w.result_count, 3);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(w.results[i].rcpt_count, 1);
		seen[w.results[i].rcpts[0]] = true;
	}
	assert_true(seen[0] && seen[1] && seen[2]);
	world_end(&w);
}

TESTS(TEST_ROW(queue_restarts), TEST_ROW(stop_while_busy), TEST_ROW(end_of_a_refused_job_is_told),
      TEST_ROW(stop_with_a_full_channel), TEST_ROW(outcomes_outlive_want_of_memory))
