/*
 * A pair of our address and a destination: what begins, keeps and ends its suspension; what becomes
 * of a message meanwhile.
 */
#include "base/test.h"
#include "rule/schedule/retry.h"

#define MIN_MS ((uint64_t)60000)
#define HOUR_MS (60 * MIN_MS)
#define DAY_MS (24 * HOUR_MS)

static const struct schedule_probes probes = {15 * MIN_MS, 4 * HOUR_MS};
static const uint64_t waits[] = {15 * MIN_MS, 30 * MIN_MS};

#define DOOR_ROW(CLASS, STAGE, reply_code, ACTION, SCOPE, DOOR)                                    \
	{                                                                                          \
		{.class = VERDICT_##CLASS,                                                         \
		 .stage = VERDICT_STAGE_##STAGE,                                                   \
		 .code = (reply_code),                                                             \
		 .action = VERDICT_ACTION_##ACTION,                                                \
		 .scope = VERDICT_SCOPE_##SCOPE},                                                  \
			SCHEDULE_DOOR_##DOOR                                                       \
	}

static const struct {
	struct verdict verdict;
	enum schedule_door door;
} door_rows[] = {
	/* about us, whatever the rules call it */
	DOOR_ROW(NEVER, GREETING, 554, SUSPEND, ADDRESS_AT_DESTINATION, REFUSED),
	DOOR_ROW(NEVER, GREETING, 554, STOP, ADDRESS_AT_DESTINATION, REFUSED),
	DOOR_ROW(NEVER, GREETING, 550, SUSPEND, OUR_ADDRESS, REFUSED),
	DOOR_ROW(NEVER, CONNECT, 554, SUSPEND, ADDRESS_AT_DESTINATION, REFUSED),
	DOOR_ROW(LATER, GREETING, 421, SUSPEND, ADDRESS_AT_DESTINATION, REFUSED),
	DOOR_ROW(NEVER, GREETING, 554, STOP, MESSAGE, REFUSED),
	/* about them, or for now, or no reply at all */
	DOOR_ROW(NEVER, GREETING, 554, STOP, DOMAIN, UNKNOWN),
	DOOR_ROW(NEVER, GREETING, 554, STOP, DESTINATION, UNKNOWN),
	DOOR_ROW(LATER, GREETING, 421, SLOW, ADDRESS_AT_DESTINATION, UNKNOWN),
	DOOR_ROW(LATER, GREETING, 421, RETRY, DESTINATION, UNKNOWN),
	DOOR_ROW(LATER, CONNECT, 0, SUSPEND, ADDRESS_AT_DESTINATION, UNKNOWN),
	DOOR_ROW(NEVER, DNS, 0, STOP, DOMAIN, UNKNOWN),
	DOOR_ROW(LATER, LOCAL, 0, RETRY, MESSAGE, UNKNOWN),
	/* further in, whatever was said there */
	DOOR_ROW(NEVER, RECIPIENT, 550, STOP, RECIPIENT, PASSED),
	DOOR_ROW(NEVER, RECIPIENT, 550, SUSPEND, ADDRESS_AT_DESTINATION, PASSED),
	DOOR_ROW(NEVER, HELLO, 550, STOP, MESSAGE, PASSED),
	DOOR_ROW(LATER, SENDER, 0, RETRY, DESTINATION, PASSED),
	DOOR_ROW(OK, FINAL, 250, NONE, MESSAGE, PASSED),
};

TEST(door)
{
	for (size_t i = 0; i < sizeof(door_rows) / sizeof(door_rows[0]); i++)
		if (schedule_door(&door_rows[i].verdict) != door_rows[i].door)
			fail_msg("row %zu: %d", i, (int)schedule_door(&door_rows[i].verdict));
}

/* Probes come after 15, 30, 60, 120 minutes, then every four hours. */
TEST(probes_grow)
{
	static const uint64_t gaps_min[] = {15, 30, 60, 120, 240, 240};
	struct schedule_suspension s;
	uint64_t now_ms = 1000;

	suspension_begin(&s, &probes, now_ms);
	assert_int_equal(s.refusals, 1);
	for (size_t i = 0; i < sizeof(gaps_min) / sizeof(gaps_min[0]); i++) {
		assert_false(suspension_probe_due(&s, now_ms + gaps_min[i] * MIN_MS - 1));
		now_ms += gaps_min[i] * MIN_MS;
		assert_true(suspension_probe_due(&s, now_ms));
		suspension_probe_begin(&s);
		assert_false(suspension_probe_due(&s, now_ms)); /* one at a time */
		suspension_probe_end(&s, &probes, SCHEDULE_DOOR_REFUSED, now_ms);
		assert_int_equal(s.refusals, i + 2);
	}
}

TEST(probe_without_an_answer)
{
	struct schedule_suspension s;

	suspension_begin(&s, &probes, 0);
	suspension_probe_begin(&s);
	suspension_probe_end(&s, &probes, SCHEDULE_DOOR_UNKNOWN, 15 * MIN_MS);
	assert_int_equal(s.refusals, 1); /* nobody refused us: the wait stays as it is */
	assert_int_equal(s.probe_ms, 30 * MIN_MS);
	suspension_probe_begin(&s);
	suspension_probe_lost(&s);
	assert_true(suspension_probe_due(&s, 30 * MIN_MS));
}

TEST(limits_change)
{
	static const struct schedule_probes shorter = {1000, 2000};
	struct schedule_suspension s;

	suspension_begin(&s, &probes, 0);
	suspension_probe_begin(&s);
	suspension_probe_end(&s, &shorter, SCHEDULE_DOOR_REFUSED, 0);
	assert_int_equal(s.probe_ms, 2000);
	suspension_probe_begin(&s);
	suspension_probe_end(&s, &probes, SCHEDULE_DOOR_UNKNOWN, 0);
	assert_int_equal(s.probe_ms, 15 * MIN_MS);
}

/* probe-wait-max holds from the first probe on. */
TEST(longest_is_less_than_first)
{
	static const struct schedule_probes turned = {4 * HOUR_MS, 15 * MIN_MS};
	struct schedule_suspension s;

	suspension_begin(&s, &turned, 1000);
	assert_int_equal(s.wait_ms, 15 * MIN_MS);
	assert_true(suspension_probe_due(&s, 1000 + 15 * MIN_MS));
}

TEST(restored)
{
	struct schedule_suspension s;

	suspension_restore(&s, &probes, 9, UINT64_MAX, 5000);
	assert_int_equal(s.wait_ms, 4 * HOUR_MS);
	assert_int_equal(s.refusals, 9);
	assert_false(suspension_probe_due(&s, 4999));
	assert_true(suspension_probe_due(&s, 5000));
}

/* --- the message ------------------------------------------------------------------------------ */

static const struct verdict refused = {.class = VERDICT_NEVER,
				       .stage = VERDICT_STAGE_GREETING,
				       .code = 554,
				       .action = VERDICT_ACTION_SUSPEND,
				       .scope = VERDICT_SCOPE_ADDRESS_AT_DESTINATION};

static struct schedule_rules
rules_of(bool suspend, uint8_t delay)
{
	return (struct schedule_rules){.waits_ms = waits,
				       .wait_count = 2,
				       .lifetime_ms = 5 * DAY_MS,
				       .attempts_min = 5,
				       .delay = delay,
				       .delay_after_ms = 4 * HOUR_MS,
				       .suspend = suspend,
				       .probes = probes};
}

static struct schedule_decision
decide(const struct schedule_rules *rules, struct schedule_case now)
{
	struct prng prng;

	prng_init(&prng, 1);
	return schedule_decide(rules, &now, &refused, &prng);
}

TEST(kept_and_told_at_once)
{
	struct schedule_rules rules = rules_of(true, SCHEDULE_DELAY_AFTER);
	struct schedule_case now = {.attempts = 1, .has_sender = true};
	struct schedule_decision got = decide(&rules, now);

	assert_int_equal(got.next, SCHEDULE_WAIT);
	assert_int_equal(got.wait_ms, 15 * MIN_MS);
	assert_true(got.report);
	now.delay_told = true;
	assert_false(decide(&rules, now).report);
}

TEST(told_only_where_wanted)
{
	struct schedule_rules rules = rules_of(true, SCHEDULE_DELAY_AFTER);
	struct schedule_case now = {.attempts = 1, .has_sender = true};

	now.notify = SPOOL_NOTIFY_FAILURE;
	assert_false(decide(&rules, now).report);
	now.notify = SPOOL_NOTIFY_DELAY;
	assert_true(decide(&rules, now).report);
	now.has_sender = false;
	assert_false(decide(&rules, now).report);
	rules = rules_of(true, SCHEDULE_DELAY_NEVER);
	now.has_sender = true;
	assert_false(decide(&rules, now).report);
}

TEST(lifetime_alone_ends_it)
{
	struct schedule_rules rules = rules_of(true, SCHEDULE_DELAY_AFTER);
	struct schedule_case now = {
		.attempts = 1, .has_sender = true, .delay_told = true, .age_ms = 5 * DAY_MS - 5000};
	struct schedule_decision got = decide(&rules, now);

	assert_int_equal(got.next, SCHEDULE_WAIT);
	assert_int_equal(got.wait_ms, 5000);
	now.age_ms += got.wait_ms;
	got = decide(&rules, now);
	assert_int_equal(got.next, SCHEDULE_EXPIRE);
	assert_true(got.report);
}

TEST(bounce_is_the_other_setting)
{
	struct schedule_rules rules = rules_of(false, SCHEDULE_DELAY_AFTER);
	struct schedule_case now = {.attempts = 1, .has_sender = true};

	assert_int_equal(decide(&rules, now).next, SCHEDULE_FAIL);
}

TESTS(TEST_ROW(door), TEST_ROW(probes_grow), TEST_ROW(probe_without_an_answer),
      TEST_ROW(limits_change), TEST_ROW(longest_is_less_than_first), TEST_ROW(restored),
      TEST_ROW(kept_and_told_at_once), TEST_ROW(told_only_where_wanted),
      TEST_ROW(lifetime_alone_ends_it), TEST_ROW(bounce_is_the_other_setting))
