/* heap: random inserts and removals always pop in order. */
#include "base/heap.h"
#include "base/prng.h"
#include "base/test.h"

TEST(pops_in_order)
{
	static struct heap_node nodes[500];
	struct test_mem mem = TEST_MEM_INIT;
	struct heap heap;
	struct prng prng;

	prng_init(&prng, 3);
	heap_init(&heap, &mem.mem);
	for (size_t i = 0; i < 500; i++)
		heap_node_init(&nodes[i]);
	for (int step = 0; step < 20000; step++) {
		struct heap_node *node = &nodes[prng_below(&prng, 500)];
		uint64_t key = prng_below(&prng, 1000);

		if (!heap_linked(node)) {
			node->key = key;
			assert_int_equal(heap_insert(&heap, node), 0);
		} else {
			heap_remove(&heap, node);
			assert_false(heap_linked(node));
		}
	}
	for (uint64_t last = 0; heap_first(&heap);) {
		assert_true(heap_first(&heap)->key >= last);
		last = heap_first(&heap)->key;
		heap_remove(&heap, heap_first(&heap));
	}
	heap_finish(&heap);
	assert_int_equal(mem.taken, mem.given);
}

TESTS(TEST_ROW(pops_in_order))
