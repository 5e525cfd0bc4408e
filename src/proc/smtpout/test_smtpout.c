/*
 * smtpout as a whole: jobs in, SMTP servers that behave and misbehave, verdicts out. What is said
 * on the wire in detail is tested with the machine (wire/smtp/test_client*.c); how a host is found
 * in test_hosts.c.
 */
#include "proc/smtpout/report.h"
#include "proc/smtpout/test_rig.h"

static struct rig rig;

TEST(one_mail)
{
	struct peer *peer;

	rig_begin(&rig);
	peer = rig_peer(&rig, NULL, 0);
	rig_job(&rig, 7, 0, 1, 1);
	rig_run(&rig, 1);
	assert_int_equal(rig.result_count, 1);
	rig_result_is(&rig, 0, VERDICT_OK, VERDICT_STAGE_FINAL, 250);
	assert_int_equal(rig.results[0].job, 7);
	assert_string_equal(rig.results[0].reply, "250 2.0.0 queued");
	assert_string_equal(rig.results[0].host, "mx0.far.test");
	assert_int_equal(rig.results[0].address.port, peer->address.port);
	assert_slice_str(slice_of(peer->content, peer->content_len), RIG_CONTENT ".\r\n");
	assert_slice_str(builder_slice(&peer->log), "<\nEHLO me.test\nMAIL FROM:<a@me.test> "
						    "SIZE=20\nRCPT TO:<x@far.test>\nDATA\n=24=\n");
	rig_end(&rig);
}

/* Content, dot and the next envelope: one write, so that they share packets. */
TEST(one_write)
{
	rig_begin(&rig);
	rig_peer(&rig, NULL, 0);
	for (unsigned i = 0; i < 3; i++)
		rig_job(&rig, i, 0, 1, 1);
	rig_run(&rig, 3);
	for (unsigned i = 0; i < 2; i++) {
		if (!strstr(rig.writes[i], "\r\n\r\n..dot\r\n.\r\nMAIL FROM:<a@me.test>"))
			fail_msg("write %u of content: %s", i, rig.writes[i]);
	}
	assert_true(strstr(rig.writes[2], "\r\n\r\n..dot\r\n.\r\n"));
	assert_int_equal(rig.write_count, 3);
	rig_end(&rig);
}

/* A peer that takes no more of the content: out-time-block ends it. */
TEST(block_has_a_limit)
{
	uint64_t start_ms;

	rig_begin(&rig);
	rig.config.out_block = 300;
	smtpout_process.reload(rig.out);
	rig_peer(&rig, RULES({"EHLO", "250 peer\r\n", 0}, {"DATA", "@deaf", 0}));
	start_ms = rt_now_ms(rig.t.rt);
	rig_job(&rig, 1, RIG_HUGE, 1, 1);
	rig_run(&rig, 1);
	rig_result_is(&rig, 0, VERDICT_LATER, VERDICT_STAGE_DATA, 0);
	rig_status_is(&rig, 0, 4, 4, 2);
	assert_true(rt_now_ms(rig.t.rt) - start_ms >= 300);
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

			rig_result_is(&rig, i, bad ? VERDICT_LATER : VERDICT_OK,
				      bad ? VERDICT_STAGE_LOCAL : VERDICT_STAGE_FINAL,
				      bad ? 0 : 250);
		}
		assert_int_equal(slice_find(builder_slice(&peer->log), SLICE("RSET")),
				 peer->log.len);
		rig_end(&rig);
	}
}

/* What is on the disk is not what was accepted: no dot, so it is no message to anybody. */
TEST(body_file_that_changed)
{
	struct peer *peer;

	rig_begin(&rig);
	log_set_fd(rig.boot.log, -1); /* the error is wanted */
	peer = rig_peer(&rig, NULL, 0);
	rig_job(&rig, 1, RIG_CHANGED, 1, 1);
	rig_run(&rig, 1);
	rig_result_is(&rig, 0, VERDICT_LATER, VERDICT_STAGE_LOCAL, 0);
	assert_true(peer->content_len < 640000 + 16);
	rig_end(&rig);
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
	rig_result_is(&rig, 0, VERDICT_NEVER, VERDICT_STAGE_RECIPIENT, 550);
	assert_int_equal(rig.results[0].rcpts[0], 1);
	rig_result_is(&rig, 1, VERDICT_LATER, VERDICT_STAGE_RECIPIENT, 451);
	assert_int_equal(rig.results[1].rcpts[0], 2);
	rig_result_is(&rig, 2, VERDICT_OK, VERDICT_STAGE_FINAL, 250);
	assert_int_equal(rig.results[2].rcpts[0], 0);
	rig_end(&rig);
}

/* A refusal while the content goes out ends those that were taken; who was put off gets the mail.
 */
TEST(early_refusal)
{
	struct peer *peer;

	rig_begin(&rig);
	peer = rig_peer(&rig, RULES({"RCPT TO:<y@", "452 4.5.3 enough\r\n", 1},
				    {"DATA", "354 go\r\n554 5.7.1 spam\r\n", 1}));
	rig_job(&rig, 1, 0, 2, 1);
	rig_run(&rig, 1);
	assert_int_equal(rig.result_count, 2);
	rig_result_is(&rig, 0, VERDICT_NEVER, VERDICT_STAGE_DATA, 554);
	assert_int_equal(rig.results[0].rcpts[0], 0);
	assert_int_equal(rig.results[0].rcpt_count, 1);
	rig_result_is(&rig, 1, VERDICT_OK, VERDICT_STAGE_FINAL, 250);
	assert_int_equal(rig.results[1].rcpts[0], 1);
	assert_int_equal(peer->connects, 2);
	rig_end(&rig);
}

/* Stuffed dots are no part of a message's size. A body file's are not known: refused is what is
 * too large in any case, and what is not is said to be no larger than what the peer takes. */
TEST(peer_has_a_size)
{
	static const struct {
		unsigned segment;
		const char *ehlo, *mail; /* NULL: not sent */
	} rows[] = {
		{0, "250-peer\r\n250 SIZE 20\r\n", "SIZE=20\n"},
		{0, "250-peer\r\n250 SIZE 19\r\n", NULL},
		{2, "250-peer\r\n250 SIZE\r\n", "SIZE=640016\n"},
		{2, "250-peer\r\n250 SIZE 640015\r\n", "SIZE=640015\n"},
		{2, "250-peer\r\n250 SIZE 480016\r\n", "SIZE=480016\n"},
		{2, "250-peer\r\n250 SIZE 480015\r\n", NULL},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct peer *peer;
		struct slice log;

		rig_begin(&rig);
		peer = rig_peer(&rig, RULES({"EHLO", rows[i].ehlo, 0}));
		rig_job(&rig, 1, rows[i].segment, 1, 1);
		rig_run(&rig, 1);
		log = builder_slice(&peer->log);
		if (rows[i].mail) {
			rig_result_is(&rig, 0, VERDICT_OK, VERDICT_STAGE_FINAL, 250);
			assert_true(slice_find(log, slice_str(rows[i].mail)) < log.len);
		} else {
			rig_result_is(&rig, 0, VERDICT_NEVER, VERDICT_STAGE_SENDER, 0);
			rig_status_is(&rig, 0, 5, 3, 4);
		}
		rig_end(&rig);
	}
}

TEST(results_in_one)
{
	rig_begin(&rig);
	rig_peer(&rig, RULES({"MAIL", "550 5.7.1 not you\r\n", 0}));
	rig_job(&rig, 1, 0, 3, 1);
	rig_run(&rig, 1);
	assert_int_equal(rig.result_count, 1);
	rig_result_is(&rig, 0, VERDICT_NEVER, VERDICT_STAGE_SENDER, 550);
	assert_int_equal(rig.results[0].rcpt_count, 3);
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
	rig_result_is(&rig, 1, VERDICT_OK, VERDICT_STAGE_FINAL, 250);
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
		rig_result_is(&rig, i, rig.results[i].job == 1 ? VERDICT_LATER : VERDICT_OK,
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
		rig_result_is(&rig, i, VERDICT_OK, VERDICT_STAGE_FINAL, 250);
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
	rig_result_is(&rig, 0, VERDICT_NEVER, VERDICT_STAGE_SENDER, 0);
	rig_status_is(&rig, 0, 5, 6, 7);
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
	rig_result_is(&rig, 0, VERDICT_OK, VERDICT_STAGE_FINAL, 250);
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
	rig_result_is(&rig, 0, VERDICT_LATER, VERDICT_STAGE_LOCAL, 0);
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
	rig.config.smart_host_password_file = SLICE("password");
	smtpout_process.file(rig.out, SLICE("smart-host-password"), SLICE("secret\nnot this\n"));
	smtpout_process.reload(rig.out);
}

/* No part of a password is used, nor one that the configuration names no more. */
TEST(password_files)
{
	char text[SMTPOUT_PASSWORD_MAX + 3];

	rig_begin(&rig);
	log_set_level(rig.boot.log, LOG_ERROR);
	log_set_fd(rig.boot.log, -1); /* the errors are wanted */
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 3] = '\r';
	text[sizeof(text) - 2] = '\n';
	smtpout_process.file(rig.out, SLICE("smart-host-password"), slice_of(text, sizeof(text)));
	assert_int_equal(rig.out->password_len, SMTPOUT_PASSWORD_MAX);
	assert_false(rig.boot.refused);
	memset(text, 'y', sizeof(text));
	smtpout_process.file(rig.out, SLICE("smart-host-password"), slice_of(text, sizeof(text)));
	assert_true(rig.boot.refused);
	rig.boot.refused = false;
	smtpout_process.file(rig.out, SLICE("smart-host-password"), SLICE("\r\nx"));
	assert_true(rig.boot.refused);
	assert_int_equal(rig.out->password_len, SMTPOUT_PASSWORD_MAX);
	assert_int_equal(rig.out->password[0], 'x');
	rig.config.smart_host_password_file = SLICE_EMPTY;
	smtpout_process.reload(rig.out);
	assert_int_equal(rig.out->password_len, 0);
	assert_int_equal(rig.out->password[0], 0);
	rig_end(&rig);
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
	rig_result_is(&rig, 0, VERDICT_OK, VERDICT_STAGE_FINAL, 250);
	assert_string_equal(rig.results[0].host, "");
	assert_int_equal(rig.results[0].address.family, NET_FAMILY_4);
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
	rig_result_is(&rig, 0, VERDICT_OK, VERDICT_STAGE_FINAL, 250);
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
	rig_result_is(&rig, 0, VERDICT_LATER, VERDICT_STAGE_TLS, 0);
	assert_int_equal(slice_find(builder_slice(&peer->log), SLICE("AUTH")), peer->log.len);
	rig_job_to(&rig, 2, "");
	rig_run(&rig, 2);
	rig_result_is(&rig, 1, VERDICT_LATER, VERDICT_STAGE_LOGIN, 535);
	rig_end(&rig);
}

/* Its name does not exist: our configuration is wrong, and nobody's mail comes back for that. */
TEST(smart_host_unknown)
{
	rig_begin(&rig);
	rig.config.smart_host = SLICE("mistyped.test");
	smtpout_process.reload(rig.out);
	rig.dns_verdict = (struct verdict){
		.class = VERDICT_NEVER, .stage = VERDICT_STAGE_DNS, .status = {5, 1, 2}};
	rig_job_to(&rig, 1, "");
	rig_run(&rig, 1);
	rig_result_is(&rig, 0, VERDICT_LATER, VERDICT_STAGE_DNS, 0);
	rig_status_is(&rig, 0, 4, 1, 2);
	rig_end(&rig);
}

TEST(no_smart_host)
{
	rig_begin(&rig);
	rig_job_to(&rig, 1, "");
	rig_run(&rig, 1);
	rig_result_is(&rig, 0, VERDICT_LATER, VERDICT_STAGE_LOCAL, 0);
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
	smtpout_report_done(rig.out, 7);
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

TESTS(TEST_ROW(one_mail), TEST_ROW(one_write), TEST_ROW(block_has_a_limit),
      TEST_ROW(content_without_end), TEST_ROW(body_file), TEST_ROW(body_file_that_changed),
      TEST_ROW(stored_content_is_not_believed), TEST_ROW(one_connection), TEST_ROW(slots),
      TEST_ROW(partial_success), TEST_ROW(early_refusal), TEST_ROW(peer_has_a_size),
      TEST_ROW(results_in_one), TEST_ROW(kept_connection_gone), TEST_ROW(returns_end),
      TEST_ROW(mailmax), TEST_ROW(messages_max), TEST_ROW(needs_utf8), TEST_ROW(sender_in_ascii),
      TEST_ROW(idle_says_goodbye), TEST_ROW(record_missing), TEST_ROW(password_files),
      TEST_ROW(handshake_has_a_limit), TEST_ROW(smart_host), TEST_ROW(smart_host_login),
      TEST_ROW(smart_host_login_fails), TEST_ROW(smart_host_unknown), TEST_ROW(no_smart_host),
      TEST_ROW(queue_gone), TEST_ROW(outcome_outlives_want_of_memory),
      TEST_ROW(outcome_lost_ends_the_process), TEST_ROW(stop))
