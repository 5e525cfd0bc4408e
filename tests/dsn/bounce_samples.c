/*
 * Writes bounces as bounce would make them, one file each, for other programs to read:
 * bounce_samples FOLDER. test_sisimai.py has what must be read from them.
 */
#include <stdio.h>
#include <stdlib.h>

#include "rule/explain/explain.h"
#include "rule/explain/letter.h"
#include "wire/dsn/compose.h"

#define HOSTS                                                                                      \
	.host = SLICE("mx.gateway.test"), .helo = SLICE("mail.example.test"),                      \
	.wall_ms = 1700000000000, .address = {.family = NET_FAMILY_4, .bytes = {192, 0, 2, 7}}

static const struct {
	const char *name;
	bool expired;
	struct verdict verdict;
} samples[] = {
	{"door",
	 false,
	 {.class = VERDICT_NEVER,
	  .stage = VERDICT_STAGE_GREETING,
	  .code = 554,
	  .reply = SLICE(
		  "554-gateway.test\n554 Your access to this mail system has been rejected due "
		  "to the sending MTA's poor reputation. If you believe that this failure is in "
		  "error, please contact the intended recipient via alternate means."),
	  HOSTS}},
	{"unknown",
	 false,
	 {.class = VERDICT_NEVER,
	  .stage = VERDICT_STAGE_RECIPIENT,
	  .code = 550,
	  .status = {5, 1, 1},
	  .reply = SLICE("550 5.1.1 <bob@gateway.test> no such user here"),
	  HOSTS}},
	{"full",
	 false,
	 {.class = VERDICT_NEVER,
	  .stage = VERDICT_STAGE_RECIPIENT,
	  .code = 552,
	  .status = {5, 2, 2},
	  .reply = SLICE("552 5.2.2 mailbox is full"),
	  HOSTS}},
	{"ptr",
	 false,
	 {.class = VERDICT_NEVER,
	  .stage = VERDICT_STAGE_RECIPIENT,
	  .code = 550,
	  .status = {5, 7, 25},
	  .reply = SLICE("550 5.7.25 no PTR record for your address"),
	  HOSTS}},
	{"nullmx",
	 false,
	 {.class = VERDICT_NEVER,
	  .stage = VERDICT_STAGE_DNS,
	  .status = {5, 1, 10},
	  .reply = SLICE("gateway.test accepts no mail (null MX)"),
	  .wall_ms = 1700000000000}},
	{"loop",
	 false,
	 {.class = VERDICT_NEVER,
	  .stage = VERDICT_STAGE_DNS,
	  .status = {5, 4, 6},
	  .reply = SLICE("The domain's mail is routed back to this server, which does not hold "
			 "it.\ngateway.test MX names this server"),
	  .wall_ms = 1700000000000}},
	{"expired",
	 true,
	 {.class = VERDICT_LATER,
	  .stage = VERDICT_STAGE_CONNECT,
	  .status = {4, 4, 1},
	  .reply = SLICE("No connection to the server.\nConnection refused"),
	  .host = SLICE("mx.gateway.test"),
	  .wall_ms = 1700000000000}},
};

static int
write_sample(const char *folder, size_t index)
{
	static uint8_t letter[DSN_LETTER_BYTES_MAX], message[DSN_BYTES_MAX];
	struct dsn_rcpt rcpt = {.address = SLICE("bob@gateway.test"),
				.orcpt = SLICE("rfc822;bob@gateway.test"),
				.action = DSN_FAILED,
				.attempts = 3,
				.expired = samples[index].expired,
				.verdict = samples[index].verdict};
	struct dsn_report report = {
		.kind = DSN_FAILURE,
		.host = SLICE("mail.example.test"),
		.id = SLICE("0123456789abc"),
		.report_id = SLICE("1123456789abc"),
		.unique = SLICE("a8s7d6f5g4h3"),
		.sender = SLICE("ann@example.test"),
		.arrival_s = 1700000000,
		.now_s = 1700000001,
		.rcpts = &rcpt,
		.rcpt_count = 1,
		.header = SLICE("From: Ann <ann@example.test>\r\nTo: bob@gateway.test\r\n"
				"Subject: hello\r\nMessage-ID: <1@example.test>\r\n\r\n")};
	struct builder l, m;
	size_t header_len;
	char path[4096];
	FILE *file;
	int err;

	explain_verdict(&rcpt.verdict);
	builder_init_fixed(&l, letter, sizeof(letter));
	builder_init_fixed(&m, message, sizeof(message));
	letter_build(&l, &report);
	err = dsn_compose(&m, &report, builder_slice(&l), &header_len);
	if (err || l.failed)
		return EXIT_FAILURE;
	snprintf(path, sizeof(path), "%s/%s.eml", folder, samples[index].name);
	file = fopen(path, "wb");
	if (!file)
		return EXIT_FAILURE;
	fwrite(m.data, 1, m.len, file);
	return fclose(file) ? EXIT_FAILURE : EXIT_SUCCESS;
}

int
main(int argc, char **argv)
{
	int result = argc == 2 ? EXIT_SUCCESS : EXIT_FAILURE;

	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]) && !result; i++)
		result = write_sample(argv[1], i);
	return result;
}
