/*
 * keep: how long journal files are kept.
 */
#include "proc/queue/journal_file.h"
#include "proc/queue/queue.h"

void
journal_keep_run(void *ctx)
{
	(void)ctx;
}

void
journal_keep_finish(struct queue *queue)
{
	(void)queue;
}
