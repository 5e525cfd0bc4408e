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

/* One more than the value of a character; 0 for what is none. */
static const uint8_t base64_values[128] = {
	0,  0,	0,  0,	0,  0,	0,  0,	0,  0,	0,  0,	0,  0,	0,  0,	0,  0,	0,  0,	0,  0,
	0,  0,	0,  0,	0,  0,	0,  0,	0,  0,	0,  0,	0,  0,	0,  0,	0,  0,	0,  0,	0,  63,
	0,  0,	0,  64, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 0,  0,	0,  0,	0,  0,	0,  1,
	2,  3,	4,  5,	6,  7,	8,  9,	10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23,
	24, 25, 26, 0,	0,  0,	0,  0,	0,  27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39,
	40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 52, 0,	0,  0,	0,  0,
};

/* 0–63, or -1. */
static int
base64_value(uint8_t c)
{
	return c < 128 ? base64_values[c] - 1 : -1;
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

void
base64_loose_feed(struct builder *b, struct base64_loose *loose, struct slice text)
{
	for (size_t i = 0; i < text.len && !b->failed; i++) {
		int value = base64_value(text.data[i]);

		if (text.data[i] == '=')
			base64_loose_end(b, loose);
		if (value < 0)
			continue;
		loose->bits = loose->bits << 6 | (uint32_t)value;
		if (++loose->count == 4) {
			uint8_t bytes[3] = {(uint8_t)(loose->bits >> 16),
					    (uint8_t)(loose->bits >> 8), (uint8_t)loose->bits};

			builder_bytes(b, bytes, sizeof(bytes));
			*loose = (struct base64_loose){0};
		}
	}
}

void
base64_loose_end(struct builder *b, struct base64_loose *loose)
{
	if (loose->count == 2) {
		builder_byte(b, (uint8_t)(loose->bits >> 4));
	} else if (loose->count == 3) {
		builder_byte(b, (uint8_t)(loose->bits >> 10));
		builder_byte(b, (uint8_t)(loose->bits >> 2));
	}
	*loose = (struct base64_loose){0};
}

bool
base64_is_line(struct slice line)
{
	for (size_t i = 0; i < line.len; i++) {
		if (base64_value(line.data[i]) < 0 && line.data[i] != '=')
			return false;
	}
	return line.len > 0;
}
