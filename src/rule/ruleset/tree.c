#include "rule/ruleset/tree.h"

#include <string.h>

#include "base/assert.h"

#define NODES_FIRST 4096
#define NO_NODE UINT32_MAX

struct tree_node {
	uint32_t child, next;
	uint16_t word, start;
	uint8_t byte;
};

static int
nodes_grow(struct tree *tree, size_t room)
{
	struct tree_node *nodes = arena_alloc(tree->arena, room * sizeof(*nodes));

	if (!nodes)
		return ERR_NO_MEMORY;
	if (tree->node_count)
		memcpy(nodes, tree->nodes, tree->node_count * sizeof(*nodes));
	tree->nodes = nodes;
	tree->node_room = room;
	return 0;
}

static int
node_new(struct tree *tree, uint8_t byte, uint32_t next, uint32_t *ret)
{
	int err = 0;

	if (tree->node_count == TREE_NODES_MAX)
		return ERR_LIMIT;
	if (tree->node_count == tree->node_room)
		err = nodes_grow(tree, tree->node_room * 2);
	if (err)
		return err;
	*ret = (uint32_t)tree->node_count++;
	tree->nodes[*ret] = (struct tree_node){.child = NO_NODE,
					       .next = next,
					       .word = RULESET_NONE,
					       .start = RULESET_NONE,
					       .byte = byte};
	return 0;
}

int
tree_init(struct tree *tree, struct arena *arena)
{
	uint32_t root;
	int err;

	*tree = (struct tree){.arena = arena};
	err = nodes_grow(tree, NODES_FIRST);
	return err ? err : node_new(tree, 0, NO_NODE, &root);
}

/* The child of that byte, made where there is none. Children are in the order of their bytes. */
static int
child_of(struct tree *tree, uint32_t parent, uint8_t byte, uint32_t *ret)
{
	uint32_t before = NO_NODE, at = tree->nodes[parent].child;
	int err;

	while (at != NO_NODE && tree->nodes[at].byte < byte) {
		before = at;
		at = tree->nodes[at].next;
	}
	if (at != NO_NODE && tree->nodes[at].byte == byte) {
		*ret = at;
		return 0;
	}
	err = node_new(tree, byte, at, ret);
	if (err)
		return err;
	if (before == NO_NODE)
		tree->nodes[parent].child = *ret;
	else
		tree->nodes[before].next = *ret;
	return 0;
}

int
tree_add(struct tree *tree, struct slice text, bool start, uint16_t *ret_phrase)
{
	uint32_t node = 0;
	uint16_t *phrase;

	ASSERT(text.len > 0);
	for (size_t i = 0; i < text.len; i++) {
		int err = child_of(tree, node, text.data[i], &node);

		if (err)
			return err;
	}
	phrase = start ? &tree->nodes[node].start : &tree->nodes[node].word;
	if (*phrase == RULESET_NONE) {
		if (tree->phrase_count == RULESET_PHRASES_MAX)
			return ERR_LIMIT;
		*phrase = (uint16_t)tree->phrase_count++;
	}
	*ret_phrase = *phrase;
	return 0;
}

int
tree_finish(struct tree *tree, struct ruleset *set)
{
	struct ruleset_node *nodes = arena_alloc(tree->arena, tree->node_count * sizeof(*nodes));
	struct ruleset_edge *edges = arena_alloc(tree->arena, tree->node_count * sizeof(*edges));
	uint32_t *roots = arena_alloc(tree->arena, 256 * sizeof(*roots));
	uint32_t edge = 0;

	if (!nodes || !edges || !roots)
		return ERR_NO_MEMORY;
	for (uint32_t k = tree->nodes[0].child; k != NO_NODE; k = tree->nodes[k].next)
		roots[tree->nodes[k].byte] = k;
	for (size_t i = 0; i < tree->node_count; i++) {
		const struct tree_node *n = &tree->nodes[i];

		nodes[i] = (struct ruleset_node){edge, 0, n->word, n->start};
		for (uint32_t k = n->child; k != NO_NODE; k = tree->nodes[k].next) {
			edges[edge++] = (struct ruleset_edge){tree->nodes[k].byte, k};
			nodes[i].edge_count++;
		}
	}
	set->nodes = nodes;
	set->nodes_count = tree->node_count;
	set->edges = edges;
	set->roots = roots;
	set->edges_count = edge;
	set->phrase_count = tree->phrase_count;
	return 0;
}
