/*
 * resolver: the life of a query (deadline, one callback, cancelling) and the zone backend, which
 * answers at once but calls back in a later turn, as the network would.
 */
#include "resolver/resolver.h"

#include "base/assert.h"
#include "resolver/unbound.h"
#include "wire/dns/name.h"

struct resolver {
	struct rt *rt;
	uint64_t timeout_ms;
	struct resolver_unbound *unbound; /* NULL: the zone answers */
	struct arena zone_arena;
	struct dns_zone zone;
	struct list ready; /* queries answered by the zone */
	struct rt_timer ready_timer;
};

static void
ready_run(void *ctx)
{
	struct resolver *resolver = ctx;
	struct list now;
	struct list_node *node;

	/* Callbacks may ask again: those queries wait for the next turn. */
	list_init(&now);
	while ((node = list_pop_front(&resolver->ready)))
		list_push_back(&now, node);
	while ((node = list_pop_front(&now)))
		resolver_query_answered(CONTAINER_OF(node, struct resolver_query, node));
}

static int
zone_load(struct resolver *resolver, struct slice text, struct dns_zone_error *ret_error)
{
	if (text.len > RESOLVER_ZONE_BYTES_MAX)
		return ERR_LIMIT;
	return dns_zone_parse(text, &resolver->zone_arena, &resolver->zone, ret_error);
}

int
resolver_create(struct rt *rt, const struct resolver_options *options,
		struct dns_zone_error *ret_error, struct resolver **ret_resolver)
{
	struct resolver *resolver = MEM_NEW(rt_mem(rt), struct resolver);
	int err;

	if (!resolver)
		return ERR_NO_MEMORY;
	resolver->rt = rt;
	resolver->timeout_ms = options->timeout_ms;
	list_init(&resolver->ready);
	rt_timer_init(&resolver->ready_timer, rt, ready_run, resolver);
	arena_init(&resolver->zone_arena, rt_mem(rt), RESOLVER_ZONE_ARENA_BYTES);
	if (options->zone.data)
		err = zone_load(resolver, options->zone, ret_error);
	else
		err = resolver_unbound_create(rt, options, &resolver->unbound);
	if (err < 0)
		resolver_destroy(&resolver);
	else
		*ret_resolver = resolver;
	return err;
}

void
resolver_destroy(struct resolver **resolver)
{
	struct resolver *r = *resolver;

	if (!r)
		return;
	ASSERT(list_empty(&r->ready));
	rt_timer_finish(&r->ready_timer);
	resolver_unbound_destroy(&r->unbound);
	arena_finish(&r->zone_arena);
	mem_give(rt_mem(r->rt), r, sizeof(*r));
	*resolver = NULL;
}

/* Takes the query back from its backend. */
static void
query_withdraw(struct resolver_query *query)
{
	if (query->open && query->resolver->unbound)
		resolver_unbound_cancel(query->resolver->unbound, query);
	list_remove(&query->node);
	rt_timer_disarm(&query->deadline);
	query->open = false;
}

static void
deadline_passed(void *ctx)
{
	struct resolver_query *query = ctx;

	query_withdraw(query);
	query->answer = (struct dns_answer){
		.outcome = DNS_TIMEOUT,
		.ttl = RESOLVER_FAILURE_TTL_S,
		.why = SLICE("no answer in time"),
	};
	query->fn(query->ctx, &query->answer);
}

void
resolver_query_init(struct resolver_query *query, struct resolver *resolver, resolver_fn *fn,
		    void *ctx)
{
	*query = (struct resolver_query){.resolver = resolver, .fn = fn, .ctx = ctx};
	arena_init(&query->arena, rt_mem(resolver->rt), RESOLVER_ANSWER_ARENA_BYTES);
	rt_timer_init(&query->deadline, resolver->rt, deadline_passed, query);
}

int
resolver_ask(struct resolver_query *query, struct slice name, unsigned type)
{
	struct resolver *resolver = query->resolver;
	int err = dns_name_check(name);

	ASSERT(!query->open);
	if (err < 0)
		return err;
	arena_reset(&query->arena);
	if (resolver->unbound) {
		err = resolver_unbound_ask(resolver->unbound, query, name, type);
		if (err == 0)
			rt_timer_arm(&query->deadline, resolver->timeout_ms);
	} else {
		err = dns_zone_lookup(&resolver->zone, name, type, &query->arena, &query->answer);
		if (err == 0) {
			list_push_back(&resolver->ready, &query->node);
			rt_timer_arm(&resolver->ready_timer, 0);
		}
	}
	query->open = err == 0;
	return err;
}

void
resolver_query_answered(struct resolver_query *query)
{
	ASSERT(query->open);
	query->open = false;
	rt_timer_disarm(&query->deadline);
	if (dns_outcome_is_temporary(query->answer.outcome) &&
	    query->answer.ttl > RESOLVER_FAILURE_TTL_S)
		query->answer.ttl = RESOLVER_FAILURE_TTL_S;
	query->fn(query->ctx, &query->answer);
}

void
resolver_query_finish(struct resolver_query *query)
{
	if (!query->resolver)
		return;
	query_withdraw(query);
	rt_timer_finish(&query->deadline);
	arena_finish(&query->arena);
	query->resolver = NULL;
}
