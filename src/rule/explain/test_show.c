/* show: both forms of a refusal, explained. */
#include "base/test.h"

#include "rule/explain/show.h"

static struct match work;
static struct explained explained;

/* The largest of both forms has room. */
TEST(shown)
{
	static uint8_t text[VERDICT_REPLY_MAX], out[EXPLAIN_SHOWN_MAX];
	static const uint8_t bytes[] = {1, 0xff, '\n', 'a', '1', '"'};
	const struct facts_given given = {.stage = VERDICT_STAGE_MAX,
					  .host = slice_of(text, VERDICT_HOST_MAX),
					  .mx = slice_of(text, VERDICT_HOST_MAX)};

	for (size_t k = 0; k < sizeof(bytes); k++) {
		struct json_writer w;
		struct builder b;

		memset(text, bytes[k], sizeof(text));
		explain_read(slice_of(text, sizeof(text)), &given, explain_builtin(), &work,
			     &explained);
		builder_init_fixed(&b, out, sizeof(out));
		json_init(&w, &b);
		explain_show_json(&w, &explained, SLICE_EMPTY);
		assert_false(b.failed);
		builder_clear(&b);
		explain_show_text(&b, &explained, SLICE_EMPTY);
		assert_false(b.failed);
	}
}

TESTS(TEST_ROW(shown))
