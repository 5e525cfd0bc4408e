/*
 * dns packet: RFC 1035 4 messages to values, and queries to bytes. Answers and authority are read,
 * the additional section only for the extended rcode (RFC 6891). Types outside types.def keep
 * their raw rdata. Not a resolver: no retries, no matching of ids, no caching.
 */
#ifndef WIRE_DNS_PACKET_H
#define WIRE_DNS_PACKET_H

#include "base/arena.h"
#include "wire/dns/record.h"

#define DNS_PACKET_MAX 65535
/* Records of one section; more is ERR_LIMIT. */
#define DNS_SECTION_RR_MAX 512

enum dns_rcode {
	DNS_RCODE_NOERROR = 0,
	DNS_RCODE_FORMERR = 1,
	DNS_RCODE_SERVFAIL = 2,
	DNS_RCODE_NXDOMAIN = 3,
	DNS_RCODE_REFUSED = 5,
};

struct dns_section {
	struct dns_rr *rr;
	size_t count;
};

struct dns_packet {
	uint16_t id;
	bool response, authoritative, truncated, validated; /* QR AA TC AD */
	unsigned rcode;					    /* extended by OPT where there is one */
	struct slice qname;				    /* empty when there is no question */
	unsigned qtype;
	struct dns_section answer, authority;
};

/* ERR_TRUNCATED, ERR_SYNTAX, ERR_LIMIT, ERR_LEFTOVER, ERR_NO_MEMORY (the arena's cap). */
int dns_packet_parse(struct slice bytes, struct arena *arena,
		     struct dns_packet *ret_packet) MUST_USE;

/* A query with RD and an OPT record that sets DO. ERR_SYNTAX and ERR_LIMIT for the name. */
int dns_query_build(struct builder *b, uint16_t id, struct slice name, unsigned type) MUST_USE;

/* The records of type at the end of the CNAME chain that starts at the question's name: what a
 * resolver's answer means. Loops and chains over DNS_CNAME_MAX are SERVFAIL. */
#define DNS_CNAME_MAX 12
int dns_packet_answer(const struct dns_packet *packet, struct arena *arena,
		      struct dns_answer *ret_answer) MUST_USE;

#endif
