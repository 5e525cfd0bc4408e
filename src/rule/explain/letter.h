/*
 * letter: the part of a report that people read. It begins as administrators of the field know it
 * (headline, Reason with a code, target domain, all that the server said) and goes on with what
 * helps: host, addresses, the stage, and "Why, and what to do" from the verdict's cause.
 */
#ifndef RULE_EXPLAIN_LETTER_H
#define RULE_EXPLAIN_LETTER_H

#include "base/builder.h"
#include "wire/dsn/dsn.h"

/* Lines of at most 76 columns but for addresses and the server's own words; CRLF; UTF-8 where an
 * address is. Recipients with the same outcome share a section. */
void letter_build(struct builder *b, const struct dsn_report *report);

/* "Why, and what to do" of one outcome, as in the letter: cause, what its sender can do, what the
 * administrator. */
void letter_advice_build(struct builder *b, const struct dsn_rcpt *rcpt, const char *line_end);

/* "ME-E0193" where it fits (a permanent refusal at the greeting), else "FR-E1009" and so on. */
void letter_code_build(struct builder *b, const struct dsn_rcpt *rcpt);

#endif
