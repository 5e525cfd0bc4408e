/*
 * smtpout session, writing: one gathering write of what is left of the content (from the record's
 * memory, or pieces of a body file), the final dot, and the commands behind it. Nothing is copied
 * but pieces of body files. A piece stays where it is until it is out, as TLS demands.
 */
#include "proc/smtpout/session_io.h"

#include <string.h>

#include "base/assert.h"

#define SLICES_MAX 4
#define SENDS_PER_ROUND 8

/* RFC 5321 4.1.1.4. The spool keeps content with its last CRLF; should one be missing, we add it,
 * since a dot behind anything else would end nothing. */
static const char end_mark[] = "\r\n.\r\n";
#define END_MARK_LEN 5u

void
session_content_begin(struct session *s, struct job *job)
{
	ASSERT(!s->content && job->is_open);
	s->content = job;
	s->content_at = 0;
	s->dot_at = 0;
	s->piece_at = s->piece_len = 0;
	s->kept = job->kept;
	s->tail[0] = '\r'; /* empty content needs no line end */
	s->tail[1] = '\n';
	smtp_client_answer_content(&s->client, rt_now_ms(s->out->rt));
}

static bool
content_is_out(const struct session *s)
{
	const struct spool_message *record = &s->content->record;

	return s->content_at >= record->accept.size_bytes;
}

/* Of a piece that must not go out nothing does, nor does the dot behind a body file that is not
 * what was accepted. */
static int
piece_check(struct session *s, struct slice piece)
{
	const struct spool_message *record = &s->content->record;
	bool last = s->content_at + piece.len >= record->accept.size_bytes;

	if (s->content_at == record->content.len)
		spool_sum_begin(s->sum, 0);
	spool_sum_add(s->sum, piece);
	if (last && spool_sum_end(s->sum) != record->accept.body.sum)
		return ERR_CHECKSUM;
	if (!smtp_kept_feed(&s->kept, piece) || (last && !smtp_kept_end(&s->kept)))
		return ERR_SYNTAX;
	return 0;
}

static bool
piece_memory(struct session *s)
{
	if (!s->piece)
		s->piece = mem_take(s->out->mem, SESSION_PIECE_BYTES);
	if (!s->sum)
		s->sum = MEM_NEW(s->out->mem, struct spool_sum_state);
	return s->piece && s->sum;
}

/* Reads the next piece of a body file when the one before is out. */
static int
piece_fill(struct session *s)
{
	const struct spool_message *record = &s->content->record;
	ssize_t got;

	if (s->piece_at < s->piece_len || s->content_at < record->content.len)
		return 0;
	if (!piece_memory(s))
		return ERR_NO_MEMORY;
	got = spool_message_read(s->out->reader, record, s->content_at, s->piece,
				 SESSION_PIECE_BYTES);
	if (got <= 0)
		return got < 0 ? (int)got : ERR_TRUNCATED;
	s->piece_at = 0;
	s->piece_len = (size_t)got;
	return piece_check(s, slice_of(s->piece, s->piece_len));
}

/* The content ends in the middle: its job has its verdict, and the connection is of no use. */
static void
content_fail(struct session *s, int err)
{
	job_report_unreadable(s->content, err);
	s->content = NULL;
	smtp_client_lost(&s->client, rt_now_ms(s->out->rt));
}

static struct slice
mark_left(const struct session *s)
{
	size_t skip = s->tail[0] == '\r' && s->tail[1] == '\n' ? 2 : 0;

	return slice_of(end_mark + skip + s->dot_at, END_MARK_LEN - skip - s->dot_at);
}

static void
tail_note(struct session *s, struct slice sent)
{
	if (sent.len >= 2) {
		s->tail[0] = sent.data[sent.len - 2];
		s->tail[1] = sent.data[sent.len - 1];
	} else if (sent.len == 1) {
		s->tail[0] = s->tail[1];
		s->tail[1] = sent.data[0];
	}
}

/* What is left of the content in one run of memory. */
static struct slice
content_left(const struct session *s)
{
	const struct spool_message *record = &s->content->record;

	if (s->content_at < record->content.len)
		return slice_from(record->content, (size_t)s->content_at);
	return slice_of(s->piece + s->piece_at, s->piece_len - s->piece_at);
}

/* The mark and commands may only follow when this run is the end of the content. */
static bool
is_last_run(const struct session *s, struct slice run)
{
	return s->content_at + run.len >= s->content->record.accept.size_bytes;
}

/* tail as it will be when run is out: the mark depends on it. */
static size_t
gather(struct session *s, struct slice slices[SLICES_MAX])
{
	size_t count = 0;

	if (s->content) {
		struct slice run = content_is_out(s) ? SLICE_EMPTY : content_left(s);
		uint8_t tail[2] = {s->tail[0], s->tail[1]};

		if (run.len)
			slices[count++] = run;
		if (!is_last_run(s, run))
			return count;
		tail_note(s, run);
		slices[count++] = mark_left(s);
		memcpy(s->tail, tail, sizeof(tail));
	}
	slices[count] = smtp_client_output(&s->client);
	if (slices[count].len)
		count++;
	return count;
}

static void
content_sent(struct session *s, size_t len)
{
	struct slice run = content_left(s);

	tail_note(s, slice_sub(run, 0, len));
	if (s->content_at >= s->content->record.content.len)
		s->piece_at += len;
	s->content_at += len;
}

/* Counts len bytes as out: content, then mark, then commands. */
static void
account(struct session *s, size_t len)
{
	if (s->content && !content_is_out(s)) {
		size_t run = content_left(s).len;
		size_t part = len < run ? len : run;

		content_sent(s, part);
		len -= part;
	}
	if (s->content && len > 0) {
		size_t left = mark_left(s).len;
		size_t part = len < left ? len : left;

		s->dot_at += part;
		len -= part;
		if (part == left) {
			s->content = NULL;
			smtp_client_content_out(&s->client, s->moved_ms);
		}
	}
	if (len > 0)
		smtp_client_output_taken(&s->client, len, s->moved_ms);
}

/* > 0 sent, 0 nothing to send or blocked, < 0 the connection is of no use any more. */
static ssize_t
send_once(struct session *s)
{
	struct slice slices[SLICES_MAX];
	size_t count;
	ssize_t put;

	count = gather(s, slices);
	if (count == 0) {
		s->blocked = false;
		return 0;
	}
	put = conn_send(s->conn, slices, count);
	if (put == ERR_AGAIN) {
		if (!s->blocked)
			s->moved_ms = rt_now_ms(s->out->rt);
		s->blocked = true;
		return 0;
	}
	if (put <= 0)
		return put < 0 ? put : ERR_CLOSED;
	s->moved_ms = rt_now_ms(s->out->rt);
	s->blocked = false;
	account(s, (size_t)put);
	return put;
}

bool
session_send(struct session *s)
{
	bool was_blocked = s->blocked, moved = false;
	ssize_t put = 0;

	for (int i = 0; i < SENDS_PER_ROUND; i++) {
		int err = s->content && !content_is_out(s) ? piece_fill(s) : 0;

		if (err) {
			content_fail(s, err);
			return true;
		}
		put = send_once(s);
		if (put <= 0)
			break;
		moved = true;
		/* the machine may want to put content behind these commands */
		if (!s->content)
			break;
	}
	if (put < 0) {
		s->content = NULL;
		smtp_client_lost(&s->client, rt_now_ms(s->out->rt));
		return true;
	}
	if (s->blocked != was_blocked)
		conn_want(s->conn, s->blocked ? RT_READABLE | RT_WRITABLE : RT_READABLE);
	return moved;
}

void
session_say_last(struct session *s)
{
	struct slice out = smtp_client_output(&s->client);

	/* behind half a content it would be part of it */
	if (out.len == 0 || s->content)
		return;
	/* politeness: whether it arrives is of no interest */
	if (conn_send(s->conn, &out, 1) < 0)
		return;
}
