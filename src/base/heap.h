/*
 * heap: a binary min-heap of intrusive nodes ordered by a 64-bit key (a time, mostly). A node knows
 * its place, so removal costs log n.
 */
#ifndef BASE_HEAP_H
#define BASE_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"

#define HEAP_NOWHERE UINT32_MAX

struct heap_node {
	uint64_t key;
	uint32_t index; /* place in the heap, or HEAP_NOWHERE */
};

struct heap {
	struct mem *mem;
	struct heap_node **nodes;
	size_t count, cap;
};

void heap_init(struct heap *heap, struct mem *mem);
void heap_finish(struct heap *heap);
static inline void
heap_node_init(struct heap_node *node)
{
	node->index = HEAP_NOWHERE;
}
static inline bool
heap_linked(const struct heap_node *node)
{
	return node->index != HEAP_NOWHERE;
}
/* node->key must be set. ERR_NO_MEMORY changes nothing. */
int heap_insert(struct heap *heap, struct heap_node *node) MUST_USE;
/* A node that is in no heap is fine. */
void heap_remove(struct heap *heap, struct heap_node *node);
/* The smallest, or NULL when empty. */
struct heap_node *heap_first(const struct heap *heap);

#endif
