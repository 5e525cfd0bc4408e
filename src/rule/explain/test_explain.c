/*
 * explain: each cause by an example, what class and stage do to the action, evidence; and where the
 * sample replies are at hand, how many are understood.
 */
#include "base/test.h"

#include "rule/explain/explain.h"
#include "rule/explain/local.h"
#include "wire/smtp/reply.h"

#define C(name) VERDICT_CAUSE_##name
#define AT(name) VERDICT_STAGE_##name

static const struct {
	uint8_t class, stage;
	uint16_t code;
	struct verdict_status status;
	const char *reply;
	uint8_t cause;
	const char *evidence; /* NULL: not looked at */
} rows[] = {
	/* What the lab shows. */
	{VERDICT_NEVER,
	 AT(GREETING),
	 554,
	 {0},
	 "554-gateway.test\n554 Your access to this mail system "
	 "has been rejected due to the sending MTA's poor reputation. If you\n554 believe",
	 C(IP_BLOCKED),
	 "poor reputation"},
	{VERDICT_NEVER,
	 AT(RECIPIENT),
	 550,
	 {5, 1, 1},
	 "550 5.1.1 no such user here",
	 C(RCPT_UNKNOWN),
	 "no such user"},
	{VERDICT_NEVER,
	 AT(RECIPIENT),
	 552,
	 {5, 2, 2},
	 "552 5.2.2 mailbox is full",
	 C(RCPT_FULL),
	 "mailbox is full"},
	{VERDICT_LATER,
	 AT(RECIPIENT),
	 452,
	 {4, 2, 2},
	 "452 4.2.2 mailbox is full",
	 C(RCPT_FULL),
	 "mailbox is full"},
	{VERDICT_LATER,
	 AT(RECIPIENT),
	 451,
	 {4, 7, 1},
	 "451 4.7.1 Greylisted, come again",
	 C(RATE),
	 "Greylisted"},
	{VERDICT_NEVER, AT(RECIPIENT), 550, {5, 7, 25}, "550 5.7.25 no", C(PTR), ""},
	{VERDICT_NEVER, AT(DNS), 556, {5, 1, 10}, "", C(DOMAIN_NOMAIL), NULL},
	{VERDICT_NEVER,
	 AT(DNS),
	 0,
	 {5, 1, 2},
	 "example.invalid does not exist",
	 C(DOMAIN_UNRESOLVABLE),
	 NULL},
	{VERDICT_LATER, AT(DNS), 0, {4, 4, 3}, "", C(DOMAIN_UNRESOLVABLE), NULL},
	{VERDICT_NEVER, AT(DNS), 0, {5, 4, 6}, "", C(NET_OR_ROUTE), NULL},
	{VERDICT_NEVER, AT(SENDER), 552, {5, 3, 4}, "552 5.3.4 size", C(SIZE), ""},
	{VERDICT_NEVER,
	 AT(RECIPIENT),
	 554,
	 {5, 7, 1},
	 "554 5.7.1 <a@x.test>: Relay access denied",
	 C(RELAY_DENIED),
	 "Relay access denied"},
	{VERDICT_NEVER,
	 AT(SENDER),
	 530,
	 {5, 7, 0},
	 "530 5.7.0 Must issue a STARTTLS command first",
	 C(TLS),
	 NULL},
	{VERDICT_NEVER, AT(SENDER), 550, {5, 7, 10}, "550 5.7.10 no", C(TLS), NULL},
	{VERDICT_LATER, AT(TLS), 0, {4, 7, 0}, "certificate does not fit", C(TLS), NULL},
	{VERDICT_LATER, AT(CONNECT), 0, {4, 4, 1}, "Connection refused", C(NET_OR_ROUTE), NULL},
	{VERDICT_LATER, AT(FINAL), 0, {4, 4, 2}, "lost connection", C(NET_OR_ROUTE), NULL},
	{VERDICT_NEVER, AT(LOCAL), 0, {5, 4, 6}, "", C(NET_OR_ROUTE), NULL},
	{VERDICT_LATER, AT(LOCAL), 0, {4, 3, 0}, "No space left", C(LOCAL_DELIVERY), NULL},
	{VERDICT_NEVER, AT(DATA), 0, {5, 6, 3}, "", C(CONTENT), NULL},
	{VERDICT_OK, AT(FINAL), 250, {2, 0, 0}, "250 2.0.0 queued", C(NOT_BOUNCE), ""},
	/* Statuses and words. */
	{VERDICT_LATER,
	 AT(GREETING),
	 421,
	 {4, 7, 0},
	 "421 too many connections from your host",
	 C(RATE),
	 NULL},
	{VERDICT_LATER,
	 AT(GREETING),
	 421,
	 {4, 3, 2},
	 "421 4.3.2 shutting down",
	 C(REMOTE_SYSTEM),
	 NULL},
	{VERDICT_NEVER, AT(FINAL), 550, {5, 7, 26}, "550 5.7.26 unauthenticated", C(AUTH), NULL},
	{VERDICT_NEVER,
	 AT(FINAL),
	 550,
	 {5, 7, 1},
	 "550 5.7.1 this looks like spam",
	 C(SPAM),
	 "looks like spam"},
	{VERDICT_NEVER, AT(FINAL), 550, {5, 7, 1}, "550 5.7.1 contains a virus", C(VIRUS), "virus"},
	{VERDICT_NEVER, AT(FINAL), 550, {5, 6, 0}, "550 5.6.0 no", C(CONTENT), NULL},
	{VERDICT_NEVER, AT(FINAL), 550, {5, 7, 1}, "550 5.7.1 no", C(POLICY), NULL},
	{VERDICT_NEVER,
	 AT(RECIPIENT),
	 550,
	 {5, 7, 1},
	 "550 5.7.1 Service unavailable; Client host "
	 "[192.0.2.1] blocked using a block\n550 list",
	 C(IP_BLOCKED),
	 NULL},
	{VERDICT_NEVER, AT(RECIPIENT), 550, {5, 7, 1}, "550 SPF check failed", C(AUTH), "SPF"},
	{VERDICT_NEVER, AT(RECIPIENT), 550, {0}, "550 no", C(UNKNOWN), NULL},
	{VERDICT_NEVER, AT(SENDER), 503, {5, 5, 1}, "503 5.5.1 sequence", C(PROTOCOL), NULL},
	{VERDICT_NEVER,
	 AT(RECIPIENT),
	 521,
	 {0},
	 "521 host does not accept mail",
	 C(DOMAIN_NOMAIL),
	 NULL},
	{VERDICT_NEVER, AT(SENDER), 550, {5, 1, 8}, "550 5.1.8 no", C(SENDER_REFUSED), NULL},
	/* Words inside other words do not count. */
	{VERDICT_NEVER, AT(FINAL), 554, {0}, "554 marble halls", C(UNKNOWN), ""},
	{VERDICT_NEVER, AT(FINAL), 554, {0}, "554 antispam9 is hamspam", C(UNKNOWN), ""},
	{VERDICT_NEVER, AT(FINAL), 554, {0}, "554 no", C(UNKNOWN), ""},
	{VERDICT_LATER, AT(FINAL), 450, {0}, "450 qwertz", C(UNKNOWN), ""},
	/* Before the recipient was named nothing is known of it. */
	{VERDICT_NEVER, AT(GREETING), 554, {5, 1, 1}, "554 5.1.1 no", C(UNKNOWN), NULL},
	{VERDICT_NEVER, AT(GREETING), 554, {0}, "554 user unknown", C(UNKNOWN), NULL},
	{VERDICT_NEVER, AT(HELLO), 550, {5, 2, 2}, "550 5.2.2 mailbox full", C(UNKNOWN), NULL},
	{VERDICT_NEVER, AT(SENDER), 550, {5, 1, 3}, "550 5.1.3 no", C(UNKNOWN), NULL},
	{VERDICT_NEVER, AT(FINAL), 550, {5, 1, 1}, "550 5.1.1 no", C(RCPT_UNKNOWN), NULL},
	{VERDICT_NEVER, AT(FINAL), 550, {0}, "550 user unknown", C(RCPT_UNKNOWN), NULL},
};

static struct verdict
verdict_of(size_t i)
{
	return (struct verdict){.class = rows[i].class,
				.stage = rows[i].stage,
				.code = rows[i].code,
				.status = rows[i].status,
				.reply = slice_str(rows[i].reply)};
}

TEST(causes)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct verdict v = verdict_of(i);

		explain_verdict(&v);
		if (v.cause != rows[i].cause)
			fail_msg("%zu '%s': %s, want %s", i, rows[i].reply,
				 verdict_cause_str(v.cause), verdict_cause_str(rows[i].cause));
		if (rows[i].evidence)
			assert_slice_str(v.evidence, rows[i].evidence);
		assert_int_equal(v.confidence_percent == 0, v.cause == VERDICT_CAUSE_UNKNOWN);
	}
}

/* A 4xx never stops; a 5xx is never tried again, but at the greeting. */
TEST(actions)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct verdict v = verdict_of(i);

		explain_verdict(&v);
		if (v.class == VERDICT_OK)
			assert_int_equal(v.action, VERDICT_ACTION_NONE);
		if (v.class == VERDICT_LATER)
			assert_true(v.action == VERDICT_ACTION_RETRY ||
				    v.action == VERDICT_ACTION_SLOW ||
				    v.action == VERDICT_ACTION_SUSPEND);
		if (v.class == VERDICT_NEVER && v.stage != VERDICT_STAGE_GREETING)
			assert_int_equal(v.action, VERDICT_ACTION_STOP);
	}
}

/* What nobody knows at the greeting is about us, too; for good it suspends, for now it is tried
 * again. */
TEST(unknown_at_the_door)
{
	struct verdict v = {.class = VERDICT_NEVER,
			    .stage = VERDICT_STAGE_GREETING,
			    .code = 554,
			    .reply = SLICE("554 qwertz")};

	explain_verdict(&v);
	assert_int_equal(v.cause, VERDICT_CAUSE_UNKNOWN);
	assert_int_equal(v.scope, VERDICT_SCOPE_ADDRESS_AT_DESTINATION);
	assert_int_equal(v.action, VERDICT_ACTION_SUSPEND);
	v = (struct verdict){.class = VERDICT_LATER,
			     .stage = VERDICT_STAGE_GREETING,
			     .code = 450,
			     .reply = SLICE("450 qwertz")};
	explain_verdict(&v);
	assert_int_equal(v.cause, VERDICT_CAUSE_UNKNOWN);
	assert_int_equal(v.scope, VERDICT_SCOPE_ADDRESS_AT_DESTINATION);
	assert_int_equal(v.action, VERDICT_ACTION_RETRY);
}

TEST(the_seed)
{
	struct verdict v = verdict_of(0);

	explain_verdict(&v);
	assert_int_equal(v.actor, VERDICT_ACTOR_OUR_ADMIN);
	assert_int_equal(v.action, VERDICT_ACTION_SUSPEND);
	assert_int_equal(v.scope, VERDICT_SCOPE_ADDRESS_AT_DESTINATION);
	assert_int_equal(v.confidence_percent, 97);
	v.stage = VERDICT_STAGE_RECIPIENT;
	v.cause = VERDICT_CAUSE_NONE;
	explain_verdict(&v);
	assert_int_equal(v.cause, VERDICT_CAUSE_IP_BLOCKED);
	assert_int_equal(v.action, VERDICT_ACTION_STOP);
}

/* A status that agrees makes surer, one that surely says something else makes doubt; not of what a
 * receiver's own rule says of its words. */
TEST(two_witnesses)
{
	static const struct {
		const char *reply;
		unsigned at_least, at_most;
	} pairs[] = {
		{"550 user unknown", 85, 97},
		{"550 5.1.1 user unknown", 98, 99},
		{"550 5.7.26 user unknown", 70, 78},
		{"550 5.1.10 RESOLVER.ADR.RecipientNotFound; not found by SMTP address lookup", 95,
		 99},
	};

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		static struct match work;
		static struct explained found;
		const struct facts_given given = {.stage = VERDICT_STAGE_MAX};
		const struct verdict *v = &found.facts.verdict;

		explain_read(slice_str(pairs[i].reply), &given, explain_builtin(), &work, &found);
		if (v->cause != VERDICT_CAUSE_RCPT_UNKNOWN ||
		    v->confidence_percent < pairs[i].at_least ||
		    v->confidence_percent > pairs[i].at_most)
			fail_msg("row %zu: cause %d, %d %%", i, v->cause, v->confidence_percent);
	}
}

TEST(set_causes_stay)
{
	struct verdict v = {.class = VERDICT_NEVER,
			    .stage = VERDICT_STAGE_DNS,
			    .cause = VERDICT_CAUSE_SUPPRESSED,
			    .confidence_percent = 100};

	explain_verdict(&v);
	assert_int_equal(v.cause, VERDICT_CAUSE_SUPPRESSED);
	assert_int_equal(v.actor, VERDICT_ACTOR_OUR_ADMIN);
	assert_int_equal(v.confidence_percent, 100);
	v.cause = VERDICT_CAUSE_MAX + 5; /* not of this version */
	explain_verdict(&v);
	assert_int_equal(v.cause, VERDICT_CAUSE_DOMAIN_UNRESOLVABLE);
}

/* accept is a list of causes between commas. */
static bool
is_accepted(struct slice accept, const char *cause)
{
	while (accept.len) {
		if (slice_eq(slice_cut(&accept, ','), slice_str(cause)))
			return true;
	}
	return false;
}

static bool
check_sample(struct slice line, bool *ret_unknown)
{
	struct verdict v = {.stage = VERDICT_STAGE_RECIPIENT};
	struct smtp_status status;
	struct slice accept;

	(void)slice_cut(&line, '\t');
	accept = slice_cut(&line, '\t');
	v.reply = slice_cut(&line, '\t');
	for (size_t i = 0; i < 3 && i < v.reply.len && ascii_is_digit(v.reply.data[i]); i++)
		v.code = (uint16_t)(v.code * 10 + (v.reply.data[i] - '0'));
	v.class = v.code >= 500 ? VERDICT_NEVER : VERDICT_LATER;
	status = smtp_status_read(slice_from(v.reply, 4));
	v.status = (struct verdict_status){(uint8_t)status.klass, status.subject, status.detail};
	explain_verdict(&v);
	*ret_unknown = v.cause == VERDICT_CAUSE_UNKNOWN;
	if (getenv("FRANK_TEST_VERBOSE") && !is_accepted(accept, verdict_cause_str(v.cause)))
		printf("%s, want %.*s: %.*s\n", verdict_cause_str(v.cause), SLICE_ARG(accept),
		       SLICE_ARG(slice_sub(v.reply, 0, 150)));
	return is_accepted(accept, verdict_cause_str(v.cause));
}

TEST(samples)
{
	const char *corpora = getenv("FRANK_CORPORA");
	unsigned count = 0, good = 0, unknown = 0;
	char path[4096], line[8192];
	FILE *file;

	snprintf(path, sizeof(path), "%s/bounces/replies.tsv", corpora ? corpora : ".");
	file = fopen(path, "r");
	if (!file) {
		printf("skipped: no sample replies here\n");
		skip();
	}
	while (fgets(line, sizeof(line), file)) {
		bool none = false;

		if (count++ == 0)
			continue;
		good += check_sample(slice_str(line), &none);
		unknown += none;
	}
	fclose(file);
	count--;
	printf("%u of %u replies understood, %u unknown\n", good, count, unknown);
	assert_true(good * 100 >= count * 95);
}

/* A rule of one's own decides, also that nobody knows; and its words are its own set's. */
TEST(own_rule_says_unknown)
{
	static struct test_mem memory = TEST_MEM_INIT;
	static struct explained explained;
	static struct match match;
	const struct facts_given given = {.stage = VERDICT_STAGE_MAX};
	struct ruleset_error error;
	struct ruleset own;
	struct arena arena;

	arena_init(&arena, &memory.mem, RULESET_ARENA_MAX);
	assert_int_equal(explain_local_compile(&arena, SLICE("own"),
					       SLICE("level local\nrule odd\n\twords user odd\n"
						     "\tcause unknown 50\n\tadmin Ask the porter.\n"
						     "\tsource us\n\texample 550 user odd\n"),
					       &own, &error),
			 0);
	explain_read(SLICE("550 5.1.1 user odd"), &given, &own, &match, &explained);
	assert_int_equal(explained.facts.verdict.cause, VERDICT_CAUSE_UNKNOWN);
	assert_ptr_equal(explained.why.set, &own);
	assert_slice_str(ruleset_slice(explained.why.set, explained.why.rule->admin),
			 "Ask the porter.");
	arena_finish(&arena);
}

TESTS(TEST_ROW(own_rule_says_unknown), TEST_ROW(causes), TEST_ROW(actions),
      TEST_ROW(unknown_at_the_door), TEST_ROW(the_seed), TEST_ROW(two_witnesses),
      TEST_ROW(set_causes_stay), TEST_ROW(samples))
