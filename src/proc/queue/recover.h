/*
 * recover: from what lies in the folders to a queue that serves. First the journal's files are read
 * (in steps, one window a turn), which gives messages without a place; then segments are read as
 * always, which gives them their places; what is left at the end is cleaned up or reported.
 */
#ifndef PROC_QUEUE_RECOVER_H
#define PROC_QUEUE_RECOVER_H

#include "proc/queue/queue.h"

struct queue_recovery;

/* Locks the spool and begins. ERR_EXISTS: another Frank has it. */
int recover_begin(struct queue *queue) MUST_USE;
/* A segment that was there at start has been read. */
void recover_segment_read(struct queue *queue);
/* A finished message stays known until the end, so that a copy of it is not taken for new. */
void recover_keep(struct queue *queue, struct queue_msg *msg);
/* A sync is under way. */
bool recover_busy(const struct queue *queue);
void recover_finish(struct queue *queue);

/* recover_apply.c: one record of the journal, from that file at that offset. ERR_NO_MEMORY: nothing
 * was changed; without it what follows would be about a message that nobody knows. */
int recover_apply(struct queue *queue, const struct journal_record *record,
		  struct journal_at at) MUST_USE;
/* A message known by the journal only; NULL when memory is out. */
struct queue_msg *recover_msg(struct queue *queue, msg_id id, uint16_t rcpt_count);

/* recover_live.c: which records of a segment are known to be dead. ERR_NO_MEMORY as above. */
int recover_live(struct queue *queue, struct queue_segment *segment,
		 const struct journal_live *live) MUST_USE;
/* Of a record that nothing else in the journal knows. */
bool recover_is_dead(const struct queue_segment *segment, msg_id id, uint64_t offset);
void recover_live_forget(struct queue *queue, struct queue_segment *segment);

/* recover_files.c: what is in the folders. Numbers of journal files come back sorted, in memory of
 * the queue's, to be given back with cap. */
struct recover_numbers {
	uint32_t *numbers;
	size_t count, cap;
};
int recover_folders(struct queue *queue) MUST_USE;
int recover_list(struct queue *queue, struct recover_numbers *ret_journals,
		 size_t *ret_segments) MUST_USE;
/* The journal is read: segments whose head is damaged and that it does not know are set aside. How
 * many. */
size_t recover_headless(struct queue *queue);
/* Says nothing about the file: what is short now will be there later. */
bool recover_is_shortage(int err);
void recover_set_aside(struct queue *queue, int dir_fd, const char *name, int why);

#endif
