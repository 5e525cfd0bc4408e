/*
 * mem: where memory comes from. The pure layers never call malloc; they are given a source.
 * rt's source counts, caps and can fail the n-th request; tests have their own.
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>

struct mem {
	/* size > 0 zeroed bytes, or NULL when there are none. */
	void *(*take)(struct mem *mem, size_t size);
	/* Gives back what take answered, with the size that was asked for. */
	void (*give)(struct mem *mem, void *block, size_t size);
};

/* NULL when out of memory or count * size wraps. */
void *mem_take_array(struct mem *mem, size_t count, size_t size)
	__attribute__((warn_unused_result));

static inline void *
mem_take(struct mem *mem, size_t size)
{
	return mem->take(mem, size);
}

/* NULL is fine. */
static inline void
mem_give(struct mem *mem, void *block, size_t size)
{
	if (block)
		mem->give(mem, block, size);
}

#define MEM_NEW(mem, type) ((type *)mem_take((mem), sizeof(type)))

#endif
