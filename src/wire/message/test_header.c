/* header: fields in place, broken lines, folding, the end of the block. */
#include "base/test.h"

#include "wire/message/header.h"

#define BLOCK                                                                                      \
	"From: ann@example.test\r\n"                                                               \
	"Subject: a long\r\n\tsubject\r\n  folded\r\n"                                             \
	"X-Empty:\r\n"                                                                             \
	"this is no field\r\n going on\r\n"                                                        \
	"Obsolete : yes\r\n"                                                                       \
	"X\x01Y: control in the name\r\n"                                                          \
	"subject: second\r\n"

TEST(scanning)
{
	static const struct {
		int result;
		const char *name, *value, *raw;
	} rows[] = {
		{1, "From", " ann@example.test", "From: ann@example.test\r\n"},
		{1, "Subject", " a long\r\n\tsubject\r\n  folded",
		 "Subject: a long\r\n\tsubject\r\n  folded\r\n"},
		{1, "X-Empty", "", "X-Empty:\r\n"},
		{ERR_SYNTAX, "", "", "this is no field\r\n going on\r\n"},
		{1, "Obsolete", " yes", "Obsolete : yes\r\n"},
		{ERR_SYNTAX, "", "", "X\x01Y: control in the name\r\n"},
		{1, "subject", " second", "subject: second\r\n"},
	};
	static const char *const tails[] = {"", "\r\n", "\r\nBody: no field\r\n"};

	for (size_t t = 0; t < 3; t++) {
		char text[512];
		struct header_scan scan;
		struct header_field field;
		size_t offset = 0;

		snprintf(text, sizeof(text), "%s%s", BLOCK, tails[t]);
		header_scan_init(&scan, slice_str(text));
		for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
			assert_int_equal(header_scan_next(&scan, &field), rows[i].result);
			assert_slice_str(field.raw, rows[i].raw);
			assert_slice_str(field.name, rows[i].name);
			assert_slice_str(field.value, rows[i].value);
			assert_int_equal(field.offset, offset);
			offset += field.raw.len;
		}
		assert_int_equal(header_scan_next(&scan, &field), 0);
		assert_int_equal(header_scan_next(&scan, &field), 0);
	}
}

TEST(odd_blocks)
{
	static const struct {
		const char *block;
		int result;
		const char *raw;
	} rows[] = {
		{"", 0, ""},
		{"\r\n", 0, ""},
		{"A: b", 1, "A: b"},
		{"A: b\r", 1, "A: b\r"},
		{"A: b\nB: c\r\n", 1, "A: b\nB: c\r\n"},
		{"A: b\r\r\nB: c\r\n", 1, "A: b\r\r\n"},
		{" starts folded\r\nA: b\r\n", ERR_SYNTAX, " starts folded\r\n"},
		{": no name\r\n", ERR_SYNTAX, ": no name\r\n"},
		{"A\nB: c\r\n", ERR_SYNTAX, "A\nB: c\r\n"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct header_scan scan;
		struct header_field field = {0};

		header_scan_init(&scan, slice_str(rows[i].block));
		assert_int_equal(header_scan_next(&scan, &field), rows[i].result);
		assert_slice_str(field.raw, rows[i].raw);
	}
}

TEST(finding)
{
	struct slice block = SLICE(BLOCK);
	struct header_field field;

	assert_int_equal(header_count(block, SLICE("SUBJECT")), 2);
	assert_int_equal(header_count(block, SLICE("Body")), 0);
	assert_true(header_find(block, SLICE("subject"), 1, &field));
	assert_slice_str(field.value, " second");
	assert_false(header_find(block, SLICE("subject"), 2, &field));
}

TEST(unfolding)
{
	static const struct {
		const char *value, *want;
	} rows[] = {
		{" plain", "plain"},
		{" a long\r\n\tsubject\r\n  folded ", "a long\tsubject  folded"},
		{"\r\n on the next line\r\n", "on the next line"},
		{"", ""},
		{" \r\n\t\r\n x", "x"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t buf[128];
		struct builder b;

		builder_init_fixed(&b, buf, sizeof(buf));
		header_unfold(&b, slice_str(rows[i].value));
		assert_slice_str(builder_slice(&b), rows[i].want);
	}
}

TEST(block_end)
{
	size_t len = 0;

	assert_int_equal(header_block_len(SLICE("A: b\r\n\r\nbody"), &len), 0);
	assert_int_equal(len, 8);
	assert_int_equal(header_block_len(SLICE("\r\nbody"), &len), 0);
	assert_int_equal(len, 2);
	assert_int_equal(header_block_len(SLICE("A: b\r\n"), &len), ERR_NOT_FOUND);
	assert_int_equal(len, 2);
}

TESTS(TEST_ROW(scanning), TEST_ROW(odd_blocks), TEST_ROW(finding), TEST_ROW(unfolding),
      TEST_ROW(block_end))
