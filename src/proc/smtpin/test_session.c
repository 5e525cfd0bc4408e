/*
 * Sessions in which all goes as it should: what is accepted, on each kind of listener, and what is
 * refused on the way to it.
 */
#include "proc/smtpin/test_world.h"

TEST(a_message)
{
	static struct world w;
	struct spool_message m;

	world_begin(&w);
	client_dial(&w, &w.client, 0);
	client_hear(&w, "220 mx.example.test ESMTP Frank\r\n");
	client_talk(&w, "EHLO c.test\r\n", "250 ENHANCEDSTATUSCODES\r\n");
	client_talk(
		&w,
		"MAIL FROM:<x@remote.test> SIZE=9 RET=HDRS ENVID=q\r\nRCPT "
		"TO:<Bob@example.test>\r\n"
		"RCPT TO:<nobody@example.test>\r\nRCPT TO:<x@other.test>\r\n"
		"RCPT TO:<bob@EXAMPLE.test> NOTIFY=NEVER ORCPT=rfc822;b+40x\r\nRCPT "
		"TO:<Postmaster>\r\n"
		"DATA\r\n",
		"250 2.1.0 Sender ok\r\n550 5.1.1 No such mailbox here\r\n"
		"550 5.1.1 No such mailbox here\r\n550 5.7.1 Relaying denied: not a recipient "
		"here, "
		"and you have not logged in\r\n250 2.1.5 Recipient ok\r\n250 2.1.5 Recipient ok\r\n"
		"354 End data with <CR><LF>.<CR><LF>\r\n");
	client_say(&w, SLICE("Subject: x\r\n\r\n..dot \xc3\xb6\r\n.\r\n"));
	WORLD_WAIT(&w, w.client.heard_len > 0);
	assert_true(slice_starts(slice_of(w.client.heard, w.client.heard_len),
				 SLICE("250 2.0.0 Accepted as ")));
	WORLD_WAIT(&w, w.durable_count == 1);
	world_read_next(&w, &m);
	assert_slice_str(m.accept.sender, "x@remote.test");
	assert_slice_str(m.accept.helo, "c.test");
	assert_slice_str(m.accept.listener, "mx");
	assert_int_equal(m.accept.rcpt_count, 2);
	assert_slice_str(m.accept.rcpts[0].address, "bob@example.test");
	assert_slice_str(m.accept.rcpts[0].target, "box@office");
	assert_slice_str(m.accept.rcpts[0].orcpt, "rfc822;b+40x");
	assert_int_equal(m.accept.rcpts[0].notify, SPOOL_NOTIFY_NEVER);
	assert_slice_str(m.accept.rcpts[1].address, "Postmaster@mx.example.test");
	assert_int_equal(m.accept.flags, SPOOL_EIGHT_BIT);
	assert_int_equal(m.accept.ret, SPOOL_RET_HDRS);
	assert_slice_str(slice_from(m.content, m.accept.trace_len),
			 "Subject: x\r\n\r\n..dot \xc3\xb6\r\n");
	assert_int_equal(m.accept.header_len, 14);
	assert_true(slice_starts(m.content, SLICE("Received: from c.test")));
	assert_true(slice_find(m.content, SLICE("[127.0.0.1]")) < m.accept.trace_len);
	assert_true(slice_find(m.content, SLICE("Date:")) == m.content.len);
	spool_message_close(w.reader, &m);
	client_talk(&w, "QUIT\r\n", "221 2.0.0 Bye\r\n");
	WORLD_WAIT(&w, w.client.closed);
	world_end(&w);
}

TEST(submission)
{
	static struct world w;
	struct spool_message m;

	world_begin(&w);
	client_dial(&w, &w.client, 1);
	client_hear(&w, "220 mx.example.test ESMTP Frank\r\n");
	client_talk(&w, "EHLO c.test\r\n", "250 ENHANCEDSTATUSCODES\r\n");
	client_talk(&w, "STARTTLS\r\n", "220 2.0.0 Ready to start TLS\r\n");
	client_tls(&w, &w.client);
	client_talk(&w, "EHLO c.test\r\n", "250 ENHANCEDSTATUSCODES\r\n");
	client_talk(&w, "MAIL FROM:<ann@example.test>\r\n",
		    "530 5.7.0 Authentication required\r\n");
	client_talk(&w, "AUTH LOGIN\r\n", "334 d2hvPw==\r\n");
	client_talk(&w, "eA==\r\n", "535 5.7.8 Wrong login or password\r\n");
	client_talk(&w, "AUTH PLAIN AGFubgBzZWNyZXQ=\r\n", "235 2.7.0 Welcome\r\n");
	client_talk(&w, "MAIL FROM:<bob@example.test>\r\n",
		    "550 5.7.1 This login may not send as this address\r\n");
	client_talk(&w, "MAIL FROM:<ann@example.test>\r\nRCPT TO:<x@other.test>\r\nDATA\r\n",
		    "354 End data with <CR><LF>.<CR><LF>\r\n");
	client_talk(&w, "From: bob@example.test\r\n\r\n.\r\n",
		    "550 5.7.1 This login may not send as the address in From or Sender\r\n");
	client_talk(&w, "MAIL FROM:<ann@example.test>\r\nRCPT TO:<x@other.test>\r\nDATA\r\n",
		    "354 End data with <CR><LF>.<CR><LF>\r\n");
	client_talk(&w, "Subject: x\r\n.\r\n",
		    "550 5.6.0 A message needs exactly one From field with an address\r\n");
	client_talk(&w,
		    "MAIL FROM:<ann@example.test>\r\nRCPT TO:<x@B\xc3\xbc"
		    "cher.test>\r\n",
		    "553 5.6.7 This address needs MAIL with SMTPUTF8\r\n");
	client_talk(&w, "RCPT TO:<x@Other.test>\r\nDATA\r\n",
		    "354 End data with <CR><LF>.<CR><LF>\r\n");
	client_say(&w, SLICE("From: Ann <ann@example.test>\r\n\r\nhi\r\n.\r\n"));
	WORLD_WAIT(&w, w.durable_count == 1);
	world_read_next(&w, &m);
	assert_slice_str(m.accept.login, "ann@example.test");
	assert_true(slice_starts(m.accept.tls, SLICE("TLSv1.3 ")));
	assert_slice_str(m.accept.rcpts[0].target, "other.test");
	assert_int_equal(m.accept.rcpts[0].kind, SPOOL_RCPT_REMOTE);
	assert_int_equal(m.accept.flags, SPOOL_SUBMISSION);
	assert_true(slice_find(m.content, SLICE("with ESMTPSA")) < m.accept.trace_len);
	assert_true(slice_find(m.content, SLICE("127.0.0.1")) == m.content.len);
	assert_true(slice_find(m.content, SLICE("\nDate: ")) < m.accept.trace_len);
	assert_true(slice_find(m.content, SLICE("\nMessage-ID: <")) < m.accept.trace_len);
	spool_message_close(w.reader, &m);
	world_end(&w);
}

TEST(implicit_tls)
{
	static struct world w;

	world_begin(&w);
	client_dial(&w, &w.client, 2);
	client_tls(&w, &w.client);
	client_hear(&w, "220 mx.example.test ESMTP Frank\r\n");
	client_talk(&w, "EHLO c.test\r\nSTARTTLS\r\n",
		    "503 5.5.1 STARTTLS is not possible now\r\n");
	world_end(&w);
}

/* A large body goes by a file, faster than the file takes it: reading stops and goes on. */
TEST(large)
{
	static struct world w;
	static uint8_t chunk[65536];
	struct spool_message m;
	int fd;

	world_begin(&w);
	assert_int_equal(rt_open(w.t.rt, w.t.dir_fd, "2",
				 RT_OPEN_WRITE | RT_OPEN_APPEND | RT_OPEN_CREATE, &fd),
			 0);
	assert_int_equal(IPC_SEND(w.queue, SPOOL_SPARE, spool_spare, .body = 2, .file = fd), 0);
	rt_close(w.t.rt, fd);
	client_dial(&w, &w.client, 0);
	client_hear(&w, "220 mx.example.test ESMTP Frank\r\n");
	client_talk(&w, "EHLO c.test\r\nMAIL FROM:<>\r\nRCPT TO:<ann@example.test>\r\n",
		    "250 2.1.5 Recipient ok\r\n");
	client_talk(&w, "BDAT 14\r\nSubject: x\r\n\r\n", "250 2.0.0 Chunk taken\r\n");
	for (size_t i = 0; i < sizeof(chunk); i++)
		chunk[i] = (uint8_t)(i % 64 == 62 ? '\r' : i % 64 == 63 ? '\n' : 'a');
	client_say(&w, SLICE("BDAT 8388608 LAST\r\n"));
	for (unsigned i = 0; i < 128; i++)
		client_say(&w, slice_of(chunk, sizeof(chunk)));

	WORLD_WAIT(&w, w.durable_count == 1);
	fd = -1;
	assert_int_equal(rt_open(w.t.rt, w.t.dir_fd, "2", RT_OPEN_READ, &fd), 0);
	{
		struct ipc_message open = {.type = IPC_BODY_OPEN};

		open.u.body_open.body = 2;
		open.u.body_open.file = fd;
		assert_true(spool_reader_receive(w.reader, &open));
	}
	world_read_next(&w, &m);
	assert_int_equal(m.accept.body.file, 2);
	assert_int_equal(m.accept.size_bytes - m.accept.trace_len, 14 + 128 * sizeof(chunk));
	spool_message_close(w.reader, &m);
	world_end(&w);
}

TESTS(TEST_ROW(a_message), TEST_ROW(submission), TEST_ROW(implicit_tls), TEST_ROW(large))
