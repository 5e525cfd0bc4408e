/*
 * date-time = [ day-name "," ] day month-name year hour ":" minute [ ":" second ] zone
 * (RFC 5322 3.3), with the obsolete forms of 4.3: two- and three-digit years, zone names, military
 * zones (read as -0000, because they were used the wrong way round). A leap second counts as the
 * second before it.
 *
 * Days and civil dates are turned into each other with years that begin in March, so that the
 * leap day is the last of its year; 400 years are 146097 days.
 */
#include "wire/message/date.h"

#include "base/assert.h"

#define DAY_S INT64_C(86400)
#define MS_PER_S 1000
#define ERA_DAYS 146097
#define MARCH_BASED_EPOCH 719468 /* days from 0000-03-01 to 1970-01-01 */

static const char date_days[7][4] = {"Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"};
static const char date_months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
					"Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
static const struct {
	const char *name;
	int16_t offset_minutes;
} date_zones[] = {
	{"UT", 0},     {"GMT", 0},    {"UTC", 0},    {"Z", 0},	    {"EST", -300}, {"EDT", -240},
	{"CST", -360}, {"CDT", -300}, {"MST", -420}, {"MDT", -360}, {"PST", -480}, {"PDT", -420},
};

struct date_civil
date_civil_of(int64_t days)
{
	int64_t z = days + MARCH_BASED_EPOCH;
	int64_t era = (z >= 0 ? z : z - (ERA_DAYS - 1)) / ERA_DAYS;
	int64_t day = z - era * ERA_DAYS; /* of the era */
	int64_t year = (day - day / 1460 + day / 36524 - day / (ERA_DAYS - 1)) / 365;
	int64_t of_year = day - (365 * year + year / 4 - year / 100);
	int64_t month = (5 * of_year + 2) / 153; /* from March */
	struct date_civil civil;

	civil.day = (uint8_t)(of_year - (153 * month + 2) / 5 + 1);
	civil.month = (uint8_t)(month < 10 ? month + 3 : month - 9);
	civil.year = (int32_t)(year + era * 400 + (civil.month <= 2));
	return civil;
}

int64_t
date_days_of(struct date_civil civil)
{
	int64_t year = civil.year - (civil.month <= 2);
	int64_t era = (year >= 0 ? year : year - 399) / 400;
	int64_t of_era = year - era * 400;
	int64_t month = civil.month > 2 ? civil.month - 3 : civil.month + 9;
	int64_t of_year = (153 * month + 2) / 5 + civil.day - 1;

	ASSERT(civil.month >= 1 && civil.month <= 12 && civil.day >= 1 && civil.day <= 31);
	return era * ERA_DAYS + of_era * 365 + of_era / 4 - of_era / 100 + of_year -
	       MARCH_BASED_EPOCH;
}

struct date
date_of(int64_t epoch_s, int64_t offset_minutes)
{
	struct date date;
	int64_t shift;

	if (offset_minutes > DATE_OFFSET_MAX || offset_minutes < -DATE_OFFSET_MAX)
		offset_minutes = 0;
	shift = offset_minutes * 60;
	if (epoch_s < DATE_EPOCH_MIN + DAY_S)
		epoch_s = DATE_EPOCH_MIN + DAY_S;
	if (epoch_s > DATE_EPOCH_MAX - DAY_S)
		epoch_s = DATE_EPOCH_MAX - DAY_S;
	ASSERT(epoch_s + shift >= DATE_EPOCH_MIN && epoch_s + shift <= DATE_EPOCH_MAX);
	date.epoch_s = epoch_s;
	date.offset_minutes = (int16_t)offset_minutes;
	return date;
}

void
date_stamp_build(struct builder *b, int64_t wall_ms, bool ms)
{
	int64_t last_ms = DATE_EPOCH_MAX * MS_PER_S + MS_PER_S - 1, s;
	struct date_civil civil;

	wall_ms = wall_ms < 0 ? 0 : wall_ms;
	wall_ms = wall_ms > last_ms ? last_ms : wall_ms;
	s = wall_ms / MS_PER_S;
	civil = date_civil_of(s / DAY_S);
	builder_dec_padded(b, (uint64_t)civil.year, 4);
	builder_byte(b, '-');
	builder_dec_padded(b, civil.month, 2);
	builder_byte(b, '-');
	builder_dec_padded(b, civil.day, 2);
	builder_byte(b, 'T');
	builder_dec_padded(b, (uint64_t)(s % DAY_S / 3600), 2);
	builder_byte(b, ':');
	builder_dec_padded(b, (uint64_t)(s / 60 % 60), 2);
	builder_byte(b, ':');
	builder_dec_padded(b, (uint64_t)(s % 60), 2);
	if (ms) {
		builder_byte(b, '.');
		builder_dec_padded(b, (uint64_t)(wall_ms % MS_PER_S), 3);
	}
	builder_byte(b, 'Z');
}

void
date_build(struct builder *b, struct date date)
{
	int64_t local = date.epoch_s + (int64_t)date.offset_minutes * 60;
	unsigned offset =
		(unsigned)(date.offset_minutes < 0 ? -date.offset_minutes : date.offset_minutes);
	int64_t days, second;
	struct date_civil civil;

	ASSERT(local >= DATE_EPOCH_MIN && local <= DATE_EPOCH_MAX);
	days = (local - (local < 0 ? DAY_S - 1 : 0)) / DAY_S;
	second = local - days * DAY_S;
	civil = date_civil_of(days);
	builder_str(b, date_days[(days % 7 + 7) % 7]);
	builder_str(b, ", ");
	builder_dec(b, civil.day);
	builder_byte(b, ' ');
	builder_str(b, date_months[civil.month - 1]);
	builder_byte(b, ' ');
	builder_dec_padded(b, (uint64_t)civil.year, 4);
	builder_byte(b, ' ');
	builder_dec_padded(b, (uint64_t)second / 3600, 2);
	builder_byte(b, ':');
	builder_dec_padded(b, (uint64_t)second / 60 % 60, 2);
	builder_byte(b, ':');
	builder_dec_padded(b, (uint64_t)second % 60, 2);
	builder_str(b, date.offset_minutes < 0 ? " -" : " +");
	builder_dec_padded(b, offset / 60, 2);
	builder_dec_padded(b, offset % 60, 2);
}

/* Takes white space, line folds and nested comments off *rest. */
static void
date_skip(struct slice *rest)
{
	size_t at = 0, depth = 0;

	for (; at < rest->len; at++) {
		uint8_t c = rest->data[at];

		if (c == '(')
			depth++;
		else if (c == ')' && depth)
			depth--;
		else if (c == '\\' && depth)
			at++;
		else if (!depth && c != ' ' && c != '\t' && c != '\r' && c != '\n')
			break;
	}
	*rest = slice_from(*rest, at);
}

/* Takes a run of digits (or letters) off *rest, and what may be skipped before it. */
static struct slice
date_run(struct slice *rest, bool (*is_part)(uint8_t))
{
	struct slice run;
	size_t len = 0;

	date_skip(rest);
	while (len < rest->len && is_part(rest->data[len]))
		len++;
	run = slice_sub(*rest, 0, len);
	*rest = slice_from(*rest, len);
	return run;
}

static bool
date_sign(struct slice *rest, uint8_t sign)
{
	date_skip(rest);
	if (!rest->len || rest->data[0] != sign)
		return false;
	*rest = slice_from(*rest, 1);
	return true;
}

/* A number with min to max digits. */
static int
date_number(struct slice *rest, size_t min, size_t max, uint64_t *ret_value)
{
	struct slice run = date_run(rest, ascii_is_digit);

	if (run.len < min || run.len > max)
		return ERR_SYNTAX;
	return slice_to_u64(run, 99999, ret_value) ? 0 : ERR_SYNTAX;
}

/* Index in a table of three-letter names, or count. */
static size_t
date_name(struct slice name, const char (*names)[4], size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (slice_eq_nocase(name, slice_of(names[i], 3)))
			return i;
	}
	return count;
}

/* [ day-name "," ] day month-name year */
static int
date_parse_day(struct slice *rest, struct date_civil *ret_civil)
{
	struct slice before, name, run;
	uint64_t day, year;
	size_t month;

	date_skip(rest);
	if (rest->len && ascii_is_alpha(rest->data[0])) {
		name = date_run(rest, ascii_is_alpha);
		if (date_name(name, date_days, 7) == 7 || !date_sign(rest, ','))
			return ERR_SYNTAX;
	}
	if (date_number(rest, 1, 2, &day))
		return ERR_SYNTAX;
	month = date_name(date_run(rest, ascii_is_alpha), date_months, 12);
	before = *rest;
	run = date_run(&before, ascii_is_digit);
	if (month == 12 || date_number(rest, 2, 4, &year))
		return ERR_SYNTAX;
	if (run.len == 2)
		year += year < 50 ? 2000 : 1900; /* RFC 5322 4.3 */
	else if (run.len == 3)
		year += 1900;
	*ret_civil = (struct date_civil){(int32_t)year, (uint8_t)(month + 1), (uint8_t)day};
	return 0;
}

/* hour ":" minute [ ":" second ] as the second of the day */
static int
date_parse_time(struct slice *rest, int64_t *ret_second)
{
	uint64_t hour, minute, second = 0;

	if (date_number(rest, 2, 2, &hour) || !date_sign(rest, ':') ||
	    date_number(rest, 2, 2, &minute))
		return ERR_SYNTAX;
	if (date_sign(rest, ':') && date_number(rest, 2, 2, &second))
		return ERR_SYNTAX;
	if (hour > 23 || minute > 59 || second > 60)
		return ERR_RANGE;
	if (second == 60)
		second = 59;
	*ret_second = (int64_t)(hour * 3600 + minute * 60 + second);
	return 0;
}

static int
date_parse_zone(struct slice *rest, int16_t *ret_offset)
{
	bool west = false;
	struct slice name;
	uint64_t zone;

	if (date_sign(rest, '+') || (west = date_sign(rest, '-'))) {
		if (date_number(rest, 4, 4, &zone))
			return ERR_SYNTAX;
		if (zone % 100 > 59 || zone / 100 > 23)
			return ERR_RANGE;
		*ret_offset = (int16_t)(zone / 100 * 60 + zone % 100);
		if (west)
			*ret_offset = (int16_t) - *ret_offset;
		return 0;
	}
	name = date_run(rest, ascii_is_alpha);
	if (!name.len)
		return ERR_SYNTAX;
	*ret_offset = 0;
	for (size_t i = 0; i < sizeof(date_zones) / sizeof(date_zones[0]); i++) {
		if (slice_eq_nocase(name, slice_str(date_zones[i].name)))
			*ret_offset = date_zones[i].offset_minutes;
	}
	return 0;
}

int
date_parse(struct slice text, struct date *ret_date)
{
	struct date_civil civil, back;
	int64_t days, second, epoch_s;
	int16_t offset;
	int err = date_parse_day(&text, &civil);

	if (!err)
		err = date_parse_time(&text, &second);
	if (!err)
		err = date_parse_zone(&text, &offset);
	if (err)
		return err;
	date_skip(&text);
	if (text.len)
		return ERR_SYNTAX;
	if (civil.year < 1900 || civil.day < 1 || civil.day > 31)
		return ERR_RANGE;
	days = date_days_of(civil);
	back = date_civil_of(days);
	if (back.day != civil.day)
		return ERR_RANGE; /* no such day in that month */
	epoch_s = days * DAY_S + second - (int64_t)offset * 60;
	if (epoch_s < DATE_EPOCH_MIN + DAY_S || epoch_s > DATE_EPOCH_MAX - DAY_S)
		return ERR_RANGE;
	*ret_date = (struct date){epoch_s, offset};
	return 0;
}
