/* show: both forms of a refusal, explained. */
#include "base/test.h"

#include "rule/explain/local.h"
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

/* One blank of a phrase may be all of a reply: what decided is shown, not all that lies between. */
TEST(evidence_of_blanks)
{
	static struct test_mem memory = TEST_MEM_INIT;
	static uint8_t text[VERDICT_REPLY_MAX], out[EXPLAIN_SHOWN_MAX];
	const struct facts_given given = {.stage = VERDICT_STAGE_MAX};
	struct ruleset_error error;
	struct ruleset own;
	struct arena arena;
	struct builder b;

	arena_init(&arena, &memory.mem, RULESET_ARENA_MAX);
	assert_int_equal(explain_local_compile(
				 &arena, SLICE("own"),
				 SLICE("level local\nrule all\n"
				       "\twords aa bb\n\twords aa b*\n\twords aa bb | ab\n"
				       "\tnear aa bb | ac\n\tnear aa bb | ad\n\tnear aa bb | ae\n"
				       "\tcause spam 50\n\tsource us\n\texample 550 aa bb\n"),
				 &own, &error),
			 0);
	memset(text, '\r', sizeof(text));
	memcpy(text, "550 aa", 6);
	memcpy(text + sizeof(text) - 2, "bb", 2);
	explain_read(slice_of(text, sizeof(text)), &given, &own, &work, &explained);
	assert_int_equal(explained.why.evidence_count, 6);
	assert_int_equal(explained.why.evidence[0].len, MATCH_EVIDENCE_BYTES_MAX);
	builder_init_fixed(&b, out, sizeof(out));
	explain_show_text(&b, &explained, SLICE_EMPTY);
	assert_false(b.failed);
	assert_in_range(b.len, 1000, 16384);
	arena_finish(&arena);
}

static bool
text_has(struct builder *b, const char *part)
{
	return slice_find(builder_slice(b), slice_str(part)) < b->len;
}

/* What a rule takes stands in place of the reply's, but for quantities; in both forms. */
TEST(taken)
{
	static struct test_mem memory = TEST_MEM_INIT;
	static uint8_t out[EXPLAIN_SHOWN_MAX];
	const struct facts_given given = {.stage = VERDICT_STAGE_MAX};
	struct ruleset_error error;
	struct json_writer w;
	struct ruleset own;
	struct arena arena;
	struct builder b;

	arena_init(&arena, &memory.mem, RULESET_ARENA_MAX);
	assert_int_equal(explain_local_compile(
				 &arena, SLICE("own"),
				 SLICE("level local\nrule all\n\twords aa\n\ttake blocklist Ours\n"
				       "\ttake size_bytes 77\n\ttake limit 55\n\tcause spam 50\n"
				       "\tsource us\n\texample 550 aa\n"),
				 &own, &error),
			 0);
	explain_read(SLICE("550 aa zen.spamhaus.org 10 MB"), &given, &own, &work, &explained);
	builder_init_fixed(&b, out, sizeof(out));
	explain_show_text(&b, &explained, SLICE_EMPTY);
	assert_true(text_has(&b, "Block list:    Ours\n"));
	assert_true(text_has(&b, "Size:          10 MB\n"));
	assert_true(text_has(&b, "Limit:         55\n"));
	builder_clear(&b);
	json_init(&w, &b);
	explain_show_json(&w, &explained, SLICE_EMPTY);
	assert_true(text_has(&b, "\"blocklist\":\"Ours\""));
	assert_true(text_has(&b, "\"size_bytes\":10485760"));
	assert_true(text_has(&b, "\"limit\":55"));
	arena_finish(&arena);
}

TESTS(TEST_ROW(taken), TEST_ROW(evidence_of_blanks), TEST_ROW(shown))
