/*
 * Base 64, RFC 4648 4. Decoding is strict (RFC 4648 3.3, 3.5): one text for one value, so that no
 * two readers see different bytes in a login or a digest.
 */
#include "wire/text/base64.h"

#include "base/assert.h"

static const char base64_alphabet[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static void
base64_encode_group(struct builder *b, struct slice s)
{
	uint32_t bits = 0;

	ASSERT(s.len >= 1 && s.len <= 3);
	for (size_t i = 0; i < 3; i++)
		bits = bits << 8 | (i < s.len ? s.data[i] : 0);
	for (size_t i = 0; i < 4; i++) {
		char c = base64_alphabet[bits >> (18 - 6 * i) & 63];

		builder_byte(b, i <= s.len ? (uint8_t)c : '=');
	}
}

void
base64_encode(struct builder *b, struct slice bytes)
{
	for (size_t at = 0; at < bytes.len && !b->failed; at += 3)
		base64_encode_group(b, slice_sub(bytes, at, 3));
}

void
base64_encode_lines(struct builder *b, struct slice bytes)
{
	const size_t line_bytes = BASE64_LINE_CHARS / 4 * 3;

	for (size_t at = 0; at < bytes.len && !b->failed; at += line_bytes) {
		base64_encode(b, slice_sub(bytes, at, line_bytes));
		builder_str(b, "\r\n");
	}
}

/* 0–63, or -1. */
static int
base64_value(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+')
		return 62;
	return c == '/' ? 63 : -1;
}

/* Appends the 1–3 bytes of one group of four; only the last may be padded. */
static int
base64_decode_group(struct builder *b, const uint8_t *group, bool last)
{
	size_t pad = 0;
	uint32_t bits = 0;

	if (last && group[3] == '=')
		pad = group[2] == '=' ? 2 : 1;
	for (size_t i = 0; i < 4; i++) {
		int value = i < 4 - pad ? base64_value(group[i]) : 0;

		if (value < 0)
			return ERR_SYNTAX;
		bits = bits << 6 | (uint32_t)value;
	}
	if (bits & ((1u << (8 * pad)) - 1))
		return ERR_SYNTAX; /* unused bits set */
	for (size_t i = 0; i < 3 - pad; i++)
		builder_byte(b, (uint8_t)(bits >> (16 - 8 * i)));
	return 0;
}

int
base64_decode(struct builder *b, struct slice text)
{
	if (text.len % 4)
		return ERR_SYNTAX;
	for (size_t at = 0; at < text.len; at += 4) {
		int err = base64_decode_group(b, text.data + at, at + 4 == text.len);

		if (err)
			return err;
	}
	return b->failed ? ERR_LIMIT : 0;
}
