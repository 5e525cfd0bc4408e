/*
 * accept: a record of a segment becomes a message of the index; a message whose recipients are all
 * finished leaves it.
 */
#ifndef PROC_QUEUE_ACCEPT_H
#define PROC_QUEUE_ACCEPT_H

#include "proc/queue/segment.h"
#include "wire/spool/frame.h"

/* For spool_meta_decode: over what any meta needs, so that it fails for want of memory only. */
#define ACCEPT_ARENA_BYTES ((size_t)8 << 20)

/* New, known from the journal (after a restart), or a copy of one that is here already.
 * ERR_NO_MEMORY: nothing has been done; it is to be read again later. */
int accept_record(struct queue *queue, struct queue_segment *segment,
		  const struct spool_found *found, uint64_t offset) MUST_USE;
/* Envelope and all of a message, read again from its segment; slices live in the arena. */
int accept_read(struct queue *queue, const struct queue_msg *msg, struct arena *arena,
		struct spool_accept *ret_accept) MUST_USE;

/* If all its recipients are finished: once that is on disk it is freed, and its segment and body
 * with it if nobody else needs them. */
void finish_check(struct queue *queue, struct queue_msg *msg);
/* Forgets those that wait for the disk. */
void finish_forget(struct queue *queue);
/* A recipient is done with for good. */
void finish_rcpt(struct queue *queue, struct queue_rcpt *rcpt);

#endif
