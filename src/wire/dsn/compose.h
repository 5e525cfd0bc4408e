/*
 * compose: a report as a message: multipart/report (RFC 6522) with a letter for people, the fields
 * of RFC 3464 for programs, and the original's header or the whole original. Sent with the null
 * sender; says so by Auto-Submitted (RFC 3834).
 *
 * Output is as the spool keeps mail: CRLF, dot-stuffed, no final dot. It is 7-bit unless
 * report->global: then the parts of RFC 6533 are used and hold UTF-8. What others wrote (replies,
 * addresses, the original) can neither add a field nor end a part.
 */
#ifndef WIRE_DSN_COMPOSE_H
#define WIRE_DSN_COMPOSE_H

#include "base/builder.h"
#include "wire/dsn/dsn.h"

/*
 * letter: lines that end in CRLF, UTF-8. Appends header block, empty line and body; the length of
 * the first two in *ret_header_len. ERR_STATE for a null sender or no recipients, ERR_LIMIT when
 * out is full.
 */
int dsn_compose(struct builder *out, const struct dsn_report *report, struct slice letter,
		size_t *ret_header_len) MUST_USE;

#endif
