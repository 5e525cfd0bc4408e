/* dns packet: answers built by hand, cut at every byte, damaged, and with hostile counts. */
#include "base/test.h"
#include "base/prng.h"
#include "wire/dns/name.h"
#include "wire/dns/packet.h"

static struct test_mem mem = TEST_MEM_INIT;
static uint8_t buf[4096];

static void
u16(struct builder *b, unsigned v)
{
	builder_byte(b, (uint8_t)(v >> 8));
	builder_byte(b, (uint8_t)v);
}

static void
begin(struct builder *b, unsigned rcode, unsigned answers, unsigned authority)
{
	builder_init_fixed(b, buf, sizeof(buf));
	u16(b, 4711);
	u16(b, 0x81a0 | rcode);
	u16(b, 1);
	u16(b, answers);
	u16(b, authority);
	u16(b, 0);
}

static void
question(struct builder *b, const char *name, unsigned type)
{
	assert_int_equal(dns_name_encode(slice_str(name), b), 0);
	u16(b, type);
	u16(b, 1);
}

static void
record(struct builder *b, const char *name, unsigned type, unsigned ttl, struct slice data)
{
	assert_int_equal(dns_name_encode(slice_str(name), b), 0);
	u16(b, type);
	u16(b, 1);
	u16(b, 0);
	u16(b, ttl);
	u16(b, (unsigned)data.len);
	builder_add(b, data);
}

/* Two MX, one by compression, behind a CNAME. */
static struct slice
mx_packet(void)
{
	struct builder b;

	begin(&b, 0, 3, 0);
	question(&b, "Alias.test", DNS_TYPE_MX);
	record(&b, "alias.test", DNS_TYPE_CNAME, 60, SLICE("\7example\4test\0"));
	record(&b, "example.test", DNS_TYPE_MX, 300, SLICE("\0\24\3mx2\300\14"));
	record(&b, "example.test", DNS_TYPE_MX, 400, SLICE("\0\12\2mx\7example\4test\0"));
	return builder_slice(&b);
}

TEST(mx)
{
	struct dns_packet packet;
	struct dns_answer answer;
	struct arena arena;

	arena_init(&arena, &mem.mem, 1 << 20);
	assert_int_equal(dns_packet_parse(mx_packet(), &arena, &packet), 0);
	assert_int_equal(packet.id, 4711);
	assert_true(packet.response && packet.validated && !packet.truncated);
	assert_slice_str(packet.qname, "alias.test");
	assert_int_equal(dns_packet_answer(&packet, &arena, &answer), 0);
	assert_int_equal(answer.outcome, DNS_OK);
	assert_true(answer.secure);
	assert_int_equal(answer.ttl, 60);
	assert_slice_str(answer.canonical, "example.test");
	assert_int_equal(answer.count, 2);
	assert_int_equal(answer.records[0].preference, 20);
	assert_slice_str(answer.records[0].target, "mx2.alias.test");
	assert_slice_str(answer.records[1].target, "mx.example.test");
	arena_finish(&arena);
}

TEST(cut_everywhere)
{
	struct slice whole = mx_packet();
	struct dns_packet packet;
	struct arena arena;

	for (size_t len = 0; len < whole.len; len++) {
		uint8_t *copy = malloc(len ? len : 1);

		memcpy(copy, whole.data, len);
		arena_init(&arena, &mem.mem, 1 << 20);
		assert_true(dns_packet_parse(slice_of(copy, len), &arena, &packet) < 0);
		arena_finish(&arena);
		free(copy);
	}
}

TEST(damaged)
{
	struct slice whole = mx_packet();
	struct prng prng;
	struct arena arena;

	prng_init(&prng, 1);
	for (unsigned round = 0; round < 20000; round++) {
		uint8_t copy[512];
		struct dns_packet packet;
		struct dns_answer answer;

		memcpy(copy, whole.data, whole.len);
		for (unsigned i = 0; i < 3; i++)
			copy[prng_below(&prng, whole.len)] = (uint8_t)prng_next(&prng);
		arena_init(&arena, &mem.mem, 1 << 20);
		if (dns_packet_parse(slice_of(copy, whole.len), &arena, &packet) == 0)
			(void)!dns_packet_answer(&packet, &arena, &answer);
		arena_finish(&arena);
	}
}

TEST(records)
{
	struct dns_packet packet;
	struct arena arena;
	struct builder b;

	begin(&b, 0, 6, 0);
	question(&b, "x.test", DNS_TYPE_A);
	record(&b, "x.test", DNS_TYPE_A, 1, SLICE("\300\0\2\1"));
	record(&b, "x.test", DNS_TYPE_AAAA, 1, SLICE("\40\1\15\270\0\0\0\0\0\0\0\0\0\0\0\1"));
	record(&b, "x.test", DNS_TYPE_TXT, 1, SLICE("\3abc\0\2de"));
	record(&b, "x.test", DNS_TYPE_TLSA, 1, SLICE("\3\1\1hash"));
	record(&b, "x.test", DNS_TYPE_PTR, 1, SLICE("\1p\0"));
	record(&b, "x.test", 999, 1, SLICE("raw"));
	arena_init(&arena, &mem.mem, 1 << 20);
	assert_int_equal(dns_packet_parse(builder_slice(&b), &arena, &packet), 0);
	assert_int_equal(packet.answer.count, 6);
	assert_slice(slice_of(packet.answer.rr[0].address.bytes, 4), SLICE("\300\0\2\1"));
	assert_int_equal(packet.answer.rr[1].address.family, NET_FAMILY_6);
	assert_slice_str(packet.answer.rr[2].data, "abcde");
	assert_int_equal(packet.answer.rr[3].usage, 3);
	assert_slice_str(packet.answer.rr[3].data, "hash");
	assert_slice_str(packet.answer.rr[4].target, "p");
	assert_slice_str(packet.answer.rr[5].data, "raw");
	arena_finish(&arena);
}

/* RFC 2308: the SOA says how long; the lesser of its TTL and its minimum. */
TEST(negative)
{
	static const char soa[] = "\1m\0\1h\0\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0\74";
	static const struct {
		unsigned rcode;
		bool with_soa;
		enum dns_outcome want;
		uint32_t ttl;
	} rows[] = {
		{DNS_RCODE_NXDOMAIN, true, DNS_NXDOMAIN, 60},
		{DNS_RCODE_NOERROR, true, DNS_NODATA, 60},
		{DNS_RCODE_NXDOMAIN, false, DNS_NXDOMAIN, 0},
		{DNS_RCODE_SERVFAIL, false, DNS_SERVFAIL, 0},
		{DNS_RCODE_REFUSED, true, DNS_SERVFAIL, 0},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct dns_packet packet;
		struct dns_answer answer;
		struct arena arena;
		struct builder b;

		begin(&b, rows[i].rcode, 0, rows[i].with_soa);
		question(&b, "no.test", DNS_TYPE_MX);
		if (rows[i].with_soa)
			record(&b, "test", DNS_TYPE_SOA, 900, slice_of(soa, sizeof(soa) - 1));
		arena_init(&arena, &mem.mem, 1 << 20);
		assert_int_equal(dns_packet_parse(builder_slice(&b), &arena, &packet), 0);
		assert_int_equal(dns_packet_answer(&packet, &arena, &answer), 0);
		assert_int_equal(answer.outcome, rows[i].want);
		assert_int_equal(answer.ttl, rows[i].ttl);
		arena_finish(&arena);
	}
}

TEST(cname_loop)
{
	struct dns_packet packet;
	struct dns_answer answer;
	struct arena arena;
	struct builder b;

	begin(&b, 0, 2, 0);
	question(&b, "a", DNS_TYPE_A);
	record(&b, "a", DNS_TYPE_CNAME, 60, SLICE("\1b\0"));
	record(&b, "b", DNS_TYPE_CNAME, 60, SLICE("\1a\0"));
	arena_init(&arena, &mem.mem, 1 << 20);
	assert_int_equal(dns_packet_parse(builder_slice(&b), &arena, &packet), 0);
	assert_int_equal(dns_packet_answer(&packet, &arena, &answer), 0);
	assert_int_equal(answer.outcome, DNS_SERVFAIL);
	arena_finish(&arena);
}

TEST(hostile)
{
	struct dns_packet packet;
	struct arena arena;
	struct builder b;

	arena_init(&arena, &mem.mem, 1 << 20);
	begin(&b, 0, 65535, 0);
	question(&b, "a", DNS_TYPE_A);
	assert_int_equal(dns_packet_parse(builder_slice(&b), &arena, &packet), ERR_LIMIT);
	begin(&b, 0, 1, 0);
	question(&b, "a", DNS_TYPE_A);
	record(&b, "a", DNS_TYPE_A, 1, SLICE("\1\2\3\4\5"));
	assert_int_equal(dns_packet_parse(builder_slice(&b), &arena, &packet), ERR_LEFTOVER);
	begin(&b, 0, 1, 0);
	question(&b, "a", DNS_TYPE_A);
	record(&b, "a", DNS_TYPE_TXT, 1, SLICE("\11short"));
	assert_int_equal(dns_packet_parse(builder_slice(&b), &arena, &packet), ERR_TRUNCATED);
	arena_finish(&arena);
	arena_init(&arena, &mem.mem, 64);
	assert_int_equal(dns_packet_parse(mx_packet(), &arena, &packet), ERR_NO_MEMORY);
	arena_finish(&arena);
}

TEST(query)
{
	struct dns_packet packet;
	struct arena arena;
	struct builder b;

	arena_init(&arena, &mem.mem, 1 << 20);
	builder_init_fixed(&b, buf, sizeof(buf));
	assert_int_equal(dns_query_build(&b, 7, SLICE("example.test"), DNS_TYPE_AAAA), 0);
	assert_int_equal(dns_packet_parse(builder_slice(&b), &arena, &packet), 0);
	assert_int_equal(packet.id, 7);
	assert_false(packet.response);
	assert_int_equal(packet.rcode, 0);
	assert_slice_str(packet.qname, "example.test");
	assert_int_equal(packet.qtype, DNS_TYPE_AAAA);
	builder_clear(&b);
	assert_int_equal(dns_query_build(&b, 7, SLICE("a..b"), DNS_TYPE_A), ERR_SYNTAX);
	arena_finish(&arena);
}

TEST(words)
{
	assert_string_equal(dns_type_str(DNS_TYPE_TLSA), "TLSA");
	assert_string_equal(dns_type_str(4242), "?");
	assert_int_equal(dns_type_of(SLICE("aaaa")), DNS_TYPE_AAAA);
	assert_int_equal(dns_type_of(SLICE("BOGUS")), 0);
	assert_string_equal(dns_outcome_str(DNS_BOGUS), "BOGUS");
	assert_true(dns_outcome_is_temporary(DNS_TIMEOUT));
	assert_false(dns_outcome_is_temporary(DNS_NXDOMAIN));
}

TESTS(TEST_ROW(mx), TEST_ROW(cut_everywhere), TEST_ROW(damaged), TEST_ROW(records),
      TEST_ROW(negative), TEST_ROW(cname_loop), TEST_ROW(hostile), TEST_ROW(query), TEST_ROW(words))
