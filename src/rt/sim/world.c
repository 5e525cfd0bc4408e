/*
 * The world: time, events, chance, faults. Events are a heap by time; the clock moves to the next
 * one, and a little with each call that a process makes.
 */
#include <stdlib.h>

#include "rt/sim/impl.h"

#define PPM 1000000u
#define HASH_PRIME 0x9e3779b97f4a7c15u

static const struct {
	const char *name, *help;
} faults[SIM_FAULT_MAX] = {
#define SIM_FAULT(name, text, help) [SIM_FAULT_##name] = {text, help},
#include "rt/sim/faults.def"
#undef SIM_FAULT
};

const char *
sim_fault_str(enum sim_fault fault)
{
	return faults[fault].name;
}

const char *
sim_fault_help(enum sim_fault fault)
{
	return faults[fault].help;
}

static void *
mem_take_plain(struct mem *mem, size_t size)
{
	void *block = calloc(1, size);

	(void)mem;
	ASSERT(block);
	return block;
}

static void
mem_give_plain(struct mem *mem, void *block, size_t size)
{
	(void)mem;
	(void)size;
	free(block);
}

void *
sim_take(struct sim_world *world, size_t size)
{
	return mem_take(&world->mem, size);
}

int
sim_create(const struct sim_options *options, struct sim_world **ret_world)
{
	struct sim_world *world = calloc(1, sizeof(*world));

	if (!world)
		return ERR_NO_MEMORY;
	world->mem = (struct mem){mem_take_plain, mem_give_plain};
	world->options = *options;
	prng_init(&world->prng, options->seed);
	world->hash = options->seed;
	world->now_us = 1;
	world->wall_us = options->wall_ms * US_PER_MS;
	world->next_pid = 100;
	world->next_port = 32768;
	heap_init(&world->events, &world->mem);
	list_init(&world->procs);
	list_init(&world->ended);
	list_init(&world->stacks);
	list_init(&world->listeners);
	list_init(&world->socks);
	sim_disk_init(world);
	sim_current_world_set(world);
	*ret_world = world;
	return 0;
}

void
sim_destroy(struct sim_world **world_at)
{
	struct sim_world *world = *world_at;

	if (!world)
		return;
	sim_procs_finish(world);
	sim_net_finish(world);
	sim_disk_finish(world);
	heap_finish(&world->events);
	sim_current_world_set(NULL);
	free(world);
	*world_at = NULL;
}

bool
sim_run(struct sim_world *world, uint64_t until_us)
{
	struct heap_node *first;

	world->stopped = false;
	while (!world->stopped && (first = heap_first(&world->events))) {
		struct sim_event *event = CONTAINER_OF(first, struct sim_event, node);

		if (first->key > until_us)
			break;
		if (first->key > world->now_us)
			world->now_us = first->key;
		heap_remove(&world->events, first);
		event->world = NULL;
		event->fn(event->ctx);
		sim_reap(world);
	}
	if (!world->stopped && world->now_us < until_us && heap_first(&world->events))
		world->now_us = until_us;
	return heap_first(&world->events) != NULL;
}

void
sim_stop(struct sim_world *world)
{
	world->stopped = true;
}

void
sim_after(struct sim_world *world, struct sim_event *event, uint64_t after_us, rt_fn *fn, void *ctx)
{
	int err;

	sim_cancel(event);
	event->world = world;
	event->fn = fn;
	event->ctx = ctx;
	heap_node_init(&event->node);
	event->node.key = world->now_us + after_us;
	err = heap_insert(&world->events, &event->node);
	ASSERT(!err);
}

void
sim_cancel(struct sim_event *event)
{
	if (!event->world)
		return;
	heap_remove(&event->world->events, &event->node);
	event->world = NULL;
}

bool
sim_pending(const struct sim_event *event)
{
	return event->world != NULL;
}

uint64_t
sim_now_us(const struct sim_world *world)
{
	return world->now_us;
}

int64_t
sim_wall_ms(const struct sim_world *world)
{
	return (world->wall_us + (int64_t)world->now_us) / (int64_t)US_PER_MS;
}

void
sim_wall_jump(struct sim_world *world, int64_t by_ms)
{
	world->wall_us += by_ms * (int64_t)US_PER_MS;
}

void *
sim_ctx(const struct sim_world *world)
{
	return world->options.ctx;
}

struct prng *
sim_prng(struct sim_world *world)
{
	return &world->prng;
}

struct mem *
sim_mem(struct sim_world *world)
{
	return &world->mem;
}

uint64_t
sim_hash(const struct sim_world *world)
{
	return world->hash;
}

void
sim_hash_add(struct sim_world *world, uint64_t value)
{
	world->hash = (world->hash ^ value) * HASH_PRIME;
	world->hash ^= world->hash >> 29;
}

uint64_t
sim_below(struct sim_world *world, uint64_t below)
{
	return prng_below(&world->prng, below);
}

uint64_t
sim_between(struct sim_world *world, uint64_t low, uint64_t high)
{
	return low + prng_below(&world->prng, high - low + 1);
}

struct sim_world *
sim_world_of(const struct rt *rt)
{
	return rt->proc->world;
}

struct sim_world *
sim_world_of_mem(const struct mem *mem)
{
	return CONTAINER_OF((struct mem *)(uintptr_t)mem, struct rt, mem)->proc->world;
}

/* Some are no failure of a call, only trouble: a torture run leaves them out. */
static bool
is_fallible(enum sim_fault fault)
{
	return fault < SIM_FAULT_SHORT || (fault > SIM_FAULT_SHORT && fault < SIM_FAULT_SLOW_DISK);
}

bool
sim_fails(struct rt *rt, enum sim_fault fault)
{
	struct sim_world *world = rt->proc->world;
	bool fails = false;

	if (rt->proc->spared)
		return false;
	if (world->torture && is_fallible(fault) && --world->torture == 0)
		fails = world->tortured = true;
	if (!fails && world->fault_ppm[fault])
		fails = sim_below(world, PPM) < world->fault_ppm[fault];
	if (fails)
		world->fault_count[fault]++;
	return fails;
}

void
sim_fault_set(struct sim_world *world, enum sim_fault fault, uint32_t ppm)
{
	world->fault_ppm[fault] = ppm;
}

uint32_t
sim_fault_get(const struct sim_world *world, enum sim_fault fault)
{
	return world->fault_ppm[fault];
}

uint64_t
sim_fault_count(const struct sim_world *world, enum sim_fault fault)
{
	return world->fault_count[fault];
}

void
sim_fault_spare(struct sim_world *world, const char *word)
{
	world->spare = word;
}

void
sim_torture(struct sim_world *world, uint64_t n)
{
	world->torture = n;
	world->tortured = false;
}

bool
sim_tortured(const struct sim_world *world)
{
	return world->tortured;
}

void
sim_broken(struct sim_world *world, const char *what)
{
	const struct sim_proc *proc = world->current;

	if (world->options.events.broken)
		world->options.events.broken(world->options.ctx,
					     proc ? proc->program->name : "world", what);
}
