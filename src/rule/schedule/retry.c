/*
 * retry: the rules of waiting. The last wait is cut so that a message is tried once more at the end
 * of its lifetime instead of being given up long before or after it.
 */
#include "rule/schedule/retry.h"

#include "base/assert.h"
#include "base/planted.h"

#define LAST_WAIT_MS_MIN 1000
#define MS_PER_S 1000
#define RESTART_LIFETIME_PART 4

static bool
tell_failure(const struct schedule_case *now)
{
	return now->has_sender && (now->notify == 0 || now->notify & SPOOL_NOTIFY_FAILURE);
}

static bool
tell_success(const struct schedule_case *now)
{
	return now->has_sender && now->notify & SPOOL_NOTIFY_SUCCESS;
}

static bool
tell_delay(const struct schedule_rules *rules, const struct schedule_case *now)
{
	if (!now->has_sender || now->delay_told || rules->delay == SCHEDULE_DELAY_NEVER)
		return false;
	/* RFC 3461 4.1: with NOTIFY given, only if DELAY is in it. */
	return now->notify == 0 || now->notify & SPOOL_NOTIFY_DELAY;
}

uint64_t
schedule_delay_in(const struct schedule_rules *rules, const struct schedule_case *now)
{
	if (!tell_delay(rules, now))
		return UINT64_MAX;
	if (rules->delay == SCHEDULE_DELAY_FIRST_FAILURE || now->age_ms >= rules->delay_after_ms)
		return 0;
	return rules->delay_after_ms - now->age_ms;
}

static uint64_t
wait_of(const struct schedule_rules *rules, unsigned attempts, struct prng *prng)
{
	size_t index = attempts - 1 < rules->wait_count ? attempts - 1 : rules->wait_count - 1;
	uint64_t wait_ms = rules->waits_ms[index];
	uint64_t spread_ms = wait_ms * rules->jitter_percent / 100;

	/* As much earlier as later, so that the mean is what the administrator wrote. */
	return wait_ms - spread_ms + prng_below(prng, 2 * spread_ms + 1);
}

static struct schedule_decision
decide_later(const struct schedule_rules *rules, const struct schedule_case *now,
	     const struct verdict *verdict, struct prng *prng)
{
	struct schedule_decision decision = {.next = SCHEDULE_WAIT};
	uint64_t least_ms = (uint64_t)verdict->retry_after_s * MS_PER_S, left_ms;
	bool kept = rules->suspend && schedule_door(verdict) == SCHEDULE_DOOR_REFUSED;

	if (now->age_ms >= rules->lifetime_ms && (kept || now->attempts >= rules->attempts_min))
		return (struct schedule_decision){.next = SCHEDULE_EXPIRE,
						  .report = tell_failure(now)};
	decision.wait_ms = wait_of(rules, now->attempts, prng);
	/* What others say is believed, but not for longer than mail lives. */
	if (least_ms > rules->lifetime_ms)
		least_ms = rules->lifetime_ms;
	if (decision.wait_ms < least_ms)
		decision.wait_ms = least_ms;
	left_ms = rules->lifetime_ms > now->age_ms ? rules->lifetime_ms - now->age_ms : 0;
	if (left_ms && decision.wait_ms > left_ms)
		decision.wait_ms = left_ms < LAST_WAIT_MS_MIN ? LAST_WAIT_MS_MIN : left_ms;
	decision.report = kept ? tell_delay(rules, now) : schedule_delay_in(rules, now) == 0;
	return decision;
}

struct schedule_decision
schedule_decide(const struct schedule_rules *rules, const struct schedule_case *now,
		const struct verdict *verdict, struct prng *prng)
{
	ASSERT(now->attempts > 0 && rules->wait_count > 0);
	switch (verdict->class) {
	case VERDICT_OK:
		return (struct schedule_decision){.next = SCHEDULE_DONE,
						  .report = tell_success(now)};
	case VERDICT_NEVER:
		if (rules->suspend && schedule_door(verdict) == SCHEDULE_DOOR_REFUSED &&
		    !PLANTED(GREETING_IS_FINAL))
			return decide_later(rules, now, verdict, prng);
		return (struct schedule_decision){.next = SCHEDULE_FAIL,
						  .report = tell_failure(now)};
	default:
		return decide_later(rules, now, verdict, prng);
	}
}

uint64_t
schedule_age_restart(const struct schedule_rules *rules, uint64_t age_ms, int64_t then_wall_ms,
		     int64_t now_wall_ms)
{
	uint64_t most_ms = rules->lifetime_ms / RESTART_LIFETIME_PART, passed_ms;

	if (now_wall_ms <= then_wall_ms)
		return age_ms;
	passed_ms = (uint64_t)now_wall_ms - (uint64_t)then_wall_ms;
	if (PLANTED(AGE_UNBOUNDED))
		return age_ms + passed_ms;
	return age_ms + (passed_ms < most_ms ? passed_ms : most_ms);
}
