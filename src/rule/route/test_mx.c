/* route/mx: the conformance rows "5321 MX" and 7505, over zones written as text. */
#include "base/test.h"
#include "rule/route/mx.h"
#include "wire/dns/zone.h"

static struct test_mem mem = TEST_MEM_INIT;

static const char zone_text[] = "one.test MX 10 mx.one.test\n"
				"mx.one.test A 192.0.2.1\n"
				"aonly.test A 192.0.2.2\n"
				"aonly.test AAAA 2001:db8::2\n"
				"order.test MX 30 c.order.test\n"
				"order.test MX 10 a.order.test\n"
				"order.test MX 20 b.order.test\n"
				"a.order.test A 192.0.2.11\n"
				"b.order.test A 192.0.2.12\n"
				"c.order.test A 192.0.2.13\n"
				"both.test MX 10 mx.both.test\n"
				"mx.both.test A 192.0.2.21\n"
				"mx.both.test A 192.0.2.22\n"
				"mx.both.test AAAA 2001:db8::21\n"
				"null.test MX 0 .\n"
				"null.test A 192.0.2.3\n"
				"nullmix.test MX 0 .\n"
				"nullmix.test MX 10 mx.one.test\n"
				"sf.test SERVFAIL\n"
				"sfmx.test SERVFAIL MX\n"
				"sfmx.test A 192.0.2.4\n"
				"tomx.test TIMEOUT MX\n"
				"tomx.test A 192.0.2.4\n"
				"bogus.test BOGUS\n"
				"nodata.test NODATA\n"
				"alias.test CNAME one.test\n"
				"loop.test CNAME loop.test\n"
				"hostsf.test MX 10 sf.test\n"
				"halfsf.test MX 10 sf.test\n"
				"halfsf.test MX 20 mx.one.test\n"
				"gone.test MX 10 nx.gone.test\n"
				"gonehalf.test MX 10 nx.gone.test\n"
				"gonehalf.test MX 20 mx.one.test\n"
				"v6sf.test MX 10 mx.v6sf.test\n"
				"mx.v6sf.test SERVFAIL AAAA\n"
				"mx.v6sf.test A 192.0.2.5\n"
				"self.test MX 10 MX.Own.test\n"
				"self.test MX 20 mx.one.test\n"
				"backup.test MX 10 mx.one.test\n"
				"backup.test MX 20 mx.own.test\n"
				"backup.test MX 20 a.order.test\n"
				"backup.test MX 30 b.order.test\n"
				"mx.own.test A 203.0.113.1\n"
				"selfaddr.test MX 10 other.test\n"
				"other.test A 203.0.113.1\n"
				"backaddr.test MX 10 mx.one.test\n"
				"backaddr.test MX 20 other.test\n"
				"backaddr.test MX 30 a.order.test\n"
				"bettersf.test MX 10 sf.test\n"
				"bettersf.test MX 20 mx.own.test\n"
				"localhost.test MX 10 localhost\n"
				"localhost A 127.0.0.1\n"
				"loopback.test MX 10 lo.test\n"
				"lo.test A 127.0.1.9\n"
				"loopback6.test AAAA ::1\n"
				"mapped.test AAAA ::ffff:127.0.0.1\n"
				"zero.test A 0.0.0.0\n"
				"multi.test A 224.0.0.1\n"
				"badhost.test MX 10 a\\032b.test\n"
				"badhost.test MX 20 mx.one.test\n"
				"number.test MX 10 192.0.2.77\n"
				"twice.test MX 10 mx.one.test\n"
				"twice.test MX 20 mx.one.test\n"
				"own.only.test A 203.0.113.1\n";

static const struct slice own_names[] = {SLICE("mx.own.test")};
static const struct net_addr own_addrs[] = {{.family = NET_FAMILY_4, .bytes = {203, 0, 113, 1}}};

static struct mx_own
own(bool allow_loopback)
{
	return (struct mx_own){own_names, 1, own_addrs, 1, allow_loopback};
}

struct world {
	struct arena arena;
	struct dns_zone zone;
	struct mx_own own;
};

static void
world_init(struct world *world, const char *text, bool allow_loopback)
{
	struct dns_zone_error error;

	arena_init(&world->arena, &mem.mem, 4 << 20);
	assert_int_equal(dns_zone_parse(slice_str(text), &world->arena, &world->zone, &error), 0);
	world->own = own(allow_loopback);
}

/* Walks to the end, answering from the zone; with backwards all open questions in reverse. */
static struct mx_result
walk(struct world *world, const struct mx_ask *ask, bool backwards)
{
	struct mx_result result;
	struct mx_walk *w;
	unsigned rounds = 0;

	assert_int_equal(mx_walk_create(&world->arena, &world->own, ask, &w), 0);
	while (!mx_walk_done(w, &result)) {
		struct mx_question open[64];
		size_t count = 0;

		assert_true(rounds++ < 4);
		while (mx_walk_next(w, &open[count]))
			count++;
		assert_true(count > 0);
		for (size_t i = 0; i < count; i++) {
			struct mx_question *q = &open[backwards ? count - 1 - i : i];
			struct dns_answer answer;

			assert_int_equal(dns_zone_lookup(&world->zone, q->name, q->type,
							 &world->arena, &answer),
					 0);
			mx_walk_answer(w, q->id, &answer);
		}
	}
	return result;
}

/* "4.4.3" or the targets: "host=address host=address". */
static const char *
show(const struct mx_result *result)
{
	static char buf[2048];
	struct builder b;

	builder_init_fixed(&b, buf, sizeof(buf) - 1);
	if (result->verdict.class != VERDICT_OK)
		verdict_status_format(&b, result->verdict.status);
	for (size_t i = 0; i < result->count; i++) {
		if (i)
			builder_byte(&b, ' ');
		builder_add(&b, result->targets[i].host);
		builder_byte(&b, '=');
		net_addr_format(&b, &result->targets[i].address);
	}
	buf[b.len] = 0;
	return buf;
}

static const struct {
	const char *domain, *want;
} rows_table[] = {
	{"one.test", "mx.one.test=192.0.2.1"},
	{"ONE.test.", "mx.one.test=192.0.2.1"},
	/* No MX: the domain's own addresses, IPv6 first. */
	{"aonly.test", "aonly.test=2001:db8::2 aonly.test=192.0.2.2"},
	/* All MX in order, all addresses of each, families taking turns. */
	{"order.test", "a.order.test=192.0.2.11 b.order.test=192.0.2.12 "
		       "c.order.test=192.0.2.13"},
	{"both.test", "mx.both.test=2001:db8::21 mx.both.test=192.0.2.21 "
		      "mx.both.test=192.0.2.22"},
	{"alias.test", "mx.one.test=192.0.2.1"},
	/* RFC 7505: at once, the A record is never tried. */
	{"null.test", "5.1.10"},
	{"nullmix.test", "mx.one.test=192.0.2.1"},
	{"absent.test", "5.1.2"},
	/* SERVFAIL, timeout, bogus: later, never A. */
	{"sf.test", "4.4.3"},
	{"sfmx.test", "4.4.3"},
	{"tomx.test", "4.4.3"},
	{"bogus.test", "4.4.3"},
	{"loop.test", "4.4.3"},
	{"nodata.test", "4.4.4"},
	{"hostsf.test", "4.4.3"},
	{"halfsf.test", "mx.one.test=192.0.2.1"},
	{"gone.test", "4.4.4"},
	{"gonehalf.test", "mx.one.test=192.0.2.1"},
	{"v6sf.test", "mx.v6sf.test=192.0.2.5"},
	/* Ourselves: that preference and all behind it are cut. */
	{"self.test", "5.4.6"},
	{"backup.test", "mx.one.test=192.0.2.1"},
	{"selfaddr.test", "5.4.6"},
	{"backaddr.test", "mx.one.test=192.0.2.1"},
	{"bettersf.test", "4.4.3"},
	{"mx.own.test", "5.4.6"},
	{"own.only.test", "5.4.6"},
	{"localhost.test", "5.4.6"},
	{"localhost", "5.4.6"},
	{"loopback.test", "5.4.6"},
	{"loopback6.test", "5.4.6"},
	{"mapped.test", "5.4.6"},
	{"zero.test", "4.4.4"},
	{"multi.test", "4.4.4"},
	{"badhost.test", "mx.one.test=192.0.2.1"},
	{"number.test", "4.4.4"},
	{"twice.test", "mx.one.test=192.0.2.1"},
	{"[192.0.2.9]", "=192.0.2.9"},
	{"[IPv6:2001:db8::9]", "=2001:db8::9"},
	{"[127.0.0.1]", "5.4.6"},
	{"[203.0.113.1]", "5.4.6"},
	/* Connecting there would reach ourselves. */
	{"[0.0.0.0]", "5.1.2"},
	{"[IPv6:::]", "5.1.2"},
	{"[IPv6:::ffff:0.0.0.0]", "5.1.2"},
	{"[224.0.0.1]", "5.1.2"},
	{"[x]", "5.1.2"},
	{"a..b", "5.1.2"},
	{"", "5.1.2"},
};

TEST(rows)
{
	struct world world;

	world_init(&world, zone_text, false);
	for (size_t i = 0; i < sizeof(rows_table) / sizeof(rows_table[0]); i++) {
		struct mx_ask ask = {.domain = slice_str(rows_table[i].domain)};

		for (int backwards = 0; backwards < 2; backwards++) {
			struct mx_result result = walk(&world, &ask, backwards);

			if (strcmp(show(&result), rows_table[i].want) != 0)
				fail_msg("%s: got '%s', want '%s'", rows_table[i].domain,
					 show(&result), rows_table[i].want);
			assert_int_equal(result.verdict.stage, VERDICT_STAGE_DNS);
			/* A temporary status never ends for good and the other way round. */
			if (result.verdict.class != VERDICT_OK)
				assert_int_equal(result.verdict.class == VERDICT_NEVER,
						 result.verdict.status.class == 5);
		}
	}
	arena_finish(&world.arena);
}

TEST(lab)
{
	static const struct {
		const char *domain, *want;
	} table[] = {
		{"loopback.test", "lo.test=127.0.1.9"},
		{"loopback6.test", "loopback6.test=::1"},
		{"localhost.test", "5.4.6"},
		{"self.test", "5.4.6"},
		{"selfaddr.test", "5.4.6"},
	};
	struct world world;

	world_init(&world, zone_text, true);
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct mx_ask ask = {.domain = slice_str(table[i].domain)};
		struct mx_result result = walk(&world, &ask, false);

		assert_string_equal(show(&result), table[i].want);
	}
	arena_finish(&world.arena);
}

TEST(smart_host)
{
	static const struct {
		const char *domain, *want;
	} table[] = {
		{"mx.one.test", "mx.one.test=192.0.2.1"},
		{"one.test", "4.4.4"}, /* has only an MX */
		{"lo.test", "lo.test=127.0.1.9"},
		{"mx.own.test", "mx.own.test=203.0.113.1"},
		{"sf.test", "4.4.3"},
	};
	struct world world;

	world_init(&world, zone_text, false);
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct mx_ask ask = {.domain = slice_str(table[i].domain), .host_only = true};
		struct mx_result result = walk(&world, &ask, false);

		assert_string_equal(show(&result), table[i].want);
	}
	arena_finish(&world.arena);
}

TEST(evidence)
{
	struct mx_ask ask = {.domain = SLICE("hostsf.test")};
	struct mx_result result;
	struct world world;

	world_init(&world, zone_text, false);
	result = walk(&world, &ask, false);
	assert_slice_str(slice_sub(result.verdict.evidence, 0, 43),
			 "sf.test SERVFAIL (the zone file says so); s");
	assert_true(result.verdict.public_text.len > 0);
	arena_finish(&world.arena);
}

/* Equal preferences: every order comes, the better one always first, a host's addresses together.
 */
TEST(shuffle)
{
	static const char text[] =
		"s.test MX 20 b\ns.test MX 20 c\ns.test MX 20 d\ns.test MX 10 a\n"
		"a A 192.0.2.1\nb A 192.0.2.2\nc A 192.0.2.3\nd A 192.0.2.4\n"
		"c A 192.0.2.33\n";
	struct mx_ask ask = {.domain = SLICE("s.test")};
	unsigned second[5] = {0}, last[34] = {0};
	struct mx_result result;
	struct world world;
	struct prng prng;

	world_init(&world, text, false);
	prng_init(&prng, 1);
	result = walk(&world, &ask, false);
	assert_int_equal(result.count, 5);
	for (unsigned i = 0; i < 600; i++) {
		mx_targets_shuffle(result.targets, result.count, &prng);
		assert_slice_str(result.targets[0].host, "a");
		second[result.targets[1].address.bytes[3]]++;
		last[result.targets[4].address.bytes[3]]++;
		for (size_t j = 1; j < 5; j++)
			if (result.targets[j].address.bytes[3] == 3)
				assert_int_equal(result.targets[j + 1].address.bytes[3], 33);
	}
	assert_true(second[2] > 150 && second[3] > 150 && second[4] > 150);
	assert_true(last[2] > 150 && last[33] > 150 && last[4] > 150);
	arena_finish(&world.arena);
}

/* 100 MX with 20 addresses each: the limits hold, the best hosts stay. */
TEST(limits)
{
	static char text[200000];
	struct mx_ask ask = {.domain = SLICE("big.test")};
	struct mx_result result;
	struct world world;
	size_t len = 0;

	for (int i = 99; i >= 0; i--) {
		len += (size_t)snprintf(text + len, sizeof(text) - len, "big.test MX %d h%d.test\n",
					i, i);
		for (int j = 0; j < 20; j++)
			len += (size_t)snprintf(text + len, sizeof(text) - len,
						"h%d.test A 192.0.2.%d\n", i, j + 1);
	}
	world_init(&world, text, false);
	result = walk(&world, &ask, false);
	assert_int_equal(result.verdict.class, VERDICT_OK);
	assert_int_equal(result.count, MX_TARGETS_MAX);
	for (size_t i = 0; i < result.count; i++)
		assert_int_equal(result.targets[i].preference, i / MX_HOST_ADDRESSES_MAX);
	arena_finish(&world.arena);
}

/* The arena that the header promises to suffice does, and a smaller one is an error, not a crash.
 */
TEST(memory)
{
	struct world world;

	world_init(&world, zone_text, false);
	for (size_t cap = 0; cap <= MX_WALK_ARENA_BYTES; cap += 512) {
		struct mx_ask ask = {.domain = SLICE("order.test")};
		struct mx_question q;
		struct mx_result result;
		struct mx_walk *w;
		struct arena arena;

		arena_init(&arena, &mem.mem, cap);
		if (mx_walk_create(&arena, &world.own, &ask, &w) == 0) {
			while (mx_walk_next(w, &q)) {
				struct dns_answer answer;

				assert_int_equal(dns_zone_lookup(&world.zone, q.name, q.type,
								 &world.arena, &answer),
						 0);
				mx_walk_answer(w, q.id, &answer);
			}
			assert_true(mx_walk_done(w, &result));
			if (cap == MX_WALK_ARENA_BYTES)
				assert_int_equal(result.count, 3);
		} else {
			assert_true(cap < MX_WALK_ARENA_BYTES);
		}
		arena_finish(&arena);
	}
	arena_finish(&world.arena);
	assert_int_equal(mem.taken, mem.given);
}

TESTS(TEST_ROW(rows), TEST_ROW(lab), TEST_ROW(smart_host), TEST_ROW(evidence), TEST_ROW(shuffle),
      TEST_ROW(limits), TEST_ROW(memory))
