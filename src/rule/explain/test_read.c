/*
 * read and show: code, status, class and stage out of what people paste; both forms of the result.
 */
#include "base/test.h"

#include "rule/explain/show.h"

#define AT(name) VERDICT_STAGE_##name
#define NO_STAGE VERDICT_STAGE_MAX

static struct explained explained;

static const struct {
	const char *text;
	uint16_t code; /* 0: not known */
	struct verdict_status status;
	uint8_t class, stage;
	uint8_t cause;
} rows[] = {
	{"550 5.1.1 no such user",
	 550,
	 {5, 1, 1},
	 VERDICT_NEVER,
	 NO_STAGE,
	 VERDICT_CAUSE_RCPT_UNKNOWN},
	{"450-first\n550 5.2.2 last",
	 550,
	 {5, 2, 2},
	 VERDICT_NEVER,
	 NO_STAGE,
	 VERDICT_CAUSE_RCPT_FULL},
	{"550-5.2.2 first\r\n550 last",
	 550,
	 {5, 2, 2},
	 VERDICT_NEVER,
	 NO_STAGE,
	 VERDICT_CAUSE_RCPT_FULL},
	{"  452 4.2.2 full", 452, {4, 2, 2}, VERDICT_LATER, NO_STAGE, VERDICT_CAUSE_RCPT_FULL},
	{"550 no (#5.1.1)", 550, {5, 1, 1}, VERDICT_NEVER, NO_STAGE, VERDICT_CAUSE_RCPT_UNKNOWN},
	{"554 554 5.7.25 no", 554, {5, 7, 25}, VERDICT_NEVER, NO_STAGE, VERDICT_CAUSE_PTR},
	{"550 4.2.2 of another class", 550, {0}, VERDICT_NEVER, NO_STAGE, VERDICT_CAUSE_UNKNOWN},
	{"550 5.1.1.1 address", 550, {0}, VERDICT_NEVER, NO_STAGE, VERDICT_CAUSE_UNKNOWN},
	{"host x[192.0.2.1] said: 550 5.1.1 gone (in reply to RCPT TO command)",
	 550,
	 {5, 1, 1},
	 VERDICT_NEVER,
	 AT(RECIPIENT),
	 VERDICT_CAUSE_RCPT_UNKNOWN},
	{"SMTP error from remote mail server after initial connection: 554 poor reputation",
	 554,
	 {0},
	 VERDICT_NEVER,
	 AT(GREETING),
	 VERDICT_CAUSE_IP_BLOCKED},
	{"550 is spam (in reply to end of DATA command)",
	 550,
	 {0},
	 VERDICT_NEVER,
	 AT(FINAL),
	 VERDICT_CAUSE_SPAM},
	{"554-mx.example.test\n554 reputation",
	 554,
	 {0},
	 VERDICT_NEVER,
	 AT(GREETING),
	 VERDICT_CAUSE_IP_BLOCKED},
	{"554-Sorry\n554 reputation", 554, {0}, VERDICT_NEVER, NO_STAGE, VERDICT_CAUSE_IP_BLOCKED},
	{"250 2.0.0 queued", 250, {2, 0, 0}, VERDICT_OK, NO_STAGE, VERDICT_CAUSE_NOT_BOUNCE},
	{"User unknown", 0, {0}, VERDICT_NEVER, NO_STAGE, VERDICT_CAUSE_RCPT_UNKNOWN},
	{"mailbox is full, try again", 0, {0}, VERDICT_LATER, NO_STAGE, VERDICT_CAUSE_RCPT_FULL},
	{"4.7.1 Greylisted", 0, {4, 7, 1}, VERDICT_LATER, NO_STAGE, VERDICT_CAUSE_RATE},
	{"qwertz", 0, {0}, VERDICT_NEVER, NO_STAGE, VERDICT_CAUSE_UNKNOWN},
	{"", 0, {0}, VERDICT_NEVER, NO_STAGE, VERDICT_CAUSE_UNKNOWN},
	{"99 bottles 1000 550", 0, {0}, VERDICT_NEVER, NO_STAGE, VERDICT_CAUSE_UNKNOWN},
};

TEST(facts)
{
	const struct explain_given given = {.stage = VERDICT_STAGE_MAX};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct verdict *v = &explained.verdict;

		explain_read(slice_str(rows[i].text), &given, &explained);
		if (v->cause != rows[i].cause)
			fail_msg("%s: %s", rows[i].text, verdict_cause_str(v->cause));
		assert_int_equal(explained.code_known, rows[i].code != 0);
		if (rows[i].code)
			assert_int_equal(v->code, rows[i].code);
		assert_int_equal(v->status.class, rows[i].status.class);
		assert_int_equal(v->status.subject, rows[i].status.subject);
		assert_int_equal(v->status.detail, rows[i].status.detail);
		assert_int_equal(v->class, rows[i].class);
		assert_int_equal(explained.stage_known, rows[i].stage != NO_STAGE);
		if (rows[i].stage != NO_STAGE)
			assert_int_equal(v->stage, rows[i].stage);
		assert_int_equal(explained.empty, rows[i].text[0] == 0);
	}
}

TEST(given)
{
	const struct explain_given given = {.stage = AT(GREETING), .host = SLICE("mx.test")};

	explain_read(SLICE("554 rejected (in reply to RCPT TO)"), &given, &explained);
	assert_int_equal(explained.verdict.stage, AT(GREETING));
	assert_slice_str(explained.verdict.host, "mx.test");
	assert_int_equal(explain_stage_of_name(SLICE("greeting")), AT(GREETING));
	assert_int_equal(explain_stage_of_name(SLICE("Greeting")), VERDICT_STAGE_MAX);
}

/* The largest of both forms has room. */
TEST(shown)
{
	static uint8_t text[VERDICT_REPLY_MAX], out[EXPLAIN_SHOWN_MAX];
	static const uint8_t bytes[] = {1, 0xff, '\n', 'a', '1', '"'};
	const struct explain_given given = {.stage = VERDICT_STAGE_MAX,
					    .host = slice_of(text, VERDICT_HOST_MAX),
					    .mx = slice_of(text, VERDICT_HOST_MAX)};

	for (size_t k = 0; k < sizeof(bytes); k++) {
		struct json_writer w;
		struct builder b;

		memset(text, bytes[k], sizeof(text));
		explain_read(slice_of(text, sizeof(text)), &given, &explained);
		builder_init_fixed(&b, out, sizeof(out));
		json_init(&w, &b);
		explain_show_json(&w, &explained);
		assert_false(b.failed);
		builder_clear(&b);
		explain_show_text(&b, &explained);
		assert_false(b.failed);
	}
}

TESTS(TEST_ROW(facts), TEST_ROW(given), TEST_ROW(shown))
