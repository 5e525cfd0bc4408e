/*
 * smtp reply: reads one reply of an SMTP server at a time (RFC 5321 4.2), in pieces of any size.
 *
 * What is lenient: a bare LF ends a line; the codes of the lines may differ and the last one
 * counts; a code of one or two digits counts by its first digit (45 is kept as 450); a status code
 * nobody has heard of is kept, one of another class than the reply code is replaced by x.0.0.
 * What is not: a line that does not begin with 2 to 5, and whatever breaks a limit.
 *
 * The text is the peer's: it is made safe to show (wire/text/clean.h), bounded, and still never to
 * be trusted.
 */
#ifndef WIRE_SMTP_REPLY_H
#define WIRE_SMTP_REPLY_H

#include "base/err.h"
#include "base/slice.h"

/* Bytes of a line that are kept; a longer line ends in the mark CLEAN_CUT (wire/text/clean.h). */
#define SMTP_REPLY_LINE_KEPT_MAX 1024u
/* Bytes of all lines that are kept; the last line always gets room. A line CLEAN_CUT stands for
 * those before it that had none. */
#define SMTP_REPLY_TEXT_MAX 4096u
/* More than this is no reply but an attack: ERR_LIMIT. */
#define SMTP_REPLY_LINES_MAX 256u
#define SMTP_REPLY_BYTES_MAX 65536u

struct smtp_caps;

/* An enhanced status code (RFC 3463), as 5.1.1. klass 0: none. */
struct smtp_status {
	uint16_t klass, subject, detail;
};

struct smtp_reply {
	uint16_t code;		   /* 200 to 599, of the last line */
	struct smtp_status status; /* as the peer gave it; klass 0 when it gave none */
	uint16_t line_count;
	uint32_t byte_count; /* of the whole reply on the wire */

	/* Where the lines behind the first one are read into as keywords of a reply to EHLO,
	 * however much of the text is kept; or NULL. Set between smtp_reply_init and the first
	 * feed. */
	struct smtp_caps *caps;

	/* for smtp_reply_feed alone */
	bool complete, full;
	uint16_t line_len, text_len;
	uint8_t line[SMTP_REPLY_LINE_KEPT_MAX + 1]; /* one more shows that there was more */
	uint8_t text[SMTP_REPLY_TEXT_MAX];
};

/* Ready for a new reply; the text of the old one is gone. */
void smtp_reply_init(struct smtp_reply *r);

/*
 * Takes bytes up to the end of the reply. 1: complete, bytes behind it are not taken; 0: all taken,
 * needs more; ERR_SYNTAX: not a reply; ERR_LIMIT: too long. *ret_used is always set. A complete
 * reply must be begun anew by smtp_reply_init before the next feed; after an error, too.
 */
int smtp_reply_feed(struct smtp_reply *r, struct slice input, size_t *ret_used) MUST_USE;

/* All kept lines with their codes, cleaned, separated by LF without one at the end. Borrowed. */
struct slice smtp_reply_text(const struct smtp_reply *r);

/* First digit of the code: 2 to 5. */
unsigned smtp_reply_class(const struct smtp_reply *r);

/* The peer's status, or x.0.0 by the class of the code. */
struct smtp_status smtp_reply_status(const struct smtp_reply *r);

/* Reads a status code at the start of text (it must end there or before a blank); klass 0 if none.
 */
struct smtp_status smtp_status_read(struct slice text);

/* One line of a reply without its code and separator: "250-SIZE 10" gives "SIZE 10". */
struct slice smtp_reply_line_text(struct slice line);

#endif
