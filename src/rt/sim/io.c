/*
 * rt_io: what the threads of the real rt do, in steps: the bytes are there, later they are durable,
 * then the loop hears of it. A process that is killed meanwhile leaves the step that was under way
 * done or undone.
 */
#include <errno.h>
#include <stdlib.h>

#include "rt/sim/impl.h"

#define WRITE_US_MAX 300
#define SYNC_US_MIN 80
#define SYNC_US_MAX 4000
#define SLOW_US_MAX 5000000

enum { OP_SUBMIT = 60 };

static void on_written(void *ctx);
static void on_synced(void *ctx);

static bool
is_busy(const struct rt *rt, int fd)
{
	struct list_node *node = list_first(&rt->io_running);

	for (; node; node = list_next(&rt->io_running, node))
		if (CONTAINER_OF(node, struct rt_io_run, node)->io->fd == fd)
			return true;
	return false;
}

static uint64_t
latency(struct rt *rt, uint64_t low, uint64_t high)
{
	if (sim_fails(rt, SIM_FAULT_SLOW_DISK))
		return sim_below(rt->proc->world, SLOW_US_MAX);
	return sim_between(rt->proc->world, low, high);
}

static void
run_start(struct rt *rt, struct rt_io *io)
{
	struct sim_world *world = rt->proc->world;
	struct rt_io_run *run = sim_take(world, sizeof(*run));
	struct sim_desc *desc = sim_fd(rt, io->fd);

	run->rt = rt;
	run->io = io;
	run->desc = desc ? sim_desc_ref(desc) : NULL;
	run->start_us = world->now_us;
	list_push_back(&rt->io_running, &run->node);
	sim_after(world, &run->event, latency(rt, 1, WRITE_US_MAX), on_written, run);
}

static void
kick(struct rt *rt)
{
	struct list_node *node = list_first(&rt->io_waiting), *next;
	unsigned running = 0;

	for (struct list_node *n = list_first(&rt->io_running); n;
	     n = list_next(&rt->io_running, n))
		running++;
	for (; node && running < rt->io_threads; node = next) {
		struct rt_io *io = CONTAINER_OF(node, struct rt_io, node);

		next = list_next(&rt->io_waiting, node);
		if (is_busy(rt, io->fd))
			continue;
		list_remove(node);
		run_start(rt, io);
		running++;
	}
}

void
rt_io_submit(struct rt *rt, struct rt_io *io)
{
	sim_op(rt, OP_SUBMIT);
	ASSERT(io->done && io->fd >= 0);
	list_push_back(&rt->io_waiting, &io->node);
	kick(rt);
}

static void
run_free(struct rt_io_run *run)
{
	sim_cancel(&run->event);
	list_remove(&run->node);
	if (run->desc)
		sim_desc_unref(run->desc);
	free(run);
}

static void
run_done(struct rt_io_run *run, int err)
{
	struct rt *rt = run->rt;
	struct rt_io *io = run->io;

	io->err = err;
	io->took_us = rt->proc->world->now_us - run->start_us;
	list_push_back(&rt->io_done, &io->node);
	run_free(run);
	sim_source_ready(&rt->io_source);
	kick(rt);
}

static int
append(struct rt_io_run *run)
{
	const struct rt_io *io = run->io;
	int err = 0;

	if (!run->desc || run->desc->kind != SIM_FILE)
		return -EBADF;
	for (size_t i = 0; i < io->slice_count && !err; i++)
		if (io->slices[i].len)
			err = sim_desc_write(run->rt, run->desc, io->slices[i]);
	return err;
}

static void
on_written(void *ctx)
{
	struct rt_io_run *run = ctx;
	struct sim_world *world = run->rt->proc->world;
	bool writes = run->io->kind == RT_IO_APPEND || run->io->kind == RT_IO_APPEND_SYNC;
	int err = writes ? append(run) : run->desc ? 0 : -EBADF;

	if (err || run->io->kind == RT_IO_APPEND) {
		run_done(run, err);
		return;
	}
	run->written = true;
	run->start_us = world->now_us;
	if (run->desc->kind == SIM_FILE)
		run->sync_to = run->desc->u.inode->size;
	sim_after(world, &run->event, latency(run->rt, SYNC_US_MIN, SYNC_US_MAX), on_synced, run);
}

static void
sync_all(struct sim_world *world)
{
	struct list_node *node = list_first(&world->disk.inodes);

	for (; node; node = list_next(&world->disk.inodes, node)) {
		struct sim_inode *inode = CONTAINER_OF(node, struct sim_inode, node);

		sim_inode_sync(inode, inode->size);
	}
	sim_dir_sync(world, NULL);
}

static void
sync_run(struct rt_io_run *run)
{
	struct sim_world *world = run->rt->proc->world;

	if (run->io->kind == RT_IO_SYNC_FS)
		sync_all(world);
	else if (run->desc->kind == SIM_DIR)
		sim_dir_sync(world, run->desc->u.inode);
	else
		sim_inode_sync(run->desc->u.inode, run->sync_to);
}

static void
on_synced(void *ctx)
{
	struct rt_io_run *run = ctx;

	if (sim_fails(run->rt, SIM_FAULT_SYNC)) {
		if (run->desc->kind == SIM_FILE)
			sim_inode_sync_fail(run->desc->u.inode);
		run_done(run, -EIO);
		return;
	}
	sync_run(run);
	run_done(run, 0);
}

/* Some of the bytes of a write that nobody waits for any more. */
static void
append_part(struct rt_io_run *run)
{
	struct sim_inode *inode = run->desc->u.inode;

	for (size_t i = 0; i < run->io->slice_count; i++) {
		struct slice slice = run->io->slices[i];

		if (sim_below(inode->world, 8) == 0)
			slice.len = (size_t)sim_below(inode->world, slice.len + 1);
		if (slice.len)
			(void)sim_inode_write(inode, inode->size, slice);
		if (slice.len < run->io->slices[i].len)
			return;
	}
}

void
sim_io_abandon(struct rt *rt)
{
	struct list_node *node;

	while ((node = list_first(&rt->io_running))) {
		struct rt_io_run *run = CONTAINER_OF(node, struct rt_io_run, node);
		bool goes_on = sim_below(rt->proc->world, 2);

		if (goes_on && run->written)
			sync_run(run);
		else if (goes_on && run->desc && run->desc->kind == SIM_FILE)
			append_part(run);
		run_free(run);
	}
}

void
sim_io_join(struct rt *rt)
{
	struct list_node *node;

	while ((node = list_first(&rt->io_running)) || (node = list_first(&rt->io_waiting))) {
		struct rt_io_run *run;

		if (list_empty(&rt->io_running))
			kick(rt);
		run = CONTAINER_OF(list_first(&rt->io_running), struct rt_io_run, node);
		sim_cancel(&run->event);
		if (run->written)
			on_synced(run);
		else
			on_written(run);
	}
}
