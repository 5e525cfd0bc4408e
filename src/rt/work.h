/*
 * rt/work: slow pure work (password hashes) on a bounded set of threads.
 */
#ifndef RT_WORK_H
#define RT_WORK_H

#include "rt/rt.h"

struct rt_work {
	rt_fn *run;  /* in a thread; touches nothing but *ctx */
	rt_fn *done; /* in the loop's thread */
	void *ctx;
	struct list_node node;
};

/* ERR_LIMIT when RT_WORK_WAITING_MAX wait already. */
#define RT_WORK_WAITING_MAX 256
/* How many threads, known only from the configuration: before the sandbox and the first work. */
void rt_work_set_threads(struct rt *rt, unsigned count);
int rt_work_submit(struct rt *rt, struct rt_work *work) MUST_USE;

#endif
