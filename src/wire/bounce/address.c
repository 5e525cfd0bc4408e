/*
 * address: goes from one "@" to the next and takes what can belong to an address at both sides.
 * Beyond ASCII only between angle brackets, for there are languages that put no blank before an
 * address. A source route or a type ("@relay:", "SMTP:", "mailto:") falls away by its sign.
 */
#include "wire/bounce/address.h"

#include "wire/bounce/bounce.h"

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

/* Where a local part that ends before the "@" at this place begins; not before least. */
static size_t
local_begin(struct slice line, size_t sign, size_t least)
{
	size_t begin = sign, wide;

	if (sign > least && line.data[sign - 1] == '"') {
		begin--;
		while (begin > least && line.data[begin - 1] != '"')
			begin--;
		return begin > least ? begin - 1 : sign;
	}
	while (begin > least && is_local(line.data[begin - 1]))
		begin--;
	for (wide = begin; wide > least && line.data[wide - 1] >= 0x80;)
		while (wide > least &&
		       (line.data[wide - 1] >= 0x80 || is_local(line.data[wide - 1])))
			wide--;
	if (wide < begin && wide > least && line.data[wide - 1] == '<')
		return wide;
	/* Quotes and list signs of the text around it. */
	while (begin < sign && slice_index(SLICE("'`*|-/.{}=!"), line.data[begin]) < 11)
		begin++;
	return begin;
}

static size_t
domain_end(struct slice line, size_t sign)
{
	size_t end = sign + 1, wide;

	if (end < line.len && line.data[end] == '[') {
		while (end < line.len && line.data[end] != ']')
			end++;
		return end < line.len ? end + 1 : sign + 1;
	}
	while (end < line.len && is_domain(line.data[end]))
		end++;
	wide = end;
	while (wide < line.len && (line.data[wide] >= 0x80 || is_domain(line.data[wide])))
		wide++;
	if (wide > end && wide < line.len && line.data[wide] == '>')
		return wide;
	while (end > sign + 1 && (line.data[end - 1] == '.' || line.data[end - 1] == '-'))
		end--;
	return end;
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
		found.bracketed = begin && line.data[begin - 1] == '<' && end < line.len &&
				  line.data[end] == '>';
		/* "x@y" alone is more often a sign than an address. */
		if (!found.bracketed && line.data[sign + 1] != '[' &&
		    slice_index(slice_sub(line, sign, end - sign), '.') == end - sign)
			continue;
		found.at = begin - found.bracketed;
		found.end = end + found.bracketed;
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
	return slice_sub(value, 0, BOUNCE_ADDRESS_MAX);
}

struct slice
address_of_value(struct slice value)
{
	struct address_found found;
	size_t at = 0;

	return address_next(value, &at, &found) ? found.address : value_plain(value);
}

uint32_t
address_hash(struct slice address)
{
	uint32_t hash = 2166136261u;

	for (size_t i = 0; i < address.len; i++)
		hash = (hash ^ ascii_lower(address.data[i])) * 16777619u;
	return hash;
}
