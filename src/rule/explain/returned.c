#include "rule/explain/returned.h"

#include "base/assert.h"

#define CLEAR_PERCENT 80 /* the last reply says what it was */
#define EXPIRED_PERCENT 92

/* Causes that last: the lifetime ended because of them. */
static bool
is_lasting(const struct verdict *v)
{
	switch (v->cause) {
	case VERDICT_CAUSE_UNKNOWN:
	case VERDICT_CAUSE_EXPIRED:
	case VERDICT_CAUSE_NET_OR_ROUTE:
	case VERDICT_CAUSE_REMOTE_SYSTEM:
	case VERDICT_CAUSE_RATE:
	case VERDICT_CAUSE_DOMAIN_UNRESOLVABLE:
	case VERDICT_CAUSE_TLS:
	case VERDICT_CAUSE_PROTOCOL:
	case VERDICT_CAUSE_POLICY:
	case VERDICT_CAUSE_LOCAL_DELIVERY:
		return false;
	default:
		return v->confidence_percent >= CLEAR_PERCENT;
	}
}

static void
set_expired(struct explained *e)
{
	struct verdict *v = &e->facts.verdict;
	const struct cause_row *row = cause_row(VERDICT_CAUSE_EXPIRED);

	if (v->cause != VERDICT_CAUSE_EXPIRED)
		e->last_cause = v->cause;
	else if (e->why.rule)
		return;
	v->cause = VERDICT_CAUSE_EXPIRED;
	v->confidence_percent = EXPIRED_PERCENT;
	v->actor = row->actor;
	v->scope = row->scope;
	e->why.rule = NULL;
}

/* The report says that it is over, or that it is not. */
static void
set_outcome(struct explained *e, bool final)
{
	struct verdict *v = &e->facts.verdict;

	if (v->cause == VERDICT_CAUSE_NOT_BOUNCE)
		return;
	e->facts.class_known = true;
	if (final && v->class != VERDICT_NEVER) {
		v->class = VERDICT_NEVER;
		v->action = VERDICT_ACTION_STOP;
	} else if (!final && v->class != VERDICT_LATER) {
		v->class = VERDICT_LATER;
		v->action = VERDICT_ACTION_RETRY;
	}
	if (v->cause == VERDICT_CAUSE_EXPIRED)
		v->action = VERDICT_ACTION_NONE;
}

void
explain_returned(const struct bounce *mail, size_t index, const struct ruleset *set,
		 struct match *work, struct explained *ret)
{
	const struct bounce_rcpt *rcpt = &mail->rcpts[index];
	const struct facts_given given = {.stage = (uint8_t)bounce_command_stage(rcpt->command),
					  .code = rcpt->code,
					  .status = rcpt->status,
					  .host = rcpt->remote_host};
	bool final = rcpt->action == BOUNCE_FAILED;

	ASSERT(index < mail->rcpt_count);
	explain_read(rcpt->reply, &given, set, work, ret);
	ret->kind = bounce_kind_str(mail->kind);
	ret->recipient = rcpt->recipient;
	if (rcpt->gave_up && final && !is_lasting(&ret->facts.verdict))
		set_expired(ret);
	set_outcome(ret, final);
}

void
explain_no_bounce(const struct bounce *mail, size_t index, const struct ruleset *set,
		  struct explained *ret)
{
	const struct facts_given given = {.stage = VERDICT_STAGE_MAX};
	struct verdict *v = &ret->facts.verdict;
	struct match *unused = NULL;

	facts_read(index < mail->rcpt_count ? mail->rcpts[index].reply : SLICE_EMPTY, &given,
		   &ret->facts);
	v->class = VERDICT_OK;
	explain_judge(&ret->facts, set, unused, &ret->why);
	ret->facts.class_known = true;
	ret->facts.code_known = index < mail->rcpt_count && mail->rcpts[index].code;
	ret->last_cause = VERDICT_CAUSE_NONE;
	ret->kind = bounce_kind_str(mail->kind);
	ret->recipient = index < mail->rcpt_count ? mail->rcpts[index].recipient : SLICE_EMPTY;
}

void
explain_logline(const struct logline *line, const struct ruleset *set, struct match *work,
		struct explained *ret)
{
	const struct facts_given given = {.stage = line->stage,
					  .code = line->code,
					  .status = line->status,
					  .host = line->remote_host};

	explain_read(logline_reply(line), &given, set, work, ret);
	ret->kind = logline_program_str(line->program);
	ret->recipient = line->recipient;
	if (line->action == LOGLINE_EXPIRED && !is_lasting(&ret->facts.verdict))
		set_expired(ret);
	if (line->action == LOGLINE_BOUNCED || line->action == LOGLINE_EXPIRED)
		set_outcome(ret, true);
	if (line->action == LOGLINE_DEFERRED)
		set_outcome(ret, false);
}
