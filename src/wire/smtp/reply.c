/*
 * smtp reply: Reply-line = *( Reply-code "-" [ textstring ] CRLF ) Reply-code [ SP textstring ]
 * CRLF (RFC 5321 4.2). Bytes are gathered into a line, a finished line is judged and appended to
 * the kept text, made safe. Nothing here depends on how the bytes are cut, so pieces of any size
 * give the same.
 */
#include "wire/smtp/reply.h"

#include "base/assert.h"
#include "wire/smtp/caps.h"
#include "wire/text/clean.h"

/* Room that lines before the last one leave for it, and for the mark of those that have none. */
#define TEXT_FOR_LAST_BYTES (1 + SMTP_REPLY_LINE_KEPT_MAX)
#define TEXT_FOR_MARK_BYTES (sizeof("\n" CLEAN_CUT) - 1)
#define CODE_DIGITS_MAX 3u

void
smtp_reply_init(struct smtp_reply *r)
{
	r->code = 0;
	r->status = (struct smtp_status){0, 0, 0};
	r->caps = NULL;
	r->complete = r->full = false;
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

static bool
text_add(struct smtp_reply *r, struct slice line, size_t room_left)
{
	struct builder b;

	builder_init_fixed(&b, r->text, SMTP_REPLY_TEXT_MAX - room_left);
	b.len = r->text_len;
	if (b.len)
		builder_byte(&b, '\n');
	builder_add(&b, line);
	if (!b.failed)
		r->text_len = (uint16_t)b.len;
	return !b.failed;
}

/* More lines before the last one may not take the room kept for it. */
static void
text_append(struct smtp_reply *r, struct slice line, bool last)
{
	bool fits;

	if (r->full && !last)
		return;
	if (last) {
		fits = text_add(r, line, 0);
		ASSERT(fits);
		return;
	}
	if (text_add(r, line, TEXT_FOR_LAST_BYTES + TEXT_FOR_MARK_BYTES))
		return;
	r->full = true;
	fits = text_add(r, SLICE(CLEAN_CUT), TEXT_FOR_LAST_BYTES);
	ASSERT(fits);
}

/* The line has been read: keeps it, and takes from it what EHLO tells. */
static void
line_keep(struct smtp_reply *r, bool last)
{
	uint8_t room[SMTP_REPLY_LINE_KEPT_MAX];
	struct builder b;

	builder_init_fixed(&b, room, sizeof(room));
	clean_line(&b, slice_of(r->line, r->line_len), sizeof(room));
	ASSERT(!b.failed);
	if (r->caps && r->line_count > 1)
		smtp_caps_read(r->caps, smtp_reply_line_text(builder_slice(&b)));
	text_append(r, builder_slice(&b), last);
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
	line_keep(r, last);
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
		if (r->line_len < sizeof(r->line))
			r->line[r->line_len++] = byte;
		return 0;
	}
	got = line_end(r);
	if (got == ERR_SYNTAX)
		line_keep(r, true); /* what it said instead is worth showing */
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
