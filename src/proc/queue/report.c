/*
 * report: see report.h. A report goes through: gathered (in memory, a second at most while other
 * recipients of the message are still being tried), begun (on disk), asked of bounce, found in a
 * segment of bounce's, made (on disk), and is forgotten. What bounce says (REPORT_DONE) only
 * matters when there is nothing to find; the record itself is the proof that it is made.
 */
#include "proc/queue/report.h"

#include <string.h>

#include "base/assert.h"
#include "base/planted.h"
#include "proc/queue/accept.h"
#include "proc/queue/grant.h"
#include "proc/queue/result.h"

#define GATHER_MS 1000
#define LATER_MS 30000
#define ASKED_MAX 64
#define WALK_MESSAGES 500
#define ASKED_MS 300000 /* an answer is lost: bounce itself gives up sooner */
#define KEY_SEED 0x4652414e4b524550u

enum { OUTCOME_DURABLE, OUTCOME_NOT_NOW, OUTCOME_NONE_NEEDED };

struct gather {
	struct list_node node;
	msg_id id;
	uint64_t due_ms;
};

static void timer_run(void *ctx);
static void begun_run(void *ctx);
static void made_run(void *ctx);

void
report_init(struct queue *queue)
{
	uint64_t key[2];

	rt_random(queue->rt, key, sizeof(key));
	map_init(&queue->report_keys, queue->mem, key);
	list_init(&queue->reports);
	list_init(&queue->reports_to_ask);
	list_init(&queue->gathering);
	queue->report_asked_ms = ASKED_MS;
	rt_timer_init(&queue->report_timer, queue->rt, timer_run, queue);
}

void
report_free(struct queue_report *report)
{
	struct queue *queue = report->queue;

	list_remove(&report->wait.node);
	list_remove(&report->node);
	map_remove(&queue->report_keys, &report->by_key);
	mem_give(queue->mem, report,
		 sizeof(*report) + report->rcpt_count * sizeof(report->rcpts[0]));
}

void
report_finish(struct queue *queue)
{
	struct map_node *node;
	struct list_node *gather;

	while ((node = map_any(&queue->report_keys)))
		report_free(CONTAINER_OF(node, struct queue_report, by_key));
	while ((gather = list_pop_front(&queue->gathering)))
		mem_give(queue->mem, CONTAINER_OF(gather, struct gather, node),
			 sizeof(struct gather));
	if (queue->reports_walking)
		walk_end(&queue->reports_walk);
	map_finish(&queue->report_keys);
	rt_timer_finish(&queue->report_timer);
}

static bool
key_match(const struct map_node *node, struct slice key)
{
	const struct queue_report *report =
		CONTAINER_OF((struct map_node *)(uintptr_t)node, struct queue_report, by_key);

	return slice_eq(MAP_KEY(report->key), key);
}

struct queue_report *
report_find(struct queue *queue, uint64_t key)
{
	struct map_node *node = map_find(&queue->report_keys, MAP_KEY(key), key_match);

	return node ? CONTAINER_OF(node, struct queue_report, by_key) : NULL;
}

struct queue_report *
report_add(struct queue *queue, uint64_t key, uint16_t rcpt_count)
{
	struct queue_report *report =
		mem_take(queue->mem, sizeof(*report) + rcpt_count * sizeof(report->rcpts[0]));

	if (!report)
		return NULL;
	report->queue = queue;
	report->key = key;
	report->rcpt_count = rcpt_count;
	if (map_insert(&queue->report_keys, &report->by_key, MAP_KEY(report->key))) {
		mem_give(queue->mem, report,
			 sizeof(*report) + rcpt_count * sizeof(report->rcpts[0]));
		return NULL;
	}
	list_push_back(&queue->reports, &report->node);
	return report;
}

/* No later than in so many ms. */
static void
timer_soon(struct queue *queue, uint64_t ms)
{
	struct rt_timer *timer = &queue->report_timer;

	if (!rt_timer_armed(timer) || timer->due_ms > rt_now_ms(queue->rt) + ms)
		rt_timer_arm(timer, ms);
}

/* --- gathering -------------------------------------------------------------------------------- */

static bool
is_due(const struct queue_rcpt *rcpt, uint8_t kind)
{
	if (rcpt->flags & RCPT_IN_REPORT)
		return false;
	if (kind == SPOOL_REPORT_DELAY)
		return rcpt->flags & RCPT_DELAY_DUE && rcpt->state != RCPT_REPORTING &&
		       rcpt->state != RCPT_FINISHED;
	return rcpt->state == RCPT_REPORTING &&
	       (kind == SPOOL_REPORT_SUCCESS) == ((rcpt->flags & RCPT_SUCCESS) != 0);
}

/* Derived from message, recipients and kind: the same again after a crash. */
static uint64_t
key_of(msg_id id, uint8_t kind, const uint16_t *numbers, size_t count)
{
	uint8_t bytes[9 + 2 * SPOOL_RCPTS_MAX];
	struct builder b;
	uint64_t key;

	builder_init_fixed(&b, bytes, sizeof(bytes));
	builder_u64(&b, id);
	builder_u8(&b, kind);
	for (size_t i = 0; i < count; i++)
		builder_u16(&b, numbers[i]);
	key = spool_sum(KEY_SEED, builder_slice(&b));
	return key ? key : 1;
}

static void
begin(struct queue *queue, struct queue_msg *msg, uint8_t kind)
{
	struct journal_record record = {.kind = JOURNAL_REPORT_BEGIN, .id = msg->id};
	uint16_t numbers[SPOOL_RCPTS_MAX];
	struct queue_report *report;
	size_t count = 0;

	for (size_t i = 0; i < msg->rcpt_count; i++)
		if (is_due(&msg->rcpts[i], kind))
			numbers[count++] = (uint16_t)i;
	if (count == 0)
		return;
	report =
		queue->deaf || journal_broken(queue)
			? NULL
			: report_add(queue, key_of(msg->id, kind, numbers, count), (uint16_t)count);
	if (!report) { /* not now, or no memory: looked for again */
		queue->reports_missed = true;
		timer_soon(queue, LATER_MS);
		return;
	}
	memcpy(report->rcpts, numbers, count * sizeof(numbers[0]));
	report->id = msg->id;
	report->kind = kind;
	report->stage = REPORT_BEGUN;
	for (size_t i = 0; i < count; i++)
		msg->rcpts[numbers[i]].flags |= RCPT_IN_REPORT;
	record.u.report.key = report->key;
	record.u.report.kind = kind;
	record.u.report.rcpts = journal_rcpts_make(numbers, count);
	(void)journal_append(queue, &record);
	report->wait.fn = begun_run;
	report->wait.ctx = report;
	journal_when_synced(queue, &report->wait, true);
}

static void
begin_all(struct queue *queue, struct queue_msg *msg)
{
	begin(queue, msg, SPOOL_REPORT_FAILURE);
	begin(queue, msg, SPOOL_REPORT_DELAY);
	begin(queue, msg, SPOOL_REPORT_SUCCESS);
}

/* Whether one owes something, and whether another may soon. */
static bool
has_due(const struct queue_msg *msg, bool *ret_more)
{
	bool due = false;

	*ret_more = msg->active > 0;
	for (size_t i = 0; i < msg->rcpt_count; i++) {
		const struct queue_rcpt *rcpt = &msg->rcpts[i];

		due = due || is_due(rcpt, SPOOL_REPORT_FAILURE) ||
		      is_due(rcpt, SPOOL_REPORT_SUCCESS) || is_due(rcpt, SPOOL_REPORT_DELAY);
		/* Delays are noticed one recipient after the other. */
		if ((rcpt->state == RCPT_READY && !(rcpt->flags & RCPT_HELD)) ||
		    is_due(rcpt, SPOOL_REPORT_DELAY))
			*ret_more = true;
	}
	return due;
}

void
report_gather(struct queue *queue, struct queue_msg *msg)
{
	struct gather *gather;
	bool more;

	if (msg->flags & MSG_GATHERING || !has_due(msg, &more))
		return;
	gather = more || !msg->segment ? MEM_NEW(queue->mem, struct gather) : NULL;
	if (!gather) {
		begin_all(queue, msg);
		return;
	}
	gather->id = msg->id;
	gather->due_ms = rt_now_ms(queue->rt) + GATHER_MS;
	msg->flags |= MSG_GATHERING;
	list_push_back(&queue->gathering, &gather->node);
	timer_soon(queue, GATHER_MS);
}

/* Looks for those that could not begin, some messages at a time. */
static void
missed_run(struct queue *queue)
{
	if (queue->deaf || journal_broken(queue))
		return;
	if (queue->reports_missed && !queue->reports_walking) {
		queue->reports_missed = false;
		queue->reports_walking = true;
		walk_begin(queue, &queue->reports_walk);
	}
	for (int i = 0; i < WALK_MESSAGES && queue->reports_walking; i++) {
		struct queue_msg *msg = walk_next(queue, &queue->reports_walk);

		if (msg) {
			report_gather(queue, msg);
		} else {
			walk_end(&queue->reports_walk);
			queue->reports_walking = false;
		}
	}
}

static void
gathered_run(struct queue *queue)
{
	uint64_t now_ms = rt_now_ms(queue->rt);
	struct list_node *node;

	while ((node = list_first(&queue->gathering))) {
		struct gather *gather = CONTAINER_OF(node, struct gather, node);
		struct queue_msg *msg = index_find(queue, gather->id);

		if (gather->due_ms > now_ms)
			return;
		list_remove(node);
		mem_give(queue->mem, gather, sizeof(*gather));
		if (!msg)
			continue;
		msg->flags &= (uint8_t)~MSG_GATHERING;
		begin_all(queue, msg);
	}
}

/* --- asking ----------------------------------------------------------------------------------- */

void
report_stage(struct queue_report *report, enum queue_report_stage stage)
{
	struct queue *queue = report->queue;

	list_remove(&report->node);
	list_push_back(stage == REPORT_TO_ASK ? &queue->reports_to_ask : &queue->reports,
		       &report->node);
	report->stage = (uint8_t)stage;
}

static void
begun_run(void *ctx)
{
	struct queue_report *report = ctx;

	report_stage(report, REPORT_TO_ASK);
	report_kick(report->queue);
}

/* Whether all that bounce has made so far is known: else the same might be asked for again. */
static bool
bounce_is_read(struct queue *queue)
{
	for (struct list_node *node = list_first(&queue->files.all); node;
	     node = list_next(&queue->files.all, node)) {
		const struct queue_segment *segment = CONTAINER_OF(node, struct queue_segment, all);

		if (segment->role == IPC_ROLE_BOUNCE &&
		    ((!segment->closed && !segment->writer) || segment->read_end < segment->limit))
			return false;
	}
	return true;
}

/* Takes the lease back. */
static void
unask(struct queue_report *report)
{
	struct queue *queue = report->queue;

	if (!report->asked)
		return;
	if (report->stage == REPORT_ASKED)
		queue->reports_asked--;
	lease_end(queue, report->segment, report->body, report->asked);
	report->asked = NULL;
}

static void
later(struct queue_report *report)
{
	struct queue *queue = report->queue;

	unask(report);
	report_stage(report, REPORT_LATER);
	report->again_ms = rt_now_ms(queue->rt) + LATER_MS;
	timer_soon(queue, LATER_MS);
}

static bool
is_settled(const struct queue_report *report, const struct queue_msg *msg)
{
	for (size_t i = 0; i < report->rcpt_count; i++)
		if (msg->rcpts[report->rcpts[i]].state != RCPT_FINISHED)
			return false;
	return true;
}

void
report_kick(struct queue *queue)
{
	struct queue_peer *bounce = queue_peer_role(queue, IPC_ROLE_BOUNCE);
	struct list_node *node;

	if (!bounce || !bounce->supplied || queue->phase != QUEUE_SERVING || queue->recovery ||
	    list_empty(&queue->reports_to_ask) || !bounce_is_read(queue))
		return;
	while (queue->reports_asked < ASKED_MAX && !ipc_full(bounce->channel) &&
	       (node = list_first(&queue->reports_to_ask))) {
		struct queue_report *report = CONTAINER_OF(node, struct queue_report, node);
		struct queue_msg *msg = index_find(queue, report->id);

		if (!msg || !msg->segment || is_settled(report, msg)) { /* deleted meanwhile */
			report_free(report);
			continue;
		}
		if (report_ask(queue, report, msg, bounce)) {
			later(report);
			continue;
		}
		report_stage(report, REPORT_ASKED);
		queue->reports_asked++;
		report->again_ms = rt_now_ms(queue->rt) + queue->report_asked_ms;
		timer_soon(queue, queue->report_asked_ms);
	}
}

static void
timer_run(void *ctx)
{
	struct queue *queue = ctx;
	uint64_t now_ms = rt_now_ms(queue->rt), next_ms = UINT64_MAX;
	struct list_node *node, *after;

	gathered_run(queue);
	missed_run(queue);
	for (node = list_first(&queue->reports); node; node = after) {
		struct queue_report *report = CONTAINER_OF(node, struct queue_report, node);

		after = list_next(&queue->reports, node);
		if (report->stage != REPORT_LATER && report->stage != REPORT_ASKED)
			continue;
		if (report->again_ms > now_ms) {
			if (report->again_ms < next_ms)
				next_ms = report->again_ms;
			continue;
		}
		unask(report);
		report_stage(report, REPORT_TO_ASK);
	}
	node = list_first(&queue->gathering);
	if (node && CONTAINER_OF(node, struct gather, node)->due_ms < next_ms)
		next_ms = CONTAINER_OF(node, struct gather, node)->due_ms;
	if (next_ms != UINT64_MAX)
		rt_timer_arm(&queue->report_timer, next_ms - now_ms);
	if (queue->reports_walking)
		timer_soon(queue, 0);
	else if (queue->reports_missed)
		timer_soon(queue, LATER_MS);
	report_kick(queue);
}

/* --- made ------------------------------------------------------------------------------------- */

/* What the report was about is settled. */
void
report_settle(struct queue *queue, msg_id id, uint8_t kind, struct journal_rcpts rcpts)
{
	struct queue_msg *msg = index_find(queue, id);

	for (size_t i = 0; msg && i < rcpts.count; i++) {
		uint16_t number = journal_rcpt_at(rcpts, i);
		struct queue_rcpt *rcpt = number < msg->rcpt_count ? &msg->rcpts[number] : NULL;

		if (!rcpt)
			continue;
		rcpt->flags &= (uint8_t)~RCPT_IN_REPORT;
		if (kind != SPOOL_REPORT_DELAY) {
			finish_rcpt(queue, rcpt);
			continue;
		}
		rcpt->flags &= (uint8_t)~RCPT_DELAY_DUE;
		if (!PLANTED(NOTICE_FORGOTTEN))
			rcpt->flags |= RCPT_DELAY_TOLD;
	}
}

static void
made(struct queue_report *report, uint8_t outcome)
{
	struct journal_record record = {.kind = JOURNAL_REPORT_MADE, .id = report->id};
	struct queue *queue = report->queue;
	uint16_t numbers[SPOOL_RCPTS_MAX];
	struct queue_msg *msg;
	struct log_line line;

	unask(report);
	report_stage(report, REPORT_MADE);
	memcpy(numbers, report->rcpts, report->rcpt_count * sizeof(numbers[0]));
	record.u.report = (struct journal_report){
		.key = report->key,
		.kind = report->kind,
		.outcome = outcome,
		.report = report->made_id,
		.rcpts = journal_rcpts_make(numbers, report->rcpt_count),
	};
	if (!PLANTED(REPORT_FORGOTTEN))
		(void)journal_append(queue, &record);
	queue->counters.reports++;
	log_begin(&line, queue->boot->log, EVENT_queue_report_made);
	log_msg(&line, report->id);
	log_number(&line, "kind", report->kind);
	log_number(&line, "outcome", outcome);
	log_end(&line);
	report_settle(queue, report->id, report->kind, record.u.report.rcpts);
	list_remove(&report->wait.node);
	report->wait.fn = made_run;
	report->wait.ctx = report;
	journal_when_synced(queue, &report->wait, true);
	msg = index_find(queue, report->id);
	if (msg) {
		report_gather(queue, msg);
		finish_check(queue, msg);
	}
}

/* The report may go on its way. */
static void
made_run(void *ctx)
{
	struct queue_report *report = ctx;
	struct queue *queue = report->queue;
	struct queue_msg *msg = report->made_id ? index_find(queue, report->made_id) : NULL;

	report_free(report);
	for (size_t i = 0; msg && i < msg->rcpt_count; i++)
		if (msg->rcpts[i].state == RCPT_BLOCKED)
			grant_enter(queue, &msg->rcpts[i]);
	if (msg)
		result_delete_due(queue, msg);
	report_kick(queue);
}

bool
report_found(struct queue *queue, struct queue_msg *report_msg, const struct spool_accept *accept)
{
	struct queue_report *report = report_find(queue, accept->report_key);
	uint16_t numbers[SPOOL_RCPTS_MAX];
	uint8_t role = report_msg->segment->role;

	/* Whoever else names a key would silence a report. */
	if (!report || (role != IPC_ROLE_BOUNCE && role != IPC_ROLE_QUEUE))
		return false;
	if (report->made_id && report->made_id != report_msg->id) {
		for (size_t i = 0; i < report_msg->rcpt_count; i++)
			numbers[i] = (uint16_t)i;
		result_delete(queue, report_msg, numbers, report_msg->rcpt_count,
			      "second copy of a report");
		return true;
	}
	report->made_id = report_msg->id;
	made(report, OUTCOME_DURABLE);
	return true;
}

void
report_done(struct queue *queue, const struct ipc_report_done *done)
{
	struct queue_report *report = report_find(queue, done->key);

	if (!report || report->stage != REPORT_ASKED)
		return;
	if (done->outcome == OUTCOME_NONE_NEEDED)
		made(report, OUTCOME_NONE_NEEDED);
	else if (done->outcome == OUTCOME_NOT_NOW)
		later(report);
}

void
report_forget_peer(struct queue *queue, struct queue_peer *peer)
{
	struct list_node *node, *after;

	for (node = list_first(&queue->reports); node; node = after) {
		struct queue_report *report = CONTAINER_OF(node, struct queue_report, node);

		after = list_next(&queue->reports, node);
		if (report->asked != peer)
			continue;
		unask(report);
		report_stage(report, REPORT_TO_ASK);
	}
}
