/*
 * text: a reply as phrases are looked for in it: fields as single bytes, letters lower case, one
 * blank for any run of blanks, line ends, control characters, brackets, quotes and the signs
 * - _ , : = and code and status at the start of a line left out. Phrases of rules are written the
 * same way.
 */
#ifndef RULE_RULESET_TEXT_H
#define RULE_RULESET_TEXT_H

#include "rule/normal/normalise.h"

/* One byte stands for a field, a blank or a letter; a field may be shorter than its blank. */
#define TEXT_MAX (VERDICT_REPLY_MAX + 1)
#define TEXT_PAD 16 /* more than what is looked at at once */

struct text {
	uint8_t bytes[TEXT_MAX + TEXT_PAD]; /* zeros behind the last */
	uint16_t places[TEXT_MAX];	    /* in the reply; one more: behind the last */
	uint16_t starts[TEXT_MAX];	    /* where a phrase may begin: a word, a field, a sign */
	size_t len, start_count;
};

void text_prepare(struct text *t, const struct normal *normal);
/* The byte for "<ip>" and so on at the start of s, and its length; 0 for none. */
uint8_t text_mark(struct slice s, size_t *ret_len);
/* One character of UTF-8 at the start of s, in lower case where it is Latin, Greek or Cyrillic.
 * Answers bytes taken and given, which are as many. */
size_t text_lower(struct slice s, uint8_t *ret_bytes);

/* One that is a blank of the text. */
bool text_is_blank(uint8_t byte);

/* Of prepared bytes: letters, digits and what is beyond ASCII. */
extern const bool text_words[256];

static inline bool
text_is_word(uint8_t byte)
{
	return text_words[byte];
}

/* First byte of a character of a script that does not part words by blanks. */
static inline bool
text_is_joined(uint8_t byte)
{
	return byte >= 0xe3 && byte < 0xf5;
}

#endif
