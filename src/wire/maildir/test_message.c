/* maildir/message: header and body as they lie in a mailbox, however the pieces are cut. */
#include "base/test.h"

#include "wire/maildir/message.h"

TEST(top)
{
	uint8_t buf[MAILDIR_TOP_BYTES_MAX];
	struct builder b;

	builder_init_fixed(&b, buf, sizeof(buf));
	maildir_top_build(&b, SLICE("ann@x.test"), SLICE("bob@example.test"));
	assert_slice_str(builder_slice(&b),
			 "Return-Path: <ann@x.test>\nDelivered-To: bob@example.test\n");
	builder_clear(&b);
	maildir_top_build(&b, SLICE(""), SLICE("bob@example.test"));
	assert_slice_str(builder_slice(&b), "Return-Path: <>\nDelivered-To: bob@example.test\n");
	builder_clear(&b);
	maildir_top_build(&b, SLICE("a@x.test>\r\nX: y"), SLICE("bob@example.test"));
	assert_slice_str(builder_slice(&b),
			 "Return-Path: <a@x.test> X: y>\nDelivered-To: bob@example.test\n");
}

TEST(header)
{
	static const struct {
		const char *header, *want;
	} rows[] = {
		{"A: b\r\nReturn-Path: <x@y>\r\n\t(fold)\r\nC: d\r\n\r\n", "A: b\nC: d\n\n"},
		{"return-path : <x>\r\nReturn-Path: <y>\r\n\r\n", "\n"},
		{"A: b\r\n\r\n", "A: b\n\n"},
		{"..odd: x\r\nReturn-Path: <x>\r\n..odd: y\r\n\r\n", ".odd: x\n.odd: y\n\n"},
		{"\r\n", "\n"},
		{"", ""},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t buf[256];
		struct builder b;

		builder_init_fixed(&b, buf, sizeof(buf));
		maildir_header_build(&b, slice_str(rows[i].header));
		assert_slice_str(builder_slice(&b), rows[i].want);
	}
}

TEST(loops)
{
	struct slice header =
		SLICE("Delivered-To: ann@x.test\r\nSubject: Delivered-To: bob@x.test\r\n"
		      "delivered-to:\tBob@X.test \r\n\r\nDelivered-To: eve@x.test\r\n");

	assert_true(maildir_is_loop(header, SLICE("ann@x.test")));
	assert_true(maildir_is_loop(header, SLICE("bob@x.test")));
	assert_false(maildir_is_loop(header, SLICE("eve@x.test")));
	assert_false(maildir_is_loop(header, SLICE("x@x.test")));
}

TEST(lines_cut_anywhere)
{
	static const char input[] = "..dot\r\nb\r\n..\r\n\r\n....x\r\nlast\r\r\n";
	static const char *const want = ".dot\nb\n.\n\n...x\nlast\r\n";

	for (size_t cut = 0; cut < sizeof(input); cut++) {
		for (size_t second = cut; second < sizeof(input); second++) {
			struct maildir_lines lines = {0};
			uint8_t buf[128];
			struct builder b;

			builder_init_fixed(&b, buf, sizeof(buf));
			maildir_lines_add(&lines, slice_of(input, cut), &b);
			maildir_lines_add(&lines, slice_of(input + cut, second - cut), &b);
			maildir_lines_add(&lines, slice_str(input + second), &b);
			maildir_lines_finish(&lines, &b);
			assert_slice_str(builder_slice(&b), want);
		}
	}
}

TESTS(TEST_ROW(top), TEST_ROW(header), TEST_ROW(loops), TEST_ROW(lines_cut_anywhere))
