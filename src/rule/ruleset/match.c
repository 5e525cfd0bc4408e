/*
 * match: the text is walked once. At the start of each word the tree of phrases is followed as far
 * as it goes, never further than the longest phrase, so the time is linear to the text. Of the
 * rules only those are looked at that need no words or one of whose groups was found.
 */
#include "rule/ruleset/match.h"

#include <string.h>

#include "base/assert.h"

#define EDGES_AT_ONCE 8 /* bytes */
#define LABELS_MAX 8	/* of a host's name that are looked at, from its end */

/* --- phrases ---------------------------------------------------------------------------------- */

/* Eight bytes at once, the first of them the lowest of the number. */
static inline uint64_t
load(const uint8_t *bytes)
{
	uint64_t word;

	memcpy(&word, bytes, sizeof(word));
	return __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? __builtin_bswap64(word) : word;
}

/* The first of the eight that is this one, or EDGES_AT_ONCE: the lowest byte of which nothing is
 * left when its bits are taken away is where a subtraction borrows first. */
static inline uint32_t
byte_find(uint64_t bytes, uint8_t byte)
{
	const uint64_t ones = 0x0101010101010101;
	uint64_t rest = bytes ^ ones * byte;
	uint64_t zero = (rest - ones) & ~rest & ones << 7;

	return zero ? (uint32_t)__builtin_ctzll(zero) / 8 : EDGES_AT_ONCE;
}

/* The node behind the byte, or 0. */
static inline uint32_t
tree_next(const struct ruleset *set, const struct ruleset_node *n, uint8_t byte)
{
	for (uint32_t at = 0; at < n->edge_count; at += EDGES_AT_ONCE) {
		uint32_t found = at + byte_find(load(set->edge_bytes + n->edge + at), byte);

		if (found < at + EDGES_AT_ONCE)
			return found < n->edge_count ? n->edge + found : 0;
	}
	return 0;
}

/* The label stands at this place of the text, behind which are zeros, which are in no label. */
static inline bool
label_fits(const uint8_t *text, const struct ruleset_node *n)
{
	static const uint64_t masks[RULESET_LABEL_MAX + 1] = {
		0,	    0xff,	  0xffff,	  0xffffff,
		0xffffffff, 0xffffffffff, 0xffffffffffff, 0xffffffffffffff,
		UINT64_MAX};

	return ((load(text) ^ load(n->label)) & masks[n->label_len]) == 0;
}

static inline void
candidate(struct match *m, uint16_t rule)
{
	m->candidates[rule / 64] |= UINT64_C(1) << rule % 64;
}

static void
phrase_found(struct match *m, uint16_t phrase, size_t begin, size_t end, unsigned sentence)
{
	struct ruleset_range range = m->set->phrase_groups[phrase];
	const uint16_t *groups = m->set->groups + range.first;

	for (size_t i = 0; i < range.count; i++) {
		m->sentences[groups[i]] |= UINT64_C(1) << sentence;
		m->found[groups[i] / 64] |= UINT64_C(1) << groups[i] % 64;
	}
	m->visits += range.count;
	if (m->hit_count < MATCH_HITS_MAX)
		m->hits[m->hit_count++] = (struct match_hit){
			phrase, m->text.places[begin], m->text.places[end], (uint8_t)sentence};
}

/* The node behind the first byte or two, and how many. */
static inline uint32_t
tree_begin(const struct match *m, size_t begin, size_t *ret_at)
{
	const uint8_t *bytes = m->text.bytes + begin;

	unsigned first = ruleset_pair_classes[bytes[0]], second = ruleset_pair_classes[bytes[1]];

	*ret_at = begin + 2;
	if (first && second)
		return m->set->pairs[first * RULESET_PAIRS + second];
	*ret_at = begin + 1;
	return tree_next(m->set, &m->set->nodes[0], bytes[0]);
}

/* All phrases that begin here. */
static inline void
find_here(struct match *m, size_t begin, unsigned sentence)
{
	const struct ruleset *set = m->set;
	const uint8_t *bytes = m->text.bytes;
	size_t at; /* behind what was followed */
	uint32_t node = tree_begin(m, begin, &at);

	while (node && label_fits(bytes + at, &set->nodes[node])) {
		const struct ruleset_node *n = &set->nodes[node];

		at += n->label_len;
		if (n->start != RULESET_NONE)
			phrase_found(m, n->start, begin, at, sentence);
		if (n->word != RULESET_NONE &&
		    (!text_is_word(bytes[at]) || !text_is_word(bytes[at - 1]) ||
		     bytes[at - 1] >= 0x80))
			phrase_found(m, n->word, begin, at, sentence);
		node = tree_next(set, n, bytes[at++]);
	}
}

/* A sign at which a sentence ends; dots in a row end nothing. */
static bool
ends_sentence(const struct text *t, size_t at)
{
	uint8_t c = t->bytes[at], next = t->bytes[at + 1];

	if (c == ';')
		return true;
	return (c == '.' || c == '!' || c == '?') && (next == ' ' || next == 0) &&
	       (at == 0 || t->bytes[at - 1] != '.');
}

static void
find_all(struct match *m)
{
	const struct text *t = &m->text;
	unsigned sentence = 0;

	for (size_t i = 0; i < t->start_count; i++) {
		size_t at = t->starts[i];

		if (!text_is_word(t->bytes[at]) && ends_sentence(t, at))
			sentence += sentence < MATCH_SENTENCES_MAX - 1;
		else
			find_here(m, at, sentence);
	}
}

/* Rules that hang on a group that was found. */
static void
candidates_anchored(struct match *m)
{
	const struct ruleset *set = m->set;

	for (size_t word = 0; word < RULESET_WORDS(set->group_count); word++) {
		for (uint64_t bits = m->found[word] & set->anchoring[word]; bits;
		     bits &= bits - 1) {
			struct ruleset_range range =
				set->anchored[word * 64 + (size_t)__builtin_ctzll(bits)];
			const uint16_t *rules = set->anchored_rules + range.first;

			for (size_t i = 0; i < range.count; i++)
				candidate(m, rules[i]);
		}
	}
}

/* --- whose reply it is ------------------------------------------------------------------------ */

static void
provider_found(struct match *m, unsigned provider)
{
	const struct ruleset_range *rules = &m->set->providers[provider].rules;

	m->providers[provider / 64] |= UINT64_C(1) << provider % 64;
	for (size_t i = 0; i < rules->count; i++)
		candidate(m, m->set->provider_rules[rules->first + i]);
	if (m->provider == RULESET_NO_PROVIDER && m->set->providers[provider].receiver)
		m->provider = (uint8_t)provider;
}

static void
domain_look(struct match *m, struct slice domain, bool link)
{
	const struct ruleset *set = m->set;
	uint32_t hash = ruleset_domain_hash(domain);
	uint32_t slot = hash % RULESET_DOMAIN_SLOTS;

	for (; set->domain_slots[slot]; slot = (slot + 1) % RULESET_DOMAIN_SLOTS) {
		const struct ruleset_domain *d = &set->domains[set->domain_slots[slot] - 1];

		if (d->hash == hash && d->link == link &&
		    slice_eq_nocase(ruleset_slice(set, d->name), domain))
			provider_found(m, d->provider);
	}
}

/* The name and what is above it, from the top. */
static void
host_look(struct match *m, struct slice host, bool link)
{
	size_t at = host.len;

	for (unsigned labels = 0; labels < LABELS_MAX && at > 0; labels++) {
		size_t dot = slice_rindex(slice_sub(host, 0, at), '.');

		if (dot == at) {
			domain_look(m, host, link);
			return;
		}
		domain_look(m, slice_from(host, dot + 1), link);
		at = dot;
	}
}

static struct slice
link_host(struct slice url)
{
	size_t scheme = slice_find(url, SLICE("://"));
	size_t end = 0;

	if (scheme < url.len)
		url = slice_from(url, scheme + 3);
	while (end < url.len && url.data[end] != '/' && url.data[end] != ':' &&
	       url.data[end] != '?' && url.data[end] != '#')
		end++;
	return slice_sub(url, 0, end);
}

static void
own_status_look(struct match *m)
{
	const struct ruleset *set = m->set;
	struct verdict_status s = m->verdict->status;

	for (size_t i = 0; i < set->own_status_count; i++) {
		const struct ruleset_own_status *own = &set->own_statuses[i];

		if (s.class && s.subject == own->subject && s.detail >= own->first &&
		    s.detail <= own->last)
			provider_found(m, own->provider);
	}
}

static bool
any_found(const struct match *m, const uint64_t *groups)
{
	uint64_t any = 0;

	for (size_t word = 0; word < RULESET_WORDS(m->set->group_count); word++)
		any |= m->found[word] & groups[word];
	return any != 0;
}

static void
providers_find(struct match *m, const struct facts *facts)
{
	const struct normal *normal = &facts->normal;

	host_look(m, facts->verdict.host, false);
	host_look(m, facts->mx, false);
	host_look(m, facts->reporter, false);
	for (size_t i = 0; i < normal->field_count; i++) {
		const struct normal_field *f = &normal->fields[i];

		if (f->kind == NORMAL_URL)
			host_look(m, link_host(normal_field_text(normal, f)), true);
		else if (f->kind == NORMAL_HOST || f->kind == NORMAL_LIST)
			host_look(m, normal_field_text(normal, f), true);
	}
	own_status_look(m);
	if (!any_found(m, m->set->telling))
		return;
	for (unsigned i = 0; i < m->set->provider_count; i++) {
		uint16_t group = m->set->provider_groups[i];

		if (group != RULESET_NONE && m->sentences[group])
			provider_found(m, i);
	}
}

static void
bits_clear(uint64_t *bits, size_t from, size_t to)
{
	for (; from < to && from % 64; from++)
		bits[from / 64] &= ~(UINT64_C(1) << from % 64);
	for (; from + 64 <= to; from += 64)
		bits[from / 64] = 0;
	for (; from < to; from++)
		bits[from / 64] &= ~(UINT64_C(1) << from % 64);
}

/* Rules without words, but those of levels of which none can fit: what we found without a reply,
 * where there was one; what a status says, where there is none. */
static void
candidates_begin(struct match *m)
{
	const struct ruleset *set = m->set;
	const struct verdict *v = m->verdict;
	size_t words = RULESET_WORDS(set->rule_count);

	memcpy(m->candidates,
	       set->wordless + ruleset_subject(v->status.class, v->status.subject) * words,
	       words * sizeof(m->candidates[0]));
	if (v->code && v->stage != VERDICT_STAGE_DNS && v->stage != VERDICT_STAGE_LOCAL)
		bits_clear(m->candidates, 0, set->level_first[RULESET_LOCAL]);
	if (!v->status.class)
		bits_clear(m->candidates, set->level_first[RULESET_STATUS],
			   set->level_first[RULESET_HINT]);
}

void
match_find(struct match *m, const struct ruleset *set, const struct facts *facts)
{
	const struct normal *normal = &facts->normal;

	m->set = set;
	m->verdict = &facts->verdict;
	m->reply = normal->text;
	m->fields = 0;
	m->provider = RULESET_NO_PROVIDER;
	m->hit_count = 0;
	m->visits = 0;
	memset(m->providers, 0, sizeof(m->providers));
	memset(m->found, 0, RULESET_WORDS(set->group_count) * sizeof(m->found[0]));
	memset(m->sentences, 0, set->group_count * sizeof(m->sentences[0]));
	candidates_begin(m);
	for (size_t i = 0; i < normal->field_count; i++)
		m->fields |= UINT32_C(1) << normal->fields[i].kind;
	text_prepare(&m->text, normal);
	find_all(m);
	candidates_anchored(m);
	providers_find(m, facts);
}

/* --- rules ------------------------------------------------------------------------------------ */

static bool
status_fits(const struct ruleset *set, const struct ruleset_rule *rule, struct verdict_status s)
{
	if (!rule->statuses.count)
		return true;
	for (size_t i = 0; i < rule->statuses.count; i++) {
		const struct ruleset_status *want = &set->statuses[rule->statuses.first + i];
		bool none = want->class == 0;

		if (none && (s.class == 0 || (s.subject == 0 && s.detail == 0)))
			return true;
		if (!none && s.class != 0 &&
		    (want->class == RULESET_ANY_STATUS_CLASS || want->class == s.class) &&
		    want->subject == s.subject &&
		    (want->detail == RULESET_ANY_DETAIL || want->detail == s.detail))
			return true;
	}
	return false;
}

static bool
code_fits(const struct ruleset *set, const struct ruleset_rule *rule, uint16_t code)
{
	if (!rule->codes.count)
		return true;
	for (size_t i = 0; i < rule->codes.count; i++) {
		uint16_t want = set->codes[rule->codes.first + i];

		if (want == code || (want == RULESET_NO_REPLY && code == 0))
			return true;
	}
	return false;
}

static bool
facts_fit(const struct match *m, const struct ruleset_rule *rule)
{
	const struct verdict *v = m->verdict;

	return (rule->stages >> v->stage & 1) &&
	       (rule->class == RULESET_ANY_CLASS || rule->class == v->class) &&
	       (rule->fields & ~m->fields) == 0 &&
	       (rule->provider == RULESET_NO_PROVIDER ||
		(m->providers[rule->provider / 64] >> rule->provider % 64 & 1)) &&
	       status_fits(m->set, rule, v->status) && code_fits(m->set, rule, v->code);
}

/* Sentences that have one of each near group. */
static uint64_t
near_sentences(const struct match *m, const struct ruleset_rule *rule)
{
	uint64_t all = UINT64_MAX;

	for (size_t i = 0; i < rule->near.count; i++)
		all &= m->sentences[m->set->rule_groups[rule->near.first + i]];
	return all;
}

static bool
words_fit(const struct match *m, const struct ruleset_rule *rule)
{
	const uint16_t *groups = m->set->rule_groups;

	for (size_t i = 0; i < rule->words.count; i++) {
		if (!m->sentences[groups[rule->words.first + i]])
			return false;
	}
	if (rule->near.count && !near_sentences(m, rule))
		return false;
	for (size_t i = 0; i < rule->unless.count; i++) {
		if (m->sentences[groups[rule->unless.first + i]])
			return false;
	}
	return true;
}

size_t
match_next(const struct match *m, size_t index)
{
	size_t count = m->set->rule_count;

	for (size_t word = index / 64; word < RULESET_WORDS(count); word++) {
		uint64_t bits = m->candidates[word];

		if (word == index / 64)
			bits &= UINT64_MAX << index % 64;
		for (; bits; bits &= bits - 1) {
			size_t rule = word * 64 + (size_t)__builtin_ctzll(bits);

			if (words_fit(m, &m->set->rules[rule]) &&
			    facts_fit(m, &m->set->rules[rule]))
				return rule;
		}
	}
	return count;
}

static bool
phrase_in_group(const struct ruleset *set, uint16_t phrase, uint16_t group)
{
	const struct ruleset_range *groups = &set->phrase_groups[phrase];

	for (size_t i = 0; i < groups->count; i++) {
		if (set->groups[groups->first + i] == group)
			return true;
	}
	return false;
}

/* The words of a hit: of "block*" the whole of "blocked". */
static struct slice
hit_words(const struct match *m, const struct match_hit *hit)
{
	size_t end = hit->end; /* not 0: a hit has bytes */

	while (end < m->reply.len && ascii_is_alpha(m->reply.data[end]) &&
	       ascii_is_alpha(m->reply.data[end - 1]))
		end++;
	end = end - hit->begin < MATCH_EVIDENCE_BYTES_MAX ? end - hit->begin
							  : MATCH_EVIDENCE_BYTES_MAX;
	return slice_sub(m->reply, hit->begin, end);
}

/* The first hit of the group in one of the sentences; empty when its place was not kept. */
static struct slice
group_evidence(const struct match *m, uint16_t group, uint64_t sentences)
{
	for (size_t i = 0; i < m->hit_count; i++) {
		const struct match_hit *hit = &m->hits[i];

		if ((sentences >> hit->sentence & 1) && phrase_in_group(m->set, hit->phrase, group))
			return hit_words(m, hit);
	}
	return SLICE_EMPTY;
}

size_t
match_evidence(const struct match *m, size_t rule, struct slice *ret_parts)
{
	const struct ruleset_rule *r;
	uint64_t near;
	size_t count = 0;

	ASSERT(rule < m->set->rule_count);
	r = &m->set->rules[rule];
	near = near_sentences(m, r);
	for (size_t i = 0; i < (size_t)r->words.count + r->near.count; i++) {
		bool words = i < r->words.count;
		size_t index = words ? r->words.first + i : r->near.first + i - r->words.count;
		struct slice part =
			group_evidence(m, m->set->rule_groups[index], words ? UINT64_MAX : near);

		if (part.len && count < MATCH_EVIDENCE_MAX)
			ret_parts[count++] = part;
	}
	return count;
}
