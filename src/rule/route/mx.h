/*
 * route/mx: where mail for a domain goes, as a walk over DNS answers (RFC 5321 5.1, RFC 7505).
 *
 * The owner takes questions from mx_walk_next until there are none for the moment, gives the
 * answers in any order, and goes on until mx_walk_done. Several questions may be out at once. The
 * result is either targets in the order to be tried (hosts by preference; the addresses of a host
 * with the families taking turns, IPv6 first) or a verdict that says why there
 * are none. Temporary DNS faults never lead to A records nor to a bounce; only a domain that does
 * not exist, a null MX and mail that would come back to us end for good. No clock, no I/O.
 */
#ifndef RULE_ROUTE_MX_H
#define RULE_ROUTE_MX_H

#include "base/arena.h"
#include "base/prng.h"
#include "wire/dns/record.h"
#include "wire/verdict/verdict.h"

/* Domains that dns asks for at once, for all smtpout processes together: each asks for its share,
 * and holds the others back. What comes all the same is answered "later". */
#define MX_ASKING_MAX 1000
#define MX_HOSTS_MAX 20		/* the best ones; further MX records are left out */
#define MX_HOST_ADDRESSES_MAX 8 /* of one family */
#define MX_TARGETS_MAX 64
#define MX_EVIDENCE_MAX 900
/* "There is none" is believed at least so long: many answer it without the SOA that says how long
 * (RFC 2308 5), and the rest of the result must not be forgotten for that. */
#define MX_NEGATIVE_TTL_MIN_S 60u
#define MX_WALK_ARENA_BYTES ((size_t)64 << 10)

/* Who we are: what may not be a destination. */
struct mx_own {
	const struct slice *names; /* host names of ours, any case */
	size_t name_count;
	const struct net_addr *addrs; /* addresses where our MX listeners can be reached */
	size_t addr_count;
	bool allow_loopback; /* lab: 127.0.0.0/8 and ::1 that are not in addrs are destinations */
};

struct mx_ask {
	struct slice domain; /* A-labels or an address literal in brackets; kept in the arena */
	bool host_only;	     /* a smart host: no MX, and nobody asks whether it is ourselves */
};

struct mx_target {
	struct slice host;	 /* empty: the domain is an address literal */
	struct net_addr address; /* port 0 */
	uint16_t preference;
	bool secure; /* MX and address both validated */
};

struct mx_question {
	unsigned id;
	struct slice name;
	unsigned type;
};

struct mx_result {
	struct verdict verdict; /* VERDICT_OK when there are targets */
	struct mx_target *targets;
	size_t count;
	uint32_t ttl_s; /* how long all this may be believed */
};

struct mx_walk;

/* Everything, the walk too, lives in arena (MX_WALK_ARENA_BYTES suffice; own must outlive it).
 * ERR_NO_MEMORY. */
int mx_walk_create(struct arena *arena, const struct mx_own *own, const struct mx_ask *ask,
		   struct mx_walk **ret_walk) MUST_USE;
/* The next question to be asked; false when none is to be asked now. */
bool mx_walk_next(struct mx_walk *walk, struct mx_question *ret_question);
/* id as in the question, each answered once. Nothing of the answer is kept by pointer. */
void mx_walk_answer(struct mx_walk *walk, unsigned id, const struct dns_answer *answer);
/* True when no question is open; then the result is in the walk's arena. */
bool mx_walk_done(struct mx_walk *walk, struct mx_result *ret_result);

/* Another order of hosts among those of equal preference, so that load is spread (RFC 5321 5.1);
 * the targets of one host stay together. To be done anew each time that a result is used. */
void mx_targets_shuffle(struct mx_target *targets, size_t count, struct prng *prng);

#endif
