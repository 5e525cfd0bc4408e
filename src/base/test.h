/*
 * test: cmocka with less to write. TEST(name) { ... } declares a test; TESTS(TEST_ROW(a), ...)
 * makes main. The including file needs nothing else. FRANK_TEST_CASE in the environment picks
 * cases by name (* and ? as in a shell).
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
#include "base/test_mem.h"

#define TEST(name) static void name(void **state __attribute__((unused)))
#define TEST_ROW(name) cmocka_unit_test(name)
#define TESTS(...)                                                                                 \
	int main(void)                                                                             \
	{                                                                                          \
		const struct CMUnitTest tests[] = {__VA_ARGS__};                                   \
		cmocka_set_test_filter(getenv("FRANK_TEST_CASE"));                                 \
		return cmocka_run_group_tests(tests, NULL, NULL);                                  \
	}

#define assert_slice(got, want)                                                                    \
	do {                                                                                       \
		struct slice got_ = (got), want_ = (want);                                         \
		if (!slice_eq(got_, want_))                                                        \
			fail_msg("got '%.*s', want '%.*s'", SLICE_ARG(got_), SLICE_ARG(want_));    \
	} while (0)
#define assert_slice_str(got, string) assert_slice(got, slice_str(string))

#endif
