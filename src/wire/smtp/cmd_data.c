/*
 * DATA (RFC 5321 4.1.1.4) and the message that follows it. A message that breaks a limit or has a
 * flaw is dropped at once and read on to its real end, then refused, so that none of its bytes is
 * ever taken for a command; but not for ever.
 */
#include "wire/smtp/server_impl.h"

#include "base/assert.h"
#include "wire/smtp/server_message.h"

enum smtp_server_step
cmd_data(struct smtp_server *s, const struct smtp_command *command,
	 struct smtp_server_event *ret_event)
{
	(void)command;
	ret_event->chunking = false;
	return server_ask(s, ret_event, SMTP_SERVER_DATA);
}

void
server_message_begin(struct smtp_server *s, enum smtp_data_mode mode)
{
	smtp_data_init(&s->data, mode);
	s->message_start_ms = s->now_ms;
	s->failed = false;
}

static void
answer_data_command(struct smtp_server *s, const struct smtp_answer *answer)
{
	static const struct smtp_answer go = {.code = 354,
					      .text = SLICE("End data with <CR><LF>.<CR><LF>")};

	if (s->view.len) {
		/* Sent before our reply: taken for a message or for commands, it may be either. */
		if (answer->code == 354)
			(void)server_refuse(s, SMTP_REFUSED_BEFORE_354);
		else
			server_reply_answer(s, answer);
		server_close(s);
		return;
	}
	s->data_told = true;
	if (answer->code != 354) {
		server_reply_answer(s, answer);
		return;
	}
	server_reply(s, &go);
	server_message_begin(s, SMTP_DATA_DOTTED);
	s->mode = MODE_DATA;
}

void
server_answer_data(struct smtp_server *s, const struct smtp_answer *answer)
{
	if (s->chunk_waits)
		server_answer_chunk(s, answer);
	else
		answer_data_command(s, answer);
}

static enum smtp_refusal
find_fault(const struct smtp_server *s)
{
	const struct smtp_server_options *options = s->options;
	const struct smtp_data *data = &s->data;

	if (data->flags & SMTP_DATA_LINE_FLAWS)
		return SMTP_REFUSED_MESSAGE_LINES;
	if (data->flags & SMTP_DATA_CONTINUES)
		return SMTP_REFUSED_MESSAGE_START;
	if (options->size_max && data->size - data->dots > options->size_max)
		return SMTP_REFUSED_SIZE_MAX;
	if (options->header_max && data->header_size > options->header_max)
		return SMTP_REFUSED_HEADER_MAX;
	if (options->line_max && data->line_longest > options->line_max)
		return SMTP_REFUSED_MESSAGE_LONG;
	if (options->received_max && data->received_count > options->received_max)
		return SMTP_REFUSED_HOPS_MAX;
	return SMTP_REFUSED_MAX;
}

bool
server_too_much_to_drain(const struct smtp_server *s, uint64_t size)
{
	uint64_t max = s->options->size_max;

	return max && size / SMTP_SERVER_DRAIN_TIMES > max;
}

bool
server_message_check(struct smtp_server *s)
{
	enum smtp_refusal fault;

	if (s->failed)
		return false;
	fault = find_fault(s);
	if (fault == SMTP_REFUSED_MAX)
		return true;
	s->failed = true;
	s->failed_by = (uint8_t)fault;
	server_reset(s);
	return false;
}

enum smtp_server_step
server_message_end(struct smtp_server *s, struct smtp_server_event *ret_event, bool chunking)
{
	s->mode = MODE_COMMAND;
	s->progress_ms = s->now_ms;
	if (!server_message_check(s)) {
		s->failed = false;
		return server_refuse(s, (enum smtp_refusal)s->failed_by);
	}
	ret_event->data = &s->data;
	ret_event->chunking = chunking;
	return server_ask(s, ret_event, SMTP_SERVER_MESSAGE);
}

enum smtp_server_step
server_step_data(struct smtp_server *s, struct smtp_server_event *ret_event)
{
	struct slice chunk;
	bool failed = s->failed;
	enum smtp_data_step got = smtp_data_next(&s->data, &s->view, &chunk);

	if (got == SMTP_DATA_MORE)
		return STEP_MORE;
	if (got == SMTP_DATA_END)
		return server_message_end(s, ret_event, false);
	if (!server_message_check(s)) {
		if (failed && server_too_much_to_drain(s, s->data.size))
			return server_refuse(s, SMTP_REFUSED_DRAIN_MAX);
		return STEP_AGAIN;
	}
	ret_event->kind = SMTP_SERVER_BODY;
	ret_event->bytes = chunk;
	return STEP_EVENT;
}
