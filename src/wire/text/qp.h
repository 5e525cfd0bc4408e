/*
 * qp: quoted-printable (RFC 2045 6.7) for texts: each line of the input becomes lines of at most 76
 * characters. A dot at the start of a line is encoded, so that the output needs no dot-stuffing.
 */
#ifndef WIRE_TEXT_QP_H
#define WIRE_TEXT_QP_H

#include "base/builder.h"

#define QP_LINE_CHARS 76

/* text: lines that end in CRLF or LF; the last may lack it and gets one. */
void qp_encode(struct builder *b, struct slice text);

#endif
