/* Files: names stay inside their directory, io keeps its order, locks exclude, memfds are sealed.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "rt/test_rt.h"

TEST(names_are_single_components)
{
	static const char *const bad[] = {"", ".", "..", "a/b", "/etc/passwd", "../x"};
	struct test_rt t;
	int fd;

	test_rt_begin(&t);
	test_rt_folder(&t);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(rt_open(t.rt, t.dir_fd, bad[i], RT_OPEN_READ, &fd), -EINVAL);
		assert_int_equal(rt_open_dir(t.rt, t.dir_fd, bad[i], true, &fd), -EINVAL);
		assert_int_equal(rt_unlink(t.rt, t.dir_fd, bad[i]), -EINVAL);
		assert_int_equal(rt_rename(t.rt, t.dir_fd, "a", t.dir_fd, bad[i]), -EINVAL);
	}
	assert_int_equal(symlinkat("/etc/passwd", t.dir_fd, "link"), 0);
	assert_int_equal(rt_open(t.rt, t.dir_fd, "link", RT_OPEN_READ, &fd), -ELOOP);
	test_rt_end(&t);
}

TEST(a_hole_at_the_end_is_seen)
{
	static const uint64_t sizes[] = {5, 5000, (uint64_t)1 << 40};
	struct test_rt t;

	test_rt_begin(&t);
	test_rt_folder(&t);
	for (size_t i = 0; i < 3; i++) {
		uint64_t end = 7;
		int fd;

		assert_int_equal(
			rt_open(t.rt, t.dir_fd, "a",
				RT_OPEN_READ | RT_OPEN_WRITE | RT_OPEN_CREATE | RT_OPEN_TRUNCATE,
				&fd),
			0);
		assert_int_equal(rt_data_end(t.rt, fd, &end), 0);
		assert_int_equal(end, 0);
		assert_int_equal(rt_write(t.rt, fd, SLICE("hello")), 0);
		assert_int_equal(ftruncate(fd, (off_t)sizes[i]), 0);
		assert_int_equal(rt_data_end(t.rt, fd, &end), 0);
		assert_true(end >= 5 && end <= 65536); /* whole blocks */
		rt_close(t.rt, fd);
	}
	test_rt_end(&t);
}

/* Opened for reading it would wait for a writer, for writing for a reader. */
TEST(a_fifo_holds_nobody)
{
	struct test_rt t;
	char buf[8];
	int fd;

	test_rt_begin(&t);
	test_rt_folder(&t);
	assert_int_equal(mkfifoat(t.dir_fd, "fifo", 0600), 0);
	assert_int_equal(rt_open(t.rt, t.dir_fd, "fifo", RT_OPEN_WRITE, &fd), -ENXIO);
	assert_int_equal(rt_open(t.rt, t.dir_fd, "fifo", RT_OPEN_READ, &fd), 0);
	assert_true(rt_pread(t.rt, fd, buf, sizeof(buf), 0) < 0);
	rt_close(t.rt, fd);
	test_rt_end(&t);
}

static int
count_one(void *ctx, const char *name)
{
	(void)name;
	++*(int *)ctx;
	return 0;
}

TEST(write_read_list_rename)
{
	struct test_rt t;
	struct rt_stat stat;
	struct slice all;
	uint64_t free_bytes = 0;
	int fd, count = 0;
	char buf[16];

	test_rt_begin(&t);
	test_rt_folder(&t);
	assert_int_equal(rt_open(t.rt, t.dir_fd, "a", RT_OPEN_READ, &fd), -ENOENT);
	assert_int_equal(rt_open(t.rt, t.dir_fd, "a",
				 RT_OPEN_READ | RT_OPEN_WRITE | RT_OPEN_CREATE | RT_OPEN_EXCLUSIVE,
				 &fd),
			 0);
	assert_int_equal(rt_write(t.rt, fd, slice_str("hello world")), 0);
	assert_int_equal(rt_pread(t.rt, fd, buf, sizeof(buf), 6), 5);
	assert_slice_str(slice_of(buf, 5), "world");
	assert_int_equal(rt_read_all(t.rt, fd, 10, &all), ERR_LIMIT);
	assert_int_equal(rt_read_all(t.rt, fd, 11, &all), 0);
	assert_slice_str(all, "hello world");
	mem_give(rt_mem(t.rt), (void *)(uintptr_t)all.data, all.len);
	assert_int_equal(rt_stat_fd(t.rt, fd, &stat), 0);
	assert_int_equal(stat.size_bytes, 11);
	assert_false(stat.is_dir);
	rt_close(t.rt, fd);
	assert_int_equal(rt_mkdir(t.rt, t.dir_fd, "d"), 0);
	assert_int_equal(rt_rename(t.rt, t.dir_fd, "a", t.dir_fd, "b"), 0);
	assert_int_equal(rt_list(t.rt, t.dir_fd, count_one, &count), 0);
	assert_int_equal(count, 2);
	assert_int_equal(rt_unlink(t.rt, t.dir_fd, "b"), 0);
	assert_int_equal(rt_free_bytes(t.rt, t.dir_fd, &free_bytes), 0);
	assert_true(free_bytes > 0);
	test_rt_end(&t);
}

TEST(a_lock_excludes)
{
	struct test_rt t;
	int first, second;

	test_rt_begin(&t);
	test_rt_folder(&t);
	assert_int_equal(rt_open(t.rt, t.dir_fd, "lock", RT_OPEN_WRITE | RT_OPEN_CREATE, &first),
			 0);
	assert_int_equal(rt_open(t.rt, t.dir_fd, "lock", RT_OPEN_WRITE, &second), 0);
	assert_int_equal(rt_lock(t.rt, first), 0);
	assert_int_equal(rt_lock(t.rt, second), ERR_EXISTS);
	rt_close(t.rt, first);
	assert_int_equal(rt_lock(t.rt, second), 0);
	rt_close(t.rt, second);
	test_rt_end(&t);
}

TEST(a_memfd_is_sealed)
{
	struct test_rt t;
	struct slice all;
	int fd;

	test_rt_begin(&t);
	assert_int_equal(rt_memfd(t.rt, "snapshot", slice_str("text"), &fd), 0);
	assert_int_equal(rt_write(t.rt, fd, slice_str("x")), -EPERM);
	assert_int_equal(ftruncate(fd, 0), -1);
	assert_int_equal(errno, EPERM);
	assert_int_equal(rt_read_all(t.rt, fd, 100, &all), 0);
	assert_slice_str(all, "text");
	mem_give(rt_mem(t.rt), (void *)(uintptr_t)all.data, all.len);
	rt_close(t.rt, fd);
	test_rt_end(&t);
}

#define IO_COUNT 200
#define IO_FILES 3
#define IO_SLICES 300 /* more than one system call takes */

struct io_test {
	struct test_rt t;
	struct io_one {
		struct io_test *test;
		struct rt_io io;
		struct slice slices[IO_SLICES];
		uint32_t number;
	} ones[IO_COUNT];
	int fds[IO_FILES];
	uint32_t next[IO_FILES]; /* which must come next on each file */
	int left;
};

static void
on_io_done(void *ctx)
{
	struct io_one *one = ctx;
	struct io_test *test = one->test;
	uint32_t file = one->number % IO_FILES;

	assert_int_equal(one->io.err, 0);
	assert_int_equal(one->number, test->next[file]);
	test->next[file] += IO_FILES;
	if (--test->left == 0)
		rt_stop(test->t.rt);
}

TEST(io_on_one_file_keeps_its_order)
{
	static const enum rt_io_kind kinds[] = {RT_IO_APPEND, RT_IO_APPEND_SYNC, RT_IO_APPEND};
	struct io_test *test = calloc(1, sizeof(*test));
	char name[2] = "a";

	assert_non_null(test);
	test_rt_begin(&test->t);
	test_rt_folder(&test->t);
	for (int i = 0; i < IO_FILES; i++, name[0]++) {
		test->next[i] = (uint32_t)i;
		assert_int_equal(
			rt_open(test->t.rt, test->t.dir_fd, name,
				RT_OPEN_READ | RT_OPEN_WRITE | RT_OPEN_APPEND | RT_OPEN_CREATE,
				&test->fds[i]),
			0);
	}
	for (uint32_t i = 0; i < IO_COUNT; i++) {
		struct io_one *one = &test->ones[i];

		one->test = test;
		one->number = i;
		for (size_t j = 0; j < IO_SLICES; j++)
			one->slices[j] = slice_of(&one->number, j % 2 ? 0 : sizeof(one->number));
		one->io = (struct rt_io){.kind = kinds[i % 3],
					 .fd = test->fds[i % IO_FILES],
					 .slices = one->slices,
					 .slice_count = IO_SLICES,
					 .done = on_io_done,
					 .ctx = one};
		test->left++;
		rt_io_submit(test->t.rt, &one->io);
	}
	test_rt_run(&test->t);
	for (uint32_t i = 0; i < IO_COUNT; i++) {
		uint32_t got = 0;
		uint64_t offset = (uint64_t)(i / IO_FILES) * (IO_SLICES / 2) * sizeof(got);

		assert_int_equal(
			rt_pread(test->t.rt, test->fds[i % IO_FILES], &got, sizeof(got), offset),
			sizeof(got));
		assert_int_equal(got, i);
	}
	for (int i = 0; i < IO_FILES; i++)
		rt_close(test->t.rt, test->fds[i]);
	test_rt_end(&test->t);
	free(test);
}

static void
on_full(void *ctx)
{
	struct test_rt *t = ctx;

	rt_stop(t->rt);
}

TEST(io_tells_a_full_disk)
{
	struct test_rt t;
	struct slice data = slice_str("data");
	struct rt_io io = {.kind = RT_IO_APPEND_SYNC, .slices = &data, .slice_count = 1};

	test_rt_begin(&t);
	assert_int_equal(rt_open(t.rt, RT_AT_PATH, "/dev/full", RT_OPEN_WRITE, &io.fd), 0);
	io.done = on_full;
	io.ctx = &t;
	rt_io_submit(t.rt, &io);
	test_rt_run(&t);
	assert_int_equal(io.err, -ENOSPC);
	rt_close(t.rt, io.fd);
	test_rt_end(&t);
}

TESTS(TEST_ROW(names_are_single_components), TEST_ROW(a_fifo_holds_nobody),
      TEST_ROW(a_hole_at_the_end_is_seen), TEST_ROW(write_read_list_rename),
      TEST_ROW(a_lock_excludes), TEST_ROW(a_memfd_is_sealed),
      TEST_ROW(io_on_one_file_keeps_its_order), TEST_ROW(io_tells_a_full_disk))
