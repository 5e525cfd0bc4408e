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

static bool
charset_utf8_is_valid(struct slice text)
{
	uint32_t code;

	while (text.len) {
		text = slice_from(text, charset_ascii_span(text));
		if (text.len && !utf8_next(&text, &code))
			return false;
	}
	return true;
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
	const struct charset *charset;

	if (name.len == 0)
		return charset_utf8_is_valid(text);
	charset = charset_find(name);
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
	const struct charset *charset;

	if (charset_is_utf8(name, text)) {
		builder_add_head(b, text);
		return;
	}
	charset = charset_find(name);
	if (charset->kind == CHARSET_KIND_FOREIGN && hook &&
	    hook->convert(b, charset->foreign, text, hook->context))
		return;
	charset_convert_by(b, charset->kind == CHARSET_KIND_UTF8 ? NULL : charset->table, text);
}

uint32_t
charset_windows_1252_code(uint8_t byte)
{
	return byte < 0x80 ? byte : charset_windows_1252[byte - 0x80];
}
