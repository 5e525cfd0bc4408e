/*
 * json: one function puts comma and key (value_begin); the rest follows.
 */
#include "wire/text/json.h"

#include "base/assert.h"
#include "wire/text/utf8.h"

void
json_init(struct json_writer *w, struct builder *b)
{
	*w = (struct json_writer){.b = b};
}

static void
escape_byte(struct builder *b, uint8_t byte)
{
	static const char names[] = "btnvfr"; /* from 8; \v has no short form in JSON */

	builder_byte(b, '\\');
	if (byte == '"' || byte == '\\') {
		builder_byte(b, byte);
	} else if (byte >= 8 && byte <= 13 && byte != 11) {
		builder_byte(b, (uint8_t)names[byte - 8]);
	} else {
		builder_str(b, "u00");
		builder_hex(b, slice_of(&byte, 1));
	}
}

static void
string_write(struct builder *b, struct slice s)
{
	builder_byte(b, '"');
	while (s.len) {
		struct slice rest = s;
		uint32_t code;

		if (!utf8_next(&rest, &code))
			builder_str(b, "\xef\xbf\xbd");
		else if (code < 0x20 || code == '"' || code == '\\' || code == 0x7f)
			escape_byte(b, s.data[0]);
		else
			builder_add(b, slice_sub(s, 0, s.len - rest.len));
		s = rest;
	}
	builder_byte(b, '"');
}

static void
value_begin(struct json_writer *w, const char *key)
{
	uint32_t bit = 1u << w->depth;

	if (w->filled & bit)
		builder_byte(w->b, ',');
	w->filled |= bit;
	if (key) {
		string_write(w->b, slice_str(key));
		builder_byte(w->b, ':');
	}
}

static void
nest(struct json_writer *w, const char *key, uint8_t bracket)
{
	value_begin(w, key);
	ASSERT(w->depth + 1 < JSON_DEPTH_MAX);
	builder_byte(w->b, bracket);
	w->filled &= ~(1u << ++w->depth);
}

static void
unnest(struct json_writer *w, uint8_t bracket)
{
	ASSERT(w->depth > 0);
	w->depth--;
	builder_byte(w->b, bracket);
}

void
json_object_begin(struct json_writer *w, const char *key)
{
	nest(w, key, '{');
}

void
json_object_end(struct json_writer *w)
{
	unnest(w, '}');
}

void
json_array_begin(struct json_writer *w, const char *key)
{
	nest(w, key, '[');
}

void
json_array_end(struct json_writer *w)
{
	unnest(w, ']');
}

void
json_text(struct json_writer *w, const char *key, struct slice value)
{
	value_begin(w, key);
	string_write(w->b, value);
}

void
json_number(struct json_writer *w, const char *key, int64_t value)
{
	value_begin(w, key);
	builder_dec_signed(w->b, value);
}

void
json_flag(struct json_writer *w, const char *key, bool value)
{
	value_begin(w, key);
	builder_str(w->b, value ? "true" : "false");
}

void
json_null(struct json_writer *w, const char *key)
{
	value_begin(w, key);
	builder_str(w->b, "null");
}
