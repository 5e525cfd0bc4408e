/*
 * budget: how many connections a client network may have, and how fast new ones may come. A bucket
 * holds a minute's worth; time comes in as a number.
 */
#ifndef RULE_ADMIT_BUDGET_H
#define RULE_ADMIT_BUDGET_H

#include "rule/admit/admit.h"

struct admit_limits {
	uint32_t connections_max; /* at once; 0: no limit */
	uint32_t per_minute_max;  /* new ones; 0: no limit */
};

struct admit_budget {
	uint32_t connections;
	uint64_t used; /* of the minute, in thousandths of a millisecond */
	uint64_t at_ms;
};

/* A new connection: OK and counted, or NETWORK_MAX or NETWORK_RATE and not counted. */
enum admit_reason admit_budget_open(struct admit_budget *budget, const struct admit_limits *limits,
				    uint64_t now_ms);
void admit_budget_close(struct admit_budget *budget);
/* Nothing to remember: as good as a new one. */
bool admit_budget_is_fresh(const struct admit_budget *budget, uint64_t now_ms);

#endif
