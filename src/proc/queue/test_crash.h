/*
 * test_crash: what the tests of crashes share: a child runs the world on a folder and ends without
 * a word at a chosen point; then another world starts on what it left.
 */
#ifndef PROC_QUEUE_TEST_CRASH_H
#define PROC_QUEUE_TEST_CRASH_H

#include "proc/queue/test_world.h"

#define CRASH_IDS_MAX 64

/* What the child reports through a pipe: ids that were answered 250. */
struct told {
	msg_id ids[CRASH_IDS_MAX];
	uint32_t count;
	uint32_t reports;
};
typedef void crash_fn(struct world *w, struct told *told);

void crash_folder(char path[64]);
/* Runs fn on a fresh folder, in a child that dies at its end, mid-flight. */
struct told crash(char path[64], crash_fn *fn);
/* Starts on what is left; the folder goes with the world. */
void crash_again(struct world *w, const char *path);
/* Both. */
struct told crash_recover(struct world *w, crash_fn *fn);

/* Small files, and only a few of them kept. */
void crash_journal_small(struct world *w);
void crash_journal_drop(struct world *w);
/* Drops files one by one, up to this one. */
void crash_journal_drop_until(struct world *w, uint32_t last);
uint32_t crash_journal_oldest(const struct world *w);
/* Mail to near.test, until the journal has come to this file. */
void crash_many_go(struct world *w, uint32_t until_file);

/* Names of files, and what happens to them. */
void crash_segment_path(const char *path, unsigned number, char *name, size_t size);
off_t crash_file_size(const char *name);
void crash_file_damage(const char *name, long at, size_t count);
/* All of it, which must be less than size. */
size_t crash_file_read(const char *name, uint8_t *bytes, size_t size);
void crash_file_write(const char *name, struct slice bytes);

#endif
