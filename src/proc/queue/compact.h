/*
 * compact: live mail is copied out of old segments that are mostly dead into a long-stay segment,
 * so that their room comes back. The copy is durable, and the journal says so durably, before the
 * old place is let go; after a crash in between one id counts once.
 */
#ifndef PROC_QUEUE_COMPACT_H
#define PROC_QUEUE_COMPACT_H

#include "proc/queue/queue.h"

int compact_init(struct queue *queue) MUST_USE;
void compact_finish(struct queue *queue);
/* Looks for work now. */
void compact_kick(struct queue *queue);
/* Something is being written. */
bool compact_busy(const struct queue *queue);

#endif
