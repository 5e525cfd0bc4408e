/*
 * rt: the only door to the operating system: loop, time, timers, memory, randomness.
 * Sockets: rt/net.h. Channels between processes: rt/channel.h. Files: rt/file.h. Threads:
 * rt/work.h. Children and signals: rt/process.h. Sandbox: rt/sandbox.h.
 *
 * One struct rt per process, one thread runs the loop; all callbacks come from rt_run in that
 * thread and never from inside the call that asked for them. Behind these headers stand rt_linux
 * (libevent's core, worker threads) and later rt_sim (virtual time, seeded faults), so nothing
 * here may need the real system. Times are milliseconds unless the name says otherwise.
 */
#ifndef RT_RT_H
#define RT_RT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/list.h"
#include "base/mem.h"

struct rt;

struct rt_options {
	unsigned io_threads;	/* for rt_io (file writes and syncs); 0: one */
	unsigned work_threads;	/* for rt_work; 0: none, rt_work_submit answers ERR_UNSUPPORTED */
	int64_t wall_offset_ms; /* added to the real wall clock (--now); 0: none */
	const char *process;	/* its name in FRANK_KILL (crash tests); NULL: none; kept */
};

int rt_create(const struct rt_options *options, struct rt **ret_rt) MUST_USE;
/* Joins the threads. All streams, timers and files must have been closed. */
void rt_destroy(struct rt **rt);

/* Runs until rt_stop. */
void rt_run(struct rt *rt);
void rt_stop(struct rt *rt);

/* malloc behind it; counts what is out; FRANK_FAIL_ALLOC=n fails the n-th (torture). */
struct mem *rt_mem(struct rt *rt);
size_t rt_mem_used_bytes(const struct rt *rt);

/* Monotonic, read once at the start of each turn of the loop. */
uint64_t rt_now_ms(const struct rt *rt);
/* Monotonic, read now: to measure. */
uint64_t rt_now_us(const struct rt *rt);
/* Milliseconds since 1970 UTC by the wall clock (see wall_offset_ms), read now. */
int64_t rt_wall_ms(const struct rt *rt);
/* Offset of local time from UTC at that moment, in minutes: for Date and Received. */
int rt_utc_offset_min(const struct rt *rt, int64_t wall_ms);

/* Bytes from the kernel's generator; never fails. */
void rt_random(struct rt *rt, void *buf, size_t len);

typedef void rt_fn(void *ctx);

/* A timer lives in its owner's struct and fires once per arming. */
struct rt_timer {
	struct rt *rt;
	rt_fn *fn;
	void *ctx;
	struct list_node node; /* linked while armed */
	uint64_t due_ms;
	uint64_t slot_ms; /* where it lies in the wheel; never later than due_ms */
};

void rt_timer_init(struct rt_timer *timer, struct rt *rt, rt_fn *fn, void *ctx);
/* (Re)arms: fires after_ms from now at the earliest. */
void rt_timer_arm(struct rt_timer *timer, uint64_t after_ms);
void rt_timer_disarm(struct rt_timer *timer);
bool rt_timer_armed(const struct rt_timer *timer);
/* Disarms. A zeroed timer is fine. */
void rt_timer_finish(struct rt_timer *timer);

/* Runs once at the end of the current turn, after all its events: where batches are sent. */
struct rt_hook {
	struct list_node node;
	rt_fn *fn;
	void *ctx;
};

void rt_hook_init(struct rt_hook *hook, rt_fn *fn, void *ctx);
/* Asking twice in a turn runs it once. */
void rt_at_turn_end(struct rt *rt, struct rt_hook *hook);
void rt_hook_finish(struct rt_hook *hook);

/* A descriptor that a library polls (libunbound). events: RT_READABLE | RT_WRITABLE. */
#define RT_READABLE 1u
#define RT_WRITABLE 2u
struct rt_watch;
typedef void rt_watch_fn(void *ctx, unsigned events);
struct rt_watch_options {
	int fd;
	unsigned events;
	rt_watch_fn *fn;
	void *ctx;
};
int rt_watch_create(struct rt *rt, const struct rt_watch_options *options,
		    struct rt_watch **ret_watch) MUST_USE;
void rt_watch_destroy(struct rt_watch **watch);

#endif
