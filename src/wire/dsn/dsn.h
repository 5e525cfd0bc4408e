/*
 * dsn: what a report of delivery tells (RFC 3464), as values. compose.h writes it; the letter for
 * people is made by rule/explain from the same values.
 */
#ifndef WIRE_DSN_DSN_H
#define WIRE_DSN_DSN_H

#include "wire/verdict/cause.h"

#define DSN_RCPTS_MAX 1000
/* Of the original's header at most this much is sent back, in whole fields. */
#define DSN_HEADER_BYTES_MAX ((size_t)64 << 10)
/* Of the letter for people and the fields for programs, whatever the remote sent. */
#define DSN_LETTER_BYTES_MAX ((size_t)1 << 20)
/* Of a report without the original. */
#define DSN_BYTES_MAX ((size_t)4 << 20)
/* Of a remote reply: lines, and bytes of a line, that are shown. */
#define DSN_REPLY_LINES_MAX 64
#define DSN_REPLY_LINE_MAX 900
/* The same in a report about more than DSN_RCPTS_BRIEF recipients. */
#define DSN_RCPTS_BRIEF 50
#define DSN_REPLY_LINES_BRIEF 4
#define DSN_REPLY_LINE_BRIEF 250
/* Different outcomes that the letter tells of; the fields for programs tell of all. */
#define DSN_LETTER_SECTIONS_MAX 20
/* Of any other text of others in a field. */
#define DSN_TEXT_MAX 512

enum dsn_kind { DSN_FAILURE, DSN_DELAY, DSN_SUCCESS, DSN_KIND_MAX };

enum dsn_action {
	DSN_FAILED,
	DSN_DELAYED,
	DSN_DELIVERED,
	DSN_RELAYED, /* to a host that gives no reports */
	DSN_ACTION_MAX
};

struct dsn_rcpt {
	struct slice address; /* local@domain */
	struct slice orcpt;   /* as given: type;xtext; or empty */
	uint8_t action;	      /* enum dsn_action */
	bool expired;	      /* failed because the lifetime ended; verdict is the last real one */
	uint16_t attempts;
	struct verdict verdict; /* explained */
};

struct dsn_report {
	uint8_t kind;		/* enum dsn_kind */
	struct slice host;	/* who reports: our name */
	struct slice id;	/* of the message that the report is about */
	struct slice report_id; /* of the report */
	struct slice unique;	/* letters and digits nobody else knows: the boundary */
	struct slice sender;	/* who gets it; never the null sender */
	struct slice envid;	/* xtext as given, or empty */
	int64_t arrival_s, now_s;
	int64_t retry_until_s;	/* delay: end of the lifetime; 0 unknown */
	int16_t offset_minutes; /* of local time */
	const struct dsn_rcpt *rcpts;
	size_t rcpt_count;
	bool global;	     /* the way back takes UTF-8 (RFC 6533) */
	bool full;	     /* the whole message goes back (RET=FULL, and small enough) */
	struct slice header; /* of the original, as it travels, with its empty line */
	struct slice body;   /* as it travels; used only with full */
};

/* "failed", ... as in the Action field. */
const char *dsn_action_str(unsigned action);

/* The domain behind the last "@"; empty when there is none. */
struct slice dsn_domain(struct slice address);

/* The status for the report: the remote's where its class fits the action, else one that fits. */
struct verdict_status dsn_status(const struct dsn_rcpt *rcpt);

#endif
