/*
 * read: one rule file, line by line. A statement in the first column opens something; indented
 * lines below it are keywords of a table with their values.
 */
#include "rule/ruleset/reader.h"
#include "wire/text/clean.h"
#include "wire/text/utf8.h"

#define VALUE_MAX 2000

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
		if (r->src->domain_count++ == RULESET_DOMAINS_MAX)
			return reader_fail(r, "more than 4096 names of hosts", SLICE_EMPTY, "");
		if (!part.len || part.len > VERDICT_HOST_MAX || slice_index(part, ' ') < part.len)
			return reader_fail(r, "expected names of hosts between bars, not", part,
					   "");
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

/* An operator of block lists is named in the replies of others. */
static int
read_receiver(struct reader *r)
{
	if (!slice_eq(r->value, SLICE("no")))
		return reader_fail(r, "expected receiver no, not", r->value, "");
	r->provider->no_receiver = true;
	return 0;
}

static int
read_provider_words(struct reader *r)
{
	return reader_words(r, &r->provider->words_end);
}

static int
read_set_words(struct reader *r)
{
	return reader_words(r, &r->set->words_end);
}

/* --- lines ------------------------------------------------------------------------------------ */

/* "*.7.500-899", "*.1.90" */
static bool
own_status_read(struct slice text, struct ruleset_own_status *ret)
{
	struct slice class = slice_cut(&text, '.'), subject = slice_cut(&text, '.');
	struct slice first = slice_cut(&text, '-');
	uint64_t numbers[3];

	if (!slice_eq(class, SLICE("*")) || !slice_to_u64(subject, 999, &numbers[0]) ||
	    !slice_to_u64(first, 999, &numbers[1]))
		return false;
	numbers[2] = numbers[1];
	if (text.data && !slice_to_u64(text, 999, &numbers[2]))
		return false;
	ret->subject = (uint16_t)numbers[0];
	ret->first = (uint16_t)numbers[1];
	ret->last = (uint16_t)numbers[2];
	return ret->first <= ret->last;
}

static int
read_provider_status(struct reader *r)
{
	struct source_provider *p = r->provider;
	struct slice rest = r->value, word;

	while (reader_next_word(&rest, &word)) {
		struct ruleset_own_status status = {.provider = p->index};

		if (!own_status_read(word, &status))
			return source_fail(r->src, reader_place(r, word),
					   "expected statuses as *.7.500-899 or *.1.90, not", word,
					   "");
		if (p->status_count == RULESET_OWN_STATUSES_MAX)
			return reader_fail(r, "too many statuses", SLICE_EMPTY, "");
		p->statuses[p->status_count++] = status;
	}
	return 0;
}

static const struct reader_keyword provider_keywords[] = {{"title", read_title, false},
							  {"host", read_host, true},
							  {"link", read_link, true},
							  {"receiver", read_receiver, false},
							  {"status", read_provider_status, true},
							  {"words", read_provider_words, true}};
static const struct reader_keyword set_keywords[] = {{"words", read_set_words, true}};

static int
keyword_read(struct reader *r, const struct reader_keyword *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (!slice_eq(r->keyword, slice_str(rows[i].name)))
			continue;
		if (!r->value.len)
			return reader_fail(r, "expected a value behind", r->keyword, "");
		if (!rows[i].many && (r->seen >> i & 1))
			return source_fail(r->src, r->place, "a second", r->keyword,
					   r->rule ? " in the same rule" : " in the same provider");
		r->seen |= UINT32_C(1) << i;
		return rows[i].read(r);
	}
	return source_fail(r->src, r->place, "no such keyword here:", r->keyword, "");
}

/* What was open is complete. */
static int
close_open(struct reader *r)
{
	int err = r->rule ? reader_rule_close(r, r->rule) : 0;

	r->rule = NULL;
	r->set = NULL;
	r->provider = NULL;
	r->seen = 0;
	return err;
}

static int
open_level(struct reader *r)
{
	bool local = r->src->files[r->place.file].local;
	unsigned level = reader_index(r->value, ruleset_level_str, RULESET_LEVEL_MAX);

	if (level == RULESET_LEVEL_MAX)
		return reader_fail(r, "no such level:", r->value, "");
	if (local != (level == RULESET_LOCAL))
		return reader_fail(r,
				   local ? "rules of an administrator are of level local, not"
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
		return source_fail(src, r->place, "more than 2048 rules", SLICE_EMPTY, "");
	for (rule = src->rules; rule; rule = rule->next) {
		if (slice_eq(rule->name, r->value))
			return reader_fail(r, "a second rule named", r->value, "");
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
		return reader_fail(r, "a second set named", r->value, "");
	if (r->src->set_count++ == RULESET_SETS_MAX)
		return reader_fail(r, "more than 512 sets", SLICE_EMPTY, "");
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
		return reader_fail(r, "a second provider named", r->value, "");
	if (r->src->provider_count == RULESET_PROVIDERS_MAX)
		return reader_fail(r, "more than 128 providers", SLICE_EMPTY, "");
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
		if (!reader_is_name(r->value))
			return reader_fail(r, "expected a name (a-z, 0-9, hyphen) behind",
					   r->keyword, "");
		return rows[i].open(r);
	}
	return source_fail(r->src, r->place, "expected level, set, provider or rule, not",
			   r->keyword, "");
}

/* Nothing but text and tabs: the rest would be shown, or stand for a field in a phrase. */
static bool
has_controls(struct slice line)
{
	for (size_t i = 0; i < line.len; i++) {
		if ((line.data[i] < ' ' && line.data[i] != '\t') || line.data[i] == 0x7f)
			return true;
	}
	return false;
}

static int
line_read(struct reader *r, struct slice line)
{
	struct slice rest = slice_trim(line);
	bool indented = line.len && rest.data != line.data;

	if (!rest.len || rest.data[0] == '#')
		return 0;
	r->place.column = (uint32_t)(rest.data - line.data) + 1;
	reader_next_word(&rest, &r->keyword);
	r->value = slice_trim(rest);
	r->value_place = r->place;
	if (r->value.len)
		r->value_place.column = (uint32_t)(r->value.data - line.data) + 1;
	if (!utf8_is_valid(line))
		return source_fail(r->src, r->place, "expected UTF-8 in this line", SLICE_EMPTY,
				   "");
	if (has_controls(line))
		return source_fail(r->src, r->place, "expected no control characters but tabs",
				   SLICE_EMPTY, "");
	if (r->value.len > VALUE_MAX)
		return reader_fail(r, "a line is at most 2000 bytes long", SLICE_EMPTY, "");
	if (!indented)
		return statement_read(r);
	if (r->rule)
		return keyword_read(r, reader_rule_keywords, reader_rule_keyword_count);
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

	r.place = r.value_place = (struct source_place){(uint16_t)file, 1, 1};
	/* as some editors begin a file of UTF-8 */
	if (slice_starts(rest, SLICE("\xef\xbb\xbf")))
		rest = slice_from(rest, 3);
	if (rest.len > RULESET_FILE_BYTES_MAX)
		return source_fail(src, r.place, "a file is at most 256 KiB", SLICE_EMPTY, "");
	for (; clean_line_next(&rest, &line); r.place.line++) {
		int err = line_read(&r, line);

		if (err)
			return err;
	}
	return close_open(&r);
}
