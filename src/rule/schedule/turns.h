/*
 * turns: whose mail is next. Destinations take turns in a ring: each that has something ready and a
 * free slot gets one job per round, however much the others have waiting and however slow they are.
 */
#ifndef RULE_SCHEDULE_TURNS_H
#define RULE_SCHEDULE_TURNS_H

#include <stdint.h>

#include "base/list.h"

/* Lives in its owner; zeroed at first. */
struct turn_taker {
	struct list_node node;
	uint32_t ready;	 /* what waits for a job now */
	uint32_t active; /* jobs given and not yet done */
	uint32_t limit;	 /* most of them at once */
};

struct turns {
	struct list ring;
};

void turns_init(struct turns *turns);
/* After ready, active or limit have changed: joins the end of the ring, or leaves it. */
void turns_update(struct turns *turns, struct turn_taker *taker);
/* The next one, moved to the end of the ring; NULL when nobody can go on. */
struct turn_taker *turns_next(struct turns *turns);
void turns_remove(struct turns *turns, struct turn_taker *taker);

#endif
