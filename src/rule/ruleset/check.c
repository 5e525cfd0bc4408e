/*
 * check: what can be known about rules without mail. A rule never wins when an earlier one fits
 * wherever it does; examples show the rest.
 */
#include <string.h>

#include "base/assert.h"
#include "rule/normal/facts.h"
#include "rule/ruleset/source.h"

/* --- never wins ------------------------------------------------------------------------------- */

static bool
statuses_hold(const struct source_rule *wide, const struct source_rule *narrow)
{
	if (!wide->status_count)
		return true;
	for (size_t i = 0; i < narrow->status_count; i++) {
		const struct ruleset_status *n = &narrow->statuses[i];
		bool held = false;

		for (size_t k = 0; k < wide->status_count && !held; k++) {
			const struct ruleset_status *w = &wide->statuses[k];

			held = (w->class == n->class ||
				(w->class == RULESET_ANY_STATUS_CLASS && n->class != 0)) &&
			       w->subject == n->subject &&
			       (w->detail == n->detail || w->detail == RULESET_ANY_DETAIL);
		}
		if (!held)
			return false;
	}
	return narrow->status_count > 0;
}

static bool
codes_hold(const struct source_rule *wide, const struct source_rule *narrow)
{
	if (!wide->code_count)
		return true;
	for (size_t i = 0; i < narrow->code_count; i++) {
		bool held = false;

		for (size_t k = 0; k < wide->code_count; k++)
			held = held || wide->codes[k] == narrow->codes[i];
		if (!held)
			return false;
	}
	return narrow->code_count > 0;
}

/* Wherever the narrow rule's facts hold, those of the wide one do. */
static bool
facts_hold(const struct source_rule *wide, const struct source_rule *narrow)
{
	const struct ruleset_rule *w = &wide->out, *n = &narrow->out;

	return (n->stages & ~w->stages) == 0 && (w->fields & ~n->fields) == 0 &&
	       (w->class == RULESET_ANY_CLASS || w->class == n->class) &&
	       (!wide->provider.len || slice_eq(wide->provider, narrow->provider)) &&
	       statuses_hold(wide, narrow) && codes_hold(wide, narrow);
}

static bool
is_boundary(struct slice s, size_t at)
{
	return at == 0 || at >= s.len || !text_is_word(s.data[at]) || !text_is_word(s.data[at - 1]);
}

/* The child of the node that the text goes on to at the index, which is moved behind its label; or
 * 0. */
static uint32_t
follow(const struct ruleset *set, const struct ruleset_node *n, struct slice text, size_t *at)
{
	for (unsigned i = 0; i < n->edge_count && *at < text.len; i++) {
		const struct ruleset_node *child = &set->nodes[n->edge + i];
		struct slice label = slice_of(child->label, child->label_len);

		if (set->edge_bytes[n->edge + i] != text.data[*at])
			continue;
		if (!slice_starts(slice_from(text, *at + 1), label))
			return 0;
		*at += 1 + label.len;
		return n->edge + i;
	}
	return 0;
}

static void
groups_add(const struct ruleset *set, uint16_t phrase, uint64_t *groups)
{
	const struct ruleset_range *range = &set->phrase_groups[phrase];

	for (size_t i = 0; i < range->count; i++) {
		uint16_t group = set->groups[range->first + i];

		groups[group / 64] |= UINT64_C(1) << group % 64;
	}
}

/* Groups of the phrases that stand wherever this one does: those that begin at the index of it. */
static void
groups_within(const struct ruleset *set, const struct source_word *word, size_t begin,
	      uint64_t *groups)
{
	struct slice text = word->text;
	uint32_t node = 0;
	size_t at = begin;

	while ((node = follow(set, &set->nodes[node], text, &at)) != 0) {
		const struct ruleset_node *n = &set->nodes[node];

		if (n->start != RULESET_NONE)
			groups_add(set, n->start, groups);
		/* "block" in "block*" may be the beginning of another word */
		if (n->word != RULESET_NONE && is_boundary(text, at) &&
		    !(word->start && at == text.len))
			groups_add(set, n->word, groups);
	}
}

/* By group, a bit for each that is found wherever it is: the ones that all its phrases hold. */
static int
held_make(struct ruleset_source *src)
{
	const struct ruleset *set = &src->set;
	size_t words = RULESET_WORDS(set->group_count);
	uint64_t groups[RULESET_WORDS(RULESET_GROUPS_MAX)];

	src->held = arena_alloc(src->arena, set->group_count * words * sizeof(*src->held) + 1);
	if (!src->held)
		return ERR_NO_MEMORY;
	memset(src->held, 0xff, set->group_count * words * sizeof(*src->held));
	for (size_t p = 0; p < set->phrase_count; p++) {
		const struct ruleset_range *range = &set->phrase_groups[p];

		memset(groups, 0, words * sizeof(groups[0]));
		for (size_t at = 0; at < src->phrases[p]->text.len; at++) {
			if (is_boundary(src->phrases[p]->text, at))
				groups_within(set, src->phrases[p], at, groups);
		}
		for (size_t i = 0; i < range->count * words; i++)
			src->held[set->groups[range->first + i / words] * words + i % words] &=
				groups[i % words];
	}
	return 0;
}

/* Wherever the narrow group is found, the wide one is. */
static bool
group_holds(const struct ruleset_source *src, uint16_t wide, uint16_t narrow)
{
	size_t words = RULESET_WORDS(src->set.group_count);

	return src->held[narrow * words + wide / 64] >> wide % 64 & 1;
}

static bool
condition_held(const struct ruleset_source *src, const struct source_rule *narrow,
	       const struct source_condition *wide)
{
	for (unsigned kind = SOURCE_WORDS; kind <= SOURCE_NEAR; kind++) {
		const struct source_condition *c = narrow->conditions[kind];

		for (; c; c = c->next) {
			if (group_holds(src, wide->group, c->group))
				return true;
		}
	}
	return false;
}

static size_t
condition_count(const struct source_condition *c)
{
	size_t count = 0;

	for (; c; c = c->next)
		count++;
	return count;
}

/* Several near lines hold each other only where the narrow rule has lines as near. */
static bool
near_holds(const struct ruleset_source *src, const struct source_rule *wide,
	   const struct source_rule *narrow)
{
	const struct source_condition *w = wide->conditions[SOURCE_NEAR];
	bool single = condition_count(w) < 2;

	for (; w; w = w->next) {
		const struct source_condition *n = narrow->conditions[SOURCE_NEAR];

		if (single && condition_held(src, narrow, w))
			continue;
		while (n && !group_holds(src, w->group, n->group))
			n = n->next;
		if (!n)
			return false;
	}
	return true;
}

static bool
words_hold(const struct ruleset_source *src, const struct source_rule *wide,
	   const struct source_rule *narrow)
{
	for (const struct source_condition *w = wide->conditions[SOURCE_WORDS]; w; w = w->next) {
		if (!condition_held(src, narrow, w))
			return false;
	}
	if (!near_holds(src, wide, narrow))
		return false;
	for (const struct source_condition *w = wide->conditions[SOURCE_UNLESS]; w; w = w->next) {
		const struct source_condition *n = narrow->conditions[SOURCE_UNLESS];

		/* what keeps the wide one away keeps the narrow one away, too */
		while (n && !group_holds(src, n->group, w->group))
			n = n->next;
		if (!n)
			return false;
	}
	return true;
}

/* One rule against those before it. */
static int
check_shadows(struct ruleset_source *src, size_t index)
{
	const struct source_rule *narrow = src->by_index[index];

	for (size_t k = 0; k < index; k++) {
		const struct source_rule *wide = src->by_index[k];

		if (facts_hold(wide, narrow) && words_hold(src, wide, narrow))
			return source_fail(
				src, narrow->place,
				"this rule can never win: an earlier one always fits, rule",
				wide->name, "");
	}
	return 0;
}

/* --- examples --------------------------------------------------------------------------------- */

struct trial {
	struct ruleset_source *src;
	struct ruleset_check *work;
	const struct source_rule *rule;
	const struct source_example *example;
	uint8_t text[VERDICT_REPLY_MAX];
};

/* \n stands between lines. */
static struct slice
unescape(struct trial *t)
{
	struct slice from = t->example->text;
	size_t len = 0;

	for (size_t i = 0; i < from.len && len < sizeof(t->text); i++) {
		bool line_end = from.data[i] == '\\' && i + 1 < from.len && from.data[i + 1] == 'n';

		t->text[len++] = line_end ? '\n' : from.data[i];
		i += line_end;
	}
	return slice_of(t->text, len);
}

static int
trial_fail(const struct trial *t, const char *text, struct slice name, const char *more)
{
	return source_fail(t->src, t->example->place, text, name, more);
}

/* The rest of the rules that fit: of another file without an order between them, and of another
 * cause? */
static int
contradictions(const struct trial *t, size_t winner)
{
	const struct match *m = &t->work->match;
	size_t index = winner;

	while ((index = match_next(m, index + 1)) < m->set->rule_count) {
		const struct source_rule *other = t->src->by_index[index];

		if (other->out.level != t->rule->out.level)
			return 0;
		if (other->number == t->rule->number && other->place.file != t->rule->place.file &&
		    other->out.cause != t->rule->out.cause)
			return trial_fail(t, "no order is stated between this rule and",
					  other->name, ", which says another cause");
	}
	return 0;
}

static int
try_example(struct trial *t)
{
	struct facts *facts = &t->work->facts;
	const struct facts_given given = {.stage = t->example->stage, .host = t->example->host};
	struct match *m = &t->work->match;
	size_t winner;

	facts_read(unescape(t), &given, facts);
	if (t->example->no_code)
		facts->verdict.code = 0;
	match_find(m, &t->src->set, facts);
	t->work->visits += m->visits;
	if (t->work->visits > RULESET_VISITS_MAX)
		return trial_fail(t, "up to here examples have too many phrases of too many rules",
				  SLICE_EMPTY, "");
	winner = match_next(m, 0);
	if (t->example->not )
		return winner != t->rule->index
			       ? 0
			       : trial_fail(t, "explained by this rule, though it must not be",
					    SLICE_EMPTY, "");
	if (winner == t->src->rule_count)
		return trial_fail(t, "this example is explained by no rule", SLICE_EMPTY, "");
	if (winner != t->rule->index)
		return trial_fail(t, "this example is explained by rule",
				  t->src->by_index[winner]->name, "");
	return contradictions(t, winner);
}

int
ruleset_check(struct ruleset_source *source, struct ruleset_check *work)
{
	struct trial t = {.src = source, .work = work};
	int err = source->held ? 0 : held_make(source);

	while (work->rule < source->rule_count && !err) {
		t.rule = source->by_index[work->rule];
		t.example = work->example;
		if (t.example) {
			work->example = t.example->next;
			err = try_example(&t);
		} else if (!work->shadows) {
			work->shadows = true;
			work->example = t.rule->examples;
			err = check_shadows(source, work->rule);
		} else {
			work->shadows = false;
			work->rule++;
		}
	}
	return err;
}
