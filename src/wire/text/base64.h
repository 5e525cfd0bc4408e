/*
 * base64: RFC 4648 4, strict where it is not called loose: the standard alphabet, padding required,
 * no white space, unused bits zero. Line folding for MIME bodies is on request. Constant tables;
 * not for secrets' timing.
 */
#ifndef WIRE_TEXT_BASE64_H
#define WIRE_TEXT_BASE64_H

#include "base/builder.h"

/* A line of a MIME body (RFC 2045 6.8): 76 characters at most. */
#define BASE64_LINE_CHARS 76

/* Bytes that decoding a text of this length can give at most. */
#define BASE64_DECODED_MAX(text_len) (((text_len) / 4 + 1) * 3)
#define BASE64_ENCODED_LEN(len) (((len) + 2) / 3 * 4)

/* One line without its end. */
void base64_encode(struct builder *b, struct slice bytes);
/* Lines of 76 characters, each with CRLF; nothing for no bytes. */
void base64_encode_lines(struct builder *b, struct slice bytes);
/*
 * Appends the bytes. ERR_SYNTAX on anything that base64_encode would not have written (part of the
 * bytes may have been appended by then); ERR_LIMIT when the builder is full.
 */
int base64_decode(struct builder *b, struct slice text) MUST_USE;

/* Lenient decoding, for mail: what is not of the alphabet is passed over, padding may be missing,
 * stand in the middle, or be too much. Start from {0}. */
struct base64_loose {
	uint32_t bits;
	unsigned count; /* characters of the group that is not complete */
};

void base64_loose_feed(struct builder *b, struct base64_loose *loose, struct slice text);
/* The bytes of the last group, if it is not complete; loose is {0} again. */
void base64_loose_end(struct builder *b, struct base64_loose *loose);

/* Nothing but characters of the alphabet and "="; at least one. */
bool base64_is_line(struct slice line);

#endif
