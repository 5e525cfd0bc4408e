/*
 * Lines as the programs write them (their documentation gives the forms), with what they say.
 * Fields that a row leaves out must be empty, but for the tag.
 */
#include "base/test.h"
#include "wire/logline/logline.h"

#define S(NAME) (VERDICT_STAGE_##NAME + 1)

struct row {
	const char *line;
	uint8_t program, action;
	uint8_t stage; /* S(NAME), or 0 for not said */
	uint16_t code;
	bool inbound;
	const char *status, *id, *to, *from, *host, *ip, *words, *reply;
	const char *fields;
};

static void
check_text(const struct row *row, const char *what, struct slice got, const char *want)
{
	if (!slice_eq(got, slice_str(want ? want : "")))
		fail_msg("%s\n%s: got '%.*s', want '%s'", row->line, what, SLICE_ARG(got), want);
}

static void
check_number(const struct row *row, const char *what, unsigned got, unsigned want)
{
	if (got != want)
		fail_msg("%s\n%s: got %u, want %u", row->line, what, got, want);
}

static void
check_row(const struct row *row)
{
	static struct logline l;
	uint8_t room[16];
	struct builder b;

	logline_read(slice_str(row->line), slice_str(row->fields), &l);
	builder_init_fixed(&b, room, sizeof(room));
	verdict_status_format(&b, l.status);
	check_number(row, logline_program_str(l.program), l.program, row->program);
	check_number(row, logline_action_str(l.action), l.action, row->action);
	check_number(row, "stage", l.stage, row->stage ? row->stage - 1u : VERDICT_STAGE_MAX);
	check_number(row, "code", l.code, row->code);
	check_number(row, "inbound", l.inbound, row->inbound);
	check_text(row, "status", builder_slice(&b), row->status);
	check_text(row, "id", l.queue_id, row->id);
	check_text(row, "recipient", l.recipient, row->to);
	check_text(row, "sender", l.sender, row->from);
	check_text(row, "host", l.remote_host, row->host);
	check_text(row, "ip", l.remote_ip, row->ip);
	if (row->words)
		check_text(row, "words", l.stage_words, row->words);
	check_text(row, "reply", logline_reply(&l), row->reply);
}

#define CHECK(rows)                                                                                \
	for (size_t i = 0; i < sizeof(rows) / sizeof((rows)[0]); i++)                              \
	check_row(&(rows)[i])

static const struct row postfix_deliveries_rows[] = {
	{"Nov 28 08:00:00 mail postfix/smtp[123]: 4ABC12DEF: to=<bob@example.org>, "
	 "relay=mx.example.org[192.0.2.1]:25, delay=1.2, delays=0.1/0/0.9/0.2, dsn=5.1.1, "
	 "status=bounced (host mx.example.org[192.0.2.1] said: 550 5.1.1 "
	 "<bob@example.org>: "
	 "User unknown (in reply to RCPT TO command))",
	 LOGLINE_POSTFIX, LOGLINE_BOUNCED, S(RECIPIENT), 550, .status = "5.1.1", .id = "4ABC12DEF",
	 .to = "bob@example.org", .host = "mx.example.org", .ip = "192.0.2.1",
	 .words = "RCPT TO command", .reply = "550 5.1.1 <bob@example.org>: User unknown"},
	{"2026-11-28T08:00:00.123456+00:00 mail postfix-out/smtp[1]: 4ZxYwV1234zABCD: "
	 "to=<a@example.org>, orig_to=<b@example.net>, relay=mx[2001:db8::1]:25, delay=3, "
	 "delays=1/0/1/1, dsn=4.7.1, status=deferred (host mx[2001:db8::1] said: 451-4.7.1 "
	 "Greylisted 451-4.7.1 see https://example.org/ 451 4.7.1 come again (in reply to "
	 "end of DATA command))",
	 LOGLINE_POSTFIX, LOGLINE_DEFERRED, S(FINAL), 451, .status = "4.7.1",
	 .id = "4ZxYwV1234zABCD", .to = "a@example.org", .host = "mx", .ip = "2001:db8::1",
	 .reply = "451-4.7.1 Greylisted\n451-4.7.1 see https://example.org/\n451 4.7.1 come "
		  "again"},
	{"4ABC12DEF: to=<a@example.org>, relay=none, delay=30, delays=0/0/30/0, dsn=4.4.1, "
	 "status=deferred (connect to mx.example.org[192.0.2.1]:25: Connection timed out)",
	 LOGLINE_POSTFIX, LOGLINE_DEFERRED, S(CONNECT), .status = "4.4.1", .id = "4ABC12DEF",
	 .to = "a@example.org", .host = "mx.example.org", .ip = "192.0.2.1",
	 .reply = "connect to mx.example.org[192.0.2.1]:25: Connection timed out"},
	{"postfix/error[9]: 4ABC12DEF: to=<a@example.org>, relay=none, delay=30, "
	 "dsn=4.4.2, "
	 "status=deferred (delivery temporarily suspended: lost connection with "
	 "mx.example.org[192.0.2.1] while receiving the initial server greeting)",
	 LOGLINE_POSTFIX, LOGLINE_DEFERRED, S(GREETING), .status = "4.4.2", .id = "4ABC12DEF",
	 .to = "a@example.org", .host = "mx.example.org", .ip = "192.0.2.1",
	 .reply = "lost connection with mx.example.org[192.0.2.1] while receiving the "
		  "initial server greeting"},
	{"postfix/smtp[9]: 4ABC12DEF: to=<a@example.org>, relay=h[192.0.2.1]:25, "
	 "dsn=4.4.2, "
	 "status=deferred (conversation with h[192.0.2.1] timed out while sending end of "
	 "data -- message may be sent more than once)",
	 LOGLINE_POSTFIX, LOGLINE_DEFERRED, S(FINAL), .status = "4.4.2", .id = "4ABC12DEF",
	 .to = "a@example.org", .host = "h", .ip = "192.0.2.1",
	 .reply = "conversation with h[192.0.2.1] timed out while sending end of data -- "
		  "message may be sent more than once"},
	{"postfix/smtp[9]: 4ABC12DEF: to=<a@example.org>, relay=none, dsn=5.4.4, "
	 "status=bounced (Host or domain name not found. Name service error for "
	 "name=example.org type=AAAA: Host not found)",
	 LOGLINE_POSTFIX, LOGLINE_BOUNCED, S(DNS), .status = "5.4.4", .id = "4ABC12DEF",
	 .to = "a@example.org",
	 .reply = "Host or domain name not found. Name service error for name=example.org "
		  "type=AAAA: Host not found"},
	{"postfix/smtp[9]: 4ABC12DEF: to=<a@example.org>, relay=h[192.0.2.1]:25, "
	 "dsn=4.7.0, "
	 "status=deferred (host h[192.0.2.1] refused to talk to me: 421 4.7.0 too many "
	 "connections)",
	 LOGLINE_POSTFIX, LOGLINE_DEFERRED, S(GREETING), 421, .status = "4.7.0", .id = "4ABC12DEF",
	 .to = "a@example.org", .host = "h", .ip = "192.0.2.1",
	 .reply = "421 4.7.0 too many connections"},
	{"postfix/smtp[9]: 4ABC12DEF: to=<a@example.org>, relay=h[192.0.2.1]:25, "
	 "dsn=2.0.0, "
	 "status=sent (250 2.0.0 Ok: queued as 99)",
	 LOGLINE_POSTFIX, LOGLINE_SENT, 0, 250, .status = "2.0.0", .id = "4ABC12DEF",
	 .to = "a@example.org", .host = "h", .ip = "192.0.2.1",
	 .reply = "250 2.0.0 Ok: queued as 99"},
	{"postfix/lmtp[9]: 4ABC12DEF: to=<a@example.org>, "
	 "relay=mail.example.org[private/dovecot-lmtp], dsn=5.2.2, status=bounced (host "
	 "mail.example.org[private/dovecot-lmtp] said: 552 5.2.2 <a@example.org> Quota "
	 "exceeded (in reply to end of DATA command))",
	 LOGLINE_POSTFIX, LOGLINE_BOUNCED, S(FINAL), 552, .status = "5.2.2", .id = "4ABC12DEF",
	 .to = "a@example.org", .host = "mail.example.org",
	 .reply = "552 5.2.2 <a@example.org> Quota exceeded"},
	{"postfix/virtual[9]: 4ABC12DEF: to=<a@example.org>, relay=virtual, dsn=5.1.1, "
	 "status=bounced (unknown user: \"a@example.org\")",
	 LOGLINE_POSTFIX, LOGLINE_BOUNCED, S(LOCAL), .status = "5.1.1", .id = "4ABC12DEF",
	 .to = "a@example.org", .reply = "unknown user: \"a@example.org\""},
	{"postfix/qmgr[9]: 4ABC12DEF: from=<a@example.org>, status=expired, returned to "
	 "sender",
	 LOGLINE_POSTFIX, LOGLINE_EXPIRED, .id = "4ABC12DEF", .from = "a@example.org",
	 .reply = "returned to sender"},
	{"postfix/smtp[9]: 4ABC12DEF: host mx.example.org[192.0.2.1] said: 450 4.2.1 busy "
	 "(in "
	 "reply to MAIL FROM command)",
	 LOGLINE_POSTFIX, LOGLINE_NONE, S(SENDER), 450, .status = "4.2.1", .id = "4ABC12DEF",
	 .host = "mx.example.org", .ip = "192.0.2.1", .reply = "450 4.2.1 busy"},
	/* an old version, another name of the instance */
	{"Apr 06 15:16:46 2016 gate outbound/error: 4ABC12DEF: to=<a@example.org>, relay=none, "
	 "delay=9, "
	 "status=deferred (delivery temporarily suspended: connect to mx.example.org [192.0.2.1]: "
	 "read timeout)",
	 LOGLINE_POSTFIX, LOGLINE_DEFERRED, S(CONNECT), .id = "4ABC12DEF", .to = "a@example.org",
	 .host = "mx.example.org", .ip = "192.0.2.1",
	 .reply = "connect to mx.example.org [192.0.2.1]: read timeout"},
	/* made anonymous, and without an address */
	{"postfix/smtp[9]: 4ABC12DEF: to=, relay=none, delay=9, dsn=5.1.1, status=bounced (host "
	 "mx.example.org said: 550 5.1.1 no)",
	 LOGLINE_POSTFIX, LOGLINE_BOUNCED, 0, 550, .status = "5.1.1", .id = "4ABC12DEF",
	 .host = "mx.example.org", .reply = "550 5.1.1 no"},
	/* without brackets, a number behind that a collector has added */
	{"\t4ABC12DEF: to=bob@example.org, orig_to=x, relay=192.0.2.1:2525, delay=9, dsn=4.0.0, "
	 "status=deferred (user lookup (really) error) 215",
	 LOGLINE_POSTFIX, LOGLINE_DEFERRED, 0, .status = "4.0.0", .id = "4ABC12DEF",
	 .to = "bob@example.org", .ip = "192.0.2.1", .reply = "user lookup (really) error"},
	/* cut by the log: no end of the parenthesis */
	{"postfix/smtp[9]: 4ABC12DEF: to=<a@example.org>, relay=h[192.0.2.1]:25, "
	 "dsn=5.7.1, "
	 "status=bounced (host h[192.0.2.1] said: 554 5.7.1 Service unavail",
	 LOGLINE_POSTFIX, LOGLINE_BOUNCED, 0, 554, .status = "5.7.1", .id = "4ABC12DEF",
	 .to = "a@example.org", .host = "h", .ip = "192.0.2.1",
	 .reply = "554 5.7.1 Service unavail"},
	{"postfix/qmgr[9]: 4ABC12DEF: removed", LOGLINE_POSTFIX, .id = "4ABC12DEF"},
};

TEST(postfix_deliveries)
{
	CHECK(postfix_deliveries_rows);
}

TEST(postfix_refusals)
{
	static const struct row rows[] = {
		{"Nov 28 08:00:00 mail postfix/smtpd[5]: NOQUEUE: reject: RCPT from "
		 "unknown[192.0.2.9]: 554 5.7.1 <b@example.org>: Relay access denied; "
		 "from=<a@example.com> to=<b@example.org> proto=ESMTP helo=<x>",
		 LOGLINE_POSTFIX, LOGLINE_REJECTED, S(RECIPIENT), 554, true, .status = "5.7.1",
		 .to = "b@example.org", .from = "a@example.com", .ip = "192.0.2.9", .words = "RCPT",
		 .reply = "554 5.7.1 <b@example.org>: Relay access denied"},
		{"<22>1 2026-11-28T08:00:00Z mail postfix/smtpd 5 - - 4ABC12DEF: milter-reject: "
		 "END-OF-MESSAGE from c.example.com[192.0.2.9]: 5.7.1 Spam; honestly; "
		 "from=<a@example.com> to=<b@example.org> proto=ESMTP helo=<x>",
		 LOGLINE_POSTFIX, LOGLINE_REJECTED, S(FINAL), 0, true, .status = "5.7.1",
		 .id = "4ABC12DEF", .to = "b@example.org", .from = "a@example.com",
		 .host = "c.example.com", .ip = "192.0.2.9", .reply = "5.7.1 Spam; honestly"},
		{"<22>1 2026-11-28T08:00:00Z mail postfix/postscreen 5 - [a b=\"]\\\"\"][c] "
		 "\xef\xbb\xbfNOQUEUE: reject: RCPT from [192.0.2.9]:4711: 550 5.7.1 Service "
		 "unavailable; client [192.0.2.9] blocked using bl.example.net; "
		 "from=<a@example.com>, "
		 "to=<b@example.org>, proto=ESMTP, helo=<x>",
		 LOGLINE_POSTFIX, LOGLINE_REJECTED, S(RECIPIENT), 550, true, .status = "5.7.1",
		 .to = "b@example.org", .from = "a@example.com", .ip = "192.0.2.9",
		 .reply = "550 5.7.1 Service unavailable; client [192.0.2.9] blocked using "
			  "bl.example.net"},
		{"postfix/smtpd[5]: NOQUEUE: reject: CONNECT from unknown[192.0.2.9]: 450 4.7.25 "
		 "Client "
		 "host rejected: cannot find your hostname, [192.0.2.9]; proto=SMTP",
		 LOGLINE_POSTFIX, LOGLINE_REJECTED, S(GREETING), 450, true, .status = "4.7.25",
		 .ip = "192.0.2.9",
		 .reply =
			 "450 4.7.25 Client host rejected: cannot find your hostname, [192.0.2.9]"},
		{"postfix/cleanup[5]: 4ABC12DEF: reject: header Subject: mail from hell from "
		 "c.example.com[192.0.2.9]; from=<a@example.com> to=<b@example.org> proto=ESMTP "
		 "helo=<x>: 5.7.1 no such subjects",
		 LOGLINE_POSTFIX, LOGLINE_REJECTED, S(FINAL), 0, true, .status = "5.7.1",
		 .id = "4ABC12DEF", .to = "b@example.org", .from = "a@example.com",
		 .host = "c.example.com", .ip = "192.0.2.9", .reply = "5.7.1 no such subjects"},
		{"postfix/smtpd[5]: lost connection after DATA from c.example.com[192.0.2.9]",
		 LOGLINE_POSTFIX, LOGLINE_NONE, S(DATA), 0, true, .host = "c.example.com",
		 .ip = "192.0.2.9",
		 .reply = "lost connection after DATA from c.example.com[192.0.2.9]"},
		{"postfix/smtpd[5]: warning: unknown[192.0.2.9]: SASL LOGIN authentication failed: "
		 "UGFzc3dvcmQ6",
		 LOGLINE_POSTFIX, LOGLINE_REJECTED, S(LOGIN), 0, true, .ip = "192.0.2.9",
		 .reply = "SASL LOGIN authentication failed: UGFzc3dvcmQ6"},
	};

	CHECK(rows);
}

static const struct row exim_deliveries_rows[] = {
	{"2026-11-28 08:00:00 1dJ08B-0003oP-5i ** bob@example.org R=dnslookup "
	 "T=remote_smtp "
	 "H=mx.example.org [192.0.2.1] X=TLS1.3:TLS_AES_256_GCM_SHA384:256 CV=yes: SMTP "
	 "error "
	 "from remote mail server after RCPT TO:<bob@example.org>: 550-5.1.1 no\\n550 "
	 "5.1.1 "
	 "such user",
	 LOGLINE_EXIM, LOGLINE_BOUNCED, S(RECIPIENT), 550, .status = "5.1.1",
	 .id = "1dJ08B-0003oP-5i", .to = "bob@example.org", .host = "mx.example.org",
	 .ip = "192.0.2.1", .words = "RCPT TO:<bob@example.org>",
	 .reply = "550-5.1.1 no\n550 5.1.1 such user"},
	{"2026-11-28 08:00:00.123 +0100 [77] 1qYyZ0-00000001aBc-2dEf ** bob@example.org "
	 "F=<a@example.com> R=dnslookup T=remote_smtp: SMTP error from remote mail server "
	 "after RCPT TO:<bob@example.org>: host mx.example.org [192.0.2.1]: 550 #5.1.0 "
	 "Address rejected.",
	 LOGLINE_EXIM, LOGLINE_BOUNCED, S(RECIPIENT), 550, .status = "5.1.0",
	 .id = "1qYyZ0-00000001aBc-2dEf", .to = "bob@example.org", .from = "a@example.com",
	 .host = "mx.example.org", .ip = "192.0.2.1", .reply = "550 #5.1.0 Address rejected."},
	{"Nov 28 08:00:00 mail exim[77]: 2026-11-28 08:00:00 1dJ08B-0003oP-5i == "
	 "bob@example.org R=dnslookup T=remote_smtp defer (-44) H=mx.example.org "
	 "[2001:db8::1]: SMTP error from remote mail server after pipelined MAIL "
	 "FROM:<a@example.com> SIZE=99: 451 4.7.1 later",
	 LOGLINE_EXIM, LOGLINE_DEFERRED, S(SENDER), 451, .status = "4.7.1",
	 .id = "1dJ08B-0003oP-5i", .to = "bob@example.org", .host = "mx.example.org",
	 .ip = "2001:db8::1", .reply = "451 4.7.1 later"},
	{"2026-11-28 08:00:00 1dJ08B-0003oP-5i == bob@example.org R=dnslookup "
	 "T=remote_smtp "
	 "defer (110): Connection timed out",
	 LOGLINE_EXIM, LOGLINE_DEFERRED, S(CONNECT), .id = "1dJ08B-0003oP-5i",
	 .to = "bob@example.org", .reply = "Connection timed out"},
	{"2026-11-28 08:00:00 1dJ08B-0003oP-5i ** bob@example.org R=dnslookup "
	 "T=remote_smtp: "
	 "retry timeout exceeded",
	 LOGLINE_EXIM, LOGLINE_EXPIRED, 0, .id = "1dJ08B-0003oP-5i", .to = "bob@example.org",
	 .reply = "retry timeout exceeded"},
	{"2026-11-28 08:00:00 1dJ08B-0003oP-5i ** bob@example.org R=r T=t H=mx.example.org: SMTP "
	 "error "
	 "from remote mail server after pipelined end of data: 550 [192.0.2.7] blocked",
	 LOGLINE_EXIM, LOGLINE_BOUNCED, S(FINAL), 550, .id = "1dJ08B-0003oP-5i",
	 .to = "bob@example.org", .host = "mx.example.org", .reply = "550 [192.0.2.7] blocked"},
	{"2026-11-28 08:00:00 1dJ08B-0003oP-5i ** bob@example.org: Unrouteable address",
	 LOGLINE_EXIM, LOGLINE_BOUNCED, 0, .id = "1dJ08B-0003oP-5i", .to = "bob@example.org",
	 .reply = "Unrouteable address"},
	{"2026-11-28 08:00:00 1dJ08B-0003oP-5i => bob <bob@example.org> R=virtual "
	 "T=maildir "
	 "QT=1s DT=0s",
	 LOGLINE_EXIM, LOGLINE_SENT, 0, .id = "1dJ08B-0003oP-5i", .to = "bob@example.org"},
	{"2026-11-28 08:00:00 1dJ08B-0003oP-5i => bob@example.org R=dnslookup "
	 "T=remote_smtp "
	 "H=mx.example.org [192.0.2.1] C=\"250 2.0.0 OK: queued\" QT=1s",
	 LOGLINE_EXIM, LOGLINE_SENT, 0, 250, .status = "2.0.0", .id = "1dJ08B-0003oP-5i",
	 .to = "bob@example.org", .host = "mx.example.org", .ip = "192.0.2.1",
	 .reply = "250 2.0.0 OK: queued"},
	{"2026-11-28 08:00:00 1dJ08B-0003oP-5i H=mx.example.org [192.0.2.1]: SMTP timeout "
	 "after "
	 "initial connection: Connection timed out",
	 LOGLINE_EXIM, LOGLINE_NONE, S(GREETING), .id = "1dJ08B-0003oP-5i",
	 .host = "mx.example.org", .ip = "192.0.2.1", .words = "initial connection",
	 .reply = "Connection timed out"},
	{"2026-11-28 08:00:00 bob@example.org R=dnslookup T=remote_smtp defer (-53): retry "
	 "time "
	 "not reached for any host",
	 LOGLINE_EXIM, LOGLINE_DEFERRED, 0, .to = "bob@example.org",
	 .reply = "retry time not reached for any host"},
	{"2026-11-28 08:00:00 1dJ08B-0003oP-5i <= a@example.com H=c.example.com (x) "
	 "[192.0.2.9]:999 P=esmtp S=1364 id=99@example.com",
	 LOGLINE_EXIM, LOGLINE_NONE, 0, 0, true, .id = "1dJ08B-0003oP-5i", .from = "a@example.com",
	 .host = "c.example.com", .ip = "192.0.2.9"},
	{"2026-11-28 08:00:00 1dJ08B-0003oP-5i Completed", LOGLINE_EXIM, .id = "1dJ08B-0003oP-5i"},
};

TEST(exim_deliveries)
{
	CHECK(exim_deliveries_rows);
}

TEST(exim_refusals)
{
	static const struct row rows[] = {
		{"2026-11-28 08:00:00 H=c.example.com (x) [192.0.2.9]:999 F=<a@example.com> "
		 "rejected "
		 "RCPT <bob@example.org>: relay not permitted",
		 LOGLINE_EXIM, LOGLINE_REJECTED, S(RECIPIENT), 0, true, .to = "bob@example.org",
		 .from = "a@example.com", .host = "c.example.com", .ip = "192.0.2.9",
		 .reply = "relay not permitted"},
		{"2026-11-28 08:00:00 H=(x) [192.0.2.9] F=<a@example.com> temporarily rejected "
		 "RCPT "
		 "<bob@example.org>: greylisted",
		 LOGLINE_EXIM, LOGLINE_REJECTED, S(RECIPIENT), 0, true, .status = "4.0.0",
		 .to = "bob@example.org", .from = "a@example.com", .ip = "192.0.2.9",
		 .reply = "greylisted"},
		{"2026-11-28 08:00:00 H=[192.0.2.9] sender verify fail for <a@example.com>: "
		 "response to \"RCPT "
		 "TO:<a@example.com>\" from mx.example.com [192.0.2.1] was: 550 Unknown user",
		 LOGLINE_EXIM, LOGLINE_NONE, S(SENDER), 0, true, .from = "a@example.com",
		 .ip = "192.0.2.9",
		 .reply = "response to \"RCPT TO:<a@example.com>\" from mx.example.com [192.0.2.1] "
			  "was: "
			  "550 Unknown user"},
		/* what the client says of itself is not its address */
		{"2026-11-28 08:00:00 H=c.example.com ([192.0.2.77]) [192.0.2.9]:99 "
		 "I=[192.0.2.1]:25 "
		 "rejected EHLO or HELO [192.0.2.77]: no",
		 LOGLINE_EXIM, LOGLINE_REJECTED, S(HELLO), 0, true, .host = "c.example.com",
		 .ip = "192.0.2.9", .reply = "no"},
		{"2026-11-28 08:00:00 1dJ08B-0003oP-5i H=[192.0.2.9] F=<a@example.com> rejected "
		 "after "
		 "DATA: no spam, please",
		 LOGLINE_EXIM, LOGLINE_REJECTED, S(FINAL), 0, true, .id = "1dJ08B-0003oP-5i",
		 .from = "a@example.com", .ip = "192.0.2.9", .reply = "no spam, please"},
		{"2026-11-28 08:00:00 H=[192.0.2.9] rejected connection in \"connect\" ACL: bad "
		 "host",
		 LOGLINE_EXIM, LOGLINE_REJECTED, S(GREETING), 0, true, .ip = "192.0.2.9",
		 .reply = "bad host"},
	};

	CHECK(rows);
}

TEST(sendmail)
{
	static const struct row rows[] = {
		{"Sep 14 11:59:34 mail sm-mta[7425]: l8E3xVpO007423: to=<bob@example.org>, "
		 "ctladdr=<ann@example.com> (65534/65534), delay=00:00:03, xdelay=00:00:03, "
		 "mailer=esmtp, "
		 "pri=120344, relay=mx.example.org. [192.0.2.1], dsn=5.1.1, reply=550 5.1.1 no, "
		 "really, "
		 "stat=User unknown",
		 LOGLINE_SENDMAIL, LOGLINE_BOUNCED, 0, 550, .status = "5.1.1",
		 .id = "l8E3xVpO007423", .to = "bob@example.org", .from = "ann@example.com",
		 .host = "mx.example.org", .ip = "192.0.2.1", .reply = "550 5.1.1 no, really"},
		{"Sep 14 11:59:34 mail sendmail[7425]: l8E3xVpO007423: to=<bob@example.org>, "
		 "delay=00:00:03, mailer=esmtp, pri=120344, relay=mx.example.org. "
		 "[IPv6:2001:db8::1], "
		 "dsn=4.0.0, stat=Deferred: Connection refused by mx.example.org.",
		 LOGLINE_SENDMAIL, LOGLINE_DEFERRED, S(CONNECT), .status = "4.0.0",
		 .id = "l8E3xVpO007423", .to = "bob@example.org", .host = "mx.example.org",
		 .ip = "2001:db8::1", .reply = "Deferred: Connection refused by mx.example.org."},
		{"Jul 11 20:45:38 mail sendmail[9611]: [ID 801593 mail.info] n6BKjb0S009609: "
		 "to=<bob@example.org>, mailer=esmtp, relay=mx.example.org. [192.0.2.1], "
		 "dsn=2.0.0, "
		 "stat=Sent (ok 1247345138 qp 26344)",
		 LOGLINE_SENDMAIL, LOGLINE_SENT, .status = "2.0.0", .id = "n6BKjb0S009609",
		 .to = "bob@example.org", .host = "mx.example.org", .ip = "192.0.2.1",
		 .reply = "ok 1247345138 qp 26344"},
		{"Oct 31 21:05:17 mail sm-mta[15715]: 29VC5Hbm015715: ruleset=check_rcpt, "
		 "arg1=<b@example.org>, relay=[192.0.2.9], reject=550 5.7.1 <b@example.org>... "
		 "Relaying "
		 "denied. IP name lookup failed [192.0.2.9]",
		 LOGLINE_SENDMAIL, LOGLINE_REJECTED, S(RECIPIENT), 550, true, .status = "5.7.1",
		 .id = "29VC5Hbm015715", .to = "b@example.org", .ip = "192.0.2.9",
		 .reply = "550 5.7.1 <b@example.org>... Relaying denied. IP name lookup failed "
			  "[192.0.2.9]"},
		{"Oct 31 21:05:17 mail sm-mta[1]: 29VC5Hbm015715: Milter: to=<b@example.org>, "
		 "reject=451 "
		 "4.7.1 Greylisting in action",
		 LOGLINE_SENDMAIL, LOGLINE_REJECTED, S(RECIPIENT), 451, true, .status = "4.7.1",
		 .id = "29VC5Hbm015715", .to = "b@example.org",
		 .reply = "451 4.7.1 Greylisting in action"},
		{"Oct 31 21:05:17 mail sm-mta[1]: 29VC5Hbm015715: from=<a@example.com>, size=2651, "
		 "class=0, nrcpts=1, msgid=<1@example.com>, relay=c.example.com [192.0.2.9]",
		 LOGLINE_SENDMAIL, LOGLINE_NONE, 0, 0, true, .id = "29VC5Hbm015715",
		 .from = "a@example.com", .host = "c.example.com", .ip = "192.0.2.9"},
		{"Oct 31 21:05:17 mail sm-mta[1]: starting daemon (8.17.1): SMTP",
		 LOGLINE_SENDMAIL},
	};

	CHECK(rows);
}

TEST(mailenable)
{
	static const struct row rows[] = {
		{"11/28/26 "
		 "08:00:00\tSMTP-OU\tFE7A5EF7F5334F7ABB9DD341121BCE8F.MAI\t816\t192.0.2.1\tRCPT"
		 "\tRCPT TO:<bob@example.org>\t550-5.1.1 no 550 5.1.1 such user\t30\t20\t",
		 LOGLINE_MAILENABLE, LOGLINE_BOUNCED, S(RECIPIENT), 550, .status = "5.1.1",
		 .id = "FE7A5EF7F5334F7ABB9DD341121BCE8F.MAI", .to = "bob@example.org",
		 .ip = "192.0.2.1", .reply = "550-5.1.1 no\n550 5.1.1 such user"},
		{"11/28/26 08:00:00\tSMTP-IN\tFE7A.MAI\t816\t192.0.2.9\tRCPT\tRCPT "
		 "TO:<b@example.org>\t"
		 "503 This mail server requires authentication\t30\t20\t",
		 LOGLINE_MAILENABLE, LOGLINE_REJECTED, S(RECIPIENT), 503, true, .id = "FE7A.MAI",
		 .to = "b@example.org", .ip = "192.0.2.9",
		 .reply = "503 This mail server requires authentication"},
		{"11/28/26 08:00:00\tSMTP-OU\tFE7A.MAI\t816\t192.0.2.1\t\t\t554-mx.example.org 554 "
		 "poor "
		 "reputation\t0\t0\t",
		 LOGLINE_MAILENABLE, LOGLINE_BOUNCED, S(GREETING), 554, .id = "FE7A.MAI",
		 .ip = "192.0.2.1", .reply = "554-mx.example.org\n554 poor reputation"},
		/* pasted, the tabs lost */
		{"11/28/26 08:00:00 SMTP-OU FE7A.MAI 816 192.0.2.1 RCPT RCPT TO:<bob@example.org> "
		 "550 "
		 "5.1.1 no such user 30 20",
		 LOGLINE_MAILENABLE, LOGLINE_BOUNCED, S(RECIPIENT), 550, .status = "5.1.1",
		 .id = "FE7A.MAI", .to = "bob@example.org", .ip = "192.0.2.1",
		 .reply = "550 5.1.1 no such user"},
		{"11/28/26 08:00:00\tME-E0193: [FE7A.MAI] Message Delivery Failure. The server "
		 "returned: 554 5.7.1 no",
		 LOGLINE_MAILENABLE, LOGLINE_BOUNCED, S(GREETING), 554, .status = "5.7.1",
		 .id = "FE7A.MAI", .reply = "554 5.7.1 no"},
		{"11/28/26 08:00:00 ME-I0111: Relay Denied: Failed to meet all relay criteria.",
		 LOGLINE_MAILENABLE, LOGLINE_REJECTED, S(RECIPIENT), 0, true,
		 .reply = "Relay Denied: Failed to meet all relay criteria."},
		{"11/28/26 08:00:00 ME-I0107: Relay Granted: Sender IP (192.0.2.9) is within an "
		 "authorized IP range.",
		 LOGLINE_MAILENABLE, LOGLINE_NONE, S(RECIPIENT), 0, true, .ip = "192.0.2.9",
		 .reply = "Relay Granted: Sender IP (192.0.2.9) is within an authorized IP range."},
		{"\tReason: Remote SMTP Server Returned: 450 4.2.2 mailbox full",
		 LOGLINE_MAILENABLE, LOGLINE_DEFERRED, 0, 450, .status = "4.2.2",
		 .reply = "450 4.2.2 mailbox full"},
		/* a code without a published meaning: its words alone */
		{"11/28/26 08:00:00 ME-E0036: something", LOGLINE_MAILENABLE, .reply = "something"},
	};

	CHECK(rows);
}

#define PROTOCOL_FIELDS                                                                            \
	"#Fields: date-time,connector-id,session-id,sequence-number,local-endpoint,"               \
	"remote-endpoint,event,data,context"

TEST(exchange_tracking)
{
	static const struct row rows[] = {
		{"2026-11-28T08:00:00.000Z,,,,EX1,,,ROUTING,FAIL,4711,<m@example.com>,"
		 "08d6a8d4-1600-4f77-9999-000000000000,bob@example.org,"
		 "\"[{LRT=28.11.2026};{LED=550 5.1.1 say \"\"no\"\", bob};{FQDN=mx.example.org};"
		 "{IP=192.0.2.1}]\",100,1,,,\"Hello, "
		 "you\",a@example.com,a@example.com,,Originating",
		 LOGLINE_EXCHANGE, LOGLINE_BOUNCED, 0, 550, .status = "5.1.1", .id = "4711",
		 .to = "bob@example.org", .from = "a@example.com", .host = "mx.example.org",
		 .ip = "192.0.2.1", .reply = "550 5.1.1 say \"no\", bob"},
		/* as a message trace shows it */
		{"Defer:Reason: [{LED=451-4.7.23 deferred - 451 4.7.23 later i{2b0c}};{MSG=};"
		 "{FQDN=mx.example.org};{IP=192.0.2.1};{LRT=1/21/2025}]. OutboundProxyTargetIP: "
		 "192.0.2.1",
		 LOGLINE_EXCHANGE, LOGLINE_DEFERRED, 0, 451, .status = "4.7.23",
		 .host = "mx.example.org", .ip = "192.0.2.1",
		 .reply = "451-4.7.23 deferred -\n451 4.7.23 later i{2b0c}"},
		{"RecipientStatus         : {[{LED=550 4.4.7 QUEUE.Expired; message "
		 "expired};{MSG=};"
		 "{FQDN=192.0.2.1};{IP=192.0.2.1};{LRT=}]}",
		 LOGLINE_EXCHANGE, LOGLINE_EXPIRED, 0, 550, .status = "4.4.7", .ip = "192.0.2.1",
		 .reply = "550 4.4.7 QUEUE.Expired; message expired"},
		/* Exchange 2010: one column less */
		{"2026-11-28T08:00:00.000Z,192.0.2.7,EX1,192.0.2.1,mx.example.org,08D6;,Out,SMTP,"
		 "SEND,"
		 "4711,<m@example.com>,bob@example.org;eve@example.org,250 2.1.5 Recipient "
		 "OK,100,2,,,"
		 "Hello,a@example.com,a@example.com",
		 LOGLINE_EXCHANGE, LOGLINE_SENT, 0, 250, .status = "2.1.5", .id = "4711",
		 .to = "bob@example.org", .from = "a@example.com", .host = "mx.example.org",
		 .ip = "192.0.2.1", .reply = "250 2.1.5 Recipient OK"},
		{"2026-11-28T08:00:00.000Z,FAIL,bob@example.org,550 5.2.2 full,,,,,,",
		 LOGLINE_EXCHANGE, LOGLINE_BOUNCED, 0, 550, .status = "5.2.2",
		 .to = "bob@example.org", .reply = "550 5.2.2 full",
		 .fields = "#Fields: "
			   "date-time,event-id,recipient-address,recipient-status,a,b,c,d\r\n"},
		{"2026-11-28T08:00:00.000Z,192.0.2.9,c.example.com,192.0.2.1,EX1,08D6,In,SMTP,"
		 "RECEIVE,"
		 "4711,<m@example.com>,08d6a8d4-1600-4f77-9999-000000000000,bob@example.org,,100,1,"
		 ",,"
		 "Hello,a@example.com,a@example.com",
		 LOGLINE_EXCHANGE, LOGLINE_NONE, 0, 0, true, .id = "4711", .to = "bob@example.org",
		 .from = "a@example.com", .host = "c.example.com", .ip = "192.0.2.9"},
		{"2026-11-28T08:00:00.000Z,,,,EX1,,,SMTP,DEFER,4711,<m@example.com>,"
		 "08d6a8d4-1600-4f77-9999-000000000000,bob@example.org,"
		 "\"[{LED=441 4.4.1 Error encountered while communicating with primary target IP "
		 "address: \"\"Failed to "
		 "connect.\"\"};{FQDN=};{IP=192.0.2.1}]\",100,1,,,x,a@example.com",
		 LOGLINE_EXCHANGE, LOGLINE_DEFERRED, S(CONNECT), 441, .status = "4.4.1",
		 .id = "4711", .to = "bob@example.org", .from = "a@example.com", .ip = "192.0.2.1",
		 .reply = "441 4.4.1 Error encountered while communicating with primary target IP "
			  "address: \"Failed to connect.\""},
	};

	CHECK(rows);
}

TEST(exchange_protocol)
{
	static const struct row rows[] = {
		{"2026-11-28T08:00:00.000Z,Out,08D6A8D4,7,192.0.2.7:4,192.0.2.1:25,<,550 5.1.1 "
		 "User "
		 "unknown,",
		 LOGLINE_EXCHANGE, LOGLINE_BOUNCED, 0, 550, .status = "5.1.1", .id = "08D6A8D4",
		 .ip = "192.0.2.1", .reply = "550 5.1.1 User unknown", .fields = PROTOCOL_FIELDS},
		{"2026-11-28T08:00:00.000Z,Out,08D6A8D4,7,192.0.2.7:4,[2001:db8::1]:25,>,RCPT "
		 "TO:<bob@example.org>,",
		 LOGLINE_EXCHANGE, LOGLINE_NONE, S(RECIPIENT), .id = "08D6A8D4",
		 .to = "bob@example.org", .ip = "2001:db8::1"},
		{"2026-11-28T08:00:00.000Z,In,08D6A8D4,7,192.0.2.7:25,192.0.2.9:4,>,\"550 5.7.54 "
		 "SMTP; "
		 "Unable to relay recipient, sorry\",",
		 LOGLINE_EXCHANGE, LOGLINE_REJECTED, 0, 550, true, .status = "5.7.54",
		 .id = "08D6A8D4", .ip = "192.0.2.9",
		 .reply = "550 5.7.54 SMTP; Unable to relay recipient, sorry"},
		{"2026-11-28T08:00:00.000Z,Out,08D6A8D4,2,,192.0.2.1:25,*,,\"Failed to connect. "
		 "Winsock "
		 "error code: 10060\"",
		 LOGLINE_EXCHANGE, LOGLINE_NONE, S(CONNECT), .id = "08D6A8D4", .ip = "192.0.2.1",
		 .reply = "Failed to connect. Winsock error code: 10060"},
	};
	static struct logline l;

	CHECK(rows);
	logline_read(slice_str(PROTOCOL_FIELDS "\r\n"), SLICE_EMPTY, &l);
	assert_true(l.header);
	assert_int_equal(l.program, LOGLINE_EXCHANGE);
}

static const struct row frank_rows[] = {
	{"2026-11-28T08:00:00.123Z info smtpout smtpout_result message=1a2b3c rcpts=1 try=2 "
	 "class=never stage=greeting cause=ip-blocked code=554 status=5.7.1 host=mx.example.org "
	 "addr=192.0.2.1 reply=\"554-mx.example.org\\n554 5.7.1 \\\"no\\\" way\" took_ms=12",
	 LOGLINE_FRANK, LOGLINE_BOUNCED, S(GREETING), 554, .status = "5.7.1", .id = "1a2b3c",
	 .host = "mx.example.org", .ip = "192.0.2.1",
	 .reply = "554-mx.example.org\n554 5.7.1 \"no\" way"},
	{"t info smtpout smtpout_result message=1 class=later stage=recipient code=450 reply=later",
	 LOGLINE_FRANK, LOGLINE_DEFERRED, S(RECIPIENT), 450, .id = "1", .reply = "later"},
	{"t info smtpout smtpout_result message=1 class=ok reply=\"250 cut", LOGLINE_FRANK,
	 LOGLINE_SENT, .id = "1", .reply = "250 cu"},
};

TEST(frank)
{
	CHECK(frank_rows);
}

TEST(unknown)
{
	static const struct row rows[] = {
		{""},
		{"\r\n"},
		{"Nov 28 08:00:00 mail sshd[1]: Failed password for root"},
		{"550 5.1.1 <bob@example.org>: User unknown"},
		{"The mail system"},
		{"2026-11-28 08:00:00 something else happened"},
		{"#Fields: date time c-ip"},
		{"a,b,c,d,e,f,g,h,FAIL"},
	};
	static struct logline l;

	CHECK(rows);
	logline_read(SLICE_EMPTY, SLICE_EMPTY, &l);
	assert_int_equal(l.program, LOGLINE_UNKNOWN);
}

/* A line longer than what is read, and a reply longer than what is kept. */
TEST(limits)
{
	static char line[2 * LOGLINE_MAX];
	static struct logline l;
	size_t len = (size_t)snprintf(line, sizeof(line),
				      "postfix/smtp[1]: 4ABC12DEF: to=<a@example.org>, relay=none, "
				      "dsn=5.1.1, status=bounced (550 ");

	memset(line + len, 'x', sizeof(line) - len);
	logline_read(slice_of(line, sizeof(line)), SLICE_EMPTY, &l);
	assert_int_equal(l.action, LOGLINE_BOUNCED);
	assert_int_equal(l.code, 550);
	assert_int_equal(logline_reply(&l).len, LOGLINE_REPLY_MAX);
}

TESTS(TEST_ROW(frank), TEST_ROW(postfix_deliveries), TEST_ROW(postfix_refusals),
      TEST_ROW(exim_deliveries), TEST_ROW(exim_refusals), TEST_ROW(sendmail), TEST_ROW(mailenable),
      TEST_ROW(exchange_tracking), TEST_ROW(exchange_protocol), TEST_ROW(unknown), TEST_ROW(limits))
