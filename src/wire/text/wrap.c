/*
 * wrap: greedy, word by word.
 */
#include "wire/text/wrap.h"

void
wrap_text(struct builder *b, struct slice text, size_t columns, const char *line_end)
{
	size_t column = 0;

	while (text.len && !b->failed) {
		struct slice word = slice_cut(&text, ' ');

		if (!word.len)
			continue;
		if (column && column + 1 + word.len > columns) {
			builder_str(b, line_end);
			column = 0;
		}
		if (column)
			builder_byte(b, ' ');
		builder_add(b, word);
		column += word.len + (column ? 1 : 0);
	}
	builder_str(b, line_end);
}
