/*
 * read_words: words of a line, and phrases as a text is prepared (text.h).
 */
#include <string.h>

#include "rule/ruleset/reader.h"
#include "wire/text/clean.h"

#define NAME_MAX 48

int
source_fail(struct ruleset_source *src, struct source_place place, const char *text,
	    struct slice name, const char *more)
{
	struct ruleset_error *error = src->error;
	struct builder b;

	error->file = place.file;
	error->line = place.line;
	error->column = place.column;
	builder_init_fixed(&b, error->text, sizeof(error->text));
	builder_str(&b, text);
	if (name.data) {
		builder_str(&b, " \"");
		clean_line(&b, name, 100);
		builder_str(&b, "\"");
	}
	builder_str(&b, more);
	error->len = b.len;
	return ERR_SYNTAX;
}

int
reader_fail(struct reader *r, const char *text, struct slice name, const char *more)
{
	return source_fail(r->src, r->value_place, text, name, more);
}

bool
reader_next_word(struct slice *rest, struct slice *ret_word)
{
	*rest = slice_trim(*rest);
	if (!rest->len)
		return false;
	*ret_word = *rest;
	for (size_t i = 0; i < rest->len; i++) {
		if (rest->data[i] == ' ' || rest->data[i] == '\t') {
			*ret_word = slice_sub(*rest, 0, i);
			*rest = slice_from(*rest, i);
			return true;
		}
	}
	*rest = SLICE_EMPTY;
	return true;
}

bool
reader_is_name(struct slice s)
{
	if (!s.len || s.len > NAME_MAX)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		uint8_t c = s.data[i];

		if (!ascii_is_digit(c) && !(c >= 'a' && c <= 'z') && c != '-')
			return false;
	}
	return true;
}

struct source_place
reader_place(const struct reader *r, struct slice part)
{
	struct source_place place = r->value_place;

	if (part.data >= r->value.data && part.data <= r->value.data + r->value.len)
		place.column += (uint32_t)(part.data - r->value.data);
	return place;
}

/* The phrase as a text is prepared; false when it is none. */
static bool
phrase_make(struct builder *b, struct slice phrase)
{
	size_t letters = 0;

	while (phrase.len) {
		uint8_t lower[2];
		size_t len = 0;
		uint8_t mark = text_mark(phrase, &len);

		if (phrase.data[0] == '*')
			return false; /* only at the end */
		if (mark || text_is_blank(phrase.data[0])) {
			letters += mark ? 2 : 0;
			if (mark)
				builder_byte(b, mark);
			else if (b->len && b->data[b->len - 1] != ' ')
				builder_byte(b, ' ');
			phrase = slice_from(phrase, mark ? len : 1);
			continue;
		}
		len = text_lower(phrase, lower);
		if (memcmp(lower, phrase.data, len) != 0)
			return false; /* a capital */
		builder_bytes(b, lower, len);
		letters += len;
		phrase = slice_from(phrase, len);
	}
	while (b->len && b->data[b->len - 1] == ' ')
		b->len--;
	return letters >= 2 && !b->failed && b->data[0] != ';';
}

static int
word_add(struct reader *r, struct slice part, struct source_word ***end)
{
	struct source_word *word = ARENA_NEW(r->src->arena, struct source_word);
	struct builder b;

	if (!word)
		return ERR_NO_MEMORY;
	word->place = reader_place(r, part);
	if (part.len && part.data[0] == '$') {
		word->is_set = true;
		word->text = slice_from(part, 1);
		if (!reader_is_name(word->text))
			return source_fail(r->src, word->place, "expected the name of a set, not",
					   part, "");
	} else {
		word->start = part.len && part.data[part.len - 1] == '*';
		if (word->start)
			part.len--;
		builder_init_arena(&b, r->src->arena, RULESET_PHRASE_BYTES_MAX);
		if (!phrase_make(&b, part))
			return source_fail(r->src, word->place,
					   "expected a phrase (lower case, 2 to 80 bytes), not",
					   part, "");
		word->text = builder_slice(&b);
	}
	**end = word;
	*end = &word->next;
	return 0;
}

int
reader_words(struct reader *r, struct source_word ***end)
{
	struct slice rest = r->value;

	while (rest.data) {
		struct slice part = slice_trim(slice_cut(&rest, '|'));
		int err;

		if (!part.len)
			return reader_fail(r, "expected a phrase between two bars", SLICE_EMPTY,
					   "");
		err = word_add(r, part, end);
		if (err)
			return err;
	}
	return 0;
}

unsigned
reader_index(struct slice name, const char *(*str)(unsigned), unsigned max)
{
	for (unsigned i = 0; i < max; i++) {
		if (slice_eq(name, slice_str(str(i))))
			return i;
	}
	return max;
}
