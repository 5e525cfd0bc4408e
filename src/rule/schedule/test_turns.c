/*
 * Fairness: one destination with a million waiting and no reply holds up nobody.
 */
#include "base/test.h"
#include "rule/schedule/turns.h"

TEST(everyone_in_turn)
{
	struct turn_taker takers[3] = {
		{.ready = 1000000, .limit = 5}, {.ready = 2, .limit = 5}, {.ready = 3, .limit = 5}};
	size_t order[16], count = 0;
	struct turns turns;
	struct turn_taker *taker;

	turns_init(&turns);
	for (size_t i = 0; i < 3; i++)
		turns_update(&turns, &takers[i]);
	while (count < 16 && (taker = turns_next(&turns))) {
		order[count++] = (size_t)(taker - takers);
		taker->ready--;
		taker->active++;
		turns_update(&turns, taker);
	}
	assert_int_equal(count, 10); /* 5 (its limit) + 2 + 3 */
	for (size_t i = 0; i < 6; i++)
		assert_int_equal(order[i], i % 3);
	takers[0].active--;
	turns_update(&turns, &takers[0]);
	assert_ptr_equal(turns_next(&turns), &takers[0]);
	turns_remove(&turns, &takers[0]);
	assert_null(turns_next(&turns));
}

TEST(limits_change)
{
	struct turn_taker taker = {.ready = 1, .active = 3, .limit = 3};
	struct turns turns;

	turns_init(&turns);
	turns_update(&turns, &taker);
	assert_null(turns_next(&turns));
	taker.limit = 4;
	turns_update(&turns, &taker);
	turns_update(&turns, &taker);
	assert_ptr_equal(turns_next(&turns), &taker);
	taker.ready = 0;
	turns_update(&turns, &taker);
	assert_null(turns_next(&turns));
}

TESTS(TEST_ROW(everyone_in_turn), TEST_ROW(limits_change))
