/*
 * Processes as coroutines. What runs gives way in rt_run only; it ends by returning from its main
 * function, or in the middle of a call when it is killed: then its stack is never entered again and
 * all that it had is taken back.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "rt/sim/impl.h"

#ifdef FRANK_SANITIZED
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

#define STACK_BYTES ((size_t)1 << 20)
#define GUARD_BYTES ((size_t)4096)
#define FD_FIRST_CAP 64
#define FD_MAX 65536
#define OP_US_MAX 3
#define PPM 1000000u

/* global: the world that panic and rt_create of the running process belong to */
static struct sim_world *the_world;

void
sim_current_world_set(struct sim_world *world)
{
	ASSERT(!world || !the_world);
	the_world = world;
}

struct sim_proc *
sim_current(void)
{
	return the_world ? the_world->current : NULL;
}

static struct sim_stack *
stack_take(struct sim_world *world)
{
	struct list_node *node = list_pop_front(&world->stacks);
	struct sim_stack *stack;

	if (node)
		return CONTAINER_OF(node, struct sim_stack, node);
	stack = sim_take(world, sizeof(*stack));
	stack->base = mmap(NULL, STACK_BYTES + GUARD_BYTES, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	ASSERT(stack->base != MAP_FAILED);
	if (mprotect(stack->base, GUARD_BYTES, PROT_NONE) < 0)
		ASSERT_UNREACHABLE();
	return stack;
}

static char *
stack_low(const struct sim_stack *stack)
{
	return (char *)stack->base + GUARD_BYTES;
}

static void
stack_give(struct sim_world *world, struct sim_stack *stack)
{
#ifdef FRANK_SANITIZED
	/* The frames of a killed process are still marked. */
	__asan_unpoison_memory_region(stack_low(stack), STACK_BYTES);
#endif
	list_push_front(&world->stacks, &stack->node);
}

static void
to_main(struct sim_proc *proc, bool for_good)
{
	struct sim_world *world = proc->world;
#ifdef FRANK_SANITIZED
	void *fake = NULL;

	__sanitizer_start_switch_fiber(for_good ? NULL : &fake, world->main_stack,
				       world->main_stack_bytes);
	swapcontext(&proc->context, &world->main);
	__sanitizer_finish_switch_fiber(fake, NULL, NULL);
#else
	(void)for_good;
	swapcontext(&proc->context, &world->main);
#endif
}

static void
to_proc(struct sim_proc *proc)
{
	struct sim_world *world = proc->world;
#ifdef FRANK_SANITIZED
	void *fake = NULL;

	__sanitizer_start_switch_fiber(&fake, stack_low(proc->stack), STACK_BYTES);
	swapcontext(&world->main, &proc->context);
	__sanitizer_finish_switch_fiber(fake, NULL, NULL);
#else
	swapcontext(&world->main, &proc->context);
#endif
}

static void
entry(void)
{
	struct sim_proc *proc = sim_current();

#ifdef FRANK_SANITIZED
	__sanitizer_finish_switch_fiber(NULL, &proc->world->main_stack,
					&proc->world->main_stack_bytes);
#endif
	sim_proc_end(proc, (proc->program->main(proc->argc, proc->argv) & 0xff) << 8);
}

static void
resume(void *ctx)
{
	struct sim_proc *proc = ctx;
	struct sim_world *world = proc->world;

	if (proc->ended)
		return;
	sim_hash_add(world, world->now_us ^ (uint64_t)proc->pid << 48);
	proc->turns++;
	world->current = proc;
	to_proc(proc);
	world->current = NULL;
}

void
sim_sleep(struct sim_proc *proc)
{
	to_main(proc, false);
}

void
sim_wake(struct sim_proc *proc, uint64_t after_us)
{
	struct sim_world *world = proc->world;

	if (proc->ended)
		return;
	if (sim_pending(&proc->wake) && proc->wake_us <= world->now_us + after_us)
		return;
	proc->wake_us = world->now_us + after_us;
	sim_after(world, &proc->wake, after_us, resume, proc);
}

static void
proc_mark_ended(struct sim_proc *proc, int status)
{
	if (proc->ended)
		return;
	proc->ended = true;
	proc->status = status;
	sim_cancel(&proc->wake);
	sim_cancel(&proc->doom);
	list_remove(&proc->node);
	list_push_back(&proc->world->ended, &proc->node);
}

void
sim_proc_end(struct sim_proc *proc, int status)
{
	ASSERT(proc == proc->world->current);
	proc_mark_ended(proc, status);
	to_main(proc, true);
	ASSERT_UNREACHABLE();
}

void
sim_op(struct rt *rt, unsigned what)
{
	struct sim_proc *proc = rt->proc;
	struct sim_world *world = proc->world;

	if (proc != world->current) {
		sim_broken(world, "a call of rt from outside its process");
		abort();
	}
	proc->ops++;
	world->now_us += sim_below(world, OP_US_MAX);
	sim_hash_add(world, what + ((uint64_t)proc->pid << 32) + world->now_us);
	if (proc->kill_at && --proc->kill_at == 0)
		sim_proc_end(proc, SIGKILL);
	if (world->fault_ppm[SIM_FAULT_KILL] && !proc->spared &&
	    sim_below(world, PPM) < world->fault_ppm[SIM_FAULT_KILL]) {
		world->fault_count[SIM_FAULT_KILL]++;
		sim_proc_end(proc, SIGKILL);
	}
}

const struct sim_program *
sim_program_find(const struct sim_world *world, const char *name)
{
	for (size_t i = 0; i < world->options.program_count; i++)
		if (!strcmp(world->options.programs[i].name, name))
			return &world->options.programs[i];
	return NULL;
}

static void
argv_copy(struct sim_proc *proc, const char *const *argv)
{
	for (; argv[proc->argc]; proc->argc++) {
		size_t size = strlen(argv[proc->argc]) + 1;

		ASSERT(proc->argc < SIM_ARGV_MAX);
		proc->argv[proc->argc] = sim_take(proc->world, size);
		memcpy(proc->argv[proc->argc], argv[proc->argc], size);
	}
}

struct sim_proc *
sim_proc_make(struct sim_world *world, const struct sim_program *program, const char *const *argv)
{
	struct sim_proc *proc = sim_take(world, sizeof(*proc));

	proc->world = world;
	proc->program = program;
	proc->pid = world->next_pid++;
	argv_copy(proc, argv);
	proc->fd_cap = FD_FIRST_CAP;
	proc->fd_max = FD_MAX;
	proc->fds = sim_take(world, proc->fd_cap * sizeof(struct sim_desc *));
	proc->stack = stack_take(world);
	proc->spared = world->spare && strstr(program->name, world->spare);
	if (world->kill.program == program) {
		proc->kill_at = world->kill.op;
		world->kill.program = NULL;
	}
	if (getcontext(&proc->context) < 0)
		ASSERT_UNREACHABLE();
	proc->context.uc_stack.ss_sp = stack_low(proc->stack);
	proc->context.uc_stack.ss_size = STACK_BYTES;
	proc->context.uc_link = NULL;
	makecontext(&proc->context, entry, 0);
	list_push_back(&world->procs, &proc->node);
	return proc;
}

int
sim_start(struct sim_world *world, const char *name, const char *const *argv)
{
	const struct sim_program *program = sim_program_find(world, name);
	struct sim_desc *log = sim_desc_make(world, SIM_LOG);
	struct sim_proc *proc;

	ASSERT(program);
	proc = sim_proc_make(world, program, argv);
	sim_fd_set(proc, 0, sim_desc_make(world, SIM_NULL));
	sim_fd_set(proc, 1, sim_desc_ref(log));
	sim_fd_set(proc, 2, log);
	sim_wake(proc, 1);
	return proc->pid;
}

struct sim_proc *
sim_proc_find(const struct sim_world *world, int pid)
{
	struct list_node *node = list_first(&world->procs);

	for (; node; node = list_next(&world->procs, node))
		if (CONTAINER_OF(node, struct sim_proc, node)->pid == pid)
			return CONTAINER_OF(node, struct sim_proc, node);
	return NULL;
}

int
sim_pid(const struct sim_world *world, const char *program, unsigned nth)
{
	struct list_node *node = list_first(&world->procs);

	for (; node; node = list_next(&world->procs, node)) {
		struct sim_proc *proc = CONTAINER_OF(node, struct sim_proc, node);

		if (!strcmp(proc->program->name, program) && nth-- == 0)
			return proc->pid;
	}
	return 0;
}

size_t
sim_process_count(const struct sim_world *world)
{
	struct list_node *node = list_first(&world->procs);
	size_t count = 0;

	for (; node; node = list_next(&world->procs, node))
		count++;
	return count;
}

void
sim_kill_at(struct sim_world *world, const char *program, uint64_t op)
{
	int pid = sim_pid(world, program, 0);
	struct sim_proc *proc = pid ? sim_proc_find(world, pid) : NULL;

	if (proc)
		proc->kill_at = op;
	else
		world->kill = (struct sim_kill){op ? sim_program_find(world, program) : NULL, op};
}

uint64_t
sim_ops(const struct sim_world *world, int pid)
{
	const struct sim_proc *proc = sim_proc_find(world, pid);

	return proc ? proc->ops : 0;
}

uint64_t
sim_turns(const struct sim_world *world, int pid)
{
	const struct sim_proc *proc = sim_proc_find(world, pid);

	return proc ? proc->turns : 0;
}

size_t
sim_descriptors(const struct sim_world *world, int pid)
{
	const struct sim_proc *proc = sim_proc_find(world, pid);

	return proc ? proc->fd_count : 0;
}

size_t
sim_memory(const struct sim_world *world, int pid)
{
	const struct sim_proc *proc = sim_proc_find(world, pid);

	return proc && proc->rt ? proc->rt->used_bytes : 0;
}

void
sim_proc_signal(struct sim_proc *proc, int number)
{
	struct rt *rt = proc->rt;

	for (size_t i = 0; rt && number != SIGKILL && i < rt->signal_count; i++) {
		if (rt->signals[i].number != number)
			continue;
		rt->signals[i].pending = true;
		sim_source_ready(&rt->signal_source);
		return;
	}
	if (number != SIGCHLD)
		proc_mark_ended(proc, number);
}

void
sim_signal(struct sim_world *world, int pid, int number)
{
	struct sim_proc *proc = sim_proc_find(world, pid);

	ASSERT(!world->current);
	if (proc)
		sim_proc_signal(proc, number);
	sim_reap(world);
}

static void
doomed(void *ctx)
{
	sim_proc_signal(ctx, SIGKILL);
}

/* The kernel kills a child when its parent dies; both happen on other processors. */
static void
children_doom(struct sim_world *world, int parent)
{
	struct list_node *node = list_first(&world->procs);

	for (; node; node = list_next(&world->procs, node)) {
		struct sim_proc *proc = CONTAINER_OF(node, struct sim_proc, node);

		if (proc->parent == parent)
			sim_after(world, &proc->doom, sim_between(world, 1, 2000), doomed, proc);
	}
}

static void
parent_tell(struct sim_world *world, const struct sim_proc *proc)
{
	struct sim_proc *parent = sim_proc_find(world, proc->parent);
	struct sim_child_end *end;

	if (!parent || !parent->rt)
		return;
	end = sim_take(world, sizeof(*end));
	end->pid = proc->pid;
	end->status = proc->status;
	list_push_back(&parent->rt->child_ends, &end->node);
	sim_proc_signal(parent, SIGCHLD);
}

static void
proc_free(struct sim_proc *proc)
{
	struct sim_world *world = proc->world;

	if (proc->rt)
		sim_rt_destroy(proc->rt);
	for (size_t fd = 0; fd < proc->fd_cap; fd++)
		sim_fd_close(proc, (int)fd);
	free(proc->fds);
	for (int i = 0; i < proc->argc; i++)
		free(proc->argv[i]);
	stack_give(world, proc->stack);
	sim_cancel(&proc->wake);
	sim_cancel(&proc->doom);
	list_remove(&proc->node);
	free(proc);
}

void
sim_reap(struct sim_world *world)
{
	struct list_node *node;

	while ((node = list_pop_front(&world->ended))) {
		struct sim_proc *proc = CONTAINER_OF(node, struct sim_proc, node);
		const struct sim_events *events = &world->options.events;
		struct sim_ended ended = {.program = proc->program->name,
					  .pid = proc->pid,
					  .status = proc->status,
					  .parentless = proc->parent == 0,
					  .orphan = proc->parent &&
						    !sim_proc_find(world, proc->parent),
					  .memory_bytes = proc->memory_left,
					  .descriptors = proc->fd_count};

		for (size_t fd = 0; fd < proc->fd_cap; fd++)
			if (proc->fds[fd])
				ended.last = sim_kind_str(proc->fds[fd]->kind);
		sim_hash_add(world, (uint64_t)proc->pid ^ (uint64_t)proc->status << 32);
		children_doom(world, proc->pid);
		parent_tell(world, proc);
		if (events->ended)
			events->ended(world->options.ctx, &ended);
		proc_free(proc);
	}
}

void
sim_power_cut(struct sim_world *world)
{
	struct list_node *node;

	ASSERT(!world->current);
	while ((node = list_first(&world->procs)))
		proc_mark_ended(CONTAINER_OF(node, struct sim_proc, node), SIGKILL);
	world->power_is_out = true;
	while ((node = list_pop_front(&world->ended)))
		proc_free(CONTAINER_OF(node, struct sim_proc, node));
	world->power_is_out = false;
	sim_disk_power_cut(world);
	world->boot_us = world->now_us;
}

void
sim_procs_finish(struct sim_world *world)
{
	struct list_node *node;

	while ((node = list_first(&world->procs)))
		proc_free(CONTAINER_OF(node, struct sim_proc, node));
	while ((node = list_pop_front(&world->ended)))
		proc_free(CONTAINER_OF(node, struct sim_proc, node));
	while ((node = list_pop_front(&world->stacks))) {
		struct sim_stack *stack = CONTAINER_OF(node, struct sim_stack, node);

		munmap(stack->base, STACK_BYTES + GUARD_BYTES);
		free(stack);
	}
}

_Noreturn void
panic(const char *expression, const char *file, int line)
{
	struct sim_proc *proc = sim_current();
	char text[512];
	struct builder b;

	builder_init_fixed(&b, text, sizeof(text) - 1);
	builder_str(&b, file);
	builder_str(&b, ":");
	builder_dec(&b, (uint64_t)line);
	builder_str(&b, ": assertion failed: ");
	builder_str(&b, expression);
	text[b.len] = 0;
	if (!the_world)
		abort();
	sim_broken(the_world, text);
	if (!proc)
		abort();
	sim_proc_end(proc, SIGABRT);
}
