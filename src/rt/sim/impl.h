/*
 * sim/impl: what the files of the simulated backend share. Nobody else includes this. What a kernel
 * has stands in sim/kernel.h; what stands here is processes, their memory (struct rt, which dies
 * with them) and the world.
 */
#ifndef RT_SIM_IMPL_H
#define RT_SIM_IMPL_H

#include <ucontext.h>

#include "rt/net.h"
#include "rt/process.h"
#include "rt/sim/kernel.h"
#include "rt/timer_wheel.h"
#include "rt/work.h"

#define SIM_SIGNALS_MAX 8
#define SIM_ARGV_MAX 12
#define US_PER_MS 1000u

/* Somebody who waits for a kernel object in a loop. */
struct sim_source {
	struct list_node node;
	struct rt *rt;
	rt_fn *fn;
	void *ctx;
};

struct rt_io_run { /* an rt_io under way */
	struct sim_event event;
	struct list_node node;
	struct rt *rt;
	struct rt_io *io;
	struct sim_desc *desc;
	uint64_t start_us;
	size_t sync_to;
	bool written;
};

struct sim_signal {
	int number;
	rt_signal_fn *fn;
	void *ctx;
	bool pending;
};

struct sim_child_end {
	struct list_node node;
	int pid, status;
};

struct sim_block { /* in front of each piece of a process's memory */
	struct list_node node;
	size_t size;
	size_t pad;
};

struct rt {
	struct mem mem;
	struct list blocks;
	size_t used_bytes;
	struct sim_proc *proc;
	bool stopping;
	uint64_t now_ms;
	int64_t wall_offset_ms;
	struct list hooks, ready_timers, ready; /* ready: struct sim_source */
	struct timer_wheel wheel;
	unsigned io_threads, work_threads;
	struct list io_waiting, io_running, io_done;
	struct sim_source io_source;
	struct list work_waiting;
	size_t work_count;
	struct sim_event work_event;
	struct list work_done;
	struct sim_source work_source;
	struct sim_source signal_source;
	struct sim_signal signals[SIM_SIGNALS_MAX];
	size_t signal_count;
	rt_child_fn *child_fn;
	void *child_ctx;
	struct list child_ends;
	uint8_t packet_buf[RT_PACKET_MAX];
};

struct sim_stack {
	struct list_node node;
	void *base;
};

struct sim_proc {
	struct list_node node;
	struct sim_world *world;
	const struct sim_program *program;
	int pid, parent;
	int argc;
	char *argv[SIM_ARGV_MAX + 1];
	ucontext_t context;
	struct sim_stack *stack;
	struct sim_desc **fds;
	size_t fd_cap, fd_count, fd_max;
	struct rt *rt;
	struct sim_event wake;
	uint64_t wake_us;
	struct sim_event doom; /* a signal that is under way */
	bool ended, spared;
	int status;
	size_t memory_left;
	uint64_t ops, kill_at, turns;
};

struct sim_kill {
	const struct sim_program *program;
	uint64_t op;
};

struct sim_world {
	struct mem mem;
	struct sim_options options;
	struct prng prng;
	uint64_t now_us, boot_us, hash;
	int64_t wall_us; /* wall clock minus now_us */
	struct heap events;
	bool stopped, power_is_out;
	struct list procs, ended, stacks;
	struct sim_proc *current;
	ucontext_t main;
	const void *main_stack;
	size_t main_stack_bytes;
	int next_pid;
	struct sim_kill kill;
	struct sim_disk disk;
	struct list listeners, socks;
	uint16_t next_port;
	uint32_t fault_ppm[SIM_FAULT_MAX];
	uint64_t fault_count[SIM_FAULT_MAX];
	const char *spare;
	uint64_t torture;
	bool tortured;
};

/* world.c */
uint64_t sim_below(struct sim_world *world, uint64_t below);
uint64_t sim_between(struct sim_world *world, uint64_t low, uint64_t high);
/* Whether the running process's call fails so. Counts. */
bool sim_fails(struct rt *rt, enum sim_fault fault);
void sim_broken(struct sim_world *world, const char *what);
void *sim_take(struct sim_world *world, size_t size);

/* proc.c */
/* At the head of each call of rt: time passes, and a process may die here. */
void sim_op(struct rt *rt, unsigned what);
/* Gives way until woken. */
void sim_sleep(struct sim_proc *proc);
void sim_wake(struct sim_proc *proc, uint64_t after_us);
_Noreturn void sim_proc_end(struct sim_proc *proc, int status);
void sim_proc_signal(struct sim_proc *proc, int number);
struct sim_proc *sim_proc_find(const struct sim_world *world, int pid);
struct sim_proc *sim_proc_make(struct sim_world *world, const struct sim_program *program,
			       const char *const *argv);
const struct sim_program *sim_program_find(const struct sim_world *world, const char *name);
void sim_reap(struct sim_world *world);
void sim_procs_finish(struct sim_world *world);
struct sim_proc *sim_current(void);
void sim_current_world_set(struct sim_world *world);

/* loop.c */
void sim_source_ready(struct sim_source *source);
void sim_rt_destroy(struct rt *rt);

/* io.c */
/* The process is gone: what was under way is done or not. */
void sim_io_abandon(struct rt *rt);
/* It ends in order: threads are joined. */
void sim_io_join(struct rt *rt);

/* net.c */
void sim_stream_notice(struct rt_stream *stream);
void sim_listener_notice(struct sim_listener *listener);
/* The process is gone: its memory will be. */
void sim_net_abandon(struct rt *rt);

#endif
