/*
 * What the journal knows of live mail is said again in its current file: when a segment is
 * compacted, and when an old file goes. However much that is, it comes in steps.
 */
#include <stdarg.h>
#include <stdatomic.h>
#include <sys/syscall.h>

#include "proc/queue/compact.h"
#include "proc/queue/grant.h"
#include "proc/queue/journal_file.h"
#include "proc/queue/test_crash.h"

#define REPLY_BYTES 4096
#define RCPTS 100
#define MESSAGES 40
/* As carry.c has it: the limit, a step, and a message of these. */
#define UNSYNCED_BYTES (((size_t)9 << 20) + RCPTS * (REPLY_BYTES + 1024))

static _Atomic bool syncs_wait;

int
fdatasync(int fd)
{
	while (syncs_wait)
		usleep(1000);
	return (int)syscall(SYS_fdatasync, fd);
}

int
fsync(int fd)
{
	while (syncs_wait)
		usleep(1000);
	return (int)syscall(SYS_fsync, fd);
}

static bool journals_shut;

int
openat(int dir, const char *name, int flags, ...)
{
	va_list list;
	mode_t mode;

	va_start(list, flags);
	mode = flags & O_CREAT ? va_arg(list, mode_t) : 0;
	va_end(list);
	if (journals_shut && strstr(name, ".journal")) {
		errno = EMFILE;
		return -1;
	}
	return (int)syscall(SYS_openat, dir, name, flags, mode);
}

/* To so many recipients at one place that nobody serves. */
static msg_id
accept_many(struct world *w, uint32_t count)
{
	static char names[SPOOL_RCPTS_MAX][32];
	static struct spool_rcpt rcpts[SPOOL_RCPTS_MAX];
	struct spool_accept accept = {
		.sender = SLICE("me@local"),
		.rcpts = rcpts,
		.rcpt_count = count,
		.accepted_wall_ms = rt_wall_ms(w->t.rt),
	};
	size_t known = w->queue->index.msgs.count;
	struct spool_draft *draft;

	for (uint32_t i = 0; i < count; i++) {
		snprintf(names[i], sizeof(names[i]), "u%03u@far.test", i);
		rcpts[i] = (struct spool_rcpt){.address = slice_str(names[i]),
					       .kind = SPOOL_RCPT_REMOTE,
					       .target = SLICE("far.test")};
	}
	assert_int_equal(spool_draft_begin(w->smtpin.writer, 0, &draft), 0);
	spool_draft_add(draft, SLICE("hello\r\n"));
	world_commit(w, &draft, &accept);
	WORLD_WAIT(w, w->queue->index.msgs.count > known);
	return w->last_id;
}

/* An attempt of these recipients, of which the other side has said so much. */
static void
attempt(struct world *w, msg_id id, uint16_t first, uint16_t count)
{
	struct journal_record record = {.kind = JOURNAL_RESULT, .id = id};
	struct queue_msg *msg = index_find(w->queue, id);
	uint64_t next_ms = rt_now_ms(w->t.rt) + 3600000;
	uint8_t reply[REPLY_BYTES];
	uint16_t numbers[SPOOL_RCPTS_MAX];
	struct journal_at at;

	memset(reply, 'x', sizeof(reply));
	for (uint16_t i = 0; i < count; i++)
		numbers[i] = (uint16_t)(first + i);
	record.u.result.state = JOURNAL_WAITING;
	record.u.result.attempt = 1;
	record.u.result.wait_ms = 3600000;
	record.u.result.rcpts = journal_rcpts_make(numbers, count);
	record.u.result.verdict.class = VERDICT_LATER;
	record.u.result.verdict.reply = slice_of(reply, sizeof(reply));
	at = journal_append(w->queue, &record);
	for (uint16_t i = first; i < first + count; i++) {
		msg->rcpts[i].attempts = 1;
		msg->rcpts[i].verdict_file = at.file;
		msg->rcpts[i].verdict_at = at.at;
		grant_wait(w->queue, &msg->rcpts[i], next_ms);
	}
}

static void
begin(struct world *w)
{
	world_begin(w, NULL);
	w->config.lifetime = 6000000;
	w->config.compact_after = 1000000; /* not by itself */
	world_start(w);
	world_disconnect(w, &w->smtpout);
}

/* Its writer has gone on to another, and it is as if most of it were over. */
static void
make_sparse(struct world *w, struct queue_segment *segment)
{
	assert_int_equal(IPC_SEND(w->smtpin.own_side, SPOOL_SEALED, spool_sealed,
				  .segment = segment->number, .end = segment->limit),
			 0);
	WORLD_WAIT(w, segment->closed);
	WORLD_WAIT(w, w->queue->journal.unsynced_len == 0);
	segment->read_end = segment->limit *= 5;
	w->config.compact_after = 0;
}

/* The words of many recipients are more than the journal may hold at once. */
TEST(compaction_in_steps)
{
	static struct world w;
	struct queue_segment *segment;
	msg_id ids[MESSAGES];
	size_t most = 0;

	begin(&w);
	for (int i = 0; i < MESSAGES; i++) {
		ids[i] = accept_many(&w, RCPTS);
		for (uint16_t k = 0; k < RCPTS; k++)
			attempt(&w, ids[i], k, 1);
	}
	segment = index_find(w.queue, ids[0])->segment;
	make_sparse(&w, segment);
	compact_kick(w.queue);
	WORLD_WAIT(&w, index_find(w.queue, ids[0])->segment != segment);
	syncs_wait = true;
	for (int i = 0; i < 300; i++) {
		world_run_ms(&w, 1);
		if (w.queue->journal.unsynced_len > most)
			most = w.queue->journal.unsynced_len;
	}
	assert_in_range(most, 1, UNSYNCED_BYTES);
	assert_ptr_equal(index_find(w.queue, ids[MESSAGES - 1])->segment, segment);
	syncs_wait = false;
	WORLD_WAIT(&w, !segment_find(w.queue, msg_id_segment(ids[0])));
	for (int i = 0; i < MESSAGES; i++)
		assert_int_equal(index_find(w.queue, ids[i])->segment->role, IPC_ROLE_QUEUE);
	world_end(&w);
}

/* One record for all that have the same words; others are told apart. */
TEST(alike_in_one_record)
{
	static struct world w;
	struct queue_segment *segment;
	struct queue_msg *msg;
	uint64_t before;
	msg_id id;

	begin(&w);
	id = accept_many(&w, SPOOL_RCPTS_MAX);
	attempt(&w, id, 0, 500);
	attempt(&w, id, 500, 498);
	world_ctl(&w, CTL_QUEUE_HOLD, id);
	world_ctl(&w, CTL_QUEUE_RELEASE, id);
	attempt(&w, id, 998, 1); /* and the last one was never tried */
	segment = index_find(w.queue, id)->segment;
	make_sparse(&w, segment);
	before = w.queue->journal.appended_bytes;
	compact_kick(w.queue);
	WORLD_WAIT(&w, !segment_find(w.queue, msg_id_segment(id)));
	assert_in_range(w.queue->journal.appended_bytes - before, 3 * REPLY_BYTES, 6 * REPLY_BYTES);
	world_stop(&w);
	world_open(&w);
	world_connect(&w, &w.smtpin);
	world_connect(&w, &w.bounce);
	WORLD_WAIT(&w, w.queue->phase == QUEUE_SERVING && !w.queue->recovery);
	msg = index_find(w.queue, id);
	assert_non_null(msg);
	for (size_t i = 0; i < SPOOL_RCPTS_MAX; i++)
		assert_int_equal(msg->rcpts[i].attempts, i < 999);
	assert_int_equal(msg->rcpts[0].verdict_at, msg->rcpts[499].verdict_at);
	assert_int_not_equal(msg->rcpts[499].verdict_at, msg->rcpts[500].verdict_at);
	assert_int_equal(msg->rcpts[500].verdict_at, msg->rcpts[997].verdict_at);
	assert_int_not_equal(msg->rcpts[997].verdict_at, msg->rcpts[998].verdict_at);
	assert_int_equal(msg->rcpts[999].verdict_file, 0);
	world_end(&w);
}

/* One waits whose words stand in an old file, which is not open. */
static msg_id
words_in_an_old_file(struct world *w)
{
	static const char *const to_far[] = {"bob@far.test"};
	msg_id id;

	world_begin(w, NULL);
	w->config.lifetime = 60000;
	w->config.journal_size_max = 8000;
	w->config.trace_keep_size = UINT64_MAX;
	w->config.compact_after = 1000000;
	world_start(w);
	world_defer(w, answer_near_ok);
	id = world_accept(w, "me@local", to_far, 1, "waits\r\n");
	WORLD_WAIT(w, w->queue->counters.deferred == 1);
	crash_many_go(w, 4);
	return id;
}

static void
words_are_known(struct world *w, msg_id id)
{
	world_ctl(w, CTL_QUEUE_SHOW, id);
	assert_int_equal(w->row_count, 1);
	assert_string_equal(w->row_replies[0], "their own words");
}

/* No descriptor for the file that has the words: they are not given up for that. */
TEST(no_descriptor_for_a_drop)
{
	static struct world w;
	msg_id id = words_in_an_old_file(&w);

	w.config.trace_keep_size = w.queue->journal.old_bytes - 1;
	journals_shut = true;
	journal_keep_run(w.queue);
	assert_non_null(w.queue->journal.keep);
	WORLD_WAIT(&w, !w.queue->journal.keep);
	assert_int_equal(crash_journal_oldest(&w), 1);
	journals_shut = false;
	crash_journal_drop_until(&w, 2);
	words_are_known(&w, id);
	world_end(&w);
}

TEST(no_descriptor_for_a_compaction)
{
	static struct world w;
	msg_id id = words_in_an_old_file(&w);
	struct queue_segment *segment = index_find(w.queue, id)->segment;

	make_sparse(&w, segment);
	journals_shut = true;
	compact_kick(w.queue);
	world_run_ms(&w, 100);
	assert_ptr_equal(index_find(w.queue, id)->segment, segment);
	journals_shut = false;
	WORLD_WAIT(&w, !segment_find(w.queue, msg_id_segment(id)));
	words_are_known(&w, id);
	world_end(&w);
}

TESTS(TEST_ROW(no_descriptor_for_a_drop), TEST_ROW(no_descriptor_for_a_compaction),
      TEST_ROW(compaction_in_steps), TEST_ROW(alike_in_one_record))
