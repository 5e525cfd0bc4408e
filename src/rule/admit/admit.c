/*
 * admit: relaying is for those who have logged in and for listed networks; mail for others is
 * taken only where the recipient is ours, and exactly so: a local part that would route further
 * (user%domain, domain!user, "user@domain") is refused at our own domains as well, since nothing
 * here rewrites it and some server behind us might.
 */
#include "rule/admit/admit.h"

#include "base/assert.h"

static const struct {
	const char *name;
	uint16_t code;
	const char *status, *text;
} reasons[] = {
#define REASON(NAME, name, code, status, text) {name, code, status, text},
#include "rule/admit/reasons.def"
#undef REASON
};

const char *
admit_reason_str(enum admit_reason reason)
{
	ASSERT(reason < ADMIT_REASON_MAX);
	return reasons[reason].name;
}

uint16_t
admit_reason_code(enum admit_reason reason)
{
	ASSERT(reason < ADMIT_REASON_MAX);
	return reasons[reason].code;
}

const char *
admit_reason_status(enum admit_reason reason)
{
	ASSERT(reason < ADMIT_REASON_MAX);
	return reasons[reason].status;
}

const char *
admit_reason_text(enum admit_reason reason)
{
	ASSERT(reason < ADMIT_REASON_MAX);
	return reasons[reason].text;
}

enum admit_reason
admit_rcpt_form(const struct smtp_address *address)
{
	return address->flags & SMTP_ADDRESS_IP ? ADMIT_LITERAL : ADMIT_OK;
}

static bool
routes_further(struct slice local)
{
	for (size_t i = 0; i < local.len; i++)
		if (local.data[i] == '@' || local.data[i] == '%' || local.data[i] == '!')
			return true;
	return false;
}

enum admit_reason
admit_rcpt(const struct smtp_address *address, enum admit_place place,
	   const struct admit_client *client)
{
	switch (place) {
	case ADMIT_PLACE_LOCAL:
		return routes_further(address->local) ? ADMIT_FORM : ADMIT_OK;
	case ADMIT_PLACE_UNKNOWN:
		return routes_further(address->local) ? ADMIT_FORM : ADMIT_UNKNOWN;
	case ADMIT_PLACE_ELSEWHERE:
		return client->authenticated || client->trusted ? ADMIT_OK : ADMIT_RELAY;
	case ADMIT_PLACE_LATER:
		return ADMIT_LATER;
	}
	ASSERT_UNREACHABLE();
}

enum admit_reason
admit_sender(enum admit_bound bound)
{
	static const enum admit_reason answers[] = {
		[ADMIT_BOUND_NO] = ADMIT_SENDER_DENIED,
		[ADMIT_BOUND_YES] = ADMIT_SENDER_OK,
		[ADMIT_BOUND_LATER] = ADMIT_SENDER_LATER,
	};

	ASSERT(bound <= ADMIT_BOUND_LATER);
	return answers[bound];
}

enum admit_reason
admit_author(enum admit_bound bound)
{
	static const enum admit_reason answers[] = {
		[ADMIT_BOUND_NO] = ADMIT_AUTHOR_DENIED,
		[ADMIT_BOUND_YES] = ADMIT_AUTHOR_OK,
		[ADMIT_BOUND_LATER] = ADMIT_SENDER_LATER,
	};

	ASSERT(bound <= ADMIT_BOUND_LATER);
	return answers[bound];
}

enum admit_reason
admit_author_fields(size_t fields, size_t addresses)
{
	return fields == 1 && addresses > 0 ? ADMIT_AUTHOR_OK : ADMIT_AUTHOR_NONE;
}
