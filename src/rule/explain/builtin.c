/* builtin: the rules of share/rules, compiled and tried when Frank is built. */
#include "rule/explain/explain.h"

#include "rule/explain/rules.inc"

const struct ruleset *
explain_builtin(void)
{
	return &builtin;
}
