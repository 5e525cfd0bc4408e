/*
 * match: all phrases of all rules in a reply, found in one walk over it. A phrase begins where a
 * word does; one of up to four letters is a whole word, a longer one may be a word's beginning.
 * Case does not matter, and a blank is any run of blanks, line ends and codes at line starts.
 */
#ifndef RULE_EXPLAIN_MATCH_H
#define RULE_EXPLAIN_MATCH_H

#include "wire/verdict/verdict.h"

#define MATCH_PHRASES_MAX 512

/* Where each phrase stands first. */
struct match {
	struct slice reply; /* borrowed */
	uint16_t begins[MATCH_PHRASES_MAX], ends[MATCH_PHRASES_MAX];
};

/* At most VERDICT_REPLY_MAX bytes are looked at. */
void match_find(struct slice reply, struct match *ret_match);
/* The first of the phrases of a rule (by its row in basic_rules.def) that is there, as it stands in
 * the reply; false when none is, or when the rule has no phrases. */
bool match_rule(const struct match *match, size_t rule, struct slice *ret_words);

#endif
