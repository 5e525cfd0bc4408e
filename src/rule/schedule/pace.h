/*
 * pace: how many jobs a destination gets at once. Whoever asks us to send more slowly gets half as
 * many from then on, and one more for each delivery until it has all again. Pure.
 */
#ifndef RULE_SCHEDULE_PACE_H
#define RULE_SCHEDULE_PACE_H

#include <stdbool.h>
#include <stdint.h>

#include "wire/verdict/verdict.h"

/* The next limit after this one; full: that of a destination that has not asked. At least 1. */
uint32_t schedule_pace(uint32_t limit, uint32_t full, const struct verdict *verdict);

#endif
