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

/* Nodes get their numbers by their distance from the root: those that most words reach lie
 * together. */
struct finishing {
	struct tree *tree;
	struct ruleset_node *nodes;
	uint32_t *queue; /* by new number: the old one */
	uint32_t count;	 /* of numbers */
	uint8_t *edge_bytes;
	uint16_t *pairs;
};

/* An edge from a node to what its byte leads to, with the label on the way, of which there may be
 * more behind it. From the root there is none, so that two bytes lead to a node. */
static void
edge_finish(struct finishing *f, uint32_t child, bool root)
{
	const struct tree_node *nodes = f->tree->nodes;
	uint32_t number = f->count++, end = child;
	struct ruleset_node *out = &f->nodes[number];

	*out = (struct ruleset_node){.label_len = 0};
	while (!root && !is_kept(f->tree, end) && out->label_len < RULESET_LABEL_MAX) {
		end = nodes[end].child;
		out->label[out->label_len++] = nodes[end].byte;
	}
	f->queue[number] = end;
	f->edge_bytes[number] = nodes[child].byte;
}

static void
node_finish(struct finishing *f, uint32_t number)
{
	const struct tree_node *n = &f->tree->nodes[f->queue[number]];
	struct ruleset_node *out = &f->nodes[number];

	out->edge = (uint16_t)f->count;
	out->word = n->word;
	out->start = n->start;
	for (uint32_t k = n->child; k != NO_NODE; k = f->tree->nodes[k].next)
		edge_finish(f, k, number == 0);
	out->edge_count = (uint8_t)(f->count - out->edge);
}

/* What is reached by two bytes that have a class. */
static void
pairs_finish(struct finishing *f)
{
	const struct ruleset_node *root = &f->nodes[0];

	for (unsigned i = 0; i < root->edge_count; i++) {
		const struct ruleset_node *n = &f->nodes[root->edge + i];
		unsigned first = ruleset_pair_classes[f->edge_bytes[root->edge + i]];

		for (unsigned k = 0; first && k < n->edge_count; k++) {
			unsigned second = ruleset_pair_classes[f->edge_bytes[n->edge + k]];

			if (second)
				f->pairs[first * RULESET_PAIRS + second] = (uint16_t)(n->edge + k);
		}
	}
}

/* Not fewer than edge_finish makes: those that are kept, what the root leads to, and one for each
 * full label with the byte behind it. */
static size_t
nodes_most(const struct tree *tree)
{
	size_t kept = 0, first = 0;

	for (uint32_t i = 0; i < tree->node_count; i++)
		kept += is_kept(tree, i);
	for (uint32_t k = tree->nodes[0].child; k != NO_NODE; k = tree->nodes[k].next)
		first += !is_kept(tree, k);
	return kept + first + (tree->node_count - kept) / (RULESET_LABEL_MAX + 1);
}

int
tree_finish(struct tree *tree, struct ruleset *set)
{
	struct finishing f = {.tree = tree, .count = 1}; /* the root */
	size_t most = nodes_most(tree);

	if (most > UINT16_MAX)
		return ERR_LIMIT;
	f.queue = arena_alloc(tree->arena, most * sizeof(*f.queue));
	f.nodes = arena_alloc(tree->arena, most * sizeof(*f.nodes));
	f.edge_bytes = arena_alloc(tree->arena, most + RULESET_EDGES_PAD);
	f.pairs = arena_alloc(tree->arena, RULESET_PAIRS * RULESET_PAIRS * sizeof(*f.pairs));
	if (tree->arena->failed)
		return ERR_NO_MEMORY;
	f.nodes[0] = (struct ruleset_node){.label_len = 0};
	f.edge_bytes[0] = 0;
	for (uint32_t i = 0; i < f.count; i++)
		node_finish(&f, i);
	ASSERT(f.count <= most);
	pairs_finish(&f);
	set->nodes = f.nodes;
	set->nodes_count = f.count;
	set->edge_bytes = f.edge_bytes;
	set->pairs = f.pairs;
	set->phrase_count = tree->phrase_count;
	return 0;
}
