/*
 * report_recover: reports that the journal knows at start, and saying them again before the journal
 * file that has them goes.
 */
#include <string.h>

#include "proc/queue/report.h"

static bool
rcpts_exist(const struct queue_msg *msg, struct journal_rcpts rcpts)
{
	for (size_t i = 0; i < rcpts.count; i++)
		if (journal_rcpt_at(rcpts, i) >= msg->rcpt_count)
			return false;
	return rcpts.count > 0;
}

int
report_recover_begin(struct queue *queue, msg_id id, const struct journal_report *given)
{
	struct queue_msg *msg = index_find(queue, id);
	struct queue_report *report = report_find(queue, given->key);

	if (!msg || report || !rcpts_exist(msg, given->rcpts))
		return 0;
	report = report_add(queue, given->key, (uint16_t)given->rcpts.count);
	if (!report)
		return ERR_NO_MEMORY;
	report->id = id;
	report->kind = given->kind;
	report->stage = REPORT_BEGUN;
	for (size_t i = 0; i < given->rcpts.count; i++) {
		report->rcpts[i] = journal_rcpt_at(given->rcpts, i);
		msg->rcpts[report->rcpts[i]].flags |= RCPT_IN_REPORT;
	}
	return 0;
}

void
report_recover_made(struct queue *queue, msg_id id, const struct journal_report *given)
{
	struct queue_report *report = report_find(queue, given->key);

	if (report)
		report_free(report);
	report_settle(queue, id, given->kind, given->rcpts);
}

void
report_recover_end(struct queue *queue)
{
	struct list_node *node, *after;

	for (node = list_first(&queue->reports); node; node = after) {
		struct queue_report *report = CONTAINER_OF(node, struct queue_report, node);

		after = list_next(&queue->reports, node);
		if (report->stage == REPORT_BEGUN && !list_linked(&report->wait.node))
			report_stage(report, REPORT_TO_ASK);
	}
	report_kick(queue);
}

static void
carry_one(struct queue *queue, const struct queue_report *report)
{
	struct journal_record record = {.kind = JOURNAL_REPORT_BEGIN, .id = report->id};
	uint16_t numbers[SPOOL_RCPTS_MAX];

	if (report->stage == REPORT_MADE)
		return; /* REPORT_MADE stands in the current file */
	memcpy(numbers, report->rcpts, report->rcpt_count * sizeof(numbers[0]));
	record.u.report.key = report->key;
	record.u.report.kind = report->kind;
	record.u.report.rcpts = journal_rcpts_make(numbers, report->rcpt_count);
	(void)journal_append(queue, &record);
}

void
report_carry(struct queue *queue, msg_id id)
{
	struct list *lists[] = {&queue->reports, &queue->reports_to_ask};
	const struct queue_msg *msg = index_find(queue, id);
	bool any = false;

	for (size_t i = 0; msg && i < msg->rcpt_count; i++)
		any = any || msg->rcpts[i].flags & RCPT_IN_REPORT;
	if (!any)
		return;

	for (size_t i = 0; i < 2; i++) {
		for (struct list_node *node = list_first(lists[i]); node;
		     node = list_next(lists[i], node)) {
			const struct queue_report *report =
				CONTAINER_OF(node, struct queue_report, node);

			if (report->id == id)
				carry_one(queue, report);
		}
	}
}
