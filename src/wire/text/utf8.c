/*
 * Strict UTF-8. RFC 3629 4 as a table: for each class of first byte how many follow and which
 * range the second must lie in; that range alone keeps out overlong forms, surrogates and code
 * points above U+10FFFF.
 */
#include "wire/text/utf8.h"

#include "base/assert.h"

static const struct utf8_class {
	uint8_t first, last; /* of the first byte */
	uint8_t follow;
	uint8_t second_min, second_max;
	uint8_t mask; /* payload of the first byte */
} utf8_classes[] = {
	{0x00, 0x7f, 0, 0, 0, 0x7f},	   {0xc2, 0xdf, 1, 0x80, 0xbf, 0x1f},
	{0xe0, 0xe0, 2, 0xa0, 0xbf, 0x0f}, {0xe1, 0xec, 2, 0x80, 0xbf, 0x0f},
	{0xed, 0xed, 2, 0x80, 0x9f, 0x0f}, {0xee, 0xef, 2, 0x80, 0xbf, 0x0f},
	{0xf0, 0xf0, 3, 0x90, 0xbf, 0x07}, {0xf1, 0xf3, 3, 0x80, 0xbf, 0x07},
	{0xf4, 0xf4, 3, 0x80, 0x8f, 0x07},
};

static const struct utf8_class *
utf8_class_of(uint8_t byte)
{
	for (size_t i = 0; i < sizeof(utf8_classes) / sizeof(utf8_classes[0]); i++) {
		if (byte >= utf8_classes[i].first && byte <= utf8_classes[i].last)
			return &utf8_classes[i];
	}
	return NULL;
}

bool
utf8_next(struct slice *rest, uint32_t *ret_code)
{
	const struct utf8_class *class;
	const uint8_t *at = rest->data;
	uint32_t code;

	ASSERT(rest->len > 0);
	class = utf8_class_of(at[0]);
	*ret_code = at[0];
	if (!class || rest->len <= class->follow)
		goto bad;
	if (class->follow && (at[1] < class->second_min || at[1] > class->second_max))
		goto bad;
	code = at[0] & class->mask;
	for (size_t i = 1; i <= class->follow; i++) {
		if ((at[i] & 0xc0) != 0x80)
			goto bad;
		code = code << 6 | (at[i] & 0x3f);
	}
	ASSERT(code <= 0x10ffff);
	*ret_code = code;
	*rest = slice_from(*rest, (size_t) class->follow + 1);
	return true;
bad:
	*rest = slice_from(*rest, 1);
	return false;
}

bool
utf8_is_valid(struct slice s)
{
	uint32_t code;

	while (s.len) {
		if (!utf8_next(&s, &code))
			return false;
	}
	return true;
}

struct slice
utf8_head(struct slice s, size_t max)
{
	size_t len = max;

	if (s.len <= max)
		return s;
	/* Back over at most three following bytes to where a character begins. */
	for (size_t back = 0; back < 4 && len > 0 && (s.data[len] & 0xc0) == 0x80; back++)
		len--;
	if ((s.data[len] & 0xc0) == 0x80)
		len = max; /* no UTF-8 anyway */
	return slice_sub(s, 0, len);
}

void
utf8_put(struct builder *b, uint32_t code)
{
	static const uint8_t marks[] = {0, 0xc0, 0xe0, 0xf0};
	uint8_t bytes[4];
	size_t follow = code < 0x80 ? 0 : code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;

	if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) {
		code = UTF8_REPLACEMENT;
		follow = 2;
	}
	for (size_t i = follow; i > 0; i--) {
		bytes[i] = (uint8_t)(0x80 | (code & 0x3f));
		code >>= 6;
	}
	bytes[0] = (uint8_t)(marks[follow] | code);
	builder_bytes(b, bytes, follow + 1);
}

void
utf8_add_head(struct builder *b, struct slice s)
{
	struct slice head = utf8_head(s, b->max - b->len);

	builder_add(b, head);
	b->failed = b->failed || head.len < s.len;
}
