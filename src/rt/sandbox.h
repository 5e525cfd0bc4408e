/*
 * rt/sandbox: a process gives up what it will not need: seccomp filter (by libseccomp), Landlock
 * rules, rlimits, no_new_privs, not dumpable. What each process may is one table,
 * src/def/sandbox.def; this header only carries it out.
 */
#ifndef RT_SANDBOX_H
#define RT_SANDBOX_H

#include "rt/rt.h"

struct rt_sandbox {
	/* Names, beside the common ones; also socket-inet and threads (def/sandbox.def). NULL at
	 * the end. */
	const char *const *system_calls;
	const int *writable_dirs; /* descriptors; everything else on disk is forbidden */
	size_t writable_dir_count;
	uint64_t memory_bytes_max; /* RLIMIT_AS; 0: none (sanitizer builds ignore it) */
	uint64_t descriptors_max;  /* RLIMIT_NOFILE, at most what the system allows */
	uint64_t file_bytes_max;   /* RLIMIT_FSIZE */
	uint64_t processes_max;	   /* RLIMIT_NPROC as fork guard; rt's threads are started inside */
};

/* After this a forbidden system call fails with EPERM. To be called before the first rt_io or
 * rt_work: a Landlock domain holds for a thread and those that it makes, so rt's threads are
 * started in here, between Landlock and the filter. ERR_UNSUPPORTED when the kernel has no Landlock
 * (ABI 2): everything else holds then, and the caller decides (config option) whether to go on. */
int rt_sandbox_enter(struct rt *rt, const struct rt_sandbox *sandbox) MUST_USE;

/* For super: these calls fail with EPERM from now on, here and in all that is started, and no
 * program gains rights by its file. Names that this architecture does not have are passed over. */
int rt_sandbox_forbid(struct rt *rt, const char *const *system_calls) MUST_USE;

/* What may be changed on disk beneath a folder: bits. */
enum rt_may {
	RT_MAY_ADD = 1,	    /* make files, and write into what is there */
	RT_MAY_FILES = 2,   /* also cut, rename and remove them */
	RT_MAY_FOLDERS = 4, /* make and remove folders, move what is no device to another */
	RT_MAY_SOCKETS = 8, /* make them */
};

struct rt_place {
	int dir_fd;
	unsigned may;
};

struct rt_bounds {
	const struct rt_place *places; /* nothing else on disk can be changed */
	size_t place_count;
	uint64_t file_bytes_max; /* RLIMIT_FSIZE */
	/* RLIMIT_AS (sanitizer builds ignore it) and RLIMIT_NOFILE, for the caller alone: rt_spawn
	 * gives a child what the system allows, and the child's own row says less. */
	uint64_t memory_bytes_max, descriptors_max;
};

/* For super: holds here and in all that is started, beneath what those enter themselves. Reading
 * and running stay free. ERR_UNSUPPORTED and the time of the call as rt_sandbox_enter; places may
 * be closed after it. */
int rt_sandbox_bound(struct rt *rt, const struct rt_bounds *bounds) MUST_USE;

/* Tries, inside a sandbox, what sandboxes are for; descriptors that the tries need are made before.
 * fn is called once for each: refused when the answer was EPERM, EACCES or the like. For tests: the
 * process should end after it. */
struct rt_sandbox_probe;
typedef void rt_sandbox_probe_fn(void *ctx, const char *name, bool refused);
int rt_sandbox_probe_create(struct rt *rt, int inside_dir_fd, int outside_dir_fd,
			    struct rt_sandbox_probe **ret_probe) MUST_USE;
void rt_sandbox_probe_run(struct rt_sandbox_probe *probe, rt_sandbox_probe_fn *fn, void *ctx);
/* The same for what changes a folder. The caller has made: files old, aged and moved, folders deep
 * and empty. */
void rt_sandbox_probe_changes(int dir_fd, rt_sandbox_probe_fn *fn, void *ctx);

#endif
