/*
 * ruleset: the rules for refusals, compiled (docs/rules.md). Everything is in arrays that refer to
 * one another by index, so that the build can print a set as C (print.c) and a program can make one
 * in memory (compile.h): both are the same.
 *
 * Phrases are a tree by their bytes. A group is the alternatives of one condition; what a phrase
 * that is found says to its groups is enough to know which rules can fit (match.h), so that the
 * cost of a reply does not grow with the rules.
 */
#ifndef RULE_RULESET_RULESET_H
#define RULE_RULESET_RULESET_H

#include "wire/verdict/verdict.h"

#define RULESET_FILES_MAX 128
#define RULESET_FILE_BYTES_MAX ((size_t)256 << 10)
#define RULESET_RULES_MAX 2048
#define RULESET_GROUPS_MAX 4096
#define RULESET_PHRASES_MAX 16384
#define RULESET_PROVIDERS_MAX 128
#define RULESET_DOMAINS_MAX 4096    /* of all providers */
#define RULESET_OWN_STATUSES_MAX 16 /* lines of ranges of a provider */
#define RULESET_DOMAIN_SLOTS (2 * RULESET_DOMAINS_MAX)
#define RULESET_SETS_MAX 512
#define RULESET_SET_DEPTH_MAX 16
#define RULESET_PHRASE_BYTES_MAX 80
#define RULESET_CONDITIONS_MAX 6 /* lines of words and near in a rule, and as many of unless */

#define RULESET_PAIRS 38    /* letters, digits, the blank; squared: a table of how phrases begin */
#define RULESET_LABEL_MAX 8 /* read at once */
#define RULESET_EDGES_PAD 8 /* behind edge_bytes, which are read eight at once */

#define RULESET_SUBJECTS 9 /* of statuses: 0 to 7 (RFC 3463), others */
#define RULESET_NONE UINT16_MAX
#define RULESET_NO_PROVIDER UINT8_MAX
#define RULESET_ANY_CLASS UINT8_MAX
#define RULESET_NO_REPLY 1 /* in place of a code: a finding of our own */
#define RULESET_ANY_DETAIL UINT16_MAX
#define RULESET_ANY_STATUS_CLASS UINT8_MAX
#define RULESET_WORDS(bits) (((bits) + 63) / 64)

/* In the order of trust, which is that of trying. */
enum ruleset_level {
	RULESET_OWN,   /* what Frank found by itself: no reply of others */
	RULESET_LOCAL, /* an administrator's */
	RULESET_PROVIDER,
	RULESET_WORDY,
	RULESET_STATUS,
	RULESET_HINT,
	RULESET_CODE,
	RULESET_LEVEL_MAX
};

struct ruleset_text {
	uint32_t at; /* in the pool */
	uint32_t len;
};

/* 0.0.0 stands for none, and for x.0.0. */
struct ruleset_status {
	uint8_t class; /* or RULESET_ANY_STATUS_CLASS */
	uint16_t subject, detail;
};

struct ruleset_take {
	struct ruleset_text name, value;
};

/* first, count: a range of the array that is meant. */
struct ruleset_range {
	uint16_t first, count;
};

/* What is looked at for each candidate stands in front, in one line of the cache. */
struct ruleset_rule {
	uint16_t stages; /* a bit each */
	uint8_t class, provider;
	uint32_t fields;			  /* a bit for each kind that must be there */
	struct ruleset_range words, near, unless; /* of rule_groups */
	struct ruleset_range statuses, codes, takes;
	uint8_t level, cause, confidence_percent;
	uint8_t actor, action, scope; /* or UINT8_MAX: as the cause's */
	uint16_t file, line;	      /* where it is written */
	struct ruleset_text name, admin, article, source;
};

/* Behind the byte of its edge come the bytes of its label; then it is reached. Each node but the
 * root has one edge that leads to it: the edge of that number. Small, so that few lines of the
 * cache hold what a text meets. */
struct ruleset_node {
	uint8_t label[RULESET_LABEL_MAX]; /* zeros behind it */
	uint16_t edge;			  /* the first of those that lead on */
	uint16_t word, start; /* phrase that ends here as a word; that may go on; RULESET_NONE */
	uint8_t edge_count, label_len;
};

/* A domain that shows whose reply it is. */
struct ruleset_domain {
	uint32_t hash; /* ruleset_domain_hash */
	uint8_t provider;
	bool link; /* in the reply, else of the host that answered */
	struct ruleset_text name;
};

struct ruleset_provider {
	struct ruleset_text name, title;
	struct ruleset_range rules; /* of provider_rules: those of it that need no words */
	bool receiver;		    /* takes mail, else it is only spoken of */
};

/* Statuses that only one receiver gives, of either class: subject.first to subject.last. */
struct ruleset_own_status {
	uint16_t subject, first, last;
	uint8_t provider;
};

struct ruleset {
	const struct ruleset *next;	  /* asked where no rule of this one fits; or NULL */
	const struct ruleset_rule *rules; /* in the order of trying */
	size_t rule_count;
	uint16_t level_first[RULESET_LEVEL_MAX]; /* the first rule of that level or a later one */
	const struct ruleset_status *statuses;
	const uint16_t *codes;
	const struct ruleset_take *takes;
	const uint16_t *rule_groups;
	const struct ruleset_node *nodes; /* 0 is the root */
	const uint8_t *edge_bytes;	  /* by node that it leads to; ascending within a node */
	const uint16_t *pairs;		  /* by ruleset_pair: the node behind two bytes, or 0 */
	const struct ruleset_range *phrase_groups; /* by phrase: of groups */
	const uint16_t *groups;
	size_t phrase_count, group_count;
	const struct ruleset_range *anchored; /* by group: of anchored_rules */
	const uint16_t *anchored_rules;	      /* that can only fit when the group was found */
	const uint64_t *anchoring;	      /* a bit for each group that rules hang on */
	const uint64_t *telling;	      /* a bit for each group of a provider's words */
	const uint64_t *wordless; /* by ruleset_subject: a bit for each rule that needs neither
				     words nor provider and may fit such a status */
	const struct ruleset_provider *providers;
	const uint16_t *provider_rules;
	const uint16_t *provider_groups; /* of words that only it uses, or RULESET_NONE */
	size_t provider_count;
	const struct ruleset_domain *domains;
	const uint16_t *domain_slots; /* by hash, RULESET_DOMAIN_SLOTS: index + 1 */
	size_t domain_count;
	const struct ruleset_own_status *own_statuses;
	size_t own_status_count;
	const uint8_t *pool;
	size_t statuses_count, codes_count, takes_count, rule_groups_count, nodes_count,
		groups_count, anchored_rules_count, provider_rules_count, pool_len; /* to print */
};

/* 1 to RULESET_PAIRS - 1 for a byte that pairs has; 0: another one, whose phrases the root leads
 * to. */
extern const uint8_t ruleset_pair_classes[256];

/* 0 for none, whose class is 0. */
static inline unsigned
ruleset_subject(uint8_t class, uint16_t subject)
{
	if (class == 0)
		return 0;
	return subject < RULESET_SUBJECTS - 1 ? subject : RULESET_SUBJECTS - 1;
}

struct slice ruleset_slice(const struct ruleset *set, struct ruleset_text text);
uint32_t ruleset_domain_hash(struct slice domain); /* case does not matter */
/* "words"; NULL beyond the last. */
const char *ruleset_level_str(unsigned level);

#endif
