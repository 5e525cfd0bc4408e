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
	[NORMAL_IP] = 1,      [NORMAL_HOST] = 2,      [NORMAL_MAIL] = 3, [NORMAL_URL] = 4,
	[NORMAL_LIST] = 5,    [NORMAL_LIST_CODE] = 6, [NORMAL_TAG] = 0,	 [NORMAL_ID] = 7,
	[NORMAL_WAIT] = 8,    [NORMAL_SPAN] = 8,      [NORMAL_SIZE] = 9, [NORMAL_LIMIT] = 10,
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

/* Capitals of two bytes: a range of trail bytes, and what is added to them. In rows of pairs every
 * second is a capital: which, its last bit says. */
static const struct {
	uint8_t lead, first, last, new_lead;
	int8_t add;
	enum { ALL, EVEN, ODD } which;
} capitals[] = {
	{0xc3, 0x80, 0x96, 0xc3, 0x20, ALL}, /* Latin-1 */
	{0xc3, 0x98, 0x9e, 0xc3, 0x20, ALL},
	{0xc4, 0x80, 0xb7, 0xc4, 1, EVEN}, /* Latin Extended-A */
	{0xc4, 0xb9, 0xbd, 0xc4, 1, ODD},
	{0xc5, 0x81, 0x87, 0xc5, 1, ODD},
	{0xc5, 0x8a, 0xb7, 0xc5, 1, EVEN},
	{0xc5, 0xb9, 0xbd, 0xc5, 1, ODD},
	{0xce, 0x91, 0x9f, 0xce, 0x20, ALL}, /* Greek */
	{0xce, 0xa0, 0xa9, 0xcf, -0x20, ALL},
	{0xd0, 0x80, 0x8f, 0xd1, 0x10, ALL}, /* Cyrillic */
	{0xd0, 0x90, 0x9f, 0xd0, 0x20, ALL},
	{0xd0, 0xa0, 0xaf, 0xd1, -0x20, ALL},
};

static void
lower_pair(uint8_t *pair)
{
	for (size_t i = 0; i < sizeof(capitals) / sizeof(capitals[0]); i++) {
		if (pair[0] != capitals[i].lead || pair[1] < capitals[i].first ||
		    pair[1] > capitals[i].last)
			continue;
		if (capitals[i].which != ALL && (pair[1] & 1) != (capitals[i].which == ODD))
			return;
		pair[0] = capitals[i].new_lead;
		pair[1] = (uint8_t)(pair[1] + capitals[i].add);
		return;
	}
}

size_t
text_lower(struct slice s, uint8_t *ret_bytes)
{
	uint8_t c = s.data[0];

	ret_bytes[0] = c >= 'A' && c <= 'Z' ? c | 0x20 : c;
	if (c < 0xc3 || c > 0xd1 || s.len < 2 || (s.data[1] & 0xc0) != 0x80)
		return 1;
	ret_bytes[1] = s.data[1];
	lower_pair(ret_bytes);
	return 2;
}

/* What stands for a byte of ASCII: itself in lower case, or a blank. 0: look at it. */
#define BLANK ' '
static const uint8_t plain[256] = {
	['\t'] = BLANK, ['\r'] = BLANK, [' '] = BLANK, ['!'] = '!',   ['"'] = BLANK, ['#'] = '#',
	['$'] = '$',	['%'] = '%',	['&'] = '&',   ['\''] = '\'', ['('] = BLANK, [')'] = BLANK,
	['*'] = '*',	['+'] = '+',	[','] = BLANK, ['-'] = BLANK, ['.'] = '.',   ['/'] = '/',
	['0'] = '0',	['1'] = '1',	['2'] = '2',   ['3'] = '3',   ['4'] = '4',   ['5'] = '5',
	['6'] = '6',	['7'] = '7',	['8'] = '8',   ['9'] = '9',   [':'] = BLANK, [';'] = ';',
	['<'] = BLANK,	['='] = BLANK,	['>'] = BLANK, ['?'] = '?',   ['@'] = '@',   ['A'] = 'a',
	['B'] = 'b',	['C'] = 'c',	['D'] = 'd',   ['E'] = 'e',   ['F'] = 'f',   ['G'] = 'g',
	['H'] = 'h',	['I'] = 'i',	['J'] = 'j',   ['K'] = 'k',   ['L'] = 'l',   ['M'] = 'm',
	['N'] = 'n',	['O'] = 'o',	['P'] = 'p',   ['Q'] = 'q',   ['R'] = 'r',   ['S'] = 's',
	['T'] = 't',	['U'] = 'u',	['V'] = 'v',   ['W'] = 'w',   ['X'] = 'x',   ['Y'] = 'y',
	['Z'] = 'z',	['['] = BLANK,	['\\'] = '\\', [']'] = BLANK, ['^'] = '^',   ['_'] = BLANK,
	['`'] = BLANK,	['a'] = 'a',	['b'] = 'b',   ['c'] = 'c',   ['d'] = 'd',   ['e'] = 'e',
	['f'] = 'f',	['g'] = 'g',	['h'] = 'h',   ['i'] = 'i',   ['j'] = 'j',   ['k'] = 'k',
	['l'] = 'l',	['m'] = 'm',	['n'] = 'n',   ['o'] = 'o',   ['p'] = 'p',   ['q'] = 'q',
	['r'] = 'r',	['s'] = 's',	['t'] = 't',   ['u'] = 'u',   ['v'] = 'v',   ['w'] = 'w',
	['x'] = 'x',	['y'] = 'y',	['z'] = 'z',   ['{'] = BLANK, ['|'] = '|',   ['}'] = BLANK,
	['~'] = '~',
};

bool
text_is_blank(uint8_t byte)
{
	return plain[byte] == BLANK || byte == '\n';
}

static bool
digit_at(struct slice s, size_t at)
{
	return at < s.len && ascii_is_digit(s.data[at]);
}

/* A code of three digits and what parts it from the rest, or 0. */
static size_t
code_len(struct slice rest)
{
	size_t at = 3;

	if (!digit_at(rest, 0) || !digit_at(rest, 1) || !digit_at(rest, 2) || rest.len < 4 ||
	    (rest.data[3] != ' ' && rest.data[3] != '-'))
		return 0;
	while (at < rest.len && (rest.data[at] == ' ' || rest.data[at] == '-'))
		at++;
	return at;
}

/* Code and status at the start of a line: how many bytes. */
static size_t
front_len(struct slice rest)
{
	size_t at = code_len(rest), end = at;

	if (at == 0 || !digit_at(rest, at) || at + 1 >= rest.len || rest.data[at + 1] != '.')
		return at;
	while (end < rest.len && end - at < STATUS_BYTES_MAX &&
	       (ascii_is_digit(rest.data[end]) || rest.data[end] == '.'))
		end++;
	return end;
}

/* The next field that is a byte of the text, from an index on; or the count. */
static size_t
next_field(const struct normal *normal, size_t index, size_t from)
{
	while (index < normal->field_count &&
	       (normal->fields[index].inside || !kind_marks[normal->fields[index].kind] ||
		normal->fields[index].index < from))
		index++;
	return index;
}

const bool text_words[256] = {
	['a' ... 'z'] = true,
	['0' ... '9'] = true,
	[0x80 ... 0xff] = true,
};

/* Where the text is written. Given and returned: bytes of the text could be those of one that is
 * pointed to, and would have it loaded again for each. */
struct pen {
	struct text *t;
	size_t len, start_count;
	uint8_t last; /* byte */
};

/* A byte, and a start where a word begins or where it is no word; not a blank behind a blank. No
 * branches, as this is done for each byte. */
static inline struct pen
put(struct pen pen, uint8_t byte, size_t at)
{
	struct text *t = pen.t;
	bool inside = text_words[byte] & text_words[pen.last] & !text_is_joined(byte);
	bool blank = byte == BLANK;

	t->bytes[pen.len] = byte;
	t->places[pen.len] = (uint16_t)at;
	t->starts[pen.start_count] = (uint16_t)pen.len;
	pen.start_count += !inside & !blank;
	pen.len += !(blank & (pen.last == BLANK));
	pen.last = byte;
	return pen;
}

/* A line end, a control character (a field is one here: none may look like it) or the start of a
 * character beyond ASCII: bytes taken. */
static size_t
put_other(struct pen *pen, struct slice rest, size_t at)
{
	uint8_t lower[2];
	size_t len;

	if (rest.data[0] == '\n') {
		*pen = put(*pen, BLANK, at);
		return 1 + front_len(slice_from(rest, 1));
	}
	if (rest.data[0] < ' ' || rest.data[0] == 0x7f) {
		*pen = put(*pen, BLANK, at);
		return 1;
	}
	/* A typographic apostrophe is one. */
	if (slice_starts(rest, SLICE("\xe2\x80\x99"))) {
		*pen = put(*pen, '\'', at);
		return 3;
	}
	len = text_lower(rest, lower);
	for (size_t i = 0; i < len; i++)
		*pen = put(*pen, lower[i], at + i);
	return len;
}

/* What stands before the next field: up to which index. */
static size_t
put_words(struct pen *pen, struct slice reply, size_t at, size_t until)
{
	while (at < until) {
		struct pen p = *pen;

		for (uint8_t byte; at < until && (byte = plain[reply.data[at]]); at++)
			p = put(p, byte, at);
		*pen = p;
		if (at < until)
			at += put_other(pen, slice_from(reply, at), at);
	}
	return at;
}

void
text_prepare(struct text *t, const struct normal *normal)
{
	struct slice reply = normal->text;
	struct pen pen = {.t = t, .last = BLANK};
	size_t at = front_len(reply), field = next_field(normal, 0, at);

	while (field < normal->field_count) {
		const struct normal_field *f = &normal->fields[field];

		at = put_words(&pen, reply, at, f->index);
		if (at == f->index) {
			pen = put(pen, kind_marks[f->kind], at);
			at += f->len;
		}
		field = next_field(normal, field, at);
	}
	put_words(&pen, reply, at, reply.len);
	t->len = pen.len;
	t->start_count = pen.start_count;
	t->places[t->len] = (uint16_t)reply.len;
	memset(t->bytes + t->len, 0, TEXT_PAD);
}
