/*
 * What the dialogues of test_server_rows.def are written with.
 */
#ifndef WIRE_SMTP_TEST_SERVER_WORDS_H
#define WIRE_SMTP_TEST_SERVER_WORDS_H

#include "wire/smtp/server.h"

#define SEGMENTS_MAX 8

static const struct smtp_server_options mx = {
	.hostname = SLICE("mx.test"),
	.starttls = true,
	.size_max = 1000,
	.header_max = 200,
	.line_max = 100,
	.received_max = 3,
	.recipients_max = 3,
	.mails_max = 20,
	.commands_max = 60,
	.errors_max = 8,
	.command_ms = 300000,
	.login_ms = 60000,
	.data_ms = 180000,
	.message_ms = 600000,
};

static const struct smtp_server_options submission = {
	.hostname = SLICE("mx.test"),
	.starttls = true,
	.auth_required = true,
	.auth_mechanisms = SLICE("PLAIN LOGIN"),
	.auth_mechanisms_plus = SLICE("SCRAM-SHA-256-PLUS"),
	.size_max = 1000,
	.logins_max = 2,
	.errors_max = 8,
};

struct dialogue {
	const char *name;
	const struct smtp_server_options *options;
	const char *segments[SEGMENTS_MAX]; /* "~" is NUL */
	const char *want;
	bool tls;
	bool only_deferred; /* a segment is more than a client may send without waiting */
};

#define GREETING "220 mx.test ESMTP Frank\n"
#define EHLO_MX                                                                                    \
	"<EHLO c.test>\n250-mx.test\n250-PIPELINING\n250-SIZE 1000\n250-STARTTLS\n250-8BITMIME\n"  \
	"250-SMTPUTF8\n250-CHUNKING\n250-DSN\n250-LIMITS MAILMAX=20 RCPTMAX=3\n"                   \
	"250 ENHANCEDSTATUSCODES\n"
#define EHLO_MX_TLS                                                                                \
	"<EHLO c.test>\n250-mx.test\n250-PIPELINING\n250-SIZE 1000\n250-8BITMIME\n"                \
	"250-SMTPUTF8\n250-CHUNKING\n250-DSN\n250-LIMITS MAILMAX=20 RCPTMAX=3\n"                   \
	"250 ENHANCEDSTATUSCODES\n"
#define EHLO_SUB_TLS                                                                               \
	"<EHLO c.test>\n250-mx.test\n250-PIPELINING\n250-SIZE 1000\n"                              \
	"250-AUTH PLAIN LOGIN SCRAM-SHA-256-PLUS\n250-8BITMIME\n"                                  \
	"250-SMTPUTF8\n250-CHUNKING\n250-DSN\n250 ENHANCEDSTATUSCODES\n"
#define OK "250 2.0.0 Ok\n"
#define START GREETING EHLO_MX
#define EHLO "EHLO c.test\r\n"
#define MAIL_A "MAIL FROM:<a@x>\r\n"
#define RCPT_B "RCPT TO:<b@x>\r\n"
#define MAIL_RCPT "<MAIL a@x>\n" OK "<RCPT b@x>\n" OK
#define GO "354 End data with <CR><LF>.<CR><LF>\n"
#define ZEROS                                                                                      \
	"00000000000000000000000000000000000000000000000000"                                       \
	"00000000000000000000000000000000000000000000000000"
#define TOO_LONG_ENDS "500 5.5.2 Line too long\n<refused line-long>\n<RESET>\n<CLOSE>\n"
#define BYE "221 2.0.0 Bye\n<CLOSE>\n"
#define GO_CLOSE                                                                                   \
	"503 5.5.1 Nothing may be sent behind DATA before the reply; closing\n"                    \
	"<refused before-354>\n<RESET>\n<CLOSE>\n"
#define NO_LINES                                                                                   \
	"554 5.6.0 Message has a CR or LF on its own, or NUL; only CRLF ends a line\n"             \
	"<refused message-lines>\n"

#endif
