/*
 * admit: who may connect, relay, and send as whom. Pure decisions over values; what is asked of the
 * directory is asked by the caller. Every answer is a row of reasons.def.
 */
#ifndef RULE_ADMIT_ADMIT_H
#define RULE_ADMIT_ADMIT_H

#include "wire/smtp/address.h"

enum admit_reason {
#define REASON(NAME, name, code, status, text) ADMIT_##NAME,
#include "rule/admit/reasons.def"
#undef REASON
	ADMIT_REASON_MAX
};

const char *admit_reason_str(enum admit_reason reason);
uint16_t admit_reason_code(enum admit_reason reason);
const char *admit_reason_status(enum admit_reason reason);
const char *admit_reason_text(enum admit_reason reason);
static inline bool
admit_refuses(enum admit_reason reason)
{
	return admit_reason_code(reason) >= 400;
}

/* May relay: logged in, or from a listed network. */
struct admit_client {
	bool authenticated;
	bool trusted;
};

/* Whose the recipient is, by the directory. */
enum admit_place {
	ADMIT_PLACE_LOCAL,     /* a mailbox of ours */
	ADMIT_PLACE_UNKNOWN,   /* our domain, no such mailbox */
	ADMIT_PLACE_ELSEWHERE, /* not our domain */
	ADMIT_PLACE_LATER,     /* cannot be told now */
};

/* A recipient before the directory is asked: OK, or a form that is never taken. */
enum admit_reason admit_rcpt_form(const struct smtp_address *address);
/* A recipient with the directory's answer. */
enum admit_reason admit_rcpt(const struct smtp_address *address, enum admit_place place,
			     const struct admit_client *client);

/* Whether a login may use an address, by the directory. */
enum admit_bound {
	ADMIT_BOUND_NO,
	ADMIT_BOUND_YES,
	ADMIT_BOUND_LATER,
};

/* The envelope sender of a session that is logged in. */
enum admit_reason admit_sender(enum admit_bound bound);
/* One address of From. */
enum admit_reason admit_author(enum admit_bound bound);
/* The From fields as such (RFC 6409 6.1, RFC 5322 3.6.2): how many fields, how many addresses. */
enum admit_reason admit_author_fields(size_t fields, size_t addresses);

#endif
