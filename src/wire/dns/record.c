/*
 * dns record: names of types and outcomes, from their tables.
 */
#include "wire/dns/record.h"

#include "base/assert.h"

static const struct {
	const char *name;
	unsigned number;
} types[] = {
#define DNS_TYPE(name, number, rdata) {#name, number},
#include "wire/dns/types.def"
#undef DNS_TYPE
};

static const char *const outcomes[] = {
#define X(name, text) text,
	DNS_OUTCOMES(X)
#undef X
};

const char *
dns_type_str(unsigned type)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (types[i].number == type)
			return types[i].name;
	return "?";
}

unsigned
dns_type_of(struct slice text)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (slice_eq_nocase(slice_str(types[i].name), text))
			return types[i].number;
	return 0;
}

const char *
dns_outcome_str(enum dns_outcome outcome)
{
	ASSERT(outcome < DNS_OUTCOME_MAX);
	return outcomes[outcome];
}

bool
dns_outcome_is_temporary(enum dns_outcome outcome)
{
	return outcome == DNS_SERVFAIL || outcome == DNS_TIMEOUT || outcome == DNS_BOGUS;
}
