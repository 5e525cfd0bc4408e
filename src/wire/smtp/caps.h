/*
 * smtp caps: what a server offers, read from its reply to EHLO (RFC 5321 4.1.1.1) line by line,
 * while the reply comes in: what is kept of it to be shown may be less than it said. Unknown
 * keywords and numbers that are none are passed over; nothing here is an error.
 */
#ifndef WIRE_SMTP_CAPS_H
#define WIRE_SMTP_CAPS_H

#include "base/slice.h"

enum smtp_auth {
	SMTP_AUTH_PLAIN = 1,
	SMTP_AUTH_LOGIN = 2,
};

struct smtp_caps {
	bool pipelining;   /* RFC 2920 */
	bool eight_bit;	   /* 8BITMIME, RFC 6152 */
	bool utf8;	   /* SMTPUTF8, RFC 6531 */
	bool dsn;	   /* RFC 3461 */
	bool starttls;	   /* RFC 3207 */
	bool chunking;	   /* RFC 3030 */
	bool status;	   /* ENHANCEDSTATUSCODES, RFC 2034 */
	bool size;	   /* SIZE is offered, RFC 1870 */
	uint8_t auth;	   /* enum smtp_auth bits, RFC 4954 */
	uint64_t size_max; /* 0: no fixed maximum */
	uint32_t mail_max; /* LIMITS, RFC 9422; 0: none named */
	uint32_t rcpt_max;
	uint32_t rcpt_domain_max;
};

/* Adds what a line says that stands behind the first one, without its code. Whether the reply was a
 * 2xx is known at its end: else all of it is to be forgotten. */
void smtp_caps_read(struct smtp_caps *caps, struct slice line);

#endif
