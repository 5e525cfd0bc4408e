/*
 * Slower when asked, and back again.
 */
#include "base/test.h"
#include "rule/schedule/pace.h"

#define AT(CLASS, STAGE, reply_code, ACTION)                                                       \
	{                                                                                          \
		.class = VERDICT_##CLASS, .stage = VERDICT_STAGE_##STAGE, .code = (reply_code),    \
		.action = VERDICT_ACTION_##ACTION                                                  \
	}

static const struct {
	struct verdict verdict;
	uint32_t limit, want; /* of 40 */
} rows[] = {
	{AT(LATER, GREETING, 421, SLOW), 40, 20},
	{AT(LATER, SENDER, 450, SLOW), 5, 2},
	{AT(LATER, FINAL, 421, SLOW), 3, 1},
	{AT(LATER, GREETING, 421, SLOW), 1, 1},
	{AT(LATER, RECIPIENT, 451, SLOW), 40, 40}, /* greylisting */
	{AT(LATER, GREETING, 421, RETRY), 40, 40},
	{AT(LATER, CONNECT, 0, SLOW), 40, 40},
	{AT(NEVER, RECIPIENT, 550, STOP), 7, 7},
	{AT(OK, FINAL, 250, NONE), 7, 8},
	{AT(OK, FINAL, 250, NONE), 40, 40},
	{AT(OK, FINAL, 250, NONE), 90, 40}, /* the configuration has changed */
};

TEST(table)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint32_t got = schedule_pace(rows[i].limit, 40, &rows[i].verdict);

		if (got != rows[i].want)
			fail_msg("row %zu: %u", i, got);
	}
}

TESTS(TEST_ROW(table))
