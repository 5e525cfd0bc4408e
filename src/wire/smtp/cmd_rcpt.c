/*
 * RCPT (RFC 5321 4.1.1.3) with NOTIFY and ORCPT (RFC 3461). Too many recipients are 452, so that
 * the accepted ones are delivered and the client sends the rest in another message.
 */
#include "wire/smtp/server_impl.h"

static enum smtp_refusal
read_param(const struct smtp_server *s, const struct smtp_param *param,
	   struct smtp_rcpt_params *rcpt)
{
	if (slice_eq_nocase(param->keyword, SLICE("NOTIFY"))) {
		if (rcpt->notify || smtp_notify_parse(param->value, &rcpt->notify))
			return SMTP_REFUSED_PARAM_SYNTAX;
		return SMTP_REFUSED_MAX;
	}
	if (slice_eq_nocase(param->keyword, SLICE("ORCPT"))) {
		if (rcpt->orcpt.len || !smtp_orcpt_is_valid(param->value))
			return SMTP_REFUSED_PARAM_SYNTAX;
		if (!s->utf8 && !slice_is_ascii(param->value)) /* RFC 6533 3 */
			return SMTP_REFUSED_UTF8_NOT_SAID;
		rcpt->orcpt = param->value;
		return SMTP_REFUSED_MAX;
	}
	return SMTP_REFUSED_PARAM_UNKNOWN;
}

static enum smtp_refusal
read_params(const struct smtp_server *s, struct slice rest, struct smtp_rcpt_params *rcpt)
{
	struct smtp_param param;
	int got;

	while ((got = smtp_param_next(&rest, &param)) > 0) {
		enum smtp_refusal refused =
			s->esmtp ? read_param(s, &param, rcpt) : SMTP_REFUSED_PARAM_UNKNOWN;

		if (refused != SMTP_REFUSED_MAX)
			return refused;
	}
	return got < 0 ? SMTP_REFUSED_PARAM_SYNTAX : SMTP_REFUSED_MAX;
}

static enum smtp_refusal
read_rcpt(struct smtp_server *s, struct slice argument, struct smtp_server_event *event)
{
	static const struct slice to = SLICE("TO:");
	struct slice rest = slice_from(argument, to.len);

	if (!slice_starts_nocase(argument, to) ||
	    smtp_path_parse(&rest, s->scratch, &event->address) ||
	    event->address.flags & SMTP_ADDRESS_NULL)
		return SMTP_REFUSED_RCPT_SYNTAX;
	if (event->address.flags & SMTP_ADDRESS_UTF8 && !s->utf8)
		return SMTP_REFUSED_UTF8_NOT_SAID;
	if (s->options->recipients_max && s->recipients >= s->options->recipients_max)
		return SMTP_REFUSED_RECIPIENTS_MAX;
	return read_params(s, rest, &event->rcpt);
}

enum smtp_server_step
cmd_rcpt(struct smtp_server *s, const struct smtp_command *command,
	 struct smtp_server_event *ret_event)
{
	enum smtp_refusal refused = read_rcpt(s, command->argument, ret_event);

	if (refused != SMTP_REFUSED_MAX) {
		*ret_event = (struct smtp_server_event){.kind = SMTP_SERVER_NONE};
		return server_refuse(s, refused);
	}
	return server_ask(s, ret_event, SMTP_SERVER_RCPT);
}
