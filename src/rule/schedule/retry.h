/*
 * retry: what happens to a recipient after an attempt: done, another attempt and when, or given up;
 * who is told; how old a message is. Pure: time and chance come in as numbers.
 */
#ifndef RULE_SCHEDULE_RETRY_H
#define RULE_SCHEDULE_RETRY_H

#include "base/prng.h"
#include "rule/schedule/suspend.h"
#include "wire/spool/record.h"
#include "wire/verdict/verdict.h"

/* As the option delay-notice counts. */
enum schedule_delay { SCHEDULE_DELAY_NEVER, SCHEDULE_DELAY_FIRST_FAILURE, SCHEDULE_DELAY_AFTER };

struct schedule_rules {
	const uint64_t *waits_ms; /* before the second attempt, the third, ...; the last repeats */
	size_t wait_count;
	unsigned jitter_percent;
	uint64_t lifetime_ms;
	unsigned attempts_min; /* before anything may expire */
	uint8_t delay;	       /* enum schedule_delay */
	uint64_t delay_after_ms;
	bool suspend; /* what is refused for our address at the greeting is kept (suspend.h) */
	struct schedule_probes probes;
};

/* A recipient as it stands after an attempt. */
struct schedule_case {
	unsigned attempts; /* this one counted */
	uint64_t age_ms;
	bool has_sender; /* somebody can be told: not the null sender, not a report */
	uint8_t notify;	 /* enum spool_notify */
	bool delay_told;
};

enum schedule_next {
	SCHEDULE_DONE,
	SCHEDULE_WAIT,
	SCHEDULE_FAIL,	 /* refused for good */
	SCHEDULE_EXPIRE, /* refused for now, and it has been long enough */
	SCHEDULE_NEXT_MAX
};

struct schedule_decision {
	enum schedule_next next;
	uint64_t wait_ms; /* WAIT */
	bool report;	  /* the sender is to be told now: of failure (FAIL, EXPIRE), of success
			   * (DONE, unless the next hop does it), of the delay (WAIT) */
};

/* Class, stage and scope of the verdict decide; its retry_after_s is the least wait. What is
 * refused for our address at the greeting (schedule_door) waits although it is permanent, where
 * rules say suspend: its sender is told at once, once, and its lifetime alone ends it, for others
 * are tried in its place. */
struct schedule_decision schedule_decide(const struct schedule_rules *rules,
					 const struct schedule_case *now,
					 const struct verdict *verdict, struct prng *prng);

/* How long until the sender has to be told that mail waits; UINT64_MAX: never, or told already. */
uint64_t schedule_delay_in(const struct schedule_rules *rules, const struct schedule_case *now);

/* Age of a message at a restart: it was age_ms old when the wall clock said then. However far that
 * clock has moved, at most a quarter of the lifetime is added. */
uint64_t schedule_age_restart(const struct schedule_rules *rules, uint64_t age_ms,
			      int64_t then_wall_ms, int64_t now_wall_ms);

#endif
