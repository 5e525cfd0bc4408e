/*
 * panic for unit tests and fuzzers of the pure layers, which do not link rt.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"

_Noreturn void
panic(const char *expression, const char *file, int line)
{
	fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, expression);
	abort();
}
