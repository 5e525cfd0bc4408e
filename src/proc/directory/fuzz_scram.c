/*
 * Fuzzes both messages of a SCRAM client: the input up to the first NUL is client-first, the rest
 * client-final. No input may be accepted: the fuzzer does not know the password.
 */
#include <string.h>

#include "base/fuzz.h"
#include "proc/directory/scram.h"

FUZZ(input)
{
	static const uint8_t key[SCRAM_KEY_LEN] = {1, 2, 3};
	static const struct scram_offer offers[] = {
		{false, {0}, {0}},
		{false, SLICE("tls-exporter"), SLICE("channel")},
		{true, SLICE("tls-exporter"), SLICE("channel")},
	};
	struct scram_keys keys = {SLICE("0123456789abcdef"), 4096, key, key};
	struct slice final = input, first = slice_cut(&final, 0);

	for (size_t i = 0; i < sizeof(offers) / sizeof(offers[0]); i++) {
		uint8_t buf[2048];
		struct scram scram;
		struct builder b;

		if (scram_client_first(&scram, first, &offers[i]) < 0)
			continue;
		ASSERT(scram.name.len > 0);
		builder_init_fixed(&b, buf, sizeof(buf));
		ASSERT(scram_server_first(&scram, &keys, SLICE("servernonce"), &b) == 0);
		ASSERT(scram_client_final(&scram, final, &keys, &b) < 0);
	}
}
