/*
 * report: what senders are owed: of failure, of delay, of success. Recipients of one message that
 * are due about the same time go into one report. Its key and recipients are on disk before bounce
 * is asked (REPORT_BEGIN), its making before it is delivered (REPORT_MADE), so that none is made
 * twice (docs/spool-format.md).
 */
#ifndef PROC_QUEUE_REPORT_H
#define PROC_QUEUE_REPORT_H

#include "proc/queue/queue.h"

enum queue_report_stage {
	REPORT_BEGUN,  /* waits for the disk */
	REPORT_TO_ASK, /* waits for bounce */
	REPORT_ASKED,
	REPORT_LATER, /* bounce cannot now; again at again_ms */
	REPORT_MADE,  /* waits for the disk */
};

struct queue_report {
	struct map_node by_key;
	struct list_node node; /* in queue.reports, or reports_to_ask */
	struct queue *queue;
	struct journal_wait wait;
	uint64_t key;
	msg_id id;	/* of the message that it is about */
	msg_id made_id; /* of the report */
	uint64_t again_ms;
	struct queue_peer *asked;      /* has a lease */
	struct queue_segment *segment; /* that the lease is on */
	uint32_t body;
	uint8_t kind; /* enum spool_report_kind */
	uint8_t stage;
	uint16_t rcpt_count;
	uint16_t rcpts[];
};

/* report_ask.c. Sends the order; the message's segment is leased to bounce from then on. */
int report_ask(struct queue *queue, struct queue_report *report, struct queue_msg *msg,
	       struct queue_peer *bounce) MUST_USE;

void report_init(struct queue *queue);
void report_finish(struct queue *queue);
/* Some of its recipients may owe one. */
void report_gather(struct queue *queue, struct queue_msg *msg);
/* A report has been accepted. True when it must wait for its making to be on disk, or was dropped
 * as a second copy. */
bool report_found(struct queue *queue, struct queue_msg *report_msg,
		  const struct spool_accept *accept);
void report_done(struct queue *queue, const struct ipc_report_done *done);
/* bounce is gone, or there again. */
void report_forget_peer(struct queue *queue, struct queue_peer *peer);
void report_kick(struct queue *queue);

/* report_recover.c, and what it shares with report.c. */
struct queue_report *report_find(struct queue *queue, uint64_t key);
struct queue_report *report_add(struct queue *queue, uint64_t key, uint16_t rcpt_count);
void report_free(struct queue_report *report);
void report_stage(struct queue_report *report, enum queue_report_stage stage);
/* What the report was about is settled. */
void report_settle(struct queue *queue, msg_id id, uint8_t kind, struct journal_rcpts rcpts);
/* From the journal at start. ERR_NO_MEMORY: nothing was changed. */
int report_recover_begin(struct queue *queue, msg_id id,
			 const struct journal_report *begin) MUST_USE;
void report_recover_made(struct queue *queue, msg_id id, const struct journal_report *made);
/* All has been read: those not made are asked for again. */
void report_recover_end(struct queue *queue);
/* Says again what is under way about a message. */
void report_carry(struct queue *queue, msg_id id);

#endif
