/*
 * Encoded words (RFC 2047): =?charset?B?text?= or =?charset?Q?text?=. Blanks between two of them
 * are no text. Their bytes are joined while the charset stays the same, since many programs cut
 * characters in two. Forgiven: words without blanks around them or with blanks within, a missing
 * end (the word ends where the next begins, or with the value), raw 8-bit text.
 */
#include "wire/message/mime.h"

#include "wire/text/base64.h"
#include "wire/text/qp.h"

/* Bytes of adjacent words that are joined before they are made UTF-8; of one longer word the rest
 * is dropped. */
#define ENCODED_RUN_MAX 2048

struct encoded_word {
	struct slice charset, text;
	bool base64;
	size_t len; /* of the whole word */
};

struct encoded {
	struct builder *b;
	const struct charset_hook *hook;
	struct slice charset; /* of what run holds */
	struct builder run;
	uint8_t bytes[ENCODED_RUN_MAX];
};

/* Index of the text in s, which begins with "=?"; 0 when it is no word. Sets all but text and len.
 */
static size_t
encoded_parse_head(struct slice s, struct encoded_word *word)
{
	struct slice charset = slice_sub(slice_from(s, 2), 0, CHARSET_NAME_MAX);
	size_t at = slice_index(charset, '?');
	uint8_t encoding;

	if (at == 0 || at == charset.len || at + 4 >= s.len || s.data[at + 4] != '?')
		return 0;
	charset = slice_sub(charset, 0, at);
	if (slice_index(charset, ' ') < at || slice_index(charset, '\n') < at)
		return 0;
	word->charset = slice_sub(charset, 0, slice_index(charset, '*')); /* RFC 2231 5 */
	encoding = ascii_lower(s.data[at + 3]);
	word->base64 = encoding == 'b';
	return word->base64 || encoding == 'q' ? at + 5 : 0;
}

static bool
encoded_parse(struct slice s, struct encoded_word *ret_word)
{
	struct encoded_word word = {0};
	size_t at = encoded_parse_head(s, &word), end;

	if (!at)
		return false;
	for (end = at; end + 1 < s.len; end++) {
		struct slice two = slice_sub(s, end, 2);

		if (slice_eq(two, SLICE("?=")))
			break;
		/* The next word; but "=?=" is padding and the end. */
		if (slice_eq(two, SLICE("=?")) && !slice_starts(slice_from(s, end + 2), SLICE("=")))
			break;
	}
	word.len = end + 2;
	if (end + 1 >= s.len)
		end = word.len = s.len;
	else if (s.data[end] == '=')
		word.len = end;
	word.text = slice_sub(s, at, end - at);
	*ret_word = word;
	return true;
}

static void
encoded_flush(struct encoded *e)
{
	/* A header is one line, whatever is hidden in a word. */
	for (size_t i = 0; i < e->run.len; i++) {
		if (e->bytes[i] == '\n' || e->bytes[i] == '\r')
			e->bytes[i] = ' ';
	}
	charset_convert(e->b, e->charset, builder_slice(&e->run), e->hook);
	builder_clear(&e->run);
}

static void
encoded_plain(struct encoded *e, struct slice text)
{
	encoded_flush(e);
	while (text.len)
		charset_convert(e->b, SLICE_EMPTY, slice_cut(&text, '\n'), e->hook);
}

static void
encoded_add(struct encoded *e, const struct encoded_word *word)
{
	struct base64_loose loose = {0};

	/* What is decoded is never longer than the text. */
	if (!slice_eq_nocase(e->charset, word->charset) ||
	    word->text.len > ENCODED_RUN_MAX - e->run.len)
		encoded_flush(e);
	e->charset = word->charset;
	if (word->base64) {
		base64_loose_feed(&e->run, &loose, word->text);
		base64_loose_end(&e->run, &loose);
	} else {
		qp_decode_word(&e->run, word->text);
	}
}

static bool
encoded_is_blank(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (s.data[i] != ' ' && s.data[i] != '\t' && s.data[i] != '\n')
			return false;
	}
	return true;
}

static struct slice
encoded_trim(struct slice s)
{
	while (s.len && encoded_is_blank(slice_sub(s, 0, 1)))
		s = slice_from(s, 1);
	while (s.len && encoded_is_blank(slice_from(s, s.len - 1)))
		s.len--;
	return s;
}

void
mime_header_text(struct builder *b, struct slice value, const struct charset_hook *hook)
{
	struct encoded e = {.b = b, .hook = hook};
	bool after_word = false;

	builder_init_fixed(&e.run, e.bytes, sizeof(e.bytes));
	value = encoded_trim(value);
	while (value.len && !b->failed) {
		size_t at = slice_find(value, SLICE("=?"));
		struct slice plain = slice_sub(value, 0, at);
		struct encoded_word word = {.len = 2};
		bool found = at < value.len && encoded_parse(slice_from(value, at), &word);

		if (!found)
			plain = slice_sub(value, 0, at + 2);
		if (!found || !after_word || !encoded_is_blank(plain))
			encoded_plain(&e, plain);
		if (found)
			encoded_add(&e, &word);
		after_word = found;
		value = slice_from(value, at + word.len);
	}
	encoded_flush(&e);
}
