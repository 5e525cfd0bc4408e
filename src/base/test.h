/*
 * test: cmocka with less to write. TEST(name) { ... } declares a test; TESTS(a, b, c) makes main.
 * The including file needs nothing else. test_mem is a counting memory source; it can fail the
 * n-th request.
 */
#ifndef BASE_TEST_H
#define BASE_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/assert.h"
#include "base/mem.h"
#include "base/slice.h"

#define TEST(name) static void name(void **state __attribute__((unused)))
#define TEST_ROW(name) cmocka_unit_test(name)
#define TESTS(...)                                                                                 \
	int main(void)                                                                             \
	{                                                                                          \
		const struct CMUnitTest tests[] = {__VA_ARGS__};                                   \
		return cmocka_run_group_tests(tests, NULL, NULL);                                  \
	}

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

#define TEST_MEM_INIT {.mem = {test_mem_take, test_mem_give}}

#define assert_slice(got, want)                                                                    \
	do {                                                                                       \
		struct slice got_ = (got), want_ = (want);                                         \
		if (!slice_eq(got_, want_))                                                        \
			fail_msg("got '%.*s', want '%.*s'", SLICE_ARG(got_), SLICE_ARG(want_));    \
	} while (0)
#define assert_slice_str(got, string) assert_slice(got, slice_str(string))

#endif
