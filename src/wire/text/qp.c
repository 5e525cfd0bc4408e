/*
 * Quoted-printable. Written, a byte stands for itself when it is printable ASCII and not "=", when
 * it is a blank that does not end its line, and when it is no dot that begins one.
 */
#include "wire/text/qp.h"

#include "wire/text/clean.h"

static void
qp_line(struct builder *b, struct slice line)
{
	static const char digits[] = "0123456789ABCDEF";
	size_t column = 0;

	for (size_t i = 0; i < line.len && !b->failed; i++) {
		uint8_t c = line.data[i];
		bool last = i + 1 == line.len;
		bool blank = c == ' ' || c == '\t';
		bool plain = (c > 32 && c < 127 && c != '=' && (c != '.' || column > 0)) ||
			     (blank && !last);
		size_t width = plain ? 1 : 3;

		/* One column is for the "=" of a soft line end. */
		if (column + width > QP_LINE_CHARS - 1) {
			builder_str(b, "=\r\n");
			column = 0;
			if (c == '.') {
				plain = false;
				width = 3;
			}
		}
		if (plain) {
			builder_byte(b, c);
		} else {
			builder_byte(b, '=');
			builder_byte(b, (uint8_t)digits[c >> 4]);
			builder_byte(b, (uint8_t)digits[c & 15]);
		}
		column += width;
	}
	builder_str(b, "\r\n");
}

void
qp_encode(struct builder *b, struct slice text)
{
	struct slice line;

	while (clean_line_next(&text, &line) && !b->failed)
		qp_line(b, line);
}

static int
qp_hex(uint8_t c)
{
	if (ascii_is_digit(c))
		return c - '0';
	c = ascii_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int
qp_hex_pair(struct slice s, size_t index)
{
	int high, low;

	if (index >= s.len || s.len - index < 2)
		return -1;
	high = qp_hex(s.data[index]);
	low = qp_hex(s.data[index + 1]);
	return high < 0 || low < 0 ? -1 : high << 4 | low;
}

/* Without regard to lines. blank: the sign that stands for one; "=" when none does. */
static void
qp_decode_run(struct builder *b, struct slice text, uint8_t blank)
{
	size_t begin = 0;

	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.data[i];
		int byte;

		if (c != '=' && c != blank)
			continue;
		byte = c == '=' ? qp_hex_pair(text, i + 1) : ' ';
		if (byte < 0)
			continue;
		builder_add_head(b, slice_sub(text, begin, i - begin));
		builder_byte(b, (uint8_t)byte);
		i += c == '=' ? 2 : 0;
		begin = i + 1;
	}
	builder_add_head(b, slice_from(text, begin));
}

void
qp_decode(struct builder *b, struct slice text)
{
	while (text.len && !b->failed) {
		size_t len = slice_index(text, '\n');
		bool ended = len < text.len;
		struct slice line = slice_sub(text, 0, len);

		text = slice_from(text, len + 1);
		while (line.len &&
		       (line.data[line.len - 1] == ' ' || line.data[line.len - 1] == '\t' ||
			line.data[line.len - 1] == '\r'))
			line.len--;
		if (line.len && line.data[line.len - 1] == '=') {
			line.len--;
			ended = false;
		}
		qp_decode_run(b, line, '=');
		if (ended)
			builder_byte(b, '\n');
	}
}

void
qp_decode_word(struct builder *b, struct slice text)
{
	qp_decode_run(b, text, '_');
}
