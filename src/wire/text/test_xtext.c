/* xtext: RFC 3461 4 examples, refusals, every byte there and back. */
#include "base/test.h"

#include "wire/text/xtext.h"

TEST(tables)
{
	static const struct {
		const char *text, *bytes; /* bytes NULL: refused */
	} rows[] = {
		{"", ""},
		{"QQ314159", "QQ314159"},
		{"rfc822;Bob@Example.COM", "rfc822;Bob@Example.COM"},
		{"a+2Bb+3Dc", "a+b=c"},
		{"a+20b", "a b"},
		{"+0D+0AX:", "\r\nX:"},
		{"+C3+BC", "\xc3\xbc"},
		{"a b", NULL},
		{"a=b", NULL},
		{"a+", NULL},
		{"a+2", NULL},
		{"a+2b", NULL}, /* lower-case hex */
		{"a+G0", NULL},
		{"\xc3\xbc", NULL},
		{"\x7f", NULL},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t buf[64];
		struct builder b;
		int err;

		builder_init_fixed(&b, buf, sizeof(buf));
		err = xtext_decode(&b, slice_str(rows[i].text));
		assert_int_equal(err, rows[i].bytes ? 0 : ERR_SYNTAX);
		if (err)
			continue;
		assert_slice_str(builder_slice(&b), rows[i].bytes);
		builder_clear(&b);
		xtext_encode(&b, slice_str(rows[i].bytes));
		assert_slice_str(builder_slice(&b), rows[i].text);
	}
}

TEST(every_byte)
{
	uint8_t bytes[256], text[768], back[256];
	struct builder t, b;

	for (size_t i = 0; i < 256; i++)
		bytes[i] = (uint8_t)i;
	builder_init_fixed(&t, text, sizeof(text));
	builder_init_fixed(&b, back, sizeof(back));
	xtext_encode(&t, slice_of(bytes, 256));
	assert_false(t.failed);
	assert_true(slice_is_ascii(builder_slice(&t)));
	assert_int_equal(xtext_decode(&b, builder_slice(&t)), 0);
	assert_slice(builder_slice(&b), slice_of(bytes, 256));
}

TESTS(TEST_ROW(tables), TEST_ROW(every_byte))
