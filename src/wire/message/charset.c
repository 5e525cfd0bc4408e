/*
 * Charsets by two tables: charset_names.def says how a name is read, charset_tables.def what a byte
 * means. Names are compared by their letters and digits alone, since mail writes "utf8", "UTF-8",
 * "x-sjis" and "'iso_8859-1'".
 */
#include "wire/message/charset.h"

#include <string.h>

#include "wire/text/utf8.h"

#define CHARSET_TABLE(name, ...) static const uint16_t charset_##name[128] = {__VA_ARGS__};
#include "wire/message/charset_tables.def"
#undef CHARSET_TABLE

enum charset_kind {
	CHARSET_KIND_GUESS,
	CHARSET_KIND_UTF8,
	CHARSET_KIND_TABLE,
	CHARSET_KIND_FOREIGN
};

struct charset {
	const char *name; /* letters and digits, lower case */
	uint8_t kind;	  /* enum charset_kind */
	uint8_t shift;
	const uint16_t *table; /* of the upper half; NULL for a foreign one */
	const char *foreign;   /* its name for the hook */
};

static const struct charset charset_guess = {"", CHARSET_KIND_GUESS, 0, charset_windows_1252, NULL};

/* Escapes in a text that declares nothing better: Japanese mail before MIME looked like this. */
static const struct charset charset_escapes = {"", CHARSET_KIND_FOREIGN, 0x1b, NULL,
					       "ISO-2022-JP-3"};

static const struct charset charsets[] = {
#define CHARSET_NAME(name, kind, shift, table)                                                     \
	{name, CHARSET_KIND_##kind, shift, charset_##table, NULL},
#define CHARSET_FOREIGN(name, shift, foreign) {name, CHARSET_KIND_FOREIGN, shift, NULL, foreign},
#include "wire/message/charset_names.def"
#undef CHARSET_NAME
#undef CHARSET_FOREIGN
};

static const struct charset *
charset_find(struct slice name)
{
	char plain[CHARSET_NAME_MAX + 1];
	size_t len = 0;

	if (name.len > CHARSET_NAME_MAX)
		return &charset_guess;
	for (size_t i = 0; i < name.len; i++) {
		if (ascii_is_alpha(name.data[i]) || ascii_is_digit(name.data[i]))
			plain[len++] = (char)ascii_lower(name.data[i]);
	}
	plain[len] = 0;
	for (size_t i = 0; i < sizeof(charsets) / sizeof(charsets[0]); i++) {
		if (strcmp(charsets[i].name, plain) == 0)
			return &charsets[i];
	}
	return &charset_guess;
}

/* By its name, and by what the text shows where names are often wrong. */
static const struct charset *
charset_of(struct slice name, struct slice text)
{
	const struct charset *charset = name.len ? charset_find(name) : &charset_guess;
	struct slice escape = slice_from(text, slice_index(text, 0x1b));

	if (charset->kind == CHARSET_KIND_GUESS && slice_starts(escape, SLICE("\x1b$")))
		return &charset_escapes;
	return charset;
}

/* How many bytes at the start are ASCII. Eight at a time: nearly all of them are. */
static size_t
charset_ascii_span(struct slice text)
{
	size_t len = 0;

	for (uint64_t word; text.len - len >= sizeof(word); len += sizeof(word)) {
		memcpy(&word, text.data + len, sizeof(word));
		if (word & 0x8080808080808080u)
			break;
	}
	while (len < text.len && text.data[len] < 0x80)
		len++;
	return len;
}

/* What remains from the first byte on that is no UTF-8; *ret_some: characters beyond ASCII stand
 * before it. */
static struct slice
charset_utf8_rest(struct slice text, bool *ret_some)
{
	uint32_t code;

	*ret_some = false;
	for (;;) {
		struct slice at = slice_from(text, charset_ascii_span(text));

		text = at;
		if (text.len == 0 || !utf8_next(&text, &code))
			return at;
		*ret_some = true;
	}
}

static bool
charset_utf8_is_valid(struct slice text)
{
	bool some;

	return charset_utf8_rest(text, &some).len == 0;
}

/* UTF-8 whose last character was cut, as happens to long texts. */
static bool
charset_utf8_is_cut(struct slice text)
{
	bool some;
	struct slice rest = charset_utf8_rest(text, &some);

	return some && rest.len < 4 && rest.data[0] >= 0xc2;
}

static bool
charset_has_shift(const struct charset *charset, struct slice text)
{
	return charset->shift == 0xff ||
	       (charset->shift && slice_index(text, charset->shift) < text.len);
}

bool
charset_is_utf8(struct slice name, struct slice text)
{
	const struct charset *charset = charset_of(name, text);

	if (charset->kind == CHARSET_KIND_GUESS || charset->kind == CHARSET_KIND_UTF8)
		return charset_utf8_is_valid(text);
	return !charset_has_shift(charset, text) && charset_ascii_span(text) == text.len;
}

/* table: of the upper half, or NULL for UTF-8. */
static void
charset_convert_by(struct builder *b, const uint16_t *table, struct slice text)
{
	while (text.len && !b->failed) {
		size_t len = charset_ascii_span(text);
		uint32_t code;

		builder_add_head(b, slice_sub(text, 0, len));
		text = slice_from(text, len);
		if (text.len == 0)
			break;
		if (table) {
			code = table[text.data[0] - 0x80];
			text = slice_from(text, 1);
		} else if (!utf8_next(&text, &code)) {
			code = UTF8_REPLACEMENT;
		}
		utf8_put(b, code);
	}
}

void
charset_convert(struct builder *b, struct slice name, struct slice text,
		const struct charset_hook *hook)
{
	const struct charset *charset = charset_of(name, text);

	if (charset_is_utf8(name, text)) {
		utf8_add_head(b, text);
		return;
	}
	if (charset->kind == CHARSET_KIND_UTF8 ||
	    (charset->kind == CHARSET_KIND_GUESS && charset_utf8_is_cut(text))) {
		charset_convert_by(b, NULL, text);
		return;
	}
	if (charset->kind == CHARSET_KIND_FOREIGN && hook &&
	    hook->convert(b, charset->foreign, text, hook->context))
		return;
	charset_convert_by(b, charset->table, text);
}

uint32_t
charset_windows_1252_code(uint8_t byte)
{
	return byte < 0x80 ? byte : charset_windows_1252[byte - 0x80];
}
