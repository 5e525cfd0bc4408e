/*
 * explain: from the facts of a verdict to its cause: who must act, what the queue does, what the
 * refusal is about. Pure; the same facts always give the same answer. What no rule can tell is
 * VERDICT_CAUSE_UNKNOWN, never a guess.
 */
#ifndef RULE_EXPLAIN_EXPLAIN_H
#define RULE_EXPLAIN_EXPLAIN_H

#include "wire/verdict/cause.h"

/*
 * Reads class, stage, code, status and reply; fills cause, confidence_percent, actor, action, scope
 * and evidence (borrowed from reply: the words that decided; empty where stage or status did). A
 * cause that is already set stays, with the confidence it has: only the words that depend on it are
 * filled. The action fits the class: what may come later is not stopped, what never comes is not
 * tried again, but for a refusal of our address at the greeting, which is to be suspended.
 */
void explain_verdict(struct verdict *verdict);

#endif
