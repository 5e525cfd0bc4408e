/*
 * cursor: one bounds check (cursor_bytes), everything else on top of it.
 */
#include "base/cursor.h"

void
cursor_init(struct cursor *c, struct slice input)
{
	*c = (struct cursor){.rest = input};
}

void
cursor_fail(struct cursor *c, int err)
{
	if (!c->err)
		c->err = err;
	c->rest = SLICE_EMPTY;
}

struct slice
cursor_bytes(struct cursor *c, size_t len)
{
	struct slice head;

	if (c->err || len > c->rest.len) {
		cursor_fail(c, ERR_TRUNCATED);
		return SLICE_EMPTY;
	}
	head = slice_sub(c->rest, 0, len);
	c->rest = slice_from(c->rest, len);
	return head;
}

static uint64_t
cursor_le(struct cursor *c, size_t bytes)
{
	struct slice s = cursor_bytes(c, bytes);
	uint64_t value = 0;

	for (size_t i = 0; i < s.len; i++)
		value |= (uint64_t)s.data[i] << (8 * i);
	return value;
}

uint8_t
cursor_u8(struct cursor *c)
{
	return (uint8_t)cursor_le(c, 1);
}

uint16_t
cursor_u16(struct cursor *c)
{
	return (uint16_t)cursor_le(c, 2);
}

uint32_t
cursor_u32(struct cursor *c)
{
	return (uint32_t)cursor_le(c, 4);
}

uint64_t
cursor_u64(struct cursor *c)
{
	return cursor_le(c, 8);
}

struct slice
cursor_blob(struct cursor *c, size_t max)
{
	uint32_t len = cursor_u32(c);

	if (!c->err && len > max)
		cursor_fail(c, ERR_LIMIT);
	return cursor_bytes(c, len);
}

int
cursor_end(const struct cursor *c)
{
	if (c->err)
		return c->err;
	return c->rest.len ? ERR_LEFTOVER : 0;
}
