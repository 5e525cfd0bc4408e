/*
 * suspend: destinations that refuse our address at the greeting (rule/schedule/suspend.h). Their
 * mail is put aside: each message gets the refusal as its outcome once, so that its sender is told,
 * and waits; one message at a time is granted as a probe; when it gets past the greeting all goes
 * on. The suspension lives with its destination: when no mail for it is left it is forgotten. The
 * journal knows it, and says it again in each new file.
 */
#ifndef PROC_QUEUE_SUSPEND_H
#define PROC_QUEUE_SUSPEND_H

#include "proc/queue/grant.h"

/* Destinations suspended at once; mail for more is deferred like any other. */
#define SUSPEND_MAX 2000
/* Of the refusal, what is kept to be told to those put aside. */
#define SUSPEND_REPLY_BYTES 1024
/* Of those an answer to `frank status` or `frank queue list` names. */
#define SUSPEND_SHOWN_MAX 100
/* Messages remembered as the next probe; others come by themselves when their wait is over. */
#define SUSPEND_PROBES_KNOWN 8

struct queue_suspension {
	struct list_node node; /* in queue.suspended */
	struct queue *queue;
	struct queue_dest *dest;
	struct schedule_suspension state;
	struct rt_timer timer; /* to the next probe */
	uint64_t number;       /* never used again: names it in the job that probes */
	int64_t since_wall_ms;
	bool recovered; /* holds its destination until all mail is known */
	msg_id known[SUSPEND_PROBES_KNOWN];
	size_t known_next;
	struct slice encoded; /* the verdict of the last refusal */
};

void suspend_init(struct queue *queue);
void suspend_finish(struct queue *queue);
/* By the configuration of now: suspensions end where it wants bounces. */
void suspend_reload(struct queue *queue);

/* Whether nothing is to be granted there now. */
bool suspend_holds(struct queue *queue, const struct queue_dest *dest);
/* The job has been given: it is the probe if its destination is suspended. */
void suspend_granted(struct queue_job *job);
/* Puts the ready recipients of the message that belong to this destination aside. */
void suspend_put_aside(struct queue *queue, struct queue_msg *msg, struct queue_dest *dest);
/* What an attempt met, before it is judged: may begin the suspension, move its next probe, or end
 * it. */
void suspend_hear(struct queue *queue, struct queue_job *job, const struct verdict *verdict);
/* The job is over, perhaps without a word. */
void suspend_job_end(const struct queue_job *job);
/* An administrator wants a try: the next probe is due. */
void suspend_probe_now(struct queue *queue, struct queue_dest *dest);
/* The destination goes, and what is known of it. */
void suspend_forget(struct queue_dest *dest);

/* From the journal at a start; that mail is known now. ERR_NO_MEMORY: nothing was changed. */
int suspend_recover(struct queue *queue, const struct journal_suspended *given,
		    int64_t wall_ms) MUST_USE;
void suspend_recover_end(struct queue *queue);
/* One that was put aside before the start has its place. True: it may be the next probe, and waits
 * on. False: it need not wait, as it is let in meanwhile, or is put aside again for its sender to
 * be told. */
bool suspend_enter(struct queue *queue, struct queue_rcpt *rcpt) MUST_USE;
/* All of them into the journal, for a new file. */
void suspend_carry(struct queue *queue);

/* The refusal that holds, borrowed from the suspension until that ends or hears another one. */
void suspend_verdict(const struct queue_suspension *suspension, struct verdict *ret_verdict);
/* Adds to the verdict's evidence how often and since when, in room. Only from the second refusal
 * on. */
void suspend_history(struct queue *queue, const struct queue_dest *dest, struct verdict *verdict,
		     uint8_t room[VERDICT_EVIDENCE_MAX]);
/* When the next probe is due by the wall clock; now, while one is under way. */
int64_t suspend_probe_wall_ms(struct queue *queue, const struct queue_suspension *suspension);
/* Rows of CTL_SUSPENSION, SUSPEND_SHOWN_MAX at most. */
int suspend_show(struct queue *queue, struct queue_peer *peer, uint32_t request) MUST_USE;

#endif
