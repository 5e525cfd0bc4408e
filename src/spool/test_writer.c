/*
 * Writer and reader together: what is committed can be read, large bodies too; a lone message goes
 * at once and many share commits; a failed segment is left alone; sealing; queue away.
 */
#include <sys/syscall.h>
#include <sys/uio.h>

#include "rt/test_rt.h"
#include "spool/reader.h"
#include "spool/writer.h"

#define SECRET 4711
#define NODE 3

struct world {
	struct test_rt t;
	struct ipc_channel *writer_end, *queue_end;
	struct spool_writer *writer;
	struct spool_reader *reader;
	struct spool_writer_options options;
	/* What queue heard. */
	struct ipc_spool_durable durable;
	struct ipc_spool_sealed sealed;
	struct ipc_spool_spare_used used;
	struct ipc_spool_have have;
	size_t durable_count, sealed_count, used_count, holds_count;
	uint32_t holds[4];
	/* What the owners heard. */
	size_t done_count, done_want;
	int done_err;
	msg_id done_id;
};

static bool quota_is_over;

static void
queue_receive(void *ctx, struct ipc_channel *from, struct ipc_message *message)
{
	struct world *w = ctx;

	assert_ptr_equal(from, w->queue_end);
	if (message->type == IPC_SPOOL_DURABLE) {
		w->durable = message->u.spool_durable;
		w->durable_count++;
	} else if (message->type == IPC_SPOOL_SEALED) {
		w->sealed = message->u.spool_sealed;
		w->sealed_count++;
	} else if (message->type == IPC_SPOOL_SPARE_USED) {
		w->used = message->u.spool_spare_used;
		w->used_count++;
	} else if (message->type == IPC_SPOOL_HOLDS) {
		assert_int_equal(w->durable_count, 0); /* all of these come first */
		assert_true(w->holds_count < 4);
		w->holds[w->holds_count++] = message->u.spool_holds.body;
	} else {
		assert_int_equal(message->type, IPC_SPOOL_HAVE);
		w->have = message->u.spool_have;
	}
}

static void
writer_receive(void *ctx, struct ipc_channel *from, struct ipc_message *message)
{
	(void)from;
	assert_true(spool_writer_receive(((struct world *)ctx)->writer, message));
}

static void
on_closed(void *ctx, struct ipc_channel *channel, int err)
{
	(void)ctx;
	(void)channel;
	(void)err;
}

static void
channels_open(struct world *w)
{
	struct ipc_events writer_events = {w, writer_receive, NULL, on_closed};
	struct ipc_events queue_events = {w, queue_receive, NULL, on_closed};
	struct ipc_ends writer_ends = {IPC_ROLE_SMTPIN, IPC_ROLE_QUEUE, 0, 0};
	struct ipc_ends queue_ends = {IPC_ROLE_QUEUE, IPC_ROLE_SMTPIN, 0, 0};
	int fds[2];

	assert_int_equal(rt_channel_pair(w->t.rt, fds), 0);
	assert_int_equal(
		ipc_channel_create(w->t.rt, fds[0], &writer_ends, &writer_events, &w->writer_end),
		0);
	assert_int_equal(
		ipc_channel_create(w->t.rt, fds[1], &queue_ends, &queue_events, &w->queue_end), 0);
	spool_writer_set_queue(w->writer, w->writer_end);
}

#define WAIT_FOR(w, condition) TEST_RT_WAIT(&(w)->t, condition)

static void
name_of(char *name, size_t size, const char *kind, unsigned number)
{
	snprintf(name, size, "%08x.%s", number, kind);
}

static void
segment_give(struct world *w, unsigned number)
{
	struct spool_file_head head = {
		.kind = SPOOL_FILE_SEGMENT, .number = number, .secret = SECRET};
	uint8_t bytes[SPOOL_FILE_HEAD_BYTES];
	struct builder b;
	char name[32];
	int fd;

	name_of(name, sizeof(name), "seg", number);
	builder_init_fixed(&b, bytes, sizeof(bytes));
	spool_file_head_encode(&b, &head);
	assert_int_equal(rt_open(w->t.rt, w->t.dir_fd, name,
				 RT_OPEN_WRITE | RT_OPEN_APPEND | RT_OPEN_CREATE, &fd),
			 0);
	assert_int_equal(rt_write(w->t.rt, fd, builder_slice(&b)), 0);
	assert_int_equal(IPC_SEND(w->queue_end, SPOOL_SEGMENT, spool_segment, .segment = number,
				  .secret = SECRET, .file = fd),
			 0);
	rt_close(w->t.rt, fd);
}

static void
spare_give(struct world *w, unsigned number)
{
	char name[32];
	int fd;

	name_of(name, sizeof(name), "body", number);
	assert_int_equal(rt_open(w->t.rt, w->t.dir_fd, name,
				 RT_OPEN_WRITE | RT_OPEN_APPEND | RT_OPEN_CREATE, &fd),
			 0);
	assert_int_equal(
		IPC_SEND(w->queue_end, SPOOL_SPARE, spool_spare, .body = number, .file = fd), 0);
	rt_close(w->t.rt, fd);
}

static void
begin(struct world *w)
{
	memset(w, 0, sizeof(*w));
	test_rt_begin(&w->t);
	test_rt_folder(&w->t);
	w->options = (struct spool_writer_options){.node = NODE,
						   .commit_gap_ms = 2,
						   .body_memory_max = 8192,
						   .body_memory_total_max = 4 << 20,
						   .segment_size_max = 1 << 20};
	assert_int_equal(spool_writer_create(w->t.rt, &w->options, &w->writer), 0);
	assert_int_equal(spool_reader_create(w->t.rt, &w->reader), 0);
	channels_open(w);
	segment_give(w, 1);
	segment_give(w, 2);
	WAIT_FOR(w, spool_writer_ready(w->writer) == 0);
}

static void
end(struct world *w)
{
	spool_writer_set_queue(w->writer, NULL);
	ipc_channel_destroy(&w->writer_end);
	ipc_channel_destroy(&w->queue_end);
	spool_writer_destroy(&w->writer);
	spool_reader_destroy(&w->reader);
	test_rt_end(&w->t);
}

static void
on_commit(void *ctx, msg_id id, int err)
{
	struct world *w = ctx;

	w->done_id = id;
	w->done_err = err;
	if (++w->done_count == w->done_want)
		rt_stop(w->t.rt);
}

static const struct spool_rcpt rcpt = {
	SLICE("bob@example.test"), {NULL, 0}, 0, SPOOL_RCPT_LOCAL, SLICE("bob@example.test")};

static struct spool_draft *
draft_of(struct world *w, struct slice text)
{
	struct spool_draft *draft;

	assert_int_equal(spool_draft_begin(w->writer, 0, &draft), 0);
	spool_draft_add(draft, text);
	return draft;
}

static void
commit(struct world *w, struct spool_draft *draft)
{
	struct spool_accept accept = {.sender = SLICE("ann@example.test"),
				      .rcpts = &rcpt,
				      .rcpt_count = 1,
				      .header_len = 5};

	spool_draft_commit(&draft, SLICE("Received: x\r\n"), &accept, on_commit, w);
	assert_null(draft);
}

static void
commits_run(struct world *w, size_t want)
{
	w->done_want = w->done_count + want;
	test_rt_run(&w->t);
}

static void
reader_open(struct world *w, const char *kind, unsigned number)
{
	struct ipc_message message = {0};
	char name[32];
	int fd;

	name_of(name, sizeof(name), kind, number);
	assert_int_equal(rt_open(w->t.rt, w->t.dir_fd, name, RT_OPEN_READ, &fd), 0);
	if (kind[0] == 's') {
		message.type = IPC_SEGMENT_OPEN;
		message.u.segment_open.segment = number;
		message.u.segment_open.secret = SECRET;
		message.u.segment_open.file = fd;
	} else {
		message.type = IPC_BODY_OPEN;
		message.u.body_open.body = number;
		message.u.body_open.file = fd;
	}
	assert_true(spool_reader_receive(w->reader, &message));
}

/* The record at that offset, as its head says. */
static uint64_t
record_length(struct world *w, unsigned segment, uint64_t offset)
{
	uint8_t bytes[SPOOL_HEAD_BYTES];
	struct spool_head head;
	char name[32];
	int fd;

	name_of(name, sizeof(name), "seg", segment);
	assert_int_equal(rt_open(w->t.rt, w->t.dir_fd, name, RT_OPEN_READ, &fd), 0);
	assert_int_equal(rt_pread(w->t.rt, fd, bytes, sizeof(bytes), offset), sizeof(bytes));
	rt_close(w->t.rt, fd);
	assert_int_equal(spool_head_decode(slice_of(bytes, sizeof(bytes)), SECRET, &head), 0);
	return head.length;
}

/* A header block that is larger than what a message may take in memory can be looked at whole. */
TEST(head_is_kept)
{
	static char line[3001];
	struct spool_draft *draft;
	struct world w;

	memset(line, 'x', sizeof(line) - 1);
	begin(&w);
	draft = draft_of(&w, SLICE("A: 1\r\n"));
	spool_draft_keep_head(draft, true);
	for (int i = 0; i < 3; i++)
		spool_draft_add(draft, slice_str(line));
	spool_draft_add(draft, SLICE("\r\nB: 2\r\n\r\n"));
	assert_int_equal(spool_draft_head(draft, SIZE_MAX).len, 6 + 3 * 3000 + 10);
	assert_int_equal(spool_draft_error(draft), 0); /* there is no spare file here */
	spool_draft_keep_head(draft, false);
	for (int i = 0; i < 3; i++)
		spool_draft_add(draft, slice_str(line));
	assert_int_equal(spool_draft_head(draft, SIZE_MAX).len, 6 + 3 * 3000 + 10);
	spool_draft_abort(&draft);
	end(&w);
}

TEST(committed_is_readable)
{
	struct spool_message message;
	struct spool_draft *draft;
	struct world w;
	char buf[64];
	msg_id id;

	begin(&w);
	assert_int_equal(w.have.segments, 0);
	draft = draft_of(&w, SLICE("A: 1\r\n\r\n"));
	spool_draft_add(draft, SLICE("body\r\n"));
	assert_slice_str(spool_draft_head(draft, 4), "A: 1");
	id = spool_draft_id(draft);
	assert_true(id == msg_id_make(NODE, 1, 1));
	commit(&w, draft);
	commits_run(&w, 1);
	assert_int_equal(w.done_err, 0);
	assert_true(w.done_id == id);
	WAIT_FOR(&w, w.durable.segment == 1 && w.durable.end > SPOOL_FILE_HEAD_BYTES);
	assert_int_equal(w.durable.end,
			 SPOOL_FILE_HEAD_BYTES + record_length(&w, 1, SPOOL_FILE_HEAD_BYTES));
	assert_int_equal(spool_message_open(w.reader, 1, 64, 200, &message), ERR_NOT_FOUND);
	reader_open(&w, "seg", 1);
	assert_int_equal(spool_message_open(w.reader, 1, SPOOL_FILE_HEAD_BYTES,
					    (uint32_t)(w.durable.end - SPOOL_FILE_HEAD_BYTES),
					    &message),
			 0);
	assert_true(message.accept.id == id);
	assert_slice_str(message.accept.sender, "ann@example.test");
	assert_slice_str(message.content, "Received: x\r\nA: 1\r\n\r\nbody\r\n");
	assert_int_equal(message.accept.trace_len, 13);
	assert_int_equal(spool_message_read(w.reader, &message, 13, buf, 4), 4);
	assert_slice_str(slice_of(buf, 4), "A: 1");
	assert_int_equal(spool_message_read(w.reader, &message, message.accept.size_bytes, buf, 4),
			 0);
	spool_message_close(w.reader, &message);
	end(&w);
}

TEST(large_body_in_a_file)
{
	struct spool_message message;
	struct spool_draft *draft;
	uint8_t text[5000], got[5000];
	struct world w;

	begin(&w);
	assert_int_equal(spool_draft_begin(w.writer, 100000, &draft), -ENOSPC);
	spare_give(&w, 7);
	WAIT_FOR(&w, spool_draft_begin(w.writer, 100000, &draft) == 0);
	for (unsigned i = 0; i < 20; i++) {
		memset(text, 'a' + (int)i, sizeof(text));
		spool_draft_add(draft, slice_of(text, sizeof(text)));
	}
	assert_int_equal(spool_draft_error(draft), 0);
	commit(&w, draft);
	commits_run(&w, 1);
	assert_int_equal(w.done_err, 0);
	WAIT_FOR(&w, w.used.body == 7);
	assert_true(w.used.kept);
	reader_open(&w, "seg", 1);
	assert_int_equal(
		spool_message_open(w.reader, 1, 64, (uint32_t)w.durable.end - 64, &message),
		ERR_NOT_FOUND); /* its body is not here */
	reader_open(&w, "body", 7);
	assert_int_equal(
		spool_message_open(w.reader, 1, 64, (uint32_t)w.durable.end - 64, &message), 0);
	assert_int_equal(message.accept.size_bytes, 13 + 100000);
	for (unsigned i = 0; i < 20; i++) {
		size_t at = 0;

		while (at < sizeof(got)) {
			ssize_t n = spool_message_read(w.reader, &message, 13 + i * 5000 + at,
						       got + at, sizeof(got) - at);
			assert_true(n > 0);
			at += (size_t)n;
		}
		memset(text, 'a' + (int)i, sizeof(text));
		assert_memory_equal(got, text, sizeof(text));
	}
	spool_message_close(w.reader, &message);
	end(&w);
}

TEST(aborted_body_is_given_back)
{
	struct spool_draft *draft;
	uint8_t text[9000] = {0};
	struct world w;

	begin(&w);
	spare_give(&w, 7);
	test_rt_run_ms(&w.t, 200);
	draft = draft_of(&w, slice_of(text, sizeof(text)));
	spool_draft_abort(&draft);
	WAIT_FOR(&w, w.used.body == 7);
	assert_false(w.used.kept);
	draft = draft_of(&w, slice_of(text, sizeof(text)));
	assert_int_equal(spool_draft_error(draft), -ENOSPC); /* no spare is left */
	commit(&w, draft);
	commits_run(&w, 1);
	assert_int_equal(w.done_err, -ENOSPC);
	end(&w);
}

TEST(commits_are_shared)
{
	struct spool_writer_counters counters;
	uint64_t messages = 0, syncs = 0;
	struct world w;

	begin(&w);
	for (size_t i = 0; i < 500; i++)
		commit(&w, draft_of(&w, SLICE("X: y\r\n\r\nhello\r\n")));
	commits_run(&w, 500);
	assert_int_equal(w.done_err, 0);
	counters = spool_writer_counters(w.writer);
	assert_int_equal(counters.messages, 500);
	assert_true(counters.commits <= 3);
	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
		messages += counters.commit_messages.counts[i] << i; /* below that */
		syncs += counters.commit_us.counts[i];
	}
	assert_true(messages > 500 && messages <= 1000);
	assert_int_equal(syncs, counters.commits);
	end(&w);
}

TEST(full_segment_is_sealed)
{
	struct spool_writer_counters counters;
	uint8_t text[6000] = {'x'};
	struct world w;

	begin(&w);
	for (size_t round = 0; round < 2; round++) {
		for (size_t i = 0; i < 100; i++)
			commit(&w, draft_of(&w, slice_of(text, sizeof(text))));
		commits_run(&w, 100);
		assert_int_equal(w.done_err, 0);
	}
	commit(&w, draft_of(&w, slice_of(text, sizeof(text))));
	commits_run(&w, 1);
	WAIT_FOR(&w, w.sealed_count == 1 && w.durable.segment == 2);
	counters = spool_writer_counters(w.writer);
	assert_int_equal(counters.messages, 201);
	assert_int_equal(w.sealed_count, 1);
	assert_int_equal(w.sealed.segment, 1);
	assert_false(w.sealed.poisoned);
	assert_int_equal(w.durable.segment, 2);
	end(&w);
}

TEST(memory_is_bounded)
{
	struct spool_draft *drafts[600];
	uint8_t text[8000] = {0};
	size_t count = 0;
	struct world w;

	begin(&w);
	while (count < 600) {
		drafts[count] = draft_of(&w, slice_of(text, sizeof(text)));
		if (spool_draft_error(drafts[count++]))
			break;
	}
	assert_int_equal(spool_draft_error(drafts[count - 1]), ERR_LIMIT);
	assert_in_range(count, 150, 300);
	while (count)
		spool_draft_abort(&drafts[--count]);
	end(&w);
}

/* A write that fails: all of its messages hear of it, and the next segment takes over. */
TEST(poisoned_segment)
{
	struct ipc_message message = {.type = IPC_SPOOL_SEGMENT};
	struct world w;
	int fd;

	begin(&w);
	spool_writer_set_queue(w.writer, NULL);
	spool_writer_destroy(&w.writer);
	assert_int_equal(spool_writer_create(w.t.rt, &w.options, &w.writer), 0);
	spool_writer_set_queue(w.writer, w.writer_end);
	assert_int_equal(rt_open(w.t.rt, RT_AT_PATH, "/dev/full", RT_OPEN_WRITE, &fd), 0);
	message.u.spool_segment.segment = 5;
	message.u.spool_segment.file = fd;
	assert_true(spool_writer_receive(w.writer, &message));
	segment_give(&w, 6);
	test_rt_run_ms(&w.t, 200);
	commit(&w, draft_of(&w, SLICE("a")));
	commits_run(&w, 1);
	assert_int_equal(w.done_err, -ENOSPC);
	commit(&w, draft_of(&w, SLICE("b")));
	commits_run(&w, 1);
	assert_int_equal(w.done_err, 0);
	WAIT_FOR(&w, w.sealed.segment == 5 && w.durable.segment == 6);
	assert_true(w.sealed.poisoned);
	assert_int_equal(w.sealed.end, SPOOL_FILE_HEAD_BYTES);
	assert_int_equal(w.durable.segment, 6);
	end(&w);
}

/* The owner of a quota is told like one of a full disk. */
ssize_t
writev(int fd, const struct iovec *iov, int count)
{
	if (quota_is_over) {
		errno = EDQUOT;
		return -1;
	}
	return syscall(SYS_writev, fd, iov, count);
}

TEST(quota_of_a_body)
{
	struct spool_draft *draft = NULL;
	uint8_t text[9000] = {0};
	struct world w;

	begin(&w);
	spare_give(&w, 7);
	WAIT_FOR(&w, spool_draft_begin(w.writer, sizeof(text), &draft) == 0);
	quota_is_over = true;
	spool_draft_add(draft, slice_of(text, sizeof(text)));
	commit(&w, draft);
	commits_run(&w, 1);
	quota_is_over = false;
	assert_int_equal(w.done_err, -ENOSPC);
	end(&w);
}

/* A new queue hears what the writer holds and what is durable. */
TEST(queue_comes_back)
{
	uint8_t text[9000] = {0};
	struct spool_draft *draft;
	struct world w;

	begin(&w);
	spare_give(&w, 8);
	WAIT_FOR(&w, spool_draft_begin(w.writer, 9000, &draft) == 0);
	spool_draft_add(draft, slice_of(text, sizeof(text)));
	spare_give(&w, 9);
	test_rt_run_ms(&w.t, 200);
	spool_writer_set_queue(w.writer, NULL);
	ipc_channel_destroy(&w.writer_end);
	ipc_channel_destroy(&w.queue_end);
	commit(&w, draft_of(&w, SLICE("while it is away")));
	commits_run(&w, 1);
	assert_int_equal(w.done_err, 0);
	assert_int_equal(w.durable_count, 0);
	channels_open(&w);
	WAIT_FOR(&w, w.have.segments == 2 && w.durable_count == 2);
	assert_int_equal(w.have.bodies, 2);
	assert_int_equal(w.durable_count, 2); /* both segments */
	assert_int_equal(w.holds_count, 2);
	assert_int_equal(w.holds[0], 9);
	assert_int_equal(w.holds[1], 8); /* of a message at hand */
	spool_draft_abort(&draft);
	WAIT_FOR(&w, w.used_count == 1);
	end(&w);
}

/* No answer came to what is durable: it is said again. A later segment's answer does for the one
 * before, which queue may have stopped answering for when it was sealed. */
TEST(durable_is_said_again)
{
	struct ipc_message indexed = {.type = IPC_SPOOL_INDEXED};
	uint8_t text[6000] = {'x'};
	struct world w;
	size_t said;

	begin(&w);
	commit(&w, draft_of(&w, SLICE("x")));
	commits_run(&w, 1);
	WAIT_FOR(&w, w.durable_count == 1);
	WAIT_FOR(&w, w.durable_count == 2);
	assert_int_equal(w.durable.segment, 1);
	for (size_t i = 0; i < 200; i++)
		commit(&w, draft_of(&w, slice_of(text, sizeof(text))));
	commits_run(&w, 200);
	WAIT_FOR(&w, w.sealed_count == 1);
	WAIT_FOR(&w, w.durable.segment == 2);
	indexed.u.spool_indexed.segment = 2;
	indexed.u.spool_indexed.end = w.durable.end;
	assert_true(spool_writer_receive(w.writer, &indexed));
	said = w.durable_count;
	test_rt_run_ms(&w.t, 1200);
	assert_int_equal(w.durable_count, said);
	end(&w);
}

static void
channel_fill(struct world *w)
{
	size_t sent;

	ipc_channel_pause(w->queue_end, true);
	do {
		sent = 0;
		while (IPC_SEND(w->writer_end, SPOOL_HAVE, spool_have, .segments = 2) == 0)
			sent++;
		test_rt_run_ms(&w->t, 5);
	} while (sent);
}

/* While queue takes nothing, only the last end of a segment waits for it, so that there is room for
 * its seal behind any number of commits. */
TEST(durable_is_joined)
{
	struct world w;

	begin(&w);
	channel_fill(&w);
	for (size_t i = 0; i < 20; i++) {
		commit(&w, draft_of(&w, SLICE("x")));
		commits_run(&w, 1);
	}
	ipc_channel_pause(w.queue_end, false);
	WAIT_FOR(&w, w.durable_count > 0);
	assert_int_equal(w.durable_count, 1);
	assert_true(w.durable.end > SPOOL_FILE_HEAD_BYTES + (uint64_t)20 * SPOOL_HEAD_BYTES);
	end(&w);
}

TEST(room_and_lag)
{
	struct ipc_message room = {.type = IPC_SPOOL_ROOM, .u.spool_room.refuse = 1};
	struct spool_draft *draft;
	struct world w;

	begin(&w);
	assert_true(spool_writer_receive(w.writer, &room));
	assert_int_equal(spool_draft_begin(w.writer, 0, &draft), -ENOSPC);
	room.u.spool_room.refuse = 2;
	assert_true(spool_writer_receive(w.writer, &room));
	assert_int_equal(spool_draft_begin(w.writer, 0, &draft), ERR_AGAIN);
	room.u.spool_room.refuse = 0;
	assert_true(spool_writer_receive(w.writer, &room));
	assert_int_equal(spool_writer_ready(w.writer), 0);
	end(&w);
}

TESTS(TEST_ROW(head_is_kept), TEST_ROW(committed_is_readable), TEST_ROW(large_body_in_a_file),
      TEST_ROW(aborted_body_is_given_back), TEST_ROW(commits_are_shared),
      TEST_ROW(full_segment_is_sealed), TEST_ROW(memory_is_bounded), TEST_ROW(poisoned_segment),
      TEST_ROW(queue_comes_back), TEST_ROW(quota_of_a_body), TEST_ROW(durable_is_said_again),
      TEST_ROW(durable_is_joined), TEST_ROW(room_and_lag))
