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

/* One that says nothing but that the next byte follows becomes part of a label. */
static bool
is_kept(const struct tree *tree, uint32_t at)
{
	const struct tree_node *n = &tree->nodes[at];

	return at == 0 || n->word != RULESET_NONE || n->start != RULESET_NONE ||
	       n->child == NO_NODE || tree->nodes[n->child].next != NO_NODE;
}

struct finishing {
	struct tree *tree;
	struct ruleset_node *nodes;
	uint32_t *numbers; /* of kept nodes, by their old ones */
	uint8_t *edge_bytes, *labels;
	uint32_t *edge_nodes, *roots;
	uint32_t edge, label;
};

/* Its edges, and the labels of what they lead to. */
static void
node_finish(struct finishing *f, uint32_t at)
{
	const struct tree_node *nodes = f->tree->nodes;
	struct ruleset_node *out = &f->nodes[f->numbers[at]];

	out->edge = f->edge;
	out->word = nodes[at].word;
	out->start = nodes[at].start;
	for (uint32_t k = nodes[at].child; k != NO_NODE; k = nodes[k].next) {
		uint32_t end = k, label = f->label;

		while (!is_kept(f->tree, end)) {
			end = nodes[end].child;
			f->labels[f->label++] = nodes[end].byte;
		}
		f->nodes[f->numbers[end]].label = label;
		f->nodes[f->numbers[end]].label_len = (uint8_t)(f->label - label);
		f->edge_bytes[f->edge] = nodes[k].byte;
		f->edge_nodes[f->edge++] = f->numbers[end];
		out->edge_count++;
		if (at == 0)
			f->roots[nodes[k].byte] = f->numbers[end];
	}
}

int
tree_finish(struct tree *tree, struct ruleset *set)
{
	struct finishing f = {.tree = tree};
	uint32_t kept = 0;

	f.numbers = arena_alloc(tree->arena, tree->node_count * sizeof(*f.numbers));
	for (uint32_t i = 0; f.numbers && i < tree->node_count; i++) {
		if (is_kept(tree, i))
			f.numbers[i] = kept++;
	}
	f.nodes = arena_alloc(tree->arena, (kept + 1) * sizeof(*f.nodes));
	f.edge_bytes = arena_alloc(tree->arena, kept + 1);
	f.edge_nodes = arena_alloc(tree->arena, (kept + 1) * sizeof(*f.edge_nodes));
	f.labels = arena_alloc(tree->arena, tree->node_count + 1);
	f.roots = arena_alloc(tree->arena, 256 * sizeof(*f.roots));
	if (tree->arena->failed)
		return ERR_NO_MEMORY;
	for (uint32_t i = 0; i < tree->node_count; i++) {
		if (is_kept(tree, i))
			node_finish(&f, i);
	}
	set->nodes = f.nodes;
	set->nodes_count = kept;
	set->edge_bytes = f.edge_bytes;
	set->edge_nodes = f.edge_nodes;
	set->edges_count = f.edge;
	set->labels = f.labels;
	set->labels_count = f.label;
	set->roots = f.roots;
	set->phrase_count = tree->phrase_count;
	return 0;
}
