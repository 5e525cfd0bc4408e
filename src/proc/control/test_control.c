/*
 * control: the process itself over channels and its socket in one loop: only who was asked answers
 * a request, with rows of the kind that the command takes.
 */
#include <sys/stat.h>

#include "proc/control/control.h"
#include "rt/test_rt.h"

#define QUIET_MS 60 /* long enough for what was sent to have arrived */

enum peer { PEER_SUPER, PEER_QUEUE, PEER_SMTPIN, PEER_MAX };

static const enum ipc_role peer_roles[PEER_MAX] = {
	[PEER_SUPER] = IPC_ROLE_SUPER,
	[PEER_QUEUE] = IPC_ROLE_QUEUE,
	[PEER_SMTPIN] = IPC_ROLE_SMTPIN,
};

static struct world {
	struct test_rt t;
	struct log *log;
	int null_fd;
	struct arena arena;
	struct config config;
	struct boot boot;
	void *state;
	struct ipc_channel *ours[PEER_MAX], *theirs[PEER_MAX];
	struct rt_timer quiet;
	/* What the peers were asked last. */
	unsigned asked;
	uint32_t request;
	/* The tool. */
	struct rt_stream *tool;
	uint8_t answer[4000];
	size_t answer_len;
	char text[4000]; /* of all frames */
	int exit;	 /* -1: no answer yet */
} w;

/* The process's own end. */
static void
process_receive(void *ctx, struct ipc_channel *from, struct ipc_message *message)
{
	(void)ctx;
	control_process.receive(w.state, from, message);
}

/* The neighbours' ends. */
static void
peer_receive(void *ctx, struct ipc_channel *from, struct ipc_message *message)
{
	static const struct {
		enum ipc_type type;
		size_t request_offset;
	} rows[] = {
		{IPC_CTL_STOP, offsetof(struct ipc_message, u.ctl_stop.request)},
		{IPC_CTL_QUEUE, offsetof(struct ipc_message, u.ctl_queue.request)},
		{IPC_CTL_TRACE, offsetof(struct ipc_message, u.ctl_trace.request)},
		{IPC_CTL_STATUS, offsetof(struct ipc_message, u.ctl_status.request)},
	};

	(void)ctx;
	(void)from;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].type == message->type)
			memcpy(&w.request, (const char *)message + rows[i].request_offset,
			       sizeof(w.request));
	w.asked++;
	rt_stop(w.t.rt);
}

static void
closed(void *ctx, struct ipc_channel *channel, int err)
{
	(void)ctx;
	(void)channel;
	(void)err;
	fail_msg("a channel broke");
}

static void
on_quiet(void *ctx)
{
	(void)ctx;
	rt_stop(w.t.rt);
}

static void
world_begin(void)
{
	struct ipc_events process = {NULL, process_receive, NULL, closed};
	struct ipc_events other = {NULL, peer_receive, NULL, closed};

	memset(&w, 0, sizeof(w));
	test_rt_begin(&w.t);
	test_rt_folder(&w.t);
	rt_timer_init(&w.quiet, w.t.rt, on_quiet, NULL);
	w.null_fd = open("/dev/null", O_WRONLY);
	assert_int_equal(log_create(w.t.rt, "control", w.null_fd, &w.log), 0);
	arena_init(&w.arena, rt_mem(w.t.rt), CONFIG_ARENA_BYTES);
	assert_int_equal(config_defaults(&w.arena, &w.config), 0);
	w.boot = (struct boot){w.t.rt, w.log, &w.config, IPC_ROLE_CONTROL, 0};
	assert_int_equal(control_process.create(&w.boot, &w.state), 0);
	for (unsigned i = 0; i < PEER_MAX; i++) {
		struct ipc_ends ends = {.self = IPC_ROLE_CONTROL, .peer = peer_roles[i]};
		struct ipc_ends turned = {.self = peer_roles[i], .peer = IPC_ROLE_CONTROL};
		int fds[2];

		assert_int_equal(rt_channel_pair(w.t.rt, fds), 0);
		assert_int_equal(ipc_channel_create(w.t.rt, fds[0], &ends, &process, &w.ours[i]),
				 0);
		assert_int_equal(ipc_channel_create(w.t.rt, fds[1], &turned, &other, &w.theirs[i]),
				 0);
		control_process.channel(w.state, w.ours[i]);
	}
}

static void
dir_give(void)
{
	int fd;

	assert_int_equal(rt_dup(w.t.rt, w.t.dir_fd, &fd), 0);
	control_process.dir(w.state, SLICE("run"), fd);
}

static void
world_end(void)
{
	control_process.destroy(&w.state);
	for (unsigned i = 0; i < PEER_MAX; i++) {
		ipc_channel_destroy(&w.ours[i]);
		ipc_channel_destroy(&w.theirs[i]);
	}
	rt_timer_finish(&w.quiet);
	log_destroy(&w.log);
	close(w.null_fd);
	arena_finish(&w.arena);
	test_rt_end(&w.t);
}

static void
answer_take(void)
{
	struct slice rest = slice_of(w.answer, w.answer_len);
	struct slice content;
	uint8_t kind;
	int used;

	w.text[0] = 0;
	while (w.exit < 0 && (used = command_frame_decode(rest, &kind, &content)) > 0) {
		size_t len = strlen(w.text);

		if (kind == COMMAND_FRAME_EXIT)
			w.exit = content.data[0];
		else
			snprintf(w.text + len, sizeof(w.text) - len, "%.*s", SLICE_ARG(content));
		rest = slice_from(rest, (size_t)used);
	}
	if (w.exit >= 0)
		rt_stop(w.t.rt);
}

static void
on_tool(void *ctx, unsigned events)
{
	ssize_t got;

	(void)ctx;
	(void)events;
	got = rt_stream_recv(w.tool, w.answer + w.answer_len, sizeof(w.answer) - w.answer_len);
	if (got == ERR_AGAIN)
		return;
	if (got <= 0) {
		rt_stream_want(w.tool, 0);
		return;
	}
	w.answer_len += (size_t)got;
	answer_take();
}

/* Sends the request and waits until the peers have it. */
static void
ask(const char *first, const char *second, unsigned peers)
{
	struct command_request request = {.count = second ? 2 : 1};
	char path[128];
	uint8_t buf[500];
	struct builder b;
	struct slice bytes;

	request.words[0] = slice_str(first);
	if (second)
		request.words[1] = slice_str(second);
	builder_init_fixed(&b, buf, sizeof(buf));
	assert_int_equal(command_request_encode(&b, &request), 0);
	bytes = builder_slice(&b);
	snprintf(path, sizeof(path), "%s/" COMMAND_SOCKET_NAME, w.t.path);
	assert_int_equal(rt_stream_connect_unix(w.t.rt, path, &w.tool), 0);
	w.exit = -1;
	w.answer_len = 0;
	w.asked = 0;
	rt_stream_on_ready(w.tool, on_tool, NULL);
	rt_stream_want(w.tool, RT_READABLE);
	assert_int_equal(rt_stream_send(w.tool, &bytes, 1), (ssize_t)bytes.len);
	while (w.asked < peers)
		test_rt_run(&w.t);
}

static void
quiet(void)
{
	rt_timer_arm(&w.quiet, QUIET_MS);
	test_rt_run(&w.t);
}

/* The answer, after which the connection ends. */
static int
answer(void)
{
	while (w.exit < 0)
		test_rt_run(&w.t);
	rt_stream_destroy(&w.tool);
	quiet();
	return w.exit;
}

static void
done(enum peer peer, unsigned exit_code, const char *text)
{
	assert_int_equal(IPC_SEND(w.theirs[peer], CTL_DONE, ctl_done, .request = w.request,
				  .exit = (uint8_t)exit_code, .text = slice_str(text)),
			 0);
}

static void
counter_of(enum peer peer, const char *name, int64_t value)
{
	assert_int_equal(IPC_SEND(w.theirs[peer], CTL_COUNTER, ctl_counter, .request = w.request,
				  .name = slice_str(name), .value = value),
			 0);
}

static void
counter(enum peer peer, const char *name)
{
	counter_of(peer, name, 7);
}

TEST(only_who_was_asked_ends_it)
{
	static const struct {
		const char *first, *second;
		enum peer asked, other;
	} rows[] = {
		{"stop", NULL, PEER_SUPER, PEER_SMTPIN},
		{"stop", NULL, PEER_SUPER, PEER_QUEUE},
		{"queue", "flush", PEER_QUEUE, PEER_SMTPIN},
		{"queue", "flush", PEER_QUEUE, PEER_SUPER},
	};

	world_begin();
	dir_give();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ask(rows[i].first, rows[i].second, 1);
		done(rows[i].other, 0, "a lie");
		quiet();
		assert_int_equal(w.exit, -1);
		done(rows[i].asked, 75, "busy");
		assert_int_equal(answer(), 75);
		assert_non_null(strstr(w.text, "busy"));
	}
	world_end();
}

/* A counter is no file of the journal, and no row of a queue list. */
TEST(rows_of_another_kind)
{
	world_begin();
	dir_give();
	ask("trace", "0000000000001", 1);
	counter(PEER_SMTPIN, "x");
	counter(PEER_QUEUE, "x");
	quiet();
	done(PEER_QUEUE, 0, "");
	assert_int_equal(answer(), EXIT_CODE_NO_SUCH);
	ask("queue", "list", 1);
	counter(PEER_QUEUE, "x");
	done(PEER_QUEUE, 0, "");
	assert_int_equal(answer(), 0);
	assert_string_equal(w.text, "The queue is empty.\n");
	world_end();
}

/* Each answers status once; who has ended adds no more. */
TEST(status_of_all)
{
	world_begin();
	dir_give();
	ask("status", NULL, PEER_MAX);
	counter(PEER_SMTPIN, "one");
	done(PEER_SMTPIN, 0, "");
	done(PEER_SMTPIN, 0, "");
	done(PEER_SMTPIN, 0, "");
	counter(PEER_SMTPIN, "late");
	quiet();
	assert_int_equal(w.exit, -1);
	counter(PEER_QUEUE, "two");
	done(PEER_QUEUE, 0, "");
	done(PEER_SUPER, 0, "");
	assert_int_equal(answer(), 0);
	assert_non_null(strstr(w.text, "one"));
	assert_non_null(strstr(w.text, "two"));
	assert_null(strstr(w.text, "late"));
	world_end();
}

/* Queue tells of some, and how many there are. */
TEST(more_are_suspended)
{
	static const struct verdict refused = {.class = VERDICT_NEVER,
					       .stage = VERDICT_STAGE_GREETING,
					       .code = 554,
					       .reply = SLICE("go away")};
	static const struct {
		uint32_t total;
		const char *says;
	} rows[] = {{2, NULL}, {9, "\n7 more destinations are suspended.\n"}};

	world_begin();
	dir_give();
	for (size_t i = 0; i < 2; i++) {
		ask("queue", "list", 1);
		for (size_t k = 0; k < 2; k++)
			assert_int_equal(IPC_SEND(w.theirs[PEER_QUEUE], CTL_SUSPENSION,
						  ctl_suspension, .request = w.request,
						  .destination = SLICE("far.test"), .rcpts = 1,
						  .total = rows[i].total, .last = refused),
					 0);
		assert_int_equal(IPC_SEND(w.theirs[PEER_QUEUE], CTL_QUEUE_ROW, ctl_queue_row,
					  .request = w.request, .message = 1, .last = refused),
				 0);
		done(PEER_QUEUE, 0, "");
		assert_int_equal(answer(), 0);
		assert_non_null(strstr(w.text, "far.test refuses our server since "));
		assert_non_null(strstr(w.text, "go away"));
		if (rows[i].says)
			assert_non_null(strstr(w.text, rows[i].says));
		else
			assert_null(strstr(w.text, "are suspended"));
	}
	world_end();
}

/* Whatever numbers a process tells, they are only shown. */
TEST(numbers_beyond_truth)
{
	static const struct {
		int64_t ms;
		const char *want;
	} rows[] = {{0, "0ms"},
		    {-90000, "-90s"},
		    {INT64_MAX, "106751991167d"},
		    {INT64_MIN, "-106751991167d"}};
	uint8_t room[32];
	struct builder b;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		builder_init_fixed(&b, room, sizeof(room));
		render_duration(&b, rows[i].ms);
		assert_slice_str(builder_slice(&b), rows[i].want);
	}
	world_begin();
	dir_give();
	ask("status", NULL, PEER_MAX);
	for (unsigned peer = 0; peer < PEER_MAX; peer++) {
		counter_of(peer, "x.much", INT64_MAX);
		done(peer, 0, "");
	}
	assert_int_equal(answer(), 0);
	assert_non_null(strstr(w.text, "x.much"));
	world_end();
}

/* A request ends when one that it asked goes; another's end is nothing to it. */
TEST(restarted_meanwhile)
{
	world_begin();
	dir_give();
	ask("queue", "flush", 1);
	control_process.channel_closed(w.state, w.ours[PEER_SMTPIN]);
	quiet();
	assert_int_equal(w.exit, -1);
	control_process.channel_closed(w.state, w.ours[PEER_QUEUE]);
	assert_int_equal(answer(), EXIT_CODE_TEMPFAIL);
	world_end();
}

static void
on_dir(void *ctx)
{
	(void)ctx;
	dir_give();
}

/* The folder cannot have a socket: the loop ends, and with it the process. */
TEST(no_socket)
{
	char path[128];
	struct rt_timer timer;

	world_begin();
	snprintf(path, sizeof(path), "%s/" COMMAND_SOCKET_NAME, w.t.path);
	assert_int_equal(mkdir(path, 0700), 0);
	rt_timer_init(&timer, w.t.rt, on_dir, NULL);
	rt_timer_arm(&timer, 1);
	test_rt_run(&w.t);
	rt_timer_finish(&timer);
	world_end();
}

TESTS(TEST_ROW(only_who_was_asked_ends_it), TEST_ROW(rows_of_another_kind), TEST_ROW(status_of_all),
      TEST_ROW(numbers_beyond_truth), TEST_ROW(more_are_suspended), TEST_ROW(restarted_meanwhile),
      TEST_ROW(no_socket))
