/*
 * Fuzz target for date: what was read is written and read again as the same instant and offset.
 */
#include "base/fuzz.h"
#include "wire/message/date.h"

FUZZ(input)
{
	struct date date, back;
	uint8_t text[64];
	struct builder b;

	if (date_parse(input, &date))
		return;
	builder_init_fixed(&b, text, sizeof(text));
	date_build(&b, date);
	ASSERT(!b.failed);
	ASSERT(date_parse(builder_slice(&b), &back) == 0);
	ASSERT(back.epoch_s == date.epoch_s && back.offset_minutes == date.offset_minutes);
}
