/*
 * rt/sim: a second world behind rt's headers: many processes in one thread, on coroutines, under
 * virtual time, with a simulated disk (sim/disk.h) and network (sim/net.h). Everything that is not
 * decided by the processes is decided by one seeded generator, so that the same seed gives the same
 * run. Link librt_sim in the place of librt.
 *
 * A process is a main function: it begins in rt_spawn or sim_start, gives way in rt_run, and can be
 * killed at each call of rt: then its memory, descriptors and locks are taken back, and nothing of
 * it runs any more. There is one world at a time.
 */
#ifndef RT_SIM_SIM_H
#define RT_SIM_SIM_H

#include "base/heap.h"
#include "base/net_addr.h"
#include "base/prng.h"
#include "base/slice.h"
#include "rt/rt.h"

enum sim_fault {
#define SIM_FAULT(name, text, help) SIM_FAULT_##name,
#include "rt/sim/faults.def"
#undef SIM_FAULT
	SIM_FAULT_MAX
};

const char *sim_fault_str(enum sim_fault fault);
const char *sim_fault_help(enum sim_fault fault);

struct sim_world;

struct sim_program {
	const char *name; /* as rt_open_program finds it */
	int (*main)(int argc, char **argv);
};

/* A process that has gone. */
struct sim_ended {
	const char *program;
	int pid, status; /* as waitpid gives it */
	bool parentless; /* nobody waits for it */
	bool orphan;	 /* its parent went first */
	/* What it had not given back when it ended by itself. */
	size_t memory_bytes, descriptors;
	const char *last; /* what the highest descriptor is */
};

struct sim_events {
	/* A line written to standard error, with its end. */
	void (*log)(void *ctx, struct slice line);
	void (*ended)(void *ctx, const struct sim_ended *ended);
	/* A rule of rt, or an assertion, was broken: always a finding. */
	void (*broken)(void *ctx, const char *program, const char *what);
};

struct sim_options {
	uint64_t seed;
	int64_t wall_ms; /* the wall clock at the start */
	const struct sim_program *programs;
	size_t program_count;
	struct sim_events events;
	void *ctx;
};

int sim_create(const struct sim_options *options, struct sim_world **ret_world) MUST_USE;
void sim_destroy(struct sim_world **world);

/* Runs events until that time, or until sim_stop. False when nothing is left to happen. */
bool sim_run(struct sim_world *world, uint64_t until_us);
void sim_stop(struct sim_world *world);
/* Since the beginning of the world, whatever its machine's clocks say. */
uint64_t sim_now_us(const struct sim_world *world);
int64_t sim_wall_ms(const struct sim_world *world);
void sim_wall_jump(struct sim_world *world, int64_t by_ms);
struct prng *sim_prng(struct sim_world *world);
void *sim_ctx(const struct sim_world *world);
struct mem *sim_mem(struct sim_world *world);
/* Of everything that has happened: equal for equal runs. */
uint64_t sim_hash(const struct sim_world *world);
void sim_hash_add(struct sim_world *world, uint64_t value);
/* The world of the running process. */
struct sim_world *sim_world_of(const struct rt *rt);
/* The source must be rt_mem's. */
struct sim_world *sim_world_of_mem(const struct mem *mem);

/* Something that happens later. Lives in its owner's struct; zeroed is idle. */
struct sim_event {
	struct heap_node node;
	struct sim_world *world; /* NULL: idle */
	rt_fn *fn;
	void *ctx;
};

/* Arms, or moves it. */
void sim_after(struct sim_world *world, struct sim_event *event, uint64_t after_us, rt_fn *fn,
	       void *ctx);
void sim_cancel(struct sim_event *event);
bool sim_pending(const struct sim_event *event);

/* Starts a process that nobody waits for (super). Descriptors 0 to 2 are there. Its pid. */
int sim_start(struct sim_world *world, const char *program, const char *const *argv);
/* Sends a signal now; without a handler it ends the process. Unknown pids are ignored. */
void sim_signal(struct sim_world *world, int pid, int signal_number);
/* 0: no such process runs. name: of a program; nth: of those with that name, from 0. */
int sim_pid(const struct sim_world *world, const char *program, unsigned nth);
size_t sim_process_count(const struct sim_world *world);
/* Kills the next incarnation of a program (or the one that runs) when it has made that many more
 * operations; 0: forget it. */
void sim_kill_at(struct sim_world *world, const char *program, uint64_t op);
uint64_t sim_ops(const struct sim_world *world, int pid);
/* Descriptors and bytes of memory that it has. */
size_t sim_descriptors(const struct sim_world *world, int pid);
size_t sim_memory(const struct sim_world *world, int pid);
uint64_t sim_turns(const struct sim_world *world, int pid);

/* The machine loses power: every process is gone, the disk keeps what a disk may keep, and
 * connections are found dead by the other side some time later. */
void sim_power_cut(struct sim_world *world);

/* Chance in millionths. */
void sim_fault_set(struct sim_world *world, enum sim_fault fault, uint32_t ppm);
uint32_t sim_fault_get(const struct sim_world *world, enum sim_fault fault);
/* How often each happened. */
uint64_t sim_fault_count(const struct sim_world *world, enum sim_fault fault);
/* Programs whose name holds the word are spared from faults; NULL: none. */
void sim_fault_spare(struct sim_world *world, const char *word);
/* The n-th fallible call from now fails, whatever it is; 0: none. */
void sim_torture(struct sim_world *world, uint64_t n);
/* Whether the n-th came. */
bool sim_tortured(const struct sim_world *world);
/* Room on the disk is gone, or back. */
void sim_disk_full(struct sim_world *world, bool full);

#endif
