/* json: commas, nesting, hostile text. */
#include "base/test.h"
#include "wire/text/json.h"

TEST(document)
{
	uint8_t buf[400];
	struct json_writer w;
	struct builder b;

	builder_init_fixed(&b, buf, sizeof(buf));
	json_init(&w, &b);
	json_object_begin(&w, NULL);
	json_text(&w, "a", SLICE("x\"\\\n\x01\x7f"));
	json_array_begin(&w, "list");
	json_number(&w, NULL, -5);
	json_flag(&w, NULL, true);
	json_object_begin(&w, NULL);
	json_object_end(&w);
	json_array_end(&w);
	json_hundredths(&w, "h", 95);
	json_hundredths(&w, "one", 100);
	json_hundredths(&w, "few", 5);
	json_null(&w, "n");
	json_object_end(&w);
	assert_slice_str(builder_slice(&b),
			 "{\"a\":\"x\\\"\\\\\\n\\u0001\\u007f\",\"list\":[-5,true,{}],"
			 "\"h\":0.95,\"one\":1.00,\"few\":0.05,\"n\":null}");
}

TEST(bad_utf8)
{
	uint8_t buf[100];
	struct json_writer w;
	struct builder b;

	builder_init_fixed(&b, buf, sizeof(buf));
	json_init(&w, &b);
	json_text(&w, NULL, SLICE("\xc3\xa9\xff\xc3"));
	assert_slice_str(builder_slice(&b), "\"\xc3\xa9\xef\xbf\xbd\xef\xbf\xbd\"");
}

/* What a terminal would obey, or not show, is escaped; it is the same text to a program. */
TEST(hidden_text)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{"a\xc2\x9b"
		 "31m",
		 "\"a\\u009b31m\""}, /* CSI of C1 */
		{"a\xe2\x80\xae"
		 "b",
		 "\"a\\u202eb\""},			    /* right-to-left override */
		{"a\xe2\x80\x8b", "\"a\\u200b\""},	    /* zero width */
		{"\xf3\xa0\x80\xa1", "\"\\udb40\\udc21\""}, /* a tag character */
		{"gr\xc3\xbcn \xf0\x9f\x98\x80", "\"gr\xc3\xbcn \xf0\x9f\x98\x80\""}, /* plain */
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t buf[100];
		struct json_writer w;
		struct builder b;

		builder_init_fixed(&b, buf, sizeof(buf));
		json_init(&w, &b);
		json_text(&w, NULL, slice_str(rows[i].text));
		assert_slice_str(builder_slice(&b), rows[i].want);
	}
}

TESTS(TEST_ROW(document), TEST_ROW(bad_utf8), TEST_ROW(hidden_text))
