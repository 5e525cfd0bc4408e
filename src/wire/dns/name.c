/*
 * dns name: RFC 1035 3.1 (labels), 4.1.4 (compression), 5.1 (text). A compression pointer must
 * point before the place where the run of labels that holds it began, so no name can loop, and the
 * number of labels is bounded by the 255 bytes that a name may have.
 */
#include "wire/dns/name.h"

#include <string.h>

#include "base/assert.h"

struct slice
dns_name_bare(struct slice name)
{
	bool escaped = name.len >= 2 && name.data[name.len - 2] == '\\';

	if (name.len && name.data[name.len - 1] == '.' && !escaped)
		name.len--;
	return name;
}

/* One byte of a label from the front of *text, with its escape undone. */
static int
byte_take(struct slice *text, uint8_t *ret_byte)
{
	uint64_t value;
	uint8_t c = text->data[0];

	if (c < 0x21 || c > 0x7e)
		return ERR_SYNTAX;
	if (c != '\\') {
		*text = slice_from(*text, 1);
		*ret_byte = c;
		return 0;
	}
	if (text->len >= 4 && slice_to_u64(slice_sub(*text, 1, 3), 255, &value)) {
		*text = slice_from(*text, 4);
		*ret_byte = (uint8_t)value;
		return 0;
	}
	if (text->len < 2 || ascii_is_digit(text->data[1]) || text->data[1] < 0x21 ||
	    text->data[1] > 0x7e)
		return ERR_SYNTAX;
	*ret_byte = text->data[1];
	*text = slice_from(*text, 2);
	return 0;
}

/* The label at the front of *text into label; moves behind its dot. */
static int
label_take(struct slice *text, uint8_t label[DNS_LABEL_MAX], size_t *ret_len)
{
	size_t len = 0;
	int err;

	while (text->len && text->data[0] != '.') {
		if (len == DNS_LABEL_MAX)
			return ERR_LIMIT;
		err = byte_take(text, &label[len++]);
		if (err < 0)
			return err;
	}
	if (len == 0)
		return ERR_SYNTAX;
	if (text->len) {
		*text = slice_from(*text, 1);
		if (text->len == 0)
			return ERR_SYNTAX;
	}
	*ret_len = len;
	return 0;
}

int
dns_name_encode(struct slice text, struct builder *b)
{
	uint8_t wire[DNS_NAME_WIRE_MAX], label[DNS_LABEL_MAX];
	size_t used = 0, len = 0;
	int err;

	text = dns_name_bare(text);
	while (text.len) {
		err = label_take(&text, label, &len);
		if (err < 0)
			return err;
		if (used + 1 + len + 1 > sizeof(wire))
			return ERR_LIMIT;
		wire[used++] = (uint8_t)len;
		memcpy(wire + used, label, len);
		used += len;
	}
	wire[used++] = 0;
	builder_bytes(b, wire, used);
	return 0;
}

int
dns_name_check(struct slice text)
{
	uint8_t wire[DNS_NAME_WIRE_MAX];
	struct builder b;

	builder_init_fixed(&b, wire, sizeof(wire));
	return dns_name_encode(text, &b);
}

static bool
label_is_host(struct slice label)
{
	if (label.len == 0 || label.len > DNS_LABEL_MAX || label.data[0] == '-' ||
	    label.data[label.len - 1] == '-')
		return false;
	for (size_t i = 0; i < label.len; i++) {
		uint8_t c = label.data[i];

		if (!ascii_is_alpha(c) && !ascii_is_digit(c) && c != '-' && c != '_')
			return false;
	}
	return true;
}

bool
dns_name_is_host(struct slice text)
{
	text = dns_name_bare(text);
	if (text.len == 0 || text.len > DNS_HOST_MAX || text.data[text.len - 1] == '.')
		return false;
	while (text.len)
		if (!label_is_host(slice_cut(&text, '.')))
			return false;
	return true;
}

bool
dns_name_eq(struct slice a, struct slice b)
{
	return slice_eq_nocase(dns_name_bare(a), dns_name_bare(b));
}

struct slice
dns_name_parent(struct slice name)
{
	name = dns_name_bare(name);
	for (size_t i = 0; i < name.len; i++) {
		if (name.data[i] == '\\')
			i++;
		else if (name.data[i] == '.')
			return slice_from(name, i + 1);
	}
	return SLICE_EMPTY;
}

bool
dns_name_under(struct slice name, struct slice zone)
{
	name = dns_name_bare(name);
	zone = dns_name_bare(zone);
	if (zone.len == 0)
		return true;
	while (name.len >= zone.len && name.len) {
		if (slice_eq_nocase(name, zone))
			return true;
		name = dns_name_parent(name);
	}
	return false;
}

static void
label_build(struct builder *text, struct slice label)
{
	for (size_t i = 0; i < label.len; i++) {
		uint8_t c = label.data[i];

		if (c < 0x21 || c > 0x7e || c == '.' || c == '\\') {
			builder_byte(text, '\\');
			builder_dec_padded(text, c, 3);
		} else {
			builder_byte(text, ascii_lower(c));
		}
	}
}

/* Where name reading stands: at is the next length byte, floor what a pointer must stay below. */
struct walk {
	size_t at, floor, wire_len;
	size_t end; /* behind the name in the packet, once the first pointer was seen; else 0 */
};

/* Follows the pointer at w->at. */
static int
walk_jump(struct slice packet, struct walk *w)
{
	size_t target;

	if (w->at + 2 > packet.len)
		return ERR_TRUNCATED;
	target = (size_t)(packet.data[w->at] & 0x3f) << 8 | packet.data[w->at + 1];
	if (target >= w->floor)
		return ERR_SYNTAX;
	if (!w->end)
		w->end = w->at + 2;
	w->at = w->floor = target;
	return 0;
}

/* One step: > 0 a label was read, 0 the root was reached, < 0 error. */
static int
walk_label(struct slice packet, struct walk *w, struct builder *text)
{
	size_t len = packet.data[w->at];

	if (len == 0) {
		w->at++;
		return 0;
	}
	if (len > DNS_LABEL_MAX)
		return ERR_SYNTAX;
	if (w->at + 1 + len > packet.len)
		return ERR_TRUNCATED;
	w->wire_len += 1 + len;
	if (w->wire_len + 1 > DNS_NAME_WIRE_MAX)
		return ERR_LIMIT;
	if (w->wire_len > 1 + len)
		builder_byte(text, '.');
	label_build(text, slice_sub(packet, w->at + 1, len));
	w->at += 1 + len;
	return 1;
}

int
dns_name_decode(struct slice packet, size_t *at, struct builder *text)
{
	struct walk w = {.at = *at, .floor = *at};
	int step = 1;

	while (step > 0) {
		if (w.at >= packet.len)
			return ERR_TRUNCATED;
		if ((packet.data[w.at] & 0xc0) == 0xc0) {
			step = walk_jump(packet, &w);
			step = step == 0 ? 1 : step;
		} else {
			step = walk_label(packet, &w, text);
		}
	}
	if (step == 0)
		*at = w.end ? w.end : w.at;
	return step;
}

void
dns_name_reverse(const struct net_addr *addr, struct builder *b)
{
	static const char digits[] = "0123456789abcdef";

	ASSERT(addr->family == NET_FAMILY_4 || addr->family == NET_FAMILY_6);
	for (size_t i = addr->family == NET_FAMILY_4 ? 4 : 16; i > 0; i--) {
		uint8_t byte = addr->bytes[i - 1];

		if (addr->family == NET_FAMILY_4) {
			builder_dec(b, byte);
			builder_byte(b, '.');
		} else {
			builder_byte(b, (uint8_t)digits[byte & 15]);
			builder_byte(b, '.');
			builder_byte(b, (uint8_t)digits[byte >> 4]);
			builder_byte(b, '.');
		}
	}
	builder_str(b, addr->family == NET_FAMILY_4 ? "in-addr.arpa" : "ip6.arpa");
}
