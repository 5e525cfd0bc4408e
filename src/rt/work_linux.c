/*
 * Slow pure work in threads: first come, first served, and a bound on what waits.
 */
#include "rt/work.h"
#include "rt/rt_linux.h"

void
rt_work_set_threads(struct rt *rt, unsigned count)
{
	ASSERT(rt->work.started == 0 && count <= RT_THREADS_MAX);
	rt->work.thread_count = count;
}

int
rt_work_submit(struct rt *rt, struct rt_work *work)
{
	struct rt_pool *pool = &rt->work;
	int err;

	ASSERT(work->run && work->done);
	if (pool->thread_count == 0)
		return ERR_UNSUPPORTED;
	err = rt_pools_start(rt);
	if (err)
		return err;
	pthread_mutex_lock(&pool->lock);
	if (pool->waiting_count < RT_WORK_WAITING_MAX) {
		pool->waiting_count++;
		list_push_back(&pool->waiting, &work->node);
		pthread_cond_signal(&pool->more);
	} else {
		err = ERR_LIMIT;
	}
	pthread_mutex_unlock(&pool->lock);
	return err;
}

void *
rt_work_thread(void *arg)
{
	struct rt *rt = arg;
	struct rt_pool *pool = &rt->work;

	pthread_mutex_lock(&pool->lock);
	for (;;) {
		struct list_node *node = list_pop_front(&pool->waiting);
		struct rt_work *work;

		if (!node && pool->ending)
			break;
		if (!node) {
			pthread_cond_wait(&pool->more, &pool->lock);
			continue;
		}
		pool->waiting_count--;
		work = CONTAINER_OF(node, struct rt_work, node);
		pthread_mutex_unlock(&pool->lock);
		work->run(work->ctx);
		pthread_mutex_lock(&rt->done_lock);
		list_push_back(&rt->done_work, &work->node);
		rt_wake(rt);
		pthread_mutex_unlock(&rt->done_lock);
		pthread_mutex_lock(&pool->lock);
	}
	pthread_mutex_unlock(&pool->lock);
	return NULL;
}

void
rt_work_collect(struct list *done)
{
	struct list_node *node;

	while ((node = list_pop_front(done))) {
		struct rt_work *work = CONTAINER_OF(node, struct rt_work, node);

		work->done(work->ctx);
	}
}
