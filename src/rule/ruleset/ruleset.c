#include "rule/ruleset/ruleset.h"

#include "base/assert.h"

#define FNV32_OFFSET UINT32_C(0x811c9dc5)
#define FNV32_PRIME UINT32_C(0x01000193)

const uint8_t ruleset_pair_classes[256] = {
	['a'] = 1,  ['b'] = 2,	['c'] = 3,  ['d'] = 4,	['e'] = 5,  ['f'] = 6,	['g'] = 7,
	['h'] = 8,  ['i'] = 9,	['j'] = 10, ['k'] = 11, ['l'] = 12, ['m'] = 13, ['n'] = 14,
	['o'] = 15, ['p'] = 16, ['q'] = 17, ['r'] = 18, ['s'] = 19, ['t'] = 20, ['u'] = 21,
	['v'] = 22, ['w'] = 23, ['x'] = 24, ['y'] = 25, ['z'] = 26, ['0'] = 27, ['1'] = 28,
	['2'] = 29, ['3'] = 30, ['4'] = 31, ['5'] = 32, ['6'] = 33, ['7'] = 34, ['8'] = 35,
	['9'] = 36, [' '] = 37,
};

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
