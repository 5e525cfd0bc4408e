/*
 * match: which rules fit a refusal. One walk over its text finds the phrases of all rules; what
 * they say to their groups leaves few rules to look at.
 */
#ifndef RULE_RULESET_MATCH_H
#define RULE_RULESET_MATCH_H

#include "rule/normal/facts.h"
#include "rule/ruleset/ruleset.h"
#include "rule/ruleset/text.h"

#define MATCH_HITS_MAX 96	     /* phrases whose places are kept, for evidence */
#define MATCH_EVIDENCE_MAX 8	     /* parts */
#define MATCH_EVIDENCE_BYTES_MAX 512 /* of a part: many blanks may be one blank of a phrase */
#define MATCH_SENTENCES_MAX 64	     /* the last is the rest */

struct match_hit {
	uint16_t phrase, begin, end; /* in the reply */
	uint8_t sentence;
};

/* About 55 KiB: not for a deep stack. */
struct match {
	const struct ruleset *set;
	const struct verdict *verdict; /* class, stage, code, status */
	struct slice reply;	       /* the words that are looked at */
	uint32_t fields;	       /* kinds that are there */
	uint64_t providers[RULESET_WORDS(RULESET_PROVIDERS_MAX)];
	uint8_t provider;			/* the likeliest: by its host, its links, its
						   statuses, its words; or
						   RULESET_NO_PROVIDER */
	uint64_t sentences[RULESET_GROUPS_MAX]; /* by group, where it was found */
	uint64_t found[RULESET_WORDS(RULESET_GROUPS_MAX)]; /* a bit for each such group */
	uint64_t candidates[RULESET_WORDS(RULESET_RULES_MAX)];
	struct match_hit hits[MATCH_HITS_MAX];
	size_t hit_count;
	size_t visits; /* of groups: what it cost */
	struct text text;
};

/* Borrows set and facts as long as m is used. */
void match_find(struct match *m, const struct ruleset *set, const struct facts *facts);
/* The next rule from index on that fits, or set->rule_count. */
size_t match_next(const struct match *m, size_t index);
/* What in the reply a rule that fits rests on, verbatim; as many parts as are written. */
size_t match_evidence(const struct match *m, size_t rule, struct slice *ret_parts);

#endif
