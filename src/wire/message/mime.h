/*
 * mime: a message taken apart (RFC 2045, 2046): its parts in the order in which they stand, each
 * with what its header says and its body in place. Reads what mail programs really send: missing
 * final boundaries, wrong nesting, no empty line behind a header, bare LF or CR, cut messages.
 * Nothing is repaired in place and nothing is decoded until asked for. Time is linear in the
 * message.
 *
 * Lines end in LF: mime_lines makes them so first, whatever they were.
 */
#ifndef WIRE_MESSAGE_MIME_H
#define WIRE_MESSAGE_MIME_H

#include "base/builder.h"
#include "wire/message/charset.h"

#define MIME_PARTS_MAX 64
#define MIME_DEPTH_MAX 8		    /* of nesting; what lies deeper is one opaque part */
#define MIME_BOUNDARY_MAX 200		    /* longer than RFC 2046's 70, which some exceed */
#define MIME_MESSAGE_MAX ((size_t)4 << 20)  /* bytes that are read; what is beyond is cut */
#define MIME_HEADER_MAX ((size_t)128 << 10) /* of a header: fields are sought in */

/* MIME_OTHER: an encoding that is not known; the body stays as it is. */
enum mime_encoding { MIME_PLAIN, MIME_QP, MIME_BASE64, MIME_OTHER };

struct mime_part {
	struct slice header;		   /* of this part, without the empty line */
	struct slice body;		   /* as it stands, encoded */
	struct slice type;		   /* "text/plain" as written; empty: none given */
	struct slice charset, report_type; /* parameters as written; empty when absent */
	uint8_t encoding;		   /* enum mime_encoding */
	uint8_t depth;			   /* 0: the message itself */
	uint8_t parent;			   /* index; its own for the first */
	bool container; /* a multipart or a message: its parts follow, at least one */
	bool open;	/* the message ended where a boundary should have followed */
};

struct mime {
	struct mime_part parts[MIME_PARTS_MAX]; /* the first part_count are set */
	size_t part_count;			/* at least 1 */
	bool cut; /* there were more parts, or they were nested deeper, or more bytes */
};

/* CRLF, LF and lone CR become LF (CRs before a CRLF are part of it). Room for text.len bytes
 * suffices; with less, the end is cut and b fails. */
void mime_lines(struct builder *b, struct slice text);

/* text: from mime_lines; its parts borrow from it. Part 0 is the message. A message within
 * (message/rfc822, text/rfc822-headers) is a part whose one child is that message; a multipart
 * without any boundary is a part without children. */
void mime_read(struct slice text, struct mime *ret_mime);

/* The body decoded by its transfer encoding, bytes in its charset; what cannot be decoded stays as
 * it is. Never more than body.len bytes; with less room the end is cut and b fails. */
void mime_decode(struct builder *b, const struct mime_part *part);

/* Room with which mime_text never cuts. For text in UTF-8 the body's length suffices, for HTML in
 * UTF-8 twice that and one. */
#define MIME_TEXT_ROOM(body_len) ((body_len)*6 + 1)
/*
 * As mime_decode, and made UTF-8 by its charset (charset.h; hook may be NULL); bytes that are no
 * character become U+FFFD. text/html becomes plain text (html.h). With less room than
 * MIME_TEXT_ROOM the end may be cut; b has failed then, and what it holds is good.
 */
void mime_text(struct builder *b, const struct mime_part *part, const struct charset_hook *hook);

/* A header value in one line: folds taken out, trimmed, encoded words (RFC 2047) decoded, UTF-8.
 * hook may be NULL. */
void mime_header_text(struct builder *b, struct slice value, const struct charset_hook *hook);

/*
 * Takes the next field off *header (LF lines; also the body of a message/delivery-status): its name
 * and its value with its folds, without its last LF. Lines that are no field are passed over; so is
 * an empty line. False at the end.
 */
bool mime_field_next(struct slice *header, struct slice *ret_name, struct slice *ret_value);
/* The first field of that name within MIME_HEADER_MAX, value as from mime_field_next. False when
 * absent. */
bool mime_header_find(struct slice header, struct slice name, struct slice *ret_value);

#endif
