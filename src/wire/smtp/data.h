/*
 * data: the one reader of message bytes. It finds the end of DATA, turns BDAT octets into the form
 * in which a body travels and is kept (CRLF lines, dot-stuffed), and takes the dots out again.
 * What ends a line and a message is written here only, for server, client, spool and bounce alike:
 * CRLF ends a line, CRLF.CRLF ends DATA (RFC 5321 4.1.1.4, 4.5.2), nothing else does.
 *
 * No line end is repaired: a CR or LF on its own and NUL are remembered as flaws, for which the
 * owner refuses the message once it has been read to its real end. Nothing is copied: chunks are
 * parts of the input, or of a constant where a byte held back or added has to appear.
 */
#ifndef WIRE_SMTP_DATA_H
#define WIRE_SMTP_DATA_H

#include "base/err.h"
#include "base/slice.h"

enum smtp_data_flag {
	/* Flaws: the message must be refused. */
	SMTP_DATA_BARE_CR = 1 << 0,
	SMTP_DATA_BARE_LF = 1 << 1,
	SMTP_DATA_NUL = 1 << 2,
	SMTP_DATA_CONTINUES = 1 << 6, /* begins with white space: would go on with our trace */
	/* Facts. */
	SMTP_DATA_EIGHT_BIT = 1 << 3,	     /* a byte over 127 somewhere */
	SMTP_DATA_EIGHT_BIT_HEADER = 1 << 4, /* one in the header block */
	SMTP_DATA_NO_FINAL_CRLF = 1 << 5,    /* the last CRLF was added here (BDAT only) */
};
#define SMTP_DATA_LINE_FLAWS (SMTP_DATA_BARE_CR | SMTP_DATA_BARE_LF | SMTP_DATA_NUL)
#define SMTP_DATA_FLAWS (SMTP_DATA_LINE_FLAWS | SMTP_DATA_CONTINUES)

enum smtp_data_mode {
	SMTP_DATA_DOTTED, /* DATA: ends with a lone dot, which is not part of the message */
	SMTP_DATA_OCTETS, /* BDAT: ends when the owner says so; dots are stuffed here */
};

enum smtp_data_step {
	SMTP_DATA_MORE,	 /* all input taken */
	SMTP_DATA_CHUNK, /* *ret_chunk is set; call again */
	SMTP_DATA_END,	 /* the end has been taken off the input */
};

struct smtp_data {
	uint64_t size;		 /* bytes given out: stuffed, with CRLF */
	uint64_t dots;		 /* of them stuffed dots */
	uint64_t header_size;	 /* bytes given out up to and with the empty line, so far */
	uint32_t line_longest;	 /* with CRLF, without a stuffed dot */
	uint32_t received_count; /* Received fields in the header block */
	uint32_t line_len;	 /* of the line being read */
	unsigned flags;		 /* enum smtp_data_flag */
	uint8_t mode, state;
	bool in_body;	       /* the empty line behind the header block has been read */
	bool received_matches; /* the line so far is a beginning of "Received:" */
	bool dot_given;	       /* OCTETS: the stuffed dot of this line has been given out */
};

void smtp_data_init(struct smtp_data *d, enum smtp_data_mode mode);

/* Takes bytes off *input up to the next step. Chunks live as long as the input. */
enum smtp_data_step smtp_data_next(struct smtp_data *d, struct slice *input,
				   struct slice *ret_chunk);

/* OCTETS: the last octet has been given. Answers what must follow it: CRLF or nothing. */
struct slice smtp_data_finish(struct smtp_data *d);

/* Takes the stuffed dots out of a kept body, in pieces of any size. Zeroed is ready. */
struct smtp_unstuff {
	uint8_t state;
};

/* The next part of the plain body; false when all input has been taken. */
bool smtp_unstuff_next(struct smtp_unstuff *u, struct slice *input, struct slice *ret_chunk);

/*
 * Whether a kept body, given in pieces of any size, is one message and no more when it goes out
 * behind DATA, with CRLF where its last line has none, and a lone dot: no CR or LF on its own, no
 * line that begins with a dot and not with two. Zeroed is ready.
 */
struct smtp_kept {
	uint64_t dots; /* stuffed ones: no part of the message or its size (RFC 1870 3) */
	uint8_t state;
};
/* The shortest line with a stuffed dot, "..": how many there may be in what was not looked at. */
#define SMTP_KEPT_DOT_LINE_MIN 4u

/* False: it is not, from somewhere in this piece on. */
bool smtp_kept_feed(struct smtp_kept *k, struct slice piece) MUST_USE;
/* All has been given: whether it may end here. */
bool smtp_kept_end(const struct smtp_kept *k) MUST_USE;

#endif
