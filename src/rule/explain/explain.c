/*
 * The basic engine: one walk over the reply finds the phrases of all rules (match.h), then the rows
 * of basic_rules.def are tried in their order.
 */
#include "rule/explain/explain.h"

#include "base/assert.h"
#include "rule/explain/match.h"

#define ANY_CLASS UINT8_MAX
#define LATER VERDICT_LATER
#define NEVER VERDICT_NEVER
#define ANY_STAGE UINT16_MAX
#define AT(NAME) (uint16_t)(1u << VERDICT_STAGE_##NAME)
#define ABOUT_RCPT (uint16_t)(AT(RECIPIENT) | AT(DATA) | AT(FINAL))
#define NO_REPLY UINT16_MAX
#define WILD UINT16_MAX
#define S(subject, detail) subject, detail
#define SUBJECT(subject) subject, WILD
#define ANY_STATUS WILD, WILD
#define NO_STATUS 0, 0

static const struct explain_rule {
	uint16_t stages;
	uint8_t class;
	uint16_t subject, detail;
	uint16_t code;
	const char *words;
	uint8_t cause, confidence_percent;
} explain_rules[] = {
#define RULE(STAGES, CLASS, STATUS, CODE, words, CAUSE, confidence)                                \
	{STAGES, CLASS, STATUS, CODE, words, VERDICT_CAUSE_##CAUSE, confidence},
#include "rule/explain/basic_rules.def"
#undef RULE
};

static bool
explain_facts_fit(const struct explain_rule *rule, const struct verdict *v)
{
	if (!(rule->stages >> v->stage & 1) ||
	    (rule->class != ANY_CLASS && rule->class != v->class))
		return false;
	if (rule->subject != WILD && rule->subject != v->status.subject)
		return false;
	if (rule->detail != WILD && rule->detail != v->status.detail)
		return false;
	if (rule->code == NO_REPLY)
		return v->code == 0;
	return rule->code == 0 || rule->code == v->code;
}

/* First rule that fits; NULL when none does. *ret_words as it stands in the reply. */
static const struct explain_rule *
explain_rule_find(const struct verdict *v, struct slice *ret_words)
{
	struct match match;

	match_find(v->reply, &match);
	for (size_t i = 0; i < sizeof(explain_rules) / sizeof(explain_rules[0]); i++) {
		const struct explain_rule *rule = &explain_rules[i];

		if (!explain_facts_fit(rule, v))
			continue;
		*ret_words = SLICE_EMPTY;
		if (!rule->words || match_rule(&match, i, ret_words))
			return rule;
	}
	return NULL;
}

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

void
explain_verdict(struct verdict *v)
{
	const struct explain_rule *rule;
	const struct cause_row *row;
	struct slice words;

	ASSERT(v->stage < VERDICT_STAGE_MAX && v->class < VERDICT_CLASS_MAX);
	if (!cause_row(v->cause))
		v->cause = VERDICT_CAUSE_NONE; /* another version's word */
	if (v->cause == VERDICT_CAUSE_NONE && v->class == VERDICT_OK) {
		v->cause = VERDICT_CAUSE_NOT_BOUNCE;
		v->confidence_percent = 100;
	} else if (v->cause == VERDICT_CAUSE_NONE) {
		rule = explain_rule_find(v, &words);
		v->cause = rule ? rule->cause : VERDICT_CAUSE_UNKNOWN;
		v->confidence_percent = rule ? rule->confidence_percent : 0;
		/* what is known already says more than the words that the reply has anyway */
		if (rule && !v->evidence.len)
			v->evidence = words;
	}
	row = cause_row(v->cause);
	ASSERT(row);
	v->actor = row->actor;
	v->scope = row->scope;
	if (v->stage == VERDICT_STAGE_GREETING && v->class != VERDICT_OK &&
	    v->cause == VERDICT_CAUSE_UNKNOWN)
		v->scope = VERDICT_SCOPE_ADDRESS_AT_DESTINATION;
	v->action = explain_action(v, row->action);
}
