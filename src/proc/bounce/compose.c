/*
 * A report is at most DSN_BYTES_MAX and what goes back of the original. Where the whole original
 * was asked for and the writer has no room for it, the report goes with the header alone: late and
 * complete would be worse than soon and short.
 */
#include "proc/bounce/compose.h"

#include "base/assert.h"
#include "rule/explain/letter.h"
#include "wire/dsn/compose.h"

#define UNIQUE_BYTES 12

int
report_source_open(struct report_source *source, struct bounce *bounce,
		   const struct ipc_report_make *make, uint64_t body_max)
{
	const struct spool_accept *accept = &source->message.accept;
	size_t header_len, at = 0;
	uint64_t body_len;
	int err;

	*source = (struct report_source){0};
	err = spool_message_open(bounce->reader, make->segment, make->offset, make->length,
				 &source->message);
	if (err)
		return err;
	header_len = (size_t)accept->trace_len + accept->header_len;
	body_len = accept->size_bytes > header_len ? accept->size_bytes - header_len : 0;
	if (body_len > body_max)
		body_len = 0;
	source->block_bytes = header_len + (size_t)body_len + 1;
	source->block = mem_take(rt_mem(bounce->rt), source->block_bytes);
	err = source->block ? 0 : ERR_NO_MEMORY;
	while (!err && at < header_len + body_len) {
		ssize_t got = spool_message_read(bounce->reader, &source->message, at,
						 source->block + at, header_len + body_len - at);

		if (got <= 0)
			err = got < 0 ? (int)got : ERR_TRUNCATED;
		else
			at += (size_t)got;
	}
	source->header = slice_of(source->block, header_len);
	source->body = slice_of(source->block + header_len, (size_t)body_len);
	if (err)
		report_source_close(source, bounce);
	return err;
}

void
report_source_close(struct report_source *source, struct bounce *bounce)
{
	mem_give(rt_mem(bounce->rt), source->block, source->block_bytes);
	spool_message_close(bounce->reader, &source->message);
}

struct parts {
	struct slice header, body;
};

/* Recipients get their addresses from the record; a number that is not there is our bug or a
 * damaged order: ERR_RANGE. */
static int
rcpts_name(struct report *report, const struct spool_accept *accept)
{
	for (size_t i = 0; i < report->rcpt_count; i++) {
		if (report->numbers[i] >= accept->rcpt_count)
			return ERR_RANGE;
		report->rcpts[i].address = accept->rcpts[report->numbers[i]].address;
		report->rcpts[i].orcpt = accept->rcpts[report->numbers[i]].orcpt;
	}
	return 0;
}

static enum dsn_kind
kind_of(const struct report *report)
{
	static const enum dsn_kind kinds[SPOOL_REPORT_KIND_MAX] = {
		[SPOOL_REPORT_FAILURE] = DSN_FAILURE,
		[SPOOL_REPORT_DELAY] = DSN_DELAY,
		[SPOOL_REPORT_SUCCESS] = DSN_SUCCESS,
	};

	return kinds[report->make.kind];
}

/* The report's text into the arena, with this id. */
static int
text_make(struct report *report, const struct report_source *source, struct arena *arena, msg_id id,
	  struct parts *ret_parts)
{
	struct bounce *bounce = report->bounce;
	const struct spool_accept *accept = &source->message.accept;
	uint8_t id_room[MSG_ID_TEXT_LEN], of_room[MSG_ID_TEXT_LEN], unique[2 * UNIQUE_BYTES];
	uint8_t random[UNIQUE_BYTES];
	int64_t now_ms = rt_wall_ms(bounce->rt);
	struct dsn_report dsn = {
		.kind = (uint8_t)kind_of(report),
		.host = bounce->boot->config->hostname,
		.sender = report->sender,
		.envid = accept->envid,
		.arrival_s = accept->accepted_wall_ms / 1000,
		.now_s = now_ms / 1000,
		.retry_until_s = report->make.retry_until_wall_ms / 1000,
		.offset_minutes = (int16_t)rt_utc_offset_min(bounce->rt, now_ms),
		.rcpts = report->rcpts,
		.rcpt_count = report->rcpt_count,
		.global = !slice_is_ascii(report->sender),
		.full = source->body.len > 0,
		.header = source->header,
		.body = source->body,
	};
	struct builder b, letter, out;
	size_t header_len;
	int err;

	builder_init_fixed(&b, id_room, sizeof(id_room));
	msg_id_format(&b, id);
	dsn.report_id = builder_slice(&b);
	builder_init_fixed(&b, of_room, sizeof(of_room));
	msg_id_format(&b, report->make.message);
	dsn.id = builder_slice(&b);
	rt_random(bounce->rt, random, sizeof(random));
	builder_init_fixed(&b, unique, sizeof(unique));
	builder_hex(&b, slice_of(random, sizeof(random)));
	dsn.unique = builder_slice(&b);
	builder_init_arena(&letter, arena, DSN_LETTER_BYTES_MAX);
	builder_init_arena(&out, arena,
			   DSN_BYTES_MAX + DSN_LETTER_BYTES_MAX + 3 * DSN_HEADER_BYTES_MAX +
				   source->block_bytes);
	letter_build(&letter, &dsn);
	err = dsn_compose(&out, &dsn, builder_slice(&letter), &header_len);
	if (err || letter.failed)
		return err ? err : ERR_NO_MEMORY;
	ret_parts->header = slice_sub(builder_slice(&out), 0, header_len);
	ret_parts->body = slice_from(builder_slice(&out), header_len);
	return 0;
}

static void
accept_fill(const struct report *report, const struct parts *parts, struct spool_rcpt *rcpts,
	    struct spool_accept *accept)
{
	struct bounce *bounce = report->bounce;

	*accept = (struct spool_accept){
		.accepted_wall_ms = rt_wall_ms(bounce->rt),
		.flags = SPOOL_REPORT,
		.protocol = SPOOL_PROTOCOL_INTERNAL,
		.helo = bounce->boot->config->hostname,
		.report_kind = report->make.kind,
		.report_key = report->make.key,
		.report_of = report->make.message,
		.rcpts = rcpts,
		.header_len = (uint32_t)parts->header.len,
	};
	if (!slice_is_ascii(parts->header))
		accept->flags |= SPOOL_HEADER_EIGHT_BIT | SPOOL_UTF8;
	if (!slice_is_ascii(parts->body))
		accept->flags |= SPOOL_EIGHT_BIT;
	for (size_t i = 0; i < report->reader_count; i++) {
		const struct report_reader *reader = &report->readers[i];

		if (!reader->kind)
			continue;
		if (!slice_is_ascii(reader->address))
			accept->flags |= SPOOL_UTF8;
		rcpts[accept->rcpt_count++] = (struct spool_rcpt){
			.address = reader->address,
			.notify = SPOOL_NOTIFY_NEVER,
			.kind = reader->kind,
			.target = reader->target,
		};
	}
}

/* One try, with so much of the original's body at most. */
static int
compose_with(struct report *report, uint64_t body_max, spool_commit_fn *done)
{
	struct bounce *bounce = report->bounce;
	struct spool_rcpt rcpts[REPORT_READERS_MAX];
	struct spool_draft *draft = NULL;
	struct report_source source;
	struct spool_accept accept;
	struct parts parts;
	struct arena arena;
	int err = report_source_open(&source, bounce, &report->make, body_max);

	if (err)
		return err;
	arena_init(&arena, rt_mem(bounce->rt),
		   4 * (DSN_BYTES_MAX + DSN_LETTER_BYTES_MAX + source.block_bytes));
	err = rcpts_name(report, &source.message.accept);
	if (!err)
		err = spool_draft_begin(bounce->writer, 0, &draft);
	if (!err)
		err = text_make(report, &source, &arena, spool_draft_id(draft), &parts);
	if (!err) {
		spool_draft_add(draft, parts.header);
		spool_draft_add(draft, parts.body);
		err = spool_draft_error(draft);
	}
	if (!err) {
		accept_fill(report, &parts, rcpts, &accept);
		spool_draft_commit(&draft, SLICE_EMPTY, &accept, done, report);
	}
	if (draft)
		spool_draft_abort(&draft);
	arena_finish(&arena);
	report_source_close(&source, bounce);
	return err;
}

/* RET says what of a failed message goes back (RFC 3461 4.3); of others the header does. */
static uint64_t
body_wanted(struct report *report)
{
	struct bounce *bounce = report->bounce;
	struct spool_message message;
	uint64_t wanted = 0;

	if (report->make.kind != SPOOL_REPORT_FAILURE ||
	    spool_message_open(bounce->reader, report->make.segment, report->make.offset,
			       report->make.length, &message))
		return 0;
	if (message.accept.ret == SPOOL_RET_FULL && !(message.accept.flags & SPOOL_LONG_LINES))
		wanted = bounce->boot->config->report_body_max;
	spool_message_close(bounce->reader, &message);
	return wanted;
}

int
report_compose(struct report *report, spool_commit_fn *done)
{
	uint64_t body_max = body_wanted(report);
	int err = compose_with(report, body_max, done);

	if (err && err != ERR_AGAIN && body_max)
		err = compose_with(report, 0, done);
	return err;
}
