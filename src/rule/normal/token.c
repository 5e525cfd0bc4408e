/*
 * token: forms are tried from the narrowest to the widest. A host is told from a word with a dot in
 * it ("STOREDRV.Deliver") by its last label: two letters, one that vocabulary.def knows, or any in
 * one case after two other labels. An id is what has many digits for its length:
 * "08DC8850F12E1502".
 */
#include "rule/normal/token.h"

#include "rule/normal/vocabulary.h"

#define TAG_LETTERS_MAX 6
#define TAG_DIGITS_MAX 4
#define TAG_DIGITS_LONG_MAX 9 /* behind AS */
#define ID_LEN_MIN 6
#define ID_DIGITS_MIN 3
#define ID_HEX_LEN_MIN 8
#define ID_LONG_LEN_MIN 12
#define HOST_LABEL_MAX 63
#define KEPT_LEN_MIN 4 /* "8bit" */
#define LIST_LEN_MIN 6 /* "rbl.de" */
#define TLD_LEN_MAX 18
#define BASE64_LEN_MIN 20
#define NUMBER_DIGITS_MAX 15

#define HEX TOKEN_HEX
#define END TOKEN_LINK_END
const uint16_t token_classes[256] = {
	[0 ... ' '] = TOKEN_BLANK | END,
	[0x7f] = TOKEN_BLANK | END,
	['0' ... '9'] = TOKEN_DIGIT,
	['a' ... 'f'] = TOKEN_LOWER | HEX,
	['g' ... 'z'] = TOKEN_LOWER,
	['A' ... 'F'] = TOKEN_UPPER | HEX,
	['G' ... 'Z'] = TOKEN_UPPER,
	['.'] = TOKEN_DOT,
	['-'] = TOKEN_DASH,
	['_'] = TOKEN_DASH,
	['<'] = TOKEN_BRACKET | END,
	['>'] = TOKEN_BRACKET | END,
	['('] = TOKEN_BRACKET,
	[')'] = TOKEN_BRACKET | END,
	['['] = TOKEN_BRACKET,
	[']'] = TOKEN_BRACKET | END,
	['{'] = TOKEN_BRACKET,
	['}'] = TOKEN_BRACKET | END,
	['"'] = TOKEN_BRACKET | END,
	['\''] = TOKEN_BRACKET,
	[','] = TOKEN_BRACKET,
	[';'] = TOKEN_BRACKET,
	['|'] = TOKEN_BRACKET | END,
	['`'] = TOKEN_BRACKET | END,
	[':'] = TOKEN_COLON,
	['@'] = TOKEN_AT,
	['='] = TOKEN_EQUALS,
	['!'] = TOKEN_SIGN,
	['#'] = TOKEN_SIGN,
	['$'] = TOKEN_SIGN,
	['%'] = TOKEN_SIGN,
	['&'] = TOKEN_SIGN,
	['*'] = TOKEN_SIGN,
	['+'] = TOKEN_SIGN,
	['/'] = TOKEN_SIGN,
	['?'] = TOKEN_SIGN,
	['\\'] = TOKEN_SIGN,
	['^'] = TOKEN_SIGN,
	['~'] = TOKEN_SIGN,
	[0x80 ... 0xff] = TOKEN_HIGH,
};
#undef HEX
#undef END

struct token_counts {
	uint16_t digits, letters, dots, commas, hexes, seen;
};

static struct token_counts
count_bytes(struct slice s)
{
	struct token_counts n = {0};

	for (size_t i = 0; i < s.len; i++) {
		uint16_t class = token_classes[s.data[i]];

		n.seen |= class;
		n.digits += (class & TOKEN_DIGIT) != 0;
		n.letters += (class & TOKEN_LETTER) != 0;
		n.hexes += (class & (TOKEN_DIGIT | TOKEN_HEX)) != 0;
		n.dots += class == TOKEN_DOT;
		n.commas += s.data[i] == ',';
	}
	return n;
}

size_t
token_digits(struct slice text)
{
	size_t count = 0;

	while (count < text.len && token_classes[text.data[count]] == TOKEN_DIGIT)
		count++;
	return count;
}

bool
token_is_status(struct slice s)
{
	return s.len && (s.data[0] == '2' || s.data[0] == '4' || s.data[0] == '5') &&
	       token_has_status_form(s);
}

bool
token_has_status_form(struct slice s)
{
	struct slice subject, rest;

	if (s.len < 5 || s.data[1] != '.' || token_classes[s.data[0]] != TOKEN_DIGIT)
		return false;
	rest = slice_from(s, 2);
	subject = slice_cut(&rest, '.');
	return subject.len >= 1 && subject.len <= 3 && token_digits(subject) == subject.len &&
	       rest.len >= 1 && rest.len <= 3 && token_digits(rest) == rest.len;
}

/* Groups of at most four hex digits: eight, or fewer and one gap (RFC 4291 2.2). */
static bool
is_ipv6(struct slice s)
{
	size_t groups = 0, gaps = 0, len = 0;

	for (size_t i = 0; i < s.len; i++) {
		if (s.data[i] == '.') {
			struct net_addr addr;

			return net_addr_parse(s, &addr) == 0; /* with IPv4 at the end: rare */
		}
		if (s.data[i] != ':') {
			groups += len == 0;
			if (++len > 4)
				return false;
			continue;
		}
		if (i + 1 < s.len && s.data[i + 1] == ':')
			gaps++;
		else if (i == 0 || (len == 0 && s.data[i - 1] != ':'))
			return false;
		len = 0;
	}
	return gaps ? gaps == 1 && groups < 8 : groups == 8;
}

/* Bytes that an address may have; at most one more than fits. */
static size_t
ipv6_run(struct slice text)
{
	const uint16_t bytes = TOKEN_DIGIT | TOKEN_HEX | TOKEN_COLON | TOKEN_DOT;
	size_t len = 0;

	while (len < text.len && len <= TOKEN_IPV6_MAX && (token_classes[text.data[len]] & bytes)) {
		if (text.data[len] == '.' && len && text.data[len - 1] == '.')
			break;
		len++;
	}
	return len;
}

size_t
token_ipv6(struct slice text)
{
	size_t run = ipv6_run(text), len = run, colons = 0, digits = 0;
	uint16_t behind = run < text.len ? token_classes[text.data[run]] : TOKEN_BLANK;

	if (run > TOKEN_IPV6_MAX)
		return 0;
	/* What ends a sentence is no part of it, and ends the chunk, too. */
	while (len && (text.data[len - 1] == '.' ||
		       (text.data[len - 1] == ':' && (len < 2 || text.data[len - 2] != ':'))))
		len--;
	if ((behind & TOKEN_BYTE) || (len < run && !(behind & (TOKEN_BLANK | TOKEN_BRACKET))))
		return 0;
	for (size_t i = 0; i < len; i++) {
		colons += text.data[i] == ':';
		digits += token_classes[text.data[i]] == TOKEN_DIGIT;
	}
	if (colons < 2 || digits == 0)
		return 0;
	return is_ipv6(slice_sub(text, 0, len)) ? len : 0;
}

bool
token_is_base64(struct slice run)
{
	size_t digits = 0, uppers = 0, lowers = 0;

	if (run.len < BASE64_LEN_MIN)
		return false;
	for (size_t i = 0; i < run.len; i++) {
		uint8_t c = run.data[i];
		uint16_t class = token_classes[c];

		digits += class == TOKEN_DIGIT;
		uppers += (class & TOKEN_UPPER) != 0;
		lowers += (class & TOKEN_LOWER) != 0;
		if (!(class & (TOKEN_DIGIT | TOKEN_LETTER | TOKEN_DASH | TOKEN_EQUALS)) &&
		    c != '+' && c != '/')
			return false;
	}
	return digits >= 3 && uppers >= 3 && lowers >= 3;
}

/* Takes a hyphen or underscore off *s, and then up to max digits; how many digits. */
static size_t
tag_digits(struct slice *s, size_t max)
{
	size_t digits;

	if (s->len && (token_classes[s->data[0]] & TOKEN_DASH))
		*s = slice_from(*s, 1);
	digits = token_digits(*s);
	if (digits > max)
		return 0;
	*s = slice_from(*s, digits);
	return digits;
}

/* [A-Z]{1,6} [-_]? digits ( [-_] digits )?, as receivers name their own reasons. */
static bool
is_tag(struct slice s)
{
	size_t letters = 0;
	bool as;

	while (letters < s.len && (token_classes[s.data[letters]] & TOKEN_UPPER))
		letters++;
	if (letters == 0 || letters > TAG_LETTERS_MAX)
		return false;
	as = letters == 2 && s.data[0] == 'A' && s.data[1] == 'S';
	s = slice_from(s, letters);
	if (!tag_digits(&s, as ? TAG_DIGITS_LONG_MAX : TAG_DIGITS_MAX))
		return false;
	return s.len == 0 || (tag_digits(&s, TAG_DIGITS_MAX) && s.len == 0);
}

/* Of letters, digits, hyphens: how many, or 0 when one is empty or has a hyphen at an end. */
static size_t
host_labels(struct slice s)
{
	size_t labels = 1, len = 0;

	for (size_t i = 0; i < s.len; i++) {
		bool dot = s.data[i] == '.';

		if (s.data[i] == '-' && (len == 0 || i + 1 == s.len || s.data[i + 1] == '.'))
			return 0;
		if (dot && len == 0)
			return 0;
		labels += dot;
		len = dot ? 0 : len + 1;
		if (len > HOST_LABEL_MAX)
			return 0;
	}
	return len ? labels : 0;
}

/* What may end a name: a top-level domain, as far as its form goes. seen: what it consists of. */
static bool
is_tld(struct slice label, uint16_t seen)
{
	if ((seen & (uint16_t) ~(TOKEN_LETTER | TOKEN_HEX)) || label.len < 2 ||
	    label.len > TLD_LEN_MAX)
		return false;
	/* "minutes.Then": two sentences without a blank between them. */
	return (seen & TOKEN_LETTER) != TOKEN_LETTER;
}

static bool
is_host(struct slice s, const struct token_counts *n)
{
	const struct vocabulary_word *word;
	size_t begin = s.len, labels;
	uint16_t seen = 0; /* in the last label */

	if (n->dots == 0 || n->letters == 0 || n->commas || s.len > VERDICT_HOST_MAX)
		return false;
	while (begin && s.data[begin - 1] != '.')
		seen |= token_classes[s.data[--begin]];
	if ((seen & TOKEN_DASH) && slice_starts_nocase(slice_from(s, begin), SLICE("xn--")))
		return host_labels(s) > 1;
	if (!is_tld(slice_from(s, begin), seen))
		return false;
	labels = host_labels(s);
	if (labels != 2 || s.len - begin == 2)
		return labels >= 2;
	word = vocabulary_find(slice_from(s, begin));
	return word && (word->roles & VOCABULARY_TLD);
}

/* Four numbers up to 255 without zeros in front; s has digits and dots alone. */
static bool
is_ipv4(struct slice s)
{
	unsigned value = 0, digits = 0, parts = 1;

	for (size_t i = 0; i < s.len; i++) {
		if (s.data[i] == '.') {
			if (digits == 0)
				return false;
			parts++;
			value = digits = 0;
			continue;
		}
		if (digits && value == 0)
			return false;
		value = value * 10 + (s.data[i] - '0');
		if (++digits > 3 || value > 255)
			return false;
	}
	return parts == 4 && digits;
}

/* What a zone of a block list answers; 127.0.0.1 is a host that speaks of itself. */
static bool
is_list_code(struct slice s)
{
	return s.data[0] == '1' && slice_starts(s, SLICE("127.")) &&
	       !slice_eq(s, SLICE("127.0.0.1"));
}

static bool
is_id(struct slice s, const struct token_counts *n)
{
	if (s.len >= ID_LEN_MIN && n->digits >= ID_DIGITS_MIN)
		return true;
	if (s.len >= ID_HEX_LEN_MIN && n->hexes == s.len)
		return n->digits > 0;
	return s.len >= ID_LONG_LEN_MIN && n->digits > 0;
}

/* The zone of a block list, or below the domain of one. */
static bool
is_list(struct slice host)
{
	static const struct slice domains[] = {
#define LIST(domain) {(const uint8_t *)domain, sizeof(domain) - 1},
#include "rule/normal/block_lists.def"
#undef LIST
	};
	static const struct slice labels[] = {
		{(const uint8_t *)"dnsbl", 5},	   {(const uint8_t *)"rbl", 3},
		{(const uint8_t *)"dnsrbl", 6},	   {(const uint8_t *)"blacklist", 9},
		{(const uint8_t *)"blocklist", 9},
	};
	size_t dot = slice_rindex(host, '.');
	size_t before = slice_rindex(slice_sub(host, 0, dot), '.');
	struct slice last_two = before < dot ? slice_from(host, before + 1) : host, rest = host;

	if (host.len < LIST_LEN_MIN)
		return false;
	for (size_t i = 0; i < sizeof(domains) / sizeof(domains[0]); i++) {
		if (domains[i].len == last_two.len && slice_eq_nocase(last_two, domains[i]))
			return true;
	}
	while (rest.len > 4) { /* the last label decides nothing */
		struct slice label = slice_cut(&rest, '.');

		for (size_t i = 0; i < sizeof(labels) / sizeof(labels[0]) && rest.len; i++) {
			if (labels[i].len == label.len && slice_eq_nocase(label, labels[i]))
				return true;
		}
	}
	return false;
}

static bool
is_amount(struct slice s)
{
	size_t digits = 0;
	const struct vocabulary_word *unit;

	while (digits < s.len &&
	       (ascii_is_digit(s.data[digits]) || s.data[digits] == '.' || s.data[digits] == ','))
		digits++;
	if (digits == 0 || !ascii_is_digit(s.data[0]))
		return false;
	unit = vocabulary_find(slice_from(s, digits));
	return unit && (unit->roles & (VOCABULARY_SPAN | VOCABULARY_SIZE));
}

/* "TLSv1.2" */
static bool
is_kept(struct slice s)
{
	const struct vocabulary_word *word = s.len >= KEPT_LEN_MIN ? vocabulary_find(s) : NULL;

	return word && (word->roles & VOCABULARY_KEPT);
}

/* Digits, dots and commas only. */
static enum token_form
form_of_digits(struct slice s, const struct token_counts *n, enum normal_kind *ret_kind)
{
	if (n->dots <= 1)
		return TOKEN_FORM_NUMBER;
	if (token_is_status(s))
		return TOKEN_FORM_WORD;
	if (n->commas || !is_ipv4(s))
		return TOKEN_FORM_MIXED;
	*ret_kind = is_list_code(s) ? NORMAL_LIST_CODE : NORMAL_IP;
	return TOKEN_FORM_FIELD;
}

static enum token_form
form_with_digits(struct slice s, const struct token_counts *n, enum normal_kind *ret_kind)
{
	uint16_t first = token_classes[s.data[0]];

	if (n->digits + n->dots + n->commas == (int)s.len)
		return form_of_digits(s, n, ret_kind);
	if (first == TOKEN_DIGIT && is_amount(s))
		return TOKEN_FORM_AMOUNT;
	if (is_kept(s))
		return TOKEN_FORM_WORD;
	if ((first & TOKEN_UPPER) && is_tag(s) && !(s.len >= ID_HEX_LEN_MIN && n->hexes == s.len)) {
		*ret_kind = NORMAL_TAG;
		return TOKEN_FORM_FIELD;
	}
	if (!(n->seen & TOKEN_HIGH) && !n->commas && is_id(s, n)) {
		*ret_kind = NORMAL_ID;
		return TOKEN_FORM_FIELD;
	}
	return TOKEN_FORM_MIXED;
}

enum token_form
token_form(struct slice s, enum normal_kind *ret_kind)
{
	struct token_counts n = count_bytes(s);

	if (is_host(s, &n)) {
		*ret_kind = is_list(s) ? NORMAL_LIST : NORMAL_HOST;
		return TOKEN_FORM_FIELD;
	}
	return n.digits ? form_with_digits(s, &n, ret_kind) : TOKEN_FORM_WORD;
}

void
token_number(struct slice number, uint64_t *ret_whole, uint64_t *ret_thousandths)
{
	uint64_t whole = 0, thousandths = 0;
	unsigned digits = 0, unit = 1000;
	bool point = false;

	for (size_t i = 0; i < number.len; i++) {
		uint8_t c = number.data[i];

		if (c == '.')
			point = true;
		if (!ascii_is_digit(c))
			continue;
		if (point) {
			unit /= 10;
			thousandths += (uint64_t)(c - '0') * unit;
		} else if (digits < NUMBER_DIGITS_MAX) {
			whole = whole * 10 + (uint64_t)(c - '0');
			digits += whole > 0;
		}
	}
	*ret_whole = whole;
	*ret_thousandths = thousandths;
}
