/*
 * address: goes from one "@" to the next and takes what can belong to an address at both sides.
 * Beyond ASCII only between angle brackets, for there are languages that put no blank before an
 * address. A source route or a type ("@relay:", "SMTP:", "mailto:") falls away by its sign.
 */
#include "wire/bounce/address.h"

#include "wire/bounce/bounce.h"
#include "wire/text/utf8.h"

static bool
is_local(uint8_t c)
{
	const struct slice signs = SLICE(".!#$%&'*+-/=?^_`{|}~");

	return ascii_is_alpha(c) || ascii_is_digit(c) || (c && slice_index(signs, c) < signs.len);
}

static bool
is_domain(uint8_t c)
{
	return ascii_is_alpha(c) || ascii_is_digit(c) || c == '.' || c == '-' || c == '_';
}

/* Beyond ASCII, or one of those that belong to a part anyway. */
static bool
is_wide(uint8_t c, bool (*belongs)(uint8_t))
{
	return c >= 0x80 || belongs(c);
}

/* Where a quoted local part begins whose last quote is before sign. */
static size_t
quoted_begin(struct slice line, size_t sign, size_t least)
{
	size_t begin = sign - 1;

	while (begin > least && line.data[begin - 1] != '"')
		begin--;
	return begin > least ? begin - 1 : sign;
}

/* Where a local part that ends before the "@" at this place begins; not before least. */
static size_t
local_begin(struct slice line, size_t sign, size_t least)
{
	const struct slice around = SLICE("'`*|-/.{}=!"); /* of the text, not of the address */
	size_t begin = sign, wide;

	if (sign > least && line.data[sign - 1] == '"')
		return quoted_begin(line, sign, least);
	while (begin > least && is_local(line.data[begin - 1]))
		begin--;
	for (wide = begin; wide > least && is_wide(line.data[wide - 1], is_local);)
		wide--;
	if (wide < begin && wide > least && line.data[wide - 1] == '<')
		return wide;
	while (begin < sign && slice_index(around, line.data[begin]) < around.len)
		begin++;
	return begin;
}

/* Behind a domain literal, or at its "[" when it has no end. */
static size_t
literal_end(struct slice line, size_t begin)
{
	size_t end = begin + slice_index(slice_from(line, begin), ']');

	return end < line.len ? end + 1 : begin;
}

static size_t
domain_end(struct slice line, size_t sign)
{
	size_t end = sign + 1, wide;

	if (end < line.len && line.data[end] == '[')
		return literal_end(line, end);
	while (end < line.len && is_domain(line.data[end]))
		end++;
	for (wide = end; wide < line.len && is_wide(line.data[wide], is_domain);)
		wide++;
	if (wide > end && wide < line.len && line.data[wide] == '>')
		return wide;
	while (end > sign + 1 && (line.data[end - 1] == '.' || line.data[end - 1] == '-'))
		end--;
	return end;
}

/* Behind "<mailto:x@y>", which mail programs add to an address of a page; else end. */
static size_t
link_end(struct slice line, size_t end)
{
	size_t close;

	if (!slice_starts_nocase(slice_from(line, end), SLICE("<mailto:")))
		return end;
	close = slice_index(slice_sub(line, end, BOUNCE_ADDRESS_MAX), '>');
	return close < BOUNCE_ADDRESS_MAX && end + close < line.len ? end + close + 1 : end;
}

bool
address_next(struct slice line, size_t *at, struct address_found *ret_found)
{
	size_t least = *at;

	for (;;) {
		size_t sign = least + slice_index(slice_from(line, least), '@'), begin, end;
		struct address_found found;

		if (sign >= line.len)
			break;
		begin = local_begin(line, sign, least);
		end = domain_end(line, sign);
		least = end;
		if (begin == sign || end == sign + 1 || end - begin > BOUNCE_ADDRESS_MAX)
			continue;
		found.address = slice_sub(line, begin, end - begin);
		least = link_end(line, end);
		found.bracketed = begin && line.data[begin - 1] == '<' && least < line.len &&
				  line.data[least] == '>';
		/* "x@y" alone is more often a sign than an address. */
		if (!found.bracketed && line.data[sign + 1] != '[' &&
		    slice_index(slice_sub(line, sign, end - sign), '.') == end - sign)
			continue;
		found.at = begin - found.bracketed;
		found.end = least + found.bracketed;
		*at = found.end;
		*ret_found = found;
		return true;
	}
	*at = line.len;
	return false;
}

/* The same when a host has a simple name. */
static struct slice
value_plain(struct slice value)
{
	size_t sign = slice_index(value, ';');

	if (sign < value.len)
		value = slice_from(value, sign + 1);
	value = slice_trim(value);
	if (value.len > 1 && value.data[0] == '<' && value.data[value.len - 1] == '>')
		value = slice_sub(value, 1, value.len - 2);
	return utf8_head(value, BOUNCE_ADDRESS_MAX);
}

struct slice
address_of_value(struct slice value)
{
	struct address_found found;
	size_t at = 0;

	if (!address_next(value, &at, &found))
		return value_plain(value);
	/* In a field there is nothing else that a letter beyond ASCII could belong to. */
	return found.at && value.data[found.at - 1] >= 0x80 ? value_plain(value) : found.address;
}

bool
address_is_full(struct slice address)
{
	struct address_found found;
	size_t at = 0;

	return address_next(address, &at, &found) && found.at == 0 && found.end == address.len;
}

uint32_t
address_hash(struct slice address)
{
	uint32_t hash = 2166136261u;

	for (size_t i = 0; i < address.len; i++)
		hash = (hash ^ ascii_lower(address.data[i])) * 16777619u;
	return hash;
}

bool
address_of_daemon(struct slice from)
{
	struct slice name = slice_trim(from);

	if (slice_starts(name, SLICE("\"")))
		name = slice_from(name, 1);
	return slice_starts_nocase(name, SLICE("mailer-daemon")) ||
	       slice_starts_nocase(address_of_value(from), SLICE("mailer-daemon"));
}
