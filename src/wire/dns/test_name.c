/* dns name: text and wire, both ways; hostile compression; relations between names. */
#include "base/test.h"
#include "wire/dns/name.h"

TEST(encode)
{
	static const struct {
		const char *text, *wire;
		size_t wire_len;
	} rows[] = {
		{"", "\0", 1},
		{".", "\0", 1},
		{"test", "\4test\0", 6},
		{"Example.test.", "\7Example\4test\0", 14},
		{"a\\.b.c", "\3a.b\1c\0", 7},
		{"\\000\\255", "\2\0\377\0", 4},
		{"_25._tcp.mx", "\3_25\4_tcp\2mx\0", 13},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t buf[300];
		struct builder b;

		builder_init_fixed(&b, buf, sizeof(buf));
		assert_int_equal(dns_name_encode(slice_str(rows[i].text), &b), 0);
		assert_slice(builder_slice(&b), slice_of(rows[i].wire, rows[i].wire_len));
	}
}

TEST(refused)
{
	static const struct {
		const char *text;
		int want;
	} rows[] = {
		{"a..b", ERR_SYNTAX},
		{".a", ERR_SYNTAX},
		{"a..", ERR_SYNTAX},
		{"a b", ERR_SYNTAX},
		{"b\303\274cher.test", ERR_SYNTAX},
		{"a\\", ERR_SYNTAX},
		{"a\\25", ERR_SYNTAX},
		{"a\\256", ERR_SYNTAX},
		{"0123456789012345678901234567890123456789012345678901234567890123.test",
		 ERR_LIMIT},
	};
	char longest[300];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(dns_name_check(slice_str(rows[i].text)), rows[i].want);
	for (size_t i = 0; i < sizeof(longest); i++)
		longest[i] = i % 2 ? '.' : 'a';
	assert_int_equal(dns_name_check(slice_of(longest, 253)), 0);
	assert_int_equal(dns_name_check(slice_of(longest, 255)), ERR_LIMIT);
}

TEST(decode)
{
	static const struct {
		const char *packet;
		size_t len, at;
		const char *text;
		size_t end;
		int want;
	} rows[] = {
		{"\0", 1, 0, "", 1, 0},
		{"\3WwW\4Test\0x", 11, 0, "www.test", 10, 0},
		{"\4test\0\3www\300\0", 12, 6, "www.test", 12, 0},
		{"\4test\0\300\0", 8, 6, "test", 8, 0},
		{"\3a.\0\0", 5, 0, "a\\046\\000", 5, 0},
		{"\300\0", 2, 0, NULL, 0, ERR_SYNTAX},	       /* points at itself */
		{"\1a\300\0", 4, 2, NULL, 0, ERR_SYNTAX},      /* comes back to the pointer */
		{"\300\2\300\0", 4, 2, NULL, 0, ERR_SYNTAX},   /* two that point at each other */
		{"\300\5\0\0\0\0", 6, 0, NULL, 0, ERR_SYNTAX}, /* forwards */
		{"\3www", 4, 0, NULL, 0, ERR_TRUNCATED},
		{"\5www\0", 5, 0, NULL, 0, ERR_TRUNCATED},
		{"\300", 1, 0, NULL, 0, ERR_TRUNCATED},
		{"\100a\0", 3, 0, NULL, 0, ERR_SYNTAX}, /* label type 01 */
		{"", 0, 0, NULL, 0, ERR_TRUNCATED},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t buf[DNS_NAME_TEXT_MAX];
		size_t at = rows[i].at;
		struct builder b;

		builder_init_fixed(&b, buf, sizeof(buf));
		assert_int_equal(dns_name_decode(slice_of(rows[i].packet, rows[i].len), &at, &b),
				 rows[i].want);
		if (rows[i].want == 0) {
			assert_slice_str(builder_slice(&b), rows[i].text);
			assert_int_equal(at, rows[i].end);
		} else {
			assert_int_equal(at, rows[i].at);
		}
	}
}

/* 255 bytes that all need an escape are the longest text there is. */
TEST(longest)
{
	uint8_t wire[DNS_NAME_WIRE_MAX], again[DNS_NAME_WIRE_MAX], buf[DNS_NAME_TEXT_MAX];
	static const uint8_t labels[] = {63, 63, 63, 61};
	size_t used = 0, at = 0;
	struct builder text, b;

	for (size_t i = 0; i < sizeof(labels); i++) {
		wire[used++] = labels[i];
		memset(wire + used, 0xff, labels[i]);
		used += labels[i];
	}
	wire[used++] = 0;
	assert_int_equal(used, sizeof(wire));
	builder_init_fixed(&text, buf, sizeof(buf));
	assert_int_equal(dns_name_decode(slice_of(wire, used), &at, &text), 0);
	assert_false(text.failed);
	builder_init_fixed(&b, again, sizeof(again));
	assert_int_equal(dns_name_encode(builder_slice(&text), &b), 0);
	assert_slice(builder_slice(&b), slice_of(wire, used));
}

TEST(relations)
{
	assert_true(dns_name_eq(SLICE("A.test."), SLICE("a.TEST")));
	assert_slice_str(dns_name_parent(SLICE("a.b.c")), "b.c");
	assert_slice_str(dns_name_parent(SLICE("a\\.b.c.")), "c");
	assert_slice_str(dns_name_parent(SLICE("c")), "");
	assert_true(dns_name_under(SLICE("a.b.test"), SLICE("B.test")));
	assert_true(dns_name_under(SLICE("b.test"), SLICE("b.test.")));
	assert_true(dns_name_under(SLICE("b.test"), SLICE("")));
	assert_false(dns_name_under(SLICE("ab.test"), SLICE("b.test")));
	assert_false(dns_name_under(SLICE("test"), SLICE("b.test")));
}

TEST(hosts)
{
	static const struct {
		const char *text;
		bool want;
	} rows[] = {
		{"mx.example.test", true},
		{"mx.example.test.", true},
		{"_x.test", true},
		{"xn--bcher-kva.test", true},
		{"1.test", true},
		{"", false},
		{".", false},
		{"-a.test", false},
		{"a-.test", false},
		{"a..b", false},
		{"a b", false},
		{"a\\046b", false},
		{"a.test..", false},
		{"[192.0.2.1]", false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(dns_name_is_host(slice_str(rows[i].text)), rows[i].want);
}

TEST(reverse)
{
	static const char *const rows[][2] = {
		{"192.0.2.1", "1.2.0.192.in-addr.arpa"},
		{"2001:db8::1", "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2."
				"ip6.arpa"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t buf[100];
		struct builder b;
		struct net_addr addr;

		builder_init_fixed(&b, buf, sizeof(buf));
		assert_int_equal(net_addr_parse(slice_str(rows[i][0]), &addr), 0);
		dns_name_reverse(&addr, &b);
		assert_slice_str(builder_slice(&b), rows[i][1]);
	}
}

TESTS(TEST_ROW(encode), TEST_ROW(refused), TEST_ROW(decode), TEST_ROW(longest), TEST_ROW(relations),
      TEST_ROW(hosts), TEST_ROW(reverse))
