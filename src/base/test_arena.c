/* arena: caps are sticky, everything taken is given back. */
#include "base/arena.h"
#include "base/test.h"

TEST(cap_is_sticky)
{
	struct test_mem mem = TEST_MEM_INIT;
	struct arena arena;

	arena_init(&arena, &mem.mem, 64);
	assert_non_null(arena_alloc(&arena, 48));
	assert_null(arena_alloc(&arena, 32));
	assert_null(arena_alloc(&arena, 1));
	assert_true(arena.failed);
	arena_reset(&arena);
	assert_non_null(arena_alloc(&arena, 64));
	arena_finish(&arena);
	assert_int_equal(mem.taken, mem.given);
}

TEST(reset_zeroes_and_large_blocks_work)
{
	struct test_mem mem = TEST_MEM_INIT;
	struct arena arena;
	uint8_t *p;

	arena_init(&arena, &mem.mem, 1 << 20);
	for (int round = 0; round < 3; round++) {
		for (size_t size = 1; size < 20000; size = size * 3 + 1) {
			p = arena_alloc(&arena, size);
			assert_non_null(p);
			for (size_t i = 0; i < size; i++)
				assert_int_equal(p[i], 0);
			memset(p, 0xff, size);
		}
		arena_reset(&arena);
	}
	arena_finish(&arena);
	assert_int_equal(mem.taken, mem.given);
}

TEST(no_memory_is_an_answer)
{
	struct test_mem mem = TEST_MEM_INIT;
	struct arena arena;

	mem.fail_at = 1;
	arena_init(&arena, &mem.mem, 1000);
	assert_slice(arena_keep(&arena, SLICE("abc")), SLICE_EMPTY);
	assert_true(arena.failed);
	arena_finish(&arena);
}

TESTS(TEST_ROW(cap_is_sticky), TEST_ROW(reset_zeroes_and_large_blocks_work),
      TEST_ROW(no_memory_is_an_answer))
