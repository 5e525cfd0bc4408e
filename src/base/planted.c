/*
 * planted: which bug is chosen. Compiled with -Dplanted=true only.
 */
#include "base/planted.h"

#ifdef FRANK_PLANTED

/* global: one choice for all processes of a simulated world */
static enum planted chosen;

bool
planted_is(enum planted bug)
{
	return chosen == bug;
}

void
planted_choose(enum planted bug)
{
	chosen = bug;
}

#endif
