/*
 * resolver: asks DNS questions of one of two backends, chosen at birth: libunbound (recursion or
 * forwarding, DNSSEC validation, its own thread) or a zone file that stands in for all DNS. The
 * only folder that includes libunbound's header. Files are never opened after create: the zone
 * comes as text, the root's keys are built in.
 *
 * No cache of its own beyond libunbound's, no retries of its own; who asks decides what an answer
 * means.
 */
#ifndef RESOLVER_RESOLVER_H
#define RESOLVER_RESOLVER_H

#include "base/arena.h"
#include "rt/rt.h"
#include "wire/dns/record.h"
#include "wire/dns/zone.h"

#define RESOLVER_ZONE_BYTES_MAX ((size_t)16 << 20)
#define RESOLVER_ZONE_ARENA_BYTES ((size_t)128 << 20)
#define RESOLVER_ANSWER_ARENA_BYTES ((size_t)512 << 10)
#define RESOLVER_SERVERS_MAX 16
/* How long a failure may be believed. */
#define RESOLVER_FAILURE_TTL_S 5u

struct resolver;

struct resolver_options {
	struct slice zone;		/* text of a zone file; data NULL: ask the network */
	const struct net_addr *servers; /* to forward to; none: those of /etc/resolv.conf */
	size_t server_count;
	uint64_t timeout_ms; /* of one question, retries included */
	bool validate;	     /* DNSSEC, from the root's keys down */
};

/* ERR_SYNTAX: the zone file, *ret_error says where. Reads /etc/resolv.conf where it is to be
 * used, so it comes before the sandbox. ERR_DNS: libunbound refused. */
int resolver_create(struct rt *rt, const struct resolver_options *options,
		    struct dns_zone_error *ret_error, struct resolver **ret_resolver) MUST_USE;
/* All queries must have been finished. */
void resolver_destroy(struct resolver **resolver);

/* The answer lives until the query is asked again or finished; both may be done in the callback. */
typedef void resolver_fn(void *ctx, const struct dns_answer *answer);

/* A question that is or may be asked; lives in its owner's struct. */
struct resolver_query {
	struct resolver *resolver;
	resolver_fn *fn;
	void *ctx;
	bool open;
	int async_id; /* libunbound's */
	struct rt_timer deadline;
	struct list_node node; /* zone backend: answered, callback to come */
	struct arena arena;
	struct dns_answer answer;
};

void resolver_query_init(struct resolver_query *query, struct resolver *resolver, resolver_fn *fn,
			 void *ctx);
/* The callback comes later, once, at the latest after timeout_ms, never from inside. ERR_SYNTAX or
 * ERR_LIMIT for a name that is none, ERR_NO_MEMORY, ERR_DNS: no callback comes. */
int resolver_ask(struct resolver_query *query, struct slice name, unsigned type) MUST_USE;
/* Cancels; no callback comes any more. A zeroed query is fine. */
void resolver_query_finish(struct resolver_query *query);

#endif
