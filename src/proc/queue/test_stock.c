/*
 * Files made ahead for writers: what is left of them when making them fails, and who else hears of
 * it when a sync of their folder does.
 */
#include <stdatomic.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "proc/queue/compact.h"
#include "proc/queue/journal_file.h"
#include "proc/queue/test_crash.h"

#define TRIES 5
#define FDS_MAX 1024

/* A folder that has lost something: each of its descriptors is told once, as the kernel does. */
static struct {
	_Atomic ino_t inode;
	_Atomic bool told[FDS_MAX];
	_Atomic int count;
} lost;

int
fsync(int fd)
{
	struct stat stat_buf;

	if (lost.inode && fstat(fd, &stat_buf) == 0 && stat_buf.st_ino == lost.inode &&
	    fd < FDS_MAX && !atomic_exchange(&lost.told[fd], true)) {
		lost.count++;
		errno = EIO;
		return -1;
	}
	return (int)syscall(SYS_fsync, fd);
}

static void
lose(struct world *w, const char *folder)
{
	struct stat stat_buf;
	char name[128];

	snprintf(name, sizeof(name), "%s/%s", w->path, folder);
	assert_int_equal(stat(name, &stat_buf), 0);
	memset(&lost, 0, sizeof(lost));
	lost.inode = stat_buf.st_ino;
}

/* smtpin has gone and comes back while queue has no memory for what it makes for it. */
static void
comes_back_starving(struct world *w, size_t size)
{
	size_t segments, bodies;

	world_begin(w, NULL);
	world_start(w);
	world_disconnect(w, &w->smtpin);
	spool_writer_destroy(&w->smtpin.writer);
	WORLD_WAIT(w, world_files(w, "segments") == 2 && world_files(w, "bodies") == 2);
	segments = w->queue->files.segment_count;
	bodies = w->queue->files.bodies.count;
	world_starve(w, size);
	world_connect(w, &w->smtpin);
	world_run_ms(w, 50);
	for (int i = 0; i < TRIES; i++) {
		stock_fill(w->queue);
		world_run_ms(w, 10);
	}
	world_run_ms(w, 200); /* a sweep */
	assert_in_range(w->queue->files.segment_count, segments, segments + 2);
	assert_in_range(w->queue->files.bodies.count, bodies, bodies + 2);
	assert_int_equal(world_files(w, "segments"), w->queue->files.segment_count);
	assert_int_equal(world_files(w, "bodies"), w->queue->files.bodies.count);
	world_starve(w, 0);
	WORLD_WAIT(w, spool_writer_ready(w->smtpin.writer) == 0);
	WORLD_WAIT(w, world_files(w, "segments") == 4 && world_files(w, "bodies") == 4);
	world_end(w);
}

/* A second after the other it is tried again: nothing may be left of a try. */
TEST(no_memory_for_a_segment)
{
	static struct world w;

	comes_back_starving(&w, sizeof(struct queue_segment));
}

TEST(no_memory_for_a_body)
{
	static struct world w;

	comes_back_starving(&w, sizeof(struct queue_body));
}

/* The sync of files for a writer that comes anew tells stock. */
static void
stock_is_told(struct world *w)
{
	lose(w, "segments");
	world_disconnect(w, &w->smtpin);
	spool_writer_destroy(&w->smtpin.writer);
	world_connect(w, &w->smtpin);
	WORLD_WAIT(w, lost.count == 1);
	WORLD_WAIT(w, spool_writer_ready(w->smtpin.writer) == 0);
	assert_int_equal(lost.count, 1);
}

static void
journal_files(struct world *w)
{
	world_begin(w, NULL);
	w->config.lifetime = 60000;
	w->config.journal_size_max = 8000;
	w->config.trace_keep_size = UINT64_MAX;
	world_start(w);
	crash_many_go(w, 4);
}

/* What was unlinked before may come back after a power cut: then no journal file that knows of it
 * may go. */
static void
drop_is_told(struct world *w)
{
	w->config.trace_keep_size = 1;
	journal_keep_run(w->queue);
	assert_non_null(w->queue->journal.keep);
	WORLD_WAIT(w, !w->queue->journal.keep);
	assert_true(w->queue->journal.keep_ended);
	assert_int_equal(crash_journal_oldest(w), 1);
	lost.inode = 0;
	world_end(w);
}

TEST(drop_hears_of_lost_segments)
{
	static struct world w;

	journal_files(&w);
	stock_is_told(&w);
	drop_is_told(&w);
}

TEST(drop_hears_of_lost_journals)
{
	struct journal_record start = {.kind = JOURNAL_START};
	static struct world w;

	journal_files(&w);
	lose(&w, "journal");
	while (lost.count == 0) { /* until there is another file */
		(void)journal_append(w.queue, &start);
		world_run_ms(&w, 1);
	}
	WORLD_WAIT(&w, !w.queue->journal.broken && w.queue->journal.unsynced_len == 0);
	assert_int_equal(lost.count, 1);
	drop_is_told(&w);
}

/* Nothing moves to a segment whose name may be lost. */
TEST(compaction_hears_of_lost_segments)
{
	static const char *const to_far[] = {"bob@far.test"};
	static struct world w;
	struct queue_segment *segment;
	msg_id id;

	world_begin(&w, NULL);
	w.config.lifetime = 60000;
	w.config.compact_after = 1000000;
	world_start(&w);
	world_defer(&w, answer_far_later);
	id = world_accept(&w, "me@local", to_far, 1, "waits\r\n");
	WORLD_WAIT(&w, w.queue->counters.deferred == 1);
	segment = index_find(w.queue, id)->segment;
	stock_is_told(&w);
	WORLD_WAIT(&w, segment->closed);
	segment->read_end = segment->limit *= 5; /* as if most of it were over */
	w.config.compact_after = 0;
	compact_kick(w.queue);
	WORLD_WAIT(&w, lost.count == 2);
	world_run_ms(&w, 50);
	assert_ptr_equal(index_find(w.queue, id)->segment, segment);
	compact_kick(w.queue);
	WORLD_WAIT(&w, index_find(w.queue, id)->segment != segment);
	lost.inode = 0;
	world_end(&w);
}

TESTS(TEST_ROW(drop_hears_of_lost_segments), TEST_ROW(drop_hears_of_lost_journals),
      TEST_ROW(compaction_hears_of_lost_segments), TEST_ROW(no_memory_for_a_segment),
      TEST_ROW(no_memory_for_a_body))
