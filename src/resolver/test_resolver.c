/*
 * resolver: both backends under a real loop. libunbound forwards to a name server of the test's own
 * (a thread on loopback), which answers from records below, lies, or stays silent.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/test.h"
#include "resolver/resolver.h"
#include "wire/dns/name.h"
#include "wire/dns/packet.h"

struct server {
	int fd;
	uint16_t port;
	pthread_t thread;
};

static void
u16(struct builder *b, unsigned v)
{
	builder_byte(b, (uint8_t)(v >> 8));
	builder_byte(b, (uint8_t)v);
}

/* What the server says: rcode, and for A questions one address; names tell it what to do. */
static bool
reply_build(const struct dns_packet *query, struct builder *b)
{
	bool a = query->qtype == DNS_TYPE_A, has = slice_starts(query->qname, SLICE("has."));
	unsigned rcode = DNS_RCODE_NOERROR;

	if (slice_starts(query->qname, SLICE("silent.")))
		return false;
	if (slice_starts(query->qname, SLICE("broken.")))
		rcode = DNS_RCODE_SERVFAIL;
	else if (slice_starts(query->qname, SLICE("absent.")))
		rcode = DNS_RCODE_NXDOMAIN;
	u16(b, query->id);
	u16(b, 0x8180 | rcode);
	u16(b, 1);
	u16(b, has && a);
	u16(b, 0);
	u16(b, 0);
	assert_int_equal(dns_name_encode(query->qname, b), 0);
	u16(b, query->qtype);
	u16(b, 1);
	if (has && a)
		builder_bytes(b, "\300\14\0\1\0\1\0\0\0\74\0\4\300\0\2\7", 16);
	return true;
}

static void *
server_run(void *ctx)
{
	struct server *server = ctx;
	struct test_mem mem = TEST_MEM_INIT;

	for (;;) {
		uint8_t in[2048], out[2048];
		struct sockaddr_in from;
		socklen_t from_len = sizeof(from);
		ssize_t len = recvfrom(server->fd, in, sizeof(in), 0, (void *)&from, &from_len);
		struct dns_packet query;
		struct arena arena;
		struct builder b;

		if (len <= 1)
			return NULL;
		arena_init(&arena, &mem.mem, 1 << 20);
		builder_init_fixed(&b, out, sizeof(out));
		if (dns_packet_parse(slice_of(in, (size_t)len), &arena, &query) == 0 &&
		    reply_build(&query, &b))
			(void)!sendto(server->fd, out, b.len, 0, (void *)&from, from_len);
		arena_finish(&arena);
	}
}

static void
server_start(struct server *server)
{
	struct sockaddr_in addr = {.sin_family = AF_INET};
	socklen_t len = sizeof(addr);

	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	server->fd = socket(AF_INET, SOCK_DGRAM, 0);
	assert_int_equal(bind(server->fd, (void *)&addr, sizeof(addr)), 0);
	assert_int_equal(getsockname(server->fd, (void *)&addr, &len), 0);
	server->port = ntohs(addr.sin_port);
	assert_int_equal(pthread_create(&server->thread, NULL, server_run, server), 0);
}

static void
server_stop(struct server *server)
{
	struct sockaddr_in addr = {.sin_family = AF_INET, .sin_port = htons(server->port)};

	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	(void)!sendto(server->fd, "x", 1, 0, (void *)&addr, sizeof(addr));
	pthread_join(server->thread, NULL);
	close(server->fd);
}

struct asker {
	struct rt *rt;
	struct resolver *resolver;
	struct resolver_query query;
	unsigned answers;
	bool inside;
	enum dns_outcome outcome;
	size_t count;
	uint32_t ttl;
	struct net_addr address;
};

static void
answered(void *ctx, const struct dns_answer *answer)
{
	struct asker *asker = ctx;

	assert_false(asker->inside);
	asker->answers++;
	asker->outcome = answer->outcome;
	asker->count = answer->count;
	asker->ttl = answer->ttl;
	if (answer->count)
		asker->address = answer->records[0].address;
	rt_stop(asker->rt);
}

static void
ask(struct asker *asker, const char *name, unsigned type)
{
	unsigned before = asker->answers;

	asker->inside = true;
	assert_int_equal(resolver_ask(&asker->query, slice_str(name), type), 0);
	asker->inside = false;
	rt_run(asker->rt);
	assert_int_equal(asker->answers, before + 1);
}

static void
asker_init(struct asker *asker, const struct resolver_options *options)
{
	struct dns_zone_error error;

	*asker = (struct asker){0};
	assert_int_equal(rt_create(&(struct rt_options){0}, &asker->rt), 0);
	assert_int_equal(resolver_create(asker->rt, options, &error, &asker->resolver), 0);
	resolver_query_init(&asker->query, asker->resolver, answered, asker);
}

static void
asker_finish(struct asker *asker)
{
	resolver_query_finish(&asker->query);
	resolver_destroy(&asker->resolver);
	rt_destroy(&asker->rt);
}

TEST(zone)
{
	struct resolver_options options = {
		.zone = SLICE("a.test A 192.0.2.1\nsf.test 900 SERVFAIL\n"), .timeout_ms = 1000};
	struct asker asker;

	asker_init(&asker, &options);
	ask(&asker, "A.test", DNS_TYPE_A);
	assert_int_equal(asker.outcome, DNS_OK);
	assert_int_equal(asker.count, 1);
	ask(&asker, "sf.test", DNS_TYPE_A);
	assert_int_equal(asker.outcome, DNS_SERVFAIL);
	assert_int_equal(asker.ttl, RESOLVER_FAILURE_TTL_S);
	ask(&asker, "no.test", DNS_TYPE_A);
	assert_int_equal(asker.outcome, DNS_NXDOMAIN);
	assert_int_equal(resolver_ask(&asker.query, SLICE("a..b"), DNS_TYPE_A), ERR_SYNTAX);
	/* Cancelled before its callback: none comes. */
	assert_int_equal(resolver_ask(&asker.query, SLICE("a.test"), DNS_TYPE_A), 0);
	asker_finish(&asker);
	assert_int_equal(asker.answers, 3);
}

TEST(zone_error)
{
	struct resolver_options options = {.zone = SLICE("a.test A 192.0.2.1\nb.test A x\n")};
	struct dns_zone_error error = {0};
	struct resolver *resolver = NULL;
	struct rt *rt;

	assert_int_equal(rt_create(&(struct rt_options){0}, &rt), 0);
	assert_int_equal(resolver_create(rt, &options, &error, &resolver), ERR_SYNTAX);
	assert_null(resolver);
	assert_int_equal(error.line, 2);
	assert_int_equal(rt_mem_used_bytes(rt), 0);
	rt_destroy(&rt);
}

TEST(network)
{
	static const struct {
		const char *name;
		unsigned type;
		enum dns_outcome want;
	} rows[] = {
		{"has.example.test", DNS_TYPE_A, DNS_OK},
		{"has.example.test", DNS_TYPE_AAAA, DNS_NODATA},
		{"absent.example.test", DNS_TYPE_MX, DNS_NXDOMAIN},
		{"broken.example.test", DNS_TYPE_A, DNS_SERVFAIL},
		{"silent.example.test", DNS_TYPE_A, DNS_TIMEOUT},
	};
	struct net_addr addr = {.family = NET_FAMILY_4, .bytes = {127, 0, 0, 1}};
	struct resolver_options options = {.servers = &addr, .server_count = 1, .timeout_ms = 1500};
	struct server server;
	struct asker asker;

	server_start(&server);
	addr.port = server.port;
	asker_init(&asker, &options);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ask(&asker, rows[i].name, rows[i].type);
		if (asker.outcome != rows[i].want)
			fail_msg("%s: %s", rows[i].name, dns_outcome_str(asker.outcome));
	}
	ask(&asker, "has.example.test", DNS_TYPE_A);
	assert_int_equal(asker.count, 1);
	assert_int_equal(asker.address.bytes[3], 7);
	assert_true(asker.ttl <= 60);
	asker_finish(&asker);
	server_stop(&server);
}

/* With the root's keys and a server that signs nothing, all is bogus, never insecure. */
TEST(bogus)
{
	struct net_addr addr = {.family = NET_FAMILY_4, .bytes = {127, 0, 0, 1}};
	struct resolver_options options = {
		.servers = &addr, .server_count = 1, .timeout_ms = 5000, .validate = true};
	struct server server;
	struct asker asker;

	server_start(&server);
	addr.port = server.port;
	asker_init(&asker, &options);
	ask(&asker, "has.example.test", DNS_TYPE_A);
	assert_int_equal(asker.outcome, DNS_BOGUS);
	assert_int_equal(asker.count, 0);
	asker_finish(&asker);
	server_stop(&server);
}

TESTS(TEST_ROW(zone), TEST_ROW(zone_error), TEST_ROW(network), TEST_ROW(bogus))
