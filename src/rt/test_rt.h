/*
 * test_rt: what the unit tests of rt share: a loop that gives up after a while, a folder of its
 * own.
 */
#ifndef RT_TEST_RT_H
#define RT_TEST_RT_H

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/test.h"
#include "rt/file.h"
#include "rt/rt.h"

#define TEST_RT_MS_MAX 10000

struct test_rt {
	struct rt *rt;
	struct rt_timer guard;
	bool timed_out;
	char path[64];
	int dir_fd;
};

static inline void
test_rt_on_guard(void *ctx)
{
	struct test_rt *t = ctx;

	t->timed_out = true;
	rt_stop(t->rt);
}

static inline void
test_rt_begin(struct test_rt *t)
{
	struct rt_options options = {.io_threads = 2, .work_threads = 2};

	memset(t, 0, sizeof(*t));
	t->dir_fd = -1;
	assert_int_equal(rt_create(&options, &t->rt), 0);
	rt_timer_init(&t->guard, t->rt, test_rt_on_guard, t);
}

static inline void
test_rt_folder(struct test_rt *t)
{
	snprintf(t->path, sizeof(t->path), "/tmp/frank-test.XXXXXX");
	assert_non_null(mkdtemp(t->path));
	assert_int_equal(rt_open_dir(t->rt, RT_AT_PATH, t->path, false, &t->dir_fd), 0);
}

/* Until rt_stop, which must come in time. */
static inline void
test_rt_run(struct test_rt *t)
{
	rt_timer_arm(&t->guard, TEST_RT_MS_MAX);
	rt_run(t->rt);
	rt_timer_disarm(&t->guard);
	assert_false(t->timed_out);
}

static inline void
test_rt_on_time(void *ctx)
{
	struct test_rt *t = ctx;

	rt_stop(t->rt);
}

static inline void
test_rt_run_ms(struct test_rt *t, uint64_t ms)
{
	struct rt_timer timer;

	rt_timer_init(&timer, t->rt, test_rt_on_time, t);
	rt_timer_arm(&timer, ms);
	test_rt_run(t);
	rt_timer_finish(&timer);
}

/* Runs until the condition holds. What is under way may take its time on a busy machine. */
#define TEST_RT_WAIT(t, condition)                                                                 \
	do {                                                                                       \
		bool met = (condition);                                                            \
		for (int wait = 0; wait < 8000 && !met; wait++, met = (condition))                 \
			test_rt_run_ms((t), 1);                                                    \
		assert_true(met);                                                                  \
	} while (0)

static inline int
test_rt_unlink_one(void *ctx, const char *name)
{
	struct test_rt *t = ctx;

	if (unlinkat(t->dir_fd, name, 0) < 0)
		(void)unlinkat(t->dir_fd, name, AT_REMOVEDIR);
	return 0;
}

/* All memory must be back. */
static inline void
test_rt_end(struct test_rt *t)
{
	if (t->dir_fd >= 0) {
		assert_int_equal(rt_list(t->rt, t->dir_fd, test_rt_unlink_one, t), 0);
		rt_close(t->rt, t->dir_fd);
		assert_int_equal(rmdir(t->path), 0);
	}
	rt_timer_finish(&t->guard);
	assert_int_equal(rt_mem_used_bytes(t->rt), 0);
	rt_destroy(&t->rt);
	assert_null(t->rt);
}

#endif
