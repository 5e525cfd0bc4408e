/*
 * rt/file over the simulated disk.
 */
#include <errno.h>
#include <string.h>

#include "rt/sim/impl.h"

enum {
	OP_OPEN = 20,
	OP_OPEN_DIR,
	OP_CLOSE,
	OP_DUP,
	OP_PREAD,
	OP_WRITE,
	OP_LOG,
	OP_STAT,
	OP_UNLINK,
	OP_RENAME,
	OP_MKDIR,
	OP_LIST,
	OP_LOCK,
	OP_FREE,
	OP_MEMFD,
	OP_SYNC_DIR,
};

/* The folder that a name is below of, and the name itself: a path is walked to its last part. */
static int
folder_of(struct rt *rt, int dir_fd, const char **name, struct sim_inode **ret_dir)
{
	struct sim_world *world = rt->proc->world;
	const char *slash = strrchr(*name, '/');
	char parent[1024];
	struct sim_desc *desc;
	size_t len;

	if (dir_fd != RT_AT_PATH) {
		desc = sim_fd(rt, dir_fd);
		if (!desc || desc->kind != SIM_DIR)
			return desc ? -ENOTDIR : -EBADF;
		if (!**name || slash || !strcmp(*name, ".") || !strcmp(*name, ".."))
			return -EINVAL;
		*ret_dir = desc->u.inode;
		return 0;
	}
	len = slash ? (size_t)(slash - *name) : 0;
	if (!**name || len >= sizeof(parent))
		return -EINVAL;
	memcpy(parent, *name, len);
	parent[len] = 0;
	*name = slash ? slash + 1 : *name;
	*ret_dir = sim_path(world, parent);
	return *ret_dir && (*ret_dir)->is_dir ? 0 : -ENOENT;
}

static int
fd_make(struct rt *rt, enum sim_kind kind, struct sim_inode *inode, int *ret_fd)
{
	struct sim_desc *desc = sim_desc_make(rt->proc->world, kind);
	int err;

	desc->u.inode = inode;
	inode->refs++;
	err = sim_fd_add(rt->proc, desc, ret_fd);
	if (err)
		sim_desc_unref(desc);
	return err;
}

static struct sim_inode *
entry_make(struct rt *rt, struct sim_inode *dir, const char *name, bool is_dir)
{
	struct sim_inode *inode = sim_inode_make(rt->proc->world, is_dir);
	struct sim_change change = {.kind = SIM_CHANGE_LINK, .dir = dir, .inode = inode};

	memcpy(change.name, name, strlen(name) + 1);
	sim_dir_change(rt->proc->world, &change);
	sim_inode_unref(inode); /* the name holds it */
	return inode;
}

/* The file of that name, made when it may be. */
static int
entry_find(struct rt *rt, struct sim_inode *dir, const char *name, unsigned flags,
	   struct sim_inode **ret_inode)
{
	struct sim_inode *inode = sim_table_find(&dir->now, name);

	if (inode && flags & RT_OPEN_EXCLUSIVE)
		return -EEXIST;
	if (inode && inode->is_dir)
		return -EISDIR;
	if (!inode && !(flags & RT_OPEN_CREATE))
		return -ENOENT;
	if (!inode && rt->proc->world->disk.full)
		return -ENOSPC;
	if (!inode)
		inode = entry_make(rt, dir, name, false);
	else if (flags & RT_OPEN_TRUNCATE)
		sim_inode_truncate(inode, 0);
	*ret_inode = inode;
	return 0;
}

int
rt_open(struct rt *rt, int dir_fd, const char *name, unsigned flags, int *ret_fd)
{
	struct sim_inode *dir, *inode = NULL;
	int err;

	sim_op(rt, OP_OPEN);
	err = folder_of(rt, dir_fd, &name, &dir);
	if (!err && strlen(name) > SIM_NAME_MAX)
		err = -ENAMETOOLONG;
	if (!err && sim_fails(rt, SIM_FAULT_OPEN))
		err = sim_below(rt->proc->world, 2) ? -EMFILE : -EIO;
	if (!err)
		err = entry_find(rt, dir, name, flags, &inode);
	if (!err)
		err = fd_make(rt, SIM_FILE, inode, ret_fd);
	if (!err)
		rt->proc->fds[*ret_fd]->flags = flags;
	return err;
}

int
rt_open_dir(struct rt *rt, int dir_fd, const char *name, bool create, int *ret_fd)
{
	struct sim_inode *dir, *inode;
	int err;

	sim_op(rt, OP_OPEN_DIR);
	err = folder_of(rt, dir_fd, &name, &dir);
	if (!err && sim_fails(rt, SIM_FAULT_OPEN))
		err = -EMFILE;
	if (err)
		return err;
	inode = *name && strcmp(name, ".") != 0 ? sim_table_find(&dir->now, name) : dir;
	if (!inode && !create)
		return -ENOENT;
	if (!inode && rt->proc->world->disk.full)
		return -ENOSPC;
	if (!inode)
		inode = entry_make(rt, dir, name, true);
	return inode->is_dir ? fd_make(rt, SIM_DIR, inode, ret_fd) : -ENOTDIR;
}

void
rt_close(struct rt *rt, int fd)
{
	if (fd < 0)
		return;
	sim_op(rt, OP_CLOSE);
	if (sim_fd(rt, fd))
		sim_fd_close(rt->proc, fd);
}

int
rt_dup(struct rt *rt, int fd, int *ret_fd)
{
	struct sim_desc *desc = sim_fd(rt, fd);
	int err;

	sim_op(rt, OP_DUP);
	if (!desc)
		return -EBADF;
	if (sim_fails(rt, SIM_FAULT_OPEN))
		return -EMFILE;
	err = sim_fd_add(rt->proc, sim_desc_ref(desc), ret_fd);
	if (err)
		sim_desc_unref(desc);
	return err;
}

static bool
has_bytes(const struct sim_desc *desc)
{
	return desc->kind == SIM_FILE || desc->kind == SIM_MEMORY;
}

ssize_t
rt_pread(struct rt *rt, int fd, void *buf, size_t len, uint64_t offset)
{
	struct sim_desc *desc = sim_fd(rt, fd);

	sim_op(rt, OP_PREAD);
	if (!desc || !has_bytes(desc))
		return -EBADF;
	if (desc->kind == SIM_FILE && !(desc->flags & RT_OPEN_READ)) {
		sim_broken(rt->proc->world, "reads from a descriptor for writing");
		return -EBADF;
	}
	if (sim_fails(rt, SIM_FAULT_READ))
		return -EIO;
	return sim_inode_read(desc->u.inode, buf, len, offset);
}

static void
log_take(struct rt *rt, struct slice line)
{
	struct sim_world *world = rt->proc->world;

	if (world->options.events.log)
		world->options.events.log(world->options.ctx, line);
}

/* A part may have gone in when it fails. */
int
sim_desc_write(struct rt *rt, struct sim_desc *desc, struct slice data)
{
	struct sim_inode *inode = desc->u.inode;
	uint64_t at = desc->flags & RT_OPEN_APPEND ? inode->size : desc->offset;
	bool io = sim_fails(rt, SIM_FAULT_WRITE), room = sim_fails(rt, SIM_FAULT_NO_ROOM);
	size_t put, len = data.len;

	if (desc->sealed || (desc->kind == SIM_FILE && !(desc->flags & RT_OPEN_WRITE))) {
		sim_broken(rt->proc->world, "writes to a descriptor for reading");
		return -EBADF;
	}
	if (io || room)
		data.len = (size_t)sim_below(rt->proc->world, data.len + 1);
	/* A page is read before a part of it is written. */
	if (sim_inode_good(inode, at, data.len) < data.len) {
		data.len = sim_inode_good(inode, at, data.len);
		io = true;
	}
	put = sim_inode_write(inode, at, data);
	desc->offset = at + put;
	if (io)
		return -EIO;
	return put < len ? -ENOSPC : 0;
}

int
rt_write(struct rt *rt, int fd, struct slice data)
{
	struct sim_desc *desc = sim_fd(rt, fd);

	sim_op(rt, OP_WRITE);
	if (!desc)
		return -EBADF;
	if (desc->kind == SIM_LOG)
		log_take(rt, data);
	return has_bytes(desc) ? sim_desc_write(rt, desc, data) : 0;
}

int
rt_write_line(struct rt *rt, int fd, struct slice line)
{
	struct sim_desc *desc = sim_fd(rt, fd);

	sim_op(rt, OP_LOG);
	if (!desc || desc->kind != SIM_LOG)
		return -EBADF;
	log_take(rt, line);
	return 0;
}

ssize_t
rt_read(struct rt *rt, int fd, void *buf, size_t len)
{
	struct sim_desc *desc = sim_fd(rt, fd);
	ssize_t got;

	if (!desc || !has_bytes(desc))
		return 0;
	got = rt_pread(rt, fd, buf, len, desc->offset);
	if (got > 0)
		desc->offset += (uint64_t)got;
	return got;
}

bool
rt_is_terminal(struct rt *rt, int fd)
{
	(void)rt;
	(void)fd;
	return false;
}

int
rt_sync_dir(struct rt *rt, int dir_fd)
{
	struct sim_desc *desc = sim_fd(rt, dir_fd);

	sim_op(rt, OP_SYNC_DIR);
	if (!desc || desc->kind != SIM_DIR)
		return -EBADF;
	if (sim_fails(rt, SIM_FAULT_SYNC))
		return -EIO;
	sim_dir_sync(rt->proc->world, desc->u.inode);
	return 0;
}

int
rt_stat_fd(struct rt *rt, int fd, struct rt_stat *ret_stat)
{
	struct sim_desc *desc = sim_fd(rt, fd);

	sim_op(rt, OP_STAT);
	if (!desc || (!has_bytes(desc) && desc->kind != SIM_DIR))
		return -EBADF;
	*ret_stat = (struct rt_stat){.size_bytes = desc->u.inode->size,
				     .changed_wall_ms = desc->u.inode->changed_ms,
				     .is_dir = desc->u.inode->is_dir,
				     .is_file = !desc->u.inode->is_dir,
				     .device = 1,
				     .inode = desc->u.inode->number,
				     .uid = rt_uid(rt)};
	return 0;
}

int
rt_data_end(struct rt *rt, int fd, uint64_t *ret_end)
{
	struct sim_desc *desc = sim_fd(rt, fd);

	sim_op(rt, OP_STAT);
	if (!desc || !has_bytes(desc))
		return -EBADF;
	*ret_end = desc->u.inode->size; /* there are no holes */
	return 0;
}

int
rt_unlink(struct rt *rt, int dir_fd, const char *name)
{
	struct sim_change change = {.kind = SIM_CHANGE_UNLINK};
	int err;

	sim_op(rt, OP_UNLINK);
	err = folder_of(rt, dir_fd, &name, &change.dir);
	if (err)
		return err;
	change.inode = sim_table_find(&change.dir->now, name);
	if (!change.inode)
		return -ENOENT;
	if (change.inode->is_dir)
		return -EISDIR;
	if (sim_fails(rt, SIM_FAULT_NAME))
		return -EIO;
	memcpy(change.name, name, strlen(name) + 1);
	sim_dir_change(rt->proc->world, &change);
	return 0;
}

int
rt_rename(struct rt *rt, int old_dir_fd, const char *old_name, int new_dir_fd, const char *new_name)
{
	struct sim_change change = {.kind = SIM_CHANGE_RENAME};
	int err;

	sim_op(rt, OP_RENAME);
	err = folder_of(rt, old_dir_fd, &old_name, &change.dir);
	if (!err)
		err = folder_of(rt, new_dir_fd, &new_name, &change.to_dir);
	if (err)
		return err;
	change.inode = sim_table_find(&change.dir->now, old_name);
	if (!change.inode)
		return -ENOENT;
	if (strlen(new_name) > SIM_NAME_MAX)
		return -ENAMETOOLONG;
	if (sim_fails(rt, SIM_FAULT_NAME))
		return -EIO;
	memcpy(change.name, old_name, strlen(old_name) + 1);
	memcpy(change.to_name, new_name, strlen(new_name) + 1);
	sim_dir_change(rt->proc->world, &change);
	return 0;
}

int
rt_mkdir(struct rt *rt, int dir_fd, const char *name)
{
	struct sim_inode *dir;
	int err;

	sim_op(rt, OP_MKDIR);
	err = folder_of(rt, dir_fd, &name, &dir);
	if (err)
		return err;
	if (sim_table_find(&dir->now, name))
		return -EEXIST;
	if (sim_fails(rt, SIM_FAULT_NAME))
		return -EIO;
	(void)entry_make(rt, dir, name, true);
	return 0;
}

int
rt_list(struct rt *rt, int dir_fd, rt_list_fn *fn, void *ctx)
{
	struct sim_desc *desc = sim_fd(rt, dir_fd);
	struct list_node *node, *next;
	int err = 0;

	sim_op(rt, OP_LIST);
	if (!desc || desc->kind != SIM_DIR)
		return -EBADF;
	if (sim_fails(rt, SIM_FAULT_NAME))
		return -EIO;
	/* fn may take the entry out. */
	for (node = list_first(&desc->u.inode->now.list); node && !err; node = next) {
		char name[SIM_NAME_MAX + 1];

		next = list_next(&desc->u.inode->now.list, node);
		memcpy(name, CONTAINER_OF(node, struct sim_entry, node)->name, sizeof(name));
		err = fn(ctx, name);
	}
	return err;
}

int
rt_lock(struct rt *rt, int fd)
{
	struct sim_desc *desc = sim_fd(rt, fd);

	sim_op(rt, OP_LOCK);
	if (!desc || (desc->kind != SIM_FILE && desc->kind != SIM_DIR))
		return -EBADF;
	if (desc->u.inode->lock && desc->u.inode->lock != desc)
		return ERR_EXISTS;
	desc->u.inode->lock = desc;
	return 0;
}

int
rt_free_bytes(struct rt *rt, int dir_fd, uint64_t *ret_free_bytes)
{
	const struct sim_disk *disk = &rt->proc->world->disk;

	sim_op(rt, OP_FREE);
	if (!sim_fd(rt, dir_fd))
		return -EBADF;
	*ret_free_bytes = disk->full || disk->used_bytes > disk->size_bytes
				  ? 0
				  : disk->size_bytes - disk->used_bytes;
	return 0;
}

int
rt_memfd_empty(struct rt *rt, const char *name, int *ret_fd)
{
	struct sim_inode *inode;
	int err;

	(void)name;
	sim_op(rt, OP_MEMFD);
	if (sim_fails(rt, SIM_FAULT_OPEN))
		return -EMFILE;
	inode = sim_inode_make(rt->proc->world, false);
	err = fd_make(rt, SIM_MEMORY, inode, ret_fd);
	sim_inode_unref(inode);
	return err;
}

int
rt_memfd(struct rt *rt, const char *name, struct slice data, int *ret_fd)
{
	int fd, err = rt_memfd_empty(rt, name, &fd);

	if (err)
		return err;
	err = sim_desc_write(rt, rt->proc->fds[fd], data);
	if (err) {
		sim_fd_close(rt->proc, fd);
		return err;
	}
	rt->proc->fds[fd]->sealed = true;
	*ret_fd = fd;
	return 0;
}

int
rt_read_all(struct rt *rt, int fd, size_t max, struct slice *ret_data)
{
	struct rt_stat stat;
	uint8_t *data;
	ssize_t got;
	int err = rt_stat_fd(rt, fd, &stat);

	if (err)
		return err;
	if (stat.size_bytes > max)
		return ERR_LIMIT;
	if (stat.size_bytes == 0) {
		*ret_data = (struct slice){0};
		return 0;
	}
	data = mem_take(&rt->mem, stat.size_bytes);
	if (!data)
		return ERR_NO_MEMORY;
	got = rt_pread(rt, fd, data, stat.size_bytes, 0);
	if (got < (ssize_t)stat.size_bytes) {
		mem_give(&rt->mem, data, stat.size_bytes);
		return got < 0 ? (int)got : ERR_TRUNCATED;
	}
	*ret_data = slice_of(data, stat.size_bytes);
	return 0;
}
