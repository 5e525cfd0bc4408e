/* Children get exactly the descriptors and the environment that they should, and their end is told.
 */
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>

#include "rt/process.h"
#include "rt/sandbox.h"
#include "rt/test_rt.h"

struct children {
	struct test_rt t;
	int pid, status;
};

static void
on_child(void *ctx, int pid, int status)
{
	struct children *c = ctx;

	c->pid = pid;
	c->status = status;
	rt_stop(c->t.rt);
}

static int
spawn(struct children *c, const char *program, const char *const *argv, const int fds[2])
{
	struct rt_spawn spawn = {.argv = argv, .fds = fds, .fd_count = 2, .log_fd = 2};
	int pid = -1;

	assert_int_equal(rt_open_program(c->t.rt, RT_AT_PATH, program, &spawn.program_fd), 0);
	assert_int_equal(rt_spawn(c->t.rt, &spawn, &pid), 0);
	rt_close(c->t.rt, spawn.program_fd);
	return pid;
}

TEST(a_child_gets_what_it_should)
{
	/* Number 3 takes the answer, number 4 is there, 5 and more are not. */
	static const char script[] =
		"test -e /proc/self/fd/4 && for i in 5 6 7 8 9 64 65 66 67; do "
		"test -e /proc/self/fd/$i && exit 9; done; "
		"printf '%s %s' \"$FRANK_X\" \"$SECRET\" >&3; exit 7";
	static const char *const argv[] = {"sh", "-c", script, NULL};
	struct children c = {0};
	struct slice all;
	int fds[2], pid;

	test_rt_begin(&c.t);
	test_rt_folder(&c.t);
	rt_on_child(c.t.rt, on_child, &c);
	assert_int_equal(rt_open(c.t.rt, c.t.dir_fd, "out",
				 RT_OPEN_READ | RT_OPEN_WRITE | RT_OPEN_CREATE, &fds[0]),
			 0);
	assert_int_equal(rt_dup(c.t.rt, fds[0], &fds[1]), 0);
	setenv("FRANK_X", "seen", 1);
	setenv("SECRET", "hidden", 1);
	pid = spawn(&c, "/bin/sh", argv, fds);
	test_rt_run(&c.t);
	assert_int_equal(c.pid, pid);
	assert_true(WIFEXITED(c.status));
	assert_int_equal(WEXITSTATUS(c.status), 7);
	assert_int_equal(rt_read_all(c.t.rt, fds[0], 100, &all), 0);
	assert_slice_str(all, "seen ");
	mem_give(rt_mem(c.t.rt), (void *)(uintptr_t)all.data, all.len);
	rt_close(c.t.rt, fds[0]);
	rt_close(c.t.rt, fds[1]);
	test_rt_end(&c.t);
}

TEST(a_child_can_be_killed)
{
	static const char *const argv[] = {"sleep", "600", NULL};
	static const int fds[2] = {0, 1};
	struct children c = {0};
	int pid;

	test_rt_begin(&c.t);
	rt_on_child(c.t.rt, on_child, &c);
	pid = spawn(&c, "/bin/sleep", argv, fds);
	rt_kill(c.t.rt, pid, SIGKILL);
	test_rt_run(&c.t);
	assert_true(WIFSIGNALED(c.status));
	assert_int_equal(WTERMSIG(c.status), SIGKILL);
	test_rt_end(&c.t);
}

TEST(what_cannot_run_is_told)
{
	static const char *const argv[] = {"x", NULL};
	struct children c = {0};
	struct rt_spawn spawn = {.argv = argv, .log_fd = 2};
	int pid = -1;

	test_rt_begin(&c.t);
	assert_int_equal(rt_open_program(c.t.rt, RT_AT_PATH, "/etc/passwd", &spawn.program_fd), 0);
	assert_int_equal(rt_spawn(c.t.rt, &spawn, &pid), -EACCES);
	assert_int_equal(pid, -1);
	rt_close(c.t.rt, spawn.program_fd);
	test_rt_end(&c.t);
}

struct signals {
	struct test_rt t;
	struct rt_timer timer;
	int got;
};

static void
on_signal(void *ctx, int number)
{
	struct signals *s = ctx;

	s->got = number;
	rt_stop(s->t.rt);
}

static void
raise_hup(void *ctx)
{
	struct signals *s = ctx;

	rt_kill(s->t.rt, rt_pid(s->t.rt), SIGHUP);
}

TEST(signals_come_as_callbacks)
{
	struct signals s = {0};

	test_rt_begin(&s.t);
	assert_int_equal(rt_on_signal(s.t.rt, SIGHUP, on_signal, &s), 0);
	rt_timer_init(&s.timer, s.t.rt, raise_hup, &s);
	rt_timer_arm(&s.timer, 1);
	test_rt_run(&s.t);
	assert_int_equal(s.got, SIGHUP);
	rt_timer_finish(&s.timer);
	test_rt_end(&s.t);
}

/* What is forbidden is refused here and in what is started; all else goes on. */
TEST(forbidden_calls)
{
	static const char *const names[] = {"unshare", "sethostname", NULL};
	struct test_rt t;
	int status = 0;
	pid_t pid;

	test_rt_begin(&t);
	pid = fork();
	if (pid == 0) {
		int err = rt_sandbox_forbid(t.rt, names);

		if (err || unshare(0) == 0 || errno != EPERM)
			_exit(1);
		pid = fork();
		if (pid == 0)
			_exit(unshare(0) < 0 && errno == EPERM ? 7 : 2);
		(void)waitpid(pid, &status, 0);
		_exit(WEXITSTATUS(status));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WEXITSTATUS(status), 7);
	test_rt_end(&t);
}

/* Answers a number that says which of them was wrong; 0: all is as it should be. */
static int
bounds_try(struct test_rt *t, int adding_fd, int fd)
{
	const unsigned make = RT_OPEN_WRITE | RT_OPEN_CREATE;

	if (rt_open(t->rt, t->dir_fd, "free", make, &fd) != -EACCES ||
	    rt_unlink(t->rt, t->dir_fd, "there") != -EACCES)
		return 1;
	if (rt_open(t->rt, t->dir_fd, "there", RT_OPEN_READ, &fd))
		return 2;
	if (rt_open(t->rt, adding_fd, "new", make, &fd) ||
	    rt_open(t->rt, adding_fd, "new", make | RT_OPEN_APPEND, &fd))
		return 3;
	return rt_unlink(t->rt, adding_fd, "new") == -EACCES ? 0 : 4;
}

/* As super: what it starts is not beneath its own limit of descriptors. */
static int
bounds_spawn(struct test_rt *t)
{
	static const char *const argv[] = {"sh", "-c", "test \"$(ulimit -n)\" -gt 80", NULL};
	struct rt_spawn spawn = {.argv = argv, .log_fd = 2};
	int pid = -1, status = -1, err;

	err = rt_open_program(t->rt, RT_AT_PATH, "/bin/sh", &spawn.program_fd);
	if (!err)
		err = rt_spawn(t->rt, &spawn, &pid);
	if (err || waitpid(pid, &status, 0) != pid)
		return 5;
	return status ? 6 : 0;
}

/* Places are where something can be changed, for what is started, too; limits are the caller's. */
TEST(bounds)
{
	struct test_rt t;
	struct rt_place place = {-1, RT_MAY_ADD};
	struct rt_bounds bounds = {.places = &place,
				   .place_count = 1,
				   .file_bytes_max = 1 << 20,
				   .memory_bytes_max = (uint64_t)1 << 30,
				   .descriptors_max = 80};
	int fd, status = 0;
	pid_t pid;

	test_rt_begin(&t);
	test_rt_folder(&t);
	assert_int_equal(rt_open_dir(t.rt, t.dir_fd, "adding", true, &place.dir_fd), 0);
	assert_int_equal(rt_open(t.rt, t.dir_fd, "there", RT_OPEN_WRITE | RT_OPEN_CREATE, &fd), 0);
	pid = fork();
	if (pid == 0) {
		int err = rt_sandbox_bound(t.rt, &bounds);

		if (err)
			_exit(err == ERR_UNSUPPORTED ? 0 : 9);
		pid = fork();
		if (pid == 0)
			_exit(bounds_try(&t, place.dir_fd, -1));
		(void)waitpid(pid, &status, 0);
		_exit(status ? WEXITSTATUS(status) : bounds_spawn(&t));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	(void)unlinkat(place.dir_fd, "new", 0); /* not there without Landlock */
	rt_close(t.rt, fd);
	rt_close(t.rt, place.dir_fd);
	test_rt_end(&t);
}

TESTS(TEST_ROW(bounds), TEST_ROW(a_child_gets_what_it_should), TEST_ROW(forbidden_calls),
      TEST_ROW(a_child_can_be_killed), TEST_ROW(what_cannot_run_is_told),
      TEST_ROW(signals_come_as_callbacks))
