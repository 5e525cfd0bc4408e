/*
 * carry: what the journal knows of a live message, said again in the current file: when the file
 * that had it goes, and when the message moves to another segment.
 */
#ifndef PROC_QUEUE_CARRY_H
#define PROC_QUEUE_CARRY_H

#include "proc/queue/queue.h"

/* PLACED, then a RESULT for each recipient that is not as new, then reports under way. */
void carry_msg(struct queue *queue, struct queue_msg *msg);
/* Flags of a RESULT about the recipient as it stands. */
uint8_t result_flags(const struct queue_rcpt *rcpt);

#endif
