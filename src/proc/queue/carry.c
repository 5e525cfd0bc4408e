/*
 * carry: see carry.h. A recovery that begins with these records knows as much as one that has read
 * everything before them.
 */
#include "proc/queue/carry.h"

#include "proc/queue/grant.h"
#include "proc/queue/recover.h"
#include "proc/queue/report.h"

#define CARRY_ARENA_BYTES ((size_t)256 << 10)
#define UNSYNCED_MAX ((size_t)8 << 20)
#define STEP_UNITS 2000
#define STEP_BYTES ((uint64_t)1 << 20)
#define CARRY_UNITS 8 /* a message, a recipient */

bool
carry_waits(const struct queue *queue)
{
	return journal_broken(queue) || queue->journal.unsynced_len > UNSYNCED_MAX;
}

void
carry_step_begin(const struct queue *queue, struct carry_step *ret_step)
{
	*ret_step = (struct carry_step){STEP_UNITS, queue->journal.appended_bytes + STEP_BYTES};
}

bool
carry_step_over(const struct queue *queue, const struct carry_step *step)
{
	return step->units <= 0 || queue->journal.appended_bytes >= step->bytes_end;
}

uint8_t
result_flags(const struct queue_rcpt *rcpt)
{
	uint8_t flags = 0;

	if (rcpt->flags & RCPT_DELAY_TOLD)
		flags |= JOURNAL_DELAY_TOLD;
	if (rcpt->flags & RCPT_HELD)
		flags |= JOURNAL_HELD;
	if (rcpt->state == RCPT_REPORTING)
		flags |= JOURNAL_OWES;
	if (rcpt->flags & RCPT_DELETING)
		flags |= JOURNAL_DELETING;
	return flags;
}

/* The state to be written where the last RESULT cannot be read any more. */
static uint8_t
state_without_words(const struct queue_rcpt *rcpt)
{
	if (rcpt->state == RCPT_FINISHED)
		return JOURNAL_SILENT;
	if (rcpt->state != RCPT_REPORTING)
		return JOURNAL_WAITING;
	return rcpt->flags & RCPT_SUCCESS ? JOURNAL_DELIVERED : JOURNAL_FAILED;
}

/* What the last RESULT says; when it cannot be read any more, the same without words. While the
 * journal is broken it may only be in memory. */
static int
last_result(struct queue *queue, struct queue_rcpt *rcpt, struct arena *arena,
	    struct journal_result *ret_result)
{
	int err = journal_last_result(queue, rcpt, arena, ret_result);

	if (recover_is_shortage(err) || (err && journal_broken(queue)))
		return err;
	if (err)
		*ret_result = (struct journal_result){.state = state_without_words(rcpt)};
	return 0;
}

static bool
is_as_new(const struct queue_rcpt *rcpt)
{
	return !rcpt->attempts && !rcpt->verdict_file &&
	       !(rcpt->flags & (RCPT_HELD | RCPT_DELETING)) && rcpt->state != RCPT_FINISHED &&
	       rcpt->state != RCPT_REPORTING;
}

/* One record says the same of both. */
static bool
alike(const struct queue_rcpt *a, const struct queue_rcpt *b)
{
	return a->verdict_at == b->verdict_at && a->verdict_file == b->verdict_file &&
	       a->state == b->state && a->flags == b->flags && a->attempts == b->attempts &&
	       a->next_ms == b->next_ms;
}

/* The recipient and all behind it that stand alike. */
static int
carry_rcpts(struct queue *queue, struct queue_msg *msg, size_t first, bool *carried)
{
	const struct queue_rcpt rcpt = msg->rcpts[first];
	struct journal_record record = {.kind = JOURNAL_RESULT, .id = msg->id};
	struct journal_result *result = &record.u.result;
	uint64_t now_ms = rt_now_ms(queue->rt);
	uint16_t numbers[SPOOL_RCPTS_MAX];
	struct journal_at at;
	struct arena arena;
	size_t count = 0;
	int err;

	arena_init(&arena, queue->mem, CARRY_ARENA_BYTES);
	err = last_result(queue, &msg->rcpts[first], &arena, result);
	if (err)
		goto out;
	result->flags = (result->flags & JOURNAL_NOT_TRIED) | result_flags(&rcpt) | JOURNAL_CARRIED;
	result->attempt = rcpt.attempts;
	result->age_ms = grant_case(queue, msg, &rcpt).age_ms;
	result->wait_ms = rcpt.next_ms > now_ms ? rcpt.next_ms - now_ms : 0;
	for (size_t i = first; i < msg->rcpt_count; i++) {
		if (carried[i] || !alike(&rcpt, &msg->rcpts[i]))
			continue;
		carried[i] = true;
		numbers[count++] = (uint16_t)i;
	}
	result->rcpts = journal_rcpts_make(numbers, count);
	at = journal_append(queue, &record);
	for (size_t i = 0; i < count; i++) {
		struct queue_rcpt *one = &msg->rcpts[journal_rcpt_at(result->rcpts, i)];

		one->verdict_file = at.file;
		one->verdict_at = at.at;
	}
out:
	arena_finish(&arena);
	return err;
}

int
carry_msg(struct queue *queue, struct queue_msg *msg, struct journal_place place,
	  struct carry_step *step)
{
	struct journal_record record = {.kind = JOURNAL_PLACED, .id = msg->id};
	bool carried[SPOOL_RCPTS_MAX] = {false};
	uint32_t file;
	int err = 0;

	step->units -= CARRY_UNITS * (1 + msg->rcpt_count);
	record.u.placed.place = place;
	record.u.placed.rcpt_count = msg->rcpt_count;
	file = journal_append(queue, &record).file;
	for (size_t i = 0; i < msg->rcpt_count && !err; i++)
		if (!carried[i] && !is_as_new(&msg->rcpts[i]))
			err = carry_rcpts(queue, msg, i, carried);
	if (err)
		return err;
	report_carry(queue, msg->id);
	msg->known_file = file;
	return 0;
}
