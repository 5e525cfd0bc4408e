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
	json_null(&w, "n");
	json_object_end(&w);
	assert_slice_str(builder_slice(&b),
			 "{\"a\":\"x\\\"\\\\\\n\\u0001\\u007f\",\"list\":[-5,true,{}],"
			 "\"n\":null}");
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

TESTS(TEST_ROW(document), TEST_ROW(bad_utf8))
