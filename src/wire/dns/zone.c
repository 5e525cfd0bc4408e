/*
 * dns zone: a reader of lines made of words, a table of rdata readers by type, and look-ups by
 * binary search with RFC 4592 wildcards (the closest encloser decides).
 */
#include "wire/dns/zone.h"

#include <string.h>

#include "base/assert.h"
#include "wire/dns/name.h"
#include "wire/dns/packet.h"

struct dns_zone_entry {
	struct dns_rr rr;
	size_t order;		  /* place in the file */
	enum dns_outcome instead; /* DNS_OK for a record */
	unsigned instead_type;	  /* 0: for all types */
};

/* One line being read. */
struct line {
	struct slice text; /* the whole line */
	size_t at;	   /* index of the next byte */
	size_t word_at;	   /* where the last word began */
	struct slice word;
	struct arena *arena;
	const char *expected; /* set by the first failure */
	bool no_memory;
};

static bool
is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static bool
line_fail(struct line *l, const char *expected)
{
	if (!l->expected)
		l->expected = expected;
	return false;
}

/* Index behind the quoted string that begins at the front of s; 0 when it never ends. */
static size_t
quoted_len(struct slice s)
{
	for (size_t i = 1; i < s.len; i++) {
		if (s.data[i] == '\\')
			i++;
		else if (s.data[i] == '"')
			return i + 1;
	}
	return 0;
}

/* The next word into l->word, quotes included; false at the end of the line or at a comment. */
static bool
word_next(struct line *l)
{
	struct slice rest;
	size_t len = 0;

	while (l->at < l->text.len && is_blank(l->text.data[l->at]))
		l->at++;
	rest = slice_from(l->text, l->at);
	l->word_at = l->at;
	l->word = SLICE_EMPTY;
	if (rest.len == 0 || rest.data[0] == ';' || rest.data[0] == '#')
		return false;
	if (rest.data[0] == '"')
		len = quoted_len(rest);
	else
		while (len < rest.len && !is_blank(rest.data[len]))
			len++;
	l->word = slice_sub(rest, 0, len ? len : rest.len);
	l->at += l->word.len;
	return true;
}

static bool
word_u64(struct line *l, uint64_t max, const char *expected, uint64_t *ret_value)
{
	if (!word_next(l) || !slice_to_u64(l->word, max, ret_value))
		return line_fail(l, expected);
	return true;
}

/* The word as a name: checked, lower case, without final dot, kept in the arena. */
static bool
word_name(struct line *l, const char *expected, struct slice *ret_name)
{
	struct slice name = dns_name_bare(l->word);
	struct builder b;

	if (name.len > DNS_NAME_TEXT_MAX || dns_name_check(name) < 0)
		return line_fail(l, expected);
	builder_init_arena(&b, l->arena, DNS_NAME_TEXT_MAX);
	builder_lower(&b, name);
	if (b.failed)
		l->no_memory = true;
	*ret_name = builder_slice(&b);
	return true;
}

static bool
rdata_address4(struct line *l, struct dns_rr *rr)
{
	if (!word_next(l) || net_addr_parse(l->word, &rr->address) < 0 ||
	    rr->address.family != NET_FAMILY_4)
		return line_fail(l, "an IPv4 address");
	return true;
}

static bool
rdata_address6(struct line *l, struct dns_rr *rr)
{
	if (!word_next(l) || net_addr_parse(l->word, &rr->address) < 0 ||
	    rr->address.family != NET_FAMILY_6)
		return line_fail(l, "an IPv6 address");
	return true;
}

static bool
rdata_target(struct line *l, struct dns_rr *rr)
{
	if (!word_next(l))
		return line_fail(l, "a domain name");
	return word_name(l, "a domain name", &rr->target);
}

static bool
rdata_mx(struct line *l, struct dns_rr *rr)
{
	uint64_t preference = 0;

	if (!word_u64(l, UINT16_MAX, "a preference from 0 to 65535", &preference))
		return false;
	rr->preference = (uint16_t)preference;
	return rdata_target(l, rr);
}

static bool
rdata_soa(struct line *l, struct dns_rr *rr)
{
	(void)rr;
	l->word = SLICE("SOA");
	return line_fail(l, "a type other than SOA: the file has no zone cuts");
}

/* One word of TXT data, quotes and escapes undone. */
static bool
txt_word(struct line *l, struct builder *b)
{
	struct slice s = l->word;
	uint64_t value;

	if (s.data[0] == '"') {
		if (s.len < 2 || quoted_len(s) != s.len)
			return line_fail(l, "a closing quote");
		s = slice_sub(s, 1, s.len - 2);
	}
	for (size_t i = 0; i < s.len; i++) {
		if (s.data[i] != '\\') {
			builder_byte(b, s.data[i]);
		} else if (i + 3 < s.len && slice_to_u64(slice_sub(s, i + 1, 3), 255, &value)) {
			builder_byte(b, (uint8_t)value);
			i += 3;
		} else if (i + 1 < s.len) {
			builder_byte(b, s.data[++i]);
		}
	}
	return true;
}

static bool
rdata_txt(struct line *l, struct dns_rr *rr)
{
	struct builder b;

	builder_init_arena(&b, l->arena, DNS_ZONE_TXT_MAX);
	if (!word_next(l))
		return line_fail(l, "text, best in quotes");
	do {
		if (!txt_word(l, &b))
			return false;
	} while (word_next(l));
	if (b.failed && !l->arena->failed)
		return line_fail(l, "at most 65000 bytes of text");
	l->no_memory |= b.failed;
	rr->data = builder_slice(&b);
	return true;
}

static int
hex_value(uint8_t c)
{
	uint8_t lower = ascii_lower(c);

	if (ascii_is_digit(c))
		return c - '0';
	return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

static bool
hex_decode(struct line *l, struct builder *b)
{
	struct slice s = l->word;

	if (s.len == 0 || s.len % 2 != 0)
		return line_fail(l, "pairs of hex digits");
	for (size_t i = 0; i < s.len; i += 2) {
		int high = hex_value(s.data[i]), low = hex_value(s.data[i + 1]);

		if (high < 0 || low < 0)
			return line_fail(l, "pairs of hex digits");
		builder_byte(b, (uint8_t)(high << 4 | low));
	}
	return true;
}

static bool
rdata_tlsa(struct line *l, struct dns_rr *rr)
{
	uint64_t number[3] = {0};
	struct builder b;

	for (unsigned i = 0; i < 3; i++)
		if (!word_u64(l, 255, "a number from 0 to 255", &number[i]))
			return false;
	rr->usage = (uint8_t)number[0];
	rr->selector = (uint8_t)number[1];
	rr->matching = (uint8_t)number[2];
	builder_init_arena(&b, l->arena, DNS_ZONE_TXT_MAX);
	(void)word_next(l);
	if (!hex_decode(l, &b))
		return false;
	l->no_memory |= b.failed;
	rr->data = builder_slice(&b);
	return true;
}

static const struct {
	unsigned type;
	bool (*read)(struct line *l, struct dns_rr *rr);
} rdata_readers[] = {
#define DNS_TYPE(name, number, rdata) {number, rdata_##rdata},
#include "wire/dns/types.def"
#undef DNS_TYPE
};

static bool
rdata_read(struct line *l, struct dns_rr *rr)
{
	for (size_t i = 0; i < sizeof(rdata_readers) / sizeof(rdata_readers[0]); i++)
		if (rdata_readers[i].type == rr->type)
			return rdata_readers[i].read(l, rr);
	ASSERT_UNREACHABLE();
}

static enum dns_outcome
pseudo_of(struct slice word)
{
	for (unsigned i = DNS_OK + 1; i < DNS_OUTCOME_MAX; i++)
		if (slice_eq_nocase(slice_str(dns_outcome_str(i)), word))
			return i;
	return DNS_OK;
}

/* What stands behind the name: [ttl] TYPE rdata or [ttl] WORD [TYPE]. */
static bool
entry_read(struct line *l, struct dns_zone_entry *entry)
{
	uint64_t ttl;

	if (!word_next(l))
		return line_fail(l, "a record type or SERVFAIL, TIMEOUT, NXDOMAIN, NODATA, BOGUS");
	if (slice_to_u64(l->word, UINT64_MAX, &ttl)) {
		if (ttl > DNS_ZONE_TTL_MAX)
			return line_fail(l, "a TTL of at most 604800 seconds");
		entry->rr.ttl = (uint32_t)ttl;
		(void)word_next(l);
	}
	entry->instead = pseudo_of(l->word);
	if (entry->instead != DNS_OK) {
		if (!word_next(l))
			return true;
		entry->instead_type = dns_type_of(l->word);
		return entry->instead_type || line_fail(l, "a record type or the end of the line");
	}
	entry->rr.type = (uint16_t)dns_type_of(l->word);
	if (!entry->rr.type)
		return line_fail(l, "a record type (A AAAA MX TXT CNAME PTR NS TLSA) or SERVFAIL, "
				    "TIMEOUT, NXDOMAIN, NODATA, BOGUS");
	return rdata_read(l, &entry->rr);
}

static bool
ttl_directive(struct line *l, uint32_t *default_ttl)
{
	uint64_t ttl = 0;

	if (!slice_eq_nocase(l->word, SLICE("$TTL")))
		return line_fail(l, "a domain name or $TTL");
	if (!word_u64(l, DNS_ZONE_TTL_MAX, "a TTL of at most 604800 seconds", &ttl))
		return false;
	*default_ttl = (uint32_t)ttl;
	return true;
}

/* A line with something on it; *ret_is_entry tells whether entry was filled. */
static bool
line_read(struct line *l, uint32_t *default_ttl, struct dns_zone_entry *entry, bool *ret_is_entry)
{
	bool good;

	*ret_is_entry = l->word.data[0] != '$';
	if (!*ret_is_entry) {
		good = ttl_directive(l, default_ttl);
	} else {
		*entry = (struct dns_zone_entry){.rr.ttl = *default_ttl};
		good = word_name(l, "a complete domain name in ASCII (xn--...)", &entry->rr.name) &&
		       entry_read(l, entry);
	}
	if (good && word_next(l))
		good = line_fail(l, "the end of the line");
	return good;
}

static int
entry_cmp(const struct dns_zone_entry *a, const struct dns_zone_entry *b)
{
	int order = slice_cmp(a->rr.name, b->rr.name);

	return order ? order : a->order < b->order ? -1 : 1;
}

static void
sift_down(struct dns_zone_entry *e, size_t root, size_t count)
{
	size_t child;

	while ((child = 2 * root + 1) < count) {
		struct dns_zone_entry tmp = e[root];

		if (child + 1 < count && entry_cmp(&e[child], &e[child + 1]) < 0)
			child++;
		if (entry_cmp(&e[root], &e[child]) >= 0)
			return;
		e[root] = e[child];
		e[child] = tmp;
		root = child;
	}
}

/* Heap sort: in place, no libc. */
static void
entries_sort(struct dns_zone_entry *e, size_t count)
{
	for (size_t i = count / 2; i > 0; i--)
		sift_down(e, i - 1, count);
	for (size_t end = count; end > 1; end--) {
		struct dns_zone_entry tmp = e[0];

		e[0] = e[end - 1];
		e[end - 1] = tmp;
		sift_down(e, 0, end - 1);
	}
}

static size_t
lines_count(struct slice text)
{
	size_t count = 0;

	while (text.data) {
		(void)slice_cut(&text, '\n');
		count++;
	}
	return count;
}

int
dns_zone_parse(struct slice text, struct arena *arena, struct dns_zone *ret_zone,
	       struct dns_zone_error *ret_error)
{
	struct dns_zone zone = {0};
	uint32_t ttl = DNS_ZONE_TTL;
	bool is_entry;

	zone.entries = arena_alloc(arena, (lines_count(text) + 1) * sizeof(zone.entries[0]));
	if (!zone.entries)
		return ERR_NO_MEMORY;
	for (size_t number = 1; text.data; number++) {
		struct line l = {.text = slice_cut(&text, '\n'), .arena = arena};

		if (!word_next(&l))
			continue;
		if (!line_read(&l, &ttl, &zone.entries[zone.count], &is_entry) && !l.no_memory) {
			*ret_error =
				(struct dns_zone_error){number, l.word_at + 1, l.expected, l.word};
			return ERR_SYNTAX;
		}
		if (l.no_memory)
			return ERR_NO_MEMORY;
		zone.entries[zone.count].order = number;
		zone.count += is_entry;
	}
	entries_sort(zone.entries, zone.count);
	zone.ttl = ttl;
	*ret_zone = zone;
	return 0;
}

/* Index of the first entry that is not before name. */
static size_t
entry_find(const struct dns_zone *zone, struct slice name)
{
	size_t low = 0, high = zone->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (slice_cmp(zone->entries[middle].rr.name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static size_t
entry_count(const struct dns_zone *zone, size_t first, struct slice name)
{
	size_t count = 0;

	while (first + count < zone->count && slice_eq(zone->entries[first + count].rr.name, name))
		count++;
	return count;
}

/* A name exists when it has entries or stands above one that has (an empty non-terminal). */
static bool
name_exists(const struct dns_zone *zone, struct slice name)
{
	if (entry_count(zone, entry_find(zone, name), name))
		return true;
	for (size_t i = 0; i < zone->count; i++)
		if (dns_name_under(zone->entries[i].rr.name, name))
			return true;
	return false;
}

/* The entries that answer for name: its own, or those of the wildcard below its closest encloser.
 * False when the name does not exist. */
static bool
entries_of(const struct dns_zone *zone, struct slice name, size_t *ret_first, size_t *ret_count)
{
	uint8_t text[DNS_NAME_TEXT_MAX + 2];
	struct slice encloser = name;
	struct builder b;

	*ret_first = entry_find(zone, name);
	*ret_count = entry_count(zone, *ret_first, name);
	if (*ret_count || name_exists(zone, name))
		return true;
	do {
		encloser = dns_name_parent(encloser);
	} while (encloser.len && !name_exists(zone, encloser));
	builder_init_fixed(&b, text, sizeof(text));
	builder_str(&b, "*.");
	builder_add(&b, encloser);
	if (encloser.len == 0)
		b.len = 1;
	*ret_first = entry_find(zone, builder_slice(&b));
	*ret_count = entry_count(zone, *ret_first, builder_slice(&b));
	return *ret_count > 0;
}

/* A question on its way along the chain. */
struct lookup {
	const struct dns_zone *zone;
	unsigned type;
	struct arena *arena;
	struct dns_answer answer;
	int err;
};

static void
answer_instead(const struct dns_zone_entry *entry, struct dns_answer *answer)
{
	answer->outcome = entry->instead;
	answer->count = 0;
	answer->ttl = entry->rr.ttl;
	if (dns_outcome_is_temporary(entry->instead))
		answer->why = SLICE("the zone file says so");
}

/* The records of the type among entries, or what is said instead. Answers the CNAME to follow. */
static const struct dns_zone_entry *
entries_answer(struct lookup *look, const struct dns_zone_entry *entries, size_t count)
{
	const struct dns_zone_entry *cname = NULL;
	struct dns_answer *answer = &look->answer;
	struct dns_rr *records = arena_alloc(look->arena, count * sizeof(records[0]));

	if (!records) {
		look->err = ERR_NO_MEMORY;
		return NULL;
	}
	for (const struct dns_zone_entry *e = entries; e < entries + count; e++) {
		if (e->instead != DNS_OK && (!e->instead_type || e->instead_type == look->type)) {
			answer_instead(e, answer);
			return NULL;
		}
		if (e->instead == DNS_OK && e->rr.ttl < answer->ttl)
			answer->ttl = e->rr.ttl;
		if (e->rr.type == look->type) {
			records[answer->count] = e->rr;
			records[answer->count++].name = answer->canonical;
			answer->outcome = DNS_OK;
		} else if (e->rr.type == DNS_TYPE_CNAME) {
			cname = e;
		}
	}
	answer->records = records;
	return answer->count ? NULL : cname;
}

/* One name of the chain. True when canonical became a CNAME's target and the walk goes on. */
static bool
name_answer(struct lookup *look)
{
	const struct dns_zone_entry *cname;
	size_t first, count;

	look->answer.outcome = DNS_NXDOMAIN;
	if (!entries_of(look->zone, look->answer.canonical, &first, &count))
		return false;
	look->answer.outcome = DNS_NODATA;
	if (count == 0)
		return false;
	cname = entries_answer(look, look->zone->entries + first, count);
	if (cname)
		look->answer.canonical = cname->rr.target;
	return cname != NULL;
}

int
dns_zone_lookup(const struct dns_zone *zone, struct slice name, unsigned type, struct arena *arena,
		struct dns_answer *ret_answer)
{
	struct lookup look = {.zone = zone, .type = type, .arena = arena, .answer.ttl = zone->ttl};
	struct builder b;
	unsigned hops = 0;
	int err = dns_name_check(name);

	if (err < 0)
		return err;
	builder_init_arena(&b, arena, DNS_NAME_TEXT_MAX + 1);
	builder_lower(&b, dns_name_bare(name));
	if (b.failed)
		return ERR_NO_MEMORY;
	look.answer.canonical = builder_slice(&b);
	while (name_answer(&look)) {
		if (++hops <= DNS_CNAME_MAX)
			continue;
		look.answer.outcome = DNS_SERVFAIL;
		look.answer.why = SLICE("CNAME chain loops or is too long");
		break;
	}
	if (look.err == 0)
		*ret_answer = look.answer;
	return look.err;
}
