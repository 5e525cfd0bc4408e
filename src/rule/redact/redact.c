/*
 * redact: the parts of the mail are written anew, one after another, as a mail of the same
 * structure with boundaries of our own. Texts are decoded; a report for machines is treated field
 * by field; of a returned message the header alone is shown; anything else is left out.
 */
#include "rule/redact/redact.h"

#include <string.h>

#include "base/assert.h"
#include "rule/redact/redact_impl.h"
#include "wire/message/mime.h"

#define TYPE_MAX 64
#define SCRATCH_BYTES (4 * REDACT_MAIL_MAX)
#define MARK_CUT "\n[the rest was left out]\n"

struct writer {
	struct redact *r;
	const struct mime *mime;
	uint8_t *scratch; /* SCRATCH_BYTES */
	size_t open_count;
	uint8_t open[MIME_DEPTH_MAX + 1]; /* multiparts whose end is to be written */
};

/* --- types ------------------------------------------------------------------------------------ */

static bool
is_type(const struct mime_part *part, struct slice prefix)
{
	return slice_starts_nocase(part->type, prefix);
}

/* Fields for machines. */
static bool
is_status(const struct mime_part *part)
{
	return is_type(part, SLICE("message/")) &&
	       (slice_ends_nocase(part->type, SLICE("delivery-status")) ||
		slice_ends_nocase(part->type, SLICE("feedback-report")) ||
		slice_ends_nocase(part->type, SLICE("disposition-notification")));
}

/* As it is when it has only what a type may have; else another one. */
static void
type_build(struct builder *b, struct slice type, const char *otherwise)
{
	for (size_t i = 0; i < type.len; i++) {
		uint8_t byte = type.data[i];

		if (!ascii_is_alpha(byte) && !ascii_is_digit(byte) && !memchr("/-+._", byte, 5))
			type = SLICE_EMPTY;
	}
	if (type.len == 0 || type.len > TYPE_MAX)
		builder_str(b, otherwise);
	else
		builder_lower(b, type);
}

/* --- structure -------------------------------------------------------------------------------- */

static void
boundary_build(struct writer *w, size_t part)
{
	builder_str(&w->r->out, "redacted-");
	builder_dec(&w->r->out, part);
}

/* Ends the multiparts that do not hold the part, and begins it in the one that does. */
static void
part_begin(struct writer *w, size_t part)
{
	while (w->open_count && w->open[w->open_count - 1] != w->mime->parts[part].parent) {
		builder_str(&w->r->out, "\n--");
		boundary_build(w, w->open[--w->open_count]);
		builder_str(&w->r->out, "--\n");
	}
	if (!w->open_count || part == 0)
		return;
	builder_str(&w->r->out, "\n--");
	boundary_build(w, w->open[w->open_count - 1]);
	builder_byte(&w->r->out, '\n');
}

static void
parts_end(struct writer *w)
{
	while (w->open_count) {
		builder_str(&w->r->out, "\n--");
		boundary_build(w, w->open[--w->open_count]);
		builder_str(&w->r->out, "--\n");
	}
}

static void
left_out_build(struct redact *r, size_t count)
{
	if (!count)
		return;
	builder_str(&r->out, "X-Left-Out: ");
	builder_dec(&r->out, count);
	builder_str(&r->out, " fields\n");
}

/* --- bodies ----------------------------------------------------------------------------------- */

static void
multipart_build(struct writer *w, size_t index)
{
	const struct mime_part *part = &w->mime->parts[index];
	struct builder *out = &w->r->out;

	builder_str(out, "Content-Type: ");
	type_build(out, part->type, "multipart/mixed");
	if (part->report_type.len) {
		builder_str(out, "; report-type=");
		type_build(out, part->report_type, "unknown");
	}
	builder_str(out, "; boundary=\"");
	boundary_build(w, index);
	builder_str(out, "\"\n");
	ASSERT(w->open_count <= MIME_DEPTH_MAX);
	w->open[w->open_count++] = (uint8_t)index;
}

static void
status_build(struct writer *w, const struct mime_part *part)
{
	struct slice rest;
	struct builder text;

	builder_str(&w->r->out, "Content-Type: ");
	type_build(&w->r->out, part->type, "message/delivery-status");
	builder_str(&w->r->out, "\n\n");
	builder_init_fixed(&text, w->scratch, SCRATCH_BYTES);
	mime_decode(&text, part);
	for (rest = builder_slice(&text); rest.len;) {
		size_t end = slice_find(rest, SLICE("\n\n"));

		redact_fields(w->r, slice_sub(rest, 0, end), REDACT_PLACE_STATUS);
		rest = slice_from(rest, end + 2);
		if (rest.len)
			builder_byte(&w->r->out, '\n');
	}
}

static void
text_build(struct writer *w, const struct mime_part *part)
{
	struct builder text;

	builder_str(&w->r->out, "Content-Type: text/plain; charset=utf-8\n"
				"Content-Transfer-Encoding: 8bit\n\n");
	builder_init_fixed(&text, w->scratch, SCRATCH_BYTES);
	mime_text(&text, part, w->r->hook);
	redact_body(w->r, builder_slice(&text));
}

static void
other_build(struct writer *w, const struct mime_part *part)
{
	builder_str(&w->r->out, "Content-Type: text/plain\n\n[a part of type ");
	type_build(&w->r->out, part->type, "unknown");
	builder_str(&w->r->out, " was left out]\n");
}

static void
message_build(struct writer *w, const struct mime_part *part)
{
	builder_str(&w->r->out, "Content-Type: ");
	type_build(&w->r->out, part->type, "message/rfc822");
	builder_str(&w->r->out, "\n\n");
}

/* --- parts ------------------------------------------------------------------------------------ */

static bool
is_message(const struct mime_part *part)
{
	return part->container && !is_type(part, SLICE("multipart/"));
}

/* The message within a message: a report that somebody has forwarded is read as the mail is; of any
 * other, and of what a report returns, the header is enough. */
static bool
is_returned(const struct mime *mime, size_t index)
{
	const struct mime_part *part = &mime->parts[index];

	return index > 0 && is_message(&mime->parts[part->parent]) &&
	       (!is_type(part, SLICE("multipart/report")) ||
		is_type(&mime->parts[0], SLICE("multipart/report")));
}

static void
body_build(struct writer *w, size_t index)
{
	const struct mime_part *part = &w->mime->parts[index];

	if (is_message(part))
		message_build(w, part);
	else if (part->container)
		multipart_build(w, index);
	else if (is_status(part))
		status_build(w, part);
	else if ((!part->type.len || is_type(part, SLICE("text")) ||
		  is_type(part, SLICE("multipart/"))) &&
		 part->encoding != MIME_OTHER)
		text_build(w, part);
	else
		other_build(w, part);
}

/* Answers the index of the part that is next. */
static size_t
part_build(struct writer *w, size_t index)
{
	const struct mime_part *part = &w->mime->parts[index];
	bool inside = index > 0 && !is_message(&w->mime->parts[part->parent]);
	size_t next = index + 1;

	if (is_returned(w->mime, index)) {
		left_out_build(w->r, redact_fields(w->r, part->header, REDACT_PLACE_RETURNED));
		builder_str(&w->r->out, "\n[the body of the returned message was left out]\n");
		while (next < w->mime->part_count && w->mime->parts[next].depth > part->depth)
			next++;
		return next;
	}
	if (inside)
		part_begin(w, index);
	if (inside)
		redact_fields(w->r, part->header, REDACT_PLACE_PART);
	else
		left_out_build(w->r, redact_fields(w->r, part->header, REDACT_PLACE_MAIL));
	body_build(w, index);
	return next;
}

static void
mail_build(struct writer *w, bool cut)
{
	builder_str(&w->r->out,
		    "X-Redacted: addresses, ids and names are replaced, what was returned "
		    "is left out\n");
	for (size_t i = 0; i < w->mime->part_count;)
		i = part_build(w, i);
	parts_end(w);
	if (cut || w->mime->cut)
		builder_str(&w->r->out, MARK_CUT);
}

int
redact_mail(struct slice mail, const struct charset_hook *hook, struct arena *arena,
	    struct slice *ret_text)
{
	struct redact *r = ARENA_NEW(arena, struct redact);
	struct mime *mime = ARENA_NEW(arena, struct mime);
	uint8_t *lines = arena_alloc(arena, REDACT_MAIL_MAX);
	uint8_t *out = arena_alloc(arena, REDACT_TEXT_MAX + sizeof(MARK_CUT));
	struct writer w = {.r = r, .mime = mime, .scratch = arena_alloc(arena, SCRATCH_BYTES)};
	struct builder text;

	if (!r || !mime || !lines || !out || !w.scratch)
		return ERR_NO_MEMORY;
	r->arena = arena;
	r->hook = hook;
	builder_init_fixed(&text, lines, REDACT_MAIL_MAX);
	mime_lines(&text, slice_sub(mail, 0, REDACT_MAIL_MAX));
	mime_read(builder_slice(&text), mime);
	for (unsigned pass = 0; pass < 2; pass++) {
		builder_init_fixed(&r->out, out, REDACT_TEXT_MAX);
		w.open_count = 0;
		mail_build(&w, mail.len > REDACT_MAIL_MAX);
	}
	if (arena->failed)
		return ERR_NO_MEMORY;
	if (r->out.failed) {
		r->out.failed = false;
		r->out.max = r->out.cap = REDACT_TEXT_MAX + sizeof(MARK_CUT);
		builder_str(&r->out, MARK_CUT);
	}
	*ret_text = builder_slice(&r->out);
	return 0;
}
