/*
 * redact_name: what was replaced by which number. A table with open addressing and a bounded
 * search: when it is full, or somebody has made keys collide, stand-ins have the number 0, and
 * nothing else is lost.
 */
#include "base/assert.h"
#include "rule/redact/redact_impl.h"
#include "rule/normal/token.h"

#define NAME_LEN_MIN 3 /* shorter ones are words of too many texts */

/* Words that stand in bounces anyway: replacing them would hide the reason and nobody. */
static const char *const common[] = {
	"abuse",	 "account",    "address",      "admin",	    "administrator", "and",
	"are",		 "automatic",  "bounce",       "bounces",   "com",	     "contact",
	"daemon",	 "das",	       "der",	       "die",	    "delivery",	     "domain",
	"email",	 "error",      "failed",       "failure",   "for",	     "from",
	"get",		 "group",      "has",	       "help",	    "host",	     "info",
	"let",		 "list",       "local",	       "mail",	    "mailbox",	     "mailer",
	"mailer-daemon", "message",    "net",	       "new",	    "nobody",	     "noreply",
	"no-reply",	 "not",	       "notification", "office",    "off",	     "one",
	"out",		 "postmaster", "rcpt",	       "recipient", "relay",	     "root",
	"sales",	 "see",	       "sender",       "server",    "service",	     "smtp",
	"spam",		 "status",     "subsystem",    "support",   "system",	     "team",
	"test",		 "that",       "the",	       "this",	    "undeliverable", "undelivered",
	"unknown",	 "user",       "van",	       "via",	    "von",	     "was",
	"webmaster",	 "with",       "your",	       "you",
};

static const char *const roles[] = {
	"mailer-daemon", "mailerdaemon", "mailer_daemon", "mail-daemon", "maildaemon",
	"postmaster",	 "post_master",	 "noreply",	  "no-reply",
};

static bool
is_in(struct slice word, const char *const *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (slice_eq_nocase(word, slice_str(list[i])))
			return true;
	}
	return false;
}

static bool
is_common(struct slice word)
{
	return is_in(word, common, sizeof(common) / sizeof(common[0]));
}

bool
redact_is_role(struct slice local)
{
	return is_in(local, roles, sizeof(roles) / sizeof(roles[0]));
}

/* FNV-1a; the search is bounded, so a keyed hash is not needed. */
static uint32_t
hash_of(struct slice key, uint8_t kind)
{
	uint32_t hash = 2166136261u ^ kind;

	for (size_t i = 0; i < key.len; i++)
		hash = (hash ^ key.data[i]) * 16777619u;
	return hash ^ hash >> 15;
}

/* The name's slot, or a free one, or NULL. key: lower case. */
static const struct redact_name *
slot_find(const struct redact *r, struct slice key, uint8_t kind)
{
	uint32_t at = hash_of(key, kind);

	for (uint32_t i = 0; i < REDACT_PROBES_MAX; i++) {
		const struct redact_name *name = &r->names[(at + i) & (REDACT_SLOTS - 1)];

		if (!name->key.len || (name->kind == kind && slice_eq(name->key, key)))
			return name;
	}
	return NULL;
}

static struct redact_name *
slot_of(struct redact *r, struct slice key, uint8_t kind)
{
	return (struct redact_name *)(uintptr_t)slot_find(r, key, kind);
}

/* Writes the name in lower case; empty when it is too long. */
static struct slice
key_build(struct builder *b, struct slice a, const char *between, struct slice c)
{
	builder_lower(b, a);
	builder_str(b, between);
	builder_lower(b, c);
	return b->failed ? SLICE_EMPTY : builder_slice(b);
}

/* The number of a name that is new or known; 0 when there is no room. number: for a new one, or 0
 * for the next of its kind. */
static uint16_t
learn(struct redact *r, struct slice key, uint8_t kind, uint16_t number)
{
	struct redact_name *name = key.len ? slot_of(r, key, kind) : NULL;

	if (name && name->key.len)
		return name->number;
	if (!name || r->name_count == REDACT_NAMES_MAX)
		return 0;
	name->key = arena_keep(r->arena, key);
	if (!name->key.len) {
		name->key = SLICE_EMPTY;
		return 0;
	}
	r->name_count++;
	name->kind = kind;
	name->number = number ? number : ++r->counts[kind];
	return name->number;
}

static void
stand_in(struct redact *r, const char *word, uint16_t number)
{
	builder_str(&r->out, word);
	builder_dec(&r->out, number);
}

static void
domain_build(struct redact *r, struct slice domain)
{
	uint8_t room[REDACT_KEY_MAX];
	struct builder b;

	builder_init_fixed(&b, room, sizeof(room));
	stand_in(r, "@domain-", learn(r, key_build(&b, domain, "", SLICE_EMPTY), REDACT_DOMAIN, 0));
	builder_str(&r->out, ".invalid");
}

void
redact_address(struct redact *r, struct slice local, struct slice domain)
{
	uint8_t room[REDACT_KEY_MAX];
	struct builder b;
	uint16_t number;

	builder_init_fixed(&b, room, sizeof(room));
	if (redact_is_role(local)) {
		builder_lower(&r->out, local);
	} else if (local.len) {
		number = learn(r, key_build(&b, local, "@", domain), REDACT_ADDRESS, 0);
		stand_in(r, "address-", number);
		builder_clear(&b);
		if (local.len >= NAME_LEN_MIN && !is_common(local))
			learn(r, key_build(&b, local, "", SLICE_EMPTY), REDACT_LOCAL, number);
	}
	if (domain.len)
		domain_build(r, domain);
}

void
redact_id(struct redact *r, struct slice id)
{
	uint8_t room[REDACT_KEY_MAX];
	struct builder b;

	builder_init_fixed(&b, room, sizeof(room));
	stand_in(r, "id-", learn(r, key_build(&b, id, "", SLICE_EMPTY), REDACT_ID, 0));
}

/* NULL: none that was learned. */
static const struct redact_name *
known_find(const struct redact *r, struct slice word)
{
	static const uint8_t kinds[] = {REDACT_LOCAL, REDACT_WORD};
	uint8_t room[REDACT_KEY_MAX];
	struct slice key;
	struct builder b;

	builder_init_fixed(&b, room, sizeof(room));
	key = key_build(&b, word, "", SLICE_EMPTY);
	for (size_t i = 0; word.len >= NAME_LEN_MIN && key.len && i < sizeof(kinds); i++) {
		const struct redact_name *name = slot_find(r, key, kinds[i]);

		if (name && name->key.len)
			return name;
	}
	return NULL;
}

bool
redact_is_known(const struct redact *r, struct slice word)
{
	return known_find(r, word) != NULL;
}

bool
redact_known(struct redact *r, struct slice word)
{
	const struct redact_name *name = known_find(r, word);

	if (name)
		stand_in(r, name->kind == REDACT_LOCAL ? "address-" : "name-", name->number);
	return name != NULL;
}

/* Letters, digits and bytes beyond ASCII. */
static bool
is_word_byte(uint8_t byte)
{
	return token_classes[byte] & (TOKEN_LETTER | TOKEN_DIGIT | TOKEN_HIGH);
}

void
redact_learn_words(struct redact *r, struct slice text)
{
	for (size_t i = 0, end; i < text.len; i = end + 1) {
		uint8_t room[REDACT_KEY_MAX];
		struct slice word;
		struct builder b;

		for (end = i; end < text.len && is_word_byte(text.data[end]);)
			end++;
		word = slice_sub(text, i, end - i);
		builder_init_fixed(&b, room, sizeof(room));
		if (word.len >= NAME_LEN_MIN && !is_common(word))
			learn(r, key_build(&b, word, "", SLICE_EMPTY), REDACT_WORD, 0);
	}
}
