/*
 * rt/sandbox: a process gives up what it will not need: seccomp filter (by libseccomp), Landlock
 * rules, rlimits, no_new_privs, not dumpable. What each process may is one table,
 * src/def/sandbox.def; this header only carries it out.
 */
#ifndef RT_SANDBOX_H
#define RT_SANDBOX_H

#include "rt/rt.h"

struct rt_sandbox {
	const char *const *system_calls; /* names, beside the common ones; NULL at the end */
	const int *writable_dirs;	 /* descriptors; everything else on disk is forbidden */
	size_t writable_dir_count;
	uint64_t memory_bytes_max; /* RLIMIT_AS; 0: none (sanitizer builds ignore it) */
	uint64_t descriptors_max;  /* RLIMIT_NOFILE */
	uint64_t file_bytes_max;   /* RLIMIT_FSIZE */
	uint64_t processes_max;	   /* RLIMIT_NPROC as fork guard; rt's threads are started inside */
};

/* After this a forbidden system call fails with EPERM. To be called before the first rt_io or
 * rt_work: a Landlock domain holds for a thread and those that it makes, so rt's threads are
 * started in here, between Landlock and the filter. ERR_UNSUPPORTED when the kernel has no Landlock
 * (ABI 2): everything else holds then, and the caller decides (config option) whether to go on. */
int rt_sandbox_enter(struct rt *rt, const struct rt_sandbox *sandbox) MUST_USE;

#endif
