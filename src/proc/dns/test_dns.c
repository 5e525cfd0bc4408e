/*
 * dns: the process itself over channels in one loop: targets come before the end, in order, with
 * the port; our own names are cut; a zone is replaced while asking; a bad one changes nothing.
 */
#include "proc/dns/dns.h"
#include "rt/test_rt.h"
#include "wire/dns/zone.h"

#define ZONE                                                                                       \
	"one.test MX 20 b.test\none.test MX 10 a.test\na.test A 192.0.2.1\nb.test A 192.0.2.2\n"   \
	"self.test MX 10 mx.example.test\nown.test A 203.0.113.5\nnull.test MX 0 .\n"

static struct world {
	struct test_rt t;
	struct log *log;
	int log_fds[2];
	struct arena arena;
	struct config config;
	struct boot boot;
	void *state;
	struct ipc_channel *ours, *theirs;
	char text[2000]; /* "host=address:port " of all targets, then the end's status */
	unsigned answers;
	uint32_t ttl_s;
} w;

static void
process_receive(void *ctx, struct ipc_channel *from, struct ipc_message *message)
{
	(void)ctx;
	dns_process.receive(w.state, from, message);
}

static void
peer_receive(void *ctx, struct ipc_channel *from, struct ipc_message *message)
{
	struct builder b;

	(void)ctx;
	(void)from;
	builder_init_fixed(&b, w.text, sizeof(w.text) - 1);
	b.len = strlen(w.text);
	if (message->type == IPC_DNS_TARGET) {
		builder_add(&b, message->u.dns_target.host);
		builder_byte(&b, '=');
		net_addr_format_port(&b, &message->u.dns_target.address);
		builder_byte(&b, ' ');
	} else {
		assert_int_equal(message->type, IPC_DNS_DONE);
		verdict_status_format(&b, message->u.dns_done.verdict.status);
		builder_byte(&b, ';');
		w.ttl_s = message->u.dns_done.ttl_s;
		w.answers++;
		rt_stop(w.t.rt);
	}
	assert_false(b.failed);
	w.text[b.len] = 0;
}

static void
closed(void *ctx, struct ipc_channel *channel, int err)
{
	(void)ctx;
	(void)channel;
	(void)err;
	fail_msg("a channel broke");
}

static void
world_begin(void)
{
	static const struct net_addr listen = {
		.family = NET_FAMILY_4, .port = 25, .bytes = {203, 0, 113, 5}};
	static struct config_listener listener = {.address = {&listen, 1}};
	struct ipc_events process = {NULL, process_receive, NULL, closed};
	struct ipc_events other = {NULL, peer_receive, NULL, closed};
	struct ipc_ends ends = {.self = IPC_ROLE_DNS, .peer = IPC_ROLE_SMTPOUT};
	struct ipc_ends turned = {.self = IPC_ROLE_SMTPOUT, .peer = IPC_ROLE_DNS};
	int fds[2];

	memset(&w, 0, sizeof(w));
	test_rt_begin(&w.t);
	assert_int_equal(pipe2(w.log_fds, O_CLOEXEC | O_NONBLOCK), 0);
	assert_int_equal(log_create(w.t.rt, "dns", w.log_fds[1], &w.log), 0);
	arena_init(&w.arena, rt_mem(w.t.rt), CONFIG_ARENA_BYTES);
	assert_int_equal(config_defaults(&w.arena, &w.config), 0);
	w.config.hostname = SLICE("mx.example.test");
	w.config.zone_file = SLICE("zone");
	w.config.listeners = &listener;
	w.config.listener_count = 1;
	w.boot = (struct boot){w.t.rt, w.log, &w.config, IPC_ROLE_DNS, 0};
	assert_int_equal(dns_process.create(&w.boot, &w.state), 0);
	assert_int_equal(rt_channel_pair(w.t.rt, fds), 0);
	assert_int_equal(ipc_channel_create(w.t.rt, fds[0], &ends, &process, &w.ours), 0);
	assert_int_equal(ipc_channel_create(w.t.rt, fds[1], &turned, &other, &w.theirs), 0);
}

static void
world_end(void)
{
	dns_process.destroy(&w.state);
	ipc_channel_destroy(&w.ours);
	ipc_channel_destroy(&w.theirs);
	log_destroy(&w.log);
	close(w.log_fds[0]);
	close(w.log_fds[1]);
	arena_finish(&w.arena);
	test_rt_end(&w.t);
}

static void
send(const char *domain, uint16_t port, bool host_only)
{
	assert_int_equal(IPC_SEND(w.theirs, DNS_ASK, dns_ask, .request = 1,
				  .domain = slice_str(domain), .port = port,
				  .host_only = host_only),
			 0);
}

static const char *
ask(const char *domain, uint16_t port, bool host_only)
{
	unsigned before = w.answers;

	w.text[0] = 0;
	send(domain, port, host_only);
	while (w.answers == before)
		test_rt_run(&w.t);
	return w.text;
}

TEST(targets)
{
	world_begin();
	/* No zone yet: later, never unknown. */
	assert_string_equal(ask("one.test", 0, false), "4.4.3;");
	dns_process.file(w.state, SLICE("zone"), SLICE(ZONE));
	assert_string_equal(ask("one.test", 0, false),
			    "a.test=192.0.2.1:25 b.test=192.0.2.2:25 2.0.0;");
	assert_int_equal(w.ttl_s, DNS_ZONE_TTL);
	assert_string_equal(ask("one.test", 587, true), "4.4.4;");
	assert_string_equal(ask("a.test", 587, true), "a.test=192.0.2.1:587 2.0.0;");
	assert_string_equal(ask("self.test", 0, false), "5.4.6;");
	assert_string_equal(ask("own.test", 0, false), "5.4.6;");
	assert_string_equal(ask("null.test", 0, false), "5.1.10;");
	assert_string_equal(ask("absent.test", 0, false), "5.1.2;");
	w.config.smtp_out_port = 2599;
	w.config.hostname = SLICE("other.example.test");
	dns_process.reload(w.state);
	assert_string_equal(ask("a.test", 0, false), "a.test=192.0.2.1:2599 2.0.0;");
	assert_string_equal(ask("self.test", 0, false), "4.4.4;");
	world_end();
}

TEST(another_zone)
{
	char log[4096];
	ssize_t got;

	world_begin();
	dns_process.file(w.state, SLICE("zone"), SLICE(ZONE));
	assert_string_equal(ask("own.test", 0, true), "own.test=203.0.113.5:25 2.0.0;");
	dns_process.file(w.state, SLICE("zone"), SLICE("own.test A 192.0.2.77\n"));
	assert_string_equal(ask("own.test", 0, false), "own.test=192.0.2.77:25 2.0.0;");
	/* No good: said with line and column, and the old one stays. */
	dns_process.file(w.state, SLICE("zone"), SLICE("own.test A 192.0.2.78\nx.test A y\n"));
	assert_string_equal(ask("own.test", 0, false), "own.test=192.0.2.77:25 2.0.0;");
	got = read(w.log_fds[0], log, sizeof(log) - 1);
	assert_true(got > 0);
	log[got] = 0;
	assert_non_null(strstr(log, "dns_no_resolver"));
	assert_non_null(strstr(log, "line=2 column=10"));
	world_end();
}

/* A zone that the configuration names no more cannot go without a restart: that is said. */
TEST(no_zone_any_more)
{
	static const struct net_addr server = {
		.family = NET_FAMILY_4, .port = 53, .bytes = {127, 0, 0, 1}};

	world_begin();
	dns_process.file(w.state, SLICE("zone"), SLICE(ZONE));
	dns_process.reload(w.state);
	assert_false(w.boot.refused);
	w.config.zone_file = SLICE_EMPTY;
	dns_process.reload(w.state);
	assert_true(w.boot.refused);
	assert_string_equal(ask("own.test", 0, true), "own.test=203.0.113.5:25 2.0.0;");
	w.boot.refused = false;
	w.config.dns_servers.items = &server;
	w.config.dns_servers.count = 1;
	dns_process.reload(w.state);
	assert_false(w.boot.refused);
	world_end();
}

/* The asker goes while its questions are out. */
TEST(asker_gone)
{
	world_begin();
	dns_process.file(w.state, SLICE("zone"), SLICE(ZONE));
	for (unsigned i = 0; i < 20; i++)
		send(i % 2 ? "one.test" : "self.test", 0, false);
	while (w.answers == 0)
		test_rt_run(&w.t);
	send("absent.test", 0, false);
	dns_process.channel_closed(w.state, w.ours);
	world_end();
}

TESTS(TEST_ROW(targets), TEST_ROW(another_zone), TEST_ROW(no_zone_any_more), TEST_ROW(asker_gone))
