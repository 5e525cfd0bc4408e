/*
 * dns/lookup: one entry per (domain, host_only). An entry is being asked for (it has an arena with
 * a walk and its questions) or known (it has a block with a copy of the result, and stands in the
 * list of entries by last use, from whose end entries are dropped).
 */
#include "proc/dns/lookup.h"

#include <string.h>

#include "base/assert.h"
#include "wire/dns/name.h"

#define KEY_MAX (DNS_HOST_MAX + 3)
#define WALK_ARENA_BYTES                                                                           \
	(MX_WALK_ARENA_BYTES + (1 + 2 * MX_HOSTS_MAX) * 2 * sizeof(struct question))

/* One question of a walk. */
struct question {
	struct resolver_query query;
	struct entry *entry;
	unsigned id;
	struct question *next;
};

/* A result in one piece of memory, texts behind the targets. */
struct known {
	struct mx_result result;
	size_t size;
	uint64_t expires_ms;
	struct mx_target targets[];
};

struct entry {
	struct map_node by_key;
	struct list_node by_use; /* in asking, or in known: last used first */
	struct dns_lookups *lookups;
	struct list waiters;
	struct arena arena; /* while asking: walk, questions */
	struct mx_walk *walk;
	struct question *questions;
	struct known *known;
	size_t key_len;
	uint8_t key[KEY_MAX]; /* 'h' host only or 'm', then the domain in lower case */
};

struct dns_lookups {
	struct rt *rt;
	struct dns_lookups_options options;
	struct map entries;
	struct list known, asking;
	struct dns_counters counters;
};

static bool
entry_matches(const struct map_node *node, struct slice key)
{
	const struct entry *entry = CONTAINER_OF(node, struct entry, by_key);

	return slice_eq(slice_of(entry->key, entry->key_len), key);
}

static struct slice
entry_key(const struct entry *entry)
{
	return slice_of(entry->key, entry->key_len);
}

static void
questions_finish(struct question *first)
{
	for (struct question *q = first; q; q = q->next)
		resolver_query_finish(&q->query);
}

/* Ends the asking, if there is any. */
static void
walk_drop(struct entry *entry)
{
	if (!entry->walk)
		return;
	questions_finish(entry->questions);
	arena_finish(&entry->arena);
	list_remove(&entry->by_use);
	entry->questions = NULL;
	entry->walk = NULL;
	entry->lookups->counters.asking--;
}

static void
known_drop(struct entry *entry)
{
	struct dns_lookups *lookups = entry->lookups;

	if (!entry->known)
		return;
	list_remove(&entry->by_use);
	lookups->counters.bytes -= entry->known->size + sizeof(*entry);
	lookups->counters.entries--;
	mem_give(rt_mem(lookups->rt), entry->known, entry->known->size);
	entry->known = NULL;
}

static void
entry_destroy(struct entry *entry)
{
	struct dns_lookups *lookups = entry->lookups;

	ASSERT(list_empty(&entry->waiters));
	walk_drop(entry);
	known_drop(entry);
	map_remove(&lookups->entries, &entry->by_key);
	mem_give(rt_mem(lookups->rt), entry, sizeof(*entry));
}

int
dns_lookups_create(struct rt *rt, const struct dns_lookups_options *options,
		   struct dns_lookups **ret_lookups)
{
	struct dns_lookups *lookups = MEM_NEW(rt_mem(rt), struct dns_lookups);
	uint64_t key[2];

	if (!lookups)
		return ERR_NO_MEMORY;
	lookups->rt = rt;
	lookups->options = *options;
	rt_random(rt, key, sizeof(key));
	map_init(&lookups->entries, rt_mem(rt), key);
	list_init(&lookups->known);
	list_init(&lookups->asking);
	*ret_lookups = lookups;
	return 0;
}

void
dns_lookups_destroy(struct dns_lookups **lookups)
{
	struct dns_lookups *l = *lookups;
	struct map_node *node;

	if (!l)
		return;
	while ((node = map_any(&l->entries))) {
		struct entry *entry = CONTAINER_OF(node, struct entry, by_key);

		while (list_pop_front(&entry->waiters))
			continue;
		entry_destroy(entry);
	}
	map_finish(&l->entries);
	mem_give(rt_mem(l->rt), l, sizeof(*l));
	*lookups = NULL;
}

static void
waiters_answer(struct list *waiters, struct mx_result *result)
{
	struct list_node *node;

	while ((node = list_pop_front(waiters))) {
		struct dns_waiter *waiter = CONTAINER_OF(node, struct dns_waiter, node);

		waiter->fn(waiter, result);
	}
}

/* For what cannot be asked now. */
static void
result_later(struct mx_result *result, const char *why)
{
	*result = (struct mx_result){
		.verdict = {.class = VERDICT_LATER,
			    .stage = VERDICT_STAGE_DNS,
			    .status = {4, 4, 3},
			    .cause = VERDICT_CAUSE_DOMAIN_UNRESOLVABLE,
			    .confidence_percent = 100,
			    .actor = VERDICT_ACTOR_OUR_ADMIN,
			    .action = VERDICT_ACTION_RETRY,
			    .scope = VERDICT_SCOPE_ALL,
			    .public_text = SLICE("This server cannot look up the domain now."),
			    .evidence = slice_str(why)},
	};
}

static size_t
result_text_bytes(const struct mx_result *result)
{
	size_t bytes = result->verdict.evidence.len;

	for (size_t i = 0; i < result->count; i++)
		bytes += result->targets[i].host.len;
	return bytes;
}

static struct slice
text_copy(struct builder *b, struct slice text)
{
	size_t begin = b->len;

	builder_add(b, text);
	return slice_from(builder_slice(b), begin);
}

static uint32_t
ttl_clamp(const struct mx_result *result)
{
	static const uint32_t max[VERDICT_CLASS_MAX] = {
		[VERDICT_OK] = DNS_OK_TTL_MAX_S,
		[VERDICT_LATER] = DNS_LATER_TTL_MAX_S,
		[VERDICT_NEVER] = DNS_NEVER_TTL_MAX_S,
	};
	uint32_t most = max[result->verdict.class];

	return result->ttl_s < most ? result->ttl_s : most;
}

/* Keeps a copy of the result; without memory the cache just does not have it. */
static void
known_make(struct entry *entry, const struct mx_result *result)
{
	struct dns_lookups *lookups = entry->lookups;
	size_t text_bytes = result_text_bytes(result);
	size_t targets_bytes = result->count * sizeof(struct mx_target);
	size_t size = sizeof(struct known) + targets_bytes + text_bytes;
	struct known *known;
	struct builder b;

	if (result->ttl_s == 0 || lookups->options.cache_entries_max == 0)
		return;
	known = mem_take(rt_mem(lookups->rt), size);
	if (!known)
		return;
	builder_init_fixed(&b, (uint8_t *)known->targets + targets_bytes, text_bytes);
	known->size = size;
	known->result = *result;
	known->result.targets = known->targets;
	known->result.verdict.evidence = text_copy(&b, result->verdict.evidence);
	for (size_t i = 0; i < result->count; i++) {
		known->targets[i] = result->targets[i];
		known->targets[i].host = text_copy(&b, result->targets[i].host);
	}
	ASSERT(!b.failed);
	known->expires_ms = rt_now_ms(lookups->rt) + (uint64_t)result->ttl_s * 1000;
	entry->known = known;
	lookups->counters.entries++;
	lookups->counters.bytes += size + sizeof(*entry);
}

/* Drops the entries used longest ago until the bounds hold. */
static void
cache_trim(struct dns_lookups *lookups)
{
	while (!list_empty(&lookups->known) &&
	       (lookups->counters.entries > lookups->options.cache_entries_max ||
		lookups->counters.bytes > DNS_CACHE_BYTES_MAX)) {
		struct list_node *node = lookups->known.head.prev;

		entry_destroy(CONTAINER_OF(node, struct entry, by_use));
	}
}

/* The walk has ended. Waiters may ask again at once, so the entry is known or gone by then; the
 * result lives in the walk's arena, which goes last. */
static void
entry_finish(struct entry *entry, struct mx_result *result)
{
	struct dns_lookups *lookups = entry->lookups;
	struct question *questions = entry->questions;
	struct arena arena = entry->arena;
	struct list waiters;
	struct list_node *node;

	list_init(&waiters);
	while ((node = list_pop_front(&entry->waiters)))
		list_push_back(&waiters, node);
	list_remove(&entry->by_use);
	entry->questions = NULL;
	entry->walk = NULL;
	lookups->counters.asking--;
	result->ttl_s = ttl_clamp(result);
	known_make(entry, result);
	if (entry->known)
		list_push_front(&lookups->known, &entry->by_use);
	else
		entry_destroy(entry);
	cache_trim(lookups);
	waiters_answer(&waiters, result);
	questions_finish(questions);
	arena_finish(&arena);
}

static void walk_go_on(struct entry *entry);

static void
question_answered(void *ctx, const struct dns_answer *answer)
{
	struct question *question = ctx;

	mx_walk_answer(question->entry->walk, question->id, answer);
	walk_go_on(question->entry);
}

/* False: the question cannot be asked; the walk has its answer. */
static bool
question_ask(struct entry *entry, const struct mx_question *asked)
{
	static const struct dns_answer failed = {.outcome = DNS_SERVFAIL,
						 .why = SLICE("this server could not ask")};
	struct question *question = ARENA_NEW(&entry->arena, struct question);

	if (question) {
		*question = (struct question){.entry = entry, .id = asked->id};
		resolver_query_init(&question->query, entry->lookups->options.resolver,
				    question_answered, question);
		question->next = entry->questions;
		entry->questions = question;
		if (resolver_ask(&question->query, asked->name, asked->type) == 0)
			return true;
	}
	mx_walk_answer(entry->walk, asked->id, &failed);
	return false;
}

/* Asks what can be asked; ends the entry when the walk has ended. */
static void
walk_go_on(struct entry *entry)
{
	struct mx_question asked;
	struct mx_result result;

	while (mx_walk_next(entry->walk, &asked))
		(void)question_ask(entry, &asked);
	if (mx_walk_done(entry->walk, &result))
		entry_finish(entry, &result);
}

static int
walk_begin(struct entry *entry)
{
	struct dns_lookups *lookups = entry->lookups;
	struct mx_ask ask = {
		.domain = slice_from(entry_key(entry), 1),
		.host_only = entry->key[0] == 'h',
	};
	int err;

	arena_init(&entry->arena, rt_mem(lookups->rt), WALK_ARENA_BYTES);
	err = mx_walk_create(&entry->arena, &lookups->options.own, &ask, &entry->walk);
	if (err < 0) {
		arena_finish(&entry->arena);
		return err;
	}
	list_push_back(&lookups->asking, &entry->by_use);
	lookups->counters.asking++;
	return 0;
}

static void
key_build(const struct mx_ask *ask, struct builder *b)
{
	builder_byte(b, ask->host_only ? 'h' : 'm');
	builder_lower(b, dns_name_bare(ask->domain));
}

static int
entry_create(struct dns_lookups *lookups, struct slice key, struct entry **ret_entry)
{
	struct entry *entry = MEM_NEW(rt_mem(lookups->rt), struct entry);
	int err;

	if (!entry)
		return ERR_NO_MEMORY;
	entry->lookups = lookups;
	list_init(&entry->waiters);
	memcpy(entry->key, key.data, key.len);
	entry->key_len = key.len;
	err = map_insert(&lookups->entries, &entry->by_key, key);
	if (err < 0) {
		mem_give(rt_mem(lookups->rt), entry, sizeof(*entry));
		return err;
	}
	err = walk_begin(entry);
	if (err < 0) {
		entry_destroy(entry);
		return err;
	}
	*ret_entry = entry;
	return 0;
}

/* The entry that has an answer or is being asked for; one that has grown old is dropped. */
static struct entry *
entry_find(struct dns_lookups *lookups, struct slice key)
{
	struct map_node *node = map_find(&lookups->entries, key, entry_matches);
	struct entry *entry = node ? CONTAINER_OF(node, struct entry, by_key) : NULL;

	if (!entry || entry->walk || rt_now_ms(lookups->rt) < entry->known->expires_ms)
		return entry;
	entry_destroy(entry);
	return NULL;
}

static void
known_answer(struct entry *entry, struct dns_waiter *waiter)
{
	struct dns_lookups *lookups = entry->lookups;
	struct mx_result result = entry->known->result;

	lookups->counters.from_cache++;
	result.ttl_s = (uint32_t)((entry->known->expires_ms - rt_now_ms(lookups->rt)) / 1000);
	list_remove(&entry->by_use);
	list_push_front(&lookups->known, &entry->by_use);
	waiter->fn(waiter, &result);
}

static void
refuse(struct dns_lookups *lookups, struct dns_waiter *waiter, const char *why)
{
	struct mx_result result;

	lookups->counters.refused++;
	result_later(&result, why);
	waiter->fn(waiter, &result);
}

void
dns_lookups_ask(struct dns_lookups *lookups, const struct mx_ask *ask, struct dns_waiter *waiter)
{
	uint8_t buf[KEY_MAX];
	struct entry *entry;
	struct builder key;

	ASSERT(!list_linked(&waiter->node));
	lookups->counters.asked++;
	builder_init_fixed(&key, buf, sizeof(buf));
	key_build(ask, &key);
	if (key.failed) {
		refuse(lookups, waiter, "the domain is too long");
		return;
	}
	entry = entry_find(lookups, builder_slice(&key));
	if (entry && entry->known) {
		known_answer(entry, waiter);
	} else if (entry) {
		lookups->counters.joined++;
		list_push_back(&entry->waiters, &waiter->node);
	} else if (!lookups->options.resolver) {
		refuse(lookups, waiter, "there is no resolver: see the log");
	} else if (lookups->counters.asking >= MX_ASKING_MAX) {
		refuse(lookups, waiter, "too many questions at once");
	} else if (entry_create(lookups, builder_slice(&key), &entry) < 0) {
		refuse(lookups, waiter, "out of memory");
	} else {
		list_push_back(&entry->waiters, &waiter->node);
		walk_go_on(entry);
	}
}

void
dns_waiter_cancel(struct dns_waiter *waiter)
{
	list_remove(&waiter->node);
}

/* Begins the walk of an entry again, or ends it as "later". */
static void
entry_restart(struct entry *entry)
{
	struct mx_result result;

	if (entry->lookups->options.resolver && walk_begin(entry) == 0) {
		walk_go_on(entry);
		return;
	}
	result_later(&result, "there is no resolver: see the log");
	waiters_answer(&entry->waiters, &result);
	entry_destroy(entry);
}

void
dns_lookups_set(struct dns_lookups *lookups, const struct dns_lookups_options *options)
{
	struct list again;
	struct list_node *node;

	while ((node = list_first(&lookups->known)))
		entry_destroy(CONTAINER_OF(node, struct entry, by_use));
	list_init(&again);
	while ((node = list_first(&lookups->asking))) {
		walk_drop(CONTAINER_OF(node, struct entry, by_use));
		list_push_back(&again, node);
	}
	lookups->options = *options;
	while ((node = list_pop_front(&again)))
		entry_restart(CONTAINER_OF(node, struct entry, by_use));
}

struct dns_counters
dns_lookups_counters(const struct dns_lookups *lookups)
{
	return lookups->counters;
}
