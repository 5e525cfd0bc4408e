/*
 * smtpout session: events of the socket, the timer and the machine. Calls into the machine happen
 * in session_run's loop only, so that nothing is entered twice: a job that is given from inside is
 * sent by the round that is running.
 */
#include "proc/smtpout/session.h"

#include <string.h>

#include "base/assert.h"
#include "proc/smtpout/destination.h"
#include "proc/smtpout/dial.h"
#include "proc/smtpout/outcome.h"
#include "proc/smtpout/session_io.h"
#include "wire/dns/name.h"

#define READS_PER_EVENT 4

static void on_conn(void *ctx, unsigned events);
static void on_timer(void *ctx);

static void
options_fill(struct session *s)
{
	const struct smtpout_settings *settings = s->settings;
	bool smart = s->destination->name.len == 0;

	s->options.helo = settings->helo;
	s->options.tls = settings->tls && !s->plain ? SMTP_CLIENT_TLS_MAY : SMTP_CLIENT_TLS_NEVER;
	if (smart && settings->login.len) {
		s->options.login = settings->login;
		s->options.password = slice_of(s->out->password, s->out->password_len);
		s->options.tls = SMTP_CLIENT_TLS_MUST;
	}
	memcpy(s->options.limit_ms, settings->limit_ms, sizeof(s->options.limit_ms));
}

static int
stream_open(struct session *s)
{
	const struct smtpout_settings *settings = s->settings;
	const struct net_addr *from =
		s->address.family == NET_FAMILY_4 ? &settings->source4 : &settings->source6;
	struct rt_stream *stream;
	int err;

	err = rt_stream_connect(s->out->rt, &s->address,
				from->family == NET_FAMILY_NONE ? NULL : from, &stream);
	if (err)
		return err;
	return conn_create(stream, on_conn, s, &s->conn);
}

int
session_create(struct dial *dial, const struct session_target *target, struct session **ret_session)
{
	struct smtpout *out = dial->destination->out;
	struct session *s = MEM_NEW(out->mem, struct session);
	struct slice host = slice_sub(target->host, 0, SESSION_HOST_MAX);
	int err;

	if (!s)
		return ERR_NO_MEMORY;
	s->out = out;
	s->dial = dial;
	s->settings = smtpout_settings_ref(out->settings);
	s->destination = dial->destination;
	s->address = target->address;
	s->plain = target->plain;
	if (host.len)
		memcpy(s->host, host.data, host.len);
	list_init(&s->jobs);
	rt_timer_init(&s->timer, out->rt, on_timer, s);
	err = stream_open(s);
	if (err) {
		rt_timer_finish(&s->timer);
		smtpout_settings_unref(&s->settings);
		mem_give(out->mem, s, sizeof(*s));
		return err;
	}
	out->session_count++;
	out->counters.connects++;
	s->connecting = true;
	s->begin_ms = s->moved_ms = rt_now_ms(out->rt);
	list_push_back(&dial->sessions, &s->node);
	conn_want(s->conn, RT_WRITABLE);
	rt_timer_arm(&s->timer, s->settings->connect_ms);
	*ret_session = s;
	return 0;
}

void
session_drop(struct session *s)
{
	if (s->dead)
		return;
	ASSERT(list_empty(&s->jobs) && !s->content);
	s->dead = true;
	conn_destroy(&s->conn);
	rt_timer_finish(&s->timer);
	list_remove(&s->idle_node);
	list_remove(&s->node);
	list_push_back(&s->out->dead, &s->node);
	s->out->session_count--;
	if (s->ready)
		destination_session_gone(s->destination);
	s->ready = false;
	s->dial = NULL;
	smtpout_turn_end(s->out);
}

void
session_bury(struct smtpout *out)
{
	struct list_node *node;

	while ((node = list_pop_front(&out->dead))) {
		struct session *s = CONTAINER_OF(node, struct session, node);

		smtpout_settings_unref(&s->settings);
		mem_give(out->mem, s->piece, SESSION_PIECE_BYTES);
		mem_give(out->mem, s->sum, sizeof(*s->sum));
		mem_give(out->mem, s, sizeof(*s));
	}
}

void
session_sign(const struct session *s, struct verdict *verdict)
{
	verdict->host = slice_str(s->host);
	verdict->address = s->address;
	verdict->source = s->source;
	verdict->helo = s->options.helo.len ? s->options.helo : s->settings->helo;
}

/* ---- ends before it was ready: the dial goes on with another host or address */

static void
session_failed(struct session *s, struct verdict *verdict, bool without_tls)
{
	struct dial *dial = s->dial;

	session_sign(s, verdict);
	dial_session_failed(dial, s, verdict, without_tls);
	session_drop(s);
	dial_go_on(dial);
}

static void
connect_failed(struct session *s, int err)
{
	struct verdict verdict = outcome_of_connect(err);

	session_failed(s, &verdict, false);
}

static void
connect_done(struct session *s)
{
	uint64_t now_ms = rt_now_ms(s->out->rt);

	s->connecting = false;
	s->connected_ms = now_ms;
	s->source = conn_local(s->conn);
	s->source.port = 0;
	options_fill(s);
	smtp_client_init(&s->client, &s->options, now_ms);
	conn_want(s->conn, RT_READABLE);
	dial_session_connected(s->dial, s);
	session_run(s);
}

/* ---- events of the machine */

/* Results with the same words are reported together. */
struct results {
	struct job *job;
	enum smtp_client_stage stage;
	enum smtp_client_how how;
	const struct smtp_reply *reply;
	size_t count;
	uint16_t indexes[SMTPOUT_RCPTS_MAX];
};

static void
results_flush(struct session *s, struct results *results)
{
	struct verdict verdict;

	if (results->count == 0)
		return;
	verdict = outcome_of_client(results->stage, results->how, results->reply);
	session_sign(s, &verdict);
	job_report(results->job, results->indexes, results->count, s->client.caps.dsn, &verdict);
	results->count = 0;
}

static void
results_add(struct session *s, struct results *results, const struct smtp_client_event *event)
{
	struct job *job = CONTAINER_OF(event->job, struct job, smtp);

	if (results->count && (results->job != job || results->stage != event->stage ||
			       results->how != event->how || results->reply != event->reply))
		results_flush(s, results);
	results->job = job;
	results->stage = event->stage;
	results->how = event->how;
	results->reply = event->reply;
	results->indexes[results->count++] = (uint16_t)event->rcpt;
}

static void
job_finished(struct session *s, struct job *job)
{
	struct destination *destination = s->destination;

	list_remove(&job->node);
	s->job_count--;
	if (s->content == job)
		s->content = NULL;
	job_close(job);
	if (job->open_count == 0) {
		s->sent_count++;
		job_destroy(&job);
	} else {
		destination_take_back(destination, job);
	}
	if (s->ready)
		destination_session_wants(destination, s);
}

/*
 * TLS failed, and is not demanded. With TLS 1.3 our side of the handshake ends first: what the peer
 * refuses then (it wants our certificate, say) shows as the end of the connection, or as an alert,
 * in place of the reply to the EHLO inside.
 */
static bool
is_tls_failure(const struct session *s, const struct smtp_client_event *event)
{
	if (s->plain || s->options.tls != SMTP_CLIENT_TLS_MAY)
		return false;
	/* the only reply that ends here is 421: the host closes, and TLS has not failed */
	if (event->stage == SMTP_CLIENT_STAGE_TLS)
		return event->how != SMTP_CLIENT_HOW_REPLY;
	return event->stage == SMTP_CLIENT_STAGE_HELLO && s->client.in_tls &&
	       (event->how == SMTP_CLIENT_HOW_LOST || event->how == SMTP_CLIENT_HOW_PROTOCOL);
}

static void
session_closed(struct session *s, const struct smtp_client_event *event)
{
	bool without_tls = is_tls_failure(s, event);
	struct verdict verdict;

	session_say_last(s);
	if (!s->dial) {
		session_drop(s);
		return;
	}
	verdict = outcome_of_client(event->stage, event->how, event->reply);
	session_failed(s, &verdict, without_tls);
}

static void
session_ready(struct session *s)
{
	struct dial *dial = s->dial;

	s->ready = true;
	s->dial = NULL;
	list_remove(&s->node);
	dial_session_ready(dial, s);
}

static void
tls_begin(struct session *s)
{
	const uint32_t limit_ms = s->settings->limit_ms[SMTP_CLIENT_STAGE_TLS];
	const struct slice host = slice_str(s->host);
	struct net_addr literal;
	/* RFC 6066 3: no addresses */
	bool named = dns_name_is_host(host) && net_addr_parse(host, &literal) < 0;
	struct conn_tls_options options = {
		.context = s->out->tls,
		.server_name = named ? s->host : NULL,
		.deadline_ms = limit_ms < SMTPOUT_HANDSHAKE_MS ? limit_ms : SMTPOUT_HANDSHAKE_MS,
	};

	if (!s->out->tls || conn_tls_start(s->conn, &options) < 0) {
		smtp_client_answer_tls(&s->client, false, rt_now_ms(s->out->rt));
		return;
	}
	s->shaking = true;
}

static void
event_handle(struct session *s, struct results *results, const struct smtp_client_event *event)
{
	if (event->kind == SMTP_CLIENT_RESULT) {
		results_add(s, results, event);
		return;
	}
	results_flush(s, results);
	if (event->kind == SMTP_CLIENT_TLS)
		tls_begin(s);
	else if (event->kind == SMTP_CLIENT_READY)
		session_ready(s);
	else if (event->kind == SMTP_CLIENT_CONTENT)
		session_content_begin(s, CONTAINER_OF(event->job, struct job, smtp));
	else if (event->kind == SMTP_CLIENT_FINISHED)
		job_finished(s, CONTAINER_OF(event->job, struct job, smtp));
	else if (event->kind == SMTP_CLIENT_CLOSED)
		session_closed(s, event);
}

static void
session_drain(struct session *s)
{
	struct smtp_client_event event;
	struct results results;

	results.count = 0;
	while (!s->dead && smtp_client_next(&s->client, &event) != SMTP_CLIENT_NONE)
		event_handle(s, &results, &event);
	if (!s->dead)
		results_flush(s, &results);
}

/* ---- when to be called again */

static uint64_t
deadline_of(const struct session *s)
{
	uint64_t due = smtp_client_deadline(&s->client);

	if (s->blocked && s->moved_ms + s->settings->block_ms < due)
		due = s->moved_ms + s->settings->block_ms;
	if (s->ready && s->job_count == 0 && !s->quitting &&
	    s->idle_ms + s->settings->idle_ms < due)
		due = s->idle_ms + s->settings->idle_ms;
	return due;
}

/* The timer is left alone when it fires early enough: it looks again then. */
static void
timer_set(struct session *s)
{
	uint64_t due = s->shaking ? SMTP_CLIENT_NEVER : deadline_of(s);
	uint64_t now_ms = rt_now_ms(s->out->rt);

	if (due == SMTP_CLIENT_NEVER)
		return;
	if (!rt_timer_armed(&s->timer) || s->timer.due_ms > due)
		rt_timer_arm(&s->timer, due > now_ms ? due - now_ms : 0);
}

static void
idle_note(struct session *s)
{
	bool idle = s->ready && s->job_count == 0 && !s->quitting;

	if (idle && !list_linked(&s->idle_node)) {
		s->idle_ms = rt_now_ms(s->out->rt);
		list_push_back(&s->out->idle, &s->idle_node);
		destination_touch(s->destination);
	} else if (!idle) {
		list_remove(&s->idle_node);
	}
}

void
session_run(struct session *s)
{
	bool moved;

	if (s->dead || s->connecting)
		return;
	do {
		session_drain(s);
		if (s->dead)
			return;
		moved = !s->shaking && session_send(s);
		/* a broken socket shows itself in the machine's events */
	} while (moved);
	session_drain(s);
	if (s->dead)
		return;
	idle_note(s);
	timer_set(s);
}

/* ---- events of the socket and the timer */

static void
handshake_look(struct session *s)
{
	int err = conn_tls_result(s->conn);

	if (err == ERR_AGAIN)
		return;
	s->shaking = false;
	smtp_client_answer_tls(&s->client, err == 0, rt_now_ms(s->out->rt));
	if (!err)
		conn_want(s->conn, RT_READABLE);
	session_run(s);
}

static void
input_feed(struct session *s, struct slice input)
{
	while (input.len && !s->dead) {
		size_t used = smtp_client_feed(&s->client, input, rt_now_ms(s->out->rt));

		input = slice_from(input, used);
		session_drain(s);
		ASSERT(s->dead || used > 0);
	}
}

static void
session_read(struct session *s)
{
	ssize_t got = 1;

	for (int i = 0; i < READS_PER_EVENT && got > 0 && !s->dead && !s->shaking; i++) {
		got = conn_recv(s->conn, s->out->input, SMTPOUT_READ_BYTES);
		if (got > 0)
			input_feed(s, slice_of(s->out->input, (size_t)got));
		else if (got != ERR_AGAIN)
			smtp_client_lost(&s->client, rt_now_ms(s->out->rt));
		/* less than there was room for: most probably there is no more */
		if (got > 0 && (size_t)got < SMTPOUT_READ_BYTES / 2)
			break;
	}
}

static void
on_conn(void *ctx, unsigned events)
{
	struct session *s = ctx;

	if (s->connecting) {
		int err = conn_connect_result(s->conn);

		if (err == 0)
			connect_done(s);
		else if (err != ERR_AGAIN)
			connect_failed(s, err);
		return;
	}
	if (s->shaking) {
		handshake_look(s);
		return;
	}
	if (events & RT_READABLE)
		session_read(s);
	session_run(s);
}

static void
on_timer(void *ctx)
{
	struct session *s = ctx;
	uint64_t now_ms = rt_now_ms(s->out->rt);

	if (s->connecting) {
		connect_failed(s, ERR_TIMEOUT);
		return;
	}
	if (!s->shaking && deadline_of(s) <= now_ms) {
		if (s->ready && s->job_count == 0 && !s->quitting)
			session_quit(s);
		else
			smtp_client_expire(&s->client, now_ms);
	}
	session_run(s);
}

/* ---- what the destination asks for */

bool
session_can_take(const struct session *s, uint32_t jobs_max)
{
	if (!s->ready || s->dead || s->quitting || s->job_count >= jobs_max)
		return false;
	if (s->sent_count + s->job_count >= s->settings->messages_max)
		return false;
	return smtp_client_can_submit(&s->client);
}

void
session_give(struct session *s, struct job *job)
{
	ASSERT(job->is_open && s->ready);
	if (s->sent_count + s->job_count > 0)
		s->out->counters.reused++;
	list_push_back(&s->jobs, &job->node);
	s->job_count++;
	list_remove(&s->idle_node);
	smtp_client_submit(&s->client, &job->smtp, rt_now_ms(s->out->rt));
}

void
session_quit(struct session *s)
{
	ASSERT(s->job_count == 0);
	s->quitting = true;
	smtp_client_quit(&s->client, rt_now_ms(s->out->rt));
}

void
smtpout_session_abort(struct session *s)
{
	struct list_node *node;

	s->content = NULL;
	while ((node = list_pop_front(&s->jobs))) {
		job_give_back(CONTAINER_OF(node, struct job, node));
	}
	s->job_count = 0;
	session_drop(s);
}
