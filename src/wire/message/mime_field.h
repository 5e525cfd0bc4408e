/*
 * mime_field: one line of a header with LF lines, and the parameters of a structured field
 * (RFC 2045 5.1), read as leniently as mail programs write them.
 */
#ifndef WIRE_MESSAGE_MIME_FIELD_H
#define WIRE_MESSAGE_MIME_FIELD_H

#include "base/builder.h"

/* A field name is at most this long. */
#define MIME_FIELD_NAME_MAX 127

/* Takes the next line off *rest, without its LF. False when there is none. */
bool mime_line_next(struct slice *rest, struct slice *ret_line);

/* Whether the line begins a field; if so its name and what stands behind the colon. */
bool mime_field_split(struct slice line, struct slice *ret_name, struct slice *ret_value);

struct mime_param {
	struct slice name;  /* without the "*" and number of RFC 2231 */
	struct slice value; /* without quotes, escapes as written */
	bool quoted;
	bool extended; /* RFC 2231: percent-encoded; charset and language are taken off */
	bool first;    /* no continuation of the one before */
};

/* Takes the value itself, which stands before the first parameter, off *rest. */
struct slice mime_param_subject(struct slice *rest);
/* Takes the next parameter off *rest. False at the end. */
bool mime_param_next(struct slice *rest, struct mime_param *ret_param);
/* Appends the value with its escapes, percent-encoding and folds resolved. */
void mime_param_value(struct builder *b, const struct mime_param *param);

#endif
