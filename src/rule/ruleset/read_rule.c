/* read_rule: what a rule says, a keyword a line (docs/rules.md). */
#include <string.h>

#include "base/assert.h"
#include "rule/ruleset/reader.h"
#include "wire/verdict/cause.h"

#define ADMIN_MAX 400
#define ARTICLE_MAX 48
#define STAGES_ABOUT_RCPT                                                                          \
	(1u << VERDICT_STAGE_RECIPIENT | 1u << VERDICT_STAGE_DATA | 1u << VERDICT_STAGE_FINAL |    \
	 1u << VERDICT_STAGE_LOCAL)

static int
condition_read(struct reader *r, enum source_kind kind)
{
	struct source_condition **link = &r->rule->conditions[kind];
	struct source_condition *condition = ARENA_NEW(r->src->arena, struct source_condition);
	struct source_word **end;
	unsigned count = 0;

	if (!condition)
		return ERR_NO_MEMORY;
	for (; *link; link = &(*link)->next)
		count++;
	if (count == RULESET_CONDITIONS_MAX)
		return reader_fail(r, "too many such lines in one rule", SLICE_EMPTY, "");
	*link = condition;
	condition->place = r->value_place;
	end = &condition->words;
	return reader_words(r, &end);
}

static int
read_words(struct reader *r)
{
	return condition_read(r, SOURCE_WORDS);
}

static int
read_near(struct reader *r)
{
	return condition_read(r, SOURCE_NEAR);
}

static int
read_unless(struct reader *r)
{
	return condition_read(r, SOURCE_UNLESS);
}

static int
read_provider(struct reader *r)
{
	r->rule->provider = r->value;
	r->rule->provider_place = r->value_place;
	return 0;
}

static int
read_stage(struct reader *r)
{
	struct slice rest = r->value, word;

	r->rule->out.stages = 0;
	while (reader_next_word(&rest, &word)) {
		unsigned stage = reader_index(word, verdict_stage_str, VERDICT_STAGE_MAX);

		if (stage == VERDICT_STAGE_MAX)
			return source_fail(r->src, reader_place(r, word), "no such stage:", word,
					   "");
		r->rule->out.stages |= (uint16_t)(1u << stage);
	}
	return 0;
}

static int
read_class(struct reader *r)
{
	if (slice_eq(r->value, SLICE("later")))
		r->rule->out.class = VERDICT_LATER;
	else if (slice_eq(r->value, SLICE("never")))
		r->rule->out.class = VERDICT_NEVER;
	else
		return reader_fail(r, "expected later or never, not", r->value, "");
	return 0;
}

static int
read_code(struct reader *r)
{
	struct slice rest = r->value, word;

	while (reader_next_word(&rest, &word)) {
		uint64_t code = RULESET_NO_REPLY;

		if (!slice_eq(word, SLICE("none")) &&
		    (!slice_to_u64(word, 599, &code) || code < 200))
			return source_fail(r->src, reader_place(r, word),
					   "expected reply codes (200 to 599) or none, not", word,
					   "");
		if (r->rule->code_count == SOURCE_CODES_MAX)
			return reader_fail(r, "too many codes", SLICE_EMPTY, "");
		r->rule->codes[r->rule->code_count++] = (uint16_t)code;
	}
	return 0;
}

static bool
status_read(struct slice text, struct ruleset_status *ret)
{
	struct slice class = slice_cut(&text, '.'), subject = slice_cut(&text, '.');
	uint64_t number;

	if (slice_eq(class, SLICE("*")))
		ret->class = RULESET_ANY_STATUS_CLASS;
	else if (class.len == 1 && (class.data[0] == '4' || class.data[0] == '5'))
		ret->class = (uint8_t)(class.data[0] - '0');
	else
		return false;
	if (!slice_to_u64(subject, 999, &number))
		return false;
	ret->subject = (uint16_t)number;
	ret->detail = RULESET_ANY_DETAIL;
	if (slice_eq(text, SLICE("*")))
		return true;
	if (!slice_to_u64(text, 999, &number))
		return false;
	ret->detail = (uint16_t)number;
	return true;
}

static int
read_status(struct reader *r)
{
	struct slice rest = r->value, word;

	while (reader_next_word(&rest, &word)) {
		struct ruleset_status status = {0};

		if (!slice_eq(word, SLICE("none")) && !status_read(word, &status))
			return source_fail(
				r->src, reader_place(r, word),
				"expected a status as 5.7.1, *.7.1 or *.7.*, or none, not", word,
				"");
		if (r->rule->status_count == SOURCE_STATUSES_MAX)
			return reader_fail(r, "too many statuses", SLICE_EMPTY, "");
		r->rule->statuses[r->rule->status_count++] = status;
	}
	return 0;
}

static int
read_field(struct reader *r)
{
	struct slice rest = r->value, word;

	while (reader_next_word(&rest, &word)) {
		unsigned kind = reader_index(word, normal_kind_str, NORMAL_KIND_MAX);

		if (kind == NORMAL_KIND_MAX)
			return source_fail(r->src, reader_place(r, word),
					   "no such kind of field:", word, "");
		r->rule->out.fields |= UINT32_C(1) << kind;
	}
	return 0;
}

static int
read_cause(struct reader *r)
{
	struct slice rest = r->value, name = SLICE_EMPTY, percent = SLICE_EMPTY;
	enum verdict_cause cause;
	uint64_t number;

	if (reader_next_word(&rest, &name))
		reader_next_word(&rest, &percent);
	cause = cause_of_name(name);
	if (cause == VERDICT_CAUSE_NONE)
		return reader_fail(r, "no such cause:", name, "");
	if (!slice_to_u64(percent, 100, &number) || number == 0 || rest.len)
		return reader_fail(r, "expected a cause and how sure it is (1 to 100), not",
				   r->value, "");
	r->rule->out.cause = (uint8_t)cause;
	r->rule->out.confidence_percent = (uint8_t)number;
	return 0;
}

static int
read_actor(struct reader *r)
{
	unsigned actor = reader_index(r->value, verdict_actor_str, VERDICT_ACTOR_MAX);

	r->rule->out.actor = (uint8_t)actor;
	return actor < VERDICT_ACTOR_MAX ? 0 : reader_fail(r, "no such actor:", r->value, "");
}

static int
read_action(struct reader *r)
{
	unsigned action = reader_index(r->value, verdict_action_str, VERDICT_ACTION_MAX);

	r->rule->out.action = (uint8_t)action;
	return action < VERDICT_ACTION_MAX ? 0 : reader_fail(r, "no such action:", r->value, "");
}

static int
read_scope(struct reader *r)
{
	unsigned scope = reader_index(r->value, verdict_scope_str, VERDICT_SCOPE_MAX);

	r->rule->out.scope = (uint8_t)scope;
	return scope < VERDICT_SCOPE_MAX ? 0 : reader_fail(r, "no such scope:", r->value, "");
}

static int
read_take(struct reader *r)
{
	struct source_take *take = ARENA_NEW(r->src->arena, struct source_take);
	struct source_take **link = &r->rule->takes;
	struct slice rest = r->value;

	if (!take)
		return ERR_NO_MEMORY;
	if (!reader_next_word(&rest, &take->name) || !slice_trim(rest).len)
		return reader_fail(r, "expected a field's name and its value, not", r->value, "");
	if (reader_index(take->name, normal_kind_str, NORMAL_KIND_MAX) == NORMAL_KIND_MAX)
		return reader_fail(r, "no such kind of field:", take->name, "");
	take->value = slice_trim(rest);
	for (; *link; link = &(*link)->next) {
		if (slice_eq((*link)->name, take->name))
			return reader_fail(r, "a second take of", take->name, "");
	}
	*link = take;
	return 0;
}

static int
read_admin(struct reader *r)
{
	r->rule->admin = r->value;
	return r->value.len <= ADMIN_MAX ? 0
					 : reader_fail(r, "longer than 400 bytes", SLICE_EMPTY, "");
}

static int
read_article(struct reader *r)
{
	r->rule->article = r->value;
	return r->value.len <= ARTICLE_MAX && slice_index(r->value, ' ') == r->value.len
		       ? 0
		       : reader_fail(r, "expected the name of one article, not", r->value, "");
}

static int
read_source(struct reader *r)
{
	if (!r->rule->source.len)
		r->rule->source = r->value;
	return 0;
}

/* "[stage data host mx.example.org] " in front of an example. */
static int
given_read(struct reader *r, struct source_example *example)
{
	size_t end = slice_index(example->text, ']');
	struct slice rest = slice_sub(example->text, 1, end - 1), word, value;

	if (end == example->text.len)
		return reader_fail(r, "expected ] behind what is given with the example",
				   SLICE_EMPTY, "");
	example->text = slice_trim(slice_from(example->text, end + 1));
	while (reader_next_word(&rest, &word)) {
		if (!reader_next_word(&rest, &value))
			return reader_fail(r, "expected a value behind", word, "");
		if (slice_eq(word, SLICE("stage")))
			example->stage =
				(uint8_t)reader_index(value, verdict_stage_str, VERDICT_STAGE_MAX);
		else if (slice_eq(word, SLICE("host")))
			example->host = value;
		else if (slice_eq(word, SLICE("code")) && slice_eq(value, SLICE("none")))
			example->no_code = true;
		else
			return reader_fail(r, "expected stage, host or code none, not", word, "");
		if (slice_eq(word, SLICE("stage")) && example->stage == VERDICT_STAGE_MAX)
			return reader_fail(r, "no such stage:", value, "");
	}
	return 0;
}

static int
example_add(struct reader *r, bool not )
{
	struct source_example *example = ARENA_NEW(r->src->arena, struct source_example);

	if (!example)
		return ERR_NO_MEMORY;
	example->text = r->value;
	example->place = r->value_place;
	example->stage = VERDICT_STAGE_MAX;
	example->not = not ;
	*r->rule->examples_end = example;
	r->rule->examples_end = &example->next;
	/* "[stage data] 550 ...", but not "[TSS04] ..." */
	if (slice_starts(r->value, SLICE("[stage ")) || slice_starts(r->value, SLICE("[host ")) ||
	    slice_starts(r->value, SLICE("[code ")))
		return given_read(r, example);
	return 0;
}

static int
read_example(struct reader *r)
{
	return example_add(r, false);
}

static int
read_not(struct reader *r)
{
	return example_add(r, true);
}

const struct reader_keyword reader_rule_keywords[] = {
	{"words", read_words, true},   {"near", read_near, true},
	{"unless", read_unless, true}, {"provider", read_provider, false},
	{"stage", read_stage, false},  {"class", read_class, false},
	{"code", read_code, false},    {"status", read_status, false},
	{"field", read_field, false},  {"cause", read_cause, false},
	{"actor", read_actor, false},  {"action", read_action, false},
	{"scope", read_scope, false},  {"take", read_take, true},
	{"admin", read_admin, false},  {"article", read_article, false},
	{"source", read_source, true}, {"example", read_example, true},
	{"not", read_not, true},
};
const size_t reader_rule_keyword_count =
	sizeof(reader_rule_keywords) / sizeof(reader_rule_keywords[0]);

/* What of the open rule is there, by the place of its keyword. */
static bool
rule_has(const struct reader *r, const char *name)
{
	for (size_t i = 0; i < reader_rule_keyword_count; i++) {
		if (strcmp(reader_rule_keywords[i].name, name) == 0)
			return r->seen >> i & 1;
	}
	ASSERT_UNREACHABLE();
}

static int
level_fits(struct reader *r, const struct source_rule *rule)
{
	bool words = rule->conditions[SOURCE_WORDS] || rule->conditions[SOURCE_NEAR];
	const char *why = NULL;

	switch ((enum ruleset_level)rule->out.level) {
	case RULESET_OWN:
		if (!rule->out.stages || (!rule_has(r, "code") && !rule_has(r, "stage")))
			why = "a rule of level own needs code none, or a stage";
		break;
	case RULESET_LOCAL:
		break;
	case RULESET_PROVIDER:
		if (!rule->provider.len)
			why = "a rule of level provider needs a provider";
		break;
	case RULESET_WORDY:
	case RULESET_HINT:
		if (!words && !rule->out.fields)
			why = "a rule of this level needs words, near or field";
		break;
	case RULESET_STATUS:
		if (!rule->status_count)
			why = "a rule of level status needs a status";
		break;
	case RULESET_CODE:
		if (words)
			why = "a rule of level code has no words";
		break;
	case RULESET_LEVEL_MAX:
		break;
	}
	return why ? source_fail(r->src, rule->place, why, SLICE_EMPTY, "") : 0;
}

int
reader_rule_close(struct reader *r, struct source_rule *rule)
{
	static const struct {
		const char *keyword, *lacks;
	} needed[] = {{"cause", " has no cause"},
		      {"source", " has no source"},
		      {"example", " has no example"}};

	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
		if (!rule_has(r, needed[i].keyword))
			return source_fail(r->src, rule->place, "rule", rule->name,
					   needed[i].lacks);
	}
	/* Before the recipient was named nothing can be said about it. */
	if (!rule_has(r, "stage") && rule->out.cause >= VERDICT_CAUSE_RCPT_UNKNOWN &&
	    rule->out.cause <= VERDICT_CAUSE_RCPT_REFUSED)
		rule->out.stages = STAGES_ABOUT_RCPT;
	return level_fits(r, rule);
}
