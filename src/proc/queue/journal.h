/*
 * journal: appends records, keeps them until they are durable, reads one back. Written at the end
 * of each turn, synced within journal_sync, at once when something waits for it. Its memory is
 * taken at the start: what has happened can always be noted.
 */
#ifndef PROC_QUEUE_JOURNAL_H
#define PROC_QUEUE_JOURNAL_H

#include "rt/file.h"
#include "wire/spool/journal.h"

struct queue;
struct queue_rcpt;

/* What is appended and not yet known to be on disk. Pages that were never used cost nothing. */
#define JOURNAL_UNSYNCED_MAX ((size_t)64 << 20)
/* From here on (journal_full) nothing that would add to it is begun or heard; the rest is for what
 * one turn may add meanwhile: a packet of results, a window of a segment, a step of a command. */
#define JOURNAL_UNSYNCED_FULL (JOURNAL_UNSYNCED_MAX / 2)
#define JOURNAL_AGAIN_MS 1000

/* Called in order once everything up to serial is on disk. */
struct journal_wait {
	struct list_node node;
	uint64_t serial;
	rt_fn *fn;
	void *ctx;
};

/* A file that is no longer written to. */
struct journal_old {
	struct list_node node;
	uint32_t number;
	uint64_t size_bytes;
	int64_t last_wall_ms;
	bool moved; /* given up before any of it was durable: a younger file has all of it */
};

/* Where records in memory were written to. */
struct journal_part {
	uint32_t number;
	uint64_t secret;
	uint64_t offset;
};

struct queue_journal {
	uint32_t number, next_number; /* number 0: none open */
	int fd;			      /* for appending */
	int read_fd;
	uint64_t secret, sequence, size_bytes; /* what is still to be written counted */
	uint64_t begun_bytes;		       /* of them, what each new file says first */
	uint8_t *unsynced;		       /* JOURNAL_UNSYNCED_MAX */
	size_t unsynced_len, written, syncing; /* of unsynced, each from its start */
	struct journal_part syncing_from;
	int retiring_fd;   /* the last file, while it is being synced */
	bool folder_dirty; /* the current file's name is not yet durable */
	uint64_t serial, sync_serial, synced_serial;
	struct list waits;
	struct rt_io io;
	bool busy, urgent;
	bool broken;  /* the file is given up */
	bool failing; /* from then on until a sync works again */
	bool durable; /* a part of the current file */
	struct rt_hook hook;
	struct rt_timer sync_timer, again_timer;
	uint8_t *meta;	 /* of the record that is being made: SPOOL_META_MAX */
	struct list old; /* oldest first */
	uint64_t old_bytes;
	uint64_t appended_bytes; /* ever */
	/* Dropping for size begins again when there is so much: the last time it freed little,
	 * since what is live takes the room. */
	uint64_t drop_above_bytes;
	uint32_t other_number; /* an old file that is open for reading back */
	int other_fd;
	uint64_t other_secret;
	struct rt_timer keep_timer;
	struct queue_keep *keep; /* a file is being dropped */
	uint32_t keep_number;	 /* that one */
	bool keep_ended; /* none is dropped again: a folder cannot be synced, or one is not in old
			  */
};

struct journal_at {
	uint32_t file;
	uint32_t at; /* offset / 8 */
};

int journal_init(struct queue *queue) MUST_USE;
/* Writes what is left. */
void journal_finish(struct queue *queue);
/* The first file of this run. */
int journal_start(struct queue *queue) MUST_USE;
/* Time is filled in. Where it stands comes back. Never fails: what cannot be written is kept, and
 * delivery stops (journal_broken). ASSERTs that there is room: who appends much in many steps
 * stops while the journal is full. */
struct journal_at journal_append(struct queue *queue, struct journal_record *record);
/* fn comes when all that has been appended is durable; urgent: as soon as possible. */
void journal_when_synced(struct queue *queue, struct journal_wait *wait, bool urgent);
bool journal_broken(const struct queue *queue);
bool journal_full(const struct queue *queue);
/* What has been appended can be read by others (page cache). */
void journal_write_now(struct queue *queue);
/* The last RESULT about a recipient; slices live in the arena. ERR_NOT_FOUND: none, or what stands
 * there is about somebody else. */
int journal_last_result(struct queue *queue, struct queue_rcpt *rcpt, struct arena *arena,
			struct journal_result *ret_result) MUST_USE;
/* A file of an earlier run. */
void journal_add_old(struct queue *queue, uint32_t number, uint64_t size_bytes,
		     int64_t last_wall_ms);

#endif
