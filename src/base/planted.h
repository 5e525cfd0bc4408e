/*
 * planted: bugs of planted.def, for the test of the test. In every ordinary build PLANTED(name) is
 * 0 and the compiler drops what hangs on it; with -Dplanted=true the simulator chooses one.
 */
#ifndef BASE_PLANTED_H
#define BASE_PLANTED_H

#include <stdbool.h>

enum planted {
	PLANTED_NONE,
#define PLANTED_BUG(name, invariant, scenario, help) PLANTED_##name,
#include "base/planted.def"
#undef PLANTED_BUG
	PLANTED_MAX
};

#ifdef FRANK_PLANTED
bool planted_is(enum planted bug);
void planted_choose(enum planted bug);
#define PLANTED(name) planted_is(PLANTED_##name)
#else
#define PLANTED(name) 0
#endif

#endif
