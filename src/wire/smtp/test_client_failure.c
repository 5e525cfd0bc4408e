/*
 * smtp client: what goes wrong in the middle of transactions: lost and silent connections, 421,
 * replies out of place. Who shares the fate of the session and who comes back unharmed.
 */
#include "wire/smtp/test_client_script.h"

static const struct script scripts[] = {
	{"lost at MAIL",
	 SCRIPT_PIPELINING "C: MAIL FROM:<a@me.test>\n"
			   "C: RCPT TO:<x@y.test>\n"
			   "C: DATA\n"
			   "!lost\n"
			   "E: result 0 0 sender lost 0 0.0.0\n"
			   "E: finished 0 0\n"
			   "E: closed sender lost 0\n",
	 .submit_count = 1, .jobs = {{.sender = "a@me.test", .rcpts = "x@y.test"}}},
	{"lost at RCPT",
	 SCRIPT_PIPELINING "C: MAIL FROM:<a@me.test>\n"
			   "C: RCPT TO:<x@y.test>\n"
			   "C: RCPT TO:<z@y.test>\n"
			   "C: DATA\n"
			   "S: 250 ok\n"
			   "S: 550 5.1.1 no\n"
			   "E: result 0 0 recipient reply 550 5.1.1\n"
			   "!lost\n"
			   "E: result 0 1 recipient lost 0 0.0.0\n"
			   "E: finished 0 0\n"
			   "E: closed recipient lost 0\n",
	 .submit_count = 1, .jobs = {{.sender = "a@me.test", .rcpts = "x@y.test z@y.test"}}},
	{"lost at DATA",
	 SCRIPT_PIPELINING "C: MAIL FROM:<a@me.test>\n"
			   "C: RCPT TO:<x@y.test>\n"
			   "C: DATA\n"
			   "S: 250 ok\n"
			   "S: 250 ok\n"
			   "!lost\n"
			   "E: result 0 0 data lost 0 0.0.0\n"
			   "E: finished 0 0\n"
			   "E: closed data lost 0\n",
	 .submit_count = 1, .jobs = {{.sender = "a@me.test", .rcpts = "x@y.test"}}},
	{"lost after the dot: nobody knows; the next one has done nothing",
	 SCRIPT_CONTENT_OUT "C: MAIL FROM:<b@me.test>\n"
			    "C: RCPT TO:<q@y.test>\n"
			    "C: DATA\n"
			    "!lost\n"
			    "E: result 0 0 final lost 0 0.0.0\n"
			    "E: finished 0 0\n"
			    "E: finished 1 1\n"
			    "E: closed final lost 0\n",
	 .submit_count = 2,
	 .jobs = {{.sender = "a@me.test", .rcpts = "x@y.test"},
		  {.sender = "b@me.test", .rcpts = "q@y.test"}}},
	{"silent after the dot",
	 SCRIPT_CONTENT_OUT "!timeout\n"
			    "E: result 0 0 final timeout 0 0.0.0\n"
			    "E: finished 0 0\n"
			    "E: closed final timeout 0\n",
	 .submit_count = 1, .jobs = {{.sender = "a@me.test", .rcpts = "x@y.test"}}},
	{"a kept connection turns out to be gone",
	 SCRIPT_CONTENT_OUT "S: 250 queued\n"
			    "E: result 0 0 final reply 250 2.0.0\n"
			    "E: finished 0 0\n"
			    "!job\n"
			    "C: MAIL FROM:<b@me.test>\n"
			    "C: RCPT TO:<q@y.test>\n"
			    "C: DATA\n"
			    "!lost\n"
			    "E: finished 1 1\n"
			    "E: closed sender lost 0\n",
	 .submit_count = 1,
	 .jobs = {{.sender = "a@me.test", .rcpts = "x@y.test"},
		  {.sender = "b@me.test", .rcpts = "q@y.test"}}},
	{"a kept connection says 421",
	 SCRIPT_CONTENT_OUT "S: 250 queued\n"
			    "E: result 0 0 final reply 250 2.0.0\n"
			    "E: finished 0 0\n"
			    "!job\n"
			    "C: MAIL FROM:<b@me.test>\n"
			    "C: RCPT TO:<q@y.test>\n"
			    "C: DATA\n"
			    "S: 421 4.4.2 too long\n"
			    "E: finished 1 1\n"
			    "E: closed sender reply 421\n",
	 .submit_count = 1,
	 .jobs = {{.sender = "a@me.test", .rcpts = "x@y.test"},
		  {.sender = "b@me.test", .rcpts = "q@y.test"}}},
	{"421 at MAIL",
	 SCRIPT_PIPELINING "C: MAIL FROM:<a@me.test>\n"
			   "C: RCPT TO:<x@y.test>\n"
			   "C: DATA\n"
			   "S: 421 4.3.2 going down\n"
			   "E: result 0 0 sender reply 421 4.3.2\n"
			   "E: finished 0 0\n"
			   "E: finished 1 1\n"
			   "E: closed sender reply 421\n",
	 .submit_count = 2,
	 .jobs = {{.sender = "a@me.test", .rcpts = "x@y.test"},
		  {.sender = "b@me.test", .rcpts = "q@y.test"}}},
	{"421 at RCPT",
	 "S: 220 mx\n"
	 "C: EHLO me.test\n"
	 "S: 250 mx\n"
	 "E: ready\n"
	 "C: MAIL FROM:<a@me.test>\n"
	 "S: 250 ok\n"
	 "C: RCPT TO:<x@y.test>\n"
	 "S: 250 ok\n"
	 "C: RCPT TO:<z@y.test>\n"
	 "S: 421 4.3.2 going down\n"
	 "E: result 0 0 recipient reply 421 4.3.2\n"
	 "E: result 0 1 recipient reply 421 4.3.2\n"
	 "E: finished 0 0\n"
	 "E: closed recipient reply 421\n",
	 .submit_count = 1, .jobs = {{.sender = "a@me.test", .rcpts = "x@y.test z@y.test"}}},
	{"421 after the dot is an answer",
	 SCRIPT_CONTENT_OUT "S: 421 4.3.2 going down\n"
			    "E: result 0 0 final reply 421 4.3.2\n"
			    "E: finished 0 0\n"
			    "E: closed final reply 421\n",
	 .submit_count = 1, .jobs = {{.sender = "a@me.test", .rcpts = "x@y.test"}}},
	{"250 instead of 354",
	 SCRIPT_PIPELINING "C: MAIL FROM:<a@me.test>\n"
			   "C: RCPT TO:<x@y.test>\n"
			   "C: DATA\n"
			   "S: 250 ok\n"
			   "S: 250 ok\n"
			   "S: 250 ok\n"
			   "E: result 0 0 data protocol 250 2.0.0\n"
			   "E: finished 0 0\n"
			   "E: closed data protocol 250\n",
	 .submit_count = 1, .jobs = {{.sender = "a@me.test", .rcpts = "x@y.test"}}},
	{"354 to MAIL",
	 "S: 220 mx\n"
	 "C: EHLO me.test\n"
	 "S: 250 mx\n"
	 "E: ready\n"
	 "C: MAIL FROM:<a@me.test>\n"
	 "S: 354 go\n"
	 "E: result 0 0 sender protocol 354 3.0.0\n"
	 "E: finished 0 0\n"
	 "E: closed sender protocol 354\n",
	 .submit_count = 1, .jobs = {{.sender = "a@me.test", .rcpts = "x@y.test"}}},
	{"garbage at RCPT",
	 "S: 220 mx\n"
	 "C: EHLO me.test\n"
	 "S: 250 mx\n"
	 "E: ready\n"
	 "C: MAIL FROM:<a@me.test>\n"
	 "S: 250 ok\n"
	 "C: RCPT TO:<x@y.test>\n"
	 "S: what?\n"
	 "E: result 0 0 recipient protocol 0 0.0.0\n"
	 "E: finished 0 0\n"
	 "E: closed recipient protocol 0\n",
	 .submit_count = 1, .jobs = {{.sender = "a@me.test", .rcpts = "x@y.test"}}},
	{"a reply too many",
	 "S: 220 mx\n"
	 "C: EHLO me.test\n"
	 "S: 250 mx\n"
	 "E: ready\n"
	 "C: MAIL FROM:<a@me.test>\n"
	 "S: 250 ok\n"
	 "S: 250 ok\n"
	 "S: 250 ok\n"
	 "C: RCPT TO:<x@y.test>\n"
	 "C: DATA\n"
	 "E: result 0 0 data protocol 250 2.0.0\n"
	 "E: finished 0 0\n"
	 "E: closed data protocol 250\n",
	 .submit_count = 1, .jobs = {{.sender = "a@me.test", .rcpts = "x@y.test"}}},
	{"RSET refused",
	 "S: 220 mx\n"
	 "C: EHLO me.test\n"
	 "S: 250 mx\n"
	 "E: ready\n"
	 "C: MAIL FROM:<a@me.test>\n"
	 "S: 250 ok\n"
	 "C: RCPT TO:<x@y.test>\n"
	 "S: 550 no\n"
	 "E: result 0 0 recipient reply 550 5.0.0\n"
	 "E: finished 0 0\n"
	 "C: RSET\n"
	 "S: 500 what\n"
	 "E: result 1 0 sender protocol 500 5.0.0\n"
	 "E: finished 1 0\n"
	 "E: closed sender protocol 500\n",
	 .submit_count = 2,
	 .jobs = {{.sender = "a@me.test", .rcpts = "x@y.test"},
		  {.sender = "b@me.test", .rcpts = "q@y.test"}}},
	{"a final reply to what has not been sent is none",
	 SCRIPT_CONTENT_OUT "S: 250 2.0.0 queued\n"
			    "E: result 0 0 data protocol 250 2.0.0\n"
			    "E: finished 0 0\n"
			    "E: closed data protocol 250\n",
	 .hold = true, .submit_count = 1, .jobs = {{.sender = "a@me.test", .rcpts = "x@y.test"}}},
	{"but a refusal is one",
	 SCRIPT_CONTENT_OUT "S: 552 5.3.4 too big\n"
			    "E: result 0 0 data reply 552 5.3.4\n"
			    "E: finished 0 0\n"
			    "E: closed data reply 552\n",
	 .hold = true, .submit_count = 1, .jobs = {{.sender = "a@me.test", .rcpts = "x@y.test"}}},
	{"and only of those who were taken",
	 SCRIPT_PIPELINING "C: MAIL FROM:<a@me.test>\n"
			   "C: RCPT TO:<x@y.test>\n"
			   "C: RCPT TO:<z@y.test>\n"
			   "C: DATA\n"
			   "S: 250 ok\n"
			   "S: 250 ok\n"
			   "S: 452 4.5.3 enough\n"
			   "S: 354 go\n"
			   "C: =0=\n"
			   "S: 554 5.7.1 spam\n"
			   "E: result 0 0 data reply 554 5.7.1\n"
			   "E: finished 0 1\n"
			   "E: closed data reply 554\n",
	 .hold = true, .submit_count = 1,
	 .jobs = {{.sender = "a@me.test", .rcpts = "x@y.test z@y.test"}}},
	{"nor of those who were not offered yet",
	 "S: 220 mx\n"
	 "C: EHLO me.test\n"
	 "S: 250-mx\n"
	 "S: 250-PIPELINING\n"
	 "S: 250 LIMITS RCPTMAX=1\n"
	 "E: ready\n"
	 "C: MAIL FROM:<a@me.test>\n"
	 "C: RCPT TO:<x@y.test>\n"
	 "C: DATA\n"
	 "S: 250 ok\n"
	 "S: 250 ok\n"
	 "S: 354 go\n"
	 "C: =0=\n"
	 "S: 554 5.7.1 spam\n"
	 "E: result 0 0 data reply 554 5.7.1\n"
	 "E: finished 0 1\n"
	 "E: closed data reply 554\n",
	 .hold = true, .submit_count = 1,
	 .jobs = {{.sender = "a@me.test", .rcpts = "x@y.test z@y.test"}}},
	{"a refusal at DATA, too: who was put off has another transaction",
	 SCRIPT_PIPELINING "C: MAIL FROM:<a@me.test>\n"
			   "C: RCPT TO:<x@y.test>\n"
			   "C: RCPT TO:<z@y.test>\n"
			   "C: DATA\n"
			   "S: 250 ok\n"
			   "S: 250 ok\n"
			   "S: 452 4.5.3 enough\n"
			   "S: 554 5.7.1 no\n"
			   "E: result 0 0 data reply 554 5.7.1\n"
			   "C: RSET\n"
			   "C: MAIL FROM:<a@me.test>\n"
			   "C: RCPT TO:<z@y.test>\n"
			   "C: DATA\n",
	 .submit_count = 1, .jobs = {{.sender = "a@me.test", .rcpts = "x@y.test z@y.test"}}},
	{"421 at DATA: who was put off comes back",
	 SCRIPT_PIPELINING "C: MAIL FROM:<a@me.test>\n"
			   "C: RCPT TO:<x@y.test>\n"
			   "C: RCPT TO:<z@y.test>\n"
			   "C: DATA\n"
			   "S: 250 ok\n"
			   "S: 250 ok\n"
			   "S: 452 4.5.3 enough\n"
			   "S: 421 4.3.2 going down\n"
			   "E: result 0 0 data reply 421 4.3.2\n"
			   "E: finished 0 1\n"
			   "E: closed data reply 421\n",
	 .submit_count = 1, .jobs = {{.sender = "a@me.test", .rcpts = "x@y.test z@y.test"}}},
	{"421 at DATA with nobody taken: who was not offered comes back",
	 "S: 220 mx\n"
	 "C: EHLO me.test\n"
	 "S: 250-mx\n"
	 "S: 250-PIPELINING\n"
	 "S: 250 LIMITS RCPTMAX=1\n"
	 "E: ready\n"
	 "C: MAIL FROM:<a@me.test>\n"
	 "C: RCPT TO:<x@y.test>\n"
	 "C: DATA\n"
	 "S: 250 ok\n"
	 "S: 550 5.1.1 no\n"
	 "E: result 0 0 recipient reply 550 5.1.1\n"
	 "S: 421 4.3.2 going down\n"
	 "E: finished 0 1\n"
	 "E: closed data reply 421\n",
	 .submit_count = 1, .jobs = {{.sender = "a@me.test", .rcpts = "x@y.test z@y.test"}}},
	{"lost after the dot: who was put off comes back",
	 SCRIPT_PIPELINING "C: MAIL FROM:<a@me.test>\n"
			   "C: RCPT TO:<x@y.test>\n"
			   "C: RCPT TO:<z@y.test>\n"
			   "C: DATA\n"
			   "S: 250 ok\n"
			   "S: 250 ok\n"
			   "S: 452 4.5.3 enough\n"
			   "S: 354 go\n"
			   "C: =0=\n"
			   "!lost\n"
			   "E: result 0 0 final lost 0 0.0.0\n"
			   "E: finished 0 1\n"
			   "E: closed final lost 0\n",
	 .submit_count = 1, .jobs = {{.sender = "a@me.test", .rcpts = "x@y.test z@y.test"}}},
	{"lost while the content goes out",
	 SCRIPT_CONTENT_OUT "!lost\n"
			    "E: result 0 0 data lost 0 0.0.0\n"
			    "E: finished 0 0\n"
			    "E: closed data lost 0\n",
	 .hold = true, .submit_count = 1, .jobs = {{.sender = "a@me.test", .rcpts = "x@y.test"}}},
	{"all out, then the reply",
	 SCRIPT_CONTENT_OUT "!out\n"
			    "S: 250 2.0.0 queued\n"
			    "E: result 0 0 final reply 250 2.0.0\n"
			    "E: finished 0 0\n",
	 .hold = true, .submit_count = 1, .jobs = {{.sender = "a@me.test", .rcpts = "x@y.test"}}},
};

TEST(dialogues)
{
	script_check_all(scripts, sizeof(scripts) / sizeof(scripts[0]));
}

TESTS(TEST_ROW(dialogues))
