/* base64: RFC 4648 10 vectors, refusals, encode/decode over random bytes. */
#include "base/test.h"

#include "base/prng.h"
#include "wire/text/base64.h"

TEST(vectors)
{
	static const struct {
		const char *bytes, *text;
	} rows[] = {
		{"", ""},
		{"f", "Zg=="},
		{"fo", "Zm8="},
		{"foo", "Zm9v"},
		{"foob", "Zm9vYg=="},
		{"fooba", "Zm9vYmE="},
		{"foobar", "Zm9vYmFy"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t buf[64];
		struct builder b;

		builder_init_fixed(&b, buf, sizeof(buf));
		base64_encode(&b, slice_str(rows[i].bytes));
		assert_slice_str(builder_slice(&b), rows[i].text);
		assert_int_equal(b.len, BASE64_ENCODED_LEN(strlen(rows[i].bytes)));
		builder_clear(&b);
		assert_int_equal(base64_decode(&b, slice_str(rows[i].text)), 0);
		assert_slice_str(builder_slice(&b), rows[i].bytes);
	}
}

TEST(refused)
{
	static const char *const rows[] = {
		"Z",	"Zg",	"Zg=",	"Zg===",  "Zh==", "Zm9=", "Zm8=Zm8=", "====",
		"=g==", "Z===", "Zm=v", "Zm9v\n", "Zm 9", "Zm9-", "Zm_v",     "*",
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t buf[64];
		struct builder b;

		builder_init_fixed(&b, buf, sizeof(buf));
		assert_int_equal(base64_decode(&b, slice_str(rows[i])), ERR_SYNTAX);
	}
}

TEST(there_and_back)
{
	struct prng prng;

	prng_init(&prng, 4648);
	for (int round = 0; round < 2000; round++) {
		uint8_t bytes[200], text[300], back[200];
		size_t len = prng_below(&prng, sizeof(bytes));
		struct builder t, b;

		for (size_t i = 0; i < len; i++)
			bytes[i] = (uint8_t)prng_next(&prng);
		builder_init_fixed(&t, text, sizeof(text));
		builder_init_fixed(&b, back, sizeof(back));
		base64_encode(&t, slice_of(bytes, len));
		assert_int_equal(base64_decode(&b, builder_slice(&t)), 0);
		assert_slice(builder_slice(&b), slice_of(bytes, len));
		assert_true(b.len <= BASE64_DECODED_MAX(t.len));
	}
}

TEST(lines_and_limits)
{
	uint8_t bytes[58] = {0}, buf[100];
	struct builder b;

	builder_init_fixed(&b, buf, sizeof(buf));
	base64_encode_lines(&b, slice_of(bytes, 58));
	assert_int_equal(b.len, 76 + 2 + 4 + 2);
	assert_memory_equal(buf + 76, "\r\nAA==\r\n", 8);
	builder_init_fixed(&b, buf, 2);
	assert_int_equal(base64_decode(&b, SLICE("Zm9v")), ERR_LIMIT);
}

TEST(loose)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{"", ""},
		{"Zm9vYmFy", "foobar"},
		{"Zm9vYg==", "foob"},
		{"Zm9vYg", "foob"},
		{"Zm9vYmE", "fooba"},
		{"Zm9vY", "foo"},
		{"Zm 9v\r\n Ym!Fy", "foobar"},
		{"Zg==Zm8=Zm9v", "ffofoo"},
		{"====Zg======", "f"},
		{"\xff\x80Zg", "f"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct slice text = slice_str(rows[i].text);

		/* However it is cut. */
		for (size_t cut = 0; cut <= text.len; cut++) {
			struct base64_loose loose = {0};
			uint8_t buf[64];
			struct builder b;

			builder_init_fixed(&b, buf, sizeof(buf));
			base64_loose_feed(&b, &loose, slice_sub(text, 0, cut));
			base64_loose_feed(&b, &loose, slice_from(text, cut));
			base64_loose_end(&b, &loose);
			assert_slice_str(builder_slice(&b), rows[i].want);
		}
	}
	assert_true(base64_is_line(SLICE("Zg==")));
	assert_false(base64_is_line(SLICE("")));
	assert_false(base64_is_line(SLICE("two words")));
}

TESTS(TEST_ROW(vectors), TEST_ROW(refused), TEST_ROW(there_and_back), TEST_ROW(lines_and_limits),
      TEST_ROW(loose))
