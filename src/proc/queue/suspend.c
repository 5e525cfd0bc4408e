/*
 * suspend: see suspend.h. Those put aside wait in the heap like other deferred mail, so that their
 * lifetime ends in time, and all goes on even if the journal has lost the suspension. When the
 * destination recovers a walk over the messages makes them ready, some at a time.
 */
#include "proc/queue/suspend.h"

#include <string.h>

#include "base/assert.h"
#include "proc/queue/result.h"
#include "wire/message/date.h"

#define WALK_MESSAGES 4000
#define MS_PER_S 1000

static void probe_run(void *ctx);
static void release_run(void *ctx);

void
suspend_init(struct queue *queue)
{
	list_init(&queue->suspended);
	rt_timer_init(&queue->release_timer, queue->rt, release_run, queue);
}

/* Lets go of the destination, too, if it holds it still. */
static void
suspension_free(struct queue_suspension *s)
{
	struct queue *queue = s->queue;
	struct queue_dest *held = s->recovered ? s->dest : NULL;

	rt_timer_finish(&s->timer);
	list_remove(&s->node);
	s->dest->suspension = NULL;
	queue->suspended_count--;
	mem_give(queue->mem, (void *)(uintptr_t)s->encoded.data, s->encoded.len);
	mem_give(queue->mem, s, sizeof(*s));
	if (held)
		index_dest_unref(queue, held);
}

static void
release_stop(struct queue *queue)
{
	if (queue->releasing)
		walk_end(&queue->release_walk);
	queue->releasing = false;
}

void
suspend_finish(struct queue *queue)
{
	struct list_node *node;

	while ((node = list_first(&queue->suspended)))
		suspension_free(CONTAINER_OF(node, struct queue_suspension, node));
	release_stop(queue);
	rt_timer_finish(&queue->release_timer);
}

/* --- the journal ------------------------------------------------------------------------------ */

static void
note(const struct queue_suspension *s, bool over)
{
	struct journal_record record = {.kind = JOURNAL_SUSPENDED};
	struct journal_suspended *to = &record.u.suspended;
	uint64_t now_ms = rt_now_ms(s->queue->rt);

	if (s->queue->journal.number == 0)
		return; /* a reload while the journal is read: there is none to write to */
	to->over = over;
	to->name = slice_of(s->dest->name, s->dest->name_len);
	to->since_wall_ms = s->since_wall_ms;
	to->refusals = s->state.refusals;
	to->interval_ms = s->state.wait_ms;
	to->wait_ms = s->state.probe_ms > now_ms ? s->state.probe_ms - now_ms : 0;
	if (!over)
		suspend_verdict(s, &to->verdict);
	(void)journal_append(s->queue, &record);
}

void
suspend_carry(struct queue *queue)
{
	for (struct list_node *node = list_first(&queue->suspended); node;
	     node = list_next(&queue->suspended, node))
		note(CONTAINER_OF(node, struct queue_suspension, node), false);
}

void
suspend_forget(struct queue_dest *dest)
{
	if (!dest->suspension)
		return;
	note(dest->suspension, true);
	suspension_free(dest->suspension);
}

/* --- the refusal that holds ------------------------------------------------------------------- */

/* The old one stays where there is no memory for the new. */
static int
verdict_keep(struct queue_suspension *s, const struct verdict *verdict)
{
	uint8_t bytes[VERDICT_ENCODED_MAX];
	struct verdict kept = *verdict;
	struct builder b;
	uint8_t *to;

	kept.reply = slice_sub(kept.reply, 0, SUSPEND_REPLY_BYTES);
	kept.retry_after_s = 0;
	builder_init_fixed(&b, bytes, sizeof(bytes));
	verdict_encode(&b, &kept);
	ASSERT(!b.failed);
	to = mem_take(s->queue->mem, b.len);
	if (!to)
		return ERR_NO_MEMORY;
	memcpy(to, bytes, b.len);
	mem_give(s->queue->mem, (void *)(uintptr_t)s->encoded.data, s->encoded.len);
	s->encoded = slice_of(to, b.len);
	return 0;
}

void
suspend_verdict(const struct queue_suspension *s, struct verdict *ret_verdict)
{
	struct cursor c;

	cursor_init(&c, s->encoded);
	verdict_decode(&c, ret_verdict);
	ASSERT(!cursor_end(&c));
}

void
suspend_history(struct queue *queue, const struct queue_dest *dest, struct verdict *verdict,
		uint8_t room[VERDICT_EVIDENCE_MAX])
{
	const struct queue_suspension *s = dest->suspension;
	struct builder b;

	if (!s || s->state.refusals < 2 || schedule_door(verdict) != SCHEDULE_DOOR_REFUSED)
		return;
	builder_init_fixed(&b, room, VERDICT_EVIDENCE_MAX);
	builder_add(&b, verdict_facts(verdict));
	builder_str(&b, b.len ? "\n" : "");
	builder_str(&b, "Our server was refused there ");
	builder_dec(&b, s->state.refusals);
	builder_str(&b, " times, first on ");
	date_build(&b, date_of(s->since_wall_ms / MS_PER_S,
			       (int16_t)rt_utc_offset_min(queue->rt, s->since_wall_ms)));
	builder_byte(&b, '.');
	if (!b.failed)
		verdict->evidence = builder_slice(&b);
}

/* --- its life --------------------------------------------------------------------------------- */

static void
event_log(struct queue *queue, const struct queue_dest *dest, enum log_event event,
	  const struct verdict *verdict)
{
	const struct queue_suspension *s = dest->suspension;
	struct log_line line;

	log_begin(&line, queue->boot->log, event);
	log_text(&line, "to", slice_of(dest->name, dest->name_len));
	log_number(&line, "refusals", s->state.refusals);
	if (verdict) {
		log_number(&line, "probe_ms", (int64_t)s->state.wait_ms);
		log_verdict(&line, verdict);
	}
	log_end(&line);
}

static void
timer_arm(struct queue_suspension *s)
{
	uint64_t now_ms = rt_now_ms(s->queue->rt);

	rt_timer_arm(&s->timer, s->state.probe_ms > now_ms ? s->state.probe_ms - now_ms : 0);
}

static void
known_add(struct queue_suspension *s, msg_id id)
{
	for (size_t i = 0; i < SUSPEND_PROBES_KNOWN; i++)
		if (s->known[i] == id)
			return;
	s->known[s->known_next++ % SUSPEND_PROBES_KNOWN] = id;
}

/* NULL: no memory, or there are too many. */
static struct queue_suspension *
suspension_add(struct queue *queue, struct queue_dest *dest, const struct verdict *verdict)
{
	struct queue_suspension *s = queue->suspended_count < SUSPEND_MAX
					     ? MEM_NEW(queue->mem, struct queue_suspension)
					     : NULL;

	if (!s)
		return NULL;
	s->queue = queue;
	if (verdict_keep(s, verdict)) {
		mem_give(queue->mem, s, sizeof(*s));
		return NULL;
	}
	s->dest = dest;
	s->number = ++queue->suspended_number;
	rt_timer_init(&s->timer, queue->rt, probe_run, s);
	list_push_back(&queue->suspended, &s->node);
	queue->suspended_count++;
	dest->suspension = s;
	return s;
}

static void
begin(struct queue *queue, struct queue_dest *dest, const struct verdict *verdict)
{
	struct queue_suspension *s = suspension_add(queue, dest, verdict);

	if (!s)
		return; /* the next refusal is the first then */
	s->since_wall_ms = rt_wall_ms(queue->rt);
	suspension_begin(&s->state, &queue->rules.probes, rt_now_ms(queue->rt));
	timer_arm(s);
	note(s, false);
	event_log(queue, dest, EVENT_queue_suspended, verdict);
}

static void
release(struct queue *queue, struct queue_dest *dest)
{
	event_log(queue, dest, EVENT_queue_resumed, NULL);
	note(dest->suspension, true);
	suspension_free(dest->suspension);
	release_stop(queue); /* from the first message on, for this destination too */
	queue->releasing = true;
	walk_begin(queue, &queue->release_walk);
	rt_timer_arm(&queue->release_timer, 0);
	grant_kick(queue);
}

static void
release_all(struct queue *queue)
{
	struct list_node *node;

	while ((node = list_first(&queue->suspended)))
		release(queue, CONTAINER_OF(node, struct queue_suspension, node)->dest);
}

void
suspend_reload(struct queue *queue)
{
	if (!queue->rules.suspend)
		release_all(queue);
}

/* Those of a message that were put aside and may go on. */
static bool
go_on(struct queue *queue, struct queue_msg *msg, const struct queue_suspension *probe)
{
	bool any = false;

	for (size_t i = 0; i < msg->rcpt_count; i++) {
		struct queue_rcpt *rcpt = &msg->rcpts[i];

		if (rcpt->state != RCPT_WAITING || rcpt->flags & RCPT_HELD ||
		    !(rcpt->flags & RCPT_ASIDE) || rcpt->dest->suspension != probe)
			continue;
		if (!probe)
			rcpt->flags &= (uint8_t)~RCPT_ASIDE;
		index_ready(queue, rcpt);
		any = true;
	}
	return any;
}

static void
release_run(void *ctx)
{
	struct queue *queue = ctx;

	for (int i = 0; i < WALK_MESSAGES && queue->releasing; i++) {
		struct queue_msg *msg = walk_next(queue, &queue->release_walk);

		if (msg)
			(void)go_on(queue, msg, NULL);
		else
			release_stop(queue);
	}
	if (queue->releasing)
		rt_timer_arm(&queue->release_timer, 0);
	grant_kick(queue);
}

/* --- a start ---------------------------------------------------------------------------------- */

/* Of a wait that began at wall_ms; a clock that went back makes it no longer. */
static uint64_t
wait_left(struct queue *queue, const struct journal_suspended *given, int64_t wall_ms)
{
	int64_t now_ms = rt_wall_ms(queue->rt);
	uint64_t passed_ms = now_ms > wall_ms ? (uint64_t)now_ms - (uint64_t)wall_ms : 0;
	uint64_t wait_ms = given->wait_ms;

	if (wait_ms > queue->rules.probes.max_ms)
		wait_ms = queue->rules.probes.max_ms;
	return wait_ms > passed_ms ? wait_ms - passed_ms : 0;
}

static void
restore(struct queue_suspension *s, const struct journal_suspended *given, int64_t wall_ms)
{
	struct queue *queue = s->queue;

	s->since_wall_ms = given->since_wall_ms;
	suspension_restore(&s->state, &queue->rules.probes, given->refusals, given->interval_ms,
			   rt_now_ms(queue->rt) + wait_left(queue, given, wall_ms));
	timer_arm(s);
}

/* It holds its destination, whose mail is not known yet. */
static int
restore_new(struct queue *queue, struct queue_dest *dest, const struct journal_suspended *given,
	    int64_t wall_ms)
{
	struct queue_suspension *s;

	if (queue->suspended_count >= SUSPEND_MAX)
		return 0;
	s = suspension_add(queue, dest, &given->verdict);
	if (!s)
		return ERR_NO_MEMORY;
	s->recovered = true;
	dest->rcpts++;
	restore(s, given, wall_ms);
	return 0;
}

static int
restore_again(struct queue_suspension *s, const struct journal_suspended *given, int64_t wall_ms)
{
	if (verdict_keep(s, &given->verdict))
		return ERR_NO_MEMORY;
	restore(s, given, wall_ms);
	return 0;
}

int
suspend_recover(struct queue *queue, const struct journal_suspended *given, int64_t wall_ms)
{
	struct queue_dest *dest = index_dest(queue, SPOOL_RCPT_REMOTE, given->name);
	int err = 0;

	if (!dest)
		return ERR_NO_MEMORY;
	if (given->over || !queue->rules.suspend) {
		if (dest->suspension)
			suspension_free(dest->suspension);
	} else if (dest->suspension) {
		err = restore_again(dest->suspension, given, wall_ms);
	} else {
		err = restore_new(queue, dest, given, wall_ms);
	}
	index_dest_unref(queue, dest);
	return err;
}

void
suspend_recover_end(struct queue *queue)
{
	struct list_node *node, *after;

	for (node = list_first(&queue->suspended); node; node = after) {
		struct queue_suspension *s = CONTAINER_OF(node, struct queue_suspension, node);

		after = list_next(&queue->suspended, node);
		if (!s->recovered)
			continue;
		s->recovered = false;
		index_dest_unref(queue, s->dest);
	}
}

/* The refusal was noted, but that its sender is to be told is not on disk. */
static bool
is_untold(struct queue *queue, struct queue_rcpt *rcpt)
{
	struct schedule_case now = grant_case(queue, index_msg_of(rcpt), rcpt);

	return !(rcpt->flags & RCPT_IN_REPORT) &&
	       schedule_delay_in(&queue->rules, &now) != UINT64_MAX;
}

bool
suspend_enter(struct queue *queue, struct queue_rcpt *rcpt)
{
	struct queue_suspension *s = rcpt->dest->suspension;

	if (!(rcpt->flags & RCPT_ASIDE) || rcpt->flags & RCPT_HELD)
		return true;
	if (!s) {
		rcpt->flags &= (uint8_t)~RCPT_ASIDE;
		return false;
	}
	known_add(s, index_msg_of(rcpt)->id);
	if (suspension_probe_due(&s->state, rt_now_ms(queue->rt)))
		timer_arm(s);
	return !is_untold(queue, rcpt);
}

/* --- probes ----------------------------------------------------------------------------------- */

/* Without a message at hand the next one whose wait is over is the probe. */
static void
probe_run(void *ctx)
{
	struct queue_suspension *s = ctx;

	for (size_t i = 0; i < SUSPEND_PROBES_KNOWN && list_empty(&s->dest->ready); i++) {
		struct queue_msg *msg = s->known[i] ? index_find(s->queue, s->known[i]) : NULL;

		if (!msg || !go_on(s->queue, msg, s))
			s->known[i] = 0;
	}
	grant_kick(s->queue);
}

void
suspend_probe_now(struct queue *queue, struct queue_dest *dest)
{
	if (!dest || !dest->suspension || dest->suspension->state.probing)
		return;
	dest->suspension->state.probe_ms = rt_now_ms(queue->rt);
	timer_arm(dest->suspension);
}

bool
suspend_holds(struct queue *queue, const struct queue_dest *dest)
{
	return dest->suspension &&
	       !suspension_probe_due(&dest->suspension->state, rt_now_ms(queue->rt));
}

void
suspend_granted(struct queue_job *job)
{
	struct queue_suspension *s = job->dest->suspension;

	if (!s)
		return;
	suspension_probe_begin(&s->state);
	job->probe_of = s->number;
	rt_timer_disarm(&s->timer);
}

static bool
is_probe(const struct queue_job *job)
{
	const struct queue_suspension *s = job->dest->suspension;

	return s && s->state.probing && job->probe_of == s->number;
}

void
suspend_put_aside(struct queue *queue, struct queue_msg *msg, struct queue_dest *dest)
{
	known_add(dest->suspension, msg->id);
	result_aside(queue, msg, dest);
}

void
suspend_hear(struct queue *queue, struct queue_job *job, const struct verdict *verdict)
{
	struct queue_dest *dest = job->dest;
	enum schedule_door door = schedule_door(verdict);

	if (dest->kind == SPOOL_RCPT_LOCAL || !queue->rules.suspend)
		return;
	if (door == SCHEDULE_DOOR_PASSED && queue->boot->config->smart_host.len) {
		release_all(queue); /* one door for all */
	} else if (!dest->suspension) {
		if (door == SCHEDULE_DOOR_REFUSED)
			begin(queue, dest, verdict);
	} else if (door == SCHEDULE_DOOR_PASSED) {
		release(queue, dest);
	} else if (is_probe(job)) {
		suspension_probe_end(&dest->suspension->state, &queue->rules.probes, door,
				     rt_now_ms(queue->rt));
		job->probe_of = 0; /* that it ends says no more: another may probe by then */
		if (door == SCHEDULE_DOOR_REFUSED && verdict_keep(dest->suspension, verdict) == 0)
			event_log(queue, dest, EVENT_queue_probed, verdict);
		note(dest->suspension, false);
		timer_arm(dest->suspension);
	}
	if (dest->suspension)
		known_add(dest->suspension, job->id);
}

void
suspend_job_end(const struct queue_job *job)
{
	if (!is_probe(job))
		return;
	suspension_probe_lost(&job->dest->suspension->state);
	timer_arm(job->dest->suspension);
}

/* --- shown ------------------------------------------------------------------------------------ */

int64_t
suspend_probe_wall_ms(struct queue *queue, const struct queue_suspension *s)
{
	uint64_t now_ms = rt_now_ms(queue->rt);
	uint64_t wait_ms = s->state.probe_ms > now_ms ? s->state.probe_ms - now_ms : 0;

	return rt_wall_ms(queue->rt) + (int64_t)wait_ms;
}

int
suspend_show(struct queue *queue, struct queue_peer *peer, uint32_t request)
{
	size_t shown = 0;
	int err = 0;

	for (struct list_node *node = list_first(&queue->suspended);
	     node && !err && shown < SUSPEND_SHOWN_MAX;
	     node = list_next(&queue->suspended, node), shown++) {
		const struct queue_suspension *s =
			CONTAINER_OF(node, struct queue_suspension, node);
		struct ipc_message message = {.type = IPC_CTL_SUSPENSION};
		struct ipc_ctl_suspension *row = &message.u.ctl_suspension;

		row->request = request;
		row->destination = slice_of(s->dest->name, s->dest->name_len);
		row->since_wall_ms = s->since_wall_ms;
		row->next_wall_ms = suspend_probe_wall_ms(queue, s);
		row->refusals = s->state.refusals;
		row->rcpts = s->dest->rcpts;
		row->total = (uint32_t)queue->suspended_count;
		suspend_verdict(s, &row->last);
		err = ipc_send(peer->channel, &message);
	}
	return err;
}
