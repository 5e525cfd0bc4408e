/*
 * grant: who is delivered next, by whom. Jobs go to smtpout and postoffice in batches, each
 * destination in turn; a job is a lease on its segment.
 */
#ifndef PROC_QUEUE_GRANT_H
#define PROC_QUEUE_GRANT_H

#include "proc/queue/queue.h"

struct queue_job {
	struct map_node node;
	struct list_node of_peer;
	uint64_t number;
	struct queue_peer *peer;
	msg_id id; /* the message may be gone before its job is */
	struct queue_segment *segment;
	struct queue_dest *dest;
	uint64_t probe_of; /* number of the suspension that it probes, 0: of none */
	uint32_t body;
	uint16_t rcpt_count;
	uint16_t rcpts[]; /* numbers in order; those that have had a result with GRANT_HEARD */
};
#define GRANT_HEARD 0x8000u

void grant_init(struct queue *queue);
void grant_finish(struct queue *queue);
/* A destination's limits by the configuration of now. */
void grant_dest(struct queue *queue, struct queue_dest *dest);
/* What an attempt met: whoever asks us to be slower gets less at once for a while. */
void grant_pace(struct queue *queue, const struct queue_job *job, const struct verdict *verdict);
/* The same for all, after a reload. */
void grant_reload(struct queue *queue);
/* A recipient of a message that has a place: where its state says it belongs. */
void grant_enter(struct queue *queue, struct queue_rcpt *rcpt);
/* Waits until next_ms, or earlier for a notice of delay. */
void grant_wait(struct queue *queue, struct queue_rcpt *rcpt, uint64_t next_ms);
/* Tries again in this turn. */
void grant_kick(struct queue *queue);
struct queue_job *grant_job(struct queue *queue, const struct queue_peer *peer, uint64_t number);
/* True once for each recipient of the job: it counts as heard from then on. A recipient whose
 * result came early may be in another job by now; what this one still says of it means nothing. */
bool grant_hear(struct queue_job *job, uint16_t number);
/* All of its recipients have had a result. */
void grant_job_end(struct queue *queue, struct queue_job *job);
/* The worker is gone: what it had is tried again soon. */
void grant_forget_peer(struct queue *queue, struct queue_peer *peer);

/* How a recipient stands now, for the rules. */
struct schedule_case grant_case(struct queue *queue, const struct queue_msg *msg,
				const struct queue_rcpt *rcpt);

#endif
