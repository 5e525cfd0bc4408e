/*
 * A part's body as bytes, and as text: decode, make UTF-8, take the tags out. Each step after the
 * first needs its input elsewhere than its output: the builder's own room is used, input at its
 * end, output at its start, and they never meet, because the output is limited to what lies before.
 */
#include "wire/message/mime.h"

#include <string.h>

#include "base/assert.h"
#include "wire/message/html.h"
#include "wire/message/mime_field.h"
#include "wire/text/base64.h"
#include "wire/text/qp.h"

/* A single word is no base64 when its length cannot be one's: text that only says that it is. */
static bool
decode_is_word(struct slice text)
{
	struct slice line = slice_trim(slice_cut(&text, '\n'));

	return line.len % 4 == 1 && text.len == 0;
}

/* Line by line: what a list or a scanner wrote below the base64 is text, and stays. */
static void
decode_base64(struct builder *b, struct slice text)
{
	struct base64_loose loose = {0};

	if (decode_is_word(text)) {
		builder_add_head(b, text);
		return;
	}
	while (text.len && !b->failed) {
		size_t len = slice_index(text, '\n');
		struct slice line = slice_trim(slice_sub(text, 0, len));

		if (base64_is_line(line)) {
			base64_loose_feed(b, &loose, line);
		} else if (line.len) {
			base64_loose_end(b, &loose);
			builder_add_head(b, slice_sub(text, 0, len + 1));
		}
		text = slice_from(text, len + 1);
	}
	base64_loose_end(b, &loose);
}

void
mime_decode(struct builder *b, const struct mime_part *part)
{
	if (part->encoding == MIME_QP)
		qp_decode(b, part->body);
	else if (part->encoding == MIME_BASE64)
		decode_base64(b, part->body);
	else
		builder_add_head(b, part->body);
}

/* What b holds from start on, moved away to make room for what becomes of it. */
struct decode_step {
	struct slice from;
	struct builder to;
};

/*
 * factor: how many bytes one can become at most, itself included; a line end more may be written.
 * With less room than that the text is cut to half of it: then at least that half is read.
 */
static bool
decode_step_begin(struct builder *b, size_t start, size_t factor, struct decode_step *ret_step)
{
	size_t len = b->len - start, room = len * factor + 1;
	bool cut = b->failed;

	b->failed = false;
	if (room > b->max - start) {
		room = b->max - start;
		cut = cut || len > room / 2;
		len = len < room / 2 ? len : room / 2;
	}
	b->len = start + len;
	/* Without memory nothing is left: what b holds is not what was asked for. */
	if (len == 0 || !builder_room(b, room - len)) {
		b->len = start;
		b->failed = b->failed || cut;
		return false;
	}
	b->failed = cut;
	memmove(b->data + start + room - len, b->data + start, len);
	ret_step->from = slice_of(b->data + start + room - len, len);
	builder_init_fixed(&ret_step->to, b->data + start, room - len);
	return true;
}

static void
decode_step_end(struct builder *b, size_t start, const struct decode_step *step)
{
	b->len = start + step->to.len;
	b->failed = b->failed || step->to.failed;
}

void
mime_text(struct builder *b, const struct mime_part *part, const struct charset_hook *hook)
{
	size_t start = b->len;
	struct decode_step step;

	if (b->failed)
		return;
	mime_decode(b, part);
	if (!charset_is_utf8(part->charset, slice_from(builder_slice(b), start)) &&
	    decode_step_begin(b, start, 1 + CHARSET_GROWTH, &step)) {
		charset_convert(&step.to, part->charset, step.from, hook);
		decode_step_end(b, start, &step);
	}
	if (slice_eq_nocase(part->type, SLICE("text/html")) &&
	    decode_step_begin(b, start, 2, &step)) {
		html_text(&step.to, step.from);
		decode_step_end(b, start, &step);
	}
}
