/*
 * address: recursive descent over RFC 5321 4.1.2 (Path, Mailbox, Local-part, Quoted-string,
 * address-literal of 4.1.3), with the additions of RFC 6531 3.3: any valid and visible non-ASCII
 * character may stand where atext, qtextSMTP or a letter of a label may.
 *
 * Each take_ function takes its part off the front of *rest and answers 0 or an error. The end of
 * a mailbox is the end of the text or, in a path, the closing bracket, which no part may contain
 * outside quotes.
 */
#include "wire/smtp/address.h"

#include <string.h>

#include "base/assert.h"
#include "wire/text/clean.h"
#include "wire/text/utf8.h"

static int take_local(struct slice *rest, uint8_t *scratch, struct smtp_address *address);
static int take_domain(struct slice *rest, struct smtp_address *address);

static bool
starts_with(struct slice s, uint8_t byte)
{
	return s.len > 0 && s.data[0] == byte;
}

/* A visible non-ASCII character at the front: its length in bytes, or 0. */
static size_t
utf8_visible_len(struct slice s)
{
	struct slice rest = s;
	uint32_t code;

	if (s.len == 0 || s.data[0] < 0x80)
		return 0;
	if (!utf8_next(&rest, &code) || !clean_code_is_plain(code))
		return 0;
	return s.len - rest.len;
}

static int
take_mailbox(struct slice *rest, uint8_t *scratch, struct smtp_address *address)
{
	int err = take_local(rest, scratch, address);

	if (err)
		return err;
	if (!starts_with(*rest, '@'))
		return ERR_SYNTAX;
	*rest = slice_from(*rest, 1);
	return take_domain(rest, address);
}

int
smtp_address_parse(struct slice text, uint8_t *scratch, struct smtp_address *ret_address)
{
	struct smtp_address address = {.flags = 0};
	int err;

	ASSERT(scratch);
	if (text.len > SMTP_PATH_MAX - 2)
		return ERR_LIMIT;
	err = take_mailbox(&text, scratch, &address);
	if (err)
		return err;
	if (text.len)
		return ERR_SYNTAX;
	*ret_address = address;
	return 0;
}

/* A-d-l ":" of a source route; only its form matters. */
static int
take_source_route(struct slice *rest, struct smtp_address *address)
{
	for (;;) {
		struct smtp_address hop = {.flags = 0};
		int err;

		if (!starts_with(*rest, '@'))
			return ERR_SYNTAX;
		*rest = slice_from(*rest, 1);
		err = take_domain(rest, &hop);
		if (err)
			return err;
		address->flags |= SMTP_ADDRESS_SOURCE_ROUTE | (hop.flags & SMTP_ADDRESS_UTF8);
		if (starts_with(*rest, ':')) {
			*rest = slice_from(*rest, 1);
			return 0;
		}
		if (!starts_with(*rest, ','))
			return ERR_SYNTAX;
		*rest = slice_from(*rest, 1);
	}
}

static int
take_path_inside(struct slice *rest, uint8_t *scratch, struct smtp_address *address)
{
	static const struct slice postmaster = SLICE("postmaster>");
	int err;

	if (starts_with(*rest, '>')) {
		address->flags = SMTP_ADDRESS_NULL;
		return 0;
	}
	if (slice_starts_nocase(*rest, postmaster)) {
		address->flags = SMTP_ADDRESS_POSTMASTER;
		address->local = slice_sub(*rest, 0, postmaster.len - 1);
		*rest = slice_from(*rest, postmaster.len - 1);
		return 0;
	}
	if (starts_with(*rest, '@')) {
		err = take_source_route(rest, address);
		if (err)
			return err;
	}
	return take_mailbox(rest, scratch, address);
}

int
smtp_path_parse(struct slice *rest, uint8_t *scratch, struct smtp_address *ret_address)
{
	struct smtp_address address = {.flags = 0};
	struct slice at = *rest;
	int err;

	ASSERT(scratch);
	if (!starts_with(at, '<'))
		return ERR_SYNTAX;
	at = slice_from(at, 1);
	err = take_path_inside(&at, scratch, &address);
	if (err)
		return err;
	if (!starts_with(at, '>'))
		return ERR_SYNTAX;
	at = slice_from(at, 1);
	if (rest->len - at.len > SMTP_PATH_MAX)
		return ERR_LIMIT;
	*rest = at;
	*ret_address = address;
	return 0;
}

static bool
is_atext(uint8_t byte)
{
	return ascii_is_alpha(byte) || ascii_is_digit(byte) ||
	       (byte && strchr("!#$%&'*+-/=?^_`{|}~", byte));
}

/* Length of a Dot-string at the front of s; 0 when none stands there. */
static size_t
dot_string_len(struct slice s, bool *utf8)
{
	size_t at = 0, atom = 0;

	for (;;) {
		size_t step = utf8_visible_len(slice_from(s, at));

		if (step)
			*utf8 = true;
		else if (at < s.len && is_atext(s.data[at]))
			step = 1;
		else if (at < s.len && s.data[at] == '.' && atom > 0 && at + 1 < s.len) {
			at++;
			atom = 0;
			continue;
		} else
			return atom > 0 ? at : 0;
		at += step;
		atom += step;
	}
}

/* One QcontentSMTP at s[at], which is not the closing quote: its length, or 0. */
static size_t
qcontent_len(struct slice s)
{
	if (s.data[0] == '\\')
		return s.len > 1 && s.data[1] >= 32 && s.data[1] <= 126 ? 2 : 0;
	if (s.data[0] >= 32 && s.data[0] <= 126)
		return 1;
	return utf8_visible_len(s);
}

static int
take_quoted(struct slice *rest, uint8_t *scratch, struct smtp_address *address)
{
	struct slice s = *rest;
	size_t at = 1, count = 0;
	bool escaped = false;

	while (at < s.len && s.data[at] != '"') {
		size_t len = qcontent_len(slice_from(s, at));
		size_t skip = s.data[at] == '\\' ? 1 : 0;

		if (len == 0)
			return ERR_SYNTAX;
		if (at + len >= SMTP_LOCAL_MAX)
			return ERR_LIMIT;
		if (s.data[at] >= 0x80)
			address->flags |= SMTP_ADDRESS_UTF8;
		escaped = escaped || skip;
		memcpy(scratch + count, s.data + at + skip, len - skip);
		count += len - skip;
		at += len;
	}
	if (at >= s.len)
		return ERR_SYNTAX;
	ASSERT(count <= SMTP_LOCAL_MAX);
	address->flags |= SMTP_ADDRESS_QUOTED;
	address->local = escaped ? slice_of(scratch, count) : slice_sub(s, 1, count);
	*rest = slice_from(s, at + 1);
	return 0;
}

static int
take_local(struct slice *rest, uint8_t *scratch, struct smtp_address *address)
{
	bool utf8 = false;
	size_t len;

	if (starts_with(*rest, '"'))
		return take_quoted(rest, scratch, address);
	len = dot_string_len(*rest, &utf8);
	if (len == 0)
		return ERR_SYNTAX;
	if (len > SMTP_LOCAL_MAX)
		return ERR_LIMIT;
	if (utf8)
		address->flags |= SMTP_ADDRESS_UTF8;
	address->local = slice_sub(*rest, 0, len);
	*rest = slice_from(*rest, len);
	return 0;
}

/* The inside of [...]. IANA has no tag but IPv6 (RFC 5321 4.1.3), so there is no other kind. */
static int
literal_ip(struct slice inside, struct net_addr *ret_ip)
{
	static const struct slice tag = SLICE("IPv6:");
	bool tagged = slice_starts_nocase(inside, tag);
	struct net_addr ip;

	if (net_addr_parse(tagged ? slice_from(inside, tag.len) : inside, &ip) ||
	    ip.family != (tagged ? NET_FAMILY_6 : NET_FAMILY_4))
		return ERR_SYNTAX;
	*ret_ip = ip;
	return 0;
}

static int
take_literal(struct slice *rest, struct smtp_address *address)
{
	size_t end = slice_index(*rest, ']');
	int err;

	if (end == rest->len)
		return ERR_SYNTAX;
	if (end + 1 > SMTP_DOMAIN_MAX)
		return ERR_LIMIT;
	err = literal_ip(slice_sub(*rest, 1, end - 1), &address->ip);
	if (err)
		return err;
	address->flags |= SMTP_ADDRESS_IP;
	address->domain = slice_sub(*rest, 0, end + 1);
	*rest = slice_from(*rest, end + 1);
	return 0;
}

/* Takes one label (sub-domain); its first and last character are no hyphens. */
static int
take_label(struct slice *rest, bool *utf8)
{
	size_t at = 0;

	for (;;) {
		size_t step = utf8_visible_len(slice_from(*rest, at));

		if (step)
			*utf8 = true;
		else if (at < rest->len &&
			 (ascii_is_alpha(rest->data[at]) || ascii_is_digit(rest->data[at]) ||
			  (rest->data[at] == '-' && at > 0)))
			step = 1;
		else
			break;
		at += step;
	}
	if (at == 0 || rest->data[at - 1] == '-')
		return ERR_SYNTAX;
	if (at > SMTP_LABEL_MAX)
		return ERR_LIMIT;
	*rest = slice_from(*rest, at);
	return 0;
}

static int
take_name(struct slice *rest, bool *utf8)
{
	for (;;) {
		int err = take_label(rest, utf8);

		if (err)
			return err;
		if (!starts_with(*rest, '.'))
			return 0;
		*rest = slice_from(*rest, 1);
	}
}

static int
take_domain(struct slice *rest, struct smtp_address *address)
{
	struct slice start = *rest;
	bool utf8 = false;
	int err;

	if (starts_with(*rest, '['))
		return take_literal(rest, address);
	err = take_name(rest, &utf8);
	if (err)
		return err;
	address->domain = slice_sub(start, 0, start.len - rest->len);
	if (address->domain.len > SMTP_DOMAIN_MAX)
		return ERR_LIMIT;
	if (utf8)
		address->flags |= SMTP_ADDRESS_UTF8;
	return 0;
}

bool
smtp_domain_is_valid(struct slice text)
{
	bool utf8 = false;

	return text.len <= SMTP_DOMAIN_MAX && take_name(&text, &utf8) == 0 && text.len == 0;
}

static void
build_quoted(struct builder *b, struct slice local)
{
	builder_byte(b, '"');
	for (size_t i = 0; i < local.len; i++) {
		if (local.data[i] == '"' || local.data[i] == '\\')
			builder_byte(b, '\\');
		builder_byte(b, local.data[i]);
	}
	builder_byte(b, '"');
}

void
smtp_address_build(struct builder *b, const struct smtp_address *address)
{
	bool utf8 = false;

	if (address->flags & SMTP_ADDRESS_NULL)
		return;
	if (address->local.len && dot_string_len(address->local, &utf8) == address->local.len)
		builder_add(b, address->local);
	else
		build_quoted(b, address->local);
	if (address->domain.len == 0)
		return;
	builder_byte(b, '@');
	builder_lower(b, address->domain);
}
