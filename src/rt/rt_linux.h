/*
 * rt_linux: what the files of the Linux backend share. Nobody else includes this.
 */
#ifndef RT_RT_LINUX_H
#define RT_RT_LINUX_H

#include <event2/event.h>
#include <event2/event_struct.h>
#include <pthread.h>

#include "base/assert.h"
#include "rt/process.h"
#include "rt/rt.h"
#include "rt/timer_wheel.h"
#include "rt/work.h"

#define RT_THREADS_MAX 64 /* auth-threads goes up to it */
#define RT_SIGNALS_MAX 8

/* What is counted, and what FRANK_KILL calls it. Log lines are not. */
#define RT_OPERATIONS(X)                                                                           \
	X(ACCEPT, "accept")                                                                        \
	X(OPEN, "open")                                                                            \
	X(LOCK, "lock")                                                                            \
	X(WRITE, "write")                                                                          \
	X(SYNC, "sync")                                                                            \
	X(RENAME, "rename")                                                                        \
	X(UNLINK, "unlink")                                                                        \
	X(MKDIR, "mkdir")                                                                          \
	X(PACKET, "packet")                                                                        \
	X(CONNECT, "connect")                                                                      \
	X(SEND, "send")                                                                            \
	X(SPAWN, "spawn")

enum rt_operation {
#define RT_OPERATION(NAME, name) RT_OPERATION_##NAME,
	RT_OPERATIONS(RT_OPERATION)
#undef RT_OPERATION
};

/* A queue of work for a few threads, and what they have finished. */
struct rt_pool {
	pthread_mutex_t lock;
	pthread_cond_t more;
	struct list waiting;
	size_t waiting_count;
	pthread_t threads[RT_THREADS_MAX];
	int busy_fds[RT_THREADS_MAX]; /* io: what each thread works on, or -1 */
	unsigned thread_count;	      /* as configured */
	unsigned started;
	bool ending;
};

struct rt_signal {
	struct rt *rt;
	struct event event;
	rt_signal_fn *fn;
	void *ctx;
};

struct rt {
	struct mem mem;
	size_t used_bytes;
	uint64_t fail_alloc; /* the n-th request from now fails; 0: none */
	uint64_t kill_at;    /* it dies right before the n-th operation; 0: never */
	uint64_t operations; /* counted only with kill_at */
	const char *process_name;

	struct event_base *base;
	bool in_turn; /* now_ms belongs to the turn that runs */
	bool stopping;
	uint64_t now_ms;
	int64_t wall_offset_ms;
	struct list hooks;

	struct timer_wheel wheel;
	struct list ready_timers;
	int timer_fd;
	uint64_t timer_fd_ms; /* when it fires; UINT64_MAX: not set */
	struct event timer_event;

	int wake_fd; /* eventfd: a thread has finished something */
	struct event wake_event;
	pthread_mutex_t done_lock;
	struct list done_io, done_work;
	bool woken; /* under done_lock: wake_fd was written and not yet read */
	struct rt_pool io, work;

	struct rt_signal signals[RT_SIGNALS_MAX];
	size_t signal_count;
	rt_child_fn *child_fn;
	void *child_ctx;

	uint8_t *packet_buf; /* of all channels: RT_PACKET_MAX + 1 bytes, made with the first */
};

void rt_operations_init(struct rt *rt, const char *process);
void rt_operation_count(struct rt *rt, enum rt_operation operation, const char *what);
/* Counts twice: before the write, and when half of it is done. */
void rt_operation_write(struct rt *rt, int fd, const void *data, size_t len);

/* Right before something that others will see or a crash will leave. */
static inline void
rt_operation(struct rt *rt, enum rt_operation operation, const char *what)
{
	if (rt->kill_at)
		rt_operation_count(rt, operation, what);
}

/* To be called first by everything that libevent calls. */
void rt_turn_enter(struct rt *rt);
/* libevent's events for ours; one of EV_READ, EV_WRITE or both. */
short rt_events_to_ev(unsigned events);
unsigned rt_events_of_ev(short what);

int rt_pools_init(struct rt *rt, const struct rt_options *options) MUST_USE;
/* Starts the threads if that has not happened yet. */
int rt_pools_start(struct rt *rt) MUST_USE;
/* Lets the threads finish what waits and joins them. */
void rt_pools_finish(struct rt *rt);
/* A thread has put something on one of the done lists (done_lock held). */
void rt_wake(struct rt *rt);
/* In the loop: calls done of all that is finished. */
void rt_pools_collect(struct rt *rt);

void *rt_io_thread(void *arg);
void *rt_work_thread(void *arg);
void rt_io_collect(struct list *done);
void rt_work_collect(struct list *done);
void rt_signals_finish(struct rt *rt);

#endif
