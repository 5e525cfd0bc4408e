/*
 * rt/process, rt/work and rt/sandbox: children are coroutines, work is done between events, and the
 * sandbox is what a real kernel is for.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include "rt/sandbox.h"
#include "rt/sim/impl.h"

#define START_US_MAX 3000
#define SIGNAL_US_MAX 200
#define WORK_US_MAX 50000
#define UID 1000

enum { OP_SPAWN = 120, OP_KILL, OP_PROGRAM, OP_WORK, OP_SANDBOX };

int
rt_spawn(struct rt *rt, const struct rt_spawn *spawn, int *ret_pid)
{
	struct sim_world *world = rt->proc->world;
	struct sim_desc *program = sim_fd(rt, spawn->program_fd);
	struct sim_desc *log = sim_fd(rt, spawn->log_fd);
	struct sim_proc *child;

	sim_op(rt, OP_SPAWN);
	ASSERT(spawn->fd_count <= RT_SPAWN_FDS_MAX);
	if (!program || program->kind != SIM_PROGRAM || !log)
		return -EBADF;
	if (sim_fails(rt, SIM_FAULT_SPAWN))
		return -EAGAIN;
	child = sim_proc_make(world, program->u.program, spawn->argv);
	child->parent = rt->proc->pid;
	sim_fd_set(child, 0, sim_desc_make(world, SIM_NULL));
	sim_fd_set(child, 1, sim_desc_ref(log));
	sim_fd_set(child, 2, sim_desc_ref(log));
	for (size_t i = 0; i < spawn->fd_count; i++)
		sim_fd_set(child, 3 + (int)i, sim_desc_ref(sim_fd(rt, spawn->fds[i])));
	sim_wake(child, sim_between(world, 100, START_US_MAX));
	*ret_pid = child->pid;
	return 0;
}

static int
signal_add(struct rt *rt, int number, rt_signal_fn *fn, void *ctx)
{
	if (rt->signal_count == SIM_SIGNALS_MAX)
		return ERR_LIMIT;
	rt->signals[rt->signal_count++] =
		(struct sim_signal){.number = number, .fn = fn, .ctx = ctx};
	return 0;
}

/* A crash in the simulator is a finding with a history of its own. */
void
rt_on_crash(struct rt *rt, rt_crash_fn *fn, void *ctx)
{
	(void)rt;
	(void)fn;
	(void)ctx;
}

int
rt_on_signal(struct rt *rt, int signal_number, rt_signal_fn *fn, void *ctx)
{
	return signal_add(rt, signal_number, fn, ctx);
}

void
rt_on_child(struct rt *rt, rt_child_fn *fn, void *ctx)
{
	bool first = !rt->child_fn;
	int err;

	rt->child_fn = fn;
	rt->child_ctx = ctx;
	if (!first)
		return;
	err = signal_add(rt, SIGCHLD, NULL, NULL);
	ASSERT(!err);
}

static void
killed(void *ctx)
{
	sim_proc_signal(ctx, SIGKILL);
}

void
rt_kill(struct rt *rt, int pid, int signal_number)
{
	struct sim_world *world = rt->proc->world;
	struct sim_proc *proc = sim_proc_find(world, pid);

	sim_op(rt, OP_KILL);
	ASSERT(pid > 0 && signal_number == SIGKILL);
	if (proc && !sim_pending(&proc->doom))
		sim_after(world, &proc->doom, sim_between(world, 1, SIGNAL_US_MAX), killed, proc);
}

int
rt_open_program(struct rt *rt, int dir_fd, const char *name, int *ret_fd)
{
	const struct sim_program *program = sim_program_find(rt->proc->world, name);
	struct sim_desc *desc;
	int err;

	(void)dir_fd;
	sim_op(rt, OP_PROGRAM);
	if (!program)
		return -ENOENT;
	if (sim_fails(rt, SIM_FAULT_OPEN))
		return -EMFILE;
	desc = sim_desc_make(rt->proc->world, SIM_PROGRAM);
	desc->u.program = program;
	err = sim_fd_add(rt->proc, desc, ret_fd);
	if (err)
		sim_desc_unref(desc);
	return err;
}

int
rt_account(struct rt *rt, const char *name, unsigned *ret_uid, unsigned *ret_gid)
{
	(void)rt;
	(void)name;
	(void)ret_uid;
	(void)ret_gid;
	return ERR_NOT_FOUND;
}

int
rt_own(struct rt *rt, int fd, unsigned uid, unsigned gid)
{
	(void)rt;
	(void)fd;
	(void)uid;
	(void)gid;
	return 0;
}

int
rt_exec(struct rt *rt, const char *path, const char *const *words)
{
	(void)rt;
	(void)path;
	(void)words;
	return -ENOSYS;
}

int
rt_program_folder(struct rt *rt, enum rt_program_as as, char *buf, size_t size)
{
	(void)rt;
	(void)as;
	(void)buf;
	(void)size;
	return ERR_UNSUPPORTED;
}

unsigned
rt_uid(const struct rt *rt)
{
	(void)rt;
	return UID;
}

int
rt_pid(const struct rt *rt)
{
	return rt->proc->pid;
}

/* --- work ------------------------------------------------------------------------------------ */

void
rt_work_set_threads(struct rt *rt, unsigned count)
{
	rt->work_threads = count;
}

static void
on_work(void *ctx)
{
	struct rt *rt = ctx;
	struct sim_world *world = rt->proc->world;
	struct list_node *node = list_pop_front(&rt->work_waiting);
	struct rt_work *work = CONTAINER_OF(node, struct rt_work, node);

	rt->work_count--;
	work->run(work->ctx);
	list_push_back(&rt->work_done, &work->node);
	sim_source_ready(&rt->work_source);
	if (!list_empty(&rt->work_waiting))
		sim_after(world, &rt->work_event, sim_below(world, WORK_US_MAX), on_work, rt);
}

int
rt_work_submit(struct rt *rt, struct rt_work *work)
{
	struct sim_world *world = rt->proc->world;

	sim_op(rt, OP_WORK);
	if (rt->work_threads == 0)
		return ERR_UNSUPPORTED;
	if (rt->work_count >= RT_WORK_WAITING_MAX)
		return ERR_LIMIT;
	rt->work_count++;
	list_push_back(&rt->work_waiting, &work->node);
	if (!sim_pending(&rt->work_event))
		sim_after(world, &rt->work_event, sim_below(world, WORK_US_MAX), on_work, rt);
	return 0;
}

/* --- what stays outside ---------------------------------------------------------------------- */

int
rt_watch_create(struct rt *rt, const struct rt_watch_options *options, struct rt_watch **ret_watch)
{
	(void)rt;
	(void)options;
	(void)ret_watch;
	return ERR_UNSUPPORTED;
}

void
rt_watch_destroy(struct rt_watch **watch)
{
	*watch = NULL;
}

int
rt_sandbox_forbid(struct rt *rt, const char *const *system_calls)
{
	(void)rt;
	(void)system_calls;
	return 0; /* there is no kernel to refuse anything */
}

int
rt_sandbox_enter(struct rt *rt, const struct rt_sandbox *sandbox)
{
	sim_op(rt, OP_SANDBOX);
	if (sandbox->descriptors_max < rt->proc->fd_max)
		rt->proc->fd_max = sandbox->descriptors_max;
	return 0;
}

int
rt_sandbox_bound(struct rt *rt, const struct rt_bounds *bounds)
{
	(void)bounds;
	sim_op(rt, OP_SANDBOX);
	return 0;
}

int
rt_sandbox_probe_create(struct rt *rt, int inside_dir_fd, int outside_dir_fd,
			struct rt_sandbox_probe **ret_probe)
{
	(void)rt;
	(void)inside_dir_fd;
	(void)outside_dir_fd;
	(void)ret_probe;
	return ERR_UNSUPPORTED;
}

void
rt_sandbox_probe_run(struct rt_sandbox_probe *probe, rt_sandbox_probe_fn *fn, void *ctx)
{
	(void)probe;
	(void)fn;
	(void)ctx;
}

void
rt_sandbox_probe_changes(int dir_fd, rt_sandbox_probe_fn *fn, void *ctx)
{
	(void)dir_fd;
	(void)fn;
	(void)ctx;
}
