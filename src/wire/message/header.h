/*
 * header: the fields of a header block (RFC 5322 2.2), read in place: nothing is copied, rewrapped
 * or repaired. Lines end in CRLF only. The block may end with the empty line, which is not part of
 * a field, or without it.
 */
#ifndef WIRE_MESSAGE_HEADER_H
#define WIRE_MESSAGE_HEADER_H

#include "base/builder.h"

/* A field name is at most this long (a line's limit, RFC 5322 2.1.1, less the colon). */
#define HEADER_NAME_MAX 997

struct header_field {
	struct slice name;  /* without spaces before the colon (RFC 5322 4.5.8) */
	struct slice value; /* behind the colon, with its folding, without the last CRLF */
	struct slice raw;   /* the whole field with the last CRLF (when there is one) */
	size_t offset;	    /* of raw in the block */
};

struct header_scan {
	struct slice block;
	size_t at;
};

void header_scan_init(struct header_scan *scan, struct slice block);
/*
 * 1 and the next field; 0 at the end of the block or at the empty line; ERR_SYNTAX for a line that
 * is neither a field nor a continuation: it and its continuations are skipped, and in *ret_field
 * only raw and offset are set.
 */
int header_scan_next(struct header_scan *scan, struct header_field *ret_field) MUST_USE;

/* Bytes of the header block at the start of message, its empty line included; ERR_NOT_FOUND when
 * message holds no empty line. */
int header_block_len(struct slice message, size_t *ret_len) MUST_USE;

/* The index-th field (from 0) of that name; false when there is none. */
bool header_find(struct slice block, struct slice name, size_t index, struct header_field *ret);
size_t header_count(struct slice block, struct slice name);

/* The value in one line: folds taken out (RFC 5322 2.2.3), trimmed. */
void header_unfold(struct builder *b, struct slice value);

#endif
