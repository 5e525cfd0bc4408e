/*
 * compose: a whole report as it must be, the parts in their special cases, and what hostile texts
 * can do (nothing).
 */
#include "base/test.h"

#include "wire/dsn/compose.h"

#define BYTES_MAX ((size_t)1 << 18)

static uint8_t out[BYTES_MAX];

static const struct verdict door = {
	.class = VERDICT_NEVER,
	.stage = VERDICT_STAGE_GREETING,
	.code = 554,
	.cause = VERDICT_CAUSE_IP_BLOCKED,
	.reply = SLICE("554-gateway.test\n554 Your access to this mail system has been rejected"),
	.host = SLICE("mx.gateway.test"),
	.wall_ms = 1057049557000,
};

static struct dsn_report
report_of(const struct dsn_rcpt *rcpts, size_t count)
{
	return (struct dsn_report){
		.kind = DSN_FAILURE,
		.host = SLICE("mail.example.test"),
		.id = SLICE("0123456789abc"),
		.report_id = SLICE("fedcba9876543"),
		.unique = SLICE("U0123456789"),
		.sender = SLICE("ann@example.test"),
		.arrival_s = 1057049500,
		.now_s = 1057049560,
		.offset_minutes = 120,
		.rcpts = rcpts,
		.rcpt_count = count,
		.header = SLICE("From: ann@example.test\r\nSubject: hello\r\n\r\n"),
		.body = SLICE("..dot\r\nbody\r\n"),
	};
}

static struct slice
compose(const struct dsn_report *report, struct slice letter)
{
	struct builder b;
	size_t header_len = 0;

	builder_init_fixed(&b, out, sizeof(out));
	assert_int_equal(dsn_compose(&b, report, letter, &header_len), 0);
	assert_memory_equal(out + header_len - 4, "\r\n\r\n", 4);
	return builder_slice(&b);
}

static void
assert_has(struct slice text, const char *part)
{
	if (slice_find(text, slice_str(part)) == text.len)
		fail_msg("'%s' is not in\n%.*s", part, SLICE_ARG(text));
}

static void
assert_has_not(struct slice text, const char *part)
{
	if (slice_find_nocase(text, slice_str(part)) != text.len)
		fail_msg("'%s' is in\n%.*s", part, SLICE_ARG(text));
}

TEST(whole)
{
	struct dsn_rcpt rcpt = {.address = SLICE("bob@gateway.test"),
				.orcpt = SLICE("rfc822;Bob+2Bx@gateway.test"),
				.action = DSN_FAILED,
				.verdict = door};
	struct dsn_report report = report_of(&rcpt, 1);

	report.envid = SLICE("QQ+3D1");
	assert_slice_str(compose(&report, SLICE("Frank: letter.\r\n.dot\r\n")),
			 "Date: Tue, 1 Jul 2003 10:52:40 +0200\r\n"
			 "From: Mail Delivery System <mailer-daemon@mail.example.test>\r\n"
			 "To: <ann@example.test>\r\n"
			 "Subject: Message Delivery Failure\r\n"
			 "Message-ID: <fedcba9876543@mail.example.test>\r\n"
			 "Auto-Submitted: auto-replied\r\n"
			 "MIME-Version: 1.0\r\n"
			 "Content-Type: multipart/report; report-type=delivery-status;\r\n"
			 "\tboundary=\"=_U0123456789\"\r\n"
			 "\r\n"
			 "This is a report about mail delivery in the form of RFC 3464.\r\n"
			 "\r\n--=_U0123456789\r\n"
			 "Content-Type: text/plain; charset=us-ascii\r\n"
			 "Content-Transfer-Encoding: 7bit\r\n\r\n"
			 "Frank: letter.\r\n..dot\r\n"
			 "\r\n--=_U0123456789\r\n"
			 "Content-Type: message/delivery-status\r\n\r\n"
			 "Reporting-MTA: dns; mail.example.test\r\n"
			 "Original-Envelope-Id: QQ=1\r\n"
			 "Arrival-Date: Tue, 1 Jul 2003 10:51:40 +0200\r\n"
			 "X-Frank-Message: 0123456789abc\r\n"
			 "\r\n"
			 "Original-Recipient: rfc822; Bob+x@gateway.test\r\n"
			 "Final-Recipient: rfc822; bob@gateway.test\r\n"
			 "Action: failed\r\n"
			 "Status: 5.7.1\r\n"
			 "Remote-MTA: dns; mx.gateway.test\r\n"
			 "Diagnostic-Code: smtp; 554-gateway.test\r\n"
			 "    554 Your access to this mail system has been rejected\r\n"
			 "Last-Attempt-Date: Tue, 1 Jul 2003 10:52:37 +0200\r\n"
			 "\r\n--=_U0123456789\r\n"
			 "Content-Type: text/rfc822-headers\r\n"
			 "Content-Transfer-Encoding: 7bit\r\n\r\n"
			 "From: ann@example.test\r\nSubject: hello\r\n"
			 "\r\n--=_U0123456789--\r\n");
}

TEST(statuses)
{
	static const struct {
		uint8_t action;
		bool expired;
		struct verdict_status status;
		uint16_t cause;
		const char *want;
	} rows[] = {
		{DSN_FAILED, false, {5, 1, 1}, VERDICT_CAUSE_RCPT_UNKNOWN, "Status: 5.1.1\r\n"},
		{DSN_FAILED, false, {5, 0, 0}, VERDICT_CAUSE_RCPT_FULL, "Status: 5.2.2\r\n"},
		{DSN_FAILED, false, {0, 0, 0}, VERDICT_CAUSE_UNKNOWN, "Status: 5.0.0\r\n"},
		{DSN_FAILED, false, {4, 7, 1}, VERDICT_CAUSE_UNKNOWN, "Status: 5.0.0\r\n"},
		{DSN_FAILED, true, {4, 4, 1}, VERDICT_CAUSE_NET_OR_ROUTE, "Status: 5.4.7\r\n"},
		{DSN_DELAYED, false, {4, 7, 1}, VERDICT_CAUSE_RATE, "Status: 4.7.1\r\n"},
		{DSN_DELAYED, false, {5, 7, 1}, VERDICT_CAUSE_IP_BLOCKED, "Status: 4.7.1\r\n"},
		{DSN_DELIVERED, false, {0, 0, 0}, VERDICT_CAUSE_NOT_BOUNCE, "Status: 2.0.0\r\n"},
		{DSN_RELAYED, false, {2, 1, 5}, VERDICT_CAUSE_NOT_BOUNCE, "Status: 2.1.5\r\n"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct dsn_rcpt rcpt = {
			.address = SLICE("bob@x.test"),
			.action = rows[i].action,
			.expired = rows[i].expired,
			.verdict = {.status = rows[i].status, .cause = rows[i].cause}};
		struct dsn_report report = report_of(&rcpt, 1);

		report.retry_until_s = 1057049560;
		assert_has(compose(&report, SLICE("x\r\n")), rows[i].want);
		if (rows[i].action == DSN_DELAYED)
			assert_has(compose(&report, SLICE("x\r\n")), "Will-Retry-Until: Tue, ");
		else
			assert_has_not(compose(&report, SLICE("x\r\n")), "Will-Retry-Until");
	}
}

TEST(originals)
{
	static char long_line[1200];
	static const char *const body = "..dot\r\nbody\r\n";
	struct dsn_rcpt rcpt = {.address = SLICE("bob@x.test"), .verdict = door};
	struct dsn_report report = report_of(&rcpt, 1);

	report.full = true;
	assert_has(compose(&report, SLICE("x\r\n")),
		   "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: 7bit\r\n\r\n"
		   "From: ann@example.test\r\nSubject: hello\r\n\r\n..dot\r\nbody\r\n"
		   "\r\n--=_U0123456789--\r\n");
	/* control characters are the sender's own; what no line may hold has the header go alone */
	report.body = SLICE("a\x07\x1b[1mb\r\n");
	assert_has(compose(&report, SLICE("x\r\n")), "a\x07\x1b[1mb\r\n");
	report.body = SLICE("a\nb\r\n");
	assert_has(compose(&report, SLICE("x\r\n")), "text/rfc822-headers\r\n");
	report.body = SLICE("eight bit: \xc3\xbc\r\n");
	assert_has(compose(&report, SLICE("x\r\n")), "text/rfc822-headers\r\n");
	assert_has_not(compose(&report, SLICE("x\r\n")), "eight bit");
	report.body = slice_str(body);
	report.header = SLICE("Subject: gr\xc3\xbc\xc3\x9f\r\n..x: y\r\n\r\n");
	assert_has(compose(&report, SLICE("x\r\n")),
		   "Content-Type: text/rfc822-headers; charset=utf-8\r\n"
		   "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
		   "Subject: gr=C3=BC=C3=9F\r\n=2Ex: y\r\n\r\n--=_");
	memset(long_line, 'x', sizeof(long_line) - 5);
	memcpy(long_line, "X: ", 3);
	memcpy(long_line + sizeof(long_line) - 5, "\r\n\r\n", 5);
	report.header = slice_str(long_line);
	assert_has(compose(&report, SLICE("x\r\n")), "quoted-printable");
	report.header = SLICE("");
	report.body = SLICE("");
	assert_has(compose(&report, SLICE("x\r\n")), "--=_U0123456789--\r\n");
}

TEST(global)
{
	struct dsn_rcpt rcpt = {.address = SLICE("b\xc3\xbc@x.test"),
				.orcpt = SLICE("utf-8;b\xc3\xbc@x.test"),
				.verdict = door};
	struct dsn_report report = report_of(&rcpt, 1);
	struct slice got = compose(&report, SLICE("b\xc3\xbc\r\n"));

	assert_true(slice_is_ascii(got));
	assert_has(got, "Content-Transfer-Encoding: quoted-printable\r\n\r\nb=C3=BC\r\n");
	assert_has(got, "Final-Recipient: utf-8; b\\x{FC}@x.test\r\n");
	assert_has(got, "Original-Recipient: utf-8; b\\x{FC}@x.test\r\n");
	report.global = true;
	report.sender = SLICE("\xc3\xa4@example.test");
	got = compose(&report, SLICE("b\xc3\xbc\r\n"));
	assert_has(got, "To: <\xc3\xa4@example.test>\r\n");
	assert_has(got, "report-type=global-delivery-status;");
	assert_has(got, "Content-Type: message/global-delivery-status\r\n"
			"Content-Transfer-Encoding: 8bit\r\n");
	assert_has(got, "Final-Recipient: utf-8; b\xc3\xbc@x.test\r\n");
	assert_has(got, "Content-Type: message/global-headers\r\n");
}

/* RFC 5322 2.1.1, however long an address of others becomes in ASCII. */
TEST(long_addresses)
{
	uint8_t address[320] = {0}, orcpt[500] = "utf-8;";
	struct dsn_rcpt rcpt = {.address = slice_of(address, sizeof(address)),
				.orcpt = slice_of(orcpt, sizeof(orcpt)),
				.verdict = door};
	struct dsn_report report = report_of(&rcpt, 1);
	struct slice got, line;

	for (size_t i = 0; i < sizeof(address); i++)
		address[i] = i % 2 ? 0x8f : 0xd1;
	memcpy(orcpt + 6, address, sizeof(address));
	memcpy(orcpt + sizeof(orcpt) - 174, address, 174);
	for (int global = 0; global < 2; global++) {
		report.global = global;
		got = compose(&report, SLICE("x\r\n"));
		assert_has(got, global ? "\nOriginal-Recipient: utf-8; \xd1\x8f"
				       : "\nOriginal-Recipient: utf-8; \\x{44F}");
		while (got.len) {
			line = slice_cut(&got, '\n');
			assert_true(line.len <= 999);
		}
	}
}

TEST(hostile)
{
	struct dsn_rcpt rcpt = {
		.address = SLICE("bob@x.test\r\nX-Evil: 1"),
		.orcpt = SLICE("rfc822;a+0D+0AX-Evil:+20yes"),
		.verdict = {
			.class = VERDICT_NEVER,
			.code = 550,
			.reply = SLICE(
				"550-first\r\n\r\n550-X-Evil: 2\n--=_U012345678x\n.\n550 \x1b[31m"),
			.host = SLICE("mx\r\nX-Evil: 3\r\n")}};
	struct dsn_report report = report_of(&rcpt, 1);
	struct slice got;

	report.envid = SLICE("a+0D+0AX-Evil:+20yes");
	report.sender = SLICE("ann@x.test>\r\nBcc: <b@x.test");
	got = compose(&report, SLICE("x\r\n"));
	assert_has_not(got, "\nX-Evil");
	assert_has_not(got, "\nBcc");
	assert_has(got, "Diagnostic-Code: smtp; 550-first\r\n    550-X-Evil: 2\r\n"
			"    --=_U012345678x\r\n    .\r\n    550 \\x1b[31m\r\n");
	assert_true(slice_is_ascii(got));
}

/* Who was given by an address has no name. */
TEST(remote_without_name)
{
	struct dsn_rcpt rcpt = {.address = SLICE("bob@x.test"), .verdict = door};
	struct dsn_report report = report_of(&rcpt, 1);

	rcpt.verdict.host = SLICE_EMPTY;
	rcpt.verdict.address =
		(struct net_addr){.family = NET_FAMILY_4, .port = 2525, .bytes = {192, 0, 2, 7}};
	assert_has(compose(&report, SLICE("x\r\n")), "\r\nRemote-MTA: dns; [192.0.2.7]\r\n");
	rcpt.verdict.address = (struct net_addr){0};
	assert_has_not(compose(&report, SLICE("x\r\n")), "Remote-MTA");
}

/* What is not shown of a reply leaves a mark. */
TEST(many_lines)
{
	static uint8_t reply[DSN_REPLY_LINES_MAX * 8 + 16];
	struct dsn_rcpt rcpt = {.address = SLICE("bob@x.test"),
				.verdict = {.class = VERDICT_NEVER, .code = 550}};
	struct dsn_report report = report_of(&rcpt, 1);
	struct builder b;

	builder_init_fixed(&b, reply, sizeof(reply));
	for (size_t i = 1; i < DSN_REPLY_LINES_MAX; i++)
		builder_str(&b, "550-x\n");
	builder_str(&b, "550 end");
	rcpt.verdict.reply = builder_slice(&b);
	assert_has(compose(&report, SLICE("x\r\n")), "\r\n    550 end\r\n\r\n--=_");
	builder_str(&b, "\n550 more");
	rcpt.verdict.reply = builder_slice(&b);
	assert_has(compose(&report, SLICE("x\r\n")), "\r\n    550 end\r\n    [...]\r\n\r\n--=_");
}

TEST(refused)
{
	struct dsn_rcpt rcpt = {.address = SLICE("bob@x.test"), .verdict = door};
	struct dsn_report report = report_of(&rcpt, 1), other = report;
	struct builder b;
	size_t len = 77;

	builder_init_fixed(&b, out, sizeof(out));
	other.sender = SLICE_EMPTY;
	assert_int_equal(dsn_compose(&b, &other, SLICE("x\r\n"), &len), ERR_STATE);
	other = report;
	other.rcpt_count = 0;
	assert_int_equal(dsn_compose(&b, &other, SLICE("x\r\n"), &len), ERR_STATE);
	other = report;
	other.unique = SLICE("short");
	assert_int_equal(dsn_compose(&b, &other, SLICE("x\r\n"), &len), ERR_STATE);
	other.unique = SLICE("with blank");
	assert_int_equal(dsn_compose(&b, &other, SLICE("x\r\n"), &len), ERR_STATE);
	other = report;
	other.body = SLICE("x\r\n--=_U0123456789\r\n");
	assert_int_equal(dsn_compose(&b, &other, SLICE("x\r\n"), &len), ERR_STATE);
	builder_init_fixed(&b, out, 1000);
	assert_int_equal(dsn_compose(&b, &report, SLICE("x\r\n"), &len), ERR_LIMIT);
	assert_int_equal(len, 77);
}

TEST(largest)
{
	static struct dsn_rcpt rcpts[DSN_RCPTS_MAX];
	static uint8_t reply[VERDICT_REPLY_MAX], big[DSN_BYTES_MAX];
	struct dsn_report report = report_of(rcpts, DSN_RCPTS_MAX);
	struct builder b;
	size_t len;

	memset(reply, 0x01, sizeof(reply));
	for (size_t i = 0; i < sizeof(reply); i += 64)
		reply[i] = '\n';
	for (size_t i = 0; i < DSN_RCPTS_MAX; i++) {
		rcpts[i].address = slice_of(reply + 1, 63);
		rcpts[i].verdict = (struct verdict){.code = 550, .reply = {reply, sizeof(reply)}};
	}
	builder_init_fixed(&b, big, sizeof(big));
	assert_int_equal(dsn_compose(&b, &report, SLICE("x\r\n"), &len), 0);
}

TESTS(TEST_ROW(whole), TEST_ROW(statuses), TEST_ROW(originals), TEST_ROW(global),
      TEST_ROW(long_addresses), TEST_ROW(hostile), TEST_ROW(many_lines),
      TEST_ROW(remote_without_name), TEST_ROW(refused), TEST_ROW(largest))
