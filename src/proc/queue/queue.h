/*
 * queue: the state of the process. Each part has its own header; this one holds what all share:
 * folders, neighbours, and the parts. See README for where to start.
 */
#ifndef PROC_QUEUE_QUEUE_H
#define PROC_QUEUE_QUEUE_H

#include "base/histogram.h"
#include "boot/boot.h"
#include "proc/queue/index.h"
#include "proc/queue/journal.h"
#include "proc/queue/segment.h"
#include "rt/file.h"
#include "rule/schedule/retry.h"

#define QUEUE_PEERS_MAX 64 /* a bit of a word each */
#define QUEUE_NAME_BYTES 32

enum queue_phase {
	QUEUE_NEW,
	QUEUE_JOURNALS, /* reading what became of messages */
	QUEUE_SERVING,	/* segments may still be being read; deliveries go on meanwhile */
	QUEUE_STOPPING,
	QUEUE_STOPPED, /* nothing more is begun */
};

/* A neighbour with a channel. */
struct queue_peer {
	struct ipc_channel *channel; /* NULL: free place */
	struct queue *queue;
	enum ipc_role role;
	unsigned instance;
	uint64_t bit; /* in masks of files that it has open */
	/* A writer: what it holds. */
	bool has_said; /* SPOOL_HAVE came */
	bool supplied; /* it has a segment to write to */
	unsigned segments, spares;
	bool knows_room; /* it has been told queue.refuse */
	/* A deliverer. */
	struct list jobs;
	uint32_t job_count;
	msg_id alone; /* this message gets it for itself: others may not die with it */
};

struct queue_counters {
	uint64_t accepted, delivered, deferred, failed, expired, reports, jobs, lost_jobs;
	/* Of recipients: from acceptance to delivery; of that the last attempt. */
	struct histogram delivered_ms, attempt_ms;
};

struct queue {
	struct boot *boot;
	struct rt *rt;
	struct mem *mem;
	enum queue_phase phase;
	int spool_fd, lock_fd, segments_fd, bodies_fd, journal_fd, damaged_fd;
	/* The same folders, open once more: the kernel tells each open descriptor once that a sync
	 * has failed, so whoever shared one could miss what another was told. segments_fd is synced
	 * by stock.c, journal_fd by the journal, these by who they are named for. Open from the
	 * start, for a name that goes is to be missed by nobody later. */
	int compact_segments_fd, keep_segments_fd, keep_journal_fd;

	struct queue_peer peers[QUEUE_PEERS_MAX];
	struct queue_index index;
	struct queue_files files;
	struct queue_journal journal;
	struct prng prng;
	struct schedule_rules rules;
	struct queue_counters counters;

	/* grant.c */
	struct map jobs;
	uint64_t job_number;
	struct rt_timer wait_timer;
	struct rt_hook grant_hook;
	struct rt_timer grant_timer; /* again in the next turn */
	struct rt_timer shortage_timer;
	size_t grant_refused; /* destinations that could not be served, one after the other */

	/* suspend.c */
	struct list suspended;
	size_t suspended_count;
	uint64_t suspended_number;
	bool releasing; /* those of a destination that has recovered are looked for */
	struct queue_walk release_walk;
	struct rt_timer release_timer;

	/* report.c */
	struct map report_keys;
	struct list reports_to_ask, reports; /* those that wait for bounce; all others */
	struct list gathering; /* messages whose report waits a little, for more recipients */
	struct rt_timer report_timer;
	bool reports_missed; /* some could not begin for want of memory */
	bool reports_walking;
	struct queue_walk reports_walk;
	size_t reports_asked;
	uint64_t report_asked_ms; /* without an answer it is asked for again */

	/* recover.c */
	struct queue_recovery *recovery; /* NULL: done */

	/* command.c */
	struct list commands;

	/* compact.c */
	struct queue_compaction *compaction;

	/* room.c */
	struct rt_timer room_timer;
	uint8_t refuse;		 /* as SPOOL_ROOM */
	uint8_t refuse_reports;	 /* the same for bounce */
	int64_t clock_offset_ms; /* of the wall clock from the monotonic one */

	bool deaf; /* the journal is full */
	struct rt_timer stop_timer;
	uint64_t stop_ms;
};

extern const struct boot_process queue_process;

/* Name of a file by its number: "0000002a.seg". */
void queue_name(char name[QUEUE_NAME_BYTES], uint32_t number, const char *kind);
/* UINT32_MAX-safe: false when the name is not of that form. */
bool queue_name_parse(const char *name, const char *kind, uint32_t *ret_number);

/* While the journal is full, what happened to mail is left with those who deliver it, and nothing
 * that adds to the journal is begun. */
void queue_listen(struct queue *queue);

/* The peer of a channel, or NULL. */
struct queue_peer *queue_peer_of(struct queue *queue, const struct ipc_channel *channel);
/* The one with that role and the lowest instance, or NULL. */
struct queue_peer *queue_peer_role(struct queue *queue, enum ipc_role role);

#endif
