/*
 * command: what administrators ask: list, show, retry, hold, release, delete, flush; the journal's
 * files for trace; counters.
 */
#ifndef PROC_QUEUE_COMMAND_H
#define PROC_QUEUE_COMMAND_H

#include "proc/queue/queue.h"

void command_init(struct queue *queue);
void command_finish(struct queue *queue);
void command_receive(struct queue *queue, struct queue_peer *peer, struct ipc_message *message);
void command_forget_peer(struct queue *queue, struct queue_peer *peer);

/* command_tell.c */
void command_answer(struct queue_peer *peer, uint32_t request, uint8_t exit, uint64_t count,
		    const char *text);
void command_trace(struct queue *queue, struct queue_peer *peer, const struct ipc_ctl_trace *given);
void command_status(struct queue *queue, struct queue_peer *peer,
		    const struct ipc_ctl_status *given);

#endif
