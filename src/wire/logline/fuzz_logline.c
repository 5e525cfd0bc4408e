/*
 * Fuzz target for logline: any line, with any header before it, gives facts that lie inside the
 * line; what is no log line has none; and a line end more changes nothing.
 */
#include <string.h>

#include "base/fuzz.h"
#include "wire/logline/logline.h"

static void
check_inside(struct slice line, struct slice part)
{
	if (part.len)
		ASSERT(part.data >= line.data && part.data + part.len <= line.data + line.len);
}

static void
check(struct slice line, const struct logline *l)
{
	ASSERT(l->program < LOGLINE_PROGRAM_MAX && l->action < LOGLINE_ACTION_MAX);
	ASSERT(l->stage <= VERDICT_STAGE_MAX && l->reply_len <= LOGLINE_REPLY_MAX);
	ASSERT(l->code == 0 || (l->code >= 200 && l->code <= 599));
	ASSERT(l->status.class == 0 || l->status.class == 2 || l->status.class == 4 ||
	       l->status.class == 5);
	check_inside(line, l->queue_id);
	check_inside(line, l->recipient);
	check_inside(line, l->sender);
	check_inside(line, l->remote_host);
	check_inside(line, l->remote_ip);
	check_inside(line, l->stage_words);
	check_inside(line, l->tag);
	if (l->program == LOGLINE_UNKNOWN)
		ASSERT(!l->action && !l->reply_len && !l->recipient.len && !l->sender.len);
}

FUZZ(input)
{
	static struct logline first, second;
	static uint8_t longer[LOGLINE_MAX + 2];
	struct slice line = input, fields = SLICE_EMPTY;

	if (slice_starts(input, SLICE("#Fields:")))
		fields = slice_cut(&line, '\n');
	logline_read(line, fields, &first);
	check(line, &first);
	if (!line.len || line.len > LOGLINE_MAX)
		return;
	memcpy(longer, line.data, line.len);
	memcpy(longer + line.len, "\r\n", 2);
	logline_read(slice_of(longer, line.len + 2), fields, &second);
	check(slice_of(longer, line.len + 2), &second);
	ASSERT(first.program == second.program && first.action == second.action);
	ASSERT(first.stage == second.stage && first.code == second.code);
	ASSERT(slice_eq(first.recipient, second.recipient));
	ASSERT(slice_eq(logline_reply(&first), logline_reply(&second)));
}
