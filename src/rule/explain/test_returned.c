/* returned: recipients of reports and log lines: what is final, given up, not known. */
#include "base/test.h"

#include "rule/explain/returned.h"

#define C(name) VERDICT_CAUSE_##name

static struct match work;
static struct explained e;
static struct bounce mail;
static struct logline line;

TEST(reports)
{
	static const struct {
		const char *reply, *recipient, *host, *reporter;
		uint8_t action;
		bool gave_up;
		uint16_t cause, last;
		uint8_t class, action_wanted;
	} rows[] = {
		{"550 5.1.1 no such user", "a@b.test", "", "", BOUNCE_FAILED, false,
		 C(RCPT_UNKNOWN), 0, VERDICT_NEVER, VERDICT_ACTION_STOP},
		/* final whatever the last reply was */
		{"450 4.2.2 mailbox full", "a@b.test", "", "", BOUNCE_FAILED, false, C(RCPT_FULL),
		 0, VERDICT_NEVER, VERDICT_ACTION_STOP},
		{"450 4.2.2 mailbox full", "a@b.test", "", "", BOUNCE_DELAYED, false, C(RCPT_FULL),
		 0, VERDICT_LATER, VERDICT_ACTION_RETRY},
		/* what lasts is the cause, what does not is beside it */
		{"450 4.2.2 mailbox full", "a@b.test", "", "", BOUNCE_FAILED, true, C(RCPT_FULL), 0,
		 VERDICT_NEVER, VERDICT_ACTION_STOP},
		{"connect to mx.b.test: Connection timed out", "a@b.test", "", "", BOUNCE_FAILED,
		 true, C(EXPIRED), C(NET_OR_ROUTE), VERDICT_NEVER, VERDICT_ACTION_NONE},
		{"554 5.4.7 message expired, mailbox is full", "a@b.test", "", "", BOUNCE_FAILED,
		 true, C(RCPT_FULL), 0, VERDICT_NEVER, VERDICT_ACTION_STOP},
		{"", "a@b.test", "", "", BOUNCE_FAILED, true, C(EXPIRED), 0, VERDICT_NEVER,
		 VERDICT_ACTION_NONE},
		{"qwertz", "a@b.test", "", "", BOUNCE_FAILED, false, C(UNKNOWN), 0, VERDICT_NEVER,
		 VERDICT_ACTION_STOP},
		/* another's words are not the reporter's: its own rules do not hold for them */
		{"550 5.1.1 You are not subscribed to that group", "a@b.test", "mx.b.test",
		 "googlemail.com", BOUNCE_FAILED, false, C(RCPT_REFUSED), 0, VERDICT_NEVER,
		 VERDICT_ACTION_STOP},
	};

	mail.kind = BOUNCE_FAILURE;
	mail.rcpt_count = 1;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct verdict *v = &e.facts.verdict;

		mail.reporter = slice_str(rows[i].reporter);
		mail.rcpts[0] = (struct bounce_rcpt){.recipient = slice_str(rows[i].recipient),
						     .reply = slice_str(rows[i].reply),
						     .remote_host = slice_str(rows[i].host),
						     .action = rows[i].action,
						     .gave_up = rows[i].gave_up};
		explain_returned(&mail, 0, explain_builtin(), &work, &e);
		if (v->cause != rows[i].cause || e.last_cause != rows[i].last)
			fail_msg("%zu: %s beside %s", i, verdict_cause_str(v->cause),
				 verdict_cause_str(e.last_cause));
		assert_int_equal(v->class, rows[i].class);
		if (v->action != rows[i].action_wanted)
			fail_msg("%zu: %s", i, verdict_action_str(v->action));
		assert_true(e.facts.class_known);
		assert_slice_str(e.recipient, rows[i].recipient);
		assert_string_equal(e.kind, "failure");
	}
}

/* Who must act is said by the last cause. */
TEST(expired_actor)
{
	mail.kind = BOUNCE_FAILURE;
	mail.rcpt_count = 1;
	mail.rcpts[0] = (struct bounce_rcpt){
		.reply = SLICE("554 4.4.7 Message expired <421 4.4.2 Connection timed out>"),
		.action = BOUNCE_FAILED,
		.gave_up = true};
	explain_returned(&mail, 0, explain_builtin(), &work, &e);
	assert_int_equal(e.facts.verdict.cause, C(EXPIRED));
	assert_int_equal(e.last_cause, C(NET_OR_ROUTE));
	assert_int_equal(e.facts.verdict.actor, VERDICT_ACTOR_THEIR_ADMIN);
}

TEST(no_bounce)
{
	mail.kind = BOUNCE_VACATION;
	mail.rcpt_count = 0;
	explain_no_bounce(&mail, 0, explain_builtin(), &e);
	assert_int_equal(e.facts.verdict.cause, C(NOT_BOUNCE));
	assert_int_equal(e.facts.verdict.action, VERDICT_ACTION_NONE);
	assert_string_equal(e.kind, "vacation");
	assert_int_equal(e.recipient.len, 0);
}

TEST(loglines)
{
	logline_read(SLICE("Nov 28 10:00:00 mail postfix/qmgr[1]: 4ABC12DEF: from=<a@b.test>, "
			   "status=expired, returned to sender"),
		     SLICE_EMPTY, &line);
	explain_logline(&line, explain_builtin(), &work, &e);
	assert_int_equal(e.facts.verdict.cause, C(EXPIRED));
	assert_int_equal(e.facts.verdict.class, VERDICT_NEVER);
	logline_read(SLICE("Nov 28 10:00:00 mail postfix/smtp[1]: 4ABC12DEF: to=<a@b.test>, "
			   "relay=mx.b.test[192.0.2.1]:25, dsn=4.7.1, status=deferred (host "
			   "mx.b.test[192.0.2.1] said: 450 4.7.1 greylisted (in reply to RCPT TO "
			   "command))"),
		     SLICE_EMPTY, &line);
	explain_logline(&line, explain_builtin(), &work, &e);
	assert_int_equal(e.facts.verdict.cause, C(RATE));
	assert_int_equal(e.facts.verdict.class, VERDICT_LATER);
	assert_slice_str(e.recipient, "a@b.test");
	assert_string_equal(e.kind, "postfix");
}

static const struct {
	uint8_t action;
	bool gave_up;
	struct verdict_status status;
	const char *reply;
	uint8_t cause, last_cause, class;
} outcome_rows[] = {
	{BOUNCE_FAILED,
	 false,
	 {5, 1, 1},
	 "550 5.1.1 no such user",
	 C(RCPT_UNKNOWN),
	 0,
	 VERDICT_NEVER},
	{BOUNCE_FAILED, false, {4, 2, 2}, "452 4.2.2 mailbox full", C(RCPT_FULL), 0, VERDICT_NEVER},
	{BOUNCE_DELAYED,
	 false,
	 {4, 2, 2},
	 "452 4.2.2 mailbox full",
	 C(RCPT_FULL),
	 0,
	 VERDICT_LATER},
	/* given up: what lasts is the cause, else it stands beside */
	{BOUNCE_FAILED, true, {4, 2, 2}, "452 4.2.2 mailbox full", C(RCPT_FULL), 0, VERDICT_NEVER},
	{BOUNCE_FAILED,
	 true,
	 {4, 7, 1},
	 "451 4.7.1 greylisted, come again",
	 C(EXPIRED),
	 C(RATE),
	 VERDICT_NEVER},
	/* the code says that it was taken, the report that it was not */
	{BOUNCE_FAILED, true, {5, 4, 7}, "250 2.0.0 ok: queued", C(EXPIRED), 0, VERDICT_NEVER},
	{BOUNCE_FAILED, false, {5, 1, 1}, "250 2.0.0 ok", C(RCPT_UNKNOWN), 0, VERDICT_NEVER},
	{BOUNCE_FAILED, false, {2, 0, 0}, "250 2.0.0 qwertz", C(UNKNOWN), 0, VERDICT_NEVER},
	{BOUNCE_DELAYED, false, {0, 0, 0}, "250 qwertz", C(UNKNOWN), 0, VERDICT_LATER},
	/* beside others that failed */
	{BOUNCE_DELIVERED, false, {0, 0, 0}, "", C(NOT_BOUNCE), 0, VERDICT_OK},
	{BOUNCE_RELAYED, false, {2, 0, 0}, "250 ok", C(NOT_BOUNCE), 0, VERDICT_OK},
};

TEST(outcomes)
{
	mail.kind = BOUNCE_FAILURE;
	mail.rcpt_count = 1;
	for (size_t i = 0; i < sizeof(outcome_rows) / sizeof(outcome_rows[0]); i++) {
		const struct verdict *v = &e.facts.verdict;

		mail.rcpts[0] = (struct bounce_rcpt){.recipient = SLICE("bob@example.org"),
						     .reply = slice_str(outcome_rows[i].reply),
						     .status = outcome_rows[i].status,
						     .action = outcome_rows[i].action,
						     .gave_up = outcome_rows[i].gave_up};
		explain_returned(&mail, 0, explain_builtin(), &work, &e);
		if (v->cause != outcome_rows[i].cause ||
		    e.last_cause != outcome_rows[i].last_cause || v->class != outcome_rows[i].class)
			fail_msg("row %zu: %s %u %s", i, verdict_cause_str(v->cause), e.last_cause,
				 verdict_class_str(v->class));
		assert_slice_str(e.recipient, "bob@example.org");
	}
}

TESTS(TEST_ROW(reports), TEST_ROW(outcomes), TEST_ROW(expired_actor), TEST_ROW(no_bounce),
      TEST_ROW(loglines))
