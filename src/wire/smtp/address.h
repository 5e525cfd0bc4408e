/*
 * address: the paths and mailboxes of RFC 5321 4.1.2 and RFC 6531 3.3, strictly: no comments, no
 * obsolete forms, no white space. What it means (ours, relaying, refused) is decided elsewhere:
 * the flags tell how an address was written, so that a rule can refuse a form.
 *
 * The slices of a parsed address point into the text or, for a local part with backslashes, into
 * the caller's scratch; both must outlive it.
 */
#ifndef WIRE_SMTP_ADDRESS_H
#define WIRE_SMTP_ADDRESS_H

#include "base/builder.h"
#include "base/err.h"
#include "base/net_addr.h"
#include "base/slice.h"

/* Octets, RFC 5321 4.5.3.1; the path counts its angle brackets and source route. */
#define SMTP_LOCAL_MAX 64
#define SMTP_DOMAIN_MAX 255
#define SMTP_LABEL_MAX 63
#define SMTP_PATH_MAX 256

enum smtp_address_flag {
	SMTP_ADDRESS_NULL = 1 << 0,	    /* <>: local and domain are empty */
	SMTP_ADDRESS_POSTMASTER = 1 << 1,   /* <Postmaster> without a domain */
	SMTP_ADDRESS_SOURCE_ROUTE = 1 << 2, /* had @a,@b: in front, which is ignored */
	SMTP_ADDRESS_QUOTED = 1 << 3,	    /* local part was in quotes */
	SMTP_ADDRESS_UTF8 = 1 << 4,	    /* needs SMTPUTF8 */
	SMTP_ADDRESS_IP = 1 << 5,	    /* domain is [192.0.2.1] or [IPv6:...]; see ip */
};

struct smtp_address {
	struct slice local;  /* without quotes and backslashes, case kept */
	struct slice domain; /* as written; a literal with its brackets */
	unsigned flags;	     /* enum smtp_address_flag */
	struct net_addr ip;  /* with SMTP_ADDRESS_IP */
};

/*
 * The whole of text as local@domain. ERR_SYNTAX when it is none, ERR_LIMIT when a part is too
 * long. scratch has SMTP_LOCAL_MAX bytes.
 */
int smtp_address_parse(struct slice text, uint8_t *scratch,
		       struct smtp_address *ret_address) MUST_USE;

/*
 * Takes <...> off the front of *rest: a mailbox with or without source route, <> or <Postmaster>.
 * Errors as above; *rest is untouched then.
 */
int smtp_path_parse(struct slice *rest, uint8_t *scratch,
		    struct smtp_address *ret_address) MUST_USE;

/*
 * The one form in which addresses are kept and compared: quoted only where needed, ASCII letters
 * of the domain in lower case, no angle brackets. Nothing for the null path.
 */
void smtp_address_build(struct builder *b, const struct smtp_address *address);

/* A domain name (not a literal) within its limits; underscores are not allowed. */
bool smtp_domain_is_valid(struct slice text);

#endif
