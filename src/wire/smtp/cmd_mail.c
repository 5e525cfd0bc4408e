/*
 * MAIL (RFC 5321 4.1.1.2) with SIZE (RFC 1870), BODY (RFC 6152), SMTPUTF8 (RFC 6531), RET and
 * ENVID (RFC 3461), AUTH (RFC 4954 5). Each parameter is a row with its reader.
 */
#include "wire/smtp/server_impl.h"
#include "wire/text/xtext.h"

/* More digits than fit mean more than any limit. */
static enum smtp_refusal
param_size(const struct smtp_server *s, const struct smtp_param *param,
	   struct smtp_mail_params *mail)
{
	for (size_t i = 0; i < param->value.len; i++)
		if (!ascii_is_digit(param->value.data[i]))
			return SMTP_REFUSED_PARAM_SYNTAX;
	if (param->value.len == 0)
		return SMTP_REFUSED_PARAM_SYNTAX;
	if (!slice_to_u64(param->value, UINT64_MAX, &mail->size))
		mail->size = UINT64_MAX;
	mail->has_size = true;
	if (s->options->size_max && mail->size > s->options->size_max)
		return SMTP_REFUSED_SIZE_MAX;
	return SMTP_REFUSED_MAX;
}

static enum smtp_refusal
param_body(const struct smtp_server *s, const struct smtp_param *param,
	   struct smtp_mail_params *mail)
{
	(void)s;
	if (!param->has_value)
		return SMTP_REFUSED_PARAM_SYNTAX;
	if (slice_eq_nocase(param->value, SLICE("8BITMIME")))
		mail->body = SMTP_BODY_8BITMIME;
	else if (slice_eq_nocase(param->value, SLICE("7BIT")))
		mail->body = SMTP_BODY_7BIT;
	else
		return SMTP_REFUSED_PARAM_VALUE;
	return SMTP_REFUSED_MAX;
}

static enum smtp_refusal
param_utf8(const struct smtp_server *s, const struct smtp_param *param,
	   struct smtp_mail_params *mail)
{
	(void)s;
	mail->utf8 = true;
	return param->has_value ? SMTP_REFUSED_PARAM_SYNTAX : SMTP_REFUSED_MAX;
}

static enum smtp_refusal
param_ret(const struct smtp_server *s, const struct smtp_param *param,
	  struct smtp_mail_params *mail)
{
	(void)s;
	if (slice_eq_nocase(param->value, SLICE("FULL")))
		mail->ret = SMTP_RET_FULL;
	else if (slice_eq_nocase(param->value, SLICE("HDRS")))
		mail->ret = SMTP_RET_HDRS;
	else
		return SMTP_REFUSED_PARAM_SYNTAX;
	return SMTP_REFUSED_MAX;
}

static enum smtp_refusal
param_envid(const struct smtp_server *s, const struct smtp_param *param,
	    struct smtp_mail_params *mail)
{
	(void)s;
	mail->envid = param->value;
	return smtp_envid_is_valid(param->value) ? SMTP_REFUSED_MAX : SMTP_REFUSED_PARAM_SYNTAX;
}

/* xtext of a mailbox, or <>. */
static enum smtp_refusal
param_auth(const struct smtp_server *s, const struct smtp_param *param,
	   struct smtp_mail_params *mail)
{
	uint8_t text[SMTP_PATH_MAX], scratch[SMTP_LOCAL_MAX];
	struct smtp_address address;
	struct slice plain;
	struct builder b;

	(void)s;
	mail->auth = param->value;
	if (slice_eq(param->value, SLICE("<>")))
		return SMTP_REFUSED_MAX;
	builder_init_fixed(&b, text, sizeof(text));
	if (xtext_decode(&b, param->value) || builder_take(&b, &plain) ||
	    smtp_address_parse(plain, scratch, &address))
		return SMTP_REFUSED_PARAM_SYNTAX;
	return SMTP_REFUSED_MAX;
}

static const struct {
	struct slice keyword;
	enum smtp_refusal (*fn)(const struct smtp_server *s, const struct smtp_param *param,
				struct smtp_mail_params *mail);
} params[] = {
	{SLICE("SIZE"), param_size}, {SLICE("BODY"), param_body},   {SLICE("SMTPUTF8"), param_utf8},
	{SLICE("RET"), param_ret},   {SLICE("ENVID"), param_envid}, {SLICE("AUTH"), param_auth},
};
#define PARAM_COUNT (sizeof(params) / sizeof(params[0]))

static enum smtp_refusal
read_params(const struct smtp_server *s, struct slice rest, struct smtp_mail_params *mail)
{
	struct smtp_param param;
	unsigned seen = 0;
	int got;

	while ((got = smtp_param_next(&rest, &param)) > 0) {
		enum smtp_refusal refused;
		size_t i = 0;

		while (i < PARAM_COUNT && !slice_eq_nocase(param.keyword, params[i].keyword))
			i++;
		if (i == PARAM_COUNT || !s->esmtp)
			return SMTP_REFUSED_PARAM_UNKNOWN;
		if (seen & 1u << i)
			return SMTP_REFUSED_PARAM_SYNTAX;
		seen |= 1u << i;
		refused = params[i].fn(s, &param, mail);
		if (refused != SMTP_REFUSED_MAX)
			return refused;
	}
	return got < 0 ? SMTP_REFUSED_PARAM_SYNTAX : SMTP_REFUSED_MAX;
}

static enum smtp_refusal
read_mail(struct smtp_server *s, struct slice argument, struct smtp_server_event *event)
{
	static const struct slice from = SLICE("FROM:");
	struct slice rest = slice_from(argument, from.len);
	enum smtp_refusal refused;

	if (s->options->auth_required && !s->authenticated)
		return SMTP_REFUSED_AUTH_REQUIRED;
	if (s->options->mails_max && s->mails >= s->options->mails_max)
		return SMTP_REFUSED_MAILS_MAX;
	if (!slice_starts_nocase(argument, from) ||
	    smtp_path_parse(&rest, s->scratch, &event->address) ||
	    event->address.flags & SMTP_ADDRESS_POSTMASTER)
		return SMTP_REFUSED_SENDER_SYNTAX;
	refused = read_params(s, rest, &event->mail);
	if (refused != SMTP_REFUSED_MAX)
		return refused;
	if (event->address.flags & SMTP_ADDRESS_UTF8 && !event->mail.utf8)
		return SMTP_REFUSED_UTF8_NOT_SAID;
	return SMTP_REFUSED_MAX;
}

enum smtp_server_step
cmd_mail(struct smtp_server *s, const struct smtp_command *command,
	 struct smtp_server_event *ret_event)
{
	enum smtp_refusal refused = read_mail(s, command->argument, ret_event);

	if (refused != SMTP_REFUSED_MAX) {
		*ret_event = (struct smtp_server_event){.kind = SMTP_SERVER_NONE};
		return server_refuse(s, refused);
	}
	s->utf8 = ret_event->mail.utf8;
	return server_ask(s, ret_event, SMTP_SERVER_MAIL);
}
