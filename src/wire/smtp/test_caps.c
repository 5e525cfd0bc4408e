/* smtp caps: keywords and their parameters, good and odd. */
#include "base/test.h"

#include "wire/smtp/caps.h"
#include "wire/smtp/reply.h"

static const struct row {
	const char *name, *text;
	struct smtp_caps want;
} rows[] = {
	{"one line", "250 mx.example.test at your service", {0}},
	{"a keyword in the first line is none", "250-PIPELINING\n250 DSN", {.dsn = true}},
	{"all",
	 "250-mx\n250-PIPELINING\n250-8BITMIME\n250-SMTPUTF8\n250-DSN\n250-STARTTLS\n250-CHUNKING\n"
	 "250-ENHANCEDSTATUSCODES\n250-SIZE 35882577\n250 AUTH LOGIN PLAIN XOAUTH2",
	 {.pipelining = true,
	  .eight_bit = true,
	  .utf8 = true,
	  .dsn = true,
	  .starttls = true,
	  .chunking = true,
	  .status = true,
	  .size = true,
	  .size_max = 35882577,
	  .auth = SMTP_AUTH_PLAIN | SMTP_AUTH_LOGIN}},
	{"case",
	 "250-mx\n250-pipelining\n250 size 10",
	 {.pipelining = true, .size = true, .size_max = 10}},
	{"size alone", "250-mx\n250 SIZE", {.size = true}},
	{"size 0", "250-mx\n250 SIZE 0", {.size = true}},
	{"size beyond counting", "250-mx\n250 SIZE 99999999999999999999", {.size = true}},
	{"size of words", "250-mx\n250 SIZE big", {.size = true}},
	{"auth, old form",
	 "250-mx\n250-AUTH=LOGIN\n250 AUTH PLAIN",
	 {.auth = SMTP_AUTH_PLAIN | SMTP_AUTH_LOGIN}},
	{"limits",
	 "250-mx\n250 LIMITS MAILMAX=20 RCPTMAX=3 RCPTDOMAINMAX=1",
	 {.mail_max = 20, .rcpt_max = 3, .rcpt_domain_max = 1}},
	{"limits that are none",
	 "250-mx\n250 LIMITS MAILMAX=0 RCPTMAX= RCPTDOMAINMAX=1000000 RCPTMAX=-1 X=3 MAILMAX",
	 {0}},
	{"prefix is no keyword", "250-mx\n250-PIPELININGS\n250 DSNX", {0}},
	{"empty lines", "250-mx\n250-\n250 ", {0}},
};

TEST(table)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct smtp_caps *want = &rows[i].want;
		struct slice text = slice_str(rows[i].text);
		struct smtp_caps got = {0};

		slice_cut(&text, '\n');
		while (text.data)
			smtp_caps_read(&got, smtp_reply_line_text(slice_cut(&text, '\n')));
		if (got.pipelining != want->pipelining || got.eight_bit != want->eight_bit ||
		    got.utf8 != want->utf8 || got.dsn != want->dsn ||
		    got.starttls != want->starttls || got.chunking != want->chunking ||
		    got.status != want->status || got.size != want->size || got.auth != want->auth)
			fail_msg("%s", rows[i].name);
		assert_int_equal(got.size_max, want->size_max);
		assert_int_equal(got.mail_max, want->mail_max);
		assert_int_equal(got.rcpt_max, want->rcpt_max);
		assert_int_equal(got.rcpt_domain_max, want->rcpt_domain_max);
	}
}

TESTS(TEST_ROW(table))
