/*
 * bounce/compose: from a gathered report to a draft that is being committed.
 */
#ifndef PROC_BOUNCE_COMPOSE_H
#define PROC_BOUNCE_COMPOSE_H

#include "proc/bounce/report.h"

/* The message that is reported on, with its header and the wanted part of its body in memory. */
struct report_source {
	struct spool_message message;
	uint8_t *block;
	size_t block_bytes;
	struct slice header; /* trace fields and header block as they travel */
	struct slice body;   /* empty when it is larger than body_max */
};

int report_source_open(struct report_source *source, struct bounce *bounce,
		       const struct ipc_report_make *make, uint64_t body_max) MUST_USE;
void report_source_close(struct report_source *source, struct bounce *bounce);

/* Composes and commits; done(report, ...) comes later. When the answer is not 0 it does not come.
 * ERR_AGAIN: the writer takes nothing now. */
int report_compose(struct report *report, spool_commit_fn *done) MUST_USE;

#endif
