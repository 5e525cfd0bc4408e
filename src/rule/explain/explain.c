/*
 * explain: rules are tried in the order of trust (rule/ruleset); the first that fits decides. What
 * the status says by itself is then held against it: two that agree are surer than one.
 */
#include "rule/explain/explain.h"

#include "base/assert.h"

#define DOUBT_PERCENT_MAX 78 /* the most where a clear status says another cause */
#define CLEAR_PERCENT 80     /* a status that surely says one thing */
#define SURE_PERCENT_MAX 99

/* The action that the class allows (causes: "A 4xx never stops and a 5xx is never retried"). */
static uint8_t
explain_action(const struct verdict *v, uint8_t action)
{
	bool at_door = v->stage == VERDICT_STAGE_CONNECT || v->stage == VERDICT_STAGE_GREETING;

	switch (v->class) {
	case VERDICT_LATER:
		return action == VERDICT_ACTION_STOP || action == VERDICT_ACTION_NONE
			       ? VERDICT_ACTION_RETRY
			       : action;
	case VERDICT_NEVER:
		return action == VERDICT_ACTION_SUSPEND && at_door ? action : VERDICT_ACTION_STOP;
	default:
		return VERDICT_ACTION_NONE;
	}
}

/* The first rule of that level that fits, or the count. */
static size_t
first_of_level(const struct match *m, unsigned level)
{
	size_t index = match_next(m, m->set->level_first[level]);

	return index < m->set->rule_count && m->set->rules[index].level == level
		       ? index
		       : m->set->rule_count;
}

/* Words and status are two witnesses. */
static uint8_t
confidence(const struct match *m, size_t index)
{
	const struct ruleset_rule *rule = &m->set->rules[index];
	unsigned percent = rule->confidence_percent, other_percent;
	size_t other;

	if (rule->level == RULESET_OWN || rule->level >= RULESET_STATUS || rule->statuses.count)
		return (uint8_t)percent;
	other = first_of_level(m, RULESET_STATUS);
	if (other == m->set->rule_count)
		return (uint8_t)percent;
	other_percent = m->set->rules[other].confidence_percent;
	if (m->set->rules[other].cause == rule->cause)
		percent = 100 - (100 - percent) * (100 - other_percent) / 100;
	else if (rule->level >= RULESET_WORDY && /* a receiver knows what its own words mean */
		 other_percent >= CLEAR_PERCENT && percent > DOUBT_PERCENT_MAX &&
		 m->set->rules[other].cause != VERDICT_CAUSE_EXPIRED) /* says when, not why */
		percent = DOUBT_PERCENT_MAX;
	return (uint8_t)(percent > SURE_PERCENT_MAX ? SURE_PERCENT_MAX : percent);
}

/* Beside "it took too long": what the text says of the last attempt. */
static enum verdict_cause
other_cause(const struct match *m, size_t index)
{
	size_t count = m->set->rule_count;

	while (index < count && m->set->rules[index].cause == VERDICT_CAUSE_EXPIRED)
		index = match_next(m, index + 1);
	return index < count && m->set->rules[index].level < RULESET_STATUS
		       ? m->set->rules[index].cause
		       : VERDICT_CAUSE_NONE;
}

static void
rule_find(struct verdict *v, const struct match *m, struct explain_why *why)
{
	size_t index = match_next(m, 0);

	why->provider = m->provider;
	if (index == m->set->rule_count) {
		v->cause = VERDICT_CAUSE_UNKNOWN;
		v->confidence_percent = 0;
		return;
	}
	why->rule = &m->set->rules[index];
	v->cause = why->rule->cause;
	if (v->cause == VERDICT_CAUSE_EXPIRED)
		why->beside = other_cause(m, index);
	v->confidence_percent = confidence(m, index);
	why->evidence_count = match_evidence(m, index, why->evidence);
	/* what is known already says more than the words that the reply has anyway */
	if (!v->evidence.len && why->evidence_count)
		v->evidence = why->evidence[0];
}

static uint8_t
or_default(uint8_t of_rule, uint8_t of_cause)
{
	return of_rule == UINT8_MAX ? of_cause : of_rule;
}

/* What hangs on the cause, unless the rule knows better. */
static void
consequences(struct verdict *v, const struct ruleset_rule *rule)
{
	const struct cause_row *row = cause_row(v->cause);

	ASSERT(row);
	v->actor = or_default(rule ? rule->actor : UINT8_MAX, row->actor);
	v->scope = or_default(rule ? rule->scope : UINT8_MAX, row->scope);
	v->action = explain_action(v, or_default(rule ? rule->action : UINT8_MAX, row->action));
	/* Nothing but our address was known there. */
	if (v->stage == VERDICT_STAGE_GREETING && v->class != VERDICT_OK &&
	    v->cause == VERDICT_CAUSE_UNKNOWN) {
		v->scope = VERDICT_SCOPE_ADDRESS_AT_DESTINATION;
		if (v->class == VERDICT_NEVER)
			v->action = VERDICT_ACTION_SUSPEND;
	}
}

void
explain_judge(struct facts *facts, const struct ruleset *set, struct match *work,
	      struct explain_why *ret_why)
{
	struct verdict *v = &facts->verdict;

	ASSERT(v->stage < VERDICT_STAGE_MAX && v->class < VERDICT_CLASS_MAX);
	*ret_why = (struct explain_why){.set = set, .provider = RULESET_NO_PROVIDER};
	if (!cause_row(v->cause))
		v->cause = VERDICT_CAUSE_NONE; /* another version's word */
	if (v->cause == VERDICT_CAUSE_NONE && v->class == VERDICT_OK) {
		v->cause = VERDICT_CAUSE_NOT_BOUNCE;
		v->confidence_percent = 100;
	} else if (v->cause == VERDICT_CAUSE_NONE && facts->empty && !v->code && !v->status.class) {
		v->cause = VERDICT_CAUSE_UNKNOWN;
		v->confidence_percent = 0;
	}
	for (; v->cause == VERDICT_CAUSE_NONE && set; set = set->next) {
		match_find(work, set, facts);
		ret_why->set = set;
		rule_find(v, work, ret_why);
		/* a rule may say that it is unknown: it has decided */
		if (!ret_why->rule && set->next)
			v->cause = VERDICT_CAUSE_NONE;
	}
	consequences(v, ret_why->rule);
	if (v->cause == VERDICT_CAUSE_EXPIRED && ret_why->beside)
		v->actor = cause_row(ret_why->beside)->actor;
}

void
explain_verdict_by(struct verdict *v, const struct ruleset *set)
{
	struct facts facts; /* not zeroed, for its size */
	struct explain_why why;
	struct match work;

	facts.verdict = *v;
	facts.mx = facts.reporter = SLICE_EMPTY;
	facts.empty = false;
	normalise(v->reply, v->code, v->status, &facts.normal);
	explain_judge(&facts, set, &work, &why);
	*v = facts.verdict;
}

void
explain_verdict(struct verdict *v)
{
	explain_verdict_by(v, explain_builtin());
}

struct slice
explain_admin_text(const struct verdict *v)
{
	const struct ruleset *set = explain_builtin();
	struct explain_why why;
	struct facts facts;
	struct match work;

	facts.verdict = *v;
	facts.verdict.cause = VERDICT_CAUSE_NONE;
	facts.mx = facts.reporter = SLICE_EMPTY;
	facts.empty = false;
	normalise(v->reply, v->code, v->status, &facts.normal);
	explain_judge(&facts, set, &work, &why);
	return why.rule && facts.verdict.cause == v->cause ? ruleset_slice(set, why.rule->admin)
							   : SLICE_EMPTY;
}

void
explain_read(struct slice text, const struct facts_given *given, const struct ruleset *set,
	     struct match *work, struct explained *ret_explained)
{
	struct facts *facts = &ret_explained->facts;

	facts_read(text, given, facts);
	ret_explained->recipient = SLICE_EMPTY;
	ret_explained->kind = "reply";
	ret_explained->last_cause = VERDICT_CAUSE_NONE;
	explain_judge(facts, set, work, &ret_explained->why);
	ret_explained->last_cause = ret_explained->why.beside;
	/* Neither what it means nor whether it is for good: there is nothing to advise. */
	if (!facts->class_known && facts->verdict.cause == VERDICT_CAUSE_UNKNOWN)
		facts->verdict.action = VERDICT_ACTION_NONE;
}
