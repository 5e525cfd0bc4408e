/*
 * builder: bytes that grow up to a maximum stated at birth. A write that does not fit sets failed
 * and writes nothing more, so that the caller checks once, at the end, by builder_take.
 * Fixed builders use the caller's buffer; arena builders grow inside an arena (old copies die with
 * it). Integers are little-endian in the binary functions (spool, ipc), decimal in the text ones.
 */
#ifndef BASE_BUILDER_H
#define BASE_BUILDER_H

#include "base/arena.h"
#include "base/err.h"
#include "base/slice.h"

struct builder {
	uint8_t *data;
	size_t len;
	size_t cap; /* room at data now */
	size_t max; /* never more than this */
	struct arena *arena;
	bool failed;
};

void builder_init_fixed(struct builder *b, void *buf, size_t cap);
void builder_init_arena(struct builder *b, struct arena *arena, size_t max);

/* What has been built, borrowed; valid until the next write. */
struct slice builder_slice(const struct builder *b);
/* As builder_slice, or ERR_LIMIT when anything did not fit. */
int builder_take(const struct builder *b, struct slice *ret_slice) MUST_USE;
void builder_clear(struct builder *b);

void builder_bytes(struct builder *b, const void *data, size_t len);
void builder_add(struct builder *b, struct slice s);
/* As much of the beginning of s as fits; failed is set when that is not all. */
void builder_add_head(struct builder *b, struct slice s);
void builder_str(struct builder *b, const char *string);
void builder_byte(struct builder *b, uint8_t byte);
void builder_dec(struct builder *b, uint64_t value);
void builder_dec_signed(struct builder *b, int64_t value);
/* Decimal with zeros in front up to width digits. */
void builder_dec_padded(struct builder *b, uint64_t value, unsigned width);
/* Lower-case hex, two digits a byte. */
void builder_hex(struct builder *b, struct slice s);
void builder_lower(struct builder *b, struct slice s);

void builder_u8(struct builder *b, uint8_t value);
void builder_u16(struct builder *b, uint16_t value);
void builder_u32(struct builder *b, uint32_t value);
void builder_u64(struct builder *b, uint64_t value);
/* u32 length, then the bytes. */
void builder_blob(struct builder *b, struct slice s);

/* Room for len bytes to be filled by the caller, or NULL (failed set). */
uint8_t *builder_room(struct builder *b, size_t len);

#endif
