/*
 * base64: RFC 4648 4, strict: the standard alphabet, padding required, no white space, unused bits
 * zero. Line folding for MIME bodies is on request. Constant tables; not for secrets' timing.
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

#endif
