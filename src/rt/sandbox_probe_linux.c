/*
 * What a process that was taken over would try, as a table: a name and a function that answers an
 * errno (0: it worked). Raw system calls where the C library would do something else. Each try that
 * works changes the process, so the most harmful come last.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rt/rt_linux.h"
#include "rt/sandbox.h"

#define FILE_MODE 0600
#define PAGE_BYTES 4096
/* Beyond every row. */
#define MUCH_BYTES ((off_t)64 << 30)
#define MANY_DESCRIPTORS 60000

struct rt_sandbox_probe {
	int inside_fd, outside_fd; /* directories */
	int file_fd;		   /* of inside, open to append */
	int tcp_fd;
};

static int
answer(long result)
{
	return result < 0 ? errno : 0;
}

static int
try_open_read(struct rt_sandbox_probe *p)
{
	(void)p;
	return answer(open("/etc/passwd", O_RDONLY | O_CLOEXEC));
}

static int
try_open_proc(struct rt_sandbox_probe *p)
{
	(void)p;
	return answer(open("/proc/self/mem", O_RDWR | O_CLOEXEC));
}

static int
try_create_inside(struct rt_sandbox_probe *p)
{
	return answer(openat(p->inside_fd, "made", O_WRONLY | O_CREAT | O_CLOEXEC, FILE_MODE));
}

static int
try_create_outside(struct rt_sandbox_probe *p)
{
	return answer(openat(p->outside_fd, "made", O_WRONLY | O_CREAT | O_CLOEXEC, FILE_MODE));
}

static int
try_climb_out(struct rt_sandbox_probe *p)
{
	return answer(
		openat(p->inside_fd, "../climbed", O_WRONLY | O_CREAT | O_CLOEXEC, FILE_MODE));
}

static int
try_rename_out(struct rt_sandbox_probe *p)
{
	return answer(renameat(p->inside_fd, "file", p->outside_fd, "taken"));
}

static int
try_unlink_outside(struct rt_sandbox_probe *p)
{
	return answer(unlinkat(p->outside_fd, "keep", 0));
}

static int
try_list_root(struct rt_sandbox_probe *p)
{
	(void)p;
	return answer(open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

static int
try_truncate(struct rt_sandbox_probe *p)
{
	return answer(ftruncate(p->file_fd, 0));
}

static int
try_fallocate(struct rt_sandbox_probe *p)
{
	return answer(fallocate(p->file_fd, 0, 0, PAGE_BYTES));
}

static int
try_drop_append(struct rt_sandbox_probe *p)
{
	return answer(fcntl(p->file_fd, F_SETFL, 0));
}

static int
try_unlock(struct rt_sandbox_probe *p)
{
	return answer(flock(p->file_fd, LOCK_UN));
}

static int
try_link(struct rt_sandbox_probe *p)
{
	return answer(linkat(p->inside_fd, "file", p->inside_fd, "linked", 0));
}

static int
try_chmod_open(struct rt_sandbox_probe *p)
{
	return answer(fchmod(p->file_fd, FILE_MODE));
}

static int
try_pwrite(struct rt_sandbox_probe *p)
{
	return answer(pwrite(p->file_fd, "x", 1, 0));
}

static int
try_sync(struct rt_sandbox_probe *p)
{
	return answer(fdatasync(p->file_fd));
}

static int
try_accept(struct rt_sandbox_probe *p)
{
	int error = answer(accept4(p->tcp_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC));

	return error == EINVAL || error == EAGAIN ? 0 : error; /* it does not listen */
}

static int
try_socket(struct rt_sandbox_probe *p)
{
	(void)p;
	return answer(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

static int
try_socket_unix(struct rt_sandbox_probe *p)
{
	(void)p;
	return answer(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

static int
try_socket_netlink(struct rt_sandbox_probe *p)
{
	(void)p;
	return answer(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0));
}

static int
try_connect(struct rt_sandbox_probe *p)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9)};
	int error;

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	error = answer(connect(p->tcp_fd, (struct sockaddr *)&to, sizeof(to)));
	return error == ECONNREFUSED || error == EINPROGRESS ? 0 : error;
}

/* A listener becomes a socket that sends and connects at once. */
static int
try_connect_sendto(struct rt_sandbox_probe *p)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9)};
	long sent = sendto(p->tcp_fd, "x", 1, MSG_FASTOPEN | MSG_DONTWAIT | MSG_NOSIGNAL,
			   (struct sockaddr *)&to, sizeof(to));

	return sent < 0 && errno == EPERM ? EPERM : 0;
}

static int
try_connect_sendmsg(struct rt_sandbox_probe *p)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9)};
	struct iovec bytes = {(char[]){'x'}, 1};
	struct msghdr message = {
		.msg_name = &to, .msg_namelen = sizeof(to), .msg_iov = &bytes, .msg_iovlen = 1};
	long sent = sendmsg(p->tcp_fd, &message, MSG_FASTOPEN | MSG_DONTWAIT | MSG_NOSIGNAL);

	return sent < 0 && errno == EPERM ? EPERM : 0;
}

static int
try_listen(struct rt_sandbox_probe *p)
{
	return answer(listen(p->tcp_fd, 1));
}

static int
try_map_executable(struct rt_sandbox_probe *p)
{
	void *page = mmap(NULL, PAGE_BYTES, PROT_READ | PROT_WRITE | PROT_EXEC,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)p;
	return page == MAP_FAILED ? errno : 0;
}

static int
try_make_executable(struct rt_sandbox_probe *p)
{
	void *page =
		mmap(NULL, PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)p;
	if (page == MAP_FAILED)
		return 0;
	return answer(mprotect(page, PAGE_BYTES, PROT_READ | PROT_EXEC));
}

static int
try_ptrace(struct rt_sandbox_probe *p)
{
	(void)p;
	return answer(ptrace(PTRACE_ATTACH, getppid(), NULL, NULL));
}

static int
try_read_other(struct rt_sandbox_probe *p)
{
	char byte;
	struct iovec here = {&byte, 1}, there = {p, 1};

	return answer(process_vm_readv(getppid(), &here, 1, &there, 1, 0));
}

static int
try_signal_other(struct rt_sandbox_probe *p)
{
	(void)p;
	return answer(syscall(SYS_kill, getppid(), 0));
}

static int
try_signal_thread(struct rt_sandbox_probe *p)
{
	(void)p;
	return answer(syscall(SYS_tgkill, getppid(), getppid(), 0));
}

static int
try_dumpable(struct rt_sandbox_probe *p)
{
	(void)p;
	return answer(syscall(SYS_prctl, 4 /* PR_SET_DUMPABLE */, 1, 0, 0, 0));
}

static int
try_raise_limit(struct rt_sandbox_probe *p)
{
	(void)p;
	return answer(syscall(SYS_prlimit64, 0, 7 /* RLIMIT_NOFILE */, NULL, NULL));
}

static int
try_much_memory(struct rt_sandbox_probe *p)
{
	void *pages = mmap(NULL, (size_t)MUCH_BYTES, PROT_READ,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	(void)p;
	return pages == MAP_FAILED ? errno : 0;
}

static int
try_many_descriptors(struct rt_sandbox_probe *p)
{
	return answer(fcntl(p->file_fd, F_DUPFD_CLOEXEC, MANY_DESCRIPTORS));
}

static int
try_large_file(struct rt_sandbox_probe *p)
{
	return answer(ftruncate(p->file_fd, MUCH_BYTES));
}

static int
try_setuid(struct rt_sandbox_probe *p)
{
	(void)p;
	return answer(syscall(SYS_setuid, getuid()));
}

static int
try_chmod(struct rt_sandbox_probe *p)
{
	return answer(fchmodat(p->outside_fd, "keep", 0777, 0));
}

static int
try_mount(struct rt_sandbox_probe *p)
{
	(void)p;
	return answer(mount("none", "/tmp", "tmpfs", MS_REMOUNT | MS_BIND, NULL));
}

static int
try_unshare(struct rt_sandbox_probe *p)
{
	(void)p;
	return answer(unshare(CLONE_NEWUSER));
}

static int
try_fork(struct rt_sandbox_probe *p)
{
	long pid = syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);

	(void)p;
	if (pid == 0)
		_exit(0);
	return answer(pid);
}

static int
try_exec(struct rt_sandbox_probe *p)
{
	char name[] = "true";
	char *const argv[] = {name, NULL};

	(void)p;
	/* When it works nothing more is printed, and a test sees that. */
	return answer(execve("/bin/true", argv, argv + 1));
}

static const struct {
	const char *name;
	int (*try)(struct rt_sandbox_probe *probe);
} tries[] = {
	{"open-read", try_open_read},
	{"open-proc", try_open_proc},
	{"list-root", try_list_root},
	{"create-inside", try_create_inside},
	{"create-outside", try_create_outside},
	{"climb-out", try_climb_out},
	{"rename-out", try_rename_out},
	{"unlink-outside", try_unlink_outside},
	{"chmod", try_chmod},
	{"truncate", try_truncate},
	{"fallocate", try_fallocate},
	{"drop-append", try_drop_append},
	{"unlock", try_unlock},
	{"link", try_link},
	{"chmod-open", try_chmod_open},
	{"pwrite", try_pwrite},
	{"sync", try_sync},
	{"accept", try_accept},
	{"socket", try_socket},
	{"socket-unix", try_socket_unix},
	{"socket-netlink", try_socket_netlink},
	{"connect", try_connect},
	{"connect-sendto", try_connect_sendto},
	{"connect-sendmsg", try_connect_sendmsg},
	{"listen", try_listen},
	{"map-executable", try_map_executable},
	{"make-executable", try_make_executable},
	{"ptrace", try_ptrace},
	{"read-other", try_read_other},
	{"signal-other", try_signal_other},
	{"signal-thread", try_signal_thread},
	{"dumpable", try_dumpable},
	{"limits", try_raise_limit},
	{"much-memory", try_much_memory},
	{"many-descriptors", try_many_descriptors},
	{"large-file", try_large_file},
	{"setuid", try_setuid},
	{"mount", try_mount},
	{"unshare", try_unshare},
	{"fork", try_fork},
	{"exec", try_exec},
};

int
rt_sandbox_probe_create(struct rt *rt, int inside_dir_fd, int outside_dir_fd,
			struct rt_sandbox_probe **ret_probe)
{
	struct rt_sandbox_probe *probe = MEM_NEW(&rt->mem, struct rt_sandbox_probe);
	int keep_fd;

	if (!probe)
		return ERR_NO_MEMORY;
	probe->inside_fd = inside_dir_fd;
	probe->outside_fd = outside_dir_fd;
	probe->file_fd =
		openat(inside_dir_fd, "file", O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, FILE_MODE);
	probe->tcp_fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	keep_fd = openat(outside_dir_fd, "keep", O_WRONLY | O_CREAT | O_CLOEXEC, FILE_MODE);
	if (probe->file_fd < 0 || probe->tcp_fd < 0 || keep_fd < 0)
		return -errno;
	close(keep_fd);
	*ret_probe = probe;
	return 0;
}

void
rt_sandbox_probe_run(struct rt_sandbox_probe *probe, rt_sandbox_probe_fn *fn, void *ctx)
{
	for (size_t i = 0; i < sizeof(tries) / sizeof(tries[0]); i++) {
		int error = tries[i].try(probe);

		fn(ctx, tries[i].name, error != 0);
	}
}

static int
change_add(int dir)
{
	return answer(openat(dir, "added", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, FILE_MODE));
}

static int
change_write(int dir)
{
	return answer(openat(dir, "old", O_WRONLY | O_APPEND | O_CLOEXEC));
}

static int
change_cut(int dir)
{
	return answer(openat(dir, "old", O_WRONLY | O_TRUNC | O_CLOEXEC));
}

static int
change_rename(int dir)
{
	return answer(renameat(dir, "old", dir, "older"));
}

static int
change_remove(int dir)
{
	return answer(unlinkat(dir, "aged", 0));
}

static int
change_move(int dir)
{
	return answer(renameat(dir, "moved", dir, "deep/moved"));
}

static int
change_make_folder(int dir)
{
	return answer(mkdirat(dir, "full", 0700));
}

static int
change_remove_folder(int dir)
{
	return answer(unlinkat(dir, "empty", AT_REMOVEDIR));
}

static int
change_make_socket(int dir)
{
	return answer(mknodat(dir, "socket", S_IFSOCK | FILE_MODE, 0));
}

static int
change_make_fifo(int dir)
{
	return answer(mknodat(dir, "fifo", S_IFIFO | FILE_MODE, 0));
}

static int
change_make_link(int dir)
{
	return answer(symlinkat("/etc", dir, "link"));
}

/* /dev/null by another name. */
static int
change_make_device(int dir)
{
	return answer(mknodat(dir, "device", S_IFCHR | FILE_MODE, makedev(1, 3)));
}

static const struct {
	const char *name;
	int (*try)(int dir_fd);
} changes[] = {
	{"add", change_add},
	{"write", change_write},
	{"cut", change_cut},
	{"rename", change_rename},
	{"remove", change_remove},
	{"move", change_move},
	{"make-folder", change_make_folder},
	{"remove-folder", change_remove_folder},
	{"make-socket", change_make_socket},
	{"make-fifo", change_make_fifo},
	{"make-link", change_make_link},
	{"make-device", change_make_device},
};

void
rt_sandbox_probe_changes(int dir_fd, rt_sandbox_probe_fn *fn, void *ctx)
{
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		int error = changes[i].try(dir_fd);

		fn(ctx, changes[i].name, error != 0);
	}
}
