/* fuzz: any text; what parses must show and parse again to the same, and survive a snapshot. */
#include <stdlib.h>

#include "base/assert.h"
#include "base/test.h"
#include "wire/conf/parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct slice
shown(struct arena *arena, const struct config *config)
{
	struct builder b;

	builder_init_arena(&b, arena, CONFIG_SNAPSHOT_BYTES_MAX);
	conf_show(&b, config, NULL);
	ASSERT(!b.failed);
	return builder_slice(&b);
}

static void
travel(struct arena *arena, const struct config *config)
{
	struct slice text = shown(arena, config);
	struct conf_problems problems;
	struct config back;
	struct builder b;

	ASSERT(conf_parse(arena, text, SLICE("/etc"), &back, &problems) == 0);
	ASSERT(slice_eq(shown(arena, &back), text));
	builder_init_arena(&b, arena, CONFIG_SNAPSHOT_BYTES_MAX);
	ASSERT(config_encode(&b, config) == 0);
	ASSERT(config_decode(arena, builder_slice(&b), &back) == 0);
	ASSERT(slice_eq(shown(arena, &back), text));
}

/* Every error names a place in the text, or says what is missing from it. */
static void
problems_look(struct slice text, const struct conf_problems *problems)
{
	size_t lines = 1;

	for (size_t i = 0; i < text.len; i++)
		lines += text.data[i] == '\n';
	ASSERT(problems->count <= CONF_PROBLEMS_MAX);
	for (size_t i = 0; i < problems->count; i++) {
		ASSERT(problems->items[i].text.len > 0);
		ASSERT(problems->items[i].line <= lines);
		ASSERT(!problems->items[i].line == !problems->items[i].column);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct test_mem mem = TEST_MEM_INIT;
	struct conf_problems problems;
	struct config config, back;
	struct arena arena;

	arena_init(&arena, &mem.mem, 8 * CONFIG_ARENA_BYTES);
	if (conf_parse(&arena, slice_of(data, size), SLICE("/etc"), &config, &problems) == 0)
		travel(&arena, &config);
	problems_look(slice_of(data, size), &problems);
	if (config_decode(&arena, slice_of(data, size), &back) == 0)
		ASSERT(back.listener_count <= CONFIG_LISTENERS_MAX);
	arena_finish(&arena);
	return 0;
}
