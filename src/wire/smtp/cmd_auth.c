/*
 * AUTH (RFC 4954 4). The machine checks when and how; the mechanisms are the owner's matter, which
 * gets plain bytes and gives plain challenges. What was decoded is wiped as soon as it is answered.
 */
#include <string.h>

#include "base/assert.h"
#include "wire/smtp/server_impl.h"
#include "wire/text/base64.h"

#define AUTH_LINE_MAX 12288u

void
server_auth_forget(struct smtp_server *s)
{
	if (!s->decoded)
		return;
	memset(s->decoded, 0, s->decoded_size);
	mem_give(s->mem, s->decoded, s->decoded_size);
	s->decoded = NULL;
	s->decoded_size = 0;
}

/* The exchange is broken off: says why, and tells the owner if it knows of the exchange. */
static enum smtp_server_step
break_off(struct smtp_server *s, enum smtp_refusal refusal)
{
	if (s->mode == MODE_AUTH)
		s->tell_auth_end = true;
	s->mode = MODE_COMMAND;
	return server_refuse(s, refusal);
}

/* Decodes what the client said and asks the owner. */
static enum smtp_server_step
ask_decoded(struct smtp_server *s, struct slice text, struct smtp_server_event *ret_event,
	    enum smtp_server_event_kind kind)
{
	size_t size = BASE64_DECODED_MAX(text.len);
	struct builder b;

	server_auth_forget(s);
	s->decoded = mem_take(s->mem, size);
	if (!s->decoded) {
		server_close(s);
		return STEP_AGAIN;
	}
	s->decoded_size = (uint32_t)size;
	builder_init_fixed(&b, s->decoded, size);
	if (base64_decode(&b, text) || builder_take(&b, &ret_event->bytes)) {
		server_auth_forget(s);
		ret_event->name = SLICE_EMPTY;
		return break_off(s, SMTP_REFUSED_AUTH_BASE64);
	}
	ret_event->has_bytes = true;
	return server_ask(s, ret_event, kind);
}

static bool
list_has(struct slice list, struct slice word)
{
	while (list.len)
		if (slice_eq_nocase(slice_cut(&list, ' '), word))
			return true;
	return false;
}

static enum smtp_refusal
check_auth(const struct smtp_server *s, struct slice mechanism, struct slice response)
{
	const struct smtp_server_options *options = s->options;

	if (options->auth_mechanisms.len == 0)
		return SMTP_REFUSED_AUTH_NONE;
	if (!s->tls)
		return SMTP_REFUSED_AUTH_NEEDS_TLS;
	if (s->authenticated)
		return SMTP_REFUSED_AUTH_NOT_NOW;
	if (mechanism.len == 0 || slice_index(response, ' ') < response.len)
		return SMTP_REFUSED_ARGUMENT;
	if (!list_has(options->auth_mechanisms, mechanism) &&
	    !(s->channel_binding && list_has(options->auth_mechanisms_plus, mechanism)))
		return SMTP_REFUSED_AUTH_MECHANISM;
	return SMTP_REFUSED_MAX;
}

enum smtp_server_step
cmd_auth(struct smtp_server *s, const struct smtp_command *command,
	 struct smtp_server_event *ret_event)
{
	struct slice response = command->argument, mechanism = slice_cut(&response, ' ');
	enum smtp_refusal refused;

	response = slice_trim(response);
	refused = check_auth(s, mechanism, response);
	if (refused != SMTP_REFUSED_MAX)
		return server_refuse(s, refused);
	ret_event->name = mechanism;
	if (response.len == 0)
		return server_ask(s, ret_event, SMTP_SERVER_AUTH);
	if (slice_eq(response, SLICE("=")))
		response = SLICE_EMPTY;
	return ask_decoded(s, response, ret_event, SMTP_SERVER_AUTH);
}

enum smtp_server_step
server_step_auth(struct smtp_server *s, struct smtp_server_event *ret_event)
{
	struct slice line = SLICE_EMPTY;
	enum smtp_refusal refused;

	if (s->shutting_down)
		return break_off(s, SMTP_REFUSED_SHUTDOWN);
	if (!server_input_line(s, AUTH_LINE_MAX, &line, &refused))
		return STEP_MORE;
	s->progress_ms = s->now_ms;
	if (refused == SMTP_REFUSED_LINE_LONG)
		refused = SMTP_REFUSED_AUTH_LONG;
	if (refused != SMTP_REFUSED_MAX)
		return break_off(s, refused);
	if (slice_eq(line, SLICE("*")))
		return break_off(s, SMTP_REFUSED_AUTH_CANCELLED);
	return ask_decoded(s, line, ret_event, SMTP_SERVER_AUTH_RESPONSE);
}

void
server_answer_auth(struct smtp_server *s, const struct smtp_answer *answer)
{
	server_auth_forget(s);
	if (answer->code == 334) {
		s->mode = MODE_AUTH;
		server_reply_challenge(s, answer->text);
		return;
	}
	s->mode = MODE_COMMAND;
	s->authenticated = answer->code == 235;
	if (answer->code == 535) {
		s->logins_failed++;
		if (s->options->logins_max && s->logins_failed >= s->options->logins_max) {
			(void)server_refuse(s, SMTP_REFUSED_LOGINS_MAX);
			return;
		}
	}
	server_reply_answer(s, answer);
}
