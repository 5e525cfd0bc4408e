/*
 * test_idna_memory: libidn2 takes its memory by itself, so tests cannot have it fail through a
 * struct mem. This stands before the library's own function in the program of a test. For one .c
 * of a program.
 */
#ifndef RESOLVER_TEST_IDNA_MEMORY_H
#define RESOLVER_TEST_IDNA_MEMORY_H

#include <dlfcn.h>
#include <stdbool.h>

#include <idn2.h>

static bool test_idna_no_memory;

int
idn2_to_ascii_8z(const char *input, char **output, int flags)
{
	int (*real)(const char *, char **, int);

	if (test_idna_no_memory)
		return IDN2_MALLOC;
	*(void **)&real = dlsym(RTLD_NEXT, "idn2_to_ascii_8z");
	return real(input, output, flags);
}

#endif
