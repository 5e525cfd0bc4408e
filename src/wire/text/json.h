/*
 * json: writes one JSON document into a builder, with the commas in the right places (RFC 8259).
 * Keys are NULL inside arrays and at the top. Text that is not UTF-8 has its bad bytes replaced by
 * U+FFFD; control characters and all that hides or reorders text are escaped, so that a document is
 * safe to print. Reading JSON is jansson's work (json/).
 */
#ifndef WIRE_TEXT_JSON_H
#define WIRE_TEXT_JSON_H

#include "base/builder.h"

#define JSON_DEPTH_MAX 32

struct json_writer {
	struct builder *b;
	uint32_t filled; /* bit per depth: something stands there already */
	unsigned depth;
};

void json_init(struct json_writer *w, struct builder *b);
void json_object_begin(struct json_writer *w, const char *key);
void json_object_end(struct json_writer *w);
void json_array_begin(struct json_writer *w, const char *key);
void json_array_end(struct json_writer *w);
void json_text(struct json_writer *w, const char *key, struct slice value);
void json_number(struct json_writer *w, const char *key, int64_t value);
/* 95 is 0.95. */
void json_hundredths(struct json_writer *w, const char *key, unsigned value);
void json_flag(struct json_writer *w, const char *key, bool value);
void json_null(struct json_writer *w, const char *key);

#endif
