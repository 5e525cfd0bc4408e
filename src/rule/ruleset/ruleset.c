#include "rule/ruleset/ruleset.h"

#include "base/assert.h"

#define FNV32_OFFSET UINT32_C(0x811c9dc5)
#define FNV32_PRIME UINT32_C(0x01000193)

struct slice
ruleset_slice(const struct ruleset *set, struct ruleset_text text)
{
	ASSERT(text.at <= set->pool_len && text.len <= set->pool_len - text.at);
	return slice_of(set->pool + text.at, text.len);
}

uint32_t
ruleset_domain_hash(struct slice domain)
{
	uint32_t hash = FNV32_OFFSET;

	for (size_t i = 0; i < domain.len; i++)
		hash = (hash ^ ascii_lower(domain.data[i])) * FNV32_PRIME;
	return hash;
}

const char *
ruleset_level_str(unsigned level)
{
	static const char *const names[RULESET_LEVEL_MAX] = {
		[RULESET_OWN] = "own",		 [RULESET_LOCAL] = "local",
		[RULESET_PROVIDER] = "provider", [RULESET_WORDY] = "words",
		[RULESET_STATUS] = "status",	 [RULESET_HINT] = "hint",
		[RULESET_CODE] = "code",
	};

	return level < RULESET_LEVEL_MAX ? names[level] : NULL;
}
