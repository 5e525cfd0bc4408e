/*
 * cursor: reads bounded binary data with a sticky error: after the first failure every read
 * answers zero or an empty slice, and one check at the end (cursor_end) tells. Little-endian.
 */
#ifndef BASE_CURSOR_H
#define BASE_CURSOR_H

#include "base/err.h"
#include "base/slice.h"

struct cursor {
	struct slice rest;
	int err; /* 0, or the first failure */
};

void cursor_init(struct cursor *c, struct slice input);
uint8_t cursor_u8(struct cursor *c);
uint16_t cursor_u16(struct cursor *c);
uint32_t cursor_u32(struct cursor *c);
uint64_t cursor_u64(struct cursor *c);
/* Borrowed from the input. */
struct slice cursor_bytes(struct cursor *c, size_t len);
/* u32 length, then bytes; longer than max is ERR_LIMIT. */
struct slice cursor_blob(struct cursor *c, size_t max);
void cursor_fail(struct cursor *c, int err);
/* 0 when all was read well and nothing is left; else the error (ERR_LEFTOVER for a rest). */
int cursor_end(const struct cursor *c) MUST_USE;

#endif
