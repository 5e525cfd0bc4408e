/*
 * slice: bytes that somebody else owns, with their length. Not NUL-terminated, may hold NUL.
 * The only way in which text travels inside Frank. All functions are total: an empty slice is
 * {NULL, 0} or {p, 0}; comparisons ignore case for ASCII letters only where the name says so.
 */
#ifndef BASE_SLICE_H
#define BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct slice {
	const uint8_t *data;
	size_t len;
};

#define SLICE_EMPTY ((struct slice){NULL, 0})
/* From a string literal or char array with its NUL, at compile time. */
#define SLICE(literal) ((struct slice){(const uint8_t *)("" literal), sizeof(literal) - 1})
/* For printf("%.*s"): the caller knows that it is short and clean. */
#define SLICE_ARG(s) (int)(s).len, (const char *)((s).len ? (s).data : (const uint8_t *)"")

/* --- what is asked most often, in place ------------------------------------------------------ */

static inline struct slice
slice_of(const void *data, size_t len)
{
	return (struct slice){data, len};
}

static inline uint8_t
ascii_lower(uint8_t byte)
{
	return byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte + 32) : byte;
}

static inline bool
ascii_is_digit(uint8_t byte)
{
	return byte >= '0' && byte <= '9';
}

static inline bool
ascii_is_alpha(uint8_t byte)
{
	uint8_t lower = ascii_lower(byte);

	return lower >= 'a' && lower <= 'z';
}

static inline bool
slice_eq(struct slice a, struct slice b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

/* Bytes from index on, at most len of them; beyond the end gives an empty slice. */
static inline struct slice
slice_sub(struct slice s, size_t index, size_t len)
{
	if (index >= s.len)
		return SLICE_EMPTY;
	if (len > s.len - index)
		len = s.len - index;
	return (struct slice){s.data + index, len};
}

static inline struct slice
slice_from(struct slice s, size_t index)
{
	return slice_sub(s, index, s.len);
}

static inline bool
slice_starts(struct slice s, struct slice prefix)
{
	return slice_eq(slice_sub(s, 0, prefix.len), prefix);
}

struct slice slice_str(const char *string);

bool slice_eq_nocase(struct slice a, struct slice b);
int slice_cmp(struct slice a, struct slice b);
bool slice_starts_nocase(struct slice s, struct slice prefix);
bool slice_ends_nocase(struct slice s, struct slice suffix);

/* Index of the first (last) such byte, or s.len when there is none. */
size_t slice_index(struct slice s, uint8_t byte);
size_t slice_rindex(struct slice s, uint8_t byte);
/* Index of the first occurrence of needle, or s.len when there is none. */
size_t slice_find(struct slice s, struct slice needle);
size_t slice_find_nocase(struct slice s, struct slice needle);

/* Splits at the first such byte: answers what stands before it and moves *rest behind it. At the
 * end *rest is {NULL, 0}. */
struct slice slice_cut(struct slice *rest, uint8_t separator);

/* Without spaces and tabs at both ends. */
struct slice slice_trim(struct slice s);

bool slice_is_ascii(struct slice s);

/* Whole slice as an unsigned decimal number <= max; false (ret untouched) on anything else. */
bool slice_to_u64(struct slice s, uint64_t max, uint64_t *ret_value);

#endif
