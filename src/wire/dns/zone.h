/*
 * dns zone: a file that stands in for the whole DNS, for labs, tests and outside checks.
 *
 *	; comment, or # comment
 *	$TTL 300
 *	name [ttl] TYPE rdata
 *	name [ttl] WORD [TYPE]
 *
 * One record a line; names are complete, the final dot is optional. WORD is one of SERVFAIL,
 * TIMEOUT, NXDOMAIN, NODATA, BOGUS: what a question for this name (and TYPE, where one is given)
 * gets instead of records.
 *
 * Types: those of types.def but SOA. TXT takes words or "quoted strings" and joins them; TLSA takes
 * three numbers and hex. "*.name" is a wildcard (RFC 4592). Every name that is not in the file does
 * not exist. Nothing is relative, nothing spans lines, there are no classes.
 */
#ifndef WIRE_DNS_ZONE_H
#define WIRE_DNS_ZONE_H

#include "base/arena.h"
#include "wire/dns/record.h"

#define DNS_ZONE_TTL 300u
#define DNS_ZONE_TTL_MAX 604800u
/* Bytes of TXT data in one record. */
#define DNS_ZONE_TXT_MAX 65000

struct dns_zone_entry;

struct dns_zone {
	struct dns_zone_entry *entries; /* sorted by name, then as in the file */
	size_t count;
	uint32_t ttl; /* of what is not there: the last $TTL */
};

struct dns_zone_error {
	size_t line, column;  /* from 1 */
	const char *expected; /* "a record type", never NULL after ERR_SYNTAX */
	struct slice got;     /* the word there, borrowed from the text */
};

/* Everything in zone lives in arena. ERR_SYNTAX fills *ret_error; ERR_NO_MEMORY: the arena's cap.
 */
int dns_zone_parse(struct slice text, struct arena *arena, struct dns_zone *ret_zone,
		   struct dns_zone_error *ret_error) MUST_USE;

/* What the zone says, CNAMEs followed. name: text, any case. ERR_SYNTAX or ERR_LIMIT for a name
 * that is none, ERR_NO_MEMORY for the arena (which need not be the zone's). */
int dns_zone_lookup(const struct dns_zone *zone, struct slice name, unsigned type,
		    struct arena *arena, struct dns_answer *ret_answer) MUST_USE;

#endif
