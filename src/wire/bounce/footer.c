/*
 * footer: paragraphs that scanners, lawyers and lists add to every mail: that no virus was in it,
 * for whom it was meant, how to leave; and signatures. They say nothing of why a mail came back,
 * but have the words and addresses of those that do.
 */
#include "wire/bounce/reading.h"

#include <string.h>

/* Begins with the line that comes before one (RFC 3676 4.3). */
static bool
is_signature(struct slice paragraph)
{
	return slice_starts(paragraph, SLICE("-- \n")) ||
	       slice_starts(paragraph, SLICE("-- \r\n")) ||
	       slice_starts(paragraph, SLICE("--\n")) || slice_starts(paragraph, SLICE("--\r\n"));
}

static bool
is_footer(const struct reading *r, struct slice paragraph)
{
	struct bounce_reply reply;

	return (is_signature(paragraph) || phrase_find(r->index, paragraph, PHRASE_FOOTER, NULL)) &&
	       !phrase_find(r->index, paragraph,
			    PHRASE_FORM | PHRASE_LIST | PHRASE_FAILED | PHRASE_REASON, NULL) &&
	       !bounce_reply_find(r->index, paragraph, &reply);
}

void
reading_footers_blank(const struct reading *r, struct builder *b)
{
	size_t at = 0, begin = 0;

	while (at < b->len) {
		struct slice rest = slice_from(builder_slice(b), at);
		struct slice line = slice_sub(rest, 0, slice_index(rest, '\n'));
		bool last = line.len == rest.len;
		size_t next = last ? b->len : at + line.len + 1;

		if (slice_trim(line).len && !last) {
			at = next;
			continue;
		}
		if (slice_trim(line).len)
			at = next;
		if (at > begin && is_footer(r, slice_sub(builder_slice(b), begin, at - begin)))
			memset(b->data + begin, '\n', at - begin);
		begin = at = next;
	}
}
