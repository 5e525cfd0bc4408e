/*
 * session: bytes and time. Reading stops when the machine has no room or the draft's file is slow,
 * which is how a slow disk or directory reaches the client. A timer is only moved forward when it
 * fires, so that a busy session costs none.
 */
#include "proc/smtpin/session.h"

#include <errno.h>
#include <string.h>

#include "base/assert.h"
#include "base/planted.h"

/* Reads of one session in a turn: others want theirs, too. */
#define READS_PER_TURN 8

static void session_ready(void *ctx, unsigned events);
static void session_due(void *ctx);
static int flush(struct session *session);

struct slice
session_name(const struct session *session, uint8_t buf[SESSION_NAME_MAX])
{
	struct builder b;

	builder_init_fixed(&b, buf, SESSION_NAME_MAX);
	builder_dec(&b, session->in->started_wall_ms);
	builder_byte(&b, '.');
	builder_dec(&b, session->in->boot->instance);
	builder_byte(&b, '.');
	builder_dec(&b, session->number);
	return builder_slice(&b);
}

void
session_log(struct session *session, struct log_line *line, enum log_event event)
{
	uint8_t name[SESSION_NAME_MAX];

	log_begin(line, session->in->boot->log, event);
	log_text(line, "sess", session_name(session, name));
}

int
session_text_set(struct session *session, struct slice *text, struct slice value)
{
	struct mem *mem = rt_mem(session->in->boot->rt);
	uint8_t *copy = NULL;

	if (value.len) {
		copy = mem_take(mem, value.len);
		if (!copy)
			return ERR_NO_MEMORY;
		memcpy(copy, value.data, value.len);
	}
	mem_give(mem, (void *)(uintptr_t)text->data, text->len);
	*text = value.len ? slice_of(copy, value.len) : SLICE_EMPTY;
	return 0;
}

void
session_transaction_end(struct session *session)
{
	spool_draft_abort(&session->draft);
	session->envelope = NULL;
	arena_finish(&session->arena);
	if (session->question != QUESTION_AUTH)
		session_ask_end(session);
}

void
session_free(struct session *session)
{
	struct smtpin *in = session->in;

	ASSERT(session->phase == SESSION_GONE && !session->committing);
	if (session_text_set(session, &session->helo, SLICE_EMPTY) ||
	    session_text_set(session, &session->login, SLICE_EMPTY))
		ASSERT_UNREACHABLE(); /* nothing is taken for an empty text */
	service_unref(&session->service);
	list_remove(&session->node);
	in->session_count--;
	mem_give(rt_mem(in->boot->rt), session, sizeof(*session));
}

/* Closes the connection. The struct stays while the spool still has to tell it something. */
static void
session_destroy(struct session *session)
{
	struct log_line line;

	session_on_auth_end(session);
	session_transaction_end(session);
	conn_destroy(&session->conn);
	rt_timer_finish(&session->timer);
	smtp_server_finish(&session->smtp);
	if (session->network)
		networks_close(session->network);
	session->network = NULL;
	if (admit_refuses(session->refuse))
		session->in->refused_count--;
	session_log(session, &line, EVENT_smtpin_close);
	log_number(&line, "messages", session->messages);
	log_number(&line, "ms", (int64_t)(rt_now_ms(session->in->boot->rt) - session->started_ms));
	log_end(&line);
	session->phase = SESSION_GONE;
	if (!session->committing)
		session_free(session);
}

void
session_abort(struct session *session)
{
	if (session->phase == SESSION_OPEN) {
		smtp_server_abort(&session->smtp);
		(void)flush(session); /* as far as the client takes it at once */
	}
	if (session->phase != SESSION_GONE)
		session_destroy(session);
}

/* The machine of a session that says nothing yet. */
static void
start_machine(struct session *session)
{
	smtp_server_init(&session->smtp, rt_mem(session->in->boot->rt), &session->service->smtp,
			 rt_now_ms(session->in->boot->rt));
}

static enum admit_reason
admission(struct smtpin *in, struct session *session)
{
	if (in->session_count > in->boot->config->connections_max)
		return ADMIT_SESSIONS_MAX;
	if (session->trusted)
		return ADMIT_OK; /* its own machines: limits are for strangers */
	return networks_open(in, &session->client, &session->service->limits, &session->network);
}

static int
start_tls(struct session *session)
{
	struct conn_tls_options options = {
		.context = session->in->tls,
		.deadline_ms = session->service->login_ms,
	};

	session->phase = SESSION_HANDSHAKE;
	session->tls_wanted = false;
	return session->in->tls ? conn_tls_start(session->conn, &options) : ERR_TLS;
}

static struct session *
session_create(struct listener *listener, struct rt_stream *stream)
{
	struct smtpin *in = listener->in;
	struct session *session = MEM_NEW(rt_mem(in->boot->rt), struct session);

	if (!session) {
		rt_stream_destroy(&stream);
		return NULL;
	}
	session->in = in;
	session->client = rt_stream_peer(stream);
	if (conn_create(stream, session_ready, session, &session->conn)) {
		mem_give(rt_mem(in->boot->rt), session, sizeof(*session));
		return NULL;
	}
	session->service = service_ref(listener->service);
	session->number = ++in->session_last;
	session->started_ms = rt_now_ms(in->boot->rt);
	session->due_ms = UINT64_MAX;
	session->phase = SESSION_OPEN;
	transaction_memory_init(&session->memory, in);
	arena_init(&session->arena, &session->memory.mem, SESSION_ARENA_BYTES);
	rt_timer_init(&session->timer, in->boot->rt, session_due, session);
	list_push_back(&in->sessions, &session->node);
	in->session_count++;
	in->counters.connections++;
	return session;
}

void
session_open(struct listener *listener, struct rt_stream *stream)
{
	struct session *session = session_create(listener, stream);
	struct log_line line;

	if (!session)
		return;
	session->trusted = networks_trusted(session->in->boot->config, &session->client);
	session->refuse = admission(session->in, session);
	if (admit_refuses(session->refuse))
		session->in->refused_count++;
	session_log(session, &line, EVENT_smtpin_connect);
	log_addr(&line, "client", &session->client);
	log_text(&line, "listener", service_name(session->service));
	log_end(&line);
	start_machine(session);
	if (session->in->refused_count > SMTPIN_REFUSED_MAX ||
	    (session->service->kind == CONFIG_KIND_SUBMISSIONS &&
	     (admit_refuses(session->refuse) || start_tls(session)))) {
		session_destroy(session); /* in silence: nothing can be said before TLS */
		return;
	}
	session_pump(session);
}

void
session_answer(struct session *session, uint16_t code, const char *status, const char *text)
{
	struct smtp_answer answer = {.code = code, .status = status, .text = slice_str(text)};

	smtp_server_answer(&session->smtp, &answer, rt_now_ms(session->in->boot->rt));
}

void
session_answer_reason(struct session *session, enum admit_reason reason)
{
	struct log_line line;

	session_answer(session, admit_reason_code(reason), admit_reason_status(reason),
		       admit_reason_text(reason));
	if (!admit_refuses(reason))
		return;
	session_log(session, &line, EVENT_smtpin_refuse);
	log_text(&line, "reason", slice_str(admit_reason_str(reason)));
	log_number(&line, "code", admit_reason_code(reason));
	log_addr(&line, "client", &session->client);
	log_end(&line);
}

void
session_answer_error(struct session *session, int err)
{
	struct log_line line;

	if (err == -ENOSPC)
		session_answer(session, PLANTED(ROOM_REFUSED) ? 552 : 452, "4.3.1",
			       "Out of room, try again later");
	else if (err == ERR_LIMIT || err == ERR_NO_MEMORY)
		session_answer(session, 451, "4.3.1", "Too much at once, try again later");
	else if (err == ERR_AGAIN)
		session_answer(session, 451, "4.3.2", "Not taking mail now, try again later");
	else
		session_answer(session, 451, "4.3.0", "Fault in this server, try again later");
	session_log(session, &line, EVENT_smtpin_later);
	log_err(&line, err);
	log_end(&line);
}

static void
on_connect(struct session *session, const struct smtp_server_event *event)
{
	(void)event;
	if (admit_refuses(session->refuse)) {
		session->in->counters.refused_connections++;
		session_answer_reason(session, session->refuse);
	} else {
		session_answer(session, 220, NULL, "");
	}
}

static void
on_hello(struct session *session, const struct smtp_server_event *event)
{
	session_transaction_end(session);
	session->esmtp = event->esmtp;
	if (session_text_set(session, &session->helo, event->name))
		session_answer_error(session, ERR_NO_MEMORY);
	else
		session_answer(session, 250, NULL, "");
}

static void
on_starttls(struct session *session, const struct smtp_server_event *event)
{
	(void)event;
	if (!session->in->tls) {
		session_answer(session, 454, "4.7.0", "TLS is not available now");
		return;
	}
	session->tls_wanted = true;
	session_answer(session, 220, "2.0.0", "Ready to start TLS");
}

static void
on_reset(struct session *session, const struct smtp_server_event *event)
{
	(void)event;
	session_transaction_end(session);
}

static void
on_refused(struct session *session, const struct smtp_server_event *event)
{
	struct log_line line;

	session_log(session, &line, EVENT_smtpin_refuse);
	log_text(&line, "reason", slice_str(smtp_refusal_str(event->refused)));
	log_number(&line, "code", smtp_refusal_code(event->refused));
	log_addr(&line, "client", &session->client);
	log_end(&line);
}

static void
on_auth_end(struct session *session, const struct smtp_server_event *event)
{
	(void)event;
	session_on_auth_end(session);
}

static void
on_close(struct session *session, const struct smtp_server_event *event)
{
	(void)event;
	session_transaction_end(session);
}

/* Events until there is none. Nothing here may destroy the session. */
static void
pull(struct session *session)
{
	static void (*const handlers[])(struct session *, const struct smtp_server_event *) = {
		[SMTP_SERVER_CONNECT] = on_connect,
		[SMTP_SERVER_HELLO] = on_hello,
		[SMTP_SERVER_STARTTLS] = on_starttls,
		[SMTP_SERVER_AUTH] = session_on_auth,
		[SMTP_SERVER_AUTH_RESPONSE] = session_on_auth_response,
		[SMTP_SERVER_MAIL] = session_on_mail,
		[SMTP_SERVER_RCPT] = session_on_rcpt,
		[SMTP_SERVER_DATA] = session_on_data,
		[SMTP_SERVER_MESSAGE] = session_on_message,
		[SMTP_SERVER_AUTH_END] = on_auth_end,
		[SMTP_SERVER_BODY] = session_on_body,
		[SMTP_SERVER_RESET] = on_reset,
		[SMTP_SERVER_REFUSED] = on_refused,
		[SMTP_SERVER_CLOSE] = on_close,
	};
	struct smtp_server_event event;

	while (smtp_server_next(&session->smtp, &event)) {
		ASSERT(event.kind > SMTP_SERVER_NONE && event.kind <= SMTP_SERVER_CLOSE);
		handlers[event.kind](session, &event);
	}
}

/* 0: all said; ERR_AGAIN: the client is slow; else the connection is lost. */
static int
flush(struct session *session)
{
	struct slice output;

	for (;;) {
		ssize_t sent;

		pull(session);
		output = smtp_server_output(&session->smtp);
		if (output.len == 0)
			return 0;
		sent = conn_send(session->conn, &output, 1);
		if (sent <= 0)
			return sent == 0 ? ERR_AGAIN : (int)sent;
		smtp_server_sent(&session->smtp, (size_t)sent, rt_now_ms(session->in->boot->rt));
	}
}

static bool
may_read(const struct session *session)
{
	if (session->draft && spool_draft_full(session->draft))
		return false;
	return smtp_server_room(&session->smtp) > 0;
}

static void
draft_has_room(void *ctx)
{
	session_pump(ctx);
}

static void
want(struct session *session, unsigned events)
{
	if (events == session->wanted)
		return;
	session->wanted = events;
	conn_want(session->conn, events);
}

static uint64_t
next_due(const struct session *session)
{
	uint64_t due = session->due_ms;
	uint64_t end = session->started_ms + session->service->session_ms;
	uint64_t machine = session->phase == SESSION_OPEN ? smtp_server_deadline(&session->smtp)
							  : SMTP_SERVER_NEVER;

	if (machine < due)
		due = machine;
	if (session->phase == SESSION_OPEN && !session->old && end < due)
		due = end;
	return due;
}

/* Armed earlier than needed is fine: session_due looks again. */
static void
arm(struct session *session)
{
	uint64_t due = next_due(session), now_ms = rt_now_ms(session->in->boot->rt);

	if (due == UINT64_MAX)
		return;
	if (rt_timer_armed(&session->timer) && session->timer.due_ms <= due)
		return;
	rt_timer_arm(&session->timer, due > now_ms ? due - now_ms : 0);
}

static void
linger(struct session *session)
{
	conn_shutdown(session->conn);
	session->phase = SESSION_LINGERING;
	session->due_ms = rt_now_ms(session->in->boot->rt) + SMTPIN_LINGER_MS;
	want(session, RT_READABLE);
	arm(session);
}

void
session_pump(struct session *session)
{
	int err;

	if (session->phase == SESSION_OPEN) {
		err = flush(session);
		if (err && err != ERR_AGAIN) {
			session_destroy(session);
			return;
		}
		if (!err && session->smtp.closed) {
			linger(session);
			return;
		}
		if (!err && session->tls_wanted && start_tls(session)) {
			session_destroy(session);
			return;
		}
	}
	if (session->draft && spool_draft_full(session->draft))
		spool_draft_on_room(session->draft, draft_has_room, session);
	if (session->phase == SESSION_OPEN)
		want(session, (may_read(session) ? RT_READABLE : 0) |
				      (smtp_server_output(&session->smtp).len ? RT_WRITABLE : 0));
	else if (session->phase == SESSION_HANDSHAKE)
		want(session, 0);
	arm(session);
}

/* False when the session is gone. */
static bool
read_some(struct session *session)
{
	struct smtpin *in = session->in;

	for (unsigned i = 0; i < READS_PER_TURN && may_read(session); i++) {
		size_t room = smtp_server_room(&session->smtp);
		ssize_t got;

		ASSERT(room <= sizeof(in->buffer));
		got = conn_recv(session->conn, in->buffer, room);
		if (got == ERR_AGAIN)
			return true;
		if (got <= 0) {
			session_destroy(session);
			return false;
		}
		in->counters.bytes += (uint64_t)got;
		smtp_server_feed(&session->smtp, slice_of(in->buffer, (size_t)got),
				 rt_now_ms(in->boot->rt));
		pull(session);
		if (session->smtp.options->auth_required && !session->login.len)
			explicit_bzero(in->buffer, (size_t)got); /* a password, perhaps */
		if ((size_t)got < room)
			return true;
	}
	return true;
}

static void
handshake_done(struct session *session, int err)
{
	struct smtpin *in = session->in;
	uint8_t binding[CONN_BINDING_LEN];
	struct log_line line;

	if (err) {
		session_log(session, &line, EVENT_smtpin_tls_failed);
		log_err(&line, err);
		log_text(&line, "why", slice_str(conn_tls_why(session->conn)));
		log_addr(&line, "client", &session->client);
		log_end(&line);
		session_destroy(session);
		return;
	}
	session->phase = SESSION_OPEN;
	session->wanted = 0;
	if (session_text_set(session, &session->helo, SLICE_EMPTY))
		ASSERT_UNREACHABLE();
	smtp_server_tick(&session->smtp, rt_now_ms(in->boot->rt));
	smtp_server_tls_started(&session->smtp, conn_tls_binding(session->conn, binding) == 0);
	session_pump(session);
}

/* What a client still sends when all has been said; only its end matters. */
static void
read_lingering(struct session *session)
{
	ssize_t got = 1;

	for (unsigned i = 0; i < READS_PER_TURN && got > 0; i++)
		got = conn_recv(session->conn, session->in->buffer, sizeof(session->in->buffer));
	if (got <= 0 && got != ERR_AGAIN)
		session_destroy(session);
}

static void
session_ready(void *ctx, unsigned events)
{
	struct session *session = ctx;
	int err;

	if (session->phase == SESSION_HANDSHAKE) {
		err = conn_tls_result(session->conn);
		if (err != ERR_AGAIN)
			handshake_done(session, err);
		return;
	}
	if (session->phase == SESSION_LINGERING) {
		read_lingering(session);
		return;
	}
	if (events & RT_READABLE && !read_some(session))
		return;
	session_pump(session);
}

static void
session_due(void *ctx)
{
	struct session *session = ctx;
	uint64_t now_ms = rt_now_ms(session->in->boot->rt);

	if (session->phase == SESSION_LINGERING && now_ms >= session->due_ms) {
		session_destroy(session);
		return;
	}
	/* The last words are not taken either. */
	if (session->phase == SESSION_OPEN && session->smtp.closing &&
	    now_ms >= smtp_server_deadline(&session->smtp)) {
		session_destroy(session);
		return;
	}
	if (session->phase == SESSION_OPEN) {
		if (now_ms >= session->started_ms + session->service->session_ms) {
			session->old = true;
			smtp_server_shutdown(&session->smtp);
		}
		smtp_server_tick(&session->smtp, now_ms);
		if (session->question && now_ms >= session->due_ms) {
			session_ask_failed(session);
			return;
		}
		session_pump(session);
		return;
	}
	arm(session);
}

void
session_stop(struct session *session)
{
	if (session->phase == SESSION_HANDSHAKE) {
		session_destroy(session);
		return;
	}
	if (session->phase != SESSION_OPEN)
		return;
	smtp_server_shutdown(&session->smtp);
	session_pump(session);
}
