/*
 * net_addr: text and back, by hand since base has no libc. RFC 4291 2.2 for the forms read, RFC
 * 5952 4 for the one printed.
 */
#include "base/net_addr.h"

#include <string.h>

static int
ipv4_parse(struct slice s, uint8_t ret_bytes[4])
{
	uint8_t bytes[4];
	uint64_t value;

	for (int i = 0; i < 4; i++) {
		struct slice part = slice_cut(&s, '.');

		if (part.len > 3 || (part.len > 1 && part.data[0] == '0') ||
		    !slice_to_u64(part, 255, &value) || (i < 3) != (s.data != NULL))
			return ERR_SYNTAX;
		bytes[i] = (uint8_t)value;
	}
	memcpy(ret_bytes, bytes, 4);
	return 0;
}

static int
hex_group_parse(struct slice s, uint16_t *ret_group)
{
	uint16_t group = 0;

	if (s.len == 0 || s.len > 4)
		return ERR_SYNTAX;
	for (size_t i = 0; i < s.len; i++) {
		uint8_t c = ascii_lower(s.data[i]);

		if (ascii_is_digit(c))
			group = (uint16_t)(group << 4 | (c - '0'));
		else if (c >= 'a' && c <= 'f')
			group = (uint16_t)(group << 4 | (c - 'a' + 10));
		else
			return ERR_SYNTAX;
	}
	*ret_group = group;
	return 0;
}

/* Groups separated by colons, an IPv4 tail allowed where tail says so; at most room bytes. */
static int
ipv6_groups_parse(struct slice s, bool tail, uint8_t *bytes, size_t room)
{
	size_t len = 0;
	uint16_t group;

	if (s.len == 0)
		return 0;
	for (;;) {
		struct slice part = slice_cut(&s, ':');
		bool last = s.data == NULL;

		if (last && tail && slice_index(part, '.') < part.len) {
			if (len + 4 > room || ipv4_parse(part, bytes + len))
				return ERR_SYNTAX;
			return (int)len + 4;
		}
		if (len + 2 > room || hex_group_parse(part, &group))
			return ERR_SYNTAX;
		bytes[len++] = (uint8_t)(group >> 8);
		bytes[len++] = (uint8_t)group;
		if (last)
			return (int)len;
	}
}

static int
ipv6_parse(struct slice s, uint8_t ret_bytes[16])
{
	size_t gap = slice_find(s, SLICE("::"));
	uint8_t head[16] = {0}, tail[16] = {0};
	int head_len, tail_len;

	if (gap == s.len) {
		if (ipv6_groups_parse(s, true, head, 16) != 16)
			return ERR_SYNTAX;
		memcpy(ret_bytes, head, 16);
		return 0;
	}
	head_len = ipv6_groups_parse(slice_sub(s, 0, gap), false, head, 14);
	tail_len = ipv6_groups_parse(slice_from(s, gap + 2), true, tail, 14);
	if (head_len < 0 || tail_len < 0 || head_len + tail_len > 14)
		return ERR_SYNTAX;
	memcpy(head + 16 - tail_len, tail, (size_t)tail_len);
	memcpy(ret_bytes, head, 16);
	return 0;
}

int
net_addr_parse(struct slice s, struct net_addr *ret_addr)
{
	struct net_addr addr = {.family = NET_FAMILY_4};

	if (ipv4_parse(s, addr.bytes)) {
		addr.family = NET_FAMILY_6;
		if (ipv6_parse(s, addr.bytes))
			return ERR_SYNTAX;
	}
	*ret_addr = addr;
	return 0;
}

int
net_addr_parse_port(struct slice s, struct net_addr *ret_addr)
{
	size_t colon = slice_rindex(s, ':');
	struct slice host = slice_sub(s, 0, colon);
	struct net_addr addr;
	uint64_t port;

	if (colon == s.len || !slice_to_u64(slice_from(s, colon + 1), UINT16_MAX, &port))
		return ERR_SYNTAX;
	if (host.len > 2 && host.data[0] == '[' && host.data[host.len - 1] == ']') {
		if (net_addr_parse(slice_sub(host, 1, host.len - 2), &addr) ||
		    addr.family != NET_FAMILY_6)
			return ERR_SYNTAX;
	} else if (net_addr_parse(host, &addr) || addr.family != NET_FAMILY_4) {
		return ERR_SYNTAX;
	}
	addr.port = (uint16_t)port;
	*ret_addr = addr;
	return 0;
}

int
net_cidr_parse(struct slice s, struct net_cidr *ret_cidr)
{
	struct net_cidr cidr;
	struct net_addr masked;
	struct slice host = slice_cut(&s, '/');
	uint64_t bits;

	if (net_addr_parse(host, &cidr.base))
		return ERR_SYNTAX;
	bits = cidr.base.family == NET_FAMILY_4 ? 32 : 128;
	if (s.data && !slice_to_u64(s, bits, &bits))
		return ERR_SYNTAX;
	cidr.bits = (uint8_t)bits;
	masked = net_addr_masked(&cidr.base, cidr.bits);
	if (!net_addr_eq(&masked, &cidr.base))
		return ERR_RANGE;
	*ret_cidr = cidr;
	return 0;
}

static void
hex_group_format(struct builder *b, uint16_t group)
{
	static const char digits[] = "0123456789abcdef";
	bool shown = false;

	for (int shift = 12; shift >= 0; shift -= 4) {
		uint8_t digit = group >> shift & 15;

		if (digit || shown || shift == 0) {
			builder_byte(b, (uint8_t)digits[digit]);
			shown = true;
		}
	}
}

/* The longest run of at least two zero groups, first one wins (RFC 5952 4.2). */
static void
zero_run_find(const uint16_t groups[8], int *ret_start, int *ret_len)
{
	int best = -1, best_len = 1;

	for (int i = 0; i < 8; i++) {
		int len = 0;

		while (i + len < 8 && groups[i + len] == 0)
			len++;
		if (len > best_len) {
			best = i;
			best_len = len;
		}
	}
	*ret_start = best;
	*ret_len = best < 0 ? 0 : best_len;
}

static void
ipv6_format(struct builder *b, const uint8_t bytes[16])
{
	uint16_t groups[8];
	int start, len;

	for (int i = 0; i < 8; i++)
		groups[i] = (uint16_t)(bytes[2 * i] << 8 | bytes[2 * i + 1]);
	zero_run_find(groups, &start, &len);
	for (int i = 0; i < 8; i++) {
		if (i == start) {
			builder_str(b, "::");
			i += len - 1;
			continue;
		}
		if (i > 0 && i != start + len)
			builder_byte(b, ':');
		hex_group_format(b, groups[i]);
	}
}

void
net_addr_format(struct builder *b, const struct net_addr *addr)
{
	if (addr->family == NET_FAMILY_NONE) {
		builder_str(b, "none");
		return;
	}
	if (addr->family == NET_FAMILY_6) {
		ipv6_format(b, addr->bytes);
		return;
	}
	for (int i = 0; i < 4; i++) {
		if (i > 0)
			builder_byte(b, '.');
		builder_dec(b, addr->bytes[i]);
	}
}

void
net_addr_format_port(struct builder *b, const struct net_addr *addr)
{
	bool brackets = addr->family == NET_FAMILY_6;

	if (brackets)
		builder_byte(b, '[');
	net_addr_format(b, addr);
	if (brackets)
		builder_byte(b, ']');
	builder_byte(b, ':');
	builder_dec(b, addr->port);
}

bool
net_addr_eq(const struct net_addr *a, const struct net_addr *b)
{
	return a->family == b->family && memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

struct net_addr
net_addr_masked(const struct net_addr *addr, unsigned bits)
{
	struct net_addr masked = {.family = addr->family};

	for (unsigned i = 0; i < 16 && 8 * i < bits; i++) {
		unsigned keep = bits - 8 * i;

		masked.bytes[i] =
			keep >= 8 ? addr->bytes[i] : (uint8_t)(addr->bytes[i] & (0xff00u >> keep));
	}
	return masked;
}

bool
net_cidr_has(const struct net_cidr *cidr, const struct net_addr *addr)
{
	struct net_addr masked = net_addr_masked(addr, cidr->bits);

	return net_addr_eq(&masked, &cidr->base);
}

struct net_addr
net_addr_of(struct slice bytes)
{
	struct net_addr addr = {0};

	if (bytes.len != 4 && bytes.len != 16)
		return addr;
	addr.family = bytes.len == 4 ? NET_FAMILY_4 : NET_FAMILY_6;
	memcpy(addr.bytes, bytes.data, bytes.len);
	return addr;
}

struct net_addr
net_addr_unmap(const struct net_addr *addr)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	struct net_addr four;

	if (addr->family != NET_FAMILY_6 || memcmp(addr->bytes, mapped, 12) != 0)
		return *addr;
	four = net_addr_of(slice_of(addr->bytes + 12, 4));
	four.port = addr->port;
	return four;
}

bool
net_addr_is_loopback(const struct net_addr *addr)
{
	static const uint8_t one[16] = {[15] = 1};
	struct net_addr a = net_addr_unmap(addr);

	if (a.family == NET_FAMILY_4)
		return a.bytes[0] == 127;
	return a.family == NET_FAMILY_6 && memcmp(a.bytes, one, 16) == 0;
}

bool
net_addr_is_nowhere(const struct net_addr *addr)
{
	static const uint8_t zero[16];
	struct net_addr a = net_addr_unmap(addr);

	if (a.family == NET_FAMILY_4)
		return a.bytes[0] == 0 || a.bytes[0] >= 224;
	return a.family != NET_FAMILY_6 || a.bytes[0] == 0xff || memcmp(a.bytes, zero, 16) == 0;
}
