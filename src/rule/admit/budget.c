/*
 * budget: a leaky bucket counted in time: each connection uses 60 s / per_minute_max, a minute's
 * worth fits in, and time itself empties it.
 */
#include "rule/admit/budget.h"

#include "base/assert.h"

#define MINUTE_MS ((uint64_t)60000)
/* Parts of a millisecond, so that high rates do not round to nothing. */
#define PARTS ((uint64_t)1000)

static void
leak(struct admit_budget *budget, uint64_t now_ms)
{
	uint64_t gone = now_ms > budget->at_ms ? now_ms - budget->at_ms : 0;

	if (gone > MINUTE_MS)
		gone = MINUTE_MS;
	budget->used = budget->used > gone * PARTS ? budget->used - gone * PARTS : 0;
	budget->at_ms = now_ms;
}

enum admit_reason
admit_budget_open(struct admit_budget *budget, const struct admit_limits *limits, uint64_t now_ms)
{
	uint64_t share;

	leak(budget, now_ms);
	if (limits->connections_max && budget->connections >= limits->connections_max)
		return ADMIT_NETWORK_MAX;
	if (limits->per_minute_max) {
		share = MINUTE_MS * PARTS / limits->per_minute_max;
		if (budget->used + share > MINUTE_MS * PARTS)
			return ADMIT_NETWORK_RATE;
		budget->used += share;
	}
	budget->connections++;
	return ADMIT_OK;
}

void
admit_budget_close(struct admit_budget *budget)
{
	ASSERT(budget->connections > 0);
	budget->connections--;
}

bool
admit_budget_is_fresh(const struct admit_budget *budget, uint64_t now_ms)
{
	return budget->connections == 0 &&
	       (budget->used == 0 || now_ms >= budget->at_ms + MINUTE_MS);
}
