/*
 * Carries out a row of src/def/sandbox.def, and the bounds of super, which hold for all beneath it
 * (a layer of Landlock each: a right is there when every layer gives it). Order matters:
 * no_new_privs and Landlock first (a domain is inherited only by threads made later), then rt's
 * threads, then rlimits, the seccomp filter last, over all threads. Memory is never executable
 * after that; fcntl keeps only what the loop needs unless the row names it, so that a spool writer
 * cannot drop O_APPEND.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <sched.h>
#include <seccomp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "rt/rt_linux.h"
#include "rt/sandbox.h"

#define LANDLOCK_ABI_NEEDED 2
#define SPECIAL_THREADS "threads"
#ifndef MSG_FASTOPEN
#define MSG_FASTOPEN 0x20000000
#endif
/* All rights of ABI 1 (13 of them) and REFER of ABI 2, TRUNCATE of ABI 3, IOCTL_DEV of ABI 5. */
#define LANDLOCK_RIGHTS_ABI_2 ((1ull << 14) - 1)
#define LANDLOCK_RIGHTS_ABI_3 ((1ull << 15) - 1)
#define LANDLOCK_RIGHTS_ABI_5 ((1ull << 16) - 1)
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ull << 14)
#endif
#define LANDLOCK_READING                                                                           \
	(LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)

/* What the loop, the threads, malloc and abort need in every process. */
static const char *const common_calls[] = {
	"read",
	"write",
	"readv",
	"writev",
	"pread64",
	"close",
	"lseek",
	"poll",
	"fstat",
	"newfstatat",
	"epoll_wait",
	"epoll_pwait",
	"epoll_ctl",
	"recvmsg",
	"timerfd_settime",
	"clock_gettime",
	"clock_nanosleep",
	"gettimeofday",
	"nanosleep",
	"futex",
	"sched_yield",
	"sched_getaffinity",
	"munmap",
	"mremap",
	"madvise",
	"brk",
	"exit",
	"exit_group",
	"rt_sigreturn",
	"rt_sigaction",
	"rt_sigprocmask",
	"sigaltstack",
	"restart_syscall",
	"getrandom",
	"getpid",
	"gettid",
	"getuid",
	"geteuid",
	"getgid",
	"getegid",
	"set_robust_list",
	"rseq",
	NULL,
};

#ifdef FRANK_SANITIZED
/* The named extension for sanitizer builds: shadow memory, symbolizing, leak check at the end. */
static const char *const sanitizer_calls[] = {
	"mmap",	       "mprotect",
	"prctl",       "clone",
	"clone3",      "wait4",
	"ptrace",      "open",
	"openat",      "readlink",
	"getdents64",  "getppid",
	"kill",	       "process_vm_readv",
	"pipe",	       "pipe2",
	"dup2",	       "prlimit64",
	"getrlimit",   "sysinfo",
	"uname",       "fcntl",
	"stat",	       "access",
	"unlink",      "pselect6",
	"poll",	       "arch_prctl",
	"personality", NULL,
};
#endif

/* All that the kernel knows; 0: it has no Landlock, or a too old one. */
static uint64_t
landlock_rights(void)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

	if (abi < LANDLOCK_ABI_NEEDED)
		return 0;
	return abi >= 5	  ? LANDLOCK_RIGHTS_ABI_5
	       : abi >= 3 ? LANDLOCK_RIGHTS_ABI_3
			  : LANDLOCK_RIGHTS_ABI_2;
}

/* A ruleset that refuses these rights wherever no rule gives them. */
static int
landlock_begin(uint64_t rights, int *ret_ruleset)
{
	struct landlock_ruleset_attr attr = {.handled_access_fs = rights};
	long fd = syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);

	if (fd < 0)
		return -errno;
	*ret_ruleset = (int)fd;
	return 0;
}

static int
landlock_allow(int ruleset, int dir_fd, uint64_t rights)
{
	struct landlock_path_beneath_attr rule = {.allowed_access = rights, .parent_fd = dir_fd};

	if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) < 0)
		return -errno;
	return 0;
}

/* err: of the rules; then nothing is entered. */
static int
landlock_commit(int ruleset, int err)
{
	if (!err && syscall(SYS_landlock_restrict_self, ruleset, 0) < 0)
		err = -errno;
	close(ruleset);
	return err;
}

#ifdef FRANK_SANITIZED
/* Part of the extension: symbolizer and leak check read programs and /proc. */
static int
landlock_allow_reading(int ruleset)
{
	int root = open("/", O_PATH | O_CLOEXEC);
	int err = landlock_allow(ruleset, root,
				 LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR);

	close(root);
	return err;
}
#endif

static int
landlock_enter(const struct rt_sandbox *sandbox)
{
	uint64_t rights = landlock_rights();
	int ruleset = -1, err;

	if (!rights)
		return ERR_UNSUPPORTED;
	err = landlock_begin(rights, &ruleset);
	if (err)
		return err;
	for (size_t i = 0; !err && i < sandbox->writable_dir_count; i++)
		err = landlock_allow(ruleset, sandbox->writable_dirs[i],
				     rights & ~LANDLOCK_ACCESS_FS_EXECUTE);
#ifdef FRANK_SANITIZED
	err = err ? err : landlock_allow_reading(ruleset);
#endif
	return landlock_commit(ruleset, err);
}

/* Never devices: root could reach a disk by one. Links, FIFOs and sockets nobody makes, but what
 * lies in a folder and does not belong there is moved away, and to move is to make. */
static uint64_t
landlock_rights_of(unsigned may)
{
	static const uint64_t add = LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_WRITE_FILE;
	uint64_t rights = 0;

	if (may & RT_MAY_ADD)
		rights |= add;
	if (may & RT_MAY_FILES)
		rights |= add | LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_TRUNCATE;
	if (may & RT_MAY_FOLDERS)
		rights |= LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_REMOVE_DIR |
			  LANDLOCK_ACCESS_FS_MAKE_SYM | LANDLOCK_ACCESS_FS_MAKE_FIFO |
			  LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_REFER;
	if (may & RT_MAY_SOCKETS)
		rights |= LANDLOCK_ACCESS_FS_MAKE_SOCK;
	return rights;
}

static int
landlock_bound(const struct rt_bounds *bounds)
{
	uint64_t rights = landlock_rights() & ~LANDLOCK_READING;
	int ruleset = -1, err;

	if (!rights)
		return ERR_UNSUPPORTED;
	err = landlock_begin(rights, &ruleset);
	if (err)
		return err;
	for (size_t i = 0; !err && i < bounds->place_count; i++)
		err = landlock_allow(ruleset, bounds->places[i].dir_fd,
				     rights & landlock_rights_of(bounds->places[i].may));
	return landlock_commit(ruleset, err);
}

/* A limit is lowered, or raised as far as the system allows. */
static int
limit_set(__rlimit_resource_t resource, uint64_t value)
{
	struct rlimit old, limit = {value, value};

	if (getrlimit(resource, &old) < 0)
		return -errno;
	if (setrlimit(resource, &limit) == 0)
		return 0;
	if (errno != EPERM || value <= old.rlim_max)
		return -errno;
	limit = (struct rlimit){old.rlim_max, old.rlim_max};
	return setrlimit(resource, &limit) < 0 ? -errno : 0;
}

/* A child that is started can raise it again, whatever its uid. */
static int
limit_set_own(__rlimit_resource_t resource, uint64_t value)
{
	struct rlimit limit;

	if (getrlimit(resource, &limit) < 0)
		return -errno;
	limit.rlim_cur = value < limit.rlim_max ? value : limit.rlim_max;
	return setrlimit(resource, &limit) < 0 ? -errno : 0;
}

static bool
names_have(const char *const *names, const char *name)
{
	for (; names && *names; names++)
		if (!strcmp(*names, name))
			return true;
	return false;
}

static int
limits_enter(const struct rt_sandbox *sandbox)
{
	int err = limit_set(RLIMIT_CORE, 0);

#ifndef FRANK_SANITIZED
	if (!err && sandbox->memory_bytes_max)
		err = limit_set(RLIMIT_AS, sandbox->memory_bytes_max);
#endif
	if (!err)
		err = limit_set(RLIMIT_NOFILE, sandbox->descriptors_max);
	if (!err)
		err = limit_set(RLIMIT_FSIZE, sandbox->file_bytes_max);
	/* It stops threads too: without them the filter alone refuses new processes. */
	if (!err && !names_have(sandbox->system_calls, SPECIAL_THREADS))
		err = limit_set(RLIMIT_NPROC, sandbox->processes_max);
	return err;
}

static int
filter_allow_sockets(scmp_filter_ctx filter)
{
	int err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1,
				   SCMP_A0(SCMP_CMP_EQ, AF_INET));

	return err ? err
		   : seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1,
				      SCMP_A0(SCMP_CMP_EQ, AF_INET6));
}

/* clone3 hides its flags in memory: the C library falls back to clone when it does not exist. */
static int
filter_allow_threads(scmp_filter_ctx filter)
{
	int err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
				   SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD));

	return err ? err : seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
}

/* Without MSG_FASTOPEN, which connects: an inherited listener can be turned into a socket for it.
 */
static int
filter_allow_sendto(scmp_filter_ctx filter)
{
	return seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(sendto), 1,
				SCMP_A3(SCMP_CMP_MASKED_EQ, MSG_FASTOPEN, 0));
}

static const struct special {
	const char *name;
	int (*allow)(scmp_filter_ctx filter);
} specials[] = {{"socket-inet", filter_allow_sockets},
		{"sendto-connected", filter_allow_sendto},
		{SPECIAL_THREADS, filter_allow_threads}};

static const struct special *
special_find(const char *name)
{
	for (size_t i = 0; i < sizeof(specials) / sizeof(specials[0]); i++)
		if (!strcmp(name, specials[i].name))
			return &specials[i];
	return NULL;
}

static int
filter_allow(scmp_filter_ctx filter, const char *const *names)
{
	int err = 0;

	for (; !err && *names; names++) {
		const struct special *special = special_find(*names);
		int number;

		if (special) {
			err = special->allow(filter);
			continue;
		}
		number = seccomp_syscall_resolve_name(*names);
		if (number == __NR_SCMP_ERROR)
			return ERR_NOT_FOUND;
		/* Below zero: not on this architecture. */
		if (number >= 0)
			err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 0);
	}
	return err;
}

/*
 * Memory may be mapped but not executed; fcntl may copy and look, not change; sendmsg (channels)
 * may not connect; abort may signal its own process.
 */
static int
filter_allow_restricted(scmp_filter_ctx filter)
{
	static const int fcntl_commands[] = {F_DUPFD_CLOEXEC, F_GETFD, F_SETFD, F_GETFL};
	int err;

	err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
			       SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	if (!err)
		err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
				       SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	for (size_t i = 0; !err && i < sizeof(fcntl_commands) / sizeof(fcntl_commands[0]); i++)
		err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1,
				       SCMP_A1(SCMP_CMP_EQ, (scmp_datum_t)fcntl_commands[i]));
	if (!err)
		err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(sendmsg), 1,
				       SCMP_A2(SCMP_CMP_MASKED_EQ, MSG_FASTOPEN, 0));
	if (!err)
		err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
				       SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid()));
	return err;
}

static int
filter_enter(const struct rt_sandbox *sandbox)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int err;

	if (!filter)
		return ERR_NO_MEMORY;
	err = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
	if (!err)
		err = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	if (!err)
		err = filter_allow(filter, common_calls);
	if (!err)
		err = filter_allow_restricted(filter);
	if (!err && sandbox->system_calls)
		err = filter_allow(filter, sandbox->system_calls);
#ifdef FRANK_SANITIZED
	if (!err)
		err = filter_allow(filter, sanitizer_calls);
#endif
	if (!err)
		err = seccomp_load(filter);
	seccomp_release(filter);
	return err;
}

static int
filter_forbid(scmp_filter_ctx filter, const char *const *names)
{
	int err = 0;

	for (; !err && *names; names++) {
		int number = seccomp_syscall_resolve_name(*names);

		if (number == __NR_SCMP_ERROR)
			return ERR_NOT_FOUND;
		if (number >= 0)
			err = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), number, 0);
	}
	return err;
}

int
rt_sandbox_forbid(struct rt *rt, const char *const *system_calls)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int err;

	(void)rt;
	if (!filter)
		return ERR_NO_MEMORY;
	err = filter_forbid(filter, system_calls);
	if (!err && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		err = -errno;
	if (!err)
		err = seccomp_load(filter);
	seccomp_release(filter);
	return err;
}

static int
limits_bound(const struct rt_bounds *bounds)
{
	int err = limit_set(RLIMIT_CORE, 0);

	if (!err)
		err = limit_set(RLIMIT_FSIZE, bounds->file_bytes_max);
#ifndef FRANK_SANITIZED
	if (!err)
		err = limit_set_own(RLIMIT_AS, bounds->memory_bytes_max);
#endif
	if (!err)
		err = limit_set_own(RLIMIT_NOFILE, bounds->descriptors_max);
	return err;
}

int
rt_sandbox_bound(struct rt *rt, const struct rt_bounds *bounds)
{
	int err, landlock_err;

	ASSERT(rt->io.started == 0 && rt->work.started == 0);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	landlock_err = landlock_bound(bounds);
	if (landlock_err && landlock_err != ERR_UNSUPPORTED)
		return landlock_err;
	err = limits_bound(bounds);
	return err ? err : landlock_err;
}

int
rt_sandbox_enter(struct rt *rt, const struct rt_sandbox *sandbox)
{
	int err, landlock_err;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
#ifndef FRANK_SANITIZED /* the leak check reads its own process */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return -errno;
#endif
	ASSERT(rt->io.started == 0 && rt->work.started == 0);
	landlock_err = landlock_enter(sandbox);
	if (landlock_err && landlock_err != ERR_UNSUPPORTED)
		return landlock_err;
	err = rt_pools_start(rt);
	if (!err)
		err = limits_enter(sandbox);
	if (!err)
		err = filter_enter(sandbox);
	return err ? err : landlock_err;
}
