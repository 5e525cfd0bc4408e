/*
 * reader: what reads one rule file, shared by read.c (lines and statements), read_rule.c (what a
 * rule says) and read_words.c (words and phrases).
 */
#ifndef RULE_RULESET_READER_H
#define RULE_RULESET_READER_H

#include "rule/ruleset/source.h"

struct reader {
	struct ruleset_source *src;
	struct source_place place; /* of the line */
	struct slice keyword, value;
	struct source_place value_place;
	unsigned level; /* or RULESET_LEVEL_MAX: none stated yet */
	uint32_t seen;	/* keywords of what is open, a bit each */
	/* what is open; at most one is not NULL */
	struct source_rule *rule;
	struct source_set *set;
	struct source_provider *provider;
};

struct reader_keyword {
	const char *name;
	int (*read)(struct reader *r);
	bool many; /* may stand in more than one line */
};

/* An error at the value of the line. */
int reader_fail(struct reader *r, const char *text, struct slice name, const char *more);
/* Where a part of the value stands. */
struct source_place reader_place(const struct reader *r, struct slice part);
/* The next word of *rest, which is separated by blanks; false at the end. */
bool reader_next_word(struct slice *rest, struct slice *ret_word);
bool reader_is_name(struct slice s);
/* Index of a name among those that str gives; max when there is none. */
unsigned reader_index(struct slice name, const char *(*str)(unsigned), unsigned max);
/* "a | b | $set" to the end of a list. */
int reader_words(struct reader *r, struct source_word ***end);

/* read_rule.c */
extern const struct reader_keyword reader_rule_keywords[];
extern const size_t reader_rule_keyword_count;
/* The rule, which is open, is complete: what is missing is an error. */
int reader_rule_close(struct reader *r, struct source_rule *rule);

#endif
