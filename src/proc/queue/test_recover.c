/*
 * Crashes: a child runs the world on a folder and ends without a word at a chosen point; then
 * another world starts on what it left. Nothing accepted may be missing; damage blocks nothing
 * else.
 */
#include <sys/stat.h>

#include "proc/queue/compact.h"
#include "proc/queue/journal_file.h"
#include "proc/queue/test_recover.h"

#define CHILD_MESSAGES 40

static const char *const to_ann[] = {"ann@local"};
static const char *const to_two[] = {"ann@local", "bob@far.test"};

static uint8_t
far_later(struct world *w, const struct ipc_job *job, uint16_t rcpt)
{
	(void)w;
	(void)rcpt;
	return job->destination.len ? VERDICT_LATER : VERDICT_OK;
}

static uint8_t
far_never(struct world *w, const struct ipc_job *job, uint16_t rcpt)
{
	(void)w;
	(void)rcpt;
	return job->destination.len ? VERDICT_NEVER : VERDICT_OK;
}

static void
accept_some(struct world *w, struct told *told)
{
	w->answer = silent;
	for (int i = 0; i < CHILD_MESSAGES; i++)
		told->ids[told->count++] = world_accept(w, "me@local", to_ann, 1, "hello\r\n");
}

TEST(accepted_is_found_again)
{
	static struct world w;
	struct told told;
	char path[64];

	folder_make(path);
	told = crash(path, accept_some);
	again(&w, path);
	WORLD_WAIT(&w, is_empty(&w));
	for (uint32_t i = 0; i < told.count; i++)
		assert_int_equal(world_delivered(&w, told.ids[i], 0), 1);
	assert_int_equal(w.delivery_count, told.count);
	assert_int_equal(world_files(&w, "damaged"), 0);
	world_end(&w);
}

static void
deliver_some(struct world *w, struct told *told)
{
	w->answer = far_later;
	w->retry_after_s = 0;
	for (int i = 0; i < CHILD_MESSAGES; i++)
		told->ids[told->count++] = world_accept(w, "me@local", to_two, 2, "hello\r\n");
	WORLD_WAIT(w, w->queue->counters.delivered == CHILD_MESSAGES);
	/* Written at the end of the turn: death of the process loses nothing. */
	world_run_ms(w, 1);
}

TEST(delivered_is_not_repeated)
{
	static struct world w;
	struct told told;
	char path[64];

	folder_make(path);
	told = crash(path, deliver_some);
	again(&w, path);
	WORLD_WAIT(&w, is_empty(&w));
	for (uint32_t i = 0; i < told.count; i++) {
		assert_int_equal(world_delivered(&w, told.ids[i], 0), 0); /* the child did */
		assert_int_equal(world_delivered(&w, told.ids[i], 1), 1);
	}
	world_end(&w);
}

static void
attempt_some(struct world *w, struct told *told)
{
	w->answer = far_later;
	w->retry_after_s = 3600;
	told->ids[told->count++] = world_accept(w, "me@local", to_two, 2, "hello\r\n");
	WORLD_WAIT(w, w->queue->counters.deferred == 1);
	world_run_ms(w, 1);
	world_ctl(w, CTL_QUEUE_SHOW, 0);
}

TEST(waiting_goes_on)
{
	static struct world w;
	char path[64];

	folder_make(path);
	crash(path, attempt_some);
	again(&w, path);
	WORLD_WAIT(&w, !w.queue->recovery);
	world_run_ms(&w, 100);
	assert_int_equal(w.delivery_count, 0);
	world_ctl(&w, CTL_QUEUE_SHOW, 0);
	assert_int_equal(w.row_count, 1);
	assert_int_equal(w.rows[0].attempts, 1);
	assert_string_equal(w.row_replies[0], "their own words");
	assert_true(w.rows[0].next_wall_ms - rt_wall_ms(w.t.rt) >
		    50000); /* to the lifetime's end */
	world_ctl(&w, CTL_QUEUE_RETRY, 0);
	WORLD_WAIT(&w, is_empty(&w));
	world_end(&w);
}

static void
fail_unasked(struct world *w, struct told *told)
{
	w->answer = far_never;
	w->bounce_silent = true;
	told->ids[told->count++] = world_accept(w, "me@local", to_two, 2, "hello\r\n");
	WORLD_WAIT(w, w->report_rcpt_count == 1);
}

TEST(report_is_made_after_a_crash)
{
	static struct world w;
	char path[64];

	folder_make(path);
	crash(path, fail_unasked);
	again(&w, path);
	WORLD_WAIT(&w, w.report_count == 1 && is_empty(&w));
	assert_string_equal(w.report_reply, "their own words");
	assert_int_equal(w.delivery_count, 1);
	world_end(&w);
}

static void
fail_reported(struct world *w, struct told *told)
{
	w->answer = far_never;
	told->ids[told->count++] = world_accept(w, "me@local", to_two, 2, "hello\r\n");
	WORLD_WAIT(w, w->report_count == 1); /* durable, queue may not know */
}

TEST(report_is_not_made_twice)
{
	static struct world w;
	char path[64];

	folder_make(path);
	crash(path, fail_reported);
	again(&w, path);
	WORLD_WAIT(&w, is_empty(&w));
	world_run_ms(&w, 100);
	assert_int_equal(w.report_count, 0);
	assert_in_range(w.delivery_count, 0, 1);
	world_end(&w);
}

TEST(second_queue_is_refused)
{
	static struct world w, other;
	void *second;
	int fd;

	world_begin(&w, NULL);
	world_start(&w);
	world_begin(&other, w.path);
	assert_int_equal(queue_process.create(&other.boot, &second), 0);
	assert_int_equal(rt_open_dir(other.t.rt, RT_AT_PATH, w.path, false, &fd), 0);
	queue_process.dir(second, SLICE("spool"), fd);
	queue_process.start(second);
	assert_int_equal(((struct queue *)second)->phase, QUEUE_NEW);
	queue_process.destroy(&second);
	world_end(&other);
	world_end(&w);
}

/* Queue restarts while its neighbours live on: what they accepted meanwhile is found. */
TEST(queue_restarts_alone)
{
	static struct world w;
	msg_id before;

	world_begin(&w, NULL);
	w.config.lifetime = 60000;
	world_start(&w);
	w.answer = silent;
	before = world_accept(&w, "me@local", to_ann, 1, "before\r\n");
	world_stop(&w);
	world_accept(&w, "me@local", to_ann, 1, "meanwhile\r\n");
	w.answer = NULL;
	w.delivery_count = 0;
	world_start(&w);
	WORLD_WAIT(&w, is_empty(&w));
	assert_int_equal(w.delivery_count, 2);
	assert_int_equal(world_delivered(&w, before, 0), 1);
	world_accept(&w, "me@local", to_ann, 1, "after\r\n");
	WORLD_WAIT(&w, is_empty(&w) && w.delivery_count == 3);
	world_end(&w);
}

/* A writer fills and seals its segment while queue is away, and says so as soon as there is a new
 * one, which has not even read its journal then. */
TEST(sealed_while_away)
{
	static struct world w;
	char body[3001];

	memset(body, 'x', sizeof(body) - 1);
	body[sizeof(body) - 1] = 0;
	world_begin(&w, NULL);
	w.config.lifetime = 60000;
	world_start(&w);
	world_stop(&w);
	spool_writer_destroy(&w.smtpin.writer);
	w.config.segment_size_max = 20000;
	w.answer = silent;
	world_start(&w);
	world_accept(&w, "me@local", to_ann, 1, "before\r\n");
	world_stop(&w);
	for (int i = 0; i < 8; i++)
		world_accept(&w, "me@local", to_ann, 1, body);
	w.answer = NULL;
	w.delivery_count = 0;
	world_start(&w);
	assert_false(journal_broken(w.queue));
	WORLD_WAIT(&w, is_empty(&w));
	assert_int_equal(w.delivery_count, 9);
	world_end(&w);
}

static void
large_some(struct world *w, struct told *told)
{
	w->answer = silent;
	told->ids[told->count++] = world_accept_large(w, "ann@local", 50000);
}

TEST(large_body_survives)
{
	static struct world w;
	struct told told;
	char path[64];

	folder_make(path);
	told = crash(path, large_some);
	again(&w, path);
	WORLD_WAIT(&w, is_empty(&w));
	assert_int_equal(world_delivered(&w, told.ids[0], 0), 1);
	assert_string_equal(w.deliveries[0].body, "0123456789012345678901234567890123456789");
	WORLD_WAIT(&w, world_files(&w, "bodies") == 4);
	world_end(&w);
}

/* A large message is at hand while queue restarts: its body and the spares have their holder again
 * before anything can become durable, so that no sweep takes them in between. */
TEST(body_at_hand_is_held)
{
	const struct spool_rcpt rcpt = {
		SLICE("ann@local"), {NULL, 0}, 0, SPOOL_RCPT_LOCAL, SLICE("ann@local")};
	static struct world w;
	struct spool_accept accept = {.sender = SLICE("me@local"), .rcpts = &rcpt, .rcpt_count = 1};
	struct spool_draft *draft = NULL;
	size_t before;

	world_begin(&w, NULL);
	w.config.lifetime = 60000;
	world_start(&w);
	WORLD_WAIT(&w, spool_draft_begin(w.smtpin.writer, 50000, &draft) == 0);
	for (int i = 0; i < 5000; i++)
		spool_draft_add(draft, SLICE("0123456789"));
	world_stop(&w);
	world_start(&w);
	WORLD_WAIT(&w, !w.queue->recovery);
	before = w.accepted_count;
	for (struct list_node *node = list_first(&w.queue->files.all_bodies); node;
	     node = list_next(&w.queue->files.all_bodies, node))
		assert_non_null(CONTAINER_OF(node, struct queue_body, all)->holder);
	world_commit(&w, &draft, &accept);
	WORLD_WAIT(&w, w.accepted_count > before);
	WORLD_WAIT(&w, is_empty(&w));
	assert_int_equal(world_delivered(&w, w.last_id, 0), 1);
	WORLD_WAIT(&w, world_files(&w, "bodies") == 4);
	world_end(&w);
}

static void
deliver_all(struct world *w, struct told *told)
{
	for (int i = 0; i < 3; i++)
		told->ids[told->count++] = world_accept(w, "me@local", to_two, 2, "hello\r\n");
	WORLD_WAIT(w, w->queue->counters.delivered == 6);
	world_run_ms(w, 1);
}

/* Segments with nothing live go at the end of the recovery. */
TEST(nothing_left)
{
	static struct world w;
	char path[64];

	folder_make(path);
	crash(path, deliver_all);
	again(&w, path);
	WORLD_WAIT(&w, is_empty(&w));
	WORLD_WAIT(&w, world_files(&w, "segments") == 4); /* two for each writer */
	assert_int_equal(w.delivery_count, 0);
	world_end(&w);
}

/* Small journal files, and only a few of them kept. */
static void
journal_small(struct world *w)
{
	w->config.journal_size_max = 8000;
	w->config.trace_keep_size = 10000;
}

static void
journal_drop(struct world *w)
{
	for (int i = 0; i < 200 && w->queue->journal.old_bytes > 10000; i++) {
		journal_keep_run(w->queue);
		world_run_ms(w, 5);
	}
	assert_true(w->queue->journal.old_bytes <= 10000);
}

static uint8_t
near_ok(struct world *w, const struct ipc_job *job, uint16_t rcpt)
{
	(void)w;
	(void)rcpt;
	return slice_eq(job->destination, SLICE("far.test")) ? VERDICT_LATER : VERDICT_OK;
}

/* Messages that wait among many that come and go; the journal forgets all but the last of it. */
static void
wait_among_many(struct world *w, struct told *told)
{
	static const char *const to_near[] = {"eve@near.test"};

	journal_small(w);
	w->answer = near_ok;
	w->retry_after_s = 3600;
	told->ids[told->count++] = world_accept(w, "me@local", to_two, 2, "waits\r\n");
	WORLD_WAIT(w, w->queue->counters.deferred == 1 && w->queue->counters.delivered == 1);
	for (int i = 0; i < 150; i++)
		world_accept(w, "me@local", to_near, 1, "goes\r\n");
	WORLD_WAIT(w, w->queue->counters.delivered == 151);
	world_run_ms(w, 100);
	assert_true(w->queue->journal.number > 3);
	journal_drop(w);
	told->reports = w->queue->journal.number;
}

TEST(journal_is_dropped)
{
	static struct world w;
	struct told told;
	char path[64];

	folder_make(path);
	told = crash(path, wait_among_many);
	again(&w, path);
	WORLD_WAIT(&w, !w.queue->recovery);
	world_run_ms(&w, 50);
	assert_int_equal(w.delivery_count, 0);
	assert_int_equal(w.queue->index.msgs.count, 1);
	world_ctl(&w, CTL_QUEUE_SHOW, told.ids[0]);
	assert_int_equal(w.row_count, 1);
	assert_string_equal(w.row_rcpts[0], "bob@far.test");
	assert_string_equal(w.row_replies[0], "their own words");
	assert_int_equal(w.rows[0].attempts, 1);
	assert_true(world_files(&w, "journal") < told.reports);
	world_ctl(&w, CTL_QUEUE_RETRY, 0);
	WORLD_WAIT(&w, is_empty(&w) && w.delivery_count == 1);
	world_end(&w);
}

static void
many_go(struct world *w, uint32_t until_file)
{
	static const char *const to_near[] = {"eve@near.test"};

	while (w->queue->journal.number < until_file) {
		world_accept(w, "me@local", to_near, 1, "goes\r\n");
		world_run_ms(w, 2);
	}
}

static uint32_t
oldest_file(const struct world *w)
{
	const struct list_node *node = list_first(&w->queue->journal.old);

	return node ? CONTAINER_OF((struct list_node *)(uintptr_t)node, struct journal_old, node)
			       ->number
		    : UINT32_MAX;
}

/* Drops files one by one, up to this one. */
static void
journal_drop_until(struct world *w, uint32_t last)
{
	for (int i = 0; i < 2000 && oldest_file(w) <= last; i++) {
		w->config.trace_keep_size = w->queue->journal.old_bytes - 1;
		journal_keep_run(w->queue);
		world_run_ms(w, 1);
	}
	assert_true(oldest_file(w) > last);
}

/* The file that knows of them goes after one in which LIVE names them. The first waits on, the
 * second is finished in between, the third is held. */
static void
wait_in_a_later_file(struct world *w, struct told *told)
{
	uint32_t file, live_file;

	w->config.journal_size_max = 8000;
	w->config.trace_keep_size = UINT64_MAX;
	w->answer = near_ok;
	w->retry_after_s = 3600;
	many_go(w, 3);
	file = w->queue->journal.number;
	for (int i = 0; i < 3; i++)
		told->ids[told->count++] = world_accept(w, "me@local", to_two, 2, "waits\r\n");
	WORLD_WAIT(w, w->queue->counters.deferred == 3);
	many_go(w, file + 2);
	live_file = w->queue->journal.number;
	journal_drop_until(w, 1);
	assert_true(oldest_file(w) <= file);
	w->answer = NULL;
	world_ctl(w, CTL_QUEUE_RETRY, told->ids[1]);
	WORLD_WAIT(w, world_delivered(w, told->ids[1], 1) == 1);
	w->answer = near_ok;
	world_ctl(w, CTL_QUEUE_HOLD, told->ids[2]);
	many_go(w, live_file + 1);
	journal_drop_until(w, file + 1);
	assert_true(oldest_file(w) <= live_file);
	world_run_ms(w, 50);
}

TEST(journal_is_dropped_twice)
{
	static struct world w;
	struct told told;
	char path[64];

	folder_make(path);
	told = crash(path, wait_in_a_later_file);
	again(&w, path);
	WORLD_WAIT(&w, !w.queue->recovery);
	world_run_ms(&w, 50);
	assert_int_equal(w.delivery_count, 0);
	assert_int_equal(w.queue->index.msgs.count, 2);
	world_ctl(&w, CTL_QUEUE_LIST, 0);
	assert_int_equal(w.row_count, 2);
	assert_true(w.rows[0].message == told.ids[0]);
	assert_int_equal(w.rows[0].attempts, 1);
	assert_int_equal(w.rows[0].state, CTL_RCPT_WAITING);
	assert_true(w.rows[1].message == told.ids[2]);
	assert_int_equal(w.rows[1].state, CTL_RCPT_HELD);
	assert_string_equal(w.row_replies[0], "their own words");
	world_end(&w);
}

/* The same, in segments that are then compacted. */
static void
compact_some(struct world *w, struct told *told)
{
	static const char *const to_near[] = {"eve@near.test"};
	char body[3001];

	memset(body, 'x', sizeof(body) - 1);
	body[sizeof(body) - 1] = 0;
	w->config.compact_after = 10;
	w->answer = near_ok;
	w->retry_after_s = 3600;
	for (int i = 0; i < 45; i++) {
		if (i % 15 == 0)
			told->ids[told->count++] =
				world_accept(w, "me@local", to_two, 2, "waits\r\n");
		world_accept(w, "me@local", to_near, 1, body);
	}
	WORLD_WAIT(w, w->queue->index.msgs.count == 3);
	world_run_ms(w, 100);
	compact_kick(w->queue);
	/* Two for each writer, and the long-stay one. */
	WORLD_WAIT(w, w->queue->files.segment_count <= 6);
	assert_true(w->queue->index.msgs.count == 3);
}

static void
small_segments(struct world *w, struct told *told)
{
	/* The writer's limit is set when it is made. */
	world_stop(w);
	spool_writer_destroy(&w->smtpin.writer);
	w->config.segment_size_max = 20000;
	world_start(w);
	compact_some(w, told);
}

TEST(compacted)
{
	static struct world w;
	struct told told;
	char path[64];

	folder_make(path);
	told = crash(path, small_segments);
	assert_int_equal(told.count, 3);
	again(&w, path);
	WORLD_WAIT(&w, !w.queue->recovery);
	world_run_ms(&w, 50);
	assert_int_equal(w.delivery_count, 0);
	assert_int_equal(w.queue->index.msgs.count, 3);
	world_ctl(&w, CTL_QUEUE_LIST, 0);
	assert_int_equal(w.row_count, 3);
	assert_string_equal(w.row_replies[0], "their own words");
	world_ctl(&w, CTL_QUEUE_RETRY, 0);
	WORLD_WAIT(&w, is_empty(&w));
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(world_delivered(&w, told.ids[i], 1), 1);
	assert_int_equal(w.delivery_count, 3);
	assert_non_null(strstr(w.deliveries[0].body, "waits"));
	assert_int_equal(world_files(&w, "damaged"), 0);
	world_end(&w);
}

TESTS(TEST_ROW(accepted_is_found_again), TEST_ROW(delivered_is_not_repeated),
      TEST_ROW(waiting_goes_on), TEST_ROW(report_is_made_after_a_crash),
      TEST_ROW(report_is_not_made_twice), TEST_ROW(second_queue_is_refused),
      TEST_ROW(queue_restarts_alone), TEST_ROW(sealed_while_away), TEST_ROW(large_body_survives),
      TEST_ROW(body_at_hand_is_held), TEST_ROW(journal_is_dropped),
      TEST_ROW(journal_is_dropped_twice), TEST_ROW(compacted), TEST_ROW(nothing_left))
