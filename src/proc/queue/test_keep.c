/*
 * Journal files that are dropped and segments that are compacted: what is live is known afterwards,
 * and what is not stays dead.
 */
#include <sys/stat.h>
#include <sys/syscall.h>

#include "proc/queue/compact.h"
#include "proc/queue/journal_file.h"
#include "proc/queue/test_crash.h"

static bool writes_fail;

ssize_t
write(int fd, const void *data, size_t len)
{
	if (writes_fail) {
		errno = ENOSPC;
		return -1;
	}
	return syscall(SYS_write, fd, data, len);
}

static bool segments_stay;
static int unlinks_failed;

int
unlinkat(int dir, const char *name, int flags)
{
	if (segments_stay && strstr(name, ".seg")) {
		unlinks_failed++;
		errno = EIO;
		return -1;
	}
	return (int)syscall(SYS_unlinkat, dir, name, flags);
}

static const char *const to_ann[] = {"ann@local"};
static const char *const to_two[] = {"ann@local", "bob@far.test"};

/* Small files; none of them is dropped until the test says so. */
static void
files_are_kept(struct world *w)
{
	w->config.journal_size_max = 8000;
	w->config.trace_keep_size = UINT64_MAX;
}

static void
files_make(struct world *w, uint32_t until)
{
	files_are_kept(w);
	while (w->queue->journal.number < until) {
		struct journal_record start = {.kind = JOURNAL_START};

		(void)journal_append(w->queue, &start);
		world_run_ms(w, 1);
	}
}

/* Messages that wait among many that come and go; the journal forgets all but the last of it. */
static void
wait_among_many(struct world *w, struct told *told)
{
	static const char *const to_near[] = {"eve@near.test"};

	crash_journal_small(w);
	world_defer(w, answer_near_ok);
	told->ids[told->count++] = world_accept(w, "me@local", to_two, 2, "waits\r\n");
	WORLD_WAIT(w, w->queue->counters.deferred == 1 && w->queue->counters.delivered == 1);
	for (int i = 0; i < 150; i++)
		world_accept(w, "me@local", to_near, 1, "goes\r\n");
	WORLD_WAIT(w, w->queue->counters.delivered == 151);
	world_run_ms(w, 100);
	assert_true(w->queue->journal.number > 3);
	crash_journal_drop(w);
	told->reports = w->queue->journal.number;
}

TEST(journal_is_dropped)
{
	static struct world w;
	struct told told;

	told = crash_recover(&w, wait_among_many);
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
	WORLD_WAIT(&w, world_is_empty(&w) && w.delivery_count == 1);
	world_end(&w);
}

/* The file that knows of them goes after one in which LIVE names them. The first waits on, the
 * second is finished in between, the third is held. */
static void
wait_in_a_later_file(struct world *w, struct told *told)
{
	uint32_t file, live_file;

	files_are_kept(w);
	world_defer(w, answer_near_ok);
	crash_many_go(w, 3);
	file = w->queue->journal.number;
	for (int i = 0; i < 3; i++)
		told->ids[told->count++] = world_accept(w, "me@local", to_two, 2, "waits\r\n");
	WORLD_WAIT(w, w->queue->counters.deferred == 3);
	crash_many_go(w, file + 2);
	live_file = w->queue->journal.number;
	crash_journal_drop_until(w, 1);
	assert_true(crash_journal_oldest(w) <= file);
	w->answer = NULL;
	world_ctl(w, CTL_QUEUE_RETRY, told->ids[1]);
	WORLD_WAIT(w, world_delivered(w, told->ids[1], 1) == 1);
	w->answer = answer_near_ok;
	world_ctl(w, CTL_QUEUE_HOLD, told->ids[2]);
	crash_many_go(w, live_file + 1);
	crash_journal_drop_until(w, file + 1);
	assert_true(crash_journal_oldest(w) <= live_file);
	world_run_ms(w, 50);
}

TEST(journal_is_dropped_twice)
{
	static struct world w;
	struct told told;

	told = crash_recover(&w, wait_in_a_later_file);
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

/* Finished, but that is not yet on disk, while LIVE is written: it is not live. */
static void
leaves_during_the_drop(struct world *w, struct told *told)
{
	uint32_t file;

	files_are_kept(w);
	world_defer(w, answer_near_ok);
	for (int i = 0; i < 2; i++)
		told->ids[told->count++] = world_accept(w, "me@local", to_two, 2, "waits\r\n");
	WORLD_WAIT(w, w->queue->counters.deferred == 2);
	file = w->queue->journal.number;
	crash_many_go(w, file + 2);
	WORLD_WAIT(w, w->queue->index.msgs.count == 2 &&
			      w->queue->journal.synced_serial == w->queue->journal.serial);
	world_run_ms(w, 10);
	w->config.journal_sync = 5000;
	w->answer = NULL;
	world_ctl(w, CTL_QUEUE_RETRY, told->ids[0]);
	WORLD_WAIT(w, world_delivered(w, told->ids[0], 1) == 1);
	world_run_ms(w, 5);
	assert_int_equal(w->queue->index.msgs.count, 2);
	crash_journal_drop_until(w, file);
}

TEST(what_leaves_is_not_live)
{
	static struct world w;
	struct told told;

	told = crash_recover(&w, leaves_during_the_drop);
	WORLD_WAIT(&w, !w.queue->recovery);
	world_run_ms(&w, 50);
	assert_int_equal(w.delivery_count, 0);
	assert_int_equal(w.queue->index.msgs.count, 1);
	assert_non_null(index_find(w.queue, told.ids[1]));
	world_end(&w);
}

/* A drop waits for a journal that works, and is begun anew when a record was lost meanwhile. What
 * is known of a segment's end is carried along. */
TEST(drop_of_a_broken_journal)
{
	static struct world w;
	struct queue_segment *segment;
	uint32_t number;
	msg_id id;

	world_begin(&w, NULL);
	w.config.lifetime = 60000;
	world_start(&w);
	files_are_kept(&w);
	world_defer(&w, answer_near_ok);
	id = world_accept(&w, "me@local", to_two, 2, "waits\r\n");
	number = msg_id_segment(id);
	segment = segment_find(w.queue, number);
	WORLD_WAIT(&w, segment->live_count == 1);
	assert_int_equal(IPC_SEND(w.smtpin.own_side, SPOOL_SEALED, spool_sealed, .segment = number,
				  .end = segment->limit, .poisoned = true),
			 0);
	WORLD_WAIT(&w, segment->closed);
	WORLD_WAIT(&w, w.queue->counters.deferred == 1 && w.queue->counters.delivered == 1);
	/* The writer of this world writes on behind it, which nobody reads. */
	files_make(&w, 4);
	w.config.trace_keep_size = w.queue->journal.old_bytes - 1;
	journal_keep_run(w.queue);
	assert_non_null(w.queue->journal.keep);
	w.queue->journal.broken = true;
	world_run_ms(&w, 100);
	assert_int_equal(crash_journal_oldest(&w), 1);
	w.queue->journal.broken = false;
	WORLD_WAIT(&w, !w.queue->journal.keep);
	crash_journal_drop_until(&w, 1);
	world_stop(&w);
	spool_writer_destroy(&w.smtpin.writer);
	world_start(&w);
	WORLD_WAIT(&w, !w.queue->recovery);
	segment = segment_find(w.queue, number);
	assert_non_null(segment);
	assert_int_equal(segment->live_count, 1);
	assert_int_equal(segment->end, segment->limit);
	world_end(&w);
}

/* A file that cannot be removed stays in the list and is tried again; the next one waits for it. */
TEST(file_that_stays)
{
	static struct world w;
	char name[128], away[128];

	world_begin(&w, NULL);
	world_start(&w);
	files_make(&w, 4);
	snprintf(name, sizeof(name), "%s/journal/00000001.journal", w.path);
	snprintf(away, sizeof(away), "%s/away", w.path);
	assert_int_equal(rename(name, away), 0);
	assert_int_equal(mkdir(name, 0700), 0); /* no unlink of a folder */
	w.config.trace_keep_size = 1;
	journal_keep_run(w.queue);
	WORLD_WAIT(&w, !w.queue->journal.keep);
	world_run_ms(&w, 20);
	assert_int_equal(crash_journal_oldest(&w), 1);
	assert_int_equal(rmdir(name), 0);
	assert_int_equal(rename(away, name), 0);
	journal_keep_run(w.queue);
	WORLD_WAIT(&w, crash_journal_oldest(&w) > 1);
	world_end(&w);
}

#define STAY_MESSAGES 5

/* All in it is over, but its file cannot be removed: then the journal files that know how it ended
 * go. */
static void
segment_stays(struct world *w, msg_id ids[STAY_MESSAGES])
{
	world_begin(w, NULL);
	w->config.lifetime = 60000;
	files_are_kept(w);
	w->config.segment_size_max = 2000;
	world_start(w);
	w->answer = answer_near_ok;
	segments_stay = true;
	unlinks_failed = 0;
	for (int i = 0; i < STAY_MESSAGES; i++) {
		ids[i] = world_accept(w, "me@local", to_ann, 1, "once\r\n");
		WORLD_WAIT(w, world_delivered(w, ids[i], 0) == 1);
	}
	crash_many_go(w, 2); /* until its segment is full */
	WORLD_WAIT(w, unlinks_failed > 0);
	segments_stay = false;
	crash_many_go(w, 6);
	crash_journal_drop_until(w, 4);
	world_run_ms(w, 50);
}

TEST(segment_that_stays)
{
	static struct world w;
	msg_id ids[STAY_MESSAGES];

	segment_stays(&w, ids);
	world_stop(&w);
	world_start(&w);
	WORLD_WAIT(&w, world_is_empty(&w));
	world_run_ms(&w, 100);
	for (int i = 0; i < STAY_MESSAGES; i++)
		assert_int_equal(world_delivered(&w, ids[i], 0), 1);
	world_end(&w);
}

TEST(segment_that_stays_for_a_while)
{
	static struct world w;
	msg_id ids[STAY_MESSAGES];
	uint32_t number;
	char name[128];

	segment_stays(&w, ids);
	number = msg_id_segment(ids[0]);
	crash_segment_path(w.path, number, name, sizeof(name));
	assert_true(rt_timer_armed(&w.queue->files.unlink_timer));
	assert_int_equal(access(name, F_OK), 0);
	rt_timer_arm(&w.queue->files.unlink_timer, 0);
	WORLD_WAIT(&w, !segment_find(w.queue, number));
	assert_int_not_equal(access(name, F_OK), 0);
	world_end(&w);
}

/* When what is live takes more than trace-keep-size, dropping does not go round and round. */
TEST(live_state_over_the_size)
{
	static struct world w;
	uint32_t number;

	world_begin(&w, NULL);
	w.config.lifetime = 60000;
	world_start(&w);
	world_defer(&w, answer_far_later);
	for (int i = 0; i < 60; i++)
		world_accept(&w, "me@local", to_two, 2, "waits\r\n");
	WORLD_WAIT(&w, w.queue->counters.deferred == 60);
	files_make(&w, 4);
	w.config.trace_keep_size = 1;
	journal_keep_run(w.queue);
	world_run_ms(&w, 300);
	number = w.queue->journal.number;
	world_run_ms(&w, 300);
	assert_true(w.queue->journal.number <= number + 1);
	assert_true(w.queue->journal.old_bytes > 1);
	files_make(&w, w.queue->journal.number + 8); /* there is something to be had again */
	w.config.trace_keep_size = 1;
	number = crash_journal_oldest(&w);
	journal_keep_run(w.queue);
	WORLD_WAIT(&w, crash_journal_oldest(&w) > number);
	world_end(&w);
}

/* The disk takes no bytes: no empty files are left behind. */
TEST(no_empty_journals)
{
	static struct world w;
	size_t before;

	world_begin(&w, NULL);
	world_start(&w);
	world_run_ms(&w, 50);
	before = world_files(&w, "journal");
	writes_fail = true;
	assert_int_equal(journal_file_open(w.queue, false), -ENOSPC);
	writes_fail = false;
	assert_int_equal(world_files(&w, "journal"), before);
	world_end(&w);
}

static void
never_tried(struct world *w, struct told *told)
{
	const struct spool_rcpt rcpt = {
		SLICE("bob@far.test"), {NULL, 0}, 0, SPOOL_RCPT_REMOTE, SLICE("far.test")};
	struct spool_accept accept = {.sender = SLICE("me@local"),
				      .rcpts = &rcpt,
				      .rcpt_count = 1,
				      .accepted_wall_ms = rt_wall_ms(w->t.rt) - 10000};
	struct spool_draft *draft;

	world_disconnect(w, &w->smtpout);
	assert_int_equal(spool_draft_begin(w->smtpin.writer, 0, &draft), 0);
	world_commit(w, &draft, &accept);
	WORLD_WAIT(w, w->queue->index.msgs.count == 1);
	told->ids[told->count++] = w->last_id;
	files_make(w, 4);
	crash_journal_drop_until(w, 1);
}

/* Carried forward before its first attempt: it is as old as its record says. */
TEST(age_of_what_was_never_tried)
{
	static struct world w;
	struct told told;
	char path[64];

	told = crash_recover(&w, never_tried);
	WORLD_WAIT(&w, w.delivery_count == 1);
	world_end(&w);
	told = crash(path, never_tried);
	world_begin(&w, path);
	w.owns_path = true;
	w.config.lifetime = 60000;
	world_open(&w);
	WORLD_WAIT(&w, w.queue->phase == QUEUE_SERVING && !w.queue->recovery);
	assert_in_range((int64_t)rt_now_ms(w.t.rt) - index_find(w.queue, told.ids[0])->born_ms,
			10000, 16000);
	world_end(&w);
}

/* The same, in segments that are then compacted. */
static void
sparse_some(struct world *w, struct told *told)
{
	for (int i = 0; i < 45; i++) {
		if (i % 15 == 0)
			told->ids[told->count++] =
				world_accept(w, "me@local", to_two, 2, "waits\r\n");
		world_accept_large(w, "eve@near.test", 3000);
	}
}

static void
compact_some(struct world *w, struct told *told)
{
	w->config.compact_after = 0;
	world_defer(w, answer_near_ok);
	sparse_some(w, told);
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

	told = crash_recover(&w, small_segments);
	assert_int_equal(told.count, 3);
	WORLD_WAIT(&w, !w.queue->recovery);
	world_run_ms(&w, 50);
	assert_int_equal(w.delivery_count, 0);
	assert_int_equal(w.queue->index.msgs.count, 3);
	world_ctl(&w, CTL_QUEUE_LIST, 0);
	assert_int_equal(w.row_count, 3);
	assert_string_equal(w.row_replies[0], "their own words");
	world_ctl(&w, CTL_QUEUE_RETRY, 0);
	WORLD_WAIT(&w, world_is_empty(&w));
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(world_delivered(&w, told.ids[i], 1), 1);
	assert_int_equal(w.delivery_count, 3);
	assert_non_null(strstr(w.deliveries[0].body, "waits"));
	assert_int_equal(world_files(&w, "damaged"), 0);
	world_end(&w);
}

/* Puts a copy of the first record of a segment into a long-stay segment before it, as a compaction
 * does whose end nobody has heard of. */
static void
copy_by_hand(const char *path, unsigned number)
{
	uint8_t bytes[4096], out[4096];
	struct spool_file_head head;
	struct spool_found found;
	struct spool_head record;
	struct builder b;
	char name[128];
	size_t size;

	crash_segment_path(path, number, name, sizeof(name));
	size = crash_file_read(name, bytes, sizeof(bytes));
	assert_int_equal(spool_file_head_decode(slice_of(bytes, size), &head), 0);
	assert_int_equal(spool_scan(slice_from(slice_of(bytes, size), SPOOL_FILE_HEAD_BYTES),
				    head.secret, true, &found),
			 1);
	head.number = number - 1;
	head.secret++;
	head.writer_role = IPC_ROLE_QUEUE;
	record = found.head;
	record.meta_sum = spool_sum(head.secret, spool_record_meta(&found));
	record.content_sum = spool_sum(
		head.secret, slice_from(found.record, SPOOL_HEAD_BYTES + record.meta_length));
	builder_init_fixed(&b, out, sizeof(out));
	spool_file_head_encode(&b, &head);
	spool_head_encode(&b, &record, head.secret);
	builder_add(&b, slice_from(found.record, SPOOL_HEAD_BYTES));
	assert_false(b.failed);
	crash_segment_path(path, number - 1, name, sizeof(name));
	crash_file_write(name, builder_slice(&b));
}

static void
one_waits(struct world *w, struct told *told)
{
	world_defer(w, answer_far_later);
	told->ids[told->count++] = world_accept(w, "me@local", to_two, 2, "waits\r\n");
	WORLD_WAIT(w, w->queue->counters.deferred == 1 && w->queue->counters.delivered == 1);
	world_run_ms(w, 20);
}

/* A copy that the journal does not know of may not be on disk: the original stays the message, and
 * the copy serves only when it is gone. */
TEST(copy_that_nobody_knows)
{
	for (int damaged = 0; damaged < 2; damaged++) {
		static struct world w;
		struct told told;
		char path[64], name[128];
		uint32_t number;

		told = crash(path, one_waits);
		number = msg_id_segment(told.ids[0]);
		copy_by_hand(path, number);
		crash_segment_path(path, number, name, sizeof(name));
		if (damaged)
			crash_file_damage(name, SPOOL_FILE_HEAD_BYTES + 80, 8);
		crash_again(&w, path);
		WORLD_WAIT(&w, !w.queue->recovery);
		assert_int_equal(w.queue->index.msgs.count, 1);
		assert_int_equal(index_find(w.queue, told.ids[0])->segment->number,
				 number - (damaged ? 1 : 0));
		world_run_ms(&w, 20);
		assert_int_equal(w.delivery_count, 0);
		world_ctl(&w, CTL_QUEUE_RETRY, 0);
		WORLD_WAIT(&w, world_is_empty(&w));
		assert_int_equal(world_delivered(&w, told.ids[0], 1), 1);
		world_end(&w);
	}
}

/* A file whose syncs fail. */
static ino_t sync_fails;

int
fdatasync(int fd)
{
	struct stat stat_buf;

	if (sync_fails && fstat(fd, &stat_buf) == 0 && stat_buf.st_ino == sync_fails) {
		errno = EIO;
		return -1;
	}
	return (int)syscall(SYS_fdatasync, fd);
}

/* The sync of a batch fails: what was appended never counts, and the originals stay. */
TEST(compaction_that_fails)
{
	static struct world w;
	struct queue_segment *to;
	struct told told = {0};
	struct stat stat_buf;
	char name[128];
	uint32_t number, live;

	world_begin(&w, NULL);
	w.config.lifetime = 60000;
	w.config.segment_size_max = 20000;
	world_start(&w);
	compact_some(&w, &told);
	to = index_find(w.queue, told.ids[0])->segment;
	number = to->number;
	assert_int_equal(to->role, IPC_ROLE_QUEUE);
	crash_segment_path(w.path, number, name, sizeof(name));
	assert_int_equal(stat(name, &stat_buf), 0);
	sync_fails = stat_buf.st_ino;
	sparse_some(&w, &told);
	WORLD_WAIT(&w, w.queue->index.msgs.count == 6);
	compact_kick(w.queue);
	WORLD_WAIT(&w, to->closed);
	assert_int_equal(to->end, to->limit);
	live = to->live_count;
	assert_true(crash_file_size(name) > (off_t)to->limit);
	sync_fails = 0;
	world_stop(&w);
	world_start(&w);
	WORLD_WAIT(&w, !w.queue->recovery);
	assert_int_equal(w.queue->index.msgs.count, 6);
	assert_true(segment_find(w.queue, number)->read_end < (uint64_t)crash_file_size(name));
	assert_int_equal(segment_find(w.queue, number)->live_count, live);
	world_end(&w);
}

/* One record in a sparse segment is damaged: the other segments are compacted all the same. */
TEST(compaction_passes_by)
{
	static struct world w;
	struct queue_msg *damaged;
	struct told told = {0};
	char name[128];

	world_begin(&w, NULL);
	w.config.lifetime = 60000;
	w.config.segment_size_max = 20000;
	w.config.compact_after = 1000000;
	world_start(&w);
	world_defer(&w, answer_near_ok);
	sparse_some(&w, &told);
	WORLD_WAIT(&w, w.queue->index.msgs.count == 3);
	world_run_ms(&w, 100);
	damaged = index_find(w.queue, told.ids[0]);
	crash_segment_path(w.path, damaged->segment->number, name, sizeof(name));
	crash_file_damage(name, (long)damaged->offset + SPOOL_HEAD_BYTES + 8, 4);
	w.config.compact_after = 0;
	for (int i = 0; i < 5; i++) {
		compact_kick(w.queue);
		world_run_ms(&w, 50);
	}
	assert_int_equal(damaged->segment->role, IPC_ROLE_SMTPIN);
	for (int i = 1; i < 3; i++)
		assert_int_equal(index_find(w.queue, told.ids[i])->segment->role, IPC_ROLE_QUEUE);
	world_end(&w);
}

TESTS(TEST_ROW(compaction_passes_by), TEST_ROW(segment_that_stays),
      TEST_ROW(segment_that_stays_for_a_while), TEST_ROW(journal_is_dropped),
      TEST_ROW(journal_is_dropped_twice), TEST_ROW(compacted),
      TEST_ROW(age_of_what_was_never_tried), TEST_ROW(file_that_stays),
      TEST_ROW(live_state_over_the_size), TEST_ROW(no_empty_journals),
      TEST_ROW(what_leaves_is_not_live), TEST_ROW(drop_of_a_broken_journal),
      TEST_ROW(copy_that_nobody_knows), TEST_ROW(compaction_that_fails))
