/*
 * normalise: one walk over the text. A chunk is what stands between blanks and brackets; in it
 * links are looked for first, then mail addresses, then tokens (token.h), whose form decides. Words
 * beside a number (vocabulary.def) say what it is: those in front as the sentence goes on, those
 * behind by looking back at the sentence's fields once. Every loop moves forward or is bounded by a
 * constant.
 */
#include "rule/normal/normalise.h"

#include <string.h>

#include "base/assert.h"
#include "rule/normal/walk.h"

#define KEY_LETTERS_MAX 16 /* "rcpt=" */

/* Letters only, up to end. */
static void
take_word(struct walk *w, size_t end)
{
	size_t len = end - w->at;
	bool joint = shape_is_behind_number(&w->shape);
	struct slice lower = shape_text(&w->shape, w->text.data + w->at, len);
	const struct vocabulary_word *word = vocabulary_find_lower(lower);

	if (word && (word->roles & VOCABULARY_CALENDAR) && walk_is_in_date(w, end, joint))
		shape_replace(&w->shape, len, joint, NORMAL_TIME);
	else if (word && (word->roles & VOCABULARY_LIST))
		walk_inside(w, NORMAL_LIST, w->at, len);
	else if (word)
		walk_hear(w, word->roles);
	w->at = end;
}

/* "neko22nyaan" */
static void
take_mixed(struct walk *w, struct slice token)
{
	for (size_t i = 0; i < token.len;) {
		size_t digits = token_digits(slice_from(token, i));

		if (digits)
			shape_field(&w->shape, NORMAL_NUMBER);
		else
			shape_text(&w->shape, token.data + i, 1);
		i += digits ? digits : 1;
	}
	w->at += token.len;
}

static void
take_known(struct walk *w, enum normal_kind kind, struct slice token)
{
	size_t end = w->at + token.len;

	if (kind == NORMAL_TAG) {
		walk_inside(w, kind, w->at, token.len);
		shape_text(&w->shape, token.data, token.len);
		w->at = end;
		return;
	}
	if ((kind == NORMAL_HOST || kind == NORMAL_LIST) && walk_byte(w, end) == '/' &&
	    !(walk_class(w, end + 1) & TOKEN_LINK_END) && walk_link(w, w->at))
		return;
	walk_field(w, kind, end, 0);
}

static void
take_token(struct walk *w, size_t end)
{
	struct slice token = slice_sub(w->text, w->at, end - w->at);
	enum normal_kind kind;
	size_t digits;

	switch (token_form(token, &kind)) {
	case TOKEN_FORM_WORD:
		shape_text(&w->shape, token.data, token.len);
		w->at = end;
		return;
	case TOKEN_FORM_FIELD:
		take_known(w, kind, token);
		return;
	case TOKEN_FORM_NUMBER:
		walk_number(w, end);
		return;
	case TOKEN_FORM_AMOUNT:
		digits = token.len;
		while (token_classes[token.data[digits - 1]] & TOKEN_LETTER)
			digits--;
		walk_amount(w, slice_sub(token, 0, digits), end,
			    vocabulary_find(slice_from(token, digits)));
		return;
	case TOKEN_FORM_MIXED:
		take_mixed(w, token);
		return;
	}
	ASSERT_UNREACHABLE();
}

/* "IPv6:" is before it, as in a literal of SMTP. */
static bool
is_behind_tag(const struct walk *w)
{
	return w->at >= 5 && w->text.data[w->at - 2] == '6' &&
	       slice_eq_nocase(slice_sub(w->text, w->at - 5, 5), SLICE("ipv6:")) &&
	       (w->at == 5 || !(walk_class(w, w->at - 6) & TOKEN_BYTE));
}

static bool
take_ipv6(struct walk *w, size_t until)
{
	uint16_t before = w->at ? walk_class(w, w->at - 1) : TOKEN_BLANK;
	size_t len;

	/* Behind another colon it would be the inside of something else, beside an at sign a
	 * part of a name. */
	if (w->mails || (before & TOKEN_BYTE) || (before == TOKEN_COLON && !is_behind_tag(w)))
		return false;
	len = token_ipv6(slice_from(w->text, w->at));
	if (len > until - w->at)
		return false;
	if (len)
		walk_field(w, NORMAL_IP, w->at + len, 0);
	return len > 0;
}

/* "503-5.5.1", "503-All": a line of a reply inside another one. */
static bool
is_inner_line(const struct walk *w)
{
	if (walk_byte(w, w->at + 3) != '-' || !walk_looks_like(w, w->at, "ddd-"))
		return false;
	return (walk_class(w, w->at + 4) & TOKEN_LETTER) || walk_has_status(w, w->at + 4);
}

/* Where the token ends, edges and all. *ret_seen: the classes of its bytes but the edges behind. */
static size_t
piece_end(const struct walk *w, size_t until, uint16_t *ret_seen)
{
	uint16_t seen = 0, edge = 0;
	size_t end;

	if (is_inner_line(w)) {
		*ret_seen = TOKEN_DIGIT;
		return w->at + WALK_CODE_DIGITS;
	}
	for (end = w->at; end < until; end++) {
		uint16_t class = walk_class(w, end);

		if (!(class & TOKEN_BYTE) && !walk_is_inner_comma(w, end))
			break;
		/* "denied...7d39": dots in a row part two tokens. */
		if (class == TOKEN_DOT && walk_byte(w, end + 1) == '.')
			break;
		if (class & TOKEN_EDGE)
			edge |= class;
		else
			seen |= class | edge;
	}
	*ret_seen = seen;
	return end;
}

/* What has colons or hyphens between its digits. */
static bool
take_joined(struct walk *w, size_t end, size_t until)
{
	uint16_t first = walk_class(w, w->at);

	if (walk_byte(w, end) == ':' && (first & (TOKEN_DIGIT | TOKEN_HEX)) &&
	    (walk_clock(w, until) || take_ipv6(w, until)))
		return true;
	return first == TOKEN_DIGIT && walk_byte(w, w->at + 4) == '-' && walk_day(w, until);
}

/* One token with the signs behind it; its first byte is no edge. */
static void
take_piece(struct walk *w, size_t until)
{
	uint16_t seen;
	size_t end = piece_end(w, until, &seen), trimmed = end;

	if (take_joined(w, end, until))
		return;
	while (walk_class(w, trimmed - 1) & TOKEN_EDGE)
		trimmed--;
	if (seen == TOKEN_DIGIT) {
		walk_number(w, trimmed);
	} else if (seen & (TOKEN_DIGIT | TOKEN_DOT)) {
		take_token(w, trimmed);
	} else if (seen & (TOKEN_HIGH | TOKEN_DASH)) {
		shape_text(&w->shape, w->text.data + w->at, trimmed - w->at);
		w->at = trimmed;
	} else {
		take_word(w, trimmed);
	}
	while (w->at < end)
		walk_sign(w);
}

static void
take_tokens(struct walk *w, size_t until)
{
	while (w->at < until) {
		uint16_t class = walk_class(w, w->at);

		if (class == TOKEN_COLON && walk_byte(w, w->at + 1) == ':' && take_ipv6(w, until))
			continue;
		if (class & (TOKEN_LETTER | TOKEN_DIGIT | TOKEN_HIGH))
			take_piece(w, until);
		else
			walk_sign(w);
	}
}

/* "rcpt=" and the like at from: its length, or 0. */
static size_t
key_len(const struct walk *w, size_t from, size_t end)
{
	size_t letters = 0;

	while (from + letters < end && letters <= KEY_LETTERS_MAX &&
	       (walk_class(w, from + letters) & TOKEN_LETTER))
		letters++;
	return letters && letters <= KEY_LETTERS_MAX && from + letters < end &&
			       w->text.data[from + letters] == '='
		       ? letters + 1
		       : 0;
}

/* Where the local part before the sign begins: what is before a colon is a word about it, and edges
 * belong to what is before them. Letters beyond ASCII belong to it behind "<" only: there are
 * languages that put no blank before an address. */
static size_t
local_begin(const struct walk *w, size_t sign)
{
	struct slice before = slice_sub(w->text, w->at, sign - w->at);
	size_t colon = slice_rindex(before, ':');
	size_t begin = w->at + (colon < before.len ? colon + 1 : 0);

	begin += key_len(w, begin, sign);
	if (!begin || walk_byte(w, begin - 1) != '<')
		for (size_t at = sign; at > begin; at--)
			if (walk_class(w, at - 1) & TOKEN_HIGH) {
				begin = at < sign ? at : begin;
				break;
			}
	while (walk_class(w, begin) & TOKEN_EDGE)
		begin++;
	return begin;
}

static size_t
domain_end(const struct walk *w, size_t from, size_t limit)
{
	size_t end = from, plain = from;

	while (end < limit && (walk_class(w, end) & TOKEN_BYTE))
		end++;
	while (plain < end && !(walk_class(w, plain) & TOKEN_HIGH))
		plain++;
	if (plain > from && walk_byte(w, end) != '>')
		end = plain;
	while (end > from && (walk_class(w, end - 1) & TOKEN_EDGE))
		end--;
	return end;
}

/* Tokens and mail addresses up to limit. */
static void
take_mails(struct walk *w, size_t limit)
{
	while (w->at < limit) {
		struct slice rest = slice_sub(w->text, w->at, limit - w->at);
		size_t sign = w->at + slice_index(rest, '@');
		size_t begin = sign < limit ? local_begin(w, sign) : limit;
		size_t end = sign < limit ? domain_end(w, sign + 1, limit) : limit;

		if (sign == limit) {
			take_tokens(w, limit);
		} else if (begin < sign && end > sign + 1) {
			take_tokens(w, begin);
			if (w->at == begin) /* and no link reached beyond */
				walk_field(w, NORMAL_MAIL, end, 0);
		} else {
			take_tokens(w, sign);
			if (w->at == sign)
				walk_sign(w);
		}
	}
}

static void
take_chunk(struct walk *w)
{
	size_t end = w->at, host = 0, link, key;
	uint16_t seen = 0;

	for (;; end++) {
		uint16_t class = walk_class(w, end);

		if ((class & (TOKEN_BLANK | TOKEN_BRACKET)) && !walk_is_inner_comma(w, end))
			break;
		seen |= class;
	}
	if (!(seen & (uint16_t) ~(TOKEN_LETTER | TOKEN_HEX))) {
		take_word(w, end);
		return;
	}
	if (seen == TOKEN_DIGIT) {
		walk_number(w, end);
		return;
	}
	link = walk_link_find(w, end, seen, &host);
	key = seen & TOKEN_EQUALS ? key_len(w, w->at, link) : 0;
	if (link == end && (seen & TOKEN_DIGIT) && (seen & TOKEN_LETTER) == TOKEN_LETTER &&
	    token_is_base64(slice_sub(w->text, w->at + key, link - w->at - key))) {
		take_tokens(w, w->at + key);
		walk_field(w, NORMAL_ID, link, 0);
	}
	w->mails = (seen & TOKEN_AT) != 0;
	if (w->mails)
		take_mails(w, link);
	else
		take_tokens(w, link);
	if (w->at == link && link < end && !walk_link(w, host))
		take_tokens(w, host);
}

/* The code at the start of a line and the status behind it stand in front of the shape already. */
static void
line_begin(struct walk *w)
{
	size_t at = w->at;
	uint8_t behind = walk_byte(w, at + WALK_CODE_DIGITS);
	struct slice status;

	w->line_start = false;
	if (!walk_looks_like(w, at, "ddd") ||
	    (behind != '-' && !(walk_class(w, at + 3) & TOKEN_BLANK)))
		return;
	at += WALK_CODE_DIGITS;
	if (behind == '-')
		at++;
	while (at < w->text.len && (walk_class(w, at) & TOKEN_BLANK) && walk_byte(w, at) != '\n')
		at++;
	status = slice_sub(w->text, at, walk_run(w, at, WALK_STATUS_LEN_MAX));
	if (token_is_status(status))
		at += status.len;
	w->at = at < w->text.len ? at : w->text.len;
	w->code_end = w->at;
	shape_blank(&w->shape);
}

static void
step(struct walk *w)
{
	uint16_t class;

	if (w->line_start)
		line_begin(w);
	if (w->at == w->text.len)
		return;
	class = walk_class(w, w->at);
	if (class & TOKEN_BLANK) {
		shape_blank(&w->shape);
		w->line_start = w->text.data[w->at] == '\n';
		w->at++;
		return;
	}
	if (class & TOKEN_BRACKET)
		walk_sign(w);
	else
		take_chunk(w);
}

static void
put_front(struct shape *shape, uint16_t code, struct verdict_status status)
{
	uint8_t room[32];
	struct builder b;

	builder_init_fixed(&b, room, sizeof(room));
	if (code)
		builder_dec(&b, code);
	if (code && status.class)
		builder_byte(&b, ' ');
	verdict_status_format(&b, status);
	ASSERT(!b.failed);
	shape_text(shape, b.data, b.len);
	shape_blank(shape);
}

void
normalise(struct slice text, uint16_t code, struct verdict_status status, struct normal *ret_normal)
{
	struct walk w = {.out = ret_normal, .line_start = true, .code_end = SIZE_MAX};
	uint8_t padded[NORMAL_TEXT_MAX + WALK_PAD_BYTES];

	text = slice_sub(text, 0, NORMAL_TEXT_MAX);
	if (text.len)
		memcpy(padded, text.data, text.len);
	memset(padded + text.len, 0, WALK_PAD_BYTES);
	w.text = slice_of(padded, text.len);
	ret_normal->text = text;
	ret_normal->field_count = 0;
	ret_normal->fields_cut = ret_normal->again = false;
	w.shape.bytes = ret_normal->shape;
	put_front(&w.shape, code, status);
	while (w.at < w.text.len)
		step(&w);
	ASSERT(w.shape.len <= NORMAL_SHAPE_MAX);
	ret_normal->shape_len = w.shape.len;
	ret_normal->hash = shape_hash(&w.shape);
}

struct slice
normal_field_text(const struct normal *normal, const struct normal_field *field)
{
	return slice_sub(normal->text, field->index, field->len);
}

const struct normal_field *
normal_find(const struct normal *normal, enum normal_kind kind)
{
	const struct normal_field *found = NULL;

	for (size_t i = 0; i < normal->field_count; i++) {
		const struct normal_field *f = &normal->fields[i];

		if (f->kind == kind && (!found || (found->inside && !f->inside)))
			found = f;
	}
	return found;
}

struct slice
normal_shape(const struct normal *normal)
{
	return slice_of(normal->shape, normal->shape_len);
}

const char *
normal_kind_str(unsigned kind)
{
	static const char *const names[NORMAL_KIND_MAX] = {
		[NORMAL_IP] = "ip",	      [NORMAL_HOST] = "host",
		[NORMAL_MAIL] = "address",    [NORMAL_URL] = "url",
		[NORMAL_LIST] = "blocklist",  [NORMAL_LIST_CODE] = "blocklist_code",
		[NORMAL_TAG] = "tag",	      [NORMAL_ID] = "id",
		[NORMAL_WAIT] = "wait_s",     [NORMAL_SPAN] = "span_s",
		[NORMAL_SIZE] = "size_bytes", [NORMAL_LIMIT] = "limit",
		[NORMAL_NUMBER] = "count",    [NORMAL_TIME] = "time",
	};

	return kind < NORMAL_KIND_MAX ? names[kind] : "?";
}
