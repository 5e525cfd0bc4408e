/*
 * The table of causes, and which enhanced status code (RFC 3463 3, IANA's registry) says the same,
 * for reports about replies that carried none.
 */
#include "wire/verdict/cause.h"

#include "base/assert.h"

static const struct cause_row cause_rows[] = {
#define CAUSE(NAME, name, number, ACTOR, ACTION, SCOPE, sender, admin)                             \
	[VERDICT_CAUSE_##NAME] = {name,                                                            \
				  number,                                                          \
				  VERDICT_ACTOR_##ACTOR,                                           \
				  VERDICT_ACTION_##ACTION,                                         \
				  VERDICT_SCOPE_##SCOPE,                                           \
				  sender,                                                          \
				  admin},
#include "def/causes.def"
#undef CAUSE
};

static const char *const cause_failed_texts[VERDICT_CAUSE_MAX] = {
#define CAUSE(...)
#define FAILED(NAME, sentence) [VERDICT_CAUSE_##NAME] = sentence,
#include "def/causes.def"
#undef FAILED
#undef CAUSE
};

static const struct {
	uint16_t subject, detail;
} cause_statuses[VERDICT_CAUSE_MAX] = {
	[VERDICT_CAUSE_RCPT_UNKNOWN] = {1, 1},	 [VERDICT_CAUSE_RCPT_MOVED] = {1, 6},
	[VERDICT_CAUSE_RCPT_DISABLED] = {2, 1},	 [VERDICT_CAUSE_RCPT_FULL] = {2, 2},
	[VERDICT_CAUSE_RCPT_REFUSED] = {7, 1},	 [VERDICT_CAUSE_DOMAIN_UNRESOLVABLE] = {1, 2},
	[VERDICT_CAUSE_DOMAIN_NOMAIL] = {1, 10}, [VERDICT_CAUSE_SENDER_REFUSED] = {1, 8},
	[VERDICT_CAUSE_IP_BLOCKED] = {7, 1},	 [VERDICT_CAUSE_PTR] = {7, 25},
	[VERDICT_CAUSE_AUTH] = {7, 26},		 [VERDICT_CAUSE_POLICY] = {7, 1},
	[VERDICT_CAUSE_SPAM] = {7, 1},		 [VERDICT_CAUSE_VIRUS] = {7, 1},
	[VERDICT_CAUSE_CONTENT] = {6, 0},	 [VERDICT_CAUSE_SIZE] = {3, 4},
	[VERDICT_CAUSE_RATE] = {7, 0},		 [VERDICT_CAUSE_RELAY_DENIED] = {7, 1},
	[VERDICT_CAUSE_TLS] = {7, 10},		 [VERDICT_CAUSE_PROTOCOL] = {5, 0},
	[VERDICT_CAUSE_NET_OR_ROUTE] = {4, 1},	 [VERDICT_CAUSE_REMOTE_SYSTEM] = {3, 0},
	[VERDICT_CAUSE_LOCAL_DELIVERY] = {3, 0}, [VERDICT_CAUSE_EXPIRED] = {4, 7},
};

const struct cause_row *
cause_row(unsigned cause)
{
	return cause > VERDICT_CAUSE_NONE && cause < VERDICT_CAUSE_MAX ? &cause_rows[cause] : NULL;
}

const char *
cause_sender_text(unsigned cause, bool failed)
{
	ASSERT(cause_row(cause));
	if (failed && cause_failed_texts[cause])
		return cause_failed_texts[cause];
	return cause_rows[cause].sender_text;
}

enum verdict_cause
cause_of_name(struct slice name)
{
	for (unsigned i = VERDICT_CAUSE_NONE + 1; i < VERDICT_CAUSE_MAX; i++) {
		if (slice_eq(name, slice_str(cause_rows[i].name)))
			return (enum verdict_cause)i;
	}
	return VERDICT_CAUSE_NONE;
}

struct verdict_status
cause_status(unsigned cause, unsigned verdict_class)
{
	static const uint8_t classes[VERDICT_CLASS_MAX] = {
		[VERDICT_OK] = 2, [VERDICT_LATER] = 4, [VERDICT_NEVER] = 5};
	struct verdict_status status = {0};

	if (verdict_class < VERDICT_CLASS_MAX)
		status.class = classes[verdict_class];
	if (cause < VERDICT_CAUSE_MAX && verdict_class != VERDICT_OK) {
		status.subject = cause_statuses[cause].subject;
		status.detail = cause_statuses[cause].detail;
	}
	return status;
}
