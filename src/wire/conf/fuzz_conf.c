/* fuzz: any text; what parses must show and parse again to the same, and survive a snapshot. */
#include <stdlib.h>

#include "base/assert.h"
#include "base/test.h"
#include "wire/conf/parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct test_mem mem = TEST_MEM_INIT;
	struct conf_problems problems;
	struct config config, back;
	struct builder b;
	struct arena arena;

	arena_init(&arena, &mem.mem, 8 * CONFIG_ARENA_BYTES);
	if (conf_parse(&arena, slice_of(data, size), SLICE("/etc"), &config, &problems) == 0) {
		builder_init_arena(&b, &arena, CONFIG_SNAPSHOT_BYTES_MAX);
		ASSERT(config_encode(&b, &config) == 0);
		ASSERT(config_decode(&arena, builder_slice(&b), &back) == 0);
	}
	if (config_decode(&arena, slice_of(data, size), &back) == 0)
		ASSERT(back.listener_count <= CONFIG_LISTENERS_MAX);
	arena_finish(&arena);
	return 0;
}
