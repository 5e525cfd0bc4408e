/*
 * Fuzzes dns_zone_parse, then looks up the first bytes of the text and a name below a wildcard.
 */
#include "base/fuzz.h"
#include "wire/dns/zone.h"

FUZZ(input)
{
	static const unsigned asked[] = {DNS_TYPE_A, DNS_TYPE_MX, DNS_TYPE_TXT, DNS_TYPE_CNAME};
	struct test_mem mem = TEST_MEM_INIT;
	struct dns_zone_error error = {0};
	struct dns_zone zone;
	struct dns_answer answer;
	struct arena arena;
	int err;

	arena_init(&arena, &mem.mem, 8 << 20);
	err = dns_zone_parse(input, &arena, &zone, &error);
	ASSERT(err != ERR_SYNTAX || (error.expected && error.line && error.column));
	for (size_t i = 0; err == 0 && i < sizeof(asked) / sizeof(asked[0]); i++) {
		struct slice name = slice_sub(input, 0, slice_index(input, ' '));

		if (dns_zone_lookup(&zone, name, asked[i], &arena, &answer) == 0)
			ASSERT(answer.count == 0 || answer.outcome == DNS_OK);
		if (dns_zone_lookup(&zone, SLICE("x.example.test"), asked[i], &arena, &answer) == 0)
			ASSERT(answer.count == 0 || answer.outcome == DNS_OK);
	}
	arena_finish(&arena);
}
