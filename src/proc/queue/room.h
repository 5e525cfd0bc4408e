/*
 * room: whether more mail can be taken: room on the disk, room in the index, a journal that works.
 */
#ifndef PROC_QUEUE_ROOM_H
#define PROC_QUEUE_ROOM_H

#include "proc/queue/queue.h"

void room_init(struct queue *queue);
void room_finish(struct queue *queue);
/* From now on it is looked at every second. */
void room_begin(struct queue *queue);
/* A new neighbour hears how it stands. */
void room_tell(struct queue *queue, struct queue_peer *peer);

#endif
