/*
 * smtpin as a whole: the process with real sockets and a real segment; queue and directory are
 * played here. A client says something and waits for what it must hear.
 */
#include "proc/smtpin/session.h"
#include "proc/smtpin/test_certificate.h"
#include "resolver/test_idna_memory.h"
#include "rt/test_rt.h"
#include "spool/reader.h"

#define SECRET 4711
#define HEARD_MAX 65536
#define MANY_SESSIONS 400

struct client {
	struct conn *conn;
	uint8_t heard[HEARD_MAX];
	size_t heard_len;
	bool closed;
};

struct world {
	struct test_rt t;
	struct boot boot;
	struct arena arena;
	struct config config;
	struct config_listener listeners[3];
	struct smtpin *in;
	struct ipc_channel *to_queue, *queue, *to_directory, *directory;
	struct spool_reader *reader;
	struct ipc_spool_durable durable;
	size_t durable_count;
	struct net_addr addrs[3];
	struct client client;
	bool directory_silent;
	uint32_t auth_request;
	uint64_t read_to;
};

static void
directory_rcpt(struct world *w, const struct ipc_dir_rcpt_ask *ask)
{
	struct ipc_dir_rcpt answer = {.request = ask->request, .kind = DIR_RCPT_NOT_LOCAL};

	if (slice_eq(ask->domain, SLICE("example.test")) || ask->domain.len == 0)
		answer.kind = DIR_RCPT_UNKNOWN;
	if (answer.kind == DIR_RCPT_UNKNOWN &&
	    (slice_eq(ask->local, SLICE("ann")) || slice_eq(ask->local, SLICE("bob")) ||
	     slice_eq_nocase(ask->local, SLICE("postmaster")))) {
		answer.kind = DIR_RCPT_LOCAL;
		answer.mailbox = SLICE("box");
		answer.postoffice = SLICE("office");
	}
	assert_int_equal(ipc_send(w->directory, &(struct ipc_message){.type = IPC_DIR_RCPT,
								      .u.dir_rcpt = answer}),
			 0);
}

static void
directory_receive(void *ctx, struct ipc_channel *from, struct ipc_message *message)
{
	struct world *w = ctx;
	const struct ipc_dir_sender_ask *sender = &message->u.dir_sender_ask;
	const struct ipc_auth_begin *begin = &message->u.auth_begin;
	bool good;

	if (w->directory_silent)
		return;
	switch (message->type) {
	case IPC_DIR_RCPT_ASK:
		directory_rcpt(w, &message->u.dir_rcpt_ask);
		break;
	case IPC_DIR_SENDER_ASK:
		assert_slice_str(sender->login, "ann@example.test");
		assert_int_equal(IPC_SEND(from, DIR_SENDER, dir_sender, .request = sender->request,
					  .answer = slice_eq(sender->local, SLICE("ann"))),
				 0);
		break;
	case IPC_AUTH_BEGIN:
		assert_int_equal(begin->binding.len, CONN_BINDING_LEN);
		w->auth_request = begin->request;
		if (!begin->has_initial) {
			assert_int_equal(IPC_SEND(from, AUTH_CHALLENGE, auth_challenge,
						  .request = begin->request,
						  .challenge = SLICE("who?")),
					 0);
			break;
		}
		good = slice_eq(begin->initial, SLICE("\0ann\0secret"));
		assert_int_equal(IPC_SEND(from, AUTH_RESULT, auth_result, .request = begin->request,
					  .outcome = good ? AUTH_OUTCOME_OK : AUTH_OUTCOME_BAD,
					  .login = SLICE("ann@example.test")),
				 0);
		break;
	case IPC_AUTH_STEP:
		assert_int_equal(message->u.auth_step.request, w->auth_request);
		assert_int_equal(IPC_SEND(from, AUTH_RESULT, auth_result,
					  .request = w->auth_request, .outcome = AUTH_OUTCOME_BAD,
					  .login = SLICE("ann@example.test")),
				 0);
		break;
	default:
		assert_int_equal(message->type, IPC_AUTH_ABORT);
	}
}

static void
queue_receive(void *ctx, struct ipc_channel *from, struct ipc_message *message)
{
	struct world *w = ctx;

	(void)from;
	if (message->type != IPC_SPOOL_DURABLE)
		return;
	w->durable = message->u.spool_durable;
	w->durable_count++;
}

static void
process_receive(void *ctx, struct ipc_channel *from, struct ipc_message *message)
{
	smtpin_process.receive(((struct world *)ctx)->in, from, message);
}

static void
process_closed(void *ctx, struct ipc_channel *channel, int err)
{
	(void)err;
	smtpin_process.channel_closed(((struct world *)ctx)->in, channel);
}

static void
peer_closed(void *ctx, struct ipc_channel *channel, int err)
{
	(void)ctx;
	(void)channel;
	(void)err;
}

static void
neighbour(struct world *w, enum ipc_role role, struct ipc_channel **ret_ours,
	  struct ipc_channel **ret_theirs)
{
	struct ipc_events ours = {w, process_receive, NULL, process_closed};
	struct ipc_events theirs = {w, role == IPC_ROLE_QUEUE ? queue_receive : directory_receive,
				    NULL, peer_closed};
	struct ipc_ends our_ends = {IPC_ROLE_SMTPIN, role, 0, 0};
	struct ipc_ends their_ends = {role, IPC_ROLE_SMTPIN, 0, 0};
	int fds[2];

	assert_int_equal(rt_channel_pair(w->t.rt, fds), 0);
	assert_int_equal(ipc_channel_create(w->t.rt, fds[0], &our_ends, &ours, ret_ours), 0);
	assert_int_equal(ipc_channel_create(w->t.rt, fds[1], &their_ends, &theirs, ret_theirs), 0);
	smtpin_process.channel(w->in, *ret_ours);
}

static void
turn_off(void *ctx)
{
	rt_stop(((struct world *)ctx)->t.rt);
}

static void
run_ms(struct world *w, uint64_t ms)
{
	struct rt_timer timer;

	rt_timer_init(&timer, w->t.rt, turn_off, w);
	rt_timer_arm(&timer, ms);
	test_rt_run(&w->t);
	rt_timer_finish(&timer);
}

#define WAIT_FOR(w, condition)                                                                     \
	do {                                                                                       \
		bool met = (condition);                                                            \
		for (int wait = 0; wait < 5000 && !met; wait++, met = (condition))                 \
			run_ms((w), 1);                                                            \
		assert_true(met);                                                                  \
	} while (0)

static void
segment_give(struct world *w)
{
	struct spool_file_head head = {.kind = SPOOL_FILE_SEGMENT, .number = 1, .secret = SECRET};
	uint8_t bytes[SPOOL_FILE_HEAD_BYTES];
	struct ipc_message open = {.type = IPC_SEGMENT_OPEN};
	struct builder b;
	int fd;

	builder_init_fixed(&b, bytes, sizeof(bytes));
	spool_file_head_encode(&b, &head);
	assert_int_equal(rt_open(w->t.rt, w->t.dir_fd, "1",
				 RT_OPEN_WRITE | RT_OPEN_APPEND | RT_OPEN_CREATE, &fd),
			 0);
	assert_int_equal(rt_write(w->t.rt, fd, builder_slice(&b)), 0);
	assert_int_equal(IPC_SEND(w->queue, SPOOL_SEGMENT, spool_segment, .segment = 1,
				  .secret = SECRET, .file = fd),
			 0);
	rt_close(w->t.rt, fd);
	assert_int_equal(rt_open(w->t.rt, w->t.dir_fd, "1", RT_OPEN_READ, &fd), 0);
	open.u.segment_open.segment = 1;
	open.u.segment_open.secret = SECRET;
	open.u.segment_open.file = fd;
	assert_true(spool_reader_receive(w->reader, &open));
}

static void
configure(struct world *w)
{
	static const enum config_kind kinds[] = {CONFIG_KIND_MX, CONFIG_KIND_SUBMISSION,
						 CONFIG_KIND_SUBMISSIONS};
	static const struct slice names[] = {SLICE("mx"), SLICE("submission"),
					     SLICE("submissions")};

	arena_init(&w->arena, rt_mem(w->t.rt), CONFIG_ARENA_BYTES);
	assert_int_equal(config_defaults(&w->arena, &w->config), 0);
	w->config.hostname = SLICE("mx.example.test");
	w->config.tls_certificate = SLICE("cert.pem");
	w->config.body_memory_max = 65536;
	for (size_t i = 0; i < 3; i++) {
		w->listeners[i] = (struct config_listener){
			.name = names[i],
			.kind = kinds[i],
			.connections_per_network = 2,
			.connection_rate = 1000,
			.commands_max = 1000,
			.errors_max = 20,
			.login_failures_max = 3,
			.messages_max = 100,
			.time_command = 5000,
			.time_data = 5000,
			.time_message = 5000,
			.time_login = 5000,
			.time_session = 60000,
		};
	}
	w->config.listeners = w->listeners;
	w->config.listener_count = 3;
}

static void
listen_all(struct world *w)
{
	struct net_addr any;

	assert_int_equal(net_addr_parse_port(SLICE("127.0.0.1:0"), &any), 0);
	for (size_t i = 0; i < 3; i++) {
		struct listener *listener;
		int fd;

		assert_int_equal(rt_listen(w->t.rt, &any, &fd), 0);
		smtpin_process.listener(w->in, w->listeners[i].name, fd);
		listener = CONTAINER_OF(w->in->listeners.head.prev, struct listener, node);
		assert_int_equal(rt_listener_addr(listener->rt, &w->addrs[i]), 0);
	}
}

static void
begin(struct world *w)
{
	int log_fd;

	memset(w, 0, sizeof(*w));
	test_rt_begin(&w->t);
	test_rt_folder(&w->t);
	configure(w);
	w->boot = (struct boot){
		.rt = w->t.rt, .config = &w->config, .role = IPC_ROLE_SMTPIN, .instance = 0};
	assert_int_equal(rt_open(w->t.rt, w->t.dir_fd, "log",
				 RT_OPEN_WRITE | RT_OPEN_APPEND | RT_OPEN_CREATE, &log_fd),
			 0);
	assert_int_equal(log_create(w->t.rt, "smtpin", log_fd, &w->boot.log), 0);
	assert_int_equal(smtpin_process.create(&w->boot, (void **)&w->in), 0);
	assert_int_equal(spool_reader_create(w->t.rt, &w->reader), 0);
	smtpin_process.tls(w->in, SLICE("default"), SLICE(TEST_CERTIFICATE), SLICE(TEST_KEY));
	neighbour(w, IPC_ROLE_QUEUE, &w->to_queue, &w->queue);
	neighbour(w, IPC_ROLE_DIRECTORY, &w->to_directory, &w->directory);
	segment_give(w);
	WAIT_FOR(w, spool_writer_ready(w->in->writer) == 0);
	listen_all(w);
	w->read_to = SPOOL_FILE_HEAD_BYTES;
}

static void
end(struct world *w)
{
	conn_destroy(&w->client.conn);
	WAIT_FOR(w, list_empty(&w->in->sessions));
	smtpin_process.destroy((void **)&w->in);
	ipc_channel_destroy(&w->to_queue);
	ipc_channel_destroy(&w->queue);
	ipc_channel_destroy(&w->to_directory);
	ipc_channel_destroy(&w->directory);
	spool_reader_destroy(&w->reader);
	log_destroy(&w->boot.log);
	arena_finish(&w->arena);
	test_rt_end(&w->t);
}

static void
client_ready(void *ctx, unsigned events)
{
	struct client *client = ctx;

	(void)events;
	for (;;) {
		ssize_t got = conn_recv(client->conn, client->heard + client->heard_len,
					HEARD_MAX - client->heard_len);

		if (got == ERR_AGAIN)
			return;
		if (got <= 0) {
			client->closed = true;
			conn_want(client->conn, 0);
			return;
		}
		client->heard_len += (size_t)got;
	}
}

static void
dial(struct world *w, struct client *client, size_t listener)
{
	struct rt_stream *stream;

	client->heard_len = 0;
	client->closed = false;
	assert_int_equal(rt_stream_connect(w->t.rt, &w->addrs[listener], NULL, &stream), 0);
	assert_int_equal(conn_create(stream, client_ready, client, &client->conn), 0);
	WAIT_FOR(w, conn_connect_result(client->conn) != ERR_AGAIN);
	assert_int_equal(conn_connect_result(client->conn), 0);
	conn_want(client->conn, RT_READABLE);
}

static void
client_tls(struct world *w, struct client *client)
{
	struct conn_tls_options options = {.deadline_ms = 5000};

	assert_int_equal(tls_context_client_create(rt_mem(w->t.rt), &options.context), 0);
	assert_int_equal(conn_tls_start(client->conn, &options), 0);
	tls_context_unref(&options.context);
	WAIT_FOR(w, conn_tls_result(client->conn) != ERR_AGAIN);
	assert_int_equal(conn_tls_result(client->conn), 0);
	client->heard_len = 0;
	conn_want(client->conn, RT_READABLE);
}

static void
say(struct world *w, struct slice text)
{
	while (text.len) {
		ssize_t sent = conn_send(w->client.conn, &text, 1);

		if (sent == ERR_AGAIN) {
			run_ms(w, 1);
			continue;
		}
		assert_true(sent > 0);
		text = slice_from(text, (size_t)sent);
	}
}

/* Waits until what was heard ends in text; then it is forgotten. */
static void
hear(struct world *w, const char *text)
{
	struct client *client = &w->client;
	struct slice want = slice_str(text);

	for (int wait = 0; wait < 5000; wait++) {
		if (slice_ends_nocase(slice_of(client->heard, client->heard_len), want)) {
			client->heard_len = 0;
			return;
		}
		run_ms(w, 1);
	}
	fail_msg("want '%s', heard '%.*s'", text, (int)client->heard_len, client->heard);
}

static void
talk(struct world *w, const char *text, const char *want)
{
	say(w, slice_str(text));
	hear(w, want);
}

/* The message that was accepted next. */
static void
read_next(struct world *w, struct spool_message *message)
{
	uint8_t head[SPOOL_HEAD_BYTES];
	uint32_t length;
	int fd;

	assert_int_equal(rt_open(w->t.rt, w->t.dir_fd, "1", RT_OPEN_READ, &fd), 0);
	assert_int_equal(rt_pread(w->t.rt, fd, head, sizeof(head), w->read_to), sizeof(head));
	rt_close(w->t.rt, fd);
	memcpy(&length, head + 8, sizeof(length));
	assert_int_equal(spool_message_open(w->reader, 1, w->read_to, length, message), 0);
	w->read_to += length;
}

TEST(a_message)
{
	static struct world w;
	struct spool_message m;

	begin(&w);
	dial(&w, &w.client, 0);
	hear(&w, "220 mx.example.test ESMTP Frank\r\n");
	talk(&w, "EHLO c.test\r\n", "250 ENHANCEDSTATUSCODES\r\n");
	talk(&w,
	     "MAIL FROM:<x@remote.test> SIZE=9 RET=HDRS ENVID=q\r\nRCPT TO:<Bob@example.test>\r\n"
	     "RCPT TO:<nobody@example.test>\r\nRCPT TO:<x@other.test>\r\n"
	     "RCPT TO:<bob@EXAMPLE.test> NOTIFY=NEVER ORCPT=rfc822;b+40x\r\nRCPT "
	     "TO:<Postmaster>\r\n"
	     "DATA\r\n",
	     "250 2.1.0 Sender ok\r\n550 5.1.1 No such mailbox here\r\n"
	     "550 5.1.1 No such mailbox here\r\n550 5.7.1 Relaying denied: not a recipient here, "
	     "and you have not logged in\r\n250 2.1.5 Recipient ok\r\n250 2.1.5 Recipient ok\r\n"
	     "354 End data with <CR><LF>.<CR><LF>\r\n");
	say(&w, SLICE("Subject: x\r\n\r\n..dot \xc3\xb6\r\n.\r\n"));
	WAIT_FOR(&w, w.client.heard_len > 0);
	assert_true(slice_starts(slice_of(w.client.heard, w.client.heard_len),
				 SLICE("250 2.0.0 Accepted as ")));
	WAIT_FOR(&w, w.durable_count == 1);
	read_next(&w, &m);
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
	talk(&w, "QUIT\r\n", "221 2.0.0 Bye\r\n");
	WAIT_FOR(&w, w.client.closed);
	end(&w);
}

TEST(submission)
{
	static struct world w;
	struct spool_message m;

	begin(&w);
	dial(&w, &w.client, 1);
	hear(&w, "220 mx.example.test ESMTP Frank\r\n");
	talk(&w, "EHLO c.test\r\n", "250 ENHANCEDSTATUSCODES\r\n");
	talk(&w, "STARTTLS\r\n", "220 2.0.0 Ready to start TLS\r\n");
	client_tls(&w, &w.client);
	talk(&w, "EHLO c.test\r\n", "250 ENHANCEDSTATUSCODES\r\n");
	talk(&w, "MAIL FROM:<ann@example.test>\r\n", "530 5.7.0 Authentication required\r\n");
	talk(&w, "AUTH LOGIN\r\n", "334 d2hvPw==\r\n");
	talk(&w, "eA==\r\n", "535 5.7.8 Wrong login or password\r\n");
	talk(&w, "AUTH PLAIN AGFubgBzZWNyZXQ=\r\n", "235 2.7.0 Welcome\r\n");
	talk(&w, "MAIL FROM:<bob@example.test>\r\n",
	     "550 5.7.1 This login may not send as this address\r\n");
	talk(&w, "MAIL FROM:<ann@example.test>\r\nRCPT TO:<x@other.test>\r\nDATA\r\n",
	     "354 End data with <CR><LF>.<CR><LF>\r\n");
	talk(&w, "From: bob@example.test\r\n\r\n.\r\n",
	     "550 5.7.1 This login may not send as the address in From or Sender\r\n");
	talk(&w, "MAIL FROM:<ann@example.test>\r\nRCPT TO:<x@other.test>\r\nDATA\r\n",
	     "354 End data with <CR><LF>.<CR><LF>\r\n");
	talk(&w, "Subject: x\r\n.\r\n",
	     "550 5.6.0 A message needs exactly one From field with an address\r\n");
	talk(&w,
	     "MAIL FROM:<ann@example.test>\r\nRCPT TO:<x@B\xc3\xbc"
	     "cher.test>\r\n",
	     "553 5.6.7 This address needs MAIL with SMTPUTF8\r\n");
	talk(&w, "RCPT TO:<x@Other.test>\r\nDATA\r\n", "354 End data with <CR><LF>.<CR><LF>\r\n");
	say(&w, SLICE("From: Ann <ann@example.test>\r\n\r\nhi\r\n.\r\n"));
	WAIT_FOR(&w, w.durable_count == 1);
	read_next(&w, &m);
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
	end(&w);
}

TEST(implicit_tls)
{
	static struct world w;

	begin(&w);
	dial(&w, &w.client, 2);
	client_tls(&w, &w.client);
	hear(&w, "220 mx.example.test ESMTP Frank\r\n");
	talk(&w, "EHLO c.test\r\nSTARTTLS\r\n", "503 5.5.1 STARTTLS is not possible now\r\n");
	end(&w);
}

/* A large body goes by a file, faster than the file takes it: reading stops and goes on. */
TEST(large)
{
	static struct world w;
	static uint8_t chunk[65536];
	struct spool_message m;
	int fd;

	begin(&w);
	assert_int_equal(rt_open(w.t.rt, w.t.dir_fd, "2",
				 RT_OPEN_WRITE | RT_OPEN_APPEND | RT_OPEN_CREATE, &fd),
			 0);
	assert_int_equal(IPC_SEND(w.queue, SPOOL_SPARE, spool_spare, .body = 2, .file = fd), 0);
	rt_close(w.t.rt, fd);
	dial(&w, &w.client, 0);
	hear(&w, "220 mx.example.test ESMTP Frank\r\n");
	talk(&w, "EHLO c.test\r\nMAIL FROM:<>\r\nRCPT TO:<ann@example.test>\r\n",
	     "250 2.1.5 Recipient ok\r\n");
	talk(&w, "BDAT 14\r\nSubject: x\r\n\r\n", "250 2.0.0 Chunk taken\r\n");
	for (size_t i = 0; i < sizeof(chunk); i++)
		chunk[i] = (uint8_t)(i % 64 == 62 ? '\r' : i % 64 == 63 ? '\n' : 'a');
	say(&w, SLICE("BDAT 8388608 LAST\r\n"));
	for (unsigned i = 0; i < 128; i++)
		say(&w, slice_of(chunk, sizeof(chunk)));

	WAIT_FOR(&w, w.durable_count == 1);
	fd = -1;
	assert_int_equal(rt_open(w.t.rt, w.t.dir_fd, "2", RT_OPEN_READ, &fd), 0);
	{
		struct ipc_message open = {.type = IPC_BODY_OPEN};

		open.u.body_open.body = 2;
		open.u.body_open.file = fd;
		assert_true(spool_reader_receive(w.reader, &open));
	}
	read_next(&w, &m);
	assert_int_equal(m.accept.body.file, 2);
	assert_int_equal(m.accept.size_bytes - m.accept.trace_len, 14 + 128 * sizeof(chunk));
	spool_message_close(w.reader, &m);
	end(&w);
}

TEST(limits_of_a_network)
{
	static struct world w;
	static struct client others[2];

	begin(&w);
	dial(&w, &others[0], 0);
	dial(&w, &others[1], 0);
	WAIT_FOR(&w, others[0].heard_len && others[1].heard_len);
	dial(&w, &w.client, 0);
	hear(&w, "421 4.7.0 Too many connections from your network\r\n");
	WAIT_FOR(&w, w.client.closed);
	conn_destroy(&w.client.conn);
	conn_destroy(&others[0].conn);
	WAIT_FOR(&w, w.in->session_count == 1);
	dial(&w, &w.client, 0);
	hear(&w, "220 mx.example.test ESMTP Frank\r\n");
	conn_destroy(&others[1].conn);
	end(&w);
}

/* The directory gives up, or forgets itself, while the client thinks about a challenge. */
TEST(login_that_ends_elsewhere)
{
	static struct world w;

	begin(&w);
	w.listeners[2].time_login = 300;
	smtpin_process.reload(w.in);
	dial(&w, &w.client, 2);
	client_tls(&w, &w.client);
	hear(&w, "220 mx.example.test ESMTP Frank\r\n");
	talk(&w, "EHLO c.test\r\n", "250 ENHANCEDSTATUSCODES\r\n");
	talk(&w, "AUTH LOGIN\r\n", "334 d2hvPw==\r\n");
	assert_int_equal(IPC_SEND(w.directory, AUTH_CHALLENGE, auth_challenge,
				  .request = w.auth_request, .challenge = SLICE("well?")),
			 0);
	assert_int_equal(IPC_SEND(w.directory, AUTH_RESULT, auth_result, .request = w.auth_request,
				  .outcome = AUTH_OUTCOME_LATER),
			 0);
	run_ms(&w, 20);
	talk(&w, "eA==\r\n", "454 4.7.0 Cannot check logins now, try again\r\n");
	talk(&w, "AUTH LOGIN\r\n", "334 d2hvPw==\r\n");
	hear(&w, "421 4.4.2 Waited too long, closing\r\n");
	end(&w);
}

/* A client that sends commands and takes no replies. */
TEST(client_that_does_not_read)
{
	static struct world w;
	static char commands[60000];

	begin(&w);
	w.listeners[0].time_command = 200;
	w.listeners[0].commands_max = 0;
	smtpin_process.reload(w.in);
	dial(&w, &w.client, 0);
	hear(&w, "220 mx.example.test ESMTP Frank\r\n");
	conn_want(w.client.conn, 0);
	for (size_t i = 0; i < sizeof(commands); i += 8)
		memcpy(commands + i, "EHLO a\r\n", 8);
	for (int i = 0; i < 400 && !list_empty(&w.in->sessions); i++) {
		struct slice text = slice_of(commands, sizeof(commands));

		if (conn_send(w.client.conn, &text, 1) < 0)
			run_ms(&w, 5);
	}
	WAIT_FOR(&w, list_empty(&w.in->sessions));
	end(&w);
}

/* Beyond the limits some are told so; who floods is not. */
TEST(refused_beyond_their_limit)
{
	static struct world w;
	static struct client others[SMTPIN_REFUSED_MAX + 3];

	begin(&w);
	for (size_t i = 0; i < SMTPIN_REFUSED_MAX + 2; i++)
		dial(&w, &others[i], 0);
	WAIT_FOR(&w, w.in->refused_count == SMTPIN_REFUSED_MAX);
	dial(&w, &w.client, 0);
	WAIT_FOR(&w, w.client.closed);
	assert_int_equal(w.client.heard_len, 0);
	for (size_t i = 0; i < SMTPIN_REFUSED_MAX + 2; i++)
		conn_destroy(&others[i].conn);
	WAIT_FOR(&w, w.in->session_count == 0 && w.in->refused_count == 0);
	end(&w);
}

TEST(neighbours_away)
{
	static struct world w;

	begin(&w);
	dial(&w, &w.client, 0);
	hear(&w, "220 mx.example.test ESMTP Frank\r\n");
	w.directory_silent = true;
	talk(&w, "EHLO c.test\r\nMAIL FROM:<>\r\n", "250 2.1.0 Sender ok\r\n");
	say(&w, SLICE("RCPT TO:<ann@example.test>\r\n"));
	WAIT_FOR(&w, w.in->requests.count == 1);
	ipc_channel_destroy(&w.directory);
	hear(&w, "451 4.3.0 Cannot look this address up now, try again\r\n");
	talk(&w, "RCPT TO:<ann@example.test>\r\n",
	     "451 4.3.0 Cannot look this address up now, try again\r\n");
	ipc_channel_destroy(&w.queue);
	run_ms(&w, 5);
	end(&w);
}

TEST(stop)
{
	static struct world w;

	begin(&w);
	dial(&w, &w.client, 0);
	hear(&w, "220 mx.example.test ESMTP Frank\r\n");
	w.in->boot = &w.boot;
	for (struct list_node *node = list_first(&w.in->sessions), *next; node; node = next) {
		next = list_next(&w.in->sessions, node);
		session_stop(CONTAINER_OF(node, struct session, node));
	}
	hear(&w, "421 4.3.2 Shutting down, come back later\r\n");
	WAIT_FOR(&w, w.client.closed);
	end(&w);
}

/* The client goes while its message is being made durable. */
TEST(gone_during_commit)
{
	static struct world w;
	struct spool_message m;

	begin(&w);
	for (unsigned i = 0; i < 20; i++) {
		dial(&w, &w.client, 0);
		hear(&w, "220 mx.example.test ESMTP Frank\r\n");
		talk(&w, "EHLO c.test\r\nMAIL FROM:<>\r\nRCPT TO:<ann@example.test>\r\nDATA\r\n",
		     "354 End data with <CR><LF>.<CR><LF>\r\n");
		say(&w, SLICE("\r\nhi\r\n.\r\n"));
		conn_destroy(&w.client.conn);
		WAIT_FOR(&w, list_empty(&w.in->sessions));
	}
	WAIT_FOR(&w, spool_writer_idle(w.in->writer));
	assert_int_equal(w.in->counters.messages, 20);
	read_next(&w, &m);
	spool_message_close(w.reader, &m);
	end(&w);
}

/* One session holds all memory for envelopes: it is told "later", and small mail goes on. */
TEST(large_envelopes)
{
	static struct world w;
	static struct client large;
	char orcpt[SMTP_ORCPT_MAX + 1], line[1000];
	unsigned taken;

	begin(&w);
	w.config.transaction_memory_total_max = 100000;
	memset(orcpt, 'x', SMTP_ORCPT_MAX);
	orcpt[SMTP_ORCPT_MAX] = 0;
	memcpy(orcpt, "rfc822;", 7);
	snprintf(line, sizeof(line), "RCPT TO:<ann@example.test> ORCPT=%s\r\n", orcpt);
	dial(&w, &w.client, 0);
	hear(&w, "220 mx.example.test ESMTP Frank\r\n");
	talk(&w, "EHLO c.test\r\nMAIL FROM:<>\r\n", "250 2.1.0 Sender ok\r\n");
	for (taken = 0; taken < 1000; taken++) {
		say(&w, slice_str(line));
		WAIT_FOR(&w,
			 w.client.heard_len > 2 && w.client.heard[w.client.heard_len - 1] == '\n');
		if (memcmp(w.client.heard, "250", 3) != 0)
			break;
		w.client.heard_len = 0;
	}
	assert_in_range(taken, 20, 200);
	hear(&w, "451 4.3.1 Too much at once, try again later\r\n");
	assert_in_range(w.in->transaction_bytes, 80000, 100000);
	/* Another one. */
	large = w.client;
	w.client.conn = NULL;
	dial(&w, &w.client, 0);
	hear(&w, "220 mx.example.test ESMTP Frank\r\n");
	talk(&w, "EHLO d.test\r\nMAIL FROM:<>\r\nRCPT TO:<ann@example.test>\r\nDATA\r\n",
	     "354 End data with <CR><LF>.<CR><LF>\r\n");
	say(&w, SLICE("From: a@b.test\r\n\r\nhi\r\n.\r\n"));
	WAIT_FOR(&w, w.in->counters.messages == 1);
	/* All of it comes back. */
	conn_destroy(&large.conn);
	WAIT_FOR(&w, w.in->session_count == 1);
	assert_int_equal(w.in->transaction_bytes, 0);
	end(&w);
}

/* A domain that cannot be looked at for want of memory is neither bad nor somebody else's. */
TEST(no_memory_for_a_domain)
{
	static struct world w;

	begin(&w);
	dial(&w, &w.client, 1);
	talk(&w, "EHLO c.test\r\nSTARTTLS\r\n", "220 2.0.0 Ready to start TLS\r\n");
	client_tls(&w, &w.client);
	talk(&w, "EHLO c.test\r\nAUTH PLAIN AGFubgBzZWNyZXQ=\r\n", "235 2.7.0 Welcome\r\n");
	test_idna_no_memory = true;
	talk(&w, "MAIL FROM:<bob@b\xc3\xbc.test> SMTPUTF8\r\n",
	     "451 4.3.0 Cannot check the sender now, try again\r\n");
	talk(&w, "MAIL FROM:<> SMTPUTF8\r\nRCPT TO:<bob@b\xc3\xbc.test>\r\n",
	     "\r\n451 4.3.0 Cannot look this address up now, try again\r\n");
	test_idna_no_memory = false;
	talk(&w, "RCPT TO:<bob@b\xc3\xbc.test>\r\n", "250 2.1.5 Recipient ok\r\n");
	talk(&w, "RSET\r\nMAIL FROM:<bob@b\xc3\xbc.test> SMTPUTF8\r\n",
	     "550 5.7.1 This login may not send as this address\r\n");
	end(&w);
}

/* What one waiting session holds in this process. */
TEST(idle_memory)
{
	static struct world w;
	static struct client clients[MANY_SESSIONS];
	size_t before, each;

	begin(&w);
	for (size_t i = 0; i < 3; i++)
		w.listeners[i].connections_per_network = MANY_SESSIONS;
	smtpin_process.reload(w.in);
	before = rt_mem_used_bytes(w.t.rt);
	for (size_t i = 0; i < MANY_SESSIONS; i++) {
		dial(&w, &clients[i], 0);
		WAIT_FOR(&w, clients[i].heard_len > 0);
	}
	run_ms(&w, 5);
	each = (rt_mem_used_bytes(w.t.rt) - before) / MANY_SESSIONS;
	if (each > 4096) /* both ends live in this process */
		fail_msg("%zu bytes for each session", each);
	for (size_t i = 0; i < MANY_SESSIONS; i++)
		conn_destroy(&clients[i].conn);
	end(&w);
}

TESTS(TEST_ROW(a_message), TEST_ROW(submission), TEST_ROW(implicit_tls), TEST_ROW(large),
      TEST_ROW(limits_of_a_network), TEST_ROW(login_that_ends_elsewhere),
      TEST_ROW(client_that_does_not_read), TEST_ROW(refused_beyond_their_limit),
      TEST_ROW(neighbours_away), TEST_ROW(stop), TEST_ROW(gone_during_commit),
      TEST_ROW(large_envelopes), TEST_ROW(no_memory_for_a_domain), TEST_ROW(idle_memory))
