/*
 * result: what came of an attempt: judged by rule/schedule, written to the journal, logged.
 */
#ifndef PROC_QUEUE_RESULT_H
#define PROC_QUEUE_RESULT_H

#include "proc/queue/grant.h"

#define RESULT_DELETED "deleted by an administrator"

void result_receive(struct queue *queue, struct queue_peer *peer,
		    const struct ipc_job_result *result);
void result_done(struct queue *queue, struct queue_peer *peer, const struct ipc_job_done *done);
/* The files of the job's message could not be opened, for err: its recipients are tried again as
 * after a temporary failure of our own. */
void result_unreadable(struct queue *queue, struct queue_job *job, int err);
/* Nobody knows what became of those still active: tried again, later each time, for it may be the
 * message that kills its workers; the attempt does not count. */
void result_lost(struct queue *queue, struct queue_job *job);
/* Deletes those that an administrator has deleted, once no attempt with them is under way. */
void result_delete_due(struct queue *queue, struct queue_msg *msg);
/* Ends recipients without an attempt: deleted, or a second copy of a report. */
void result_delete(struct queue *queue, struct queue_msg *msg, const uint16_t *numbers,
		   size_t count, const char *why);

#endif
