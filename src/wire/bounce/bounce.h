/*
 * bounce: a mail that came back, read: what kind of mail it is and, for each recipient, the facts:
 * address, reply, codes, who said so. Nothing is judged here; rule/explain does that.
 *
 * Readers in this order: status blocks (RFC 3464) wherever they stand; X-Failed-Recipients; the
 * human text, by the forms of phrases.def; any bounce-like text by its structure. The text also
 * completes what a block leaves open. A bounce within a mail (forwarded, or a bounce of a bounce)
 * is read when the mail around it says nothing itself.
 */
#ifndef WIRE_BOUNCE_BOUNCE_H
#define WIRE_BOUNCE_BOUNCE_H

#include "wire/message/mime.h"
#include "wire/verdict/verdict.h"

#define BOUNCE_RCPTS_MAX 256 /* per mail; more are counted */
#define BOUNCE_REPLY_MAX VERDICT_REPLY_MAX
#define BOUNCE_ADDRESS_MAX 320
/* Of human text and of status blocks so much is read; bounces put theirs at the beginning. */
#define BOUNCE_TEXT_MAX ((size_t)128 << 10)
/* Enough for bounce_read's arena, whatever the mail. */
#define BOUNCE_ARENA_BYTES ((size_t)16 << 20)

enum bounce_kind {
	BOUNCE_NONE,	 /* an ordinary mail */
	BOUNCE_FAILURE,	 /* at least one recipient failed */
	BOUNCE_DELAY,	 /* a notice that mail still waits */
	BOUNCE_SUCCESS,	 /* delivered, relayed, expanded */
	BOUNCE_VACATION, /* an automatic answer (RFC 3834) or a receipt (RFC 8098) */
	BOUNCE_FEEDBACK, /* a complaint, RFC 5965 */
	BOUNCE_KIND_MAX
};

enum bounce_action {
	BOUNCE_FAILED,
	BOUNCE_DELAYED,
	BOUNCE_DELIVERED,
	BOUNCE_RELAYED,
	BOUNCE_EXPANDED,
	BOUNCE_ANSWERED, /* vacation: who answered; feedback: whom it is about */
	BOUNCE_ACTION_MAX
};

/*
 * What is known of one recipient. Text is UTF-8; it lives as long as the mail and the arena.
 * command, where the report names it, is one of "connect", "EHLO", "STARTTLS", "AUTH", "MAIL FROM",
 * "RCPT TO", "DATA", "end of data".
 */
struct bounce_rcpt {
	struct slice recipient;	  /* without brackets; may be empty when the mail names none */
	struct slice reply;	  /* the remote's words, else the reporting server's; lines by LF */
	struct slice command;	  /* or empty */
	struct slice remote_host; /* who refused: a name, or an address without brackets */
	uint16_t code;		  /* reply code, 0 for none */
	struct verdict_status status;
	uint8_t action; /* enum bounce_action */
	bool gave_up;	/* the lifetime ended, by the report's words (unless the reply is
			   permanent) or status x.4.7; the reply is the last one from before */
};

struct bounce {
	uint8_t kind;	       /* enum bounce_kind */
	struct slice reporter; /* Reporting-MTA, or the domain that the mail comes from */
	struct slice form;     /* what was understood: "rfc3464", "exim", "qmail", ... */
	struct bounce_rcpt rcpts[BOUNCE_RCPTS_MAX]; /* in the order of the report, none twice */
	size_t rcpt_count, rcpts_left_out;
};

/*
 * text: from mime_lines, at most MIME_MESSAGE_MAX bytes, kept by the caller as long as *ret_bounce;
 * hook as for mime_text. False when the arena ran out (*ret_bounce is then not to be used); any
 * mail at all gives a result.
 */
bool bounce_read(struct slice text, const struct charset_hook *hook, struct arena *arena,
		 struct bounce *ret_bounce) MUST_USE;

const char *bounce_kind_str(unsigned kind);
const char *bounce_action_str(unsigned action);
/* The command as a stage; VERDICT_STAGE_MAX when it is empty or none of those above. */
enum verdict_stage bounce_command_stage(struct slice command);

#endif
