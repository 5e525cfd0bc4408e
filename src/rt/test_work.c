/* Work in threads: every piece comes back once, and what waits is bounded. */
#include <stdatomic.h>

#include "rt/test_rt.h"
#include "rt/work.h"

#define PIECES (RT_WORK_WAITING_MAX + 64)

struct works {
	struct test_rt t;
	struct piece {
		struct works *works;
		struct rt_work work;
		int ran, done;
	} pieces[PIECES];
	int left;
	atomic_bool hold;
};

static void
run_piece(void *ctx)
{
	struct piece *piece = ctx;

	while (atomic_load(&piece->works->hold))
		usleep(1000);
	piece->ran++;
}

static void
piece_done(void *ctx)
{
	struct piece *piece = ctx;

	piece->done++;
	if (--piece->works->left == 0)
		rt_stop(piece->works->t.rt);
}

TEST(work_is_bounded_and_comes_back)
{
	struct works *works = calloc(1, sizeof(*works));
	int refused = 0;

	assert_non_null(works);
	test_rt_begin(&works->t);
	atomic_store(&works->hold, true);
	for (int i = 0; i < PIECES; i++) {
		struct piece *piece = &works->pieces[i];
		int err;

		piece->works = works;
		piece->work = (struct rt_work){.run = run_piece, .done = piece_done, .ctx = piece};
		err = rt_work_submit(works->t.rt, &piece->work);
		assert_true(err == 0 || err == ERR_LIMIT);
		works->left += err == 0;
		refused += err != 0;
	}
	/* Two threads may have taken one each. */
	assert_true(refused >= 62);
	atomic_store(&works->hold, false);
	test_rt_run(&works->t);
	for (int i = 0; i < PIECES; i++)
		assert_int_equal(works->pieces[i].ran, works->pieces[i].done);
	test_rt_end(&works->t);
	free(works);
}

TEST(no_threads_no_work)
{
	struct rt_options options = {0};
	struct rt_work work = {.run = run_piece, .done = piece_done};
	struct rt *rt;

	assert_int_equal(rt_create(&options, &rt), 0);
	assert_int_equal(rt_work_submit(rt, &work), ERR_UNSUPPORTED);
	rt_destroy(&rt);
}

TESTS(TEST_ROW(work_is_bounded_and_comes_back), TEST_ROW(no_threads_no_work))
