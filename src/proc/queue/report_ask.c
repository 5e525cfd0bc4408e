/*
 * report_ask: the order to bounce: what the report is about, and for each recipient the last
 * verdict as the journal has it.
 */
#include "proc/queue/grant.h"
#include "proc/queue/recover.h"
#include "proc/queue/report.h"

#define REPLIES_BYTES ((size_t)1 << 20) /* of one order: a channel must take all of it */
#define ASK_ARENA_BYTES ((size_t)256 << 10)

/* Many recipients share the room for the servers' words. */
static void
verdict_give(struct ipc_message *message, const struct verdict *verdict, size_t rcpt_count)
{
	struct verdict *to = &message->u.report_rcpt.verdict;

	*to = *verdict;
	to->reply = slice_sub(to->reply, 0, REPLIES_BYTES / rcpt_count);
}

static int
ask_rcpts(struct queue *queue, const struct queue_report *report, struct queue_msg *msg,
	  struct ipc_channel *channel)
{
	struct journal_result last;
	struct arena arena;
	int err = 0;

	arena_init(&arena, queue->mem, ASK_ARENA_BYTES);
	for (size_t i = 0; i < report->rcpt_count && !err; i++) {
		struct queue_rcpt *rcpt = &msg->rcpts[report->rcpts[i]];
		struct ipc_message message = {.type = IPC_REPORT_RCPT};

		arena_reset(&arena);
		message.u.report_rcpt.key = report->key;
		message.u.report_rcpt.rcpt = rcpt->index;
		message.u.report_rcpt.attempts = rcpt->attempts;
		err = journal_last_result(queue, rcpt, &arena, &last);
		if (recover_is_shortage(err))
			break; /* its words will be there later */
		message.u.report_rcpt.expired = err == 0 && last.state == JOURNAL_EXPIRED;
		if (err == 0)
			verdict_give(&message, &last.verdict, report->rcpt_count);
		else /* its words are lost, its fate is not */
			message.u.report_rcpt.verdict.class = report->kind == SPOOL_REPORT_FAILURE
								      ? VERDICT_NEVER
								      : VERDICT_LATER;
		err = ipc_send(channel, &message);
	}
	arena_finish(&arena);
	return err;
}

int
report_ask(struct queue *queue, struct queue_report *report, struct queue_msg *msg,
	   struct queue_peer *bounce)
{
	int64_t age_ms = (int64_t)rt_now_ms(queue->rt) - msg->born_ms;
	int err = lease_begin(queue, msg, bounce);

	if (err)
		return err;
	report->asked = bounce;
	report->segment = msg->segment;
	report->body = msg->body;
	err = IPC_SEND(bounce->channel, REPORT_MAKE, report_make, .key = report->key,
		       .message = msg->id, .segment = msg->segment->number, .offset = msg->offset,
		       .length = msg->length, .kind = report->kind,
		       .retry_until_wall_ms =
			       rt_wall_ms(queue->rt) - age_ms + (int64_t)queue->rules.lifetime_ms);
	if (!err)
		err = ask_rcpts(queue, report, msg, bounce->channel);
	if (!err)
		err = IPC_SEND(bounce->channel, REPORT_END, report_end, .key = report->key);
	return err;
}
