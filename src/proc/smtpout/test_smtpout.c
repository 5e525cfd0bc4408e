/*
 * smtpout as a whole: jobs in, SMTP servers that behave and misbehave, verdicts out. What is said
 * on the wire in detail is tested with the machine (wire/smtp/test_client*.c).
 */
#include <netinet/in.h>
#include <sys/socket.h>

#include "proc/smtpout/destination.h"
#include "proc/smtpout/report.h"
#include "proc/smtpout/test_rig.h"

#define CONTENT "Subject: x\r\n\r\n..dot\r\n"

#define SMUGGLED "RSET\r\nMAIL FROM:<ceo@me.test>\r\nRCPT TO:<y@far.test>\r\n"

const struct rig_message rig_messages[] = {
	{"a@me.test", {"x@far.test", "y@far.test", "z@far.test"}, CONTENT, 0, 0, NULL},
	{"b@me.test", {"x@far.test"}, "Subject: y\r\n\r\nno end", 0, 0, NULL},
	{"c@me.test", {"x@far.test"}, "Subject: big\r\n\r\n", 640000, 0, NULL},
	{"d@me.test",
	 {"x@far.test"},
	 "Subject: \xc3\xa4\r\n\r\n",
	 0,
	 SPOOL_UTF8 | SPOOL_HEADER_EIGHT_BIT,
	 NULL},
	/* what a smtpin that obeys somebody else could write */
	{"e@me.test", {"x@far.test"}, "Subject: x\r\n\r\na\nb\r\n", 0, 0, NULL},
	{"f@me.test", {"x@far.test"}, "Subject: x\r\n\r\n.\r\n" SMUGGLED, 0, 0, NULL},
	{"g@me.test", {"x@far.test"}, "Subject: x\r\n\r\n", 640000, 0, "a\nb"},
	{"h@me.test", {"x@far.test"}, "Subject: x\r\n\r\n", 640000, 0, ".\r\n" SMUGGLED},
	{"i@me.test", {"x@far.test"}, "Subject: x\r\n\r\n.", 0, 0, NULL},
	{"j@n\xc3\xb6.test", {"x@far.test"}, CONTENT, 0, SPOOL_UTF8, NULL},
};
const size_t rig_message_count = 10;
#define RIG_BAD_FIRST 4
#define RIG_BAD_LAST 8
#define RIG_IDN_SENDER 9

#define RULES(...)                                                                                 \
	(struct peer_rule[]){__VA_ARGS__},                                                         \
		sizeof((struct peer_rule[]){__VA_ARGS__}) / sizeof(struct peer_rule)

static struct rig rig;

static void
assert_result(size_t index, unsigned class, unsigned stage, unsigned code)
{
	const struct rig_result *got = &rig.results[index];

	assert_true(index < rig.result_count);
	assert_int_equal(got->class, class);
	assert_string_equal(verdict_stage_str(got->stage), verdict_stage_str(stage));
	assert_int_equal(got->code, code);
}

static void
assert_status(size_t index, unsigned class, unsigned subject, unsigned detail)
{
	assert_int_equal(rig.results[index].status.class, class);
	assert_int_equal(rig.results[index].status.subject, subject);
	assert_int_equal(rig.results[index].status.detail, detail);
}

static void
assert_evidence(size_t index, const char *want)
{
	if (!strstr(rig.results[index].evidence, want))
		fail_msg("%s: without %s", rig.results[index].evidence, want);
}

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

TEST(one_mail)
{
	struct peer *peer;

	rig_begin(&rig);
	peer = rig_peer(&rig, NULL, 0);
	rig_job(&rig, 7, 0, 1, 1);
	rig_run(&rig, 1);
	assert_int_equal(rig.result_count, 1);
	assert_result(0, VERDICT_OK, VERDICT_STAGE_FINAL, 250);
	assert_int_equal(rig.results[0].job, 7);
	assert_string_equal(rig.results[0].reply, "250 2.0.0 queued");
	assert_string_equal(rig.results[0].host, "mx0.far.test");
	assert_int_equal(rig.results[0].address.port, peer->address.port);
	assert_slice_str(slice_of(peer->content, peer->content_len), CONTENT ".\r\n");
	assert_slice_str(builder_slice(&peer->log), "<\nEHLO me.test\nMAIL FROM:<a@me.test> "
						    "SIZE=21\nRCPT TO:<x@far.test>\nDATA\n=24=\n");
	rig_end(&rig);
}

/* Content whose last line has no end gets one: a dot behind it would end nothing. */
TEST(content_without_end)
{
	struct peer *peer;

	rig_begin(&rig);
	peer = rig_peer(&rig, NULL, 0);
	rig_job(&rig, 1, 1, 1, 1);
	rig_run(&rig, 1);
	assert_slice_str(slice_of(peer->content, peer->content_len),
			 "Subject: y\r\n\r\nno end\r\n.\r\n");
	rig_end(&rig);
}

TEST(body_file)
{
	struct peer *peer;

	rig_begin(&rig);
	peer = rig_peer(&rig, NULL, 0);
	rig_job(&rig, 1, 2, 1, 1);
	rig_job(&rig, 2, 0, 1, 1);
	rig_job(&rig, 3, 2, 1, 1);
	rig_run(&rig, 3);
	assert_int_equal(peer->content_len, 16 + 640000 + 3);
	for (size_t i = 0; i < 640000; i++) {
		size_t at = i % 64;
		uint8_t want = at == 63 ? '\n' : at == 62 ? '\r' : (uint8_t)('a' + at % 26);

		assert_int_equal(peer->content[16 + i], want);
	}
	rig_end(&rig);
}

/*
 * Stored content that is not framed as it must be never reaches the peer as commands: it waits,
 * with a verdict of our own, and no other mail is counted as delivered for its replies.
 */
TEST(stored_content_is_not_believed)
{
	for (unsigned segment = RIG_BAD_FIRST; segment <= RIG_BAD_LAST; segment++) {
		struct peer *peer;

		rig_begin(&rig);
		log_set_level(rig.boot.log, LOG_ERROR);
		log_set_fd(rig.boot.log, -1); /* the error is wanted */
		peer = rig_peer(&rig, NULL, 0);
		rig_job(&rig, 1, 0, 1, 1);
		rig_job(&rig, 2, segment, 1, 1);
		rig_job(&rig, 3, 0, 1, 1);
		rig_run(&rig, 3);
		assert_int_equal(rig.result_count, 3);
		for (size_t i = 0; i < 3; i++) {
			bool bad = rig.results[i].job == 2;

			assert_result(i, bad ? VERDICT_LATER : VERDICT_OK,
				      bad ? VERDICT_STAGE_LOCAL : VERDICT_STAGE_FINAL,
				      bad ? 0 : 250);
		}
		assert_int_equal(slice_find(builder_slice(&peer->log), SLICE("RSET")),
				 peer->log.len);
		rig_end(&rig);
	}
}

/* All over one connection, each envelope behind the body before it. */
TEST(one_connection)
{
	struct peer *peer;

	rig_begin(&rig);
	peer = rig_peer(&rig, NULL, 0);
	for (unsigned i = 0; i < 10; i++)
		rig_job(&rig, i, i % 2, 1, 1);
	rig_run(&rig, 10);
	assert_int_equal(rig.result_count, 10);
	assert_int_equal(peer->connects, 1);
	rig_end(&rig);
}

TEST(slots)
{
	struct peer *peer;

	rig_begin(&rig);
	peer = rig_peer(&rig, NULL, 0);
	for (unsigned i = 0; i < 30; i++)
		rig_job(&rig, i, i % 2, 1, 3);
	rig_run(&rig, 30);
	assert_int_equal(rig.result_count, 30);
	assert_in_range(peer->open_most, 2, 3);
	rig_end(&rig);
}

TEST(partial_success)
{
	rig_begin(&rig);
	rig_peer(&rig, RULES({"RCPT TO:<y@", "550 5.1.1 no such user\r\n", 0},
			     {"RCPT TO:<z@", "451 4.2.1 busy\r\n", 0}));
	rig_job(&rig, 1, 0, 3, 1);
	rig_run(&rig, 1);
	assert_int_equal(rig.result_count, 3);
	assert_result(0, VERDICT_NEVER, VERDICT_STAGE_RECIPIENT, 550);
	assert_int_equal(rig.results[0].rcpts[0], 1);
	assert_result(1, VERDICT_LATER, VERDICT_STAGE_RECIPIENT, 451);
	assert_int_equal(rig.results[1].rcpts[0], 2);
	assert_result(2, VERDICT_OK, VERDICT_STAGE_FINAL, 250);
	assert_int_equal(rig.results[2].rcpts[0], 0);
	rig_end(&rig);
}

TEST(results_in_one)
{
	rig_begin(&rig);
	rig_peer(&rig, RULES({"MAIL", "550 5.7.1 not you\r\n", 0}));
	rig_job(&rig, 1, 0, 3, 1);
	rig_run(&rig, 1);
	assert_int_equal(rig.result_count, 1);
	assert_result(0, VERDICT_NEVER, VERDICT_STAGE_SENDER, 550);
	assert_int_equal(rig.results[0].rcpt_count, 3);
	rig_end(&rig);
}

TEST(greeting_refuses)
{
	rig_begin(&rig);
	rig_peer(&rig, RULES({"@greeting", "554-gateway.test\r\n554 Your access\r\n", 0}));
	rig_job(&rig, 1, 0, 1, 1);
	rig_job(&rig, 2, 0, 1, 1);
	rig_run(&rig, 2);
	assert_result(0, VERDICT_NEVER, VERDICT_STAGE_GREETING, 554);
	assert_result(1, VERDICT_NEVER, VERDICT_STAGE_GREETING, 554);
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
	assert_result(0, VERDICT_OK, VERDICT_STAGE_FINAL, 250);
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
	assert_result(0, VERDICT_OK, VERDICT_STAGE_FINAL, 250);
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
	assert_result(0, VERDICT_LATER, VERDICT_STAGE_CONNECT, 0);
	assert_status(0, 4, 4, 1);
	assert_evidence(0, "mx1.far.test [127.0.0.1] said:\n554 no");
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
	assert_result(0, VERDICT_LATER, VERDICT_STAGE_GREETING, 421);
	assert_evidence(0, "mx0.far.test [127.0.0.1] said:\n554-gateway\n554 poor reputation");
	rig_job(&rig, 2, 0, 1, 1);
	rig_run(&rig, 2);
	assert_evidence(1, "554 poor reputation");
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
	assert_result(0, VERDICT_LATER, VERDICT_STAGE_CONNECT, 0);
	assert_evidence(0, "[...]\nmx2.far.test");
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
		assert_result(i, VERDICT_LATER, VERDICT_STAGE_CONNECT, 0);
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
	assert_result(0, VERDICT_NEVER, VERDICT_STAGE_DNS, 0);
	assert_status(0, 5, 1, 10);
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
	assert_result(0, VERDICT_OK, VERDICT_STAGE_FINAL, 250);
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
	assert_result(0, VERDICT_OK, VERDICT_STAGE_FINAL, 250);
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
	assert_result(0, VERDICT_LATER, VERDICT_STAGE_DNS, 0);
	assert_status(0, 4, 4, 3);
	rig_end(&rig);
}

TEST(drop_after_dot)
{
	rig_begin(&rig);
	rig_peer(&rig, RULES({".", "@close", 0}));
	rig_job(&rig, 1, 0, 1, 1);
	rig_run(&rig, 1);
	assert_result(0, VERDICT_LATER, VERDICT_STAGE_FINAL, 0);
	assert_status(0, 4, 4, 2);
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
	assert_result(0, VERDICT_LATER, VERDICT_STAGE_GREETING, 0);
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
	assert_result(0, VERDICT_OK, VERDICT_STAGE_FINAL, 250);
	assert_int_equal(peer->connects, 2);
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
	assert_result(0, VERDICT_OK, VERDICT_STAGE_FINAL, 250);
	assert_int_equal(peer->connects, 2);
	rig_end(&rig);
}

#define STARTTLS                                                                                   \
	{"STARTTLS", "@tls", 0}, {"EHLO", "250-peer\r\n250-STARTTLS\r\n250 AUTH PLAIN\r\n", 1},    \
	{                                                                                          \
		"EHLO", "250-peer\r\n250-PIPELINING\r\n250 AUTH PLAIN\r\n", 0                      \
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
		assert_result(i, VERDICT_OK, VERDICT_STAGE_FINAL, 250);
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
	assert_result(0, VERDICT_OK, VERDICT_STAGE_FINAL, 250);
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
	assert_result(0, VERDICT_OK, VERDICT_STAGE_FINAL, 250);
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
	assert_result(0, VERDICT_LATER, VERDICT_STAGE_CONNECT, 0);
	assert_status(0, 4, 4, 1);
	for (size_t i = 0; i < 4; i++)
		close(fds[i]);
	rig_end(&rig);
}

/* A kept connection that the peer has closed costs no attempt. */
TEST(kept_connection_gone)
{
	struct peer *peer;

	rig_begin(&rig);
	peer = rig_peer(&rig, RULES({"MAIL FROM:<b", "@close", 1}));
	rig_job(&rig, 1, 0, 1, 1);
	rig_run(&rig, 1);
	rig_job(&rig, 2, 1, 1, 1);
	rig_run(&rig, 2);
	assert_result(1, VERDICT_OK, VERDICT_STAGE_FINAL, 250);
	assert_int_equal(peer->connects, 2);
	rig_end(&rig);
}

/* But one that breaks every time is no host to insist on. */
TEST(returns_end)
{
	rig_begin(&rig);
	rig_peer(&rig, RULES({"MAIL FROM:<b", "421 enough\r\n", 0}));
	for (unsigned i = 0; i < 8; i++)
		rig_job(&rig, i, i == 1 ? 1 : 0, 1, 1);
	rig_run(&rig, 8);
	for (size_t i = 0; i < rig.result_count; i++)
		assert_result(i, rig.results[i].job == 1 ? VERDICT_LATER : VERDICT_OK,
			      rig.results[i].job == 1 ? VERDICT_STAGE_SENDER : VERDICT_STAGE_FINAL,
			      rig.results[i].job == 1 ? rig.results[i].code : 250);
	rig_end(&rig);
}

TEST(mailmax)
{
	struct peer *peer;

	rig_begin(&rig);
	peer = rig_peer(
		&rig, RULES({"EHLO", "250-peer\r\n250-PIPELINING\r\n250 LIMITS MAILMAX=2\r\n", 0}));
	for (unsigned i = 0; i < 6; i++)
		rig_job(&rig, i, 0, 1, 1);
	rig_run(&rig, 6);
	assert_int_equal(peer->connects, 3);
	for (size_t i = 0; i < 6; i++)
		assert_result(i, VERDICT_OK, VERDICT_STAGE_FINAL, 250);
	rig_end(&rig);
}

TEST(messages_max)
{
	struct peer *peer;

	rig_begin(&rig);
	rig.config.out_messages_max = 2;
	smtpout_process.reload(rig.out);
	peer = rig_peer(&rig, NULL, 0);
	for (unsigned i = 0; i < 6; i++)
		rig_job(&rig, i, 0, 1, 1);
	rig_run(&rig, 6);
	assert_int_equal(peer->connects, 3);
	rig_end(&rig);
}

TEST(needs_utf8)
{
	rig_begin(&rig);
	rig_peer(&rig, NULL, 0);
	rig_job(&rig, 1, 3, 1, 1);
	rig_run(&rig, 1);
	assert_result(0, VERDICT_NEVER, VERDICT_STAGE_SENDER, 0);
	assert_status(0, 5, 6, 7);
	rig_end(&rig);
}

/* A sender's domain in its own script needs no SMTPUTF8 where the local part is ASCII. */
TEST(sender_in_ascii)
{
	struct peer *peer;

	rig_begin(&rig);
	peer = rig_peer(&rig, NULL, 0);
	rig_job(&rig, 1, RIG_IDN_SENDER, 1, 1);
	rig_run(&rig, 1);
	assert_result(0, VERDICT_OK, VERDICT_STAGE_FINAL, 250);
	assert_true(slice_find(builder_slice(&peer->log), SLICE("MAIL FROM:<j@xn--n-1ga.test> ")) <
		    peer->log.len);
	rig_end(&rig);
}

TEST(idle_says_goodbye)
{
	struct peer *peer;

	rig_begin(&rig);
	rig.config.out_idle = 20;
	smtpout_process.reload(rig.out);
	peer = rig_peer(&rig, NULL, 0);
	rig_job(&rig, 1, 0, 1, 1);
	rig_run(&rig, 1);
	rig_run_ms(&rig, 200);
	assert_true(slice_ends_nocase(builder_slice(&peer->log), SLICE("QUIT\n>\n")));
	assert_int_equal(rig.out->session_count, 0);
	rig_end(&rig);
}

TEST(record_missing)
{
	rig_begin(&rig);
	log_set_level(rig.boot.log, LOG_ERROR);
	log_set_fd(rig.boot.log, -1); /* the error is wanted */
	rig_peer(&rig, NULL, 0);
	rig_job(&rig, 1, 99, 1, 1);
	rig_run(&rig, 1);
	assert_result(0, VERDICT_LATER, VERDICT_STAGE_LOCAL, 0);
	rig_end(&rig);
}

static void
smart_host_set(const struct peer *peer, uint8_t text[NET_ADDR_TEXT_MAX], const char *login)
{
	struct builder b;

	builder_init_fixed(&b, text, NET_ADDR_TEXT_MAX);
	net_addr_format_port(&b, &peer->address);
	rig.config.smart_host = builder_slice(&b);
	rig.config.smart_host_login = slice_str(login);
	smtpout_process.file(rig.out, SLICE("smart-host-password"), SLICE("secret\nnot this\n"));
	smtpout_process.reload(rig.out);
}

/* A peer that says yes to STARTTLS and then nothing: the time for the handshake ends. */
TEST(handshake_has_a_limit)
{
	uint64_t start_ms;

	rig_begin(&rig);
	rig.config.out_command = 200;
	smtpout_process.reload(rig.out);
	rig_peer(&rig,
		 RULES({"EHLO", "250-peer\r\n250 STARTTLS\r\n", 0}, {"STARTTLS", "@stall", 0}));
	start_ms = rt_now_ms(rig.t.rt);
	rig_job(&rig, 1, 0, 1, 1);
	rig_run(&rig, 1);
	assert_true(rt_now_ms(rig.t.rt) - start_ms < 3000);
	rig_end(&rig);
}

TEST(smart_host)
{
	uint8_t text[NET_ADDR_TEXT_MAX];

	rig_begin(&rig);
	smart_host_set(rig_peer(&rig, NULL, 0), text, "");
	rig.dns_verdict.class = VERDICT_NEVER; /* nobody asks it */
	rig_job_to(&rig, 1, "");
	rig_run(&rig, 1);
	assert_result(0, VERDICT_OK, VERDICT_STAGE_FINAL, 250);
	rig_end(&rig);
}

TEST(smart_host_login)
{
	uint8_t text[NET_ADDR_TEXT_MAX];
	struct peer *peer;

	rig_begin(&rig);
	peer = rig_peer(&rig,
			RULES(STARTTLS, {"AUTH PLAIN AGZyYW5rAHNlY3JldA==", "235 in\r\n", 0}));
	smart_host_set(peer, text, "frank");
	rig_job_to(&rig, 1, "");
	rig_run(&rig, 1);
	assert_result(0, VERDICT_OK, VERDICT_STAGE_FINAL, 250);
	assert_true(slice_find(builder_slice(&peer->log), SLICE("AUTH PLAIN")) < peer->log.len);
	rig_end(&rig);
}

/* A password never goes out in the clear, and our wrong password bounces nobody's mail. */
TEST(smart_host_login_fails)
{
	uint8_t text[NET_ADDR_TEXT_MAX];
	struct peer *peer;

	rig_begin(&rig);
	peer = rig_peer(&rig, RULES({"EHLO", "250-peer\r\n250 AUTH PLAIN\r\n", 1}, STARTTLS,
				    {"AUTH", "535 5.7.8 wrong\r\n", 0}));
	smart_host_set(peer, text, "frank");
	rig_job_to(&rig, 1, "");
	rig_run(&rig, 1);
	assert_result(0, VERDICT_LATER, VERDICT_STAGE_TLS, 0);
	assert_int_equal(slice_find(builder_slice(&peer->log), SLICE("AUTH")), peer->log.len);
	rig_job_to(&rig, 2, "");
	rig_run(&rig, 2);
	assert_result(1, VERDICT_LATER, VERDICT_STAGE_LOGIN, 535);
	rig_end(&rig);
}

TEST(no_smart_host)
{
	rig_begin(&rig);
	rig_job_to(&rig, 1, "");
	rig_run(&rig, 1);
	assert_result(0, VERDICT_LATER, VERDICT_STAGE_LOCAL, 0);
	rig_end(&rig);
}

/* Queue dies: all is dropped, nothing is left; what waits for dns, too. */
TEST(queue_gone)
{
	rig_begin(&rig);
	rig_peer(&rig, RULES({"@greeting", "220 hi\r\n", 0}, {"EHLO", "250 hi\r\n", 0},
			     {"", "@silent", 0}));
	for (unsigned i = 0; i < 5; i++)
		rig_job(&rig, i, 0, 1, 1);
	rig_run_ms(&rig, 100);
	assert_int_equal(rig.out->job_count, 5);
	ipc_channel_destroy(&rig.queue_far);
	rig_run_ms(&rig, 50);
	assert_int_equal(rig.out->job_count, 0);
	assert_int_equal(rig.out->session_count, 0);
	rig_end(&rig);
}

static void *(*take_real)(struct mem *mem, size_t size);

static void *
take_small(struct mem *mem, size_t size)
{
	return size < 8192 ? take_real(mem, size) : NULL;
}

static void *
take_nothing(struct mem *mem, size_t size)
{
	(void)mem;
	(void)size;
	return NULL;
}

static void
outcome_report(void)
{
	const struct verdict verdict = {.class = VERDICT_OK, .stage = VERDICT_STAGE_FINAL};
	uint16_t rcpts[1] = {0};

	report_result(rig.out, 7, ipc_u16s_make(rcpts, 1), false, &verdict);
	report_done(rig.out, 7);
}

/* Without memory for a packet an outcome is kept like one that found a full channel. */
TEST(outcome_outlives_want_of_memory)
{

	rig_begin(&rig);
	take_real = rt_mem(rig.t.rt)->take;
	rt_mem(rig.t.rt)->take = take_small;
	outcome_report();
	rt_mem(rig.t.rt)->take = take_real;
	rig_run(&rig, 1);
	assert_int_equal(rig.result_count, 1);
	assert_int_equal(rig.results[0].job, 7);
	rig_end(&rig);
}

/* Where it can neither be sent nor kept, nothing more is said, and the process ends. */
TEST(outcome_lost_ends_the_process)
{

	rig_begin(&rig);
	log_set_level(rig.boot.log, LOG_ERROR);
	log_set_fd(rig.boot.log, -1); /* the error is wanted */
	take_real = rt_mem(rig.t.rt)->take;
	rt_mem(rig.t.rt)->take = take_nothing;
	outcome_report();
	rt_mem(rig.t.rt)->take = take_real;
	assert_null(rig.out->queue);
	rig_run_ms(&rig, 50);
	assert_int_equal(rig.result_count + rig.done_count, 0);
	rig_end(&rig);
}

/* To stop: what goes out ends, what waits is given back untried. */
TEST(stop)
{
	rig_begin(&rig);
	rig_peer(&rig, NULL, 0);
	for (unsigned i = 0; i < 20; i++)
		rig_job(&rig, i, 0, 1, 1);
	rig_run(&rig, 1);
	smtpout_process.stop(rig.out);
	if (!rig.stopped)
		test_rt_run(&rig.t);
	assert_true(rig.stopped);
	assert_int_equal(rig.out->job_count, 0);
	rig_run_ms(&rig, 50);
	assert_int_equal(rig.done_count, 20);
	assert_in_range(rig.result_count, 1, 19);
	rig_end(&rig);
}

TESTS(TEST_ROW(one_mail), TEST_ROW(content_without_end), TEST_ROW(body_file),
      TEST_ROW(stored_content_is_not_believed), TEST_ROW(one_connection), TEST_ROW(slots),
      TEST_ROW(partial_success), TEST_ROW(results_in_one), TEST_ROW(greeting_refuses),
      TEST_ROW(next_host_after_421), TEST_ROW(next_host_after_refused_connection),
      TEST_ROW(refused_and_dead), TEST_ROW(refusals_are_kept), TEST_ROW(refusals_have_a_limit),
      TEST_ROW(no_host), TEST_ROW(dns_says_no), TEST_ROW(dns_restarts),
      TEST_ROW(dns_channel_is_full), TEST_ROW(dns_gets_its_share), TEST_ROW(dns_is_silent),
      TEST_ROW(drop_after_dot), TEST_ROW(silent_greeting), TEST_ROW(tls_breaks),
      TEST_ROW(handshake_of_garbage), TEST_ROW(tls), TEST_ROW(tls_dies_after_handshake),
      TEST_ROW(second_family), TEST_ROW(connect_limit), TEST_ROW(kept_connection_gone),
      TEST_ROW(returns_end), TEST_ROW(mailmax), TEST_ROW(messages_max), TEST_ROW(needs_utf8),
      TEST_ROW(sender_in_ascii), TEST_ROW(idle_says_goodbye), TEST_ROW(record_missing),
      TEST_ROW(handshake_has_a_limit), TEST_ROW(smart_host), TEST_ROW(smart_host_login),
      TEST_ROW(smart_host_login_fails), TEST_ROW(no_smart_host), TEST_ROW(queue_gone),
      TEST_ROW(outcome_outlives_want_of_memory), TEST_ROW(outcome_lost_ends_the_process),
      TEST_ROW(stop))
