/*
 * EHLO and HELO (RFC 5321 4.1.1.1). The name is only checked for its characters: real clients say
 * names with underscores and single words, and nothing here depends on it.
 */
#include "wire/smtp/server_impl.h"
#include "wire/text/utf8.h"

static bool
is_host_text(struct slice name)
{
	for (size_t i = 0; i < name.len; i++) {
		uint8_t byte = name.data[i];

		if (!ascii_is_alpha(byte) && !ascii_is_digit(byte) && byte < 128 && byte != '-' &&
		    byte != '.' && byte != '_' && byte != '[' && byte != ']' && byte != ':')
			return false;
	}
	return name.len > 0 && name.len <= SMTP_DOMAIN_MAX && utf8_is_valid(name);
}

enum smtp_server_step
cmd_hello(struct smtp_server *s, const struct smtp_command *command,
	  struct smtp_server_event *ret_event)
{
	if (!is_host_text(command->argument))
		return server_refuse(s, SMTP_REFUSED_HELLO_NAME);
	s->chunks_failed = false;
	if (server_in_transaction(s))
		s->state = STATE_READY;
	s->esmtp = ascii_lower(command->verb.data[0]) == 'e';
	ret_event->name = command->argument;
	ret_event->esmtp = s->esmtp;
	return server_ask(s, ret_event, SMTP_SERVER_HELLO);
}
