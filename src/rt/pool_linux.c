/*
 * Threads behind rt_io and rt_work: two pools, one eventfd that brings the loop what is done. The
 * threads start late (at the first use, or when the sandbox is entered), since a Landlock domain
 * holds only for threads that are made inside it.
 */
#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "rt/rt_linux.h"

/* Reserved address space per thread; password hashes take their memory from the heap. */
#define THREAD_STACK_BYTES ((size_t)256 * 1024)

static int
pool_init(struct rt_pool *pool, unsigned thread_count)
{
	if (thread_count > RT_THREADS_MAX)
		return ERR_RANGE;
	pool->thread_count = thread_count;
	list_init(&pool->waiting);
	for (unsigned i = 0; i < RT_THREADS_MAX; i++)
		pool->busy_fds[i] = -1;
	if (pthread_mutex_init(&pool->lock, NULL) || pthread_cond_init(&pool->more, NULL))
		return ERR_NO_MEMORY;
	return 0;
}

int
rt_pools_init(struct rt *rt, const struct rt_options *options)
{
	int err;

	list_init(&rt->done_io);
	list_init(&rt->done_work);
	if (pthread_mutex_init(&rt->done_lock, NULL))
		return ERR_NO_MEMORY;
	err = pool_init(&rt->io, options->io_threads ? options->io_threads : 1);
	return err ? err : pool_init(&rt->work, options->work_threads);
}

static int
pool_start(struct rt *rt, struct rt_pool *pool, void *(*fn)(void *))
{
	pthread_attr_t attr;
	sigset_t all, before;
	int failed = 0;

	if (pool->started == pool->thread_count)
		return 0;
	if (pthread_attr_init(&attr))
		return ERR_NO_MEMORY;
	/* Signals belong to the loop's thread. */
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	failed = pthread_attr_setstacksize(&attr, THREAD_STACK_BYTES);
	while (!failed && pool->started < pool->thread_count) {
		failed = pthread_create(&pool->threads[pool->started], &attr, fn, rt);
		if (!failed)
			pool->started++;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	return failed ? -failed : 0;
}

int
rt_pools_start(struct rt *rt)
{
	int err = pool_start(rt, &rt->io, rt_io_thread);

	return err ? err : pool_start(rt, &rt->work, rt_work_thread);
}

static void
pool_finish(struct rt_pool *pool)
{
	pthread_mutex_lock(&pool->lock);
	pool->ending = true;
	pthread_cond_broadcast(&pool->more);
	pthread_mutex_unlock(&pool->lock);
	for (unsigned i = 0; i < pool->started; i++)
		pthread_join(pool->threads[i], NULL);
	pthread_cond_destroy(&pool->more);
	pthread_mutex_destroy(&pool->lock);
}

void
rt_pools_finish(struct rt *rt)
{
	pool_finish(&rt->io);
	pool_finish(&rt->work);
	pthread_mutex_destroy(&rt->done_lock);
}

void
rt_wake(struct rt *rt)
{
	uint64_t one = 1;
	ssize_t put;

	if (rt->woken)
		return;
	rt->woken = true;
	put = write(rt->wake_fd, &one, sizeof(one));
	ASSERT(put == sizeof(one));
}

void
rt_pools_collect(struct rt *rt)
{
	struct list io, work;
	struct list_node *node;

	list_init(&io);
	list_init(&work);
	pthread_mutex_lock(&rt->done_lock);
	rt->woken = false;
	while ((node = list_pop_front(&rt->done_io)))
		list_push_back(&io, node);
	while ((node = list_pop_front(&rt->done_work)))
		list_push_back(&work, node);
	pthread_mutex_unlock(&rt->done_lock);
	rt_io_collect(&io);
	rt_work_collect(&work);
}
