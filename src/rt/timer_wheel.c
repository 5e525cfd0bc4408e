/*
 * The level of a timer is the highest group of six bits in which its time differs from now, its
 * slot those bits. So all timers of a level lie ahead of now within one round, a lower level is
 * always due before a higher one, and a slot of a higher level spreads over lower ones when now
 * reaches it.
 *
 * Most timers are deadlines that move ahead with each command: arming one again for later leaves it
 * where it is, and it moves when its slot comes up. A bit of `used` may be stale after a disarm; it
 * is cleared when it is looked at.
 */
#include "rt/timer_wheel.h"

#include "base/assert.h"

#define LEVEL_BITS 6
#define SLOT_MASK (TIMER_WHEEL_SLOTS - 1u)
/* Far enough, and inside the top level. */
#define AHEAD_MS_MAX ((uint64_t)1 << 46)

static void place(struct timer_wheel *wheel, struct rt_timer *timer);

void
timer_wheel_init(struct timer_wheel *wheel, uint64_t now_ms)
{
	*wheel = (struct timer_wheel){.now_ms = now_ms};
	for (unsigned level = 0; level < TIMER_WHEEL_LEVELS; level++)
		for (unsigned slot = 0; slot < TIMER_WHEEL_SLOTS; slot++)
			list_init(&wheel->slots[level][slot]);
}

void
timer_wheel_arm(struct timer_wheel *wheel, struct rt_timer *timer)
{
	if (timer->due_ms > wheel->now_ms + AHEAD_MS_MAX)
		timer->due_ms = wheel->now_ms + AHEAD_MS_MAX;
	if (list_linked(&timer->node)) {
		if (timer->slot_ms > wheel->now_ms && timer->due_ms >= timer->slot_ms)
			return;
		list_remove(&timer->node);
	}
	place(wheel, timer);
}

static void
place(struct timer_wheel *wheel, struct rt_timer *timer)
{
	uint64_t differs;
	unsigned level, slot;

	timer->slot_ms = timer->due_ms > wheel->now_ms ? timer->due_ms : wheel->now_ms;
	differs = (timer->slot_ms ^ wheel->now_ms) | SLOT_MASK;
	level = (63u - (unsigned)__builtin_clzll(differs)) / LEVEL_BITS;
	ASSERT(level < TIMER_WHEEL_LEVELS);
	slot = (unsigned)(timer->slot_ms >> (level * LEVEL_BITS)) & SLOT_MASK;
	list_push_back(&wheel->slots[level][slot], &timer->node);
	wheel->used[level] |= (uint64_t)1 << slot;
}

/* The first slot that holds timers, and when it begins. */
static struct list *
first_slot(struct timer_wheel *wheel, unsigned *ret_level, uint64_t *ret_start_ms)
{
	for (unsigned level = 0; level < TIMER_WHEEL_LEVELS; level++) {
		while (wheel->used[level]) {
			unsigned slot = (unsigned)__builtin_ctzll(wheel->used[level]);
			unsigned shift = level * LEVEL_BITS;
			uint64_t round = wheel->now_ms >> shift & ~(uint64_t)SLOT_MASK;

			if (list_empty(&wheel->slots[level][slot])) {
				wheel->used[level] &= ~((uint64_t)1 << slot);
				continue;
			}
			*ret_level = level;
			*ret_start_ms = (round | slot) << shift;
			return &wheel->slots[level][slot];
		}
	}
	return NULL;
}

uint64_t
timer_wheel_next(struct timer_wheel *wheel)
{
	unsigned level;
	uint64_t start_ms;

	return first_slot(wheel, &level, &start_ms) ? start_ms : UINT64_MAX;
}

void
timer_wheel_advance(struct timer_wheel *wheel, uint64_t now_ms, struct list *ready)
{
	struct list *slot;
	struct list_node *node;
	unsigned level;
	uint64_t start_ms;

	while ((slot = first_slot(wheel, &level, &start_ms)) && start_ms <= now_ms) {
		struct list moving;

		list_init(&moving);
		while ((node = list_pop_front(slot)))
			list_push_back(&moving, node);
		if (start_ms > wheel->now_ms)
			wheel->now_ms = start_ms;
		while ((node = list_pop_front(&moving))) {
			struct rt_timer *timer = CONTAINER_OF(node, struct rt_timer, node);

			if (timer->due_ms <= wheel->now_ms)
				list_push_back(ready, node);
			else
				place(wheel, timer);
		}
	}
	if (now_ms > wheel->now_ms)
		wheel->now_ms = now_ms;
}
