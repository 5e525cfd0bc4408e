/*
 * smtpout dial: a walk over the destination's targets in an order of its own (RFC 5321 5.1: equal
 * preferences share the load). Names of hosts are borrowed from the destination, which takes a
 * fresh answer of dns only when no dial is under way.
 */
#include "proc/smtpout/dial.h"

#include <string.h>

#include "base/assert.h"
#include "proc/smtpout/destination.h"
#include "proc/smtpout/outcome.h"
#include "wire/text/clean.h"

#define DIAL_ARENA_BYTES ((size_t)32768)

static void on_race(void *ctx);

int
dial_create(struct destination *destination)
{
	struct smtpout *out = destination->out;
	struct dial *dial = MEM_NEW(out->mem, struct dial);

	ASSERT(destination->target_count > 0);
	if (!dial)
		return ERR_NO_MEMORY;
	dial->destination = destination;
	list_init(&dial->sessions);
	arena_init(&dial->arena, out->mem, DIAL_ARENA_BYTES);
	builder_init_fixed(&dial->others, dial->others_room, sizeof(dial->others_room));
	rt_timer_init(&dial->race, out->rt, on_race, dial);
	dial->count = destination->target_count;
	memcpy(dial->targets, destination->targets, dial->count * sizeof(dial->targets[0]));
	mx_targets_shuffle(dial->targets, dial->count, &out->prng);
	list_push_back(&destination->dials, &dial->node);
	destination->dial_count++;
	dial_go_on(dial);
	return 0;
}

void
dial_drop(struct dial *dial)
{
	struct smtpout *out = dial->destination->out;
	struct list_node *node;

	while ((node = list_first(&dial->sessions)))
		session_drop(CONTAINER_OF(node, struct session, node));
	rt_timer_finish(&dial->race);
	arena_finish(&dial->arena);
	list_remove(&dial->node);
	dial->destination->dial_count--;
	mem_give(out->mem, dial, sizeof(*dial));
}

/* ---- why there is no connection */

static void
host_build(struct builder *b, const struct verdict *verdict)
{
	builder_add(b, verdict->host);
	builder_str(b, verdict->host.len ? " [" : "[");
	net_addr_format(b, &verdict->address);
	builder_str(b, "] said:\n");
}

/* A refusal that does not decide is told beside the reason that does: it may be the one to act on.
 * What has no room is left out with a mark. */
static void
others_add(struct dial *dial, const struct verdict *verdict)
{
	const size_t room = dial->others.cap - dial->others.len;
	uint8_t bytes[DIAL_OTHERS_BYTES];
	struct builder b;

	if (!verdict->reply.len || dial->others_cut)
		return;
	builder_init_fixed(&b, bytes, sizeof(bytes));
	if (dial->others.len)
		builder_byte(&b, '\n');
	host_build(&b, verdict);
	builder_add(&b, slice_sub(verdict->reply, 0, DIAL_OTHER_REPLY_BYTES));
	if (verdict->reply.len > DIAL_OTHER_REPLY_BYTES)
		builder_str(&b, CLEAN_CUT);
	ASSERT(!b.failed);
	dial->others_cut = b.len + sizeof(CLEAN_CUT) > room;
	if (dial->others_cut)
		builder_str(&dial->others, "\n" CLEAN_CUT);
	else
		builder_add(&dial->others, builder_slice(&b));
}

static void
reason_note(struct dial *dial, const struct verdict *verdict)
{
	struct verdict kept = *verdict;

	if (dial->has_reason && !outcome_is_better(verdict, &dial->reason)) {
		others_add(dial, verdict);
		return;
	}
	if (dial->has_reason)
		others_add(dial, &dial->reason);
	/* at most one of each rank is kept: the arena has room for all of them */
	kept.reply = arena_keep(&dial->arena, verdict->reply);
	kept.evidence = arena_keep(&dial->arena, verdict->evidence);
	kept.host = arena_keep(&dial->arena, verdict->host);
	kept.helo = arena_keep(&dial->arena, verdict->helo);
	dial->reason = kept;
	dial->has_reason = true;
}

/* The reason, complete with what others said. */
static void
reason_end(struct dial *dial)
{
	struct builder b;

	ASSERT(dial->has_reason);
	if (!dial->others.len)
		return;
	builder_init_arena(&b, &dial->arena, VERDICT_EVIDENCE_MAX);
	builder_add(&b, dial->reason.evidence);
	if (b.len)
		builder_byte(&b, '\n');
	builder_add(&b, builder_slice(&dial->others));
	/* without memory the reason alone has to do */
	if (!b.failed)
		dial->reason.evidence = builder_slice(&b);
}

static void
failure_log(struct dial *dial, const struct verdict *verdict)
{
	struct log_line line;

	log_begin(&line, dial->destination->out->log, EVENT_smtpout_host_failed);
	log_text(&line, "domain", dial->destination->name);
	log_verdict(&line, verdict);
	if (verdict->public_text.len)
		log_text(&line, "what", verdict->public_text);
	if (verdict->evidence.len)
		log_text(&line, "evidence", verdict->evidence);
	log_end(&line);
}

/* ---- the walk */

static int
target_begin(struct dial *dial, const struct session_target *target)
{
	struct session *session;
	int err = session_create(dial, target, &session);

	if (err) {
		struct verdict verdict = outcome_of_connect(err);

		verdict.host = target->host;
		verdict.address = target->address;
		failure_log(dial, &verdict);
		reason_note(dial, &verdict);
	}
	return err;
}

static bool
is_plain(const struct destination *destination, const struct net_addr *address)
{
	for (uint32_t i = 0; i < destination->plain_count; i++) {
		if (net_addr_eq(&destination->plain[i], address))
			return true;
	}
	return false;
}

static bool
next_take(struct dial *dial, struct session_target *ret_target)
{
	const struct mx_target *target;

	if (dial->again) {
		dial->again = false;
		*ret_target = dial->again_target;
		return true;
	}
	if (dial->next >= dial->count)
		return false;
	target = &dial->targets[dial->next++];
	*ret_target =
		(struct session_target){.host = target->host,
					.address = target->address,
					.plain = is_plain(dial->destination, &target->address)};
	return true;
}

/* A family other than that of the one under way: worth a race. */
static bool
race_is_useful(const struct dial *dial)
{
	const struct session *first;

	if (list_empty(&dial->sessions) || dial->next >= dial->count)
		return false;
	first = CONTAINER_OF(list_first(&dial->sessions), struct session, node);
	return first->connecting && list_next(&dial->sessions, &first->node) == NULL &&
	       dial->targets[dial->next].address.family != first->address.family;
}

void
dial_go_on(struct dial *dial)
{
	struct session_target target;

	while (list_empty(&dial->sessions)) {
		if (!next_take(dial, &target)) {
			reason_end(dial);
			destination_dial_failed(dial->destination, dial);
			return;
		}
		/* an error has been noted */
		if (target_begin(dial, &target) < 0)
			continue;
	}
	if (race_is_useful(dial))
		rt_timer_arm(&dial->race, dial->destination->out->settings->family_delay_ms);
}

static void
on_race(void *ctx)
{
	struct dial *dial = ctx;
	struct session_target target;

	/* should it fail at once, the first one is still under way */
	if (race_is_useful(dial) && next_take(dial, &target) && target_begin(dial, &target) < 0)
		return;
}

/* ---- news from sessions */

void
dial_session_connected(struct dial *dial, struct session *session)
{
	struct list_node *node = list_first(&dial->sessions);

	rt_timer_disarm(&dial->race);
	while (node) {
		struct session *other = CONTAINER_OF(node, struct session, node);

		node = list_next(&dial->sessions, node);
		if (other != session) {
			struct verdict verdict = outcome_of_connect(ERR_TIMEOUT);

			session_sign(other, &verdict);
			reason_note(dial, &verdict);
			session_drop(other);
		}
	}
}

void
dial_session_ready(struct dial *dial, struct session *session)
{
	struct destination *destination = dial->destination;

	dial_drop(dial);
	destination_session_ready(destination, session);
}

static void
plain_note(struct destination *destination, const struct net_addr *address)
{
	if (is_plain(destination, address))
		return;
	if (destination->plain_count == DESTINATION_PLAIN_MAX)
		destination->plain_count = 0;
	destination->plain[destination->plain_count++] = *address;
}

/* The session dies, and its name with it. */
static struct slice
host_of(const struct dial *dial, const struct session *session)
{
	for (size_t i = 0; i < dial->count; i++) {
		if (slice_eq(dial->targets[i].host, slice_str(session->host)))
			return dial->targets[i].host;
	}
	return SLICE_EMPTY;
}

void
dial_session_failed(struct dial *dial, const struct session *session, const struct verdict *verdict,
		    bool without_tls)
{
	if (without_tls) {
		plain_note(dial->destination, &session->address);
		dial->again = true;
		dial->again_target = (struct session_target){
			.host = host_of(dial, session), .address = session->address, .plain = true};
	}
	failure_log(dial, verdict);
	reason_note(dial, verdict);
}
