/*
 * session_message: from DATA to the 250 that means durable. The header block is looked at once,
 * when it is complete: whom From and Sender name (bound to the login), and whether Date and
 * Message-ID are missing (submission adds them, RFC 6409 8). What the client sent stays as it is;
 * the trace fields go in front (RFC 5321 4.4).
 */
#include "base/assert.h"
#include "proc/smtpin/session.h"
#include "wire/message/address_list.h"
#include "wire/message/header.h"
#include "wire/message/received.h"

#define TRACE_BYTES_MAX ((size_t)RECEIVED_BYTES_MAX + 1024)
#define TEXT_LINE_BYTES 1000u

static bool
is_submission(const struct session *session)
{
	return session->service->kind != CONFIG_KIND_MX;
}

void
session_on_data(struct session *session, const struct smtp_server_event *event)
{
	int err = spool_draft_begin(session->in->writer, session->envelope->mail.size,
				    &session->draft);

	(void)event;
	if (err) {
		session_answer_error(session, err);
		return;
	}
	spool_draft_keep_head(session->draft, true);
	session_answer(session, 354, NULL, "");
}

/* False when there are too many. */
static bool
keep_authors(struct session *session, const struct address_list *list)
{
	struct envelope *envelope = session->envelope;

	for (size_t i = 0; i < list->count; i++) {
		struct smtp_address *author = &envelope->authors[envelope->author_count];

		if (envelope->author_count == SESSION_AUTHORS_MAX)
			return false;
		author->local = arena_keep(&session->arena, list->items[i].local);
		author->domain = arena_keep(&session->arena, list->items[i].domain);
		envelope->author_count++;
	}
	return true;
}

/* The addresses of From and Sender, to be asked about; the reason when they are no good. */
static enum admit_reason
read_authors(struct session *session, struct slice head)
{
	struct message_author author;
	enum admit_reason reason;
	int err = message_author_read(head, &session->arena, &author);

	if (err)
		return err == ERR_NO_MEMORY ? ADMIT_SENDER_LATER : ADMIT_AUTHOR_SYNTAX;
	reason = admit_author_fields(author.from_fields, author.from.count);
	if (admit_refuses(reason))
		return reason;
	if (author.sender_fields > 1 || !keep_authors(session, &author.from) ||
	    !keep_authors(session, &author.sender))
		return ADMIT_AUTHOR_SYNTAX;
	return session->arena.failed ? ADMIT_SENDER_LATER : ADMIT_AUTHOR_OK;
}

static void
read_head(struct session *session)
{
	struct envelope *envelope = session->envelope;
	size_t len = (size_t)session->smtp.data.header_size;
	struct slice head = spool_draft_head(session->draft, len);

	envelope->head_read = true;
	spool_draft_keep_head(session->draft, false);
	envelope->author = ADMIT_AUTHOR_OK;
	if (!is_submission(session))
		return;
	envelope->date_missing = header_count(head, SLICE("Date")) == 0;
	envelope->id_missing = header_count(head, SLICE("Message-ID")) == 0;
	if (session->login.len)
		envelope->author = read_authors(session, head);
}

void
session_on_body(struct session *session, const struct smtp_server_event *event)
{
	if (!session->draft)
		return;
	spool_draft_add(session->draft, event->bytes);
	if (session->smtp.data.in_body && !session->envelope->head_read)
		read_head(session);
}

static unsigned
with_keyword(const struct session *session)
{
	unsigned with = 0;

	if (session->esmtp)
		with |= RECEIVED_ESMTP;
	if (session->smtp.tls)
		with |= RECEIVED_TLS;
	if (session->login.len)
		with |= RECEIVED_AUTH;
	if (session->envelope->mail.utf8)
		with |= RECEIVED_UTF8;
	return with;
}

static struct slice
tls_text(struct session *session)
{
	struct conn_tls_info info;
	struct builder b;
	struct slice text = SLICE_EMPTY;

	if (!session->smtp.tls)
		return SLICE_EMPTY;
	info = conn_tls_info(session->conn);
	builder_init_arena(&b, &session->arena, SPOOL_TEXT_MAX);
	builder_str(&b, info.version);
	builder_byte(&b, ' ');
	builder_str(&b, info.cipher);
	return builder_take(&b, &text) ? SLICE_EMPTY : text;
}

struct trace_input {
	struct slice tls, id, client;
	struct date date;
};

/*
 * A submitter's address and name for itself are nobody's business (issue of privacy, RFC 6409). The
 * trace stays ASCII: a UTF-8 address in it would need SMTPUTF8 at the next hop even where that
 * hop's envelope and the message do without (RFC 6531 3.7.3 leaves the clause to us).
 */
static void
build_received(struct session *session, struct builder *b, const struct trace_input *input)
{
	const struct envelope *envelope = session->envelope;
	struct received received = {
		.by = session->service->smtp.hostname,
		.with = with_keyword(session),
		.tls = input->tls,
		.id = input->id,
		.date = input->date,
	};

	if (!is_submission(session)) {
		received.helo = session->helo;
		received.client_ip = input->client;
	}
	if (envelope->rcpt_count == 1 && slice_is_ascii(envelope->first->spool.address))
		received.recipient = envelope->first->spool.address;
	received_build(b, &received);
}

static struct slice
build_trace(struct session *session, msg_id id, int64_t wall_ms, struct slice tls)
{
	struct envelope *envelope = session->envelope;
	uint8_t id_text[MSG_ID_TEXT_LEN], client_text[NET_ADDR_TEXT_MAX];
	struct builder b, id_builder, client;
	struct trace_input input = {.tls = tls};
	struct slice trace = SLICE_EMPTY;

	builder_init_fixed(&id_builder, id_text, sizeof(id_text));
	msg_id_format(&id_builder, id);
	builder_init_fixed(&client, client_text, sizeof(client_text));
	net_addr_format(&client, &session->client);
	input.id = builder_slice(&id_builder);
	input.client = builder_slice(&client);
	input.date = date_of(wall_ms / 1000, rt_utc_offset_min(session->in->boot->rt, wall_ms));
	builder_init_arena(&b, &session->arena, TRACE_BYTES_MAX);
	build_received(session, &b, &input);
	if (envelope->date_missing) {
		builder_str(&b, "Date: ");
		date_build(&b, input.date);
		builder_str(&b, "\r\n");
	}
	if (envelope->id_missing) {
		builder_str(&b, "Message-ID: ");
		message_id_build(&b, input.id, session->service->smtp.hostname);
		builder_str(&b, "\r\n");
	}
	return builder_take(&b, &trace) ? SLICE_EMPTY : trace;
}

static uint16_t
spool_flags(const struct session *session)
{
	const struct smtp_data *data = &session->smtp.data;
	unsigned flags = 0;

	if (data->flags & SMTP_DATA_EIGHT_BIT)
		flags |= SPOOL_EIGHT_BIT;
	if (data->flags & SMTP_DATA_EIGHT_BIT_HEADER)
		flags |= SPOOL_HEADER_EIGHT_BIT;
	if (data->flags & SMTP_DATA_NO_FINAL_CRLF)
		flags |= SPOOL_NO_FINAL_CRLF;
	if (data->line_longest > TEXT_LINE_BYTES)
		flags |= SPOOL_LONG_LINES;
	if (session->envelope->mail.utf8)
		flags |= SPOOL_UTF8;
	if (session->login.len || session->trusted)
		flags |= SPOOL_SUBMISSION;
	return (uint16_t)flags;
}

/* The recipients in one row; NULL without memory. */
static struct spool_rcpt *
rcpt_row(struct session *session)
{
	const struct envelope *envelope = session->envelope;
	struct spool_rcpt *row =
		arena_alloc(&session->arena, envelope->rcpt_count * sizeof(struct spool_rcpt));
	size_t count = 0;

	for (const struct session_rcpt *rcpt = envelope->first; row && rcpt; rcpt = rcpt->next)
		row[count++] = rcpt->spool;
	ASSERT(!row || count == envelope->rcpt_count);
	return row;
}

static void
log_accepted(struct session *session, msg_id id, int err)
{
	const struct envelope *envelope = session->envelope;
	struct log_line line;

	session_log(session, &line, err ? EVENT_smtpin_later : EVENT_smtpin_accept);
	log_msg(&line, id);
	log_addr(&line, "client", &session->client);
	if (err)
		log_err(&line, err);
	if (envelope) {
		log_text(&line, "from", envelope->sender);
		log_number(&line, "rcpts", envelope->rcpt_count);
	}
	log_number(&line, "size", (int64_t)session->smtp.data.size);
	if (session->login.len)
		log_text(&line, "login", session->login);
	log_end(&line);
}

static void
answer_accepted(struct session *session, msg_id id)
{
	uint8_t text[64];
	struct builder b;
	struct smtp_answer answer = {.code = 250, .status = "2.0.0"};

	builder_init_fixed(&b, text, sizeof(text));
	builder_str(&b, "Accepted as ");
	msg_id_format(&b, id);
	answer.text = builder_slice(&b);
	smtp_server_answer(&session->smtp, &answer, rt_now_ms(session->in->boot->rt));
}

static void
committed(void *ctx, msg_id id, int err)
{
	struct session *session = ctx;

	session->committing = false;
	log_accepted(session, id, err);
	if (!err)
		session->in->counters.messages++;
	if (session->phase == SESSION_GONE) {
		session_free(session);
		return;
	}
	session->messages += err == 0;
	if (err)
		session_answer_error(session, err);
	else
		answer_accepted(session, id);
	session_transaction_end(session);
	session_pump(session);
}

static void
commit(struct session *session)
{
	struct envelope *envelope = session->envelope;
	msg_id id = spool_draft_id(session->draft);
	struct spool_accept accept = {
		.accepted_wall_ms = rt_wall_ms(session->in->boot->rt),
		.sender = envelope->sender,
		.ret = (uint8_t)envelope->mail.ret,
		.envid = envelope->mail.envid,
		.flags = spool_flags(session),
		.protocol = session->esmtp ? SPOOL_PROTOCOL_ESMTP : SPOOL_PROTOCOL_SMTP,
		.listener = service_name(session->service),
		.helo = session->helo,
		.login = session->login,
		.tls = tls_text(session),
		.client = session->client,
		.rcpts = rcpt_row(session),
		.rcpt_count = envelope->rcpt_count,
		.header_len = (uint32_t)session->smtp.data.header_size,
	};
	struct slice trace = build_trace(session, id, accept.accepted_wall_ms, accept.tls);

	if (session->arena.failed || trace.len == 0) {
		session_answer_error(session, ERR_NO_MEMORY);
		session_transaction_end(session);
		return;
	}
	session->committing = true;
	spool_draft_commit(&session->draft, trace, &accept, committed, session);
}

/* The next author to ask about, or the commit. */
static void
check_authors(struct session *session)
{
	struct envelope *envelope = session->envelope;

	if (envelope->authors_checked == envelope->author_count) {
		commit(session);
		return;
	}
	if (!session_ask_bound(session, QUESTION_AUTHOR,
			       &envelope->authors[envelope->authors_checked]))
		session_author_answer(session, ADMIT_BOUND_LATER);
}

void
session_author_answer(struct session *session, enum admit_bound bound)
{
	enum admit_reason reason = admit_author(bound);

	if (admit_refuses(reason)) {
		session_answer_reason(session, reason);
		session_transaction_end(session);
		return;
	}
	session->envelope->authors_checked++;
	check_authors(session);
}

void
session_on_message(struct session *session, const struct smtp_server_event *event)
{
	int err = spool_draft_error(session->draft);

	(void)event;
	if (!err && !session->envelope->head_read) {
		read_head(session);
		err = spool_draft_error(session->draft);
	}
	if (!err && !admit_refuses(session->envelope->author)) {
		check_authors(session);
		return;
	}
	if (err)
		session_answer_error(session, err);
	else
		session_answer_reason(session, session->envelope->author);
	session_transaction_end(session);
}
