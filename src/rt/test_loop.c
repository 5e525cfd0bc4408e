/* The loop: timers come in order and not early, hooks close a turn, and the wheel agrees with a
 * list. */
#include <fcntl.h>

#include "base/prng.h"
#include "rt/test_rt.h"
#include "rt/timer_wheel.h"

struct note {
	struct test_rt *t;
	struct rt_timer timer;
	uint64_t fired_ms;
	int *order;
	int place;
};

static void
on_note(void *ctx)
{
	struct note *note = ctx;

	note->fired_ms = rt_now_ms(note->t->rt);
	note->place = (*note->order)++;
	if (*note->order == 3)
		rt_stop(note->t->rt);
}

TEST(timers_fire_in_order_and_not_early)
{
	static const uint64_t after_ms[] = {30, 0, 12};
	static const int want_place[] = {2, 0, 1};
	struct note notes[3] = {0};
	struct test_rt t;
	uint64_t start_ms;
	int order = 0;

	test_rt_begin(&t);
	start_ms = rt_now_ms(t.rt);
	for (int i = 0; i < 3; i++) {
		notes[i].t = &t;
		notes[i].order = &order;
		rt_timer_init(&notes[i].timer, t.rt, on_note, &notes[i]);
		rt_timer_arm(&notes[i].timer, after_ms[i]);
		assert_true(rt_timer_armed(&notes[i].timer));
	}
	test_rt_run(&t);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(notes[i].place, want_place[i]);
		assert_true(notes[i].fired_ms >= start_ms + after_ms[i]);
		assert_false(rt_timer_armed(&notes[i].timer));
		rt_timer_finish(&notes[i].timer);
	}
	test_rt_end(&t);
}

struct rearm {
	struct test_rt *t;
	struct rt_timer busy, idle;
	int count;
	bool idle_fired;
};

static void
on_busy(void *ctx)
{
	struct rearm *r = ctx;

	/* Put off again and again: must not fire; put forward at the end: must fire now. */
	rt_timer_arm(&r->idle, ++r->count < 20 ? 5 : 0);
	if (r->count < 20)
		rt_timer_arm(&r->busy, 1);
	else
		assert_false(r->idle_fired);
}

static void
on_idle(void *ctx)
{
	struct rearm *r = ctx;

	r->idle_fired = true;
	rt_stop(r->t->rt);
}

TEST(timers_can_be_put_off)
{
	struct test_rt t;
	struct rearm r = {.t = &t};

	test_rt_begin(&t);
	rt_timer_init(&r.busy, t.rt, on_busy, &r);
	rt_timer_init(&r.idle, t.rt, on_idle, &r);
	rt_timer_arm(&r.idle, 50);
	rt_timer_arm(&r.busy, 0);
	test_rt_run(&t);
	assert_int_equal(r.count, 20);
	rt_timer_finish(&r.busy);
	rt_timer_finish(&r.idle);
	test_rt_end(&t);
}

struct hooks {
	struct test_rt *t;
	struct rt_hook first, second;
	struct rt_timer timer;
	int first_count, second_count;
	uint64_t turn_ms;
};

static void
on_first_hook(void *ctx)
{
	struct hooks *h = ctx;

	h->first_count++;
	h->turn_ms = rt_now_ms(h->t->rt);
	rt_at_turn_end(h->t->rt, &h->second);
}

static void
on_second_hook(void *ctx)
{
	struct hooks *h = ctx;

	h->second_count++;
	rt_stop(h->t->rt);
}

static void
on_hook_timer(void *ctx)
{
	struct hooks *h = ctx;

	rt_at_turn_end(h->t->rt, &h->first);
	rt_at_turn_end(h->t->rt, &h->first);
	assert_int_equal(h->first_count, 0);
}

TEST(hooks_run_once_at_the_end_of_a_turn)
{
	struct test_rt t;
	struct hooks h = {.t = &t};

	test_rt_begin(&t);
	rt_hook_init(&h.first, on_first_hook, &h);
	rt_hook_init(&h.second, on_second_hook, &h);
	rt_timer_init(&h.timer, t.rt, on_hook_timer, &h);
	rt_timer_arm(&h.timer, 1);
	test_rt_run(&t);
	assert_int_equal(h.first_count, 1);
	assert_int_equal(h.second_count, 1);
	rt_timer_finish(&h.timer);
	rt_hook_finish(&h.first);
	rt_hook_finish(&h.second);
	test_rt_end(&t);
}

static void
on_watch(void *ctx, unsigned events)
{
	struct test_rt *t = ctx;

	assert_int_equal(events, RT_READABLE);
	rt_stop(t->rt);
}

TEST(watch_tells_readiness)
{
	struct test_rt t;
	struct rt_watch *watch;
	struct rt_watch_options options = {.events = RT_READABLE, .fn = on_watch, .ctx = &t};
	int fds[2];

	test_rt_begin(&t);
	assert_int_equal(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
	options.fd = fds[0];
	assert_int_equal(rt_watch_create(t.rt, &options, &watch), 0);
	assert_int_equal(rt_write(t.rt, fds[1], slice_str("x")), 0);
	test_rt_run(&t);
	rt_watch_destroy(&watch);
	rt_close(t.rt, fds[0]);
	rt_close(t.rt, fds[1]);
	test_rt_end(&t);
}

TEST(wall_clock_can_be_shifted)
{
	const int64_t shift_ms = (int64_t)400 * 24 * 3600 * 1000;
	struct rt_options options = {0};
	uint8_t zero[16] = {0}, random[16] = {0};
	struct rt *real, *shifted;
	int64_t apart_ms;

	assert_int_equal(rt_create(&options, &real), 0);
	options.wall_offset_ms = shift_ms;
	assert_int_equal(rt_create(&options, &shifted), 0);
	apart_ms = rt_wall_ms(shifted) - rt_wall_ms(real) - shift_ms;
	assert_true(apart_ms > -60000 && apart_ms < 60000);
	rt_random(real, random, sizeof(random));
	assert_memory_not_equal(random, zero, sizeof(zero));
	rt_destroy(&real);
	rt_destroy(&shifted);
}

#define WHEEL_TIMERS 300

static void
wheel_round(struct prng *prng, uint64_t span_ms)
{
	static struct timer_wheel wheel;
	struct rt_timer timers[WHEEL_TIMERS] = {0};
	uint64_t due_ms[WHEEL_TIMERS], now_ms = prng_below(prng, 1u << 30), last_ms;
	struct list ready;
	size_t left = 0;

	list_init(&ready);
	timer_wheel_init(&wheel, now_ms);
	for (int i = 0; i < WHEEL_TIMERS; i++) {
		timers[i].due_ms = due_ms[i] = now_ms + prng_below(prng, span_ms);
		timer_wheel_arm(&wheel, &timers[i]);
		left++;
	}
	for (int i = 0; i < WHEEL_TIMERS; i++) {
		/* A third moves later, a third earlier, some go. */
		if (i % 3 < 2) {
			timers[i].due_ms = due_ms[i] = i % 3 ? due_ms[i] + prng_below(prng, span_ms)
							     : now_ms + (due_ms[i] - now_ms) / 2;
			timer_wheel_arm(&wheel, &timers[i]);
		} else if (i % 2) {
			list_remove(&timers[i].node);
			due_ms[i] = UINT64_MAX;
			left--;
		}
	}
	last_ms = now_ms;
	while (left > 0) {
		struct list_node *node;
		uint64_t next_ms = timer_wheel_next(&wheel);

		assert_true(next_ms != UINT64_MAX);
		now_ms = next_ms + prng_below(prng, 1 + span_ms / 50);
		timer_wheel_advance(&wheel, now_ms, &ready);
		while ((node = list_pop_front(&ready))) {
			struct rt_timer *timer = CONTAINER_OF(node, struct rt_timer, node);
			size_t index = (size_t)(timer - timers);

			assert_true(due_ms[index] <= now_ms && due_ms[index] >= last_ms);
			last_ms = due_ms[index];
			due_ms[index] = UINT64_MAX;
			left--;
		}
		for (int i = 0; i < WHEEL_TIMERS; i++)
			assert_true(due_ms[i] > now_ms);
	}
	assert_true(timer_wheel_next(&wheel) == UINT64_MAX);
}

TEST(wheel_agrees_with_a_plain_list)
{
	struct prng prng;

	prng_init(&prng, 7);
	for (int round = 0; round < 40; round++)
		wheel_round(&prng, (uint64_t)1 << (2 + round));
}

TESTS(TEST_ROW(timers_fire_in_order_and_not_early), TEST_ROW(timers_can_be_put_off),
      TEST_ROW(hooks_run_once_at_the_end_of_a_turn), TEST_ROW(watch_tells_readiness),
      TEST_ROW(wall_clock_can_be_shifted), TEST_ROW(wheel_agrees_with_a_plain_list))
