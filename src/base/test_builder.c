/* builder and cursor: what is written is read; limits hold; every truncation is refused. */
#include "base/builder.h"
#include "base/cursor.h"
#include "base/test.h"

TEST(limits)
{
	uint8_t buf[4];
	struct builder b;
	struct slice s;

	builder_init_fixed(&b, buf, sizeof(buf));
	builder_str(&b, "abcd");
	assert_int_equal(builder_take(&b, &s), 0);
	builder_byte(&b, 'e');
	assert_int_equal(builder_take(&b, &s), ERR_LIMIT);
	assert_slice_str(builder_slice(&b), "abcd");
	builder_clear(&b);
	builder_add_head(&b, SLICE("abc"));
	assert_false(b.failed);
	builder_add_head(&b, SLICE("defg"));
	assert_true(b.failed);
	assert_slice_str(builder_slice(&b), "abcd");
}

TEST(text)
{
	uint8_t buf[200];
	struct builder b;

	builder_init_fixed(&b, buf, sizeof(buf));
	builder_dec(&b, 0);
	builder_byte(&b, ' ');
	builder_dec(&b, UINT64_MAX);
	builder_byte(&b, ' ');
	builder_dec_signed(&b, INT64_MIN);
	builder_byte(&b, ' ');
	builder_dec_padded(&b, 7, 3);
	builder_byte(&b, ' ');
	builder_hex(&b, SLICE("\x01\xfe"));
	builder_lower(&b, SLICE(" AbZ"));
	assert_slice_str(builder_slice(&b),
			 "0 18446744073709551615 -9223372036854775808 007 01fe abz");
}

TEST(binary_round_trip_and_truncation)
{
	struct test_mem mem = TEST_MEM_INIT;
	struct arena arena;
	struct builder b;
	struct slice all;

	arena_init(&arena, &mem.mem, 100000);
	builder_init_arena(&b, &arena, 10000);
	builder_u8(&b, 0xfe);
	builder_u16(&b, 0xfedc);
	builder_u32(&b, 0xfedcba98);
	builder_u64(&b, 0xfedcba9876543210);
	for (int i = 0; i < 30; i++)
		builder_blob(&b, SLICE("hello"));
	assert_int_equal(builder_take(&b, &all), 0);
	for (size_t len = 0; len <= all.len; len++) {
		struct cursor c;

		cursor_init(&c, slice_sub(all, 0, len));
		uint8_t u8 = cursor_u8(&c);
		uint16_t u16 = cursor_u16(&c);
		uint32_t u32 = cursor_u32(&c);
		uint64_t u64 = cursor_u64(&c);
		for (int i = 0; i < 30; i++)
			(void)cursor_blob(&c, 5);
		assert_int_equal(cursor_end(&c), len == all.len ? 0 : ERR_TRUNCATED);
		if (len == all.len)
			assert_true(u8 == 0xfe && u16 == 0xfedc && u32 == 0xfedcba98 &&
				    u64 == 0xfedcba9876543210);
	}
	arena_finish(&arena);
	assert_int_equal(mem.taken, mem.given);
}

TEST(cursor_limits)
{
	struct cursor c;

	cursor_init(&c, SLICE("\x05\0\0\0hello!"));
	assert_int_equal(cursor_blob(&c, 4).len, 0);
	assert_int_equal(cursor_end(&c), ERR_LIMIT);
	cursor_init(&c, SLICE("\x05\0\0\0hello!"));
	assert_slice_str(cursor_blob(&c, 5), "hello");
	assert_int_equal(cursor_end(&c), ERR_LEFTOVER);
}

TESTS(TEST_ROW(limits), TEST_ROW(text), TEST_ROW(binary_round_trip_and_truncation),
      TEST_ROW(cursor_limits))
