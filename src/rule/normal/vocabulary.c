/*
 * vocabulary: an index by first letter over the rows of vocabulary.def, made by the compiler: each
 * row is an enumerator, and FIRST takes the number of the row that follows it.
 */
#include "rule/normal/vocabulary.h"

#include <string.h>

static const struct vocabulary_word words[] = {
#define SPAN VOCABULARY_SPAN
#define SIZE VOCABULARY_SIZE
#define AGAIN VOCABULARY_AGAIN
#define LIMIT VOCABULARY_LIMIT
#define CALENDAR VOCABULARY_CALENDAR
#define LIST VOCABULARY_LIST
#define TLD VOCABULARY_TLD
#define KEPT VOCABULARY_KEPT
#define FIRST(letter)
#define WORD(text, ROLES, value) {text, sizeof(text) - 1, ROLES, value},
#include "rule/normal/vocabulary.def"
#undef WORD
#undef FIRST
};
#define COUNT (sizeof(words) / sizeof(words[0]))

#define PASTE(a, b) a##b
#define ROW(line) PASTE(ROW_, line)
enum {
#define FIRST(letter) FIRST_##letter, BACK_##letter = FIRST_##letter - 1,
#define WORD(text, ROLES, value) ROW(__LINE__),
#include "rule/normal/vocabulary.def"
#undef WORD
#undef FIRST
	FIRST_END
};

static const uint16_t firsts[] = {
#define FIRST(letter) FIRST_##letter,
#define WORD(...)
#include "rule/normal/vocabulary.def"
#undef WORD
#undef FIRST
	FIRST_END};

/* By first letter, a bit for each length that its words have: most words need no more. */
static const uint32_t lengths[] = {0
#define FIRST(letter) , 0
#define WORD(text, ROLES, value) | UINT32_C(1) << (sizeof(text) - 1)
#include "rule/normal/vocabulary.def"
#undef WORD
#undef FIRST
};
_Static_assert(VOCABULARY_WORD_MAX < 32, "a bit for each length");

const struct vocabulary_word *
vocabulary_find_lower(struct slice word)
{
	size_t i, end;
	unsigned first;

	if (word.len == 0 || word.len > VOCABULARY_WORD_MAX)
		return NULL;
	/* 0 for what is no letter, 1 for a, ... */
	first = word.data[0] >= 'a' && word.data[0] <= 'z' ? word.data[0] - 'a' + 1u : 0;
	if (!(lengths[first + 1] >> word.len & 1))
		return NULL;
	end = firsts[first + 1];
	for (i = firsts[first]; i < end && words[i].len < word.len; i++)
		continue;
	for (; i < end && words[i].len == word.len; i++) {
		if (words[i].text[word.len - 1] == word.data[word.len - 1] &&
		    memcmp(words[i].text, word.data, word.len) == 0)
			return &words[i];
	}
	return NULL;
}

const struct vocabulary_word *
vocabulary_find(struct slice word)
{
	uint8_t lower[VOCABULARY_WORD_MAX];

	if (word.len > sizeof(lower))
		return NULL;
	for (size_t i = 0; i < word.len; i++)
		lower[i] = ascii_lower(word.data[i]);
	return vocabulary_find_lower(slice_of(lower, word.len));
}

const struct vocabulary_word *
vocabulary_row(size_t index)
{
	return index < COUNT ? &words[index] : NULL;
}
