/*
 * result: see result.h. Recipients that stand alike (attempts so far, what their sender wishes to
 * know) are judged and written together, so that a message with many recipients at one place costs
 * one record.
 */
#include "proc/queue/result.h"

#include <string.h>

#include "base/assert.h"
#include "base/planted.h"
#include "proc/queue/accept.h"
#include "proc/queue/carry.h"
#include "proc/queue/report.h"
#include "proc/queue/suspend.h"

#define RESULT_MISSING_AGAIN_MS 1000
#define LOST_AGAIN_MS ((uint64_t)1000)
#define FAILED_HERE_AGAIN_S 60

/* One judgement for some recipients. */
struct ruling {
	struct queue_msg *msg;
	struct schedule_decision decision;
	struct journal_result result;
	bool aside; /* without an attempt */
	uint16_t numbers[SPOOL_RCPTS_MAX];
	size_t count;
	uint8_t history[VERDICT_EVIDENCE_MAX];
};

static const struct {
	enum log_event event;
	enum journal_state state;
} outcomes[SCHEDULE_NEXT_MAX] = {
	[SCHEDULE_DONE] = {EVENT_queue_delivered, JOURNAL_DELIVERED},
	[SCHEDULE_WAIT] = {EVENT_queue_deferred, JOURNAL_WAITING},
	[SCHEDULE_FAIL] = {EVENT_queue_failed, JOURNAL_FAILED},
	[SCHEDULE_EXPIRE] = {EVENT_queue_expired, JOURNAL_EXPIRED},
};

static void
count_outcome(struct queue *queue, const struct ruling *ruling)
{
	uint64_t *counters[SCHEDULE_NEXT_MAX] = {
		[SCHEDULE_DONE] = &queue->counters.delivered,
		[SCHEDULE_WAIT] = &queue->counters.deferred,
		[SCHEDULE_FAIL] = &queue->counters.failed,
		[SCHEDULE_EXPIRE] = &queue->counters.expired,
	};

	*counters[ruling->decision.next] += ruling->count;
	if (!ruling->aside)
		histogram_add(&queue->counters.attempt_ms, ruling->result.verdict.took_ms,
			      ruling->count);
	if (ruling->decision.next == SCHEDULE_DONE)
		histogram_add(&queue->counters.delivered_ms, ruling->result.age_ms, ruling->count);
}

static void
log_outcome(struct queue *queue, const struct ruling *ruling, const struct queue_dest *dest)
{
	struct log_line line;

	log_begin(&line, queue->boot->log, outcomes[ruling->decision.next].event);
	log_msg(&line, ruling->msg->id);
	log_number(&line, "rcpt", ruling->numbers[0]);
	if (ruling->count > 1)
		log_number(&line, "rcpts", (int64_t)ruling->count);
	if (dest->name_len)
		log_text(&line, "to", slice_of(dest->name, dest->name_len));
	log_number(&line, "try", ruling->result.attempt);
	log_number(&line, "age_ms", (int64_t)ruling->result.age_ms);
	if (ruling->decision.next == SCHEDULE_WAIT)
		log_number(&line, "next_ms", (int64_t)ruling->result.wait_ms);
	log_verdict(&line, &ruling->result.verdict);
	log_end(&line);
}

static void
apply_one(struct queue *queue, const struct ruling *ruling, struct queue_rcpt *rcpt,
	  struct journal_at at)
{
	const struct schedule_decision *decision = &ruling->decision;
	uint64_t next_ms = rt_now_ms(queue->rt) + decision->wait_ms;

	rcpt->attempts = ruling->result.attempt;
	rcpt->verdict_file = at.file;
	rcpt->verdict_at = at.at;
	rcpt->flags &= (uint8_t)~RCPT_ASIDE;
	if (decision->next == SCHEDULE_WAIT) {
		if (decision->report)
			rcpt->flags |= RCPT_DELAY_DUE;
		if (rcpt->dest->suspension)
			rcpt->flags |= RCPT_ASIDE;
		grant_wait(queue, rcpt, next_ms);
	} else if (PLANTED(PARTIAL_REPEATED) && rcpt->index == 1 && rcpt->attempts == 1) {
		grant_wait(queue, rcpt, next_ms + 30000);
	} else if (decision->report) {
		if (decision->next == SCHEDULE_DONE)
			rcpt->flags |= RCPT_SUCCESS;
		index_set(queue, rcpt, RCPT_REPORTING);
	} else {
		finish_rcpt(queue, rcpt);
	}
}

static void
ruling_apply(struct queue *queue, struct ruling *ruling, const struct queue_dest *dest)
{
	struct journal_record record = {.kind = JOURNAL_RESULT, .id = ruling->msg->id};
	uint16_t numbers[SPOOL_RCPTS_MAX];
	struct journal_at at;

	count_outcome(queue, ruling);
	log_outcome(queue, ruling, dest);
	memcpy(numbers, ruling->numbers, ruling->count * sizeof(numbers[0]));
	ruling->result.rcpts = journal_rcpts_make(numbers, ruling->count);
	record.u.result = ruling->result;
	if (PLANTED(RESULT_FORGOTTEN) && ruling->decision.next == SCHEDULE_DONE)
		at = (struct journal_at){0};
	else
		at = journal_append(queue, &record);
	for (size_t i = 0; i < ruling->count; i++)
		apply_one(queue, ruling, &ruling->msg->rcpts[ruling->numbers[i]], at);
}

static void
ruling_make(struct queue *queue, struct ruling *ruling, const struct queue_rcpt *rcpt,
	    const struct ipc_job_result *given)
{
	struct schedule_case now = grant_case(queue, ruling->msg, rcpt);

	/* Of those put aside the attempt of another one decides as if it were their first. */
	now.attempts += !ruling->aside || now.attempts == 0;
	ruling->decision = schedule_decide(&queue->rules, &now, &given->verdict, &queue->prng);
	/* A host that takes DSN on tells the sender of success itself (RFC 3461 5.2.2). */
	if (ruling->decision.next == SCHEDULE_DONE && given->dsn_passed)
		ruling->decision.report = false;
	ruling->result = (struct journal_result){
		.state = (uint8_t)outcomes[ruling->decision.next].state,
		.flags = result_flags(rcpt),
		.attempt = (uint16_t)(rcpt->attempts + !ruling->aside),
		.age_ms = now.age_ms,
		.wait_ms = ruling->decision.wait_ms,
		.verdict = given->verdict,
	};
	if (given->dsn_passed)
		ruling->result.flags |= JOURNAL_DSN_PASSED;
	if (ruling->aside)
		ruling->result.flags |= JOURNAL_NOT_TRIED;
	suspend_history(queue, rcpt->dest, &ruling->result.verdict, ruling->history);
	if (ruling->decision.next == SCHEDULE_WAIT)
		return;
	if (ruling->decision.report)
		ruling->result.flags |= JOURNAL_OWES;
	else if (ruling->decision.next != SCHEDULE_DONE)
		ruling->result.state = JOURNAL_SILENT;
}

static bool
alike(const struct queue_rcpt *a, const struct queue_rcpt *b)
{
	return a->attempts == b->attempts && a->notify == b->notify && a->flags == b->flags;
}

/* The next recipients of the result that the job still waits for and that stand alike; false at the
 * end. */
static bool
ruling_next(struct ruling *ruling, struct queue_job *job, const struct ipc_job_result *given,
	    size_t *at)
{
	const struct queue_rcpt *first = NULL;

	ruling->count = 0;
	for (; *at < given->rcpts.count; ++*at) {
		uint16_t number = ipc_u16s_at(given->rcpts, *at);
		const struct queue_rcpt *rcpt;

		if (number >= ruling->msg->rcpt_count)
			continue;
		rcpt = &ruling->msg->rcpts[number];
		if (first && (!alike(first, rcpt) || ruling->count == SPOOL_RCPTS_MAX))
			break;
		if (!grant_hear(job, number))
			continue;
		ASSERT(rcpt->state == RCPT_ACTIVE);
		first = first ? first : rcpt;
		ruling->numbers[ruling->count++] = number;
	}
	return first != NULL;
}

static void
result_take(struct queue *queue, struct queue_job *job, const struct ipc_job_result *given)
{
	struct queue_msg *msg = index_find(queue, job->id);
	struct ruling ruling = {.msg = msg};
	size_t at = 0;

	if (!msg)
		return; /* all has been said */
	suspend_hear(queue, job, &given->verdict);
	grant_pace(queue, job, &given->verdict);
	while (ruling_next(&ruling, job, given, &at)) {
		ruling_make(queue, &ruling, &msg->rcpts[ruling.numbers[0]], given);
		ruling_apply(queue, &ruling, job->dest);
	}
	result_delete_due(queue, msg);
	report_gather(queue, msg);
	finish_check(queue, msg);
}

/* Told already, and it is not yet the end: it only waits on. */
static bool
aside_again(const struct ruling *ruling, const struct queue_rcpt *rcpt)
{
	return rcpt->flags & RCPT_ASIDE && ruling->decision.next == SCHEDULE_WAIT &&
	       !ruling->decision.report;
}

/* The ready recipients from *at on that stand alike; false at the end. */
static bool
aside_next(struct ruling *ruling, const struct queue_dest *dest, size_t *at)
{
	const struct queue_rcpt *first = NULL;

	for (ruling->count = 0; *at < ruling->msg->rcpt_count; ++*at) {
		const struct queue_rcpt *rcpt = &ruling->msg->rcpts[*at];

		if (rcpt->state != RCPT_READY || rcpt->flags & RCPT_HELD || rcpt->dest != dest)
			continue;
		if (first && !alike(first, rcpt))
			break;
		first = rcpt;
		ruling->numbers[ruling->count++] = (uint16_t)*at;
	}
	return first != NULL;
}

void
result_aside(struct queue *queue, struct queue_msg *msg, struct queue_dest *dest)
{
	struct ruling ruling = {.msg = msg, .aside = true};
	struct ipc_job_result given = {0};
	size_t at = 0;

	suspend_verdict(dest->suspension, &given.verdict);
	while (aside_next(&ruling, dest, &at)) {
		struct queue_rcpt *first = &msg->rcpts[ruling.numbers[0]];
		uint64_t next_ms;

		ruling_make(queue, &ruling, first, &given);
		next_ms = rt_now_ms(queue->rt) + ruling.decision.wait_ms;
		if (!aside_again(&ruling, first)) {
			ruling_apply(queue, &ruling, dest);
			continue;
		}
		for (size_t i = 0; i < ruling.count; i++)
			grant_wait(queue, &msg->rcpts[ruling.numbers[i]], next_ms);
	}
	report_gather(queue, msg);
	finish_check(queue, msg);
}

void
result_receive(struct queue *queue, struct queue_peer *peer, const struct ipc_job_result *given)
{
	struct queue_job *job = grant_job(queue, peer, given->job);

	struct queue_msg *msg = job ? index_find(queue, job->id) : NULL;

	if (!msg) /* it was taken back, or all has been said */
		return;
	msg->lost = 0;
	result_take(queue, job, given);
}

/* An attempt that failed here, of all recipients of the job that have no other outcome: it counts,
 * so that such mail is given up in the end and its sender hears of it. */
static void
failed_here(struct queue *queue, struct queue_job *job, const char *why)
{
	struct ipc_job_result given = {.verdict = {.class = VERDICT_LATER,
						   .stage = VERDICT_STAGE_LOCAL,
						   .status = {4, 3, 0},
						   .actor = VERDICT_ACTOR_OUR_ADMIN,
						   .action = VERDICT_ACTION_RETRY,
						   .scope = VERDICT_SCOPE_MESSAGE,
						   .evidence = slice_str(why),
						   .retry_after_s = FAILED_HERE_AGAIN_S}};
	uint16_t numbers[SPOOL_RCPTS_MAX];

	memcpy(numbers, job->rcpts, job->rcpt_count * sizeof(numbers[0]));
	given.rcpts = ipc_u16s_make(numbers, job->rcpt_count);
	result_take(queue, job, &given);
}

void
result_unreadable(struct queue *queue, struct queue_job *job, int err)
{
	struct log_line line;

	log_begin(&line, queue->boot->log, EVENT_queue_unreadable);
	log_msg(&line, job->id);
	log_err(&line, err);
	log_end(&line);
	failed_here(queue, job, "the files of the message cannot be opened here");
}

static void
result_missing(struct queue *queue, struct queue_job *job, uint64_t next_ms, enum log_event event)
{
	struct queue_msg *msg = index_find(queue, job->id);
	struct log_line line;
	size_t lost = 0;

	for (size_t i = 0; msg && i < job->rcpt_count; i++) {
		if (job->rcpts[i] & GRANT_HEARD)
			continue;
		lost++;
		ASSERT(msg->rcpts[job->rcpts[i]].state == RCPT_ACTIVE);
		grant_wait(queue, &msg->rcpts[job->rcpts[i]], next_ms);
	}
	if (lost == 0)
		return;
	result_delete_due(queue, msg);
	log_begin(&line, queue->boot->log, event);
	log_msg(&line, job->id);
	log_number(&line, "rcpts", (int64_t)lost);
	log_end(&line);
}

void
result_done(struct queue *queue, struct queue_peer *peer, const struct ipc_job_done *done)
{
	struct queue_job *job = grant_job(queue, peer, done->job);

	if (!job)
		return;
	result_missing(queue, job, rt_now_ms(queue->rt) + RESULT_MISSING_AGAIN_MS,
		       EVENT_queue_given_back);
	grant_job_end(queue, job);
}

void
result_lost(struct queue *queue, struct queue_job *job)
{
	struct queue_msg *msg = index_find(queue, job->id);
	uint64_t wait_ms = LOST_AGAIN_MS;

	if (msg && msg->lost == RESULT_LOST_MAX) {
		failed_here(queue, job, "whoever was to deliver it ended each time");
		return;
	}
	if (msg)
		wait_ms <<= msg->lost++;
	result_missing(queue, job, rt_now_ms(queue->rt) + wait_ms, EVENT_queue_unheard);
}

void
result_delete_due(struct queue *queue, struct queue_msg *msg)
{
	uint16_t numbers[SPOOL_RCPTS_MAX];
	size_t count = 0, active = 0;

	if (!(msg->flags & MSG_DELETING))
		return;
	for (size_t i = 0; i < msg->rcpt_count; i++) {
		const struct queue_rcpt *rcpt = &msg->rcpts[i];

		if (!(rcpt->flags & RCPT_DELETING))
			continue;
		if (rcpt->state == RCPT_ACTIVE)
			active++;
		else if (rcpt->state < RCPT_REPORTING)
			numbers[count++] = (uint16_t)i;
	}
	if (!active)
		msg->flags &= (uint8_t)~MSG_DELETING;
	if (count)
		result_delete(queue, msg, numbers, count, RESULT_DELETED);
}

void
result_delete(struct queue *queue, struct queue_msg *msg, const uint16_t *numbers, size_t count,
	      const char *why)
{
	struct journal_record record = {.kind = JOURNAL_RESULT, .id = msg->id};
	uint16_t as_written[SPOOL_RCPTS_MAX];
	struct journal_at at;
	struct log_line line;

	record.u.result.state = JOURNAL_DELETED;
	record.u.result.verdict.class = VERDICT_NEVER;
	record.u.result.verdict.stage = VERDICT_STAGE_LOCAL;
	record.u.result.verdict.evidence = slice_str(why);
	memcpy(as_written, numbers, count * sizeof(numbers[0]));
	record.u.result.rcpts = journal_rcpts_make(as_written, count);
	at = journal_append(queue, &record);
	for (size_t i = 0; i < count; i++) {
		struct queue_rcpt *rcpt = &msg->rcpts[numbers[i]];

		rcpt->flags &= (uint8_t)~RCPT_DELAY_DUE;
		rcpt->verdict_file = at.file;
		rcpt->verdict_at = at.at;
		finish_rcpt(queue, rcpt);
	}
	log_begin(&line, queue->boot->log, EVENT_queue_deleted);
	log_msg(&line, msg->id);
	log_number(&line, "rcpts", (int64_t)count);
	log_text(&line, "why", slice_str(why));
	log_end(&line);
	finish_check(queue, msg);
}
