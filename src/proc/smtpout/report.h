/*
 * report: the way back to queue. What its channel does not take now is kept and sent later, so that
 * no outcome is lost while queue lives; while it is away there is nobody to tell. Without memory to
 * keep it the process ends.
 */
#ifndef PROC_SMTPOUT_REPORT_H
#define PROC_SMTPOUT_REPORT_H

#include "proc/smtpout/smtpout.h"

void report_result(struct smtpout *out, uint64_t job, struct ipc_u16s rcpts, bool dsn_passed,
		   const struct verdict *verdict);
void smtpout_report_done(struct smtpout *out, uint64_t job);
/* Forgets what is kept: queue is gone, and its leases with it. */
void report_drop(struct smtpout *out);
/* Sends what is kept, as far as there is room: the timer's. */
void report_retry(void *ctx);
/* Queue is behind: no new work should be begun. */
bool report_is_full(const struct smtpout *out);

#endif
