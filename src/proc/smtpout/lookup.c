/*
 * smtpout lookup: DNS_ASK, DNS_TARGET..., DNS_DONE. Targets come into a second arena and replace
 * the old ones when they are complete, which happens only while no dial walks over them.
 */
#include "proc/smtpout/lookup.h"

#include "base/assert.h"

static bool
request_matches(const struct map_node *node, struct slice key)
{
	const struct destination *d = CONTAINER_OF(node, struct destination, asked_node);

	return slice_eq(MAP_KEY(d->request), key);
}

bool
lookup_is_fresh(const struct destination *d)
{
	return d->target_count > 0 && rt_now_ms(d->out->rt) < d->targets_until_ms;
}

/* Sends the question; false: it waits where it is. */
static bool
question_send(struct destination *d)
{
	const struct smtpout_settings *settings = d->out->settings;
	bool smart = d->name.len == 0;
	struct slice name = smart ? settings->smart_host : d->name;
	uint16_t port = smart ? settings->smart_port : settings->port;

	arena_reset(&d->arenas[1 - d->arena_index]);
	d->incoming = NULL;
	d->incoming_count = 0;
	if (IPC_SEND(d->out->dns, DNS_ASK, dns_ask, .request = d->request, .domain = name,
		     .port = port, .host_only = smart))
		return false;
	list_remove(&d->unasked_node);
	d->asked = true;
	d->out->asked_count++;
	rt_timer_arm(&d->timer, settings->dns_ms);
	return true;
}

/* The smart host is an address: nobody needs to be asked. */
static bool
smart_addr_use(struct destination *d)
{
	const struct smtpout_settings *settings = d->out->settings;
	struct mx_target *target;

	arena_reset(&d->arenas[d->arena_index]);
	target = ARENA_NEW(&d->arenas[d->arena_index], struct mx_target);
	if (!target)
		return false;
	target->address = settings->smart_addr;
	d->targets = target;
	d->target_count = 1;
	d->targets_until_ms = rt_now_ms(d->out->rt) + LOOKUP_TTL_MIN_MS;
	return true;
}

int
lookup_begin(struct destination *d)
{
	struct smtpout *out = d->out;
	int err;

	ASSERT(d->dial_count == 0);
	if (d->asking)
		return 0;
	if (d->name.len == 0 && out->settings->smart_host.len == 0)
		return ERR_NOT_FOUND;
	if (d->name.len == 0 && out->settings->smart_addr.family != NET_FAMILY_NONE)
		return smart_addr_use(d) ? 0 : ERR_NO_MEMORY;
	d->request = ++out->request_last;
	err = map_insert(&out->requests, &d->asked_node, MAP_KEY(d->request));
	if (err)
		return err;
	d->asking = true;
	rt_timer_arm(&d->timer, out->settings->dns_ms);
	list_push_back(&out->unasked, &d->unasked_node);
	lookup_resume(out);
	return 0;
}

void
lookup_cancel(struct destination *d)
{
	if (!d->asking)
		return;
	map_remove(&d->out->requests, &d->asked_node);
	rt_timer_disarm(&d->timer);
	if (d->asked)
		d->out->asked_count--;
	list_remove(&d->unasked_node);
	d->asking = d->asked = false;
	lookup_resume(d->out);
}

bool
lookup_is_held(struct destination *d)
{
	if (d->asked || !d->out->dns)
		return false;
	rt_timer_arm(&d->timer, d->out->settings->dns_ms);
	lookup_resume(d->out);
	return true;
}

struct destination *
lookup_find(struct smtpout *out, uint32_t request)
{
	struct map_node *node = map_find(&out->requests, MAP_KEY(request), request_matches);

	return node ? CONTAINER_OF(node, struct destination, asked_node) : NULL;
}

void
lookup_target_add(struct destination *d, const struct ipc_dns_target *message)
{
	struct arena *arena = &d->arenas[1 - d->arena_index];
	struct mx_target *target;

	if (!d->incoming)
		d->incoming = arena_alloc(arena, MX_TARGETS_MAX * sizeof(*d->incoming));
	if (!d->incoming || d->incoming_count == MX_TARGETS_MAX ||
	    message->address.family == NET_FAMILY_NONE)
		return;
	target = &d->incoming[d->incoming_count++];
	target->host = arena_keep(arena, message->host);
	target->preference = message->preference;
	target->secure = message->secure;
	target->address = message->address;
	if (target->address.port == 0)
		target->address.port = d->out->settings->port;
}

bool
lookup_end(struct destination *d, const struct ipc_dns_done *message)
{
	uint64_t ttl_ms = (uint64_t)message->ttl_s * 1000;

	lookup_cancel(d);
	if (message->verdict.class != VERDICT_OK || d->incoming_count == 0)
		return false;
	if (ttl_ms < LOOKUP_TTL_MIN_MS)
		ttl_ms = LOOKUP_TTL_MIN_MS;
	if (ttl_ms > LOOKUP_TTL_MAX_MS)
		ttl_ms = LOOKUP_TTL_MAX_MS;
	d->targets = d->incoming;
	d->target_count = d->incoming_count;
	d->arena_index = 1 - d->arena_index;
	d->targets_until_ms = rt_now_ms(d->out->rt) + ttl_ms;
	d->incoming = NULL;
	d->incoming_count = 0;
	return true;
}

void
lookup_pause(struct smtpout *out)
{
	struct list_node *at;

	for (at = list_first(&out->all); at; at = list_next(&out->all, at)) {
		struct destination *d = CONTAINER_OF(at, struct destination, all_node);

		if (d->asked)
			list_push_back(&out->unasked, &d->unasked_node);
		d->asked = false;
	}
	out->asked_count = 0;
}

void
lookup_resume(struct smtpout *out)
{
	struct list_node *node;

	while (out->dns && out->asked_count < out->settings->asked_max &&
	       (node = list_first(&out->unasked))) {
		if (!question_send(CONTAINER_OF(node, struct destination, unasked_node)))
			return;
	}
}

struct verdict
lookup_silence(void)
{
	return (struct verdict){.class = VERDICT_LATER,
				.stage = VERDICT_STAGE_DNS,
				.status = {4, 4, 3},
				.cause = VERDICT_CAUSE_DOMAIN_UNRESOLVABLE,
				.public_text = SLICE("The name servers did not answer in time.")};
}
