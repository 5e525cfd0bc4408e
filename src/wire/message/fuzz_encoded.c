/*
 * Fuzz target for encoded: a header's text is UTF-8, of one line unless it was raw, and grows by no
 * more than a charset can make it; with less room it is the beginning of the same.
 */
#include "base/fuzz.h"
#include "wire/message/mime.h"
#include "wire/text/utf8.h"

#define INPUT_MAX ((size_t)4096)

/* Makes each byte one character; knows every other text. */
static bool
hook_convert(struct builder *b, const char *charset, struct slice text, void *context)
{
	ASSERT(context && charset[0]);
	if (text.len % 2)
		return false;
	for (size_t i = 0; i < text.len; i++)
		builder_byte(b, text.data[i] & 0x7f);
	return true;
}

FUZZ(input)
{
	static uint8_t room[CHARSET_GROWTH * INPUT_MAX + 1], small[64];
	int context = 0;
	const struct charset_hook hook = {hook_convert, &context};
	struct builder b, s;
	struct slice rest;
	uint32_t code;

	input = slice_sub(input, 0, INPUT_MAX);
	builder_init_fixed(&b, room, CHARSET_GROWTH * input.len);
	mime_header_text(&b, input, NULL);
	ASSERT(!b.failed);
	for (rest = builder_slice(&b); rest.len;) {
		ASSERT(utf8_next(&rest, &code));
		ASSERT(code != '\n');
	}
	builder_init_fixed(&s, small, sizeof(small));
	mime_header_text(&s, input, NULL);
	ASSERT(s.failed == (b.len > sizeof(small)));
	ASSERT(slice_starts(builder_slice(&b), builder_slice(&s)) || s.failed);
	builder_init_fixed(&s, room, sizeof(room));
	mime_header_text(&s, input, &hook);
	ASSERT(!s.failed);
}
