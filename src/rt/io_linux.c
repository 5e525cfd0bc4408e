/*
 * Durable writes in threads. A thread takes the first waiting operation whose descriptor no other
 * thread works on; as the list is in order of submission, operations on one descriptor keep theirs.
 */
#include <errno.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "rt/file.h"
#include "rt/rt_linux.h"

/* Slices per system call; more go in further calls. */
#define WRITE_SLICES_MAX 256
#define NS_PER_US 1000
#define US_PER_S 1000000u

static void io_run(struct rt *rt, struct rt_io *io);

void
rt_io_submit(struct rt *rt, struct rt_io *io)
{
	int err = rt_pools_start(rt);

	/* Started long before (sandbox), or at the first use at the start of a process. */
	ASSERT(!err);
	ASSERT(io->done && io->fd >= 0);
	pthread_mutex_lock(&rt->io.lock);
	list_push_back(&rt->io.waiting, &io->node);
	pthread_cond_signal(&rt->io.more);
	pthread_mutex_unlock(&rt->io.lock);
}

static bool
fd_is_busy(const struct rt_pool *pool, int fd)
{
	for (unsigned i = 0; i < pool->thread_count; i++)
		if (pool->busy_fds[i] == fd)
			return true;
	return false;
}

static struct rt_io *
take_next(struct rt_pool *pool)
{
	struct list_node *node = list_first(&pool->waiting);

	for (; node; node = list_next(&pool->waiting, node)) {
		struct rt_io *io = CONTAINER_OF(node, struct rt_io, node);

		if (!fd_is_busy(pool, io->fd)) {
			list_remove(node);
			return io;
		}
	}
	return NULL;
}

static unsigned
free_place(const struct rt_pool *pool)
{
	for (unsigned i = 0; i < pool->thread_count; i++)
		if (pool->busy_fds[i] < 0)
			return i;
	ASSERT_UNREACHABLE();
}

void *
rt_io_thread(void *arg)
{
	struct rt *rt = arg;
	struct rt_pool *pool = &rt->io;

	pthread_mutex_lock(&pool->lock);
	for (;;) {
		struct rt_io *io = take_next(pool);
		unsigned place;

		if (!io && pool->ending && list_empty(&pool->waiting))
			break;
		if (!io) {
			pthread_cond_wait(&pool->more, &pool->lock);
			continue;
		}
		place = free_place(pool);
		pool->busy_fds[place] = io->fd;
		pthread_mutex_unlock(&pool->lock);
		io_run(rt, io);
		pthread_mutex_lock(&pool->lock);
		pool->busy_fds[place] = -1;
		/* What waited for this descriptor may go on in another thread. */
		if (!list_empty(&pool->waiting) || pool->ending)
			pthread_cond_broadcast(&pool->more);
		/* Only now: done may submit the next one or close the descriptor. */
		pthread_mutex_lock(&rt->done_lock);
		list_push_back(&rt->done_io, &io->node);
		rt_wake(rt);
		pthread_mutex_unlock(&rt->done_lock);
	}
	pthread_mutex_unlock(&pool->lock);
	return NULL;
}

static uint64_t
now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * US_PER_S + (uint64_t)now.tv_nsec / NS_PER_US;
}

/* How far the writing has come: skip bytes of the slice at index are done. */
struct write_at {
	size_t index, skip;
};

static void
write_advance(const struct rt_io *io, struct write_at *at, size_t len)
{
	at->skip += len;
	while (at->index < io->slice_count && at->skip >= io->slices[at->index].len)
		at->skip -= io->slices[at->index++].len;
}

/* Fills at most WRITE_SLICES_MAX; answers how many. */
static int
iov_fill(const struct rt_io *io, const struct write_at *at, struct iovec *iov)
{
	int count = 0;

	for (size_t i = at->index; i < io->slice_count && count < WRITE_SLICES_MAX; i++) {
		struct slice rest = slice_from(io->slices[i], i == at->index ? at->skip : 0);

		if (rest.len)
			iov[count++] = (struct iovec){(void *)(uintptr_t)rest.data, rest.len};
	}
	return count;
}

static int
write_all(struct rt *rt, const struct rt_io *io)
{
	struct iovec iov[WRITE_SLICES_MAX];
	struct write_at at = {0};
	int count;

	while ((count = iov_fill(io, &at, iov)) > 0) {
		ssize_t put;

		if (rt->kill_at)
			rt_operation_write(rt, io->fd, iov[0].iov_base, iov[0].iov_len);
		put = writev(io->fd, iov, count);

		if (put < 0 && errno != EINTR)
			return -errno;
		write_advance(io, &at, put > 0 ? (size_t)put : 0);
	}
	return 0;
}

static int
sync_by_kind(const struct rt_io *io)
{
	int failed = 0;

	if (io->kind == RT_IO_APPEND_SYNC)
		failed = fdatasync(io->fd);
	else if (io->kind == RT_IO_SYNC)
		failed = fsync(io->fd);
	else if (io->kind == RT_IO_SYNC_FS)
		failed = syncfs(io->fd);
	return failed ? -errno : 0;
}

static void
io_run(struct rt *rt, struct rt_io *io)
{
	uint64_t start_us = now_us();

	io->err = 0;
	if (io->kind == RT_IO_APPEND || io->kind == RT_IO_APPEND_SYNC)
		io->err = write_all(rt, io);
	if (!io->err && io->kind != RT_IO_APPEND) {
		rt_operation(rt, RT_OPERATION_SYNC, "");
		start_us = now_us();
		io->err = sync_by_kind(io);
	}
	io->took_us = now_us() - start_us;
}

void
rt_io_collect(struct list *done)
{
	struct list_node *node;

	while ((node = list_pop_front(done))) {
		struct rt_io *io = CONTAINER_OF(node, struct rt_io, node);

		io->done(io->ctx);
	}
}
