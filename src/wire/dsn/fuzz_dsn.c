/*
 * Fuzz target for compose: the input, cut at NULs, is what strangers can choose: addresses, ORCPT,
 * ENVID, reply, host, header and body. The output is 7-bit (or UTF-8 report), has no line over 998
 * bytes, no bare CR or LF, no line that begins with a lone dot; its header block has just the
 * fields that we write, and the boundary stands there just as often as parts begin.
 */
#include "base/fuzz.h"
#include "wire/dsn/compose.h"
#include "wire/message/header.h"

#define UNIQUE "uQ7x0pK2vN4w"
#define OUT_MAX ((size_t)1 << 20)

static void
check_lines(struct slice text, bool global)
{
	size_t column = 0;

	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.data[i];

		if (column == 0 && c == '.')
			ASSERT(i + 1 < text.len && text.data[i + 1] != '\r');
		if (c == '\r') {
			ASSERT(i + 1 < text.len && text.data[i + 1] == '\n');
			column = 0;
			i++;
			continue;
		}
		ASSERT(c != '\n' && c != 0 && (c < 128 || global));
		ASSERT(++column <= 998);
	}
	ASSERT(column == 0);
}

static void
check_header(struct slice header)
{
	struct header_scan scan;
	struct header_field field;
	size_t count = 0;
	int more;

	header_scan_init(&scan, header);
	while ((more = header_scan_next(&scan, &field)) != 0) {
		ASSERT(more > 0);
		count++;
	}
	ASSERT(count >= 8 && count <= 9);
	ASSERT(header_count(header, SLICE("To")) == 1);
}

static size_t
count_boundaries(struct slice text)
{
	struct slice boundary = SLICE("\r\n--=_" UNIQUE);
	size_t count = 0, at;

	while ((at = slice_find(text, boundary)) < text.len) {
		text = slice_from(text, at + boundary.len);
		count++;
	}
	return count;
}

/* What a spool can hold: lines in CRLF, dots doubled. */
static struct slice
as_stored(struct builder *b, struct slice text)
{
	bool begin = true;

	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] == '\r')
			continue;
		if (begin && text.data[i] == '.')
			builder_byte(b, '.');
		begin = text.data[i] == '\n';
		if (begin)
			builder_byte(b, '\r');
		builder_byte(b, text.data[i]);
	}
	builder_str(b, "\r\n");
	return builder_slice(b);
}

FUZZ(input)
{
	static uint8_t out[OUT_MAX], header[1 << 15], body[1 << 15];
	struct slice choice = slice_cut(&input, 0), got;
	uint8_t flags = choice.len ? choice.data[0] : 0;
	struct dsn_rcpt rcpt = {.action = flags & 3};
	struct dsn_report report = {.kind = flags >> 2 & 1,
				    .host = SLICE("h.test"),
				    .id = SLICE("1"),
				    .report_id = SLICE("2"),
				    .unique = SLICE(UNIQUE),
				    .rcpts = &rcpt,
				    .rcpt_count = 1,
				    .global = flags & 8,
				    .full = flags & 16};
	struct builder b, h, t;
	size_t header_len;
	int err;

	report.sender = slice_cut(&input, 0);
	report.envid = slice_cut(&input, 0);
	rcpt.address = slice_cut(&input, 0);
	rcpt.orcpt = slice_cut(&input, 0);
	rcpt.verdict.host = slice_cut(&input, 0);
	rcpt.verdict.code = flags & 32 ? 550 : 0;
	rcpt.verdict.reply = slice_cut(&input, 0);
	builder_init_fixed(&h, header, sizeof(header));
	builder_init_fixed(&t, body, sizeof(body));
	report.header = as_stored(&h, slice_sub(slice_cut(&input, 0), 0, 8000));
	report.body = as_stored(&t, slice_sub(input, 0, 8000));
	builder_init_fixed(&b, out, sizeof(out));
	err = dsn_compose(&b, &report, rcpt.verdict.reply.len ? SLICE("letter\r\n") : report.body,
			  &header_len);
	if (err)
		return;
	got = builder_slice(&b);
	check_lines(got, report.global);
	check_header(slice_sub(got, 0, header_len));
	ASSERT(count_boundaries(got) == 4);
}
