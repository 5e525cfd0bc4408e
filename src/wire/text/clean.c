/*
 * Remote text made safe. Unicode characters are judged by a table of ranges: C0 and C1 controls,
 * DEL, soft hyphen, the bidirectional controls of UAX 9 (the "Trojan source" class), zero-width and
 * invisible characters, line and paragraph separators, interlinear notes, private use, tags and
 * non-characters. U+FFFD is never written: an escape says more than a box.
 */
#include "wire/text/clean.h"

#include "base/assert.h"
#include "wire/text/utf8.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct clean_range {
	uint32_t first, last;
} clean_hidden[] = {
	/* ascending */
	{0x0000, 0x001f},    {0x007f, 0x009f}, {0x00ad, 0x00ad},   {0x034f, 0x034f},
	{0x061c, 0x061c},    {0x115f, 0x1160}, {0x17b4, 0x17b5},   {0x180b, 0x180f},
	{0x200b, 0x200f},    {0x2028, 0x202e}, {0x2060, 0x206f},   {0x3164, 0x3164},
	{0xe000, 0xf8ff},    {0xfdd0, 0xfdef}, {0xfe00, 0xfe0f},   {0xfeff, 0xfeff},
	{0xffa0, 0xffa0},    {0xfff0, 0xfffb}, {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a},
	{0xe0000, 0x10ffff},
};

bool
clean_code_is_plain(uint32_t code)
{
	if ((code & 0xfffe) == 0xfffe) /* the last two of each plane are no characters */
		return false;
	for (size_t i = 0; i < COUNT(clean_hidden) && code >= clean_hidden[i].first; i++) {
		if (code <= clean_hidden[i].last)
			return false;
	}
	return true;
}

enum clean_mode {
	CLEAN_LINE,
	CLEAN_ASCII,
	CLEAN_QUOTE,
};

/* The largest thing that stands for one character: \x{10FFFF}. */
#define LINE_PIECE 256
#define CLEAN_PIECE_MAX 16

static void
clean_code_escape(struct builder *piece, uint32_t code)
{
	static const char digits[] = "0123456789ABCDEF";
	unsigned width = 4;

	while (width < 6 && code >> (4 * width))
		width++;
	builder_str(piece, "\\x{");
	while (width-- > 0)
		builder_byte(piece, (uint8_t)digits[code >> (4 * width) & 15]);
	builder_byte(piece, '}');
}

static void
clean_byte_escape(struct builder *piece, uint8_t byte)
{
	builder_str(piece, "\\x");
	builder_hex(piece, slice_of(&byte, 1));
}

/* The characters that have a sign of their own inside quotes; NULL for others. */
static const char *
clean_quote_sign(uint32_t code)
{
	static const struct {
		uint8_t code;
		const char *sign;
	} signs[] = {{'"', "\\\""}, {'\\', "\\\\"}, {'\n', "\\n"}, {'\r', "\\r"}, {'\t', "\\t"}};

	for (size_t i = 0; i < COUNT(signs); i++) {
		if (signs[i].code == code)
			return signs[i].sign;
	}
	return NULL;
}

/* Takes one character (or a line end) off *rest and writes what stands for it. */
static void
clean_piece(struct builder *piece, struct slice *rest, enum clean_mode mode)
{
	struct slice before = *rest;
	const char *sign;
	uint32_t code;

	if (!utf8_next(rest, &code)) {
		clean_byte_escape(piece, (uint8_t)code);
		return;
	}
	sign = mode == CLEAN_QUOTE ? clean_quote_sign(code) : NULL;
	if (sign) {
		builder_str(piece, sign);
		return;
	}
	if (code == '\r' && rest->len && rest->data[0] == '\n')
		*rest = slice_from(*rest, 1);
	if (code == '\r' || code == '\n' || code == '\t')
		builder_byte(piece, ' ');
	else if (code < 0x20 || code == 0x7f)
		clean_byte_escape(piece, (uint8_t)code);
	else if (!clean_code_is_plain(code) || (mode == CLEAN_ASCII && code > 0x7f))
		clean_code_escape(piece, code);
	else
		builder_add(piece, slice_sub(before, 0, before.len - rest->len));
}

/* Writes the cleaned text, at most max bytes with the mark of a cut. */
static void
clean_text(struct builder *b, struct slice rest, size_t max, enum clean_mode mode)
{
	const size_t mark = sizeof(CLEAN_CUT) - 1;
	size_t begin = b->len;
	size_t keep = b->len; /* where the mark may still be written */

	ASSERT(max >= mark);
	while (rest.len && !b->failed) {
		uint8_t room[CLEAN_PIECE_MAX];
		struct builder piece;

		builder_init_fixed(&piece, room, sizeof(room));
		clean_piece(&piece, &rest, mode);
		ASSERT(!piece.failed);
		if (b->len - begin + piece.len > max) {
			b->len = keep;
			builder_str(b, CLEAN_CUT);
			return;
		}
		builder_add(b, builder_slice(&piece));
		if (b->len - begin <= max - mark)
			keep = b->len;
	}
}

void
clean_line(struct builder *b, struct slice text, size_t max)
{
	clean_text(b, text, max, CLEAN_LINE);
}

void
clean_ascii(struct builder *b, struct slice text, size_t max)
{
	clean_text(b, text, max, CLEAN_ASCII);
}

/* Needs no quotes in a log line. */
static bool
clean_is_word(struct slice s)
{
	const struct slice signs = SLICE("!#$%&*+,-./:;<>?@^_|~[]()");

	for (size_t i = 0; i < s.len; i++) {
		uint8_t c = s.data[i];

		if (ascii_is_alpha(c) || ascii_is_digit(c))
			continue;
		if (slice_index(signs, c) == signs.len)
			return false;
	}
	return s.len > 0;
}

void
clean_quote(struct builder *b, struct slice text, size_t max)
{
	ASSERT(max >= 16);
	if (text.len <= max && clean_is_word(text)) {
		builder_add(b, text);
		return;
	}
	builder_byte(b, '"');
	clean_text(b, text, max - 2, CLEAN_QUOTE);
	builder_byte(b, '"');
}

/* In pieces: where one of the two never comes, not all of the text is searched for it each time. */
static size_t
line_len(struct slice text)
{
	for (size_t at = 0; at < text.len; at += LINE_PIECE) {
		struct slice piece = slice_sub(text, at, LINE_PIECE);
		size_t end = slice_index(piece, '\n');

		end = slice_index(slice_sub(piece, 0, end), '\r');
		if (end < piece.len)
			return at + end;
	}
	return text.len;
}

bool
clean_line_next(struct slice *rest, struct slice *ret_line)
{
	size_t end;

	if (!rest->len)
		return false;
	end = line_len(*rest);
	*ret_line = slice_sub(*rest, 0, end);
	if (end + 1 < rest->len && rest->data[end] == '\r' && rest->data[end + 1] == '\n')
		end++;
	*rest = slice_from(*rest, end + 1);
	return true;
}
