/*
 * host: names of hosts in options: of this server, and of one that takes our mail.
 */
#ifndef WIRE_CONF_HOST_H
#define WIRE_CONF_HOST_H

#include "base/net_addr.h"

struct conf_host {
	struct slice text;    /* name or address, without the port; into what was read */
	struct net_addr addr; /* no family: text is a name; its port is the one below */
	uint16_t port;	      /* 0: none was given */
};

/* "host", "host:1025", "192.0.2.1", "192.0.2.1:1025", "[2001:db8::1]:1025". ERR_SYNTAX. */
int conf_host_read(struct slice text, struct conf_host *ret_host) MUST_USE;

/* Of this server: ASCII, at least two labels, none that DNS could not hold, not an IP address. */
bool conf_full_name_is_valid(struct slice text);

#endif
