/*
 * json: one function puts comma and key (value_begin); the rest follows.
 */
#include "wire/text/json.h"

#include "base/assert.h"
#include "wire/text/clean.h"
#include "wire/text/utf8.h"

void
json_init(struct json_writer *w, struct builder *b)
{
	*w = (struct json_writer){.b = b};
}

static void
escape_unit(struct builder *b, uint32_t unit)
{
	const uint8_t bytes[] = {(uint8_t)(unit >> 8), (uint8_t)unit};

	builder_str(b, "\\u");
	builder_hex(b, slice_of(bytes, sizeof(bytes)));
}

static void
escape_code(struct builder *b, uint32_t code)
{
	static const char names[] = "btnvfr"; /* from 8; \v has no short form in JSON */

	if (code == '"' || code == '\\') {
		builder_byte(b, '\\');
		builder_byte(b, (uint8_t)code);
	} else if (code >= 8 && code <= 13 && code != 11) {
		builder_byte(b, '\\');
		builder_byte(b, (uint8_t)names[code - 8]);
	} else if (code < 0x10000) {
		escape_unit(b, code);
	} else {
		escape_unit(b, 0xd800 + ((code - 0x10000) >> 10));
		escape_unit(b, 0xdc00 + (code & 0x3ff));
	}
}

/* Bytes that stand for themselves, which nearly all do. */
static size_t
plain_run(struct slice s)
{
	size_t len = 0;

	while (len < s.len && s.data[len] >= ' ' && s.data[len] < 0x7f && s.data[len] != '"' &&
	       s.data[len] != '\\')
		len++;
	return len;
}

static void
string_write(struct builder *b, struct slice s)
{
	builder_byte(b, '"');
	for (size_t run = plain_run(s); s.len; run = plain_run(s)) {
		struct slice rest = s;
		uint32_t code;

		if (run) {
			builder_add(b, slice_sub(s, 0, run));
			s = slice_from(s, run);
			continue;
		}
		if (!utf8_next(&rest, &code))
			builder_str(b, "\xef\xbf\xbd");
		else if (code == '"' || code == '\\' || !clean_code_is_plain(code))
			escape_code(b, code);
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
json_hundredths(struct json_writer *w, const char *key, unsigned value)
{
	value_begin(w, key);
	builder_dec(w->b, value / 100);
	builder_byte(w->b, '.');
	builder_byte(w->b, (uint8_t)('0' + value / 10 % 10));
	builder_byte(w->b, (uint8_t)('0' + value % 10));
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
