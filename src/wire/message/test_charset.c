/* charset: names, each kind of charset, wrong declarations, the hook. */
#include "base/test.h"

#include "wire/message/charset.h"
#include "wire/text/utf8.h"

static uint8_t buf[4096];
static struct builder b;

static struct slice
convert(const char *charset, const char *text, const struct charset_hook *hook)
{
	builder_init_fixed(&b, buf, sizeof(buf));
	charset_convert(&b, slice_str(charset), slice_str(text), hook);
	assert_false(b.failed);
	return builder_slice(&b);
}

TEST(declared)
{
	static const struct {
		const char *charset, *text, *want;
	} rows[] = {
		{"us-ascii", "plain", "plain"},
		{"UTF-8", "\xe2\x82\xac", "€"},
		{"utf8", "a\xe2\x82", "a\xef\xbf\xbd\xef\xbf\xbd"},
		{"ISO-8859-1", "\xe4\xf6\xfc\x80", "äöü€"},
		{"iso-8859-2", "Za\xbf\xf3\xb3\xe6 g\xea\xb6l\xb1 ja\xbc\xf1", "Zażółć gęślą jaźń"},
		{"ISO_8859-5", "\xbf\xe0\xd8\xd2\xd5\xe2", "Привет"},
		{"iso-8859-7", "\xca\xe1\xeb\xe7\xec\xdd\xf1\xe1", "Καλημέρα"},
		{"iso-8859-9", "\xddstanbul \xfe\xf0", "İstanbul şğ"},
		{"iso-8859-15", "\xa4 \xbd", "€ œ"},
		{"windows-1250", "P\xf8\xedli\x9a \x9elu\x9dou\xe8k\xfd", "Příliš žluťoučký"},
		{"windows-1251", "\xcf\xf0\xe8\xe2\xe5\xf2", "Привет"},
		{"'windows-1252'", "\x93quoted\x94 \x96", "“quoted” –"},
		{"windows-1254", "\xde\xf0\x80", "Şğ€"},
		{"windows-1255", "\xf9\xec\xe5\xed", "שלום"},
		{"koi8-r", "\xf0\xd2\xc9\xd7\xc5\xd4", "Привет"},
		{"KOI8-U", "\xa6\xa7\xa4\xad", "іїєґ"},
		{"cp866", "\x8f\xe0\xa8\xa2\xa5\xe2", "Привет"},
		{"windows-1253", "\xaa", "\xef\xbf\xbd"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_slice_str(convert(rows[i].charset, rows[i].text, NULL), rows[i].want);
}

TEST(not_declared_or_wrong)
{
	static const char *const guessed[] = {
		"",	     "us-ascii", "iso-8859-1",
		"x-unknown", "uft-8",	 "a name that is longer than any charset's name is"};

	for (size_t i = 0; i < sizeof(guessed) / sizeof(guessed[0]); i++) {
		struct slice charset = slice_str(guessed[i]);

		assert_slice_str(convert(guessed[i], "gr\xc3\xbcn", NULL), "grün");
		assert_slice_str(convert(guessed[i], "gr\xfcn \x80", NULL), "grün €");
		/* Cut within a character; but not every byte at an end was one of UTF-8. */
		assert_slice_str(convert(guessed[i], "gr\xc3\xbcn \xc3", NULL),
				 "grün \xef\xbf\xbd");
		assert_slice_str(convert(guessed[i], "caf\xe9", NULL), "café");
		assert_true(charset_is_utf8(charset, SLICE("gr\xc3\xbcn")));
		assert_false(charset_is_utf8(charset, SLICE("gr\xfcn")));
	}
	/* Bytes that would be UTF-8 are what they are declared to be. */
	assert_slice_str(convert("koi8-r", "\xc3\xbc", NULL), "ц╪");
}

static bool
shout(struct builder *out, const char *charset, struct slice text, void *context)
{
	++*(unsigned *)context;
	if (strcmp(charset, "GB18030") != 0)
		return false;
	builder_byte(out, '!');
	builder_add(out, text);
	return true;
}

TEST(foreign)
{
	unsigned calls = 0;
	const struct charset_hook hook = {shout, &calls};

	assert_slice_str(convert("gb2312", "\xc4\xe3", &hook), "!\xc4\xe3");
	assert_slice_str(convert("Shift_JIS", "a\x82\xa0", &hook), "a\xef\xbf\xbd\xef\xbf\xbd");
	assert_slice_str(convert("Shift_JIS", "a\x82\xa0", NULL), "a\xef\xbf\xbd\xef\xbf\xbd");
	assert_int_equal(calls, 2);
	/* ASCII is not asked about, unless it may mean something else. */
	assert_slice_str(convert("gb2312", "plain", &hook), "plain");
	assert_slice_str(convert("iso-2022-jp", "plain", &hook), "plain");
	assert_int_equal(calls, 2);
	assert_slice_str(convert("iso-2022-jp", "\x1b$B$\"\x1b(B", &hook), "\x1b$B$\"\x1b(B");
	assert_slice_str(convert("utf-7", "+AOQ-", &hook), "+AOQ-");
	assert_slice_str(convert("utf-16le", "ab", &hook), "ab");
	assert_int_equal(calls, 5);
	/* Escapes where nothing better is declared are ISO-2022-JP. */
	assert_slice_str(convert("", "\x1b$B$\"\x1b(B", &hook), "\x1b$B$\"\x1b(B");
	assert_slice_str(convert("us-ascii", "a\x1b$B$\"", NULL), "a\x1b$B$\"");
	assert_slice_str(convert("", "\x1b[1m", &hook), "\x1b[1m");
	assert_int_equal(calls, 6);
	assert_false(charset_is_utf8(SLICE("utf-16"), SLICE("ab")));
}

TEST(every_byte)
{
	static const char *const names[] = {
		"iso-8859-2",	"iso-8859-3",	"iso-8859-4",	"iso-8859-5",	"iso-8859-6",
		"iso-8859-8",	"iso-8859-10",	"iso-8859-13",	"iso-8859-14",	"iso-8859-16",
		"windows-1250", "windows-1251", "windows-1252", "windows-1253", "windows-1256",
		"windows-1257", "windows-1258", "windows-874",	"cp850",	"cp437",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		for (unsigned byte = 1; byte < 256; byte++) {
			char text[2] = {(char)byte, 0};
			struct slice got = convert(names[i], text, NULL);
			uint32_t code;

			assert_true(got.len && got.len <= CHARSET_GROWTH);
			assert_true(utf8_next(&got, &code));
			assert_int_equal(got.len, 0);
			assert_true(byte >= 0x80 ? code >= 0x80 : code == byte);
		}
	}
	assert_int_equal(charset_windows_1252_code('a'), 'a');
	assert_int_equal(charset_windows_1252_code(0x80), 0x20ac);
}

TEST(cut)
{
	uint8_t small[5];

	builder_init_fixed(&b, small, sizeof(small));
	charset_convert(&b, SLICE("koi8-r"), SLICE("abc\xf0\xd2"), NULL);
	assert_true(b.failed);
	assert_slice_str(builder_slice(&b), "abcП");
	builder_init_fixed(&b, small, sizeof(small));
	charset_convert(&b, SLICE("utf-8"), SLICE("abcdü"), NULL);
	assert_true(b.failed);
	assert_slice_str(builder_slice(&b), "abcd");
}

TESTS(TEST_ROW(declared), TEST_ROW(not_declared_or_wrong), TEST_ROW(foreign), TEST_ROW(every_byte),
      TEST_ROW(cut))
