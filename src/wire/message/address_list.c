/*
 * address-list = (address *("," address)), RFC 5322 3.4, 4.4:
 *   address = mailbox / group;  mailbox = addr-spec / [phrase] "<" [route ":"] addr-spec ">"
 *   group = phrase ":" [mailbox-list] ";";  addr-spec = word *("." word) "@" domain
 * First tokens (comments and folding white space fall away), then a parser over at most one token
 * of look-ahead. Nesting of comments is counted, not recursed. A word's text may need unquoting, so
 * words are copied into the arena.
 */
#include "wire/message/address_list.h"

#include "base/assert.h"
#include "wire/message/header.h"
#include "wire/text/utf8.h"

enum token_kind {
	TOKEN_END,
	TOKEN_ATOM,
	TOKEN_QUOTED,
	TOKEN_LITERAL,
	TOKEN_SIGN, /* one of < > @ , : ; . */
	TOKEN_BAD,
};

struct token {
	enum token_kind kind;
	uint8_t sign;
	struct slice raw; /* of the value */
};

struct parser {
	struct slice rest;
	struct token token; /* the one to be looked at */
	struct arena *arena;
	struct address_list list;
	size_t room;		      /* of list.items */
	struct builder local, domain; /* of the address at work */
	struct slice display;
};

static bool
is_atext(uint8_t c)
{
	const struct slice signs = SLICE("!#$%&'*+-/=?^_`{|}~");

	return ascii_is_alpha(c) || ascii_is_digit(c) || c >= 0x80 ||
	       (c && slice_index(signs, c) < signs.len);
}

/* Length of folding white space at the start of s: blanks, and CRLF before a blank. */
static size_t
fws_len(struct slice s)
{
	size_t len = 0;

	while (len < s.len) {
		if (s.data[len] == ' ' || s.data[len] == '\t')
			len++;
		else if (s.len - len > 2 && s.data[len] == '\r' && s.data[len + 1] == '\n' &&
			 (s.data[len + 2] == ' ' || s.data[len + 2] == '\t'))
			len += 3;
		else
			break;
	}
	return len;
}

/* Printable, blank or beyond ASCII: fit for quoted strings, comments and escapes. */
static bool
is_text(uint8_t c)
{
	return c == ' ' || c == '\t' || (c > 32 && c != 127);
}

/*
 * Length of a run from its opening sign to its closing one, with escapes and folding; 0 when it is
 * not closed or holds a control character. Parentheses nest.
 */
static size_t
run_len(struct slice s, uint8_t open, uint8_t close)
{
	size_t depth = 0, at = 0;

	while (at < s.len) {
		uint8_t c = s.data[at];
		size_t fold = fws_len(slice_from(s, at));

		if (fold) {
			at += fold;
			continue;
		}
		if (!is_text(c))
			return 0;
		if (c == '\\') {
			if (at + 1 >= s.len || !is_text(s.data[at + 1]))
				return 0;
			at += 2;
			continue;
		}
		at++;
		if (c == close && (open == close ? depth == 1 : --depth == 0))
			return at;
		if (c == open)
			depth++;
		if (depth == 0 || (open == '[' && depth > 1))
			return 0;
	}
	return 0;
}

/* Takes comments and white space off rest; false at a comment that is not closed. */
static bool
skip_cfws(struct slice *rest)
{
	for (;;) {
		size_t len;

		*rest = slice_from(*rest, fws_len(*rest));
		if (!rest->len || rest->data[0] != '(')
			return true;
		len = run_len(*rest, '(', ')');
		if (!len)
			return false;
		*rest = slice_from(*rest, len);
	}
}

static size_t
atom_len(struct slice s)
{
	size_t len = 0;

	while (len < s.len && is_atext(s.data[len]))
		len++;
	return len;
}

/* Kind and length of the token at the start of s, which is not empty. */
static enum token_kind
token_measure(struct slice s, size_t *ret_len)
{
	const struct slice signs = SLICE("<>@,:;.");
	enum token_kind kind = TOKEN_ATOM;
	size_t len;

	if (slice_index(signs, s.data[0]) < signs.len) {
		kind = TOKEN_SIGN;
		len = 1;
	} else if (s.data[0] == '"') {
		kind = TOKEN_QUOTED;
		len = run_len(s, '"', '"');
	} else if (s.data[0] == '[') {
		kind = TOKEN_LITERAL;
		len = run_len(s, '[', ']');
	} else {
		len = atom_len(s);
	}
	*ret_len = len;
	return len && utf8_is_valid(slice_sub(s, 0, len)) ? kind : TOKEN_BAD;
}

/* Takes the next token off rest. A bad one stays bad: nothing is taken. */
static void
token_next(struct parser *p)
{
	struct token token = {.kind = TOKEN_BAD};
	size_t len = 0;

	if (skip_cfws(&p->rest)) {
		if (!p->rest.len || slice_eq(p->rest, SLICE("\r\n")))
			token.kind = TOKEN_END;
		else
			token.kind = token_measure(p->rest, &len);
	}
	if (token.kind == TOKEN_SIGN)
		token.sign = p->rest.data[0];
	token.raw = slice_sub(p->rest, 0, len);
	p->rest = slice_from(p->rest, len);
	p->token = token;
}

static bool
at_sign(const struct parser *p, uint8_t sign)
{
	return p->token.kind == TOKEN_SIGN && p->token.sign == sign;
}

/* The inside of a quoted string or literal: escapes resolved, folds taken out. */
static void
unquote(struct builder *b, struct slice raw)
{
	ASSERT(raw.len >= 2);
	for (size_t i = 1; i + 1 < raw.len; i++) {
		if (raw.data[i] == '\r' && raw.data[i + 1] == '\n') {
			i++;
			continue;
		}
		if (raw.data[i] == '\\')
			i++;
		builder_byte(b, raw.data[i]);
	}
}

/* atom *("." atom) or a literal, into p->domain. */
static int
parse_domain(struct parser *p)
{
	builder_clear(&p->domain);
	if (p->token.kind == TOKEN_LITERAL) {
		builder_byte(&p->domain, '[');
		unquote(&p->domain, p->token.raw);
		builder_byte(&p->domain, ']');
		token_next(p);
		return 0;
	}
	for (;;) {
		if (p->token.kind != TOKEN_ATOM)
			return ERR_SYNTAX;
		builder_add(&p->domain, p->token.raw);
		token_next(p);
		if (!at_sign(p, '.'))
			return 0;
		builder_byte(&p->domain, '.');
		token_next(p);
	}
}

static int
list_grow(struct parser *p)
{
	size_t room = p->room ? p->room * 4 : 4;
	struct message_address *items;

	if (p->list.count >= ADDRESS_LIST_MAX)
		return ERR_LIMIT;
	if (p->list.count < p->room)
		return 0;
	items = arena_alloc(p->arena, room * sizeof(*items));
	if (!items)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < p->list.count; i++)
		items[i] = p->list.items[i];
	p->list.items = items;
	p->room = room;
	return 0;
}

static int
list_add(struct parser *p)
{
	struct message_address address = {.display = slice_trim(p->display)};
	int err = list_grow(p);

	if (err)
		return err;
	if (p->local.failed || p->domain.failed)
		return ERR_SYNTAX;
	address.local = arena_keep(p->arena, builder_slice(&p->local));
	address.domain = arena_keep(p->arena, builder_slice(&p->domain));
	if (p->arena->failed)
		return ERR_NO_MEMORY;
	p->list.items[p->list.count++] = address;
	return 0;
}

/* What stood before "<", "@", ":" or the end: words and dots. */
struct words {
	size_t count;
	bool local; /* word *("." word): fit for a local part */
	bool dot_last;
	struct slice raw;
};

/* Reads words and dots; their text goes to p->local as if they were a local part. */
static void
parse_words(struct parser *p, struct words *ret)
{
	struct words words = {.local = true, .dot_last = true};

	builder_clear(&p->local);
	while (p->token.kind == TOKEN_ATOM || p->token.kind == TOKEN_QUOTED || at_sign(p, '.')) {
		bool dot = at_sign(p, '.');

		words.local = words.local && dot != words.dot_last;
		words.dot_last = dot;
		if (!words.raw.data)
			words.raw = slice_of(p->token.raw.data, 0);
		words.raw.len = (size_t)(p->token.raw.data + p->token.raw.len - words.raw.data);
		if (p->token.kind == TOKEN_QUOTED)
			unquote(&p->local, p->token.raw);
		else
			builder_add(&p->local, p->token.raw);
		words.count++;
		token_next(p);
	}
	words.local = words.local && !words.dot_last;
	*ret = words;
}

static int
parse_addr_spec(struct parser *p)
{
	struct words words;
	int err;

	parse_words(p, &words);
	if (!words.local || !at_sign(p, '@'))
		return ERR_SYNTAX;
	token_next(p);
	err = parse_domain(p);
	return err ? err : list_add(p);
}

/* "<" [ "@" domain *("," "@" domain) ":" ] addr-spec ">" with "<" taken already. */
static int
parse_angle(struct parser *p)
{
	int err;

	if (at_sign(p, '@') || at_sign(p, ',')) {
		while (!at_sign(p, ':')) {
			if (at_sign(p, ',')) {
				token_next(p);
				continue;
			}
			if (!at_sign(p, '@'))
				return ERR_SYNTAX;
			token_next(p);
			err = parse_domain(p);
			if (err)
				return err;
		}
		token_next(p);
	}
	err = parse_addr_spec(p);
	if (err)
		return err;
	if (!at_sign(p, '>'))
		return ERR_SYNTAX;
	token_next(p);
	return 0;
}

/* One address, or the head of a group: then *in_group is set. */
static int
parse_entry(struct parser *p, bool *in_group)
{
	struct words words;
	int err;

	p->display = SLICE_EMPTY;
	parse_words(p, &words);
	if (at_sign(p, '<')) {
		p->display = words.raw;
		token_next(p);
		return parse_angle(p);
	}
	if (at_sign(p, '@') && words.local) {
		token_next(p);
		err = parse_domain(p);
		return err ? err : list_add(p);
	}
	if (at_sign(p, ':') && words.count && !*in_group) {
		*in_group = true;
		p->list.groups++;
		token_next(p);
		return 0;
	}
	return ERR_SYNTAX;
}

/* Entries between commas; empty ones are obsolete, not wrong (RFC 5322 4.4). */
static int
parse_list(struct parser *p)
{
	bool in_group = false, between = true;
	int err;

	for (;;) {
		if (at_sign(p, ',')) {
			between = true;
		} else if (in_group && at_sign(p, ';')) {
			in_group = false;
			between = false;
		} else if (p->token.kind == TOKEN_END) {
			return in_group ? ERR_SYNTAX : 0;
		} else {
			bool was = in_group;

			if (!between)
				return ERR_SYNTAX;
			err = parse_entry(p, &in_group);
			if (err)
				return err;
			between = in_group && !was;
			continue;
		}
		token_next(p);
	}
}

int
address_list_parse(struct slice value, struct arena *arena, struct address_list *ret)
{
	struct parser p = {.rest = value, .arena = arena};
	int err;

	/* Neither can be longer than the value and a pair of brackets. */
	builder_init_arena(&p.local, arena, value.len + 2);
	builder_init_arena(&p.domain, arena, value.len + 2);
	token_next(&p);
	err = parse_list(&p);
	if (!err && !p.list.count && !p.list.groups)
		err = ERR_SYNTAX;
	if (arena->failed)
		err = ERR_NO_MEMORY;
	if (!err)
		*ret = p.list;
	return err;
}

static bool
is_dot_atom(struct slice s)
{
	bool dot = true;

	for (size_t i = 0; i < s.len; i++) {
		if (s.data[i] == '.' ? dot : !is_atext(s.data[i]))
			return false;
		dot = s.data[i] == '.';
	}
	return !dot;
}

void
message_address_build(struct builder *b, const struct message_address *address)
{
	bool plain = is_dot_atom(address->local);

	if (!plain)
		builder_byte(b, '"');
	for (size_t i = 0; i < address->local.len; i++) {
		if (address->local.data[i] == '"' || address->local.data[i] == '\\')
			builder_byte(b, '\\');
		builder_byte(b, address->local.data[i]);
	}
	if (!plain)
		builder_byte(b, '"');
	builder_byte(b, '@');
	builder_add(b, address->domain);
}

int
message_author_read(struct slice block, struct arena *arena, struct message_author *ret)
{
	struct message_author author = {
		.from_fields = header_count(block, SLICE("From")),
		.sender_fields = header_count(block, SLICE("Sender")),
	};
	struct header_field field;
	int err = 0;

	if (header_find(block, SLICE("From"), 0, &field))
		err = address_list_parse(field.value, arena, &author.from);
	if (!err && header_find(block, SLICE("Sender"), 0, &field))
		err = address_list_parse(field.value, arena, &author.sender);
	if (!err)
		*ret = author;
	return err;
}
