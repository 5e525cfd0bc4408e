/* returned: what a report says beside the reply: that it is over, that it is not, that it went
 * well. */
#include "base/test.h"

#include "rule/explain/returned.h"

#define C(name) VERDICT_CAUSE_##name

static struct explained explained;
static struct match match;

static const struct {
	uint8_t action;
	bool gave_up;
	struct verdict_status status;
	const char *reply;
	uint8_t cause, last_cause, class;
} rows[] = {
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
	static struct bounce mail = {.kind = BOUNCE_FAILURE, .rcpt_count = 1};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct verdict *v = &explained.facts.verdict;

		mail.rcpts[0] = (struct bounce_rcpt){.recipient = SLICE("bob@example.org"),
						     .reply = slice_str(rows[i].reply),
						     .status = rows[i].status,
						     .action = rows[i].action,
						     .gave_up = rows[i].gave_up};
		explain_returned(&mail, 0, explain_builtin(), &match, &explained);
		if (v->cause != rows[i].cause || explained.last_cause != rows[i].last_cause ||
		    v->class != rows[i].class)
			fail_msg("row %zu: %s %u %s", i, verdict_cause_str(v->cause),
				 explained.last_cause, verdict_class_str(v->class));
		assert_slice_str(explained.recipient, "bob@example.org");
	}
}

TESTS(TEST_ROW(outcomes))
