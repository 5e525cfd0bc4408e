/* letter: whole letters as people get them, and letters about many or hostile outcomes. */
#include "base/test.h"

#include "rule/explain/explain.h"
#include "rule/explain/letter.h"

static uint8_t out[DSN_LETTER_BYTES_MAX];

static struct slice
letter(const struct dsn_report *report)
{
	struct builder b;

	builder_init_fixed(&b, out, sizeof(out));
	letter_build(&b, report);
	assert_false(b.failed);
	return builder_slice(&b);
}

#define WHEN .wall_ms = 1057049557000
#define HOSTS                                                                                      \
	.host = SLICE("mx.gateway.test"), .helo = SLICE("mail.example.test"),                      \
	.address = {.family = NET_FAMILY_4, .bytes = {192, 0, 2, 7}},                              \
	.source = {.family = NET_FAMILY_4, .bytes = {198, 51, 100, 9}}, WHEN

static const struct dsn_rcpt door[] = {
	{.address = SLICE("bob@gateway.test"),
	 .attempts = 1,
	 .verdict = {.class = VERDICT_NEVER,
		     .stage = VERDICT_STAGE_GREETING,
		     .code = 554,
		     .reply =
			     SLICE("554-gateway.test\n554 Your access to this mail system has been "
				   "rejected due to the sending MTA's poor reputation."),
		     HOSTS}},
};
static const struct dsn_rcpt several[] = {
	{.address = SLICE("nobody@gateway.test"),
	 .verdict = {.class = VERDICT_NEVER,
		     .stage = VERDICT_STAGE_RECIPIENT,
		     .code = 550,
		     .status = {5, 1, 1},
		     .reply = SLICE("550 5.1.1 no such user"),
		     HOSTS}},
	{.address = SLICE("b\xc3\xbc@other.test"),
	 .verdict = {.class = VERDICT_NEVER,
		     .stage = VERDICT_STAGE_DNS,
		     .status = {5, 1, 2},
		     .reply = SLICE("other.test does not exist"),
		     WHEN}},
	{.address = SLICE("noone@gateway.test"),
	 .verdict = {.class = VERDICT_NEVER,
		     .stage = VERDICT_STAGE_RECIPIENT,
		     .code = 550,
		     .status = {5, 1, 1},
		     .reply = SLICE("550 5.1.1 no such user"),
		     HOSTS}},
};
static const struct dsn_rcpt given_up[] = {
	{.address = SLICE("bob@gateway.test"),
	 .attempts = 9,
	 .expired = true,
	 .verdict = {.class = VERDICT_LATER,
		     .stage = VERDICT_STAGE_CONNECT,
		     .reply = SLICE("Connection refused"),
		     .host = SLICE("mx.gateway.test"),
		     .address = {.family = NET_FAMILY_6, .bytes = {0x20, 1, 0x0d, 0xb8, [15] = 1}},
		     WHEN}},
};
static const struct dsn_rcpt waiting[] = {
	{.address = SLICE("bob@gateway.test"),
	 .action = DSN_DELAYED,
	 .attempts = 3,
	 .verdict = {.class = VERDICT_LATER,
		     .stage = VERDICT_STAGE_RECIPIENT,
		     .code = 451,
		     .status = {4, 7, 1},
		     .reply = SLICE("451 4.7.1 Greylisted, come back later"),
		     HOSTS}},
};
static const struct dsn_rcpt handed_on[] = {
	{.address = SLICE("ann@example.test"),
	 .action = DSN_DELIVERED,
	 .verdict = {.class = VERDICT_OK, .stage = VERDICT_STAGE_LOCAL, WHEN}},
	{.address = SLICE("bob@gateway.test"),
	 .action = DSN_RELAYED,
	 .verdict = {.class = VERDICT_OK,
		     .stage = VERDICT_STAGE_FINAL,
		     .code = 250,
		     .reply = SLICE("250 2.0.0 queued as 17"),
		     HOSTS}},
};
static const struct dsn_rcpt what[] = {
	{.address = SLICE("bob@gateway.test"),
	 .verdict = {.class = VERDICT_NEVER,
		     .stage = VERDICT_STAGE_FINAL,
		     .code = 554,
		     .reply = SLICE("554 no"),
		     HOSTS}},
};

static const struct {
	uint8_t kind;
	const struct dsn_rcpt *rcpts;
	size_t count;
	const char *want;
} rows[] = {
	{DSN_FAILURE, door, 1,
	 "Frank: Message Delivery Failure.\r\n"
	 "\r\n"
	 "Reason: ME-E0193: [0123456789abc] Message Delivery Failure.\r\n"
	 "\r\n"
	 "Your message addressed to the target domain (gateway.test) could not be\r\n"
	 "delivered because the mail server responsible for this domain returned a\r\n"
	 "permanent error. The server returned:\r\n"
	 "\r\n"
	 "    554-gateway.test\r\n"
	 "    554 Your access to this mail system has been rejected due to the sending MTA's poor "
	 "reputation.\r\n"
	 "\r\n"
	 "Recipient:   bob@gateway.test\r\n"
	 "Server:      mx.gateway.test [192.0.2.7]\r\n"
	 "Our server:  mail.example.test [198.51.100.9]\r\n"
	 "Stage:       at the greeting, before anything about the message was said\r\n"
	 "When:        Tue, 1 Jul 2003 10:52:37 +0200\r\n"
	 "\r\n"
	 "Why, and what to do (cause: ip-blocked)\r\n"
	 "\r\n"
	 "For you: Their server refuses all mail from our server's address, whatever\r\n"
	 "it contains. Neither you nor the recipient did anything wrong. Your\r\n"
	 "administrator has to solve this; reach the recipient some other way until\r\n"
	 "then. Our server does not try this message again.\r\n"
	 "\r\n"
	 "For the administrator: Our address has a bad reputation at this destination\r\n"
	 "or stands on a block list. Find and stop what sent unwanted mail\r\n"
	 "(redirections and catch-alls to outside, taken-over logins, open relaying),\r\n"
	 "check reverse DNS, then ask for removal where their reply says how.\r\n"
	 "\r\n"
	 "In this case: Look our address up at talosintelligence.com and dispute the\r\n"
	 "score there once the source is stopped. The receiver's tracking does not\r\n"
	 "show refused connections: give its administrator our address, the day and\r\n"
	 "the time with its time zone.\r\n"
	 "\r\n"
	 "This report was made by mail.example.test; its third part shows your message\r\n"
	 "or the head of it. What a server said is shown as it came: do not trust\r\n"
	 "links in it.\r\n"
	 "\r\n"
	 "For the administrator, on our server: frank why 0123456789abc\r\n"},
	{DSN_FAILURE, several, 3,
	 "Frank: Message Delivery Failure.\r\n"
	 "\r\n"
	 "Reason: FR-E1001: [0123456789abc] Message Delivery Failure.\r\n"
	 "\r\n"
	 "Your message addressed to the target domain (gateway.test) could not be\r\n"
	 "delivered because the mail server responsible for this domain returned a\r\n"
	 "permanent error. The server returned:\r\n"
	 "\r\n"
	 "    550 5.1.1 no such user\r\n"
	 "\r\n"
	 "Recipient:   nobody@gateway.test\r\n"
	 "Recipient:   noone@gateway.test\r\n"
	 "Server:      mx.gateway.test [192.0.2.7]\r\n"
	 "Our server:  mail.example.test [198.51.100.9]\r\n"
	 "Stage:       when the recipient was named (RCPT TO)\r\n"
	 "When:        Tue, 1 Jul 2003 10:52:37 +0200\r\n"
	 "\r\n"
	 "Why, and what to do (cause: rcpt-unknown)\r\n"
	 "\r\n"
	 "For you: The address is the problem: there is no such mailbox there. Check\r\n"
	 "it for a typing error, or ask the recipient for the right one. Our server\r\n"
	 "does not try this message again.\r\n"
	 "\r\n"
	 "For the administrator: Nothing to repair here. Where the address comes from\r\n"
	 "a list or an address book, remove it: many unknown recipients cost us\r\n"
	 "reputation.\r\n"
	 "\r\n"
	 "Reason: FR-E1006: [0123456789abc] Message Delivery Failure.\r\n"
	 "\r\n"
	 "Your message addressed to the target domain (other.test) could not be\r\n"
	 "delivered because no mail server of this domain could be found. What we\r\n"
	 "found:\r\n"
	 "\r\n"
	 "    other.test does not exist\r\n"
	 "\r\n"
	 "Recipient:   b\xc3"
	 "\xbc"
	 "@other.test\r\n"
	 "Stage:       while looking up the domain's mail servers (DNS)\r\n"
	 "When:        Tue, 1 Jul 2003 10:52:37 +0200\r\n"
	 "\r\n"
	 "Why, and what to do (cause: domain-unresolvable)\r\n"
	 "\r\n"
	 "For you: The part of the address behind the @ (the domain) does not exist,\r\n"
	 "or cannot be found at the moment. Check it for a typing error. Our server\r\n"
	 "does not try this message again.\r\n"
	 "\r\n"
	 "For the administrator: Look the domain up from another network. Where it is\r\n"
	 "found there, check our own DNS resolver.\r\n"
	 "\r\n"
	 "This report was made by mail.example.test; its third part shows your message\r\n"
	 "or the head of it. What a server said is shown as it came: do not trust\r\n"
	 "links in it.\r\n"
	 "\r\n"
	 "For the administrator, on our server: frank why 0123456789abc\r\n"},
	{DSN_FAILURE, given_up, 1,
	 "Frank: Message Delivery Failure.\r\n"
	 "\r\n"
	 "Reason: FR-E1024: [0123456789abc] Message Delivery Failure.\r\n"
	 "\r\n"
	 "Your message addressed to the target domain (gateway.test) could not be\r\n"
	 "delivered in the time that we may try. What we found:\r\n"
	 "\r\n"
	 "    Connection refused\r\n"
	 "\r\n"
	 "Recipient:   bob@gateway.test\r\n"
	 "Server:      mx.gateway.test [2001:db8::1]\r\n"
	 "Stage:       while connecting\r\n"
	 "Last try:    Tue, 1 Jul 2003 10:52:37 +0200\r\n"
	 "Attempts:    9\r\n"
	 "\r\n"
	 "Why, and what to do (cause: net-or-route)\r\n"
	 "\r\n"
	 "We tried for as long as we may and have given up. What stood in the way to\r\n"
	 "the end is shown above.\r\n"
	 "\r\n"
	 "For you: Their mail server could not be reached, the connection to it broke,\r\n"
	 "or the message went in a circle between servers. Check the part of the\r\n"
	 "address behind the @; if it is right, their administrator has to act.\r\n"
	 "\r\n"
	 "For the administrator: Try to reach the host's port 25 from this server and\r\n"
	 "from another network. For a loop, compare the MX records with our own\r\n"
	 "domains and redirections.\r\n"
	 "\r\n"
	 "This report was made by mail.example.test; its third part shows your message\r\n"
	 "or the head of it. What a server said is shown as it came: do not trust\r\n"
	 "links in it.\r\n"
	 "\r\n"
	 "For the administrator, on our server: frank why 0123456789abc\r\n"},
	{DSN_DELAY, waiting, 1,
	 "Frank: Message Delivery Delayed.\r\n"
	 "\r\n"
	 "Reason: FR-E1017: [0123456789abc] Message Delivery Delayed.\r\n"
	 "\r\n"
	 "Your message addressed to the target domain (gateway.test) has not been\r\n"
	 "delivered yet. We go on trying by ourselves until Sun, 6 Jul 2003 10:51:40\r\n"
	 "+0200; you need not send it again. If it cannot be delivered, you get\r\n"
	 "another report. The server returned:\r\n"
	 "\r\n"
	 "    451 4.7.1 Greylisted, come back later\r\n"
	 "\r\n"
	 "Recipient:   bob@gateway.test\r\n"
	 "Server:      mx.gateway.test [192.0.2.7]\r\n"
	 "Our server:  mail.example.test [198.51.100.9]\r\n"
	 "Stage:       when the recipient was named (RCPT TO)\r\n"
	 "Last try:    Tue, 1 Jul 2003 10:52:37 +0200\r\n"
	 "Attempts:    3\r\n"
	 "Until:       Sun, 6 Jul 2003 10:51:40 +0200\r\n"
	 "\r\n"
	 "Why, and what to do (cause: rate)\r\n"
	 "\r\n"
	 "For you: The other side asks us to send more slowly or to come back later.\r\n"
	 "We do so by ourselves; you need not send again.\r\n"
	 "\r\n"
	 "For the administrator: Greylisting or a rate limit at the destination. Only\r\n"
	 "when it lasts: check how much we send there, and lower the number of\r\n"
	 "connections to this destination.\r\n"
	 "\r\n"
	 "This report was made by mail.example.test; its third part shows your message\r\n"
	 "or the head of it. What a server said is shown as it came: do not trust\r\n"
	 "links in it.\r\n"
	 "\r\n"
	 "For the administrator, on our server: frank why 0123456789abc\r\n"},
	{DSN_SUCCESS, handed_on, 2,
	 "Frank: Message Delivered.\r\n"
	 "\r\n"
	 "Reason: [0123456789abc] You asked for a report of delivery.\r\n"
	 "\r\n"
	 "Your message addressed to the target domain (example.test) has been\r\n"
	 "delivered.\r\n"
	 "\r\n"
	 "Recipient:   ann@example.test\r\n"
	 "\r\n"
	 "Reason: [0123456789abc] You asked for a report of delivery.\r\n"
	 "\r\n"
	 "Your message addressed to the target domain (gateway.test) has been handed\r\n"
	 "to the mail server responsible for this domain, which gives no reports of\r\n"
	 "delivery. The server returned:\r\n"
	 "\r\n"
	 "    250 2.0.0 queued as 17\r\n"
	 "\r\n"
	 "Recipient:   bob@gateway.test\r\n"
	 "Server:      mx.gateway.test [192.0.2.7]\r\n"
	 "Our server:  mail.example.test [198.51.100.9]\r\n"
	 "Stage:       after the whole message had been sent\r\n"
	 "When:        Tue, 1 Jul 2003 10:52:37 +0200\r\n"
	 "\r\n"
	 "This report was made by mail.example.test; its third part shows your message\r\n"
	 "or the head of it. What a server said is shown as it came: do not trust\r\n"
	 "links in it.\r\n"},
	{DSN_FAILURE, what, 1,
	 "Frank: Message Delivery Failure.\r\n"
	 "\r\n"
	 "Reason: FR-E1027: [0123456789abc] Message Delivery Failure.\r\n"
	 "\r\n"
	 "Your message addressed to the target domain (gateway.test) could not be\r\n"
	 "delivered because the mail server responsible for this domain returned a\r\n"
	 "permanent error. The server returned:\r\n"
	 "\r\n"
	 "    554 no\r\n"
	 "\r\n"
	 "Recipient:   bob@gateway.test\r\n"
	 "Server:      mx.gateway.test [192.0.2.7]\r\n"
	 "Our server:  mail.example.test [198.51.100.9]\r\n"
	 "Stage:       after the whole message had been sent\r\n"
	 "When:        Tue, 1 Jul 2003 10:52:37 +0200\r\n"
	 "\r\n"
	 "Why, and what to do (cause: unknown)\r\n"
	 "\r\n"
	 "For you: We do not know what this answer means. Read the server's words\r\n"
	 "above, or show this report to your administrator. Our server does not try\r\n"
	 "this message again.\r\n"
	 "\r\n"
	 "For the administrator: No rule fits this reply: read its words. A rule for\r\n"
	 "it can be added.\r\n"
	 "\r\n"
	 "This report was made by mail.example.test; its third part shows your message\r\n"
	 "or the head of it. What a server said is shown as it came: do not trust\r\n"
	 "links in it.\r\n"
	 "\r\n"
	 "For the administrator, on our server: frank why 0123456789abc\r\n"},
};

static struct dsn_report
report_of(const struct dsn_rcpt *rcpts, size_t count)
{
	return (struct dsn_report){.host = SLICE("mail.example.test"),
				   .id = SLICE("0123456789abc"),
				   .retry_until_s = 1057481500,
				   .offset_minutes = 120,
				   .rcpts = rcpts,
				   .rcpt_count = count};
}

TEST(letters)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct dsn_rcpt rcpts[4];
		struct dsn_report report = report_of(rcpts, rows[i].count);
		struct slice got;

		memcpy(rcpts, rows[i].rcpts, rows[i].count * sizeof(rcpts[0]));
		for (size_t j = 0; j < rows[i].count; j++)
			explain_verdict(&rcpts[j].verdict);
		report.kind = rows[i].kind;
		got = letter(&report);
		if (!slice_eq(got, slice_str(rows[i].want))) {
			printf("%.*s", SLICE_ARG(got));
			fail_msg("letter %zu is another one", i);
		}
	}
}

/* Kept because they do not let us in: the code of the refusal, and that it is kept. */
TEST(suspended)
{
	struct dsn_rcpt rcpt = door[0];
	struct dsn_report report = report_of(&rcpt, 1);
	struct slice got;

	rcpt.action = DSN_DELAYED;
	explain_verdict(&rcpt.verdict);
	report.kind = DSN_DELAY;
	got = letter(&report);
	assert_true(slice_find(got, SLICE("Reason: ME-E0193: [")) < got.len);
	assert_true(slice_find(got, SLICE("does not let our\r\nserver in.")) < got.len);
	assert_true(slice_find(got, SLICE("Neither you nor the recipient")) < got.len);
	/* the end of it */
	rcpt.action = DSN_FAILED;
	rcpt.expired = true;
	rcpt.verdict.evidence = SLICE("Our server was refused there 30 times.");
	report.kind = DSN_FAILURE;
	got = letter(&report);
	assert_true(slice_find(got, SLICE("Reason: ME-E0193: [")) < got.len);
	assert_true(slice_find(got, SLICE("in the time that we may try.")) < got.len);
	assert_true(slice_find(got, SLICE("Before that:\r\n\r\n    Our server was")) < got.len);
}

/* "We do so by ourselves" holds while we do. */
TEST(rate)
{
	static const struct {
		uint8_t kind, action;
		bool expired;
		struct slice want;
	} kinds[] = {
		{DSN_DELAY, DSN_DELAYED, false, SLICE("We do so by ourselves")},
		{DSN_FAILURE, DSN_FAILED, false, SLICE("Send it again later")},
		{DSN_FAILURE, DSN_FAILED, true, SLICE("Send it again later")},
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct dsn_rcpt rcpt = {.address = SLICE("bob@x.test"),
					.action = kinds[i].action,
					.expired = kinds[i].expired,
					.verdict = {.class = VERDICT_LATER,
						    .stage = VERDICT_STAGE_RECIPIENT,
						    .code = 451,
						    .reply = SLICE("451 4.7.1 Greylisted")}};
		struct dsn_report report = report_of(&rcpt, 1);
		struct slice got;

		report.kind = kinds[i].kind;
		explain_verdict(&rcpt.verdict);
		got = letter(&report);
		assert_true(slice_find(got, kinds[i].want) < got.len);
		if (i > 0)
			assert_true(slice_find(got, SLICE("by ourselves")) == got.len);
	}
}

/* What DNS says plainly is said plainly. */
TEST(dns)
{
	static const struct {
		struct verdict_status status;
		struct slice want;
	} kinds[] = {
		{{5, 1, 10}, SLICE("because this domain takes no mail.")},
		{{5, 4, 6}, SLICE("because mail for this domain would come back")},
		{{5, 1, 2}, SLICE("because no mail server of this domain could")},
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct dsn_rcpt rcpt = {.address = SLICE("b@x.t"),
					.verdict = {.class = VERDICT_NEVER,
						    .stage = VERDICT_STAGE_DNS,
						    .status = kinds[i].status}};
		struct dsn_report report = report_of(&rcpt, 1);
		struct slice got;

		explain_verdict(&rcpt.verdict);
		got = letter(&report);
		for (size_t at = 0; at < got.len; at++) {
			if (got.data[at] == '\r')
				out[at] = ' ';
			if (got.data[at] == '\n')
				out[at] = ' ';
		}
		if (slice_find(got, kinds[i].want) == got.len)
			fail_msg("%zu: %.*s", i, SLICE_ARG(got));
	}
}

/* What another host said stands beside the reply that decided; words of the reply itself do not. */
TEST(others)
{
	struct dsn_rcpt rcpt = {
		.address = SLICE("bob@x.test"),
		.verdict = {.class = VERDICT_LATER,
			    .stage = VERDICT_STAGE_GREETING,
			    .code = 421,
			    .reply = SLICE("421 too busy"),
			    .evidence = SLICE("mx.x.test [192.0.2.7] said:\n554 no")}};
	struct dsn_report report = report_of(&rcpt, 1);
	struct slice got;

	explain_verdict(&rcpt.verdict);
	got = letter(&report);
	assert_true(slice_find(got, SLICE("\r\n    421 too busy\r\n\r\nBefore that:\r\n\r\n    "
					  "mx.x.test [192.0.2.7] said:\r\n    554 no\r\n")) <
		    got.len);
	rcpt.verdict.evidence = SLICE("busy");
	got = letter(&report);
	assert_true(slice_find(got, SLICE("Before that")) == got.len);
}

TEST(hostile)
{
	struct dsn_rcpt rcpt = {
		.address = SLICE("bob@x.test\r\nReason: yours"),
		.verdict = {.class = VERDICT_NEVER,
			    .code = 550,
			    .reply =
				    SLICE("550 \x1b[2J\r\n\r\nFor you: send money\n\xe2\x80\xae")}};
	struct dsn_report report = report_of(&rcpt, 1);
	struct slice got;

	explain_verdict(&rcpt.verdict);
	got = letter(&report);
	assert_true(slice_find(got, SLICE("\nFor you: send")) == got.len);
	assert_true(slice_find(got, SLICE("\nReason: yours")) == got.len);
	assert_true(slice_find(got, SLICE("\n    For you: send money\r\n    \\x{202E}\r\n")) <
		    got.len);
	assert_true(slice_is_ascii(got));
}

/* The most that a report can hold still gives a letter. */
TEST(largest)
{
	static struct dsn_rcpt rcpts[DSN_RCPTS_MAX];
	static uint8_t text[VERDICT_REPLY_MAX];
	struct dsn_report report = report_of(rcpts, DSN_RCPTS_MAX);

	memset(text, 0x01, sizeof(text));
	for (size_t i = 0; i < DSN_RCPTS_MAX; i++) {
		rcpts[i].address = slice_of(text, 320);
		rcpts[i].verdict = (struct verdict){.class = VERDICT_NEVER,
						    .code = (uint16_t)(500 + i % 30),
						    .cause = VERDICT_CAUSE_IP_BLOCKED,
						    .host = slice_of(text, 255),
						    .reply = slice_of(text, sizeof(text))};
	}
	assert_true(slice_find(letter(&report), SLICE("More recipients are listed")) > 0);
}

TESTS(TEST_ROW(letters), TEST_ROW(suspended), TEST_ROW(rate), TEST_ROW(dns), TEST_ROW(others),
      TEST_ROW(hostile), TEST_ROW(largest))
