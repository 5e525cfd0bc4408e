/*
 * smtp client, inside: what its files share. client.c has the session (greeting to login, end),
 * client_transaction.c the jobs' way through it, client_job.c what is refused beforehand,
 * client_command.c the words.
 */
#ifndef WIRE_SMTP_CLIENT_PRIVATE_H
#define WIRE_SMTP_CLIENT_PRIVATE_H

#include "base/builder.h"
#include "wire/smtp/client.h"

/* In the order of a transaction. A job's send and expect walk through them. */
enum smtp_client_step {
	STEP_START,
	STEP_RSET,
	STEP_MAIL,
	STEP_RCPT,
	STEP_DATA,
	STEP_CONTENT, /* content and dot; its answer is the final reply */
	STEP_END,
	STEP_MAX
};

#define RCPT_STATE(NAME) (1u << SMTP_CLIENT_RCPT_##NAME)
#define RCPT_STATES_OPEN                                                                           \
	(RCPT_STATE(WAITS) | RCPT_STATE(SENT) | RCPT_STATE(ACCEPTED) | RCPT_STATE(AGAIN))

/* client.c */

/* No more is said; jobs are given back, then CLOSED. */
void smtp_client_end(struct smtp_client *c, enum smtp_client_stage stage, enum smtp_client_how how);

/* client_transaction.c */

/* The reply that is complete belongs to a job (or to nobody). */
void smtp_client_job_reply(struct smtp_client *c);
/* Finds an event among the jobs while the session is open; false when there is none. */
bool smtp_client_job_next(struct smtp_client *c, struct smtp_client_event *ret_event);
/* Gives back one job of a session that has ended, or begins to settle it. False: none is left. */
bool smtp_client_job_return(struct smtp_client *c, struct smtp_client_event *ret_event);
/* Writes commands while there is room and the peer may get them. */
void smtp_client_job_fill(struct smtp_client *c);
/* The job whose reply is awaited, or NULL. */
struct smtp_client_job *smtp_client_job_awaited(const struct smtp_client *c);
enum smtp_client_stage smtp_client_job_stage(const struct smtp_client_job *job);

/* client_job.c */

/* Before the job begins: true when something is to be settled first; call again. */
bool smtp_client_job_check(struct smtp_client *c, struct smtp_client_job *job);
/* Recipients in one of these states get a RESULT of the stage that the job is in. */
void smtp_client_settle_begin(struct smtp_client *c, struct smtp_client_job *job, unsigned states,
			      enum smtp_client_how how);

/* client_command.c: each writes one command; there must be room for SMTP_CLIENT_COMMAND_MAX. */

void smtp_client_say(struct smtp_client *c, const char *verb, struct slice argument);
void smtp_client_say_base64(struct smtp_client *c, const char *verb, struct slice secret);
void smtp_client_say_plain(struct smtp_client *c);
void smtp_client_say_mail(struct smtp_client *c, const struct smtp_client_job *job);
/* utf8: MAIL had SMTPUTF8; without it a non-ASCII ORCPT is left out (RFC 6533 3). */
void smtp_client_say_rcpt(struct smtp_client *c, const struct smtp_client_rcpt *rcpt, bool utf8);
/* May stand between angle brackets in a command. */
bool smtp_client_addr_is_sendable(struct slice addr);
bool smtp_client_has_room(const struct smtp_client *c);

#endif
