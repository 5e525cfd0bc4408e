/*
 * Children and signals. Between fork and exec only system calls happen; what fails there comes back
 * as an errno through a pipe that exec closes, so that rt_spawn answers the truth.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/close_range.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/builder.h"
#include "rt/rt_linux.h"

#define CHILD_ENV_MAX 32
#define CHILD_START_BYTES 40
#define CHILD_FIRST_FD 3
/* Above all numbers that the child gets, so that copies do not overwrite each other. */
#define CHILD_HIGH_FD 64
#define CHILD_FAILED_STATUS 127
#define CHILD_UMASK 077 /* a library's files are as private as ours */

/* What the child needs, prepared before fork. */
struct child {
	const struct rt_spawn *spawn;
	char *env[CHILD_ENV_MAX + 2];
	char start[CHILD_START_BYTES];
	int error_fd;
	pid_t parent;
};

static bool
env_is_kept(const char *entry)
{
#ifdef FRANK_SANITIZED
	if (!strncmp(entry, "ASAN_OPTIONS=", 13) || !strncmp(entry, "UBSAN_OPTIONS=", 14) ||
	    !strncmp(entry, "LSAN_OPTIONS=", 13) || !strncmp(entry, "TSAN_OPTIONS=", 13))
		return true;
#endif
	/* That one is for each child anew. */
	return !strncmp(entry, "FRANK_", 6) && strncmp(entry, "FRANK_KILL_START=", 17) != 0;
}

static void
env_fill(struct child *child)
{
	size_t count = 0;
	struct builder b;

	for (char **entry = environ; *entry && count < CHILD_ENV_MAX; entry++)
		if (env_is_kept(*entry))
			child->env[count++] = *entry;
	if (getenv("FRANK_KILL")) {
		builder_init_fixed(&b, child->start, sizeof(child->start));
		builder_str(&b, "FRANK_KILL_START=");
		builder_dec(&b, child->spawn->starts);
		builder_byte(&b, 0);
		ASSERT(!b.failed);
		child->env[count++] = child->start;
	}
	child->env[count] = NULL;
}

/* All system calls; answers an errno. */
static int
child_fds(const struct child *child, int *ret_program_fd)
{
	const struct rt_spawn *spawn = child->spawn;
	int high[RT_SPAWN_FDS_MAX], null, log, program;

	null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (null < 0)
		return errno;
	log = fcntl(spawn->log_fd, F_DUPFD_CLOEXEC, CHILD_HIGH_FD);
	if (log < 0)
		return errno;
	for (size_t i = 0; i < spawn->fd_count; i++) {
		high[i] = fcntl(spawn->fds[i], F_DUPFD_CLOEXEC, CHILD_HIGH_FD);
		if (high[i] < 0)
			return errno;
	}
	program = fcntl(spawn->program_fd, F_DUPFD_CLOEXEC, CHILD_HIGH_FD);
	if (program < 0 || dup2(null, 0) < 0 || dup2(log, 1) < 0 || dup2(log, 2) < 0)
		return errno;
	for (size_t i = 0; i < spawn->fd_count; i++)
		if (dup2(high[i], CHILD_FIRST_FD + (int)i) < 0)
			return errno;
	/* The error pipe and the program close by exec, as all the rest does. */
	if (syscall(SYS_close_range, CHILD_FIRST_FD + (unsigned)spawn->fd_count, ~0u,
		    CLOSE_RANGE_CLOEXEC) < 0)
		return errno;
	*ret_program_fd = program;
	return 0;
}

static int
child_uid(const struct rt_spawn *spawn)
{
	if (spawn->gid && (syscall(SYS_setgroups, 0, NULL) < 0 ||
			   syscall(SYS_setresgid, spawn->gid, spawn->gid, spawn->gid) < 0))
		return errno;
	if (spawn->uid && syscall(SYS_setresuid, spawn->uid, spawn->uid, spawn->uid) < 0)
		return errno;
	return 0;
}

/* The parent's own limits (rt_sandbox_bound) are not the child's. */
static int
child_limits(void)
{
	static const __rlimit_resource_t resources[] = {RLIMIT_AS, RLIMIT_NOFILE};
	struct rlimit limit;

	for (size_t i = 0; i < sizeof(resources) / sizeof(resources[0]); i++) {
		if (getrlimit(resources[i], &limit) < 0)
			return errno;
		limit.rlim_cur = limit.rlim_max;
		if (setrlimit(resources[i], &limit) < 0)
			return errno;
	}
	return 0;
}

/* Sent to a whole group (Ctrl-C, a terminal that goes, systemd's stop) these are for the parent: it
 * tells its children over their channels what to do, in order. */
static void
child_signals(void)
{
	static const int ignored[] = {SIGHUP, SIGINT, SIGTERM, SIGUSR1};
	sigset_t none;

	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		signal(ignored[i], SIG_IGN);
	signal(SIGPIPE, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

_Noreturn static void
child_run(const struct child *child)
{
	int program_fd = -1, error = child_fds(child, &program_fd);

	if (!error)
		error = child_uid(child->spawn);
	if (!error)
		error = child_limits();
	umask(CHILD_UMASK);
	child_signals();
	/* After the change of uid, which clears it; and the parent may be gone by now. */
	if (!error && prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		error = errno;
	if (!error && getppid() != child->parent)
		error = ESRCH;
	if (!error) {
		syscall(SYS_execveat, program_fd, "", child->spawn->argv, child->env,
			AT_EMPTY_PATH);
		error = errno;
	}
	if (write(child->error_fd, &error, sizeof(error)) < 0)
		_exit(CHILD_FAILED_STATUS + 1);
	_exit(CHILD_FAILED_STATUS);
}

int
rt_spawn(struct rt *rt, const struct rt_spawn *spawn, int *ret_pid)
{
	struct child child = {.spawn = spawn, .parent = getpid()};
	int pipe_fds[2], error = 0;
	ssize_t got;
	pid_t pid;

	rt_operation(rt, RT_OPERATION_SPAWN, spawn->argv[0]);
	ASSERT(spawn->fd_count <= RT_SPAWN_FDS_MAX);
	env_fill(&child);
	if (pipe2(pipe_fds, O_CLOEXEC) < 0)
		return -errno;
	/* Out of the way of the numbers that the child gives out. */
	child.error_fd = fcntl(pipe_fds[1], F_DUPFD_CLOEXEC, CHILD_HIGH_FD);
	if (child.error_fd < 0)
		error = errno;
	close(pipe_fds[1]);
	if (error) {
		close(pipe_fds[0]);
		return -error;
	}
	pid = fork();
	if (pid == 0)
		child_run(&child);
	error = pid < 0 ? errno : 0;
	close(child.error_fd);
	if (pid > 0) {
		do
			got = read(pipe_fds[0], &error, sizeof(error));
		while (got < 0 && errno == EINTR);
		if (got == sizeof(error))
			(void)waitpid(pid, NULL, 0);
		else
			error = 0;
	}
	close(pipe_fds[0]);
	if (error)
		return -error;
	*ret_pid = pid;
	return 0;
}

int
rt_open_program(struct rt *rt, int dir_fd, const char *name, int *ret_fd)
{
	int fd;

	(void)rt;
	if (!*name || (dir_fd >= 0 && strchr(name, '/')))
		return -EINVAL;
	fd = openat(dir_fd, name, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	*ret_fd = fd;
	return 0;
}

static void
on_signal(evutil_socket_t number, short what, void *arg)
{
	struct rt_signal *signal = arg;

	(void)what;
	rt_turn_enter(signal->rt);
	signal->fn(signal->ctx, (int)number);
}

int
rt_on_signal(struct rt *rt, int signal_number, rt_signal_fn *fn, void *ctx)
{
	struct rt_signal *signal;

	if (rt->signal_count == RT_SIGNALS_MAX)
		return ERR_LIMIT;
	signal = &rt->signals[rt->signal_count];
	signal->rt = rt;
	signal->fn = fn;
	signal->ctx = ctx;
	if (event_assign(&signal->event, rt->base, signal_number, EV_SIGNAL | EV_PERSIST, on_signal,
			 signal) ||
	    event_add(&signal->event, NULL))
		return ERR_NO_MEMORY;
	rt->signal_count++;
	return 0;
}

void
rt_signals_finish(struct rt *rt)
{
	for (size_t i = 0; i < rt->signal_count; i++)
		event_del(&rt->signals[i].event);
	rt->signal_count = 0;
}

static void
on_sigchld(void *ctx, int number)
{
	struct rt *rt = ctx;
	int status;
	pid_t pid;

	(void)number;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		rt->child_fn(rt->child_ctx, pid, status);
}

void
rt_on_child(struct rt *rt, rt_child_fn *fn, void *ctx)
{
	bool first = !rt->child_fn;
	int err;

	rt->child_fn = fn;
	rt->child_ctx = ctx;
	if (!first)
		return;
	err = rt_on_signal(rt, SIGCHLD, on_sigchld, rt);
	ASSERT(!err);
}

void
rt_kill(struct rt *rt, int pid, int signal_number)
{
	(void)rt;
	ASSERT(pid > 0);
	(void)kill(pid, signal_number);
}

int
rt_account(struct rt *rt, const char *name, unsigned *ret_uid, unsigned *ret_gid)
{
	const struct passwd *account = getpwnam(name);

	(void)rt;
	if (!account)
		return ERR_NOT_FOUND;
	*ret_uid = account->pw_uid;
	*ret_gid = account->pw_gid;
	return 0;
}

int
rt_own(struct rt *rt, int fd, unsigned uid, unsigned gid)
{
	(void)rt;
	return fchown(fd, uid, gid) < 0 ? -errno : 0;
}

unsigned
rt_uid(const struct rt *rt)
{
	(void)rt;
	return getuid();
}

int
rt_pid(const struct rt *rt)
{
	(void)rt;
	return getpid();
}

int
rt_exec(struct rt *rt, const char *path, const char *const *words)
{
	(void)rt;
	execv(path, (char *const *)(uintptr_t)words);
	return -errno;
}

int
rt_program_folder(struct rt *rt, enum rt_program_as as, char *buf, size_t size)
{
	/* What exec was given: the shell has found the name in PATH already. */
	const char *path = (const char *)(uintptr_t)getauxval(AT_EXECFN), *slash;
	char resolved[PATH_MAX];
	struct builder b;

	(void)rt;
	if (as == RT_PROGRAM_RESOLVED) {
		ssize_t len = readlink("/proc/self/exe", resolved, sizeof(resolved) - 1);

		if (len < 0)
			return -errno;
		resolved[len] = 0;
		path = resolved;
	}
	if (!path)
		return ERR_NOT_FOUND;
	slash = strrchr(path, '/');
	builder_init_fixed(&b, buf, size);
	builder_add(&b, !slash		? SLICE(".")
			: slash == path ? SLICE("/")
					: slice_of(path, (size_t)(slash - path)));
	builder_byte(&b, 0);
	return b.failed ? ERR_LIMIT : 0;
}
