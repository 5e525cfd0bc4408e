/*
 * heap: an array that doubles; nodes carry their index.
 */
#include "base/heap.h"

#include <string.h>

#include "base/assert.h"

#define HEAP_FIRST_CAP ((size_t)64)

void
heap_init(struct heap *heap, struct mem *mem)
{
	*heap = (struct heap){.mem = mem};
}

void
heap_finish(struct heap *heap)
{
	if (heap->mem)
		mem_give(heap->mem, heap->nodes, heap->cap * sizeof(struct heap_node *));
	heap->nodes = NULL;
	heap->count = heap->cap = 0;
}

static void
heap_put(struct heap *heap, size_t index, struct heap_node *node)
{
	heap->nodes[index] = node;
	node->index = (uint32_t)index;
}

static void
heap_up(struct heap *heap, size_t index, struct heap_node *node)
{
	while (index > 0 && heap->nodes[(index - 1) / 2]->key > node->key) {
		heap_put(heap, index, heap->nodes[(index - 1) / 2]);
		index = (index - 1) / 2;
	}
	heap_put(heap, index, node);
}

static void
heap_down(struct heap *heap, size_t index, struct heap_node *node)
{
	for (;;) {
		size_t child = 2 * index + 1;

		if (child >= heap->count)
			break;
		if (child + 1 < heap->count &&
		    heap->nodes[child + 1]->key < heap->nodes[child]->key)
			child++;
		if (heap->nodes[child]->key >= node->key)
			break;
		heap_put(heap, index, heap->nodes[child]);
		index = child;
	}
	heap_put(heap, index, node);
}

static int
heap_grow(struct heap *heap)
{
	size_t cap = heap->cap ? heap->cap * 2 : HEAP_FIRST_CAP;
	struct heap_node **nodes;

	if (heap->count < heap->cap)
		return 0;
	if (cap >= HEAP_NOWHERE)
		return ERR_LIMIT;
	nodes = mem_take_array(heap->mem, cap, sizeof(struct heap_node *));
	if (!nodes)
		return ERR_NO_MEMORY;
	if (heap->count)
		memcpy(nodes, heap->nodes, heap->count * sizeof(struct heap_node *));
	mem_give(heap->mem, heap->nodes, heap->cap * sizeof(struct heap_node *));
	heap->nodes = nodes;
	heap->cap = cap;
	return 0;
}

int
heap_insert(struct heap *heap, struct heap_node *node)
{
	int err = heap_grow(heap);

	if (err)
		return err;
	heap_up(heap, heap->count++, node);
	return 0;
}

void
heap_remove(struct heap *heap, struct heap_node *node)
{
	struct heap_node *last;
	size_t index = node->index;

	if (!heap_linked(node))
		return;
	ASSERT(index < heap->count && heap->nodes[index] == node);
	last = heap->nodes[--heap->count];
	node->index = HEAP_NOWHERE;
	if (last == node)
		return;
	if (index > 0 && heap->nodes[(index - 1) / 2]->key > last->key)
		heap_up(heap, index, last);
	else
		heap_down(heap, index, last);
}

struct heap_node *
heap_first(const struct heap *heap)
{
	return heap->count ? heap->nodes[0] : NULL;
}
