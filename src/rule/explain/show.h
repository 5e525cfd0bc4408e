/*
 * show: one refusal, explained, as people and as programs read it. The first line says what
 * happened and whose turn it is; then why, what shows it, what to do. Whatever others wrote is
 * cleaned.
 */
#ifndef RULE_EXPLAIN_SHOW_H
#define RULE_EXPLAIN_SHOW_H

#include "rule/explain/explain.h"
#include "wire/text/json.h"

/* Of one refusal in either form, whatever its text. */
#define EXPLAIN_SHOWN_MAX ((size_t)128 << 10)

/* Whose turn it is: a sentence. */
const char *explain_turn_str(const struct verdict *verdict);

/* UTF-8, lines of at most 76 columns but for the words of others. */
void explain_show_text(struct builder *b, const struct explained *explained, struct slice file);
/* One object; what is not known is null. file: where it is from, or empty. */
void explain_show_json(struct json_writer *w, const struct explained *explained, struct slice file);

#endif
