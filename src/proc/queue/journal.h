/*
 * journal: appends records, keeps them until they are durable, reads one back. Written at the end
 * of each turn, synced within journal_sync, at once when something waits for it.
 */
#ifndef PROC_QUEUE_JOURNAL_H
#define PROC_QUEUE_JOURNAL_H

#include "rt/file.h"
#include "wire/spool/journal.h"

struct queue;

#define JOURNAL_UNSYNCED_MAX ((size_t)64 << 20)
#define JOURNAL_AGAIN_MS 1000

/* Called in order once everything up to serial is on disk. */
struct journal_wait {
	struct list_node node;
	uint64_t serial;
	rt_fn *fn;
	void *ctx;
};

/* Growing bytes. */
struct journal_bytes {
	uint8_t *data;
	size_t len, cap;
};

/* A file that is no longer written to. */
struct journal_old {
	struct list_node node;
	uint32_t number;
	uint64_t size_bytes;
	int64_t last_wall_ms;
};

struct queue_journal {
	uint32_t number, next_number; /* number 0: none open */
	int fd;			      /* for appending */
	int read_fd;
	uint64_t secret, sequence, size_bytes; /* what is still to be written counted */
	struct journal_bytes fresh;	       /* behind the last sync that was begun */
	size_t written;			       /* of fresh */
	struct journal_bytes syncing;
	uint64_t syncing_secret; /* of the file that syncing went to */
	int retiring_fd;	 /* the last file, while it is being synced */
	bool folder_dirty;	 /* the current file's name is not yet durable */
	uint64_t serial, sync_serial, synced_serial;
	uint64_t lost; /* records that there was no memory for */
	struct list waits;
	struct rt_io io;
	bool busy, urgent, broken;
	struct rt_hook hook;
	struct rt_timer sync_timer, again_timer;
	struct arena arena;	      /* for encoding */
	struct journal_bytes entries; /* of the footer */
	struct list old;	      /* oldest first */
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
	bool keep_ended; /* the folder of segments cannot be synced: none is dropped again */
};

struct journal_at {
	uint32_t file;
	uint32_t at; /* offset / 8 */
};

void journal_init(struct queue *queue);
/* Writes what is left. */
void journal_finish(struct queue *queue);
/* The first file of this run. */
int journal_start(struct queue *queue) MUST_USE;
/* Time is filled in. Where it stands comes back. Never fails: what cannot be written is kept, and
 * delivery stops (journal_broken). */
struct journal_at journal_append(struct queue *queue, struct journal_record *record);
/* fn comes when all that has been appended is durable; urgent: as soon as possible. */
void journal_when_synced(struct queue *queue, struct journal_wait *wait, bool urgent);
bool journal_broken(const struct queue *queue);
/* What has been appended can be read by others (page cache). */
void journal_write_now(struct queue *queue);
/* The record that was appended there; slices live in the arena. */
int journal_read(struct queue *queue, struct journal_at at, struct arena *arena,
		 struct journal_record *ret_record) MUST_USE;
/* A file of an earlier run. */
void journal_add_old(struct queue *queue, uint32_t number, uint64_t size_bytes,
		     int64_t last_wall_ms);

#endif
