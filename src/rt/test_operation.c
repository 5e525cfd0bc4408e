/* FRANK_KILL: a process dies right before the operation that it names, in each of its lives. */
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "rt/test_rt.h"

struct life {
	const char *kill, *start;
	int folders; /* made before it died */
	bool dies;
};

/* Makes three folders below dir_fd as the process queue-2: three operations. */
_Noreturn static void
child(int dir_fd, const struct life *life)
{
	static const char *const names[] = {"a", "b", "c"};
	struct rt_options options = {.process = "queue-2"};
	struct rt *rt;

	setenv("FRANK_KILL", life->kill, 1);
	setenv("FRANK_KILL_START", life->start, 1);
	if (rt_create(&options, &rt))
		_exit(1);
	for (size_t i = 0; i < 3; i++)
		if (rt_mkdir(rt, dir_fd, names[i]))
			_exit(2);
	_exit(0);
}

static void
live(const struct life *life)
{
	struct test_rt t;
	int status = 0, made = 0;
	pid_t pid;

	test_rt_begin(&t);
	test_rt_folder(&t);
	pid = fork();
	if (pid == 0)
		child(t.dir_fd, life);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WIFSIGNALED(status), life->dies);
	assert_int_equal(life->dies ? WTERMSIG(status) : status, life->dies ? SIGKILL : 0);
	made += faccessat(t.dir_fd, "a", F_OK, 0) == 0;
	made += faccessat(t.dir_fd, "b", F_OK, 0) == 0;
	made += faccessat(t.dir_fd, "c", F_OK, 0) == 0;
	assert_int_equal(made, life->folders);
	test_rt_end(&t);
}

TEST(dies_where_told)
{
	static const struct life lives[] = {
		{"queue-2:1", "0", 0, true},	  {"queue-2:3", "0", 2, true},
		{"queue-2:4", "0", 3, false},	  {"queue-2:2,3,9", "1", 2, true},
		{"queue-2:2,3,9", "2", 3, false}, {"queue-2:2", "1", 3, false},
		{"queue:1", "0", 3, false},	  {"queue-20:1", "0", 3, false},
		{"queue-2", "0", 3, false},	  {"queue-2:x", "0", 3, false},
		{"queue-2:0", "0", 3, false},	  {"", "0", 3, false},
	};

	for (size_t i = 0; i < sizeof(lives) / sizeof(lives[0]); i++)
		live(&lives[i]);
}

TEST(a_write_can_be_torn)
{
	static const char *const kills[] = {"me:2", "me:3"};
	static const size_t sizes[] = {0, 4};
	struct rt_options options = {.process = "me"};

	for (size_t i = 0; i < 2; i++) {
		struct rt_stat stat;
		struct test_rt t;
		int fd, status;
		pid_t pid;

		test_rt_begin(&t);
		test_rt_folder(&t);
		setenv("FRANK_KILL", kills[i], 1);
		pid = fork();
		if (pid == 0) {
			struct rt *rt;

			if (!rt_create(&options, &rt) &&
			    !rt_open(rt, t.dir_fd, "f", RT_OPEN_WRITE | RT_OPEN_CREATE, &fd) &&
			    !rt_write(rt, fd, SLICE("12345678")))
				_exit(0);
			_exit(1);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status));
		assert_int_equal(rt_open(t.rt, t.dir_fd, "f", RT_OPEN_READ, &fd), 0);
		assert_int_equal(rt_stat_fd(t.rt, fd, &stat), 0);
		assert_int_equal(stat.size_bytes, sizes[i]);
		rt_close(t.rt, fd);
		test_rt_end(&t);
	}
	unsetenv("FRANK_KILL");
}

TESTS(TEST_ROW(dies_where_told), TEST_ROW(a_write_can_be_torn))
