/*
 * The loop of a simulated process, its memory and clocks. A turn is: what became ready, in the
 * order in which it did; due timers; hooks. Between turns the process gives way, so that the world
 * goes on.
 */
#include <stdlib.h>
#include <string.h>

#include "rt/sim/impl.h"

#define HOOK_ROUNDS_MAX 16
#define US_PER_S 1000000u
/* Until a process that has something to do gets the processor. */
#define WAKE_US_MAX 60
#define STALL_US_MAX (2 * US_PER_S)
/* The monotonic clock does not begin at zero. */
#define UPTIME_US ((uint64_t)3600 * US_PER_S)

enum { OP_CREATE = 1, OP_TURN, OP_RANDOM };

static uint64_t
mono_us(const struct rt *rt)
{
	const struct sim_world *world = rt->proc->world;

	return world->now_us - world->boot_us + UPTIME_US;
}

static void *
mem_take_block(struct mem *mem, size_t size)
{
	struct rt *rt = CONTAINER_OF(mem, struct rt, mem);
	struct sim_block *block;

	if (sim_fails(rt, SIM_FAULT_ALLOC))
		return NULL;
	block = calloc(1, sizeof(*block) + size);
	ASSERT(block);
	block->size = size;
	rt->used_bytes += size;
	list_push_back(&rt->blocks, &block->node);
	return block + 1;
}

static void
mem_give_block(struct mem *mem, void *data, size_t size)
{
	struct rt *rt = CONTAINER_OF(mem, struct rt, mem);
	struct sim_block *block = (struct sim_block *)data - 1;

	if (block->size != size)
		sim_broken(rt->proc->world, "memory given back with another size");
	rt->used_bytes -= block->size;
	list_remove(&block->node);
	free(block);
}

static void io_collect(void *ctx);
static void work_collect(void *ctx);
static void signals_run(void *ctx);

static void
source_init(struct sim_source *source, struct rt *rt, rt_fn *fn)
{
	*source = (struct sim_source){.rt = rt, .fn = fn, .ctx = rt};
}

int
rt_create(const struct rt_options *options, struct rt **ret_rt)
{
	struct sim_proc *proc = sim_current();
	struct rt *rt;

	ASSERT(proc && !proc->rt);
	rt = calloc(1, sizeof(*rt));
	if (!rt)
		return ERR_NO_MEMORY;
	rt->proc = proc;
	rt->mem = (struct mem){mem_take_block, mem_give_block};
	rt->wall_offset_ms = options->wall_offset_ms;
	rt->now_ms = mono_us(rt) / US_PER_MS;
	rt->io_threads = options->io_threads ? options->io_threads : 1;
	rt->work_threads = options->work_threads;
	list_init(&rt->blocks);
	list_init(&rt->hooks);
	list_init(&rt->ready_timers);
	list_init(&rt->ready);
	list_init(&rt->io_waiting);
	list_init(&rt->io_running);
	list_init(&rt->io_done);
	list_init(&rt->work_waiting);
	list_init(&rt->work_done);
	list_init(&rt->child_ends);
	timer_wheel_init(&rt->wheel, rt->now_ms);
	source_init(&rt->io_source, rt, io_collect);
	source_init(&rt->work_source, rt, work_collect);
	source_init(&rt->signal_source, rt, signals_run);
	proc->rt = rt;
	*ret_rt = rt;
	return 0;
}

/* Of a process that has ended, in whatever way. */
void
sim_rt_destroy(struct rt *rt)
{
	struct list_node *node;

	sim_io_abandon(rt);
	sim_net_abandon(rt);
	sim_cancel(&rt->work_event);
	while ((node = list_pop_front(&rt->child_ends)))
		free(CONTAINER_OF(node, struct sim_child_end, node));
	while ((node = list_pop_front(&rt->blocks)))
		free(CONTAINER_OF(node, struct sim_block, node));
	rt->proc->rt = NULL;
	free(rt);
}

void
rt_destroy(struct rt **rt)
{
	if (!*rt)
		return;
	sim_io_join(*rt);
	(*rt)->proc->memory_left = (*rt)->used_bytes;
	sim_rt_destroy(*rt);
	*rt = NULL;
}

void
sim_source_ready(struct sim_source *source)
{
	struct sim_world *world = source->rt->proc->world;
	uint64_t after_us = sim_between(world, 1, WAKE_US_MAX);

	if (list_linked(&source->node))
		return;
	list_push_back(&source->rt->ready, &source->node);
	if (sim_fails(source->rt, SIM_FAULT_STALL))
		after_us = sim_below(world, STALL_US_MAX);
	sim_wake(source->rt->proc, after_us);
}

static void
sources_run(struct rt *rt)
{
	struct list now;
	struct list_node *node;

	list_init(&now);
	while ((node = list_pop_front(&rt->ready)))
		list_push_back(&now, node);
	while ((node = list_pop_front(&now))) {
		struct sim_source *source = CONTAINER_OF(node, struct sim_source, node);

		source->fn(source->ctx);
	}
}

static void
timers_run(struct rt *rt)
{
	struct list_node *node;

	timer_wheel_advance(&rt->wheel, rt->now_ms, &rt->ready_timers);
	while ((node = list_pop_front(&rt->ready_timers))) {
		struct rt_timer *timer = CONTAINER_OF(node, struct rt_timer, node);

		timer->fn(timer->ctx);
	}
}

static void
hooks_run(struct rt *rt)
{
	for (int round = 0; round < HOOK_ROUNDS_MAX && !list_empty(&rt->hooks); round++) {
		struct list now;
		struct list_node *node;

		list_init(&now);
		while ((node = list_pop_front(&rt->hooks)))
			list_push_back(&now, node);
		while ((node = list_pop_front(&now))) {
			struct rt_hook *hook = CONTAINER_OF(node, struct rt_hook, node);

			hook->fn(hook->ctx);
		}
	}
}

/* Asks for the next turn and waits for it. */
static void
turn_wait(struct rt *rt)
{
	uint64_t next_ms = timer_wheel_next(&rt->wheel);
	uint64_t now_us = mono_us(rt), next_us;

	if (!list_empty(&rt->ready) || !list_empty(&rt->hooks) || !list_empty(&rt->ready_timers)) {
		sim_wake(rt->proc, 1);
	} else if (next_ms != UINT64_MAX) {
		next_us = next_ms * US_PER_MS;
		sim_wake(rt->proc, next_us > now_us ? next_us - now_us : 1);
	}
	sim_sleep(rt->proc);
}

void
rt_run(struct rt *rt)
{
	while (!rt->stopping) {
		turn_wait(rt);
		sim_op(rt, OP_TURN);
		rt->now_ms = mono_us(rt) / US_PER_MS;
		sources_run(rt);
		timers_run(rt);
		hooks_run(rt);
	}
	rt->stopping = false;
}

void
rt_stop(struct rt *rt)
{
	rt->stopping = true;
}

static void
io_collect(void *ctx)
{
	struct rt *rt = ctx;
	struct list now;
	struct list_node *node;

	list_init(&now);
	while ((node = list_pop_front(&rt->io_done)))
		list_push_back(&now, node);
	while ((node = list_pop_front(&now))) {
		struct rt_io *io = CONTAINER_OF(node, struct rt_io, node);

		io->done(io->ctx);
	}
}

static void
work_collect(void *ctx)
{
	struct rt *rt = ctx;
	struct list_node *node;

	while ((node = list_pop_front(&rt->work_done))) {
		struct rt_work *work = CONTAINER_OF(node, struct rt_work, node);

		work->done(work->ctx);
	}
}

static void
children_tell(struct rt *rt)
{
	struct list_node *node;

	while ((node = list_pop_front(&rt->child_ends))) {
		struct sim_child_end end = *CONTAINER_OF(node, struct sim_child_end, node);

		free(CONTAINER_OF(node, struct sim_child_end, node));
		if (rt->child_fn)
			rt->child_fn(rt->child_ctx, end.pid, end.status);
	}
}

static void
signals_run(void *ctx)
{
	struct rt *rt = ctx;

	for (size_t i = 0; i < rt->signal_count; i++) {
		if (!rt->signals[i].pending)
			continue;
		rt->signals[i].pending = false;
		if (rt->signals[i].fn)
			rt->signals[i].fn(rt->signals[i].ctx, rt->signals[i].number);
		else
			children_tell(rt);
	}
}

struct mem *
rt_mem(struct rt *rt)
{
	return &rt->mem;
}

size_t
rt_mem_used_bytes(const struct rt *rt)
{
	return rt->used_bytes;
}

uint64_t
rt_now_ms(const struct rt *rt)
{
	return rt->now_ms;
}

uint64_t
rt_now_us(const struct rt *rt)
{
	rt->proc->world->now_us++;
	return mono_us(rt);
}

int64_t
rt_wall_ms(const struct rt *rt)
{
	return sim_wall_ms(rt->proc->world) + rt->wall_offset_ms;
}

int
rt_utc_offset_min(const struct rt *rt, int64_t wall_ms)
{
	(void)rt;
	(void)wall_ms;
	return 0;
}

void
rt_random(struct rt *rt, void *buf, size_t len)
{
	uint8_t *at = buf;

	sim_op(rt, OP_RANDOM);
	for (size_t i = 0; i < len; i++)
		at[i] = (uint8_t)prng_next(&rt->proc->world->prng);
}

void
rt_timer_init(struct rt_timer *timer, struct rt *rt, rt_fn *fn, void *ctx)
{
	*timer = (struct rt_timer){.rt = rt, .fn = fn, .ctx = ctx};
}

void
rt_timer_arm(struct rt_timer *timer, uint64_t after_ms)
{
	uint64_t now_ms = timer->rt->now_ms;

	timer->due_ms = after_ms < UINT64_MAX - now_ms ? now_ms + after_ms : UINT64_MAX;
	timer_wheel_arm(&timer->rt->wheel, timer);
}

void
rt_timer_disarm(struct rt_timer *timer)
{
	list_remove(&timer->node);
}

bool
rt_timer_armed(const struct rt_timer *timer)
{
	return list_linked(&timer->node);
}

void
rt_timer_finish(struct rt_timer *timer)
{
	list_remove(&timer->node);
}

void
rt_hook_init(struct rt_hook *hook, rt_fn *fn, void *ctx)
{
	*hook = (struct rt_hook){.fn = fn, .ctx = ctx};
}

void
rt_at_turn_end(struct rt *rt, struct rt_hook *hook)
{
	if (!list_linked(&hook->node))
		list_push_back(&rt->hooks, &hook->node);
}

void
rt_hook_finish(struct rt_hook *hook)
{
	list_remove(&hook->node);
}
