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

/* It says why a mail came back, beyond what scanners and lawyers speak of themselves. */
static bool
tells_why(const struct reading *r, struct slice text)
{
	static const char *const topics[] = {"virus",	      "spam",		"junk mail",
					     "not permitted", "not allowed to", "no longer"};
	struct phrase_hit hit;
	size_t at = 0;

	while (phrase_next(r->index, text, PHRASE_CAUSE | PHRASE_GAVE_UP, &at, &hit)) {
		bool topic = false;

		for (size_t i = 0; i < sizeof(topics) / sizeof(topics[0]) && !topic; i++)
			topic = slice_starts_nocase(slice_from(text, hit.at), slice_str(topics[i]));
		if (!topic)
			return true;
	}
	return false;
}

/* Not so a paragraph that says why before: scanners add theirs without an empty line, too. */
static bool
is_footer(const struct reading *r, struct slice paragraph)
{
	struct phrase_hit hit = {.at = paragraph.len};
	struct bounce_reply reply;

	return (phrase_find(r->index, paragraph, PHRASE_FOOTER, &hit) || is_signature(paragraph)) &&
	       !tells_why(r, slice_sub(paragraph, 0, hit.at)) &&
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
