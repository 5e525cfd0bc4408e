/*
 * compact: see compact.h.
 */
#include "proc/queue/compact.h"

void
compact_finish(struct queue *queue)
{
	(void)queue;
}

bool
compact_busy(const struct queue *queue)
{
	return queue->compaction != NULL;
}
