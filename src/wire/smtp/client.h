/*
 * smtp client: the machine that speaks SMTP to a server (RFC 5321), for many mails over one
 * connection. It does no I/O and knows no clock; its owner carries bytes:
 *
 *   feed     bytes from the peer         next    what happened, until SMTP_CLIENT_NONE
 *   answer   to the events TLS, CONTENT  output  bytes for the peer
 *   deadline when to call expire
 *
 * Jobs are queued by submit; each goes out as one or more transactions (more when the peer limits
 * recipients), envelopes pipelined, the envelope of the next job behind the body of this one. The
 * content itself never passes through here: at CONTENT the owner queues the stored bytes with their
 * final dot and answers, and what output gives then belongs behind them, best in the same write.
 *
 * Each recipient of a job is settled by exactly one RESULT, or not at all: a job that comes back by
 * FINISHED with recipients that wait (smtp_client_job_open) was not refused, only not tried to the
 * end here, and may go over another connection at once. After CLOSED the machine is done and holds
 * no job. Jobs and options are borrowed.
 */
#ifndef WIRE_SMTP_CLIENT_H
#define WIRE_SMTP_CLIENT_H

#include "wire/smtp/caps.h"
#include "wire/smtp/client_job.h"
#include "wire/smtp/reply.h"

#define SMTP_CLIENT_JOBS_MAX 4u
/* The longest command that is ever sent; what does not fit is refused for its address. */
#define SMTP_CLIENT_COMMAND_MAX 2048u
#define SMTP_CLIENT_OUTPUT_MAX 4096u
#define SMTP_CLIENT_LOGIN_MAX 255u
#define SMTP_CLIENT_NEVER UINT64_MAX

enum smtp_client_tls {
	SMTP_CLIENT_TLS_NEVER,
	SMTP_CLIENT_TLS_MAY,
	SMTP_CLIENT_TLS_MUST,
};

struct smtp_client_options {
	struct slice helo;
	enum smtp_client_tls tls;
	bool tls_now; /* the connection is inside TLS before the greeting */
	/* Log in when login is not empty; without TLS only when login_plain says so. */
	struct slice login, password;
	bool login_plain;
	uint32_t limit_ms[SMTP_CLIENT_STAGE_MAX]; /* RFC 5321 4.5.3.2 */
};

#define SMTP_CLIENT_EVENTS(X)                                                                      \
	X(NONE, "none")		/* nothing more: feed, send, wait */                               \
	X(TLS, "tls")		/* shake hands, then smtp_client_answer_tls */                     \
	X(READY, "ready")	/* caps are final; jobs go out from here on */                     \
	X(CONTENT, "content")	/* queue the content of job, then smtp_client_answer_content */    \
	X(RESULT, "result")	/* recipient rcpt of job is settled */                             \
	X(FINISHED, "finished") /* job is the owner's again */                                     \
	X(CLOSED, "closed")	/* send what output has if that is possible, and close */

enum smtp_client_event_kind {
#define X(NAME, text) SMTP_CLIENT_##NAME,
	SMTP_CLIENT_EVENTS(X)
#undef X
		SMTP_CLIENT_EVENT_MAX
};

struct smtp_client_event {
	enum smtp_client_event_kind kind;
	struct smtp_client_job *job;
	uint32_t rcpt;
	enum smtp_client_stage stage; /* RESULT, CLOSED */
	enum smtp_client_how how;     /* RESULT, CLOSED */
	const struct smtp_reply
		*reply; /* for HOW_REPLY and PROTOCOL, until the next call; or NULL */
};

/* The machine's: recipients at..end-1 of job in one of the states get a RESULT. */
struct smtp_client_settle {
	struct smtp_client_job *job; /* NULL: none */
	uint32_t at, end;
	unsigned states; /* bits 1 << enum smtp_client_rcpt_state */
	enum smtp_client_stage stage;
	enum smtp_client_how how;
};

struct smtp_client {
	const struct smtp_client_options *options;
	struct smtp_caps caps; /* of the last EHLO */
	bool in_tls, logged_in, esmtp;
	uint32_t mail_count; /* transactions that got a reply to MAIL */
	uint64_t greeting_ms, hello_ms, tls_ms, ready_ms; /* when each was over; 0: not yet */

	/* the machine's */
	uint64_t now_ms, since_ms;
	uint8_t state;
	bool have_reply, tls_asked, ready_told, closed_told, needs_rset;
	uint32_t mail_begun, rcpt_max;
	uint32_t job_count;
	struct smtp_client_job *jobs[SMTP_CLIENT_JOBS_MAX];
	struct smtp_client_settle settle;
	enum smtp_client_stage end_stage;
	enum smtp_client_how end_how;
	struct smtp_reply reply;
	size_t out_at, out_len;
	uint8_t out[SMTP_CLIENT_OUTPUT_MAX];
};

/* The limits of RFC 5321 4.5.3.2, and ours for the stages it does not name. */
void smtp_client_limits_default(uint32_t ret_limit_ms[SMTP_CLIENT_STAGE_MAX]);

/* The connection has just been made; the peer speaks first. */
void smtp_client_init(struct smtp_client *c, const struct smtp_client_options *options,
		      uint64_t now_ms);

/* Takes bytes up to the end of a reply. After this and every other verb: next until NONE, then
 * output until it is empty; then feed what was not taken. Bytes left at the event TLS are fed (and
 * thereby dropped) before the handshake begins. */
size_t smtp_client_feed(struct smtp_client *c, struct slice input, uint64_t now_ms);
/* The peer has closed, or reading or writing failed. */
void smtp_client_lost(struct smtp_client *c, uint64_t now_ms);
/* The deadline has passed, or a write made no progress for too long. */
void smtp_client_expire(struct smtp_client *c, uint64_t now_ms);
enum smtp_client_event_kind smtp_client_next(struct smtp_client *c,
					     struct smtp_client_event *ret_event);

void smtp_client_answer_tls(struct smtp_client *c, bool done, uint64_t now_ms);
/* The content of the job that CONTENT named is queued, final dot included. */
void smtp_client_answer_content(struct smtp_client *c, uint64_t now_ms);
/* And now all of it has been sent: from here on the final reply may come, and is waited for. */
void smtp_client_content_out(struct smtp_client *c, uint64_t now_ms);

/* A job may be submitted now. Jobs wait for READY. */
bool smtp_client_can_submit(const struct smtp_client *c);
void smtp_client_submit(struct smtp_client *c, struct smtp_client_job *job, uint64_t now_ms);
/* No job may be held. QUIT goes out; CLOSED follows. */
void smtp_client_quit(struct smtp_client *c, uint64_t now_ms);

/* Bytes to send now, borrowed until taken; empty when there are none. Once all are taken, next may
 * have something. */
struct slice smtp_client_output(struct smtp_client *c);
void smtp_client_output_taken(struct smtp_client *c, size_t len, uint64_t now_ms);
/* When to call expire, or SMTP_CLIENT_NEVER. */
uint64_t smtp_client_deadline(const struct smtp_client *c);

const char *smtp_client_event_str(unsigned kind);

#endif
