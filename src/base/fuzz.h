/*
 * fuzz: FUZZ(input) { ... } declares a fuzz target over one struct slice. The fuzz build links it
 * with libFuzzer; every other build links it with tests/fuzz_main.c, which replays the corpus, so
 * that a find stays found. The body ASSERTs what must hold for any input and keeps no state.
 */
#ifndef BASE_FUZZ_H
#define BASE_FUZZ_H

#include "base/assert.h"
#include "base/slice.h"
#include "base/test_mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FUZZ(input)                                                                                \
	static void fuzz_one(struct slice input);                                                  \
	int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)                               \
	{                                                                                          \
		fuzz_one(slice_of(data, size));                                                    \
		return 0;                                                                          \
	}                                                                                          \
	static void fuzz_one(struct slice input)

#endif
