/*
 * trace: the life of messages, read from journal files by descriptor. Queue never scans for a
 * person; control reads here, with its own descriptors, and keeps only what was asked for.
 */
#ifndef PROC_CONTROL_TRACE_H
#define PROC_CONTROL_TRACE_H

#include "base/list.h"
#include "rt/file.h"
#include "wire/spool/journal.h"

#define TRACE_MESSAGES_MAX 200 /* of one request */
#define TRACE_EVENTS_MAX 20000 /* of all of them */
/* Files that are dropped for their size may have had the acceptance of what still waits. */
#define TRACE_NO_MESSAGE                                                                           \
	"no such message in the journal (see trace-keep); `frank queue show ID` knows what waits"
#define TRACE_WINDOW_BYTES ((size_t)1 << 20)
#define TRACE_WINDOW_BYTES_MAX ((size_t)4 << 20) /* the largest record of a journal, and more */

struct trace_filter {
	msg_id id;		   /* 0: any */
	struct slice sender, rcpt; /* parts of addresses, any case; empty: any */
	int64_t since_wall_ms;
};

struct trace_event {
	struct list_node node;
	struct journal_record record; /* slices live in the arena */
};

struct trace_message {
	struct list_node node;
	struct spool_accept accept;
	struct list events;
	uint8_t *states;    /* enum trace_state per recipient */
	uint16_t *attempts; /* per recipient */
};

/* Where a recipient stands, from its events. */
enum trace_state {
	TRACE_WAITING,
	TRACE_DELIVERED,
	TRACE_RELAYED,
	TRACE_REPORTING, /* failed; the report is being made */
	TRACE_FAILED,	 /* failed; reported, or nobody is to be told */
	TRACE_EXPIRED,
	TRACE_DELETED,
	TRACE_STATE_MAX
};
const char *trace_state_str(unsigned state);

struct trace {
	struct rt *rt;
	struct arena *arena;
	struct trace_filter filter;
	struct list messages; /* reports right behind the first that they are about, by time */
	size_t message_count, event_count;
	bool cut; /* a limit was reached */
};

void trace_init(struct trace *trace, struct rt *rt, struct arena *arena,
		const struct trace_filter *filter);
/* One journal file, oldest first. Damage is skipped; only reading errors are answered. */
int trace_read(struct trace *trace, int fd) MUST_USE;
struct trace_message *trace_find(const struct trace *trace, msg_id id);

#endif
