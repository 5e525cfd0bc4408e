/*
 * directory: the process itself over channels in one loop: the administrator's commands, what an
 * address means, who may send as it, a login; trouble of the database is "later", never "unknown".
 */
#include <signal.h>
#include <sys/resource.h>

#include "proc/directory/directory.h"
#include "proc/directory/names.h"
#include "resolver/test_idna_memory.h"
#include "rt/test_rt.h"

enum peer { PEER_SMTPIN, PEER_CONTROL, PEER_MAX };

static struct world {
	struct test_rt t;
	struct log *log;
	int null_fd;
	struct arena arena;
	struct config config;
	struct boot boot;
	void *state;
	struct ipc_channel *ours[PEER_MAX], *theirs[PEER_MAX];
	/* The last answer. */
	struct ipc_message got;
	char text[1000]; /* its main text */
	char rows[4000]; /* "name=value " of all rows */
	unsigned answers;
} w;

/* The process's own end. */
static void
process_receive(void *ctx, struct ipc_channel *from, struct ipc_message *message)
{
	(void)ctx;
	directory_process.receive(w.state, from, message);
}

static void
keep(struct slice text)
{
	snprintf(w.text, sizeof(w.text), "%.*s", SLICE_ARG(text));
}

/* The neighbours' ends. */
static void
peer_receive(void *ctx, struct ipc_channel *from, struct ipc_message *message)
{
	const struct ipc_ctl_directory_row *row = &message->u.ctl_directory_row;
	size_t used = strlen(w.rows);

	(void)ctx;
	(void)from;
	if (message->type == IPC_CTL_DIRECTORY_ROW) {
		snprintf(w.rows + used, sizeof(w.rows) - used, "%.*s=%.*s ", SLICE_ARG(row->name),
			 SLICE_ARG(row->value));
		return;
	}
	if (message->type == IPC_DIR_RCPT)
		keep(message->u.dir_rcpt.mailbox);
	if (message->type == IPC_CTL_DONE)
		keep(message->u.ctl_done.text);
	if (message->type == IPC_AUTH_RESULT)
		keep(message->u.auth_result.login);
	w.got = *message;
	w.answers++;
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
channels_make(enum peer peer, enum ipc_role role)
{
	struct ipc_events process = {NULL, process_receive, NULL, closed};
	struct ipc_events other = {NULL, peer_receive, NULL, closed};
	struct ipc_ends ends = {.self = IPC_ROLE_DIRECTORY, .peer = role};
	struct ipc_ends turned = {.self = role, .peer = IPC_ROLE_DIRECTORY};
	int fds[2];

	assert_int_equal(rt_channel_pair(w.t.rt, fds), 0);
	assert_int_equal(ipc_channel_create(w.t.rt, fds[0], &ends, &process, &w.ours[peer]), 0);
	assert_int_equal(ipc_channel_create(w.t.rt, fds[1], &turned, &other, &w.theirs[peer]), 0);
}

static void
world_begin(bool with_dir)
{
	int fd;

	memset(&w, 0, sizeof(w));
	test_rt_begin(&w.t);
	test_rt_folder(&w.t);
	w.null_fd = open("/dev/null", O_WRONLY);
	assert_int_equal(log_create(w.t.rt, "directory", w.null_fd, &w.log), 0);
	arena_init(&w.arena, rt_mem(w.t.rt), CONFIG_ARENA_BYTES);
	assert_int_equal(config_defaults(&w.arena, &w.config), 0);
	w.boot = (struct boot){w.t.rt, w.log, &w.config, IPC_ROLE_DIRECTORY, 0};
	assert_int_equal(directory_process.create(&w.boot, &w.state), 0);
	channels_make(PEER_SMTPIN, IPC_ROLE_SMTPIN);
	channels_make(PEER_CONTROL, IPC_ROLE_CONTROL);
	if (with_dir) {
		assert_int_equal(rt_dup(w.t.rt, w.t.dir_fd, &fd), 0);
		directory_process.dir(w.state, SLICE("state"), fd);
	}
	directory_process.start(w.state);
}

static void
world_end(void)
{
	directory_process.destroy(&w.state);
	for (unsigned i = 0; i < PEER_MAX; i++) {
		ipc_channel_destroy(&w.ours[i]);
		ipc_channel_destroy(&w.theirs[i]);
	}
	log_destroy(&w.log);
	close(w.null_fd);
	arena_finish(&w.arena);
	test_rt_end(&w.t);
}

static void
answer_wait(unsigned before)
{
	while (w.answers == before)
		test_rt_run(&w.t);
}

/* One command; answers its exit code. */
static unsigned
command(enum ctl_directory_object object, enum ctl_directory_verb verb, const char *name,
	const char *value)
{
	unsigned before = w.answers;

	w.rows[0] = 0;
	assert_int_equal(
		IPC_SEND(w.theirs[PEER_CONTROL], CTL_DIRECTORY, ctl_directory, .request = 7,
			 .object = (uint8_t)object, .verb = (uint8_t)verb, .name = slice_str(name),
			 .value = object == CTL_DIRECTORY_MAILBOX ? SLICE_EMPTY : slice_str(value),
			 .secret =
				 object == CTL_DIRECTORY_MAILBOX ? slice_str(value) : SLICE_EMPTY),
		0);
	answer_wait(before);
	assert_int_equal(w.got.type, IPC_CTL_DONE);
	assert_int_equal(w.got.u.ctl_done.request, 7);
	return w.got.u.ctl_done.exit;
}

#define OFFICE CTL_DIRECTORY_POSTOFFICE
#define DOMAIN CTL_DIRECTORY_DOMAIN
#define MAILBOX CTL_DIRECTORY_MAILBOX
#define ADDRESS CTL_DIRECTORY_ADDRESS
#define ADD CTL_DIRECTORY_ADD
#define LIST CTL_DIRECTORY_LIST
#define SHOW CTL_DIRECTORY_SHOW
#define SET CTL_DIRECTORY_SET
#define REMOVE CTL_DIRECTORY_REMOVE

static void
fill(void)
{
	assert_int_equal(command(OFFICE, ADD, "Office", ""), 0);
	assert_int_equal(command(DOMAIN, ADD, "Example.Test.", "office"), 0);
	assert_int_equal(command(DOMAIN, ADD, "b\303\274cher.test", "office"), 0);
	assert_int_equal(command(MAILBOX, ADD, "ann@office", "secret"), 0);
	assert_int_equal(command(MAILBOX, ADD, "Bob@Office", "secret2"), 0);
	assert_int_equal(command(ADDRESS, ADD, "Ann@example.test", "ann@office"), 0);
	assert_int_equal(command(ADDRESS, ADD, "bob@example.test", "bob@office"), 0);
	assert_int_equal(command(ADDRESS, ADD, "b+x@example.test", "bob@office"), 0);
	assert_int_equal(command(ADDRESS, ADD, "abuse@example.test", "bob@office"), 0);
}

TEST(commands)
{
	static const struct {
		unsigned object, verb;
		const char *name, *value;
		unsigned exit;
		const char *rows;
	} rows[] = {
		{OFFICE, ADD, "office", "", 65, ""},
		{OFFICE, ADD, "../etc", "", 64, ""},
		{OFFICE, ADD, ".hidden", "", 64, ""},
		{OFFICE, ADD, "office.", "", 64, ""},
		{OFFICE, ADD, "", "", 64, ""},
		{OFFICE, SET, "office", "", 64, ""},
		{OFFICE, REMOVE, "office", "", 65, ""},
		{OFFICE, LIST, "", "", 0, "office=2 domains, 2 mailboxes "},
		{DOMAIN, ADD, "example.test", "office", 65, ""},
		{DOMAIN, ADD, "a..b", "office", 64, ""},
		{DOMAIN, ADD, "x.test", "none", 66, ""},
		{DOMAIN, LIST, "", "", 0, "example.test=office xn--bcher-kva.test=office "},
		{MAILBOX, ADD, "ann@office", "x", 65, ""},
		{MAILBOX, ADD, "ann@none", "x", 66, ""},
		{MAILBOX, ADD, "ann", "x", 64, ""},
		{MAILBOX, ADD, "a/b@office", "x", 64, ""},
		{MAILBOX, ADD, "carl@office", "\t", 64, ""},
		{MAILBOX, SET, "nobody@office", "x", 66, ""},
		{MAILBOX, SET, "ann@office", "new", 0, ""},
		{MAILBOX, LIST, "", "", 0, "ann@office=1 addresses bob@office=3 addresses "},
		{MAILBOX, SHOW, "Ann@office", "", 0, "ann@office=1 addresses "},
		{MAILBOX, SHOW, "carl@office", "", 66, ""},
		{MAILBOX, SHOW, "office", "", 64, ""},
		{OFFICE, SHOW, "Office", "", 0, "office=2 domains, 2 mailboxes "},
		{DOMAIN, SHOW, "B\303\274cher.test.", "", 0, "xn--bcher-kva.test=office "},
		{DOMAIN, SHOW, "office", "", 66, ""},
		{ADDRESS, ADD, "ann@example.test", "bob@office", 65, ""},
		{ADDRESS, ADD, "ann@example.test", "ann@office", 0, ""},
		{ADDRESS, ADD, "x@other.test", "ann@office", 66, ""},
		{ADDRESS, ADD, "x@example.test", "nobody@office", 66, ""},
		{ADDRESS, SET, "abuse@example.test", "ann@office", 0, ""},
		{ADDRESS, SHOW, "abuse@example.test", "", 0, "abuse@example.test=ann@office "},
		{ADDRESS, SHOW, "bob@office", "", 66, ""},
		{ADDRESS, LIST, "bob@office", "", 0,
		 "b+x@example.test=bob@office bob@example.test=bob@office "},
		{ADDRESS, REMOVE, "abuse@example.test", "", 0, ""},
		{ADDRESS, REMOVE, "abuse@example.test", "", 66, ""},
		{MAILBOX, REMOVE, "bob@office", "", 65, ""},
		{DOMAIN, REMOVE, "example.test", "", 65, ""},
		{ADDRESS, REMOVE, "b+x@example.test", "", 0, ""},
		{ADDRESS, REMOVE, "bob@example.test", "", 0, ""},
		{MAILBOX, REMOVE, "bob@office", "", 0, ""},
		{ADDRESS, LIST, "", "", 0, "ann@example.test=ann@office "},
		{ADDRESS, REMOVE, "ann@example.test", "", 0, ""},
		{DOMAIN, REMOVE, "example.test", "", 0, ""},
		{DOMAIN, REMOVE, "example.test", "", 66, ""},
	};

	world_begin(true);
	fill();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unsigned exit_code =
			command(rows[i].object, rows[i].verb, rows[i].name, rows[i].value);

		if (exit_code != rows[i].exit || strcmp(w.rows, rows[i].rows) != 0)
			fail_msg("row %zu %s: exit %u, '%s', %s", i, rows[i].name, exit_code,
				 w.rows, w.text);
		assert_int_equal(exit_code != 0, w.text[0] != 0);
	}
	world_end();
}

static enum dir_rcpt_kind
rcpt(const char *local, const char *domain)
{
	unsigned before = w.answers;

	assert_int_equal(IPC_SEND(w.theirs[PEER_SMTPIN], DIR_RCPT_ASK, dir_rcpt_ask, .request = 9,
				  .local = slice_str(local), .domain = slice_str(domain)),
			 0);
	answer_wait(before);
	assert_int_equal(w.got.u.dir_rcpt.request, 9);
	return w.got.u.dir_rcpt.kind;
}

TEST(recipients)
{
	static const struct {
		const char *local, *domain;
		enum dir_rcpt_kind want;
		const char *mailbox;
	} rows[] = {
		{"ann", "example.test", DIR_RCPT_LOCAL, "ann"},
		{"ANN", "EXAMPLE.test", DIR_RCPT_LOCAL, "ann"},
		{"ann+lists", "example.test", DIR_RCPT_LOCAL, "ann"},
		{"ann+a+b", "example.test", DIR_RCPT_LOCAL, "ann"},
		/* The literal row comes first. */
		{"b+x", "example.test", DIR_RCPT_LOCAL, "bob"},
		{"b+y", "example.test", DIR_RCPT_UNKNOWN, ""},
		{"+ann", "example.test", DIR_RCPT_UNKNOWN, ""},
		{"nobody", "example.test", DIR_RCPT_UNKNOWN, ""},
		{"", "example.test", DIR_RCPT_UNKNOWN, ""},
		{"ann", "other.test", DIR_RCPT_NOT_LOCAL, ""},
		{"ann", "sub.example.test", DIR_RCPT_NOT_LOCAL, ""},
		{"ann", "xn--bcher-kva.test", DIR_RCPT_UNKNOWN, ""},
		/* Role names: an address of their own, else the postoffice's oldest mailbox. */
		{"abuse", "example.test", DIR_RCPT_LOCAL, "bob"},
		{"Postmaster", "example.test", DIR_RCPT_LOCAL, "ann"},
		{"postmaster+x", "xn--bcher-kva.test", DIR_RCPT_LOCAL, "ann"},
		{"postmaster", "", DIR_RCPT_LOCAL, "ann"},
		{"postmaster", "other.test", DIR_RCPT_NOT_LOCAL, ""},
	};

	world_begin(true);
	assert_int_equal(rcpt("postmaster", ""), DIR_RCPT_NOT_LOCAL);
	fill();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		enum dir_rcpt_kind kind = rcpt(rows[i].local, rows[i].domain);

		if (kind != rows[i].want || strcmp(w.text, rows[i].mailbox) != 0)
			fail_msg("%s@%s: %d '%s'", rows[i].local, rows[i].domain, (int)kind,
				 w.text);
	}
	w.config.subaddress_separator = SLICE_EMPTY;
	directory_process.reload(w.state);
	assert_int_equal(rcpt("ann+lists", "example.test"), DIR_RCPT_UNKNOWN);
	world_end();
}

static unsigned
sender(const char *login, const char *local, const char *domain)
{
	unsigned before = w.answers;

	assert_int_equal(IPC_SEND(w.theirs[PEER_SMTPIN], DIR_SENDER_ASK, dir_sender_ask,
				  .request = 5, .login = slice_str(login),
				  .local = slice_str(local), .domain = slice_str(domain)),
			 0);
	answer_wait(before);
	return w.got.u.dir_sender.answer;
}

TEST(senders)
{
	world_begin(true);
	fill();
	assert_int_equal(sender("ann@office", "ann", "example.test"), 1);
	assert_int_equal(sender("ann@office", "Ann+tag", "Example.test"), 1);
	assert_int_equal(sender("ann@office", "postmaster", "example.test"), 1);
	assert_int_equal(sender("ann@office", "bob", "example.test"), 0);
	assert_int_equal(sender("ann@office", "abuse", "example.test"), 0);
	assert_int_equal(sender("ann@office", "ann", "other.test"), 0);
	assert_int_equal(sender("ann@office", "nobody", "example.test"), 0);
	assert_int_equal(sender("nobody@office", "ann", "example.test"), 0);
	assert_int_equal(sender("", "ann", "example.test"), 0);
	world_end();
}

TEST(login)
{
	unsigned before;

	world_begin(true);
	fill();
	before = w.answers;
	assert_int_equal(IPC_SEND(w.theirs[PEER_SMTPIN], AUTH_BEGIN, auth_begin, .request = 3,
				  .mechanism = SLICE("PLAIN"), .has_initial = true,
				  .initial = SLICE("\0ann@office\0secret")),
			 0);
	answer_wait(before);
	assert_int_equal(w.got.type, IPC_AUTH_RESULT);
	assert_int_equal(w.got.u.auth_result.outcome, AUTH_OUTCOME_OK);
	assert_string_equal(w.text, "ann@office");
	world_end();
}

/* Without a database nobody is unknown. */
TEST(no_database)
{
	unsigned before;

	world_begin(false);
	assert_int_equal(rcpt("ann", "example.test"), DIR_RCPT_LATER);
	assert_int_equal(sender("ann@office", "ann", "example.test"), 2);
	assert_int_equal(command(OFFICE, ADD, "office", ""), 75);
	before = w.answers;
	assert_int_equal(IPC_SEND(w.theirs[PEER_SMTPIN], AUTH_BEGIN, auth_begin, .request = 3,
				  .mechanism = SLICE("LOGIN")),
			 0);
	answer_wait(before);
	assert_int_equal(w.got.u.auth_result.outcome, AUTH_OUTCOME_LATER);
	world_end();
}

/* A damaged file is found at the next start: later again, and the file is left as it is. */
TEST(damaged_database)
{
	int fd;

	world_begin(false);
	assert_int_equal(
		rt_open(w.t.rt, w.t.dir_fd, DIRECTORY_FILE, RT_OPEN_WRITE | RT_OPEN_CREATE, &fd),
		0);
	for (unsigned i = 0; i < 100; i++)
		assert_int_equal(rt_write(w.t.rt, fd, SLICE("this is no database at all")), 0);
	rt_close(w.t.rt, fd);
	assert_int_equal(rt_dup(w.t.rt, w.t.dir_fd, &fd), 0);
	directory_process.dir(w.state, SLICE("state"), fd);
	directory_process.start(w.state);
	assert_int_equal(rcpt("ann", "example.test"), DIR_RCPT_LATER);
	world_end();
}

static void *(*take_real)(struct mem *, size_t);

static void *
take_small(struct mem *mem, size_t size)
{
	return size > RT_PACKET_MAX ? NULL : take_real(mem, size);
}

static void
on_later(void *ctx)
{
	(void)ctx;
	rt_stop(w.t.rt);
}

/* A list whose rows cannot be sent, for there is no memory. */
static void
list_held(struct rt_timer *timer)
{
	/* A channel that has never sent anything has no packet at hand. */
	ipc_channel_destroy(&w.ours[PEER_CONTROL]);
	ipc_channel_destroy(&w.theirs[PEER_CONTROL]);
	channels_make(PEER_CONTROL, IPC_ROLE_CONTROL);
	w.rows[0] = 0;
	assert_int_equal(IPC_SEND(w.theirs[PEER_CONTROL], CTL_DIRECTORY, ctl_directory,
				  .request = 7, .object = DOMAIN, .verb = LIST),
			 0);
	take_real = rt_mem(w.t.rt)->take;
	rt_mem(w.t.rt)->take = take_small;
	rt_timer_arm(timer, 50);
	test_rt_run(&w.t);
	rt_mem(w.t.rt)->take = take_real;
}

/* It is sent later, or forgotten with whoever asked. */
TEST(list_outlives_want_of_memory)
{
	struct rt_timer timer;
	unsigned before;

	world_begin(true);
	fill();
	rt_timer_init(&timer, w.t.rt, on_later, NULL);
	before = w.answers;
	list_held(&timer);
	assert_int_equal(w.answers, before);
	answer_wait(before);
	assert_int_equal(w.got.u.ctl_done.exit, 0);
	assert_int_equal(w.got.u.ctl_done.count, 2);
	assert_string_equal(w.rows, "example.test=office xn--bcher-kva.test=office ");
	before = w.answers;
	list_held(&timer);
	directory_process.channel_closed(w.state, w.ours[PEER_CONTROL]);
	rt_timer_arm(&timer, 50);
	test_rt_run(&w.t);
	assert_int_equal(w.answers, before);
	rt_timer_finish(&timer);
	world_end();
}

/* "See the log" is said only of what stands there, in the database's own words. */
TEST(trouble_is_logged)
{
	struct rlimit old, none;
	char line[1000] = "";
	unsigned exit_code;
	int fds[2];

	world_begin(true);
	fill();
	assert_int_equal(pipe(fds), 0);
	log_set_fd(w.log, fds[1]);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	none = (struct rlimit){.rlim_cur = 1, .rlim_max = old.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
	exit_code = command(OFFICE, ADD, "other", "");
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(exit_code, 75);
	assert_non_null(strstr(w.text, "see the log"));
	assert_true(read(fds[0], line, sizeof(line) - 1) > 0);
	assert_non_null(strstr(line, "disk I/O error"));
	log_set_fd(w.log, w.null_fd);
	close(fds[0]);
	close(fds[1]);
	world_end();
}

/* Nor is anybody unknown for want of memory. */
TEST(no_memory_for_a_domain)
{
	world_begin(true);
	fill();
	test_idna_no_memory = true;
	assert_int_equal(rcpt("ann", "b\303\274cher.test"), DIR_RCPT_LATER);
	assert_int_equal(rcpt("ann", "example.test"), DIR_RCPT_LOCAL);
	assert_int_equal(sender("ann@b\303\274cher.test", "ann", "example.test"), 2);
	assert_int_equal(sender("ann@office", "ann", "b\303\274cher.test"), 2);
	assert_int_equal(command(DOMAIN, REMOVE, "b\303\274cher.test", ""), 75);
	test_idna_no_memory = false;
	assert_int_equal(rcpt("ann", "b\303\274cher.test"), DIR_RCPT_UNKNOWN);
	world_end();
}

TESTS(TEST_ROW(commands), TEST_ROW(recipients), TEST_ROW(senders), TEST_ROW(login),
      TEST_ROW(no_database), TEST_ROW(damaged_database), TEST_ROW(no_memory_for_a_domain),
      TEST_ROW(trouble_is_logged), TEST_ROW(list_outlives_want_of_memory))
