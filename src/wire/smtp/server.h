/*
 * smtp server: the receiving side of an SMTP session (RFC 5321 and the extensions it offers) as a
 * machine without I/O, clock and callbacks, resumable at every byte.
 *
 * The owner feeds bytes, pulls events until there is none, answers those that ask for it (now or
 * later: nothing else happens in between), sends the output, and tells the time. Commands that are
 * malformed, out of order or over a limit are refused in here and only reported.
 *
 *	feed, answer, sent or tick  ->  next until false  ->  output
 *
 * Slices in an event live until the next call. An idle session holds no memory but its struct.
 */
#ifndef WIRE_SMTP_SERVER_H
#define WIRE_SMTP_SERVER_H

#include "base/mem.h"
#include "wire/smtp/address.h"
#include "wire/smtp/data.h"
#include "wire/smtp/esmtp.h"

/* Input kept in here at most while an answer is awaited. */
#define SMTP_SERVER_INPUT_MAX 16384u
/* With so much output unsent no further command is taken. */
#define SMTP_SERVER_OUTPUT_HIGH 4096u
#define SMTP_SERVER_NEVER UINT64_MAX

enum smtp_refusal {
#define REFUSAL(NAME, name, code, status, text) SMTP_REFUSED_##NAME,
#include "wire/smtp/refusals.def"
#undef REFUSAL
	SMTP_REFUSED_MAX
};

/* Of a listener; shared by its sessions and outliving them. Zero means: not offered, no limit. */
struct smtp_server_options {
	struct slice hostname;	      /* ours, in greeting and EHLO */
	bool starttls;		      /* offered, unless TLS is on */
	bool auth_required;	      /* submission: no MAIL before AUTH */
	struct slice auth_mechanisms; /* "PLAIN LOGIN": offered inside TLS only; empty: no AUTH */
	struct slice auth_mechanisms_plus; /* added where the channel can be bound */
	uint64_t size_max;		   /* octets of a message without stuffed dots */
	uint32_t header_max;		   /* octets */
	uint32_t line_max;		   /* octets of a line of the message, with CRLF */
	uint32_t received_max;		   /* Received fields */
	uint32_t recipients_max, mails_max, commands_max, errors_max, logins_max;
	uint32_t command_ms; /* for a command to arrive, and for our output to be taken */
	uint32_t login_ms;   /* for a client's message inside AUTH */
	uint32_t data_ms;    /* between two pieces of a message */
	uint32_t message_ms; /* for a whole message */
};

enum smtp_server_event_kind {
	SMTP_SERVER_NONE,
	/* These want an answer. */
	SMTP_SERVER_CONNECT,	   /* 220, or 421 or 554 */
	SMTP_SERVER_HELLO,	   /* name, esmtp; ends a transaction, if there is one; 250 */
	SMTP_SERVER_STARTTLS,	   /* 220: then start TLS once the output is sent */
	SMTP_SERVER_AUTH,	   /* name: mechanism; bytes, has_bytes; 235, 334 or a refusal */
	SMTP_SERVER_AUTH_RESPONSE, /* bytes; the same */
	SMTP_SERVER_MAIL,	   /* address, mail; 250 */
	SMTP_SERVER_RCPT,	   /* address, rcpt; 250 */
	SMTP_SERVER_DATA,	   /* 354 (also for BDAT, where it is not sent) */
	SMTP_SERVER_MESSAGE,	   /* data, chunking: complete and within limits; 250 */
	/* These do not. */
	SMTP_SERVER_AUTH_END, /* the exchange was cancelled or broke off */
	SMTP_SERVER_BODY,     /* bytes of the message, stuffed */
	SMTP_SERVER_RESET,    /* the transaction is over, there will be no message */
	SMTP_SERVER_REFUSED,  /* refused */
	SMTP_SERVER_CLOSE,    /* send the output, then close; the last event */
};

struct smtp_mail_params {
	bool has_size, utf8;
	enum smtp_body body;
	enum smtp_ret ret;
	uint64_t size;
	struct slice envid; /* xtext, checked */
	struct slice auth;  /* xtext, checked */
};

struct smtp_rcpt_params {
	unsigned notify;    /* enum smtp_notify */
	struct slice orcpt; /* type;xtext, checked */
};

struct smtp_server_event {
	enum smtp_server_event_kind kind;
	struct slice name;
	struct slice bytes;
	bool has_bytes, esmtp, chunking;
	struct smtp_address address;
	struct smtp_mail_params mail;
	struct smtp_rcpt_params rcpt;
	const struct smtp_data *data;
	enum smtp_refusal refused;
};

/* text may have several lines (LF between); control characters in it are shown as "?". A 421
 * closes the session. For 334 text is the plain challenge. */
struct smtp_answer {
	uint16_t code;
	const char *status; /* "2.1.0", of the code's class; NULL for greeting, hello, 334, 354 */
	struct slice text;
	bool close; /* after this reply */
};

struct smtp_server {
	const struct smtp_server_options *options;
	struct mem *mem;
	uint8_t *pending, *out;
	struct slice view; /* input not yet taken; in pending, or borrowed from feed */
	uint32_t pending_size, out_size, out_len, out_sent;
	uint64_t now_ms, progress_ms, message_start_ms;
	uint64_t output_ms; /* when output began to wait, or some of it was taken */
	uint64_t chunk_left;
	uint32_t commands, errors, logins_failed, mails, recipients;
	struct smtp_data data;
	uint8_t scratch[SMTP_LOCAL_MAX];
	uint8_t *decoded; /* of AUTH, while it is answered */
	uint32_t decoded_size;
	uint8_t state, mode, waiting, refused, failed_by;
	bool view_is_pending, skip_line, esmtp, tls, channel_binding, authenticated, utf8;
	bool chunk_last, chunk_waits, failed, drop_chunk, chunks_failed;
	bool line_is_bdat; /* the last command line began so, readable or not */
	bool data_told;	   /* DATA was answered, and the answer may still be unsent */
	bool tell_refused, tell_reset, tell_auth_end, closing, closed, shutting_down, out_broken;
};

/* The first next answers CONNECT. tls: it is on already. */
void smtp_server_init(struct smtp_server *s, struct mem *mem,
		      const struct smtp_server_options *options, uint64_t now_ms);
void smtp_server_finish(struct smtp_server *s);

/* How many bytes feed may be given now; 0: stop reading. */
size_t smtp_server_room(const struct smtp_server *s);
/* input is borrowed until next has answered false. */
void smtp_server_feed(struct smtp_server *s, struct slice input, uint64_t now_ms);
bool smtp_server_next(struct smtp_server *s, struct smtp_server_event *ret_event);
/* To the last event, which asked for it. */
void smtp_server_answer(struct smtp_server *s, const struct smtp_answer *answer, uint64_t now_ms);

/* What has to be sent; stays until sent says how much of it was. */
struct slice smtp_server_output(const struct smtp_server *s);
void smtp_server_sent(struct smtp_server *s, size_t len, uint64_t now_ms);

/* When tick wants to be called, or SMTP_SERVER_NEVER. */
uint64_t smtp_server_deadline(const struct smtp_server *s);
void smtp_server_tick(struct smtp_server *s, uint64_t now_ms);

/* TLS is on: after STARTTLS was answered by 220, or before the first next. */
void smtp_server_tls_started(struct smtp_server *s, bool channel_binding);
/* 421 at the next border of commands; a message being received is still taken. */
void smtp_server_shutdown(struct smtp_server *s);
/* 421 now, whatever is under way. */
void smtp_server_abort(struct smtp_server *s);
/* An answer is owed. */
bool smtp_server_is_waiting(const struct smtp_server *s);

const char *smtp_refusal_str(enum smtp_refusal refusal);
uint16_t smtp_refusal_code(enum smtp_refusal refusal);

#endif
