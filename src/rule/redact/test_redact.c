/*
 * What is replaced, kept and left out, by small mails; and no address of the sample mails is in
 * what comes out of them.
 */
#include "base/test.h"
#include "rule/redact/redact.h"

#define HEAD "X-Redacted: addresses, ids and names are replaced, what was returned is left out\n"
#define TEXT "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n"

struct run {
	struct test_mem mem;
	struct arena arena;
	struct slice text;
};

static void
run_begin(struct run *run, struct slice mail)
{
	*run = (struct run){.mem = TEST_MEM_INIT};
	arena_init(&run->arena, &run->mem.mem, REDACT_ARENA_BYTES);
	assert_int_equal(redact_mail(mail, NULL, &run->arena, &run->text), 0);
}

static void
run_end(struct run *run)
{
	arena_finish(&run->arena);
	assert_int_equal(run->mem.taken, run->mem.given);
}

static void
check(const char *mail, const char *want)
{
	struct run run;

	run_begin(&run, slice_str(mail));
	assert_slice_str(run.text, want);
	run_end(&run);
}

/* A line of the body of a mail without any header of note. */
static void
check_line(const char *line, const char *want)
{
	char mail[4096], whole[4096];

	snprintf(mail, sizeof(mail), "Date: today\n\n%s\n", line);
	snprintf(whole, sizeof(whole), HEAD "Date: today\n" TEXT "%s\n", want);
	check(mail, whole);
}

TEST(lines)
{
	static const struct {
		const char *line, *want;
	} rows[] = {
		{"550 5.1.1 <bob@example.org>: no such user",
		 "550 5.1.1 <address-1@domain-1.invalid>: no such user"},
		/* the same by the same, whatever its case */
		{"bob@example.org Bob@EXAMPLE.org eve@example.org bob@example.com",
		 "address-1@domain-1.invalid address-1@domain-1.invalid address-2@domain-1.invalid "
		 "address-3@domain-2.invalid"},
		{"rfc822;bob@example.org (from=bob@example.org) 'bob@example.org'.",
		 "rfc822;address-1@domain-1.invalid (from=address-1@domain-1.invalid) "
		 "'address-1@domain-1.invalid'."},
		{"<\"bob builder\"@example.org> bounce+bob=example.org@lists.example.net",
		 "<address-1@domain-1.invalid> address-2@domain-2.invalid"},
		{"bob%40example.org bob=40example.org bob&#64;example.org bob\xef\xbc\xa0"
		 "example.org",
		 "address-1@domain-1.invalid address-1@domain-1.invalid address-1@domain-1.invalid "
		 "address-1@domain-1.invalid"},
		/* a script without blanks: the words before stay */
		{"\xe7\x94\xa8\xe6\x88\xb7"
		 "bob@example.org\xe4\xb8\x8d\xe5\xad\x98",
		 "\xe7\x94\xa8\xe6\x88\xb7"
		 "address-1@domain-1.invalid\xe4\xb8\x8d\xe5\xad\x98"},
		/* a name in it stands alone, but not in a word with an accent */
		{"bobby@example.org \xe3\x80\x8c"
		 "Bobby\xe3\x80\x8d\xe4\xb8\x8d bobby. bobby\xe5\xad\x98 bobby\xc3\xa9 "
		 "x-bobby\xe5\xad\x98",
		 "address-1@domain-1.invalid \xe3\x80\x8c"
		 "address-1\xe3\x80\x8d\xe4\xb8\x8d address-1. address-1\xe5\xad\x98 bobby\xc3\xa9 "
		 "x-bobby\xe5\xad\x98"},
		{"j\xc3\xbcrgen@b\xc3\xbc"
		 "cher.example",
		 "address-1@domain-1.invalid"},
		{"bob@[192.0.2.1] and @example.org and @ and 10 @ 3",
		 "address-1@domain-1.invalid and @domain-2.invalid and (at) and 10 (at) 3"},
		/* a local part alone, before and behind its address; common words stay */
		{"unknown user bobby: bobby@example.org, /mail/bobby, info@example.org info",
		 "unknown user address-1: address-1@domain-1.invalid, /mail/address-1, "
		 "address-2@domain-1.invalid info"},
		{"postmaster@example.org MAILER-DAEMON@example.org",
		 "postmaster@domain-1.invalid mailer-daemon@domain-1.invalid"},
		/* servers stay */
		{"host mx.example.org[192.0.2.1] said: 554 blocked using bl.example.net",
		 "host mx.example.org[192.0.2.1] said: 554 blocked using bl.example.net"},
		{"see https://support.example.org/mail/answer?id=77&u=bob%40example.org#x.",
		 "see https://support.example.org/mail/answer?...."},
		{"see HTTP://bob:pw@example.org/t/abcdef0123456789abcdef",
		 "see http://example.org/..."},
		{"id dGhpcyBpcyBhIHNlY3JldCBrZXkgMTIz0 here", "id id-1 here"},
		{"550 5.7.1 [s6A7VhYM004256-4712] rejected", "550 5.7.1 [id-1] rejected"},
		{"bell \x07 end", "bell ? end"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check_line(rows[i].line, rows[i].want);
}

TEST(header)
{
	check("Return-Path: <>\r\n"
	      "Received: from mx.example.net (mx.example.net [192.0.2.1])\r\n"
	      "\tby mail.example.com with ESMTP id A1B2C3\r\n\tfor <ann@example.com>;\r\n"
	      "\tSat, 28 Nov 2026 08:00:00 +0000\r\n"
	      "X-Spam: secret\r\n"
	      "From: Mail Delivery System <MAILER-DAEMON@mx.example.net>\r\n"
	      "To: Annabel Lee <ann@example.com>\r\n"
	      "Message-ID: <4711@mx.example.net>\r\n"
	      "References: <1@example.com> <2@example.com>\r\n"
	      "Subject: =?utf-8?Q?Undeliverable:_our_secret_plan?=\r\n"
	      "\r\n"
	      "Dear Annabel (Lee), 4711@mx.example.net came back.\r\n",
	      HEAD
	      "Return-Path: <>\n"
	      "Received: from mx.example.net (mx.example.net [192.0.2.1])\tby "
	      "mail.example.com with ESMTP id id-1\tfor <address-1@domain-1.invalid>;\tSat, 28 "
	      "Nov 2026 08:00:00 +0000\n"
	      "From: mailer-daemon@domain-2.invalid\n"
	      "To: address-1@domain-1.invalid\n"
	      "Message-ID: <id-2@id.invalid>\n"
	      "References: <id-3@id.invalid> <id-4@id.invalid>\n"
	      "Subject: Undeliverable [left out]\n"
	      "X-Left-Out: 1 fields\n" TEXT
	      "Dear name-1 (name-2), address-2@domain-2.invalid came back.\n");
}

static const char report[] = "From: postmaster@example.net\n"
			     "Content-Type: multipart/report; report-type=delivery-status;\n"
			     "\tboundary=\"secret-bob\"\n"
			     "\n"
			     "preamble for bob@example.org\n"
			     "--secret-bob\n"
			     "Content-Description: Notification\n"
			     "Content-Type: text/plain\n"
			     "Content-Transfer-Encoding: base64\n"
			     "\n"
			     "PGJvYkBleGFtcGxlLm9yZz46IHVua25vd24gdXNlcgo=\n"
			     "--secret-bob\n"
			     "Content-Type: message/delivery-status\n"
			     "\n"
			     "Reporting-MTA: dns; mx.example.net\n"
			     "X-Postfix-Queue-ID: 4ABC12DEF\n"
			     "\n"
			     "Final-Recipient: rfc822; bob@example.org\n"
			     "Action: failed\n"
			     "Status: 5.1.1\n"
			     "Diagnostic-Code: smtp; 550 5.1.1 <bob@example.org>:\n"
			     "    unknown user\n"
			     "--secret-bob\n"
			     "Content-Type: application/pdf; name=bob.pdf\n"
			     "\n"
			     "bob\n"
			     "--secret-bob\n"
			     "Content-Type: message/rfc822\n"
			     "\n"
			     "Received: from laptop-of-ann ([198.51.100.7]) by mx.example.net\n"
			     "From: Ann <ann@example.com>\n"
			     "To: bob@example.org\n"
			     "Subject: our secret plan\n"
			     "\n"
			     "The plan is secret.\n"
			     "--secret-bob--\n";

TEST(fields)
{
	check("From: MAILER-DAEMON\n"
	      "Return-Path: <MAILER-DAEMON>\n"
	      "Sender: somebody\n"
	      "Cc: <\n"
	      "Subject: Returned mail: Cannot send to bob@example.org for 4 days\n"
	      "\n"
	      "no\n",
	      HEAD
	      "From: MAILER-DAEMON\n"
	      "Return-Path: <MAILER-DAEMON>\n"
	      "Sender: [left out]\n"
	      "Cc: [left out]\n"
	      "Subject: Returned mail: Cannot send to address-1@domain-1.invalid for 4 days\n" TEXT
	      "no\n");
}

TEST(parts)
{
	check(report, HEAD
	      "From: postmaster@domain-1.invalid\n"
	      "X-Left-Out: 1 fields\n"
	      "Content-Type: multipart/report; report-type=delivery-status; "
	      "boundary=\"redacted-0\"\n"
	      "\n--redacted-0\n"
	      "Content-Description: Notification\n" TEXT
	      "<address-1@domain-2.invalid>: unknown user\n"
	      "\n--redacted-0\n"
	      "Content-Type: message/delivery-status\n\n"
	      "Reporting-MTA: dns; mx.example.net\n"
	      "X-Postfix-Queue-ID: id-1\n"
	      "\n"
	      "Final-Recipient: rfc822; address-1@domain-2.invalid\n"
	      "Action: failed\n"
	      "Status: 5.1.1\n"
	      "Diagnostic-Code: smtp; 550 5.1.1 <address-1@domain-2.invalid>:    unknown user\n"
	      "\n--redacted-0\n"
	      "Content-Type: text/plain\n\n[a part of type application/pdf was left out]\n"
	      "\n--redacted-0\n"
	      "Content-Type: message/rfc822\n\n"
	      "From: address-2@domain-3.invalid\n"
	      "To: address-1@domain-2.invalid\n"
	      "Subject: [left out]\n"
	      "X-Left-Out: 1 fields\n"
	      "\n[the body of the returned message was left out]\n"
	      "\n--redacted-0--\n");
}

TEST(returned_in_text)
{
	check("Date: today\n\n"
	      "Sorry about bob@example.org:\n"
	      ">>> RCPT TO:<bob@example.org>\n"
	      "<<< 550 no\n"
	      "> you wrote\n"
	      "> a secret\n"
	      "> Status: 5.1.1\n"
	      "X-Secret: plan\n"
	      "  Subject: our secret\n"
	      "      plan\n"
	      "The original message was received today\n"
	      "--- Below this line is a copy of the message.\n"
	      "\n"
	      "Return-Path: <ann@example.com>\n"
	      "Received: from laptop-of-ann\n"
	      "\tby here\n"
	      "Subject: our\n"
	      " secret plan\n"
	      "\n"
	      "The plan is secret.\n",
	      HEAD "Date: today\n" TEXT "Sorry about address-1@domain-1.invalid:\n"
		   ">>> RCPT TO:<address-1@domain-1.invalid>\n"
		   "<<< 550 no\n"
		   "> [left out]\n"
		   "> Status: 5.1.1\n"
		   "  Subject: [left out]\n"
		   "The original message was received today\n"
		   "--- Below this line is a copy of the message.\n"
		   "\n"
		   "Return-Path: address-2@domain-2.invalid\n"
		   "Subject: [left out]\n"
		   "\n"
		   "[the returned message was left out]\n");
	/* no marker, but a field that only messages have */
	check("Date: today\n\nno such user\n\nReceived: from x\nTo: bob@example.org\n\nsecret\n",
	      HEAD "Date: today\n" TEXT "no such user\n\nTo: address-1@domain-1.invalid\n\n"
		   "[the returned message was left out]\n");
	/* words like a marker's in the report itself */
	check("Date: today\n\nAbout the original message:\nit was refused\n",
	      HEAD "Date: today\n" TEXT "About the original message:\nit was refused\n");
}

/* --- the samples ------------------------------------------------------------------------------ */

static bool
is_local_byte(uint8_t byte)
{
	return ascii_is_alpha(byte) || ascii_is_digit(byte) ||
	       (byte && memchr("._+-=", byte, 5) != NULL);
}

static bool
is_domain_byte(uint8_t byte)
{
	return ascii_is_alpha(byte) || ascii_is_digit(byte) || byte == '.' || byte == '-';
}

/* The next thing of the form a@b.c. */
static bool
address_next(struct slice *rest, struct slice *ret_address)
{
	for (size_t at = slice_index(*rest, '@'); at < rest->len; at = slice_index(*rest, '@')) {
		size_t begin = at, end = at + 1;

		while (begin > 0 && is_local_byte(rest->data[begin - 1]))
			begin--;
		while (end < rest->len && is_domain_byte(rest->data[end]))
			end++;
		while (end > at + 1 && !ascii_is_alpha(rest->data[end - 1]))
			end--;
		*ret_address = slice_sub(*rest, begin, end - begin);
		*rest = slice_from(*rest, end);
		if (begin < at && slice_index(*ret_address, '.') < ret_address->len &&
		    slice_find(*ret_address, SLICE(".")) > 0)
			return true;
	}
	return false;
}

/* Every address of the mail, by its bytes as they are; those in encoded parts are looked for in
 * what is left of them: at signs. */
static size_t
check_mail(const char *name, struct slice mail)
{
	struct slice rest = mail, address;
	struct run run;
	size_t count = 0;

	run_begin(&run, mail);
	while (address_next(&rest, &address)) {
		struct slice domain = slice_from(address, slice_index(address, '@') + 1);

		count++;
		if (slice_find(domain, SLICE(".")) < domain.len &&
		    slice_find_nocase(run.text, address) < run.text.len)
			fail_msg("%s: '%.*s' is left", name, SLICE_ARG(address));
	}
	for (rest = run.text; (void)slice_cut(&rest, '@'), rest.data;) {
		if (!slice_starts(rest, SLICE("domain-")) && !slice_starts(rest, SLICE("id.inv")))
			fail_msg("%s: '@%.*s' is left", name, SLICE_ARG(slice_sub(rest, 0, 20)));
	}
	assert_true(run.text.len > 100);
	run_end(&run);
	return count;
}

static struct slice
file_read(const char *path, uint8_t *room, size_t size)
{
	FILE *file = fopen(path, "rb");
	size_t len = file ? fread(room, 1, size, file) : 0;

	if (file)
		fclose(file);
	return slice_of(room, len);
}

TEST(samples)
{
	const char *corpora = getenv("FRANK_CORPORA");
	static uint8_t labels[1 << 20], mail[1 << 20];
	size_t mails = 0, addresses = 0;
	struct slice rest, last = SLICE_EMPTY;
	char path[4096];

	snprintf(path, sizeof(path), "%s/bounces/labels.tsv", corpora ? corpora : ".");
	rest = file_read(path, labels, sizeof(labels));
	if (!rest.len) {
		printf("skipped: no sample mails here\n");
		skip();
	}
	slice_cut(&rest, '\n');
	while (rest.len) {
		struct slice line = slice_cut(&rest, '\n'), name = slice_cut(&line, '\t');

		if (slice_eq(name, last))
			continue;
		last = name;
		snprintf(path, sizeof(path), "%s/bounces/mails/%.*s", corpora, SLICE_ARG(name));
		addresses += check_mail(path, file_read(path, mail, sizeof(mail)));
		mails++;
	}
	printf("%zu mails, %zu addresses in them\n", mails, addresses);
	assert_true(mails > 100 && addresses > mails);
}

/* --- limits ----------------------------------------------------------------------------------- */

TEST(limits)
{
	static char mail[2 * REDACT_MAIL_MAX];
	struct slice cut = SLICE("[the rest was left out]\n");
	struct run run;
	size_t len = 0;

	/* more names than there is room for, and more bytes than are read */
	len = (size_t)snprintf(mail, sizeof(mail), "Date: today\n\n");
	while (len + 40 < sizeof(mail))
		len += (size_t)snprintf(mail + len, sizeof(mail) - len, "u%zu@h%zu.example ", len,
					len);
	run_begin(&run, slice_of(mail, len));
	assert_true(run.text.len <= REDACT_TEXT_MAX + 64);
	assert_true(slice_find(run.text, SLICE("address-0@domain-0.invalid")) < run.text.len);
	assert_slice(slice_from(run.text, run.text.len - cut.len), cut);
	run_end(&run);
	/* one word without end */
	memset(mail + 13, 'x', sizeof(mail) - 13);
	run_begin(&run, slice_of(mail, REDACT_MAIL_MAX));
	assert_true(slice_find(run.text, SLICE("[left out]")) < run.text.len);
	run_end(&run);
}

TEST(memory)
{
	struct test_mem mem = TEST_MEM_INIT;
	struct slice text = SLICE("untouched");
	struct arena arena;

	arena_init(&arena, &mem.mem, REDACT_ARENA_BYTES / 2);
	assert_int_equal(redact_mail(slice_str(report), NULL, &arena, &text), ERR_NO_MEMORY);
	assert_slice_str(text, "untouched");
	arena_finish(&arena);
}

/* Where else an address or the name in it may hide. */
TEST(hidden)
{
	static const struct {
		const char *line, *want;
	} rows[] = {
		{"bobby%2540example.org bobby+40example.org bobby&#x40;example.org",
		 "address-1@domain-1.invalid address-1@domain-1.invalid "
		 "address-1@domain-1.invalid"},
		{"bobby\\x{40}example.org bobby(at)example.org bobby\xef\xb9\xab"
		 "example.org bobby&commat;example.org",
		 "address-1@domain-1.invalid address-1@domain-1.invalid "
		 "address-1@domain-1.invalid address-1@domain-1.invalid"},
		{"score 3+40 or 5+40.2 (at) line 9[at]", "score 3+40 or 5+40.2 (at) line 9[at]"},
		/* soft hyphens and the like are in it */
		{"bob\xc2\xad"
		 "by@exam\xe2\x80\x8bple.org",
		 "address-1@domain-1.invalid"},
		{"<\"bob \\\"by\\\" builder\"@example.org>", "<address-1@domain-1.invalid>"},
		/* a path is shown only where it has no name */
		{"bobby@example.org http://x.example/u/bobby http://x.example/u/help",
		 "address-1@domain-1.invalid http://x.example/... http://x.example/u/help"},
		{"/o=Firm/ou=Exchange/cn=Recipients/cn=bobby not found",
		 "/o=Firm/ou=Exchange/cn=Recipients/cn=id-1 not found"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check_line(rows[i].line, rows[i].want);
	check("Received: from a.example (user: bobby) by b.example id 77 for bobby; today\n\nx\n",
	      HEAD "Received: from a.example (user: id-1) by b.example id id-2 for id-1; "
		   "today\n" TEXT "x\n");
}

TESTS(TEST_ROW(lines), TEST_ROW(hidden), TEST_ROW(header), TEST_ROW(fields), TEST_ROW(parts),
      TEST_ROW(returned_in_text), TEST_ROW(samples), TEST_ROW(limits), TEST_ROW(memory))
