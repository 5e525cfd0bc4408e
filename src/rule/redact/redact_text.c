/*
 * redact_text: a line is walked once. Links and at signs are looked for first, since an address may
 * be part of anything; what stands between them goes to the normaliser, which knows ids; the rest
 * is words, of which those that were learned are replaced. An at sign is also one that was encoded
 * (%40, =40, +40, &#64;, the wide one): a decoder before us may have left it.
 *
 * An address is taken as widely as its bytes allow. Letters of Latin, Greek, Cyrillic and the like
 * belong to it; characters of three and four bytes only where one stands at the at sign itself:
 * Chinese and Japanese have no blanks, and the words in front are the reason of the refusal.
 */
#include <string.h>

#include "base/assert.h"
#include "rule/redact/redact_impl.h"
#include "rule/normal/token.h"

#define CHUNK_MAX 2048	 /* bytes for the normaliser at a time */
#define LITERAL_MAX 64	 /* [192.0.2.1] */
#define PATH_WORD_MAX 20 /* longer words of a path that have digits are ids */
#define BLOB_MIN 32	 /* letters and digits in one run */
#define ID_TEXT_MIN 6	 /* shorter text has no id in it */

static bool
is_blank(uint8_t byte)
{
	return byte == ' ' || byte == '\t';
}

static bool
is_alnum(uint8_t byte)
{
	return token_classes[byte] & (TOKEN_LETTER | TOKEN_DIGIT);
}

/* --- at signs --------------------------------------------------------------------------------- */

#define STR(literal)                                                                               \
	{                                                                                          \
		(const uint8_t *)(literal), sizeof(literal) - 1                                    \
	}

static const struct sign {
	struct slice text;
	bool weak; /* means something else as well: only with a dot in the domain */
} signs[] = {
	{STR("@"), false},	 {STR("\xef\xbc\xa0"), false}, {STR("\xef\xb9\xab"), false},
	{STR("%40"), true},	 {STR("%2540"), true},	       {STR("=40"), true},
	{STR("+40"), true},	 {STR("&#64;"), false},	       {STR("&#x40;"), false},
	{STR("&commat;"), true}, {STR("\\u0040"), true},       {STR("\\x{40}"), true},
	{STR("\\x40"), true},	 {STR("(at)"), true},	       {STR("[at]"), true},
};

static const struct sign *
sign_at(struct slice s, size_t at)
{
	if (!memchr("@\xef%=&+\\([", s.data[at], 9))
		return NULL;
	for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++) {
		if (slice_starts(slice_from(s, at), signs[i].text))
			return &signs[i];
	}
	return NULL;
}

/* Length of the character of two bytes and more that ends at index end, or 0. */
static size_t
high_before(struct slice s, size_t floor, size_t end)
{
	size_t len = 0;

	while (len < 4 && end - len > floor && s.data[end - len - 1] >= 0x80) {
		len++;
		if (s.data[end - len] >= 0xc0)
			return len;
	}
	return len ? 1 : 0; /* no character: taken byte by byte */
}

static size_t
high_at(struct slice s, size_t at)
{
	size_t len = 1;

	if (at >= s.len || s.data[at] < 0x80)
		return 0;
	while (len < 4 && at + len < s.len && (s.data[at + len] & 0xc0) == 0x80)
		len++;
	return len;
}

/* Characters that nobody sees, put where a line may be broken. */
static bool
is_unseen(struct slice s)
{
	static const struct slice unseen[] = {STR("\xc2\xad"),	   STR("\xe2\x80\x8b"),
					      STR("\xe2\x80\x8c"), STR("\xe2\x80\x8d"),
					      STR("\xe2\x81\xa0"), STR("\xef\xbb\xbf")};

	for (size_t i = 0; i < sizeof(unseen) / sizeof(unseen[0]); i++) {
		if (slice_eq(s, unseen[i]))
			return true;
	}
	return false;
}

/* C2 begins signs of Latin-1, which part words. */
static bool
is_high_letter(struct slice s, size_t at, size_t len, bool wide)
{
	if (is_unseen(slice_sub(s, at, len)))
		return true;
	return len && s.data[at] != 0xc2 && (len <= 2 || wide);
}

static bool
is_local_sign(uint8_t byte)
{
	return is_alnum(byte) || (byte && memchr("!#$%&'*+-/=?^_`{|}~.", byte, 20));
}

/* A quote that no backslash makes a part of the text. */
static bool
is_opening(struct slice s, size_t floor, size_t at)
{
	return s.data[at] == '"' && !(at > floor && s.data[at - 1] == '\\');
}

/* Where the local part that ends at index end begins. */
static size_t
local_begin(struct slice s, size_t floor, size_t end)
{
	size_t at = end, high = high_before(s, floor, end);
	bool wide = high > 2;

	if (end > floor && s.data[end - 1] == '"') {
		for (at = end - 1; at > floor && !is_opening(s, floor, at - 1);)
			at--;
		return at > floor ? at - 1 : end - 1;
	}
	while (at > floor) {
		high = high_before(s, floor, at);
		if (high ? !is_high_letter(s, at - high, high, wide)
			 : !is_local_sign(s.data[at - 1]))
			break;
		at -= high ? high : 1;
	}
	while (at < end && memchr("'`*|{/.!?&=", s.data[at], 11))
		at++;
	return at;
}

/* Names in front of "=" that are no part of an address. */
static size_t
key_skip(struct slice s, size_t begin, size_t end)
{
	static const char *const keys[] = {
		"from",	    "to",      "rcpt",		"sender",	 "recipient",	"user",
		"email",    "smtp",    "mail",		"addr",		 "address",	"rcptto",
		"mailfrom", "orig_to", "envelope-from", "smtp.mailfrom", "header.from", "id"};
	size_t equals = slice_index(slice_sub(s, begin, end - begin), '=');
	struct slice key = slice_sub(s, begin, equals);

	for (size_t i = 0; begin + equals < end && i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (slice_eq_nocase(key, slice_str(keys[i])))
			return begin + equals + 1;
	}
	return begin;
}

/* Where the domain that begins at index at ends. */
static size_t
domain_end(struct slice s, size_t at)
{
	size_t end = at, high;
	bool wide = high_at(s, at) > 2;

	if (at < s.len && s.data[at] == '[') {
		size_t close = slice_index(slice_sub(s, at, LITERAL_MAX), ']');

		return close < slice_sub(s, at, LITERAL_MAX).len ? at + close + 1 : at;
	}
	while (end < s.len) {
		high = high_at(s, end);
		if (high ? !is_high_letter(s, end, high, wide)
			 : !is_alnum(s.data[end]) && !memchr(".-_", s.data[end], 3))
			break;
		end += high ? high : 1;
	}
	while (end > at && memchr(".-_", s.data[end - 1], 3))
		end--;
	return end;
}

/* An address around a sign: where it begins and ends, and its halves. */
struct found {
	size_t begin, end;
	struct slice local, domain;
};

static bool
address_at(struct slice s, size_t floor, size_t at, struct found *ret_found)
{
	const struct sign *sign = sign_at(s, at);
	struct found f;

	if (!sign)
		return false;
	f.begin = local_begin(s, floor, at);
	f.begin = key_skip(s, f.begin, at);
	f.end = domain_end(s, at + sign->text.len);
	f.local = slice_sub(s, f.begin, at - f.begin);
	f.domain = slice_sub(s, at + sign->text.len, f.end - at - sign->text.len);
	if (!f.local.len && !f.domain.len)
		return false;
	if (sign->weak && (!f.local.len || slice_index(f.domain, '.') == f.domain.len ||
			   ascii_is_digit(f.domain.data[f.domain.len - 1])))
		return false;
	*ret_found = f;
	return true;
}

/* --- links ------------------------------------------------------------------------------------ */

/* Length of the scheme of a link that begins at the index, or 0. */
static size_t
scheme_at(struct slice s, size_t at)
{
	static const struct slice schemes[] = {STR("http://"), STR("https://"), STR("ftp://")};

	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		if (slice_starts_nocase(slice_from(s, at), schemes[i]))
			return schemes[i].len;
	}
	return 0;
}

static size_t
link_end(struct slice s, size_t at)
{
	while (at < s.len && s.data[at] > ' ' && s.data[at] < 0x7f &&
	       !memchr("<>\"'`()[]|\\^{}", s.data[at], 14))
		at++;
	while (at > 0 && memchr(".,;:!", s.data[at - 1], 5))
		at--;
	return at;
}

/* Letters, digits and dashes, and no word that could be an id or is a name. */
static bool
is_plain_path(const struct redact *r, struct slice path)
{
	struct slice rest = path;

	while (rest.len) {
		if (redact_is_known(r, slice_cut(&rest, '/')))
			return false;
	}
	size_t len = 0, digits = 0;

	for (size_t i = 0; i < path.len; i++) {
		uint8_t byte = path.data[i];

		if (!is_alnum(byte) && !memchr("/-_.~", byte, 5))
			return false;
		len = byte == '/' ? 0 : len + 1;
		digits = byte == '/' ? 0 : digits + ascii_is_digit(byte);
		if (len > PATH_WORD_MAX && digits)
			return false;
	}
	return true;
}

/* link: without its scheme. */
static void
link_build(struct redact *r, struct slice link)
{
	size_t end = 0, path_len;
	struct slice host, path;

	while (end < link.len && !memchr("/?#", link.data[end], 3))
		end++;
	host = slice_sub(link, 0, end);
	link = slice_from(link, end);
	if (slice_rindex(host, '@') < host.len) /* a login */
		host = slice_from(host, slice_rindex(host, '@') + 1);
	for (size_t i = 0; i < host.len; i++) {
		if (is_alnum(host.data[i]) || memchr(".-:_", host.data[i], 4))
			builder_byte(&r->out, host.data[i]);
	}
	for (path_len = 0; path_len < link.len && !memchr("?#", link.data[path_len], 2);)
		path_len++;
	path = slice_sub(link, 0, path_len);
	if (is_plain_path(r, path))
		builder_add(&r->out, path);
	else
		builder_str(&r->out, "/...");
	if (path_len < link.len)
		builder_str(&r->out, "?...");
}

/* --- what is left ----------------------------------------------------------------------------- */

static bool
is_blob_byte(uint8_t byte)
{
	return is_alnum(byte) || (byte && memchr("+/=_-", byte, 5));
}

/* What is encoded or an id by its length alone, at the index; its length or 0. */
static size_t
blob_at(struct slice s, size_t at)
{
	size_t end = at, digits = 0, upper = 0, lower = 0;

	while (end < s.len && is_blob_byte(s.data[end])) {
		digits += ascii_is_digit(s.data[end]);
		upper += (token_classes[s.data[end]] & TOKEN_UPPER) != 0;
		lower += (token_classes[s.data[end]] & TOKEN_LOWER) != 0;
		end++;
	}
	if (end - at < BLOB_MIN || !digits || !(upper + lower))
		return 0;
	return end - at;
}

static bool
is_token_byte(uint8_t byte)
{
	return token_classes[byte] & TOKEN_BYTE;
}

/* An at sign between nothing is none of an address; no other shall be in the result. */
static void
sign_build(struct redact *r, uint8_t byte)
{
	if (byte == '@')
		builder_str(&r->out, "(at)");
	else
		builder_byte(&r->out, (byte < ' ' && byte != '\t') || byte == 0x7f ? '?' : byte);
}

/* "cn=" of a name in a directory (Exchange: /o=Firm/ou=.../cn=Recipients/cn=user), at the index;
 * the length of what stands behind it, or 0. */
static size_t
common_name_at(struct slice s, size_t at)
{
	static const struct slice key = STR("cn=");
	struct slice rest = slice_from(s, at + key.len);
	size_t len = 0;

	if (!slice_starts_nocase(slice_from(s, at), key) || (at && is_alnum(s.data[at - 1])))
		return 0;
	while (len < rest.len && (is_alnum(rest.data[len]) || rest.data[len] >= 0x80 ||
				  memchr(".-_", rest.data[len], 3)))
		len++;
	return slice_eq_nocase(slice_sub(rest, 0, len), SLICE("recipients")) ? 0 : len;
}

/* A run that is no known word. Chinese and Japanese part words by no blanks: what is ASCII between
 * characters of three and four bytes, their brackets among them, is a word of its own. */
static void
run_build(struct redact *r, struct slice run)
{
	for (size_t at = 0, end; at < run.len; at = end) {
		size_t high = high_at(run, at);
		struct slice word;

		for (end = at + high; !high && end < run.len && run.data[end] < 0x80;)
			end++;
		word = slice_sub(run, at, end - at);
		while (!high && word.len && memchr(".-_", word.data[word.len - 1], 3))
			word.len--;
		if (!high && word.len && (at == 0 || high_before(run, 0, at) > 2) &&
		    (end == run.len || high_at(run, end) > 2) && redact_known(r, word))
			end = at + word.len;
		else
			builder_add(&r->out, slice_sub(run, at, end - at));
	}
}

/* Words and signs: known words are replaced, blobs are ids, controls become question marks. */
static void
words_build(struct redact *r, struct slice s)
{
	for (size_t i = 0, end; i < s.len; i = end) {
		size_t blob = blob_at(s, i), name = common_name_at(s, i);
		struct slice word;

		if (name) {
			builder_add(&r->out, slice_sub(s, i, 3));
			redact_id(r, slice_sub(s, i + 3, name));
			end = i + 3 + name;
			continue;
		}
		if (blob) {
			redact_id(r, slice_sub(s, i, blob));
			end = i + blob;
			continue;
		}
		for (end = i; end < s.len && (is_token_byte(s.data[end]) || s.data[end] == '+');)
			end++;
		word = slice_sub(s, i, end - i);
		while (word.len && memchr(".-_", word.data[word.len - 1], 3))
			word.len--;
		if (word.len && redact_known(r, word)) {
			end = i + word.len;
			continue;
		}
		if (end == i) {
			end++;
			sign_build(r, s.data[i]);
			continue;
		}
		run_build(r, slice_sub(s, i, end - i));
	}
}

static bool
is_replaced(const struct normal_field *field)
{
	return !field->inside && (field->kind == NORMAL_ID || field->kind == NORMAL_URL ||
				  field->kind == NORMAL_MAIL);
}

static void
field_build(struct redact *r, const struct normal_field *field)
{
	struct slice text = normal_field_text(&r->normal, field);

	if (field->kind == NORMAL_URL)
		link_build(r, text);
	else if (field->kind == NORMAL_ID)
		redact_id(r, text);
	else
		redact_address(r, text, SLICE_EMPTY);
}

/* Text without links and at signs. Where there are more fields than the normaliser keeps, what is
 * behind the last one is asked again. */
static void
plain_build(struct redact *r, struct slice s)
{
	while (s.len >= ID_TEXT_MIN) {
		size_t at = 0, end = s.len;

		normalise(s, 0, (struct verdict_status){0}, &r->normal);
		for (size_t i = 0; i < r->normal.field_count; i++) {
			const struct normal_field *field = &r->normal.fields[i];

			if (r->normal.fields_cut && i + 1 == r->normal.field_count)
				end = (size_t)field->index + field->len;
			if (!is_replaced(field) || field->index < at)
				continue;
			words_build(r, slice_sub(s, at, field->index - at));
			field_build(r, field);
			at = (size_t)field->index + field->len;
		}
		if (end < at || end == 0) /* a field inside of one that was replaced */
			end = at ? at : s.len;
		words_build(r, slice_sub(s, at, end - at));
		s = slice_from(s, end);
	}
	words_build(r, s);
}

/* --- lines ------------------------------------------------------------------------------------ */

static void
chunk_build(struct redact *r, struct slice s)
{
	size_t at = 0, i = 0;

	while (i < s.len) {
		size_t scheme = scheme_at(s, i), end;
		struct found f;

		if (scheme) {
			end = link_end(s, i + scheme);
			plain_build(r, slice_sub(s, at, i - at));
			builder_lower(&r->out, slice_sub(s, i, scheme));
			link_build(r, slice_sub(s, i + scheme,
						end > i + scheme ? end - i - scheme : 0));
			at = i = end > i + scheme ? end : i + scheme;
		} else if (address_at(s, at, i, &f)) {
			plain_build(r, slice_sub(s, at, f.begin - at));
			redact_address(r, f.local, f.domain);
			at = i = f.end;
		} else {
			i++;
		}
	}
	plain_build(r, slice_from(s, at));
}

/* At most CHUNK_MAX bytes up to a blank; an empty slice where there is none so near. */
static struct slice
chunk_cut(struct slice *rest)
{
	struct slice chunk = slice_sub(*rest, 0, CHUNK_MAX);

	if (rest->len > CHUNK_MAX) {
		while (chunk.len && !is_blank(chunk.data[chunk.len - 1]))
			chunk.len--;
	}
	*rest = slice_from(*rest, chunk.len);
	return chunk;
}

void
redact_line(struct redact *r, struct slice line)
{
	while (line.len) {
		struct slice chunk = chunk_cut(&line);

		if (chunk.len) {
			chunk_build(r, chunk);
			continue;
		}
		/* one word longer than a chunk */
		builder_str(&r->out, REDACT_LEFT_OUT);
		while (line.len && !is_blank(line.data[0]))
			line = slice_from(line, 1);
	}
}

size_t
redact_addresses(struct redact *r, struct slice value)
{
	size_t at = 0, i = 0, count = 0;
	bool role = false; /* a program's display name is no secret, and may be the receiver's */

	while (i < value.len) {
		struct found f;

		if (!address_at(value, at, i, &f)) {
			i++;
			continue;
		}
		role = redact_is_role(f.local);
		if (!role)
			redact_learn_words(r, slice_sub(value, at, f.begin - at));
		if (count++)
			builder_str(&r->out, ", ");
		redact_address(r, f.local, f.domain);
		at = i = f.end;
	}
	if (!role)
		redact_learn_words(r, slice_from(value, at));
	return count;
}
