/*
 * The letter of a typical report for each cause, as people read it, compared with tests/golden.
 * UPDATE_GOLDEN=1 writes the files anew: read each as somebody who knows nothing of SMTP before it
 * is kept. Causes are given, not found: which replies lead to them is the rules' matter.
 */
#include <stdlib.h>

#include "base/test.h"
#include "rule/explain/explain.h"
#include "rule/explain/letter.h"

#define LETTER_MAX 16384
#define PATH_MAX_BYTES 400

#define RUNS(NAME, percent, CLASS, STAGE, reply_code, words)                                       \
	.verdict = {.class = VERDICT_##CLASS,                                                      \
		    .stage = VERDICT_STAGE_##STAGE,                                                \
		    .code = (reply_code),                                                          \
		    .cause = VERDICT_CAUSE_##NAME,                                                 \
		    .confidence_percent = (percent),                                               \
		    .reply = SLICE(words),                                                         \
		    .host = SLICE("mx.example.com"),                                               \
		    .address = {.family = NET_FAMILY_4, .bytes = {192, 0, 2, 7}},                  \
		    .source = {.family = NET_FAMILY_4, .bytes = {198, 51, 100, 9}},                \
		    .helo = SLICE("mail.example.org"),                                             \
		    .wall_ms = 1795854000000}
/* No server had a say in it. */
#define FOUND(NAME, CLASS, STAGE, detail_number, words)                                            \
	.verdict = {.class = VERDICT_##CLASS,                                                      \
		    .stage = VERDICT_STAGE_##STAGE,                                                \
		    .status = {VERDICT_##CLASS == VERDICT_NEVER ? 5 : 4, 1, (detail_number)},      \
		    .cause = VERDICT_CAUSE_##NAME,                                                 \
		    .confidence_percent = 100,                                                     \
		    .reply = SLICE(words),                                                         \
		    .wall_ms = 1795854000000}
#define FAILED_WITH .kind = DSN_FAILURE, .action = DSN_FAILED, .attempts = 1
#define EXPIRED_WITH .kind = DSN_FAILURE, .action = DSN_FAILED, .expired = true, .attempts = 34
#define WAITS_WITH .kind = DSN_DELAY, .action = DSN_DELAYED, .attempts = 4
#define POOR                                                                                       \
	"554-mx.example.com\n554 Your access to this mail system has been rejected due to the "    \
	"sending MTA's poor reputation."

static const struct golden {
	const char *name;
	uint8_t kind, action;
	bool expired;
	uint16_t attempts;
	struct verdict verdict;
	const char *history;
} goldens[] = {
	{"rcpt-unknown", FAILED_WITH,
	 RUNS(RCPT_UNKNOWN, 95, NEVER, RECIPIENT, 550,
	      "550 5.1.1 <carol@example.com>: Recipient address rejected: User unknown")},
	{"rcpt-moved", FAILED_WITH,
	 RUNS(RCPT_MOVED, 95, NEVER, RECIPIENT, 551,
	      "551 5.1.6 User not local; please try <carol@example.net>")},
	{"rcpt-disabled", FAILED_WITH,
	 RUNS(RCPT_DISABLED, 90, NEVER, RECIPIENT, 550,
	      "550 5.2.1 The email account that you tried to reach is inactive.")},
	{"rcpt-full", FAILED_WITH,
	 RUNS(RCPT_FULL, 95, NEVER, RECIPIENT, 552, "552 5.2.2 The mailbox is full")},
	{"rcpt-full-waits", WAITS_WITH,
	 RUNS(RCPT_FULL, 95, LATER, RECIPIENT, 452, "452 4.2.2 Mailbox over quota")},
	{"rcpt-refused", FAILED_WITH,
	 RUNS(RCPT_REFUSED, 85, NEVER, RECIPIENT, 550,
	      "550 5.7.1 You are not authorised to send to this recipient")},
	{"domain-unresolvable", FAILED_WITH,
	 FOUND(DOMAIN_UNRESOLVABLE, NEVER, DNS, 2, "The domain does not exist.")},
	{"domain-unresolvable-expired", EXPIRED_WITH,
	 FOUND(DOMAIN_UNRESOLVABLE, LATER, DNS, 0,
	       "The name servers of the domain do not answer.")},
	{"domain-nomail", FAILED_WITH,
	 FOUND(DOMAIN_NOMAIL, NEVER, DNS, 10, "The domain publishes that it takes no mail.")},
	{"sender-refused", FAILED_WITH,
	 RUNS(SENDER_REFUSED, 90, NEVER, SENDER, 553,
	      "553 5.1.8 <ann@example.org>: Sender address rejected: Domain not found")},
	{"ip-blocked", FAILED_WITH, RUNS(IP_BLOCKED, 85, NEVER, GREETING, 554, POOR)},
	{"ip-blocked-waits", WAITS_WITH, RUNS(IP_BLOCKED, 85, NEVER, GREETING, 554, POOR)},
	{"ip-blocked-expired", EXPIRED_WITH, RUNS(IP_BLOCKED, 85, NEVER, GREETING, 554, POOR),
	 "Our server was refused there 31 times, first on Mon, 23 Nov 2026 09:05:12 +0100."},
	{"ip-blocked-recipient", FAILED_WITH,
	 RUNS(IP_BLOCKED, 95, NEVER, RECIPIENT, 554,
	      "554 5.7.1 Service unavailable; Client host [198.51.100.9] blocked using "
	      "bl.example.net")},
	{"ptr", FAILED_WITH,
	 RUNS(PTR, 95, NEVER, RECIPIENT, 550,
	      "550 5.7.25 The sending address 198.51.100.9 has no PTR record")},
	{"ptr-waits", WAITS_WITH,
	 RUNS(PTR, 95, NEVER, GREETING, 554,
	      "554 5.7.25 Client host rejected: cannot find your reverse hostname")},
	{"auth", FAILED_WITH,
	 RUNS(AUTH, 95, NEVER, FINAL, 550,
	      "550 5.7.26 Unauthenticated email from example.org is not accepted due to the "
	      "domain's DMARC policy.")},
	{"policy", FAILED_WITH,
	 RUNS(POLICY, 75, NEVER, FINAL, 550, "550 5.7.1 Message rejected by policy rule 17")},
	{"spam", FAILED_WITH,
	 RUNS(SPAM, 90, NEVER, FINAL, 554, "554 5.7.1 Message content rejected as spam")},
	{"virus", FAILED_WITH,
	 RUNS(VIRUS, 95, NEVER, FINAL, 550, "550 5.7.1 Virus found in the message")},
	{"content", FAILED_WITH,
	 RUNS(CONTENT, 90, NEVER, FINAL, 552,
	      "552 5.7.0 Attachments of this type are not accepted here")},
	{"size", FAILED_WITH,
	 RUNS(SIZE, 95, NEVER, SENDER, 552, "552 5.3.4 Message size exceeds fixed limit")},
	{"rate-waits", WAITS_WITH,
	 RUNS(RATE, 90, LATER, RECIPIENT, 451, "451 4.7.1 Greylisted, please try again later")},
	{"rate-expired", EXPIRED_WITH,
	 RUNS(RATE, 90, LATER, RECIPIENT, 450, "450 4.2.1 Too much mail to this user at a time")},
	{"relay-denied", FAILED_WITH,
	 RUNS(RELAY_DENIED, 90, NEVER, RECIPIENT, 554, "554 5.7.1 Relay access denied")},
	{"tls-expired", EXPIRED_WITH,
	 RUNS(TLS, 90, LATER, SENDER, 530, "530 5.7.0 Must issue a STARTTLS command first")},
	{"protocol", FAILED_WITH,
	 RUNS(PROTOCOL, 90, NEVER, SENDER, 503, "503 5.5.1 Bad sequence of commands")},
	{"net-or-route-waits", WAITS_WITH,
	 FOUND(NET_OR_ROUTE, LATER, CONNECT, 0,
	       "No connection to the server.\nConnection timed out")},
	{"net-or-route-expired", EXPIRED_WITH,
	 FOUND(NET_OR_ROUTE, LATER, CONNECT, 0,
	       "No connection to the server.\nConnection timed out")},
	{"remote-system-expired", EXPIRED_WITH,
	 RUNS(REMOTE_SYSTEM, 90, LATER, RECIPIENT, 452, "452 4.3.1 Insufficient system storage")},
	{"local-delivery-expired", EXPIRED_WITH,
	 FOUND(LOCAL_DELIVERY, LATER, LOCAL, 0, "The mailbox could not be written.")},
	{"unknown", FAILED_WITH, RUNS(UNKNOWN, 0, NEVER, FINAL, 554, "554 Transaction failed")},
	{"unknown-waits", WAITS_WITH, RUNS(UNKNOWN, 0, NEVER, GREETING, 554, "554 No.")},
};

static struct slice
letter_of(const struct golden *golden, uint8_t *room)
{
	struct dsn_rcpt rcpt = {.address = SLICE("carol@example.com"),
				.action = golden->action,
				.expired = golden->expired,
				.attempts = golden->attempts,
				.verdict = golden->verdict};
	struct dsn_report report = {.kind = golden->kind,
				    .host = SLICE("mail.example.org"),
				    .id = SLICE("0123456789abc"),
				    .retry_until_s = 1796286000,
				    .offset_minutes = 60,
				    .rcpts = &rcpt,
				    .rcpt_count = 1};
	struct builder b;

	explain_verdict(&rcpt.verdict);
	rcpt.verdict.evidence = golden->history ? slice_str(golden->history) : SLICE_EMPTY;
	builder_init_fixed(&b, room, LETTER_MAX);
	letter_build(&b, &report);
	assert_false(b.failed);
	return builder_slice(&b);
}

/* The files have the line ends of text files. */
static struct slice
plain(struct slice text, uint8_t *room)
{
	struct builder b;

	builder_init_fixed(&b, room, LETTER_MAX);
	for (size_t i = 0; i < text.len; i++)
		if (text.data[i] != '\r')
			builder_byte(&b, text.data[i]);
	return builder_slice(&b);
}

static void
path_of(const struct golden *golden, char *path)
{
	snprintf(path, PATH_MAX_BYTES, "%s/%s.txt", getenv("FRANK_GOLDEN"), golden->name);
}

static struct slice
kept(const struct golden *golden, uint8_t *room)
{
	char path[PATH_MAX_BYTES];
	FILE *file;
	size_t len;

	path_of(golden, path);
	file = fopen(path, "r");
	if (!file)
		return SLICE_EMPTY;
	len = fread(room, 1, LETTER_MAX, file);
	fclose(file);
	return slice_of(room, len);
}

static void
keep(const struct golden *golden, struct slice text)
{
	char path[PATH_MAX_BYTES];
	FILE *file;

	path_of(golden, path);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(text.data, 1, text.len, file), text.len);
	assert_int_equal(fclose(file), 0);
}

TEST(letters)
{
	static uint8_t letter[LETTER_MAX], text[LETTER_MAX], old[LETTER_MAX];

	for (size_t i = 0; i < sizeof(goldens) / sizeof(goldens[0]); i++) {
		struct slice got = plain(letter_of(&goldens[i], letter), text);

		if (getenv("UPDATE_GOLDEN"))
			keep(&goldens[i], got);
		if (slice_eq(got, kept(&goldens[i], old)))
			continue;
		printf("%.*s", SLICE_ARG(got));
		fail_msg("tests/golden/%s.txt is another letter", goldens[i].name);
	}
}

/* Every cause that a report can have. */
TEST(causes)
{
	bool has[VERDICT_CAUSE_MAX] = {false};

	for (size_t i = 0; i < sizeof(goldens) / sizeof(goldens[0]); i++)
		has[goldens[i].verdict.cause] = true;
	for (unsigned cause = 1; cause < VERDICT_CAUSE_MAX; cause++) {
		bool never_told = cause == VERDICT_CAUSE_EXPIRED || /* beside the last real one */
				  cause == VERDICT_CAUSE_SUPPRESSED || /* no list yet */
				  cause == VERDICT_CAUSE_NOT_BOUNCE;

		if (has[cause] == never_told)
			fail_msg("%s", cause_row(cause)->name);
	}
}

TESTS(TEST_ROW(letters), TEST_ROW(causes))
