/*
 * bounce: the process. Reports being made, and what they need: the spool, the directory.
 */
#ifndef PROC_BOUNCE_BOUNCE_H
#define PROC_BOUNCE_BOUNCE_H

#include "base/map.h"
#include "boot/boot.h"
#include "spool/reader.h"
#include "spool/writer.h"

/* Reports being made at once, and memory for what queue says about their recipients; beyond either
 * queue is told to ask again. */
#define BOUNCE_REPORTS_MAX 256
#define BOUNCE_BYTES_MAX ((size_t)256 << 20)
/* Of one report: DSN_RCPTS_MAX recipients with the longest replies. */
#define BOUNCE_REPORT_BYTES_MAX ((size_t)8 << 20)
/* For an answer of the directory, and for the rest of a report that queue has begun. */
#define BOUNCE_WAIT_MS 30000

struct bounce_counters {
	uint64_t reports, none, later;
};

struct bounce {
	struct boot *boot;
	struct rt *rt;
	struct ipc_channel *queue, *directory; /* NULL while away */
	struct spool_writer *writer;
	struct spool_reader *reader;
	struct map reports; /* by key */
	struct list in_order;
	size_t report_count, bytes;
	uint32_t request_last;
	struct rt_timer sweep;
	struct bounce_counters counters;
	bool stopping, stopped;
};

extern const struct boot_process bounce_process;

/* After a report has ended: whether that was the last thing to be done. */
void bounce_look(struct bounce *bounce);

#endif
