/*
 * The status of a report has the class of its action (RFC 3464 2.3.4): a remote's status of another
 * class (a 4.x.x of the last try before we gave up, or nonsense) is not repeated there; its words
 * stand in Diagnostic-Code anyway. Giving up is X.4.7 (RFC 3463 3.5).
 */
#include "wire/dsn/dsn.h"

#include "base/assert.h"

static const struct {
	const char *word;
	uint8_t verdict_class, status_class;
} dsn_actions[DSN_ACTION_MAX] = {
	[DSN_FAILED] = {"failed", VERDICT_NEVER, 5},
	[DSN_DELAYED] = {"delayed", VERDICT_LATER, 4},
	[DSN_DELIVERED] = {"delivered", VERDICT_OK, 2},
	[DSN_RELAYED] = {"relayed", VERDICT_OK, 2},
};

const char *
dsn_action_str(unsigned action)
{
	return action < DSN_ACTION_MAX ? dsn_actions[action].word : "?";
}

struct slice
dsn_domain(struct slice address)
{
	return slice_from(address, slice_rindex(address, '@') + 1);
}

struct verdict_status
dsn_status(const struct dsn_rcpt *rcpt)
{
	const struct verdict *v = &rcpt->verdict;
	uint8_t class;

	ASSERT(rcpt->action < DSN_ACTION_MAX);
	class = dsn_actions[rcpt->action].status_class;
	if (rcpt->expired)
		return (struct verdict_status){class, 4, 7};
	if (v->status.class == class && (v->status.subject || v->status.detail || class == 2))
		return v->status;
	return cause_status(v->cause, dsn_actions[rcpt->action].verdict_class);
}
