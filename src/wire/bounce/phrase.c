/*
 * phrase: phrases.def as a table, chained by a hash of the first two bytes. A text is looked at
 * only where a word begins, so that the cost is that of reading it.
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
#undef PHRASE
};

#define PHRASE_COUNT (sizeof(phrases) / sizeof(phrases[0]))

static bool
is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\n';
}

static unsigned
bucket_of(uint8_t a, uint8_t b)
{
	a = ascii_is_digit(a) ? '0' : ascii_lower(a);
	b = ascii_is_digit(b) ? '0' : is_blank(b) ? ' ' : ascii_lower(b);
	return ((unsigned)a * 31 + b) % PHRASE_BUCKETS;
}

void
phrase_index_init(struct phrase_index *index)
{
	ASSERT(PHRASE_COUNT < PHRASES_MAX);
	*index = (struct phrase_index){0};
	/* From the last to the first, so that each chain is in the order of the table; 0 is its end. */
	for (size_t i = PHRASE_COUNT; i > 0; i--) {
		struct slice text = phrases[i - 1].text;
		unsigned bucket = bucket_of(text.data[0], text.data[1]);

		index->next[i] = index->first[bucket];
		index->first[bucket] = (uint16_t)i;
	}
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
		size_t len = byte_len(phrase.data[i], slice_from(text, at));

		if (!len)
			return 0;
		at += len;
	}
	return at;
}

static bool
is_word(uint8_t c)
{
	return ascii_is_alpha(c) || ascii_is_digit(c);
}

bool
phrase_next(const struct phrase_index *index, struct slice text, unsigned kinds, size_t *at,
	    struct phrase_hit *ret_hit)
{
	for (size_t i = *at; i + 1 < text.len; i++) {
		if (i && is_word(text.data[i]) && is_word(text.data[i - 1]))
			continue;
		for (size_t p = index->first[bucket_of(text.data[i], text.data[i + 1])]; p;
		     p = index->next[p]) {
			size_t len = phrases[p - 1].kind & kinds
					     ? phrase_len(phrases[p - 1].text, slice_from(text, i))
					     : 0;

			if (!len)
				continue;
			*at = i + 1;
			*ret_hit = (struct phrase_hit){phrases[p - 1].kind, phrases[p - 1].value, i,
						       i + len};
			return true;
		}
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
