/*
 * parse: a configuration text becomes a struct config or a list of problems. The grammar:
 *
 *	file     = { line }
 *	line     = [ option { word } | "listener" name "{" | "}" ] [ "#" comment ] newline
 *	word     = bare characters without space, quotes, braces and # | '"' text with \" and \\ '"'
 *
 * No control characters anywhere but tabs between words. Every problem has line and column (from
 *1), says what was expected, and suggests a word for a misspelt one. Errors leave no configuration;
 * warnings do.
 */
#ifndef WIRE_CONF_PARSE_H
#define WIRE_CONF_PARSE_H

#include "wire/conf/option.h"

#define CONF_PROBLEMS_MAX 50

/* Where things stand in the text; line 0: nowhere. */
struct conf_place {
	uint32_t line, column;
	bool bad; /* there is a problem with it already */
};
struct conf_block_places {
	struct conf_place head;
	struct conf_place options[CONF_LISTENER_OPTIONS_MAX]; /* by row */
};
struct conf_places {
	struct conf_place options[CONF_GLOBAL_OPTIONS_MAX]; /* by row */
	struct conf_block_places listeners[CONFIG_LISTENERS_MAX];
};

struct conf_problem {
	uint32_t line, column; /* 0: of the whole, as what is missing is */
	bool warning;
	struct slice text;
};

struct conf_problems {
	struct conf_problem items[CONF_PROBLEMS_MAX];
	size_t count;
	size_t errors;			  /* of them, and those that found no room */
	const struct conf_places *places; /* of what was parsed; NULL before */
};

/* 0, or ERR_SYNTAX when there are errors. folder: that of the file, for relative paths. Everything
 * made lives in the arena. */
int conf_parse(struct arena *arena, struct slice text, struct slice folder,
	       struct config *ret_config, struct conf_problems *problems) MUST_USE;

/* What no single line shows: hostname missing, TLS wanted without a certificate, lab options in
 * real service. What is bad already is not judged again. Called by conf_parse. */
void conf_check(struct arena *arena, const struct config *config, const struct conf_places *places,
		struct conf_problems *problems);

void conf_problem_add(struct arena *arena, struct conf_problems *problems,
		      const struct conf_problem *problem);

/* A problem with this global option's value: where it stands, if it is there. */
struct conf_problem conf_problem_about(const struct conf_problems *problems, const char *option);

/* "FILE:3:7: error: ..." lines. */
void conf_problems_write(struct builder *b, struct slice file,
			 const struct conf_problems *problems);
/* The whole configuration as a file; with defaults given, what equals them is left out. */
void conf_show(struct builder *b, const struct config *config, const struct config *defaults);

#endif
