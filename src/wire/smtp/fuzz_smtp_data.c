/*
 * Fuzz target for data: the first byte says how the rest is cut into pieces. Reading in pieces and
 * whole gives the same bytes and flags; OCTETS gives a body that DOTTED reads back unchanged.
 */
#include <string.h>

#include "base/fuzz.h"
#include "wire/smtp/data.h"

#define BODY_MAX ((size_t)1 << 16)

struct body {
	struct smtp_data d;
	uint8_t *bytes;
	size_t len;
	bool ended;
};

static void
keep(struct body *body, struct slice chunk)
{
	ASSERT(chunk.len <= BODY_MAX - body->len);
	if (chunk.len)
		memcpy(body->bytes + body->len, chunk.data, chunk.len);
	body->len += chunk.len;
}

static void
read_body(struct body *body, enum smtp_data_mode mode, struct slice input, size_t step)
{
	body->len = 0;
	body->ended = false;
	smtp_data_init(&body->d, mode);
	for (size_t at = 0; at < input.len && !body->ended; at += step) {
		struct slice piece = slice_sub(input, at, step), chunk;
		enum smtp_data_step got;

		do {
			got = smtp_data_next(&body->d, &piece, &chunk);
			if (got == SMTP_DATA_CHUNK)
				keep(body, chunk);
		} while (got == SMTP_DATA_CHUNK);
		body->ended = got == SMTP_DATA_END;
	}
	if (mode == SMTP_DATA_OCTETS)
		keep(body, smtp_data_finish(&body->d));
	ASSERT(body->len == body->d.size);
}

static void
compare(struct body *a, struct body *b, enum smtp_data_mode mode, struct slice input, size_t step)
{
	read_body(a, mode, input, input.len + 1);
	read_body(b, mode, input, step);
	ASSERT(a->ended == b->ended && a->d.flags == b->d.flags);
	ASSERT(a->d.header_size == b->d.header_size && a->d.line_longest == b->d.line_longest);
	ASSERT(slice_eq(slice_of(a->bytes, a->len), slice_of(b->bytes, b->len)));
}

/* A kept body is good when all of it, and no more, is read back as one message without flaws. */
static void
check_kept(struct body *body, uint8_t room[], struct slice input, size_t step)
{
	bool closed = input.len == 0 || slice_ends_nocase(input, SLICE("\r\n"));
	struct smtp_kept k = {0};
	bool good = true;
	size_t len = input.len;

	for (size_t at = 0; at < input.len && good; at += step)
		good = smtp_kept_feed(&k, slice_sub(input, at, step));
	good = good && smtp_kept_end(&k);
	if (input.len)
		memcpy(room, input.data, input.len);
	memcpy(room + len, "\r\n", 2);
	len += closed ? 0 : 2;
	memcpy(room + len, ".\r\n", 3);
	read_body(body, SMTP_DATA_DOTTED, slice_of(room, len + 3), len + 3);
	ASSERT(good == (body->ended && body->len == len &&
			!(body->d.flags & (SMTP_DATA_BARE_CR | SMTP_DATA_BARE_LF))));
	ASSERT(!good || k.dots == body->d.dots);
	ASSERT(!good ||
	       k.dots <= (input.len + SMTP_KEPT_DOT_LINE_MIN - 1) / SMTP_KEPT_DOT_LINE_MIN);
}

FUZZ(input)
{
	static uint8_t bytes[3][BODY_MAX];
	struct body a = {.bytes = bytes[0]}, b = {.bytes = bytes[1]}, c = {.bytes = bytes[2]};
	size_t step;

	if (input.len < 2 || input.len > BODY_MAX / 3)
		return;
	step = 1 + input.data[0] % 16;
	input = slice_from(input, 1);
	check_kept(&a, bytes[1], input, step);
	compare(&a, &b, SMTP_DATA_DOTTED, input, step);
	compare(&a, &b, SMTP_DATA_OCTETS, input, step);
	if (a.d.flags & SMTP_DATA_FLAWS)
		return;
	memcpy(a.bytes + a.len, ".\r\n", 3);
	read_body(&c, SMTP_DATA_DOTTED, slice_of(a.bytes, a.len + 3), step);
	ASSERT(c.ended && slice_eq(slice_of(a.bytes, a.len), slice_of(c.bytes, c.len)));
}
