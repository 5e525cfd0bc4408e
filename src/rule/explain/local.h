/*
 * local: an administrator's own rules (option refusal-rules), asked before the built-in ones.
 */
#ifndef RULE_EXPLAIN_LOCAL_H
#define RULE_EXPLAIN_LOCAL_H

#include "rule/explain/explain.h"
#include "rule/ruleset/compile.h"

/*
 * Compiles one file and tries its examples. The set lives in the arena and is followed by the
 * built-in rules. name: for errors. 0; ERR_SYNTAX with *ret_error; ERR_NO_MEMORY.
 */
int explain_local_compile(struct arena *arena, struct slice name, struct slice text,
			  struct ruleset *ret_set, struct ruleset_error *ret_error) MUST_USE;
/* "FILE:3:8: text", clean. */
void explain_local_error(struct builder *b, struct slice name, const struct ruleset_error *error);

#endif
