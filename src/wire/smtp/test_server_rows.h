/*
 * The dialogues of test_server.c; each row names the rule it shows.
 */
static const struct dialogue dialogues[] = {
	{"one message",
	 &mx,
	 {EHLO MAIL_A RCPT_B "DATA\r\n", "s: t\r\n\r\nhi\r\n.\r\nQUIT\r\n"},
	 START MAIL_RCPT GO "<MESSAGE s: t\r\n\r\nhi\r\n>\n" OK BYE},
	{"two messages",
	 &mx,
	 {EHLO MAIL_A RCPT_B "DATA\r\n", "a\r\n.\r\n" MAIL_A RCPT_B "DATA\r\n", ".\r\n"},
	 START MAIL_RCPT GO "<MESSAGE a\r\n>\n" OK MAIL_RCPT GO "<MESSAGE >\n" OK},
	{"dots stay as they travel",
	 &mx,
	 {EHLO MAIL_A RCPT_B "DATA\r\n", "\r\n..\r\n...\r\n..x\r\n.\r\n"},
	 START MAIL_RCPT GO "<MESSAGE \r\n..\r\n...\r\n..x\r\n>\n" OK},
	{"HELO",
	 &mx,
	 {"HELO c.test\r\nMAIL FROM:<a@x> SIZE=1\r\n" MAIL_A RCPT_B},
	 GREETING "<HELO c.test>\n250 mx.test\n"
		  "555 5.5.4 Parameter not recognized or not implemented\n"
		  "<refused param-unknown>\n" MAIL_RCPT},
	{"case does not matter",
	 &mx,
	 {EHLO "mail from:<A@X>\r\nrcpt To:<B@X>\r\nrset\r\n"},
	 START "<MAIL A@x>\n" OK "<RCPT B@x>\n" OK OK "<RESET>\n"},
	{"codes 500 501 502 503",
	 &mx,
	 {"NOOP\r\nMAIL FROM:<a@x>\r\nFOO\r\nEXPN x\r\nEHLO\r\nEHLO a b\r\n\r\n"},
	 GREETING OK "503 5.5.1 Say EHLO first\n<refused hello-first>\n"
		     "500 5.5.1 Unknown command\n<refused unknown>\n"
		     "502 5.5.1 Command not implemented\n<refused not-implemented>\n"
		     "501 5.5.4 Bad or missing argument\n<refused argument>\n"
		     "501 5.5.4 Say your host name or [address] with EHLO\n<refused hello-name>\n"
		     "500 5.5.1 Unknown command\n<refused unknown>\n"},
	{"order 503",
	 &mx,
	 {EHLO RCPT_B "DATA\r\n", MAIL_A MAIL_A "STARTTLS\r\nAUTH PLAIN\r\n"},
	 START "503 5.5.1 Give a sender with MAIL first\n<refused rcpt-early>\n"
	       "503 5.5.1 No valid recipients\n<refused data-early>\n<MAIL a@x>\n" OK
	       "503 5.5.1 A sender has been given already\n<refused mail-nested>\n"
	       "503 5.5.1 STARTTLS is not possible now\n<refused tls-not-now>\n"
	       "503 5.5.1 AUTH is not possible now\n<refused auth-not-now>\n"},
	{"VRFY 252, HELP 214",
	 &mx,
	 {EHLO "VRFY ann\r\nHELP\r\nVRFY\r\n"},
	 START "252 2.5.0 Not verified here; send the mail and see\n"
	       "214-2.0.0 Commands: EHLO HELO MAIL RCPT DATA BDAT RSET STARTTLS AUTH NOOP\n"
	       "214 2.0.0 VRFY HELP QUIT (RFC 5321)\n"
	       "501 5.5.4 Bad or missing argument\n<refused argument>\n"},
	{"no argument allowed",
	 &mx,
	 {EHLO "RSET x\r\nQUIT x\r\nSTARTTLS x\r\nRSET \r\nQUIT \r\n"},
	 START "501 5.5.4 This command takes no argument\n<refused no-argument>\n"
	       "501 5.5.4 This command takes no argument\n<refused no-argument>\n"
	       "501 5.5.4 This command takes no argument\n<refused no-argument>\n" OK BYE},
	{"lines end in CRLF only",
	 &mx,
	 {EHLO "NOOP\nNOOP\r\nNOOP\rNOOP\r\nNOOP \r\r\nNO~OP\r\nQUIT\n"},
	 START "500 5.5.2 Lines end in CRLF and hold no control characters\n<refused line-end>\n" OK
	       "500 5.5.2 Lines end in CRLF and hold no control characters\n<refused line-end>\n"
	       "500 5.5.2 Lines end in CRLF and hold no control characters\n<refused line-end>\n"
	       "500 5.5.2 Lines end in CRLF and hold no control characters\n<refused line-end>\n"
	       "500 5.5.2 Lines end in CRLF and hold no control characters\n<refused line-end>\n"},
	{"syntax of senders",
	 &mx,
	 {EHLO "MAIL FROM: <a@x>\r\nMAIL FROM:a@x\r\nMAIL FROM:<Postmaster>\r\nMAIL <a@x>\r\n"
	       "MAIL FROM:<a@x>SIZE=1\r\nMAIL FROM:<>\r\nRSET\r\nMAIL FROM:<@r,@s:\"a b\"@x>\r\n"},
	 START "501 5.1.7 Bad sender address syntax: MAIL FROM:<user@domain>\n"
	       "<refused sender-syntax>\n"
	       "501 5.1.7 Bad sender address syntax: MAIL FROM:<user@domain>\n"
	       "<refused sender-syntax>\n"
	       "501 5.1.7 Bad sender address syntax: MAIL FROM:<user@domain>\n"
	       "<refused sender-syntax>\n"
	       "501 5.1.7 Bad sender address syntax: MAIL FROM:<user@domain>\n"
	       "<refused sender-syntax>\n"
	       "501 5.5.4 Bad parameter\n<refused param-syntax>\n"
	       "<MAIL >\n" OK OK "<RESET>\n<MAIL \"a b\"@x routed>\n" OK},
	{"syntax of recipients",
	 &mx,
	 {EHLO MAIL_A "RCPT TO:<>\r\nRCPT TO:<u>\r\nRCPT TO:<Postmaster>\r\n"
		      "RCPT TO:<u@[192.0.2.1]>\r\nRCPT TO:<u@[IPv6:::1]>\r\n"},
	 START "<MAIL a@x>\n" OK "501 5.1.3 Bad recipient address syntax: RCPT TO:<user@domain>\n"
	       "<refused rcpt-syntax>\n"
	       "501 5.1.3 Bad recipient address syntax: RCPT TO:<user@domain>\n"
	       "<refused rcpt-syntax>\n"
	       "<RCPT Postmaster>\n" OK "<RCPT u@[192.0.2.1]>\n" OK "<RCPT u@[ipv6:::1]>\n" OK},
	{"parameters of MAIL",
	 &mx,
	 {EHLO "MAIL FROM:<a@x> SIZE=500 BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=q+2B1 AUTH=<>\r\n"
	       "RSET\r\nMAIL FROM:<a@x> BODY=BINARYMIME\r\nMAIL FROM:<a@x> FOO=1\r\n"
	       "MAIL FROM:<a@x> SIZE=1 SIZE=2\r\nMAIL FROM:<a@x> ENVID=+zz\r\n"
	       "MAIL FROM:<a@x> RET=SOME\r\nMAIL FROM:<a@x> HOLDFOR=9\r\n"},
	 START "<MAIL a@x size=500 8bit utf8 hdrs envid=q+2B1>\n" OK OK "<RESET>\n"
	       "504 5.5.4 Value of a parameter not implemented\n<refused param-value>\n"
	       "555 5.5.4 Parameter not recognized or not implemented\n<refused param-unknown>\n"
	       "501 5.5.4 Bad parameter\n<refused param-syntax>\n"
	       "501 5.5.4 Bad parameter\n<refused param-syntax>\n"
	       "501 5.5.4 Bad parameter\n<refused param-syntax>\n"
	       "555 5.5.4 Parameter not recognized or not implemented\n<refused param-unknown>\n"},
	{"SIZE",
	 &mx,
	 {EHLO "MAIL FROM:<a@x> SIZE=1001\r\nMAIL FROM:<a@x> SIZE=99999999999999999999\r\n"
	       "MAIL FROM:<a@x> SIZE=x\r\nMAIL FROM:<a@x> SIZE\r\nMAIL FROM:<a@x> SIZE=1000\r\n"},
	 START "552 5.3.4 Message too big\n<refused size-max>\n"
	       "552 5.3.4 Message too big\n<refused size-max>\n"
	       "501 5.5.4 Bad parameter\n<refused param-syntax>\n"
	       "501 5.5.4 Bad parameter\n<refused param-syntax>\n"
	       "<MAIL a@x size=1000>\n" OK},
	{"DSN of RCPT",
	 &mx,
	 {EHLO MAIL_A "RCPT TO:<b@x> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;b+40x\r\n"
		      "RCPT TO:<b@x> NOTIFY=NEVER,DELAY\r\nRCPT TO:<b@x> NOTIFY=\r\n"
		      "RCPT TO:<b@x> ORCPT=b\r\nRCPT TO:<b@x> NOTIFY=NEVER\r\n"
		      "RCPT TO:<b@x> SIZE=1\r\n"},
	 START "<MAIL a@x>\n" OK "<RCPT b@x notify=10 orcpt=rfc822;b+40x>\n" OK
	       "501 5.5.4 Bad parameter\n<refused param-syntax>\n"
	       "501 5.5.4 Bad parameter\n<refused param-syntax>\n"
	       "501 5.5.4 Bad parameter\n<refused param-syntax>\n"
	       "<RCPT b@x notify=1>\n" OK
	       "555 5.5.4 Parameter not recognized or not implemented\n<refused param-unknown>\n"},
	{"SMTPUTF8",
	 &mx,
	 {EHLO "MAIL FROM:<\xc3\xb6@x>\r\nMAIL FROM:<a@x>\r\nRCPT TO:<\xc3\xb6@x>\r\nRSET\r\n"
	       "MAIL FROM:<\xc3\xb6@x> SMTPUTF8\r\nRCPT TO:<\xc3\xb6@x>\r\n"},
	 START "553 5.6.7 This address needs MAIL with SMTPUTF8\n<refused utf8-not-said>\n"
	       "<MAIL a@x>\n" OK
	       "553 5.6.7 This address needs MAIL with SMTPUTF8\n<refused utf8-not-said>\n" OK
	       "<RESET>\n<MAIL \xc3\xb6@x utf8>\n" OK "<RCPT \xc3\xb6@x>\n" OK},
	{"too many recipients",
	 &mx,
	 {EHLO MAIL_A RCPT_B RCPT_B "RCPT TO:<unknown@x>\r\n" RCPT_B RCPT_B "DATA\r\n", ".\r\n"},
	 START MAIL_RCPT
	 "<RCPT b@x>\n" OK "<RCPT unknown@x>\n550-5.1.1 No such\n550 5.1.1 mailbox\n"
	 "<RCPT b@x>\n" OK "452 4.5.3 Too many recipients; send the rest in another message\n"
	 "<refused recipients-max>\n" GO "<MESSAGE >\n" OK},
	{"only refused recipients",
	 &mx,
	 {EHLO MAIL_A "RCPT TO:<unknown@x>\r\nDATA\r\n", ".\r\nQUIT\r\n"},
	 START "<MAIL a@x>\n" OK "<RCPT unknown@x>\n550-5.1.1 No such\n550 5.1.1 mailbox\n"
	       "503 5.5.1 No valid recipients\n<refused data-early>\n"
	       "500 5.5.1 Unknown command\n<refused unknown>\n221 2.0.0 Bye\n<RESET>\n<CLOSE>\n"},
	{"refused for now",
	 &mx,
	 {EHLO "MAIL FROM:<busy@x>\r\n" MAIL_A "RCPT TO:<busy@x>\r\n" RCPT_B},
	 START "<MAIL busy@x>\n451 4.3.0 Later\n<MAIL a@x>\n" OK "<RCPT busy@x>\n451 4.3.0 Later\n"
	       "<RCPT b@x>\n" OK},
	{"421 closes",
	 &mx,
	 {EHLO MAIL_A "RCPT TO:<closed@x>\r\nNOOP\r\n"},
	 START "<MAIL a@x>\n" OK "<RCPT closed@x>\n421 4.3.2 Closed\n<RESET>\n<CLOSE>\n"},
	{"nothing behind DATA",
	 &mx,
	 {EHLO MAIL_A RCPT_B "DATA\r\nMAIL FROM:<evil@x>\r\n"},
	 START MAIL_RCPT GO_CLOSE,
	 false,
	 true},
	{"nothing behind DATA, not a byte",
	 &mx,
	 {EHLO MAIL_A RCPT_B "DATA\r\nx"},
	 START MAIL_RCPT GO_CLOSE,
	 false,
	 true},
	{"nothing behind refused DATA",
	 &mx,
	 {EHLO MAIL_A "RCPT TO:<unknown@x>\r\nDATA\r\nMAIL FROM:<evil@x>\r\n"},
	 START "<MAIL a@x>\n" OK "<RCPT unknown@x>\n550-5.1.1 No such\n550 5.1.1 mailbox\n"
	       "503 5.5.1 No valid recipients\n<refused data-early>\n<RESET>\n<CLOSE>\n",
	 false,
	 true},
	{"bare LF in a message",
	 &mx,
	 {EHLO MAIL_A RCPT_B "DATA\r\n", "\r\na\n.\nMAIL FROM:<evil@x>\r\n.\r\nQUIT\r\n"},
	 START MAIL_RCPT GO "<RESET>\n" NO_LINES BYE},
	{"bare LF behind CRLF-dot",
	 &mx,
	 {EHLO MAIL_A RCPT_B "DATA\r\n", "\r\na\r\n.\nMAIL FROM:<evil@x>\r\n.\r\nQUIT\r\n"},
	 START MAIL_RCPT GO "<RESET>\n" NO_LINES BYE},
	{"bare CR in a message",
	 &mx,
	 {EHLO MAIL_A RCPT_B "DATA\r\n", "\r\na\r.\r\r\n.\r\r\n.\r\nQUIT\r\n"},
	 START MAIL_RCPT GO "<RESET>\n" NO_LINES BYE},
	{"NUL in a message",
	 &mx,
	 {EHLO MAIL_A RCPT_B "DATA\r\n", "\r\na\r\n~.\r\n.~\r\n.\r\n" MAIL_A},
	 START MAIL_RCPT GO "<RESET>\n" NO_LINES "<MAIL a@x>\n" OK},
	{"a line too long",
	 &mx,
	 {EHLO MAIL_A RCPT_B "DATA\r\n",
	  "\r\n"
	  "1234567890123456789012345678901234567890123456789012345678901234567890"
	  "123456789012345678901234567890\r\n.\r\n"},
	 START MAIL_RCPT GO "<RESET>\n554 5.6.0 Message has a line that is too long\n"
			    "<refused message-long>\n"},
	{"header too big",
	 &mx,
	 {EHLO MAIL_A RCPT_B "DATA\r\n",
	  "a: 123456789012345678901234567890123456789012345678901234567890\r\n"
	  "a: 123456789012345678901234567890123456789012345678901234567890\r\n"
	  "a: 123456789012345678901234567890123456789012345678901234567890\r\n"
	  "a: 1234567890\r\n\r\n.\r\n"},
	 START MAIL_RCPT GO "<RESET>\n552 5.3.4 Header of the message too big\n"
			    "<refused header-max>\n"},
	{"loop",
	 &mx,
	 {EHLO MAIL_A RCPT_B "DATA\r\n",
	  "Received: 1\r\nreceived: 2\r\nRECEIVED:\r\nReceived: 4\r\n\r\n.\r\n"},
	 START MAIL_RCPT GO "<RESET>\n554 5.4.6 Too many hops; this looks like a loop\n"
			    "<refused hops-max>\n"},
	{"no loop in the body",
	 &mx,
	 {EHLO MAIL_A RCPT_B "DATA\r\n",
	  "Received: 1\r\n\r\nReceived: 2\r\nReceived: 3\r\nReceived: 4\r\n.\r\n"},
	 START MAIL_RCPT GO "<MESSAGE Received: 1\r\n\r\nReceived: 2\r\nReceived: 3\r\n"
			    "Received: 4\r\n>\n" OK},
	{"BDAT",
	 &mx,
	 {EHLO MAIL_A RCPT_B "BDAT 4\r\n\r\n.\rBDAT 3 LAST\r\n\nabQUIT\r\n"},
	 START MAIL_RCPT "250 2.0.0 Chunk taken\n"
			 "<MESSAGE \r\n..\r\nab\r\nadded CRLFby BDAT>\n" OK BYE},
	{"BDAT 0 LAST",
	 &mx,
	 {EHLO MAIL_A RCPT_B "BDAT 4\r\n\r\na\rBDAT 1\r\n\nBDAT 0 LAST\r\n" MAIL_A},
	 START MAIL_RCPT "250 2.0.0 Chunk taken\n250 2.0.0 Chunk taken\n"
			 "<MESSAGE \r\na\r\nby BDAT>\n" OK "<MAIL a@x>\n" OK},
	{"BDAT only once empty",
	 &mx,
	 {EHLO MAIL_A RCPT_B "BDAT 0 LAST\r\nRSET\r\n"},
	 START MAIL_RCPT "<MESSAGE by BDAT>\n" OK OK},
	{"BDAT refused, octets are taken",
	 &mx,
	 {"BDAT 6\r\nQUIT\r\n" EHLO "BDAT 6 LAST\r\nQUIT\r\n" MAIL_A "BDAT 6\r\nQUIT\r\nNOOP\r\n"},
	 GREETING "503 5.5.1 No valid recipients, or the message has failed\n"
		  "<refused bdat-early>\n" EHLO_MX
		  "503 5.5.1 No valid recipients, or the message has failed\n"
		  "<refused bdat-early>\n<MAIL a@x>\n" OK
		  "503 5.5.1 No valid recipients, or the message has failed\n"
		  "<refused bdat-early>\n<RESET>\n" OK},
	{"BDAT fails, then the rest of it",
	 &mx,
	 {EHLO MAIL_A RCPT_B "BDAT 3\r\na\nbBDAT 6\r\nQUIT\r\nBDAT 0 LAST\r\n" MAIL_A},
	 START MAIL_RCPT "<RESET>\n" NO_LINES
			 "503 5.5.1 No valid recipients, or the message has failed\n"
			 "<refused bdat-early>\n"
			 "503 5.5.1 No valid recipients, or the message has failed\n"
			 "<refused bdat-early>\n<MAIL a@x>\n" OK},
	{"DATA after BDAT",
	 &mx,
	 {EHLO MAIL_A RCPT_B "BDAT 2\r\n\r\n" RCPT_B MAIL_A "DATA\r\n", "RSET\r\n" MAIL_A},
	 START MAIL_RCPT "250 2.0.0 Chunk taken\n"
			 "503 5.5.1 Bad sequence of commands\n<refused sequence>\n"
			 "503 5.5.1 Bad sequence of commands\n<refused sequence>\n"
			 "503 5.5.1 DATA and BDAT do not mix\n<refused data-after-bdat>\n" OK
			 "<RESET>\n<MAIL a@x>\n" OK},
	{"BDAT too big is drained",
	 &mx,
	 {EHLO MAIL_A RCPT_B
	  "BDAT 1001\r\n"
	  "12345678901234567890123456789012345678901234567890123456789012345678901234567890"
	  "1234567890123456789012345678901234567890"},
	 START MAIL_RCPT "552 5.3.4 Message too big\n<refused size-max>\n<RESET>\n"},
	{"BDAT far too big ends it",
	 &mx,
	 {EHLO MAIL_A RCPT_B "BDAT 18446744073709551615\r\nQUIT\r\n"},
	 START MAIL_RCPT "552 5.3.4 Message too big\n<refused size-max>\n<RESET>\n<CLOSE>\n"},
	{"BDAT overflow ends it",
	 &mx,
	 {EHLO MAIL_A RCPT_B "BDAT 99999999999999999999 LAST\r\nQUIT\r\n"},
	 START MAIL_RCPT "552 5.3.4 Message too big\n<refused size-max>\n<RESET>\n<CLOSE>\n"},
	{"BDAT without a size ends it",
	 &mx,
	 {EHLO MAIL_A RCPT_B "BDAT LAST\r\nQUIT\r\n"},
	 START MAIL_RCPT "501 5.5.4 BDAT needs a size; closing\n<refused chunk-size>\n"
			 "<RESET>\n<CLOSE>\n"},
	{"STARTTLS drops what follows and all state",
	 &mx,
	 {EHLO "STARTTLS\r\n" MAIL_A "NOOP\r\n", MAIL_A EHLO, "STARTTLS\r\n"},
	 START "<STARTTLS>\n220 2.0.0 Go\n<TLS>\n503 5.5.1 Say EHLO first\n<refused "
	       "hello-first>\n" EHLO_MX_TLS
	       "503 5.5.1 STARTTLS is not possible now\n<refused tls-not-now>\n"},
	{"no AUTH on a mail exchange",
	 &mx,
	 {EHLO "AUTH PLAIN\r\n"},
	 START "502 5.5.1 AUTH is not available here\n<refused auth-none>\n"},
	{"submission before TLS",
	 &submission,
	 {EHLO "AUTH PLAIN AGFubgBzZWNyZXQ=\r\n" MAIL_A},
	 GREETING "<EHLO c.test>\n250-mx.test\n250-PIPELINING\n250-SIZE 1000\n250-STARTTLS\n"
		  "250-8BITMIME\n250-SMTPUTF8\n250-CHUNKING\n250-DSN\n250 ENHANCEDSTATUSCODES\n"
		  "538 5.7.11 Use STARTTLS first\n<refused auth-needs-tls>\n"
		  "530 5.7.0 Authentication required\n<refused auth-required>\n"},
	{"AUTH PLAIN at once",
	 &submission,
	 {EHLO MAIL_A "AUTH PLAIN AGFubgBzZWNyZXQ=\r\nAUTH PLAIN AGFubgBzZWNyZXQ=\r\n" MAIL_A},
	 GREETING EHLO_SUB_TLS
	 "530 5.7.0 Authentication required\n<refused auth-required>\n"
	 "<AUTH PLAIN '~ann~secret'>\n235 2.7.0 Welcome\n"
	 "503 5.5.1 AUTH is not possible now\n<refused auth-not-now>\n<MAIL a@x>\n" OK,
	 true},
	{"AUTH PLAIN after a challenge",
	 &submission,
	 {EHLO "AUTH PLAIN\r\n", "AGFubgBzZWNyZXQ=\r\n"},
	 GREETING EHLO_SUB_TLS "<AUTH PLAIN>\n334 \n<RESPONSE '~ann~secret'>\n235 2.7.0 Welcome\n",
	 true},
	{"AUTH PLAIN =",
	 &submission,
	 {EHLO "AUTH PLAIN =\r\nAUTH plain =\r\n"},
	 GREETING EHLO_SUB_TLS
	 "<AUTH PLAIN ''>\n535 5.7.8 Wrong\n<AUTH plain ''>\n"
	 "421 4.7.0 Too many failed logins, closing\n<refused logins-max>\n<CLOSE>\n",
	 true},
	{"AUTH LOGIN",
	 &submission,
	 {EHLO "AUTH LOGIN\r\n", "bW9yZQ==\r\n", "c2VjcmV0\r\n"},
	 GREETING EHLO_SUB_TLS "<AUTH LOGIN>\n334 VXNlcm5hbWU6\n<RESPONSE 'more'>\n334 \n"
			       "<RESPONSE 'secret'>\n235 2.7.0 Welcome\n",
	 true},
	{"AUTH goes wrong",
	 &submission,
	 {EHLO "AUTH CRAM-MD5\r\nAUTH PLAIN !!!\r\nAUTH PLAIN a b\r\nAUTH LOGIN\r\n", "*\r\n",
	  "AUTH LOGIN\r\n", "bad\r\n", "AUTH LOGIN\r\n", "bW9yZQ==\n"},
	 GREETING EHLO_SUB_TLS
	 "504 5.5.4 Unknown mechanism\n<refused auth-mechanism>\n"
	 "501 5.5.2 Not base64\n<refused auth-base64>\n"
	 "501 5.5.4 Bad or missing argument\n<refused argument>\n"
	 "<AUTH LOGIN>\n334 VXNlcm5hbWU6\n501 5.7.0 Authentication cancelled\n"
	 "<refused auth-cancelled>\n<AUTH END>\n<AUTH LOGIN>\n334 VXNlcm5hbWU6\n"
	 "501 5.5.2 Not base64\n<refused auth-base64>\n<AUTH END>\n<AUTH LOGIN>\n334 VXNlcm5hbWU6\n"
	 "500 5.5.2 Lines end in CRLF and hold no control characters\n<refused line-end>\n"
	 "<AUTH END>\n",
	 true},
	{"too many errors",
	 &mx,
	 {EHLO "A\r\nA\r\nA\r\nA\r\nA\r\nA\r\nA\r\nA\r\nA\r\nA\r\n"},
	 START "500 5.5.1 Unknown command\n<refused unknown>\n"
	       "500 5.5.1 Unknown command\n<refused unknown>\n"
	       "500 5.5.1 Unknown command\n<refused unknown>\n"
	       "500 5.5.1 Unknown command\n<refused unknown>\n"
	       "500 5.5.1 Unknown command\n<refused unknown>\n"
	       "500 5.5.1 Unknown command\n<refused unknown>\n"
	       "500 5.5.1 Unknown command\n<refused unknown>\n"
	       "500 5.5.1 Unknown command\n<refused unknown>\n"
	       "421 4.7.0 Too many errors, closing\n<refused errors-max>\n<CLOSE>\n"},
	{"EHLO again forgets the transaction",
	 &mx,
	 {EHLO MAIL_A EHLO RCPT_B},
	 START "<MAIL a@x>\n" OK "<EHLO c.test>\n250-mx.test\n250-PIPELINING\n"
	       "250-SIZE 1000\n250-STARTTLS\n250-8BITMIME\n250-SMTPUTF8\n250-CHUNKING\n250-DSN\n"
	       "250-LIMITS MAILMAX=20 RCPTMAX=3\n250 ENHANCEDSTATUSCODES\n"
	       "503 5.5.1 Give a sender with MAIL first\n<refused rcpt-early>\n"},
};
