/*
 * turns: a ring of those who can go on. Constant time for everything.
 */
#include "rule/schedule/turns.h"

void
turns_init(struct turns *turns)
{
	list_init(&turns->ring);
}

void
turns_update(struct turns *turns, struct turn_taker *taker)
{
	bool can = taker->ready > 0 && taker->active < taker->limit;

	if (can && !list_linked(&taker->node))
		list_push_back(&turns->ring, &taker->node);
	else if (!can)
		list_remove(&taker->node);
}

struct turn_taker *
turns_next(struct turns *turns)
{
	struct list_node *node = list_pop_front(&turns->ring);

	if (!node)
		return NULL;
	list_push_back(&turns->ring, node);
	return CONTAINER_OF(node, struct turn_taker, node);
}

void
turns_remove(struct turns *turns, struct turn_taker *taker)
{
	(void)turns;
	list_remove(&taker->node);
}
