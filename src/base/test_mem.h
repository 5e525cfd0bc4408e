/*
 * test_mem: a counting memory source for tests and fuzzers; it can fail the n-th request.
 * All is given back when taken == given.
 */
#ifndef BASE_TEST_MEM_H
#define BASE_TEST_MEM_H

#include <stdlib.h>

#include "base/mem.h"

struct test_mem {
	struct mem mem;
	size_t taken, given; /* blocks */
	size_t fail_at;	     /* 1 fails the next request, 0 none */
};

static inline void *
test_mem_take(struct mem *mem, size_t size)
{
	struct test_mem *t = (struct test_mem *)mem;

	if (t->fail_at && --t->fail_at == 0)
		return NULL;
	t->taken++;
	return calloc(1, size);
}

static inline void
test_mem_give(struct mem *mem, void *block, size_t size)
{
	(void)size;
	((struct test_mem *)mem)->given++;
	free(block);
}

#define TEST_MEM_INIT                                                                              \
	{                                                                                          \
		.mem = { test_mem_take, test_mem_give }                                            \
	}

#endif
