/*
 * received: the trace field that we put on top of what we accept (RFC 5321 4.4), and the Message-ID
 * for a message that came without one. Everything that a client chose is made harmless on the way.
 */
#ifndef WIRE_MESSAGE_RECEIVED_H
#define WIRE_MESSAGE_RECEIVED_H

#include "base/builder.h"
#include "wire/message/date.h"

/* More of any text in the field is cut (the whole field stays below 2 KiB). */
#define RECEIVED_TEXT_MAX 255
#define RECEIVED_BYTES_MAX 2048

enum received_with {
	RECEIVED_ESMTP = 1, /* EHLO, not HELO */
	RECEIVED_TLS = 2,
	RECEIVED_AUTH = 4,
	RECEIVED_UTF8 = 8,   /* MAIL FROM with SMTPUTF8 */
	RECEIVED_LOCAL = 16, /* made here, no SMTP: no "with" keyword of SMTP */
};

struct received {
	struct slice helo;	  /* empty: not said */
	struct slice client_name; /* from DNS, confirmed; empty: none */
	struct slice client_ip;	  /* text without brackets; empty with helo: "from" is left out */
	struct slice by;	  /* our host name */
	unsigned with;		  /* enum received_with, or-ed */
	struct slice tls;	  /* "TLSv1.3 TLS_AES_256_GCM_SHA384"; empty: none */
	struct slice id;
	struct slice recipient; /* only where there is exactly one (RFC 5321 7.2); empty: none */
	struct date date;
};

/* The keyword of RFC 3848 or RFC 6531 4.3: "ESMTPSA", "UTF8SMTPS". */
const char *received_with_str(unsigned with);

/* The whole field with its last CRLF. */
void received_build(struct builder *b, const struct received *received);

/* Received fields in a header block: hops so far. */
size_t received_count(struct slice block);

/* "<unique@host>": unique and host are ours. */
void message_id_build(struct builder *b, struct slice unique, struct slice host);

#endif
