/*
 * bounce/report: one report from queue's order to its place in the segment. Ends with one answer to
 * queue, always, unless that queue is gone.
 */
#ifndef PROC_BOUNCE_REPORT_H
#define PROC_BOUNCE_REPORT_H

#include "proc/bounce/bounce.h"
#include "wire/dsn/dsn.h"

enum report_state {
	REPORT_GATHERING, /* queue names recipients */
	REPORT_ASKING,	  /* the directory is asked about who gets it */
	REPORT_COMMITTING,
};

/* Answers of REPORT_DONE. */
enum report_outcome {
	REPORT_OUTCOME_DURABLE,
	REPORT_OUTCOME_LATER,
	REPORT_OUTCOME_NONE,
};

/* Who gets it: the sender, and where it is configured a copy. */
#define REPORT_READERS_MAX 2

struct report_reader {
	struct slice address; /* as it goes into the envelope */
	struct slice domain;  /* A-labels, lower case */
	uint32_t request;     /* 0 when it has been answered */
	uint8_t kind;	      /* enum spool_rcpt_kind, 0: gets none */
	struct slice target;
};

struct report {
	struct map_node node;
	struct list_node order_node;
	struct bounce *bounce;
	struct arena arena;
	struct ipc_report_make make;
	enum report_state state;
	bool orphan; /* the queue that ordered it is gone */
	bool broken; /* something did not fit */
	struct dsn_rcpt *rcpts;
	uint16_t *numbers; /* of the recipients in the record */
	size_t rcpt_count, rcpt_room;
	size_t bytes;	     /* counted in bounce.bytes */
	struct slice sender; /* of the message, without need for SMTPUTF8 where that is possible */
	struct report_reader readers[REPORT_READERS_MAX];
	size_t reader_count;
	uint64_t due_ms;
};

/* NULL when there is no room: queue has been told. */
struct report *report_begin(struct bounce *bounce, const struct ipc_report_make *make);
struct report *bounce_report_find(struct bounce *bounce, uint64_t key);
void bounce_report_add(struct report *report, const struct ipc_report_rcpt *rcpt);
/* All recipients are named: goes on by itself. */
void report_go(struct report *report);
/* An answer of the directory to whichever report asked. */
void report_answer(struct bounce *bounce, const struct ipc_dir_rcpt *answer);
/* Ends with this answer to queue; one that is being committed only forgets its queue. */
void report_end(struct report *report, enum report_outcome outcome);

#endif
