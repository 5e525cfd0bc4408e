/* charset_iconv: sentences as real servers write them, bad bytes, cut texts, little room. */
#include "base/test.h"

#include "charset/charset_iconv.h"
#include "wire/message/mime.h"
#include "wire/text/utf8.h"

#define BYTES(literal)                                                                             \
	{                                                                                          \
		(const uint8_t *)(literal), sizeof(literal) - 1                                    \
	}

static const struct row {
	const char *charset;
	struct slice text;
	const char *want;
} rows[] = {
	{"iso-2022-jp", BYTES("\033$B%a!<%k$rG[\077.$G$-$^$;$s$G$7$\077!#\033(BUser unknown"),
	 "メールを配信できませんでした。User unknown"},
	{"ISO-2022-JP",
	 BYTES("\033$B08@h$N%a!<%k%\042%I%l%9$,B8:_$7$J$$$+!\042MFNL$rD6$($F$$$^$9\033(B"),
	 "宛先のメールアドレスが存在しないか、容量を超えています"},
	{"Shift_JIS", BYTES("\221\227\220M\203G\203\211\201[\201F\322\260\331\207@"),
	 "送信エラー：ﾒｰﾙ①"},
	{"x-euc-jp",
	 BYTES("\245\341\241\274\245\353\245\334\245\303\245\257\245\271\244\254\244\244\244\303"
	       "\244\321\244\244\244\307\244\271"),
	 "メールボックスがいっぱいです"},
	{"gb2312",
	 BYTES("\312\325\274\376\310\313\265\330\326\267\262\273\264\346\324\332\243\254\323\312"
	       "\274\376\261\273\315\313\273\330"),
	 "收件人地址不存在，邮件被退回"},
	{"GBK",
	 BYTES("\304\372\265\304\340]\274\376\237o\267\250\313\315\337_"
	       "\243\272\320\305\317\344\322\321\302\372"),
	 "您的郵件無法送達：信箱已满"},
	{"gb18030", BYTES("\323\312\317\344\277\325\274\344\262\273\327\343\242\343"),
	 "邮箱空间不足€"},
	{"Big5",
	 BYTES("\266l\245\363\265L\252k\266\307\260e\241A\246\254\245\363\244H\253H\275c\244w\272"
	       "\241"),
	 "郵件無法傳送，收件人信箱已滿"},
	{"euc-kr",
	 BYTES("\270\336\300\317\300\273 \300\374\274\333\307\322 \274\366 "
	       "\276\370\275\300\264\317\264\331. \271\336\264\302 \273\347\266\367 "
	       "\301\326\274\322\270\246 \303\243\300\273 \274\366 \276\370\300\275"),
	 "메일을 전송할 수 없습니다. 받는 사람 주소를 찾을 수 없음"},
	{"ks_c_5601-1987",
	 BYTES("\273\347\277\353\300\332\260\241 \276\370\275\300\264\317\264\331 \214c"),
	 "사용자가 없습니다 똠"},
	{"utf-7", BYTES("gr+APYA3w-er"), "größer"},
	{"utf-16le", BYTES("g\000r\000\374\000n\000"), "grün"},
};

/* Some systems have the C library's tables in a package of their own. */
static void
need_tables(void)
{
	struct charset_iconv c;
	uint8_t buf[8];
	struct builder b;
	bool here;

	charset_iconv_init(&c);
	builder_init_fixed(&b, buf, sizeof(buf));
	here = charset_iconv_convert(&b, "GB18030", SLICE("a"), &c);
	charset_iconv_finish(&c);
	if (!here) {
		printf("skipped: the C library has no tables of charsets here\n");
		skip();
	}
}

TEST(sentences)
{
	struct charset_iconv c;
	struct charset_hook hook = charset_iconv_hook(&c);

	need_tables();
	charset_iconv_init(&c);
	for (size_t round = 0; round < 2; round++) {
		for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
			uint8_t buf[1024];
			struct builder b;

			builder_init_fixed(&b, buf, sizeof(buf));
			charset_convert(&b, slice_str(rows[i].charset), rows[i].text, &hook);
			assert_false(b.failed);
			assert_slice_str(builder_slice(&b), rows[i].want);
		}
	}
	charset_iconv_finish(&c);
	assert_int_equal(c.count, 0);
}

/* Cut anywhere, and in any room: UTF-8, and the beginning of the whole but for the last of it. */
TEST(cut)
{
	struct charset_iconv c;
	struct charset_hook hook = charset_iconv_hook(&c);

	need_tables();
	charset_iconv_init(&c);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (size_t len = 0; len <= rows[i].text.len; len++) {
			uint8_t buf[1024];
			struct builder b;
			struct slice rest;
			uint32_t code;

			builder_init_fixed(&b, buf, len); /* often too little */
			charset_convert(&b, slice_str(rows[i].charset),
					slice_sub(rows[i].text, 0, len), &hook);
			for (rest = builder_slice(&b); rest.len;)
				assert_true(utf8_next(&rest, &code));
			assert_true(b.len <= len);
		}
	}
	charset_iconv_finish(&c);
}

TEST(bad_bytes)
{
	static uint8_t bad[5000], buf[CHARSET_GROWTH * sizeof(bad)];
	struct charset_iconv c;
	struct charset_hook hook = charset_iconv_hook(&c);
	struct builder b;

	need_tables();
	charset_iconv_init(&c);
	builder_init_fixed(&b, buf, sizeof(buf));
	charset_convert(&b, SLICE("big5"), SLICE("a\xff\xff z"), &hook);
	assert_slice_str(builder_slice(&b), "a\xef\xbf\xbd\xef\xbf\xbd z");
	memset(bad, 0xff, sizeof(bad));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		builder_clear(&b);
		charset_convert(&b, slice_str(rows[i].charset), slice_of(bad, sizeof(bad)), &hook);
		assert_false(b.failed);
		assert_true(b.len > 0);
	}
	/* A name that the library does not have is not asked for twice. */
	assert_false(charset_iconv_convert(&b, "NO-SUCH-CHARSET", SLICE("a"), &c));
	assert_false(charset_iconv_convert(&b, "NO-SUCH-CHARSET", SLICE("a"), &c));
	charset_iconv_finish(&c);
}

/* Through the whole reader: a part and a header; a character cut between two words. */
TEST(in_a_message)
{
	static struct mime mime;
	struct charset_iconv c;
	struct charset_hook hook = charset_iconv_hook(&c);
	uint8_t buf[1024];
	struct builder b;
	struct slice subject;

	need_tables();
	charset_iconv_init(&c);
	builder_init_fixed(&b, buf, sizeof(buf));
	mime_read(SLICE("Subject: =?gb2312?B?zcvQxQ==?= =?gb2312?Q?=CD=CB?= =?gb2312?Q?=D0?=\n"
			" =?gb2312?Q?=C5?=\nContent-Type: text/html; charset=\"iso-2022-jp\"\n\n"
			"<p>\033$B%a!<%k\033(B</p>"),
		  &mime);
	assert_true(mime_header_find(mime.parts[0].header, SLICE("subject"), &subject));
	mime_header_text(&b, subject, &hook);
	assert_slice_str(builder_slice(&b), "退信退信");
	builder_clear(&b);
	mime_header_text(&b, SLICE("raw: \033$B%a!<%k\033(B!"), &hook);
	assert_slice_str(builder_slice(&b), "raw: メール!");
	builder_clear(&b);
	mime_text(&b, &mime.parts[0], &hook);
	assert_slice_str(builder_slice(&b), "メール\n");
	charset_iconv_finish(&c);
}

TESTS(TEST_ROW(sentences), TEST_ROW(cut), TEST_ROW(bad_bytes), TEST_ROW(in_a_message))
