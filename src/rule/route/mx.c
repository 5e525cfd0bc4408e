/*
 * route/mx: RFC 5321 5.1 as three steps: the MX question (or an implicit MX, or a literal), then
 * the A and AAAA questions of all hosts at once, then the gathering of targets in order.
 *
 * "Ourselves" cuts the list from that preference on (RFC 5321 5.1: a host that finds itself must
 * remove itself and all with equal or higher numbers): by name when the MX records come in, by
 * address when the targets are gathered.
 */
#include "rule/route/mx.h"

#include <string.h>

#include "base/assert.h"
#include "base/planted.h"
#include "wire/dns/name.h"

#define ID_MX 0u
#define FAMILIES 2u /* 0: AAAA, 1: A */
#define NO_CUT 0x10000u

/* Why a walk ends as it does. class, status, actor, action, cause, sentence for the sender. */
#define REASONS(X)                                                                                 \
	X(OK, OK, 2, 0, 0, NOBODY, NONE, NONE, "")                                                 \
	X(NO_DOMAIN, NEVER, 5, 1, 2, SENDER, STOP, DOMAIN_UNRESOLVABLE,                            \
	  "The domain does not exist.")                                                            \
	X(BAD_NAME, NEVER, 5, 1, 2, SENDER, STOP, DOMAIN_UNRESOLVABLE,                             \
	  "The domain is no valid name.")                                                          \
	X(NULL_MX, NEVER, 5, 1, 10, SENDER, STOP, DOMAIN_NOMAIL,                                   \
	  "The domain publishes that it takes no mail.")                                           \
	X(LOOP, NEVER, 5, 4, 6, THEIR_ADMIN, STOP, NET_OR_ROUTE,                                   \
	  "The domain's mail is routed back to this server, which does not hold it.")              \
	X(DNS, LATER, 4, 4, 3, THEIR_ADMIN, RETRY, DOMAIN_UNRESOLVABLE,                            \
	  "The name servers of the domain do not answer properly.")                                \
	X(NO_ADDRESS, LATER, 4, 4, 4, THEIR_ADMIN, RETRY, DOMAIN_UNRESOLVABLE,                     \
	  "No mail host of the domain has an address.")

enum reason {
#define X(name, ...) REASON_##name,
	REASONS(X)
#undef X
		REASON_MAX
};

static const struct {
	uint8_t class;
	struct verdict_status status;
	uint8_t actor, action;
	uint16_t cause; /* enum verdict_cause */
	const char *text;
} reasons[REASON_MAX] = {
#define X(name, cl, a, b, c, actor, action, cause, text)                                           \
	[REASON_##name] = {VERDICT_##cl,	  {a, b, c},                                       \
			   VERDICT_ACTOR_##actor, VERDICT_ACTION_##action,                         \
			   VERDICT_CAUSE_##cause, text},
	REASONS(X)
#undef X
};

struct host {
	struct slice name;
	uint16_t preference;
	bool secure[FAMILIES];
	uint8_t count[FAMILIES];
	struct net_addr addrs[FAMILIES][MX_HOST_ADDRESSES_MAX];
};

struct mx_walk {
	struct arena *arena;
	const struct mx_own *own;
	struct slice domain;
	bool host_only, is_literal;
	bool mx_wanted, mx_open;
	bool mx_secure;
	bool temporary;	    /* some answer may be different later */
	bool looped;	    /* we found ourselves */
	enum reason reason; /* other than OK: known already */
	struct host *hosts;
	size_t host_count;
	unsigned asked, answered; /* address questions */
	uint32_t ttl_s;
	struct builder evidence;
};

static void
evidence_add(struct mx_walk *walk, struct slice name, const char *what, struct slice why)
{
	struct builder *b = &walk->evidence;

	if (b->len)
		builder_str(b, "; ");
	builder_add(b, name);
	builder_byte(b, ' ');
	builder_str(b, what);
	if (why.len) {
		builder_str(b, " (");
		builder_add(b, why);
		builder_byte(b, ')');
	}
}

static bool
is_own_name(const struct mx_walk *walk, struct slice name)
{
	if (walk->host_only)
		return false;
	if (dns_name_under(name, SLICE("localhost")))
		return true;
	for (size_t i = 0; i < walk->own->name_count; i++)
		if (dns_name_eq(walk->own->names[i], name))
			return true;
	return false;
}

static bool
is_own_addr(const struct mx_walk *walk, const struct net_addr *addr)
{
	struct net_addr plain = net_addr_unmap(addr);

	if (walk->host_only)
		return false;
	for (size_t i = 0; i < walk->own->addr_count; i++)
		if (net_addr_eq(&walk->own->addrs[i], &plain))
			return true;
	return !walk->own->allow_loopback && net_addr_is_loopback(&plain);
}

/* Puts a host into the list, which stays ordered by preference and holds the MX_HOSTS_MAX best. */
static void
host_insert(struct mx_walk *walk, struct slice name, uint16_t preference)
{
	struct host *hosts = walk->hosts;
	size_t at = walk->host_count;

	for (size_t i = 0; i < walk->host_count; i++)
		if (dns_name_eq(hosts[i].name, name))
			return;
	while (at > 0 && hosts[at - 1].preference > preference)
		at--;
	if (at == MX_HOSTS_MAX)
		return;
	if (walk->host_count < MX_HOSTS_MAX)
		walk->host_count++;
	memmove(&hosts[at + 1], &hosts[at], (walk->host_count - 1 - at) * sizeof(hosts[0]));
	hosts[at] = (struct host){.name = arena_keep(walk->arena, name), .preference = preference};
}

/* "[192.0.2.1]" or "[IPv6:2001:db8::1]": no question at all. ERR_RANGE for an address that is no
 * host's: connecting to 0.0.0.0 would reach ourselves. */
static int
literal_parse(struct slice domain, struct net_addr *ret_addr)
{
	struct net_addr addr;
	struct slice inner;

	if (domain.len < 3 || domain.data[0] != '[' || domain.data[domain.len - 1] != ']')
		return ERR_SYNTAX;
	inner = slice_sub(domain, 1, domain.len - 2);
	if (slice_starts_nocase(inner, SLICE("IPv6:")))
		inner = slice_from(inner, 5);
	if (net_addr_parse(inner, &addr))
		return ERR_SYNTAX;
	if (net_addr_is_nowhere(&addr))
		return ERR_RANGE;
	*ret_addr = addr;
	return 0;
}

static void
walk_start(struct mx_walk *walk)
{
	struct net_addr literal;

	if (literal_parse(walk->domain, &literal) == 0) {
		host_insert(walk, walk->domain, 0);
		walk->is_literal = true;
		walk->hosts[0].addrs[0][0] = literal;
		walk->hosts[0].count[0] = 1;
		walk->asked = walk->answered = FAMILIES;
	} else if (!dns_name_is_host(walk->domain)) {
		walk->reason = REASON_BAD_NAME;
	} else if (walk->host_only) {
		host_insert(walk, walk->domain, 0);
	} else {
		walk->mx_wanted = true;
	}
}

int
mx_walk_create(struct arena *arena, const struct mx_own *own, const struct mx_ask *ask,
	       struct mx_walk **ret_walk)
{
	struct mx_walk *walk = ARENA_NEW(arena, struct mx_walk);

	if (!walk)
		return ERR_NO_MEMORY;
	*walk = (struct mx_walk){.arena = arena, .own = own, .ttl_s = UINT32_MAX};
	walk->host_only = ask->host_only;
	walk->domain = arena_keep(arena, dns_name_bare(ask->domain));
	/* One more than the maximum, so that an insertion may push the last one out. */
	walk->hosts = arena_alloc(arena, (MX_HOSTS_MAX + 1) * sizeof(walk->hosts[0]));
	builder_init_arena(&walk->evidence, arena, MX_EVIDENCE_MAX);
	if (!walk->hosts || arena->failed)
		return ERR_NO_MEMORY;
	walk_start(walk);
	*ret_walk = walk;
	return 0;
}

bool
mx_walk_next(struct mx_walk *walk, struct mx_question *ret_question)
{
	unsigned index = walk->asked;

	if (walk->mx_wanted) {
		walk->mx_wanted = false;
		walk->mx_open = true;
		*ret_question = (struct mx_question){ID_MX, walk->domain, DNS_TYPE_MX};
		return true;
	}
	if (walk->mx_open || index >= walk->host_count * FAMILIES)
		return false;
	walk->asked++;
	*ret_question = (struct mx_question){
		.id = 1 + index,
		.name = walk->hosts[index / FAMILIES].name,
		.type = index % FAMILIES == 0 ? DNS_TYPE_AAAA : DNS_TYPE_A,
	};
	return true;
}

/* The lowest preference under which a name of ours stands. */
static unsigned
own_cut(const struct mx_walk *walk, const struct dns_answer *answer)
{
	unsigned cut = NO_CUT;

	for (size_t i = 0; i < answer->count; i++)
		if (answer->records[i].preference < cut &&
		    is_own_name(walk, answer->records[i].target))
			cut = answer->records[i].preference;
	return cut;
}

static void
mx_records(struct mx_walk *walk, const struct dns_answer *answer)
{
	unsigned cut = own_cut(walk, answer);
	size_t roots = 0;

	walk->mx_secure = answer->secure;
	walk->looped = cut != NO_CUT;
	if (walk->looped)
		evidence_add(walk, walk->domain, "MX names this server", SLICE_EMPTY);
	for (size_t i = 0; i < answer->count; i++) {
		const struct dns_rr *rr = &answer->records[i];

		if (rr->target.len == 0)
			roots++;
		else if (rr->preference >= cut)
			continue;
		else if (dns_name_is_host(rr->target))
			host_insert(walk, rr->target, rr->preference);
		else
			evidence_add(walk, rr->target, "is no host name", SLICE_EMPTY);
	}
	/* RFC 7505 3: a null MX stands alone; beside others it means nothing. */
	if (roots == answer->count)
		walk->reason = REASON_NULL_MX;
}

static void
mx_answer(struct mx_walk *walk, const struct dns_answer *answer)
{
	walk->mx_open = false;
	switch (answer->outcome) {
	case DNS_OK:
		mx_records(walk, answer);
		return;
	case DNS_NODATA:
		walk->mx_secure = answer->secure;
		walk->looped = is_own_name(walk, walk->domain);
		if (!walk->looped)
			host_insert(walk, walk->domain, 0);
		return;
	case DNS_NXDOMAIN:
		walk->reason = REASON_NO_DOMAIN;
		break;
	default:
		walk->reason = REASON_DNS;
		break;
	}
	evidence_add(walk, walk->domain, dns_outcome_str(answer->outcome), answer->why);
}

static void
address_answer(struct mx_walk *walk, unsigned index, const struct dns_answer *answer)
{
	struct host *host = &walk->hosts[index / FAMILIES];
	unsigned family = index % FAMILIES;

	walk->answered++;
	host->secure[family] = answer->secure;
	if (dns_outcome_is_temporary(answer->outcome)) {
		walk->temporary = true;
		evidence_add(walk, host->name, dns_outcome_str(answer->outcome), answer->why);
	}
	for (size_t i = 0; i < answer->count && host->count[family] < MX_HOST_ADDRESSES_MAX; i++)
		if (!net_addr_is_nowhere(&answer->records[i].address))
			host->addrs[family][host->count[family]++] = answer->records[i].address;
}

void
mx_walk_answer(struct mx_walk *walk, unsigned id, const struct dns_answer *answer)
{
	uint32_t ttl_s = answer->ttl;

	ASSERT(id == ID_MX ? walk->mx_open : id <= walk->asked);
	if ((answer->outcome == DNS_NODATA || answer->outcome == DNS_NXDOMAIN) &&
	    ttl_s < MX_NEGATIVE_TTL_MIN_S)
		ttl_s = MX_NEGATIVE_TTL_MIN_S;
	if (ttl_s < walk->ttl_s)
		walk->ttl_s = ttl_s;
	if (id == ID_MX)
		mx_answer(walk, answer);
	else
		address_answer(walk, id - 1, answer);
}

static bool
host_is_own(const struct mx_walk *walk, const struct host *host)
{
	for (unsigned family = 0; family < FAMILIES; family++)
		for (size_t i = 0; i < host->count[family]; i++)
			if (is_own_addr(walk, &host->addrs[family][i]))
				return true;
	return false;
}

/* The host's addresses behind the others, families taking turns. */
static void
host_targets(const struct mx_walk *walk, const struct host *host, struct mx_result *result)
{
	for (size_t i = 0; i < MX_HOST_ADDRESSES_MAX; i++) {
		for (unsigned family = 0; family < FAMILIES; family++) {
			if (i >= host->count[family] || result->count == MX_TARGETS_MAX)
				continue;
			result->targets[result->count++] = (struct mx_target){
				.host = walk->is_literal ? SLICE_EMPTY : host->name,
				.address = host->addrs[family][i],
				.preference = host->preference,
				.secure = walk->mx_secure && host->secure[family],
			};
		}
	}
}

/* The preference from which on hosts are left out, since one of them has an address of ours. */
static unsigned
gather_cut(struct mx_walk *walk)
{
	for (size_t i = 0; i < walk->host_count; i++) {
		if (!host_is_own(walk, &walk->hosts[i]))
			continue;
		walk->looped = true;
		evidence_add(walk, walk->hosts[i].name, "has an address of this server",
			     SLICE_EMPTY);
		return walk->hosts[i].preference;
	}
	return NO_CUT;
}

static void
gather(struct mx_walk *walk, struct mx_result *result)
{
	unsigned cut = gather_cut(walk);

	for (size_t i = 0; i < walk->host_count && walk->hosts[i].preference < cut; i++) {
		const struct host *host = &walk->hosts[i];

		host_targets(walk, host, result);
		if (host->count[0] + host->count[1] == 0)
			evidence_add(walk, host->name, "has no address", SLICE_EMPTY);
	}
	if (result->count)
		walk->reason = REASON_OK;
	else if (walk->temporary)
		walk->reason = REASON_DNS;
	else
		walk->reason = walk->looped ? REASON_LOOP : REASON_NO_ADDRESS;
}

static void
verdict_fill(const struct mx_walk *walk, struct verdict *verdict)
{
	enum reason reason = walk->reason;

	*verdict = (struct verdict){
		.class = reasons[reason].class,
		.stage = VERDICT_STAGE_DNS,
		.status = reasons[reason].status,
		.cause = reasons[reason].cause,
		.confidence_percent = 100,
		.actor = reasons[reason].actor,
		.action = reasons[reason].action,
		.scope = VERDICT_SCOPE_DOMAIN,
		.public_text = slice_str(reasons[reason].text),
		.evidence = builder_slice(&walk->evidence),
	};
}

bool
mx_walk_done(struct mx_walk *walk, struct mx_result *ret_result)
{
	struct mx_result result = {.ttl_s = walk->ttl_s};

	if (walk->mx_wanted || walk->mx_open || walk->answered < walk->host_count * FAMILIES)
		return false;
	result.targets = arena_alloc(walk->arena, MX_TARGETS_MAX * sizeof(result.targets[0]));
	if (!result.targets)
		walk->reason = REASON_DNS;
	else if (walk->reason == REASON_OK)
		gather(walk, &result);
	verdict_fill(walk, &result.verdict);
	if (PLANTED(DNS_TROUBLE_FINAL) && walk->reason == REASON_DNS)
		result.verdict.class = VERDICT_NEVER;
	*ret_result = result;
	return true;
}

/* Index behind the targets from begin on that are of one host. */
static size_t
group_end(const struct mx_target *targets, size_t count, size_t begin)
{
	size_t end = begin + 1;

	while (end < count && slice_eq(targets[end].host, targets[begin].host))
		end++;
	return end;
}

/* Moves the group [from, end) before the one at to, by turning the targets between. */
static void
group_move(struct mx_target *targets, size_t to, size_t from, size_t end)
{
	for (size_t i = from; i < end; i++) {
		struct mx_target moved = targets[i];
		size_t place = to + (i - from);

		memmove(&targets[place + 1], &targets[place], (i - place) * sizeof(targets[0]));
		targets[place] = moved;
	}
}

void
mx_targets_shuffle(struct mx_target *targets, size_t count, struct prng *prng)
{
	size_t begin = 0;

	/* Each place takes one of the groups of the run that are left: a fair shuffle. */
	while (begin < count) {
		size_t groups = 0, at = begin;

		while (at < count && targets[at].preference == targets[begin].preference) {
			at = group_end(targets, count, at);
			groups++;
		}
		at = begin;
		for (uint64_t skip = prng_below(prng, groups); skip > 0; skip--)
			at = group_end(targets, count, at);
		group_move(targets, begin, at, group_end(targets, count, at));
		begin = group_end(targets, count, begin);
	}
}
