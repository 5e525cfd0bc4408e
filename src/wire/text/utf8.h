/*
 * utf8: strict UTF-8 (RFC 3629): no overlong forms, no surrogates, nothing above U+10FFFF.
 */
#ifndef WIRE_TEXT_UTF8_H
#define WIRE_TEXT_UTF8_H

#include "base/builder.h"

/* Stands for what is no character. */
#define UTF8_REPLACEMENT 0xfffdu

/*
 * Takes the first character off *rest, which is not empty. Answers true and the code point; or
 * false and the first byte, when no character begins there (one byte is taken then).
 */
bool utf8_next(struct slice *rest, uint32_t *ret_code);

/* Every byte belongs to a character. */
bool utf8_is_valid(struct slice s);

/* The longest beginning of s that is not longer than max and cuts no character. */
struct slice utf8_head(struct slice s, size_t max);

/* As much of the beginning of s as fits without cutting a character; b fails when that is not all.
 */
void utf8_add_head(struct builder *b, struct slice s);

/* Appends the character; U+FFFD for what is none. */
void utf8_put(struct builder *b, uint32_t code);

#endif
