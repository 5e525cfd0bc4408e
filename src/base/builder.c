/*
 * builder: growth by doubling inside an arena, or a fixed buffer; one place for all bounds checks
 * (builder_room).
 */
#include "base/builder.h"

#include <string.h>

#include "base/assert.h"

#define BUILDER_FIRST_BYTES ((size_t)128)

void
builder_init_fixed(struct builder *b, void *buf, size_t cap)
{
	*b = (struct builder){.data = buf, .cap = cap, .max = cap};
}

void
builder_init_arena(struct builder *b, struct arena *arena, size_t max)
{
	ASSERT(arena);
	*b = (struct builder){.arena = arena, .max = max};
}

struct slice
builder_slice(const struct builder *b)
{
	return (struct slice){b->data, b->len};
}

int
builder_take(const struct builder *b, struct slice *ret_slice)
{
	if (b->failed)
		return ERR_LIMIT;
	*ret_slice = builder_slice(b);
	return 0;
}

void
builder_clear(struct builder *b)
{
	b->len = 0;
	b->failed = false;
}

static bool
builder_grow(struct builder *b, size_t need)
{
	size_t cap = b->cap ? b->cap : BUILDER_FIRST_BYTES;
	uint8_t *data;

	if (!b->arena || need > b->max)
		return false;
	while (cap < need)
		cap = cap > b->max / 2 ? b->max : cap * 2;
	if (cap > b->max)
		cap = b->max;
	data = arena_alloc(b->arena, cap);
	if (!data)
		return false;
	if (b->len)
		memcpy(data, b->data, b->len);
	b->data = data;
	b->cap = cap;
	return true;
}

uint8_t *
builder_room(struct builder *b, size_t len)
{
	uint8_t *at;

	if (b->failed)
		return NULL;
	if (len > b->max - b->len || (len > b->cap - b->len && !builder_grow(b, b->len + len))) {
		b->failed = true;
		return NULL;
	}
	at = b->data ? b->data + b->len : NULL;
	b->len += len;
	return at;
}

void
builder_bytes(struct builder *b, const void *data, size_t len)
{
	uint8_t *at;

	if (len == 0)
		return;
	at = builder_room(b, len);
	if (at)
		memcpy(at, data, len);
}

void
builder_add(struct builder *b, struct slice s)
{
	builder_bytes(b, s.data, s.len);
}

void
builder_add_head(struct builder *b, struct slice s)
{
	bool whole = s.len <= b->max - b->len;

	builder_add(b, slice_sub(s, 0, b->max - b->len));
	b->failed = b->failed || !whole;
}

void
builder_str(struct builder *b, const char *string)
{
	builder_add(b, slice_str(string));
}

void
builder_byte(struct builder *b, uint8_t byte)
{
	builder_bytes(b, &byte, 1);
}

void
builder_dec_padded(struct builder *b, uint64_t value, unsigned width)
{
	uint8_t digits[20];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (uint8_t)('0' + value % 10);
		value /= 10;
	} while (value);
	while (sizeof(digits) - at < width && at > 0)
		digits[--at] = '0';
	builder_bytes(b, digits + at, sizeof(digits) - at);
}

void
builder_dec(struct builder *b, uint64_t value)
{
	builder_dec_padded(b, value, 1);
}

void
builder_dec_signed(struct builder *b, int64_t value)
{
	if (value < 0)
		builder_byte(b, '-');
	builder_dec(b, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

void
builder_hex(struct builder *b, struct slice s)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < s.len; i++) {
		builder_byte(b, (uint8_t)digits[s.data[i] >> 4]);
		builder_byte(b, (uint8_t)digits[s.data[i] & 15]);
	}
}

void
builder_lower(struct builder *b, struct slice s)
{
	uint8_t *at = s.len ? builder_room(b, s.len) : NULL;

	for (size_t i = 0; at && i < s.len; i++)
		at[i] = ascii_lower(s.data[i]);
}

static void
builder_le(struct builder *b, uint64_t value, size_t bytes)
{
	uint8_t *at = builder_room(b, bytes);

	for (size_t i = 0; at && i < bytes; i++)
		at[i] = (uint8_t)(value >> (8 * i));
}

void
builder_u8(struct builder *b, uint8_t value)
{
	builder_le(b, value, 1);
}

void
builder_u16(struct builder *b, uint16_t value)
{
	builder_le(b, value, 2);
}

void
builder_u32(struct builder *b, uint32_t value)
{
	builder_le(b, value, 4);
}

void
builder_u64(struct builder *b, uint64_t value)
{
	builder_le(b, value, 8);
}

void
builder_blob(struct builder *b, struct slice s)
{
	ASSERT(s.len <= UINT32_MAX);
	builder_u32(b, (uint32_t)s.len);
	builder_add(b, s);
}
