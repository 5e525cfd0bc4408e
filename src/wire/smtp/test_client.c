/* smtp client: dialogues up to the first mail: greeting, hello, TLS, login, their failures. */
#include "wire/smtp/test_client_script.h"

#define TWO .submit_count = 1, .jobs = {{.sender = "a@me.test", .rcpts = "1@y.test 2@y.test"}}
#define ONE .submit_count = 1, .jobs = {{.sender = "a@me.test", .rcpts = "x@y.test"}}

static const struct script scripts[] = {
	{"one mail, no extensions",
	 "S: 220 mx hi\n"
	 "C: EHLO me.test\n"
	 "S: 250 mx\n"
	 "E: ready\n"
	 "C: MAIL FROM:<a@me.test>\n"
	 "S: 250 ok\n"
	 "C: RCPT TO:<x@y.test>\n"
	 "S: 250 ok\n"
	 "C: DATA\n"
	 "S: 354 go\n"
	 "C: =0=\n"
	 "S: 250 2.0.0 queued\n"
	 "E: result 0 0 final reply 250 2.0.0\n"
	 "E: finished 0 0\n"
	 "!quit\n"
	 "C: QUIT\n"
	 "S: 221 bye\n"
	 "E: closed quit done 0\n",
	 ONE},
	{"HELO when EHLO is refused",
	 "S: 220 mx\n"
	 "C: EHLO me.test\n"
	 "S: 502 what\n"
	 "C: HELO me.test\n"
	 "S: 250-mx\n"
	 "S: 250 PIPELINING\n"
	 "E: ready\n"
	 "C: MAIL FROM:<a@me.test>\n",
	 ONE},
	{"both refused",
	 "S: 220 mx\n"
	 "C: EHLO me.test\n"
	 "S: 550 5.7.1 no\n"
	 "C: HELO me.test\n"
	 "S: 550 5.7.1 no\n"
	 "E: finished 0 1\n"
	 "E: closed hello reply 550\n"
	 "C: QUIT\n",
	 ONE},
	{"hello later",
	 "S: 220 mx\n"
	 "C: EHLO me.test\n"
	 "S: 451 later\n"
	 "E: finished 0 1\n"
	 "E: closed hello reply 451\n"
	 "C: QUIT\n",
	 ONE},
	{"hello 421",
	 "S: 220 mx\n"
	 "C: EHLO me.test\n"
	 "S: 421 later\n"
	 "E: finished 0 1\n"
	 "E: closed hello reply 421\n",
	 ONE},
	{"hello 354",
	 "S: 220 mx\n"
	 "C: EHLO me.test\n"
	 "S: 354 go\n"
	 "E: finished 0 1\n"
	 "E: closed hello protocol 354\n",
	 ONE},
	{"greeting refuses",
	 "S: 554-gateway.test\n"
	 "S: 554 Your access to this mail system has been rejected\n"
	 "E: finished 0 1\n"
	 "E: closed greeting reply 554\n"
	 "C: QUIT\n",
	 ONE},
	{"greeting 421",
	 "S: 421 4.3.2 busy\n"
	 "E: finished 0 1\n"
	 "E: closed greeting reply 421\n",
	 ONE},
	{"greeting that is none",
	 "S: HTTP/1.1 400 Bad Request\n"
	 "E: finished 0 1\n"
	 "E: closed greeting protocol 0\n",
	 ONE},
	{"greeting 354",
	 "S: 354 go\n"
	 "E: finished 0 1\n"
	 "E: closed greeting protocol 354\n",
	 ONE},
	{"no greeting",
	 "!lost\n"
	 "E: finished 0 1\n"
	 "E: closed greeting lost 0\n",
	 ONE},
	{"silent",
	 "!timeout\n"
	 "E: finished 0 1\n"
	 "E: closed greeting timeout 0\n",
	 ONE},
	{"words after the end are nobody's",
	 "!lost\n"
	 "E: closed greeting lost 0\n"
	 "S: 220 hi\n"
	 "!timeout\n"
	 "!lost\n",
	 .submit_count = 0},
	{"STARTTLS, what came before is forgotten, what was smuggled in is dropped",
	 "S: 220 mx\n"
	 "C: EHLO me.test\n"
	 "S: 250-mx\n"
	 "S: 250-PIPELINING\n"
	 "S: 250-LIMITS RCPTMAX=1\n"
	 "S: 250 STARTTLS\n"
	 "C: STARTTLS\n"
	 "S: 220 go\n"
	 "S: 250-mx\n"
	 "S: 250 SMUGGLED\n"
	 "E: tls\n"
	 "!tls-ok\n"
	 "C: EHLO me.test\n"
	 "S: 250-mx\n"
	 "S: 250-STARTTLS\n"
	 "S: 250 DSN\n"
	 "E: ready\n"
	 "C: MAIL FROM:<a@me.test>\n"
	 "S: 250 ok\n"
	 "C: RCPT TO:<x@y.test>\n",
	 ONE, .tls = SMTP_CLIENT_TLS_MAY},
	{"a limit that was named before TLS only",
	 "S: 220 mx\n"
	 "C: EHLO me.test\n"
	 "S: 250-mx\n"
	 "S: 250-LIMITS RCPTMAX=1\n"
	 "S: 250 STARTTLS\n"
	 "C: STARTTLS\n"
	 "S: 220 go\n"
	 "E: tls\n"
	 "!tls-ok\n"
	 "C: EHLO me.test\n"
	 "S: 250-mx\n"
	 "S: 250 PIPELINING\n"
	 "E: ready\n"
	 "C: MAIL FROM:<a@me.test>\n"
	 "C: RCPT TO:<1@y.test>\n"
	 "C: RCPT TO:<2@y.test>\n"
	 "C: DATA\n",
	 TWO, .tls = SMTP_CLIENT_TLS_MAY},
	{"a limit that is named after TLS only",
	 "S: 220 mx\n"
	 "C: EHLO me.test\n"
	 "S: 250-mx\n"
	 "S: 250 STARTTLS\n"
	 "C: STARTTLS\n"
	 "S: 220 go\n"
	 "E: tls\n"
	 "!tls-ok\n"
	 "C: EHLO me.test\n"
	 "S: 250-mx\n"
	 "S: 250-PIPELINING\n"
	 "S: 250 LIMITS RCPTMAX=1\n"
	 "E: ready\n"
	 "C: MAIL FROM:<a@me.test>\n"
	 "C: RCPT TO:<1@y.test>\n"
	 "C: DATA\n",
	 TWO, .tls = SMTP_CLIENT_TLS_MAY},
	{"STARTTLS is not wanted",
	 "S: 220 mx\n"
	 "C: EHLO me.test\n"
	 "S: 250-mx\n"
	 "S: 250 STARTTLS\n"
	 "E: ready\n",
	 .tls = SMTP_CLIENT_TLS_NEVER},
	{"STARTTLS refused, may",
	 "S: 220 mx\n"
	 "C: EHLO me.test\n"
	 "S: 250-mx\n"
	 "S: 250 STARTTLS\n"
	 "C: STARTTLS\n"
	 "S: 454 4.7.0 not now\n"
	 "E: ready\n"
	 "C: MAIL FROM:<a@me.test>\n",
	 ONE, .tls = SMTP_CLIENT_TLS_MAY},
	{"STARTTLS refused, must",
	 "S: 220 mx\n"
	 "C: EHLO me.test\n"
	 "S: 250-mx\n"
	 "S: 250 STARTTLS\n"
	 "C: STARTTLS\n"
	 "S: 454 4.7.0 not now\n"
	 "E: finished 0 1\n"
	 "E: closed tls reply 454\n"
	 "C: QUIT\n",
	 ONE, .tls = SMTP_CLIENT_TLS_MUST},
	{"STARTTLS not offered, must",
	 "S: 220 mx\n"
	 "C: EHLO me.test\n"
	 "S: 250 mx\n"
	 "E: finished 0 1\n"
	 "E: closed tls no-tls 0\n",
	 ONE, .tls = SMTP_CLIENT_TLS_MUST},
	{"no HELO where TLS must be",
	 "S: 220 mx\n"
	 "C: EHLO me.test\n"
	 "S: 500 what\n"
	 "E: closed hello reply 500\n"
	 "C: QUIT\n",
	 .tls = SMTP_CLIENT_TLS_MUST},
	{"handshake fails",
	 "S: 220 mx\n"
	 "C: EHLO me.test\n"
	 "S: 250-mx\n"
	 "S: 250 STARTTLS\n"
	 "C: STARTTLS\n"
	 "S: 220 go\n"
	 "E: tls\n"
	 "!tls-failed\n"
	 "E: finished 0 1\n"
	 "E: closed tls handshake 0\n",
	 ONE, .tls = SMTP_CLIENT_TLS_MAY},
	{"lost while shaking hands",
	 "S: 220 mx\n"
	 "C: EHLO me.test\n"
	 "S: 250-mx\n"
	 "S: 250 STARTTLS\n"
	 "C: STARTTLS\n"
	 "S: 220 go\n"
	 "E: tls\n"
	 "!lost\n"
	 "E: closed tls lost 0\n",
	 .tls = SMTP_CLIENT_TLS_MAY},
	{"PLAIN inside TLS, AUTH= passed on",
	 "S: 220 mx\n"
	 "C: EHLO me.test\n"
	 "S: 250-mx\n"
	 "S: 250 STARTTLS\n"
	 "C: STARTTLS\n"
	 "S: 220 go\n"
	 "E: tls\n"
	 "!tls-ok\n"
	 "C: EHLO me.test\n"
	 "S: 250-mx\n"
	 "S: 250 AUTH PLAIN LOGIN\n"
	 "C: AUTH PLAIN AGZyYW5rAHNlY3JldA==\n"
	 "S: 235 2.7.0 welcome\n"
	 "E: ready\n"
	 "C: MAIL FROM:<a@me.test> AUTH=<>\n",
	 .submit_count = 1, .jobs = {{.sender = "a@me.test", .rcpts = "x@y.test", .auth = "<>"}},
	 .login = "frank", .password = "secret", .tls = SMTP_CLIENT_TLS_MAY},
	{"LOGIN",
	 "S: 220 mx\n"
	 "C: EHLO me.test\n"
	 "S: 250-mx\n"
	 "S: 250 AUTH LOGIN\n"
	 "C: AUTH LOGIN\n"
	 "S: 334 VXNlcm5hbWU6\n"
	 "C: ZnJhbms=\n"
	 "S: 334 UGFzc3dvcmQ6\n"
	 "C: c2VjcmV0\n"
	 "S: 235 welcome\n"
	 "E: ready\n",
	 .login = "frank", .password = "secret", .login_plain = true},
	{"login refused",
	 "S: 220 mx\n"
	 "C: EHLO me.test\n"
	 "S: 250-mx\n"
	 "S: 250 AUTH PLAIN\n"
	 "C: AUTH PLAIN AGZyYW5rAHNlY3JldA==\n"
	 "S: 535 5.7.8 wrong\n"
	 "E: finished 0 1\n"
	 "E: closed login reply 535\n"
	 "C: QUIT\n",
	 ONE, .login = "frank", .password = "secret", .login_plain = true},
	{"no password in the clear",
	 "S: 220 mx\n"
	 "C: EHLO me.test\n"
	 "S: 250-mx\n"
	 "S: 250 AUTH PLAIN\n"
	 "E: closed login no-login 0\n",
	 .login = "frank", .password = "secret"},
	{"no mechanism that we have",
	 "S: 220 mx\n"
	 "C: EHLO me.test\n"
	 "S: 250-mx\n"
	 "S: 250 AUTH GSSAPI\n"
	 "E: closed login no-login 0\n",
	 .login = "frank", .password = "secret", .login_plain = true},
	{"quit before ready", "S: 220 mx\n"
			      "C: EHLO me.test\n"
			      "!quit\n"
			      "E: closed hello done 0\n"},
	{"idle: closed with words", "S: 220 mx\n"
				    "C: EHLO me.test\n"
				    "S: 250 mx\n"
				    "E: ready\n"
				    "S: 421 4.4.2 idle too long\n"
				    "E: closed sender reply 421\n"},
	{"idle: closed without", "S: 220 mx\n"
				 "C: EHLO me.test\n"
				 "S: 250 mx\n"
				 "E: ready\n"
				 "!lost\n"
				 "E: closed sender lost 0\n"},
	{"idle: confused", "S: 220 mx\n"
			   "C: EHLO me.test\n"
			   "S: 250 mx\n"
			   "E: ready\n"
			   "S: 250 ok\n"
			   "E: closed sender protocol 250\n"},
	{"quit, closed without a word", "S: 220 mx\n"
					"C: EHLO me.test\n"
					"S: 250 mx\n"
					"E: ready\n"
					"!quit\n"
					"C: QUIT\n"
					"!lost\n"
					"E: closed quit done 0\n"},
};

TEST(dialogues)
{
	script_check_all(scripts, sizeof(scripts) / sizeof(scripts[0]));
}

/* Each stage has its limit, counted from the last thing that moved. */
TEST(deadlines)
{
	static const struct script script = {"", "", ONE};
	static struct script_run run;

	script_begin(&run, &script, NULL);
	run.options.limit_ms[SMTP_CLIENT_STAGE_GREETING] = 11;
	run.options.limit_ms[SMTP_CLIENT_STAGE_HELLO] = 22;
	run.options.limit_ms[SMTP_CLIENT_STAGE_SENDER] = 33;
	run.options.limit_ms[SMTP_CLIENT_STAGE_RECIPIENT] = 44;
	run.options.limit_ms[SMTP_CLIENT_STAGE_DATA] = 55;
	run.options.limit_ms[SMTP_CLIENT_STAGE_FINAL] = 66;
	assert_int_equal(smtp_client_deadline(&run.client), 1011);
	run.now_ms = 2000;
	script_feed(&run, SLICE("220 mx\r\n"));
	assert_int_equal(smtp_client_deadline(&run.client), 2022);
	run.now_ms = 2500;
	script_feed(&run, SLICE("250-half"));
	assert_int_equal(smtp_client_deadline(&run.client), 2022);
	run.now_ms = 3000;
	script_feed(&run, SLICE("\r\n250 mx\r\n"));
	assert_int_equal(smtp_client_deadline(&run.client), 3033);
	run.now_ms = 4000;
	script_feed(&run, SLICE("250 ok\r\n"));
	assert_int_equal(smtp_client_deadline(&run.client), 4044);
	run.now_ms = 5000;
	script_feed(&run, SLICE("250 ok\r\n"));
	assert_int_equal(smtp_client_deadline(&run.client), 5055);
	run.now_ms = 6000;
	script_feed(&run, SLICE("354 ok\r\n"));
	assert_int_equal(smtp_client_deadline(&run.client), 6066);
	run.now_ms = 7000;
	script_feed(&run, SLICE("250 ok\r\n"));
	assert_int_equal(run.client.job_count, 0);
	assert_int_equal(smtp_client_deadline(&run.client), SMTP_CLIENT_NEVER);
}

/* The final reply has its ten minutes however often more is sent meanwhile. */
TEST(final_deadline)
{
	static const struct script script = {
		"", "", .submit_count = 1,
		.jobs = {{.sender = "a@me.test", .rcpts = "x@y.test"},
			 {.sender = "b@me.test", .rcpts = "x@y.test"}}};
	static struct script_run run;

	script_begin(&run, &script, NULL);
	run.options.limit_ms[SMTP_CLIENT_STAGE_SENDER] = 33;
	run.options.limit_ms[SMTP_CLIENT_STAGE_FINAL] = 66;
	script_feed(&run, SLICE("220 mx\r\n250-mx\r\n250 PIPELINING\r\n"));
	run.now_ms = 2000;
	script_feed(&run, SLICE("250 ok\r\n250 ok\r\n354 ok\r\n"));
	assert_int_equal(smtp_client_deadline(&run.client), 2066);
	run.now_ms = 2060;
	script_act(&run, SLICE("job"));
	assert_int_equal(run.jobs[1].begin_ms, 2060); /* its envelope is out */
	assert_int_equal(smtp_client_deadline(&run.client), 2066);
	run.now_ms = 2065;
	script_feed(&run, SLICE("250 ok\r\n"));
	assert_int_equal(smtp_client_deadline(&run.client), 2098);
}

/* What is offered counts, however much is said before it: more than is kept to be shown. */
TEST(caps_behind_much_text)
{
	static const struct script script = {"", ""};
	static struct script_run run;
	static uint8_t reply[16384];
	struct builder b;

	builder_init_fixed(&b, reply, sizeof(reply));
	builder_str(&b, "250-mx\r\n");
	while (b.len < 8000)
		builder_str(&b, "250-XWORDS that nobody needs to know\r\n");
	builder_str(&b, "250-8BITMIME\r\n250-X\r\n250 SIZE 1000\r\n");
	script_begin(&run, &script, NULL);
	script_feed(&run, SLICE("220-mx\r\n220 DSN\r\n"));
	script_feed(&run, builder_slice(&b));
	assert_true(run.client.caps.eight_bit);
	assert_int_equal(run.client.caps.size_max, 1000);
	assert_false(run.client.caps.dsn);
}

/* Of a refused EHLO nothing is believed. */
TEST(caps_of_a_refusal)
{
	static const struct script script = {"", ""};
	static struct script_run run;

	script_begin(&run, &script, NULL);
	script_feed(&run, SLICE("220 mx\r\n"));
	script_feed(&run, SLICE("250-mx\r\n250-8BITMIME\r\n500 no\r\n"));
	script_feed(&run, SLICE("250 mx\r\n"));
	assert_true(run.client.ready_told);
	assert_false(run.client.caps.eight_bit);
}

/* A password does not stay in the buffer once it is sent. */
TEST(login_is_wiped)
{
	static const struct script script = {"", "", .login = "frank", .password = "secret",
					     .login_plain = true};
	static struct script_run run;
	struct slice buffer;

	script_begin(&run, &script, NULL);
	script_feed(&run, SLICE("220 mx\r\n"));
	script_feed(&run, SLICE("250-mx\r\n250 AUTH PLAIN\r\n"));
	buffer = slice_of(run.client.out, sizeof(run.client.out));
	assert_int_equal(slice_find(builder_slice(&run.log), SLICE("AUTH PLAIN ")) <
				 builder_slice(&run.log).len,
			 1);
	assert_int_equal(slice_find(buffer, SLICE("AGZy")), buffer.len);
}

/* A peer that reads nothing leaves no room for QUIT: then the connection ends without. */
TEST(quit_without_room)
{
	static const struct script script = {.name = "", .lines = ""};
	static struct script_run run;
	struct smtp_client_event event;

	script_begin(&run, &script, NULL);
	script_feed(&run, SLICE("220 mx\r\n"));
	script_feed(&run, SLICE("250 mx\r\n"));
	run.client.out_len = SMTP_CLIENT_OUTPUT_MAX - 1;
	smtp_client_quit(&run.client, run.now_ms);
	run.client.out_len = 0;
	assert_int_equal(smtp_client_next(&run.client, &event), SMTP_CLIENT_CLOSED);
	assert_int_equal(event.stage, SMTP_CLIENT_STAGE_QUIT);
}

TESTS(TEST_ROW(dialogues), TEST_ROW(quit_without_room), TEST_ROW(caps_behind_much_text),
      TEST_ROW(caps_of_a_refusal), TEST_ROW(deadlines), TEST_ROW(final_deadline),
      TEST_ROW(login_is_wiped))
