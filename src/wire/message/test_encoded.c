/* encoded: header values with encoded words, good and as mail programs break them. */
#include "base/test.h"

#include "wire/message/mime.h"

TEST(values)
{
	static const struct {
		const char *value, *want;
	} rows[] = {
		{"", ""},
		{" plain text ", "plain text"},
		{" folded\n\tvalue\n here\n", "folded\tvalue here"},
		{"=?utf-8?Q?gr=C3=BCn?=", "grün"},
		{"=?UTF-8?b?Z3LDvG4=?=", "grün"},
		{"=?iso-8859-1?q?gr=fcn_hier?= x", "grün hier x"},
		{"a =?us-ascii?Q?b?= c", "a b c"},
		/* blanks between words go, also over folds; others stay */
		{"=?utf-8?Q?a?= =?utf-8?Q?b?=", "ab"},
		{"=?utf-8?Q?a?=\n   =?utf-8?B?Yg==?=\n c", "ab c"},
		{"=?utf-8?Q?a?= , =?utf-8?Q?b?=", "a , b"},
		/* a character cut in two, which is joined; not over another charset */
		{"=?utf-8?Q?gr=C3?= =?utf-8?Q?=BCn?=", "grün"},
		{"=?utf-8?B?Z3LD?=\n =?UTF-8?B?vG4=?=", "grün"},
		{"=?utf-8?Q?=C3?= =?koi8-r?Q?=F0?=", "\xef\xbf\xbdП"},
		/* language (RFC 2231) */
		{"=?utf-8*en-GB?Q?colour?=", "colour"},
		/* no blanks around, blanks within, no end, no padding */
		{"x=?utf-8?Q?a?==?utf-8?Q?b?=y", "xaby"},
		{"=?utf-8?Q?two words?= x", "two words x"},
		{"=?utf-8?Q?no end", "no end"},
		{"=?utf-8?Q?no end=?utf-8?Q?but next?=", "no endbut next"},
		{"=?utf-8?B?Z3LDvG4?=", "grün"},
		{"=?utf-8?B?Z3LD vG4", "grün"},
		{"=?utf-8?Q?"
		 "?=",
		 ""},
		/* not words */
		{"=?", "=?"},
		{"=?utf-8", "=?utf-8"},
		{"=?utf-8?X?a?=", "=?utf-8?X?a?="},
		{"=?utf-8?Q", "=?utf-8?Q"},
		{"=??Q?a?=", "=??Q?a?="},
		{"=?utf 8?Q?a?=", "=?utf 8?Q?a?="},
		{"what =? this", "what =? this"},
		/* raw 8-bit text */
		{"gr\xfcn =?utf-8?Q?gr=C3=BCn?= gr\xc3\xbcn", "grün grün grün"},
		{"caf\xe9", "café"},
		/* lines within a word are none */
		{"=?utf-8?Q?a=0D=0Ab?=", "a  b"},
		{"=?utf-8?B?YQpi?=", "a b"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t buf[256];
		struct builder b;

		builder_init_fixed(&b, buf, sizeof(buf));
		mime_header_text(&b, slice_str(rows[i].value), NULL);
		assert_false(b.failed);
		assert_slice_str(builder_slice(&b), rows[i].want);
	}
}

/* A word far longer than any should be, and more of them than are joined: nothing is overrun. */
TEST(long_words)
{
	static char value[20000];
	static uint8_t buf[20000];
	struct builder b;
	size_t len = 0;

	for (int i = 0; i < 500; i++)
		len += (size_t)snprintf(value + len, sizeof(value) - len,
					"=?utf-8?Q?=C3=BC123456?= ");
	builder_init_fixed(&b, buf, sizeof(buf));
	mime_header_text(&b, slice_of(value, len), NULL);
	assert_false(b.failed);
	assert_int_equal(b.len, 500 * 8);
	assert_slice_str(slice_from(builder_slice(&b), b.len - 8), "ü123456");

	memset(value, 'x', sizeof(value));
	memcpy(value, "=?utf-8?Q?", 10);
	builder_clear(&b);
	mime_header_text(&b, slice_of(value, sizeof(value)), NULL);
	assert_false(b.failed);
	assert_true(b.len > 1000 && b.len < sizeof(value));
}

TESTS(TEST_ROW(values), TEST_ROW(long_words))
