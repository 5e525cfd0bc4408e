/*
 * Fuzzes the reply reader: whole and byte by byte must give the same, limits must hold, and no
 * kept text may hold a control character other than the LF between lines.
 */
#include "wire/smtp/reply.h"

#include <string.h>

#include "base/assert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
feed_in_pieces(struct smtp_reply *r, struct slice input, size_t piece, size_t *ret_total)
{
	size_t total = 0;
	int got = 0;

	smtp_reply_init(r);
	while (got == 0 && total < input.len) {
		size_t used;

		got = smtp_reply_feed(r, slice_sub(input, total, piece), &used);
		total += used;
	}
	*ret_total = total;
	return got;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice rest = slice_of(data, size);
	static struct smtp_reply whole, bytes;
	size_t whole_used, bytes_used;
	int got;

	do {
		struct slice text;

		got = feed_in_pieces(&whole, rest, rest.len + 1, &whole_used);
		ASSERT(got == feed_in_pieces(&bytes, rest, 1, &bytes_used));
		ASSERT(whole_used == bytes_used && whole.code == bytes.code);
		ASSERT(got < 1 || (whole.code >= 200 && whole.code <= 599));
		text = smtp_reply_text(&whole);
		ASSERT(slice_eq(text, smtp_reply_text(&bytes)) && text.len <= SMTP_REPLY_TEXT_MAX);
		for (size_t i = 0; i < text.len; i++)
			ASSERT(text.data[i] >= 0x20 || text.data[i] == '\n');
		rest = slice_from(rest, whole_used);
	} while (got > 0 && rest.len);
	return 0;
}
