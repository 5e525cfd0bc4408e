/*
 * job: a message on its way to some of its recipients. It is small while it waits; the record is
 * opened when a connection takes it, and closed when it comes back.
 */
#ifndef PROC_SMTPOUT_JOB_H
#define PROC_SMTPOUT_JOB_H

#include "proc/smtpout/smtpout.h"
#include "wire/smtp/data.h"

struct destination;

struct job {
	struct list_node node; /* in the destination's waiting, or in the session's jobs */
	struct smtpout *out;
	struct destination *destination;
	uint64_t number; /* queue's */
	msg_id message;
	uint32_t segment, length;
	uint64_t offset;
	uint16_t attempt;
	uint64_t granted_ms;
	unsigned returns;

	uint32_t rcpt_count, open_count; /* open: without a result yet */
	uint16_t *rcpts;		 /* numbers in the record; in the block behind the struct */
	size_t block_bytes;

	/* while a connection has it */
	struct smtp_client_job smtp;
	struct smtp_client_rcpt *smtp_rcpts; /* rcpt_count of them; state stays over returns */
	struct spool_message record;
	struct smtp_kept kept; /* as it is behind the inline part of the content */
	bool is_open;
};

/* One allocation. ERR_NO_MEMORY; ERR_PROTOCOL when there is no recipient. */
int job_create(struct smtpout *out, const struct ipc_job *message, struct job **ret_job) MUST_USE;
void job_destroy(struct job **job);

/* Tells queue, when it is there, that the job ends here; recipients without a result are its again.
 */
void job_give_back(struct job *job);

/* Reads the record and fills smtp in, for the recipients that are open. ERR_SYNTAX: its content is
 * not what may go out. */
int job_open(struct job *job) MUST_USE;
void job_close(struct job *job);

/*
 * Reports the outcome for recipients of the job, given by their index in it; counts them as done.
 * What has no source, time and so on in verdict is filled in. The last one reports the job done;
 * destroying it stays the caller's matter.
 */
void job_report(struct job *job, const uint16_t *indexes, size_t count, bool dsn_passed,
		const struct verdict *verdict);
/* The same for all that are open. */
void job_report_open(struct job *job, const struct verdict *verdict);
/* The same, and a line of the log: the content could not be had for err. */
void job_report_unreadable(struct job *job, int err);

#endif
