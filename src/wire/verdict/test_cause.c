/* cause: every row is whole, numbers follow the order, names are unique and found again. */
#include "base/test.h"

#include "wire/verdict/cause.h"

static void
check_sentences(const char *text)
{
	size_t len = strlen(text);

	assert_true(len > 20);
	assert_true(text[0] >= 'A' && text[0] <= 'Z');
	assert_int_equal(text[len - 1], '.');
	assert_null(strstr(text, "  "));
	assert_true(slice_is_ascii(slice_str(text)));
}

TEST(rows)
{
	for (unsigned i = 1; i < VERDICT_CAUSE_MAX; i++) {
		const struct cause_row *row = cause_row(i);

		assert_non_null(row);
		assert_int_equal(row->number, 1000 + i);
		assert_int_equal(cause_of_name(slice_str(row->name)), i);
		assert_string_equal(verdict_cause_str(i), row->name);
		assert_true(row->actor < VERDICT_ACTOR_MAX && row->action < VERDICT_ACTION_MAX);
		assert_true(row->scope < VERDICT_SCOPE_MAX);
		check_sentences(row->sender_text);
		check_sentences(row->admin_text);
	}
	assert_int_equal(VERDICT_CAUSE_MAX, 28);
	assert_null(cause_row(VERDICT_CAUSE_NONE));
	assert_null(cause_row(VERDICT_CAUSE_MAX));
	assert_string_equal(verdict_cause_str(VERDICT_CAUSE_NONE), "none");
	assert_string_equal(verdict_cause_str(VERDICT_CAUSE_MAX), "?");
	assert_int_equal(cause_of_name(SLICE("nonsense")), VERDICT_CAUSE_NONE);
}

TEST(statuses)
{
	struct verdict_status status = cause_status(VERDICT_CAUSE_RCPT_UNKNOWN, VERDICT_NEVER);

	assert_int_equal(status.class, 5);
	assert_int_equal(status.subject, 1);
	assert_int_equal(status.detail, 1);
	assert_int_equal(cause_status(VERDICT_CAUSE_RATE, VERDICT_LATER).class, 4);
	assert_int_equal(cause_status(VERDICT_CAUSE_UNKNOWN, VERDICT_NEVER).subject, 0);
	assert_int_equal(cause_status(VERDICT_CAUSE_RCPT_UNKNOWN, VERDICT_OK).detail, 0);
}

TESTS(TEST_ROW(rows), TEST_ROW(statuses))
