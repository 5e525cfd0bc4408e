/*
 * read: one rule file, line by line. A statement in the first column opens something; indented
 * lines below it are keywords of a table with their values.
 */
#include <string.h>

#include "base/assert.h"
#include "rule/ruleset/source.h"
#include "wire/text/clean.h"
#include "wire/text/utf8.h"
#include "wire/verdict/cause.h"

#define NAME_MAX 48
#define ADMIN_MAX 400
#define VALUE_MAX 2000
#define STAGES_ABOUT_RCPT                                                                          \
	(1u << VERDICT_STAGE_RECIPIENT | 1u << VERDICT_STAGE_DATA | 1u << VERDICT_STAGE_FINAL |    \
	 1u << VERDICT_STAGE_LOCAL)

struct reader {
	struct ruleset_source *src;
	struct source_place place; /* of the line */
	struct slice keyword, value;
	struct source_place value_place;
	unsigned level; /* or RULESET_LEVEL_MAX: none stated yet */
	/* what is open; at most one is not NULL */
	struct source_rule *rule;
	struct source_set *set;
	struct source_provider *provider;
};

int
source_fail(struct ruleset_source *src, struct source_place place, const char *text,
	    struct slice name, const char *more)
{
	struct ruleset_error *error = src->error;
	struct builder b;

	error->file = place.file;
	error->line = place.line;
	error->column = place.column;
	builder_init_fixed(&b, error->text, sizeof(error->text));
	builder_str(&b, text);
	if (name.data) {
		builder_str(&b, " \"");
		clean_line(&b, name, 100);
		builder_str(&b, "\"");
	}
	builder_str(&b, more);
	error->len = b.len;
	return ERR_SYNTAX;
}

static int
fail(struct reader *r, const char *text, struct slice name, const char *more)
{
	return source_fail(r->src, r->value_place, text, name, more);
}

/* --- pieces ----------------------------------------------------------------------------------- */

/* The next word of *rest, which is separated by blanks; false at the end. */
static bool
next_word(struct slice *rest, struct slice *ret_word)
{
	*rest = slice_trim(*rest);
	if (!rest->len)
		return false;
	*ret_word = *rest;
	for (size_t i = 0; i < rest->len; i++) {
		if (rest->data[i] == ' ' || rest->data[i] == '\t') {
			*ret_word = slice_sub(*rest, 0, i);
			*rest = slice_from(*rest, i);
			return true;
		}
	}
	*rest = SLICE_EMPTY;
	return true;
}

static bool
is_name(struct slice s)
{
	if (!s.len || s.len > NAME_MAX)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		uint8_t c = s.data[i];

		if (!ascii_is_digit(c) && !(c >= 'a' && c <= 'z') && c != '-')
			return false;
	}
	return true;
}

/* Where a part of the value stands. */
static struct source_place
place_of(const struct reader *r, struct slice part)
{
	struct source_place place = r->value_place;

	if (part.data >= r->value.data && part.data <= r->value.data + r->value.len)
		place.column += (uint32_t)(part.data - r->value.data);
	return place;
}

static bool
is_phrase_blank(uint8_t c)
{
	return c != 0 && memchr(" \t<>[](){}\"`-_,:=", c, 17) != NULL;
}

/* The phrase as a text is prepared; false when it is none. */
static bool
phrase_make(struct builder *b, struct slice phrase)
{
	size_t letters = 0;

	while (phrase.len) {
		uint8_t lower[2];
		size_t len = 0;
		uint8_t mark = text_mark(phrase, &len);

		if (mark || is_phrase_blank(phrase.data[0])) {
			letters += mark ? 2 : 0;
			if (mark)
				builder_byte(b, mark);
			else if (b->len && b->data[b->len - 1] != ' ')
				builder_byte(b, ' ');
			phrase = slice_from(phrase, mark ? len : 1);
			continue;
		}
		len = text_lower(phrase, lower);
		if (memcmp(lower, phrase.data, len) != 0)
			return false; /* a capital */
		builder_bytes(b, lower, len);
		letters += len;
		phrase = slice_from(phrase, len);
	}
	while (b->len && b->data[b->len - 1] == ' ')
		b->len--;
	return letters >= 2 && !b->failed && b->data[0] != ';';
}

static int
word_add(struct reader *r, struct slice part, struct source_word ***end)
{
	struct source_word *word = ARENA_NEW(r->src->arena, struct source_word);
	struct builder b;

	if (!word)
		return ERR_NO_MEMORY;
	word->place = place_of(r, part);
	if (part.len && part.data[0] == '$') {
		word->is_set = true;
		word->text = slice_from(part, 1);
		if (!is_name(word->text))
			return source_fail(r->src, word->place, "expected the name of a set, not",
					   part, "");
	} else {
		word->start = part.len && part.data[part.len - 1] == '*';
		if (word->start)
			part.len--;
		builder_init_arena(&b, r->src->arena, RULESET_PHRASE_BYTES_MAX);
		if (!phrase_make(&b, part))
			return source_fail(r->src, word->place,
					   "expected a phrase (lower case, 2 to 80 bytes), not",
					   part, "");
		word->text = builder_slice(&b);
	}
	**end = word;
	*end = &word->next;
	return 0;
}

/* "a | b | $set" */
static int
words_read(struct reader *r, struct source_word ***end)
{
	struct slice rest = r->value;

	while (rest.data) {
		struct slice part = slice_trim(slice_cut(&rest, '|'));
		int err;

		if (!part.len)
			return fail(r, "expected a phrase between two bars", SLICE_EMPTY, "");
		err = word_add(r, part, end);
		if (err)
			return err;
	}
	return 0;
}

/* --- keywords of a rule ----------------------------------------------------------------------- */

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
		return fail(r, "too many such lines in one rule", SLICE_EMPTY, "");
	*link = condition;
	condition->place = r->value_place;
	end = &condition->words;
	return words_read(r, &end);
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

/* The value of one of the words of a verdict; max when there is none. */
static unsigned
word_index(struct slice name, const char *(*str)(unsigned), unsigned max)
{
	for (unsigned i = 0; i < max; i++) {
		if (slice_eq(name, slice_str(str(i))))
			return i;
	}
	return max;
}

static int
read_stage(struct reader *r)
{
	struct slice rest = r->value, word;

	r->rule->out.stages = 0;
	while (next_word(&rest, &word)) {
		unsigned stage = word_index(word, verdict_stage_str, VERDICT_STAGE_MAX);

		if (stage == VERDICT_STAGE_MAX)
			return source_fail(r->src, place_of(r, word), "no such stage:", word, "");
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
		return fail(r, "expected later or never, not", r->value, "");
	return 0;
}

static int
read_code(struct reader *r)
{
	struct slice rest = r->value, word;

	while (next_word(&rest, &word)) {
		uint64_t code = RULESET_NO_REPLY;

		if (!slice_eq(word, SLICE("none")) &&
		    (!slice_to_u64(word, 599, &code) || code < 200))
			return source_fail(r->src, place_of(r, word),
					   "expected reply codes (200 to 599) or none, not", word,
					   "");
		if (r->rule->code_count == SOURCE_CODES_MAX)
			return fail(r, "too many codes", SLICE_EMPTY, "");
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

	while (next_word(&rest, &word)) {
		struct ruleset_status status = {0};

		if (!slice_eq(word, SLICE("none")) && !status_read(word, &status))
			return source_fail(
				r->src, place_of(r, word),
				"expected a status as 5.7.1, *.7.1 or *.7.*, or none, not", word,
				"");
		if (r->rule->status_count == SOURCE_STATUSES_MAX)
			return fail(r, "too many statuses", SLICE_EMPTY, "");
		r->rule->statuses[r->rule->status_count++] = status;
	}
	return 0;
}

static int
read_field(struct reader *r)
{
	struct slice rest = r->value, word;

	while (next_word(&rest, &word)) {
		unsigned kind = word_index(word, normal_kind_str, NORMAL_KIND_MAX);

		if (kind == NORMAL_KIND_MAX)
			return source_fail(r->src, place_of(r, word), "no such kind of field:",
					   word, "");
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

	if (next_word(&rest, &name))
		next_word(&rest, &percent);
	cause = cause_of_name(name);
	if (cause == VERDICT_CAUSE_NONE)
		return fail(r, "no such cause:", name, "");
	if (!slice_to_u64(percent, 100, &number) || number == 0 || rest.len)
		return fail(r, "expected a cause and how sure it is (1 to 100), not", r->value, "");
	r->rule->out.cause = (uint8_t)cause;
	r->rule->out.confidence_percent = (uint8_t)number;
	return 0;
}

static int
read_actor(struct reader *r)
{
	unsigned actor = word_index(r->value, verdict_actor_str, VERDICT_ACTOR_MAX);

	r->rule->out.actor = (uint8_t)actor;
	return actor < VERDICT_ACTOR_MAX ? 0 : fail(r, "no such actor:", r->value, "");
}

static int
read_action(struct reader *r)
{
	unsigned action = word_index(r->value, verdict_action_str, VERDICT_ACTION_MAX);

	r->rule->out.action = (uint8_t)action;
	return action < VERDICT_ACTION_MAX ? 0 : fail(r, "no such action:", r->value, "");
}

static int
read_scope(struct reader *r)
{
	unsigned scope = word_index(r->value, verdict_scope_str, VERDICT_SCOPE_MAX);

	r->rule->out.scope = (uint8_t)scope;
	return scope < VERDICT_SCOPE_MAX ? 0 : fail(r, "no such scope:", r->value, "");
}

static int
read_take(struct reader *r)
{
	struct source_take *take = ARENA_NEW(r->src->arena, struct source_take);
	struct source_take **link = &r->rule->takes;
	struct slice rest = r->value;

	if (!take)
		return ERR_NO_MEMORY;
	if (!next_word(&rest, &take->name) || !slice_trim(rest).len)
		return fail(r, "expected a field's name and its value, not", r->value, "");
	if (word_index(take->name, normal_kind_str, NORMAL_KIND_MAX) == NORMAL_KIND_MAX)
		return fail(r, "no such kind of field:", take->name, "");
	take->value = slice_trim(rest);
	while (*link)
		link = &(*link)->next;
	*link = take;
	return 0;
}

static int
read_admin(struct reader *r)
{
	r->rule->admin = r->value;
	return r->value.len <= ADMIN_MAX ? 0 : fail(r, "longer than 400 bytes", SLICE_EMPTY, "");
}

static int
read_article(struct reader *r)
{
	r->rule->article = r->value;
	return 0;
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
		return fail(r, "expected ] behind what is given with the example", SLICE_EMPTY, "");
	example->text = slice_trim(slice_from(example->text, end + 1));
	while (next_word(&rest, &word)) {
		if (!next_word(&rest, &value))
			return fail(r, "expected a value behind", word, "");
		if (slice_eq(word, SLICE("stage")))
			example->stage =
				(uint8_t)word_index(value, verdict_stage_str, VERDICT_STAGE_MAX);
		else if (slice_eq(word, SLICE("host")))
			example->host = value;
		else if (slice_eq(word, SLICE("code")) && slice_eq(value, SLICE("none")))
			example->no_code = true;
		else
			return fail(r, "expected stage, host or code none, not", word, "");
		if (slice_eq(word, SLICE("stage")) && example->stage == VERDICT_STAGE_MAX)
			return fail(r, "no such stage:", value, "");
	}
	return 0;
}

static int
example_add(struct reader *r, bool not)
{
	struct source_example *example = ARENA_NEW(r->src->arena, struct source_example);

	if (!example)
		return ERR_NO_MEMORY;
	example->text = r->value;
	example->place = r->value_place;
	example->stage = VERDICT_STAGE_MAX;
	example->not = not;
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

/* --- keywords of a receiver ------------------------------------------------------------------- */

static int
read_title(struct reader *r)
{
	r->provider->title = r->value;
	return 0;
}

static int
domains_read(struct reader *r, bool link)
{
	struct slice rest = r->value;

	while (rest.data) {
		struct slice part = slice_trim(slice_cut(&rest, '|'));
		struct source_domain *domain = ARENA_NEW(r->src->arena, struct source_domain);

		if (!domain)
			return ERR_NO_MEMORY;
		if (!part.len || part.len > VERDICT_HOST_MAX || slice_index(part, ' ') < part.len)
			return fail(r, "expected names of hosts between bars, not", part, "");
		*domain = (struct source_domain){r->provider->domains, part, link};
		r->provider->domains = domain;
	}
	return 0;
}

static int
read_host(struct reader *r)
{
	return domains_read(r, false);
}

static int
read_link(struct reader *r)
{
	return domains_read(r, true);
}

static int
read_provider_words(struct reader *r)
{
	return words_read(r, &r->provider->words_end);
}

static int
read_set_words(struct reader *r)
{
	return words_read(r, &r->set->words_end);
}

/* --- lines ------------------------------------------------------------------------------------ */

struct keyword {
	const char *name;
	int (*read)(struct reader *r);
	bool many; /* may stand in more than one line */
};

static const struct keyword rule_keywords[] = {
	{"words", read_words, true},	   {"near", read_near, true},
	{"unless", read_unless, true},	   {"provider", read_provider, false},
	{"stage", read_stage, false},	   {"class", read_class, false},
	{"code", read_code, false},	   {"status", read_status, false},
	{"field", read_field, false},	   {"cause", read_cause, false},
	{"actor", read_actor, false},	   {"action", read_action, false},
	{"scope", read_scope, false},	   {"take", read_take, true},
	{"admin", read_admin, false},	   {"article", read_article, false},
	{"source", read_source, true},	   {"example", read_example, true},
	{"not", read_not, true},
};
static const struct keyword provider_keywords[] = {{"title", read_title, false},
						   {"host", read_host, true},
						   {"link", read_link, true},
						   {"words", read_provider_words, true}};
static const struct keyword set_keywords[] = {{"words", read_set_words, true}};

/* What of a rule is there, by the place of its keyword. */
static bool
rule_has(const struct source_rule *rule, const char *name)
{
	for (size_t i = 0; i < sizeof(rule_keywords) / sizeof(rule_keywords[0]); i++) {
		if (strcmp(rule_keywords[i].name, name) == 0)
			return rule->seen >> i & 1;
	}
	ASSERT_UNREACHABLE();
}

static int
keyword_read(struct reader *r, const struct keyword *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (!slice_eq(r->keyword, slice_str(rows[i].name)))
			continue;
		if (!r->value.len)
			return fail(r, "expected a value behind", r->keyword, "");
		if (r->rule && !rows[i].many && (r->rule->seen >> i & 1))
			return source_fail(r->src, r->place, "a second", r->keyword,
					   " in the same rule");
		if (r->rule)
			r->rule->seen |= UINT32_C(1) << i;
		return rows[i].read(r);
	}
	return source_fail(r->src, r->place, "no such keyword here:", r->keyword, "");
}

static int
level_fits(struct reader *r, const struct source_rule *rule)
{
	bool words = rule->conditions[SOURCE_WORDS] || rule->conditions[SOURCE_NEAR];
	const char *why = NULL;

	switch ((enum ruleset_level)rule->out.level) {
	case RULESET_OWN:
		if (!rule->out.stages || (!rule_has(rule, "code") && !rule_has(rule, "stage")))
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

/* What was open is complete. */
static int
close_open(struct reader *r)
{
	struct source_rule *rule = r->rule;

	r->rule = NULL;
	r->set = NULL;
	r->provider = NULL;
	if (!rule)
		return 0;
	if (!rule_has(rule, "cause") || !rule_has(rule, "source") || !rule_has(rule, "example"))
		return source_fail(r->src, rule->place, "rule", rule->name,
				   " needs cause, source and example");
	/* Before the recipient was named nothing can be said about it. */
	if (!rule_has(rule, "stage") && rule->out.cause >= VERDICT_CAUSE_RCPT_UNKNOWN &&
	    rule->out.cause <= VERDICT_CAUSE_RCPT_REFUSED)
		rule->out.stages = STAGES_ABOUT_RCPT;
	return level_fits(r, rule);
}

static int
open_level(struct reader *r)
{
	bool local = r->src->files[r->place.file].local;
	unsigned level = word_index(r->value, ruleset_level_str, RULESET_LEVEL_MAX);

	if (level == RULESET_LEVEL_MAX)
		return fail(r, "no such level:", r->value, "");
	if (local != (level == RULESET_LOCAL))
		return fail(r, local ? "rules of an administrator are of level local, not"
				     : "only an administrator's rules are of level",
			    r->value, "");
	r->level = level;
	return 0;
}

static int
open_rule(struct reader *r)
{
	struct ruleset_source *src = r->src;
	struct source_rule *rule;

	if (r->level == RULESET_LEVEL_MAX)
		return source_fail(src, r->place, "expected level NAME before the first rule",
				   SLICE_EMPTY, "");
	if (src->rule_count == RULESET_RULES_MAX)
		return source_fail(src, r->place, "too many rules", SLICE_EMPTY, "");
	for (rule = src->rules; rule; rule = rule->next) {
		if (slice_eq(rule->name, r->value))
			return fail(r, "a second rule named", r->value, "");
	}
	rule = ARENA_NEW(src->arena, struct source_rule);
	if (!rule)
		return ERR_NO_MEMORY;
	rule->name = r->value;
	rule->place = r->place;
	rule->number = src->files[r->place.file].number;
	rule->examples_end = &rule->examples;
	rule->out = (struct ruleset_rule){
		.stages = UINT16_MAX,
		.level = (uint8_t)r->level,
		.provider = RULESET_NO_PROVIDER,
		.class = RULESET_ANY_CLASS,
		.actor = UINT8_MAX,
		.action = UINT8_MAX,
		.scope = UINT8_MAX,
		.file = r->place.file,
		.line = (uint16_t)(r->place.line < UINT16_MAX ? r->place.line : UINT16_MAX),
	};
	*src->rules_end = rule;
	src->rules_end = &rule->next;
	src->rule_count++;
	r->rule = rule;
	return 0;
}

struct source_set *
source_set_find(const struct ruleset_source *src, struct slice name)
{
	struct source_set *set = src->sets;

	while (set && !slice_eq(set->name, name))
		set = set->next;
	return set;
}

static int
open_set(struct reader *r)
{
	struct source_set *set = source_set_find(r->src, r->value);

	if (set)
		return fail(r, "a second set named", r->value, "");
	set = ARENA_NEW(r->src->arena, struct source_set);
	if (!set)
		return ERR_NO_MEMORY;
	set->name = r->value;
	set->place = r->place;
	set->words_end = &set->words;
	set->next = r->src->sets;
	r->src->sets = set;
	r->set = set;
	return 0;
}

struct source_provider *
source_provider_find(const struct ruleset_source *src, struct slice name)
{
	struct source_provider *provider = src->providers;

	while (provider && !slice_eq(provider->name, name))
		provider = provider->next;
	return provider;
}

static int
open_provider(struct reader *r)
{
	struct source_provider *provider = source_provider_find(r->src, r->value);

	if (provider)
		return fail(r, "a second provider named", r->value, "");
	if (r->src->provider_count == RULESET_PROVIDERS_MAX)
		return fail(r, "too many providers", SLICE_EMPTY, "");
	provider = ARENA_NEW(r->src->arena, struct source_provider);
	if (!provider)
		return ERR_NO_MEMORY;
	provider->name = provider->title = r->value;
	provider->place = r->place;
	provider->words_end = &provider->words;
	provider->index = (uint8_t)r->src->provider_count++;
	*r->src->providers_end = provider;
	r->src->providers_end = &provider->next;
	r->provider = provider;
	return 0;
}

static int
statement_read(struct reader *r)
{
	static const struct {
		const char *name;
		int (*open)(struct reader *r);
	} rows[] = {{"level", open_level},
		    {"rule", open_rule},
		    {"set", open_set},
		    {"provider", open_provider}};
	int err = close_open(r);

	if (err)
		return err;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (!slice_eq(r->keyword, slice_str(rows[i].name)))
			continue;
		if (!is_name(r->value))
			return fail(r, "expected a name (a-z, 0-9, hyphen) behind", r->keyword, "");
		return rows[i].open(r);
	}
	return source_fail(r->src, r->place, "expected level, set, provider or rule, not",
			   r->keyword, "");
}

static int
line_read(struct reader *r, struct slice line)
{
	struct slice rest = slice_trim(line);
	bool indented = line.len && rest.data != line.data;

	if (!rest.len || rest.data[0] == '#')
		return 0;
	r->place.column = (uint32_t)(rest.data - line.data) + 1;
	next_word(&rest, &r->keyword);
	r->value = slice_trim(rest);
	r->value_place = r->place;
	if (r->value.len)
		r->value_place.column = (uint32_t)(r->value.data - line.data) + 1;
	if (!utf8_is_valid(line))
		return source_fail(r->src, r->place, "not UTF-8", SLICE_EMPTY, "");
	if (r->value.len > VALUE_MAX)
		return fail(r, "a line is at most 2000 bytes long", SLICE_EMPTY, "");
	if (!indented)
		return statement_read(r);
	if (r->rule)
		return keyword_read(r, rule_keywords,
				    sizeof(rule_keywords) / sizeof(rule_keywords[0]));
	if (r->provider)
		return keyword_read(r, provider_keywords,
				    sizeof(provider_keywords) / sizeof(provider_keywords[0]));
	if (r->set)
		return keyword_read(r, set_keywords,
				    sizeof(set_keywords) / sizeof(set_keywords[0]));
	return source_fail(r->src, r->place, "expected rule, set or provider in the first column",
			   SLICE_EMPTY, "");
}

int
source_read(struct ruleset_source *src, size_t file)
{
	struct reader r = {.src = src, .level = RULESET_LEVEL_MAX};
	struct slice rest = src->files[file].text;
	struct slice line;

	r.place = r.value_place = (struct source_place){(uint16_t)file, 0, 1};
	if (rest.len > RULESET_FILE_BYTES_MAX)
		return source_fail(src, r.place, "a file is at most 256 KiB", SLICE_EMPTY, "");
	while (clean_line_next(&rest, &line)) {
		int err;

		r.place.line++;
		err = line_read(&r, line);
		if (err)
			return err;
	}
	return close_open(&r);
}
