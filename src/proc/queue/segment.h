/*
 * segment: the files of accepted mail as queue sees them: which exist, how far they are read, what
 * in them is live, who has them open.
 */
#ifndef PROC_QUEUE_SEGMENT_H
#define PROC_QUEUE_SEGMENT_H

#include "base/list.h"
#include "base/map.h"
#include "ipc/ipc.h"
#include "proc/queue/index.h"
#include "rt/file.h"

struct queue_peer;

/* At start: ids that LIVE names, in order once they are complete. */
struct segment_named {
	msg_id *ids;
	size_t count, cap;
	uint32_t parts; /* gathered */
};

struct queue_segment {
	struct map_node node;
	struct list_node all;	  /* in order of numbers */
	struct list_node reading; /* linked while there is something to read */
	uint32_t number;
	int fd; /* for reading */
	uint64_t secret;
	uint8_t role;		   /* of the writer it was made for */
	bool headless;		   /* at start: its head is damaged, and MADE was not yet read */
	bool told;		   /* MADE stands in the journal */
	struct queue_peer *writer; /* while its channel stands */
	uint64_t read_end;	   /* indexed so far */
	uint64_t limit;		   /* to be read so far */
	uint64_t end;		   /* nothing behind it counts */
	bool closed;		   /* nothing will be appended; limit is final */
	uint64_t closed_ms;	   /* when; monotonic */
	bool poisoned;		   /* closed because a sync or write failed */
	bool end_owed;		   /* SEGMENT is to be written once the journal is open */
	bool recovered;		   /* was there at start: counts in the recovery until it is read */
	bool has_copies;	   /* at start: of messages that the journal has elsewhere */
	struct list live;
	uint32_t live_count;
	uint64_t live_bytes;
	uint32_t leases;
	uint64_t open_mask; /* peers that have it open */
	/* At start: records before it that nothing knows are dead (recover_live.c). */
	uint64_t dead_before;
	struct segment_named named, naming;
	unsigned read_failures; /* of patient_read */
	size_t need;		/* its next record is longer than a window: so many bytes */
	bool compacting;
	uint64_t compact_from_ms; /* not before; a record in it could not be copied */
	bool stays; /* nothing needs it any more, but its file could not be unlinked */
};

struct queue_body {
	struct map_node node;
	struct list_node all;
	uint32_t number;
	struct queue_peer *holder; /* a writer that has it, as a spare or for a message at hand */
	bool kept;		   /* a live record names it */
	uint64_t open_mask;
	uint32_t leases;
};

/* Files made ahead whose folders are being synced. */
struct queue_stock {
	struct list making; /* struct stock_item */
	struct rt_io io;
	bool busy;
	struct rt_timer again_timer;
};

struct queue_files {
	struct map segments, bodies;
	struct list all; /* segments */
	struct list all_bodies;
	struct list reading; /* segments */
	uint32_t next_segment, next_body;
	uint8_t *window;
	size_t window_size;
	struct rt_hook read_hook;
	struct rt_timer read_timer;  /* again in the next turn */
	bool starved;		     /* no memory to read on */
	struct rt_timer sweep_timer; /* looks for writers that have died */
	size_t sweep_left;	     /* bodies that this sweep has still to look at */
	struct queue_stock stock;
	struct rt_timer unlink_timer; /* tries again with those that stay */
	size_t segment_count;
};

/* segment.c */
void files_init(struct queue *queue);
void files_finish(struct queue *queue);
struct queue_segment *segment_find(struct queue *queue, uint32_t number);
/* Owns fd. NULL: out of memory (fd closed). */
struct queue_segment *segment_add(struct queue *queue, uint32_t number, int fd, uint64_t secret);
void segment_free(struct queue *queue, struct queue_segment *segment);
/* Unlinks it when nothing needs it any more; every outcome in it is on disk then. It stays known
 * until that has worked: what is in the folder must also be in what the journal carries forward. */
void segment_check(struct queue *queue, struct queue_segment *segment);
struct queue_body *body_find(struct queue *queue, uint32_t number);
struct queue_body *body_add(struct queue *queue, uint32_t number);
void body_remove(struct queue *queue, struct queue_body *body); /* unlinks */
/* Lets peer read the message: opens what it has not open, and leases. */
int lease_begin(struct queue *queue, struct queue_msg *msg, struct queue_peer *peer) MUST_USE;
void lease_end(struct queue *queue, struct queue_segment *segment, uint32_t body,
	       struct queue_peer *peer);
/* The message has left its segment: finished or moved. */
void segment_let_go(struct queue *queue, struct queue_msg *msg);
void segment_place(struct queue *queue, struct queue_segment *segment, struct queue_msg *msg);
/* The neighbour is gone: it has nothing open and writes nothing. */
void files_forget_peer(struct queue *queue, struct queue_peer *peer);
/* Copies bytes that are no record into a file of their own in damaged/. tail: behind the last
 * record, where a crash may have left them. */
void segment_set_aside(struct queue *queue, struct queue_segment *segment, uint64_t from,
		       uint64_t to, bool tail);

/* read.c */
void read_init(struct queue *queue);
/* There may be more to read. */
void read_more(struct queue *queue, struct queue_segment *segment);
/* Reads on in this turn. */
void read_kick(struct queue *queue);
/* Somebody may be gone: all that has no owner is looked at. */
void sweep_soon(struct queue *queue);

/* stock.c */
void stock_init(struct queue *queue);
void stock_finish(struct queue *queue);
/* Makes what writers lack. */
void stock_fill(struct queue *queue);
void stock_receive(struct queue *queue, struct queue_peer *peer, struct ipc_message *message);
/* The journal can be written: what writers said before goes there, and what it does not know of
 * segments. */
void stock_journal_open(struct queue *queue);
/* Tells the journal what the segment's head says. */
void stock_made_write(struct queue *queue, struct queue_segment *segment);
/* Makes, heads and locks a segment for a writer and opens it for reading; its name is not yet
 * durable. The descriptor for appending is the caller's. */
int stock_make_segment(struct queue *queue, enum ipc_role role, unsigned instance,
		       struct queue_segment **ret_segment, int *ret_fd) MUST_USE;

#endif
