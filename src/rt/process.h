/*
 * rt/process: children and signals, for super and the tool.
 */
#ifndef RT_PROCESS_H
#define RT_PROCESS_H

#include "rt/rt.h"

#define RT_SPAWN_FDS_MAX 8

struct rt_spawn {
	int program_fd; /* opened with O_PATH: what was checked is what runs */
	const char *const *argv;
	/* Descriptor fds[i] becomes number 3 + i in the child; 0 is /dev/null, 1 and 2 are log_fd.
	 * All others are closed. */
	const int *fds;
	size_t fd_count;
	int log_fd;
	unsigned uid, gid; /* 0: unchanged; else set, with no supplementary groups */
	unsigned starts;   /* how often it was started before: for FRANK_KILL */
};

/* The child dies when its parent dies. Its environment is empty but for variables FRANK_*. It
 * ignores SIGHUP, SIGINT, SIGTERM and SIGUSR1, which are for the parent. Of memory and descriptors
 * it may have what the system allows, whatever the parent has set itself. */
int rt_spawn(struct rt *rt, const struct rt_spawn *spawn, int *ret_pid) MUST_USE;
/* status as waitpid gives it. */
typedef void rt_child_fn(void *ctx, int pid, int status);
void rt_on_child(struct rt *rt, rt_child_fn *fn, void *ctx);
void rt_kill(struct rt *rt, int pid, int signal_number);
int rt_open_program(struct rt *rt, int dir_fd, const char *name, int *ret_fd) MUST_USE;

typedef void rt_signal_fn(void *ctx, int signal_number);
int rt_on_signal(struct rt *rt, int signal_number, rt_signal_fn *fn, void *ctx) MUST_USE;
/* uid and gid of an account; ERR_NOT_FOUND. */
int rt_account(struct rt *rt, const char *name, unsigned *ret_uid, unsigned *ret_gid) MUST_USE;
/* Gives an open file or folder to a uid (root only). */
int rt_own(struct rt *rt, int fd, unsigned uid, unsigned gid) MUST_USE;
/* Becomes another program: answers only when that fails. words: NULL at the end. */
int rt_exec(struct rt *rt, const char *path, const char *const *words) MUST_USE;
/* The folder of the running program: as it was called (of a link: where the link lies), or where
 * the program itself lies. ERR_LIMIT: longer than size. */
enum rt_program_as { RT_PROGRAM_CALLED, RT_PROGRAM_RESOLVED };
int rt_program_folder(struct rt *rt, enum rt_program_as as, char *buf, size_t size) MUST_USE;
/* fn is called when this process crashes (a failed ASSERT, a fault), before it ends; why: one line.
 * Only what is safe in the handler of a signal may be done in it: no memory, no lock. One per
 * process; NULL: nobody. */
typedef void rt_crash_fn(void *ctx, const char *why);
void rt_on_crash(struct rt *rt, rt_crash_fn *fn, void *ctx);
unsigned rt_uid(const struct rt *rt);
int rt_pid(const struct rt *rt);

#endif
