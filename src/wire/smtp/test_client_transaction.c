/*
 * smtp client: transactions. What a peer may answer to the envelope and the content, what is never
 * sent to it, and what becomes of each recipient.
 */
#include "wire/smtp/test_client_script.h"

static const struct script scripts[] = {
	{"pipelined envelope",
	 SCRIPT_PIPELINING "C: MAIL FROM:<a@me.test>\n"
			   "C: RCPT TO:<x@y.test>\n"
			   "C: RCPT TO:<z@y.test>\n"
			   "C: DATA\n"
			   "S: 250 ok\n"
			   "S: 250 ok\n"
			   "S: 250 ok\n"
			   "S: 354 go\n"
			   "C: =0=\n"
			   "S: 250 2.0.0 queued\n"
			   "E: result 0 0 final reply 250 2.0.0\n"
			   "E: result 0 1 final reply 250 2.0.0\n"
			   "E: finished 0 0\n",
	 .submit_count = 1, .jobs = {{.sender = "a@me.test", .rcpts = "x@y.test z@y.test"}}},
	{"next envelope behind the body",
	 SCRIPT_CONTENT_OUT "C: MAIL FROM:<b@me.test>\n"
			    "C: RCPT TO:<q@y.test>\n"
			    "C: DATA\n"
			    "S: 250 queued\n"
			    "E: result 0 0 final reply 250 2.0.0\n"
			    "E: finished 0 0\n"
			    "S: 250 ok\n"
			    "S: 250 ok\n"
			    "S: 354 go\n"
			    "C: =1=\n"
			    "S: 451 4.3.0 later\n"
			    "E: result 1 0 final reply 451 4.3.0\n"
			    "E: finished 1 0\n",
	 .submit_count = 2,
	 .jobs = {{.sender = "a@me.test", .rcpts = "x@y.test"},
		  {.sender = "b@me.test", .rcpts = "q@y.test"}}},
	{"a job that comes while the final reply is awaited",
	 SCRIPT_CONTENT_OUT "!job\n"
			    "C: MAIL FROM:<b@me.test>\n"
			    "C: RCPT TO:<q@y.test>\n"
			    "C: DATA\n"
			    "S: 250 queued\n"
			    "S: 250 ok\n"
			    "S: 250 ok\n"
			    "S: 354 go\n"
			    "E: result 0 0 final reply 250 2.0.0\n"
			    "E: finished 0 0\n"
			    "C: =1=\n",
	 .submit_count = 1,
	 .jobs = {{.sender = "a@me.test", .rcpts = "x@y.test"},
		  {.sender = "b@me.test", .rcpts = "q@y.test"}}},
	{"a third envelope waits for the first's end, not the second's",
	 SCRIPT_CONTENT_OUT "C: MAIL FROM:<b@me.test>\n"
			    "C: RCPT TO:<q@y.test>\n"
			    "C: DATA\n"
			    "S: 250 queued\n"
			    "S: 250 ok\n"
			    "S: 250 ok\n"
			    "S: 354 go\n"
			    "E: result 0 0 final reply 250 2.0.0\n"
			    "E: finished 0 0\n"
			    "C: =1=\n"
			    "C: MAIL FROM:<c@me.test>\n"
			    "C: RCPT TO:<r@y.test>\n"
			    "C: DATA\n",
	 .submit_count = 3,
	 .jobs = {{.sender = "a@me.test", .rcpts = "x@y.test"},
		  {.sender = "b@me.test", .rcpts = "q@y.test"},
		  {.sender = "c@me.test", .rcpts = "r@y.test"}}},
	{"no pipelining: one at a time, no DATA without recipients, RSET before the next",
	 "S: 220 mx\n"
	 "C: EHLO me.test\n"
	 "S: 250 mx\n"
	 "E: ready\n"
	 "C: MAIL FROM:<a@me.test>\n"
	 "S: 250 ok\n"
	 "C: RCPT TO:<x@y.test>\n"
	 "S: 550 5.1.1 no\n"
	 "E: result 0 0 recipient reply 550 5.1.1\n"
	 "C: RCPT TO:<z@y.test>\n"
	 "S: 450 4.2.1 busy\n"
	 "E: result 0 1 recipient reply 450 4.2.1\n"
	 "E: finished 0 0\n"
	 "!job\n"
	 "C: RSET\n"
	 "S: 250 ok\n"
	 "C: MAIL FROM:<b@me.test>\n"
	 "S: 250 ok\n"
	 "C: RCPT TO:<q@y.test>\n",
	 .submit_count = 1,
	 .jobs = {{.sender = "a@me.test", .rcpts = "x@y.test z@y.test"},
		  {.sender = "b@me.test", .rcpts = "q@y.test"}}},
	{"some recipients refused",
	 SCRIPT_PIPELINING "C: MAIL FROM:<a@me.test>\n"
			   "C: RCPT TO:<x@y.test>\n"
			   "C: RCPT TO:<z@y.test>\n"
			   "C: DATA\n"
			   "S: 250 ok\n"
			   "S: 550 5.1.1 no\n"
			   "S: 250 ok\n"
			   "S: 354 go\n"
			   "E: result 0 0 recipient reply 550 5.1.1\n"
			   "C: =0=\n"
			   "S: 250 queued\n"
			   "E: result 0 1 final reply 250 2.0.0\n"
			   "E: finished 0 0\n",
	 .submit_count = 1, .jobs = {{.sender = "a@me.test", .rcpts = "x@y.test z@y.test"}}},
	{"all refused, DATA refused",
	 SCRIPT_PIPELINING "C: MAIL FROM:<a@me.test>\n"
			   "C: RCPT TO:<x@y.test>\n"
			   "C: DATA\n"
			   "S: 250 ok\n"
			   "S: 550 5.1.1 no\n"
			   "S: 554 5.5.1 no recipients\n"
			   "E: result 0 0 recipient reply 550 5.1.1\n"
			   "E: finished 0 0\n"
			   "C: RSET\n"
			   "C: MAIL FROM:<b@me.test>\n"
			   "C: RCPT TO:<q@y.test>\n"
			   "C: DATA\n"
			   "S: 250 ok\n"
			   "S: 250 ok\n"
			   "S: 250 ok\n"
			   "S: 354 go\n"
			   "C: =1=\n",
	 .submit_count = 2,
	 .jobs = {{.sender = "a@me.test", .rcpts = "x@y.test"},
		  {.sender = "b@me.test", .rcpts = "q@y.test"}}},
	{"354 though nobody was accepted: a lone dot",
	 SCRIPT_PIPELINING "C: MAIL FROM:<a@me.test>\n"
			   "C: RCPT TO:<x@y.test>\n"
			   "C: DATA\n"
			   "S: 250 ok\n"
			   "S: 550 5.1.1 no\n"
			   "S: 354 go\n"
			   "E: result 0 0 recipient reply 550 5.1.1\n"
			   "C: .\n"
			   "C: MAIL FROM:<b@me.test>\n"
			   "C: RCPT TO:<q@y.test>\n"
			   "C: DATA\n"
			   "S: 554 5.5.1 no valid recipients\n"
			   "E: finished 0 0\n"
			   "S: 250 ok\n"
			   "S: 250 ok\n"
			   "S: 354 go\n"
			   "C: =1=\n",
	 .submit_count = 2,
	 .jobs = {{.sender = "a@me.test", .rcpts = "x@y.test"},
		  {.sender = "b@me.test", .rcpts = "q@y.test"}}},
	{"sender refused, pipelined",
	 SCRIPT_PIPELINING "C: MAIL FROM:<a@me.test>\n"
			   "C: RCPT TO:<x@y.test>\n"
			   "C: RCPT TO:<z@y.test>\n"
			   "C: DATA\n"
			   "S: 550 5.7.1 not you\n"
			   "S: 503 5.5.1 no MAIL\n"
			   "S: 503 5.5.1 no MAIL\n"
			   "S: 503 5.5.1 no RCPT\n"
			   "E: result 0 0 sender reply 550 5.7.1\n"
			   "E: result 0 1 sender reply 550 5.7.1\n"
			   "E: finished 0 0\n"
			   "!job\n"
			   "C: MAIL FROM:<b@me.test>\n"
			   "C: RCPT TO:<q@y.test>\n"
			   "C: DATA\n",
	 .submit_count = 1,
	 .jobs = {{.sender = "a@me.test", .rcpts = "x@y.test z@y.test"},
		  {.sender = "b@me.test", .rcpts = "q@y.test"}}},
	{"sender refused, and still 354",
	 SCRIPT_PIPELINING "C: MAIL FROM:<a@me.test>\n"
			   "C: RCPT TO:<x@y.test>\n"
			   "C: DATA\n"
			   "S: 451 4.3.0 later\n"
			   "S: 250 ok\n"
			   "S: 354 go\n"
			   "E: result 0 0 sender reply 451 4.3.0\n"
			   "C: .\n"
			   "S: 250 ok\n"
			   "E: finished 0 0\n",
	 .submit_count = 1, .jobs = {{.sender = "a@me.test", .rcpts = "x@y.test"}}},
	{"sender refused, not pipelined",
	 "S: 220 mx\n"
	 "C: EHLO me.test\n"
	 "S: 250 mx\n"
	 "E: ready\n"
	 "C: MAIL FROM:<a@me.test>\n"
	 "S: 550 5.7.1 not you\n"
	 "E: result 0 0 sender reply 550 5.7.1\n"
	 "E: finished 0 0\n"
	 "C: MAIL FROM:<b@me.test>\n"
	 "S: 250 ok\n"
	 "C: RCPT TO:<q@y.test>\n",
	 .submit_count = 2,
	 .jobs = {{.sender = "a@me.test", .rcpts = "x@y.test"},
		  {.sender = "b@me.test", .rcpts = "q@y.test"}}},
	{"DATA refused",
	 SCRIPT_PIPELINING "C: MAIL FROM:<a@me.test>\n"
			   "C: RCPT TO:<x@y.test>\n"
			   "C: DATA\n"
			   "S: 250 ok\n"
			   "S: 250 ok\n"
			   "S: 451 4.3.0 later\n"
			   "E: result 0 0 data reply 451 4.3.0\n"
			   "E: finished 0 0\n",
	 .submit_count = 1, .jobs = {{.sender = "a@me.test", .rcpts = "x@y.test"}}},
	{"multi-line refusal with differing codes",
	 "S: 220 mx\n"
	 "C: EHLO me.test\n"
	 "S: 250 mx\n"
	 "E: ready\n"
	 "C: MAIL FROM:<a@me.test>\n"
	 "S: 250 ok\n"
	 "C: RCPT TO:<x@y.test>\n"
	 "S: 450-4.2.1 the first line says later\n"
	 "S: 550 5.1.1 the last line counts\n"
	 "E: result 0 0 recipient reply 550 5.1.1\n"
	 "E: finished 0 0\n",
	 .submit_count = 1, .jobs = {{.sender = "a@me.test", .rcpts = "x@y.test"}}},
	{"odd codes",
	 "S: 220 mx\n"
	 "C: EHLO me.test\n"
	 "S: 250 mx\n"
	 "E: ready\n"
	 "C: MAIL FROM:<a@me.test>\n"
	 "S: 299 fine\n"
	 "C: RCPT TO:<x@y.test>\n"
	 "S: 45 two digits\n"
	 "E: result 0 0 recipient reply 450 4.0.0\n"
	 "C: RCPT TO:<z@y.test>\n"
	 "S: 599 no such code\n"
	 "E: result 0 1 recipient reply 599 5.0.0\n"
	 "E: finished 0 0\n",
	 .submit_count = 1, .jobs = {{.sender = "a@me.test", .rcpts = "x@y.test z@y.test"}}},
	{"all parameters",
	 "S: 220 mx\n"
	 "C: EHLO me.test\n"
	 "S: 250-mx\n"
	 "S: 250-SIZE 100000\n"
	 "S: 250-8BITMIME\n"
	 "S: 250-SMTPUTF8\n"
	 "S: 250 DSN\n"
	 "E: ready\n"
	 "C: MAIL FROM:<a@me.test> SIZE=1234 BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=QQ314159\n"
	 "S: 250 ok\n"
	 "C: RCPT TO:<x@y.test> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;o+2Bx@y.test\n"
	 "S: 250 ok\n"
	 "C: DATA\n",
	 .submit_count = 1,
	 .jobs = {{.sender = "a@me.test",
		   .rcpts = "x@y.test",
		   .envid = "QQ314159",
		   .ret = "HDRS",
		   .auth = "a@me.test",
		   .orcpt = "rfc822;o+2Bx@y.test",
		   .size = 1234,
		   .eight_bit = true,
		   .utf8 = true,
		   .notify = SMTP_CLIENT_NOTIFY_SUCCESS | SMTP_CLIENT_NOTIFY_DELAY}}},
	{"non-ASCII ORCPT only with SMTPUTF8",
	 "S: 220 mx\n"
	 "C: EHLO me.test\n"
	 "S: 250-mx\n"
	 "S: 250-SMTPUTF8\n"
	 "S: 250 DSN\n"
	 "E: ready\n"
	 "C: MAIL FROM:<a@me.test>\n"
	 "S: 250 ok\n"
	 "C: RCPT TO:<x@y.test>\n"
	 "S: 250 ok\n"
	 "C: DATA\n",
	 .submit_count = 1,
	 .jobs = {{.sender = "a@me.test", .rcpts = "x@y.test", .orcpt = "utf-8;\303\266@y.test"}}},
	{"non-ASCII ORCPT with SMTPUTF8",
	 "S: 220 mx\n"
	 "C: EHLO me.test\n"
	 "S: 250-mx\n"
	 "S: 250-SMTPUTF8\n"
	 "S: 250 DSN\n"
	 "E: ready\n"
	 "C: MAIL FROM:<a@me.test> SMTPUTF8\n"
	 "S: 250 ok\n"
	 "C: RCPT TO:<x@y.test> ORCPT=utf-8;\303\266@y.test\n"
	 "S: 250 ok\n"
	 "C: DATA\n",
	 .submit_count = 1,
	 .jobs = {{.sender = "a@me.test",
		   .rcpts = "x@y.test",
		   .orcpt = "utf-8;\303\266@y.test",
		   .utf8 = true}}},
	{"no parameter that is not offered",
	 "S: 220 mx\n"
	 "C: EHLO me.test\n"
	 "S: 250-mx\n"
	 "S: 250 8BITMIME\n"
	 "E: ready\n"
	 "C: MAIL FROM:<> BODY=8BITMIME\n"
	 "S: 250 ok\n"
	 "C: RCPT TO:<x@y.test>\n",
	 .submit_count = 1,
	 .jobs = {{.sender = "",
		   .rcpts = "x@y.test",
		   .envid = "QQ314159",
		   .ret = "HDRS",
		   .auth = "a@me.test",
		   .orcpt = "rfc822;o@y.test",
		   .size = 1234,
		   .eight_bit = true,
		   .notify = SMTP_CLIENT_NOTIFY_NEVER}}},
	{"parameters that break out are left out",
	 "S: 220 mx\n"
	 "C: EHLO me.test\n"
	 "S: 250-mx\n"
	 "S: 250 DSN\n"
	 "E: ready\n"
	 "C: MAIL FROM:<a@me.test>\n"
	 "S: 250 ok\n"
	 "C: RCPT TO:<x@y.test> NOTIFY=NEVER\n",
	 .submit_count = 1,
	 .jobs = {{.sender = "a@me.test",
		   .rcpts = "x@y.test",
		   .envid = "a b",
		   .ret = "FULL\r\nRSET",
		   .orcpt = "rfc822;o@y.test\r\nDATA",
		   .notify = SMTP_CLIENT_NOTIFY_NEVER | SMTP_CLIENT_NOTIFY_DELAY}}},
	{"8-bit to a peer without 8BITMIME",
	 SCRIPT_PIPELINING "E: result 0 0 sender eight-bit 0 0.0.0\n"
			   "E: finished 0 0\n"
			   "C: MAIL FROM:<b@me.test>\n"
			   "C: RCPT TO:<q@y.test>\n"
			   "C: DATA\n",
	 .submit_count = 2,
	 .jobs = {{.sender = "a@me.test", .rcpts = "x@y.test", .eight_bit = true},
		  {.sender = "b@me.test", .rcpts = "q@y.test"}}},
	{"SMTPUTF8 needed by the header",
	 "S: 220 mx\n"
	 "C: EHLO me.test\n"
	 "S: 250-mx\n"
	 "S: 250 8BITMIME\n"
	 "E: ready\n"
	 "E: result 0 0 sender utf8 0 0.0.0\n"
	 "E: result 0 1 sender utf8 0 0.0.0\n"
	 "E: finished 0 0\n",
	 .submit_count = 1,
	 .jobs = {{.sender = "a@me.test", .rcpts = "x@y.test z@y.test", .utf8 = true}}},
	{"SMTPUTF8 needed by one recipient",
	 "S: 220 mx\n"
	 "C: EHLO me.test\n"
	 "S: 250-mx\n"
	 "S: 250 8BITMIME\n"
	 "E: ready\n"
	 "E: result 0 1 recipient utf8 0 0.0.0\n"
	 "C: MAIL FROM:<a@me.test>\n"
	 "S: 250 ok\n"
	 "C: RCPT TO:<x@y.test>\n"
	 "S: 250 ok\n"
	 "C: DATA\n",
	 .submit_count = 1,
	 .jobs = {{.sender = "a@me.test", .rcpts = "x@y.test j\303\266rg@y.test"}}},
	{"SMTPUTF8 because of an address",
	 "S: 220 mx\n"
	 "C: EHLO me.test\n"
	 "S: 250-mx\n"
	 "S: 250 SMTPUTF8\n"
	 "E: ready\n"
	 "C: MAIL FROM:<a@me.test> SMTPUTF8\n"
	 "S: 250 ok\n"
	 "C: RCPT TO:<j\303\266rg@y.test>\n",
	 .submit_count = 1, .jobs = {{.sender = "a@me.test", .rcpts = "j\303\266rg@y.test"}}},
	{"SMTPUTF8 needed by the sender",
	 "S: 220 mx\n"
	 "C: EHLO me.test\n"
	 "S: 250 mx\n"
	 "E: ready\n"
	 "E: result 0 0 sender utf8 0 0.0.0\n"
	 "E: finished 0 0\n",
	 .submit_count = 1, .jobs = {{.sender = "\303\266@me.test", .rcpts = "x@y.test"}}},
	{"larger than the peer takes",
	 "S: 220 mx\n"
	 "C: EHLO me.test\n"
	 "S: 250-mx\n"
	 "S: 250 SIZE 1000\n"
	 "E: ready\n"
	 "E: result 0 0 sender size 0 0.0.0\n"
	 "E: finished 0 0\n"
	 "C: MAIL FROM:<b@me.test> SIZE=1000\n",
	 .submit_count = 2,
	 .jobs = {{.sender = "a@me.test", .rcpts = "x@y.test", .size = 1001},
		  {.sender = "b@me.test", .rcpts = "q@y.test", .size = 1000}}},
	{"perhaps larger than the peer takes: it decides",
	 "S: 220 mx\n"
	 "C: EHLO me.test\n"
	 "S: 250-mx\n"
	 "S: 250 SIZE 1000\n"
	 "E: ready\n"
	 "C: MAIL FROM:<a@me.test> SIZE=1000\n",
	 .submit_count = 1,
	 .jobs = {{.sender = "a@me.test", .rcpts = "x@y.test", .size = 1300, .size_min = 1000}}},
	{"SIZE without a limit",
	 "S: 220 mx\n"
	 "C: EHLO me.test\n"
	 "S: 250-mx\n"
	 "S: 250 SIZE 0\n"
	 "E: ready\n"
	 "C: MAIL FROM:<a@me.test> SIZE=1300\n",
	 .submit_count = 1,
	 .jobs = {{.sender = "a@me.test", .rcpts = "x@y.test", .size = 1300, .size_min = 1000}}},
	{"addresses that would break out",
	 "S: 220 mx\n"
	 "C: EHLO me.test\n"
	 "S: 250 mx\n"
	 "E: ready\n"
	 "E: result 0 0 recipient address 0 0.0.0\n"
	 "E: result 0 2 recipient address 0 0.0.0\n"
	 "C: MAIL FROM:<a@me.test>\n"
	 "S: 250 ok\n"
	 "C: RCPT TO:<\"a>b\\\\\\\"c\"@y.test>\n",
	 .submit_count = 1,
	 .jobs = {{.sender = "a@me.test",
		   .rcpts = "x@y.test>\r\nDATA \"a>b\\\\\\\"c\"@y.test \"open@y.test"}}},
	{"a sender that would break out",
	 "S: 220 mx\n"
	 "C: EHLO me.test\n"
	 "S: 250 mx\n"
	 "E: ready\n"
	 "E: result 0 0 sender address 0 0.0.0\n"
	 "E: finished 0 0\n",
	 .submit_count = 1, .jobs = {{.sender = "a@me.test> SIZE=1", .rcpts = "x@y.test"}}},
	{"LIMITS RCPTMAX: more transactions",
	 "S: 220 mx\n"
	 "C: EHLO me.test\n"
	 "S: 250-mx\n"
	 "S: 250-PIPELINING\n"
	 "S: 250 LIMITS RCPTMAX=2\n"
	 "E: ready\n"
	 "C: MAIL FROM:<a@me.test>\n"
	 "C: RCPT TO:<1@y.test>\n"
	 "C: RCPT TO:<2@y.test>\n"
	 "C: DATA\n"
	 "S: 250 ok\n"
	 "S: 250 ok\n"
	 "S: 550 5.1.1 no\n"
	 "S: 354 go\n"
	 "E: result 0 1 recipient reply 550 5.1.1\n"
	 "C: =0=\n"
	 "S: 250 queued\n"
	 "E: result 0 0 final reply 250 2.0.0\n"
	 "C: MAIL FROM:<a@me.test>\n"
	 "C: RCPT TO:<3@y.test>\n"
	 "C: RCPT TO:<4@y.test>\n"
	 "C: DATA\n"
	 "S: 250 ok\n"
	 "S: 250 ok\n"
	 "S: 250 ok\n"
	 "S: 354 go\n"
	 "C: =0=\n"
	 "S: 250 queued\n"
	 "E: result 0 2 final reply 250 2.0.0\n"
	 "E: result 0 3 final reply 250 2.0.0\n"
	 "C: MAIL FROM:<a@me.test>\n"
	 "C: RCPT TO:<5@y.test>\n"
	 "C: DATA\n"
	 "S: 250 ok\n"
	 "S: 250 ok\n"
	 "S: 354 go\n"
	 "C: =0=\n"
	 "C: MAIL FROM:<b@me.test>\n"
	 "C: RCPT TO:<q@y.test>\n"
	 "C: DATA\n"
	 "S: 250 queued\n"
	 "E: result 0 4 final reply 250 2.0.0\n"
	 "E: finished 0 0\n",
	 .submit_count = 2,
	 .jobs = {{.sender = "a@me.test", .rcpts = "1@y.test 2@y.test 3@y.test 4@y.test 5@y.test"},
		  {.sender = "b@me.test", .rcpts = "q@y.test"}}},
	{"LIMITS RCPTDOMAINMAX",
	 "S: 220 mx\n"
	 "C: EHLO me.test\n"
	 "S: 250-mx\n"
	 "S: 250 LIMITS RCPTDOMAINMAX=1\n"
	 "E: ready\n"
	 "C: MAIL FROM:<a@me.test>\n"
	 "S: 250 ok\n"
	 "C: RCPT TO:<1@y.test>\n"
	 "S: 250 ok\n"
	 "C: RCPT TO:<2@Y.test>\n"
	 "S: 250 ok\n"
	 "C: DATA\n"
	 "S: 354 go\n"
	 "C: =0=\n"
	 "S: 250 queued\n"
	 "E: result 0 0 final reply 250 2.0.0\n"
	 "E: result 0 1 final reply 250 2.0.0\n"
	 "C: MAIL FROM:<a@me.test>\n"
	 "S: 250 ok\n"
	 "C: RCPT TO:<3@z.test>\n",
	 .submit_count = 1,
	 .jobs = {{.sender = "a@me.test", .rcpts = "1@y.test 2@Y.test 3@z.test"}}},
	{"LIMITS MAILMAX: the rest comes back",
	 "S: 220 mx\n"
	 "C: EHLO me.test\n"
	 "S: 250-mx\n"
	 "S: 250-PIPELINING\n"
	 "S: 250 LIMITS MAILMAX=1\n"
	 "E: ready\n"
	 "C: MAIL FROM:<a@me.test>\n"
	 "C: RCPT TO:<x@y.test>\n"
	 "C: DATA\n"
	 "E: finished 1 1\n"
	 "S: 250 ok\n"
	 "S: 250 ok\n"
	 "S: 354 go\n"
	 "C: =0=\n"
	 "S: 250 queued\n"
	 "E: result 0 0 final reply 250 2.0.0\n"
	 "E: finished 0 0\n"
	 "!quit\n"
	 "C: QUIT\n"
	 "S: 221 bye\n"
	 "E: closed quit done 0\n",
	 .submit_count = 2,
	 .jobs = {{.sender = "a@me.test", .rcpts = "x@y.test"},
		  {.sender = "b@me.test", .rcpts = "q@y.test"}}},
	{"452 after others were taken: the rest in another transaction",
	 SCRIPT_PIPELINING "C: MAIL FROM:<a@me.test>\n"
			   "C: RCPT TO:<1@y.test>\n"
			   "C: RCPT TO:<2@y.test>\n"
			   "C: RCPT TO:<3@y.test>\n"
			   "C: DATA\n"
			   "S: 250 ok\n"
			   "S: 250 ok\n"
			   "S: 452 4.5.3 enough\n"
			   "S: 452 4.5.3 enough\n"
			   "S: 354 go\n"
			   "C: =0=\n"
			   "S: 250 queued\n"
			   "E: result 0 0 final reply 250 2.0.0\n"
			   "C: MAIL FROM:<a@me.test>\n"
			   "C: RCPT TO:<2@y.test>\n"
			   "C: DATA\n"
			   "S: 250 ok\n"
			   "S: 250 ok\n"
			   "S: 354 go\n"
			   "C: =0=\n"
			   "S: 250 queued\n"
			   "E: result 0 1 final reply 250 2.0.0\n"
			   "C: MAIL FROM:<a@me.test>\n"
			   "C: RCPT TO:<3@y.test>\n"
			   "C: DATA\n"
			   "S: 250 ok\n"
			   "S: 452 4.2.2 full\n"
			   "S: 554 5.5.1 no recipients\n"
			   "E: result 0 2 recipient reply 452 4.2.2\n"
			   "E: finished 0 0\n",
	 .submit_count = 1,
	 .jobs = {{.sender = "a@me.test", .rcpts = "1@y.test 2@y.test 3@y.test"}}},
	{"552 for a full mailbox is no limit",
	 SCRIPT_PIPELINING "C: MAIL FROM:<a@me.test>\n"
			   "C: RCPT TO:<x@y.test>\n"
			   "C: RCPT TO:<z@y.test>\n"
			   "C: DATA\n"
			   "S: 250 ok\n"
			   "S: 250 ok\n"
			   "S: 552 5.2.2 full\n"
			   "S: 354 go\n"
			   "E: result 0 1 recipient reply 552 5.2.2\n"
			   "C: =0=\n",
	 .submit_count = 1, .jobs = {{.sender = "a@me.test", .rcpts = "x@y.test z@y.test"}}},
};

TEST(dialogues)
{
	script_check_all(scripts, sizeof(scripts) / sizeof(scripts[0]));
}

TESTS(TEST_ROW(dialogues))
