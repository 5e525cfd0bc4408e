/* qp: what is written, and that Python-like decoding gives the text back for random input. */
#include "base/test.h"

#include "base/prng.h"
#include "wire/text/qp.h"

TEST(lines)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{"", ""},
		{"plain\r\n", "plain\r\n"},
		{"no end", "no end\r\n"},
		{"gr\xc3\xbc\xc3\x9f\n", "gr=C3=BC=C3=9F\r\n"},
		{"a=b\r\n", "a=3Db\r\n"},
		{"blank \r\ntab\t\r\n", "blank=20\r\ntab=09\r\n"},
		{".\r\n.dot\r\na.b\r\n", "=2E\r\n=2Edot\r\na.b\r\n"},
		{"\x1b\r\n", "=1B\r\n"},
		{"12345678901234567890123456789012345678901234567890123456789012345678901234567890"
		 "\r\n",
		 "123456789012345678901234567890123456789012345678901234567890123456789012345=\r\n"
		 "67890\r\n"},
		{"123456789012345678901234567890123456789012345678901234567890123456789012345."
		 "7890\r\n",
		 "123456789012345678901234567890123456789012345678901234567890123456789012345=\r\n"
		 "=2E7890\r\n"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t buf[512];
		struct builder b;

		builder_init_fixed(&b, buf, sizeof(buf));
		qp_encode(&b, slice_str(rows[i].text));
		assert_slice_str(builder_slice(&b), rows[i].want);
	}
}

static unsigned
digit(uint8_t c)
{
	return c <= '9' ? c - 0x30u : c - 0x41u + 10u;
}

TEST(there_and_back)
{
	struct prng prng;

	prng_init(&prng, 2045);
	for (int round = 0; round < 2000; round++) {
		uint8_t in[300], text[2000], back[400];
		size_t len = 1 + prng_below(&prng, sizeof(in) - 2), column = 0;
		struct builder b, r;
		struct slice s;

		for (size_t i = 0; i < len; i++) {
			do
				in[i] = (uint8_t)(prng_next(&prng) & (round & 1 ? 0xff : 0x2f));
			while (in[i] == '\r' || in[i] == '\n');
		}
		memcpy(in + len, "\r\n", 2);
		builder_init_fixed(&b, text, sizeof(text));
		builder_init_fixed(&r, back, sizeof(back));
		qp_encode(&b, slice_of(in, len + 2));
		s = builder_slice(&b);
		assert_true(slice_is_ascii(s));
		for (size_t i = 0; i < s.len; i++) {
			column = s.data[i] == '\n' ? 0 : column + 1;
			assert_true(column <= QP_LINE_CHARS + 1); /* the CR */
			assert_false(column == 1 && s.data[i] == '.');
			if (s.data[i] != '=') {
				builder_byte(&r, s.data[i]);
			} else if (s.data[i + 1] == '\r') {
				i += 2;
				column = 0;
			} else {
				builder_byte(&r, (uint8_t)(digit(s.data[i + 1]) * 16 +
							   digit(s.data[i + 2])));
				i += 2;
				column += 2;
			}
		}
		assert_slice(builder_slice(&r), slice_of(in, len + 2));
		builder_clear(&r);
		qp_decode(&r, s);
		in[len] = '\n';
		assert_slice(builder_slice(&r), slice_of(in, len + 1));
	}
}

/* What qp_encode never writes, but others do. */
TEST(lenient)
{
	static const struct {
		const char *text, *want, *word;
	} rows[] = {
		{"", "", ""},
		{"a=3db=3Dc", "a=b=c", "a=b=c"},
		{"soft =\nend=  \r\nhere", "soft endhere", "soft =\nend=  \r\nhere"},
		{"gone \t\r\nkept a b\n", "gone\nkept a b\n", "gone \t\r\nkept a b\n"},
		{"=", "", "="},
		{"=3", "=3", "=3"},
		{"=XY=4", "=XY=4", "=XY=4"},
		{"==41=", "=A", "=A="},
		{"a_b=5F", "a_b_", "a b_"},
		{"gr=C3=BC=c3=9f", "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f"},
		{"\xe4 raw", "\xe4 raw", "\xe4 raw"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t buf[64];
		struct builder b;

		builder_init_fixed(&b, buf, sizeof(buf));
		qp_decode(&b, slice_str(rows[i].text));
		assert_slice_str(builder_slice(&b), rows[i].want);
		builder_clear(&b);
		qp_decode_word(&b, slice_str(rows[i].text));
		assert_slice_str(builder_slice(&b), rows[i].word);
	}
}

TEST(lenient_is_cut)
{
	uint8_t buf[5];
	struct builder b;

	builder_init_fixed(&b, buf, sizeof(buf));
	qp_decode(&b, SLICE("ab=43def"));
	assert_true(b.failed);
	assert_slice_str(builder_slice(&b), "abCde");
}

TESTS(TEST_ROW(lines), TEST_ROW(there_and_back), TEST_ROW(lenient), TEST_ROW(lenient_is_cut))
