/* net_addr: forms read and refused, the one form printed, networks. */
#include "base/net_addr.h"
#include "base/test.h"

static void
check(const char *input, const char *want)
{
	uint8_t buf[NET_ADDR_TEXT_MAX];
	struct net_addr addr;
	struct builder b;

	if (!want) {
		assert_int_equal(net_addr_parse(slice_str(input), &addr), ERR_SYNTAX);
		return;
	}
	assert_int_equal(net_addr_parse(slice_str(input), &addr), 0);
	builder_init_fixed(&b, buf, sizeof(buf));
	net_addr_format(&b, &addr);
	assert_slice_str(builder_slice(&b), want);
}

TEST(addresses)
{
	static const struct {
		const char *input, *want;
	} rows[] = {
		{"192.0.2.1", "192.0.2.1"},
		{"192.0.2", NULL},
		{"192.0.2.1.", NULL},
		{"192.0.2.256", NULL},
		{"192.0.02.1", NULL},
		{"", NULL},
		{"2001:DB8:0:0:0:0:0:1", "2001:db8::1"},
		{"::", "::"},
		{"::1", "::1"},
		{"1::", "1::"},
		{"2001:db8:0:1:0:0:0:1", "2001:db8:0:1::1"},
		{"2001:0:0:1:0:0:1:1", "2001::1:0:0:1:1"},
		{"1:0:2:3:4:5:6:7", "1:0:2:3:4:5:6:7"},
		{"::ffff:192.0.2.1", "::ffff:c000:201"},
		{"1:2:3:4:5:6:7:8:9", NULL},
		{"1:2:3:4:5:6:7", NULL},
		{"1::2::3", NULL},
		{":1", NULL},
		{"12345::", NULL},
		{"1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"},
		{"1:2:3:4:5:6:7:8::", NULL},
		{"fe80::1%lo", NULL},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check(rows[i].input, rows[i].want);
}

TEST(ports)
{
	uint8_t buf[NET_ADDR_TEXT_MAX];
	struct net_addr addr;
	struct builder b;

	assert_int_equal(net_addr_parse_port(SLICE("[2001:db8::1]:25"), &addr), 0);
	builder_init_fixed(&b, buf, sizeof(buf));
	net_addr_format_port(&b, &addr);
	assert_slice_str(builder_slice(&b), "[2001:db8::1]:25");
	assert_int_equal(net_addr_parse_port(SLICE("127.0.0.1:65536"), &addr), ERR_SYNTAX);
	assert_int_equal(net_addr_parse_port(SLICE("::1:25"), &addr), ERR_SYNTAX);
	assert_int_equal(net_addr_parse_port(SLICE("[127.0.0.1]:25"), &addr), ERR_SYNTAX);
}

TEST(networks)
{
	struct net_cidr cidr;
	struct net_addr addr;

	assert_int_equal(net_cidr_parse(SLICE("127.0.0.0/8"), &cidr), 0);
	assert_int_equal(net_addr_parse(SLICE("127.3.4.5"), &addr), 0);
	assert_true(net_cidr_has(&cidr, &addr));
	assert_true(net_addr_is_loopback(&addr));
	assert_int_equal(net_addr_parse(SLICE("128.3.4.5"), &addr), 0);
	assert_false(net_cidr_has(&cidr, &addr));
	assert_int_equal(net_cidr_parse(SLICE("127.0.0.1/8"), &cidr), ERR_RANGE);
	assert_int_equal(net_cidr_parse(SLICE("127.0.0.0/33"), &cidr), ERR_SYNTAX);
	assert_int_equal(net_cidr_parse(SLICE("2001:db8::/33"), &cidr), 0);
	assert_int_equal(net_addr_parse(SLICE("2001:db8:7fff::1"), &addr), 0);
	assert_true(net_cidr_has(&cidr, &addr));
	assert_int_equal(net_addr_parse(SLICE("2001:db8:8000::1"), &addr), 0);
	assert_false(net_cidr_has(&cidr, &addr));
	assert_int_equal(net_cidr_parse(SLICE("0.0.0.0/0"), &cidr), 0);
}

TEST(kinds)
{
	static const struct {
		const char *input;
		bool loopback, nowhere;
	} rows[] = {
		{"127.1.2.3", true, false},
		{"::1", true, false},
		{"::ffff:127.0.0.1", true, false},
		{"0.0.0.0", false, true},
		{"224.0.0.1", false, true},
		{"255.255.255.255", false, true},
		{"::", false, true},
		{"ff02::1", false, true},
		{"192.0.2.1", false, false},
		{"2001:db8::1", false, false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct net_addr addr;

		assert_int_equal(net_addr_parse(slice_str(rows[i].input), &addr), 0);
		assert_int_equal(net_addr_is_loopback(&addr), rows[i].loopback);
		assert_int_equal(net_addr_is_nowhere(&addr), rows[i].nowhere);
	}
}

TESTS(TEST_ROW(addresses), TEST_ROW(ports), TEST_ROW(networks), TEST_ROW(kinds))
