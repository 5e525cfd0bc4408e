/*
 * vocabulary: the few words of a reply that say what stands beside them: units of time and size,
 * words about coming again or about a limit, parts of a date, operators of block lists, ends of
 * host names. The words are data (vocabulary.def).
 */
#ifndef RULE_NORMAL_VOCABULARY_H
#define RULE_NORMAL_VOCABULARY_H

#include "base/slice.h"

#define VOCABULARY_WORD_MAX 16 /* bytes; longer ones are not looked for */

enum vocabulary_role {
	VOCABULARY_SPAN = 1,
	VOCABULARY_SIZE = 2,
	VOCABULARY_AGAIN = 4,
	VOCABULARY_LIMIT = 8,
	VOCABULARY_CALENDAR = 16,
	VOCABULARY_LIST = 32,
	VOCABULARY_TLD = 64,
	VOCABULARY_KEPT = 128,
};

struct vocabulary_word {
	const char *text;
	uint8_t len;
	uint8_t roles; /* enum vocabulary_role, or-ed */
	uint32_t value;
};

/* NULL when it is not known. word in lower case. */
const struct vocabulary_word *vocabulary_find_lower(struct slice word);
/* The same, whatever its case. */
const struct vocabulary_word *vocabulary_find(struct slice word);
/* The rows in their order, for tests; NULL at the end. */
const struct vocabulary_word *vocabulary_row(size_t index);

#endif
