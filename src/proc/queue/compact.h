/*
 * compact: live mail is copied out of old segments that are mostly dead, so that these can go.
 */
#ifndef PROC_QUEUE_COMPACT_H
#define PROC_QUEUE_COMPACT_H

#include "proc/queue/queue.h"

void compact_finish(struct queue *queue);
/* A copy is being written. */
bool compact_busy(const struct queue *queue);

#endif
