/* date: known instants, all forms, refusals, every day of 400 years there and back. */
#include "base/test.h"

#include "base/prng.h"
#include "wire/message/date.h"

TEST(forms)
{
	static const struct {
		const char *text;
		int err;
		int64_t epoch_s;
		int offset;
	} rows[] = {
		{"Thu, 1 Jan 1970 00:00:00 +0000", 0, 0, 0},
		{"Tue, 1 Jul 2003 10:52:37 +0200", 0, 1057049557, 120},
		{"Fri, 21 Nov 1997 09:55:06 -0600", 0, 880127706, -360},
		{"1 Jul 2003 10:52 +0200", 0, 1057049520, 120},
		{"21 Nov 97 09:55:06 GMT", 0, 880106106, 0},
		{"Fri, 21 Nov 1997 09(comment):   55  :  06 -0600", 0, 880127706, -360},
		{" Thu,\r\n      13\r\n        Feb\r\n          1969\r\n      23:32\r\n"
		 "               -0330 (Newfoundland Time)",
		 0, -27723480, -210},
		{"1 jan 100 00:00:00 Z", 0, 946684800, 0}, /* three digits: + 1900 */
		{"29 Feb 2024 12:00:00 EST", 0, 1709226000, -300},
		{"29 Feb 2000 12:00:00 A", 0, 951825600, 0},
		{"31 Dec 1998 23:59:60 +0000", 0, 915148799, 0},
		{"Thu, 1 Jan 1970 00:00:00 +0000 x", ERR_SYNTAX, 0, 0},
		{"Xyz, 1 Jan 1970 00:00:00 +0000", ERR_SYNTAX, 0, 0},
		{"Thu 1 Jan 1970 00:00:00 +0000", ERR_SYNTAX, 0, 0},
		{"1 Jan 1970 00:00:00", ERR_SYNTAX, 0, 0},
		{"1 Jan 1970 0:00:00 +0000", ERR_SYNTAX, 0, 0},
		{"1 Jan 1970 00:00:00 +000", ERR_SYNTAX, 0, 0},
		{"1 Jan 19700 00:00:00 +0000", ERR_SYNTAX, 0, 0},
		{"1 Foo 1970 00:00:00 +0000", ERR_SYNTAX, 0, 0},
		{"", ERR_SYNTAX, 0, 0},
		{"29 Feb 2023 12:00:00 +0000", ERR_RANGE, 0, 0},
		{"31 Apr 2023 12:00:00 +0000", ERR_RANGE, 0, 0},
		{"0 Apr 2023 12:00:00 +0000", ERR_RANGE, 0, 0},
		{"32 Jan 2023 12:00:00 +0000", ERR_RANGE, 0, 0},
		{"1 Apr 2023 24:00:00 +0000", ERR_RANGE, 0, 0},
		{"1 Apr 2023 12:00:00 +2400", ERR_RANGE, 0, 0},
		{"1 Apr 2023 12:00:00 +0060", ERR_RANGE, 0, 0},
		{"1 Apr 1800 12:00:00 +0000", ERR_RANGE, 0, 0},
		{"31 Dec 9999 23:59:59 +0000", ERR_RANGE, 0, 0}, /* other zones have no such year */
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct date date = {77, 7};
		int err = date_parse(slice_str(rows[i].text), &date);

		if (err != rows[i].err)
			fail_msg("'%s': %d", rows[i].text, err);
		assert_int_equal(date.epoch_s, err ? 77 : rows[i].epoch_s);
		assert_int_equal(date.offset_minutes, err ? 7 : rows[i].offset);
	}
}

TEST(stamps)
{
	static const struct {
		int64_t wall_ms;
		bool ms;
		const char *want;
	} rows[] = {
		{0, false, "1970-01-01T00:00:00Z"},
		{1, true, "1970-01-01T00:00:00.001Z"},
		{1057049557999, false, "2003-07-01T08:52:37Z"},
		{1057049557999, true, "2003-07-01T08:52:37.999Z"},
		{1709251199000, true, "2024-02-29T23:59:59.000Z"},
		{253402300799999, true, "9999-12-31T23:59:59.999Z"},
		{253402300800000, true, "9999-12-31T23:59:59.999Z"},
		{INT64_MAX, false, "9999-12-31T23:59:59Z"},
		{-1, true, "1970-01-01T00:00:00.000Z"},
		{INT64_MIN, false, "1970-01-01T00:00:00Z"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t room[sizeof("9999-12-31T23:59:59.999Z") - 1];
		struct builder b;

		builder_init_fixed(&b, room, sizeof(room));
		date_stamp_build(&b, rows[i].wall_ms, rows[i].ms);
		assert_false(b.failed);
		assert_slice_str(builder_slice(&b), rows[i].want);
	}
}

static void
check_build(int64_t epoch_s, int64_t offset, const char *want)
{
	uint8_t buf[64];
	struct builder b;

	builder_init_fixed(&b, buf, sizeof(buf));
	date_build(&b, date_of(epoch_s, offset));
	assert_slice_str(builder_slice(&b), want);
}

TEST(building)
{
	check_build(0, 0, "Thu, 1 Jan 1970 00:00:00 +0000");
	check_build(-1, 0, "Wed, 31 Dec 1969 23:59:59 +0000");
	check_build(1057049557, 120, "Tue, 1 Jul 2003 10:52:37 +0200");
	check_build(-27723480, -210, "Thu, 13 Feb 1969 23:32:00 -0330");
	check_build(INT64_MIN, 0, "Tue, 2 Jan 1900 00:00:00 +0000");
	check_build(INT64_MAX, 99999, "Thu, 30 Dec 9999 23:59:59 +0000");
}

TEST(every_day)
{
	struct date_civil last = {1899, 12, 31};
	static const uint8_t lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	for (int64_t day = -25567; day < -25567 + 146097; day++) {
		struct date_civil civil = date_civil_of(day);
		bool leap = last.year % 4 == 0 && (last.year % 100 != 0 || last.year % 400 == 0);
		unsigned len = lengths[last.month - 1] + (leap && last.month == 2 ? 1u : 0u);

		assert_int_equal(date_days_of(civil), day);
		if (last.day < len) {
			assert_int_equal(civil.day, last.day + 1);
			assert_int_equal(civil.month, last.month);
		} else {
			assert_int_equal(civil.day, 1);
			assert_int_equal(civil.month, last.month % 12 + 1);
		}
		last = civil;
	}
}

TEST(there_and_back)
{
	struct prng prng;

	prng_init(&prng, 5322);
	for (int i = 0; i < 5000; i++) {
		int64_t span = DATE_EPOCH_MAX - DATE_EPOCH_MIN;
		int64_t epoch_s = DATE_EPOCH_MIN + (int64_t)prng_below(&prng, (uint64_t)span);
		struct date date = date_of(epoch_s, (int64_t)prng_below(&prng, 2879) - 1439), back;
		uint8_t buf[64];
		struct builder b;

		builder_init_fixed(&b, buf, sizeof(buf));
		date_build(&b, date);
		assert_int_equal(date_parse(builder_slice(&b), &back), 0);
		assert_int_equal(back.epoch_s, date.epoch_s);
		assert_int_equal(back.offset_minutes, date.offset_minutes);
	}
}

TESTS(TEST_ROW(forms), TEST_ROW(stamps), TEST_ROW(building), TEST_ROW(every_day),
      TEST_ROW(there_and_back))
