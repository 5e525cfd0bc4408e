/*
 * journal_file: the files behind the journal: opening, rotation, what is kept how long.
 */
#ifndef PROC_QUEUE_JOURNAL_FILE_H
#define PROC_QUEUE_JOURNAL_FILE_H

#include "proc/queue/journal.h"

#define JOURNAL_KEEP_MS 30000 /* how often old files are looked at */

/* journal.c. Puts a record with that length of j->meta at the place in unsynced, which stands at
 * the end of the current file; answers its length. */
size_t journal_put(struct queue *queue, size_t at, struct spool_head head, size_t meta_length);
/* journal_again.c. A new file takes all that is not known to be on disk. */
int journal_again(struct queue *queue) MUST_USE;
/* A new file becomes the current one; the last one's descriptor is retiring_fd then. given_up: what
 * it has and is not durable will be written again. */
int journal_file_open(struct queue *queue, bool given_up) MUST_USE;
/* The record that each file needs: no number is used twice. */
void journal_file_numbers(struct queue *queue);
/* It has grown to journal-size-max, and that is not only what a new one would begin with. */
bool journal_file_is_full(const struct queue *queue);
/* Goes on in a new file. */
void journal_file_rotate(struct queue *queue);
/* Closes retiring_fd. */
void journal_file_retire(struct queue *queue);
/* What the files that were given up had is written again: they go. */
void journal_file_moved(struct queue *queue);
void journal_file_close(struct queue *queue);
/* A descriptor for reading; stays the journal's. */
int journal_file_find(struct queue *queue, uint32_t number, int *ret_fd,
		      uint64_t *ret_secret) MUST_USE;
/* keep.c. Timer: drops files that are too old or too many. */
void journal_keep_run(void *ctx);
void journal_keep_finish(struct queue *queue);
bool journal_keep_busy(const struct queue *queue);

#endif
