/*
 * resolver/unbound: the backend over libunbound, private to this folder. One context with one
 * thread of its own; its descriptor is watched by the loop.
 */
#ifndef RESOLVER_UNBOUND_H
#define RESOLVER_UNBOUND_H

#include "resolver/resolver.h"

struct resolver_unbound;

int resolver_unbound_create(struct rt *rt, const struct resolver_options *options,
			    struct resolver_unbound **ret_unbound) MUST_USE;
void resolver_unbound_destroy(struct resolver_unbound **unbound);
/* Answers through resolver_query_answered. */
int resolver_unbound_ask(struct resolver_unbound *unbound, struct resolver_query *query,
			 struct slice name, unsigned type) MUST_USE;
void resolver_unbound_cancel(struct resolver_unbound *unbound, struct resolver_query *query);

/* In resolver.c: query->answer is set; closes the query and calls back. */
void resolver_query_answered(struct resolver_query *query);

#endif
