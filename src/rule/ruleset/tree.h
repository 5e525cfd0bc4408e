/*
 * tree: phrases by their bytes while they are added, then as the arrays of a set.
 */
#ifndef RULE_RULESET_TREE_H
#define RULE_RULESET_TREE_H

#include "base/arena.h"
#include "rule/ruleset/ruleset.h"

#define TREE_NODES_MAX 262144

struct tree_node; /* a list of children by their byte */

struct tree {
	struct arena *arena;
	struct tree_node *nodes;
	size_t node_count, node_room;
	size_t phrase_count;
};

int tree_init(struct tree *tree, struct arena *arena) MUST_USE;
/* The number of the phrase, the same for the same text and kind. start: it may go on behind its
 * end. ERR_LIMIT, ERR_NO_MEMORY. */
int tree_add(struct tree *tree, struct slice text, bool start, uint16_t *ret_phrase) MUST_USE;
/* Arrays of nodes and edges into the set. */
int tree_finish(struct tree *tree, struct ruleset *set) MUST_USE;

#endif
