/*
 * address: the addresses that stand in a line of text.
 */
#ifndef WIRE_BOUNCE_ADDRESS_H
#define WIRE_BOUNCE_ADDRESS_H

#include "base/slice.h"

struct address_found {
	struct slice address; /* local@domain */
	size_t at, end;	      /* where it stands, with its brackets */
	bool bracketed;
};

/* The next address at or behind *at, which moves behind it; in time linear in the line. */
bool address_next(struct slice line, size_t *at, struct address_found *ret_found);
/* The address in a field's value ("rfc822; <user@x>"), else its trimmed words without a type. */
struct slice address_of_value(struct slice value);
/* It has a local part and a domain, and nothing else. */
bool address_is_full(struct slice address);
/* Same for ASCII case, with the number that makes most comparisons short. */
uint32_t address_hash(struct slice address);

/* A From field names MAILER-DAEMON, as its address or beside it. */
bool address_of_daemon(struct slice from);

#endif
