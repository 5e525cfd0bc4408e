/*
 * dns record: one resource record and one answer as values, whatever they were read from (a packet,
 * a zone file). All slices are owned by the arena that the reader was given.
 */
#ifndef WIRE_DNS_RECORD_H
#define WIRE_DNS_RECORD_H

#include "base/slice.h"
#include "base/net_addr.h"

enum dns_type {
#define DNS_TYPE(name, number, rdata) DNS_TYPE_##name = number,
#include "wire/dns/types.def"
#undef DNS_TYPE
};

struct dns_rr {
	struct slice name; /* owner: lower case, no final dot */
	uint16_t type;	   /* any number; only those of types.def have their fields read */
	uint32_t ttl;
	uint16_t preference;		   /* MX */
	uint8_t usage, selector, matching; /* TLSA */
	uint32_t minimum;		   /* SOA: how long a negative answer may be kept */
	struct net_addr address;	   /* A, AAAA */
	struct slice target;		   /* MX, CNAME, NS, PTR; SOA: primary server */
	struct slice data; /* TXT: all strings joined; TLSA: association; unknown: rdata */
};

/* What became of a question. The texts are those of the zone file's pseudo-answers. */
#define DNS_OUTCOMES(X)                                                                            \
	X(OK, "OK")                                                                                \
	X(NODATA, "NODATA")	/* the name exists, not with this type */                          \
	X(NXDOMAIN, "NXDOMAIN") /* the name does not exist */                                      \
	X(SERVFAIL, "SERVFAIL") /* servers fail or refuse */                                       \
	X(TIMEOUT, "TIMEOUT")	/* nobody answers */                                               \
	X(BOGUS, "BOGUS")	/* the answer does not validate */

enum dns_outcome {
#define X(name, text) DNS_##name,
	DNS_OUTCOMES(X)
#undef X
		DNS_OUTCOME_MAX
};

struct dns_answer {
	enum dns_outcome outcome;
	bool secure;		      /* validated by DNSSEC */
	uint32_t ttl;		      /* how long this may be believed, negative answers included */
	struct slice canonical;	      /* the name at the end of the CNAME chain */
	const struct dns_rr *records; /* of the type asked, at canonical */
	size_t count;
	struct slice why; /* for people, when the outcome is a failure; may be empty */
};

/* "MX"; "?" for a number outside types.def. */
const char *dns_type_str(unsigned type);
/* By name, any case; 0 when unknown. */
unsigned dns_type_of(struct slice text);
const char *dns_outcome_str(enum dns_outcome outcome);
/* True for what may be different in an hour: SERVFAIL, TIMEOUT, BOGUS. */
bool dns_outcome_is_temporary(enum dns_outcome outcome);

#endif
