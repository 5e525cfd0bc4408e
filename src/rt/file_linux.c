/*
 * Files below directory descriptors. Names are single components and no link is followed, so that a
 * process that was taken over cannot be led out of its directory by a name, nor lead another out.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "rt/file.h"
#include "rt/rt_linux.h"

#define FILE_MODE 0600
#define DIR_MODE 0700
#define MS_PER_S 1000
#define NS_PER_MS 1000000

_Static_assert(RT_AT_PATH == AT_FDCWD, "paths are taken from the working directory");

static int
name_check(int dir_fd, const char *name)
{
	if (dir_fd == RT_AT_PATH)
		return *name ? 0 : -EINVAL;
	if (!*name || strchr(name, '/') || !strcmp(name, ".") || !strcmp(name, ".."))
		return -EINVAL;
	return 0;
}

static int
flags_of(int dir_fd, unsigned flags)
{
	/* O_NONBLOCK: a FIFO that somebody put there must not hold us. Files do not know it. */
	int out = O_CLOEXEC | O_NOCTTY | (dir_fd == RT_AT_PATH ? 0 : O_NOFOLLOW | O_NONBLOCK);

	out |= flags & RT_OPEN_NO_WAIT ? O_NONBLOCK : 0;

	ASSERT(flags & (RT_OPEN_READ | RT_OPEN_WRITE));
	if (flags & RT_OPEN_WRITE)
		out |= flags & RT_OPEN_READ ? O_RDWR : O_WRONLY;
	out |= flags & RT_OPEN_APPEND ? O_APPEND : 0;
	out |= flags & RT_OPEN_CREATE ? O_CREAT : 0;
	out |= flags & RT_OPEN_EXCLUSIVE ? O_EXCL : 0;
	out |= flags & RT_OPEN_TRUNCATE ? O_TRUNC : 0;
	return out;
}

int
rt_open(struct rt *rt, int dir_fd, const char *name, unsigned flags, int *ret_fd)
{
	int err = name_check(dir_fd, name), fd;

	if (err)
		return err;
	rt_operation(rt, RT_OPERATION_OPEN, name);
	do
		fd = openat(dir_fd, name, flags_of(dir_fd, flags), FILE_MODE);
	while (fd < 0 && errno == EINTR);
	if (fd < 0)
		return -errno;
	*ret_fd = fd;
	return 0;
}

int
rt_open_dir(struct rt *rt, int dir_fd, const char *name, bool create, int *ret_fd)
{
	int follow = dir_fd == RT_AT_PATH ? 0 : O_NOFOLLOW;
	int err = name_check(dir_fd, name), fd;

	if (err)
		return err;
	rt_operation(rt, RT_OPERATION_OPEN, name);
	if (create && mkdirat(dir_fd, name, DIR_MODE) < 0 && errno != EEXIST)
		return -errno;
	fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | follow);
	if (fd < 0)
		return -errno;
	*ret_fd = fd;
	return 0;
}

void
rt_close(struct rt *rt, int fd)
{
	(void)rt;
	if (fd >= 0)
		(void)close(fd);
}

int
rt_dup(struct rt *rt, int fd, int *ret_fd)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	(void)rt;
	if (copy < 0)
		return -errno;
	*ret_fd = copy;
	return 0;
}

ssize_t
rt_pread(struct rt *rt, int fd, void *buf, size_t len, uint64_t offset)
{
	ssize_t got;

	(void)rt;
	if (offset > INT64_MAX)
		return -EINVAL;
	do
		got = pread(fd, buf, len, (off_t)offset);
	while (got < 0 && errno == EINTR);
	return got < 0 ? -errno : got;
}

int
rt_write(struct rt *rt, int fd, struct slice data)
{
	if (rt->kill_at)
		rt_operation_write(rt, fd, data.data, data.len);
	while (data.len > 0) {
		ssize_t put = write(fd, data.data, data.len);

		if (put < 0 && errno != EINTR)
			return -errno;
		if (put > 0)
			data = slice_from(data, (size_t)put);
	}
	return 0;
}

int
rt_write_line(struct rt *rt, int fd, struct slice line)
{
	/* The descriptor is shared with others (a terminal, a pipe), so it is not made
	 * non-blocking; a pipe that polls writable has room for PIPE_BUF bytes. */
	struct pollfd poll_fd = {.fd = fd, .events = POLLOUT};
	ssize_t put;

	(void)rt;
	ASSERT(line.len <= PIPE_BUF);
	if (poll(&poll_fd, 1, 0) != 1 || !(poll_fd.revents & POLLOUT))
		return ERR_AGAIN;
	put = write(fd, line.data, line.len);
	if (put < 0)
		return errno == EAGAIN || errno == EINTR ? ERR_AGAIN : -errno;
	return (size_t)put == line.len ? 0 : ERR_TRUNCATED;
}

ssize_t
rt_read(struct rt *rt, int fd, void *buf, size_t len)
{
	ssize_t got;

	(void)rt;
	do
		got = read(fd, buf, len);
	while (got < 0 && errno == EINTR);
	return got < 0 ? -errno : got;
}

bool
rt_is_terminal(struct rt *rt, int fd)
{
	(void)rt;
	return isatty(fd);
}

int
rt_sync_dir(struct rt *rt, int dir_fd)
{
	rt_operation(rt, RT_OPERATION_SYNC, "");
	return fsync(dir_fd) < 0 ? -errno : 0;
}

int
rt_stat_fd(struct rt *rt, int fd, struct rt_stat *ret_stat)
{
	struct stat stat;

	(void)rt;
	if (fstat(fd, &stat) < 0)
		return -errno;
	*ret_stat = (struct rt_stat){
		.size_bytes = (uint64_t)stat.st_size,
		.changed_wall_ms =
			(int64_t)stat.st_mtim.tv_sec * MS_PER_S + stat.st_mtim.tv_nsec / NS_PER_MS,
		.is_dir = S_ISDIR(stat.st_mode),
		.is_file = S_ISREG(stat.st_mode),
		.uid = stat.st_uid,
		.device = stat.st_dev,
		.inode = stat.st_ino,
	};
	return 0;
}

int
rt_data_end(struct rt *rt, int fd, uint64_t *ret_end)
{
	off_t data = 0, end = 0;

	(void)rt;
	while ((data = lseek(fd, end, SEEK_DATA)) >= 0) {
		end = lseek(fd, data, SEEK_HOLE);
		if (end < 0)
			return -errno;
	}
	if (errno != ENXIO) /* no data behind end */
		return -errno;
	*ret_end = (uint64_t)end;
	return 0;
}

int
rt_unlink(struct rt *rt, int dir_fd, const char *name)
{
	int err = name_check(dir_fd, name);

	if (err)
		return err;
	rt_operation(rt, RT_OPERATION_UNLINK, name);
	return unlinkat(dir_fd, name, 0) < 0 ? -errno : 0;
}

int
rt_rename(struct rt *rt, int old_dir_fd, const char *old_name, int new_dir_fd, const char *new_name)
{
	int err = name_check(old_dir_fd, old_name);

	if (!err)
		err = name_check(new_dir_fd, new_name);
	if (err)
		return err;
	rt_operation(rt, RT_OPERATION_RENAME, old_name);
	return renameat(old_dir_fd, old_name, new_dir_fd, new_name) < 0 ? -errno : 0;
}

int
rt_mkdir(struct rt *rt, int dir_fd, const char *name)
{
	int err = name_check(dir_fd, name);

	if (err)
		return err;
	rt_operation(rt, RT_OPERATION_MKDIR, name);
	return mkdirat(dir_fd, name, DIR_MODE) < 0 ? -errno : 0;
}

int
rt_list(struct rt *rt, int dir_fd, rt_list_fn *fn, void *ctx)
{
	/* A description of its own: its place in the directory is not shared. */
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), err = 0;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	(void)rt;
	if (!dir) {
		err = -errno;
		if (fd >= 0)
			close(fd);
		return err;
	}
	for (errno = 0; !err && (entry = readdir(dir)); errno = 0)
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
			err = fn(ctx, entry->d_name);
	if (!err && errno)
		err = -errno;
	closedir(dir);
	return err;
}

int
rt_lock(struct rt *rt, int fd)
{
	rt_operation(rt, RT_OPERATION_LOCK, "");
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return 0;
	return errno == EWOULDBLOCK ? ERR_EXISTS : -errno;
}

int
rt_free_bytes(struct rt *rt, int dir_fd, uint64_t *ret_free_bytes)
{
	struct statvfs fs;

	(void)rt;
	if (fstatvfs(dir_fd, &fs) < 0)
		return -errno;
	*ret_free_bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
	return 0;
}

int
rt_memfd_empty(struct rt *rt, const char *name, int *ret_fd)
{
	int fd = memfd_create(name, MFD_CLOEXEC);

	(void)rt;
	if (fd < 0)
		return -errno;
	*ret_fd = fd;
	return 0;
}

int
rt_memfd(struct rt *rt, const char *name, struct slice data, int *ret_fd)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING), err;

	if (fd < 0)
		return -errno;
	err = rt_write(rt, fd, data);
	if (!err &&
	    fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
		err = -errno;
	if (err) {
		close(fd);
		return err;
	}
	*ret_fd = fd;
	return 0;
}

int
rt_read_all(struct rt *rt, int fd, size_t max, struct slice *ret_data)
{
	struct rt_stat stat;
	uint8_t *data;
	size_t len = 0;
	ssize_t got = 0;
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
	do {
		got = rt_pread(rt, fd, data + len, stat.size_bytes - len, len);
		len += got > 0 ? (size_t)got : 0;
	} while (got > 0 && len < stat.size_bytes);
	/* It shrank while it was read: somebody is writing it. */
	if (len < stat.size_bytes) {
		mem_give(&rt->mem, data, stat.size_bytes);
		return got < 0 ? (int)got : ERR_TRUNCATED;
	}
	*ret_data = slice_of(data, len);
	return 0;
}
