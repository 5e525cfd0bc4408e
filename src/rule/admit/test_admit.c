/*
 * admit: the relay row of the conformance table, and budgets.
 */
#include "base/test.h"
#include "rule/admit/budget.h"

/* Our domain is local.test, its mailbox ann. */
static enum admit_place
place_of(const struct smtp_address *address)
{
	if (address->flags & SMTP_ADDRESS_POSTMASTER)
		return ADMIT_PLACE_LOCAL;
	if (!slice_eq_nocase(address->domain, SLICE("local.test")))
		return ADMIT_PLACE_ELSEWHERE;
	return slice_eq(address->local, SLICE("ann")) ? ADMIT_PLACE_LOCAL : ADMIT_PLACE_UNKNOWN;
}

/* -1: no address at all. */
static int
decide(const char *path, const struct admit_client *client)
{
	uint8_t scratch[SMTP_LOCAL_MAX];
	struct smtp_address address;
	struct slice rest = slice_str(path);
	enum admit_reason reason;

	if (smtp_path_parse(&rest, scratch, &address) || rest.len)
		return -1;
	reason = admit_rcpt_form(&address);
	return admit_refuses(reason) ? (int)reason
				     : (int)admit_rcpt(&address, place_of(&address), client);
}

TEST(relay_row)
{
	static const struct {
		const char *path;
		int stranger, logged_in;
	} rows[] = {
		{"<ann@local.test>", ADMIT_OK, ADMIT_OK},
		{"<Postmaster>", ADMIT_OK, ADMIT_OK},
		{"<@relay.test:ann@local.test>", ADMIT_OK, ADMIT_OK},
		{"<nobody@local.test>", ADMIT_UNKNOWN, ADMIT_UNKNOWN},
		{"<user@dom.test>", ADMIT_RELAY, ADMIT_OK},
		{"<user%dom.test@local.test>", ADMIT_FORM, ADMIT_FORM},
		{"<\"user@dom.test\"@local.test>", ADMIT_FORM, ADMIT_FORM},
		{"<\"user%dom.test\"@local.test>", ADMIT_FORM, ADMIT_FORM},
		{"<dom.test!user>", -1, -1},
		{"<dom.test!user@local.test>", ADMIT_FORM, ADMIT_FORM},
		{"<@local.test:user@dom.test>", ADMIT_RELAY, ADMIT_OK},
		{"<\"user@dom.test\">", -1, -1},
		{"<\"user%dom.test\">", -1, -1},
		{"<user@dom.test@>", -1, -1},
		{"<user@dom.test@local.test>", -1, -1},
		{"<user@[192.0.2.1]>", ADMIT_LITERAL, ADMIT_LITERAL},
		{"<user%dom.test@[192.0.2.1]>", ADMIT_LITERAL, ADMIT_LITERAL},
		{"<user%dom.test@localhost>", ADMIT_RELAY, ADMIT_OK},
		{"<\"user@dom.test\"@localhost>", ADMIT_RELAY, ADMIT_OK},
		{"<user@dom.test%>", -1, -1},
		{"<user@dom.test.>", -1, -1},
		{"<user%dom.test@>", -1, -1},
		{"<user@ dom.test>", -1, -1},
		{"user@dom.test", -1, -1},
		{"<@dom.test>", -1, -1},
	};
	static const struct admit_client stranger, logged_in = {.authenticated = true},
						   listed = {.trusted = true};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(decide(rows[i].path, &stranger), rows[i].stranger);
		assert_int_equal(decide(rows[i].path, &logged_in), rows[i].logged_in);
		assert_int_equal(decide(rows[i].path, &listed), rows[i].logged_in);
	}
}

TEST(reasons)
{
	for (unsigned i = 0; i < ADMIT_REASON_MAX; i++) {
		enum admit_reason reason = (enum admit_reason)i;

		assert_int_equal(admit_reason_status(reason)[0] - '0',
				 admit_reason_code(reason) / 100);
		assert_true(strlen(admit_reason_text(reason)) > 0);
		assert_true(strlen(admit_reason_str(reason)) > 0);
	}
	assert_int_equal(admit_sender(ADMIT_BOUND_NO), ADMIT_SENDER_DENIED);
	assert_int_equal(admit_author(ADMIT_BOUND_LATER), ADMIT_SENDER_LATER);
	assert_int_equal(admit_author_fields(2, 2), ADMIT_AUTHOR_NONE);
	assert_int_equal(admit_author_fields(1, 0), ADMIT_AUTHOR_NONE);
	assert_int_equal(admit_author_fields(1, 1), ADMIT_AUTHOR_OK);
	assert_int_equal(admit_rcpt(&(struct smtp_address){.flags = 0}, ADMIT_PLACE_LATER,
				    &(struct admit_client){.trusted = true}),
			 ADMIT_LATER);
}

TEST(budgets)
{
	static const struct admit_limits limits = {.connections_max = 2, .per_minute_max = 3};
	struct admit_budget budget = {0};

	assert_int_equal(admit_budget_open(&budget, &limits, 1000), ADMIT_OK);
	assert_int_equal(admit_budget_open(&budget, &limits, 1000), ADMIT_OK);
	assert_int_equal(admit_budget_open(&budget, &limits, 1000), ADMIT_NETWORK_MAX);
	admit_budget_close(&budget);
	assert_int_equal(admit_budget_open(&budget, &limits, 1000), ADMIT_OK);
	admit_budget_close(&budget);
	assert_int_equal(admit_budget_open(&budget, &limits, 1001), ADMIT_NETWORK_RATE);
	assert_int_equal(admit_budget_open(&budget, &limits, 20999), ADMIT_NETWORK_RATE);
	assert_int_equal(admit_budget_open(&budget, &limits, 21000), ADMIT_OK);
	admit_budget_close(&budget);
	admit_budget_close(&budget);
	assert_false(admit_budget_is_fresh(&budget, 22000));
	assert_true(admit_budget_is_fresh(&budget, 81000));
	/* No limits. */
	for (unsigned i = 0; i < 1000; i++)
		assert_int_equal(admit_budget_open(&budget, &(struct admit_limits){0}, 1),
				 ADMIT_OK);
}

TESTS(TEST_ROW(relay_row), TEST_ROW(reasons), TEST_ROW(budgets))
