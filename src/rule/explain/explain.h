/*
 * explain: from the facts of a refusal to its cause: who must act, what the queue does, what the
 * refusal is about. Pure; the same facts always give the same answer. What no rule can tell is
 * VERDICT_CAUSE_UNKNOWN, never a guess.
 */
#ifndef RULE_EXPLAIN_EXPLAIN_H
#define RULE_EXPLAIN_EXPLAIN_H

#include "rule/normal/facts.h"
#include "rule/ruleset/match.h"
#include "wire/verdict/cause.h"

/* What decided. Borrowed from set and reply. */
struct explain_why {
	const struct ruleset *set;
	const struct ruleset_rule *rule; /* NULL: none fitted, or none was asked */
	uint16_t beside;		 /* with expired: what the words say besides; or 0 */
	uint8_t provider;		 /* of the set, or RULESET_NO_PROVIDER */
	struct slice evidence[MATCH_EVIDENCE_MAX]; /* verbatim parts of the reply */
	size_t evidence_count;
};

/* One refusal, explained. */
struct explained {
	struct facts facts;
	struct explain_why why;
	struct slice recipient; /* of a report or a log; or empty */
	const char *kind;	/* "reply"; of a mail or log which (returned.h) */
	uint16_t last_cause;	/* beside expired: of the last attempt; 0: none is known */
};

/* The rules that Frank was built with. */
const struct ruleset *explain_builtin(void);

/*
 * Reads the verdict's class, stage, code, status, host and reply, and the fields of the reply;
 * fills cause, confidence_percent, actor, action, scope and, where it is empty, evidence with the
 * words that decided. A cause that is set already stands: only what hangs on it is filled. Class OK
 * gives not-bounce.
 */
void explain_judge(struct facts *facts, const struct ruleset *set, struct match *work,
		   struct explain_why *ret_why);
/* The same where only the outcome is wanted. */
void explain_verdict_by(struct verdict *v, const struct ruleset *set);
/* By the built-in rules. */
void explain_verdict(struct verdict *v);
/* What the built-in rule behind a verdict advises the administrator beside the cause's own
 * sentence; or empty. Constant. */
struct slice explain_admin_text(const struct verdict *v);
/* Of a text that somebody has: its facts, then the cause. */
void explain_read(struct slice text, const struct facts_given *given, const struct ruleset *set,
		  struct match *work, struct explained *ret_explained);

#endif
