/*
 * carry: see carry.h. A recovery that begins with these records knows as much as one that has read
 * everything before them.
 */
#include "proc/queue/carry.h"

#include "proc/queue/grant.h"
#include "proc/queue/report.h"

#define CARRY_ARENA_BYTES ((size_t)256 << 10)

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

static void
carry_rcpt(struct queue *queue, struct queue_msg *msg, struct queue_rcpt *rcpt)
{
	struct journal_record record = {.kind = JOURNAL_RESULT, .id = msg->id};
	struct journal_at at;
	struct schedule_case now = grant_case(queue, msg, rcpt);
	uint64_t now_ms = rt_now_ms(queue->rt);
	uint16_t number = rcpt->index;
	struct arena arena;

	arena_init(&arena, queue->mem, CARRY_ARENA_BYTES);
	if (journal_last_result(queue, rcpt, &arena, &record.u.result))
		record.u.result = (struct journal_result){.state = state_without_words(rcpt)};
	record.u.result.flags = result_flags(rcpt) | JOURNAL_CARRIED;
	record.u.result.attempt = rcpt->attempts;
	record.u.result.age_ms = now.age_ms;
	record.u.result.wait_ms = rcpt->next_ms > now_ms ? rcpt->next_ms - now_ms : 0;
	record.u.result.rcpts = journal_rcpts_make(&number, 1);
	at = journal_append(queue, &record);
	rcpt->verdict_file = at.file;
	rcpt->verdict_at = at.at;
	arena_finish(&arena);
}

void
carry_msg(struct queue *queue, struct queue_msg *msg)
{
	struct journal_record record = {.kind = JOURNAL_PLACED, .id = msg->id};

	record.u.placed.place =
		(struct journal_place){msg->segment->number, msg->offset, msg->length};
	record.u.placed.rcpt_count = msg->rcpt_count;
	msg->known_file = journal_append(queue, &record).file;
	for (size_t i = 0; i < msg->rcpt_count; i++) {
		struct queue_rcpt *rcpt = &msg->rcpts[i];

		if (rcpt->attempts || rcpt->flags & (RCPT_HELD | RCPT_DELETING) ||
		    rcpt->state == RCPT_FINISHED || rcpt->state == RCPT_REPORTING)
			carry_rcpt(queue, msg, rcpt);
	}
	report_carry(queue, msg->id);
}
