/* dns zone: what is read, what is refused and where, and how look-ups answer. */
#include "base/test.h"
#include "wire/dns/zone.h"

static struct test_mem mem = TEST_MEM_INIT;

static const char zone_text[] =
	"; a lab\n"
	"$TTL 120\n"
	"Example.Test.  MX 10 MX.example.test\n"
	"example.test 60 MX 20 mx2.example.test  ; the second\n"
	"mx.example.test A 127.0.1.1\n"
	"mx.example.test AAAA ::1\r\n"
	"# another comment\n"
	"\n"
	"txt.test TXT \"v=spf1 ip4:192.0.2.0/24 \" \"a\\\"b\\065;#\" plain; ; comment\n"
	"null.test MX 0 .\n"
	"alias.test CNAME example.test\n"
	"loop1.test CNAME loop2.test\n"
	"loop2.test CNAME loop1.test\n"
	"dangling.test CNAME nowhere.test\n"
	"sf.test SERVFAIL\n"
	"to.test 5 timeout\n"
	"bo.test BOGUS\n"
	"nx.test NXDOMAIN\n"
	"nd.test NODATA\n"
	"mxonly.test SERVFAIL MX\n"
	"mxonly.test A 192.0.2.9\n"
	"*.wild.test A 192.0.2.1\n"
	"here.wild.test TXT x\n"
	"deep.below.wild.test A 192.0.2.2\n"
	"_25._tcp.mx.example.test TLSA 3 1 1 00FFab\n"
	"1.2.0.192.in-addr.arpa PTR mx.example.test";

TEST(lookup)
{
	static const struct {
		const char *name;
		unsigned type;
		enum dns_outcome outcome;
		size_t count;
		uint32_t ttl;
	} rows[] = {
		{"example.test", DNS_TYPE_MX, DNS_OK, 2, 60},
		{"EXAMPLE.test.", DNS_TYPE_MX, DNS_OK, 2, 60},
		{"example.test", DNS_TYPE_A, DNS_NODATA, 0, 60},
		{"test", DNS_TYPE_A, DNS_NODATA, 0, 120},
		{"absent.test", DNS_TYPE_A, DNS_NXDOMAIN, 0, 120},
		{"mx.example.test", DNS_TYPE_AAAA, DNS_OK, 1, 120},
		{"null.test", DNS_TYPE_MX, DNS_OK, 1, 120},
		{"alias.test", DNS_TYPE_MX, DNS_OK, 2, 60},
		{"alias.test", DNS_TYPE_CNAME, DNS_OK, 1, 120},
		{"loop1.test", DNS_TYPE_A, DNS_SERVFAIL, 0, 120},
		{"dangling.test", DNS_TYPE_A, DNS_NXDOMAIN, 0, 120},
		{"sf.test", DNS_TYPE_MX, DNS_SERVFAIL, 0, 120},
		{"to.test", DNS_TYPE_A, DNS_TIMEOUT, 0, 5},
		{"bo.test", DNS_TYPE_A, DNS_BOGUS, 0, 120},
		{"nx.test", DNS_TYPE_A, DNS_NXDOMAIN, 0, 120},
		{"nd.test", DNS_TYPE_A, DNS_NODATA, 0, 120},
		{"mxonly.test", DNS_TYPE_MX, DNS_SERVFAIL, 0, 120},
		{"mxonly.test", DNS_TYPE_A, DNS_OK, 1, 120},
		{"any.wild.test", DNS_TYPE_A, DNS_OK, 1, 120},
		{"a.b.wild.test", DNS_TYPE_A, DNS_OK, 1, 120},
		{"any.wild.test", DNS_TYPE_MX, DNS_NODATA, 0, 120},
		{"here.wild.test", DNS_TYPE_A, DNS_NODATA, 0, 120},
		{"below.wild.test", DNS_TYPE_A, DNS_NODATA, 0, 120},
		{"x.below.wild.test", DNS_TYPE_A, DNS_NXDOMAIN, 0, 120},
		{"wild.test", DNS_TYPE_A, DNS_NODATA, 0, 120},
		{"_25._tcp.mx.example.test", DNS_TYPE_TLSA, DNS_OK, 1, 120},
		{"1.2.0.192.in-addr.arpa", DNS_TYPE_PTR, DNS_OK, 1, 120},
	};
	struct dns_zone_error error = {0};
	struct dns_zone zone;
	struct arena arena;

	arena_init(&arena, &mem.mem, 1 << 20);
	assert_int_equal(dns_zone_parse(slice_str(zone_text), &arena, &zone, &error), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct dns_answer answer;

		assert_int_equal(dns_zone_lookup(&zone, slice_str(rows[i].name), rows[i].type,
						 &arena, &answer),
				 0);
		if (answer.outcome != rows[i].outcome || answer.count != rows[i].count)
			fail_msg("%s %s: %s, %zu records", rows[i].name, dns_type_str(rows[i].type),
				 dns_outcome_str(answer.outcome), answer.count);
		assert_int_equal(answer.ttl, rows[i].ttl);
	}
	arena_finish(&arena);
}

TEST(values)
{
	struct dns_zone_error error;
	struct dns_zone zone;
	struct dns_answer answer;
	struct arena arena;

	arena_init(&arena, &mem.mem, 1 << 20);
	assert_int_equal(dns_zone_parse(slice_str(zone_text), &arena, &zone, &error), 0);
	assert_int_equal(dns_zone_lookup(&zone, SLICE("alias.test"), DNS_TYPE_MX, &arena, &answer),
			 0);
	assert_slice_str(answer.canonical, "example.test");
	assert_slice_str(answer.records[0].target, "mx.example.test");
	assert_int_equal(answer.records[1].preference, 20);
	assert_int_equal(dns_zone_lookup(&zone, SLICE("txt.test"), DNS_TYPE_TXT, &arena, &answer),
			 0);
	assert_slice_str(answer.records[0].data, "v=spf1 ip4:192.0.2.0/24 a\"bA;#plain;");
	assert_int_equal(dns_zone_lookup(&zone, SLICE("q.wild.test"), DNS_TYPE_A, &arena, &answer),
			 0);
	assert_slice_str(answer.records[0].name, "q.wild.test");
	assert_int_equal(dns_zone_lookup(&zone, SLICE("_25._tcp.mx.example.test"), DNS_TYPE_TLSA,
					 &arena, &answer),
			 0);
	assert_slice(answer.records[0].data, SLICE("\0\377\253"));
	assert_int_equal(dns_zone_lookup(&zone, SLICE("a..b"), DNS_TYPE_A, &arena, &answer),
			 ERR_SYNTAX);
	arena_finish(&arena);
}

TEST(errors)
{
	static const struct {
		const char *text;
		size_t line, column;
		const char *got;
	} rows[] = {
		{"a.test", 1, 7, ""},
		{"\n\na.test A", 3, 9, ""},
		{"a.test A 1.2.3", 1, 10, "1.2.3"},
		{"a.test A ::1", 1, 10, "::1"},
		{"a.test AAAA 1.2.3.4", 1, 13, "1.2.3.4"},
		{"a.test A 1.2.3.4 5", 1, 18, "5"},
		{"a.test MX mx.test", 1, 11, "mx.test"},
		{"a.test MX 65536 mx", 1, 11, "65536"},
		{"a.test MX 10", 1, 13, ""},
		{"a.test MX 10 a..b", 1, 14, "a..b"},
		{"a..test A 1.2.3.4", 1, 1, "a..test"},
		{"b\303\274cher.test A 1.2.3.4", 1, 1, "b\303\274cher.test"},
		{"a.test BLAH x", 1, 8, "BLAH"},
		{"a.test IN A 1.2.3.4", 1, 8, "IN"},
		{"a.test SERVFAIL now", 1, 17, "now"},
		{"a.test 604801 A 1.2.3.4", 1, 8, "604801"},
		{"a.test 60", 1, 10, ""},
		{"a.test TXT", 1, 11, ""},
		{"a.test TXT \"open", 1, 12, "\"open"},
		{"a.test TLSA 3 1 1 0", 1, 19, "0"},
		{"a.test TLSA 3 1 1 0g", 1, 19, "0g"},
		{"a.test TLSA 3 1 256 00", 1, 17, "256"},
		{"$TTL x", 1, 6, "x"},
		{"$ORIGIN test.", 1, 1, "$ORIGIN"},
		{"a.test SOA x", 1, 8, "SOA"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct dns_zone_error error = {0};
		struct dns_zone zone = {.count = 77};
		struct arena arena;

		arena_init(&arena, &mem.mem, 1 << 20);
		if (dns_zone_parse(slice_str(rows[i].text), &arena, &zone, &error) != ERR_SYNTAX)
			fail_msg("accepted '%s'", rows[i].text);
		if (error.line != rows[i].line || error.column != rows[i].column)
			fail_msg("'%s': at %zu:%zu", rows[i].text, error.line, error.column);
		assert_slice_str(error.got, rows[i].got);
		assert_non_null(error.expected);
		assert_int_equal(zone.count, 77);
		arena_finish(&arena);
	}
}

/* Every allocation fails once: an error, never a crash nor a leak. */
TEST(torture)
{
	for (size_t n = 1;; n++) {
		struct test_mem failing = TEST_MEM_INIT;
		struct dns_zone_error error;
		struct dns_zone zone;
		struct dns_answer answer;
		struct arena arena;
		int err;

		failing.fail_at = n;
		arena_init(&arena, &failing.mem, 1 << 20);
		err = dns_zone_parse(slice_str(zone_text), &arena, &zone, &error);
		if (err == 0)
			err = dns_zone_lookup(&zone, SLICE("alias.test"), DNS_TYPE_MX, &arena,
					      &answer);
		arena_finish(&arena);
		assert_int_equal(failing.taken, failing.given);
		if (failing.fail_at) {
			assert_int_equal(err, 0);
			break;
		}
		assert_int_equal(err, ERR_NO_MEMORY);
	}
}

TESTS(TEST_ROW(lookup), TEST_ROW(values), TEST_ROW(errors), TEST_ROW(torture))
