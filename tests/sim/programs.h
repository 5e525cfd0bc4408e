/*
 * programs: the main functions of Frank's processes, by the names that super starts.
 */
#ifndef TESTS_SIM_PROGRAMS_H
#define TESTS_SIM_PROGRAMS_H

#include "rt/sim/sim.h"

#define SIM_PROGRAM_COUNT 10

extern const struct sim_program sim_programs[SIM_PROGRAM_COUNT];

#endif
