/*
 * Quoted-printable. A byte stands for itself when it is printable ASCII and not "=", when it is a
 * blank that does not end its line, and when it is no dot that begins one.
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
