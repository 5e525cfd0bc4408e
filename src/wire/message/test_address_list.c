/* address_list: RFC 5322 appendix A forms, obsolete forms, refusals, who a message is from. */
#include "base/test.h"

#include "wire/message/address_list.h"

/* Addresses joined by a blank; NULL: refused. */
static const struct {
	const char *value, *want;
} rows[] = {
	{"ann@example.test", "ann@example.test"},
	{" <ann@example.test>", "ann@example.test"},
	{" Ann <ann@example.test>", "ann@example.test"},
	{" \"Ann B.\" <ann@example.test>", "ann@example.test"},
	{" Ann B. C <ann@example.test>", "ann@example.test"},
	{" =?utf-8?q?J=C3=BCrgen?= <j@example.test>", "j@example.test"},
	{" J\xc3\xbcrgen <j\xc3\xbc@ex\xc3\xa4mple.test>", "j\xc3\xbc@ex\xc3\xa4mple.test"},
	{"a@x.test, b@x.test,c@x.test", "a@x.test b@x.test c@x.test"},
	{"a@x.test\r\n (comment (nested) \\) here),\r\n\t<b@x.test>", "a@x.test b@x.test"},
	{"Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>", "pete@silly.test"},
	{"A Group(Some people)\r\n     :Chris Jones <c@(Chris's host.)public.example>,\r\n"
	 "      joe@example.org,\r\n  John <jdoe@one.test> (my dear friend); (the end of the "
	 "group)",
	 "c@public.example joe@example.org jdoe@one.test"},
	{"(Empty list)(start)Hidden recipients  :(nobody(that I know))  ;", ""},
	{"Mary Smith <@node.test,@other.test:mary@example.net>, , jdoe@test  . example",
	 "mary@example.net jdoe@test.example"},
	{"john . doe @ x.test", "john.doe@x.test"},
	{"\"john\".doe@x.test", "john.doe@x.test"},
	{"\"john doe\"@x.test", "\"john doe\"@x.test"},
	{"\"a\\\"b\\\\\"@x.test", "\"a\\\"b\\\\\"@x.test"},
	{"\"\"@x.test", "\"\"@x.test"},
	{"\"fold\r\n ed\"@x.test", "\"fold ed\"@x.test"},
	{"a@[192.0.2.1]", "a@[192.0.2.1]"},
	{"a@[IPv6:2001:db8::1] ", "a@[IPv6:2001:db8::1]"},
	{"\"ann@example.test\" <evil@x.test>", "evil@x.test"},
	{"G: a@x.test;, b@x.test", "a@x.test b@x.test"},
	{"G: a@x.test; H: b@x.test;", NULL}, /* no comma between */
	{"", NULL},
	{"  \r\n ", NULL},
	{",", NULL},
	{"ann", NULL},
	{"<ann>", NULL},
	{"Ann <>", NULL},
	{"ann@", NULL},
	{"@x.test", NULL},
	{"ann@x.test bob@x.test", NULL},
	{"ann@x.test <bob@x.test>", NULL},
	{"<ann@x.test> <bob@x.test>", NULL},
	{"<ann@x.test", NULL},
	{"ann@x.test>", NULL},
	{"ann@x..test", NULL},
	{"ann@x.test.", NULL},
	{"ann..b@x.test", NULL},
	{".ann@x.test", NULL},
	{"ann.@x.test", NULL},
	{"an n@x.test", NULL},
	{"\"ann\" \"b\"@x.test", NULL},
	{"ann@b@x.test", NULL},
	{"\"open@x.test", NULL},
	{"(open ann@x.test", NULL},
	{"ann@[192.0.2.1", NULL},
	{"ann@[[1]]", NULL},
	{"ann\r\nbob@x.test", NULL},
	{"ann\n@x.test", NULL},
	{"ann@x.test\x01", NULL},
	{"a(\x01)@x.test", NULL},
	{"\"a\\\r\n b\"@x.test", NULL},
	{"ann\xff@x.test", NULL},
	{"G: H: a@x.test;;", NULL},
	{"G: a@x.test", NULL},
	{"a@x.test;", NULL},
	{": a@x.test;", NULL},
};

TEST(lists)
{
	struct test_mem mem = TEST_MEM_INIT;
	struct arena arena;

	arena_init(&arena, &mem.mem, 1 << 16);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct address_list list;
		uint8_t buf[512];
		struct builder b;
		int err = address_list_parse(slice_str(rows[i].value), &arena, &list);

		if (err != (rows[i].want ? 0 : ERR_SYNTAX))
			fail_msg("'%s': %d", rows[i].value, err);
		builder_init_fixed(&b, buf, sizeof(buf));
		for (size_t j = 0; !err && j < list.count; j++) {
			if (j)
				builder_byte(&b, ' ');
			message_address_build(&b, &list.items[j]);
		}
		if (!err)
			assert_slice_str(builder_slice(&b), rows[i].want);
		arena_reset(&arena);
	}
	arena_finish(&arena);
	assert_int_equal(mem.taken, mem.given);
}

TEST(display_and_groups)
{
	struct test_mem mem = TEST_MEM_INIT;
	struct arena arena;
	struct address_list list;

	arena_init(&arena, &mem.mem, 1 << 16);
	assert_int_equal(
		address_list_parse(SLICE("\"A, B\" C <a@x.test>, G:b@x.test;"), &arena, &list), 0);
	assert_int_equal(list.count, 2);
	assert_int_equal(list.groups, 1);
	assert_slice_str(list.items[0].display, "\"A, B\" C");
	assert_slice_str(list.items[1].display, "");
	arena_finish(&arena);
}

TEST(limits)
{
	static char text[ADDRESS_LIST_MAX * 8 + 16];
	struct test_mem mem = TEST_MEM_INIT;
	struct arena arena;
	struct address_list list;

	for (size_t i = 0; i <= ADDRESS_LIST_MAX; i++)
		memcpy(text + 4 * i, "a@b,", 4);
	arena_init(&arena, &mem.mem, 1 << 20);
	assert_int_equal(address_list_parse(slice_of(text, 4 * ADDRESS_LIST_MAX), &arena, &list),
			 0);
	assert_int_equal(list.count, ADDRESS_LIST_MAX);
	assert_int_equal(address_list_parse(slice_str(text), &arena, &list), ERR_LIMIT);
	arena_finish(&arena);
	arena_init(&arena, &mem.mem, 64);
	assert_int_equal(address_list_parse(slice_str(text), &arena, &list), ERR_NO_MEMORY);
	arena_finish(&arena);
}

TEST(authors)
{
	struct test_mem mem = TEST_MEM_INIT;
	struct arena arena;
	struct message_author author;

	arena_init(&arena, &mem.mem, 1 << 16);
	assert_int_equal(message_author_read(SLICE("From: a@x.test\r\nfrom: b@x.test\r\n"
						   "Sender: Bob\r\n <b@x.test>\r\n\r\n"),
					     &arena, &author),
			 0);
	assert_int_equal(author.from_fields, 2);
	assert_int_equal(author.sender_fields, 1);
	assert_slice_str(author.from.items[0].local, "a");
	assert_slice_str(author.sender.items[0].local, "b");
	assert_int_equal(message_author_read(SLICE("Subject: none\r\n"), &arena, &author), 0);
	assert_int_equal(author.from_fields, 0);
	assert_int_equal(author.from.count, 0);
	assert_int_equal(message_author_read(SLICE("From: nobody\r\n"), &arena, &author),
			 ERR_SYNTAX);
	arena_finish(&arena);
}

TESTS(TEST_ROW(lists), TEST_ROW(display_and_groups), TEST_ROW(limits), TEST_ROW(authors))
