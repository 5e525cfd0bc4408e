/*
 * slice: total functions over borrowed bytes. No function here reads beyond s.len.
 */
#include "base/slice.h"

#include <string.h>

struct slice
slice_str(const char *string)
{
	return (struct slice){(const uint8_t *)string, string ? strlen(string) : 0};
}

bool
slice_eq_nocase(struct slice a, struct slice b)
{
	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++)
		if (ascii_lower(a.data[i]) != ascii_lower(b.data[i]))
			return false;
	return true;
}

int
slice_cmp(struct slice a, struct slice b)
{
	size_t shorter = a.len < b.len ? a.len : b.len;
	int order = shorter ? memcmp(a.data, b.data, shorter) : 0;

	if (order != 0)
		return order;
	return a.len < b.len ? -1 : a.len > b.len;
}

bool
slice_starts_nocase(struct slice s, struct slice prefix)
{
	return slice_eq_nocase(slice_sub(s, 0, prefix.len), prefix);
}

bool
slice_ends_nocase(struct slice s, struct slice suffix)
{
	return s.len >= suffix.len && slice_eq_nocase(slice_from(s, s.len - suffix.len), suffix);
}

size_t
slice_index(struct slice s, uint8_t byte)
{
	const uint8_t *at = s.len ? memchr(s.data, byte, s.len) : NULL;

	return at ? (size_t)(at - s.data) : s.len;
}

size_t
slice_rindex(struct slice s, uint8_t byte)
{
	const uint8_t *at = s.len ? memrchr(s.data, byte, s.len) : NULL;

	return at ? (size_t)(at - s.data) : s.len;
}

size_t
slice_find(struct slice s, struct slice needle)
{
	const uint8_t *at;

	if (needle.len == 0 || needle.len > s.len)
		return needle.len ? s.len : 0;
	at = memmem(s.data, s.len, needle.data, needle.len);
	return at ? (size_t)(at - s.data) : s.len;
}

size_t
slice_find_nocase(struct slice s, struct slice needle)
{
	uint8_t first = needle.len ? ascii_lower(needle.data[0]) : 0;

	for (size_t i = 0; i + needle.len <= s.len; i++)
		if ((!needle.len || ascii_lower(s.data[i]) == first) &&
		    slice_eq_nocase((struct slice){s.data + i, needle.len}, needle))
			return i;
	return s.len;
}

struct slice
slice_cut(struct slice *rest, uint8_t separator)
{
	size_t at = slice_index(*rest, separator);
	struct slice head = slice_sub(*rest, 0, at);

	*rest = at < rest->len ? (struct slice){rest->data + at + 1, rest->len - at - 1}
			       : SLICE_EMPTY;
	return head;
}

struct slice
slice_trim(struct slice s)
{
	while (s.len && (s.data[0] == ' ' || s.data[0] == '\t')) {
		s.data++;
		s.len--;
	}
	while (s.len && (s.data[s.len - 1] == ' ' || s.data[s.len - 1] == '\t'))
		s.len--;
	return s;
}

bool
slice_is_ascii(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.data[i] & 0x80)
			return false;
	return true;
}

bool
slice_to_u64(struct slice s, uint64_t max, uint64_t *ret_value)
{
	uint64_t value = 0;

	if (s.len == 0)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		if (!ascii_is_digit(s.data[i]) || __builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(s.data[i] - '0'), &value))
			return false;
	}
	if (value > max)
		return false;
	*ret_value = value;
	return true;
}
