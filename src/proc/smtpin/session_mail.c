/*
 * session_mail: MAIL and RCPT. The sender is bound to the login (RFC 6409 6.1); each recipient is
 * looked up before it is answered, so that nothing is accepted only to bounce. The order of the
 * recipients is that of the client.
 */
#include "base/assert.h"
#include "proc/smtpin/session.h"
#include "resolver/idna.h"

static struct slice
keep_built(struct session *session, const struct smtp_address *address)
{
	struct builder b;
	struct slice text = SLICE_EMPTY;

	builder_init_arena(&b, &session->arena, SMTP_PATH_MAX);
	smtp_address_build(&b, address);
	if (builder_take(&b, &text))
		return SLICE_EMPTY; /* the arena remembers */
	return text;
}

static void
mail_ok(struct session *session)
{
	session_answer_reason(session, ADMIT_SENDER_OK);
}

void
session_on_mail(struct session *session, const struct smtp_server_event *event)
{
	int err = spool_writer_ready(session->in->writer);
	struct envelope *envelope;

	session_transaction_end(session);
	envelope = ARENA_NEW(&session->arena, struct envelope);
	if (!err && envelope) {
		envelope->sender = keep_built(session, &event->address);
		envelope->mail = event->mail;
		envelope->mail.envid = arena_keep(&session->arena, event->mail.envid);
		envelope->mail.auth = arena_keep(&session->arena, event->mail.auth);
		envelope->last = &envelope->first;
		session->envelope = envelope;
	}
	if (err || session->arena.failed) {
		session_answer_error(session, err ? err : ERR_NO_MEMORY);
		session_transaction_end(session);
		return;
	}
	if (session->login.len == 0 || event->address.flags & SMTP_ADDRESS_NULL)
		mail_ok(session);
	else if (!session_ask_bound(session, QUESTION_SENDER, &event->address))
		session_sender_answer(session, ADMIT_BOUND_LATER);
}

void
session_sender_answer(struct session *session, enum admit_bound bound)
{
	enum admit_reason reason = admit_sender(bound);

	session_answer_reason(session, reason);
	if (admit_refuses(reason))
		session_transaction_end(session);
}

/* What has to be known of a recipient when its answer comes. */
static struct session_rcpt *
keep_rcpt(struct session *session, const struct smtp_server_event *event)
{
	struct arena *arena = &session->arena;
	struct session_rcpt *rcpt = ARENA_NEW(arena, struct session_rcpt);
	struct builder b;

	if (!rcpt)
		return NULL;
	rcpt->address = event->address;
	rcpt->address.local = arena_keep(arena, event->address.local);
	rcpt->address.domain = arena_keep(arena, event->address.domain);
	rcpt->spool.orcpt = arena_keep(arena, event->rcpt.orcpt);
	rcpt->spool.notify = (uint8_t)event->rcpt.notify;
	builder_init_arena(&b, arena, 2 * SMTP_PATH_MAX);
	smtp_address_build(&b, &event->address);
	if (event->address.flags & SMTP_ADDRESS_POSTMASTER) {
		builder_byte(&b, '@');
		builder_lower(&b, session->service->smtp.hostname);
	}
	if (builder_take(&b, &rcpt->spool.address))
		return NULL;
	return arena->failed ? NULL : rcpt;
}

/* Asks the directory. ADMIT_OK: asked; else why not. */
static enum admit_reason
ask_rcpt(struct session *session, struct session_rcpt *rcpt)
{
	struct builder domain;
	uint32_t request;
	int err = 0;

	builder_init_arena(&domain, &session->arena, SMTP_DOMAIN_MAX);
	/* <Postmaster> has none. */
	if (rcpt->address.domain.len)
		err = idna_to_ascii(rcpt->address.domain, &domain);
	if (rcpt->address.domain.len && !err)
		err = builder_take(&domain, &rcpt->spool.target);
	if (err == ERR_NO_MEMORY || session->arena.failed)
		return ADMIT_LATER;
	if (err)
		return ADMIT_DOMAIN_BAD;
	request = session_ask_begin(session, QUESTION_RCPT);
	if (!request)
		return ADMIT_LATER;
	if (IPC_SEND(session->in->directory, DIR_RCPT_ASK, dir_rcpt_ask, .request = request,
		     .local = rcpt->address.local, .domain = rcpt->spool.target)) {
		session_ask_end(session);
		return ADMIT_LATER;
	}
	session->envelope->asked = rcpt;
	return ADMIT_OK;
}

void
session_on_rcpt(struct session *session, const struct smtp_server_event *event)
{
	enum admit_reason reason = admit_rcpt_form(&event->address);
	struct session_rcpt *rcpt;

	ASSERT(session->envelope);
	if (!admit_refuses(reason)) {
		rcpt = keep_rcpt(session, event);
		if (!rcpt) {
			session_answer_error(session, ERR_NO_MEMORY);
			return;
		}
		reason = ask_rcpt(session, rcpt);
		if (!admit_refuses(reason))
			return;
	}
	session->in->counters.refused_recipients++;
	session_answer_reason(session, reason);
}

/* The same address with the same wishes for reports: whoever gave it twice cannot tell one copy
 * from two by anything but their number. Whether case matters in a local part only its own host
 * knows. */
static bool
is_same(const struct session_rcpt *a, const struct session_rcpt *b)
{
	if (a->spool.kind != b->spool.kind || a->spool.notify != b->spool.notify ||
	    !slice_eq(a->spool.orcpt, b->spool.orcpt) ||
	    !slice_eq(a->spool.target, b->spool.target))
		return false;
	return a->spool.kind == SPOOL_RCPT_LOCAL
		       ? slice_eq_nocase(a->spool.address, b->spool.address)
		       : slice_eq(a->address.local, b->address.local);
}

static bool
is_there(const struct envelope *envelope, const struct session_rcpt *rcpt)
{
	const struct session_rcpt *have = envelope->first;

	while (have && !is_same(have, rcpt))
		have = have->next;
	return have != NULL;
}

static void
rcpt_add(struct session *session, struct session_rcpt *rcpt, const struct ipc_dir_rcpt *answer)
{
	struct envelope *envelope = session->envelope;
	struct builder b;

	rcpt->spool.kind = SPOOL_RCPT_REMOTE;
	if (answer->kind == DIR_RCPT_LOCAL) {
		rcpt->spool.kind = SPOOL_RCPT_LOCAL;
		builder_init_arena(&b, &session->arena, SPOOL_ADDRESS_MAX);
		builder_add(&b, answer->mailbox);
		builder_byte(&b, '@');
		builder_add(&b, answer->postoffice);
		if (builder_take(&b, &rcpt->spool.target)) {
			session_answer_error(session, ERR_NO_MEMORY);
			return;
		}
	}
	if (!is_there(envelope, rcpt)) {
		*envelope->last = rcpt;
		envelope->last = &rcpt->next;
		envelope->rcpt_count++;
	}
	session_answer_reason(session, ADMIT_OK);
}

void
session_rcpt_answer(struct session *session, const struct ipc_dir_rcpt *answer)
{
	static const enum admit_place places[] = {
		[DIR_RCPT_NOT_LOCAL] = ADMIT_PLACE_ELSEWHERE,
		[DIR_RCPT_LOCAL] = ADMIT_PLACE_LOCAL,
		[DIR_RCPT_UNKNOWN] = ADMIT_PLACE_UNKNOWN,
		[DIR_RCPT_LATER] = ADMIT_PLACE_LATER,
	};
	struct admit_client client = {.authenticated = session->login.len > 0,
				      .trusted = session->trusted};
	struct session_rcpt *rcpt;
	enum admit_reason reason;

	ASSERT(session->envelope && session->envelope->asked);
	rcpt = session->envelope->asked;
	session->envelope->asked = NULL;
	reason = admit_rcpt(&rcpt->address, places[answer->kind], &client);
	if (!admit_refuses(reason)) {
		rcpt_add(session, rcpt, answer);
		return;
	}
	session->in->counters.refused_recipients++;
	session_answer_reason(session, reason);
}
