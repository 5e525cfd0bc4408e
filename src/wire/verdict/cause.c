/*
 * The table of causes, and which enhanced status code (RFC 3463 3, IANA's registry) says the same,
 * for reports about replies that carried none.
 */
#include "wire/verdict/cause.h"

static const struct cause_row cause_rows[] = {
#define CAUSE(NAME, name, number, ACTOR, ACTION, SCOPE, sender, admin)                             \
	[CAUSE_##NAME] = {name,                                                                    \
			  number,                                                                  \
			  VERDICT_ACTOR_##ACTOR,                                                   \
			  VERDICT_ACTION_##ACTION,                                                 \
			  VERDICT_SCOPE_##SCOPE,                                                   \
			  sender,                                                                  \
			  admin},
#include "def/causes.def"
#undef CAUSE
};

static const struct {
	uint16_t subject, detail;
} cause_statuses[CAUSE_MAX] = {
	[CAUSE_RCPT_UNKNOWN] = {1, 1},	 [CAUSE_RCPT_MOVED] = {1, 6},
	[CAUSE_RCPT_DISABLED] = {2, 1},	 [CAUSE_RCPT_FULL] = {2, 2},
	[CAUSE_RCPT_REFUSED] = {7, 1},	 [CAUSE_DOMAIN_UNRESOLVABLE] = {1, 2},
	[CAUSE_DOMAIN_NOMAIL] = {1, 10}, [CAUSE_SENDER_REFUSED] = {1, 8},
	[CAUSE_IP_BLOCKED] = {7, 1},	 [CAUSE_PTR] = {7, 25},
	[CAUSE_AUTH] = {7, 26},		 [CAUSE_POLICY] = {7, 1},
	[CAUSE_SPAM] = {7, 1},		 [CAUSE_VIRUS] = {7, 1},
	[CAUSE_CONTENT] = {6, 0},	 [CAUSE_SIZE] = {3, 4},
	[CAUSE_RATE] = {7, 0},		 [CAUSE_RELAY_DENIED] = {7, 1},
	[CAUSE_TLS] = {7, 10},		 [CAUSE_PROTOCOL] = {5, 0},
	[CAUSE_NET_OR_ROUTE] = {4, 1},	 [CAUSE_REMOTE_SYSTEM] = {3, 0},
	[CAUSE_LOCAL_DELIVERY] = {3, 0}, [CAUSE_EXPIRED] = {4, 7},
};

const struct cause_row *
cause_row(unsigned cause)
{
	return cause > CAUSE_NONE && cause < CAUSE_MAX ? &cause_rows[cause] : NULL;
}

const char *
cause_str(unsigned cause)
{
	const struct cause_row *row = cause_row(cause);

	if (row)
		return row->name;
	return cause == CAUSE_NONE ? "none" : "?";
}

enum cause
cause_of_name(struct slice name)
{
	for (unsigned i = CAUSE_NONE + 1; i < CAUSE_MAX; i++) {
		if (slice_eq(name, slice_str(cause_rows[i].name)))
			return (enum cause)i;
	}
	return CAUSE_NONE;
}

struct verdict_status
cause_status(unsigned cause, unsigned verdict_class)
{
	static const uint8_t classes[VERDICT_CLASS_MAX] = {
		[VERDICT_OK] = 2, [VERDICT_LATER] = 4, [VERDICT_NEVER] = 5};
	struct verdict_status status = {0};

	if (verdict_class < VERDICT_CLASS_MAX)
		status.class = classes[verdict_class];
	if (cause < CAUSE_MAX && verdict_class != VERDICT_OK) {
		status.subject = cause_statuses[cause].subject;
		status.detail = cause_statuses[cause].detail;
	}
	return status;
}
