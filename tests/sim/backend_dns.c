/*
 * The third backend of the resolver, in the place of libunbound: the world's zone, some time later,
 * and whatever the scenario makes of DNS. The life of a query is resolver.c's, as ever.
 */
#include "resolver/unbound.h"

#include <stdlib.h>

#include "run.h"

#define ANSWER_MS_MAX 80

struct resolver_unbound {
	struct rt *rt;
	struct list asked; /* struct asked */
};

struct asked {
	struct list_node node;
	struct resolver_unbound *unbound;
	struct resolver_query *query;
	struct rt_timer timer;
};

int
resolver_unbound_create(struct rt *rt, const struct resolver_options *options,
			struct resolver_unbound **ret_unbound)
{
	struct resolver_unbound *unbound = MEM_NEW(rt_mem(rt), struct resolver_unbound);

	(void)options;
	if (!unbound)
		return ERR_NO_MEMORY;
	unbound->rt = rt;
	list_init(&unbound->asked);
	*ret_unbound = unbound;
	return 0;
}

static void
asked_free(struct asked *asked)
{
	struct rt *rt = asked->unbound->rt;

	list_remove(&asked->node);
	rt_timer_finish(&asked->timer);
	mem_give(rt_mem(rt), asked, sizeof(*asked));
}

void
resolver_unbound_destroy(struct resolver_unbound **unbound)
{
	struct list_node *node;

	if (!*unbound)
		return;
	while ((node = list_first(&(*unbound)->asked)))
		asked_free(CONTAINER_OF(node, struct asked, node));
	mem_give(rt_mem((*unbound)->rt), *unbound, sizeof(**unbound));
	*unbound = NULL;
}

static void
on_time(void *ctx)
{
	struct asked *asked = ctx;
	struct resolver_query *query = asked->query;

	asked_free(asked);
	resolver_query_answered(query);
}

/* An address where nobody listens, or one of another host. */
static void
lie(struct run *run, struct dns_answer *answer)
{
	for (size_t i = 0; i < answer->count; i++)
		if (answer->records[i].type == DNS_TYPE_A)
			((struct dns_rr *)(uintptr_t)&answer->records[i])->address =
				run_addr(10, 8, (unsigned)run_between(run, 1, 9), 0);
}

int
resolver_unbound_ask(struct resolver_unbound *unbound, struct resolver_query *query,
		     struct slice name, unsigned type)
{
	struct run *run = run_of(sim_world_of(unbound->rt));
	struct asked *asked;
	int err = dns_zone_lookup(&run->zone, name, type, &query->arena, &query->answer);

	if (err)
		return err;
	/* A part of the questions fails, not each. */
	if (run->dns_trouble != DNS_OK && run_between(run, 0, 3))
		query->answer = (struct dns_answer){
			.outcome = run->dns_trouble, .ttl = 60, .why = SLICE("the scenario")};
	else if (run->dns_lies && run_between(run, 0, 1))
		lie(run, &query->answer);
	asked = MEM_NEW(rt_mem(unbound->rt), struct asked);
	if (!asked)
		return ERR_NO_MEMORY;
	asked->unbound = unbound;
	asked->query = query;
	rt_timer_init(&asked->timer, unbound->rt, on_time, asked);
	list_push_back(&unbound->asked, &asked->node);
	/* With TIMEOUT nobody answers: the query's own limit ends it. */
	if (query->answer.outcome != DNS_TIMEOUT)
		rt_timer_arm(&asked->timer, run_between(run, 0, ANSWER_MS_MAX));
	return 0;
}

void
resolver_unbound_cancel(struct resolver_unbound *unbound, struct resolver_query *query)
{
	struct list_node *node = list_first(&unbound->asked);

	for (; node; node = list_next(&unbound->asked, node)) {
		struct asked *asked = CONTAINER_OF(node, struct asked, node);

		if (asked->query != query)
			continue;
		asked_free(asked);
		return;
	}
}
