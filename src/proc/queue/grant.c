/*
 * grant: see grant.h. A round runs at the end of each turn in which something changed and gives at
 * most ROUND_JOBS jobs; what is left is done in the next turn, so no step is long. A job takes with
 * it the other ready recipients of its message at the same destination.
 */
#include "proc/queue/grant.h"

#include <string.h>

#include "base/assert.h"
#include "proc/queue/recover.h"
#include "proc/queue/report.h"
#include "proc/queue/result.h"
#include "proc/queue/suspend.h"
#include "rule/schedule/pace.h"

_Static_assert(SPOOL_RCPTS_MAX < GRANT_HEARD, "a number leaves the bit free");

#define ROUND_JOBS 64
#define WAITS_PER_TURN 256
#define WORKER_JOBS_MAX 4096
#define LOST_ALONE 3 /* lost so often in a row, it is tried with nothing beside it */
#define SHORTAGE_AGAIN_MS 1000

static void round_run(void *ctx);
static void round_go_on(void *ctx);
static void waits_run(void *ctx);

void
grant_init(struct queue *queue)
{
	uint64_t key[2];

	rt_random(queue->rt, key, sizeof(key));
	map_init(&queue->jobs, queue->mem, key);
	rt_hook_init(&queue->grant_hook, round_run, queue);
	rt_timer_init(&queue->grant_timer, queue->rt, round_go_on, queue);
	rt_timer_init(&queue->wait_timer, queue->rt, waits_run, queue);
	rt_timer_init(&queue->shortage_timer, queue->rt, round_run, queue);
}

static void
job_free(struct queue *queue, struct queue_job *job)
{
	map_remove(&queue->jobs, &job->node);
	list_remove(&job->of_peer);
	job->peer->job_count--;
	mem_give(queue->mem, job, sizeof(*job) + job->rcpt_count * sizeof(job->rcpts[0]));
}

void
grant_finish(struct queue *queue)
{
	struct map_node *node;

	while ((node = map_any(&queue->jobs)))
		job_free(queue, CONTAINER_OF(node, struct queue_job, node));
	map_finish(&queue->jobs);
	rt_hook_finish(&queue->grant_hook);
	rt_timer_finish(&queue->grant_timer);
	rt_timer_finish(&queue->wait_timer);
	rt_timer_finish(&queue->shortage_timer);
}

void
grant_kick(struct queue *queue)
{
	rt_at_turn_end(queue->rt, &queue->grant_hook);
}

static uint32_t
limit_full(struct queue *queue, const struct queue_dest *dest)
{
	const struct config *config = queue->boot->config;

	return dest->kind == SPOOL_RCPT_LOCAL ? (uint32_t)config->local_concurrency
					      : (uint32_t)(config->destination_concurrency *
							   config->destination_jobs_ahead);
}

void
grant_dest(struct queue *queue, struct queue_dest *dest)
{
	uint32_t full = limit_full(queue, dest);

	dest->turn.limit = dest->pace && dest->pace < full ? dest->pace : full;
	turns_update(&queue->index.turns, &dest->turn);
}

void
grant_pace(struct queue *queue, const struct queue_job *job, const struct verdict *verdict)
{
	struct queue_dest *dest = job->dest;
	uint32_t full = limit_full(queue, dest), now = dest->pace ? dest->pace : full;
	uint32_t next = schedule_pace(now, full, verdict);

	/* Those that were under way already when it asked say the same once more. */
	if (dest->kind == SPOOL_RCPT_LOCAL || next == now ||
	    (next < now && job->number <= dest->paced_at))
		return;
	if (next < now)
		dest->paced_at = queue->job_number;
	dest->pace = next == full ? 0 : next;
	grant_dest(queue, dest);
}

struct schedule_case
grant_case(struct queue *queue, const struct queue_msg *msg, const struct queue_rcpt *rcpt)
{
	int64_t age_ms = (int64_t)rt_now_ms(queue->rt) - msg->born_ms;

	return (struct schedule_case){
		.attempts = rcpt->attempts,
		.age_ms = age_ms > 0 ? (uint64_t)age_ms : 0,
		.has_sender = msg->flags & MSG_HAS_SENDER,
		.notify = rcpt->notify,
		.delay_told = rcpt->flags & (RCPT_DELAY_TOLD | RCPT_DELAY_DUE),
	};
}

static void
waits_arm(struct queue *queue)
{
	struct heap_node *first = heap_first(&queue->index.waits);
	uint64_t now_ms = rt_now_ms(queue->rt);

	if (first)
		rt_timer_arm(&queue->wait_timer, first->key > now_ms ? first->key - now_ms : 0);
	else
		rt_timer_disarm(&queue->wait_timer);
}

void
grant_wait(struct queue *queue, struct queue_rcpt *rcpt, uint64_t next_ms)
{
	struct schedule_case now = grant_case(queue, index_msg_of(rcpt), rcpt);
	/* Nothing is told before the first attempt has failed. */
	uint64_t notice_ms = rcpt->attempts ? schedule_delay_in(&queue->rules, &now) : UINT64_MAX;

	if (notice_ms != UINT64_MAX)
		notice_ms += rt_now_ms(queue->rt);
	index_wait(queue, rcpt, next_ms, notice_ms);
	waits_arm(queue);
}

void
grant_enter(struct queue *queue, struct queue_rcpt *rcpt)
{
	uint64_t now_ms = rt_now_ms(queue->rt);

	if (rcpt->state == RCPT_REPORTING) {
		report_gather(queue, index_msg_of(rcpt));
	} else if (rcpt->state == RCPT_BLOCKED && suspend_enter(queue, rcpt) &&
		   rcpt->next_ms > now_ms) {
		grant_wait(queue, rcpt, rcpt->next_ms);
	} else if (rcpt->state == RCPT_BLOCKED) {
		index_ready(queue, rcpt);
		grant_kick(queue);
	}
}

/* The time of some has come: of an attempt, or of telling the sender. */
static void
waits_run(void *ctx)
{
	struct queue *queue = ctx;
	uint64_t now_ms = rt_now_ms(queue->rt);
	struct heap_node *first;

	for (int i = 0; i < WAITS_PER_TURN && (first = heap_first(&queue->index.waits)) &&
			first->key <= now_ms;
	     i++) {
		struct queue_rcpt *rcpt = CONTAINER_OF(first, struct queue_rcpt, link.wait);
		struct queue_msg *msg = index_msg_of(rcpt);
		struct schedule_case now = grant_case(queue, msg, rcpt);

		if (schedule_delay_in(&queue->rules, &now) == 0 && rcpt->attempts) {
			rcpt->flags |= RCPT_DELAY_DUE;
			report_gather(queue, msg);
		}
		if (rcpt->next_ms <= now_ms)
			index_ready(queue, rcpt);
		else
			grant_wait(queue, rcpt, rcpt->next_ms);
	}
	waits_arm(queue);
	grant_kick(queue);
}

/* --- choosing a worker ------------------------------------------------------------------------ */

static bool
is_alone_due(struct queue *queue, msg_id id)
{
	const struct queue_msg *msg = index_find(queue, id);

	if (!msg || msg->lost < LOST_ALONE)
		return false;
	for (size_t i = 0; i < msg->rcpt_count; i++)
		if (msg->rcpts[i].state == RCPT_ACTIVE ||
		    (msg->rcpts[i].state == RCPT_READY && !(msg->rcpts[i].flags & RCPT_HELD)))
			return true;
	return false;
}

static bool
can_take(struct queue *queue, struct queue_peer *peer)
{
	if (peer->alone && !is_alone_due(queue, peer->alone))
		peer->alone = 0;
	return !peer->alone && peer->job_count < WORKER_JOBS_MAX && !ipc_full(peer->channel);
}

/* The worker that a message gets for itself, once it has nothing else. One of a kind at a time is
 * emptied, the one with the least to do. */
static struct queue_peer *
worker_alone(struct queue *queue, const struct queue_msg *msg, enum ipc_role role)
{
	struct queue_peer *best = NULL;

	for (size_t i = 0; i < QUEUE_PEERS_MAX; i++) {
		struct queue_peer *peer = &queue->peers[i];

		if (!peer->channel || peer->role != role)
			continue;
		if (!can_take(queue, peer) && peer->alone) {
			best = peer->alone == msg->id ? peer : NULL;
			break;
		}
		if (!best || peer->job_count < best->job_count)
			best = peer;
	}
	if (!best)
		return NULL;
	best->alone = msg->id;
	return best->job_count == 0 ? best : NULL;
}

static enum ipc_role
role_of(const struct queue_dest *dest)
{
	return dest->kind == SPOOL_RCPT_LOCAL ? IPC_ROLE_POSTOFFICE : IPC_ROLE_SMTPOUT;
}

static uint64_t
worker_count(const struct queue *queue, enum ipc_role role)
{
	uint64_t count = 0;

	for (size_t i = 0; i < QUEUE_PEERS_MAX; i++)
		count += queue->peers[i].channel && queue->peers[i].role == role;
	return count;
}

/* A destination with few connections stays with few workers, which keep them; slots are what each
 * of these may have. */
static struct queue_peer *
worker_of(struct queue *queue, const struct queue_dest *dest, uint16_t *ret_slots)
{
	const struct config *config = queue->boot->config;
	bool local = dest->kind == SPOOL_RCPT_LOCAL;
	enum ipc_role role = role_of(dest);
	uint64_t most = local ? config->local_concurrency : config->destination_concurrency;
	uint64_t there = worker_count(queue, role), seen = 0, among, skip;
	struct queue_peer *best = NULL;

	if (there == 0)
		return NULL;
	among = there < most ? there : most;
	skip = dest->node.hash % there;
	for (size_t i = 0; i < QUEUE_PEERS_MAX; i++) {
		struct queue_peer *peer = &queue->peers[i];

		if (!peer->channel || peer->role != role)
			continue;
		if ((seen++ + there - skip) % there < among && can_take(queue, peer) &&
		    (!best || peer->job_count < best->job_count))
			best = peer;
	}
	*ret_slots = (uint16_t)(most / among);
	if (dest->pace && dest->pace < *ret_slots)
		*ret_slots = (uint16_t)dest->pace;
	return best;
}

/* --- jobs ------------------------------------------------------------------------------------- */

static struct queue_job *
job_make(struct queue *queue, struct queue_rcpt *first, struct queue_peer *peer)
{
	struct queue_msg *msg = index_msg_of(first);
	struct queue_job *job;
	uint16_t count = 0;

	for (size_t i = 0; i < msg->rcpt_count; i++)
		count += msg->rcpts[i].state == RCPT_READY && msg->rcpts[i].dest == first->dest &&
			 !(msg->rcpts[i].flags & RCPT_HELD);
	job = mem_take(queue->mem, sizeof(*job) + count * sizeof(job->rcpts[0]));
	if (!job)
		return NULL;
	job->rcpt_count = count;
	job->number = ++queue->job_number;
	if (map_insert(&queue->jobs, &job->node, MAP_KEY(job->number))) {
		mem_give(queue->mem, job, sizeof(*job) + count * sizeof(job->rcpts[0]));
		return NULL;
	}
	count = 0;
	for (size_t i = 0; i < msg->rcpt_count; i++)
		if (msg->rcpts[i].state == RCPT_READY && msg->rcpts[i].dest == first->dest &&
		    !(msg->rcpts[i].flags & RCPT_HELD))
			job->rcpts[count++] = (uint16_t)i;
	job->peer = peer;
	job->id = msg->id;
	job->segment = msg->segment;
	job->body = msg->body;
	job->dest = first->dest;
	job->probe_of = 0;
	peer->job_count++;
	list_push_back(&peer->jobs, &job->of_peer);
	return job;
}

static int
job_send(struct queue *queue, const struct queue_job *job, struct queue_rcpt *first, uint16_t slots)
{
	const struct queue_msg *msg = index_msg_of(first);
	struct ipc_message message = {.type = IPC_JOB};
	struct ipc_job *out = &message.u.job;
	uint16_t numbers[SPOOL_RCPTS_MAX];
	bool smart = job->dest->kind == SPOOL_RCPT_REMOTE && queue->boot->config->smart_host.len;

	memcpy(numbers, job->rcpts, job->rcpt_count * sizeof(numbers[0]));
	out->job = job->number;
	out->message = job->id;
	out->segment = job->segment->number;
	out->offset = msg->offset;
	out->length = msg->length;
	out->attempt = (uint16_t)(first->attempts + 1);
	out->slots = slots;
	if (!smart)
		out->destination = slice_of(job->dest->name, job->dest->name_len);
	out->rcpts = ipc_u16s_make(numbers, job->rcpt_count);
	return ipc_send(job->peer->channel, &message);
}

static void
job_activate(struct queue *queue, const struct queue_job *job, struct queue_msg *msg)
{
	for (size_t i = 0; i < job->rcpt_count; i++)
		index_set(queue, &msg->rcpts[job->rcpts[i]], RCPT_ACTIVE);
}

/* False when nothing can be granted now. */
static bool
grant_first(struct queue *queue, struct queue_dest *dest, struct queue_rcpt *first)
{
	struct queue_msg *msg = index_msg_of(first);
	uint16_t slots = 1;
	struct queue_peer *peer = msg->lost < LOST_ALONE ? worker_of(queue, dest, &slots)
							 : worker_alone(queue, msg, role_of(dest));
	struct queue_job *job = peer ? job_make(queue, first, peer) : NULL;
	int err;

	if (!job) {
		if (peer)
			rt_timer_arm(&queue->shortage_timer, SHORTAGE_AGAIN_MS);
		return false;
	}
	err = lease_begin(queue, msg, peer);
	if (recover_is_shortage(err)) { /* not the message's fault */
		rt_timer_arm(&queue->shortage_timer, SHORTAGE_AGAIN_MS);
	} else if (err && err != ERR_LIMIT && err != ERR_CLOSED) {
		job_activate(queue, job, msg);
		result_unreadable(queue, job, err);
		job_free(queue, job);
		return true;
	}
	if (!err) {
		err = job_send(queue, job, first, slots);
		if (err)
			lease_end(queue, job->segment, job->body, peer);
	}
	if (err) {
		if (recover_is_shortage(err))
			rt_timer_arm(&queue->shortage_timer, SHORTAGE_AGAIN_MS);
		job_free(queue, job);
		return false;
	}
	job_activate(queue, job, msg);
	dest->turn.active++;
	turns_update(&queue->index.turns, &dest->turn);
	suspend_granted(job);
	queue->counters.jobs++;
	return true;
}

/* One step for the destination: a job, or a message put aside. */
static bool
grant_one(struct queue *queue, struct queue_dest *dest)
{
	struct list_node *node = list_first(&dest->ready);
	struct queue_rcpt *first = CONTAINER_OF(node, struct queue_rcpt, link.ready);

	if (!suspend_holds(queue, dest))
		return grant_first(queue, dest, first);
	suspend_put_aside(queue, index_msg_of(first), dest);
	return true;
}

/* Whoever cannot be served now has had its turn; a full round of these ends it. Many are a step of
 * their own, so that the others behind them are reached, too. */
static void
round_go_on(void *ctx)
{
	struct queue *queue = ctx;
	struct turn_taker *taker;
	int left = ROUND_JOBS, refusals_left = ROUND_JOBS;

	if (queue->phase != QUEUE_SERVING || journal_broken(queue) || queue->deaf)
		return;
	while (left && refusals_left && queue->grant_refused <= queue->index.dests.count &&
	       (taker = turns_next(&queue->index.turns))) {
		if (grant_one(queue, CONTAINER_OF(taker, struct queue_dest, turn))) {
			left--;
			queue->grant_refused = 0;
		} else {
			refusals_left--;
			queue->grant_refused++;
		}
	}
	if (left == 0 || refusals_left == 0)
		rt_timer_arm(&queue->grant_timer, 0);
}

static void
round_run(void *ctx)
{
	struct queue *queue = ctx;

	queue->grant_refused = 0;
	round_go_on(queue);
}

static bool
job_match(const struct map_node *node, struct slice key)
{
	const struct queue_job *job =
		CONTAINER_OF((struct map_node *)(uintptr_t)node, struct queue_job, node);

	return slice_eq(MAP_KEY(job->number), key);
}

struct queue_job *
grant_job(struct queue *queue, const struct queue_peer *peer, uint64_t number)
{
	struct map_node *node = map_find(&queue->jobs, MAP_KEY(number), job_match);
	struct queue_job *job = node ? CONTAINER_OF(node, struct queue_job, node) : NULL;

	return job && job->peer == peer ? job : NULL;
}

bool
grant_hear(struct queue_job *job, uint16_t number)
{
	size_t low = 0, high = job->rcpt_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if ((job->rcpts[middle] & ~GRANT_HEARD) < number)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == job->rcpt_count || job->rcpts[low] != number)
		return false;
	job->rcpts[low] |= GRANT_HEARD;
	return true;
}

void
grant_job_end(struct queue *queue, struct queue_job *job)
{
	struct queue_segment *segment = job->segment;
	struct queue_peer *peer = job->peer;
	struct queue_dest *dest = job->dest;
	uint32_t body = job->body;

	ASSERT(dest->turn.active > 0);
	suspend_job_end(job);
	dest->turn.active--;
	turns_update(&queue->index.turns, &dest->turn);
	index_dest_idle(queue, dest);
	job_free(queue, job);
	lease_end(queue, segment, body, peer);
	grant_kick(queue);
}

void
grant_forget_peer(struct queue *queue, struct queue_peer *peer)
{
	struct list_node *node;

	while ((node = list_first(&peer->jobs))) {
		struct queue_job *job = CONTAINER_OF(node, struct queue_job, of_peer);

		result_lost(queue, job);
		queue->counters.lost_jobs++;
		grant_job_end(queue, job);
	}
}

void
grant_reload(struct queue *queue)
{
	/* Destinations hear of their new limit with their next recipient or job; those in the ring
	 * now. */
	for (size_t i = queue->index.dests.count; i > 0; i--) {
		struct turn_taker *taker = turns_next(&queue->index.turns);

		if (!taker)
			break;
		grant_dest(queue, CONTAINER_OF(taker, struct queue_dest, turn));
	}
	waits_arm(queue);
	grant_kick(queue);
}
