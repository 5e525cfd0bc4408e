/*
 * timer_wheel: armed timers by time, eight levels of 64 slots with a grain of one millisecond.
 * Arming and disarming take constant time and no memory. Pure: time comes in as a number, so that
 * every backend of rt can use it.
 */
#ifndef RT_TIMER_WHEEL_H
#define RT_TIMER_WHEEL_H

#include "rt/rt.h"

#define TIMER_WHEEL_LEVELS 8
#define TIMER_WHEEL_SLOTS 64

struct timer_wheel {
	uint64_t now_ms;
	uint64_t used[TIMER_WHEEL_LEVELS]; /* a bit per slot that may hold timers */
	struct list slots[TIMER_WHEEL_LEVELS][TIMER_WHEEL_SLOTS];
};

void timer_wheel_init(struct timer_wheel *wheel, uint64_t now_ms);
/* timer->due_ms is set; a timer that is armed already is moved. */
void timer_wheel_arm(struct timer_wheel *wheel, struct rt_timer *timer);
/* When to call timer_wheel_advance next (it may find nothing due yet); UINT64_MAX: nothing armed.
 */
uint64_t timer_wheel_next(struct timer_wheel *wheel);
/* Moves all timers due at now_ms to the end of ready, in the order of their times. */
void timer_wheel_advance(struct timer_wheel *wheel, uint64_t now_ms, struct list *ready);

#endif
