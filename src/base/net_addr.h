/*
 * net_addr: an IP address with a port, and a network in CIDR form, as plain values.
 */
#ifndef BASE_NET_ADDR_H
#define BASE_NET_ADDR_H

#include "base/builder.h"

enum net_family {
	NET_FAMILY_NONE = 0,
	NET_FAMILY_4 = 4,
	NET_FAMILY_6 = 6,
};

struct net_addr {
	uint8_t family;	   /* enum net_family */
	uint16_t port;	   /* host order; 0 when it does not matter */
	uint8_t bytes[16]; /* network order; the first 4 for IPv4 */
};

struct net_cidr {
	struct net_addr base;
	uint8_t bits;
};

#define NET_ADDR_TEXT_MAX 56 /* "[" IPv6 "]:" port */

/* "192.0.2.1" or "2001:db8::1", no port. ERR_SYNTAX otherwise. */
int net_addr_parse(struct slice s, struct net_addr *ret_addr) MUST_USE;
/* "192.0.2.1:25" or "[2001:db8::1]:25". ERR_SYNTAX otherwise. */
int net_addr_parse_port(struct slice s, struct net_addr *ret_addr) MUST_USE;
/* "192.0.2.0/24"; an address alone is its own network; host bits must be zero. */
int net_cidr_parse(struct slice s, struct net_cidr *ret_cidr) MUST_USE;

/* Without the port, RFC 5952 form for IPv6. "none" for no address. */
void net_addr_format(struct builder *b, const struct net_addr *addr);
/* With the port. */
void net_addr_format_port(struct builder *b, const struct net_addr *addr);

bool net_addr_eq(const struct net_addr *a, const struct net_addr *b); /* ports ignored */
bool net_cidr_has(const struct net_cidr *cidr, const struct net_addr *addr);
/* 127.0.0.0/8, ::1, and the IPv4-mapped form. */
bool net_addr_is_loopback(const struct net_addr *addr);
/* 0.0.0.0/8, ::, multicast, broadcast: never a destination. */
bool net_addr_is_nowhere(const struct net_addr *addr);
/* From 4 or 16 bytes in network order, port 0; other lengths give no address. */
struct net_addr net_addr_of(struct slice bytes);
/* An IPv4-mapped IPv6 address as IPv4; others unchanged. */
struct net_addr net_addr_unmap(const struct net_addr *addr);
/* The address with all but the first bits set to zero and port 0: the key of a client network. */
struct net_addr net_addr_masked(const struct net_addr *addr, unsigned bits);

#endif
