/*
 * groups: the alternatives of conditions while they are compiled. Words become phrases of the tree;
 * the same phrases are the same group, whoever asks for them. A set is followed once, so that the
 * time is that of what is written, however sets lie in one another.
 */
#ifndef RULE_RULESET_GROUPS_H
#define RULE_RULESET_GROUPS_H

#include "rule/ruleset/source.h"
#include "rule/ruleset/tree.h"

#define GROUP_PHRASES_MAX 2048

struct group {
	const uint16_t *phrases; /* ascending */
	size_t count;
	uint32_t weight; /* how often it may be found: short phrases are frequent */
};

struct groups {
	struct ruleset_source *src;
	struct tree tree;
	struct group *groups;
	uint16_t *slots; /* by hash: group + 1 */
	size_t count;
	uint64_t *bits;			       /* of the group in hand, one for each phrase */
	uint16_t phrases[GROUP_PHRASES_MAX];   /* of the group in hand */
	uint16_t weights[RULESET_PHRASES_MAX]; /* of phrases */
};

/* Memory is the arena's of src, for all of them. ERR_NO_MEMORY. */
int groups_init(struct groups *g, struct ruleset_source *src) MUST_USE;
/* The group of these words. ERR_SYNTAX and the error of src; ERR_NO_MEMORY. */
int groups_of(struct groups *g, const struct source_word *words, struct source_place place,
	      uint16_t *ret_group) MUST_USE;
uint32_t groups_weight(const struct groups *g, uint16_t group);
/* The tree and what each phrase says to its groups, into the set. As groups_of. */
int groups_finish(struct groups *g, struct ruleset *set) MUST_USE;

#endif
