/*
 * What lies in the folders is not as it should be: torn, overwritten, unreadable, foreign. It is
 * set aside, and blocks nothing else.
 */
#include <stdarg.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "proc/queue/journal_file.h"
#include "proc/queue/test_crash.h"

#define BLOCK_BYTES 4096

static const char *const to_ann[] = {"ann@local"};

static void
accept_three(struct world *w, struct told *told)
{
	w->answer = answer_silent;
	for (int i = 0; i < 3; i++)
		told->ids[told->count++] =
			world_accept(w, "me@local", to_ann, 1, "0123456789abcdef");
}

/* The last record torn at every byte: the other two come, it does not, nobody is hurt. */
TEST(torn_at_every_byte)
{
	static struct world w;
	char path[64], name[128], copy[128];
	struct told told;
	uint8_t bytes[4096];
	size_t size, record;

	told = crash(path, accept_three);
	crash_segment_path(path, msg_id_segment(told.ids[0]), name, sizeof(name));
	size = crash_file_read(name, bytes, sizeof(bytes));
	record = (size - SPOOL_FILE_HEAD_BYTES) / 3;
	for (size_t cut = size - record; cut < size; cut += 7) {
		char round[64];

		crash_folder(round);
		snprintf(copy, sizeof(copy), "%s/segments", round);
		assert_int_equal(mkdir(copy, 0700), 0);
		crash_segment_path(round, msg_id_segment(told.ids[0]), copy, sizeof(copy));
		crash_file_write(copy, slice_of(bytes, cut));
		crash_again(&w, round);
		WORLD_WAIT(&w, world_is_empty(&w));
		assert_int_equal(w.delivery_count, 2);
		assert_int_equal(world_delivered(&w, told.ids[0], 0), 1);
		assert_int_equal(world_delivered(&w, told.ids[1], 0), 1);
		world_end(&w);
	}
	crash_again(&w, path);
	WORLD_WAIT(&w, world_is_empty(&w));
	assert_int_equal(w.delivery_count, 3);
	world_end(&w);
}

TEST(damaged_middle)
{
	static struct world w;
	struct told told;
	char path[64], name[128];

	told = crash(path, accept_three);
	crash_segment_path(path, msg_id_segment(told.ids[0]), name, sizeof(name));
	crash_file_damage(name,
			  SPOOL_FILE_HEAD_BYTES +
				  (long)(crash_file_size(name) - SPOOL_FILE_HEAD_BYTES) / 3 + 70,
			  20);
	crash_again(&w, path);
	WORLD_WAIT(&w, world_is_empty(&w));
	assert_int_equal(world_delivered(&w, told.ids[0], 0), 1);
	assert_int_equal(world_delivered(&w, told.ids[1], 0), 0);
	assert_int_equal(world_delivered(&w, told.ids[2], 0), 1);
	assert_int_equal(world_files(&w, "damaged"), 1);
	world_end(&w);
}

/* One block of one file that cannot be read: a read that begins before it comes back short. */
static struct {
	ino_t inode;
	off_t at;
} bad;

ssize_t
pread(int fd, void *buf, size_t len, off_t at)
{
	struct stat stat_buf;

	if (bad.inode && fstat(fd, &stat_buf) == 0 && stat_buf.st_ino == bad.inode &&
	    at < bad.at + BLOCK_BYTES && at + (off_t)len > bad.at) {
		if (at >= bad.at) {
			errno = EIO;
			return -1;
		}
		len = (size_t)(bad.at - at);
	}
	return syscall(SYS_pread64, fd, buf, len, at);
}

static void
bad_set(const char *name, off_t at)
{
	struct stat stat_buf;

	assert_int_equal(stat(name, &stat_buf), 0);
	bad.inode = stat_buf.st_ino;
	bad.at = at;
}

static void
accept_many(struct world *w, struct told *told)
{
	w->answer = answer_silent;
	for (int i = 0; i < 20; i++)
		told->ids[told->count++] = world_accept_large(w, "ann@local", 1000);
}

/* A bad sector in a segment costs the records that touch it, none behind it. */
TEST(segment_with_a_bad_block)
{
	for (off_t at = 0; at < 16384; at += 8192) {
		static struct world w;
		struct told told;
		char path[64], name[128];
		size_t lost = 0;

		told = crash(path, accept_many);
		crash_segment_path(path, msg_id_segment(told.ids[0]), name, sizeof(name));
		bad_set(name, at + 4096);
		crash_again(&w, path);
		WORLD_WAIT(&w, world_is_empty(&w));
		for (uint32_t i = 0; i < told.count; i++)
			lost += world_delivered(&w, told.ids[i], 0) == 0;
		assert_in_range(lost, 1, 5);
		assert_int_equal(w.delivery_count, told.count - lost);
		assert_int_equal(world_delivered(&w, told.ids[told.count - 1], 0), 1);
		assert_true(world_files(&w, "damaged") >= 1);
		bad.inode = 0;
		world_end(&w);
	}
}

static void
deliver_many(struct world *w, struct told *told)
{
	for (int i = 0; i < 40; i++)
		told->ids[told->count++] = world_accept(w, "me@local", to_ann, 1, "hello\r\n");
	WORLD_WAIT(w, w->queue->counters.delivered == 40);
	w->answer = answer_silent; /* keeps the segment */
	told->ids[told->count++] = world_accept(w, "me@local", to_ann, 1, "stays\r\n");
	world_run_ms(w, 1);
}

/* In a journal it costs what it says, not what is said behind it. */
TEST(journal_with_a_bad_block)
{
	static struct world w;
	struct told told;
	char path[64], name[128];

	told = crash(path, deliver_many);
	snprintf(name, sizeof(name), "%s/journal/00000001.journal", path);
	assert_true(crash_file_size(name) > 3 * 4096);
	bad_set(name, 4096);
	crash_again(&w, path);
	WORLD_WAIT(&w, world_is_empty(&w));
	assert_int_equal(world_delivered(&w, told.ids[40], 0), 1);
	assert_int_equal(world_delivered(&w, told.ids[39], 0), 0);
	assert_int_equal(world_delivered(&w, told.ids[0], 0), 0);
	assert_in_range(w.delivery_count, 2, 30);
	bad.inode = 0;
	world_end(&w);
}

static void
file_put(const char *path, const char *name, const char *text)
{
	char full[160];

	snprintf(full, sizeof(full), "%s/%s", path, name);
	crash_file_write(full, slice_str(text));
}

/* Garbage of all kinds is set aside and stops nothing (I8). */
TEST(foreign_files)
{
	static struct world w;
	struct told told;
	char path[64];

	told = crash(path, accept_three);
	file_put(path, "segments/core", "what?");
	file_put(path, "segments/000000ff.seg",
		 "garbage that is longer than the head of a segment "
		 "would be, all in all, by some bytes");
	file_put(path, "segments/000000fe.seg", "");
	file_put(path, "journal/000000ff.journal", "garbage");
	file_put(path, "bodies/xyz", "garbage");
	file_put(path, "bodies/000000aa.body", "orphan");
	file_put(path, "stray", "garbage");
	crash_again(&w, path);
	WORLD_WAIT(&w, world_is_empty(&w));
	assert_int_equal(w.delivery_count, told.count);
	assert_int_equal(world_files(&w, "damaged"), 5);
	WORLD_WAIT(&w, world_files(&w, "bodies") == 4); /* only spares */
	world_end(&w);
}

/* So many opens of files below segments or journal answer EMFILE. */
static int opens_fail;

int
openat(int dir, const char *name, int flags, ...)
{
	va_list list;
	mode_t mode;

	va_start(list, flags);
	mode = flags & O_CREAT ? va_arg(list, mode_t) : 0;
	va_end(list);
	if (opens_fail && (strstr(name, ".seg") || strstr(name, ".journal"))) {
		opens_fail--;
		errno = EMFILE;
		return -1;
	}
	return (int)syscall(SYS_openat, dir, name, flags, mode);
}

/* No descriptors at start: that says nothing about the files. Where segments cannot be opened queue
 * ends, and is started again. */
TEST(descriptors_are_short)
{
	static struct world w;
	struct told told;
	char path[64];

	told = crash(path, accept_three);
	world_begin(&w, path);
	opens_fail = 1; /* a segment */
	world_open(&w);
	assert_int_equal(w.queue->phase, QUEUE_NEW);
	assert_int_equal(opens_fail, 0);
	world_end(&w);

	world_begin(&w, path);
	w.owns_path = true;
	world_open(&w);
	opens_fail = 1;			 /* the journal */
	WORLD_WAIT(&w, opens_fail == 0); /* a loaded disk takes its time */
	assert_int_equal(w.queue->phase, QUEUE_JOURNALS);
	world_connect_all(&w);
	WORLD_WAIT(&w, world_is_empty(&w));
	assert_int_equal(w.delivery_count, told.count);
	assert_int_equal(world_files(&w, "damaged"), 0);
	world_end(&w);
}

/* A crash while a file gets its head leaves a part of that: no damage, and nothing to report. */
TEST(heads_cut_short)
{
	static struct world w;
	struct told told;
	char path[64];

	told = crash(path, accept_three);
	file_put(path, "segments/000000fe.seg", "FRANKSEG and a few more");
	file_put(path, "segments/000000ff.seg", "FRA");
	file_put(path, "journal/000000fe.journal", "FRANKJNL and a few more");
	file_put(path, "journal/000000ff.journal", "");
	crash_again(&w, path);
	WORLD_WAIT(&w, world_is_empty(&w));
	assert_int_equal(w.delivery_count, told.count);
	assert_int_equal(world_files(&w, "damaged"), 0);
	world_end(&w);
}

/* What is no file of ours does not decide which numbers come next: at the last number there would
 * be no file any more for any mail. */
TEST(future_numbers)
{
	static struct world w;
	struct told told;
	char path[64];

	told = crash(path, accept_three);
	file_put(path, "segments/fffffffe.seg", "garbage from far away");
	file_put(path, "segments/fffffffd.seg", "");
	file_put(path, "journal/fffffffe.journal", "garbage from far away");
	file_put(path, "bodies/fffffffe.body", "garbage from far away");
	crash_again(&w, path);
	WORLD_WAIT(&w, world_is_empty(&w));
	assert_int_equal(w.delivery_count, told.count);
	assert_true(w.queue->journal.next_number < 100);
	assert_true(w.queue->files.next_segment < UINT32_MAX / 2 + 100);
	assert_true(w.queue->files.next_body < 100);
	world_end(&w);
}

/* One id in two segments counts once. */
TEST(copy_counts_once)
{
	static struct world w;
	struct told told;
	char path[64], from[128], to[128];
	uint8_t bytes[4096];
	size_t size;

	told = crash(path, accept_three);
	crash_segment_path(path, msg_id_segment(told.ids[0]), from, sizeof(from));
	crash_segment_path(path, msg_id_segment(told.ids[0]) + 8, to, sizeof(to));
	size = crash_file_read(from, bytes, sizeof(bytes));
	crash_file_write(to, slice_of(bytes, size));
	crash_again(&w, path);
	WORLD_WAIT(&w, world_is_empty(&w));
	assert_int_equal(w.delivery_count, told.count);
	assert_int_equal(world_files(&w, "damaged"), 1); /* its head says another number */
	world_end(&w);
}

/* A record as it would be written, with this kind and these bytes. */
static void
journal_nonsense(struct world *w, uint8_t kind)
{
	struct queue_journal *j = &w->queue->journal;
	struct spool_head head = {.kind = kind, .id = 77};

	memset(j->meta, 0xff, 40);
	j->unsynced_len += journal_put(w->queue, j->unsynced_len, head, 40);
	j->serial++;
}

static bool
log_has(const char *path, const char *text)
{
	char line[4096];
	bool found = false;
	FILE *file = fopen(path, "r");

	assert_non_null(file);
	while (fgets(line, sizeof(line), file))
		found = found || strstr(line, text);
	fclose(file);
	return found;
}

/* Good sums around nonsense are passed by, and it is said; what a newer Frank has written is no
 * nonsense. */
TEST(nonsense_in_the_journal)
{
	static const struct {
		uint8_t kind;
		bool said;
	} rows[] = {{JOURNAL_KIND_MAX, false}, {JOURNAL_RESULT, true}};
	char path[] = "/tmp/frank-queue-log.XXXXXX";
	struct world w;
	msg_id id;

	close(mkstemp(path));
	setenv("FRANK_TEST_LOG", path, true);
	world_begin(&w, NULL);
	unsetenv("FRANK_TEST_LOG");
	for (size_t i = 0; i < 2; i++) {
		world_start(&w);
		journal_nonsense(&w, rows[i].kind);
		id = world_accept(&w, "me@local", to_ann, 1, "hello\r\n");
		WORLD_WAIT(&w, world_delivered(&w, id, 0) == 1 && world_is_empty(&w));
		world_stop(&w);
		world_start(&w);
		WORLD_WAIT(&w, world_is_empty(&w));
		assert_int_equal(log_has(path, " queue_damaged journal="), rows[i].said);
		world_stop(&w);
	}
	world_end(&w);
	unlink(path);
}

TESTS(TEST_ROW(nonsense_in_the_journal), TEST_ROW(torn_at_every_byte), TEST_ROW(damaged_middle),
      TEST_ROW(segment_with_a_bad_block), TEST_ROW(journal_with_a_bad_block),
      TEST_ROW(foreign_files), TEST_ROW(descriptors_are_short), TEST_ROW(heads_cut_short),
      TEST_ROW(future_numbers), TEST_ROW(copy_counts_once))
