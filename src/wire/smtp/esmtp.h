/*
 * esmtp: the parameters of MAIL and RCPT (RFC 5321 4.1.2 Mail-parameters, RFC 6531 3.3) and those
 * values that client and server must read alike.
 */
#ifndef WIRE_SMTP_ESMTP_H
#define WIRE_SMTP_ESMTP_H

#include "base/err.h"
#include "base/slice.h"

/* Characters on the wire: RFC 3461 4.4 and 4.2. */
#define SMTP_ENVID_MAX 100
#define SMTP_ORCPT_MAX 500

enum smtp_body {
	SMTP_BODY_NOT_SAID,
	SMTP_BODY_7BIT,
	SMTP_BODY_8BITMIME,
};

enum smtp_ret {
	SMTP_RET_NOT_SAID,
	SMTP_RET_FULL,
	SMTP_RET_HDRS,
};

/* NOTIFY; 0 is not said. NEVER stands alone. */
enum smtp_notify {
	SMTP_NOTIFY_NEVER = 1 << 0,
	SMTP_NOTIFY_SUCCESS = 1 << 1,
	SMTP_NOTIFY_FAILURE = 1 << 2,
	SMTP_NOTIFY_DELAY = 1 << 3,
};

struct smtp_param {
	struct slice keyword;
	struct slice value; /* what stands behind "=" */
	bool has_value;
};

/* Takes the next parameter, with the space before it, off *rest: 1 for one, 0 at the end, or
 * ERR_SYNTAX. Spaces at the end are none. */
int smtp_param_next(struct slice *rest, struct smtp_param *ret_param) MUST_USE;

/* NOTIFY's value; ERR_SYNTAX for NEVER among others, repeated or unknown words. */
int smtp_notify_parse(struct slice value, unsigned *ret_notify) MUST_USE;
/* ORCPT's value is addr-type ";" xtext (or unitext for utf-8, RFC 6533 3). */
bool smtp_orcpt_is_valid(struct slice value);
/* ENVID's value: xtext of printable characters. */
bool smtp_envid_is_valid(struct slice value);

#endif
