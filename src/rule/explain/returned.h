/*
 * returned: a recipient of a bounce mail, or a line of a log, explained: the facts that the reader
 * found (wire/bounce, wire/logline) in place of those that a bare reply would have to say.
 */
#ifndef RULE_EXPLAIN_RETURNED_H
#define RULE_EXPLAIN_RETURNED_H

#include "rule/explain/explain.h"
#include "wire/bounce/bounce.h"
#include "wire/logline/logline.h"

/*
 * Slices of *ret borrow from the mail's or the line's. What is given up after its lifetime is
 * expired, and the cause of the last attempt stands beside it, unless that one says clearly what is
 * wrong with the mailbox or with us. A report of failure is final: class never, whatever the last
 * reply was.
 */
void explain_returned(const struct bounce *mail, size_t index, const struct ruleset *set,
		      struct match *work, struct explained *ret);
/* A mail that is no report of failure or delay: vacation, feedback, success, or none at all. index:
 * of its recipients, where it has any. */
void explain_no_bounce(const struct bounce *mail, size_t index, const struct ruleset *set,
		       struct explained *ret);
void explain_logline(const struct logline *line, const struct ruleset *set, struct match *work,
		     struct explained *ret);

#endif
