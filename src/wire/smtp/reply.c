/*
 * smtp reply: Reply-line = *( Reply-code "-" [ textstring ] CRLF ) Reply-code [ SP textstring ]
 * CRLF (RFC 5321 4.2). Bytes are gathered into a line, a finished line is judged and appended to
 * the kept text, made safe. Nothing here depends on how the bytes are cut, so pieces of any size
 * give the same.
 */
#include "wire/smtp/reply.h"

#include "base/assert.h"
#include "wire/text/clean.h"

/* Room that lines before the last one leave for it. */
#define TEXT_FOR_LAST_BYTES SMTP_REPLY_LINE_KEPT_MAX
#define CODE_DIGITS_MAX 3u

void
smtp_reply_init(struct smtp_reply *r)
{
	r->code = 0;
	r->status = (struct smtp_status){0, 0, 0};
	r->cut = r->complete = false;
	r->line_count = r->line_len = r->text_len = 0;
	r->byte_count = 0;
}

struct slice
smtp_reply_text(const struct smtp_reply *r)
{
	return slice_of(r->text, r->text_len);
}

unsigned
smtp_reply_class(const struct smtp_reply *r)
{
	return r->code / 100u;
}

struct smtp_status
smtp_reply_status(const struct smtp_reply *r)
{
	if (r->status.klass)
		return r->status;
	return (struct smtp_status){(uint16_t)smtp_reply_class(r), 0, 0};
}

static size_t
code_digits(struct slice line)
{
	size_t count = 0;

	while (count < line.len && ascii_is_digit(line.data[count]))
		count++;
	return count;
}

struct slice
smtp_reply_line_text(struct slice line)
{
	return slice_from(line, code_digits(line) + 1);
}

static bool
status_number(struct slice *rest, uint16_t *ret_number)
{
	size_t digits = code_digits(*rest);
	uint64_t value;

	if (digits > 3 || !slice_to_u64(slice_sub(*rest, 0, digits), 999, &value))
		return false;
	*rest = slice_from(*rest, digits);
	*ret_number = (uint16_t)value;
	return true;
}

struct smtp_status
smtp_status_read(struct slice text)
{
	static const struct smtp_status none;
	struct smtp_status status = {0, 0, 0};

	if (text.len < 5 || text.data[1] != '.')
		return none;
	if (text.data[0] != '2' && text.data[0] != '4' && text.data[0] != '5')
		return none;
	status.klass = (uint16_t)(text.data[0] - '0');
	text = slice_from(text, 2);
	if (!status_number(&text, &status.subject) || text.len == 0 || text.data[0] != '.')
		return none;
	text = slice_from(text, 1);
	if (!status_number(&text, &status.detail))
		return none;
	return text.len == 0 || text.data[0] == ' ' ? status : none;
}

/* More lines before the last one may not take the room kept for it. */
static void
text_append(struct smtp_reply *r, bool last)
{
	size_t cap = last ? SMTP_REPLY_TEXT_MAX : SMTP_REPLY_TEXT_MAX - TEXT_FOR_LAST_BYTES - 1;
	size_t len = r->text_len;
	struct builder b;

	if (r->cut && !last)
		return;
	builder_init_fixed(&b, r->text, cap);
	b.len = len;
	if (len)
		builder_byte(&b, '\n');
	clean_line(&b, slice_of(r->line, r->line_len), TEXT_FOR_LAST_BYTES);
	if (b.failed) {
		ASSERT(!last);
		r->cut = true;
		return;
	}
	r->text_len = (uint16_t)b.len;
}

/* 1 for the last line of a reply, 0 for one before it. */
static int
line_judge(struct smtp_reply *r)
{
	struct slice line = slice_of(r->line, r->line_len);
	size_t digits = code_digits(line);
	struct smtp_status status;
	uint16_t code = 0;
	bool last;

	if (digits == 0 || digits > CODE_DIGITS_MAX)
		return ERR_SYNTAX;
	for (size_t i = 0; i < CODE_DIGITS_MAX; i++)
		code = (uint16_t)(code * 10 + (i < digits ? line.data[i] - '0' : 0));
	if (code < 200 || code > 599)
		return ERR_SYNTAX;
	if (line.len > digits && line.data[digits] != ' ' && line.data[digits] != '-')
		return ERR_SYNTAX;
	last = line.len == digits || line.data[digits] == ' ';
	status = smtp_status_read(smtp_reply_line_text(line));
	r->code = code;
	if (status.klass)
		r->status = status;
	if (last && r->status.klass != code / 100)
		r->status.klass = 0;
	text_append(r, last);
	return last;
}

static int
line_end(struct smtp_reply *r)
{
	if (++r->line_count > SMTP_REPLY_LINES_MAX)
		return ERR_LIMIT;
	if (r->line_len && r->line[r->line_len - 1] == '\r')
		r->line_len--;
	return line_judge(r);
}

static int
byte_take(struct smtp_reply *r, uint8_t byte)
{
	int got;

	if (++r->byte_count > SMTP_REPLY_BYTES_MAX)
		return ERR_LIMIT;
	if (byte != '\n') {
		if (r->line_len < SMTP_REPLY_LINE_KEPT_MAX)
			r->line[r->line_len++] = byte;
		else if (byte != '\r')
			r->cut = true;
		return 0;
	}
	got = line_end(r);
	if (got == ERR_SYNTAX)
		text_append(r, true); /* what it said instead is worth showing */
	r->line_len = 0;
	return got;
}

int
smtp_reply_feed(struct smtp_reply *r, struct slice input, size_t *ret_used)
{
	int got = 0;
	size_t i;

	ASSERT(!r->complete);
	for (i = 0; i < input.len && got == 0; i++)
		got = byte_take(r, input.data[i]);
	r->complete = got != 0;
	*ret_used = i;
	return got;
}
