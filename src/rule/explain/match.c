/*
 * match: the reply is lowered, its blanks are drawn together, and from each beginning of a word the
 * tree of phrases (made by the build from basic_rules.def) is walked as far as it goes: never
 * further than the longest phrase, so the time is linear to the text, however many rules there are.
 */
#include "rule/explain/match.h"

#include <string.h>

#include "base/assert.h"

#include "rule/explain/phrases.inc"

#define WHOLE_WORD_MAX 4 /* "spf", "rbl" */
#define NOWHERE UINT16_MAX

_Static_assert(PHRASE_COUNT <= MATCH_PHRASES_MAX, "more phrases than struct match has room for");

/* Of the prepared bytes, which are lower case. */
static inline bool
is_letter(uint8_t byte)
{
	return byte >= 'a' && byte <= 'z';
}

struct prepared {
	uint8_t bytes[VERDICT_REPLY_MAX + 1]; /* a 0 behind the last */
	uint16_t places[VERDICT_REPLY_MAX];   /* in the reply */
	size_t len;
};

/* A part of the code at the start of a line: three digits, then a hyphen or blank. */
static inline bool
is_code_byte(size_t column, uint8_t byte)
{
	if (column < 3)
		return byte >= '0' && byte <= '9';
	return column == 3 && (byte == '-' || byte == ' ');
}

static void
prepare(struct prepared *p, struct slice reply)
{
	size_t column = 0;

	p->len = 0;
	for (size_t i = 0; i < reply.len; i++) {
		uint8_t c = reply.data[i];
		bool code = is_code_byte(column, c);
		bool blank = code || c == ' ' || c == '\n' || c == '\r' || c == '\t';

		if (c == '\n')
			column = 0;
		else
			column = code ? column + 1 : 4;
		if (blank && p->len && p->bytes[p->len - 1] == ' ')
			continue;
		p->bytes[p->len] = blank ? ' ' : (c >= 'A' && c <= 'Z') ? c | 0x20 : c;
		p->places[p->len++] = (uint16_t)i;
	}
	p->bytes[p->len] = 0;
}

/* The node behind the byte, or 0. */
static unsigned
tree_next(unsigned node, uint8_t byte)
{
	unsigned end = tree_nodes[node].edge + tree_nodes[node].edge_count;

	for (unsigned i = tree_nodes[node].edge; i < end; i++) {
		if (tree_edges[i].byte >= byte)
			return tree_edges[i].byte == byte ? tree_edges[i].node : 0;
	}
	return 0;
}

/* All phrases that begin at the word. */
static void
match_word(struct match *m, const struct prepared *p, size_t begin)
{
	unsigned node = tree_roots[p->bytes[begin]];

	/* No phrase is of one letter, so the root's children need no look. */
	for (size_t at = begin + 1; node && at < p->len; at++) {
		unsigned phrase;

		node = tree_next(node, p->bytes[at]);
		phrase = tree_nodes[node].phrase;
		if (phrase == PHRASE_NONE || m->begins[phrase] != NOWHERE ||
		    (phrase_lens[phrase] <= WHOLE_WORD_MAX && is_letter(p->bytes[at + 1])))
			continue;
		m->begins[phrase] = p->places[begin];
		m->ends[phrase] = (uint16_t)(p->places[at] + 1);
	}
}

void
match_find(struct slice reply, struct match *ret_match)
{
	struct prepared p;

	reply = slice_sub(reply, 0, VERDICT_REPLY_MAX);
	prepare(&p, reply);
	ret_match->reply = reply;
	memset(ret_match->begins, 0xff, PHRASE_COUNT * sizeof(ret_match->begins[0]));
	for (size_t i = 0; i < p.len; i++) {
		if (i == 0 || !is_letter(p.bytes[i - 1]))
			match_word(ret_match, &p, i);
	}
}

bool
match_rule(const struct match *m, size_t rule, struct slice *ret_words)
{
	ASSERT(rule < sizeof(rule_ranges) / sizeof(rule_ranges[0]));
	for (size_t i = 0; i < rule_ranges[rule].count; i++) {
		unsigned phrase = rule_phrases[rule_ranges[rule].first + i];

		if (m->begins[phrase] == NOWHERE)
			continue;
		*ret_words = slice_sub(m->reply, m->begins[phrase],
				       (size_t)m->ends[phrase] - m->begins[phrase]);
		return true;
	}
	return false;
}
