/*
 * Fuzz target for mime: parts lie within their parents and in order; the line ends do not matter;
 * a text is UTF-8 and within its room, and a small room gives no more than a large one.
 */
#include "base/fuzz.h"
#include "wire/message/html.h"
#include "wire/message/mime.h"
#include "wire/text/utf8.h"

#define INPUT_MAX ((size_t)16384)

static bool
is_within(struct slice inner, struct slice outer)
{
	return inner.len == 0 ||
	       (inner.data >= outer.data && inner.data + inner.len <= outer.data + outer.len);
}

static void
check_parts(const struct mime *mime, struct slice text)
{
	ASSERT(mime->part_count > 0 && mime->part_count <= MIME_PARTS_MAX);
	for (size_t i = 0; i < mime->part_count; i++) {
		const struct mime_part *part = &mime->parts[i];
		const struct mime_part *parent = &mime->parts[part->parent];

		ASSERT(part->depth < MIME_DEPTH_MAX && part->encoding <= MIME_OTHER);
		ASSERT(is_within(part->header, text) && is_within(part->body, text));
		ASSERT(is_within(part->type, part->header));
		ASSERT(is_within(part->charset, part->header));
		ASSERT(is_within(part->report_type, part->header));
		if (i == 0) {
			ASSERT(part->depth == 0 && part->parent == 0);
			continue;
		}
		ASSERT(part->parent < i && parent->container && part->depth == parent->depth + 1);
		ASSERT(is_within(part->header, parent->body));
		ASSERT(is_within(part->body, parent->body));
	}
}

static void
check_text(const struct mime_part *part, size_t small)
{
	static uint8_t large_room[MIME_TEXT_ROOM(INPUT_MAX)], small_room[4096];
	struct builder b, s;
	struct slice rest;
	uint32_t code;

	builder_init_fixed(&b, large_room, sizeof(large_room));
	mime_decode(&b, part);
	ASSERT(!b.failed && b.len <= part->body.len);
	/* Exactly what is promised to suffice. */
	builder_init_fixed(&b, large_room, MIME_TEXT_ROOM(part->body.len));
	mime_text(&b, part, NULL);
	ASSERT(!b.failed);
	for (rest = builder_slice(&b); rest.len;)
		ASSERT(utf8_next(&rest, &code));
	builder_init_fixed(&s, small_room, small % sizeof(small_room));
	mime_text(&s, part, NULL);
	ASSERT(s.failed || slice_eq(builder_slice(&s), builder_slice(&b)));
}

static void
check_header(struct slice header)
{
	static uint8_t room[CHARSET_GROWTH * INPUT_MAX];
	struct slice rest = header, name, value, found;
	struct builder b;

	while (mime_field_next(&rest, &name, &value)) {
		ASSERT(name.len > 0 && is_within(value, header));
		ASSERT(mime_header_find(header, name, &found));
		ASSERT(found.data <= value.data);
		builder_init_fixed(&b, room, sizeof(room));
		mime_header_text(&b, value, NULL);
		ASSERT(!b.failed && b.len <= CHARSET_GROWTH * value.len);
	}
}

FUZZ(input)
{
	static uint8_t text[INPUT_MAX], again[INPUT_MAX];
	static struct mime mime;
	struct builder b, a;

	input = slice_sub(input, 0, INPUT_MAX);
	builder_init_fixed(&b, text, sizeof(text));
	mime_lines(&b, input);
	ASSERT(!b.failed && b.len <= input.len);
	ASSERT(slice_index(builder_slice(&b), '\r') == b.len);
	builder_init_fixed(&a, again, sizeof(again));
	mime_lines(&a, builder_slice(&b));
	ASSERT(slice_eq(builder_slice(&a), builder_slice(&b)));
	mime_read(builder_slice(&b), &mime);
	check_parts(&mime, builder_slice(&b));
	for (size_t i = 0; i < mime.part_count; i++) {
		check_text(&mime.parts[i], input.len ? input.data[0] * (i + 1) : 0);
		if (i < 4) /* quadratic, as it looks every field up */
			check_header(slice_sub(mime.parts[i].header, 0, 1024));
	}
}
