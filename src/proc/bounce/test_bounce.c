/*
 * bounce alone, with this test in place of boot, queue and directory: a failed message lies in a
 * segment that the test wrote; the report is read back from the segment that bounce wrote.
 */
#include "proc/bounce/bounce.h"
#include "resolver/test_idna_memory.h"
#include "rt/test_rt.h"
#include "wire/spool/record.h"
#include "wire/verdict/cause.h"

#define SECRET 815
#define OWN_SECRET 99
#define MESSAGE_ID 100
#define ROOM ((size_t)1 << 20)

struct end {
	struct ipc_channel *near, *far;
};

struct world {
	struct test_rt t;
	struct boot boot;
	int log_fd;
	struct arena arena;
	struct config config;
	void *state;
	struct end queue, directory;
	uint32_t length; /* of the message's record */
	uint8_t directory_kind;
	bool silent; /* the directory does not answer */
	size_t asked;
	struct ipc_report_done done;
	size_t done_count;
	uint64_t durable_end;
	bool stopped;
	/* The report as read back. */
	struct spool_accept accept;
	struct slice content;
	uint8_t record[ROOM];
};

static struct world *the_world;

void
boot_stopped(struct boot *boot)
{
	assert_ptr_equal(boot, &the_world->boot);
	the_world->stopped = true;
}

static void
far_receive(void *ctx, struct ipc_channel *from, struct ipc_message *message)
{
	struct world *w = ctx;

	if (message->type == IPC_REPORT_DONE) {
		w->done = message->u.report_done;
		w->done_count++;
	} else if (message->type == IPC_SPOOL_DURABLE) {
		w->durable_end = message->u.spool_durable.end;
	} else if (message->type == IPC_DIR_RCPT_ASK) {
		w->asked++;
		if (!w->silent)
			assert_int_equal(IPC_SEND(from, DIR_RCPT, dir_rcpt,
						  .request = message->u.dir_rcpt_ask.request,
						  .kind = w->directory_kind,
						  .mailbox = message->u.dir_rcpt_ask.local,
						  .postoffice = SLICE("office.test")),
					 0);
	}
}

static void
near_receive(void *ctx, struct ipc_channel *from, struct ipc_message *message)
{
	bounce_process.receive(((struct world *)ctx)->state, from, message);
}

static void
on_closed(void *ctx, struct ipc_channel *channel, int err)
{
	(void)ctx;
	(void)channel;
	if (err != ERR_CLOSED)
		fail_msg("channel closed: %d", err);
}

static void
end_open(struct world *w, struct end *end, enum ipc_role peer)
{
	struct ipc_events near_events = {.ctx = w, .receive = near_receive, .closed = on_closed};
	struct ipc_events far_events = {.ctx = w, .receive = far_receive, .closed = on_closed};
	struct ipc_ends near_ends = {.self = IPC_ROLE_BOUNCE, .peer = peer};
	struct ipc_ends far_ends = {.self = peer, .peer = IPC_ROLE_BOUNCE};
	int fds[2];

	assert_int_equal(rt_channel_pair(w->t.rt, fds), 0);
	assert_int_equal(ipc_channel_create(w->t.rt, fds[0], &near_ends, &near_events, &end->near),
			 0);
	assert_int_equal(ipc_channel_create(w->t.rt, fds[1], &far_ends, &far_events, &end->far), 0);
	bounce_process.channel(w->state, end->near);
}

static void
end_close(struct world *w, struct end *end)
{
	bounce_process.channel_closed(w->state, end->near);
	ipc_channel_destroy(&end->near);
	ipc_channel_destroy(&end->far);
}

#define WAIT_FOR(w, condition) TEST_RT_WAIT(&(w)->t, condition)

static int
file_make(struct world *w, const char *name, struct slice content)
{
	int fd;

	assert_int_equal(rt_open(w->t.rt, w->t.dir_fd, name,
				 RT_OPEN_READ | RT_OPEN_WRITE | RT_OPEN_APPEND | RT_OPEN_CREATE,
				 &fd),
			 0);
	assert_int_equal(rt_write(w->t.rt, fd, content), 0);
	return fd;
}

/* The segment that bounce may append to. */
static void
own_segment_give(struct world *w)
{
	struct spool_file_head head = {
		.kind = SPOOL_FILE_SEGMENT, .number = 2, .secret = OWN_SECRET};
	uint8_t bytes[SPOOL_FILE_HEAD_BYTES];
	struct builder b;
	int fd;

	builder_init_fixed(&b, bytes, sizeof(bytes));
	spool_file_head_encode(&b, &head);
	fd = file_make(w, "2.seg", builder_slice(&b));
	assert_int_equal(IPC_SEND(w->queue.far, SPOOL_SEGMENT, spool_segment, .segment = 2,
				  .secret = OWN_SECRET, .file = fd),
			 0);
	rt_close(w->t.rt, fd);
}

static const char header[] =
	"Received: from x\r\nFrom: <ann@example.test>\r\nSubject: hello\r\n\r\n";
static const char body[] = "the secret body\r\n..dot\r\n";
static const struct spool_rcpt to[] = {
	{.address = SLICE("bob@gateway.test"),
	 .kind = SPOOL_RCPT_REMOTE,
	 .orcpt = SLICE("rfc822;bob@gateway.test"),
	 .target = SLICE("gateway.test")},
	{.address = SLICE("eve@gateway.test"),
	 .kind = SPOOL_RCPT_REMOTE,
	 .target = SLICE("gateway.test")},
};

/* The message that reports are about. */
static void
message_give(struct world *w, const char *sender, uint8_t ret, const char *head_text)
{
	struct spool_file_head file = {.kind = SPOOL_FILE_SEGMENT, .number = 1, .secret = SECRET};
	struct spool_accept accept = {.id = MESSAGE_ID,
				      .sender = slice_str(sender),
				      .ret = ret,
				      .envid = SLICE("QQ+2B"),
				      .rcpts = to,
				      .rcpt_count = 2,
				      .accepted_wall_ms = 1057049500000,
				      .header_len = (uint32_t)strlen(head_text)};
	struct spool_head head = {.kind = SPOOL_RECORD_ACCEPT, .sequence = 1, .id = MESSAGE_ID};
	static uint8_t meta_room[4096], content_room[4096], segment[16384];
	struct builder meta, content, b;
	int fd;

	accept.inline_len = (uint32_t)(strlen(head_text) + strlen(body));
	accept.size_bytes = accept.inline_len;
	builder_init_fixed(&meta, meta_room, sizeof(meta_room));
	builder_init_fixed(&content, content_room, sizeof(content_room));
	builder_init_fixed(&b, segment, sizeof(segment));
	spool_meta_encode(&meta, &accept);
	builder_str(&content, head_text);
	builder_str(&content, body);
	while ((SPOOL_HEAD_BYTES + meta.len + content.len) % SPOOL_ALIGN)
		builder_byte(&content, 0);
	head.meta_length = (uint32_t)meta.len;
	head.length = w->length = (uint32_t)(SPOOL_HEAD_BYTES + meta.len + content.len);
	head.meta_sum = spool_sum(SECRET, builder_slice(&meta));
	head.content_sum = spool_sum(SECRET, builder_slice(&content));
	spool_file_head_encode(&b, &file);
	spool_head_encode(&b, &head, SECRET);
	builder_add(&b, builder_slice(&meta));
	builder_add(&b, builder_slice(&content));
	assert_false(b.failed || meta.failed || content.failed);
	fd = file_make(w, "1.seg", builder_slice(&b));
	assert_int_equal(IPC_SEND(w->queue.far, SEGMENT_OPEN, segment_open, .segment = 1,
				  .secret = SECRET, .file = fd),
			 0);
	rt_close(w->t.rt, fd);
}

static void
begin(struct world *w)
{

	memset(w, 0, sizeof(*w));
	the_world = w;
	w->directory_kind = DIR_RCPT_LOCAL;
	test_rt_begin(&w->t);
	test_rt_folder(&w->t);
	arena_init(&w->arena, rt_mem(w->t.rt), CONFIG_ARENA_BYTES);
	assert_int_equal(config_defaults(&w->arena, &w->config), 0);
	w->config.hostname = SLICE("mail.example.test");
	w->boot = (struct boot){.rt = w->t.rt, .config = &w->config, .role = IPC_ROLE_BOUNCE};
	w->log_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	assert_int_equal(log_create(w->t.rt, "bounce", w->log_fd, &w->boot.log), 0);
	assert_int_equal(bounce_process.create(&w->boot, &w->state), 0);
	end_open(w, &w->queue, IPC_ROLE_QUEUE);
	end_open(w, &w->directory, IPC_ROLE_DIRECTORY);
	own_segment_give(w);
	test_rt_run_ms(&w->t, 5);
}

static void
end(struct world *w)
{
	if (!w->stopped)
		bounce_process.stop(w->state);
	WAIT_FOR(w, w->stopped);
	bounce_process.destroy(&w->state);
	ipc_channel_destroy(&w->queue.near);
	ipc_channel_destroy(&w->queue.far);
	ipc_channel_destroy(&w->directory.near);
	ipc_channel_destroy(&w->directory.far);
	log_destroy(&w->boot.log);
	close(w->log_fd);
	arena_finish(&w->arena);
	test_rt_end(&w->t);
}

static const struct verdict door = {
	.class = VERDICT_NEVER,
	.stage = VERDICT_STAGE_GREETING,
	.code = 554,
	.reply = SLICE("554-gateway.test\n554 rejected due to the sending MTA's poor reputation"),
	.host = SLICE("mx.gateway.test"),
	.helo = SLICE("mail.example.test"),
	.wall_ms = 1057049557000,
};

static void
order(struct world *w, uint64_t key, uint8_t kind, const struct verdict *verdict)
{
	assert_int_equal(IPC_SEND(w->queue.far, REPORT_MAKE, report_make, .key = key,
				  .message = MESSAGE_ID, .segment = 1,
				  .offset = SPOOL_FILE_HEAD_BYTES, .length = w->length,
				  .kind = kind, .retry_until_wall_ms = 1057481500000),
			 0);
	for (uint16_t i = 0; i < 2; i++)
		assert_int_equal(IPC_SEND(w->queue.far, REPORT_RCPT, report_rcpt, .key = key,
					  .rcpt = i, .attempts = 3,
					  .expired = kind == SPOOL_REPORT_FAILURE &&
						     verdict->class == VERDICT_LATER,
					  .verdict = *verdict),
				 0);
	assert_int_equal(IPC_SEND(w->queue.far, REPORT_END, report_end, .key = key), 0);
}

/* The last record in bounce's segment. */
static void
report_read(struct world *w)
{
	uint64_t at = SPOOL_FILE_HEAD_BYTES, last = at;
	struct spool_head head;
	int fd;

	WAIT_FOR(w, w->durable_end > SPOOL_FILE_HEAD_BYTES);
	assert_int_equal(rt_open(w->t.rt, w->t.dir_fd, "2.seg", RT_OPEN_READ, &fd), 0);
	while (at < w->durable_end) {
		uint8_t bytes[SPOOL_HEAD_BYTES];

		last = at;
		assert_int_equal(rt_pread(w->t.rt, fd, bytes, sizeof(bytes), at), sizeof(bytes));
		assert_int_equal(
			spool_head_decode(slice_of(bytes, sizeof(bytes)), OWN_SECRET, &head), 0);
		at += head.length;
	}
	assert_true(head.length <= ROOM);
	assert_int_equal(rt_pread(w->t.rt, fd, w->record, head.length, last), head.length);
	rt_close(w->t.rt, fd);
	assert_int_equal(spool_record_decode(&w->arena, slice_of(w->record, head.length),
					     OWN_SECRET, &w->accept, &w->content),
			 0);
}

static void
assert_has(struct world *w, const char *part)
{
	if (slice_find(w->content, slice_str(part)) == w->content.len)
		fail_msg("'%s' is not in\n%.*s", part, SLICE_ARG(w->content));
}

static bool
has(struct world *w, const char *part)
{
	return slice_find(w->content, slice_str(part)) < w->content.len;
}

TEST(failure)
{
	static struct world w;
	size_t header_len;

	begin(&w);
	message_give(&w, "ann@example.test", SPOOL_RET_NONE, header);
	order(&w, 7, SPOOL_REPORT_FAILURE, &door);
	WAIT_FOR(&w, w.done_count == 1);
	assert_int_equal(w.done.key, 7);
	assert_int_equal(w.done.outcome, 0);
	report_read(&w);
	assert_true(w.done.report == w.accept.id);
	assert_int_equal(w.accept.sender.len, 0);
	assert_int_equal(w.accept.flags, SPOOL_REPORT);
	assert_int_equal(w.accept.report_kind, SPOOL_REPORT_FAILURE);
	assert_true(w.accept.report_key == 7 && w.accept.report_of == MESSAGE_ID);
	assert_int_equal(w.accept.rcpt_count, 1);
	assert_slice_str(w.accept.rcpts[0].address, "ann@example.test");
	assert_slice_str(w.accept.rcpts[0].target, "ann@office.test");
	assert_int_equal(w.accept.rcpts[0].kind, SPOOL_RCPT_LOCAL);
	assert_int_equal(w.accept.rcpts[0].notify, SPOOL_NOTIFY_NEVER);
	header_len = slice_find(w.content, SLICE("\r\n\r\n")) + 4;
	assert_int_equal(w.accept.header_len, header_len);
	assert_has(&w, "\r\nTo: <ann@example.test>\r\n");
	assert_has(&w, "Reason: ME-E0193: [");
	assert_has(&w, "    554-gateway.test\r\n    554 rejected due to");
	assert_has(&w, "Original-Envelope-Id: QQ+\r\n");
	assert_has(&w, "Original-Recipient: rfc822; bob@gateway.test\r\n");
	assert_has(&w,
		   "Final-Recipient: rfc822; eve@gateway.test\r\nAction: failed\r\nStatus: 5.7.1");
	assert_has(&w, "Subject: hello\r\n");
	assert_false(has(&w, "the secret body"));
	end(&w);
}

/* What another host said stands beside the reply, in a notice of delay, too. */
TEST(others_are_told)
{
	static struct world w;
	struct verdict busy = {.class = VERDICT_LATER,
			       .stage = VERDICT_STAGE_GREETING,
			       .code = 421,
			       .reply = SLICE("421 too busy"),
			       .evidence = SLICE("mx.x.test [192.0.2.7] said:\n554 no")};

	begin(&w);
	message_give(&w, "ann@example.test", SPOOL_RET_NONE, header);
	order(&w, 7, SPOOL_REPORT_DELAY, &busy);
	WAIT_FOR(&w, w.done_count == 1);
	report_read(&w);
	assert_has(&w, "    mx.x.test [192.0.2.7] said:\r\n    554 no\r\n");
	assert_has(&w, "Diagnostic-Code: smtp; 421 too busy\r\n");
	busy.evidence = SLICE("busy");
	order(&w, 8, SPOOL_REPORT_FAILURE, &busy);
	WAIT_FOR(&w, w.done_count == 2);
	report_read(&w);
	assert_false(has(&w, "Before that"));
	end(&w);
}

/* A sender who can be written in ASCII gets a report that every way back takes. */
TEST(sender_in_ascii)
{
	static struct world w;

	begin(&w);
	message_give(&w, "ann@n\xc3\xb6utf.test", SPOOL_RET_NONE, header);
	order(&w, 7, SPOOL_REPORT_FAILURE, &door);
	WAIT_FOR(&w, w.done_count == 1);
	report_read(&w);
	assert_int_equal(w.accept.flags, SPOOL_REPORT);
	assert_slice_str(w.accept.rcpts[0].address, "ann@xn--nutf-5qa.test");
	assert_has(&w, "\r\nTo: <ann@xn--nutf-5qa.test>\r\n");
	assert_has(&w, "Content-Type: message/delivery-status\r\n");
	end(&w);
	begin(&w);
	message_give(&w, "\xc3\xa4nn@n\xc3\xb6utf.test", SPOOL_RET_NONE, header);
	order(&w, 8, SPOOL_REPORT_FAILURE, &door);
	WAIT_FOR(&w, w.done_count == 1);
	report_read(&w);
	assert_int_equal(w.accept.flags & (SPOOL_UTF8 | SPOOL_HEADER_EIGHT_BIT),
			 SPOOL_UTF8 | SPOOL_HEADER_EIGHT_BIT);
	assert_slice_str(w.accept.rcpts[0].address, "\xc3\xa4nn@n\xc3\xb6utf.test");
	assert_has(&w, "Content-Type: message/global-delivery-status\r\n");
	end(&w);
}

/* The sender hears of it later, not never. */
TEST(no_memory_for_a_domain)
{
	static struct world w;

	begin(&w);
	log_set_level(w.boot.log, LOG_ERROR);
	message_give(&w, "\xc3\xa4nn@n\xc3\xb6utf.test", SPOOL_RET_NONE, header);
	test_idna_no_memory = true;
	order(&w, 7, SPOOL_REPORT_FAILURE, &door);
	WAIT_FOR(&w, w.done_count == 1);
	assert_int_equal(w.done.outcome, 1); /* not now, ask again */
	test_idna_no_memory = false;
	order(&w, 7, SPOOL_REPORT_FAILURE, &door);
	WAIT_FOR(&w, w.done_count == 2);
	assert_int_equal(w.done.outcome, 0);
	end(&w);
}

TEST(whole_message_back)
{
	static struct world w;

	begin(&w);
	message_give(&w, "ann@example.test", SPOOL_RET_FULL, header);
	order(&w, 1, SPOOL_REPORT_FAILURE, &door);
	WAIT_FOR(&w, w.done_count == 1);
	report_read(&w);
	assert_has(&w, "Content-Type: message/rfc822\r\n");
	assert_has(&w, "the secret body\r\n..dot\r\n");
	/* not in a notice of delay */
	order(&w, 2, SPOOL_REPORT_DELAY, &door);
	WAIT_FOR(&w, w.done_count == 2);
	report_read(&w);
	assert_has(&w, "Action: delayed\r\nStatus: 4.7.1\r\n");
	assert_has(&w, "Will-Retry-Until: ");
	assert_has(&w, "Frank: Message Delivery Delayed.");
	assert_false(has(&w, "the secret body"));
	end(&w);
}

TEST(given_up_and_delivered)
{
	struct verdict later = {.class = VERDICT_LATER,
				.stage = VERDICT_STAGE_CONNECT,
				.reply = SLICE("Connection refused")};
	struct verdict local = {.class = VERDICT_OK, .stage = VERDICT_STAGE_LOCAL};
	static struct world w;

	begin(&w);
	message_give(&w, "ann@example.test", SPOOL_RET_NONE, header);
	order(&w, 1, SPOOL_REPORT_FAILURE, &later);
	WAIT_FOR(&w, w.done_count == 1);
	report_read(&w);
	assert_has(&w, "Status: 5.4.7\r\n");
	assert_has(&w, "Reason: FR-E1024: [");
	/* where nobody said anything, we say what we know */
	later.class = VERDICT_NEVER;
	later.stage = VERDICT_STAGE_DNS;
	later.status = (struct verdict_status){5, 4, 6};
	later.reply = SLICE_EMPTY;
	order(&w, 10, SPOOL_REPORT_FAILURE, &later);
	WAIT_FOR(&w, w.done_count == 2);
	report_read(&w);
	assert_has(&w, "Diagnostic-Code: X-Frank; message looping: net-or-route\r\n");
	later.public_text = SLICE("Mail would come back here.");
	later.evidence = SLICE("x.test MX names this server");
	order(&w, 9, SPOOL_REPORT_FAILURE, &later);
	WAIT_FOR(&w, w.done_count == 3);
	report_read(&w);
	assert_has(&w, "Diagnostic-Code: X-Frank; message looping: Mail would come back here.\r\n"
		       "    x.test MX names this server\r\n");
	assert_has(&w, "    Mail would come back here.\r\n    x.test MX names this server\r\n");
	order(&w, 2, SPOOL_REPORT_SUCCESS, &local);
	WAIT_FOR(&w, w.done_count == 4);
	report_read(&w);
	assert_has(&w, "Action: delivered\r\nStatus: 2.0.0\r\n");
	local.stage = VERDICT_STAGE_FINAL;
	order(&w, 3, SPOOL_REPORT_SUCCESS, &local);
	WAIT_FOR(&w, w.done_count == 5);
	report_read(&w);
	assert_has(&w, "Action: relayed\r\n");
	end(&w);
}

TEST(nobody_is_told)
{
	static const struct {
		const char *sender, *header;
		uint8_t directory_kind, outcome;
		size_t asked;
	} rows[] = {
		{"", header, DIR_RCPT_LOCAL, 2, 0},
		{"ann@x.test", "Auto-Submitted: auto-replied\r\n\r\n", DIR_RCPT_LOCAL, 2, 0},
		{"ann@example.test", header, DIR_RCPT_UNKNOWN, 2, 1},
		{"ann@example.test", header, DIR_RCPT_LATER, 1, 1},
		{"nonsense", header, DIR_RCPT_LOCAL, 2, 0},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		static struct world w;

		begin(&w);
		w.directory_kind = rows[i].directory_kind;
		message_give(&w, rows[i].sender, SPOOL_RET_NONE, rows[i].header);
		order(&w, 1, SPOOL_REPORT_FAILURE, &door);
		WAIT_FOR(&w, w.done_count == 1);
		assert_int_equal(w.done.outcome, rows[i].outcome);
		assert_int_equal(w.asked, rows[i].asked);
		assert_int_equal(w.durable_end, 0);
		end(&w);
	}
}

TEST(remote_sender_and_copy)
{
	static struct world w;

	begin(&w);
	w.directory_kind = DIR_RCPT_NOT_LOCAL;
	w.config.failure_copy = SLICE("postmaster@Example.Test");
	message_give(&w,
		     "ann@B\xc3\xbc"
		     "cher.test",
		     SPOOL_RET_NONE, header);
	order(&w, 1, SPOOL_REPORT_FAILURE, &door);
	WAIT_FOR(&w, w.done_count == 1);
	assert_int_equal(w.done.outcome, 0);
	report_read(&w);
	assert_int_equal(w.accept.rcpt_count, 2);
	assert_slice_str(w.accept.rcpts[0].target, "xn--bcher-kva.test");
	assert_int_equal(w.accept.rcpts[0].kind, SPOOL_RCPT_REMOTE);
	assert_slice_str(w.accept.rcpts[1].target, "example.test");
	assert_int_equal(w.accept.flags, SPOOL_REPORT);
	assert_has(&w, "message/delivery-status");
	/* the copy is of failures only */
	order(&w, 2, SPOOL_REPORT_DELAY, &door);
	WAIT_FOR(&w, w.done_count == 2);
	report_read(&w);
	assert_int_equal(w.accept.rcpt_count, 1);
	end(&w);
}

/* No directory, an unknown segment, a number that is no recipient: queue asks again. */
TEST(not_now)
{
	static struct world w;

	begin(&w);
	message_give(&w, "ann@example.test", SPOOL_RET_NONE, header);
	w.length += 8;
	order(&w, 1, SPOOL_REPORT_FAILURE, &door);
	WAIT_FOR(&w, w.done_count == 1);
	assert_int_equal(w.done.outcome, 1);
	w.length -= 8;
	end_close(&w, &w.directory);
	order(&w, 2, SPOOL_REPORT_FAILURE, &door);
	WAIT_FOR(&w, w.done_count == 2);
	assert_int_equal(w.done.outcome, 1);
	end_open(&w, &w.directory, IPC_ROLE_DIRECTORY);
	w.silent = true;
	order(&w, 3, SPOOL_REPORT_FAILURE, &door);
	WAIT_FOR(&w, w.asked == 1);
	end_close(&w, &w.directory);
	WAIT_FOR(&w, w.done_count == 3);
	assert_int_equal(w.done.outcome, 1);
	end_open(&w, &w.directory, IPC_ROLE_DIRECTORY);
	w.silent = false;
	assert_int_equal(IPC_SEND(w.queue.far, REPORT_MAKE, report_make, .key = 4,
				  .message = MESSAGE_ID, .segment = 1,
				  .offset = SPOOL_FILE_HEAD_BYTES, .length = w.length, .kind = 1),
			 0);
	assert_int_equal(IPC_SEND(w.queue.far, REPORT_RCPT, report_rcpt, .key = 4, .rcpt = 9,
				  .verdict = door),
			 0);
	assert_int_equal(IPC_SEND(w.queue.far, REPORT_END, report_end, .key = 4), 0);
	WAIT_FOR(&w, w.done_count == 4);
	assert_int_equal(w.done.outcome, 1);
	order(&w, 5, SPOOL_REPORT_FAILURE, &door);
	WAIT_FOR(&w, w.done_count == 5);
	assert_int_equal(w.done.outcome, 0);
	end(&w);
}

/* Queue goes while its orders wait: they are forgotten; the new queue's are carried out. */
TEST(queue_restarts)
{
	static struct world w;

	begin(&w);
	message_give(&w, "ann@example.test", SPOOL_RET_NONE, header);
	w.silent = true;
	order(&w, 1, SPOOL_REPORT_FAILURE, &door);
	order(&w, 2, SPOOL_REPORT_FAILURE, &door);
	WAIT_FOR(&w, w.asked == 2);
	end_close(&w, &w.queue);
	assert_int_equal(w.done_count, 0);
	w.silent = false;
	end_open(&w, &w.queue, IPC_ROLE_QUEUE);
	assert_int_equal(unlinkat(w.t.dir_fd, "1.seg", 0), 0);
	message_give(&w, "ann@example.test", SPOOL_RET_NONE, header);
	order(&w, 1, SPOOL_REPORT_FAILURE, &door);
	WAIT_FOR(&w, w.done_count == 1);
	assert_int_equal(w.done.key, 1);
	assert_int_equal(w.done.outcome, 0);
	end(&w);
}

TEST(many)
{
	static struct world w;

	begin(&w);
	message_give(&w, "ann@example.test", SPOOL_RET_NONE, header);
	for (uint64_t key = 1; key <= BOUNCE_REPORTS_MAX; key++)
		order(&w, key, SPOOL_REPORT_FAILURE, &door);
	WAIT_FOR(&w, w.done_count == BOUNCE_REPORTS_MAX);
	assert_int_equal(w.done.outcome, 0);
	end(&w);
}

TESTS(TEST_ROW(failure), TEST_ROW(others_are_told), TEST_ROW(sender_in_ascii),
      TEST_ROW(no_memory_for_a_domain), TEST_ROW(whole_message_back),
      TEST_ROW(given_up_and_delivered), TEST_ROW(nobody_is_told), TEST_ROW(remote_sender_and_copy),
      TEST_ROW(not_now), TEST_ROW(queue_restarts), TEST_ROW(many))
