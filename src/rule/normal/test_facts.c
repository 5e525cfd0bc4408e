/* facts: code, status, class and stage out of what people paste. */
#include "base/test.h"

#include "rule/normal/facts.h"

#define AT(name) VERDICT_STAGE_##name
#define NO_STAGE VERDICT_STAGE_MAX

static struct facts f;

static const struct {
	const char *text;
	uint16_t code; /* 0: not known */
	struct verdict_status status;
	uint8_t class, stage;
} rows[] = {
	{"550 5.1.1 no such user", 550, {5, 1, 1}, VERDICT_NEVER, NO_STAGE},
	{"450-first\n550 5.2.2 last", 550, {5, 2, 2}, VERDICT_NEVER, NO_STAGE},
	{"452 4.2.2 above\n250 MB", 452, {4, 2, 2}, VERDICT_LATER, NO_STAGE},
	{"452 4.2.2 above\n500 MB", 452, {4, 2, 2}, VERDICT_LATER, NO_STAGE},
	{"550-no\n550\n550-no\n\n221 bye", 550, {0}, VERDICT_NEVER, NO_STAGE},
	{"250 hello\n550-no\n550 5.1.1 no", 550, {5, 1, 1}, VERDICT_NEVER, NO_STAGE},
	{"550 no\n550 5.1.1 no", 550, {5, 1, 1}, VERDICT_NEVER, NO_STAGE},
	{"550-5.2.2 first\r\n550 last", 550, {5, 2, 2}, VERDICT_NEVER, NO_STAGE},
	{"  452 4.2.2 full", 452, {4, 2, 2}, VERDICT_LATER, NO_STAGE},
	{"host mx.b.test[192.0.2.1] said: 550 5.7.1 Service unavailable",
	 550,
	 {5, 7, 1},
	 VERDICT_NEVER,
	 NO_STAGE},
	{"550 no (#5.1.1)", 550, {5, 1, 1}, VERDICT_NEVER, NO_STAGE},
	{"554 554 5.7.25 no", 554, {5, 7, 25}, VERDICT_NEVER, NO_STAGE},
	{"550 4.2.2 of another class", 550, {0}, VERDICT_NEVER, NO_STAGE},
	{"550 5.1.1.1 address", 550, {0}, VERDICT_NEVER, NO_STAGE},
	{"host x[192.0.2.1] said: 550 5.1.1 gone (in reply to RCPT TO command)",
	 550,
	 {5, 1, 1},
	 VERDICT_NEVER,
	 AT(RECIPIENT)},
	{"SMTP error from remote mail server after initial connection: 554 poor reputation",
	 554,
	 {0},
	 VERDICT_NEVER,
	 AT(GREETING)},
	{"550 is spam (in reply to end of DATA command)", 550, {0}, VERDICT_NEVER, AT(FINAL)},
	{"554-mx.example.test\n554 reputation", 554, {0}, VERDICT_NEVER, AT(GREETING)},
	{"554-Sorry\n554 reputation", 554, {0}, VERDICT_NEVER, NO_STAGE},
	{"250 2.0.0 queued", 250, {2, 0, 0}, VERDICT_OK, NO_STAGE},
	{"User unknown", 0, {0}, VERDICT_NEVER, NO_STAGE},
	{"mailbox is full, try again", 0, {0}, VERDICT_LATER, NO_STAGE},
	{"4.7.1 Greylisted", 0, {4, 7, 1}, VERDICT_LATER, NO_STAGE},
	{"qwertz", 0, {0}, VERDICT_NEVER, NO_STAGE},
	{"", 0, {0}, VERDICT_NEVER, NO_STAGE},
	{"99 bottles 1000 550", 0, {0}, VERDICT_NEVER, NO_STAGE},
};

TEST(facts)
{
	const struct facts_given given = {.stage = VERDICT_STAGE_MAX};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct verdict *v = &f.verdict;

		facts_read(slice_str(rows[i].text), &given, &f);
		assert_int_equal(f.code_known, rows[i].code != 0);
		if (rows[i].code)
			assert_int_equal(v->code, rows[i].code);
		assert_int_equal(v->status.class, rows[i].status.class);
		assert_int_equal(v->status.subject, rows[i].status.subject);
		assert_int_equal(v->status.detail, rows[i].status.detail);
		assert_int_equal(v->class, rows[i].class);
		assert_int_equal(f.stage_known, rows[i].stage != NO_STAGE);
		if (rows[i].stage != NO_STAGE)
			assert_int_equal(v->stage, rows[i].stage);
		assert_int_equal(f.empty, rows[i].text[0] == 0);
	}
}

TEST(given)
{
	const struct facts_given given = {.stage = AT(GREETING), .host = SLICE("mx.test")};

	facts_read(SLICE("554 rejected (in reply to RCPT TO)"), &given, &f);
	assert_int_equal(f.verdict.stage, AT(GREETING));
	assert_slice_str(f.verdict.host, "mx.test");
	assert_int_equal(facts_stage_of_name(SLICE("greeting")), AT(GREETING));
	assert_int_equal(facts_stage_of_name(SLICE("Greeting")), VERDICT_STAGE_MAX);
}

/* Who quotes a reply says who said it; that is no part of it. */
TEST(quoted)
{
	static const struct {
		const char *text, *words, *host;
	} quotes[] = {
		{"host mx.b.test[192.0.2.1] said: 550 5.7.1 no", "550 5.7.1 no", "mx.b.test"},
		{"SMTP error from remote mail server after RCPT TO:<a@b.test>: host mx.b.test "
		 "[192.0.2.1]: 550-no\n550 really",
		 "550-no\n550 really", "mx.b.test"},
		{"550 no host said: so", "550 no host said: so", ""},
		{"rejected: host mx.b.test said: 550 no", "rejected: host mx.b.test said: 550 no",
		 ""},
		{"host mx.b.test: 200 yes", "host mx.b.test: 200 yes", ""},
	};
	struct facts_given given = {.stage = VERDICT_STAGE_MAX};

	for (size_t i = 0; i < sizeof(quotes) / sizeof(quotes[0]); i++) {
		facts_read(slice_str(quotes[i].text), &given, &f);
		assert_slice_str(f.normal.text, quotes[i].words);
		assert_slice_str(f.verdict.host, quotes[i].host);
		assert_slice_str(f.verdict.reply, quotes[i].text);
	}
	given.host = SLICE("other.test");
	facts_read(slice_str(quotes[0].text), &given, &f);
	assert_slice_str(f.verdict.host, "other.test");
}

TESTS(TEST_ROW(facts), TEST_ROW(given), TEST_ROW(quoted))
