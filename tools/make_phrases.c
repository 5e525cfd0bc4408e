/*
 * make_phrases: reads the words of src/rule/explain/basic_rules.def, which are compiled into it, and
 * prints phrases.inc: which phrases each rule has, and a tree of all of them by their letters, so
 * that one walk over a reply finds them all (src/rule/explain/match.c). Run by the build.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NODES_MAX 8192
#define PHRASES_MAX 1024
#define NONE 65535u

static const char *const rules[] = {
#define RULE(STAGES, CLASS, STATUS, CODE, words, CAUSE, confidence) words,
#include "rule/explain/basic_rules.def"
#undef RULE
};
#define RULES (sizeof(rules) / sizeof(rules[0]))

/* The children of a node are a list by their byte. */
struct node {
	unsigned char byte;
	unsigned child, next, phrase;
};

struct tree {
	struct node nodes[NODES_MAX];
	unsigned node_count, phrase_count;
	size_t phrase_lens[PHRASES_MAX];
};

static void
die(const char *why)
{
	fprintf(stderr, "make_phrases: %s\n", why);
	exit(1);
}

static unsigned
child_of(struct tree *t, unsigned parent, unsigned char byte)
{
	unsigned *link = &t->nodes[parent].child;

	while (*link != NONE && t->nodes[*link].byte < byte)
		link = &t->nodes[*link].next;
	if (*link != NONE && t->nodes[*link].byte == byte)
		return *link;
	if (t->node_count == NODES_MAX)
		die("too many nodes");
	t->nodes[t->node_count] = (struct node){byte, NONE, *link, NONE};
	*link = t->node_count;
	return t->node_count++;
}

/* The number of the phrase, the same for the same text. */
static unsigned
phrase_add(struct tree *t, const char *text, size_t len)
{
	unsigned node = 0;

	if (len < 2 || text[0] == ' ' || text[len - 1] == ' ')
		die("a phrase that is too short, or begins or ends with a blank");
	for (size_t i = 0; i < len; i++) {
		if ((text[i] >= 'A' && text[i] <= 'Z') || text[i] < ' ')
			die("a phrase that is not lower case");
		node = child_of(t, node, (unsigned char)text[i]);
	}
	if (t->nodes[node].phrase == NONE) {
		if (t->phrase_count == PHRASES_MAX)
			die("too many phrases");
		t->phrase_lens[t->phrase_count] = len;
		t->nodes[node].phrase = t->phrase_count++;
	}
	return t->nodes[node].phrase;
}

static void
rules_print(struct tree *t)
{
	unsigned used = 0, first[RULES], count[RULES];

	printf("static const uint16_t rule_phrases[] = {");
	for (size_t i = 0; i < RULES; i++) {
		first[i] = used;
		for (const char *at = rules[i]; at;) {
			const char *bar = strchr(at, '|');
			size_t len = bar ? (size_t)(bar - at) : strlen(at);

			printf("%s%u,", used++ % 16 ? " " : "\n\t", phrase_add(t, at, len));
			at = bar ? bar + 1 : NULL;
		}
		count[i] = used - first[i];
	}
	printf("\n};\nstatic const struct {\n\tuint16_t first, count;\n} rule_ranges[] = {\n");
	for (size_t i = 0; i < RULES; i++)
		printf("\t{%u, %u},\n", first[i], count[i]);
	printf("};\n");
}

/* Children of a node stand together, so that a node needs only where they begin and how many. */
static void
tree_print(const struct tree *t)
{
	unsigned edge = 0;

	printf("static const struct {\n\tuint8_t byte;\n\tuint16_t node;\n} tree_edges[] = {\n");
	for (unsigned i = 0; i < t->node_count; i++)
		for (unsigned k = t->nodes[i].child; k != NONE; k = t->nodes[k].next)
			printf("\t{%u, %u},\n", t->nodes[k].byte, k);
	printf("};\nstatic const struct {\n\tuint16_t edge, edge_count, phrase;\n} "
	       "tree_nodes[] = {\n");
	for (unsigned i = 0; i < t->node_count; i++) {
		unsigned begin = edge;

		for (unsigned k = t->nodes[i].child; k != NONE; k = t->nodes[k].next)
			edge++;
		printf("\t{%u, %u, %u},\n", begin, edge - begin, t->nodes[i].phrase);
	}
	printf("};\n");
}

int
main(void)
{
	static struct tree tree;

	tree.nodes[0] = (struct node){0, NONE, NONE, NONE};
	tree.node_count = 1;
	printf("/* Made by tools/make_phrases.c from basic_rules.def. */\n");
	rules_print(&tree);
	tree_print(&tree);
	printf("static const uint8_t phrase_lens[] = {");
	for (unsigned i = 0; i < tree.phrase_count; i++)
		printf("%s%zu,", i % 16 ? " " : "\n\t", tree.phrase_lens[i]);
	printf("\n};\nstatic const uint16_t tree_roots[256] = {");
	for (unsigned k = tree.nodes[0].child; k != NONE; k = tree.nodes[k].next)
		printf("\n\t[%u] = %u,", tree.nodes[k].byte, k);
	printf("\n};\n#define PHRASE_COUNT %u\n#define PHRASE_NONE %u\n", tree.phrase_count, NONE);
	return ferror(stdout) ? 1 : 0;
}
