/*
 * HTML as a stream of text, tags and entities. A "<" that begins no tag is text: refusals show
 * <user@example.org> without escaping it. What has no end (a quote, a comment, a tag) is remembered
 * as such, so that nothing is searched for twice.
 */
#include "wire/message/html.h"

#include <string.h>

#include "wire/message/charset.h"
#include "wire/text/utf8.h"

#define HTML_NAME_MAX 16 /* of a tag or entity; longer ones are not known */

struct html {
	struct builder *b;
	struct slice rest;
	size_t start;	/* of the output in b */
	unsigned lines; /* line ends that are due before the next text: 0–2 */
	bool blank;	/* a blank is due */
	bool preformatted;
	bool no_quote, no_comment, no_tag; /* none of these ends any more */
};

enum html_action { HTML_LINE, HTML_BREAK, HTML_PARAGRAPH, HTML_BLANK, HTML_PRE, HTML_SKIP };

static const struct html_tag {
	const char *name;
	uint8_t action;
} html_tags[] = {
	{"br", HTML_BREAK},	{"p", HTML_PARAGRAPH},	   {"div", HTML_LINE},
	{"tr", HTML_LINE},	{"li", HTML_LINE},	   {"td", HTML_BLANK},
	{"th", HTML_BLANK},	{"table", HTML_LINE},	   {"ul", HTML_LINE},
	{"ol", HTML_LINE},	{"dl", HTML_LINE},	   {"dt", HTML_LINE},
	{"dd", HTML_LINE},	{"hr", HTML_LINE},	   {"h1", HTML_PARAGRAPH},
	{"h2", HTML_PARAGRAPH}, {"h3", HTML_PARAGRAPH},	   {"h4", HTML_PARAGRAPH},
	{"h5", HTML_PARAGRAPH}, {"h6", HTML_PARAGRAPH},	   {"title", HTML_PARAGRAPH},
	{"pre", HTML_PRE},	{"blockquote", HTML_LINE}, {"center", HTML_LINE},
	{"body", HTML_LINE},	{"section", HTML_LINE},	   {"article", HTML_LINE},
	{"header", HTML_LINE},	{"footer", HTML_LINE},	   {"address", HTML_LINE},
	{"form", HTML_LINE},	{"option", HTML_LINE},	   {"img", HTML_BLANK},
	{"script", HTML_SKIP},	{"style", HTML_SKIP},
};

static const struct html_entity {
	const char *name;
	uint32_t code;
} html_entities[] = {
#define HTML_ENTITY(name, code) {name, code},
#include "wire/message/html_entities.def"
#undef HTML_ENTITY
};

static bool
html_is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

static void
html_break(struct html *h, unsigned lines)
{
	h->lines = h->lines > lines ? h->lines : lines;
	h->blank = false;
}

/* What is due before text; nothing at the very beginning. */
static void
html_flush(struct html *h)
{
	if (h->b->len > h->start) {
		for (unsigned i = 0; i < h->lines; i++)
			builder_byte(h->b, '\n');
		if (h->blank && !h->lines)
			builder_byte(h->b, ' ');
	}
	h->lines = 0;
	h->blank = false;
}

static void
html_put(struct html *h, struct slice word)
{
	html_flush(h);
	utf8_add_head(h->b, word);
}

/* Text without tags and entities. */
static void
html_plain(struct html *h, struct slice text)
{
	if (h->preformatted) {
		if (text.len)
			html_put(h, text);
		return;
	}
	while (text.len && !h->b->failed) {
		size_t len = 0;

		while (len < text.len && html_is_blank(text.data[len]))
			len++;
		h->blank = h->blank || len > 0;
		text = slice_from(text, len);
		len = 0;
		while (len < text.len && !html_is_blank(text.data[len]))
			len++;
		if (len)
			html_put(h, slice_sub(text, 0, len));
		text = slice_from(text, len);
	}
}

/* --- entities -------------------------------------------------------------------------------- */

static bool
html_entity_find(struct slice name, uint32_t *ret_code)
{
	size_t low = 0, high = sizeof(html_entities) / sizeof(html_entities[0]);

	while (low < high) {
		size_t middle = (low + high) / 2;
		int order = slice_cmp(name, slice_str(html_entities[middle].name));

		if (order == 0) {
			*ret_code = html_entities[middle].code;
			return true;
		}
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return false;
}

/* "#8217" or "#x2019", without the "&". The windows-1252 numbers that are none mean those. */
static bool
html_number(struct slice digits, uint32_t *ret_code)
{
	bool hex = digits.len > 1 && ascii_lower(digits.data[1]) == 'x';
	uint32_t code = 0;

	digits = slice_from(digits, hex ? 2 : 1);
	if (digits.len == 0)
		return false;
	for (size_t i = 0; i < digits.len; i++) {
		uint8_t c = ascii_lower(digits.data[i]);

		if (ascii_is_digit(c))
			code = code * (hex ? 16 : 10) + (c - '0');
		else if (hex && c >= 'a' && c <= 'f')
			code = code * 16 + (c - 'a') + 10;
		else
			return false;
		if (code > 0x10ffff)
			code = 0x110000; /* none, and stays so */
	}
	if (code >= 0x80 && code <= 0x9f)
		code = charset_windows_1252_code((uint8_t)code);
	*ret_code = code ? code : UTF8_REPLACEMENT;
	return true;
}

/* The letters and digits of an entity, with "#" before a number. */
static struct slice
html_entity_name(struct slice s)
{
	size_t len = slice_starts(s, SLICE("#")) ? 1 : 0;

	while (len < s.len && len < HTML_NAME_MAX &&
	       (ascii_is_alpha(s.data[len]) || ascii_is_digit(s.data[len])))
		len++;
	return slice_sub(s, 0, len);
}

/* At "&": takes the entity, or the "&" as text. */
static void
html_entity(struct html *h)
{
	struct slice name = html_entity_name(slice_from(h->rest, 1));
	struct slice behind = slice_from(h->rest, 1 + name.len);
	uint32_t code = 0;
	bool known = false;

	/* "&copy=1" belongs to an address of the web. */
	if (slice_starts(name, SLICE("#")))
		known = html_number(name, &code);
	else if (name.len && !slice_starts(behind, SLICE("=")))
		known = html_entity_find(name, &code);
	if (!known) {
		html_put(h, slice_sub(h->rest, 0, 1));
		h->rest = slice_from(h->rest, 1);
		return;
	}
	h->rest = slice_from(behind, slice_starts(behind, SLICE(";")) ? 1 : 0);
	if (code == 0xa0 || code == '\n' || code == '\r') {
		h->blank = true;
		return;
	}
	html_flush(h);
	utf8_put(h->b, code);
}

/* --- tags ------------------------------------------------------------------------------------ */

/* Index behind the ">" that ends the tag; 0 when nothing does. */
static size_t
html_tag_end(struct html *h)
{
	const struct slice s = h->rest;
	uint8_t quote = 0;
	size_t end;

	for (size_t i = 1; i < s.len && !h->no_quote; i++) {
		uint8_t c = s.data[i];

		if (quote)
			quote = c == quote ? 0 : quote;
		else if ((c == '"' || c == '\'') && s.data[i - 1] == '=')
			quote = c;
		else if (c == '>')
			return i + 1;
	}
	/* A quote that nothing ends: none is believed from here on. */
	h->no_quote = true;
	end = h->no_tag ? s.len : slice_index(s, '>');
	h->no_tag = end == s.len;
	return h->no_tag ? 0 : end + 1;
}

/* "<!" or "<?" */
static void
html_declaration(struct html *h)
{
	if (slice_starts(h->rest, SLICE("<!--")) && !h->no_comment) {
		size_t end = 4 + slice_find(slice_from(h->rest, 4), SLICE("-->"));

		h->no_comment = end >= h->rest.len;
		if (!h->no_comment) {
			h->rest = slice_from(h->rest, end + 3);
			return;
		}
	}
	h->rest = slice_from(h->rest, slice_index(h->rest, '>') + 1);
}

/* What stands before the end tag of that name, and all when there is none, is no text. */
static void
html_skip(struct html *h, const char *name)
{
	struct slice end = slice_str(name);

	while (h->rest.len) {
		h->rest = slice_from(h->rest, slice_find(h->rest, SLICE("</")));
		if (slice_starts_nocase(slice_from(h->rest, 2), end))
			return;
		h->rest = slice_from(h->rest, 2);
	}
}

static void
html_act(struct html *h, const struct html_tag *tag, bool end_tag)
{
	switch ((enum html_action)tag->action) {
	case HTML_LINE:
		html_break(h, 1);
		break;
	case HTML_BREAK:
		html_break(h, h->lines < 2 ? h->lines + 1 : 2);
		break;
	case HTML_PARAGRAPH:
		html_break(h, 2);
		break;
	case HTML_BLANK:
		h->blank = true;
		break;
	case HTML_PRE:
		html_break(h, 1);
		h->preformatted = !end_tag;
		break;
	case HTML_SKIP:
		if (!end_tag)
			html_skip(h, tag->name);
		break;
	}
}

/* The name of the tag that begins here; empty when none does. */
static struct slice
html_tag_name(struct slice rest, bool end_tag)
{
	struct slice s = slice_from(rest, end_tag ? 2 : 1);
	size_t len = 0;

	if (s.len == 0 || !ascii_is_alpha(s.data[0]))
		return SLICE_EMPTY;
	while (len < s.len && (ascii_is_alpha(s.data[len]) || ascii_is_digit(s.data[len]) ||
			       s.data[len] == ':' || s.data[len] == '-'))
		len++;
	/* <user@example.org>, <mailto:user>, <http://…> */
	if (len < s.len && s.data[len] != '>' && s.data[len] != '/' && !html_is_blank(s.data[len]))
		return SLICE_EMPTY;
	return s.data[len - 1] == ':' ? SLICE_EMPTY : slice_sub(s, 0, len);
}

/* At "<": takes the tag, or the "<" as text. */
static void
html_tag(struct html *h)
{
	bool end_tag = h->rest.len > 1 && h->rest.data[1] == '/';
	struct slice name = html_tag_name(h->rest, end_tag);
	size_t end;

	if (h->rest.len > 1 && (h->rest.data[1] == '!' || h->rest.data[1] == '?')) {
		html_declaration(h);
		return;
	}
	end = name.len ? html_tag_end(h) : 0;
	if (!end) {
		html_put(h, slice_sub(h->rest, 0, 1));
		h->rest = slice_from(h->rest, 1);
		return;
	}
	h->rest = slice_from(h->rest, end);
	for (size_t i = 0; i < sizeof(html_tags) / sizeof(html_tags[0]); i++) {
		if (slice_eq_nocase(name, slice_str(html_tags[i].name))) {
			html_act(h, &html_tags[i], end_tag);
			return;
		}
	}
}

void
html_text(struct builder *b, struct slice html)
{
	struct html h = {.b = b, .rest = html, .start = b->len};

	while (h.rest.len && !b->failed) {
		size_t len = 0;

		while (len < h.rest.len && h.rest.data[len] != '<' && h.rest.data[len] != '&')
			len++;
		html_plain(&h, slice_sub(h.rest, 0, len));
		h.rest = slice_from(h.rest, len);
		if (h.rest.len == 0)
			break;
		if (h.rest.data[0] == '<')
			html_tag(&h);
		else
			html_entity(&h);
	}
	if (b->len > h.start && b->data[b->len - 1] != '\n')
		builder_byte(b, '\n');
}
