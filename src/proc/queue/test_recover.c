/*
 * Crashes: a child runs the world on a folder and ends without a word at a chosen point; then
 * another world starts on what it left. Nothing accepted may be missing; damage blocks nothing
 * else.
 */
#include <sys/stat.h>
#include <sys/syscall.h>

#include "proc/queue/test_crash.h"

#define CHILD_MESSAGES 40

static const char *const to_ann[] = {"ann@local"};
static const char *const to_two[] = {"ann@local", "bob@far.test"};
static const char *const to_far[] = {"bob@far.test"};

static void
accept_some(struct world *w, struct told *told)
{
	w->answer = answer_silent;
	for (int i = 0; i < CHILD_MESSAGES; i++)
		told->ids[told->count++] = world_accept(w, "me@local", to_ann, 1, "hello\r\n");
}

TEST(accepted_is_found_again)
{
	static struct world w;
	struct told told;

	told = crash_recover(&w, accept_some);
	WORLD_WAIT(&w, world_is_empty(&w));
	for (uint32_t i = 0; i < told.count; i++)
		assert_int_equal(world_delivered(&w, told.ids[i], 0), 1);
	assert_int_equal(w.delivery_count, told.count);
	assert_int_equal(world_files(&w, "damaged"), 0);
	world_end(&w);
}

static void
deliver_some(struct world *w, struct told *told)
{
	w->answer = answer_far_later;
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

	told = crash_recover(&w, deliver_some);
	WORLD_WAIT(&w, world_is_empty(&w));
	for (uint32_t i = 0; i < told.count; i++) {
		assert_int_equal(world_delivered(&w, told.ids[i], 0), 0); /* the child did */
		assert_int_equal(world_delivered(&w, told.ids[i], 1), 1);
	}
	world_end(&w);
}

static void
attempt_some(struct world *w, struct told *told)
{
	world_defer(w, answer_far_later);
	told->ids[told->count++] = world_accept(w, "me@local", to_two, 2, "hello\r\n");
	WORLD_WAIT(w, w->queue->counters.deferred == 1);
	world_run_ms(w, 1);
	world_ctl(w, CTL_QUEUE_SHOW, 0);
}

TEST(waiting_goes_on)
{
	static struct world w;

	crash_recover(&w, attempt_some);
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
	WORLD_WAIT(&w, world_is_empty(&w));
	world_end(&w);
}

static void
fail_unasked(struct world *w, struct told *told)
{
	w->answer = answer_far_never;
	w->bounce_silent = true;
	told->ids[told->count++] = world_accept(w, "me@local", to_two, 2, "hello\r\n");
	WORLD_WAIT(w, w->report_rcpt_count == 1);
}

TEST(report_is_made_after_a_crash)
{
	static struct world w;

	crash_recover(&w, fail_unasked);
	WORLD_WAIT(&w, w.report_count == 1 && world_is_empty(&w));
	assert_string_equal(w.report_reply, "their own words");
	assert_int_equal(w.delivery_count, 1);
	world_end(&w);
}

static void
fail_reported(struct world *w, struct told *told)
{
	w->answer = answer_far_never;
	told->ids[told->count++] = world_accept(w, "me@local", to_two, 2, "hello\r\n");
	WORLD_WAIT(w, w->report_count == 1); /* durable, queue may not know */
}

TEST(report_is_not_made_twice)
{
	static struct world w;

	crash_recover(&w, fail_reported);
	WORLD_WAIT(&w, world_is_empty(&w));
	world_run_ms(&w, 100);
	assert_int_equal(w.report_count, 0);
	assert_in_range(w.delivery_count, 0, 1);
	world_end(&w);
}

TEST(second_queue_is_refused)
{
	static struct world w, other;

	world_begin(&w, NULL);
	world_start(&w);
	world_begin(&other, w.path);
	world_open(&other);
	assert_int_equal(other.queue->phase, QUEUE_NEW);
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
	w.answer = answer_silent;
	before = world_accept(&w, "me@local", to_ann, 1, "before\r\n");
	world_stop(&w);
	world_accept(&w, "me@local", to_ann, 1, "meanwhile\r\n");
	w.answer = NULL;
	w.delivery_count = 0;
	world_start(&w);
	WORLD_WAIT(&w, world_is_empty(&w));
	assert_int_equal(w.delivery_count, 2);
	assert_int_equal(world_delivered(&w, before, 0), 1);
	world_accept(&w, "me@local", to_ann, 1, "after\r\n");
	WORLD_WAIT(&w, world_is_empty(&w) && w.delivery_count == 3);
	world_end(&w);
}

/* A writer fills and seals its segment while queue is away, and says so as soon as there is a new
 * one, which has not even read its journal then. */
TEST(sealed_while_away)
{
	static struct world w;

	world_begin(&w, NULL);
	w.config.lifetime = 60000;
	world_start(&w);
	world_stop(&w);
	spool_writer_destroy(&w.smtpin.writer);
	w.config.segment_size_max = 20000;
	w.answer = answer_silent;
	world_start(&w);
	world_accept(&w, "me@local", to_ann, 1, "before\r\n");
	world_stop(&w);
	for (int i = 0; i < 8; i++)
		world_accept_large(&w, "ann@local", 3000);
	w.answer = NULL;
	w.delivery_count = 0;
	world_start(&w);
	assert_false(journal_broken(w.queue));
	WORLD_WAIT(&w, world_is_empty(&w));
	assert_int_equal(w.delivery_count, 9);
	world_end(&w);
}

static void
large_some(struct world *w, struct told *told)
{
	w->answer = answer_silent;
	told->ids[told->count++] = world_accept_large(w, "ann@local", 50000);
}

TEST(large_body_survives)
{
	static struct world w;
	struct told told;

	told = crash_recover(&w, large_some);
	WORLD_WAIT(&w, world_is_empty(&w));
	assert_int_equal(world_delivered(&w, told.ids[0], 0), 1);
	assert_string_equal(w.deliveries[0].body, "0123456789012345678901234567890123456789");
	WORLD_WAIT(&w, world_files(&w, "bodies") == 4);
	world_end(&w);
}

/* Those that are being made have nobody for a moment. */
static bool
all_are_held(const struct world *w)
{
	for (struct list_node *node = list_first(&w->queue->files.all_bodies); node;
	     node = list_next(&w->queue->files.all_bodies, node))
		if (!CONTAINER_OF(node, struct queue_body, all)->holder)
			return false;
	return !list_empty(&w->queue->files.all_bodies);
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
	WORLD_WAIT(&w, !w.queue->recovery && all_are_held(&w));
	before = w.accepted_count;
	world_commit(&w, &draft, &accept);
	WORLD_WAIT(&w, w.accepted_count > before);
	WORLD_WAIT(&w, world_delivered(&w, w.last_id, 0) == 1 && world_is_empty(&w));
	WORLD_WAIT(&w, world_files(&w, "bodies") == 4);
	world_end(&w);
}

/* Syncs of the spool folder: so many fail, so many succeeded. */
static struct {
	ino_t inode;
	int fail, done;
} spool_syncs;

int
fsync(int fd)
{
	struct stat stat_buf;

	if (fstat(fd, &stat_buf) == 0 && stat_buf.st_ino == spool_syncs.inode) {
		if (spool_syncs.fail) {
			spool_syncs.fail--;
			errno = EIO;
			return -1;
		}
		spool_syncs.done++;
	}
	return (int)syscall(SYS_fsync, fd);
}

/* The names of segments/, bodies/ and journal/ are durable before any of it is used. */
TEST(folders_are_synced_first)
{
	static struct world w;
	struct stat stat_buf;

	world_begin(&w, NULL);
	assert_int_equal(stat(w.path, &stat_buf), 0);
	spool_syncs.inode = stat_buf.st_ino;
	spool_syncs.fail = 1;
	spool_syncs.done = 0;
	world_open(&w);
	WORLD_WAIT(&w, spool_syncs.fail == 0); /* a loaded disk takes its time */
	assert_int_equal(w.queue->phase, QUEUE_JOURNALS);
	assert_int_equal(world_files(&w, "segments") + world_files(&w, "journal"), 0);
	world_connect_all(&w);
	assert_int_equal(spool_syncs.done, 1);
	world_end(&w);
}

/* A sync of the folder of segments fails: the files made for it are never handed out. */
TEST(made_anew_after_a_failed_sync)
{
	static struct world w;
	struct stat stat_buf;
	char name[128];

	world_begin(&w, NULL);
	snprintf(name, sizeof(name), "%s/segments", w.path);
	assert_int_equal(mkdir(name, 0700), 0);
	assert_int_equal(stat(name, &stat_buf), 0);
	spool_syncs.inode = stat_buf.st_ino;
	spool_syncs.fail = 1;
	world_open(&w);
	WORLD_WAIT(&w, w.queue->phase == QUEUE_SERVING);
	world_connect(&w, &w.smtpin);
	WORLD_WAIT(&w, spool_syncs.fail == 0);
	WORLD_WAIT(&w, world_files(&w, "segments") == 0); /* the sweep has them */
	WORLD_WAIT(&w, spool_writer_ready(w.smtpin.writer) == 0);
	assert_int_equal(world_files(&w, "segments"), 2);
	WORLD_WAIT(&w, world_files(&w, "bodies") == 2);
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

	crash_recover(&w, deliver_all);
	WORLD_WAIT(&w, world_is_empty(&w));
	WORLD_WAIT(&w, world_files(&w, "segments") == 4); /* two for each writer */
	assert_int_equal(w.delivery_count, 0);
	world_end(&w);
}

/* A report is durable, and queue died before it knew. At the next start it is read before the
 * message that it is about, which is finished by it without ever having had a place. */
TEST(report_before_its_message)
{
	static struct world w;
	msg_id failed, waits[2];

	world_begin(&w, NULL);
	w.config.lifetime = 60000;
	world_start(&w);
	w.answer = answer_far_never;
	w.bounce_silent = true;
	failed = world_accept(&w, "me@local", to_far, 1, "fails\r\n");
	WORLD_WAIT(&w, w.report_rcpt_count == 1);
	world_defer(&w, answer_far_later);
	for (int i = 0; i < 2; i++)
		waits[i] = world_accept(&w, "me@local", to_far, 1, "waits\r\n");
	WORLD_WAIT(&w, w.queue->counters.deferred == 2);
	world_run_ms(&w, 50);
	world_stop(&w);
	world_report_make(&w); /* by bounce's own writer, while no queue runs */
	WORLD_WAIT(&w, w.report_count == 1);
	spool_writer_destroy(&w.bounce.writer);
	world_open(&w);
	world_run_ms(&w, 400); /* smtpin comes a little later */
	assert_non_null(w.queue->recovery);
	world_connect_all(&w);
	WORLD_WAIT(&w, !w.queue->recovery);
	WORLD_WAIT(&w, w.queue->index.msgs.count == 2);
	assert_null(index_find(w.queue, failed));
	for (int i = 0; i < 2; i++)
		assert_non_null(index_find(w.queue, waits[i]));
	world_end(&w);
}

/* A stop while messages of the journal have no place yet. */
TEST(stop_while_recovering)
{
	static struct world w;

	world_begin(&w, NULL);
	world_start(&w);
	world_defer(&w, answer_far_later);
	world_accept(&w, "me@local", to_far, 1, "waits\r\n");
	WORLD_WAIT(&w, w.queue->counters.deferred == 1);
	world_stop(&w);
	world_open(&w); /* smtpin does not come: its segment may still grow */
	WORLD_WAIT(&w, w.queue->phase == QUEUE_SERVING);
	world_run_ms(&w, 50);
	assert_non_null(w.queue->recovery);
	assert_int_equal(w.queue->index.msgs.count, 1);
	world_end(&w);
}

TESTS(TEST_ROW(stop_while_recovering), TEST_ROW(report_before_its_message),
      TEST_ROW(accepted_is_found_again), TEST_ROW(delivered_is_not_repeated),
      TEST_ROW(waiting_goes_on), TEST_ROW(report_is_made_after_a_crash),
      TEST_ROW(report_is_not_made_twice), TEST_ROW(second_queue_is_refused),
      TEST_ROW(queue_restarts_alone), TEST_ROW(sealed_while_away), TEST_ROW(large_body_survives),
      TEST_ROW(made_anew_after_a_failed_sync), TEST_ROW(folders_are_synced_first),
      TEST_ROW(body_at_hand_is_held), TEST_ROW(nothing_left))
