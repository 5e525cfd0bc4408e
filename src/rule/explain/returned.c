#include "rule/explain/returned.h"

#include "base/assert.h"

#define CLEAR_PERCENT 80 /* the last reply says what it was */
#define EXPIRED_PERCENT 92
#define EXPIRED_BESIDE_PERCENT 78 /* another cause may be said just as well */

/* Causes that last: the lifetime ended because of them. */
static bool
is_lasting(unsigned cause)
{
	static const bool lasting[VERDICT_CAUSE_MAX] = {
		[VERDICT_CAUSE_RCPT_UNKNOWN] = true,  [VERDICT_CAUSE_RCPT_MOVED] = true,
		[VERDICT_CAUSE_RCPT_DISABLED] = true, [VERDICT_CAUSE_RCPT_FULL] = true,
		[VERDICT_CAUSE_RCPT_REFUSED] = true,  [VERDICT_CAUSE_SENDER_REFUSED] = true,
		[VERDICT_CAUSE_IP_BLOCKED] = true,    [VERDICT_CAUSE_PTR] = true,
		[VERDICT_CAUSE_AUTH] = true,	      [VERDICT_CAUSE_RELAY_DENIED] = true,
		[VERDICT_CAUSE_SPAM] = true,	      [VERDICT_CAUSE_VIRUS] = true,
		[VERDICT_CAUSE_CONTENT] = true,	      [VERDICT_CAUSE_SIZE] = true,
	};

	return lasting[cause];
}

static void
set_cause(struct verdict *v, unsigned cause, unsigned percent)
{
	const struct cause_row *row = cause_row(cause);

	v->cause = (uint16_t)cause;
	v->confidence_percent = (uint8_t)percent;
	v->actor = row->actor;
	v->scope = row->scope;
}

/* It took too long: why, if that is known; else that. */
static void
set_given_up(struct explained *e)
{
	struct verdict *v = &e->facts.verdict;

	if (v->cause == VERDICT_CAUSE_EXPIRED) {
		if (is_lasting(e->last_cause))
			set_cause(v, e->last_cause, CLEAR_PERCENT);
	} else if (!is_lasting(v->cause) || v->confidence_percent < CLEAR_PERCENT) {
		e->last_cause =
			v->cause == VERDICT_CAUSE_UNKNOWN || v->cause == VERDICT_CAUSE_NOT_BOUNCE
				? VERDICT_CAUSE_NONE
				: v->cause;
		set_cause(v, VERDICT_CAUSE_EXPIRED,
			  e->last_cause ? EXPIRED_BESIDE_PERCENT : EXPIRED_PERCENT);
		if (e->last_cause)
			v->actor = cause_row(e->last_cause)->actor;
		e->why.rule = NULL;
	}
	if (v->cause == e->last_cause)
		e->last_cause = VERDICT_CAUSE_NONE;
}

/* The domain of the recipient tells whose server it is, as far as no host does. */
static struct slice
domain_of(struct slice address)
{
	return slice_from(address, slice_rindex(address, '@') + 1);
}

/* The report says that it is over, or that it is not. */
static void
set_outcome(struct explained *e, bool final)
{
	struct verdict *v = &e->facts.verdict;

	if (v->cause == VERDICT_CAUSE_NOT_BOUNCE)
		return;
	e->facts.class_known = true;
	if (final && (v->class != VERDICT_NEVER || v->action == VERDICT_ACTION_NONE)) {
		v->class = VERDICT_NEVER;
		v->action = VERDICT_ACTION_STOP;
	} else if (!final && v->class != VERDICT_LATER) {
		v->class = VERDICT_LATER;
		if (v->action != VERDICT_ACTION_SUSPEND) /* what was said at the door waits there */
			v->action = VERDICT_ACTION_RETRY;
	}
	if (v->cause == VERDICT_CAUSE_EXPIRED)
		v->action = VERDICT_ACTION_NONE;
}

/* The report says that it failed, or not yet; the code says that it was taken: the report counts.
 */
static void
judge_against_code(struct explained *e, const struct bounce_rcpt *rcpt, const struct ruleset *set,
		   struct match *work)
{
	struct verdict *v = &e->facts.verdict;

	v->class = rcpt->action == BOUNCE_FAILED ? VERDICT_NEVER : VERDICT_LATER;
	v->status = rcpt->status.class >= 4 ? rcpt->status : (struct verdict_status){0};
	v->cause = VERDICT_CAUSE_NONE;
	explain_judge(&e->facts, set, work, &e->why);
	e->last_cause = e->why.beside;
}

void
explain_returned(const struct bounce *mail, size_t index, const struct ruleset *set,
		 struct match *work, struct explained *ret)
{
	const struct bounce_rcpt *rcpt = &mail->rcpts[index];
	/* The words are the reporter's own only where no other server said them. */
	const struct facts_given given = {.stage = (uint8_t)bounce_command_stage(rcpt->command),
					  .code = rcpt->code,
					  .status = rcpt->status,
					  .host = rcpt->remote_host,
					  .mx = domain_of(rcpt->recipient),
					  .reporter = rcpt->remote_host.len ? SLICE_EMPTY
									    : mail->reporter};
	bool final = rcpt->action == BOUNCE_FAILED;

	ASSERT(index < mail->rcpt_count);
	/* one that it went well for, beside others */
	if (!final && rcpt->action != BOUNCE_DELAYED) {
		explain_no_bounce(mail, index, set, ret);
		return;
	}
	explain_read(rcpt->reply, &given, set, work, ret);
	if (ret->facts.verdict.class == VERDICT_OK)
		judge_against_code(ret, rcpt, set, work);
	ret->kind = bounce_kind_str(mail->kind);
	ret->recipient = rcpt->recipient;
	if (final && (rcpt->gave_up || ret->facts.verdict.cause == VERDICT_CAUSE_EXPIRED))
		set_given_up(ret);
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
					  .host = line->remote_host,
					  .mx = domain_of(line->recipient)};

	explain_read(logline_reply(line), &given, set, work, ret);
	ret->kind = logline_program_str(line->program);
	ret->recipient = line->recipient;
	if (line->action == LOGLINE_EXPIRED)
		set_given_up(ret);
	if (line->action == LOGLINE_BOUNCED || line->action == LOGLINE_EXPIRED)
		set_outcome(ret, true);
	if (line->action == LOGLINE_DEFERRED)
		set_outcome(ret, false);
}
