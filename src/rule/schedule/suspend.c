/*
 * suspend: see suspend.h. What counts as a refusal of us: a permanent reply at the door (connect,
 * greeting), or one with the action suspend. Nothing about sender, recipient or message has been
 * said there, so it is about us unless it says that the destination takes no mail at all, or has a
 * fault. A reply for now whose cause does not ask for it (too busy) is an ordinary deferral.
 */
#include "rule/schedule/suspend.h"

#include "base/assert.h"
#include "base/planted.h"

static bool
is_about_us(const struct verdict *v)
{
	return v->scope != VERDICT_SCOPE_DOMAIN && v->scope != VERDICT_SCOPE_DESTINATION;
}

enum schedule_door
schedule_door(const struct verdict *v)
{
	static const uint8_t doors[VERDICT_STAGE_MAX] = {
		[VERDICT_STAGE_CONNECT] = SCHEDULE_DOOR_REFUSED,
		[VERDICT_STAGE_GREETING] = SCHEDULE_DOOR_REFUSED,
		[VERDICT_STAGE_HELLO] = SCHEDULE_DOOR_PASSED,
		[VERDICT_STAGE_TLS] = SCHEDULE_DOOR_PASSED,
		[VERDICT_STAGE_LOGIN] = SCHEDULE_DOOR_PASSED,
		[VERDICT_STAGE_SENDER] = SCHEDULE_DOOR_PASSED,
		[VERDICT_STAGE_RECIPIENT] = SCHEDULE_DOOR_PASSED,
		[VERDICT_STAGE_DATA] = SCHEDULE_DOOR_PASSED,
		[VERDICT_STAGE_FINAL] = SCHEDULE_DOOR_PASSED,
	};

	ASSERT(v->stage < VERDICT_STAGE_MAX);
	if (doors[v->stage] != SCHEDULE_DOOR_REFUSED)
		return doors[v->stage];
	if (v->class == VERDICT_OK || v->code == 0 || !is_about_us(v))
		return SCHEDULE_DOOR_UNKNOWN;
	return v->class == VERDICT_NEVER || v->action == VERDICT_ACTION_SUSPEND
		       ? SCHEDULE_DOOR_REFUSED
		       : SCHEDULE_DOOR_UNKNOWN;
}

/* The limits may have changed since; the longest is less than the first where somebody wants so. */
static uint64_t
bounded(uint64_t wait_ms, const struct schedule_probes *probes)
{
	if (wait_ms < probes->first_ms)
		wait_ms = probes->first_ms;
	return wait_ms > probes->max_ms ? probes->max_ms : wait_ms;
}

void
suspension_begin(struct schedule_suspension *s, const struct schedule_probes *probes,
		 uint64_t now_ms)
{
	*s = (struct schedule_suspension){.wait_ms = bounded(0, probes), .refusals = 1};
	s->probe_ms = now_ms + s->wait_ms;
}

void
suspension_restore(struct schedule_suspension *s, const struct schedule_probes *probes,
		   uint32_t refusals, uint64_t interval_ms, uint64_t probe_ms)
{
	*s = (struct schedule_suspension){
		.probe_ms = probe_ms,
		.wait_ms = bounded(interval_ms, probes),
		.refusals = refusals,
	};
}

bool
suspension_probe_due(const struct schedule_suspension *s, uint64_t now_ms)
{
	return !s->probing && (now_ms >= s->probe_ms || PLANTED(PROBE_AT_ONCE));
}

void
suspension_probe_begin(struct schedule_suspension *s)
{
	ASSERT(!s->probing);
	s->probing = true;
}

void
suspension_probe_end(struct schedule_suspension *s, const struct schedule_probes *probes,
		     enum schedule_door door, uint64_t now_ms)
{
	ASSERT(s->probing && door != SCHEDULE_DOOR_PASSED);
	s->probing = false;
	if (door == SCHEDULE_DOOR_REFUSED) {
		s->refusals++;
		s->wait_ms *= 2;
	}
	s->wait_ms = bounded(s->wait_ms, probes);
	s->probe_ms = now_ms + s->wait_ms;
}

void
suspension_probe_lost(struct schedule_suspension *s)
{
	s->probing = false;
}
