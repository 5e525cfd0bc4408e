/*
 * text: one walk over the reply and its fields, which stand in the order of their places.
 */
#include "rule/ruleset/text.h"

#include <string.h>

#define STATUS_BYTES_MAX 9 /* "5.999.999" */

static const struct {
	const char *name;
	uint8_t byte;
} marks[] = {{"<ip>", 1},   {"<host>", 2}, {"<mail>", 3}, {"<url>", 4},	 {"<list>", 5},
	     {"<code>", 6}, {"<id>", 7},   {"<span>", 8}, {"<size>", 9}, {"<n>", 10}};

/* As shape.h shows them; 0: stays in the text. */
static const uint8_t kind_marks[NORMAL_KIND_MAX] = {
	[NORMAL_IP] = 1,    [NORMAL_HOST] = 2,	    [NORMAL_MAIL] = 3,	 [NORMAL_URL] = 4,
	[NORMAL_LIST] = 5,  [NORMAL_LIST_CODE] = 6, [NORMAL_TAG] = 0,	 [NORMAL_ID] = 7,
	[NORMAL_WAIT] = 8,  [NORMAL_SPAN] = 8,	    [NORMAL_SIZE] = 9,	 [NORMAL_LIMIT] = 10,
	[NORMAL_NUMBER] = 10, [NORMAL_TIME] = 10,
};

uint8_t
text_mark(struct slice s, size_t *ret_len)
{
	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
		if (slice_starts(s, slice_str(marks[i].name))) {
			*ret_len = strlen(marks[i].name);
			return marks[i].byte;
		}
	}
	return 0;
}

/* Greek and Cyrillic capitals, and those of Latin-1, are in rows of their own. */
static void
lower_pair(uint8_t *pair)
{
	uint8_t lead = pair[0], trail = pair[1];

	if (lead == 0xc3 && trail >= 0x80 && trail <= 0x9e && trail != 0x97)
		pair[1] = trail + 0x20;
	else if ((lead == 0xc4 || lead == 0xc5) && lead == 0xc4 && trail < 0xb8 && trail != 0xb0)
		pair[1] = trail | 1; /* Latin Extended-A: pairs of capital and small */
	else if (lead == 0xce && trail >= 0x91 && trail <= 0x9f)
		pair[1] = trail + 0x20;
	else if (lead == 0xce && trail >= 0xa0 && trail <= 0xa9)
		pair[0] = 0xcf, pair[1] = trail - 0x20;
	else if (lead == 0xd0 && trail >= 0x90 && trail <= 0x9f)
		pair[1] = trail + 0x20;
	else if (lead == 0xd0 && trail >= 0xa0 && trail <= 0xaf)
		pair[0] = 0xd1, pair[1] = trail - 0x20;
	else if (lead == 0xd0 && trail >= 0x80 && trail <= 0x8f)
		pair[0] = 0xd1, pair[1] = trail + 0x10;
}

size_t
text_lower(struct slice s, uint8_t *ret_bytes)
{
	uint8_t c = s.data[0];

	ret_bytes[0] = c >= 'A' && c <= 'Z' ? c | 0x20 : c;
	if (c < 0xc3 || c > 0xd1 || s.len < 2)
		return 1;
	ret_bytes[1] = s.data[1];
	lower_pair(ret_bytes);
	return 2;
}

struct preparing {
	struct text *t;
	struct slice reply;
	size_t at;
	bool line_start;
};

static bool
is_blank(uint8_t c)
{
	static const bool blanks[256] = {
		[' '] = true, ['\t'] = true, ['\n'] = true, ['\r'] = true, ['<'] = true,
		['>'] = true, ['['] = true,  [']'] = true,  ['('] = true,  [')'] = true,
		['{'] = true, ['}'] = true,  ['"'] = true,  ['`'] = true,  ['-'] = true,
		['_'] = true, [','] = true,  [':'] = true,  ['='] = true,
	};

	return blanks[c];
}

static void
put(struct preparing *p, uint8_t byte, size_t len)
{
	struct text *t = p->t;

	t->bytes[t->len] = byte;
	t->places[t->len] = (uint16_t)p->at;
	t->ends[t->len++] = (uint16_t)(p->at + len);
}

static void
put_blank(struct preparing *p)
{
	if (p->t->len && p->t->bytes[p->t->len - 1] != ' ')
		put(p, ' ', 1);
}

static bool
digit_at(struct slice s, size_t at)
{
	return at < s.len && ascii_is_digit(s.data[at]);
}

/* Code and status at the start of a line: how many bytes. */
static size_t
front_len(struct slice rest)
{
	size_t at = 3, digits;

	if (!digit_at(rest, 0) || !digit_at(rest, 1) || !digit_at(rest, 2) || rest.len < 4 ||
	    (rest.data[3] != ' ' && rest.data[3] != '-'))
		return 0;
	while (at < rest.len && (rest.data[at] == ' ' || rest.data[at] == '-'))
		at++;
	for (digits = at; digits < rest.len && digits - at < STATUS_BYTES_MAX; digits++) {
		if (!ascii_is_digit(rest.data[digits]) && rest.data[digits] != '.')
			break;
	}
	return digit_at(rest, at) && at + 1 < rest.len && rest.data[at + 1] == '.' ? digits : at;
}

/* The byte that stands for the field at this place, and where the field ends; 0 for none. */
static uint8_t
field_at(const struct normal *normal, size_t *field, size_t at, size_t *ret_len)
{
	for (; *field < normal->field_count; (*field)++) {
		const struct normal_field *f = &normal->fields[*field];

		if (f->inside || !kind_marks[f->kind] || f->index < at)
			continue;
		if (f->index > at)
			return 0;
		*ret_len = f->len;
		return kind_marks[f->kind];
	}
	return 0;
}

static void
step(struct preparing *p)
{
	struct slice rest = slice_from(p->reply, p->at);
	uint8_t lower[2];
	size_t len;

	if (is_blank(rest.data[0])) {
		p->line_start = rest.data[0] == '\n';
		put_blank(p);
		p->at++;
		return;
	}
	/* A typographic apostrophe is one. */
	if (slice_starts(rest, SLICE("\xe2\x80\x99"))) {
		put(p, '\'', 3);
		p->at += 3;
		return;
	}
	len = text_lower(rest, lower);
	for (size_t i = 0; i < len; i++) {
		put(p, lower[i], 1);
		p->at++;
	}
}

void
text_prepare(struct text *t, const struct normal *normal)
{
	struct preparing p = {.t = t, .reply = normal->text, .line_start = true};
	size_t field = 0, len;

	t->len = 0;
	while (p.at < p.reply.len) {
		uint8_t mark = field_at(normal, &field, p.at, &len);

		if (p.line_start && (len = front_len(slice_from(p.reply, p.at))) > 0) {
			put_blank(&p);
			p.at += len;
			p.line_start = false;
			continue;
		}
		p.line_start = false;
		if (mark) {
			put(&p, mark, len);
			p.at += len;
		} else {
			step(&p);
		}
	}
	memset(t->bytes + t->len, 0, 4);
}
