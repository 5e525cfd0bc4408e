/*
 * A message as a tree, in one pass over its lines (RFC 2046 5.1). Open multiparts and messages are
 * a stack of frames; a line that begins with "--" is compared with the boundaries of the stack from
 * the innermost out, and ends all that lies above the one that it names: thereby a missing final
 * boundary or wrong nesting costs nothing but the order that was never there.
 *
 * A multipart without a boundary parameter takes the first line that looks like one. A header ends
 * at its empty line; at a boundary; or at a line that is no field and is followed by none: such a
 * line begins the body. A part of a multipart that shows neither an empty line nor a Content field
 * is all body.
 */
#include "wire/message/mime.h"

#include <string.h>

#include "base/assert.h"
#include "wire/message/mime_field.h"

/* Where a boundary that is not named is looked for: so many lines of the body. */
#define MIME_GUESS_LINES 32
#define MIME_LINES_BLOCK 512
#define MIME_LINES_NEAR 8

struct mime_frame {
	uint8_t part;
	bool closed;	       /* its final boundary was seen */
	size_t boundary_bytes; /* 0: a message, which no boundary of its own ends */
	uint8_t boundary[MIME_BOUNDARY_MAX];
};

struct mime_reader {
	struct slice text;
	size_t at; /* the next line */
	struct mime *mime;
	struct mime_part *leaf; /* the part that is open on top of the frames, or NULL */
	size_t frame_count;
	struct mime_frame frames[MIME_DEPTH_MAX];
};

/* What waits for the builder, for most lines are short. */
struct lines_block {
	struct builder *builder;
	size_t len;
	uint8_t bytes[MIME_LINES_BLOCK];
};

static void
lines_flush(struct lines_block *block)
{
	builder_add_head(block->builder, slice_of(block->bytes, block->len));
	block->len = 0;
}

static void
lines_add(struct lines_block *block, struct slice s)
{
	if (s.len >= MIME_LINES_BLOCK - block->len)
		lines_flush(block);
	if (s.len >= MIME_LINES_BLOCK) {
		builder_add_head(block->builder, s);
		return;
	}
	memcpy(block->bytes + block->len, s.data, s.len);
	block->len += s.len;
}

static void
lines_end(struct lines_block *block, size_t count)
{
	while (count-- && !block->builder->failed) {
		block->bytes[block->len++] = '\n';
		if (block->len == MIME_LINES_BLOCK)
			lines_flush(block);
	}
}

/* Length up to the first CR; without a call where it is near. */
static size_t
lines_find_cr(struct slice text)
{
	size_t near = text.len < MIME_LINES_NEAR ? text.len : MIME_LINES_NEAR, at = 0;

	while (at < near && text.data[at] != '\r')
		at++;
	return at < near ? at : at + slice_index(slice_from(text, at), '\r');
}

void
mime_lines(struct builder *b, struct slice text)
{
	struct lines_block block;

	block.builder = b;
	block.len = 0;
	while (text.len && !b->failed) {
		size_t cr = lines_find_cr(text), count = 0;

		if (cr)
			lines_add(&block, slice_sub(text, 0, cr));
		text = slice_from(text, cr);
		while (count < text.len && text.data[count] == '\r')
			count++;
		text = slice_from(text, count);
		if (count && text.len && text.data[0] == '\n') {
			count = 1;
			text = slice_from(text, 1);
		}
		lines_end(&block, count);
	}
	lines_flush(&block);
}

/* The next line that begins as boundaries do; false when none follows. */
static bool
mime_dashes_next(struct slice *rest, struct slice *ret_line)
{
	while (mime_line_next(rest, ret_line)) {
		size_t empty = 0;

		if (ret_line->len >= 3 && ret_line->data[0] == '-' && ret_line->data[1] == '-')
			return true;
		while (empty < rest->len && rest->data[empty] == '\n')
			empty++;
		*rest = slice_from(*rest, empty);
	}
	return false;
}

/* Index of the innermost frame whose boundary this line is, or -1. */
static int
mime_boundary_match(const struct mime_reader *r, struct slice line, bool *ret_final)
{
	if (line.len < 3 || line.data[0] != '-' || line.data[1] != '-')
		return -1;
	line = slice_from(line, 2);
	for (size_t i = r->frame_count; i-- > 0;) {
		const struct mime_frame *frame = &r->frames[i];
		struct slice tail;

		if (frame->boundary_bytes == 0 || line.len < frame->boundary_bytes ||
		    memcmp(line.data, frame->boundary, frame->boundary_bytes) != 0)
			continue;
		tail = slice_trim(slice_from(line, frame->boundary_bytes));
		if (tail.len == 0 || slice_eq(tail, SLICE("--"))) {
			*ret_final = tail.len > 0;
			return (int)i;
		}
	}
	return -1;
}

/* --- header ---------------------------------------------------------------------------------- */

struct mime_header {
	size_t end;	   /* of the header */
	size_t body;	   /* where the body begins */
	bool empty_line;   /* stood between them */
	bool content;	   /* has a Content field */
	struct slice type; /* values; empty when absent */
	struct slice encoding;
	struct slice *growing; /* the one that continuation lines belong to */
};

/* Notes a line that is a field or the continuation of one; false when it is neither. */
static bool
mime_header_line(struct mime_header *h, struct slice line)
{
	struct slice name, value;

	if (line.len && (line.data[0] == ' ' || line.data[0] == '\t')) {
		if (h->growing)
			h->growing->len = (size_t)(line.data + line.len - h->growing->data);
		return slice_trim(line).len > 0;
	}
	h->growing = NULL;
	if (!mime_field_split(line, &name, &value))
		return false;
	if (!slice_starts_nocase(name, SLICE("content-")))
		return true;
	h->content = true;
	if (slice_eq_nocase(name, SLICE("content-type")) && !h->type.data)
		h->growing = &h->type;
	else if (slice_eq_nocase(name, SLICE("content-transfer-encoding")) && !h->encoding.data)
		h->growing = &h->encoding;
	if (h->growing)
		*h->growing = value;
	return true;
}

static bool
mime_is_field(struct slice rest)
{
	struct slice line, name, value;

	return mime_line_next(&rest, &line) && mime_field_split(line, &name, &value);
}

/* A message within may begin with empty lines, or with the line of an mbox. */
static void
mime_header_begin(struct mime_reader *r)
{
	size_t at = r->at;

	while (at < r->text.len && r->text.data[at] == '\n')
		at++;
	if (at > r->at && mime_is_field(slice_from(r->text, at)))
		r->at = at;
}

static void
mime_header_read(struct mime_reader *r, struct mime_header *h)
{
	struct slice rest = slice_from(r->text, r->at), line;
	bool final;

	*h = (struct mime_header){.end = r->text.len, .body = r->text.len};
	for (size_t at = r->at; mime_line_next(&rest, &line); at = r->text.len - rest.len) {
		if (line.len == 0) {
			h->end = at;
			h->body = at + 1;
			h->empty_line = true;
			return;
		}
		/* The LF before the boundary is its own (RFC 2046 5.1.1). */
		if (mime_boundary_match(r, line, &final) >= 0) {
			h->end = at > r->at ? at - 1 : at;
			h->body = at;
			return;
		}
		/* A line that is no field is forgiven when one follows. */
		if (!mime_header_line(h, line) && !mime_is_field(rest)) {
			h->end = at;
			h->body = at;
			return;
		}
	}
}

/* --- parts ----------------------------------------------------------------------------------- */

static uint8_t
mime_encoding_of(struct slice value)
{
	struct slice word = mime_param_subject(&value);

	if (slice_starts_nocase(word, SLICE("\"")))
		word = slice_from(word, 1);
	if (slice_starts_nocase(word, SLICE("quoted")))
		return MIME_QP;
	if (slice_starts_nocase(word, SLICE("base64")))
		return MIME_BASE64;
	if (word.len == 0 || slice_starts_nocase(word, SLICE("7")) ||
	    slice_starts_nocase(word, SLICE("8")) || slice_eq_nocase(word, SLICE("binary")))
		return MIME_PLAIN;
	return MIME_OTHER;
}

/* Sets what the part's type says; its boundary goes into *frame. */
static void
mime_part_type(struct mime_part *part, struct slice value, struct mime_frame *frame)
{
	struct mime_param param;
	struct builder boundary;

	builder_init_fixed(&boundary, frame->boundary, sizeof(frame->boundary));
	part->type = mime_param_subject(&value);
	while (mime_param_next(&value, &param)) {
		if (slice_eq_nocase(param.name, SLICE("boundary"))) {
			if (!param.first || boundary.len == 0)
				mime_param_value(&boundary, &param);
		} else if (!param.first) {
			continue;
		} else if (slice_eq_nocase(param.name, SLICE("charset")) && !part->charset.data) {
			part->charset = param.value;
		} else if (slice_eq_nocase(param.name, SLICE("report-type")) &&
			   !part->report_type.data) {
			part->report_type = param.value;
		}
	}
	/* Blanks at its end cannot be seen on a line (RFC 2046 5.1.1). */
	while (boundary.len &&
	       (boundary.data[boundary.len - 1] == ' ' || boundary.data[boundary.len - 1] == '\t'))
		boundary.len--;
	frame->boundary_bytes = boundary.failed ? 0 : boundary.len;
}

/* A multipart that names no boundary: the first line that looks like one, before a Content field.
 */
static void
mime_boundary_guess(struct slice body, struct mime_frame *frame)
{
	struct slice line;

	for (unsigned i = 0; i < MIME_GUESS_LINES && mime_line_next(&body, &line); i++) {
		line = slice_trim(line);
		if (line.len < 3 || line.len > 2 + sizeof(frame->boundary) ||
		    !slice_starts(line, SLICE("--")) ||
		    !slice_starts_nocase(body, SLICE("content-")) || !mime_is_field(body))
			continue;
		frame->boundary_bytes = line.len - 2;
		memcpy(frame->boundary, line.data + 2, frame->boundary_bytes);
		return;
	}
}

static bool
mime_is_message(const struct mime_part *part)
{
	static const char *const names[] = {
		"message/rfc822",	  "message/global", "text/rfc822-headers",
		"text/rfc822-header",	  "text/rfc822",    "message/global-headers",
		"message/rfc822-headers",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		/* An encoded one cannot be read in place, unless it only says so. */
		if (slice_eq_nocase(part->type, slice_str(names[i])))
			return part->encoding != MIME_BASE64 || mime_is_field(part->body);
	}
	return false;
}

/* The next part, or NULL when there are too many. */
static struct mime_part *
mime_part_add(struct mime_reader *r)
{
	struct mime *mime = r->mime;
	struct mime_part *part;

	if (mime->part_count == MIME_PARTS_MAX) {
		mime->cut = true;
		return NULL;
	}
	part = &mime->parts[mime->part_count++];
	*part = (struct mime_part){0};
	if (r->frame_count) {
		part->parent = r->frames[r->frame_count - 1].part;
		part->depth = (uint8_t)r->frame_count;
		mime->parts[part->parent].container = true;
	}
	return part;
}

/* Reads one header. True when the body is a message, whose header is read next. */
static bool
mime_part_begin(struct mime_reader *r)
{
	bool in_multipart = r->frame_count && r->frames[r->frame_count - 1].boundary_bytes;
	struct mime_part *part = mime_part_add(r);
	struct mime_frame frame = {0};
	struct mime_header h;
	bool message;

	r->leaf = part;
	if (!part)
		return false;
	if (!in_multipart)
		mime_header_begin(r);
	mime_header_read(r, &h);
	if (in_multipart && !h.empty_line && !h.content)
		h = (struct mime_header){.end = r->at, .body = r->at};
	part->header = slice_sub(r->text, r->at, h.end - r->at);
	part->body = slice_from(r->text, h.body);
	r->at = h.body;
	part->encoding = mime_encoding_of(h.encoding);
	mime_part_type(part, h.type, &frame);
	message = mime_is_message(part);
	if (message) {
		frame.boundary_bytes = 0;
	} else {
		if (!slice_starts_nocase(part->type, SLICE("multipart/")))
			return false;
		if (!frame.boundary_bytes)
			mime_boundary_guess(part->body, &frame);
		if (!frame.boundary_bytes)
			return false;
	}
	if (r->frame_count + 1 >= MIME_DEPTH_MAX) {
		r->mime->cut = true;
		return false;
	}
	frame.part = (uint8_t)(part - r->mime->parts);
	r->frames[r->frame_count++] = frame;
	r->leaf = NULL;
	return message;
}

/* The body of an open part ends before the byte at `end`. */
static void
mime_part_end(struct mime_reader *r, struct mime_part *part, size_t end)
{
	size_t begin;

	if (part->body.len == 0)
		return;
	begin = (size_t)(part->body.data - r->text.data);
	part->body.len = end > begin ? end - begin : 0;
}

/* Ends all that is open above the first `keep` frames. */
static void
mime_end_above(struct mime_reader *r, size_t keep, size_t end)
{
	if (r->leaf)
		mime_part_end(r, r->leaf, end);
	r->leaf = NULL;
	while (r->frame_count > keep)
		mime_part_end(r, &r->mime->parts[r->frames[--r->frame_count].part], end);
}

/* What is open at the message's end and lies in a multipart lacks a boundary. */
static void
mime_end(struct mime_reader *r)
{
	bool lacking = false;

	for (size_t i = 0; i < r->frame_count; i++) {
		const struct mime_frame *frame = &r->frames[i];

		lacking = lacking || (frame->boundary_bytes && !frame->closed);
		r->mime->parts[frame->part].open = lacking;
	}
	if (r->leaf)
		r->leaf->open = lacking;
	mime_end_above(r, 0, r->text.len);
}

void
mime_read(struct slice text, struct mime *ret_mime)
{
	struct mime_reader r = {.text = slice_sub(text, 0, MIME_MESSAGE_MAX), .mime = ret_mime};
	struct slice line, rest;

	ret_mime->part_count = 0;
	ret_mime->cut = text.len > MIME_MESSAGE_MAX;
	while (mime_part_begin(&r))
		;
	rest = slice_from(r.text, r.at);
	while (r.frame_count && mime_dashes_next(&rest, &line)) {
		size_t at = (size_t)(line.data - r.text.data);
		bool final = false;
		int frame = mime_boundary_match(&r, line, &final);

		if (frame < 0)
			continue;
		mime_end_above(&r, (size_t)frame + 1, at ? at - 1 : 0);
		r.frames[frame].closed = final;
		if (final)
			continue;
		r.at = r.text.len - rest.len;
		while (mime_part_begin(&r))
			;
		rest = slice_from(r.text, r.at);
	}
	mime_end(&r);
	ASSERT(ret_mime->part_count > 0);
}
