/*
 * qp: quoted-printable (RFC 2045 6.7) for texts, strict when written and lenient when read.
 * Written, each line of the input becomes lines of at most 76
 * characters. A dot at the start of a line is encoded, so that the output needs no dot-stuffing.
 */
#ifndef WIRE_TEXT_QP_H
#define WIRE_TEXT_QP_H

#include "base/builder.h"

#define QP_LINE_CHARS 76

/* text: lines that end in CRLF or LF; the last may lack it and gets one. */
void qp_encode(struct builder *b, struct slice text);

/*
 * Lenient decoding: "=" and two hex digits of any case are a byte, "=" at a line's end joins it
 * with the next, any other "=" stands for itself; blanks (and CR) at a line's end were added on the
 * way and go. Lines end in LF. Never more than text.len bytes; cut at b's room, and b fails.
 */
void qp_decode(struct builder *b, struct slice text);
/* The same for a "Q" word of a header (RFC 2047 4.2): "_" is a blank, lines have no meaning. */
void qp_decode_word(struct builder *b, struct slice text);

/* The byte that two hex digits at index stand for, or -1 when there are none. */
int qp_hex_pair(struct slice s, size_t index);

#endif
