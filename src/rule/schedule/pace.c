/*
 * pace: see pace.h. Greylisting asks for patience with one recipient, not for fewer connections: of
 * the replies from RCPT on only 421 counts, which closes the connection.
 */
#include "rule/schedule/pace.h"

#define CLOSING 421

static bool
asks_slower(const struct verdict *v)
{
	bool whole = v->stage < VERDICT_STAGE_RECIPIENT || v->code == CLOSING;

	return v->class == VERDICT_LATER && v->action == VERDICT_ACTION_SLOW && v->code && whole &&
	       v->stage != VERDICT_STAGE_LOCAL;
}

uint32_t
schedule_pace(uint32_t limit, uint32_t full, const struct verdict *verdict)
{
	if (asks_slower(verdict))
		limit /= 2;
	else if (verdict->class == VERDICT_OK && limit < full)
		limit++;
	if (limit > full)
		limit = full;
	return limit ? limit : 1;
}
