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

/* Where the long phrase stands, the short one does. */
static bool
phrase_holds(const struct source_word *shorter, const struct source_word *longer)
{
	struct slice rest = longer->text;
	size_t from = 0;

	while (from + shorter->text.len <= rest.len) {
		size_t at = from + slice_find(slice_from(rest, from), shorter->text);
		size_t end = at + shorter->text.len;

		if (at >= rest.len)
			return false;
		/* "block" in "block*" may be the beginning of another word */
		if (is_boundary(rest, at) &&
		    (shorter->start ||
		     (is_boundary(rest, end) && !(longer->start && end == rest.len))))
			return true;
		from = at + 1;
	}
	return false;
}

static bool word_held(const struct ruleset_source *src, const struct source_word *word,
		      const struct source_word *wide);

/* Every phrase of these stands only where one of wide does. */
static bool
words_held(const struct ruleset_source *src, const struct source_word *words,
	   const struct source_word *wide)
{
	for (; words; words = words->next) {
		if (!word_held(src, words, wide))
			return false;
	}
	return true;
}

static bool
phrase_held(const struct ruleset_source *src, const struct source_word *word,
	    const struct source_word *wide)
{
	for (; wide; wide = wide->next) {
		if (wide->is_set ? phrase_held(src, word, source_set_find(src, wide->text)->words)
				 : phrase_holds(wide, word))
			return true;
	}
	return false;
}

static bool
word_held(const struct ruleset_source *src, const struct source_word *word,
	  const struct source_word *wide)
{
	if (word->is_set)
		return words_held(src, source_set_find(src, word->text)->words, wide);
	return phrase_held(src, word, wide);
}

static bool
condition_held(const struct ruleset_source *src, const struct source_rule *narrow,
	       const struct source_condition *wide)
{
	for (unsigned kind = SOURCE_WORDS; kind <= SOURCE_NEAR; kind++) {
		const struct source_condition *c = narrow->conditions[kind];

		for (; c; c = c->next) {
			if (c->group == wide->group || words_held(src, c->words, wide->words))
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
		while (n && n->group != w->group && !words_held(src, n->words, w->words))
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
		while (n && n->group != w->group && !words_held(src, w->words, n->words))
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
	int err = 0;

	while (work->rule < source->rule_count && !err) {
		t.rule = source->by_index[work->rule];
		t.example = t.rule->examples;
		for (size_t i = 0; i < work->step && t.example; i++)
			t.example = i ? t.example->next : t.example;
		if (work->step++ == 0) {
			err = check_shadows(source, work->rule);
		} else if (t.example) {
			err = try_example(&t);
		} else {
			work->rule++;
			work->step = 0;
		}
	}
	return err;
}
