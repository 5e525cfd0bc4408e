/*
 * smtpout's way to a server: dns, hosts that refuse, are dead, deaf or silent, TLS that breaks, and
 * what is told of each.
 */
#include <netinet/in.h>
#include <sys/socket.h>

#include "proc/smtpout/destination.h"
#include "proc/smtpout/test_rig.h"

static struct rig rig;

/* An IPv6 address whose queue of connections is full: it never answers. */
static void
deaf_open(struct net_addr *ret_addr, int ret_fds[4])
{
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	struct sockaddr *addr = (struct sockaddr *)&in6;
	socklen_t len = sizeof(in6);

	ret_fds[0] = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(ret_fds[0], addr, len), 0);
	assert_int_equal(listen(ret_fds[0], 0), 0);
	assert_int_equal(getsockname(ret_fds[0], addr, &len), 0);
	for (size_t i = 1; i < 4; i++) {
		ret_fds[i] = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		(void)!connect(ret_fds[i], addr, len);
	}
	*ret_addr = net_addr_of(slice_of(&in6.sin6_addr, 16));
	ret_addr->port = ntohs(in6.sin6_port);
}

TEST(greeting_refuses)
{
	rig_begin(&rig);
	rig_peer(&rig, RULES({"@greeting", "554-gateway.test\r\n554 Your access\r\n", 0}));
	rig_job(&rig, 1, 0, 1, 1);
	rig_job(&rig, 2, 0, 1, 1);
	rig_run(&rig, 2);
	rig_result_is(&rig, 0, VERDICT_NEVER, VERDICT_STAGE_GREETING, 554);
	rig_result_is(&rig, 1, VERDICT_NEVER, VERDICT_STAGE_GREETING, 554);
	assert_string_equal(rig.results[0].reply, "554-gateway.test\n554 Your access");
	assert_string_equal(rig.results[0].host, "mx0.far.test");
	rig_end(&rig);
}

TEST(next_host_after_421)
{
	struct peer *busy, *good;

	rig_begin(&rig);
	busy = rig_peer(&rig, RULES({"@greeting", "421 busy\r\n", 0}));
	good = rig_peer(&rig, NULL, 0);
	rig_job(&rig, 1, 0, 1, 1);
	rig_run(&rig, 1);
	rig_result_is(&rig, 0, VERDICT_OK, VERDICT_STAGE_FINAL, 250);
	assert_int_equal(busy->connects, 1);
	assert_int_equal(good->connects, 1);
	assert_string_equal(rig.results[0].host, "mx1.far.test");
	rig_end(&rig);
}

TEST(next_host_after_refused_connection)
{
	rig_begin(&rig);
	rig.dead[rig.dead_count++] = (struct net_addr){NET_FAMILY_4, 1, {127, 0, 0, 1}};
	rig_peer(&rig, NULL, 0);
	rig_job(&rig, 1, 0, 1, 1);
	rig_run(&rig, 1);
	rig_result_is(&rig, 0, VERDICT_OK, VERDICT_STAGE_FINAL, 250);
	rig_end(&rig);
}

/* A 5xx of one host does not bounce what another might take later. */
TEST(refused_and_dead)
{
	rig_begin(&rig);
	rig.dead[rig.dead_count++] = (struct net_addr){NET_FAMILY_4, 1, {127, 0, 0, 1}};
	rig_peer(&rig, RULES({"@greeting", "554 no\r\n", 0}));
	rig_job(&rig, 1, 0, 1, 1);
	rig_run(&rig, 1);
	rig_result_is(&rig, 0, VERDICT_LATER, VERDICT_STAGE_CONNECT, 0);
	rig_status_is(&rig, 0, 4, 4, 1);
	rig_evidence_is(&rig, 0, "mx1.far.test [127.0.0.1] said:\n554 no");
	rig_end(&rig);
}

/* A reply of many lines, more than is kept of another host's. */
static const char *
long_reply(char room[1024], const char *code)
{
	struct builder b;

	builder_init_fixed(&b, room, 1024);
	for (unsigned i = 0; i < 30; i++) {
		builder_str(&b, code);
		builder_str(&b, "-a line of many\r\n");
	}
	builder_str(&b, code);
	builder_str(&b, " no\r\n");
	builder_byte(&b, 0);
	assert_false(b.failed);
	return room;
}

/* A refusal that is not the reason is not forgotten, whatever comes behind it. */
TEST(refusals_are_kept)
{
	char room[1024];
	const char *reply = long_reply(room, "421");

	rig_begin(&rig);
	rig_peer(&rig, RULES({"@greeting", "554-gateway\r\n554 poor reputation\r\n", 0}));
	rig_peer(&rig, RULES({"@greeting", "@close", 0}));
	rig_peer(&rig, RULES({"@greeting", reply, 0}));
	rig_job(&rig, 1, 0, 1, 1);
	rig_run(&rig, 1);
	rig_result_is(&rig, 0, VERDICT_LATER, VERDICT_STAGE_GREETING, 421);
	rig_evidence_is(&rig, 0,
			"mx0.far.test [127.0.0.1] said:\n554-gateway\n554 poor reputation");
	rig_job(&rig, 2, 0, 1, 1);
	rig_run(&rig, 2);
	rig_evidence_is(&rig, 1, "554 poor reputation");
	rig_end(&rig);
}

/* More than there is room for: cut, with a mark. */
TEST(refusals_have_a_limit)
{
	char room[1024];
	const char *reply = long_reply(room, "554");

	rig_begin(&rig);
	rig.dead[rig.dead_count++] = (struct net_addr){NET_FAMILY_4, 1, {127, 0, 0, 1}};
	rig_peer(&rig, RULES({"@greeting", reply, 0}));
	rig_peer(&rig, RULES({"@greeting", reply, 0}));
	rig_peer(&rig, RULES({"@greeting", reply, 0}));
	rig_job(&rig, 1, 0, 1, 1);
	rig_run(&rig, 1);
	rig_result_is(&rig, 0, VERDICT_LATER, VERDICT_STAGE_CONNECT, 0);
	rig_evidence_is(&rig, 0, "[...]\nmx2.far.test");
	assert_string_equal(rig.results[0].evidence + strlen(rig.results[0].evidence) - 6,
			    "\n[...]");
	rig_end(&rig);
}

TEST(no_host)
{
	rig_begin(&rig);
	rig.dead[rig.dead_count++] = (struct net_addr){NET_FAMILY_4, 1, {127, 0, 0, 1}};
	for (unsigned i = 0; i < 5; i++)
		rig_job(&rig, i, 0, 1, 20);
	rig_run(&rig, 5);
	for (size_t i = 0; i < 5; i++)
		rig_result_is(&rig, i, VERDICT_LATER, VERDICT_STAGE_CONNECT, 0);
	assert_in_range(rig.out->counters.connects, 0, 1);
	rig_end(&rig);
}

TEST(dns_says_no)
{
	rig_begin(&rig);
	rig.dns_verdict = (struct verdict){
		.class = VERDICT_NEVER, .stage = VERDICT_STAGE_DNS, .status = {5, 1, 10}};
	rig_job(&rig, 1, 0, 2, 1);
	rig_run(&rig, 1);
	assert_int_equal(rig.result_count, 1);
	rig_result_is(&rig, 0, VERDICT_NEVER, VERDICT_STAGE_DNS, 0);
	rig_status_is(&rig, 0, 5, 1, 10);
	rig_end(&rig);
}

/* What dns was asked before it died is asked again. */
TEST(dns_restarts)
{
	rig_begin(&rig);
	rig_peer(&rig, NULL, 0);
	rig.dns_mute = true;
	rig_job(&rig, 1, 0, 1, 1);
	rig_run_ms(&rig, 20);
	assert_int_equal(rig.result_count, 0);
	rig.dns_mute = false;
	rig_dns_restart(&rig);
	rig_run(&rig, 1);
	rig_result_is(&rig, 0, VERDICT_OK, VERDICT_STAGE_FINAL, 250);
	rig_end(&rig);
}

/* A question that found a full channel is asked when there is room again, not given up. */
TEST(dns_channel_is_full)
{
	static uint8_t name[200];
	struct ipc_message job = {.type = IPC_JOB};
	struct ipc_message question = {.type = IPC_DNS_ASK};
	uint16_t rcpts[1] = {0};

	memset(name, 'x', sizeof(name));
	question.u.dns_ask.request = RIG_REQUEST_NONE;
	question.u.dns_ask.domain = slice_of(name, sizeof(name));
	job.u.job = (struct ipc_job){
		.job = 1, .slots = 1, .destination = SLICE("far.test"), .attempt = 1};
	job.u.job.rcpts = ipc_u16s_make(rcpts, 1);
	rig_begin(&rig);
	rig_peer(&rig, NULL, 0);
	while (ipc_send(rig.dns_near, &question) == 0)
		continue;
	smtpout_process.receive(rig.out, rig.queue_near, &job);
	destination_look_all(rig.out);
	assert_int_equal(rig.out->asked_count, 0);
	rig_run(&rig, 1);
	rig_result_is(&rig, 0, VERDICT_OK, VERDICT_STAGE_FINAL, 250);
	rig_end(&rig);
}

/* More domains than dns takes at once: they wait for their turn, longer than an answer may take. */
TEST(dns_gets_its_share)
{
	static const char *const names[] = {"a.test", "b.test", "c.test", "d.test", "e.test"};

	rig_begin(&rig);
	rig_peer(&rig, NULL, 0);
	assert_int_equal(rig.out->settings->asked_max, MX_ASKING_MAX);
	rig.out->settings->asked_max = 2;
	rig.out->settings->dns_ms = 200;
	rig.dns_mute = true;
	for (unsigned i = 0; i < 5; i++)
		rig_job_to(&rig, i, names[i]);
	rig_run_ms(&rig, 100);
	assert_int_equal(rig.asked, 2);
	rig_run(&rig, 2);
	rig.dns_mute = false;
	rig_dns_restart(&rig);
	rig_run(&rig, 5);
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(rig.results[i].class, i < 2 ? VERDICT_LATER : VERDICT_OK);
	rig_end(&rig);
}

TEST(dns_is_silent)
{
	rig_begin(&rig);
	rig_peer(&rig, NULL, 0);
	rig.out->settings->dns_ms = 50;
	rig.dns_mute = true;
	rig_job(&rig, 1, 0, 1, 1);
	rig_run(&rig, 1);
	rig_result_is(&rig, 0, VERDICT_LATER, VERDICT_STAGE_DNS, 0);
	rig_status_is(&rig, 0, 4, 4, 3);
	rig_end(&rig);
}

TEST(drop_after_dot)
{
	rig_begin(&rig);
	rig_peer(&rig, RULES({".", "@close", 0}));
	rig_job(&rig, 1, 0, 1, 1);
	rig_run(&rig, 1);
	rig_result_is(&rig, 0, VERDICT_LATER, VERDICT_STAGE_FINAL, 0);
	rig_status_is(&rig, 0, 4, 4, 2);
	rig_end(&rig);
}

TEST(silent_greeting)
{
	rig_begin(&rig);
	rig.config.out_greeting = 100;
	smtpout_process.reload(rig.out);
	rig_peer(&rig, RULES({"@greeting", "@silent", 0}));
	rig_job(&rig, 1, 0, 1, 1);
	rig_run(&rig, 1);
	rig_result_is(&rig, 0, VERDICT_LATER, VERDICT_STAGE_GREETING, 0);
	rig_end(&rig);
}

/* TLS that breaks: the same host again, without. */
TEST(tls_breaks)
{
	struct peer *peer;

	rig_begin(&rig);
	peer = rig_peer(&rig, RULES({"EHLO", "250-peer\r\n250 STARTTLS\r\n", 0},
				    {"STARTTLS", "@close", 0}));
	rig_job(&rig, 1, 0, 1, 1);
	rig_run(&rig, 1);
	rig_result_is(&rig, 0, VERDICT_OK, VERDICT_STAGE_FINAL, 250);
	assert_int_equal(peer->connects, 2);
	rig_end(&rig);
}

/* 421 is the host closing, not TLS that breaks: later, and not in the clear. */
TEST(starttls_says_421)
{
	struct peer *peer;

	rig_begin(&rig);
	peer = rig_peer(&rig, RULES({"EHLO", "250-peer\r\n250 STARTTLS\r\n", 0},
				    {"STARTTLS", "421 4.3.2 going down\r\n", 0}));
	rig_job(&rig, 1, 0, 1, 1);
	rig_run(&rig, 1);
	rig_result_is(&rig, 0, VERDICT_LATER, VERDICT_STAGE_TLS, 421);
	assert_int_equal(peer->connects, 1);
	rig_end(&rig);
}

TEST(handshake_of_garbage)
{
	struct peer *peer;

	rig_begin(&rig);
	peer = rig_peer(&rig, RULES({"EHLO", "250-peer\r\n250 STARTTLS\r\n", 0},
				    {"STARTTLS", "220 go\r\n250 no TLS this\r\n", 0}));
	rig_job(&rig, 1, 0, 1, 1);
	rig_run(&rig, 1);
	rig_result_is(&rig, 0, VERDICT_OK, VERDICT_STAGE_FINAL, 250);
	assert_int_equal(peer->connects, 2);
	rig_end(&rig);
}

TEST(tls)
{
	struct peer *peer;

	rig_begin(&rig);
	peer = rig_peer(&rig, RULES(STARTTLS));
	for (unsigned i = 0; i < 6; i++)
		rig_job(&rig, i, i % 3, 1, 1);
	rig_run(&rig, 6);
	for (size_t i = 0; i < 6; i++)
		rig_result_is(&rig, i, VERDICT_OK, VERDICT_STAGE_FINAL, 250);
	assert_int_equal(peer->connects, 1);
	assert_int_equal(peer->shaken, 1);
	assert_int_equal(peer->content_len, 16 + 640000 + 3);
	rig_end(&rig);
}

/* The peer's part of TLS ends in a refusal, after ours is done: still TLS that breaks. */
TEST(tls_dies_after_handshake)
{
	struct peer *peer;

	rig_begin(&rig);
	peer = rig_peer(&rig, RULES({"EHLO", "250-peer\r\n250 STARTTLS\r\n", 0},
				    {"STARTTLS", "@tls-close", 0}));
	rig_job(&rig, 1, 0, 1, 1);
	rig_run(&rig, 1);
	rig_result_is(&rig, 0, VERDICT_OK, VERDICT_STAGE_FINAL, 250);
	assert_int_equal(peer->shaken, 1);
	assert_int_equal(peer->connects, 2);
	rig_end(&rig);
}

/* The first family is deaf: the second one does not wait for its time limit. */
TEST(second_family)
{
	struct net_addr deaf;
	int fds[4];

	rig_begin(&rig);
	rig.config.out_family_delay = 50;
	smtpout_process.reload(rig.out);
	deaf_open(&deaf, fds);
	rig.dead[rig.dead_count++] = deaf;
	rig_peer(&rig, NULL, 0);
	rig_job(&rig, 1, 0, 1, 1);
	rig_run(&rig, 1);
	rig_result_is(&rig, 0, VERDICT_OK, VERDICT_STAGE_FINAL, 250);
	assert_int_equal(rig.out->session_count, 1);
	assert_int_equal(rig.out->counters.connects, 2);
	for (size_t i = 0; i < 4; i++)
		close(fds[i]);
	rig_end(&rig);
}

TEST(connect_limit)
{
	struct net_addr deaf;
	int fds[4];

	rig_begin(&rig);
	rig.config.out_connect = 100;
	smtpout_process.reload(rig.out);
	deaf_open(&deaf, fds);
	rig.dead[rig.dead_count++] = deaf;
	rig_job(&rig, 1, 0, 1, 1);
	rig_run(&rig, 1);
	rig_result_is(&rig, 0, VERDICT_LATER, VERDICT_STAGE_CONNECT, 0);
	rig_status_is(&rig, 0, 4, 4, 1);
	for (size_t i = 0; i < 4; i++)
		close(fds[i]);
	rig_end(&rig);
}

TESTS(TEST_ROW(greeting_refuses), TEST_ROW(next_host_after_421),
      TEST_ROW(next_host_after_refused_connection), TEST_ROW(refused_and_dead),
      TEST_ROW(refusals_are_kept), TEST_ROW(refusals_have_a_limit), TEST_ROW(no_host),
      TEST_ROW(dns_says_no), TEST_ROW(dns_restarts), TEST_ROW(dns_channel_is_full),
      TEST_ROW(dns_gets_its_share), TEST_ROW(dns_is_silent), TEST_ROW(drop_after_dot),
      TEST_ROW(silent_greeting), TEST_ROW(tls_breaks), TEST_ROW(starttls_says_421),
      TEST_ROW(handshake_of_garbage), TEST_ROW(tls), TEST_ROW(tls_dies_after_handshake),
      TEST_ROW(second_family), TEST_ROW(connect_limit))
