/* map: against a plain array as model, while it grows; SipHash is a function of its key. */
#include <time.h>

#include "base/list.h"
#include "base/map.h"
#include "base/prng.h"
#include "base/test.h"

struct item {
	struct map_node node;
	uint64_t key;
	bool in;
};

static bool
item_match(const struct map_node *node, struct slice key)
{
	return slice_eq(MAP_KEY(CONTAINER_OF(node, struct item, node)->key), key);
}

TEST(agrees_with_a_model)
{
	static struct item items[2000];
	struct test_mem mem = TEST_MEM_INIT;
	struct prng prng;
	struct map map;
	size_t count = 0;

	prng_init(&prng, 1);
	map_init(&map, &mem.mem, (uint64_t[]){1, 2});
	for (int step = 0; step < 40000; step++) {
		struct item *item = &items[prng_below(&prng, 2000)];

		item->key = (uint64_t)(item - items) * 7;
		assert_ptr_equal(map_find(&map, MAP_KEY(item->key), item_match),
				 item->in ? &item->node : NULL);
		if (item->in)
			map_remove(&map, &item->node);
		else
			assert_int_equal(map_insert(&map, &item->node, MAP_KEY(item->key)), 0);
		count += item->in ? (size_t)-1 : 1;
		item->in = !item->in;
		assert_int_equal(map.count, count);
	}
	while (map_any(&map))
		map_remove(&map, map_any(&map));
	assert_int_equal(map.count, 0);
	map_finish(&map);
	assert_int_equal(mem.taken, mem.given);
}

#define MANY ((size_t)1 << 16)

/* Taking apart must not look at the empty front again and again. */
TEST(large_maps_come_apart_quickly)
{
	struct test_mem mem = TEST_MEM_INIT;
	struct item *items = calloc(MANY, sizeof(*items));
	struct map_node *node;
	struct map map;
	clock_t before;

	assert_non_null(items);
	map_init(&map, &mem.mem, (uint64_t[]){1, 2});
	for (size_t i = 0; i < MANY; i++) {
		items[i].key = i;
		assert_int_equal(map_insert(&map, &items[i].node, MAP_KEY(items[i].key)), 0);
	}
	before = clock();
	while ((node = map_any(&map)))
		map_remove(&map, node);
	assert_true(clock() - before < CLOCKS_PER_SEC / 4);
	assert_int_equal(map.count, 0);
	/* And what comes in front of where the search stood is found. */
	for (size_t i = 0; i < 100; i++) {
		assert_int_equal(map_insert(&map, &items[i].node, MAP_KEY(items[i].key)), 0);
		assert_ptr_equal(map_any(&map), &items[i].node);
		map_remove(&map, &items[i].node);
	}
	map_finish(&map);
	free(items);
}

TEST(hash_depends_on_key_and_length)
{
	uint64_t a[2] = {1, 2}, b[2] = {1, 3};

	assert_true(siphash(a, SLICE("")) != siphash(b, SLICE("")));
	assert_true(siphash(a, SLICE("\0")) != siphash(a, SLICE("\0\0")));
	assert_true(siphash(a, SLICE("12345678")) != siphash(a, SLICE("123456780")));
	assert_true(siphash(a, SLICE("12345678")) == siphash(a, SLICE("12345678")));
}

TEST(no_memory_is_an_answer)
{
	struct test_mem mem = TEST_MEM_INIT;
	struct item item = {.key = 1};
	struct map map;

	mem.fail_at = 1;
	map_init(&map, &mem.mem, (uint64_t[]){1, 2});
	assert_int_equal(map_insert(&map, &item.node, MAP_KEY(item.key)), ERR_NO_MEMORY);
	assert_int_equal(map.count, 0);
	map_finish(&map);
}

TESTS(TEST_ROW(agrees_with_a_model), TEST_ROW(large_maps_come_apart_quickly),
      TEST_ROW(hash_depends_on_key_and_length), TEST_ROW(no_memory_is_an_answer))
