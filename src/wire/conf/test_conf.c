/* conf: texts that hold and texts that do not, with the exact place and words of each problem. */
#include "base/test.h"
#include "wire/conf/option.h"
#include "wire/conf/parse.h"

#define GOOD "hostname mx.example.test\nlistener mx {\n\taddress 127.0.0.1:2525\n}\n"

static struct test_mem mem = TEST_MEM_INIT;

static int
parse(struct arena *arena, const char *text, struct config *config, struct conf_problems *problems)
{
	arena_init(arena, &mem.mem, CONFIG_ARENA_BYTES);
	return conf_parse(arena, slice_str(text), SLICE("/etc/frank"), config, problems);
}

TEST(good_file)
{
	struct conf_problems problems;
	struct config config;
	struct arena arena;

	assert_int_equal(parse(&arena,
			       "# a comment\n"
			       "hostname mx.example.test # another\n"
			       "message-size-max 10M\n"
			       "retry-schedule 2s 4s 1h\n"
			       "relay-trusted 192.0.2.0/24 2001:db8::/32\n"
			       "spool \"spo\\\"ol\"\r\n"
			       "delay-notice never\n"
			       "listener in {\n"
			       "  address 192.0.2.1:25 [2001:db8::1]:25\n"
			       "  kind mx\n"
			       "}\n",
			       &config, &problems),
			 0);
	assert_int_equal(problems.count, 0);
	assert_slice_str(config.hostname, "mx.example.test");
	assert_int_equal(config.message_size_max, 10 << 20);
	assert_int_equal(config.retry_schedule.count, 3);
	assert_int_equal(config.retry_schedule.items[2], 3600000);
	assert_int_equal(config.relay_trusted.count, 2);
	assert_slice_str(config.spool, "/etc/frank/spo\"ol");
	assert_int_equal(config.delay_notice, CONFIG_DELAY_NEVER);
	assert_int_equal(config.lifetime, 5 * 86400000);
	assert_int_equal(config.listener_count, 1);
	assert_int_equal(config.listeners[0].address.count, 2);
	assert_int_equal(config.listeners[0].errors_max, 20);
	arena_finish(&arena);
}

static const struct {
	const char *text, *want;
} problem_rows[] = {
	{"hostnam x.test\n" GOOD, "f:1:1: error: unknown option hostnam: expected an "
				  "option; did you mean hostname?\n"},
	{GOOD "quux 1\n", "f:5:1: error: unknown option quux: expected an option\n"},
	{GOOD "node x\n", "f:5:6: error: node: expected a number from 0 to 4095, found x\n"},
	{GOOD "node 4096\n", "f:5:6: error: out of range: node: expected a number from 0 "
			     "to 4095, found 4096\n"},
	{GOOD "node\n", "f:5:1: error: node: expected a number from 0 to 4095\n"},
	{GOOD "node 1 2\n", "f:5:8: error: node: expected a number from 0 to 4095, found 2\n"},
	{GOOD "lifetime 5\n",
	 "f:5:10: error: lifetime: expected a time such as 200ms, 30s, 15m, 4h "
	 "or 5d from 1s to 30d, found 5\n"},
	{GOOD "tls-out maybe\n",
	 "f:5:9: error: tls-out: expected one of opportunistic off, found maybe\n"},
	{GOOD "tls-out opportunist\n",
	 "f:5:9: error: tls-out: expected one of opportunistic off, found opportunist; did "
	 "you mean opportunistic?\n"},
	{GOOD "allow-loopback-destinations Yes\n",
	 "f:5:29: error: allow-loopback-destinations: expected on or off, found Yes; did "
	 "you mean on?\n"},
	{GOOD "log \"abc\n", "f:5:5: error: expected a closing \" on this line\n"},
	{GOOD "log a\x01\n", "f:5:6: error: a control character stands here\n"},
	{GOOD "log \"a\rb\"\n", "f:5:7: error: a control character stands here\n"},
	{GOOD "log \"a\\\x1b\"\n", "f:5:8: error: a control character stands here\n"},
	{GOOD "node 1\nnode 2\n", "f:6:1: error: given twice: node; the first one is in line "
				  "5\n"},
	{GOOD "relay-trusted 192.0.2.1/24\n", "f:5:15: error: out of range: relay-trusted: "
					      "expected networks such as 192.0.2.0/24 or "
					      "2001:db8::/32, found 192.0.2.1/24\n"},
	{GOOD "listener x {\n", "f:5:1: error: this block has no end: expected a line with }\n"},
	{GOOD "}\n",
	 "f:5:1: error: unexpected }: expected it alone on a line, after `listener NAME "
	 "{`\n"},
	{GOOD "listener mx {\naddress 127.0.0.1:1\n}\n",
	 "f:5:10: error: a second listener of the name mx\n"},
	{"hostname a.test\n", "f: error: no listener: expected at least one block `listener NAME { "
			      "address 0.0.0.0:25 }`\n"},
	{"listener mx {\naddress 127.0.0.1:1\n}\n",
	 "f: error: hostname is missing: expected `hostname mail.example.com`, the name "
	 "that "
	 "reverse DNS gives for this server\n"},
	{GOOD "relay-trusted 0.0.0.0/0\n", "f:5:15: error: relay-trusted holds everybody: this "
					   "would be an open relay; expected your own "
					   "networks\n"},
	/* One mistake, one problem. */
	{"hostname mx.example.test\nlistner x {\nkind mx\n}\n",
	 "f:2:1: error: unknown block: expected `listener NAME {`\n"},
	{"hostname mx.example.test\nlistener x\naddress 127.0.0.1:1\n}\n",
	 "f:2:1: error: expected `listener NAME {`\n"},
	{GOOD "listener \"a b\" {\naddress 127.0.0.1:1\n}\n",
	 "f:5:1: error: expected a listener's name of at most 64 letters, digits, - _ and "
	 ".\n"},
	{GOOD "listener a {\nlistener b {\naddress 127.0.0.1:1\n}\n",
	 "f:5:1: error: this block has no end: expected a line with }\n"},
	{GOOD "listener a { }\n", "f:5:14: error: expected the end of the line after a brace\n"},
	{GOOD "kind mx\n", "f:5:1: error: unknown option kind: expected an option; this one "
			   "belongs inside `listener NAME { ... }`\n"},
	/* Rules: about a value, and about a listener. All are told, in order. */
	{GOOD "listener s {\n}\ntls-key k\nquux 1\n",
	 "f:5:1: error: listener s has no address: expected `address 192.0.2.1:25`\n"
	 "f:7:9: error: tls-certificate and tls-key belong together: expected both or "
	 "none\n"
	 "f:8:1: error: unknown option quux: expected an option\n"},
	{GOOD "listener s {\naddress 127.0.0.1:2525\n  kind submission\n}\n",
	 "f:6:9: error: listener s has an address and port that another one has, too: give "
	 "each its own\n"
	 "f:7:8: error: listener s needs TLS, which submission never goes without: "
	 "expected "
	 "tls-certificate and tls-key\n"},
	{GOOD "smart-host-login x\n",
	 "f:5:18: error: smart-host-login and smart-host-password-file belong together: "
	 "expected both or none\n"
	 "f:5:18: warning: smart-host-login is used for nothing: there is no smart-host\n"},
};

TEST(problems_have_their_place)
{
	for (size_t i = 0; i < sizeof(problem_rows) / sizeof(problem_rows[0]); i++) {
		struct conf_problems problems;
		struct config config = {0};
		uint8_t buf[4000];
		struct arena arena;
		struct builder b;

		assert_int_equal(parse(&arena, problem_rows[i].text, &config, &problems),
				 ERR_SYNTAX);
		builder_init_fixed(&b, buf, sizeof(buf));
		conf_problems_write(&b, SLICE("f"), &problems);
		assert_slice_str(builder_slice(&b), problem_rows[i].want);
		assert_int_equal(config.hostname.len, 0);
		arena_finish(&arena);
	}
}

/* Values that would end in refused mail, of all mail. */
TEST(names_of_hosts_and_addresses)
{
	static const struct {
		const char *line;
		bool good;
	} rows[] = {
		{"helo mx2.example.test", true},
		{"helo \"two words\"", false},
		{"helo localhost", false},
		{"helo -a.test", false},
		{"helo a-.test", false},
		{"helo a..test", false},
		{"helo a.test.", false},
		{"helo 192.0.2.1", false},
		{"helo gr\303\274n.test", false},
		{"smart-host relay.example.test", true},
		{"smart-host relay", true},
		{"smart-host relay:25", true},
		{"smart-host 192.0.2.1", true},
		{"smart-host [2001:db8::1]:587", true},
		{"smart-host 2001:db8::1", true},
		{"smart-host \"not a host!\"", false},
		{"smart-host :::", false},
		{"smart-host :25", false},
		{"smart-host relay:", false},
		{"smart-host relay:0", false},
		{"smart-host relay:65536", false},
		{"smart-host 192.0.2.300", false},
		{"failure-copy postmaster@example.test", true},
		{"failure-copy postmaster", false},
		{"failure-copy a@b.test,c@d.test", false},
		{"failure-copy <a@b.test>", false},
		{"source-address-4 192.0.2.1", true},
		{"source-address-4 ::1", false},
		{"source-address-6 192.0.2.1", false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct conf_problems problems;
		struct config config;
		struct arena arena;
		char text[400];
		struct builder b;

		builder_init_fixed(&b, text, sizeof(text));
		builder_str(&b, GOOD);
		builder_str(&b, rows[i].line);
		builder_byte(&b, 0);
		assert_int_equal(parse(&arena, text, &config, &problems),
				 rows[i].good ? 0 : ERR_SYNTAX);
		assert_int_equal(problems.count, !rows[i].good);
		if (!rows[i].good)
			assert_int_equal(problems.items[0].line, 5);
		arena_finish(&arena);
	}
}

TEST(lab_options_warn)
{
	struct conf_problems problems;
	struct config config;
	struct arena arena;

	assert_int_equal(parse(&arena,
			       GOOD "smtp-out-port 2526\nallow-loopback-destinations on\n"
				    "lifetime 60s\ndelay-notice never\n",
			       &config, &problems),
			 0);
	assert_int_equal(problems.errors, 0);
	assert_int_equal(problems.count, 3);
	arena_finish(&arena);
}

TEST(snapshot_round_trip_and_truncation)
{
	struct conf_problems problems;
	struct config config, back;
	struct arena arena, other;
	struct builder b, first, second;
	struct slice snapshot;

	assert_int_equal(parse(&arena, GOOD "relay-trusted 127.0.0.0/8\n", &config, &problems), 0);
	builder_init_arena(&b, &arena, CONFIG_SNAPSHOT_BYTES_MAX);
	assert_int_equal(config_encode(&b, &config), 0);
	snapshot = builder_slice(&b);
	for (size_t len = 0; len < snapshot.len; len++) {
		arena_init(&other, &mem.mem, CONFIG_ARENA_BYTES);
		assert_true(config_decode(&other, slice_sub(snapshot, 0, len), &back) < 0);
		arena_finish(&other);
	}
	arena_init(&other, &mem.mem, CONFIG_ARENA_BYTES);
	assert_int_equal(config_decode(&other, snapshot, &back), 0);
	builder_init_arena(&first, &arena, 100000);
	builder_init_arena(&second, &arena, 100000);
	conf_show(&first, &config, NULL);
	conf_show(&second, &back, NULL);
	assert_slice(builder_slice(&second), builder_slice(&first));
	arena_finish(&other);
	arena_finish(&arena);
}

TEST(shown_file_is_read_back)
{
	struct conf_problems problems;
	struct config config, back;
	struct arena arena, other;
	struct builder b, again;

	assert_int_equal(
		parse(&arena, GOOD "log \"a b\\\"\"\nretry-schedule 90s 1d\n", &config, &problems),
		0);
	builder_init_arena(&b, &arena, 100000);
	conf_show(&b, &config, NULL);
	builder_byte(&b, 0);
	assert_int_equal(parse(&other, (const char *)b.data, &back, &problems), 0);
	builder_init_arena(&again, &arena, 100000);
	conf_show(&again, &back, NULL);
	assert_slice(builder_slice(&again), slice_sub(builder_slice(&b), 0, b.len - 1));
	arena_finish(&other);
	arena_finish(&arena);
}

/* As many values as there may be, each as long as it may be: nothing is cut, and what differs from
 * the defaults in the last value only is shown. */
TEST(longest_values_are_shown_whole)
{
	static char text[100000];
	struct conf_problems problems;
	struct config config, back;
	struct arena arena, other;
	struct builder b, shown;

	builder_init_fixed(&b, text, sizeof(text));
	builder_str(&b, GOOD "relay-trusted");
	for (unsigned i = 0; i < 62; i++) {
		builder_str(&b, " 2001:db8:ffff:ffff:ffff:ffff:ffff:");
		builder_dec(&b, 1000 + i);
		builder_str(&b, "/128");
	}
	builder_str(&b, "\nlog \"");
	for (size_t i = 0; i < CONFIG_VALUE_MAX; i++)
		builder_str(&b, i ? "\\\\" : "/");
	builder_str(&b, "\"\n");
	builder_byte(&b, 0);
	assert_false(b.failed);
	assert_int_equal(parse(&arena, text, &config, &problems), 0);
	assert_int_equal(config.relay_trusted.count, 62);
	builder_init_arena(&shown, &arena, 100000);
	conf_show(&shown, &config, &config);
	assert_int_equal(slice_find(builder_slice(&shown), SLICE("relay-trusted")), shown.len);
	builder_clear(&shown);
	conf_show(&shown, &config, NULL);
	builder_byte(&shown, 0);
	assert_int_equal(parse(&other, (const char *)shown.data, &back, &problems), 0);
	assert_int_equal(back.relay_trusted.count, 62);
	assert_int_equal(back.log.len, CONFIG_VALUE_MAX);
	arena_finish(&other);
	arena_finish(&arena);
}

TEST(memory_is_given_back)
{
	assert_int_equal(mem.taken, mem.given);
}

TESTS(TEST_ROW(good_file), TEST_ROW(problems_have_their_place),
      TEST_ROW(names_of_hosts_and_addresses), TEST_ROW(lab_options_warn),
      TEST_ROW(snapshot_round_trip_and_truncation), TEST_ROW(shown_file_is_read_back),
      TEST_ROW(longest_values_are_shown_whole), TEST_ROW(memory_is_given_back))
