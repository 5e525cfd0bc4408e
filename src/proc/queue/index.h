/*
 * index: what is in the queue: messages by id, their recipients, destinations. Sized for a million:
 * a recipient costs 48 bytes, its message about 100; everything else is read from the segment or
 * the journal when somebody asks.
 */
#ifndef PROC_QUEUE_INDEX_H
#define PROC_QUEUE_INDEX_H

#include "base/heap.h"
#include "base/list.h"
#include "base/map.h"
#include "rule/schedule/turns.h"
#include "wire/spool/journal.h"

struct queue;
struct queue_segment;
struct queue_report;
struct queue_suspension;

enum queue_rcpt_state {
	RCPT_WAITING,	/* in the heap, until next_ms */
	RCPT_READY,	/* in its destination's list */
	RCPT_ACTIVE,	/* granted */
	RCPT_BLOCKED,	/* a report whose making is not yet on disk */
	RCPT_REPORTING, /* done with, but the sender is owed a report */
	RCPT_FINISHED,
	RCPT_STATE_MAX
};

enum queue_rcpt_flags {
	RCPT_LOCAL = 1,
	RCPT_HELD = 2, /* by an administrator: neither waits nor is ready */
	RCPT_DELAY_TOLD = 4,
	RCPT_SUCCESS = 8,    /* REPORTING: of success */
	RCPT_IN_REPORT = 16, /* a report with it is under way */
	RCPT_DELAY_DUE = 32, /* to be told of the delay with the next report */
	RCPT_DELETING = 64,  /* deleted while ACTIVE: unless this attempt ends it, it goes then */
	RCPT_ASIDE = 128,    /* WAITING for a destination that refuses our address to recover */
};

struct queue_dest {
	struct map_node node;
	struct turn_taker turn;
	struct list ready;		     /* recipients */
	struct queue_suspension *suspension; /* NULL: none */
	uint32_t rcpts;			     /* that refer to it */
	uint32_t pace;	   /* most jobs at once while it wants us to be slow; 0: all */
	uint64_t paced_at; /* the last job that was granted when it asked */
	uint8_t kind;	   /* enum spool_rcpt_kind */
	uint8_t name_len;
	uint8_t name[]; /* empty for local */
};

struct queue_rcpt {
	union {
		struct list_node ready;
		struct heap_node wait; /* key: next_ms, or earlier when a notice is due */
	} link;
	struct queue_dest *dest;
	uint64_t next_ms;      /* monotonic */
	uint32_t verdict_file; /* journal file of its last RESULT, 0: none */
	uint32_t verdict_at;   /* its offset there, in units of 8 */
	uint16_t attempts;
	uint16_t index;
	uint8_t state; /* enum queue_rcpt_state */
	uint8_t flags; /* enum queue_rcpt_flags */
	uint8_t notify;
	uint8_t address_hash; /* as index_hash */
};

enum queue_msg_flags {
	MSG_HAS_SENDER = 1, /* somebody can be told */
	MSG_GATHERING = 2,  /* in queue.gathering */
	MSG_BODY_MISSING = 4,
	MSG_LEAVING = 8,      /* finished; its last outcome is not yet on disk */
	MSG_DELETING = 16,    /* some of its recipients are RCPT_DELETING */
	MSG_AGE_UNKNOWN = 32, /* at start: its record will tell */
};

struct queue_msg {
	struct map_node node;
	struct list_node place; /* in its segment's live, or in the recovery's list */
	struct queue_segment *segment;
	msg_id id;
	int64_t born_ms; /* monotonic: age is now minus this */
	uint64_t offset;
	uint32_t length, meta_length;
	uint32_t body;
	uint32_t known_file;	/* journal file with its ACCEPTED or last PLACED */
	uint32_t known_segment; /* at start: where these say it is; 0: anywhere */
	uint16_t rcpt_count;
	uint16_t open; /* not finished */
	uint16_t active;
	uint8_t flags;	     /* enum queue_msg_flags */
	uint8_t lost;	     /* attempts that ended with their worker, one after the other */
	uint8_t sender_hash; /* as index_hash */
	struct queue_rcpt rcpts[];
};

/* Somebody who goes through messages over several turns: moved on when its message goes. */
struct queue_walk {
	struct list_node node;
	struct queue_msg *next;
	struct queue_segment *segment;
};

struct queue_index {
	struct map msgs, dests;
	struct heap waits;
	struct turns turns;
	struct list walks;
	size_t rcpt_count, active_count, waiting_count;
	size_t bytes;
};

void index_init(struct queue *queue);
void index_finish(struct queue *queue);

struct queue_msg *index_find(struct queue *queue, msg_id id);
/* In no list, all recipients READY in name only, counted as open. NULL: out of memory. */
struct queue_msg *index_add(struct queue *queue, msg_id id, uint16_t rcpt_count);
/* Its recipients must be in no list. */
void index_remove(struct queue *queue, struct queue_msg *msg);
struct queue_msg *index_msg_of(struct queue_rcpt *rcpt);

/* Of an address, upper and lower case alike: whoever looks for one address need not read the record
 * of each message, only of those that agree in this. */
uint8_t index_hash(struct slice address);

/* NULL: out of memory. Counts one recipient more. */
struct queue_dest *index_dest(struct queue *queue, uint8_t kind, struct slice name);

/* Somebody who asked for it lets go. */
void index_dest_unref(struct queue *queue, struct queue_dest *dest);

/* One of its jobs has ended. Frees it when nothing refers to it any more. */
void index_dest_idle(struct queue *queue, struct queue_dest *dest);

/* Moves a recipient between states, with lists and counts. */
void index_ready(struct queue *queue, struct queue_rcpt *rcpt);
void index_wait(struct queue *queue, struct queue_rcpt *rcpt, uint64_t next_ms, uint64_t wake_ms);
void index_set(struct queue *queue, struct queue_rcpt *rcpt, enum queue_rcpt_state state);
/* Out of list and heap, for hold; the state stays. */
void index_park(struct queue *queue, struct queue_rcpt *rcpt);

void walk_begin(struct queue *queue, struct queue_walk *walk);
void walk_end(struct queue_walk *walk);
/* The next live message in the order of segments, or NULL at the end. */
struct queue_msg *walk_next(struct queue *queue, struct queue_walk *walk);

#endif
