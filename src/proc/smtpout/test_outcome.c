/* outcome: what each way an attempt can end means for the mail. */
#include <errno.h>

#include "base/test.h"

#include "proc/smtpout/outcome.h"

static const struct row {
	const char *name;
	enum smtp_client_stage stage;
	enum smtp_client_how how;
	const char *reply;
	uint8_t class, want_stage;
	uint16_t code;
	const char *status;
} rows[] = {
	{"accepted", SMTP_CLIENT_STAGE_FINAL, SMTP_CLIENT_HOW_REPLY, "250 2.0.0 ok\r\n", VERDICT_OK,
	 VERDICT_STAGE_FINAL, 250, "2.0.0"},
	{"unknown user", SMTP_CLIENT_STAGE_RECIPIENT, SMTP_CLIENT_HOW_REPLY, "550 5.1.1 no\r\n",
	 VERDICT_NEVER, VERDICT_STAGE_RECIPIENT, 550, "5.1.1"},
	{"no status given", SMTP_CLIENT_STAGE_RECIPIENT, SMTP_CLIENT_HOW_REPLY, "552 full\r\n",
	 VERDICT_NEVER, VERDICT_STAGE_RECIPIENT, 552, "5.0.0"},
	{"later", SMTP_CLIENT_STAGE_SENDER, SMTP_CLIENT_HOW_REPLY, "451 4.7.1 grey\r\n",
	 VERDICT_LATER, VERDICT_STAGE_SENDER, 451, "4.7.1"},
	{"the code decides, not the status", SMTP_CLIENT_STAGE_RECIPIENT, SMTP_CLIENT_HOW_REPLY,
	 "450 5.1.1 no\r\n", VERDICT_LATER, VERDICT_STAGE_RECIPIENT, 450, "4.0.0"},
	{"greeting refuses", SMTP_CLIENT_STAGE_GREETING, SMTP_CLIENT_HOW_REPLY, "554 no\r\n",
	 VERDICT_NEVER, VERDICT_STAGE_GREETING, 554, "5.0.0"},
	{"our login is refused: no bounce", SMTP_CLIENT_STAGE_LOGIN, SMTP_CLIENT_HOW_REPLY,
	 "535 5.7.8 no\r\n", VERDICT_LATER, VERDICT_STAGE_LOGIN, 535, "4.7.8"},
	{"lost after the dot", SMTP_CLIENT_STAGE_FINAL, SMTP_CLIENT_HOW_LOST, NULL, VERDICT_LATER,
	 VERDICT_STAGE_FINAL, 0, "4.4.2"},
	{"silence", SMTP_CLIENT_STAGE_DATA, SMTP_CLIENT_HOW_TIMEOUT, NULL, VERDICT_LATER,
	 VERDICT_STAGE_DATA, 0, "4.4.2"},
	{"misfit: its code is not the verdict's", SMTP_CLIENT_STAGE_DATA, SMTP_CLIENT_HOW_PROTOCOL,
	 "250 ok\r\n", VERDICT_LATER, VERDICT_STAGE_DATA, 0, "4.5.0"},
	{"8-bit", SMTP_CLIENT_STAGE_SENDER, SMTP_CLIENT_HOW_EIGHT_BIT, NULL, VERDICT_NEVER,
	 VERDICT_STAGE_SENDER, 0, "5.6.3"},
	{"utf8", SMTP_CLIENT_STAGE_RECIPIENT, SMTP_CLIENT_HOW_UTF8, NULL, VERDICT_NEVER,
	 VERDICT_STAGE_RECIPIENT, 0, "5.6.7"},
	{"size", SMTP_CLIENT_STAGE_SENDER, SMTP_CLIENT_HOW_SIZE, NULL, VERDICT_NEVER,
	 VERDICT_STAGE_SENDER, 0, "5.3.4"},
};

TEST(table)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		static struct smtp_reply reply;
		struct verdict got;
		struct builder b;
		uint8_t buf[32];
		size_t used;

		smtp_reply_init(&reply);
		if (rows[i].reply)
			assert_int_equal(smtp_reply_feed(&reply, slice_str(rows[i].reply), &used),
					 1);
		got = outcome_of_client(rows[i].stage, rows[i].how, rows[i].reply ? &reply : NULL);
		if (got.class != rows[i].class || got.stage != rows[i].want_stage ||
		    got.code != rows[i].code)
			fail_msg("%s: class %u stage %u code %u", rows[i].name, got.class,
				 got.stage, got.code);
		builder_init_fixed(&b, buf, sizeof(buf));
		verdict_status_format(&b, got.status);
		assert_slice_str(builder_slice(&b), rows[i].status);
		assert_int_equal(got.reply.len > 0, rows[i].reply != NULL);
	}
}

/* Who sends again after silence behind the dot should know that it may be a second copy. */
TEST(after_the_dot)
{
	static const enum smtp_client_how hows[] = {SMTP_CLIENT_HOW_LOST, SMTP_CLIENT_HOW_TIMEOUT};
	const struct slice want = SLICE("may have arrived");

	for (size_t i = 0; i < 2; i++) {
		struct slice text;

		text = outcome_of_client(SMTP_CLIENT_STAGE_FINAL, hows[i], NULL).public_text;
		assert_true(slice_find(text, want) < text.len);
		text = outcome_of_client(SMTP_CLIENT_STAGE_DATA, hows[i], NULL).public_text;
		assert_true(slice_find(text, want) == text.len);
	}
}

/* A 4xx is no bounce because another host said 5xx, and silence is no answer. */
TEST(better)
{
	struct verdict never = {.class = VERDICT_NEVER, .reply = SLICE("554 no")};
	struct verdict later = {.class = VERDICT_LATER, .reply = SLICE("421 busy")};
	struct verdict silent = {.class = VERDICT_LATER};

	assert_true(outcome_is_better(&later, &never));
	assert_true(outcome_is_better(&silent, &never));
	assert_true(outcome_is_better(&later, &silent));
	assert_false(outcome_is_better(&never, &silent));
	assert_false(outcome_is_better(&later, &later));
}

/* A refusal over IPv4 is one, though the host has an IPv6 address and we have none. */
TEST(no_way_to_a_family)
{
	static const int errors[] = {ENETUNREACH, EADDRNOTAVAIL, EAFNOSUPPORT};
	struct verdict never = {.class = VERDICT_NEVER,
				.stage = VERDICT_STAGE_GREETING,
				.reply = SLICE("554 no"),
				.address = {.family = NET_FAMILY_4}};
	struct verdict dead = outcome_of_connect(-ECONNREFUSED);

	dead.address.family = NET_FAMILY_6;
	assert_true(outcome_is_better(&dead, &never));
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		struct verdict no_way = outcome_of_connect(-errors[i]);

		no_way.address.family = NET_FAMILY_6;
		assert_false(outcome_is_better(&no_way, &never));
		assert_true(outcome_is_better(&never, &no_way));
		assert_false(outcome_is_better(&no_way, &dead));
		no_way.address.family = NET_FAMILY_4; /* the way may come back */
		assert_true(outcome_is_better(&no_way, &never));
		assert_false(outcome_is_better(&never, &no_way));
	}
}

TESTS(TEST_ROW(table), TEST_ROW(after_the_dot), TEST_ROW(better), TEST_ROW(no_way_to_a_family))
