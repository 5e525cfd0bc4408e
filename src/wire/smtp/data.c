/*
 * data: where lines and messages end. States of a line:
 *
 *	START -- "." --> DOT -- CR --> DOT_CR -- LF --> the end (DOTTED only)
 *	  ^ |            | \              \
 *	  | other        |  other: back to START   anything else: ".", bare CR
 *	  |  v           v "."             v
 *	  | LINE <-----------------------------
 *	  |  CR
 *	  |  v
 *	  -- CR_SEEN -- anything but LF: bare CR
 *
 * DOT and DOT_CR hold their bytes back while they may be the end; when they are not, they are given
 * out from a constant if the input that had them is gone. A dot before anything but a dot was not
 * stuffed by anybody, is no part of the line (RFC 5321 4.5.2), and is not given out: what is kept
 * has one form, and a header field cannot hide behind a dot. An LF in LINE is bare and starts no
 * line, so that LF.CRLF ends nothing.
 */
#include "wire/smtp/data.h"

#include "base/assert.h"

enum { START, LINE, CR_SEEN, DOT, DOT_CR };

static const struct slice received = SLICE("received:");

void
smtp_data_init(struct smtp_data *d, enum smtp_data_mode mode)
{
	*d = (struct smtp_data){.mode = (uint8_t)mode, .received_matches = true};
}

/* One byte of a line but its CR, LF and stuffed dot; line_len does not count it yet. */
static void
note_byte(struct smtp_data *d, uint8_t byte)
{
	if (byte & 0x80)
		d->flags |= d->in_body ? SMTP_DATA_EIGHT_BIT
				       : SMTP_DATA_EIGHT_BIT | SMTP_DATA_EIGHT_BIT_HEADER;
	if (byte == 0)
		d->flags |= SMTP_DATA_NUL;
	if (d->in_body || !d->received_matches || d->line_len >= received.len)
		return;
	d->received_matches = ascii_lower(byte) == received.data[d->line_len];
	if (d->received_matches && d->line_len + 1 == received.len)
		d->received_count++;
}

static void
count_byte(struct smtp_data *d)
{
	d->size++;
	if (!d->in_body)
		d->header_size++;
	if (d->line_len < UINT32_MAX)
		d->line_len++;
	if (d->line_len > d->line_longest)
		d->line_longest = d->line_len;
}

static void
count_dot(struct smtp_data *d)
{
	d->size++;
	d->dots++;
	if (!d->in_body)
		d->header_size++;
}

static void
end_line(struct smtp_data *d)
{
	if (d->line_len == 2)
		d->in_body = true;
	d->line_len = 0;
	d->received_matches = true;
	d->dot_given = false;
	d->state = START;
}

/* A byte that is part of the message, in any state but DOT and DOT_CR. */
static void
take_byte(struct smtp_data *d, uint8_t byte)
{
	bool ends = byte == '\n' && d->state == CR_SEEN;

	if (d->state == CR_SEEN && !ends)
		d->flags |= SMTP_DATA_BARE_CR;
	if (byte == '\n' && !ends)
		d->flags |= SMTP_DATA_BARE_LF;
	if (d->size == 0 && (byte == ' ' || byte == '\t'))
		d->flags |= SMTP_DATA_CONTINUES;
	if (byte != '\r' && byte != '\n')
		note_byte(d, byte);
	count_byte(d);
	if (ends)
		end_line(d);
	else
		d->state = byte == '\r' ? CR_SEEN : LINE;
}

/* How many bytes from the front need no closer look: printable ASCII inside a line. */
static size_t
plain_run(const struct smtp_data *d, struct slice s)
{
	size_t at = 0;

	if (d->state != LINE || (!d->in_body && d->line_len < received.len))
		return 0;
	while (at < s.len && s.data[at] > '\r' && s.data[at] < 0x80)
		at++;
	return at;
}

static void
take_run(struct smtp_data *d, size_t len)
{
	d->size += len;
	if (!d->in_body)
		d->header_size += len;
	d->line_len = len > UINT32_MAX - d->line_len ? UINT32_MAX : d->line_len + (uint32_t)len;
	if (d->line_len > d->line_longest)
		d->line_longest = d->line_len;
}

/* The line began with a dot that an earlier input held, and has not ended the message. */
static enum smtp_data_step
release_dot(struct smtp_data *d, struct slice *ret_chunk)
{
	static const struct slice held = SLICE(".\r");

	*ret_chunk = slice_sub(held, 0, d->state == DOT ? 1 : 2);
	count_dot(d);
	d->state = LINE;
	if (ret_chunk->len == 2)
		take_byte(d, '\r');
	return SMTP_DATA_CHUNK;
}

/* Input begins in DOT or DOT_CR. */
static enum smtp_data_step
resume_dot(struct smtp_data *d, struct slice *input, struct slice *ret_chunk)
{
	uint8_t byte = input->data[0];

	if (d->state == DOT && byte == '\r') {
		d->state = DOT_CR;
		*input = slice_from(*input, 1);
		return SMTP_DATA_MORE;
	}
	if (d->state == DOT_CR && byte == '\n') {
		*input = slice_from(*input, 1);
		d->in_body = true;
		return SMTP_DATA_END;
	}
	if (d->state == DOT && byte != '.') {
		d->state = START;
		return SMTP_DATA_MORE;
	}
	return release_dot(d, ret_chunk);
}

/*
 * DOTTED: a line begins with a dot at s[at]. True when another is seen to follow: it was stuffed.
 * Else it stays in the input for resume_dot.
 */
static bool
dot_is_stuffed(struct smtp_data *d, struct slice s, size_t at)
{
	if (at + 1 >= s.len || s.data[at + 1] != '.')
		return false;
	count_dot(d);
	d->state = LINE;
	return true;
}

/* Scans message bytes; answers how many from the front belong to one chunk. */
static size_t
scan(struct smtp_data *d, struct slice s)
{
	size_t at = 0;

	while (at < s.len) {
		size_t run = plain_run(d, slice_from(s, at));

		if (run) {
			take_run(d, run);
			at += run;
			continue;
		}
		if (d->state == START && s.data[at] == '.' && !d->dot_given) {
			if (d->mode == SMTP_DATA_OCTETS || !dot_is_stuffed(d, s, at))
				return at;
		} else {
			take_byte(d, s.data[at]);
		}
		at++;
	}
	return at;
}

/* A line begins with a dot: give out one more (OCTETS), or hold it back (DOTTED). */
static enum smtp_data_step
begin_dot(struct smtp_data *d, struct slice *input, struct slice *ret_chunk)
{
	static const struct slice dot = SLICE(".");

	if (d->mode == SMTP_DATA_OCTETS) {
		d->dot_given = true;
		count_dot(d);
		*ret_chunk = dot;
		return SMTP_DATA_CHUNK;
	}
	d->state = DOT;
	*input = slice_from(*input, 1);
	return SMTP_DATA_MORE;
}

enum smtp_data_step
smtp_data_next(struct smtp_data *d, struct slice *input, struct slice *ret_chunk)
{
	while (input->len) {
		enum smtp_data_step step = SMTP_DATA_MORE;
		size_t len;

		if (d->state == DOT || d->state == DOT_CR) {
			step = resume_dot(d, input, ret_chunk);
		} else {
			len = scan(d, *input);
			if (len == 0) {
				step = begin_dot(d, input, ret_chunk);
			} else {
				*ret_chunk = slice_sub(*input, 0, len);
				*input = slice_from(*input, len);
				step = SMTP_DATA_CHUNK;
			}
		}
		if (step != SMTP_DATA_MORE)
			return step;
	}
	return SMTP_DATA_MORE;
}

struct slice
smtp_data_finish(struct smtp_data *d)
{
	static const struct slice crlf = SLICE("\r\n");

	ASSERT(d->mode == SMTP_DATA_OCTETS);
	if (d->state == START)
		return SLICE_EMPTY;
	if (d->state == CR_SEEN)
		d->flags |= SMTP_DATA_BARE_CR;
	d->state = LINE;
	take_byte(d, '\r');
	take_byte(d, '\n');
	d->flags |= SMTP_DATA_NO_FINAL_CRLF;
	return crlf;
}

bool
smtp_unstuff_next(struct smtp_unstuff *u, struct slice *input, struct slice *ret_chunk)
{
	size_t at = 0;

	if (u->state == START && input->len && input->data[0] == '.') {
		*input = slice_from(*input, 1);
		u->state = LINE;
	}
	while (at < input->len && !(u->state == START && input->data[at] == '.')) {
		uint8_t byte = input->data[at++];

		if (byte == '\n' && u->state == CR_SEEN)
			u->state = START;
		else
			u->state = byte == '\r' ? CR_SEEN : LINE;
	}
	if (at == 0)
		return false;
	*ret_chunk = slice_sub(*input, 0, at);
	*input = slice_from(*input, at);
	return true;
}

/* In LINE: up to the CR, by way of memchr, since all that goes out comes through here. */
static bool
kept_line(struct smtp_kept *k, struct slice *piece)
{
	size_t end = slice_index(*piece, '\r');
	struct slice run = slice_sub(*piece, 0, end);

	if (slice_index(run, '\n') < run.len)
		return false;
	if (end < piece->len)
		k->state = CR_SEEN;
	*piece = slice_from(*piece, end + 1);
	return true;
}

bool
smtp_kept_feed(struct smtp_kept *k, struct slice piece)
{
	while (piece.len) {
		uint8_t byte = piece.data[0];

		if ((k->state == DOT && byte != '.') || (k->state == CR_SEEN && byte != '\n'))
			return false;
		if (k->state == CR_SEEN) {
			k->state = START;
			piece = slice_from(piece, 1);
		} else if (k->state == START && byte == '.') {
			k->state = DOT;
			k->dots++;
			piece = slice_from(piece, 1);
		} else {
			k->state = LINE;
			if (!kept_line(k, &piece))
				return false;
		}
	}
	return true;
}

bool
smtp_kept_end(const struct smtp_kept *k)
{
	return k->state == START || k->state == LINE;
}
