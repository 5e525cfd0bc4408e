/*
 * Fuzz target for cursor: the input is a program of reads (even bytes) over its own second half.
 * Whatever is read, slices stay inside the input, an error is sticky, and after it all is zero.
 */
#include "base/cursor.h"
#include "base/fuzz.h"

#define BLOB_MAX ((size_t)64)

static struct slice
fuzz_read(struct cursor *c, uint8_t op)
{
	switch (op & 7) {
	case 0:
		(void)cursor_u8(c);
		break;
	case 1:
		(void)cursor_u16(c);
		break;
	case 2:
		(void)cursor_u32(c);
		break;
	case 3:
		(void)cursor_u64(c);
		break;
	case 4:
		return cursor_bytes(c, op >> 3);
	default:
		return cursor_blob(c, BLOB_MAX);
	}
	return SLICE_EMPTY;
}

FUZZ(input)
{
	struct slice ops = slice_sub(input, 0, input.len / 2);
	struct slice data = slice_from(input, ops.len);
	struct cursor c;

	cursor_init(&c, data);
	for (size_t i = 0; i < ops.len; i++) {
		int err_before = c.err;
		struct slice got = fuzz_read(&c, ops.data[i]);

		ASSERT(!err_before || (c.err == err_before && got.len == 0));
		ASSERT(got.len == 0 ||
		       (got.data >= data.data && got.data + got.len <= data.data + data.len));
	}
	ASSERT(c.err || cursor_end(&c) == (c.rest.len ? ERR_LEFTOVER : 0));
}
