/*
 * Limits, and what goes wrong around a session: clients that flood, do not read or go, neighbours
 * that are away, want of memory, a stop.
 */
#include "proc/smtpin/test_world.h"
#include "resolver/test_idna_memory.h"

#define MANY_SESSIONS 400

TEST(limits_of_a_network)
{
	static struct world w;
	static struct client others[2];

	world_begin(&w);
	client_dial(&w, &others[0], 0);
	client_dial(&w, &others[1], 0);
	WORLD_WAIT(&w, others[0].heard_len && others[1].heard_len);
	client_dial(&w, &w.client, 0);
	client_hear(&w, "421 4.7.0 Too many connections from your network\r\n");
	WORLD_WAIT(&w, w.client.closed);
	conn_destroy(&w.client.conn);
	conn_destroy(&others[0].conn);
	WORLD_WAIT(&w, w.in->session_count == 1);
	client_dial(&w, &w.client, 0);
	client_hear(&w, "220 mx.example.test ESMTP Frank\r\n");
	conn_destroy(&others[1].conn);
	world_end(&w);
}

/* The directory gives up, or forgets itself, while the client thinks about a challenge. */
TEST(login_that_ends_elsewhere)
{
	static struct world w;

	world_begin(&w);
	w.listeners[2].time_login = 300;
	smtpin_process.reload(w.in);
	client_dial(&w, &w.client, 2);
	client_tls(&w, &w.client);
	client_hear(&w, "220 mx.example.test ESMTP Frank\r\n");
	client_talk(&w, "EHLO c.test\r\n", "250 ENHANCEDSTATUSCODES\r\n");
	client_talk(&w, "AUTH LOGIN\r\n", "334 d2hvPw==\r\n");
	assert_int_equal(IPC_SEND(w.directory, AUTH_CHALLENGE, auth_challenge,
				  .request = w.auth_request, .challenge = SLICE("well?")),
			 0);
	assert_int_equal(IPC_SEND(w.directory, AUTH_RESULT, auth_result, .request = w.auth_request,
				  .outcome = AUTH_OUTCOME_LATER),
			 0);
	test_rt_run_ms(&w.t, 20);
	client_talk(&w, "eA==\r\n", "454 4.7.0 Cannot check logins now, try again\r\n");
	client_talk(&w, "AUTH LOGIN\r\n", "334 d2hvPw==\r\n");
	client_hear(&w, "421 4.4.2 Waited too long, closing\r\n");
	world_end(&w);
}

/* A client that sends commands and takes no replies. */
TEST(client_that_does_not_read)
{
	static struct world w;
	static char commands[60000];

	world_begin(&w);
	w.listeners[0].time_command = 200;
	w.listeners[0].commands_max = 0;
	smtpin_process.reload(w.in);
	client_dial(&w, &w.client, 0);
	client_hear(&w, "220 mx.example.test ESMTP Frank\r\n");
	conn_want(w.client.conn, 0);
	for (size_t i = 0; i < sizeof(commands); i += 8)
		memcpy(commands + i, "EHLO a\r\n", 8);
	for (int i = 0; i < 400 && !list_empty(&w.in->sessions); i++) {
		struct slice text = slice_of(commands, sizeof(commands));

		if (conn_send(w.client.conn, &text, 1) < 0)
			test_rt_run_ms(&w.t, 5);
	}
	WORLD_WAIT(&w, list_empty(&w.in->sessions));
	world_end(&w);
}

/* Beyond the limits some are told so; who floods is not. */
TEST(refused_beyond_their_limit)
{
	static struct world w;
	static struct client others[SMTPIN_REFUSED_MAX + 3];

	world_begin(&w);
	for (size_t i = 0; i < SMTPIN_REFUSED_MAX + 2; i++)
		client_dial(&w, &others[i], 0);
	WORLD_WAIT(&w, w.in->refused_count == SMTPIN_REFUSED_MAX);
	client_dial(&w, &w.client, 0);
	WORLD_WAIT(&w, w.client.closed);
	assert_int_equal(w.client.heard_len, 0);
	for (size_t i = 0; i < SMTPIN_REFUSED_MAX + 2; i++)
		conn_destroy(&others[i].conn);
	WORLD_WAIT(&w, w.in->session_count == 0 && w.in->refused_count == 0);
	world_end(&w);
}

TEST(neighbours_away)
{
	static struct world w;

	world_begin(&w);
	client_dial(&w, &w.client, 0);
	client_hear(&w, "220 mx.example.test ESMTP Frank\r\n");
	w.directory_silent = true;
	client_talk(&w, "EHLO c.test\r\nMAIL FROM:<>\r\n", "250 2.1.0 Sender ok\r\n");
	client_say(&w, SLICE("RCPT TO:<ann@example.test>\r\n"));
	WORLD_WAIT(&w, w.in->requests.count == 1);
	ipc_channel_destroy(&w.directory);
	client_hear(&w, "451 4.3.0 Cannot look this address up now, try again\r\n");
	client_talk(&w, "RCPT TO:<ann@example.test>\r\n",
		    "451 4.3.0 Cannot look this address up now, try again\r\n");
	ipc_channel_destroy(&w.queue);
	test_rt_run_ms(&w.t, 5);
	world_end(&w);
}

TEST(stop)
{
	static struct world w;

	world_begin(&w);
	client_dial(&w, &w.client, 0);
	client_hear(&w, "220 mx.example.test ESMTP Frank\r\n");
	w.in->boot = &w.boot;
	for (struct list_node *node = list_first(&w.in->sessions), *next; node; node = next) {
		next = list_next(&w.in->sessions, node);
		session_stop(CONTAINER_OF(node, struct session, node));
	}
	client_hear(&w, "421 4.3.2 Shutting down, come back later\r\n");
	WORLD_WAIT(&w, w.client.closed);
	world_end(&w);
}

/* The client goes while its message is being made durable. */
TEST(gone_during_commit)
{
	static struct world w;
	struct spool_message m;

	world_begin(&w);
	for (unsigned i = 0; i < 20; i++) {
		client_dial(&w, &w.client, 0);
		client_hear(&w, "220 mx.example.test ESMTP Frank\r\n");
		client_talk(&w,
			    "EHLO c.test\r\nMAIL FROM:<>\r\nRCPT TO:<ann@example.test>\r\nDATA\r\n",
			    "354 End data with <CR><LF>.<CR><LF>\r\n");
		client_say(&w, SLICE("\r\nhi\r\n.\r\n"));
		conn_destroy(&w.client.conn);
		WORLD_WAIT(&w, list_empty(&w.in->sessions));
	}
	WORLD_WAIT(&w, spool_writer_idle(w.in->writer));
	assert_int_equal(w.in->counters.messages, 20);
	world_read_next(&w, &m);
	spool_message_close(w.reader, &m);
	world_end(&w);
}

/* One session holds all memory for envelopes: it is told "later", and small mail goes on. */
TEST(large_envelopes)
{
	static struct world w;
	static struct client large;
	char orcpt[SMTP_ORCPT_MAX + 1], line[1000];
	unsigned taken;

	world_begin(&w);
	w.config.transaction_memory_total_max = 100000;
	memset(orcpt, 'x', SMTP_ORCPT_MAX);
	orcpt[SMTP_ORCPT_MAX] = 0;
	memcpy(orcpt, "rfc822;", 7);
	snprintf(line, sizeof(line), "RCPT TO:<ann@example.test> ORCPT=%s\r\n", orcpt);
	client_dial(&w, &w.client, 0);
	client_hear(&w, "220 mx.example.test ESMTP Frank\r\n");
	client_talk(&w, "EHLO c.test\r\nMAIL FROM:<>\r\n", "250 2.1.0 Sender ok\r\n");
	for (taken = 0; taken < 1000; taken++) {
		client_say(&w, slice_str(line));
		WORLD_WAIT(&w, w.client.heard_len > 2 &&
				       w.client.heard[w.client.heard_len - 1] == '\n');
		if (memcmp(w.client.heard, "250", 3) != 0)
			break;
		w.client.heard_len = 0;
	}
	assert_in_range(taken, 20, 200);
	client_hear(&w, "451 4.3.1 Too much at once, try again later\r\n");
	assert_in_range(w.in->transaction_bytes, 80000, 100000);
	/* Another one. */
	large = w.client;
	w.client.conn = NULL;
	client_dial(&w, &w.client, 0);
	client_hear(&w, "220 mx.example.test ESMTP Frank\r\n");
	client_talk(&w, "EHLO d.test\r\nMAIL FROM:<>\r\nRCPT TO:<ann@example.test>\r\nDATA\r\n",
		    "354 End data with <CR><LF>.<CR><LF>\r\n");
	client_say(&w, SLICE("From: a@b.test\r\n\r\nhi\r\n.\r\n"));
	WORLD_WAIT(&w, w.in->counters.messages == 1);
	/* All of it comes back. */
	conn_destroy(&large.conn);
	WORLD_WAIT(&w, w.in->session_count == 1);
	assert_int_equal(w.in->transaction_bytes, 0);
	world_end(&w);
}

/* A domain that cannot be looked at for want of memory is neither bad nor somebody else's. */
TEST(no_memory_for_a_domain)
{
	static struct world w;

	world_begin(&w);
	client_dial(&w, &w.client, 1);
	client_talk(&w, "EHLO c.test\r\nSTARTTLS\r\n", "220 2.0.0 Ready to start TLS\r\n");
	client_tls(&w, &w.client);
	client_talk(&w, "EHLO c.test\r\nAUTH PLAIN AGFubgBzZWNyZXQ=\r\n", "235 2.7.0 Welcome\r\n");
	test_idna_no_memory = true;
	client_talk(&w, "MAIL FROM:<bob@b\xc3\xbc.test> SMTPUTF8\r\n",
		    "451 4.3.0 Cannot check the sender now, try again\r\n");
	client_talk(&w, "MAIL FROM:<> SMTPUTF8\r\nRCPT TO:<bob@b\xc3\xbc.test>\r\n",
		    "\r\n451 4.3.0 Cannot look this address up now, try again\r\n");
	test_idna_no_memory = false;
	client_talk(&w, "RCPT TO:<bob@b\xc3\xbc.test>\r\n", "250 2.1.5 Recipient ok\r\n");
	client_talk(&w, "RSET\r\nMAIL FROM:<bob@b\xc3\xbc.test> SMTPUTF8\r\n",
		    "550 5.7.1 This login may not send as this address\r\n");
	world_end(&w);
}

/* What one waiting session holds in this process. */
TEST(idle_memory)
{
	static struct world w;
	static struct client clients[MANY_SESSIONS];
	size_t before, each;

	world_begin(&w);
	for (size_t i = 0; i < 3; i++)
		w.listeners[i].connections_per_network = MANY_SESSIONS;
	smtpin_process.reload(w.in);
	before = rt_mem_used_bytes(w.t.rt);
	for (size_t i = 0; i < MANY_SESSIONS; i++) {
		client_dial(&w, &clients[i], 0);
		WORLD_WAIT(&w, clients[i].heard_len > 0);
	}
	test_rt_run_ms(&w.t, 5);
	each = (rt_mem_used_bytes(w.t.rt) - before) / MANY_SESSIONS;
	if (each > 4096) /* both ends live in this process */
		fail_msg("%zu bytes for each session", each);
	for (size_t i = 0; i < MANY_SESSIONS; i++)
		conn_destroy(&clients[i].conn);
	world_end(&w);
}

TESTS(TEST_ROW(limits_of_a_network), TEST_ROW(login_that_ends_elsewhere),
      TEST_ROW(client_that_does_not_read), TEST_ROW(refused_beyond_their_limit),
      TEST_ROW(neighbours_away), TEST_ROW(stop), TEST_ROW(gone_during_commit),
      TEST_ROW(large_envelopes), TEST_ROW(no_memory_for_a_domain), TEST_ROW(idle_memory))
