/*
 * ip: IPv4 and IPv6 addresses as values: read from text, written as text, compared with networks.
 *
 * Text is what RFC 4291 2.2 and dotted quads allow, without zone index, port or brackets; written
 * as RFC 5952. An IPv4-mapped IPv6 address stays IPv6 unless ip_unmap is asked. Not a socket
 * address: ports live elsewhere.
 */
#ifndef WIRE_TEXT_IP_H
#define WIRE_TEXT_IP_H

#include "base/builder.h"
#include "base/err.h"
#include "base/slice.h"

enum ip_family { IP_NONE = 0, IP_V4 = 4, IP_V6 = 6 };

/* Longest text of an address: eight groups of four. */
#define IP_TEXT_MAX 39

struct ip {
	uint8_t family;	   /* enum ip_family */
	uint8_t bytes[16]; /* the first 4 for IP_V4, the rest zero */
};

/* The whole of text; ERR_SYNTAX on anything else. */
int ip_parse(struct slice text, struct ip *ret_ip) MUST_USE;
/* From 4 or 16 bytes in network order; other lengths give IP_NONE. */
struct ip ip_of(struct slice bytes);
/* The 4 or 16 bytes, borrowed. */
struct slice ip_bytes(const struct ip *ip);
void ip_build(struct builder *b, const struct ip *ip);

bool ip_eq(const struct ip *a, const struct ip *b);
/* True when the first prefix_bits of both are equal and they are of one family. */
bool ip_in(const struct ip *ip, const struct ip *net, unsigned prefix_bits);
/* An IPv4-mapped address as IPv4; others unchanged. */
struct ip ip_unmap(const struct ip *ip);
/* 127.0.0.0/8, ::1, and the mapped form. */
bool ip_is_loopback(const struct ip *ip);
/* 0.0.0.0/8, ::, multicast, broadcast: never a destination. */
bool ip_is_nowhere(const struct ip *ip);

#endif
