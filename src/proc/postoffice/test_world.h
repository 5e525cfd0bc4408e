/*
 * test_world: postoffice alone, with the test in place of boot and queue: messages lie in a segment
 * that the test wrote, jobs are sent over a real channel, mailboxes are read back from disk.
 */
#ifndef PROC_POSTOFFICE_TEST_WORLD_H
#define PROC_POSTOFFICE_TEST_WORLD_H

#include "proc/postoffice/postoffice.h"
#include "rt/test_rt.h"
#include "wire/spool/record.h"
#include "wire/verdict/cause.h"

#define WORLD_RESULTS_MAX 512
#define WORLD_FILLING_JOB 999999 /* of results that only fill the channel */

struct world_result {
	uint64_t job;
	uint16_t rcpts[64];
	size_t rcpt_count;
	uint8_t class;
	struct verdict_status status;
	uint16_t cause;
};

struct world {
	struct test_rt t;
	struct boot boot;
	int log_fd;
	struct arena arena;
	struct config config;
	void *state;
	struct ipc_channel *near, *far; /* postoffice's end, queue's end */
	uint8_t *segment;
	struct builder b;
	uint64_t offsets[8];
	uint32_t lengths[8];
	size_t record_count;
	struct world_result results[WORLD_RESULTS_MAX];
	size_t result_count, done_count, done_wanted, rcpts_told;
	size_t filling;
	bool stopped;
	char mail[96];
};

/* Content: header (with its empty line) and body as they travel. */
struct world_mail {
	const char *sender;
	const char *const *targets;
	struct slice header, body;
	uint16_t flags;
	struct slice file; /* what lies in body file 9 */
};

void world_begin(struct world *w);
/* Without a folder for mail, yet. */
void world_begin_bare(struct world *w);
/* The channel between queue and postoffice; a new one when the test has destroyed the old. */
void world_channels_open(struct world *w);
void world_end(struct world *w);

/* Puts it behind what is in the segment; its number there. */
size_t world_mail_add(struct world *w, const struct world_mail *mail);
void world_segment_give(struct world *w);
/* A small mail to bob@example.test is the last one of the segment, which is given. */
void world_mail_small(struct world *w);
/* What lies in body file 9. */
void world_body_give(struct world *w, struct slice content);
void world_job_give(struct world *w, uint64_t job, size_t record, size_t rcpt_count);
/* Until so many more jobs are done. */
void world_run(struct world *w, size_t jobs);

/* Files in a folder of a mailbox; content is the last one's. */
size_t world_mailbox_read(struct world *w, const char *mailbox, const char *folder,
			  struct builder *content);
void world_tree_remove(const char *path);

#endif
