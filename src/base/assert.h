/*
 * assert: our own bugs, on in release builds too. Never on data from outside or from a less
 * trusted process. panic() is the one symbol that the pure layers leave open: rt defines it
 * (prints, aborts; super restarts the process), tests define it by linking rt too.
 */
#ifndef BASE_ASSERT_H
#define BASE_ASSERT_H

_Noreturn void panic(const char *expression, const char *file, int line);

#define ASSERT(x)                                                                                  \
	do {                                                                                       \
		if (__builtin_expect(!(x), 0))                                                     \
			panic(#x, __FILE__, __LINE__);                                             \
	} while (0)

#define ASSERT_UNREACHABLE() panic("unreachable", __FILE__, __LINE__)

#endif
