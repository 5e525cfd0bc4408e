/* maildir/name: what is a folder, what is not; file names. */
#include "base/test.h"

#include "wire/maildir/name.h"

TEST(targets)
{
	static const struct {
		const char *target, *mailbox, *postoffice; /* NULL: refused */
	} rows[] = {
		{"ann@example.test", "ann", "example.test"},
		{"a.b-c_d+e=f@x", "a.b-c_d+e=f", "x"},
		{"j\xc3\xbcrgen@b\xc3\xbc.test", "j\xc3\xbcrgen", "b\xc3\xbc.test"},
		{"ann", NULL, NULL},
		{"", NULL, NULL},
		{"@", NULL, NULL},
		{"ann@", NULL, NULL},
		{"@example.test", NULL, NULL},
		{"..@example.test", NULL, NULL},
		{".hidden@example.test", NULL, NULL},
		{"ann@..", NULL, NULL},
		{"ann@.", NULL, NULL},
		{"-rf@example.test", NULL, NULL},
		{"a/b@example.test", NULL, NULL},
		{"../ann@example.test", NULL, NULL},
		{"ann@example.test/..", NULL, NULL},
		{"a b@example.test", NULL, NULL},
		{"a\n@example.test", NULL, NULL},
		{"a\xff@example.test", NULL, NULL},
		{"a\xe2\x80\xae@example.test", NULL, NULL},
		{"a@b@example.test", NULL, NULL},
		{"$(id)@example.test", NULL, NULL},
		{"12345678901234567890123456789012345678901234567890123456789012345@x", NULL, NULL},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct slice mailbox, postoffice;
		int err = maildir_target_parse(slice_str(rows[i].target), &mailbox, &postoffice);

		if (err != (rows[i].mailbox ? 0 : ERR_SYNTAX))
			fail_msg("'%s': %d", rows[i].target, err);
		if (err)
			continue;
		assert_slice_str(mailbox, rows[i].mailbox);
		assert_slice_str(postoffice, rows[i].postoffice);
	}
	assert_false(maildir_folder_is_valid(SLICE("a\0b")));
}

TEST(files)
{
	static uint8_t long_host[400];
	struct maildir_file file = {.wall_ms = 1057049557042,
				    .unique = 0x0123456789abcdef,
				    .count = 17,
				    .host = SLICE("mail.example.test")};
	uint8_t buf[MAILDIR_FILE_MAX + 1], final[MAILDIR_FILE_MAX + 1];
	struct builder b, f;

	builder_init_fixed(&b, buf, sizeof(buf));
	builder_init_fixed(&f, final, sizeof(final));
	maildir_file_build(&b, &file);
	assert_slice_str(builder_slice(&b),
			 "1057049557.M042R0123456789abcdefQ17.mail.example.test");
	maildir_file_build_final(&f, builder_slice(&b), 1234);
	assert_slice_str(builder_slice(&f),
			 "1057049557.M042R0123456789abcdefQ17.mail.example.test,S=1234");
	builder_clear(&b);
	file.host = SLICE("a/b:c");
	maildir_file_build(&b, &file);
	assert_slice_str(builder_slice(&b), "1057049557.M042R0123456789abcdefQ17.a\\057b\\072c");
	memset(long_host, '/', sizeof(long_host));
	file.host = slice_of(long_host, sizeof(long_host));
	file.count = UINT64_MAX;
	builder_clear(&b);
	builder_clear(&f);
	maildir_file_build(&b, &file);
	maildir_file_build_final(&f, builder_slice(&b), UINT64_MAX);
	assert_false(f.failed);
}

TESTS(TEST_ROW(targets), TEST_ROW(files))
