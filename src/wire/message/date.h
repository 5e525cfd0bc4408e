/*
 * date: the date and time of RFC 5322 3.3 as seconds since 1970 and an offset from UTC; written as
 * "Tue, 1 Jul 2003 10:52:37 +0200". No clock and no time zone data here.
 */
#ifndef WIRE_MESSAGE_DATE_H
#define WIRE_MESSAGE_DATE_H

#include "base/builder.h"

/* The years that a date can have: 1900 (RFC 5322 3.3) to 9999. */
#define DATE_EPOCH_MIN INT64_C(-2208988800)
#define DATE_EPOCH_MAX INT64_C(253402300799)
#define DATE_OFFSET_MAX (23 * 60 + 59) /* minutes east or west */

struct date {
	int64_t epoch_s;
	int16_t offset_minutes; /* east of UTC */
};

/* The date must lie in the range above (ASSERT), local time included: clamped by date_of. */
void date_build(struct builder *b, struct date date);
/* Any values, brought into range. */
struct date date_of(int64_t epoch_s, int64_t offset_minutes);

/* "2026-11-28T08:36:27Z" of RFC 3339, for people who read logs; with ms "2026-11-28T08:36:27.042Z".
 * Any value: what is before 1970 or after 9999 becomes the nearest that is not. */
void date_stamp_build(struct builder *b, int64_t wall_ms, bool ms);

/*
 * A whole date-time with comments, folding and the obsolete forms (two-digit years, zone names).
 * A day name must be a day name, but need not be the right one. ERR_SYNTAX, ERR_RANGE.
 */
int date_parse(struct slice text, struct date *ret_date) MUST_USE;

/* The civil date of a day number (days since 1970-01-01) and back, proleptic Gregorian. */
struct date_civil {
	int32_t year;
	uint8_t month, day; /* from 1 */
};
struct date_civil date_civil_of(int64_t days);
int64_t date_days_of(struct date_civil civil);

#endif
