/*
 * compile: sources to a set. Conditions become groups (groups.h), rules come into the order of
 * trying. Arrays are made at the size that the sources can fill at most, which is counted first.
 */
#include "rule/ruleset/compile.h"

#include <string.h>

#include "base/assert.h"
#include "rule/ruleset/groups.h"

#define NO_GROUP UINT16_MAX

struct compiler {
	struct ruleset_source *src;
	struct arena *arena;
	struct ruleset *set;
	struct groups groups;
	struct builder pool;
};

/* --- conditions ------------------------------------------------------------------------------ */

static int
conditions_group(struct compiler *c, struct source_condition *condition)
{
	int err = 0;

	for (; condition && !err; condition = condition->next)
		err = groups_of(&c->groups, condition->words, condition->place, &condition->group);
	return err;
}

static int
conditions_make(struct compiler *c)
{
	int err = 0;

	for (struct source_rule *rule = c->src->rules; rule && !err; rule = rule->next) {
		for (unsigned kind = 0; kind < SOURCE_KIND_MAX && !err; kind++)
			err = conditions_group(c, rule->conditions[kind]);
	}
	return err;
}

/* --- rules ------------------------------------------------------------------------------------ */

static struct ruleset_text
pool_add(struct compiler *c, struct slice text)
{
	struct ruleset_text at = {(uint32_t)c->pool.len, (uint32_t)text.len};

	builder_add(&c->pool, text);
	return at;
}

static int
rules_in_order(struct compiler *c)
{
	const struct source_rule **rules = arena_alloc(
		c->arena, (c->src->rule_count + 1) * sizeof(const struct source_rule *));
	size_t count = 0;

	if (!rules)
		return ERR_NO_MEMORY;
	for (const struct source_rule *rule = c->src->rules; rule; rule = rule->next) {
		size_t at = count++;

		for (; at > 0; at--) {
			const struct source_rule *before = rules[at - 1];

			if (before->out.level < rule->out.level ||
			    (before->out.level == rule->out.level &&
			     before->number <= rule->number))
				break;
			rules[at] = before;
		}
		rules[at] = rule;
	}
	c->src->by_index = rules;
	return 0;
}

/* Totals that arrays are made by. */
struct totals {
	size_t statuses, codes, takes, groups, rules;
};

static struct totals
totals_of(const struct ruleset_source *src)
{
	struct totals t = {.rules = src->rule_count};

	for (const struct source_rule *rule = src->rules; rule; rule = rule->next) {
		t.statuses += rule->status_count;
		t.codes += rule->code_count;
		for (const struct source_take *take = rule->takes; take; take = take->next)
			t.takes++;
		for (unsigned kind = 0; kind < SOURCE_KIND_MAX; kind++) {
			const struct source_condition *condition = rule->conditions[kind];

			for (; condition; condition = condition->next)
				t.groups++;
		}
	}
	return t;
}

/* Arrays in the making. */
struct arrays {
	struct ruleset_rule *rules;
	struct ruleset_status *statuses;
	uint16_t *codes, *rule_groups;
	struct ruleset_take *takes;
	uint64_t *wordless;
	uint16_t *anchors; /* by rule */
};

static struct ruleset_range
conditions_out(struct compiler *c, uint16_t *groups, const struct source_condition *condition)
{
	struct ruleset_range range = {(uint16_t)c->set->rule_groups_count, 0};

	for (; condition; condition = condition->next) {
		groups[c->set->rule_groups_count++] = condition->group;
		range.count++;
	}
	return range;
}

/* The group that is found least often. */
static uint16_t
anchor_of(const struct compiler *c, const struct source_rule *rule)
{
	uint16_t best = NO_GROUP;

	for (unsigned kind = SOURCE_WORDS; kind <= SOURCE_NEAR; kind++) {
		const struct source_condition *condition = rule->conditions[kind];

		for (; condition; condition = condition->next) {
			if (best == NO_GROUP || groups_weight(&c->groups, condition->group) <
							groups_weight(&c->groups, best))
				best = condition->group;
		}
	}
	return best;
}

static int
provider_out(struct compiler *c, const struct source_rule *rule, struct ruleset_rule *out)
{
	struct source_provider *provider;

	if (!rule->provider.len)
		return 0;
	provider = source_provider_find(c->src, rule->provider);
	if (!provider)
		return source_fail(c->src, rule->provider_place,
				   "no such provider:", rule->provider, "");
	out->provider = provider->index;
	return 0;
}

/* A rule that hangs on no words, to the subjects of its statuses. One without a status is asked for
 * any; "none" is found at 0, as no status is. */
static void
wordless_out(struct arrays *a, const struct ruleset_rule *rule, size_t index, size_t words)
{
	uint64_t bit = UINT64_C(1) << index % 64;

	for (unsigned subject = 0; subject < RULESET_SUBJECTS && !rule->statuses.count; subject++)
		a->wordless[subject * words + index / 64] |= bit;
	for (size_t i = 0; i < rule->statuses.count; i++) {
		const struct ruleset_status *s = &a->statuses[rule->statuses.first + i];
		unsigned subject = ruleset_subject(s->class, s->subject);

		a->wordless[subject * words + index / 64] |= bit;
	}
}

static int
rule_out(struct compiler *c, struct arrays *a, size_t index)
{
	struct source_rule *rule = (struct source_rule *)(uintptr_t)c->src->by_index[index];
	struct ruleset_rule *out = &a->rules[index];
	struct ruleset *set = c->set;

	rule->index = index;
	*out = rule->out;
	out->name = pool_add(c, rule->name);
	out->admin = pool_add(c, rule->admin);
	out->article = pool_add(c, rule->article);
	out->source = pool_add(c, rule->source);
	out->statuses =
		(struct ruleset_range){(uint16_t)set->statuses_count, (uint16_t)rule->status_count};
	for (size_t i = 0; i < rule->status_count; i++)
		a->statuses[set->statuses_count++] = rule->statuses[i];
	out->codes = (struct ruleset_range){(uint16_t)set->codes_count, (uint16_t)rule->code_count};
	for (size_t i = 0; i < rule->code_count; i++)
		a->codes[set->codes_count++] = rule->codes[i];
	out->takes.first = (uint16_t)set->takes_count;
	for (const struct source_take *take = rule->takes; take; take = take->next) {
		a->takes[set->takes_count++] =
			(struct ruleset_take){pool_add(c, take->name), pool_add(c, take->value)};
		out->takes.count++;
	}
	out->words = conditions_out(c, a->rule_groups, rule->conditions[SOURCE_WORDS]);
	out->near = conditions_out(c, a->rule_groups, rule->conditions[SOURCE_NEAR]);
	out->unless = conditions_out(c, a->rule_groups, rule->conditions[SOURCE_UNLESS]);
	a->anchors[index] = anchor_of(c, rule);
	if (a->anchors[index] == NO_GROUP && !rule->provider.len)
		wordless_out(a, out, index, RULESET_WORDS(set->rule_count));
	return provider_out(c, rule, out);
}

static int
anchored_make(struct compiler *c, const uint16_t *anchors)
{
	struct ruleset *set = c->set;
	struct ruleset_range *ranges =
		arena_alloc(c->arena, (set->group_count + 1) * sizeof(*ranges));
	uint16_t *rules = arena_alloc(c->arena, (set->rule_count + 1) * sizeof(*rules));
	uint64_t *anchoring =
		arena_alloc(c->arena, (RULESET_WORDS(set->group_count) + 1) * sizeof(*anchoring));
	size_t first = 0;

	if (!ranges || !rules || !anchoring)
		return ERR_NO_MEMORY;
	for (size_t g = 0; g < set->group_count; g++) {
		ranges[g].first = (uint16_t)first;
		for (size_t i = 0; i < set->rule_count; i++) {
			if (anchors[i] == g)
				rules[first++] = (uint16_t)i;
		}
		ranges[g].count = (uint16_t)(first - ranges[g].first);
		anchoring[g / 64] |= (uint64_t)(ranges[g].count != 0) << g % 64;
	}
	set->anchoring = anchoring;
	set->anchored = ranges;
	set->anchored_rules = rules;
	set->anchored_rules_count = first;
	return 0;
}

/* By provider, those of its rules that no words call. */
static int
provider_rules_make(struct compiler *c, const uint16_t *anchors)
{
	struct ruleset *set = c->set;
	uint16_t *rules = arena_alloc(c->arena, (set->rule_count + 1) * sizeof(*rules));
	struct ruleset_provider *providers =
		(struct ruleset_provider *)(uintptr_t)set->providers; /* ours until now */

	if (!rules)
		return ERR_NO_MEMORY;
	for (size_t p = 0; p < set->provider_count; p++) {
		providers[p].rules.first = (uint16_t)set->provider_rules_count;
		for (size_t i = 0; i < set->rule_count; i++) {
			if (anchors[i] == NO_GROUP && set->rules[i].provider == p)
				rules[set->provider_rules_count++] = (uint16_t)i;
		}
		providers[p].rules.count =
			(uint16_t)(set->provider_rules_count - providers[p].rules.first);
	}
	set->provider_rules = rules;
	return 0;
}

static void
levels_make(struct ruleset *set)
{
	size_t rule = 0;

	for (unsigned level = 0; level < RULESET_LEVEL_MAX; level++) {
		while (rule < set->rule_count && set->rules[rule].level < level)
			rule++;
		set->level_first[level] = (uint16_t)rule;
	}
}

/* Groups whose phrases tell whose reply it is. */
static int
telling_make(struct compiler *c)
{
	struct ruleset *set = c->set;
	uint64_t *telling =
		arena_alloc(c->arena, (RULESET_WORDS(set->group_count) + 1) * sizeof(*telling));

	if (!telling)
		return ERR_NO_MEMORY;
	for (size_t p = 0; p < set->provider_count; p++) {
		uint16_t group = set->provider_groups[p];

		if (group != RULESET_NONE)
			telling[group / 64] |= UINT64_C(1) << group % 64;
	}
	set->telling = telling;
	return 0;
}

static int
rules_make(struct compiler *c)
{
	struct totals t = totals_of(c->src);
	struct ruleset *set = c->set;
	struct arrays a;
	int err;

	if (t.statuses > UINT16_MAX || t.codes > UINT16_MAX || t.groups > UINT16_MAX)
		return source_fail(c->src, (struct source_place){0, 1, 1},
				   "too many conditions in all rules together", SLICE_EMPTY, "");
	a.rules = arena_alloc(c->arena, (t.rules + 1) * sizeof(*a.rules));
	a.statuses = arena_alloc(c->arena, (t.statuses + 1) * sizeof(*a.statuses));
	a.codes = arena_alloc(c->arena, (t.codes + 1) * sizeof(*a.codes));
	a.takes = arena_alloc(c->arena, (t.takes + 1) * sizeof(*a.takes));
	a.rule_groups = arena_alloc(c->arena, (t.groups + 1) * sizeof(*a.rule_groups));
	a.wordless = arena_alloc(c->arena, (RULESET_SUBJECTS * RULESET_WORDS(t.rules) + 1) *
						   sizeof(*a.wordless));
	a.anchors = arena_alloc(c->arena, (t.rules + 1) * sizeof(*a.anchors));
	if (c->arena->failed)
		return ERR_NO_MEMORY;
	set->rule_count = t.rules;
	for (size_t i = 0; i < t.rules; i++) {
		err = rule_out(c, &a, i);
		if (err)
			return err;
	}
	set->rules = a.rules;
	set->statuses = a.statuses;
	set->codes = a.codes;
	set->takes = a.takes;
	set->rule_groups = a.rule_groups;
	set->wordless = a.wordless;
	levels_make(set);
	err = provider_rules_make(c, a.anchors);
	if (!err)
		err = telling_make(c);
	return err ? err : anchored_make(c, a.anchors);
}

/* --- receivers -------------------------------------------------------------------------------- */

static void
domain_put(uint16_t *slots, uint32_t hash, size_t index)
{
	uint32_t slot = hash % RULESET_DOMAIN_SLOTS;

	while (slots[slot])
		slot = (slot + 1) % RULESET_DOMAIN_SLOTS;
	slots[slot] = (uint16_t)(index + 1);
}

static size_t
domain_count(const struct ruleset_source *src)
{
	size_t count = 0;

	for (const struct source_provider *p = src->providers; p; p = p->next)
		for (const struct source_domain *d = p->domains; d; d = d->next)
			count++;
	return count;
}

static void
domains_out(struct compiler *c, const struct source_provider *p, struct ruleset_domain *domains,
	    uint16_t *slots)
{
	struct ruleset *set = c->set;

	for (const struct source_domain *d = p->domains; d; d = d->next) {
		uint32_t hash = ruleset_domain_hash(d->name);

		domain_put(slots, hash, set->domain_count);
		domains[set->domain_count++] =
			(struct ruleset_domain){hash, p->index, d->link, pool_add(c, d->name)};
	}
}

static int
providers_make(struct compiler *c)
{
	struct ruleset *set = c->set;
	struct ruleset_provider *providers =
		arena_alloc(c->arena, (c->src->provider_count + 1) * sizeof(*providers));
	size_t count = domain_count(c->src);
	struct ruleset_domain *domains = arena_alloc(c->arena, (count + 1) * sizeof(*domains));
	uint16_t *slots = arena_alloc(c->arena, RULESET_DOMAIN_SLOTS * sizeof(*slots));
	uint16_t *groups = arena_alloc(c->arena, (c->src->provider_count + 1) * sizeof(*groups));
	struct ruleset_own_status *statuses =
		arena_alloc(c->arena, (c->src->provider_count * RULESET_OWN_STATUSES_MAX + 1) *
					      sizeof(*statuses));

	if (!providers || !domains || !slots || !groups || !statuses)
		return ERR_NO_MEMORY;
	for (struct source_provider *p = c->src->providers; p; p = p->next) {
		struct ruleset_provider *out = &providers[p->index];
		int err = 0;

		*out = (struct ruleset_provider){
			pool_add(c, p->name), pool_add(c, p->title), {0, 0}, !p->no_receiver};
		groups[p->index] = RULESET_NONE;
		if (p->words)
			err = groups_of(&c->groups, p->words, p->place, &groups[p->index]);
		if (err)
			return err;
		domains_out(c, p, domains, slots);
		for (size_t i = 0; i < p->status_count; i++)
			statuses[set->own_status_count++] = p->statuses[i];
	}
	set->own_statuses = statuses;
	set->providers = providers;
	set->provider_count = c->src->provider_count;
	set->domains = domains;
	set->domain_slots = slots;
	set->provider_groups = groups;
	return 0;
}

/* --- all of it -------------------------------------------------------------------------------- */

static int
compile(struct compiler *c)
{
	int err = groups_init(&c->groups, c->src);

	builder_init_arena(&c->pool, c->arena, UINT32_MAX);
	if (!err)
		err = conditions_make(c);
	if (!err)
		err = providers_make(c);
	if (!err)
		err = groups_finish(&c->groups, c->set);
	if (!err)
		err = rules_in_order(c);
	if (!err)
		err = rules_make(c);
	if (!err && (c->pool.failed || c->arena->failed))
		err = ERR_NO_MEMORY;
	c->set->pool = c->pool.data;
	c->set->pool_len = c->pool.len;
	return err;
}

int
ruleset_compile(struct arena *arena, struct ruleset_files files, struct ruleset *ret_set,
		struct ruleset_source **ret_source, struct ruleset_error *ret_error)
{
	struct ruleset_source *src = ARENA_NEW(arena, struct ruleset_source);
	struct compiler *c = ARENA_NEW(arena, struct compiler);
	int err = 0;

	ASSERT(files.count <= RULESET_FILES_MAX);
	if (!src || !c)
		return ERR_NO_MEMORY;
	src->arena = arena;
	src->files = files.files;
	src->file_count = files.count;
	src->error = ret_error;
	src->rules_end = &src->rules;
	src->providers_end = &src->providers;
	for (size_t i = 0; i < files.count && !err; i++)
		err = source_read(src, i);
	if (err)
		return err;
	c->src = src;
	c->arena = arena;
	c->set = &src->set;
	err = compile(c);
	if (err)
		return err;
	*ret_set = src->set;
	*ret_source = src;
	return 0;
}
