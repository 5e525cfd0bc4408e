/*
 * Fuzzes dns_packet_parse: what it accepts, dns_packet_answer must be able to walk, and every name
 * that came out must go in again.
 */
#include "base/fuzz.h"
#include "wire/dns/name.h"
#include "wire/dns/packet.h"

static void
section_check(const struct dns_section *section)
{
	for (size_t i = 0; i < section->count; i++) {
		ASSERT(dns_name_check(section->rr[i].name) == 0);
		ASSERT(dns_name_check(section->rr[i].target) == 0);
	}
}

FUZZ(input)
{
	struct test_mem mem = TEST_MEM_INIT;
	struct dns_packet packet;
	struct dns_answer answer;
	struct arena arena;

	arena_init(&arena, &mem.mem, 4 << 20);
	if (dns_packet_parse(input, &arena, &packet) == 0) {
		section_check(&packet.answer);
		section_check(&packet.authority);
		if (dns_packet_answer(&packet, &arena, &answer) == 0)
			ASSERT(answer.count <= packet.answer.count);
	}
	arena_finish(&arena);
}
