/* utf8: valid and invalid forms, all code points there and back, cutting. */
#include "base/test.h"

#include "wire/text/utf8.h"

TEST(validity)
{
	static const struct {
		struct slice input;
		bool valid;
	} rows[] = {
		{{NULL, 0}, true},
		{SLICE("plain"), true},
		{SLICE("\0"), true},
		{SLICE("gr\xc3\xbc\xc3\x9f"), true},
		{SLICE("\xe2\x82\xac"), true},
		{SLICE("\xf0\x9f\x93\xa7"), true},
		{SLICE("\xf4\x8f\xbf\xbf"), true},
		{SLICE("\xf4\x90\x80\x80"), false}, /* above U+10FFFF */
		{SLICE("\xed\xa0\x80"), false},	    /* surrogate */
		{SLICE("\xc0\x80"), false},	    /* overlong NUL */
		{SLICE("\xc1\xbf"), false},
		{SLICE("\xe0\x80\xaf"), false},
		{SLICE("\xf0\x80\x80\xaf"), false},
		{SLICE("\xc3"), false},
		{SLICE("\xe2\x82"), false},
		{SLICE("\xc3("), false},
		{SLICE("\x80"), false},
		{SLICE("\xff"), false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(utf8_is_valid(rows[i].input), rows[i].valid);
}

static size_t
encode(uint32_t code, uint8_t *out)
{
	if (code < 0x80) {
		out[0] = (uint8_t)code;
		return 1;
	}
	if (code < 0x800) {
		out[0] = (uint8_t)(0xc0 | code >> 6);
		out[1] = (uint8_t)(0x80 | (code & 63));
		return 2;
	}
	if (code < 0x10000) {
		out[0] = (uint8_t)(0xe0 | code >> 12);
		out[1] = (uint8_t)(0x80 | (code >> 6 & 63));
		out[2] = (uint8_t)(0x80 | (code & 63));
		return 3;
	}
	out[0] = (uint8_t)(0xf0 | code >> 18);
	out[1] = (uint8_t)(0x80 | (code >> 12 & 63));
	out[2] = (uint8_t)(0x80 | (code >> 6 & 63));
	out[3] = (uint8_t)(0x80 | (code & 63));
	return 4;
}

TEST(every_code_point)
{
	for (uint32_t code = 0; code <= 0x110000; code++) {
		bool want = code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
		uint8_t bytes[4];
		struct slice rest = slice_of(bytes, encode(code, bytes));
		uint32_t got = 0;
		uint8_t put[4];
		struct builder b;

		assert_int_equal(utf8_next(&rest, &got), want);
		assert_int_equal(got, want ? code : bytes[0]);
		assert_int_equal(rest.len == 0, want);
		builder_init_fixed(&b, put, sizeof(put));
		utf8_put(&b, code);
		assert_slice(builder_slice(&b),
			     want ? slice_of(bytes, encode(code, bytes)) : SLICE("\xef\xbf\xbd"));
	}
}

TEST(heads)
{
	struct slice s = SLICE("a\xc3\xbc"
			       "b");

	assert_slice_str(utf8_head(s, 0), "");
	assert_slice_str(utf8_head(s, 1), "a");
	assert_slice_str(utf8_head(s, 2), "a");
	assert_slice_str(utf8_head(s, 3), "a\xc3\xbc");
	assert_slice_str(utf8_head(s, 9), "a\xc3\xbc"
					  "b");
	assert_int_equal(utf8_head(SLICE("\x80\x80\x80\x80\x80\x80"), 5).len, 5);
}

TEST(added_heads)
{
	uint8_t buf[3];
	struct builder b;

	builder_init_fixed(&b, buf, sizeof(buf));
	utf8_add_head(&b, SLICE("\xc3\xbc"));
	assert_false(b.failed);
	utf8_add_head(&b, SLICE("\xc3\xbc"));
	assert_true(b.failed);
	assert_slice_str(builder_slice(&b), "\xc3\xbc");
}

TESTS(TEST_ROW(validity), TEST_ROW(every_code_point), TEST_ROW(heads), TEST_ROW(added_heads))
