/*
 * BDAT (RFC 3030 2). The octets of a chunk follow its command at once, so they are taken off the
 * input in any case: a refusal is said at once where the command shows it, at the end of the chunk
 * where its octets do; one reply per chunk. The chunks behind one that failed are refused for the
 * same reason, until RSET, EHLO or another MAIL. A size that cannot be read or drained ends the
 * session, since nobody could tell the octets from commands.
 */
#include "wire/smtp/server_impl.h"

#include "base/assert.h"
#include "wire/smtp/server_message.h"

/* Refuses the chunk and skips its octets. */
static enum smtp_server_step
refuse_chunk(struct smtp_server *s, enum smtp_refusal refusal)
{
	(void)server_refuse(s, refusal);
	server_reset(s);
	if (s->closing)
		return STEP_AGAIN;
	if (server_too_much_to_drain(s, s->chunk_left)) {
		server_close(s);
		return STEP_AGAIN;
	}
	s->drop_chunk = true;
	s->mode = MODE_CHUNK;
	return STEP_AGAIN;
}

static bool
is_number(struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		if (!ascii_is_digit(text.data[i]))
			return false;
	return text.len > 0;
}

/* Chunk size and LAST into the session; a reason when they cannot be read. */
static enum smtp_refusal
read_chunk_size(struct smtp_server *s, struct slice argument)
{
	struct slice rest = argument, size = slice_cut(&rest, ' ');
	struct slice last = slice_trim(rest);

	if (!is_number(size) || (last.len && !slice_eq_nocase(last, SLICE("LAST"))))
		return SMTP_REFUSED_CHUNK_SIZE;
	if (!slice_to_u64(size, UINT64_MAX, &s->chunk_left))
		return SMTP_REFUSED_SIZE_MAX;
	s->chunk_last = last.len > 0;
	return SMTP_REFUSED_MAX;
}

static bool
chunk_fits(const struct smtp_server *s)
{
	uint64_t max = s->options->size_max, had = 0;

	if (s->state == STATE_CHUNKS)
		had = s->data.size - s->data.dots;
	return !max || (had <= max && s->chunk_left <= max - had);
}

enum smtp_server_step
cmd_bdat(struct smtp_server *s, const struct smtp_command *command,
	 struct smtp_server_event *ret_event)
{
	enum smtp_refusal refused = read_chunk_size(s, command->argument);

	if (refused != SMTP_REFUSED_MAX) {
		(void)server_refuse(s, refused);
		server_close(s);
		return STEP_AGAIN;
	}
	if (s->state != STATE_CHUNKS)
		s->message_start_ms = s->now_ms;
	if (!(s->state & (STATE_RCPT | STATE_CHUNKS)))
		return refuse_chunk(s, s->chunks_failed ? (enum smtp_refusal)s->failed_by
							: SMTP_REFUSED_BDAT_NOT_NOW);
	if (!chunk_fits(s)) {
		s->chunks_failed = true;
		s->failed_by = SMTP_REFUSED_SIZE_MAX;
		return refuse_chunk(s, SMTP_REFUSED_SIZE_MAX);
	}
	if (s->state == STATE_CHUNKS) {
		s->mode = MODE_CHUNK;
		return STEP_AGAIN;
	}
	s->chunk_waits = true;
	ret_event->chunking = true;
	return server_ask(s, ret_event, SMTP_SERVER_DATA);
}

void
server_answer_chunk(struct smtp_server *s, const struct smtp_answer *answer)
{
	s->chunk_waits = false;
	s->mode = MODE_CHUNK;
	if (answer->code == 354) {
		server_message_begin(s, SMTP_DATA_OCTETS);
		s->state = STATE_CHUNKS;
		return;
	}
	s->chunks_failed = true;
	s->failed_by = answer->code < 500 ? SMTP_REFUSED_CHUNKS_LATER : SMTP_REFUSED_BDAT_NOT_NOW;
	s->drop_chunk = true;
	server_reply_answer(s, answer);
	server_reset(s);
	if (server_too_much_to_drain(s, s->chunk_left))
		server_close(s);
}

static enum smtp_server_step
end_chunk(struct smtp_server *s, struct smtp_server_event *ret_event)
{
	static const struct smtp_answer taken = {250, "2.0.0", SLICE("Chunk taken"), false};

	if (s->drop_chunk) {
		s->drop_chunk = false;
		s->mode = MODE_COMMAND;
		s->progress_ms = s->now_ms;
		return STEP_AGAIN;
	}
	if (s->chunk_last && server_message_check(s)) {
		ret_event->bytes = smtp_data_finish(&s->data);
		if (ret_event->bytes.len) {
			ret_event->kind = SMTP_SERVER_BODY;
			return STEP_EVENT;
		}
	}
	if (s->chunk_last || s->failed) {
		s->chunks_failed = s->failed;
		return server_message_end(s, ret_event, true);
	}
	s->mode = MODE_COMMAND;
	s->progress_ms = s->now_ms;
	server_reply(s, &taken);
	return STEP_AGAIN;
}

enum smtp_server_step
server_step_chunk(struct smtp_server *s, struct smtp_server_event *ret_event)
{
	struct slice piece = slice_sub(s->view, 0, s->chunk_left), chunk;
	size_t before = piece.len;
	enum smtp_data_step got = SMTP_DATA_MORE;

	if (s->chunk_left == 0)
		return end_chunk(s, ret_event);
	if (before == 0)
		return STEP_MORE;
	if (s->drop_chunk || s->failed)
		piece.len = 0;
	else
		got = smtp_data_next(&s->data, &piece, &chunk);
	s->view = slice_from(s->view, before - piece.len);
	s->chunk_left -= before - piece.len;
	if (got != SMTP_DATA_CHUNK || !server_message_check(s))
		return STEP_AGAIN;
	ret_event->kind = SMTP_SERVER_BODY;
	ret_event->bytes = chunk;
	return STEP_EVENT;
}
