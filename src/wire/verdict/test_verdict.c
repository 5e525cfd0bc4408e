/* verdict: what is encoded is decoded; every truncation and every wild word is refused. */
#include "base/test.h"
#include "wire/verdict/verdict.h"

static const struct verdict sample = {
	.class = VERDICT_NEVER,
	.stage = VERDICT_STAGE_GREETING,
	.code = 554,
	.status = {5, 7, 1},
	.confidence_percent = 100,
	.actor = VERDICT_ACTOR_OUR_ADMIN,
	.action = VERDICT_ACTION_SUSPEND,
	.scope = VERDICT_SCOPE_ALL,
	.reply = {(const uint8_t *)"554 no", 6},
	.host = {(const uint8_t *)"mx.gateway.test", 15},
	.address = {.family = NET_FAMILY_4, .port = 25, .bytes = {127, 0, 1, 2}},
	.wall_ms = -5,
};

TEST(round_trip_and_truncation)
{
	uint8_t buf[VERDICT_ENCODED_MAX];
	struct verdict got;
	struct builder b;
	struct cursor c;

	builder_init_fixed(&b, buf, sizeof(buf));
	verdict_encode(&b, &sample);
	assert_false(b.failed);
	for (size_t len = 0; len <= b.len; len++) {
		cursor_init(&c, slice_of(buf, len));
		verdict_decode(&c, &got);
		assert_int_equal(cursor_end(&c), len == b.len ? 0 : ERR_TRUNCATED);
	}
	assert_int_equal(got.stage, VERDICT_STAGE_GREETING);
	assert_int_equal(got.scope, VERDICT_SCOPE_ALL);
	assert_slice(got.reply, sample.reply);
	assert_true(net_addr_eq(&got.address, &sample.address));
	assert_int_equal(got.wall_ms, -5);
	buf[1] = VERDICT_CLASS_MAX;
	cursor_init(&c, slice_of(buf, b.len));
	verdict_decode(&c, &got);
	assert_int_equal(cursor_end(&c), ERR_RANGE);
}

TEST(largest_fits)
{
	static uint8_t text[VERDICT_REPLY_MAX + 10], buf[VERDICT_ENCODED_MAX];
	struct slice all = {text, sizeof(text)};
	struct verdict v = {
		.reply = all, .public_text = all, .evidence = all, .host = all, .helo = all};
	struct builder b;

	builder_init_fixed(&b, buf, sizeof(buf));
	verdict_encode(&b, &v);
	assert_false(b.failed);
}

TEST(words)
{
	uint8_t buf[20];
	struct builder b;

	assert_string_equal(verdict_stage_str(VERDICT_STAGE_LOCAL), "local");
	assert_string_equal(verdict_scope_str(VERDICT_SCOPE_ADDRESS_AT_DESTINATION),
			    "address-at-destination");
	assert_string_equal(verdict_class_str(VERDICT_CLASS_MAX), "?");
	builder_init_fixed(&b, buf, sizeof(buf));
	verdict_status_format(&b, (struct verdict_status){5, 7, 25});
	assert_slice_str(builder_slice(&b), "5.7.25");
}

/* Evidence that is part of the reply is told by the reply. */
TEST(facts)
{
	struct verdict v = {.reply = SLICE("554 poor reputation")};

	assert_int_equal(verdict_facts(&v).len, 0);
	v.evidence = SLICE("reputation");
	assert_int_equal(verdict_facts(&v).len, 0);
	v.evidence = SLICE("mx said: 554 no");
	assert_slice_str(verdict_facts(&v), "mx said: 554 no");
	v.reply = SLICE_EMPTY;
	assert_slice_str(verdict_facts(&v), "mx said: 554 no");
}

TESTS(TEST_ROW(facts), TEST_ROW(round_trip_and_truncation), TEST_ROW(largest_fits), TEST_ROW(words))
