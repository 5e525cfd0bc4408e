/*
 * server_reply: what the server says. One function writes all replies, so that each line has the
 * code, the status (RFC 2034: of the same class, on every line) and harmless text.
 */
#include <string.h>

#include "base/assert.h"
#include "wire/smtp/server_impl.h"
#include "wire/text/base64.h"

#define OUT_FIRST_BYTES 512u
/* Text on a reply line: RFC 5321 4.5.3.1.5 allows 512 octets with code and CRLF. */
#define LINE_TEXT_MAX 480u

static const struct {
	const char *name;
	uint16_t code;
	const char *status, *text;
} refusals[] = {
#define REFUSAL(NAME, name, code, status, text) {name, code, status, text},
#include "wire/smtp/refusals.def"
#undef REFUSAL
};

const char *
smtp_refusal_str(enum smtp_refusal refusal)
{
	ASSERT(refusal < SMTP_REFUSED_MAX);
	return refusals[refusal].name;
}

uint16_t
smtp_refusal_code(enum smtp_refusal refusal)
{
	ASSERT(refusal < SMTP_REFUSED_MAX);
	return refusals[refusal].code;
}

void
server_output_free(struct smtp_server *s)
{
	mem_give(s->mem, s->out, s->out_size);
	s->out = NULL;
	s->out_size = s->out_len = s->out_sent = 0;
}

static bool
out_grow(struct smtp_server *s, size_t need)
{
	size_t size = s->out_size ? s->out_size : OUT_FIRST_BYTES;
	uint8_t *out;

	while (size < need)
		size *= 2;
	out = mem_take(s->mem, size);
	if (!out)
		return false;
	if (s->out_len)
		memcpy(out, s->out, s->out_len);
	mem_give(s->mem, s->out, s->out_size);
	s->out = out;
	s->out_size = (uint32_t)size;
	return true;
}

/* No memory for a line: nothing more is said, and not half a line either. */
static void
out_break(struct smtp_server *s)
{
	s->out_broken = true;
	while (s->out_len > s->out_sent && s->out[s->out_len - 1] != '\n')
		s->out_len--;
	server_close(s);
}

static void
out_add(struct smtp_server *s, struct slice bytes)
{
	size_t need = s->out_len + bytes.len;

	if (bytes.len == 0 || s->out_broken)
		return;
	if (need > s->out_size && !out_grow(s, need)) {
		out_break(s);
		return;
	}
	if (s->out_len == s->out_sent)
		s->output_ms = s->now_ms;
	memcpy(s->out + s->out_len, bytes.data, bytes.len);
	s->out_len = (uint32_t)need;
}

static void
out_str(struct smtp_server *s, const char *string)
{
	out_add(s, slice_str(string));
}

static void
out_dec(struct smtp_server *s, uint64_t value)
{
	uint8_t digits[20];
	struct builder b;

	builder_init_fixed(&b, digits, sizeof(digits));
	builder_dec(&b, value);
	out_add(s, builder_slice(&b));
}

/* Control characters, and non-ASCII outside SMTPUTF8, become "?". */
static void
out_text(struct smtp_server *s, struct slice text)
{
	uint8_t line[LINE_TEXT_MAX];
	size_t len = text.len < sizeof(line) ? text.len : sizeof(line);

	for (size_t i = 0; i < len; i++) {
		uint8_t byte = text.data[i];
		bool plain = byte >= ' ' && byte < 127;

		line[i] = plain || (byte >= 128 && s->utf8) ? byte : '?';
	}
	out_add(s, slice_of(line, len));
}

static void
out_line(struct smtp_server *s, const struct smtp_answer *answer, struct slice text, bool last)
{
	out_dec(s, answer->code);
	out_str(s, last ? " " : "-");
	if (answer->status) {
		out_str(s, answer->status);
		out_str(s, " ");
	}
	out_text(s, text);
	out_str(s, "\r\n");
}

void
server_reply(struct smtp_server *s, const struct smtp_answer *answer)
{
	struct slice rest = answer->text;

	ASSERT(answer->code >= 200 && answer->code <= 599);
	ASSERT(!answer->status || answer->status[0] - '0' == answer->code / 100);
	do {
		struct slice line = slice_cut(&rest, '\n');

		out_line(s, answer, line, rest.len == 0);
	} while (rest.len);
	if (answer->close || answer->code == 421)
		server_close(s);
}

static void
reply_refusal(struct smtp_server *s, enum smtp_refusal refusal)
{
	struct smtp_answer answer = {
		.code = refusals[refusal].code,
		.status = refusals[refusal].status,
		.text = slice_str(refusals[refusal].text),
	};

	server_reply(s, &answer);
}

/* An error of the client's; true when there have been too many. */
static bool
count_error(struct smtp_server *s, unsigned code)
{
	if (code < 500)
		return false;
	s->errors++;
	return s->options->errors_max && s->errors > s->options->errors_max;
}

void
server_tell_refused(struct smtp_server *s, enum smtp_refusal refusal)
{
	s->tell_refused = true;
	s->refused = (uint8_t)refusal;
}

enum smtp_server_step
server_refuse(struct smtp_server *s, enum smtp_refusal refusal)
{
	if (count_error(s, refusals[refusal].code))
		refusal = SMTP_REFUSED_ERRORS_MAX;
	reply_refusal(s, refusal);
	server_tell_refused(s, refusal);
	return STEP_AGAIN;
}

void
server_reply_answer(struct smtp_server *s, const struct smtp_answer *answer)
{
	server_reply(s, answer);
	if (!count_error(s, answer->code) || s->closing)
		return;
	reply_refusal(s, SMTP_REFUSED_ERRORS_MAX);
	server_tell_refused(s, SMTP_REFUSED_ERRORS_MAX);
}

void
server_reply_challenge(struct smtp_server *s, struct slice challenge)
{
	size_t size = BASE64_ENCODED_LEN(challenge.len) + 1;
	uint8_t *text = mem_take(s->mem, size);
	struct builder b;

	if (!text) {
		server_close(s);
		return;
	}
	builder_init_fixed(&b, text, size);
	base64_encode(&b, challenge);
	out_str(s, "334 ");
	out_add(s, builder_slice(&b));
	out_str(s, "\r\n");
	mem_give(s->mem, text, size);
}

static void
hello_line(struct smtp_server *s, const char *text)
{
	out_str(s, "250-");
	out_str(s, text);
	out_str(s, "\r\n");
}

static void
hello_auth(struct smtp_server *s)
{
	const struct smtp_server_options *options = s->options;

	if (!s->tls || options->auth_mechanisms.len == 0)
		return;
	out_str(s, "250-AUTH ");
	out_add(s, options->auth_mechanisms);
	if (s->channel_binding && options->auth_mechanisms_plus.len) {
		out_str(s, " ");
		out_add(s, options->auth_mechanisms_plus);
	}
	out_str(s, "\r\n");
}

/* RFC 9422. */
static void
hello_limits(struct smtp_server *s)
{
	if (!s->options->mails_max && !s->options->recipients_max)
		return;
	out_str(s, "250-LIMITS");
	if (s->options->mails_max) {
		out_str(s, " MAILMAX=");
		out_dec(s, s->options->mails_max);
	}
	if (s->options->recipients_max) {
		out_str(s, " RCPTMAX=");
		out_dec(s, s->options->recipients_max);
	}
	out_str(s, "\r\n");
}

void
server_reply_hello(struct smtp_server *s)
{
	out_str(s, s->esmtp ? "250-" : "250 ");
	out_add(s, s->options->hostname);
	out_str(s, "\r\n");
	if (!s->esmtp)
		return;
	hello_line(s, "PIPELINING");
	out_str(s, "250-SIZE");
	if (s->options->size_max) {
		out_str(s, " ");
		out_dec(s, s->options->size_max);
	}
	out_str(s, "\r\n");
	if (s->options->starttls && !s->tls)
		hello_line(s, "STARTTLS");
	hello_auth(s);
	hello_line(s, "8BITMIME");
	hello_line(s, "SMTPUTF8");
	hello_line(s, "CHUNKING");
	hello_line(s, "DSN");
	hello_limits(s);
	out_str(s, "250 ENHANCEDSTATUSCODES\r\n");
}
