/*
 * net_linux: what net_linux.c and listen_linux.c share. Nobody else includes this.
 */
#ifndef RT_NET_LINUX_H
#define RT_NET_LINUX_H

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "rt/net.h"
#include "rt/rt_linux.h"

struct rt_sockaddr {
	union {
		struct sockaddr any;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
		struct sockaddr_un un;
	};
	socklen_t len;
};

/* addr must have a family. */
void rt_sockaddr_of(const struct net_addr *addr, struct rt_sockaddr *ret_address);
/* NET_FAMILY_NONE for all but IP. */
struct net_addr rt_sockaddr_addr(const struct rt_sockaddr *address);
struct net_addr rt_local_addr(int fd);
/* Owns fd from now on, unless it fails. */
int rt_stream_of_fd(struct rt *rt, int fd, const struct net_addr *peer,
		    struct rt_stream **ret_stream) MUST_USE;

#endif
