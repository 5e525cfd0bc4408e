/*
 * The small commands: RSET, NOOP, VRFY, HELP, QUIT, STARTTLS (RFC 3207), and those that are known
 * but not implemented.
 */
#include "wire/smtp/server_impl.h"

enum smtp_server_step
cmd_rset(struct smtp_server *s, const struct smtp_command *command,
	 struct smtp_server_event *ret_event)
{
	static const struct smtp_answer ok = {250, "2.0.0", SLICE("Ok"), false};

	(void)command;
	(void)ret_event;
	s->chunks_failed = false;
	server_reset(s);
	server_reply(s, &ok);
	return STEP_AGAIN;
}

enum smtp_server_step
cmd_noop(struct smtp_server *s, const struct smtp_command *command,
	 struct smtp_server_event *ret_event)
{
	static const struct smtp_answer ok = {250, "2.0.0", SLICE("Ok"), false};

	(void)command;
	(void)ret_event;
	server_reply(s, &ok);
	return STEP_AGAIN;
}

enum smtp_server_step
cmd_vrfy(struct smtp_server *s, const struct smtp_command *command,
	 struct smtp_server_event *ret_event)
{
	static const struct smtp_answer maybe = {
		252, "2.5.0", SLICE("Not verified here; send the mail and see"), false};

	(void)command;
	(void)ret_event;
	server_reply(s, &maybe);
	return STEP_AGAIN;
}

enum smtp_server_step
cmd_help(struct smtp_server *s, const struct smtp_command *command,
	 struct smtp_server_event *ret_event)
{
	static const struct smtp_answer help = {
		214, "2.0.0",
		SLICE("Commands: EHLO HELO MAIL RCPT DATA BDAT RSET STARTTLS AUTH NOOP\n"
		      "VRFY HELP QUIT (RFC 5321)"),
		false};

	(void)command;
	(void)ret_event;
	server_reply(s, &help);
	return STEP_AGAIN;
}

enum smtp_server_step
cmd_quit(struct smtp_server *s, const struct smtp_command *command,
	 struct smtp_server_event *ret_event)
{
	static const struct smtp_answer bye = {221, "2.0.0", SLICE("Bye"), true};

	(void)command;
	(void)ret_event;
	server_reply(s, &bye);
	return STEP_AGAIN;
}

enum smtp_server_step
cmd_starttls(struct smtp_server *s, const struct smtp_command *command,
	     struct smtp_server_event *ret_event)
{
	(void)command;
	if (s->tls)
		return server_refuse(s, SMTP_REFUSED_TLS_NOT_NOW);
	if (!s->options->starttls)
		return server_refuse(s, SMTP_REFUSED_TLS_NONE);
	return server_ask(s, ret_event, SMTP_SERVER_STARTTLS);
}

/* Its row has no state, so that it is refused before. */
enum smtp_server_step
cmd_unknown(struct smtp_server *s, const struct smtp_command *command,
	    struct smtp_server_event *ret_event)
{
	(void)command;
	(void)ret_event;
	return server_refuse(s, SMTP_REFUSED_NOT_IMPLEMENTED);
}
