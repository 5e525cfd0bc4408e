/*
 * carry: what the journal knows of a live message, said again in the current file: when the file
 * that had it goes, and when the message moves to another segment.
 */
#ifndef PROC_QUEUE_CARRY_H
#define PROC_QUEUE_CARRY_H

#include "proc/queue/queue.h"

#define CARRY_PAUSE_MS 50
#define CARRY_AGAIN_MS 1000 /* after an error */

/* What one turn does of carrying much. */
struct carry_step {
	int units;	    /* left; a message that is passed by is one */
	uint64_t bytes_end; /* of what was ever appended to the journal */
};

/* So much of the journal is not yet on disk, or it is broken: whoever carries much waits, and looks
 * again before each step. */
bool carry_waits(const struct queue *queue);
void carry_step_begin(const struct queue *queue, struct carry_step *ret_step);
bool carry_step_over(const struct queue *queue, const struct carry_step *step);

/* PLACED (there), then a RESULT for the recipients that are not as new, one for those that stand
 * alike, then reports under way. An error: something is short that was there before and may be
 * again; a part may have been written, which does no harm, and all of it is to be carried later. */
int carry_msg(struct queue *queue, struct queue_msg *msg, struct journal_place place,
	      struct carry_step *step) MUST_USE;
/* Flags of a RESULT about the recipient as it stands. */
uint8_t result_flags(const struct queue_rcpt *rcpt);

#endif
