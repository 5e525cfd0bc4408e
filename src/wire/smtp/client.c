/*
 * smtp client: the session. Greeting, EHLO (HELO when it is refused), STARTTLS, EHLO again, AUTH;
 * then jobs (client_transaction.c) until quit or the end. One row of a table for each state: which
 * stage it is and what a reply means there. A 421 ends the session wherever it comes.
 */
#include "wire/smtp/client.h"

#include <string.h>

#include "base/assert.h"
#include "wire/smtp/client_private.h"

enum session_state {
	STATE_GREETING,
	STATE_EHLO,
	STATE_HELO,
	STATE_STARTTLS,
	STATE_HANDSHAKE,
	STATE_PLAIN,
	STATE_LOGIN,
	STATE_LOGIN_NAME,
	STATE_LOGIN_PASSWORD,
	STATE_OPEN,
	STATE_QUIT,
	STATE_CLOSED,
	STATE_MAX
};

static void greeting_reply(struct smtp_client *c);
static void ehlo_reply(struct smtp_client *c);
static void helo_reply(struct smtp_client *c);
static void starttls_reply(struct smtp_client *c);
static void login_reply(struct smtp_client *c);
static void login_name_reply(struct smtp_client *c);
static void login_password_reply(struct smtp_client *c);
static void quit_reply(struct smtp_client *c);

static const struct session_row {
	enum smtp_client_stage stage;
	void (*reply)(struct smtp_client *c);
} session_rows[STATE_MAX] = {
	[STATE_GREETING] = {SMTP_CLIENT_STAGE_GREETING, greeting_reply},
	[STATE_EHLO] = {SMTP_CLIENT_STAGE_HELLO, ehlo_reply},
	[STATE_HELO] = {SMTP_CLIENT_STAGE_HELLO, helo_reply},
	[STATE_STARTTLS] = {SMTP_CLIENT_STAGE_TLS, starttls_reply},
	[STATE_HANDSHAKE] = {SMTP_CLIENT_STAGE_TLS, NULL},
	[STATE_PLAIN] = {SMTP_CLIENT_STAGE_LOGIN, login_reply},
	[STATE_LOGIN] = {SMTP_CLIENT_STAGE_LOGIN, login_name_reply},
	[STATE_LOGIN_NAME] = {SMTP_CLIENT_STAGE_LOGIN, login_password_reply},
	[STATE_LOGIN_PASSWORD] = {SMTP_CLIENT_STAGE_LOGIN, login_reply},
	[STATE_OPEN] = {SMTP_CLIENT_STAGE_SENDER, smtp_client_job_reply},
	[STATE_QUIT] = {SMTP_CLIENT_STAGE_QUIT, quit_reply},
	[STATE_CLOSED] = {SMTP_CLIENT_STAGE_QUIT, NULL},
};

void
smtp_client_limits_default(uint32_t ret_limit_ms[SMTP_CLIENT_STAGE_MAX])
{
	static const uint32_t minutes[SMTP_CLIENT_STAGE_MAX] = {
		[SMTP_CLIENT_STAGE_GREETING] = 5, [SMTP_CLIENT_STAGE_HELLO] = 5,
		[SMTP_CLIENT_STAGE_TLS] = 2,	  [SMTP_CLIENT_STAGE_LOGIN] = 5,
		[SMTP_CLIENT_STAGE_SENDER] = 5,	  [SMTP_CLIENT_STAGE_RECIPIENT] = 5,
		[SMTP_CLIENT_STAGE_DATA] = 2,	  [SMTP_CLIENT_STAGE_FINAL] = 10,
		[SMTP_CLIENT_STAGE_QUIT] = 1,
	};

	for (size_t i = 0; i < SMTP_CLIENT_STAGE_MAX; i++)
		ret_limit_ms[i] = minutes[i] * 60000u;
}

void
smtp_client_init(struct smtp_client *c, const struct smtp_client_options *options, uint64_t now_ms)
{
	ASSERT(options->helo.len > 0 && options->helo.len <= SMTP_CLIENT_ADDR_MAX);
	ASSERT(options->login.len <= SMTP_CLIENT_LOGIN_MAX);
	ASSERT(options->password.len <= SMTP_CLIENT_LOGIN_MAX);
	/* the big buffers need no zeros */
	memset(c, 0, offsetof(struct smtp_client, reply));
	c->out_at = c->out_len = 0;
	c->options = options;
	c->in_tls = options->tls_now;
	c->now_ms = c->since_ms = now_ms;
	c->state = STATE_GREETING;
	smtp_reply_init(&c->reply);
}

void
smtp_client_end(struct smtp_client *c, enum smtp_client_stage stage, enum smtp_client_how how)
{
	bool polite = c->state < STATE_OPEN && how == SMTP_CLIENT_HOW_REPLY;

	ASSERT(c->state != STATE_CLOSED);
	c->state = STATE_CLOSED;
	c->end_stage = stage;
	c->end_how = how;
	c->out_at = c->out_len = 0;
	/* RFC 5321 3.1: even who was refused by the greeting says goodbye */
	if (polite && c->reply.code != 421)
		smtp_client_say(c, "QUIT", SLICE_EMPTY);
}

static enum smtp_client_stage
stage_now(const struct smtp_client *c)
{
	const struct smtp_client_job *job = smtp_client_job_awaited(c);

	if (c->state != STATE_OPEN)
		return session_rows[c->state].stage;
	if (!job && c->job_count)
		job = c->jobs[0];
	return job ? smtp_client_job_stage(job) : SMTP_CLIENT_STAGE_SENDER;
}

/* ---- the session's replies */

static void
session_refused(struct smtp_client *c)
{
	bool refusal = smtp_reply_class(&c->reply) >= 4;

	smtp_client_end(c, stage_now(c),
			refusal ? SMTP_CLIENT_HOW_REPLY : SMTP_CLIENT_HOW_PROTOCOL);
}

static void
say_ehlo(struct smtp_client *c)
{
	c->caps = (struct smtp_caps){0};
	c->state = STATE_EHLO;
	smtp_client_say(c, "EHLO ", c->options->helo);
}

static void
greeting_reply(struct smtp_client *c)
{
	if (smtp_reply_class(&c->reply) != 2) {
		session_refused(c);
		return;
	}
	c->greeting_ms = c->now_ms;
	say_ehlo(c);
}

static void
session_open(struct smtp_client *c)
{
	c->ready_ms = c->now_ms;
	c->state = STATE_OPEN;
}

/* TLS is done or will not be: log in where that is wanted. */
static void
login_begin(struct smtp_client *c)
{
	if (c->options->login.len == 0) {
		session_open(c);
		return;
	}
	if ((!c->in_tls && !c->options->login_plain) || c->caps.auth == 0) {
		smtp_client_end(c, SMTP_CLIENT_STAGE_LOGIN, SMTP_CLIENT_HOW_NO_LOGIN);
		return;
	}
	if (c->caps.auth & SMTP_AUTH_PLAIN) {
		c->state = STATE_PLAIN;
		smtp_client_say_plain(c);
	} else {
		c->state = STATE_LOGIN;
		smtp_client_say(c, "AUTH LOGIN", SLICE_EMPTY);
	}
}

/* The hello is over: TLS first, where it is wanted and possible. */
static void
hello_done(struct smtp_client *c)
{
	c->hello_ms = c->now_ms;
	if (c->in_tls || c->options->tls == SMTP_CLIENT_TLS_NEVER) {
		login_begin(c);
	} else if (c->caps.starttls) {
		c->state = STATE_STARTTLS;
		smtp_client_say(c, "STARTTLS", SLICE_EMPTY);
	} else if (c->options->tls == SMTP_CLIENT_TLS_MUST) {
		smtp_client_end(c, SMTP_CLIENT_STAGE_TLS, SMTP_CLIENT_HOW_NO_TLS);
	} else {
		login_begin(c);
	}
}

static void
ehlo_reply(struct smtp_client *c)
{
	/* only ESMTP brings TLS and login */
	bool must =
		c->options->login.len || (!c->in_tls && c->options->tls == SMTP_CLIENT_TLS_MUST);

	if (smtp_reply_class(&c->reply) == 2) {
		c->esmtp = true;
		hello_done(c);
		return;
	}
	c->caps = (struct smtp_caps){0};
	if (smtp_reply_class(&c->reply) == 5 && !must) {
		c->state = STATE_HELO;
		smtp_client_say(c, "HELO ", c->options->helo);
	} else {
		session_refused(c);
	}
}

static void
helo_reply(struct smtp_client *c)
{
	if (smtp_reply_class(&c->reply) == 2)
		hello_done(c);
	else
		session_refused(c);
}

static void
starttls_reply(struct smtp_client *c)
{
	if (smtp_reply_class(&c->reply) == 2)
		c->state = STATE_HANDSHAKE;
	else if (smtp_reply_class(&c->reply) == 3 || c->options->tls == SMTP_CLIENT_TLS_MUST)
		session_refused(c);
	else
		login_begin(c);
}

void
smtp_client_answer_tls(struct smtp_client *c, bool done, uint64_t now_ms)
{
	ASSERT(c->state == STATE_HANDSHAKE && c->tls_asked);
	c->now_ms = c->since_ms = now_ms;
	if (!done) {
		smtp_client_end(c, SMTP_CLIENT_STAGE_TLS, SMTP_CLIENT_HOW_HANDSHAKE);
		return;
	}
	/* RFC 3207 4.2: what was learned before is forgotten, here and by the EHLO that follows */
	c->in_tls = true;
	c->esmtp = false;
	c->tls_ms = now_ms;
	say_ehlo(c);
}

static void
login_reply(struct smtp_client *c)
{
	if (smtp_reply_class(&c->reply) != 2) {
		session_refused(c);
		return;
	}
	c->logged_in = true;
	session_open(c);
}

static void
login_name_reply(struct smtp_client *c)
{
	if (smtp_reply_class(&c->reply) != 3) {
		session_refused(c);
		return;
	}
	c->state = STATE_LOGIN_NAME;
	smtp_client_say_base64(c, "", c->options->login);
}

static void
login_password_reply(struct smtp_client *c)
{
	if (smtp_reply_class(&c->reply) != 3) {
		session_refused(c);
		return;
	}
	c->state = STATE_LOGIN_PASSWORD;
	smtp_client_say_base64(c, "", c->options->password);
}

static void
quit_reply(struct smtp_client *c)
{
	smtp_client_end(c, SMTP_CLIENT_STAGE_QUIT, SMTP_CLIENT_HOW_DONE);
}

static void
reply_dispatch(struct smtp_client *c)
{
	if (c->state == STATE_CLOSED)
		return;
	if (c->reply.code == 421 && c->state != STATE_QUIT)
		smtp_client_end(c, stage_now(c), SMTP_CLIENT_HOW_REPLY);
	else
		session_rows[c->state].reply(c);
}

/* ---- what the owner calls */

size_t
smtp_client_feed(struct smtp_client *c, struct slice input, uint64_t now_ms)
{
	size_t used;
	int got;

	c->now_ms = now_ms;
	/* RFC 3207 4.2: what comes in the clear behind the reply to STARTTLS is nobody's */
	if (c->state == STATE_HANDSHAKE || c->state == STATE_CLOSED)
		return input.len;
	if (c->have_reply || c->settle.job)
		return 0;
	if (c->reply.complete)
		smtp_reply_init(&c->reply);
	c->reply.caps = c->state == STATE_EHLO ? &c->caps : NULL;
	got = smtp_reply_feed(&c->reply, input, &used);
	if (got > 0) {
		c->have_reply = true;
		c->since_ms = now_ms;
	} else if (got < 0) {
		smtp_client_end(c, stage_now(c), SMTP_CLIENT_HOW_PROTOCOL);
	}
	return used;
}

static void
session_fail(struct smtp_client *c, enum smtp_client_how how, uint64_t now_ms)
{
	ASSERT(!c->have_reply && !c->settle.job);
	c->now_ms = now_ms;
	if (c->state == STATE_CLOSED)
		return;
	if (c->state == STATE_QUIT)
		how = SMTP_CLIENT_HOW_DONE;
	smtp_client_end(c, stage_now(c), how);
}

void
smtp_client_lost(struct smtp_client *c, uint64_t now_ms)
{
	session_fail(c, SMTP_CLIENT_HOW_LOST, now_ms);
}

void
smtp_client_expire(struct smtp_client *c, uint64_t now_ms)
{
	session_fail(c, SMTP_CLIENT_HOW_TIMEOUT, now_ms);
}

/* The next recipient that is settled; false: all of them are. */
static bool
settle_next(struct smtp_client *c, struct smtp_client_event *ret_event)
{
	struct smtp_client_settle *settle = &c->settle;
	struct smtp_client_job *job = settle->job;

	for (; settle->at < settle->end; settle->at++) {
		struct smtp_client_rcpt *rcpt = &job->rcpts[settle->at];

		if (!(settle->states & 1u << rcpt->state))
			continue;
		rcpt->state = SMTP_CLIENT_RCPT_SETTLED;
		ret_event->kind = SMTP_CLIENT_RESULT;
		ret_event->job = job;
		ret_event->rcpt = settle->at;
		ret_event->stage = settle->stage;
		ret_event->how = settle->how;
		return true;
	}
	settle->job = NULL;
	return false;
}

static void
event_of_end(struct smtp_client *c, struct smtp_client_event *ret_event)
{
	if (smtp_client_job_return(c, ret_event) || c->closed_told)
		return;
	c->closed_told = true;
	ret_event->kind = SMTP_CLIENT_CLOSED;
	ret_event->stage = c->end_stage;
	ret_event->how = c->end_how;
}

/* One event without replies and settling, which have been seen to. */
static void
event_of_state(struct smtp_client *c, struct smtp_client_event *ret_event)
{
	if (c->state == STATE_HANDSHAKE && !c->tls_asked) {
		c->tls_asked = true;
		c->since_ms = c->now_ms;
		ret_event->kind = SMTP_CLIENT_TLS;
	} else if (c->state == STATE_OPEN && !c->ready_told) {
		c->ready_told = true;
		ret_event->kind = SMTP_CLIENT_READY;
	} else if (c->state == STATE_OPEN) {
		smtp_client_job_next(c, ret_event);
	} else if (c->state == STATE_CLOSED) {
		event_of_end(c, ret_event);
	}
}

enum smtp_client_event_kind
smtp_client_next(struct smtp_client *c, struct smtp_client_event *ret_event)
{
	for (;;) {
		*ret_event = (struct smtp_client_event){.kind = SMTP_CLIENT_NONE};
		if (c->settle.job && settle_next(c, ret_event))
			break;
		event_of_state(c, ret_event);
		if (ret_event->kind != SMTP_CLIENT_NONE)
			break;
		if (c->settle.job)
			continue;
		if (!c->have_reply)
			break;
		c->have_reply = false;
		reply_dispatch(c);
	}
	if (ret_event->how == SMTP_CLIENT_HOW_REPLY || ret_event->how == SMTP_CLIENT_HOW_PROTOCOL)
		ret_event->reply = c->reply.complete && c->reply.text_len ? &c->reply : NULL;
	return ret_event->kind;
}

void
smtp_client_quit(struct smtp_client *c, uint64_t now_ms)
{
	ASSERT(c->job_count == 0);
	c->now_ms = now_ms;
	if (c->state == STATE_OPEN && !smtp_client_has_room(c)) {
		/* A peer that answered what it has not yet read, and reads nothing. */
		smtp_client_end(c, SMTP_CLIENT_STAGE_QUIT, SMTP_CLIENT_HOW_DONE);
	} else if (c->state == STATE_OPEN) {
		smtp_client_say(c, "QUIT", SLICE_EMPTY);
		c->state = STATE_QUIT;
	} else if (c->state < STATE_OPEN) {
		smtp_client_end(c, stage_now(c), SMTP_CLIENT_HOW_DONE);
	}
}

bool
smtp_client_can_submit(const struct smtp_client *c)
{
	if (c->state > STATE_OPEN || c->job_count == SMTP_CLIENT_JOBS_MAX)
		return false;
	return c->caps.mail_max == 0 || c->mail_begun + c->job_count < c->caps.mail_max;
}

struct slice
smtp_client_output(struct smtp_client *c)
{
	if (c->state == STATE_OPEN && c->ready_told && !c->settle.job)
		smtp_client_job_fill(c);
	return slice_of(c->out + c->out_at, c->out_len - c->out_at);
}

void
smtp_client_output_taken(struct smtp_client *c, size_t len, uint64_t now_ms)
{
	ASSERT(len <= c->out_len - c->out_at);
	if (len == 0)
		return;
	c->now_ms = c->since_ms = now_ms;
	/* a login may have been among them */
	if (!c->ready_told)
		memset(c->out + c->out_at, 0, len);
	c->out_at += len;
	if (c->out_at < c->out_len)
		return;
	c->out_at = c->out_len = 0;
}

uint64_t
smtp_client_deadline(const struct smtp_client *c)
{
	const struct smtp_client_job *job = smtp_client_job_awaited(c);
	uint64_t since_ms = c->since_ms;

	if (c->state == STATE_CLOSED || (c->state == STATE_OPEN && !job))
		return SMTP_CLIENT_NEVER;
	/* the owner sees to it that content moves */
	if (job && job->content_asked && !job->content_out)
		return SMTP_CLIENT_NEVER;
	/* the next job's envelope may have gone out since, which is no reason to wait longer */
	if (job && job->content_out)
		since_ms = job->content_ms;
	return since_ms + c->options->limit_ms[stage_now(c)];
}

const char *
smtp_client_event_str(unsigned kind)
{
	static const char *const names[] = {
#define X(NAME, text) text,
		SMTP_CLIENT_EVENTS(X)
#undef X
	};

	ASSERT(kind < SMTP_CLIENT_EVENT_MAX);
	return names[kind];
}
