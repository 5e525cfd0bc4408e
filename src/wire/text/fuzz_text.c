/*
 * Fuzz target for wire/text: cleaned text is within its cap and harmless; what base64 and xtext
 * decode is encoded to the same text again.
 */
#include "base/fuzz.h"
#include "wire/text/base64.h"
#include "wire/text/clean.h"
#include "wire/text/utf8.h"
#include "wire/text/xtext.h"

#define INPUT_MAX ((size_t)4096)

static void
check_codecs(struct slice input)
{
	static uint8_t bytes[INPUT_MAX + 4], text[3 * INPUT_MAX];
	struct builder b, t;

	builder_init_fixed(&b, bytes, sizeof(bytes));
	builder_init_fixed(&t, text, sizeof(text));
	if (base64_decode(&b, input) == 0) {
		base64_encode(&t, builder_slice(&b));
		ASSERT(slice_eq(builder_slice(&t), input));
	}
	builder_clear(&b);
	builder_clear(&t);
	if (xtext_decode(&b, input) == 0) {
		struct builder again;

		xtext_encode(&t, builder_slice(&b));
		ASSERT(t.len <= input.len);
		builder_init_fixed(&again, bytes, sizeof(bytes));
		ASSERT(xtext_decode(&again, builder_slice(&t)) == 0);
	}
}

FUZZ(input)
{
	static void (*const cleaners[])(struct builder *, struct slice,
					size_t) = {clean_line, clean_ascii, clean_quote};
	static uint8_t out[512];

	input = slice_sub(input, 0, INPUT_MAX);
	check_codecs(input);
	for (size_t i = 0; i < 3; i++) {
		size_t max = 16 + (input.len ? input.data[0] : 0);
		struct builder b;
		struct slice rest;
		uint32_t code;

		builder_init_fixed(&b, out, sizeof(out));
		cleaners[i](&b, input, max);
		ASSERT(!b.failed && b.len <= max);
		rest = builder_slice(&b);
		while (rest.len) {
			ASSERT(utf8_next(&rest, &code));
			ASSERT(clean_code_is_plain(code));
			ASSERT(i != 1 || code < 127);
		}
	}
}
