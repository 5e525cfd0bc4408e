/* clean: what is shown for what came in; no output ever holds what it must not. */
#include "base/test.h"

#include "base/prng.h"
#include "wire/text/clean.h"
#include "wire/text/utf8.h"

typedef void clean_fn(struct builder *b, struct slice text, size_t max);

struct row {
	struct slice input;
	size_t max;
	const char *want;
};

static void
check(clean_fn *fn, const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		uint8_t buf[512];
		struct builder b;

		builder_init_fixed(&b, buf, sizeof(buf));
		fn(&b, rows[i].input, rows[i].max);
		assert_slice_str(builder_slice(&b), rows[i].want);
	}
}

TEST(lines)
{
	static const struct row rows[] = {
		{SLICE(""), 80, ""},
		{SLICE("550 no such user"), 80, "550 no such user"},
		{SLICE("a\r\nb\nc\rd\te"), 80, "a b c d e"},
		{SLICE("red \x1b[31m text"), 80, "red \\x1b[31m text"},
		{SLICE("nul\0here"), 80, "nul\\x00here"},
		{SLICE("del\x7f"), 80, "del\\x7f"},
		{SLICE("gr\xc3\xbc\xc3\x9f"), 80, "gr\xc3\xbc\xc3\x9f"},
		{SLICE("latin \xfc"), 80, "latin \\xfc"},
		{SLICE("rtl \xe2\x80\xae"
		       "txt"),
		 80, "rtl \\x{202E}txt"},
		{SLICE("zw\xe2\x80\x8b"), 80, "zw\\x{200B}"},
		{SLICE("c1\xc2\x85"), 80, "c1\\x{0085}"},
		{SLICE("tag\xf3\xa0\x81\x81"), 80, "tag\\x{E0041}"},
		{SLICE("0123456789"), 10, "0123456789"},
		{SLICE("0123456789x"), 10, "01234[...]"},
		{SLICE("01234\xc3\xbc\xc3\xbc\xc3\xbc"), 10, "01234[...]"},
		{SLICE("back\\slash"), 80, "back\\slash"},
	};

	check(clean_line, rows, sizeof(rows) / sizeof(rows[0]));
}

TEST(ascii)
{
	static const struct row rows[] = {
		{SLICE("gr\xc3\xbc"), 80, "gr\\x{00FC}"},
		{SLICE("\xf0\x9f\x93\xa7 mail"), 80, "\\x{1F4E7} mail"},
		{SLICE("x\r\nBcc: y"), 80, "x Bcc: y"},
	};

	check(clean_ascii, rows, sizeof(rows) / sizeof(rows[0]));
}

TEST(quotes)
{
	static const struct row rows[] = {
		{SLICE(""), 80, "\"\""},
		{SLICE("ann@example.test"), 80, "ann@example.test"},
		{SLICE("<ann@example.test>"), 80, "<ann@example.test>"},
		{SLICE("two words"), 80, "\"two words\""},
		{SLICE("a=b"), 80, "\"a=b\""},
		{SLICE("say \"hi\""), 80, "\"say \\\"hi\\\"\""},
		{SLICE("x\" error=1"), 80, "\"x\\\" error=1\""},
		{SLICE("back\\"), 80, "\"back\\\\\""},
		{SLICE("a\r\nb"), 80, "\"a\\r\\nb\""},
		{SLICE("esc\x1b"), 80, "\"esc\\x1b\""},
		{SLICE("gr\xc3\xbc"), 80, "\"gr\xc3\xbc\""},
		{SLICE("01234567890123456789"), 16, "\"012345678[...]\""},
		{SLICE("012345678\\\\\\\\\\\\\\\\"), 16, "\"012345678[...]\""},
	};

	check(clean_quote, rows, sizeof(rows) / sizeof(rows[0]));
}

/* Any bytes: valid UTF-8 without controls comes out, within max; quotes stay whole. */
TEST(any_bytes)
{
	static const uint8_t nasty[] = {'"',  '\\', '\r', '\n', 0x1b, 0xe2,
					0x80, 0xae, 0,	  0xc3, 'a',  ' '};
	struct prng prng;

	prng_init(&prng, 1);
	for (int round = 0; round < 5000; round++) {
		uint8_t in[64], buf[512];
		size_t len = prng_below(&prng, sizeof(in));
		size_t max = 16 + prng_below(&prng, 100);
		clean_fn *const fns[] = {clean_line, clean_ascii, clean_quote};

		for (size_t i = 0; i < len; i++)
			in[i] = nasty[prng_below(&prng, sizeof(nasty))];
		for (size_t f = 0; f < 3; f++) {
			struct builder b;
			struct slice out;
			uint32_t code;

			builder_init_fixed(&b, buf, sizeof(buf));
			fns[f](&b, slice_of(in, len), max);
			out = builder_slice(&b);
			assert_true(out.len <= max);
			if (f == 1)
				assert_true(slice_is_ascii(out));
			if (f == 2 && out.data[0] == '"')
				assert_int_equal(out.data[out.len - 1], '"');
			while (out.len) {
				assert_true(utf8_next(&out, &code));
				assert_true(clean_code_is_plain(code));
			}
		}
	}
}

TEST(plain_codes)
{
	static const uint32_t hidden[] = {
		0,	0x1f,	0x7f,	 0x9f,	  0xad,	   0x34f,   0x61c,   0x115f,  0x200b,
		0x202e, 0x206f, 0x3164,	 0xe000,  0xf8ff,  0xfdd0,  0xfe0f,  0xfeff,  0xffa0,
		0xfffe, 0xffff, 0x1bca0, 0x1d17a, 0x2ffff, 0x3fffe, 0xdffff, 0x10ffff};
	static const uint32_t plain[] = {' ',	 '~',	  0xa0,	   0xac,    0xae,   0xe9,
					 0x2010, 0x202f,  0x4e00,  0xd7ff,  0xf900, 0xfffd,
					 0xffa1, 0x1bca4, 0x1f600, 0x2a6d0, 0xdfffd};

	for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++)
		assert_false(clean_code_is_plain(hidden[i]));
	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		assert_true(clean_code_is_plain(plain[i]));
}

TEST(cutting_lines)
{
	struct slice rest = SLICE("a\r\nb\n\nc\rd"), line;
	static const char *const want[] = {"a", "b", "", "c", "d"};

	for (size_t i = 0; i < 5; i++) {
		assert_true(clean_line_next(&rest, &line));
		assert_slice_str(line, want[i]);
	}
	assert_false(clean_line_next(&rest, &line));
}

TESTS(TEST_ROW(lines), TEST_ROW(ascii), TEST_ROW(quotes), TEST_ROW(any_bytes),
      TEST_ROW(plain_codes), TEST_ROW(cutting_lines))
