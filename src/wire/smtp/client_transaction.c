/*
 * smtp client: transactions. A job walks through the steps RSET, MAIL, RCPT, DATA, CONTENT twice:
 * send runs ahead as far as the peer allows (RFC 2920), expect follows with the replies. Job n + 1
 * may begin while job n waits for its final reply, because whatever that is, it ends the
 * transaction. Otherwise a transaction that is left open is ended by RSET, sent only when another
 * one follows.
 *
 * A peer that takes only some recipients of a transaction (LIMITS RCPTMAX, RFC 9422, or 452 after
 * it has taken others, RFC 5321 4.5.3.1.10) gets the rest in further transactions.
 */
#include "base/assert.h"
#include "wire/smtp/client_private.h"

enum smtp_client_stage
smtp_client_job_stage(const struct smtp_client_job *job)
{
	if (job->expect <= STEP_MAIL)
		return SMTP_CLIENT_STAGE_SENDER;
	if (job->expect == STEP_RCPT)
		return SMTP_CLIENT_STAGE_RECIPIENT;
	if (job->expect == STEP_DATA || !job->content_out)
		return SMTP_CLIENT_STAGE_DATA;
	return SMTP_CLIENT_STAGE_FINAL;
}

/* A command (or the content) has been sent and is not answered. */
static bool
job_is_awaited(const struct smtp_client_job *job)
{
	if (job->expect == STEP_RCPT)
		return job->answered_count < job->sent_count || job->data_sent;
	return job->expect < job->send;
}

struct smtp_client_job *
smtp_client_job_awaited(const struct smtp_client *c)
{
	for (uint32_t i = 0; i < c->job_count; i++) {
		if (job_is_awaited(c->jobs[i]))
			return c->jobs[i];
	}
	return NULL;
}

void
smtp_client_submit(struct smtp_client *c, struct smtp_client_job *job, uint64_t now_ms)
{
	ASSERT(smtp_client_can_submit(c));
	ASSERT(job->rcpt_count > 0 && job->send == STEP_START && !job->begun);
	c->now_ms = now_ms;
	c->jobs[c->job_count++] = job;
}

static void
job_remove(struct smtp_client *c, uint32_t index, struct smtp_client_event *ret_event)
{
	struct smtp_client_job *job = c->jobs[index];

	if (job->end_ms == 0)
		job->end_ms = c->now_ms;
	for (uint32_t i = 0; i < job->rcpt_count; i++) {
		if (job->rcpts[i].state != SMTP_CLIENT_RCPT_SETTLED)
			job->rcpts[i].state = SMTP_CLIENT_RCPT_WAITS;
	}
	c->job_count--;
	for (uint32_t i = index; i < c->job_count; i++)
		c->jobs[i] = c->jobs[i + 1];
	ret_event->kind = SMTP_CLIENT_FINISHED;
	ret_event->job = job;
}

/* ---- events */

static bool
can_begin(const struct smtp_client *c)
{
	return c->caps.mail_max == 0 || c->mail_begun < c->caps.mail_max;
}

/* Another transaction for the recipients that are left. */
static void
job_begin_again(struct smtp_client_job *job)
{
	for (uint32_t i = 0; i < job->rcpt_count; i++) {
		if (job->rcpts[i].state == SMTP_CLIENT_RCPT_AGAIN)
			job->rcpts[i].state = SMTP_CLIENT_RCPT_WAITS;
	}
	job->send = job->expect = STEP_START;
	job->data_sent = job->windowed = job->mail_refused = false;
	job->content_asked = job->content_out = false;
	job->send_at = job->expect_at = 0;
	job->sent_count = job->answered_count = job->accepted_count = job->again_count = 0;
	job->domain_count = 0;
	job->domain = SLICE_EMPTY;
}

/* Everybody is refused before DATA went out: it is not needed. */
static bool
is_without_rcpts(const struct smtp_client_job *job)
{
	return job->send == STEP_DATA && job->expect == STEP_RCPT && job->accepted_count == 0 &&
	       job->answered_count == job->sent_count;
}

/* All that was sent is answered, or nothing was sent yet. */
static bool
is_between_transactions(const struct smtp_client_job *job)
{
	return job->send == job->expect && (job->send == STEP_END || job->send == STEP_START);
}

/* The content goes behind all commands, so these must be out. */
static bool
wants_content(const struct smtp_client *c, const struct smtp_client_job *job)
{
	return job->send == STEP_CONTENT && job->expect == STEP_CONTENT &&
	       job->accepted_count > 0 && !job->content_asked && c->out_at == c->out_len;
}

/* One job's event, if it has one. True: an event, or something to settle. */
static bool
job_event(struct smtp_client *c, uint32_t index, struct smtp_client_event *ret_event)
{
	struct smtp_client_job *job = c->jobs[index];

	if (!job->checked && smtp_client_job_check(c, job))
		return true;
	if (is_without_rcpts(job))
		job->send = job->expect = STEP_END;
	if (is_between_transactions(job)) {
		if (!can_begin(c) || smtp_client_job_open(job) == 0) {
			job_remove(c, index, ret_event);
			return true;
		}
		if (job->send == STEP_END)
			job_begin_again(job);
	}
	if (!wants_content(c, job))
		return false;
	job->content_asked = true;
	ret_event->kind = SMTP_CLIENT_CONTENT;
	ret_event->job = job;
	return true;
}

bool
smtp_client_job_next(struct smtp_client *c, struct smtp_client_event *ret_event)
{
	for (uint32_t i = 0; i < c->job_count; i++) {
		if (job_event(c, i, ret_event))
			return true;
	}
	return false;
}

void
smtp_client_answer_content(struct smtp_client *c, uint64_t now_ms)
{
	for (uint32_t i = 0; i < c->job_count; i++) {
		struct smtp_client_job *job = c->jobs[i];

		if (!job->content_asked || job->send != STEP_CONTENT)
			continue;
		job->send = STEP_END;
		c->now_ms = c->since_ms = now_ms;
		/* the final reply will end the transaction, whatever it is */
		c->needs_rset = false;
		return;
	}
	/* the session may have ended meanwhile; then the content goes nowhere */
}

void
smtp_client_content_out(struct smtp_client *c, uint64_t now_ms)
{
	for (uint32_t i = 0; i < c->job_count; i++) {
		struct smtp_client_job *job = c->jobs[i];

		if (!job->content_asked || job->send != STEP_END || job->content_out)
			continue;
		job->content_out = true;
		job->content_ms = c->now_ms = c->since_ms = now_ms;
		return;
	}
}

/*
 * The job at the head was under way and shares the end of the session, unless all that happened is
 * that a kept connection turned out to be gone. Those behind it have done nothing that counts.
 */
static bool
job_shares_end(const struct smtp_client *c, const struct smtp_client_job *job)
{
	bool kept = c->mail_count > 0 && job->expect <= STEP_MAIL;

	if (!job->begun || smtp_client_job_open(job) == 0)
		return false;
	if (!kept)
		return true;
	return c->end_how != SMTP_CLIENT_HOW_LOST && c->end_how != SMTP_CLIENT_HOW_REPLY;
}

/* From DATA on it is about those whom the peer has taken; the others were put off (452) or never
 * offered, and no refusal of the content is theirs. */
static unsigned
states_at_end(const struct smtp_client *c)
{
	if (c->end_stage == SMTP_CLIENT_STAGE_DATA || c->end_stage == SMTP_CLIENT_STAGE_FINAL)
		return RCPT_STATE(ACCEPTED);
	return RCPT_STATES_OPEN;
}

bool
smtp_client_job_return(struct smtp_client *c, struct smtp_client_event *ret_event)
{
	struct smtp_client_job *job;

	if (c->job_count == 0)
		return false;
	job = c->jobs[0];
	if (job_shares_end(c, job)) {
		smtp_client_settle_begin(c, job, states_at_end(c), c->end_how);
		c->settle.stage = c->end_stage;
		job->begun = false; /* its share is taken: what is open goes back */
		return true;
	}
	job_remove(c, 0, ret_event);
	/* the next one is at the head now, but did not have the peer's ear */
	if (c->job_count)
		c->jobs[0]->begun = false;
	return true;
}

/* ---- replies */

/* What a reply may have completed: all RCPT answered, and no DATA to come. */
static void
job_step_on(struct smtp_client_job *job)
{
	if (job->expect != STEP_RCPT || job->answered_count < job->sent_count)
		return;
	if (job->data_sent)
		job->expect = STEP_DATA;
	else if (job->send == STEP_END)
		job->expect = STEP_END;
}

static void
reply_misfits(struct smtp_client *c)
{
	const struct smtp_client_job *job = smtp_client_job_awaited(c);

	if (!job && c->job_count)
		job = c->jobs[0];
	smtp_client_end(c, job ? smtp_client_job_stage(job) : SMTP_CLIENT_STAGE_SENDER,
			SMTP_CLIENT_HOW_PROTOCOL);
}

static void
rset_reply(struct smtp_client *c, struct smtp_client_job *job)
{
	if (smtp_reply_class(&c->reply) == 2)
		job->expect = STEP_MAIL;
	else
		reply_misfits(c);
}

static void
mail_reply(struct smtp_client *c, struct smtp_client_job *job)
{
	unsigned klass = smtp_reply_class(&c->reply);

	if (klass == 3) {
		reply_misfits(c);
		return;
	}
	c->mail_count++;
	if (klass == 2) {
		c->needs_rset = true;
	} else {
		smtp_client_settle_begin(c, job, RCPT_STATES_OPEN, SMTP_CLIENT_HOW_REPLY);
		job->mail_refused = true;
		if (!job->data_sent)
			job->send = STEP_END;
	}
	job->expect = STEP_RCPT;
	job_step_on(job);
}

/* The peer has enough recipients for now: RFC 5321 4.5.3.1.10 (552 is what RFC 821 had). */
static bool
is_rcpt_limit(const struct smtp_client *c, const struct smtp_client_job *job)
{
	const struct smtp_status *status = &c->reply.status;

	if (job->accepted_count == 0)
		return false;
	if (c->reply.code == 552)
		return status->klass && status->subject == 5 && status->detail == 3;
	return c->reply.code == 452;
}

static uint32_t
rcpt_answered(struct smtp_client_job *job)
{
	while (job->expect_at < job->rcpt_count &&
	       job->rcpts[job->expect_at].state != SMTP_CLIENT_RCPT_SENT)
		job->expect_at++;
	ASSERT(job->expect_at < job->rcpt_count);
	return job->expect_at++;
}

static void
rcpt_reply(struct smtp_client *c, struct smtp_client_job *job)
{
	unsigned klass = smtp_reply_class(&c->reply);
	uint32_t index;

	if (klass == 3) {
		reply_misfits(c);
		return;
	}
	job->answered_count++;
	if (job->mail_refused) {
		job_step_on(job);
		return;
	}
	index = rcpt_answered(job);
	if (klass == 2) {
		job->rcpts[index].state = SMTP_CLIENT_RCPT_ACCEPTED;
		job->accepted_count++;
	} else if (is_rcpt_limit(c, job)) {
		job->rcpts[index].state = SMTP_CLIENT_RCPT_AGAIN;
		job->again_count++;
		if (c->rcpt_max == 0 || job->accepted_count < c->rcpt_max)
			c->rcpt_max = job->accepted_count;
	} else {
		smtp_client_settle_begin(c, job, RCPT_STATE(SENT), SMTP_CLIENT_HOW_REPLY);
		c->settle.at = index;
		c->settle.end = index + 1;
	}
	job_step_on(job);
}

static void
data_reply(struct smtp_client *c, struct smtp_client_job *job)
{
	unsigned klass = smtp_reply_class(&c->reply);

	if (klass == 2) {
		reply_misfits(c);
	} else if (klass == 3) {
		job->data_ms = c->now_ms;
		job->expect = STEP_CONTENT;
	} else {
		smtp_client_settle_begin(c, job, RCPT_STATE(ACCEPTED), SMTP_CLIENT_HOW_REPLY);
		job->end_ms = c->now_ms;
		job->send = job->expect = STEP_END;
	}
}

/*
 * The peer answers while content is still on its way, or nothing was asked at all. A refusal then
 * is one; anything else is no answer to what it has not read. Either way the dialogue is out of
 * step.
 */
static void
early_reply(struct smtp_client *c)
{
	const struct smtp_client_job *job = c->job_count ? c->jobs[0] : NULL;

	if (job && job->expect == STEP_CONTENT && smtp_reply_class(&c->reply) >= 4)
		smtp_client_end(c, SMTP_CLIENT_STAGE_DATA, SMTP_CLIENT_HOW_REPLY);
	else
		reply_misfits(c);
}

static void
final_reply(struct smtp_client *c, struct smtp_client_job *job)
{
	if (!job->content_out) {
		early_reply(c);
		return;
	}
	if (smtp_reply_class(&c->reply) == 3) {
		reply_misfits(c);
		return;
	}
	smtp_client_settle_begin(c, job, RCPT_STATE(ACCEPTED), SMTP_CLIENT_HOW_REPLY);
	job->end_ms = c->now_ms;
	job->expect = STEP_END;
}

void
smtp_client_job_reply(struct smtp_client *c)
{
	static void (*const replies[STEP_MAX])(struct smtp_client *, struct smtp_client_job *) = {
		[STEP_RSET] = rset_reply, [STEP_MAIL] = mail_reply,	[STEP_RCPT] = rcpt_reply,
		[STEP_DATA] = data_reply, [STEP_CONTENT] = final_reply,
	};
	struct smtp_client_job *job = smtp_client_job_awaited(c);

	if (!job) {
		early_reply(c);
		return;
	}
	ASSERT(replies[job->expect]);
	replies[job->expect](c, job);
}

/* ---- sending: each answers false when it has to wait */

static bool
start_send(struct smtp_client *c, struct smtp_client_job *job)
{
	if (!job->checked || !can_begin(c) || smtp_client_job_open(job) == 0)
		return false;
	if (!job->begun)
		job->begin_ms = c->now_ms;
	job->begun = true;
	c->mail_begun++;
	job->send = job->expect = c->needs_rset ? STEP_RSET : STEP_MAIL;
	return true;
}

static bool
rset_send(struct smtp_client *c, struct smtp_client_job *job)
{
	c->needs_rset = false;
	smtp_client_say(c, "RSET", SLICE_EMPTY);
	job->send = STEP_MAIL;
	return true;
}

static bool
mail_send(struct smtp_client *c, struct smtp_client_job *job)
{
	smtp_client_say_mail(c, job);
	job->send = STEP_RCPT;
	return true;
}

static struct slice
domain_of(struct slice addr)
{
	return slice_from(addr, slice_rindex(addr, '@') + 1);
}

/* One more recipient would be too many, or one domain too many, for a transaction with this peer.
 */
static bool
window_is_full(const struct smtp_client *c, const struct smtp_client_job *job, struct slice addr)
{
	if (c->caps.rcpt_max && job->sent_count >= c->caps.rcpt_max)
		return true;
	if (c->rcpt_max && job->sent_count >= c->rcpt_max)
		return true;
	/* counts changes of domain: never less than the number of domains */
	return c->caps.rcpt_domain_max && job->domain_count >= c->caps.rcpt_domain_max &&
	       !slice_eq_nocase(domain_of(addr), job->domain);
}

static bool
rcpt_send(struct smtp_client *c, struct smtp_client_job *job)
{
	struct smtp_client_rcpt *rcpt = &job->rcpts[job->send_at];

	if (rcpt->state == SMTP_CLIENT_RCPT_WAITS) {
		smtp_client_say_rcpt(c, rcpt, job->utf8_mail);
		rcpt->state = SMTP_CLIENT_RCPT_SENT;
		job->sent_count++;
		if (job->domain_count == 0 || !slice_eq_nocase(domain_of(rcpt->addr), job->domain))
			job->domain_count++;
		job->domain = domain_of(rcpt->addr);
	}
	while (job->send_at < job->rcpt_count &&
	       job->rcpts[job->send_at].state != SMTP_CLIENT_RCPT_WAITS)
		job->send_at++;
	if (job->send_at == job->rcpt_count) {
		job->send = STEP_DATA;
	} else if (window_is_full(c, job, job->rcpts[job->send_at].addr)) {
		job->windowed = true;
		job->send = STEP_DATA;
	}
	return true;
}

static bool
data_send(struct smtp_client *c, struct smtp_client_job *job)
{
	if (is_without_rcpts(job))
		return false;
	smtp_client_say(c, "DATA", SLICE_EMPTY);
	job->data_sent = true;
	job->send = STEP_CONTENT;
	job_step_on(job);
	return true;
}

/* RFC 2920 3.1: 354 though nobody was accepted wants a lone dot. */
static bool
content_send(struct smtp_client *c, struct smtp_client_job *job)
{
	if (job->expect != STEP_CONTENT || job->accepted_count > 0)
		return false;
	smtp_client_say(c, ".", SLICE_EMPTY);
	job->content_out = true;
	job->content_ms = c->now_ms;
	job->send = STEP_END;
	c->needs_rset = false;
	return true;
}

/* True: all of the job is on its way and the next one may follow. */
static bool
job_fill(struct smtp_client *c, struct smtp_client_job *job)
{
	static bool (*const sends[STEP_MAX])(struct smtp_client *, struct smtp_client_job *) = {
		[STEP_START] = start_send, [STEP_RSET] = rset_send, [STEP_MAIL] = mail_send,
		[STEP_RCPT] = rcpt_send,   [STEP_DATA] = data_send, [STEP_CONTENT] = content_send,
	};

	while (job->send != STEP_END) {
		if (!smtp_client_has_room(c))
			return false;
		if (!c->caps.pipelining && smtp_client_job_awaited(c))
			return false;
		if (!sends[job->send](c, job))
			return false;
	}
	return job->expect == STEP_CONTENT && job->again_count == 0 && !job->windowed;
}

void
smtp_client_job_fill(struct smtp_client *c)
{
	for (uint32_t i = 0; i < c->job_count; i++) {
		if (!job_fill(c, c->jobs[i]) || !c->caps.pipelining)
			return;
	}
}
