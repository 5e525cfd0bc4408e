/*
 * The rules of waiting as a table, and what must hold over whole lives of messages.
 */
#include "base/test.h"
#include "rule/schedule/retry.h"

#define MIN_MS ((uint64_t)60000)
#define HOUR_MS (60 * MIN_MS)
#define DAY_MS (24 * HOUR_MS)

static const uint64_t waits[] = {15 * MIN_MS, 30 * MIN_MS, 60 * MIN_MS, 240 * MIN_MS};

static struct schedule_rules
rules_of(uint8_t delay)
{
	return (struct schedule_rules){.waits_ms = waits,
				       .wait_count = 4,
				       .lifetime_ms = 5 * DAY_MS,
				       .attempts_min = 5,
				       .delay = delay,
				       .delay_after_ms = 4 * HOUR_MS};
}

struct row {
	const char *name;
	uint8_t class;
	struct schedule_case now;
	uint8_t delay;
	uint32_t retry_after_s;
	enum schedule_next next;
	uint64_t wait_ms;
	bool report;
};

static const struct row rows[] = {
	{"delivered", VERDICT_OK, {1, 0, true, 0, false}, 2, 0, SCHEDULE_DONE, 0, false},
	{"delivered, told",
	 VERDICT_OK,
	 {1, 0, true, SPOOL_NOTIFY_SUCCESS, false},
	 2,
	 0,
	 SCHEDULE_DONE,
	 0,
	 true},
	{"refused", VERDICT_NEVER, {1, 0, true, 0, false}, 2, 0, SCHEDULE_FAIL, 0, true},
	{"refused, never told",
	 VERDICT_NEVER,
	 {1, 0, true, SPOOL_NOTIFY_NEVER, false},
	 2,
	 0,
	 SCHEDULE_FAIL,
	 0,
	 false},
	{"refused, only success told",
	 VERDICT_NEVER,
	 {1, 0, true, SPOOL_NOTIFY_SUCCESS, false},
	 2,
	 0,
	 SCHEDULE_FAIL,
	 0,
	 false},
	{"refused, null sender",
	 VERDICT_NEVER,
	 {1, 0, false, SPOOL_NOTIFY_FAILURE, false},
	 2,
	 0,
	 SCHEDULE_FAIL,
	 0,
	 false},
	{"first wait",
	 VERDICT_LATER,
	 {1, 0, true, 0, false},
	 2,
	 0,
	 SCHEDULE_WAIT,
	 15 * MIN_MS,
	 false},
	{"second wait",
	 VERDICT_LATER,
	 {2, 0, true, 0, false},
	 2,
	 0,
	 SCHEDULE_WAIT,
	 30 * MIN_MS,
	 false},
	{"fourth wait",
	 VERDICT_LATER,
	 {4, 0, true, 0, false},
	 2,
	 0,
	 SCHEDULE_WAIT,
	 240 * MIN_MS,
	 false},
	{"hundredth wait",
	 VERDICT_LATER,
	 {100, 0, true, 0, false},
	 2,
	 0,
	 SCHEDULE_WAIT,
	 240 * MIN_MS,
	 false},
	{"they said when",
	 VERDICT_LATER,
	 {1, 0, true, 0, false},
	 2,
	 3600,
	 SCHEDULE_WAIT,
	 HOUR_MS,
	 false},
	{"they said sooner",
	 VERDICT_LATER,
	 {1, 0, true, 0, false},
	 2,
	 1,
	 SCHEDULE_WAIT,
	 15 * MIN_MS,
	 false},
	{"they said for ever",
	 VERDICT_LATER,
	 {4, 6 * DAY_MS, true, 0, true},
	 2,
	 UINT32_MAX,
	 SCHEDULE_WAIT,
	 5 * DAY_MS,
	 false},
	{"too old", VERDICT_LATER, {5, 5 * DAY_MS, true, 0, false}, 2, 0, SCHEDULE_EXPIRE, 0, true},
	{"too old, too few attempts",
	 VERDICT_LATER,
	 {4, 6 * DAY_MS, true, 0, true},
	 2,
	 0,
	 SCHEDULE_WAIT,
	 240 * MIN_MS,
	 false},
	{"last wait is cut",
	 VERDICT_LATER,
	 {30, 5 * DAY_MS - HOUR_MS, true, 0, true},
	 2,
	 0,
	 SCHEDULE_WAIT,
	 HOUR_MS,
	 false},
	{"last wait is not nothing",
	 VERDICT_LATER,
	 {30, 5 * DAY_MS - 1, true, 0, true},
	 2,
	 0,
	 SCHEDULE_WAIT,
	 1000,
	 false},
	{"delay: after, due",
	 VERDICT_LATER,
	 {4, 4 * HOUR_MS, true, 0, false},
	 2,
	 0,
	 SCHEDULE_WAIT,
	 240 * MIN_MS,
	 true},
	{"delay: told once",
	 VERDICT_LATER,
	 {4, 4 * HOUR_MS, true, 0, true},
	 2,
	 0,
	 SCHEDULE_WAIT,
	 240 * MIN_MS,
	 false},
	{"delay: first failure",
	 VERDICT_LATER,
	 {1, 0, true, 0, false},
	 1,
	 0,
	 SCHEDULE_WAIT,
	 15 * MIN_MS,
	 true},
	{"delay: never",
	 VERDICT_LATER,
	 {9, DAY_MS, true, 0, false},
	 0,
	 0,
	 SCHEDULE_WAIT,
	 240 * MIN_MS,
	 false},
	{"delay: not wished",
	 VERDICT_LATER,
	 {9, DAY_MS, true, SPOOL_NOTIFY_FAILURE, false},
	 2,
	 0,
	 SCHEDULE_WAIT,
	 240 * MIN_MS,
	 false},
	{"delay: wished",
	 VERDICT_LATER,
	 {9, DAY_MS, true, SPOOL_NOTIFY_DELAY, false},
	 2,
	 0,
	 SCHEDULE_WAIT,
	 240 * MIN_MS,
	 true},
};

TEST(table)
{
	struct prng prng;

	prng_init(&prng, 1);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *row = &rows[i];
		struct schedule_rules rules = rules_of(row->delay);
		struct verdict verdict = {.class = row->class, .retry_after_s = row->retry_after_s};
		struct schedule_decision got = schedule_decide(&rules, &row->now, &verdict, &prng);

		if (got.next != row->next || got.wait_ms != row->wait_ms ||
		    got.report != row->report)
			fail_msg("%s: next %d, wait %llu, report %d", row->name, (int)got.next,
				 (unsigned long long)got.wait_ms, got.report);
	}
}

TEST(jitter_stays_inside)
{
	struct schedule_rules rules = rules_of(SCHEDULE_DELAY_NEVER);
	struct schedule_case now = {.attempts = 1};
	struct verdict verdict = {.class = VERDICT_LATER};
	uint64_t least = UINT64_MAX, most = 0;
	struct prng prng;

	prng_init(&prng, 5);
	rules.jitter_percent = 10;
	for (int i = 0; i < 1000; i++) {
		uint64_t wait_ms = schedule_decide(&rules, &now, &verdict, &prng).wait_ms;

		least = wait_ms < least ? wait_ms : least;
		most = wait_ms > most ? wait_ms : most;
	}
	assert_in_range(least, 15 * MIN_MS * 9 / 10, 15 * MIN_MS * 92 / 100);
	assert_in_range(most, 15 * MIN_MS * 108 / 100, 15 * MIN_MS * 11 / 10);
}

/* Nothing lives much longer than its lifetime, nor dies before it. */
TEST(whole_lives)
{
	struct schedule_rules rules = rules_of(SCHEDULE_DELAY_AFTER);
	struct verdict verdict = {.class = VERDICT_LATER};
	struct prng prng;

	rules.jitter_percent = 10;
	for (uint64_t seed = 0; seed < 200; seed++) {
		struct schedule_case now = {.has_sender = true};
		struct schedule_decision decision = {0};
		unsigned told = 0;

		prng_init(&prng, seed);
		do {
			now.attempts++;
			decision = schedule_decide(&rules, &now, &verdict, &prng);
			if (decision.next == SCHEDULE_WAIT) {
				told += decision.report;
				now.delay_told |= decision.report;
				now.age_ms += decision.wait_ms;
			}
			assert_true(now.attempts < 100);
		} while (decision.next == SCHEDULE_WAIT);
		assert_int_equal(decision.next, SCHEDULE_EXPIRE);
		assert_in_range(now.age_ms, rules.lifetime_ms, rules.lifetime_ms + 2000);
		assert_int_equal(told, 1);
		assert_in_range(now.attempts, 30, 40);
	}
}

TEST(delay_in)
{
	struct schedule_rules rules = rules_of(SCHEDULE_DELAY_AFTER);
	struct schedule_case now = {.attempts = 1, .age_ms = HOUR_MS, .has_sender = true};

	assert_int_equal(schedule_delay_in(&rules, &now), 3 * HOUR_MS);
	now.has_sender = false;
	assert_true(schedule_delay_in(&rules, &now) == UINT64_MAX);
}

TEST(age_over_a_restart)
{
	struct schedule_rules rules = rules_of(SCHEDULE_DELAY_AFTER);

	assert_int_equal(schedule_age_restart(&rules, 100, 1000, 1500), 600);
	assert_int_equal(schedule_age_restart(&rules, 100, 1000, 500), 100); /* clock went back */
	assert_int_equal(schedule_age_restart(&rules, 100, 0, INT64_MAX),
			 100 + 5 * DAY_MS / 4); /* ten years */
	assert_int_equal(schedule_age_restart(&rules, 100, INT64_MIN, INT64_MAX),
			 100 + 5 * DAY_MS / 4);
}

TESTS(TEST_ROW(table), TEST_ROW(jitter_stays_inside), TEST_ROW(whole_lives), TEST_ROW(delay_in),
      TEST_ROW(age_over_a_restart))
