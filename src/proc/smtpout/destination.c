/*
 * smtpout destination: who gets which connection. All decisions are made in destination_look, once
 * a turn for each destination that something happened to; only a session that has just finished a
 * job is given the next one at once, so that its envelope goes out with the next body.
 */
#include "proc/smtpout/destination.h"

#include <string.h>

#include "base/assert.h"
#include "proc/smtpout/dial.h"
#include "proc/smtpout/lookup.h"
#include "proc/smtpout/outcome.h"
#include "proc/smtpout/report.h"

#define FIRST_ONES_SHARE 4 /* a quarter of outbound-connections-max */

static void on_timer(void *ctx);

static bool
name_matches(const struct map_node *node, struct slice key)
{
	return slice_eq(CONTAINER_OF(node, struct destination, map_node)->name, key);
}

static struct destination *
destination_create(struct smtpout *out, struct slice name)
{
	struct destination *d = mem_take(out->mem, sizeof(*d) + name.len);

	if (!d)
		return NULL;
	d->out = out;
	d->name = slice_of(d + 1, name.len);
	if (name.len)
		memcpy(d + 1, name.data, name.len);
	list_init(&d->waiting);
	list_init(&d->sessions);
	list_init(&d->dials);
	arena_init(&d->arenas[0], out->mem, LOOKUP_ARENA_BYTES);
	arena_init(&d->arenas[1], out->mem, LOOKUP_ARENA_BYTES);
	rt_timer_init(&d->timer, out->rt, on_timer, d);
	if (map_insert(&out->destinations, &d->map_node, d->name) < 0) {
		mem_give(out->mem, d, sizeof(*d) + name.len);
		return NULL;
	}
	list_push_back(&out->all, &d->all_node);
	return d;
}

static void
destination_destroy(struct destination *d)
{
	struct smtpout *out = d->out;

	lookup_cancel(d);
	rt_timer_finish(&d->timer);
	arena_finish(&d->arenas[0]);
	arena_finish(&d->arenas[1]);
	list_remove(&d->dirty_node);
	list_remove(&d->hungry_node);
	list_remove(&d->all_node);
	map_remove(&out->destinations, &d->map_node);
	mem_give(out->mem, d, sizeof(*d) + d->name.len);
}

void
destination_touch(struct destination *d)
{
	if (list_linked(&d->dirty_node))
		return;
	list_push_back(&d->out->dirty, &d->dirty_node);
	smtpout_turn_end(d->out);
}

static void
job_fail(struct job *job, const struct verdict *verdict)
{
	job_report_open(job, verdict);
	job_destroy(&job);
}

void
destination_add(struct smtpout *out, struct slice name, uint32_t slots, struct job *job)
{
	struct map_node *node = map_find(&out->destinations, name, name_matches);
	struct destination *d = node ? CONTAINER_OF(node, struct destination, map_node)
				     : destination_create(out, name);

	if (!d) {
		struct verdict verdict = outcome_of_trouble("Out of memory.");

		job_fail(job, &verdict);
		return;
	}
	d->slots = slots ? slots : 1;
	job->destination = d;
	list_push_back(&d->waiting, &job->node);
	d->waiting_count++;
	destination_touch(d);
}

void
destination_take_back(struct destination *d, struct job *job)
{
	if (++job->returns > SMTPOUT_RETURNS_MAX) {
		struct verdict verdict =
			outcome_of_client(SMTP_CLIENT_STAGE_SENDER, SMTP_CLIENT_HOW_LOST, NULL);

		job_fail(job, &verdict);
		return;
	}
	list_push_front(&d->waiting, &job->node);
	d->waiting_count++;
	destination_touch(d);
}

static struct job *
waiting_pop(struct destination *d)
{
	struct list_node *node = list_pop_front(&d->waiting);

	if (!node)
		return NULL;
	d->waiting_count--;
	return CONTAINER_OF(node, struct job, node);
}

/* The whole of what waits ends with this verdict. */
static void
waiting_fail(struct destination *d, const struct verdict *verdict)
{
	struct job *job;

	while ((job = waiting_pop(d)))
		job_fail(job, verdict);
}

/* ---- giving */

/* The next job, its record open; those that cannot be read are reported. NULL: none waits. */
static struct job *
next_job(struct destination *d)
{
	struct job *job;

	while ((job = waiting_pop(d))) {
		int err = job_open(job);

		if (!err)
			return job;
		job_report_unreadable(job, err);
		job_destroy(&job);
	}
	return NULL;
}

static bool
give_one(struct destination *d, struct session *session)
{
	struct job *job = next_job(d);

	if (job)
		session_give(session, job);
	return job != NULL;
}

static bool
may_give(const struct destination *d)
{
	return d->waiting_count > 0 && !d->out->stopping && !report_is_full(d->out);
}

void
destination_session_wants(struct destination *d, struct session *session)
{
	uint32_t jobs_max = 1 + d->out->settings->jobs_ahead;

	/* what is ahead elsewhere should not wait while this one runs dry */
	while (may_give(d) && session_can_take(session, jobs_max)) {
		if (session->job_count > 0 && d->waiting_count <= d->dial_count)
			return;
		if (!give_one(d, session))
			return;
	}
}

/* The ready session with the fewest jobs that can take one more. */
static struct session *
session_find(struct destination *d, uint32_t jobs_max)
{
	struct session *best = NULL;

	for (struct list_node *node = list_first(&d->sessions); node;
	     node = list_next(&d->sessions, node)) {
		struct session *session = CONTAINER_OF(node, struct session, node);

		if (!session_can_take(session, jobs_max))
			continue;
		if (!best || session->job_count < best->job_count)
			best = session;
		if (best->job_count == 0)
			break;
	}
	return best;
}

/* Gives until all have jobs_max or none waits. */
static void
give_all(struct destination *d, uint32_t jobs_max)
{
	while (may_give(d)) {
		struct session *session = session_find(d, jobs_max);

		if (!session || !give_one(d, session))
			return;
		/* a first job goes out at once; what is ahead has time until the next round */
		session_run(session);
	}
}

/* ---- dialling */

/* The last of the connections are for destinations that have none: many slow ones cannot take them
 * all. */
static uint32_t
sessions_most(const struct destination *d)
{
	uint32_t max = d->out->settings->sessions_max;

	return d->session_count + d->dial_count > 0 ? max - max / FIRST_ONES_SHARE : max;
}

static bool
room_for_session(struct destination *d)
{
	struct smtpout *out = d->out;
	struct list_node *node;

	if (out->session_count < sessions_most(d))
		return true;
	node = list_first(&out->idle);
	if (node) {
		struct session *session = CONTAINER_OF(node, struct session, idle_node);

		session_quit(session);
		session_run(session);
	}
	if (!list_linked(&d->hungry_node))
		list_push_back(&out->hungry, &d->hungry_node);
	return false;
}

static bool
may_dial(struct destination *d)
{
	uint64_t now_ms = rt_now_ms(d->out->rt);

	if (!may_give(d) || d->waiting_count <= d->dial_count)
		return false;
	if (d->session_count + d->dial_count >= d->slots)
		return false;
	if (!d->proven && d->dial_count > 0)
		return false;
	if (d->pause_until_ms > now_ms && d->session_count + d->dial_count > 0)
		return false;
	return room_for_session(d);
}

static void
targets_ask(struct destination *d)
{
	struct verdict verdict;
	int err = lookup_begin(d);

	if (err) {
		verdict = outcome_of_trouble(err == ERR_NOT_FOUND ? "There is no smart host."
								  : "Out of memory.");
		waiting_fail(d, &verdict);
	} else if (!d->asking) {
		destination_touch(d); /* the answer was known */
	}
}

static void
dial_all(struct destination *d)
{
	while (may_dial(d)) {
		/* a fresh answer would move the targets under a dial that is under way */
		if (d->dial_count == 0 && !lookup_is_fresh(d)) {
			targets_ask(d);
			return;
		}
		if (dial_create(d) < 0) {
			struct verdict verdict = outcome_of_trouble("Out of memory.");

			waiting_fail(d, &verdict);
		}
	}
}

/* Connections that queue allows no more, and those that can take nothing more, say goodbye. */
static void
idle_quit(struct destination *d)
{
	struct list_node *node = list_first(&d->sessions);

	while (node) {
		struct session *session = CONTAINER_OF(node, struct session, node);
		bool over = d->session_count > d->slots || d->out->stopping;

		node = list_next(&d->sessions, node);
		if (session->job_count || session->quitting || session->dead)
			continue;
		if (over || !session_can_take(session, 1)) {
			session_quit(session);
			session_run(session);
			/* whatever happened to the list meanwhile */
			node = list_first(&d->sessions);
		}
	}
}

static bool
is_unused(const struct destination *d)
{
	return !d->waiting_count && !d->dial_count && list_empty(&d->sessions);
}

static void
destination_look(struct destination *d)
{
	give_all(d, 1);
	dial_all(d);
	/* While dns is asked a connection of its own may still come: a message that is put behind
	 * another one waits for that one's reply. */
	if (d->waiting_count > d->dial_count && !d->asking)
		give_all(d, 1 + d->out->settings->jobs_ahead);
	idle_quit(d);
	if (is_unused(d))
		destination_destroy(d);
}

void
destination_look_all(struct smtpout *out)
{
	struct list_node *node;

	while ((node = list_pop_front(&out->dirty)))
		destination_look(CONTAINER_OF(node, struct destination, dirty_node));
}

static void
hungry_touch(struct smtpout *out)
{
	struct list_node *node;

	while (out->session_count < out->settings->sessions_max &&
	       (node = list_pop_front(&out->hungry)))
		destination_touch(CONTAINER_OF(node, struct destination, hungry_node));
}

/* ---- news */

void
destination_session_ready(struct destination *d, struct session *session)
{
	list_push_back(&d->sessions, &session->node);
	d->session_count++;
	d->proven = true;
	d->pause_until_ms = 0;
	if (may_give(d) && session_can_take(session, 1) && !give_one(d, session))
		return;
	destination_touch(d);
}

void
destination_session_gone(struct destination *d)
{
	d->session_count--;
	destination_touch(d);
	hungry_touch(d->out);
}

/*
 * No new connection, for this reason: what waits ends with it, unless other connections are there
 * or on their way, which then have to do for a while.
 */
static void
no_way(struct destination *d, const struct verdict *verdict, uint32_t other_dials)
{
	if (d->session_count + other_dials > 0) {
		d->pause_until_ms = rt_now_ms(d->out->rt) + SMTPOUT_DIAL_PAUSE_MS;
		rt_timer_arm(&d->timer, SMTPOUT_DIAL_PAUSE_MS);
		return;
	}
	d->proven = false;
	d->targets_until_ms = 0;
	waiting_fail(d, verdict);
}

void
destination_dial_failed(struct destination *d, struct dial *dial)
{
	no_way(d, &dial->reason, d->dial_count - 1);
	dial_drop(dial);
	destination_touch(d);
	hungry_touch(d->out);
}

static void
on_timer(void *ctx)
{
	struct destination *d = ctx;

	if (d->asking && !lookup_is_held(d)) {
		struct verdict verdict = lookup_silence();

		lookup_cancel(d);
		waiting_fail(d, &verdict);
	}
	destination_touch(d);
}

/* ---- from dns */

void
destination_target_in(struct smtpout *out, const struct ipc_dns_target *message)
{
	struct destination *d = lookup_find(out, message->request);

	if (d)
		lookup_target_add(d, message);
}

void
destination_answer(struct smtpout *out, const struct ipc_dns_done *message)
{
	struct destination *d = lookup_find(out, message->request);

	if (!d)
		return;
	rt_timer_disarm(&d->timer);
	if (!lookup_end(d, message)) {
		struct verdict verdict = message->verdict;

		if (verdict.class == VERDICT_OK)
			verdict = lookup_silence();
		if (d->name.len == 0 && verdict.class == VERDICT_NEVER) {
			/* A smart host that has no name in DNS is our fault, not the mail's. */
			verdict.class = VERDICT_LATER;
			verdict.status.class = 4;
		}
		no_way(d, &verdict, 0);
	}
	destination_touch(d);
}

/* ---- neighbours come and go */

void
destination_touch_all(struct smtpout *out)
{
	struct list_node *node;

	for (node = list_first(&out->all); node; node = list_next(&out->all, node))
		destination_touch(CONTAINER_OF(node, struct destination, all_node));
}

/* The configuration has changed: hosts and ports are asked for anew. */
void
destination_forget_all(struct smtpout *out)
{
	struct list_node *at;

	for (at = list_first(&out->all); at; at = list_next(&out->all, at))
		CONTAINER_OF(at, struct destination, all_node)->targets_until_ms = 0;
	destination_touch_all(out);
}

void
destination_drop_waiting(struct smtpout *out)
{
	struct list_node *at;

	for (at = list_first(&out->all); at; at = list_next(&out->all, at)) {
		struct destination *d = CONTAINER_OF(at, struct destination, all_node);
		struct list_node *node;
		struct job *job;

		while ((node = list_first(&d->dials)))
			dial_drop(CONTAINER_OF(node, struct dial, node));
		while ((job = waiting_pop(d)))
			job_give_back(job);
		destination_touch(d);
	}
}

void
destination_abort_all(struct smtpout *out)
{
	struct list_node *at, *node;

	destination_drop_waiting(out);
	for (at = list_first(&out->all); at; at = list_next(&out->all, at)) {
		struct destination *d = CONTAINER_OF(at, struct destination, all_node);

		while ((node = list_first(&d->sessions)))
			smtpout_session_abort(CONTAINER_OF(node, struct session, node));
	}
}
