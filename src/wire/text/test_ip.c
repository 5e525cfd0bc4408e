/* ip: text forms valid and invalid, RFC 5952 output, networks. */
#include "base/test.h"
#include "wire/text/ip.h"

static const char *
text(const struct ip *ip)
{
	static char buf[IP_TEXT_MAX + 8];
	struct builder b;

	builder_init_fixed(&b, buf, sizeof(buf) - 1);
	ip_build(&b, ip);
	assert_false(b.failed);
	buf[b.len] = 0;
	return buf;
}

TEST(valid)
{
	static const char *const rows[][2] = {
	    {"0.0.0.0", "0.0.0.0"},
	    {"192.0.2.255", "192.0.2.255"},
	    {"::", "::"},
	    {"::1", "::1"},
	    {"1::", "1::"},
	    {"2001:DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},
	    {"2001:db8::1", "2001:db8::1"},
	    {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
	    {"0:0:1:0:0:0:1:0", "0:0:1::1:0"},
	    {"::ffff:192.0.2.1", "::ffff:192.0.2.1"},
	    {"::ffff:c000:201", "::ffff:192.0.2.1"},
	    {"1:2:3:4:5:6:192.0.2.1", "1:2:3:4:5:6:c000:201"},
	    {"1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"},
	    {"::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ip ip, again;

		assert_int_equal(ip_parse(slice_str(rows[i][0]), &ip), 0);
		assert_string_equal(text(&ip), rows[i][1]);
		assert_int_equal(ip_parse(slice_str(rows[i][1]), &again), 0);
		assert_true(ip_eq(&ip, &again));
	}
}

TEST(invalid)
{
	static const char *const rows[] = {
	    "",
	    "1",
	    "1.2.3",
	    "1.2.3.4.",
	    ".1.2.3.4",
	    "1.2.3.256",
	    "1.2.3.04",
	    "1..2.3",
	    "1.2.3.4.5",
	    "a.b.c.d",
	    ":",
	    ":::",
	    "1:",
	    ":1",
	    "1::2::3",
	    "12345::",
	    "1:2:3:4:5:6:7",
	    "g::",
	    "::1 ",
	    "fe80::1%lo",
	    "1:2:3:4:5:6:7:8:9",
	    "1:2:3:4:5:6:7::8",
	    "::1.2.3",
	    "1.2.3.4::",
	    "1:2:3:4:5:6:7:1.2.3.4",
	    "::1:",
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ip ip = {.family = 77};

		if (ip_parse(slice_str(rows[i]), &ip) != ERR_SYNTAX)
			fail_msg("accepted '%s'", rows[i]);
		assert_int_equal(ip.family, 77);
	}
}

TEST(kinds)
{
	static const struct {
		const char *text;
		bool loopback, nowhere;
	} rows[] = {
	    {"127.0.1.1", true, false},	       {"::1", true, false},
	    {"::ffff:127.0.0.1", true, false}, {"192.0.2.1", false, false},
	    {"0.0.0.0", false, true},	       {"::", false, true},
	    {"224.0.0.1", false, true},	       {"255.255.255.255", false, true},
	    {"ff02::1", false, true},	       {"2001:db8::1", false, false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ip ip;

		assert_int_equal(ip_parse(slice_str(rows[i].text), &ip), 0);
		assert_int_equal(ip_is_loopback(&ip), rows[i].loopback);
		assert_int_equal(ip_is_nowhere(&ip), rows[i].nowhere);
	}
}

TEST(networks)
{
	static const struct {
		const char *ip, *net;
		unsigned bits;
		bool want;
	} rows[] = {
	    {"192.0.2.77", "192.0.2.0", 24, true},   {"192.0.3.77", "192.0.2.0", 24, false},
	    {"192.0.3.77", "192.0.2.0", 23, true},   {"1.2.3.4", "9.9.9.9", 0, true},
	    {"1.2.3.4", "1.2.3.4", 32, true},	     {"1.2.3.4", "1.2.3.5", 32, false},
	    {"1.2.3.4", "1.2.3.4", 33, false},	     {"::1", "1.2.3.4", 0, false},
	    {"2001:db8::1", "2001:db8::", 64, true}, {"2001:db8::1", "2001:db8::", 128, false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ip ip, net;

		assert_int_equal(ip_parse(slice_str(rows[i].ip), &ip), 0);
		assert_int_equal(ip_parse(slice_str(rows[i].net), &net), 0);
		assert_int_equal(ip_in(&ip, &net, rows[i].bits), rows[i].want);
	}
}

TESTS(TEST_ROW(valid), TEST_ROW(invalid), TEST_ROW(kinds), TEST_ROW(networks))
