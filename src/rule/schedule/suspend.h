/*
 * suspend: a destination refuses our address at its greeting, whatever the mail. Nothing is sent
 * there then but one message now and then, the probe, until one gets past the greeting. Here is the
 * state of one pair of our address and a destination, and what an attempt's verdict does to it.
 * Pure: time comes in as a number.
 */
#ifndef RULE_SCHEDULE_SUSPEND_H
#define RULE_SCHEDULE_SUSPEND_H

#include <stdbool.h>
#include <stdint.h>

#include "wire/verdict/verdict.h"

/* What a verdict tells about the pair. */
enum schedule_door {
	SCHEDULE_DOOR_UNKNOWN, /* it did not come so far: no connection, no answer of DNS */
	SCHEDULE_DOOR_REFUSED, /* they want nothing from our address */
	SCHEDULE_DOOR_PASSED,  /* the greeting was passed, whatever became of the mail */
};
enum schedule_door schedule_door(const struct verdict *verdict);

/* Waits between probes double from the first to the longest. */
struct schedule_probes {
	uint64_t first_ms, max_ms;
};

struct schedule_suspension {
	uint64_t probe_ms; /* when the next probe is due */
	uint64_t wait_ms;  /* between the last probe and that one */
	uint32_t refusals; /* at the greeting, the first included */
	bool probing;	   /* one is under way */
};

/* The first refusal has come. */
void suspension_begin(struct schedule_suspension *s, const struct schedule_probes *probes,
		      uint64_t now_ms);
/* As it was before a restart: so often refused, and so long until the next probe. */
void suspension_restore(struct schedule_suspension *s, const struct schedule_probes *probes,
			uint32_t refusals, uint64_t interval_ms, uint64_t probe_ms);
bool suspension_probe_due(const struct schedule_suspension *s, uint64_t now_ms);
void suspension_probe_begin(struct schedule_suspension *s);
/* What the probe met; not PASSED, which ends the suspension. A refusal makes the waits longer. */
void suspension_probe_end(struct schedule_suspension *s, const struct schedule_probes *probes,
			  enum schedule_door door, uint64_t now_ms);
/* Nobody knows what the probe met: the next one is due at once. */
void suspension_probe_lost(struct schedule_suspension *s);

#endif
