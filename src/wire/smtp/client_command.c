/*
 * smtp client: the words. MAIL and RCPT with the parameters that the peer has offered (RFC 1870,
 * 3461, 4954, 6152, 6531). Addresses have been checked before; a parameter that could break out of
 * its place in the command is left out, whoever wrote it.
 */
#include <string.h>

#include "base/assert.h"
#include "wire/smtp/client_private.h"
#include "wire/text/base64.h"

/* Octets of parameter values (RFC 3461 4.2, 4.4; RFC 4954 5). */
#define ENVID_MAX 100u
#define ORCPT_MAX 500u
#define AUTH_MAX 500u
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

bool
smtp_client_has_room(const struct smtp_client *c)
{
	return SMTP_CLIENT_OUTPUT_MAX - c->out_len >= SMTP_CLIENT_COMMAND_MAX;
}

static void
command_begin(struct smtp_client *c, struct builder *b)
{
	ASSERT(smtp_client_has_room(c));
	builder_init_fixed(b, c->out + c->out_len, SMTP_CLIENT_COMMAND_MAX);
}

static void
command_end(struct smtp_client *c, struct builder *b)
{
	builder_str(b, "\r\n");
	ASSERT(!b->failed);
	c->out_len += b->len;
	c->since_ms = c->now_ms;
}

void
smtp_client_say(struct smtp_client *c, const char *verb, struct slice argument)
{
	struct builder b;

	command_begin(c, &b);
	builder_str(&b, verb);
	builder_add(&b, argument);
	command_end(c, &b);
}

void
smtp_client_say_base64(struct smtp_client *c, const char *verb, struct slice secret)
{
	struct builder b;

	command_begin(c, &b);
	builder_str(&b, verb);
	base64_encode(&b, secret);
	command_end(c, &b);
}

/* RFC 4616: no authorization identity, login, password. */
void
smtp_client_say_plain(struct smtp_client *c)
{
	uint8_t buf[2 * SMTP_CLIENT_LOGIN_MAX + 2];
	struct builder b;

	builder_init_fixed(&b, buf, sizeof(buf));
	builder_byte(&b, 0);
	builder_add(&b, c->options->login);
	builder_byte(&b, 0);
	builder_add(&b, c->options->password);
	ASSERT(!b.failed);
	smtp_client_say_base64(c, "AUTH PLAIN ", builder_slice(&b));
	memset(buf, 0, sizeof(buf));
	__asm__ volatile("" : : "r"(buf) : "memory"); /* or the compiler leaves it out */
}

/* An esmtp-value that is not empty (RFC 5321 4.1.2), "=" allowed for xtext's sake. */
static bool
value_is_sendable(struct slice value, size_t max)
{
	for (size_t i = 0; i < value.len; i++) {
		if (value.data[i] <= 0x20 || value.data[i] == 0x7f)
			return false;
	}
	return value.len > 0 && value.len <= max;
}

static void
say_value(struct builder *b, const char *name, struct slice value, size_t max)
{
	if (!value_is_sendable(value, max))
		return;
	builder_str(b, name);
	builder_add(b, value);
}

/* An estimate is allowed (RFC 1870 5), but not one for which mail is refused that may fit. */
static uint64_t
size_to_say(const struct smtp_client *c, const struct smtp_client_job *job)
{
	uint64_t max = c->caps.size_max;

	return max && job->size > max ? max : job->size;
}

void
smtp_client_say_mail(struct smtp_client *c, const struct smtp_client_job *job)
{
	struct builder b;

	command_begin(c, &b);
	builder_str(&b, "MAIL FROM:<");
	builder_add(&b, job->sender);
	builder_byte(&b, '>');
	if (c->caps.size) {
		builder_str(&b, " SIZE=");
		builder_dec(&b, size_to_say(c, job));
	}
	if (job->eight_bit && c->caps.eight_bit)
		builder_str(&b, " BODY=8BITMIME");
	if (job->utf8_mail)
		builder_str(&b, " SMTPUTF8");
	if (c->caps.dsn) {
		say_value(&b, " RET=", job->ret, 4);
		say_value(&b, " ENVID=", job->envid, ENVID_MAX);
	}
	if (c->logged_in)
		say_value(&b, " AUTH=", job->auth, AUTH_MAX);
	command_end(c, &b);
}

static void
say_notify(struct builder *b, unsigned notify)
{
	static const struct {
		unsigned bit;
		const char *word;
	} words[] = {
		{SMTP_CLIENT_NOTIFY_NEVER, "NEVER"},
		{SMTP_CLIENT_NOTIFY_SUCCESS, "SUCCESS"},
		{SMTP_CLIENT_NOTIFY_FAILURE, "FAILURE"},
		{SMTP_CLIENT_NOTIFY_DELAY, "DELAY"},
	};
	const char *before = " NOTIFY=";

	/* NEVER stands alone (RFC 3461 4.1) */
	if (notify & SMTP_CLIENT_NOTIFY_NEVER)
		notify = SMTP_CLIENT_NOTIFY_NEVER;
	for (size_t i = 0; i < COUNT(words); i++) {
		if (!(notify & words[i].bit))
			continue;
		builder_str(b, before);
		builder_str(b, words[i].word);
		before = ",";
	}
}

void
smtp_client_say_rcpt(struct smtp_client *c, const struct smtp_client_rcpt *rcpt, bool utf8)
{
	struct builder b;

	command_begin(c, &b);
	builder_str(&b, "RCPT TO:<");
	builder_add(&b, rcpt->addr);
	builder_byte(&b, '>');
	if (c->caps.dsn) {
		say_notify(&b, rcpt->notify);
		if (utf8 || slice_is_ascii(rcpt->orcpt))
			say_value(&b, " ORCPT=", rcpt->orcpt, ORCPT_MAX);
	}
	command_end(c, &b);
}

/* Outside of quotes neither blanks nor angle brackets; nowhere controls. */
bool
smtp_client_addr_is_sendable(struct slice addr)
{
	bool quoted = false;

	if (addr.len > SMTP_CLIENT_ADDR_MAX)
		return false;
	for (size_t i = 0; i < addr.len; i++) {
		uint8_t byte = addr.data[i];

		if (byte < 0x20 || byte == 0x7f)
			return false;
		if (!quoted && (byte == ' ' || byte == '<' || byte == '>'))
			return false;
		if (byte == '"')
			quoted = !quoted;
		else if (byte == '\\' && quoted && i + 1 < addr.len &&
			 (addr.data[i + 1] == '"' || addr.data[i + 1] == '\\'))
			i++;
	}
	return !quoted;
}
