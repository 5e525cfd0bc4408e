/*
 * phrase: phrases.def and phrases_why.def as a table, chained by a hash of the first bytes. A text
 * is looked at only where a word begins, so that the cost is that of reading it.
 */
#include "wire/bounce/phrase.h"

#include "base/assert.h"

static const struct {
	unsigned kind;
	const char *value;
	struct slice text;
} phrases[] = {
#define PHRASE(KIND, VALUE, TEXT) {PHRASE_##KIND, VALUE, {(const uint8_t *)TEXT, sizeof(TEXT) - 1}},
#include "wire/bounce/phrases.def"
#include "wire/bounce/phrases_why.def"
#undef PHRASE
};

#define PHRASE_LEAST 3 /* bytes of the shortest; the hash is over so many */
#define PHRASE_COUNT (sizeof(phrases) / sizeof(phrases[0]))

static bool
is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\n';
}

static unsigned
bucket_of(const struct phrase_index *index, const uint8_t *at)
{
	return ((unsigned)index->folded[at[0]] * 961 + index->folded[at[1]] * 31u +
		index->folded[at[2]]) %
	       PHRASE_BUCKETS;
}

static void
bytes_init(struct phrase_index *index)
{
	for (unsigned i = 0; i < 256; i++) {
		uint8_t c = (uint8_t)i;

		index->word[i] = ascii_is_alpha(c) || ascii_is_digit(c);
		index->folded[i] = ascii_is_digit(c) ? '0' : is_blank(c) ? ' ' : ascii_lower(c);
		if (c >= 0x80) /* as pair_lower() may change them */
			index->folded[i] = c | (c < 0xc0 ? 0x20 : 1);
	}
}

void
phrase_index_init(struct phrase_index *index)
{
	_Static_assert(PHRASE_COUNT < PHRASES_MAX, "0 is the end of a chain");
	*index = (struct phrase_index){0};
	bytes_init(index);
	/* From the last to the first, so that each chain is in the order of the table; 0 is its
	 * end. */
	for (size_t i = PHRASE_COUNT; i > 0; i--) {
		struct slice text = phrases[i - 1].text;
		unsigned bucket = bucket_of(index, text.data);

		ASSERT(text.len >= PHRASE_LEAST);
		index->next[i] = index->first[bucket];
		index->first[bucket] = (uint16_t)i;
		index->kinds[bucket] |= phrases[i - 1].kind;
	}
}

/* A letter of two bytes, made small: Latin 1 and Russian. */
static unsigned
pair_lower(unsigned first, unsigned second)
{
	unsigned letter = first << 8 | second;

	if ((letter >= 0xc380 && letter <= 0xc39e &&
	     letter != 0xc397) ||		    /* A with grave .. thorn */
	    (letter >= 0xd090 && letter <= 0xd09f)) /* the first half of А..Я */
		return letter + 0x20;
	if (letter >= 0xd0a0 && letter <= 0xd0af) /* the second half */
		return letter + 0xe0;
	return letter;
}

/* The same letter of two bytes at the start of both, whatever its case. */
static bool
is_same_pair(struct slice want, struct slice text)
{
	return want.len > 1 && text.len > 1 && want.data[0] >= 0xc3 && want.data[0] <= 0xd1 &&
	       pair_lower(text.data[0], text.data[1]) ==
		       ((unsigned)want.data[0] << 8 | want.data[1]);
}

/* Length of what one byte of a phrase stands for at the start of text; 0 when it does not match. */
static size_t
byte_len(uint8_t want, struct slice text)
{
	size_t len = 0;

	if (want == ' ') {
		bool line = false;

		for (; len < text.len && is_blank(text.data[len]); len++) {
			if (line && text.data[len] == '\n')
				break;
			line = line || text.data[len] == '\n';
		}
		return len;
	}
	if (want == '0') {
		while (len < text.len && ascii_is_digit(text.data[len]))
			len++;
		return len;
	}
	if (want == '\'' && slice_starts(text, SLICE("\xe2\x80\x99")))
		return 3;
	return text.len && ascii_lower(text.data[0]) == want;
}

static size_t
phrase_len(struct slice phrase, struct slice text)
{
	size_t at = 0;

	for (size_t i = 0; i < phrase.len; i++) {
		struct slice rest = slice_from(text, at);
		bool pair = is_same_pair(slice_from(phrase, i), rest);
		size_t len = pair ? 2 : byte_len(phrase.data[i], rest);

		if (!len)
			return 0;
		at += len;
		i += pair;
	}
	return at;
}

/* The longest phrase of one of the kinds at the start of text; false when there is none. */
static bool
phrase_at(const struct phrase_index *index, struct slice text, unsigned kinds,
	  struct phrase_hit *ret_hit)
{
	size_t p = index->first[bucket_of(index, text.data)], best = 0;

	for (; p; p = index->next[p]) {
		size_t len =
			phrases[p - 1].kind & kinds ? phrase_len(phrases[p - 1].text, text) : 0;

		if (len <= best)
			continue;
		best = len;
		*ret_hit = (struct phrase_hit){phrases[p - 1].kind, phrases[p - 1].value, 0, len};
	}
	return best > 0;
}

bool
phrase_next(const struct phrase_index *index, struct slice text, unsigned kinds, size_t *at,
	    struct phrase_hit *ret_hit)
{
	bool within = *at && *at < text.len && index->word[text.data[*at - 1]];

	for (size_t i = *at; i + PHRASE_LEAST <= text.len; i++) {
		bool word = index->word[text.data[i]], begins = !(within && word);

		within = word;
		if (!begins || !(index->kinds[bucket_of(index, text.data + i)] & kinds) ||
		    !phrase_at(index, slice_from(text, i), kinds, ret_hit))
			continue;
		ret_hit->at += i;
		ret_hit->end += i;
		*at = i + 1;
		return true;
	}
	*at = text.len;
	return false;
}

bool
phrase_find(const struct phrase_index *index, struct slice text, unsigned kinds,
	    struct phrase_hit *ret_hit)
{
	struct phrase_hit hit;
	size_t at = 0;

	if (!phrase_next(index, text, kinds, &at, &hit))
		return false;
	if (ret_hit)
		*ret_hit = hit;
	return true;
}
