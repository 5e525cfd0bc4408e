/*
 * ip: dotted quads (no leading zeros, exactly four parts) and the eight groups of RFC 4291 2.2 with
 * one "::" and an optional dotted quad at the end; writing follows RFC 5952 4 (lower case, longest
 * run of zeros shortened, no run of one).
 */
#include "wire/text/ip.h"

#include <string.h>

#include "base/assert.h"

#define GROUPS 8

static int
v4_parse(struct slice text, uint8_t bytes[4])
{
	uint64_t part;

	for (unsigned i = 0; i < 4; i++) {
		struct slice word = slice_cut(&text, '.');

		if ((i < 3) != (text.data != NULL) || word.len > 3 ||
		    (word.len > 1 && word.data[0] == '0') || !slice_to_u64(word, 255, &part))
			return ERR_SYNTAX;
		bytes[i] = (uint8_t)part;
	}
	return 0;
}

static int
hex_digit(uint8_t c)
{
	uint8_t lower = ascii_lower(c);

	if (ascii_is_digit(c))
		return c - '0';
	return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* One to four hex digits at the start of *text; moves behind them. */
static int
group_parse(struct slice *text, uint8_t pair[2])
{
	unsigned value = 0;
	size_t i = 0;

	for (; i < text->len && i < 4 && hex_digit(text->data[i]) >= 0; i++)
		value = value << 4 | (unsigned)hex_digit(text->data[i]);
	if (i == 0)
		return ERR_SYNTAX;
	*text = slice_from(*text, i);
	pair[0] = (uint8_t)(value >> 8);
	pair[1] = (uint8_t)value;
	return 0;
}

/* Groups up to the end of text or a "::" (then *rest is what stands behind it, else data NULL). */
static int
groups_parse(struct slice text, uint8_t bytes[16], size_t *ret_len, struct slice *rest)
{
	size_t len = 0;

	*rest = SLICE_EMPTY;
	while (text.len) {
		if (slice_index(text, ':') == text.len && slice_index(text, '.') < text.len) {
			if (len > 12 || v4_parse(text, bytes + len) < 0)
				return ERR_SYNTAX;
			len += 4;
			break;
		}
		if (len >= 16 || group_parse(&text, bytes + len) < 0)
			return ERR_SYNTAX;
		len += 2;
		if (text.len == 0)
			break;
		if (text.data[0] != ':' || text.len == 1)
			return ERR_SYNTAX;
		if (text.data[1] == ':') {
			*rest = (struct slice){text.data + 2, text.len - 2};
			break;
		}
		text = slice_from(text, 1);
	}
	*ret_len = len;
	return 0;
}

static int
v6_parse(struct slice text, uint8_t bytes[16])
{
	uint8_t head[16] = {0}, tail[16] = {0};
	size_t head_len = 0, tail_len = 0;
	struct slice rest, none;

	if (slice_starts(text, SLICE("::")))
		rest = (struct slice){text.data + 2, text.len - 2};
	else if (groups_parse(text, head, &head_len, &rest) < 0)
		return ERR_SYNTAX;
	if (rest.data && (groups_parse(rest, tail, &tail_len, &none) < 0 || none.data))
		return ERR_SYNTAX;
	/* "::" stands for at least one group. */
	if (rest.data ? head_len + tail_len > 14 : head_len != 16)
		return ERR_SYNTAX;
	memcpy(bytes, head, 16);
	memcpy(bytes + 16 - tail_len, tail, tail_len);
	return 0;
}

int
ip_parse(struct slice text, struct ip *ret_ip)
{
	struct ip ip = {0};
	int err;

	if (text.len > IP_TEXT_MAX + 6)
		return ERR_SYNTAX;
	if (slice_index(text, ':') < text.len) {
		ip.family = IP_V6;
		err = v6_parse(text, ip.bytes);
	} else {
		ip.family = IP_V4;
		err = v4_parse(text, ip.bytes);
	}
	if (err == 0)
		*ret_ip = ip;
	return err;
}

struct ip
ip_of(struct slice bytes)
{
	struct ip ip = {0};

	if (bytes.len == 4 || bytes.len == 16) {
		ip.family = bytes.len == 4 ? IP_V4 : IP_V6;
		memcpy(ip.bytes, bytes.data, bytes.len);
	}
	return ip;
}

struct slice
ip_bytes(const struct ip *ip)
{
	static const uint8_t len[] = {[IP_V4] = 4, [IP_V6] = 16};

	ASSERT(ip->family <= IP_V6);
	return slice_of(ip->bytes, len[ip->family]);
}

static unsigned
group(const struct ip *ip, unsigned index)
{
	return (unsigned)ip->bytes[index * 2] << 8 | ip->bytes[index * 2 + 1];
}

/* The longest run of at least two zero groups, the first of equals; *ret_count 0 when none. */
static unsigned
zero_run(const struct ip *ip, unsigned *ret_count)
{
	unsigned best = 0, best_count = 0;

	for (unsigned i = 0; i < GROUPS; i++) {
		unsigned count = 0;

		while (i + count < GROUPS && group(ip, i + count) == 0)
			count++;
		if (count > best_count) {
			best = i;
			best_count = count;
		}
		i += count;
	}
	*ret_count = best_count > 1 ? best_count : 0;
	return best;
}

static void
group_build(struct builder *b, unsigned value)
{
	static const char digits[] = "0123456789abcdef";
	int shift = 12;

	while (shift > 0 && value >> shift == 0)
		shift -= 4;
	for (; shift >= 0; shift -= 4)
		builder_byte(b, (uint8_t)digits[value >> shift & 15]);
}

static void
quad_build(struct builder *b, const uint8_t bytes[4])
{
	for (unsigned i = 0; i < 4; i++) {
		if (i)
			builder_byte(b, '.');
		builder_dec(b, bytes[i]);
	}
}

static bool
is_mapped(const struct ip *ip)
{
	static const uint8_t prefix[12] = {[10] = 0xff, [11] = 0xff};

	return ip->family == IP_V6 && memcmp(ip->bytes, prefix, sizeof(prefix)) == 0;
}

static void
v6_build(struct builder *b, const struct ip *ip)
{
	unsigned run_count, run = zero_run(ip, &run_count);

	for (unsigned i = 0; i < GROUPS; i++) {
		if (run_count && i == run) {
			builder_str(b, "::");
			i += run_count - 1;
			continue;
		}
		if (i && !(run_count && i == run + run_count))
			builder_byte(b, ':');
		group_build(b, group(ip, i));
	}
}

void
ip_build(struct builder *b, const struct ip *ip)
{
	ASSERT(ip->family == IP_V4 || ip->family == IP_V6);
	if (ip->family == IP_V4) {
		quad_build(b, ip->bytes);
	} else if (is_mapped(ip)) {
		builder_str(b, "::ffff:");
		quad_build(b, ip->bytes + 12);
	} else {
		v6_build(b, ip);
	}
}

bool
ip_eq(const struct ip *a, const struct ip *b)
{
	return a->family == b->family && memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

bool
ip_in(const struct ip *ip, const struct ip *net, unsigned prefix_bits)
{
	struct slice bytes = ip_bytes(ip);
	unsigned whole = prefix_bits / 8, bits = prefix_bits % 8;

	if (ip->family != net->family || prefix_bits > bytes.len * 8)
		return false;
	if (memcmp(ip->bytes, net->bytes, whole) != 0)
		return false;
	return bits == 0 || (ip->bytes[whole] ^ net->bytes[whole]) >> (8 - bits) == 0;
}

struct ip
ip_unmap(const struct ip *ip)
{
	return is_mapped(ip) ? ip_of(slice_of(ip->bytes + 12, 4)) : *ip;
}

bool
ip_is_loopback(const struct ip *ip)
{
	static const struct ip one = {.family = IP_V6, .bytes = {[15] = 1}};
	struct ip plain = ip_unmap(ip);

	return plain.family == IP_V4 ? plain.bytes[0] == 127 : ip_eq(&plain, &one);
}

bool
ip_is_nowhere(const struct ip *ip)
{
	static const struct ip any = {.family = IP_V6};
	struct ip plain = ip_unmap(ip);

	if (plain.family == IP_V4)
		return plain.bytes[0] == 0 || plain.bytes[0] >= 224;
	return plain.family == IP_NONE || plain.bytes[0] == 0xff || ip_eq(&plain, &any);
}
