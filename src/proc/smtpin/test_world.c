/*
 * test_world: see test_world.h.
 */
#include "proc/smtpin/test_world.h"

#include "proc/smtpin/test_certificate.h"

#define SECRET 4711

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

void
world_begin(struct world *w)
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
	WORLD_WAIT(w, spool_writer_ready(w->in->writer) == 0);
	listen_all(w);
	w->read_to = SPOOL_FILE_HEAD_BYTES;
}

void
world_end(struct world *w)
{
	conn_destroy(&w->client.conn);
	WORLD_WAIT(w, list_empty(&w->in->sessions));
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
					CLIENT_HEARD_MAX - client->heard_len);

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

void
client_dial(struct world *w, struct client *client, size_t listener)
{
	struct rt_stream *stream;

	client->heard_len = 0;
	client->closed = false;
	assert_int_equal(rt_stream_connect(w->t.rt, &w->addrs[listener], NULL, &stream), 0);
	assert_int_equal(conn_create(stream, client_ready, client, &client->conn), 0);
	WORLD_WAIT(w, conn_connect_result(client->conn) != ERR_AGAIN);
	assert_int_equal(conn_connect_result(client->conn), 0);
	conn_want(client->conn, RT_READABLE);
}

void
client_tls(struct world *w, struct client *client)
{
	struct conn_tls_options options = {.deadline_ms = 5000};

	assert_int_equal(tls_context_client_create(rt_mem(w->t.rt), &options.context), 0);
	assert_int_equal(conn_tls_start(client->conn, &options), 0);
	tls_context_unref(&options.context);
	WORLD_WAIT(w, conn_tls_result(client->conn) != ERR_AGAIN);
	assert_int_equal(conn_tls_result(client->conn), 0);
	client->heard_len = 0;
	conn_want(client->conn, RT_READABLE);
}

void
client_say(struct world *w, struct slice text)
{
	while (text.len) {
		ssize_t sent = conn_send(w->client.conn, &text, 1);

		if (sent == ERR_AGAIN) {
			test_rt_run_ms(&w->t, 1);
			continue;
		}
		assert_true(sent > 0);
		text = slice_from(text, (size_t)sent);
	}
}

void
client_hear(struct world *w, const char *text)
{
	struct client *client = &w->client;
	struct slice want = slice_str(text);

	for (int wait = 0; wait < 5000; wait++) {
		if (slice_ends_nocase(slice_of(client->heard, client->heard_len), want)) {
			client->heard_len = 0;
			return;
		}
		test_rt_run_ms(&w->t, 1);
	}
	fail_msg("want '%s', heard '%.*s'", text, (int)client->heard_len, client->heard);
}

void
client_talk(struct world *w, const char *text, const char *want)
{
	client_say(w, slice_str(text));
	client_hear(w, want);
}

void
world_read_next(struct world *w, struct spool_message *message)
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
