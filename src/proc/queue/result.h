/*
 * result: what came of an attempt: judged by rule/schedule, written to the journal, logged.
 */
#ifndef PROC_QUEUE_RESULT_H
#define PROC_QUEUE_RESULT_H

#include "proc/queue/grant.h"

#define RESULT_DELETED "deleted by an administrator"
/* So often a message may have taken its worker with it without that counting as an attempt: the
 * waits between them are over half an hour then. */
#define RESULT_LOST_MAX 12

void result_receive(struct queue *queue, struct queue_peer *peer,
		    const struct ipc_job_result *result);
void result_done(struct queue *queue, struct queue_peer *peer, const struct ipc_job_done *done);
/* The job could not be given, for its message's files cannot be opened. That counts as an attempt
 * with a temporary failure of ours: it is tried again, and given up in the end. */
void result_unreadable(struct queue *queue, struct queue_job *job, int err);
/* Nobody knows what became of those still active: tried again, later each time, for it may be the
 * message that kills its workers; the attempt counts only after RESULT_LOST_MAX of them. */
void result_lost(struct queue *queue, struct queue_job *job);
/* Deletes those that an administrator has deleted, once no attempt with them is under way. */
void result_delete_due(struct queue *queue, struct queue_msg *msg);
/* An outcome without an attempt, for the ready recipients of the message at a destination that is
 * suspended: they wait, and their senders are told, or their lifetime is over. What they have been
 * told already is not said again. */
void result_aside(struct queue *queue, struct queue_msg *msg, struct queue_dest *dest);
/* Ends recipients without an attempt: deleted, or a second copy of a report. */
void result_delete(struct queue *queue, struct queue_msg *msg, const uint16_t *numbers,
		   size_t count, const char *why);

#endif
