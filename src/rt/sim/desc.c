/*
 * Descriptions and descriptors. The lowest free number is given out, as the kernel does: code that
 * holds a number too long meets somebody else's file.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "rt/sim/impl.h"

struct sim_desc *
sim_desc_make(struct sim_world *world, enum sim_kind kind)
{
	struct sim_desc *desc = sim_take(world, sizeof(*desc));

	desc->world = world;
	desc->kind = kind;
	desc->refs = 1;
	return desc;
}

const char *
sim_kind_str(enum sim_kind kind)
{
	static const char *const names[] = {
		[SIM_NULL] = "null",	   [SIM_LOG] = "log",		[SIM_FILE] = "file",
		[SIM_DIR] = "folder",	   [SIM_MEMORY] = "memory",	[SIM_PROGRAM] = "program",
		[SIM_CHANNEL] = "channel", [SIM_LISTENER] = "listener", [SIM_STREAM] = "stream"};

	return names[kind];
}

struct sim_desc *
sim_desc_ref(struct sim_desc *desc)
{
	desc->refs++;
	return desc;
}

void
sim_desc_unref(struct sim_desc *desc)
{
	ASSERT(desc->refs > 0);
	if (--desc->refs > 0)
		return;
	switch (desc->kind) {
	case SIM_FILE:
	case SIM_DIR:
	case SIM_MEMORY:
		if (desc->u.inode->lock == desc)
			desc->u.inode->lock = NULL;
		sim_inode_unref(desc->u.inode);
		break;
	case SIM_CHANNEL:
		sim_end_close(desc->u.end);
		break;
	case SIM_LISTENER:
		sim_listener_unref(desc->u.listener);
		break;
	case SIM_STREAM:
		sim_sock_finish(desc->u.sock, false);
		break;
	case SIM_NULL:
	case SIM_LOG:
	case SIM_PROGRAM:
		break;
	}
	free(desc);
}

static void
grow(struct sim_proc *proc, size_t need)
{
	size_t cap = proc->fd_cap;
	struct sim_desc **fds;

	while (cap <= need)
		cap *= 2;
	if (cap == proc->fd_cap)
		return;
	fds = sim_take(proc->world, cap * sizeof(struct sim_desc *));
	memcpy(fds, proc->fds, proc->fd_cap * sizeof(struct sim_desc *));
	free(proc->fds);
	proc->fds = fds;
	proc->fd_cap = cap;
}

void
sim_fd_set(struct sim_proc *proc, int fd, struct sim_desc *desc)
{
	grow(proc, (size_t)fd);
	ASSERT(!proc->fds[fd]);
	proc->fds[fd] = desc;
	proc->fd_count++;
}

int
sim_fd_add(struct sim_proc *proc, struct sim_desc *desc, int *ret_fd)
{
	size_t fd = 0;

	if (proc->fd_count >= proc->fd_max)
		return -EMFILE;
	while (fd < proc->fd_cap && proc->fds[fd])
		fd++;
	sim_fd_set(proc, (int)fd, desc);
	*ret_fd = (int)fd;
	return 0;
}

struct sim_desc *
sim_fd(struct rt *rt, int fd)
{
	if (fd >= 0 && (size_t)fd < rt->proc->fd_cap && rt->proc->fds[fd])
		return rt->proc->fds[fd];
	sim_broken(rt->proc->world, "a descriptor that is not open is used");
	return NULL;
}

void
sim_fd_close(struct sim_proc *proc, int fd)
{
	struct sim_desc *desc = proc->fds[fd];

	if (!desc)
		return;
	proc->fds[fd] = NULL;
	proc->fd_count--;
	sim_desc_unref(desc);
}
