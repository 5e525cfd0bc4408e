/*
 * Received: from HELO (NAME [IP]) by HOST with ESMTPS (tls) id ID for <RCPT>; date  (RFC 5321 4.4).
 * HELO comes from the client: bytes that could end the field, a comment or an address literal are
 * written as "?". A recipient goes out as it is when it is printable without blanks (UTF-8 where
 * the transaction is SMTPUTF8), else it is left out.
 */
#include "wire/message/received.h"

#include "base/assert.h"
#include "wire/message/header.h"
#include "wire/text/clean.h"
#include "wire/text/utf8.h"

const char *
received_with_str(unsigned with)
{
	static const char *const words[2][4] = {
		{"ESMTP", "ESMTPS", "ESMTPA", "ESMTPSA"},
		{"UTF8SMTP", "UTF8SMTPS", "UTF8SMTPA", "UTF8SMTPSA"},
	};
	unsigned safe = (with & RECEIVED_TLS ? 1 : 0) + (with & RECEIVED_AUTH ? 2 : 0);

	if (with & RECEIVED_LOCAL)
		return "LOCAL";
	if (!(with & RECEIVED_ESMTP))
		return "SMTP";
	return words[with & RECEIVED_UTF8 ? 1 : 0][safe];
}

/* A name or literal that a client chose. */
static void
received_atom(struct builder *b, struct slice s)
{
	const struct slice signs = SLICE(".-_:[]");

	s = slice_sub(s, 0, RECEIVED_TEXT_MAX);
	for (size_t i = 0; i < s.len; i++) {
		uint8_t c = s.data[i];
		bool good =
			ascii_is_alpha(c) || ascii_is_digit(c) || slice_index(signs, c) < signs.len;

		builder_byte(b, good ? c : '?');
	}
}

static void
received_literal(struct builder *b, struct slice ip)
{
	builder_byte(b, '[');
	if (slice_index(ip, ':') < ip.len)
		builder_str(b, "IPv6:");
	received_atom(b, ip);
	builder_byte(b, ']');
}

static void
received_from(struct builder *b, const struct received *r)
{
	if (!r->helo.len && !r->client_ip.len)
		return;
	builder_str(b, " from ");
	if (r->helo.len)
		received_atom(b, r->helo);
	else
		received_literal(b, r->client_ip);
	if (r->client_ip.len) {
		builder_str(b, " (");
		if (r->client_name.len) {
			received_atom(b, r->client_name);
			builder_byte(b, ' ');
		}
		received_literal(b, r->client_ip);
		builder_byte(b, ')');
	}
	builder_str(b, "\r\n\t");
}

/* " (VERSION CIPHER)" */
static void
received_tls(struct builder *b, struct slice tls)
{
	if (!tls.len)
		return;
	builder_str(b, " (");
	received_atom(b, slice_cut(&tls, ' '));
	if (tls.len) {
		builder_byte(b, ' ');
		received_atom(b, tls);
	}
	builder_byte(b, ')');
}

/* Printable, no blank, no bracket that would end it, within the length. */
static bool
received_recipient_fits(struct slice s)
{
	struct slice rest = s;
	uint32_t code;

	if (!s.len || s.len > RECEIVED_TEXT_MAX)
		return false;
	while (rest.len) {
		if (!utf8_next(&rest, &code) || code <= ' ' || code == '<' || code == '>' ||
		    !clean_code_is_plain(code))
			return false;
	}
	return true;
}

void
received_build(struct builder *b, const struct received *r)
{
	ASSERT(r->by.len && r->id.len);
	builder_str(b, "Received:");
	received_from(b, r);
	if (b->len && b->data[b->len - 1] == ':')
		builder_byte(b, ' ');
	builder_str(b, "by ");
	received_atom(b, r->by);
	builder_str(b, " (Frank) with ");
	builder_str(b, received_with_str(r->with));
	received_tls(b, r->tls);
	builder_str(b, "\r\n\tid ");
	received_atom(b, r->id);
	if (received_recipient_fits(r->recipient)) {
		builder_str(b, " for <");
		builder_add(b, r->recipient);
		builder_byte(b, '>');
	}
	builder_str(b, ";\r\n\t");
	date_build(b, r->date);
	builder_str(b, "\r\n");
}

size_t
received_count(struct slice block)
{
	return header_count(block, SLICE("Received"));
}

void
message_id_build(struct builder *b, struct slice unique, struct slice host)
{
	ASSERT(unique.len && host.len);
	builder_byte(b, '<');
	received_atom(b, unique);
	builder_byte(b, '@');
	received_atom(b, host);
	builder_byte(b, '>');
}
