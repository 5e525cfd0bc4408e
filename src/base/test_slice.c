/* slice: tables for comparison, cutting, numbers. */
#include "base/test.h"

TEST(numbers)
{
	static const struct {
		const char *input;
		uint64_t max;
		int ok;
		uint64_t want;
	} rows[] = {
		{"0", 10, 1, 0},
		{"10", 10, 1, 10},
		{"11", 10, 0, 0},
		{"", 10, 0, 0},
		{"+1", 10, 0, 0},
		{"1 ", 10, 0, 0},
		{"18446744073709551615", UINT64_MAX, 1, UINT64_MAX},
		{"18446744073709551616", UINT64_MAX, 0, 0},
		{"99999999999999999999", UINT64_MAX, 0, 0},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t got = 77;

		assert_int_equal(slice_to_u64(slice_str(rows[i].input), rows[i].max, &got),
				 rows[i].ok);
		assert_int_equal(got, rows[i].ok ? rows[i].want : 77);
	}
}

TEST(cutting)
{
	struct slice rest = SLICE("a::b");

	assert_slice_str(slice_cut(&rest, ':'), "a");
	assert_slice_str(slice_cut(&rest, ':'), "");
	assert_slice_str(slice_cut(&rest, ':'), "b");
	assert_null(rest.data);
}

TEST(comparing)
{
	assert_true(slice_eq_nocase(SLICE("MAIL"), SLICE("mAiL")));
	assert_false(slice_eq_nocase(SLICE("[a"), SLICE("{a")));
	assert_true(slice_starts_nocase(SLICE("RCPT TO:<x>"), SLICE("rcpt to:")));
	assert_false(slice_starts(SLICE("a"), SLICE("ab")));
	assert_true(slice_ends_nocase(SLICE("x.TEST"), SLICE(".test")));
	assert_int_equal(slice_find(SLICE("abcabd"), SLICE("abd")), 3);
	assert_int_equal(slice_find(SLICE("ab"), SLICE("abd")), 2);
	assert_true(slice_cmp(SLICE("a"), SLICE("ab")) < 0);
	assert_slice_str(slice_trim(SLICE(" \ta b\t ")), "a b");
	assert_int_equal(slice_rindex(SLICE("a@b@c"), '@'), 3);
}

TESTS(TEST_ROW(numbers), TEST_ROW(cutting), TEST_ROW(comparing))
