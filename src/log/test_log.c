/* Log lines: their form, hostile values, cuts, levels, and what happens when nobody reads. */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/assert.h"
#include "log/recent.h"
#include "rt/process.h"
#include "rt/test_rt.h"

struct log_test {
	struct test_rt t;
	struct log *log;
	int fds[2];
	char got[65536];
};

static void
log_test_begin(struct log_test *l)
{
	test_rt_begin(&l->t);
	assert_int_equal(pipe2(l->fds, O_CLOEXEC | O_NONBLOCK), 0);
	assert_int_equal(log_create(l->t.rt, "smtpin-2", l->fds[1], &l->log), 0);
}

static struct slice
log_test_read(struct log_test *l)
{
	ssize_t got = read(l->fds[0], l->got, sizeof(l->got));

	return slice_of(l->got, got > 0 ? (size_t)got : 0);
}

static void
log_test_end(struct log_test *l)
{
	log_destroy(&l->log);
	close(l->fds[0]);
	close(l->fds[1]);
	test_rt_end(&l->t);
}

TEST(a_line_has_its_form)
{
	struct log_test l;
	struct log_line line;
	struct net_addr addr;
	struct slice got, rest;

	log_test_begin(&l);
	assert_int_equal(net_addr_parse_port(slice_str("[2001:db8::1]:25"), &addr), 0);
	log_begin(&line, l.log, EVENT_start);
	log_text(&line, "name", slice_str("plain"));
	log_text(&line, "hostile", slice_str("a\" level=x\r\n2020 error"));
	log_number(&line, "n", -5);
	log_msg(&line, 1);
	log_addr(&line, "client", &addr);
	log_err(&line, -ENOENT);
	log_end(&line);
	got = log_test_read(&l);
	rest = slice_from(got, slice_find(got, slice_str("Z ")));
	assert_slice_str(slice_sub(got, 10, 1), "T");
	assert_slice_str(rest, "Z info smtpin-2 start name=plain hostile=\"a\\\" level=x\\r\\n2020 "
			       "error\" n=-5 msg=0000000000001 client=[2001:db8::1]:25 "
			       "err=\"system error\" errno=2\n");
	log_test_end(&l);
}

TEST(the_date_is_right)
{
	static const struct {
		int64_t offset_ms;
		const char *want;
	} rows[] = {
		{0, "1970-01-01T"},
		{(int64_t)951782400 * 1000, "2000-02-29T"},
		{(int64_t)1767225599 * 1000, "2025-12-31T"},
		{(int64_t)4102444800 * 1000, "2100-01-01T"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rt_options options = {0};
		struct log_line line;
		struct log *log;
		struct rt *rt;

		assert_int_equal(rt_create(&options, &rt), 0);
		options.wall_offset_ms = rows[i].offset_ms - rt_wall_ms(rt);
		rt_destroy(&rt);
		assert_int_equal(rt_create(&options, &rt), 0);
		assert_int_equal(log_create(rt, "x", 2, &log), 0);
		log_begin(&line, log, EVENT_start);
		assert_slice_str(slice_sub(builder_slice(&line.b), 0, 11), rows[i].want);
		log_destroy(&log);
		rt_destroy(&rt);
	}
}

TEST(too_long_is_cut_by_fields)
{
	static char big[5000];
	struct log_test l;
	struct log_line line;
	struct slice got;

	memset(big, '"', sizeof(big));
	log_test_begin(&l);
	log_begin(&line, l.log, EVENT_start);
	for (int i = 0; i < 10; i++)
		log_text(&line, "value", slice_of(big, sizeof(big)));
	log_number(&line, "after", 1);
	log_end(&line);
	got = log_test_read(&l);
	assert_true(got.len <= LOG_LINE_MAX);
	assert_true(got.len > LOG_LINE_MAX / 2);
	assert_slice_str(slice_from(got, got.len - 10), "\" cut=yes\n");
	assert_int_equal(slice_index(got, '\n'), got.len - 1);
	assert_int_equal(slice_find(got, slice_str("after")), got.len);
	log_test_end(&l);
}

TEST(levels_filter)
{
	struct log_test l;
	struct log_line line;

	log_test_begin(&l);
	log_set_level(l.log, LOG_WARN);
	log_begin(&line, l.log, EVENT_start);
	log_text(&line, "name", slice_str("x"));
	log_end(&line);
	assert_int_equal(log_test_read(&l).len, 0);
	assert_int_equal(log_lost(l.log), 0);
	log_test_end(&l);
}

/* Errors alone, and no longer than is wanted. The pipe that is read is the echo. */
TEST(errors_are_echoed)
{
	static const struct {
		enum log_event event;
		bool echo, want;
	} rows[] = {{EVENT_super_failed, true, true},
		    {EVENT_start, true, false},
		    {EVENT_super_failed, false, false}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct log_test l;
		struct log_line line;
		int other[2];

		log_test_begin(&l);
		assert_int_equal(pipe2(other, O_CLOEXEC | O_NONBLOCK), 0);
		log_set_fd(l.log, other[1]);
		log_set_echo(l.log, rows[i].echo ? l.fds[1] : -1);
		log_begin(&line, l.log, rows[i].event);
		log_end(&line);
		assert_int_equal(log_test_read(&l).len > 0, rows[i].want);
		close(other[0]);
		close(other[1]);
		log_test_end(&l);
	}
}

TEST(lost_lines_are_counted_and_told)
{
	struct log_test l;
	struct log_line line;
	struct slice got;
	uint64_t lost;

	log_test_begin(&l);
	for (int i = 0; i < 10000; i++) {
		log_begin(&line, l.log, EVENT_start);
		log_end(&line);
	}
	lost = log_lost(l.log);
	assert_in_range(lost, 1, 9999);
	while (log_test_read(&l).len)
		;
	log_begin(&line, l.log, EVENT_stop);
	log_end(&line);
	got = log_test_read(&l);
	assert_true(slice_find(got, slice_str(" warn smtpin-2 log_lost count=")) < got.len);
	assert_true(slice_find(got, slice_str(" stop\n")) < got.len);
	assert_int_equal(log_lost(l.log), lost);
	log_test_end(&l);
}

/* A child that crashes in that way; what it wrote to its log comes back, of at most 64 events. */
static struct slice
crash_lines(struct log_test *l, void (*end)(void), int *ret_signal)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		struct log_line line;

		rt_on_crash(l->t.rt, log_crash, l->log);
		close(STDERR_FILENO);
		for (int i = 1; i <= 70; i++) {
			log_begin(&line, l->log, EVENT_smtpin_close); /* of a level unwanted */
			log_msg(&line, (msg_id)i);
			log_end(&line);
		}
		log_recent_message(l->log, "queue", "job");
		end();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	*ret_signal = WTERMSIG(status);
	return log_test_read(l);
}

static void
end_by_assert(void)
{
	ASSERT(STDERR_FILENO < 0);
}

static void
end_by_fault(void)
{
	raise(SIGSYS);
}

static void
check_crash(void (*end)(void), int signal, const char *why)
{
	struct slice got, line;
	struct log_test l;
	int ended_by;

	log_test_begin(&l);
	got = crash_lines(&l, end, &ended_by);
	assert_int_equal(ended_by, signal);
	line = slice_cut(&got, '\n');
	assert_true(slice_find(line, slice_str(" error smtpin-2 crash why=")) < line.len);
	assert_true(slice_find(line, slice_str(why)) < line.len);
	for (int i = 70 - RECENT_MAX + 2; i <= 70; i++) {
		uint8_t expected[64];
		struct builder b;

		builder_init_fixed(&b, expected, sizeof(expected));
		builder_str(&b, " event=smtpin_close msg=");
		msg_id_format(&b, (msg_id)i);
		line = slice_cut(&got, '\n');
		assert_true(slice_find(line, builder_slice(&b)) < line.len);
	}
	line = slice_cut(&got, '\n');
	assert_true(slice_find(line, slice_str(" message=job from=queue")) < line.len);
	assert_int_equal(got.len, 0);
	log_test_end(&l);
}

TEST(a_crash_tells_what_was_before)
{
	check_crash(end_by_assert, SIGABRT, "assertion failed: ");
	check_crash(end_by_fault, SIGSYS, "signal 31");
}

TESTS(TEST_ROW(a_line_has_its_form), TEST_ROW(the_date_is_right),
      TEST_ROW(too_long_is_cut_by_fields), TEST_ROW(levels_filter), TEST_ROW(errors_are_echoed),
      TEST_ROW(lost_lines_are_counted_and_told), TEST_ROW(a_crash_tells_what_was_before))
