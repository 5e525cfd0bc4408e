/*
 * rt/file: files below a directory descriptor. Short metadata calls and reads are synchronous
 * (page cache); writes that must be durable go to a thread by rt_io and come back as a callback.
 * Names are single path components; nothing here follows a link out of its directory.
 */
#ifndef RT_FILE_H
#define RT_FILE_H

#include <sys/types.h>

#include "base/slice.h"
#include "rt/rt.h"

enum rt_open_flags {
	RT_OPEN_READ = 1,
	RT_OPEN_WRITE = 2,
	RT_OPEN_APPEND = 4, /* with WRITE: every write goes to the end */
	RT_OPEN_CREATE = 8,
	RT_OPEN_EXCLUSIVE = 16, /* with CREATE: -EEXIST when it is there */
	RT_OPEN_TRUNCATE = 32,
	RT_OPEN_NO_WAIT = 64, /* by path: a pipe does not hold us, who look then at what it is */
};

/* With dir_fd RT_AT_PATH (super, tool, at start) name is a path that an administrator chose:
 * slashes are allowed and links followed. */
#define RT_AT_PATH (-100)
int rt_open(struct rt *rt, int dir_fd, const char *name, unsigned flags, int *ret_fd) MUST_USE;
/* A directory; made (mode 0700) first when create. */
int rt_open_dir(struct rt *rt, int dir_fd, const char *name, bool create, int *ret_fd) MUST_USE;
void rt_close(struct rt *rt, int fd);
int rt_dup(struct rt *rt, int fd, int *ret_fd) MUST_USE;

/* Bytes read (0 at the end) or a negative error. */
ssize_t rt_pread(struct rt *rt, int fd, void *buf, size_t len, uint64_t offset) MUST_USE;
/* Writes all or answers an error; not durable. */
int rt_write(struct rt *rt, int fd, struct slice data) MUST_USE;
/* All in one write that does not wait (a log line, at most PIPE_BUF bytes): ERR_AGAIN when it would
 * have to, ERR_TRUNCATED when only a part was taken. */
int rt_write_line(struct rt *rt, int fd, struct slice line) MUST_USE;
/* Up to len bytes of a pipe or terminal, waiting for them: 0 at the end. */
ssize_t rt_read(struct rt *rt, int fd, void *buf, size_t len) MUST_USE;
/* Whether a person looks at it. */
bool rt_is_terminal(struct rt *rt, int fd);
/* Waits until the names in a directory are on disk: only where nothing else goes on (start). */
int rt_sync_dir(struct rt *rt, int dir_fd) MUST_USE;

struct rt_stat {
	uint64_t size_bytes;
	int64_t changed_wall_ms;
	bool is_dir, is_file; /* neither: a pipe, a device ... */
	unsigned uid;
	uint64_t device, inode; /* together: which file it is */
};
int rt_stat_fd(struct rt *rt, int fd, struct rt_stat *ret_stat) MUST_USE;
/* Where the file ends if a hole at its end is not counted: its size where holes are not known. */
int rt_data_end(struct rt *rt, int fd, uint64_t *ret_end) MUST_USE;
int rt_unlink(struct rt *rt, int dir_fd, const char *name) MUST_USE;
/* Replaces what has the new name. */
int rt_rename(struct rt *rt, int old_dir_fd, const char *old_name, int new_dir_fd,
	      const char *new_name) MUST_USE;
int rt_mkdir(struct rt *rt, int dir_fd, const char *name) MUST_USE;
/* Each name but . and ..; in no order. A non-zero answer of fn stops and is returned. */
typedef int rt_list_fn(void *ctx, const char *name);
int rt_list(struct rt *rt, int dir_fd, rt_list_fn *fn, void *ctx) MUST_USE;
/* Exclusive lock on the open file, gone when its last descriptor closes (also by a crash).
 * ERR_EXISTS when somebody else has it. */
int rt_lock(struct rt *rt, int fd) MUST_USE;
int rt_free_bytes(struct rt *rt, int dir_fd, uint64_t *ret_free_bytes) MUST_USE;

/* A sealed anonymous file with these bytes, to be passed on (configuration snapshot). */
int rt_memfd(struct rt *rt, const char *name, struct slice data, int *ret_fd) MUST_USE;
/* An empty one that may be written, for an answer of a child. */
int rt_memfd_empty(struct rt *rt, const char *name, int *ret_fd) MUST_USE;
/* The whole file, from rt_mem, at most max bytes (ERR_LIMIT); given back by mem_give(len). */
int rt_read_all(struct rt *rt, int fd, size_t max, struct slice *ret_data) MUST_USE;

/* Asynchronous file work, in a thread. One operation per file at a time keeps the order. */
enum rt_io_kind {
	RT_IO_APPEND,	   /* write all slices at the end, no sync */
	RT_IO_APPEND_SYNC, /* the same, then fdatasync: durable when done comes with err 0 */
	RT_IO_SYNC,	   /* fsync of a file or directory */
	RT_IO_SYNC_FS,	   /* syncfs of the file system that fd lies on */
};

struct rt_io {
	enum rt_io_kind kind;
	int fd;
	const struct slice *slices; /* must stay until done */
	size_t slice_count;
	rt_fn *done; /* in the loop's thread */
	void *ctx;
	int err;	  /* set before done */
	uint64_t took_us; /* set before done: of the sync, or of the write when there is none */
	struct list_node node;
};

void rt_io_submit(struct rt *rt, struct rt_io *io);

#endif
