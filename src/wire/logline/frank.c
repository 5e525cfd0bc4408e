/*
 * frank: a line of our own log, "TIME LEVEL PROCESS smtpout_result message=ID ... key=value":
 * values as clean_quote writes them (wire/text/clean.h). The outcome of an attempt tells its
 * verdict.
 */
#include "wire/logline/part.h"

#define WORDS_BEFORE_EVENT_MAX 4

/* The value at the start of *rest, which moves behind it. Quotes still have their escapes. */
static struct slice
value_take(struct slice *rest)
{
	struct slice value;
	size_t end = 1;

	if (!rest->len || rest->data[0] != '"')
		return slice_cut(rest, ' ');
	while (end < rest->len && rest->data[end] != '"')
		end += rest->data[end] == '\\' ? 2 : 1;
	value = slice_sub(*rest, 0, end + 1);
	*rest = slice_from(*rest, end + 1);
	slice_cut(rest, ' ');
	return value;
}

/* The reply without its quotes; \n is a line end, \" and \\ stand for themselves. */
static void
reply_set(struct logline *l, struct slice value)
{
	size_t len = 0;

	if (value.len >= 2 && value.data[0] == '"')
		value = slice_sub(value, 1, value.len - 2);
	for (size_t i = 0; i < value.len && len < LOGLINE_REPLY_MAX; i++) {
		uint8_t c = value.data[i];

		if (c == '\\' && i + 1 < value.len) {
			uint8_t next = value.data[i + 1];
			bool plain = next == '"' || next == '\\';

			if (plain || next == 'n' || next == 'r' || next == 't') {
				c = plain ? next : next == 'n' ? '\n' : ' ';
				i++;
			}
		}
		l->reply[len++] = c;
	}
	l->reply_len = len;
}

static void
key_set(struct logline *l, struct slice key, struct slice value)
{
	if (slice_eq(key, SLICE("message")))
		l->queue_id = value;
	else if (slice_eq(key, SLICE("host")))
		l->remote_host = value;
	else if (slice_eq(key, SLICE("addr")))
		l->remote_ip = value;
	else if (slice_eq(key, SLICE("status")))
		l->status = part_status(value);
	else if (slice_eq(key, SLICE("code")))
		l->code = part_code(value);
	else if (slice_eq(key, SLICE("reply")))
		reply_set(l, value);
	else if (slice_eq(key, SLICE("stage")))
		for (unsigned stage = 0; stage < VERDICT_STAGE_MAX; stage++)
			if (slice_eq(value, slice_str(verdict_stage_str(stage))))
				l->stage = (uint8_t)stage;
	if (slice_eq(key, SLICE("class")))
		l->action = slice_eq(value, SLICE("never"))   ? LOGLINE_BOUNCED
			    : slice_eq(value, SLICE("later")) ? LOGLINE_DEFERRED
							      : LOGLINE_SENT;
}

bool
frank_read(struct slice line, struct logline *l)
{
	struct slice rest = line, tag = SLICE_EMPTY;
	bool found = false;

	for (unsigned i = 0; i < WORDS_BEFORE_EVENT_MAX && !found; i++) {
		tag = part_word(&rest);
		found = slice_eq(tag, SLICE("smtpout_result"));
	}
	if (!found)
		return false;
	l->tag = tag;
	while (rest.len) {
		size_t equals = slice_index(rest, '=');
		struct slice key = slice_sub(rest, 0, equals);

		rest = slice_from(rest, equals + 1);
		key_set(l, key, value_take(&rest));
	}
	return true;
}
