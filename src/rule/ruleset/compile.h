/*
 * compile: rule files to a set (docs/rules.md). The same at build time, for the built-in rules, and
 * at run time, for an administrator's. The first fault ends it: with file, line, column and what
 * was expected; nothing is compiled then.
 */
#ifndef RULE_RULESET_COMPILE_H
#define RULE_RULESET_COMPILE_H

#include "base/arena.h"
#include "rule/ruleset/match.h"

#define RULESET_ERROR_MAX 400
/* Conditions that the phrases of all examples may meet: a tenth of a second. */
#define RULESET_VISITS_MAX ((size_t)64 << 20)
#define RULESET_ARENA_MAX ((size_t)64 << 20)

struct ruleset_file {
	struct slice name; /* for errors */
	struct slice text;
	uint16_t number; /* in front of its name; files of the same number have no order */
	bool local;	 /* an administrator's */
};

/* In the order of their names; at most RULESET_FILES_MAX. */
struct ruleset_files {
	const struct ruleset_file *files;
	size_t count;
};

struct ruleset_error {
	size_t file;
	uint32_t line, column; /* from 1 */
	size_t len;
	uint8_t text[RULESET_ERROR_MAX]; /* UTF-8, clean */
};

struct ruleset_source; /* what was read, for the check */
struct source_example;

/*
 * All memory is the arena's, which the set does not outlive; files are borrowed as long. 0;
 * ERR_SYNTAX with *ret_error; ERR_NO_MEMORY.
 */
int ruleset_compile(struct arena *arena, struct ruleset_files files, struct ruleset *ret_set,
		    struct ruleset_source **ret_source, struct ruleset_error *ret_error) MUST_USE;

/* Memory of a check; what stands in front of match, zero at first, says how far it is. */
struct ruleset_check {
	size_t rule;
	size_t visits;			      /* of all examples */
	bool shadows;			      /* of that rule have been looked for */
	const struct source_example *example; /* the next to be tried, or NULL */
	struct match match;
	struct facts facts;
};

/*
 * Rules that can never win, examples that another rule explains, rules of two files of one number
 * that contradict each other: ERR_SYNTAX and the error that the compiler was given; called again it
 * goes on behind it. ERR_NO_MEMORY: it cannot. 0 when there is nothing more.
 */
int ruleset_check(struct ruleset_source *source, struct ruleset_check *work) MUST_USE;

#endif
