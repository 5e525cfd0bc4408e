/*
 * trace: runs over journal files with a window and keeps the events of messages that fit the
 * filter, and of the reports about them. A message's ACCEPTED comes before all else about it, so
 * one pass suffices.
 */
#include "proc/control/trace.h"

#include <string.h>

#include "wire/spool/frame.h"

static const char *const state_words[TRACE_STATE_MAX] = {
	"waiting", "delivered", "relayed", "reporting", "failed", "expired", "deleted",
};

const char *
trace_state_str(unsigned state)
{
	return state < TRACE_STATE_MAX ? state_words[state] : "?";
}

void
trace_init(struct trace *trace, struct rt *rt, struct arena *arena,
	   const struct trace_filter *filter)
{
	*trace = (struct trace){.rt = rt, .arena = arena, .filter = *filter};
	list_init(&trace->messages);
}

struct trace_message *
trace_find(const struct trace *trace, msg_id id)
{
	for (struct list_node *node = list_first(&trace->messages); node;
	     node = list_next(&trace->messages, node)) {
		struct trace_message *message = CONTAINER_OF(node, struct trace_message, node);

		if (message->accept.id == id)
			return message;
	}
	return NULL;
}

static bool
has_part(struct slice text, struct slice part)
{
	return part.len == 0 || slice_find_nocase(text, part) < text.len;
}

static bool
accept_wanted(const struct trace *trace, const struct spool_accept *accept)
{
	const struct trace_filter *filter = &trace->filter;
	bool rcpt = filter->rcpt.len == 0;

	if (accept->report_of && trace_find(trace, accept->report_of))
		return true;
	if (filter->id)
		return accept->id == filter->id;
	for (uint32_t i = 0; i < accept->rcpt_count && !rcpt; i++)
		rcpt = has_part(accept->rcpts[i].address, filter->rcpt);
	return rcpt && has_part(accept->sender, filter->sender) &&
	       accept->accepted_wall_ms >= filter->since_wall_ms;
}

static void
message_add(struct trace *trace, const struct journal_record *record)
{
	struct trace_message *message;
	struct spool_accept accept;

	if (trace_find(trace, record->id) || trace->message_count == TRACE_MESSAGES_MAX) {
		trace->cut |= trace->message_count == TRACE_MESSAGES_MAX;
		return;
	}
	message = ARENA_NEW(trace->arena, struct trace_message);
	if (!message ||
	    spool_meta_decode(trace->arena, arena_keep(trace->arena, record->u.accepted.meta),
			      record->id, &accept)) {
		trace->cut = true;
		return;
	}
	message->accept = accept;
	message->states = arena_alloc(trace->arena, accept.rcpt_count);
	message->attempts = arena_alloc(trace->arena, accept.rcpt_count * sizeof(uint16_t));
	if (!message->states || !message->attempts)
		return;
	list_init(&message->events);
	list_push_back(&trace->messages, &message->node);
	trace->message_count++;
}

/* Cheap: most messages are not wanted, and a decode of the envelope in a scratch arena tells. */
static void
accepted_take(struct trace *trace, const struct journal_record *record)
{
	struct spool_accept accept;
	struct arena scratch;

	if (trace->filter.id && record->id != trace->filter.id && trace->message_count == 0)
		return;
	arena_init(&scratch, trace->arena->mem, TRACE_WINDOW_BYTES_MAX);
	if (spool_meta_decode(&scratch, record->u.accepted.meta, record->id, &accept) == 0 &&
	    accept_wanted(trace, &accept))
		message_add(trace, record);
	arena_finish(&scratch);
}

/* What a RESULT makes of a recipient; failed and expired owe a report first. */
static const uint8_t state_of_result[JOURNAL_STATE_MAX] = {
	[JOURNAL_WAITING] = TRACE_WAITING,  [JOURNAL_DELIVERED] = TRACE_DELIVERED,
	[JOURNAL_FAILED] = TRACE_REPORTING, [JOURNAL_EXPIRED] = TRACE_REPORTING,
	[JOURNAL_DELETED] = TRACE_DELETED,  [JOURNAL_SILENT] = TRACE_FAILED,
};

static void
result_apply(struct trace_message *message, const struct journal_result *result)
{
	for (size_t i = 0; i < result->rcpts.count; i++) {
		uint16_t rcpt = journal_rcpt_at(result->rcpts, i);

		if (rcpt >= message->accept.rcpt_count)
			continue;
		message->states[rcpt] = state_of_result[result->state % JOURNAL_STATE_MAX];
		if (message->states[rcpt] == TRACE_DELIVERED &&
		    message->accept.rcpts[rcpt].kind == SPOOL_RCPT_REMOTE)
			message->states[rcpt] = TRACE_RELAYED;
		message->attempts[rcpt] = result->attempt;
	}
}

static void
report_apply(struct trace_message *message, const struct journal_report *report)
{
	for (size_t i = 0; i < report->rcpts.count; i++) {
		uint16_t rcpt = journal_rcpt_at(report->rcpts, i);

		if (rcpt < message->accept.rcpt_count && message->states[rcpt] == TRACE_REPORTING)
			message->states[rcpt] = TRACE_FAILED;
	}
}

static void
event_keep(struct trace *trace, struct trace_message *message, struct slice meta,
	   const struct spool_head *head)
{
	struct trace_event *event = ARENA_NEW(trace->arena, struct trace_event);
	struct slice kept = arena_keep(trace->arena, meta);

	if (!event || trace->event_count == TRACE_EVENTS_MAX ||
	    journal_decode(head, kept, &event->record)) {
		trace->cut = true;
		return;
	}
	trace->event_count++;
	list_push_back(&message->events, &event->node);
	if (event->record.kind == JOURNAL_RESULT)
		result_apply(message, &event->record.u.result);
	else if (event->record.kind == JOURNAL_REPORT_MADE)
		report_apply(message, &event->record.u.report);
}

static void
record_take(struct trace *trace, const struct spool_found *found)
{
	struct slice meta = spool_record_meta(found);
	struct journal_record record;
	struct trace_message *message;

	if (!found->head.id || journal_decode(&found->head, meta, &record))
		return;
	if (record.kind == JOURNAL_ACCEPTED) {
		accepted_take(trace, &record);
		return;
	}
	if (record.kind == JOURNAL_PLACED ||
	    (record.kind == JOURNAL_RESULT && (record.u.result.flags & JOURNAL_CARRIED)))
		return; /* housekeeping, not life */
	message = trace_find(trace, record.id);
	if (message)
		event_keep(trace, message, meta, &found->head);
}

struct window {
	uint8_t *bytes;
	size_t len;
	uint64_t offset; /* in the file, of what comes behind len */
	bool last;
};

static int
window_fill(struct trace *trace, int fd, struct window *w)
{
	while (w->len < TRACE_WINDOW_BYTES_MAX && !w->last) {
		ssize_t got = rt_pread(trace->rt, fd, w->bytes + w->len,
				       TRACE_WINDOW_BYTES_MAX - w->len, w->offset);

		if (got < 0)
			return (int)got;
		w->last = got == 0;
		w->len += (size_t)got;
		w->offset += (uint64_t)got;
	}
	return 0;
}

/* Takes all records out of the window and moves the rest to its front; true when there may be
 * more. */
static bool
window_take(struct trace *trace, struct window *w, uint64_t secret)
{
	struct spool_found found;
	size_t at = 0;

	while (spool_scan(slice_of(w->bytes + at, w->len - at), secret, w->last, &found) > 0) {
		record_take(trace, &found);
		at += found.skipped + found.head.length;
	}
	at += found.skipped;
	memmove(w->bytes, w->bytes + at, w->len - at);
	w->len -= at;
	return !w->last && w->len < TRACE_WINDOW_BYTES_MAX;
}

int
trace_read(struct trace *trace, int fd)
{
	uint8_t head_bytes[SPOOL_FILE_HEAD_BYTES];
	struct window w = {.offset = SPOOL_FILE_HEAD_BYTES};
	struct spool_file_head head;
	ssize_t got = rt_pread(trace->rt, fd, head_bytes, sizeof(head_bytes), 0);
	int err = 0;

	if (got < 0)
		return (int)got;
	if (spool_file_head_decode(slice_of(head_bytes, (size_t)got), &head))
		return 0; /* not begun, or damaged: queue reports it */
	w.bytes = mem_take(trace->arena->mem, TRACE_WINDOW_BYTES_MAX);
	if (!w.bytes)
		return ERR_NO_MEMORY;
	do {
		err = window_fill(trace, fd, &w);
	} while (!err && window_take(trace, &w, head.secret));
	mem_give(trace->arena->mem, w.bytes, TRACE_WINDOW_BYTES_MAX);
	return err;
}
