/*
 * trouble: carries out what a scenario says is to go wrong. Each line is switched on or off by the
 * seed (unless it says always), so that runs differ in what they suffer.
 */
#ifndef TESTS_SIM_TROUBLE_H
#define TESTS_SIM_TROUBLE_H

#include "run.h"

void trouble_begin(struct run *run);
/* All heals, at the latest now. */
void trouble_end(struct run *run);
/* Nothing that happens only once is still to come. */
bool trouble_over(const struct run *run);
void trouble_finish(struct run *run);
/* Bits of the lines that the seed has switched on. */
uint64_t trouble_on(const struct run *run);

#endif
