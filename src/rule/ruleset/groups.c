/*
 * groups: the phrases of a condition are bits, so that a set is put in at once and order and
 * repetition do not matter; as a list they are hashed, to find the group that has them already.
 */
#include "rule/ruleset/groups.h"

#include <string.h>

#define GROUP_SLOTS (2 * RULESET_GROUPS_MAX)
#define BITS_WORDS RULESET_WORDS(RULESET_PHRASES_MAX)
#define BITS_BYTES (BITS_WORDS * sizeof(uint64_t))
#define WEIGHT_ONE 4096u

int
groups_init(struct groups *g, struct ruleset_source *src)
{
	g->src = src;
	g->groups = arena_alloc(src->arena, RULESET_GROUPS_MAX * sizeof(*g->groups));
	g->slots = arena_alloc(src->arena, GROUP_SLOTS * sizeof(*g->slots));
	g->bits = arena_alloc(src->arena, BITS_BYTES);
	src->phrases =
		arena_alloc(src->arena, RULESET_PHRASES_MAX * sizeof(const struct source_word *));
	if (src->arena->failed)
		return ERR_NO_MEMORY;
	return tree_init(&g->tree, src->arena);
}

static int
phrase_put(struct groups *g, const struct source_word *word, uint64_t *bits)
{
	uint16_t phrase;
	int err = tree_add(&g->tree, word->text, word->start, &phrase);

	if (err == ERR_LIMIT)
		return source_fail(g->src, word->place, "too many phrases", SLICE_EMPTY, "");
	if (err)
		return err;
	g->weights[phrase] = (uint16_t)(WEIGHT_ONE / (word->text.len * word->text.len));
	g->src->phrases[phrase] = word;
	bits[phrase / 64] |= UINT64_C(1) << phrase % 64;
	return 0;
}

static int words_put(struct groups *g, const struct source_word *words, unsigned depth,
		     uint64_t *bits);

/* What is in the set, followed when it is asked for first. */
static int
set_put(struct groups *g, const struct source_word *word, unsigned depth, uint64_t *bits)
{
	struct source_set *set = source_set_find(g->src, word->text);
	int err = 0;

	if (!set)
		return source_fail(g->src, word->place, "no such set:", word->text, "");
	if (set->open)
		return source_fail(g->src, word->place, "set", word->text, " holds itself");
	if (!set->phrases) {
		uint64_t *phrases = arena_alloc(g->src->arena, BITS_BYTES);

		if (!phrases)
			return ERR_NO_MEMORY;
		if (depth == RULESET_SET_DEPTH_MAX)
			return source_fail(g->src, word->place,
					   "sets lie more than 16 deep in one another, at",
					   word->text, "");
		set->open = true;
		err = words_put(g, set->words, depth + 1, phrases);
		set->open = false;
		set->phrases = err ? NULL : phrases;
	}
	for (size_t i = 0; i < BITS_WORDS && !err; i++)
		bits[i] |= set->phrases[i];
	return err;
}

static int
words_put(struct groups *g, const struct source_word *words, unsigned depth, uint64_t *bits)
{
	int err = 0;

	for (const struct source_word *word = words; word && !err; word = word->next)
		err = word->is_set ? set_put(g, word, depth, bits) : phrase_put(g, word, bits);
	return err;
}

/* The bits as a list. */
static int
phrases_list(struct groups *g, struct source_place place, size_t *ret_count)
{
	size_t count = 0;

	for (size_t word = 0; word < BITS_WORDS; word++) {
		for (uint64_t bits = g->bits[word]; bits; bits &= bits - 1) {
			if (count == GROUP_PHRASES_MAX)
				return source_fail(g->src, place,
						   "more than 2048 phrases in one condition",
						   SLICE_EMPTY, "");
			g->phrases[count++] = (uint16_t)(word * 64 + (size_t)__builtin_ctzll(bits));
		}
	}
	if (!count)
		return source_fail(g->src, place, "a condition without phrases", SLICE_EMPTY, "");
	*ret_count = count;
	return 0;
}

static int
group_new(struct groups *g, size_t count, struct source_place place, uint16_t *ret_group)
{
	uint16_t *phrases = arena_alloc(g->src->arena, count * sizeof(*phrases));
	struct group *group = &g->groups[g->count];

	if (!phrases)
		return ERR_NO_MEMORY;
	if (g->count == RULESET_GROUPS_MAX)
		return source_fail(g->src, place, "too many conditions", SLICE_EMPTY, "");
	memcpy(phrases, g->phrases, count * sizeof(*phrases));
	*group = (struct group){phrases, count, 0};
	for (size_t i = 0; i < count; i++)
		group->weight += 1u + g->weights[phrases[i]];
	*ret_group = (uint16_t)g->count++;
	return 0;
}

int
groups_of(struct groups *g, const struct source_word *words, struct source_place place,
	  uint16_t *ret_group)
{
	uint32_t hash = 0;
	size_t count = 0;
	int err;

	memset(g->bits, 0, BITS_BYTES);
	err = words_put(g, words, 0, g->bits);
	if (!err)
		err = phrases_list(g, place, &count);
	if (err)
		return err;
	for (size_t i = 0; i < count; i++)
		hash = (hash ^ g->phrases[i]) * UINT32_C(0x01000193);
	for (size_t slot = hash % GROUP_SLOTS;; slot = (slot + 1) % GROUP_SLOTS) {
		const struct group *group;

		if (!g->slots[slot]) {
			err = group_new(g, count, place, ret_group);
			g->slots[slot] = err ? 0 : (uint16_t)(*ret_group + 1);
			return err;
		}
		group = &g->groups[g->slots[slot] - 1];
		if (group->count == count &&
		    memcmp(group->phrases, g->phrases, count * sizeof(g->phrases[0])) == 0) {
			*ret_group = (uint16_t)(g->slots[slot] - 1);
			return 0;
		}
	}
}

uint32_t
groups_weight(const struct groups *g, uint16_t group)
{
	return g->groups[group].weight;
}

static void
group_count_phrases(const struct group *group, struct ruleset_range *ranges)
{
	for (size_t i = 0; i < group->count; i++)
		ranges[group->phrases[i]].count++;
}

/* Which groups each phrase belongs to. */
static int
phrase_groups_make(struct groups *g, struct ruleset *set)
{
	struct arena *arena = g->src->arena;
	struct ruleset_range *ranges = arena_alloc(arena, set->phrase_count * sizeof(*ranges) + 1);
	uint16_t *groups;
	size_t total = 0;

	for (size_t i = 0; i < g->count; i++)
		total += g->groups[i].count;
	groups = arena_alloc(arena, total * sizeof(*groups) + 1);
	if (!ranges || !groups)
		return ERR_NO_MEMORY;
	if (total > UINT16_MAX)
		return source_fail(g->src, (struct source_place){0, 1, 1},
				   "too many phrases in all conditions together", SLICE_EMPTY, "");
	for (size_t i = 0; i < g->count; i++)
		group_count_phrases(&g->groups[i], ranges);
	for (size_t p = 0, first = 0; p < set->phrase_count; p++) {
		ranges[p].first = (uint16_t)first;
		first += ranges[p].count;
		ranges[p].count = 0;
	}
	for (size_t i = 0; i < g->count; i++) {
		for (size_t k = 0; k < g->groups[i].count; k++) {
			struct ruleset_range *range = &ranges[g->groups[i].phrases[k]];

			groups[range->first + range->count++] = (uint16_t)i;
		}
	}
	set->phrase_groups = ranges;
	set->groups = groups;
	set->groups_count = total;
	set->group_count = g->count;
	return 0;
}

int
groups_finish(struct groups *g, struct ruleset *set)
{
	int err = tree_finish(&g->tree, set);

	return err ? err : phrase_groups_make(g, set);
}
