/*
 * dns/lookup: where mail for a domain goes, remembered. Equal questions that come while one is out
 * share its answer; answers are kept as long as DNS allows, bounded in number and bytes. Knows
 * nothing of messages between processes.
 */
#ifndef PROC_DNS_LOOKUP_H
#define PROC_DNS_LOOKUP_H

#include "base/map.h"
#include "resolver/resolver.h"
#include "rule/route/mx.h"

#define DNS_CACHE_BYTES_MAX ((size_t)64 << 20)
/* Nothing is believed longer, whatever its TTL says. */
#define DNS_OK_TTL_MAX_S 86400u
#define DNS_NEVER_TTL_MAX_S 900u
#define DNS_LATER_TTL_MAX_S 30u

struct dns_lookups;

struct dns_lookups_options {
	size_t cache_entries_max;
	struct resolver *resolver; /* NULL: everything is answered "later" */
	struct mx_own own;	   /* must outlive the lookups or the next dns_lookups_set */
};

struct dns_counters {
	uint64_t asked, from_cache, joined, refused;
	size_t entries, bytes, asking;
};

struct dns_waiter;
/* result is valid during the call; its targets may be shuffled in place. */
typedef void dns_waiter_fn(struct dns_waiter *waiter, struct mx_result *result);

/* Who waits for an answer; lives in its owner's struct. */
struct dns_waiter {
	struct list_node node;
	dns_waiter_fn *fn;
};

int dns_lookups_create(struct rt *rt, const struct dns_lookups_options *options,
		       struct dns_lookups **ret_lookups) MUST_USE;
/* No waiter is called. */
void dns_lookups_destroy(struct dns_lookups **lookups);
/* Another resolver or other names of ours: the cache is emptied, what is being asked is asked anew.
 * The old resolver is no longer used when this returns. */
void dns_lookups_set(struct dns_lookups *lookups, const struct dns_lookups_options *options);

/* Calls waiter->fn once: from inside when the answer is known, else later. */
void dns_lookups_ask(struct dns_lookups *lookups, const struct mx_ask *ask,
		     struct dns_waiter *waiter);
/* Not called any more. The question goes on, for the cache. */
void dns_waiter_cancel(struct dns_waiter *waiter);

struct dns_counters dns_lookups_counters(const struct dns_lookups *lookups);

#endif
