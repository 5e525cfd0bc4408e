/*
 * recover_apply: records of the journal, one by one in their order, onto the index. Messages have
 * no place yet, recipients are BLOCKED, REPORTING or FINISHED; accept.c puts them where they belong
 * when their record is read. What cannot be (a recipient that the message has not) is left out.
 */
#include "base/assert.h"
#include "proc/queue/accept.h"
#include "proc/queue/recover.h"
#include "proc/queue/report.h"
#include "proc/queue/suspend.h"

/* 0, or ERR_NO_MEMORY: nothing was changed, and the same record may come again. */
typedef int apply_fn(struct queue *queue, const struct journal_record *record,
		     struct journal_at at);

static int
apply_accepted(struct queue *queue, const struct journal_record *record, struct journal_at at)
{
	const struct journal_accepted *accepted = &record->u.accepted;
	struct spool_accept accept;
	struct queue_msg *msg;
	struct arena arena;
	uint64_t age_ms;
	int err;

	if (accepted->place.segment >= queue->files.next_segment)
		queue->files.next_segment = accepted->place.segment + 1;
	if (!segment_find(queue, accepted->place.segment) || index_find(queue, record->id))
		return 0; /* all of it is over */
	arena_init(&arena, queue->mem, ACCEPT_ARENA_BYTES);
	err = spool_meta_decode(&arena, accepted->meta, record->id, &accept);
	if (err && !arena.failed) { /* nonsense: then it counts as unknown */
		arena_finish(&arena);
		return 0;
	}
	msg = err ? NULL : recover_msg(queue, record->id, (uint16_t)accept.rcpt_count);
	if (msg) {
		age_ms = schedule_age_restart(&queue->rules, 0, accept.accepted_wall_ms,
					      rt_wall_ms(queue->rt));
		msg->born_ms = (int64_t)rt_now_ms(queue->rt) - (int64_t)age_ms;
		msg->known_file = at.file;
		msg->known_segment = accepted->place.segment;
	}
	arena_finish(&arena);
	return msg ? 0 : ERR_NO_MEMORY;
}

/* Its end may not have been written. */
static void
deleting(struct queue_rcpt *rcpt)
{
	rcpt->flags |= RCPT_DELETING;
	index_msg_of(rcpt)->flags |= MSG_DELETING;
}

static void
result_one(struct queue *queue, const struct journal_result *result, struct queue_rcpt *rcpt,
	   uint64_t waited_ms)
{
	if (rcpt->state == RCPT_FINISHED)
		return;
	rcpt->attempts = result->attempt;
	rcpt->flags &= (uint8_t) ~(RCPT_HELD | RCPT_SUCCESS | RCPT_ASIDE);
	if (result->flags & JOURNAL_HELD)
		rcpt->flags |= RCPT_HELD;
	if (result->flags & JOURNAL_DELETING)
		deleting(rcpt);
	if (result->flags & JOURNAL_DELAY_TOLD)
		rcpt->flags |= RCPT_DELAY_TOLD;
	if (result->state == JOURNAL_WAITING) {
		if (queue->rules.suspend &&
		    schedule_door(&result->verdict) == SCHEDULE_DOOR_REFUSED)
			rcpt->flags |= RCPT_ASIDE;
		rcpt->next_ms = rt_now_ms(queue->rt);
		if (result->wait_ms > waited_ms)
			rcpt->next_ms += result->wait_ms - waited_ms;
	} else if (result->flags & JOURNAL_OWES) {
		if (result->state == JOURNAL_DELIVERED)
			rcpt->flags |= RCPT_SUCCESS;
		index_set(queue, rcpt, RCPT_REPORTING);
	} else {
		finish_rcpt(queue, rcpt);
	}
}

static int
apply_result(struct queue *queue, const struct journal_record *record, struct journal_at at)
{
	const struct journal_result *result = &record->u.result;
	struct queue_msg *msg = index_find(queue, record->id);
	uint64_t age_ms = schedule_age_restart(&queue->rules, result->age_ms, record->wall_ms,
					       rt_wall_ms(queue->rt));

	if (!msg)
		return 0;
	msg->born_ms = (int64_t)rt_now_ms(queue->rt) - (int64_t)age_ms;
	msg->flags &= (uint8_t)~MSG_AGE_UNKNOWN;
	for (size_t i = 0; i < result->rcpts.count; i++) {
		uint16_t number = journal_rcpt_at(result->rcpts, i);
		struct queue_rcpt *rcpt;

		if (number >= msg->rcpt_count)
			continue;
		rcpt = &msg->rcpts[number];
		rcpt->verdict_file = at.file;
		rcpt->verdict_at = at.at;
		result_one(queue, result, rcpt, age_ms - result->age_ms);
	}
	return 0;
}

static int
apply_report_begin(struct queue *queue, const struct journal_record *record, struct journal_at at)
{
	(void)at;
	return report_recover_begin(queue, record->id, &record->u.report);
}

static int
apply_report_made(struct queue *queue, const struct journal_record *record, struct journal_at at)
{
	(void)at;
	report_recover_made(queue, record->id, &record->u.report);
	return 0;
}

static int
apply_action(struct queue *queue, const struct journal_record *record, struct journal_at at)
{
	const struct journal_acted *acted = &record->u.action;
	struct queue_msg *msg = index_find(queue, record->id);

	(void)at;
	for (size_t i = 0; msg && i < acted->rcpts.count; i++) {
		uint16_t number = journal_rcpt_at(acted->rcpts, i);
		struct queue_rcpt *rcpt = number < msg->rcpt_count ? &msg->rcpts[number] : NULL;

		if (!rcpt)
			continue;
		if (acted->action == JOURNAL_HOLD)
			rcpt->flags |= RCPT_HELD;
		else if (acted->action == JOURNAL_RELEASE)
			rcpt->flags &= (uint8_t)~RCPT_HELD;
		else if (acted->action == JOURNAL_RETRY)
			rcpt->next_ms = 0;
		else if (acted->action == JOURNAL_DELETE)
			deleting(rcpt);
	}
	return 0;
}

static int
apply_segment(struct queue *queue, const struct journal_record *record, struct journal_at at)
{
	struct queue_segment *segment = segment_find(queue, record->u.segment.segment);

	(void)at;
	if (segment)
		segment->end = record->u.segment.end;
	return 0;
}

static int
apply_numbers(struct queue *queue, const struct journal_record *record, struct journal_at at)
{
	const struct journal_numbers *numbers = &record->u.numbers;

	(void)at;
	if (numbers->next_segment > queue->files.next_segment)
		queue->files.next_segment = numbers->next_segment;
	if (numbers->next_body > queue->files.next_body)
		queue->files.next_body = numbers->next_body;
	return 0;
}

static int
apply_live(struct queue *queue, const struct journal_record *record, struct journal_at at)
{
	const struct journal_live *live = &record->u.live;
	struct queue_segment *segment = segment_find(queue, live->segment);

	(void)at;
	return segment ? recover_live(queue, segment, live) : 0;
}

static int
apply_placed(struct queue *queue, const struct journal_record *record, struct journal_at at)
{
	const struct journal_placed *placed = &record->u.placed;
	struct queue_msg *msg = index_find(queue, record->id);

	if (placed->place.segment >= queue->files.next_segment)
		queue->files.next_segment = placed->place.segment + 1;
	if (!segment_find(queue, placed->place.segment))
		return 0;
	if (!msg) {
		msg = recover_msg(queue, record->id, placed->rcpt_count);
		if (!msg)
			return ERR_NO_MEMORY;
		msg->flags |= MSG_AGE_UNKNOWN; /* unless a RESULT follows */
	}
	msg->known_file = at.file;
	msg->known_segment = placed->place.segment;
	return 0;
}

static int
apply_start(struct queue *queue, const struct journal_record *record, struct journal_at at)
{
	(void)queue;
	(void)record;
	(void)at;
	return 0;
}

static int
apply_made(struct queue *queue, const struct journal_record *record, struct journal_at at)
{
	const struct journal_made *made = &record->u.made;
	struct queue_segment *segment = segment_find(queue, made->segment);

	(void)at;
	if (!segment)
		return 0;
	if (segment->headless) {
		segment->secret = made->secret;
		segment->role = made->role;
	}
	segment->headless = false;
	segment->told = true;
	if (made->segment >= queue->files.next_segment)
		queue->files.next_segment = made->segment + 1;
	return 0;
}

static int
apply_suspended(struct queue *queue, const struct journal_record *record, struct journal_at at)
{
	(void)at;
	return suspend_recover(queue, &record->u.suspended, record->wall_ms);
}

static apply_fn *const apply_by_kind[JOURNAL_KIND_MAX - SPOOL_RECORD_JOURNAL_FIRST] = {
	apply_accepted, apply_result,  apply_report_begin, apply_report_made,
	apply_action,	apply_segment, apply_numbers,	   apply_live,
	apply_placed,	apply_start,   apply_made,	   apply_suspended,
};

int
recover_apply(struct queue *queue, const struct journal_record *record, struct journal_at at)
{
	ASSERT(record->kind >= SPOOL_RECORD_JOURNAL_FIRST && record->kind < JOURNAL_KIND_MAX);
	return apply_by_kind[record->kind - SPOOL_RECORD_JOURNAL_FIRST](queue, record, at);
}
