/*
 * test_recover: what the tests of recovery share: a child that dies with a spool in its hands, and
 * a world that starts on what it left.
 */
#ifndef PROC_QUEUE_TEST_RECOVER_H
#define PROC_QUEUE_TEST_RECOVER_H

#include <sys/wait.h>

#include "proc/queue/test_world.h"

#define IDS_MAX 64

/* What the child reports through a pipe: ids that were answered 250. */
struct told {
	msg_id ids[IDS_MAX];
	uint32_t count;
	uint32_t reports;
};

static inline bool
is_empty(const struct world *w)
{
	return w->queue->index.msgs.count == 0 && !w->queue->recovery;
}

static inline uint8_t
silent(struct world *w, const struct ipc_job *job, uint16_t rcpt)
{
	(void)w;
	(void)job;
	(void)rcpt;
	return WORLD_SILENT;
}

typedef void child_fn(struct world *w, struct told *told);

static inline void
folder_make(char path[64])
{
	snprintf(path, 64, "/tmp/frank-queue.XXXXXX");
	assert_non_null(mkdtemp(path));
}

/* Runs fn in a child that dies at its end, mid-flight. */
static inline struct told
crash(const char *path, child_fn *fn)
{
	struct told told = {0};
	int fds[2], status;
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		static struct world w;

		world_begin(&w, path);
		w.config.lifetime = 60000;
		world_start(&w);
		fn(&w, &told);
		_exit(write(fds[1], &told, sizeof(told)) == sizeof(told) ? 0 : 1);
	}
	close(fds[1]);
	assert_int_equal(read(fds[0], &told, sizeof(told)), sizeof(told));
	close(fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	return told;
}

static inline void
again(struct world *w, const char *path)
{
	world_begin(w, path);
	w->owns_path = true;
	w->config.lifetime = 60000;
	world_start(w);
}

#endif
