/*
 * smtp client job: what the client's machine is given to send and what it says about the outcome.
 * A job belongs to the owner, who fills in what stands above the line and reads the rest.
 */
#ifndef WIRE_SMTP_CLIENT_JOB_H
#define WIRE_SMTP_CLIENT_JOB_H

#include "base/slice.h"

#define SMTP_CLIENT_ADDR_MAX 512u

/* Where in the dialogue something happened. */
#define SMTP_CLIENT_STAGES(X)                                                                      \
	X(GREETING, "greeting")                                                                    \
	X(HELLO, "hello")                                                                          \
	X(TLS, "tls")                                                                              \
	X(LOGIN, "login")                                                                          \
	X(SENDER, "sender")                                                                        \
	X(RECIPIENT, "recipient")                                                                  \
	X(DATA, "data")                                                                            \
	X(FINAL, "final")                                                                          \
	X(QUIT, "quit")

enum smtp_client_stage {
#define X(NAME, text) SMTP_CLIENT_STAGE_##NAME,
	SMTP_CLIENT_STAGES(X)
#undef X
		SMTP_CLIENT_STAGE_MAX
};

/* What decided. All but REPLY, and those called never, are temporary. */
#define SMTP_CLIENT_HOWS(X)                                                                        \
	X(REPLY, "reply")	  /* the peer: its reply tells */                                  \
	X(LOST, "lost")		  /* the connection ended; at FINAL nobody knows the outcome */    \
	X(TIMEOUT, "timeout")	  /* the peer was silent for too long; FINAL: as LOST */           \
	X(PROTOCOL, "protocol")	  /* a reply that is none, or that does not fit here */            \
	X(HANDSHAKE, "handshake") /* TLS failed */                                                 \
	X(NO_TLS, "no-tls")	  /* TLS is demanded and not offered */                            \
	X(NO_LOGIN, "no-login")	  /* no mechanism that we have, or no TLS for it */                \
	X(SIZE, "size")		  /* never: larger than the peer takes, 5.3.4 */                   \
	X(EIGHT_BIT, "eight-bit") /* never: needs 8BITMIME, 5.6.3 */                               \
	X(UTF8, "utf8")		  /* never: needs SMTPUTF8, 5.6.7 */                               \
	X(ADDRESS, "address")	  /* never: cannot be written into a command, 5.1.3 */             \
	X(DONE, "done")		  /* CLOSED after our QUIT */

enum smtp_client_how {
#define X(NAME, text) SMTP_CLIENT_HOW_##NAME,
	SMTP_CLIENT_HOWS(X)
#undef X
		SMTP_CLIENT_HOW_MAX
};

enum smtp_client_notify {
	SMTP_CLIENT_NOTIFY_NEVER = 1,
	SMTP_CLIENT_NOTIFY_SUCCESS = 2,
	SMTP_CLIENT_NOTIFY_FAILURE = 4,
	SMTP_CLIENT_NOTIFY_DELAY = 8,
};

enum smtp_client_rcpt_state {
	SMTP_CLIENT_RCPT_WAITS,
	SMTP_CLIENT_RCPT_SENT,
	SMTP_CLIENT_RCPT_ACCEPTED,
	SMTP_CLIENT_RCPT_AGAIN, /* the peer took others and wants this one in another transaction */
	SMTP_CLIENT_RCPT_SETTLED,
};

struct smtp_client_rcpt {
	struct slice addr;  /* without angle brackets */
	struct slice orcpt; /* "rfc822;" and xtext, or empty */
	uint8_t notify;	    /* enum smtp_client_notify bits; 0: not given */
	uint8_t state;	    /* the machine's; 0 at submit */
};

/* One mail to one or more recipients. The owner's storage, untouched by it from submit until
 * FINISHED. All zero but what it sets. */
struct smtp_client_job {
	struct slice sender; /* empty: null sender */
	struct slice envid;  /* xtext, or empty */
	struct slice ret;    /* "FULL", "HDRS", or empty */
	struct slice auth;   /* for AUTH=, xtext, or empty */
	/* Of the content without stuffed dots: at most, and what is certain. */
	uint64_t size, size_min;
	bool eight_bit; /* the body holds 8-bit bytes */
	bool utf8;	/* the header needs SMTPUTF8; addresses are looked at anyway */
	struct smtp_client_rcpt *rcpts;
	uint32_t rcpt_count;

	/* read by the owner: when the first MAIL was sent, 354 came, content was handed over, the
	 * last reply came */
	uint64_t begin_ms, data_ms, content_ms, end_ms;

	/* the machine's */
	uint8_t send, expect; /* next step to send, next step to be answered */
	bool checked, begun, mail_refused, data_sent, windowed, content_asked, content_out;
	bool utf8_mail;
	uint32_t check_at, send_at, expect_at;
	uint32_t sent_count, answered_count, accepted_count, again_count; /* of this transaction */
	uint32_t domain_count;
	struct slice domain;
};

/* Recipients that no RESULT has settled. */
uint32_t smtp_client_job_open(const struct smtp_client_job *job);

const char *smtp_client_stage_str(unsigned stage);
const char *smtp_client_how_str(unsigned how);

#endif
