/*
 * Inside of the SMTP server machine: what its files call of each other. Not for others.
 */
#ifndef WIRE_SMTP_SERVER_IMPL_H
#define WIRE_SMTP_SERVER_IMPL_H

#include "wire/smtp/server.h"

/* Where the session is; the bits are those of commands.def. */
enum smtp_server_state {
	STATE_CONNECT = 0, /* before the greeting */
	STATE_HELLO = 1,   /* before EHLO */
	STATE_READY = 2,
	STATE_MAIL = 4,	   /* a sender, no valid recipient */
	STATE_RCPT = 8,	   /* a valid recipient */
	STATE_CHUNKS = 16, /* a chunk of the message has been taken */
	STATE_TLS = 32,	   /* STARTTLS granted, not yet on: input is discarded */
};

/* What the next input byte is. */
enum smtp_server_mode {
	MODE_COMMAND,
	MODE_DATA,
	MODE_CHUNK,
	MODE_AUTH,
};

/* Answers of handlers and steps. */
enum smtp_server_step {
	STEP_MORE,  /* needs more input or an answer */
	STEP_AGAIN, /* did something without an event */
	STEP_EVENT, /* *ret_event is set */
};

/* Parsed line of a command. */
struct smtp_command {
	struct slice verb;
	struct slice argument; /* without spaces around it */
};

/* The handlers of commands.def. */
#define COMMAND(VERB, handler, states, otherwise, flags, line_max)                                 \
	enum smtp_server_step cmd_##handler(struct smtp_server *s,                                 \
					    const struct smtp_command *command,                    \
					    struct smtp_server_event *ret_event);
#include "wire/smtp/commands.def"
#undef COMMAND

/* server_input.c: the bytes that have been fed and not taken. */
void server_input_feed(struct smtp_server *s, struct slice input);
/* Takes a line with its line end; false when there is none yet. *ret_refused is set when it must
 * be refused, else SMTP_REFUSED_MAX. */
bool server_input_line(struct smtp_server *s, size_t max, struct slice *ret_line,
		       enum smtp_refusal *ret_refused);
void server_input_discard(struct smtp_server *s);
/* Nothing more happens now: keeps what is borrowed, gives back what is not needed. */
void server_input_park(struct smtp_server *s);

/* server_reply.c: output. */
void server_reply(struct smtp_server *s, const struct smtp_answer *answer);
void server_reply_hello(struct smtp_server *s);
void server_reply_challenge(struct smtp_server *s, struct slice challenge);
/* Replies and has the owner told. */
enum smtp_server_step server_refuse(struct smtp_server *s, enum smtp_refusal refusal);
/* The same without a reply, when there was one already. */
void server_tell_refused(struct smtp_server *s, enum smtp_refusal refusal);
void server_output_free(struct smtp_server *s);
/* To the owner's answer: counts errors and closes where it must. */
void server_reply_answer(struct smtp_server *s, const struct smtp_answer *answer);

/* server.c */
enum smtp_server_step server_ask(struct smtp_server *s, struct smtp_server_event *event,
				 enum smtp_server_event_kind kind);
/* Ends the transaction, if there is one; has the owner told. */
void server_reset(struct smtp_server *s);
void server_close(struct smtp_server *s);

/* cmd_data.c, cmd_auth.c: modes other than commands, and what answers lead to. */
enum smtp_server_step server_step_data(struct smtp_server *s, struct smtp_server_event *ret_event);
enum smtp_server_step server_step_chunk(struct smtp_server *s, struct smtp_server_event *ret_event);
enum smtp_server_step server_step_auth(struct smtp_server *s, struct smtp_server_event *ret_event);
void server_answer_data(struct smtp_server *s, const struct smtp_answer *answer);
void server_answer_auth(struct smtp_server *s, const struct smtp_answer *answer);
void server_auth_forget(struct smtp_server *s);

static inline bool
server_in_transaction(const struct smtp_server *s)
{
	return s->state & (STATE_MAIL | STATE_RCPT | STATE_CHUNKS);
}

#endif
