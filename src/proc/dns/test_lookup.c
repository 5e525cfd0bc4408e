/* dns/lookup: one question for many, the cache's life and bounds, changes under way. */
#include "proc/dns/lookup.h"
#include "rt/test_rt.h"

static const char zone_text[] = "one.test 60 MX 10 mx.one.test\n"
				"mx.one.test 60 A 192.0.2.1\n"
				"short.test 1 MX 10 mx.short.test\n"
				"mx.short.test 1 A 192.0.2.2\n"
				"zero.test 0 MX 10 mx.one.test\n"
				"sf.test SERVFAIL\n"
				"null.test MX 0 .\n";

struct waiter {
	struct dns_waiter waiter;
	struct dns_lookups *again; /* asks once more from inside the callback */
	unsigned answers;
	unsigned class;
	size_t count;
	struct net_addr first;
	uint32_t ttl_s;
};

struct world {
	struct test_rt t;
	struct resolver *resolver;
	struct dns_lookups *lookups;
	struct dns_lookups_options options;
	unsigned open;
};

static struct world w;

static void ask(struct waiter *waiter, const char *domain);

static void
answered(struct dns_waiter *dns_waiter, struct mx_result *result)
{
	struct waiter *waiter = CONTAINER_OF(dns_waiter, struct waiter, waiter);

	waiter->answers++;
	waiter->class = result->verdict.class;
	waiter->count = result->count;
	waiter->ttl_s = result->ttl_s;
	if (result->count)
		waiter->first = result->targets[0].address;
	if (--w.open == 0)
		rt_stop(w.t.rt);
	if (waiter->again) {
		waiter->again = NULL;
		ask(waiter, "one.test");
	}
}

static void
ask(struct waiter *waiter, const char *domain)
{
	struct mx_ask ask_for = {.domain = slice_str(domain)};

	waiter->waiter.fn = answered;
	w.open++;
	dns_lookups_ask(w.lookups, &ask_for, &waiter->waiter);
}

static struct resolver *
zone_resolver(const char *text)
{
	struct resolver_options options = {.zone = slice_str(text), .timeout_ms = 1000};
	struct dns_zone_error error;
	struct resolver *resolver;

	assert_int_equal(resolver_create(w.t.rt, &options, &error, &resolver), 0);
	return resolver;
}

static void
world_begin(size_t entries_max)
{
	memset(&w, 0, sizeof(w));
	test_rt_begin(&w.t);
	w.resolver = zone_resolver(zone_text);
	w.options = (struct dns_lookups_options){entries_max, w.resolver, {0}};
	assert_int_equal(dns_lookups_create(w.t.rt, &w.options, &w.lookups), 0);
}

static void
world_end(void)
{
	dns_lookups_destroy(&w.lookups);
	resolver_destroy(&w.resolver);
	test_rt_end(&w.t);
}

TEST(joined_and_cached)
{
	struct waiter a = {0}, b = {0}, c = {0};

	world_begin(100);
	ask(&a, "one.test");
	ask(&b, "ONE.test.");
	assert_int_equal(a.answers + b.answers, 0);
	assert_int_equal(dns_lookups_counters(w.lookups).asking, 1);
	test_rt_run(&w.t);
	assert_int_equal(a.answers, 1);
	assert_int_equal(b.count, 1);
	ask(&c, "one.test");
	assert_int_equal(c.answers, 1);
	assert_int_equal(c.class, VERDICT_OK);
	assert_int_equal(c.first.bytes[3], 1);
	assert_in_range(c.ttl_s, 58, 60);
	assert_int_equal(dns_lookups_counters(w.lookups).joined, 1);
	assert_int_equal(dns_lookups_counters(w.lookups).from_cache, 1);
	assert_int_equal(dns_lookups_counters(w.lookups).entries, 1);
	assert_int_equal(dns_lookups_counters(w.lookups).asking, 0);
	world_end();
}

TEST(asks_again_from_inside)
{
	struct waiter a = {0}, b = {0};

	world_begin(100);
	a.again = w.lookups;
	ask(&a, "one.test");
	test_rt_run(&w.t);
	assert_int_equal(a.answers, 2);
	b.again = w.lookups;
	ask(&b, "zero.test"); /* is not kept, then a cached one */
	test_rt_run(&w.t);
	assert_int_equal(b.answers, 2);
	world_end();
}

TEST(verdicts)
{
	struct waiter sf = {0}, null = {0}, absent = {0}, literal = {0};

	world_begin(100);
	ask(&sf, "sf.test");
	ask(&null, "null.test");
	ask(&absent, "absent.test");
	ask(&literal, "[192.0.2.7]");
	test_rt_run(&w.t);
	assert_int_equal(sf.class, VERDICT_LATER);
	assert_int_equal(null.class, VERDICT_NEVER);
	assert_int_equal(absent.class, VERDICT_NEVER);
	assert_int_equal(literal.first.bytes[3], 7);
	assert_true(sf.ttl_s <= DNS_LATER_TTL_MAX_S);
	world_end();
}

static void
stop(void *ctx)
{
	rt_stop(ctx);
}

TEST(expiry)
{
	struct waiter a = {0}, b = {0};
	struct rt_timer later;

	world_begin(100);
	ask(&a, "short.test");
	test_rt_run(&w.t);
	rt_timer_init(&later, w.t.rt, stop, w.t.rt);
	rt_timer_arm(&later, 1100);
	test_rt_run(&w.t);
	ask(&b, "short.test");
	assert_int_equal(b.answers, 0);
	test_rt_run(&w.t);
	assert_int_equal(b.count, 1);
	assert_int_equal(dns_lookups_counters(w.lookups).from_cache, 0);
	rt_timer_finish(&later);
	world_end();
}

TEST(bounds)
{
	struct waiter waiters[50] = {0};
	char name[32];

	world_begin(10);
	for (size_t i = 0; i < 50; i++) {
		snprintf(name, sizeof(name), "n%zu.test", i);
		ask(&waiters[i], name);
	}
	test_rt_run(&w.t);
	assert_int_equal(dns_lookups_counters(w.lookups).entries, 10);
	/* The newest stayed. */
	ask(&waiters[49], "n49.test");
	assert_int_equal(waiters[49].answers, 2);
	ask(&waiters[0], "n0.test");
	assert_int_equal(waiters[0].answers, 1);
	test_rt_run(&w.t);
	world_end();
}

TEST(too_many_at_once)
{
	static struct waiter waiters[MX_ASKING_MAX + 1];
	char name[32];

	world_begin(10);
	for (size_t i = 0; i <= MX_ASKING_MAX; i++) {
		snprintf(name, sizeof(name), "n%zu.test", i);
		ask(&waiters[i], name);
	}
	assert_int_equal(waiters[MX_ASKING_MAX].answers, 1);
	assert_int_equal(waiters[MX_ASKING_MAX].class, VERDICT_LATER);
	test_rt_run(&w.t);
	assert_int_equal(waiters[0].class, VERDICT_NEVER);
	world_end();
}

/* A new zone: what is known is forgotten, what is being asked is asked of the new one. */
TEST(another_resolver)
{
	struct waiter a = {0}, b = {0}, c = {0};
	struct dns_lookups_options options;
	struct resolver *old = NULL;

	world_begin(100);
	ask(&a, "one.test");
	test_rt_run(&w.t);
	ask(&b, "short.test");
	options = w.options;
	options.resolver = zone_resolver("one.test A 192.0.2.91\nshort.test A 192.0.2.92\n");
	dns_lookups_set(w.lookups, &options);
	old = w.resolver;
	w.resolver = options.resolver;
	resolver_destroy(&old);
	ask(&c, "one.test");
	test_rt_run(&w.t);
	assert_int_equal(b.first.bytes[3], 92);
	assert_int_equal(c.first.bytes[3], 91);
	options.resolver = NULL;
	ask(&b, "other.test");
	dns_lookups_set(w.lookups, &options);
	assert_int_equal(b.class, VERDICT_LATER);
	ask(&c, "one.test");
	assert_int_equal(c.class, VERDICT_LATER);
	world_end();
}

TEST(cancelled)
{
	struct waiter a = {0}, b = {0};

	world_begin(100);
	ask(&a, "one.test");
	ask(&b, "one.test");
	dns_waiter_cancel(&a.waiter);
	w.open--;
	test_rt_run(&w.t);
	assert_int_equal(a.answers, 0);
	assert_int_equal(b.answers, 1);
	ask(&a, "sf.test");
	world_end();
	assert_int_equal(a.answers, 0);
}

TESTS(TEST_ROW(joined_and_cached), TEST_ROW(asks_again_from_inside), TEST_ROW(verdicts),
      TEST_ROW(expiry), TEST_ROW(bounds), TEST_ROW(too_many_at_once), TEST_ROW(another_resolver),
      TEST_ROW(cancelled))
