/*
 * xtext = *( xchar / hexchar ); xchar is %d33–126 but "+" and "="; hexchar is "+" and two
 * upper-case hex digits (RFC 3461 4). Decoding may give any byte, CR and NUL too: who prints it,
 * cleans it.
 */
#include "wire/text/xtext.h"

static bool
xtext_is_plain(uint8_t c)
{
	return c >= 33 && c <= 126 && c != '+' && c != '=';
}

void
xtext_encode(struct builder *b, struct slice bytes)
{
	static const char digits[] = "0123456789ABCDEF";

	for (size_t i = 0; i < bytes.len && !b->failed; i++) {
		uint8_t c = bytes.data[i];

		if (xtext_is_plain(c)) {
			builder_byte(b, c);
			continue;
		}
		builder_byte(b, '+');
		builder_byte(b, (uint8_t)digits[c >> 4]);
		builder_byte(b, (uint8_t)digits[c & 15]);
	}
}

static int
xtext_digit(uint8_t c)
{
	if (ascii_is_digit(c))
		return c - '0';
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

int
xtext_decode(struct builder *b, struct slice text)
{
	for (size_t i = 0; i < text.len; i++) {
		int high, low;

		if (xtext_is_plain(text.data[i])) {
			builder_byte(b, text.data[i]);
			continue;
		}
		if (text.data[i] != '+' || text.len - i < 3)
			return ERR_SYNTAX;
		high = xtext_digit(text.data[i + 1]);
		low = xtext_digit(text.data[i + 2]);
		if (high < 0 || low < 0)
			return ERR_SYNTAX;
		builder_byte(b, (uint8_t)(high << 4 | low));
		i += 2;
	}
	return b->failed ? ERR_LIMIT : 0;
}
