/*
 * Crashes and worse: what recovery does with files that are torn, damaged, foreign or of other
 * numbers. Damage blocks nothing else.
 */
#include <sys/resource.h>
#include <sys/stat.h>

#include "proc/queue/test_recover.h"

static const char *const to_ann[] = {"ann@local"};

/* The last segment of the folder with records, by path. */
static void
segment_path(const char *path, unsigned number, char *name, size_t size)
{
	snprintf(name, size, "%s/segments/%08x.seg", path, number);
}

static off_t
file_size(const char *name)
{
	struct stat stat_buf;

	assert_int_equal(stat(name, &stat_buf), 0);
	return stat_buf.st_size;
}

static void
accept_three(struct world *w, struct told *told)
{
	w->answer = silent;
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
	FILE *file;

	folder_make(path);
	told = crash(path, accept_three);
	segment_path(path, msg_id_segment(told.ids[0]), name, sizeof(name));
	size = (size_t)file_size(name);
	assert_true(size < sizeof(bytes));
	file = fopen(name, "rb");
	assert_int_equal(fread(bytes, 1, size, file), size);
	fclose(file);
	record = (size - SPOOL_FILE_HEAD_BYTES) / 3;
	for (size_t cut = size - record; cut < size; cut += 7) {
		char round[64];

		folder_make(round);
		snprintf(copy, sizeof(copy), "%s/segments", round);
		assert_int_equal(mkdir(copy, 0700), 0);
		segment_path(round, msg_id_segment(told.ids[0]), copy, sizeof(copy));
		file = fopen(copy, "wb");
		assert_int_equal(fwrite(bytes, 1, cut, file), cut);
		fclose(file);
		again(&w, round);
		WORLD_WAIT(&w, is_empty(&w));
		assert_int_equal(w.delivery_count, 2);
		assert_int_equal(world_delivered(&w, told.ids[0], 0), 1);
		assert_int_equal(world_delivered(&w, told.ids[1], 0), 1);
		world_end(&w);
	}
	again(&w, path);
	WORLD_WAIT(&w, is_empty(&w));
	assert_int_equal(w.delivery_count, 3);
	world_end(&w);
}

static void
damage(const char *name, long at, size_t count)
{
	FILE *file = fopen(name, "r+b");

	assert_non_null(file);
	fseek(file, at, SEEK_SET);
	for (size_t i = 0; i < count; i++)
		fputc('X', file);
	fclose(file);
}

TEST(damaged_middle)
{
	static struct world w;
	struct told told;
	char path[64], name[128];

	folder_make(path);
	told = crash(path, accept_three);
	segment_path(path, msg_id_segment(told.ids[0]), name, sizeof(name));
	damage(name,
	       SPOOL_FILE_HEAD_BYTES + (long)(file_size(name) - SPOOL_FILE_HEAD_BYTES) / 3 + 70,
	       20);
	again(&w, path);
	WORLD_WAIT(&w, is_empty(&w));
	assert_int_equal(world_delivered(&w, told.ids[0], 0), 1);
	assert_int_equal(world_delivered(&w, told.ids[1], 0), 0);
	assert_int_equal(world_delivered(&w, told.ids[2], 0), 1);
	assert_int_equal(world_files(&w, "damaged"), 1);
	world_end(&w);
}

static void
file_put(const char *path, const char *name, const char *text)
{
	char full[160];
	FILE *file;

	snprintf(full, sizeof(full), "%s/%s", path, name);
	file = fopen(full, "wb");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

/* Garbage of all kinds is set aside and stops nothing (I8). */
TEST(foreign_files)
{
	static struct world w;
	struct told told;
	char path[64];

	folder_make(path);
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
	again(&w, path);
	WORLD_WAIT(&w, is_empty(&w));
	assert_int_equal(w.delivery_count, told.count);
	assert_int_equal(world_files(&w, "damaged"), 5);
	WORLD_WAIT(&w, world_files(&w, "bodies") == 4); /* only spares */
	world_end(&w);
}

/* A crash while a file gets its head leaves a part of that: no damage, and nothing to report. */
TEST(heads_cut_short)
{
	static struct world w;
	struct told told;
	char path[64];

	folder_make(path);
	told = crash(path, accept_three);
	file_put(path, "segments/000000fe.seg", "FRANKSEG and a few more");
	file_put(path, "segments/000000ff.seg", "FRA");
	file_put(path, "journal/000000fe.journal", "FRANKJNL and a few more");
	file_put(path, "journal/000000ff.journal", "");
	again(&w, path);
	WORLD_WAIT(&w, is_empty(&w));
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

	folder_make(path);
	told = crash(path, accept_three);
	file_put(path, "segments/fffffffe.seg", "garbage from far away");
	file_put(path, "segments/fffffffd.seg", "");
	file_put(path, "journal/fffffffe.journal", "garbage from far away");
	file_put(path, "bodies/fffffffe.body", "garbage from far away");
	again(&w, path);
	WORLD_WAIT(&w, is_empty(&w));
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
	FILE *file;
	size_t size;

	folder_make(path);
	told = crash(path, accept_three);
	segment_path(path, msg_id_segment(told.ids[0]), from, sizeof(from));
	segment_path(path, msg_id_segment(told.ids[0]) + 8, to, sizeof(to));
	file = fopen(from, "rb");
	size = fread(bytes, 1, sizeof(bytes), file);
	fclose(file);
	file = fopen(to, "wb");
	assert_int_equal(fwrite(bytes, 1, size, file), size);
	fclose(file);
	again(&w, path);
	WORLD_WAIT(&w, is_empty(&w));
	assert_int_equal(w.delivery_count, told.count);
	assert_int_equal(world_files(&w, "damaged"), 1); /* its head says another number */
	world_end(&w);
}

/* Without descriptors nothing can be said of a file. Live mail was set aside as damaged once. */
TEST(no_descriptors_left)
{
	static struct world w;
	struct rlimit before, little;
	struct told told;
	void *first;
	char path[64];
	int fd, probe;

	folder_make(path);
	told = crash(path, accept_three);
	world_begin(&w, path);
	w.owns_path = true;
	w.config.lifetime = 60000;
	assert_int_equal(queue_process.create(&w.boot, &first), 0);
	assert_int_equal(rt_open_dir(w.t.rt, RT_AT_PATH, w.path, false, &fd), 0);
	queue_process.dir(first, SLICE("spool"), fd);
	probe = dup(fd);
	close(probe);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	little = before;
	little.rlim_cur = (rlim_t)probe + 6; /* lock, four folders, one file */
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &little), 0);
	queue_process.start(first);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(((struct queue *)first)->phase, QUEUE_NEW);
	queue_process.destroy(&first);
	assert_int_equal(world_files(&w, "damaged"), 0);
	world_start(&w);
	WORLD_WAIT(&w, is_empty(&w));
	assert_int_equal(w.delivery_count, told.count);
	assert_int_equal(world_files(&w, "damaged"), 0);
	world_end(&w);
}

TESTS(TEST_ROW(no_descriptors_left), TEST_ROW(torn_at_every_byte), TEST_ROW(heads_cut_short),
      TEST_ROW(future_numbers), TEST_ROW(damaged_middle), TEST_ROW(foreign_files),
      TEST_ROW(copy_counts_once))
