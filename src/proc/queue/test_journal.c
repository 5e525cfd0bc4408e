/*
 * The journal when there is no disk or no memory for it: what happened is kept, with its words, and
 * nothing that would add to it is begun.
 */
#include <sys/syscall.h>

#include "proc/queue/journal_file.h"
#include "proc/queue/test_crash.h"

static const char *const to_ann[] = {"ann@local"};
static const char *const to_far[] = {"bob@far.test"};
static const char *const to_both[] = {"ann@local", "bob@far.test"};

/* From now on writing and syncing it fails, until a new file is begun. */
static void
disk_full(struct world *w)
{
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC);

	assert_true(full >= 0);
	assert_int_equal(dup2(full, w->queue->journal.fd), w->queue->journal.fd);
	close(full);
}

/* As answer_never; the disk is full when it arrives, the first time. */
static uint8_t
answer_never_disk_full(struct world *w, const struct ipc_job *job, uint16_t rcpt)
{
	if (w->delivery_count == 0)
		disk_full(w);
	return answer_never(w, job, rcpt);
}

/* What cannot be noted is not delivered; when it can, all goes on, and nothing twice. */
TEST(cannot_be_written)
{
	static struct world w;
	msg_id id;

	world_begin(&w, NULL);
	world_start(&w);
	disk_full(&w);
	id = world_accept(&w, "me@local", to_ann, 1, "hello\r\n");
	WORLD_WAIT(&w, w.queue->journal.broken);
	assert_int_equal(w.delivery_count, 0);
	WORLD_WAIT(&w, !w.queue->journal.broken);
	WORLD_WAIT(&w, world_delivered(&w, id, 0) == 1 && world_is_empty(&w));
	assert_int_equal(w.delivery_count, 1);
	assert_int_equal(w.queue->journal.number, 2);
	world_stop(&w);
	world_start(&w);
	WORLD_WAIT(&w, world_is_empty(&w));
	world_run_ms(&w, 50);
	assert_int_equal(w.delivery_count, 1);
	world_end(&w);
}

/* The verdict was written to no file but the next one, where the report finds it. */
TEST(words_move_with_the_file)
{
	static struct world w;

	world_begin(&w, NULL);
	world_start(&w);
	w.answer = answer_never_disk_full;
	w.bounce_silent = true;
	world_accept(&w, "me@local", to_far, 1, "hello\r\n");
	WORLD_WAIT(&w, w.queue->journal.broken);
	assert_int_equal(w.report_rcpt_count, 0);
	WORLD_WAIT(&w, w.report_rcpt_count == 1);
	assert_string_equal(w.report_reply, "their own words");
	world_end(&w);
}

/* Syncs are held back, or fail. */
static enum { SYNC_GOOD, SYNC_HELD, SYNC_FAILS } _Atomic syncs;

int
fsync(int fd)
{
	while (syncs == SYNC_HELD)
		usleep(1000);
	if (syncs == SYNC_FAILS) {
		errno = EIO;
		return -1;
	}
	return (int)syscall(SYS_fsync, fd);
}

static void
refused(struct world *w, msg_id id, uint16_t number, struct slice reply)
{
	struct queue_rcpt *rcpt = &index_find(w->queue, id)->rcpts[number];
	struct journal_record result = {.kind = JOURNAL_RESULT, .id = id};
	struct journal_at at;

	result.u.result.rcpts = journal_rcpts_make(&number, 1);
	result.u.result.verdict.reply = reply;
	at = journal_append(w->queue, &result);
	rcpt->verdict_file = at.file;
	rcpt->verdict_at = at.at;
}

static void
check_reply(struct world *w, msg_id id, uint16_t number, struct slice reply)
{
	struct queue_rcpt *rcpt = &index_find(w->queue, id)->rcpts[number];
	struct journal_result last;
	struct arena arena;

	arena_init(&arena, rt_mem(w->t.rt), 1 << 20);
	assert_int_equal(rcpt->verdict_file, w->queue->journal.number);
	assert_int_equal(journal_last_result(w->queue, rcpt, &arena, &last), 0);
	assert_true(slice_eq(last.verdict.reply, reply));
	arena_finish(&arena);
}

/* The sync that fails is of the file before: what went to either of them goes over. */
TEST(words_of_two_files_move)
{
	static struct world w;
	msg_id id;

	world_begin(&w, NULL);
	world_start(&w);
	w.answer = answer_silent;
	id = world_accept(&w, "me@local", to_both, 2, "hello\r\n");
	WORLD_WAIT(&w, w.job_count == 2);
	WORLD_WAIT(&w, w.queue->journal.synced_serial == w.queue->journal.serial &&
			       !w.queue->journal.busy);
	syncs = SYNC_HELD;
	w.queue->journal.durable = false; /* as if this were its first sync */
	w.config.journal_size_max = 1;
	refused(&w, id, 0, SLICE("first"));
	WORLD_WAIT(&w, w.queue->journal.busy && w.queue->journal.number == 2);
	w.config.journal_size_max = (uint64_t)1 << 30;
	refused(&w, id, 1, SLICE("second"));
	world_run_ms(&w, 1);
	syncs = SYNC_FAILS;
	WORLD_WAIT(&w, w.queue->journal.broken);
	syncs = SYNC_GOOD;
	WORLD_WAIT(&w, !w.queue->journal.broken);
	check_reply(&w, id, 0, SLICE("first"));
	check_reply(&w, id, 1, SLICE("second"));
	/* The second was given up, and nothing of it was durable; the first was only full. */
	assert_int_equal(world_files(&w, "journal"), 2);
	assert_int_equal(crash_journal_oldest(&w), 1);
	world_end(&w);
}

static uint8_t
answer_ok_starving(struct world *w, const struct ipc_job *job, uint16_t rcpt)
{
	(void)job;
	(void)rcpt;
	world_starve(w, SIZE_MAX);
	return VERDICT_OK;
}

/* That a message was delivered needs no memory to be noted. */
TEST(no_memory_for_an_outcome)
{
	static struct world w;

	world_begin(&w, NULL);
	world_start(&w);
	w.answer = answer_ok_starving;
	world_accept(&w, "me@local", to_far, 1, "hello\r\n");
	WORLD_WAIT(&w, w.queue->counters.delivered == 1);
	assert_false(w.queue->journal.broken);
	world_starve(&w, 0);
	w.answer = NULL;
	world_stop(&w);
	world_start(&w);
	WORLD_WAIT(&w, world_is_empty(&w));
	world_run_ms(&w, 50);
	assert_int_equal(w.delivery_count, 1);
	world_end(&w);
}

/* A record that there is no memory for at a start is not passed by: the others would be about a
 * message that is then taken for new. */
TEST(no_memory_at_a_start)
{
	static struct world w;
	msg_id id;

	world_begin(&w, NULL);
	world_start(&w);
	w.answer = answer_far_later;
	id = world_accept(&w, "me@local", to_both, 2, "hello\r\n");
	WORLD_WAIT(&w, w.delivery_count == 2 && w.queue->counters.deferred == 1);
	world_stop(&w);
	w.answer = NULL;
	world_open(&w);
	world_starve(&w, SIZE_MAX);
	world_run_ms(&w, 100);
	assert_int_equal(w.queue->phase, QUEUE_JOURNALS);
	world_starve(&w, 0);
	world_connect_all(&w);
	WORLD_WAIT(&w, !w.queue->recovery);
	world_ctl(&w, CTL_QUEUE_RETRY, id);
	WORLD_WAIT(&w, world_is_empty(&w));
	assert_int_equal(world_delivered(&w, id, 0), 1);
	assert_int_equal(world_delivered(&w, id, 1), 1);
	world_end(&w);
}

/* Half of the memory waits for a disk that does not take it: results wait with their workers. */
TEST(full)
{
	static struct world w;
	uint8_t reply[VERDICT_REPLY_MAX];
	struct journal_record record = {.kind = JOURNAL_RESULT, .id = 1};
	uint16_t number = 0;
	msg_id id;

	memset(reply, 'x', sizeof(reply));
	record.u.result.rcpts = journal_rcpts_make(&number, 1);
	record.u.result.verdict.reply = slice_of(reply, sizeof(reply));
	world_begin(&w, NULL);
	world_start(&w);
	disk_full(&w);
	while (!journal_full(w.queue))
		(void)journal_append(w.queue, &record);
	queue_listen(w.queue);
	assert_true(w.queue->deaf);
	w.queue->journal.broken = true; /* as the write at the end of this turn makes it */
	id = world_accept(&w, "me@local", to_ann, 1, "hello\r\n");
	assert_int_equal(w.queue->counters.accepted, 0); /* it is not even read */
	rt_timer_arm(&w.queue->journal.again_timer, 0);
	WORLD_WAIT(&w, !w.queue->deaf);
	WORLD_WAIT(&w, world_delivered(&w, id, 0) == 1 && world_is_empty(&w));
	world_end(&w);
}

/* Files can be made, but not written to: those that are given up do not pile up. */
TEST(files_given_up_go)
{
	static struct world w;
	struct journal_record start = {.kind = JOURNAL_START};

	world_begin(&w, NULL);
	world_start(&w);
	WORLD_WAIT(&w, w.queue->journal.synced_serial == w.queue->journal.serial &&
			       !w.queue->journal.busy);
	for (int i = 0; i < 5; i++) {
		disk_full(&w);
		(void)journal_append(w.queue, &start);
		world_run_ms(&w, 1);
		assert_true(w.queue->journal.broken);
		assert_int_equal(journal_again(w.queue), 0);
		w.queue->journal.broken = false;
	}
	assert_int_equal(world_files(&w, "journal"), 6);
	w.queue->journal.broken = true;
	rt_timer_arm(&w.queue->journal.again_timer, 0);
	WORLD_WAIT(&w, !w.queue->journal.broken);
	assert_int_equal(world_files(&w, "journal"), 2); /* the first one was durable */
	assert_true(w.queue->journal.old_bytes < 4096);
	world_end(&w);
}

/* A file that could not be remembered stays, and no younger one goes before it. */
TEST(no_memory_for_an_old_file)
{
	static struct world w;
	struct journal_record start = {.kind = JOURNAL_START};

	world_begin(&w, NULL);
	w.config.journal_size_max = 100;
	w.config.trace_keep_size = UINT64_MAX;
	world_start(&w);
	WORLD_WAIT(&w, !w.queue->journal.busy);
	world_starve(&w, SIZE_MAX);
	for (int i = 0; i < 8 && !w.queue->journal.keep_ended; i++) { /* until a file is full */
		(void)journal_append(w.queue, &start);
		world_run_ms(&w, 100);
	}
	world_starve(&w, 0);
	assert_true(w.queue->journal.keep_ended);
	world_end(&w);
}

/* A worker that came while there was no memory for a job gets it later. */
TEST(no_memory_for_a_job)
{
	static struct world w;
	msg_id id;

	world_begin(&w, NULL);
	world_start(&w);
	world_disconnect(&w, &w.smtpout);
	id = world_accept(&w, "me@local", to_far, 1, "hello\r\n");
	WORLD_WAIT(&w, w.queue->counters.accepted == 1);
	world_run_ms(&w, 50);
	world_starve(&w, SIZE_MAX);
	world_connect(&w, &w.smtpout);
	world_run_ms(&w, 50);
	world_starve(&w, 0);
	WORLD_WAIT(&w, world_delivered(&w, id, 0) == 1);
	world_end(&w);
}

/* Written, but no sync works: nothing is granted, for a power cut would take back that it was. */
TEST(nothing_is_granted_before_a_sync)
{
	static struct world w;
	struct journal_record start = {.kind = JOURNAL_START};

	world_begin(&w, NULL);
	world_start(&w);
	w.answer = answer_silent;
	world_accept(&w, "me@local", to_ann, 1, "hello\r\n");
	WORLD_WAIT(&w, w.job_count == 1);
	syncs = SYNC_FAILS;
	(void)journal_append(w.queue, &start); /* what has to be synced */
	WORLD_WAIT(&w, w.queue->journal.broken);
	world_accept(&w, "me@local", to_far, 1, "hello\r\n");
	rt_timer_arm(&w.queue->journal.again_timer, 0);
	WORLD_WAIT(&w, !w.queue->journal.broken);
	assert_true(journal_broken(w.queue));
	world_run_ms(&w, 50);
	assert_int_equal(w.job_count, 1);
	syncs = SYNC_GOOD;
	WORLD_WAIT(&w, w.job_count == 2);
	assert_false(journal_broken(w.queue));
	world_end(&w);
}

TESTS(TEST_ROW(cannot_be_written), TEST_ROW(words_move_with_the_file),
      TEST_ROW(words_of_two_files_move), TEST_ROW(no_memory_for_an_outcome),
      TEST_ROW(no_memory_at_a_start), TEST_ROW(full), TEST_ROW(nothing_is_granted_before_a_sync),
      TEST_ROW(files_given_up_go), TEST_ROW(no_memory_for_an_old_file),
      TEST_ROW(no_memory_for_a_job))
