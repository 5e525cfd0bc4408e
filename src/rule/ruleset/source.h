/*
 * source: rule files as they are written, before phrases are a tree: what read.c makes, compile.c
 * turns into a set and check.c holds the set against. Lists are in the order of the lines.
 */
#ifndef RULE_RULESET_SOURCE_H
#define RULE_RULESET_SOURCE_H

#include "rule/ruleset/compile.h"

/* Where something is written. */
struct source_place {
	uint16_t file;
	uint32_t line, column;
};

/* A phrase, or the name of a set. */
struct source_word {
	struct source_word *next;
	struct slice text; /* as in struct text; of a set its name */
	struct source_place place;
	bool is_set, start;
};

struct source_set {
	struct source_set *next;
	struct slice name;
	struct source_place place;
	struct source_word *words, **words_end;
	uint64_t *phrases; /* compiled: a bit each; or NULL */
	bool open;	   /* being followed: it may not be in itself */
};

enum source_kind { SOURCE_WORDS, SOURCE_NEAR, SOURCE_UNLESS, SOURCE_KIND_MAX };

struct source_condition {
	struct source_condition *next;
	struct source_word *words;
	struct source_place place;
	uint16_t group; /* compiled */
};

struct source_example {
	struct source_example *next;
	struct slice text;
	struct source_place place;
	uint8_t stage; /* or VERDICT_STAGE_MAX */
	struct slice host;
	bool no_code; /* a finding of our own */
	bool not ;    /* the rule must not explain it */
};

struct source_domain {
	struct source_domain *next;
	struct slice name;
	bool link;
};

struct source_provider {
	struct source_provider *next;
	struct slice name, title;
	struct source_place place;
	struct source_domain *domains;
	struct source_word *words, **words_end;
	struct ruleset_own_status statuses[RULESET_OWN_STATUSES_MAX];
	size_t status_count;
	uint8_t index;
	bool no_receiver;
};

struct source_take {
	struct source_take *next;
	struct slice name, value;
};

#define SOURCE_STATUSES_MAX 32
#define SOURCE_CODES_MAX 16

struct source_rule {
	struct source_rule *next;
	struct slice name, provider, admin, article, source;
	struct source_place place, provider_place;
	struct source_condition *conditions[SOURCE_KIND_MAX];
	struct source_example *examples, **examples_end;
	struct source_take *takes;
	struct ruleset_status statuses[SOURCE_STATUSES_MAX];
	size_t status_count;
	uint16_t codes[SOURCE_CODES_MAX];
	size_t code_count;
	uint16_t number;	 /* of its file */
	struct ruleset_rule out; /* what needs no other line to be known */
	size_t index;		 /* in the set */
};

struct ruleset_source {
	struct arena *arena;
	const struct ruleset_file *files;
	size_t file_count;
	struct source_rule *rules, **rules_end;
	size_t rule_count;
	struct source_set *sets;
	size_t set_count, domain_count;
	struct source_provider *providers, **providers_end;
	size_t provider_count;
	struct ruleset_error *error;
	int err;
	struct ruleset set;
	const struct source_rule **by_index;
	const struct source_word **phrases; /* by phrase: where it was written */
	uint64_t *held;			    /* of the check: check.c */
};

/* Says what is wrong and answers ERR_SYNTAX; words are put together: text, quoted name, more. */
int source_fail(struct ruleset_source *src, struct source_place place, const char *text,
		struct slice name, const char *more);
/* read.c: one file. 0, ERR_SYNTAX, ERR_NO_MEMORY. */
int source_read(struct ruleset_source *src, size_t file) MUST_USE;
struct source_set *source_set_find(const struct ruleset_source *src, struct slice name);
struct source_provider *source_provider_find(const struct ruleset_source *src, struct slice name);

#endif
