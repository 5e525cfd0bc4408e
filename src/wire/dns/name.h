/*
 * dns name: domain names as text (presentation form, RFC 1035 5.1) and as bytes of a packet.
 *
 * Text is what travels inside Frank: labels with dots between, no final dot needed, "" is the
 * root. Bytes that are no printable ASCII, and dots and backslashes inside a label, are written
 * \DDD. Decoding gives lower case, so that names compare as bytes. U-labels do not exist here:
 * whoever has one makes the A-label first (resolver/idna.h).
 */
#ifndef WIRE_DNS_NAME_H
#define WIRE_DNS_NAME_H

#include "base/builder.h"
#include "base/err.h"
#include "base/slice.h"
#include "base/net_addr.h"

#define DNS_LABEL_MAX 63
#define DNS_NAME_WIRE_MAX 255
/* Longest text: 253 bytes of labels, each as \DDD. */
#define DNS_NAME_TEXT_MAX 1012
/* Longest text of a name without escapes. */
#define DNS_HOST_MAX 253

/* Without one final dot. */
struct slice dns_name_bare(struct slice name);
/* ERR_SYNTAX (empty label, bad escape, byte that must be escaped), ERR_LIMIT (label, name). */
int dns_name_check(struct slice text) MUST_USE;
/* Letters, digits, hyphens (not at the ends of a label) and underscores; an LDH host name. */
bool dns_name_is_host(struct slice text);
/* Ignoring case and a final dot. */
bool dns_name_eq(struct slice a, struct slice b);
/* The name behind the first label; "" for a name of one label and for the root. */
struct slice dns_name_parent(struct slice name);
/* True when name is zone or below it. */
bool dns_name_under(struct slice name, struct slice zone);

/* Text to labels, not compressed. Errors as dns_name_check; the builder's failure stays in it. */
int dns_name_encode(struct slice text, struct builder *b) MUST_USE;
/* The name at *at in packet, as lower-case text without final dot; moves *at behind it. Pointers
 * may only go backwards. ERR_SYNTAX, ERR_TRUNCATED, ERR_LIMIT. */
int dns_name_decode(struct slice packet, size_t *at, struct builder *text) MUST_USE;

/* 1.2.0.192.in-addr.arpa and its IPv6 brother (RFC 3596 2.5). */
void dns_name_reverse(const struct net_addr *addr, struct builder *b);

#endif
