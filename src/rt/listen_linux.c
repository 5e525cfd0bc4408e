/*
 * Listening sockets. TCP_NODELAY is set on the listener: Linux hands it on to what is accepted,
 * which saves a system call per connection. Out of descriptors or buffers, accepting rests for a
 * second; else the readiness that cannot be served would spin the loop.
 */
#include <errno.h>
#include <ifaddrs.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rt/net_linux.h"

#define ACCEPT_REST_MS 1000

struct rt_listener {
	struct rt *rt;
	int fd;
	rt_accept_fn *fn;
	void *ctx;
	struct event event;
	struct rt_timer rest;
	bool paused;
	bool busy, dead; /* destroyed inside its callback: given back after it */
};

void
rt_sockaddr_of(const struct net_addr *addr, struct rt_sockaddr *ret_address)
{
	*ret_address = (struct rt_sockaddr){0};
	ASSERT(addr->family == NET_FAMILY_4 || addr->family == NET_FAMILY_6);
	if (addr->family == NET_FAMILY_4) {
		ret_address->in.sin_family = AF_INET;
		ret_address->in.sin_port = htons(addr->port);
		memcpy(&ret_address->in.sin_addr, addr->bytes, sizeof(ret_address->in.sin_addr));
		ret_address->len = sizeof(ret_address->in);
		return;
	}
	ret_address->in6.sin6_family = AF_INET6;
	ret_address->in6.sin6_port = htons(addr->port);
	memcpy(&ret_address->in6.sin6_addr, addr->bytes, sizeof(ret_address->in6.sin6_addr));
	ret_address->len = sizeof(ret_address->in6);
}

struct net_addr
rt_sockaddr_addr(const struct rt_sockaddr *address)
{
	struct net_addr addr = {0};

	if (address->any.sa_family == AF_INET) {
		addr = net_addr_of(slice_of(&address->in.sin_addr, sizeof(address->in.sin_addr)));
		addr.port = ntohs(address->in.sin_port);
	} else if (address->any.sa_family == AF_INET6) {
		addr = net_addr_of(
			slice_of(&address->in6.sin6_addr, sizeof(address->in6.sin6_addr)));
		addr.port = ntohs(address->in6.sin6_port);
	}
	return addr;
}

struct net_addr
rt_local_addr(int fd)
{
	struct rt_sockaddr address = {.len = sizeof(address.un)};

	if (getsockname(fd, &address.any, &address.len) < 0)
		return (struct net_addr){0};
	return rt_sockaddr_addr(&address);
}

static struct net_addr
interface_addr(const struct ifaddrs *entry)
{
	struct rt_sockaddr address = {0};
	int family = entry->ifa_addr ? entry->ifa_addr->sa_family : AF_UNSPEC;

	if (family == AF_INET)
		memcpy(&address.in, entry->ifa_addr, sizeof(address.in));
	else if (family == AF_INET6)
		memcpy(&address.in6, entry->ifa_addr, sizeof(address.in6));
	else
		return (struct net_addr){0};
	return rt_sockaddr_addr(&address);
}

size_t
rt_own_addrs(struct rt *rt, struct net_addr *addrs, size_t max)
{
	struct ifaddrs *first = NULL;
	size_t count = 0;

	(void)rt;
	if (getifaddrs(&first) < 0)
		return 0;
	for (struct ifaddrs *entry = first; entry && count < max; entry = entry->ifa_next) {
		struct net_addr addr = interface_addr(entry);

		if (addr.family != NET_FAMILY_NONE && !net_addr_is_loopback(&addr))
			addrs[count++] = addr;
	}
	freeifaddrs(first);
	return count;
}

int
rt_listen(struct rt *rt, const struct net_addr *addr, int *ret_fd)
{
	struct rt_sockaddr address;
	int fd, one = 1, err = 0;

	(void)rt;
	rt_sockaddr_of(addr, &address);
	fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 ||
	    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) < 0 ||
	    (addr->family == NET_FAMILY_6 &&
	     setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one)) < 0) ||
	    bind(fd, &address.any, address.len) < 0 || listen(fd, RT_LISTEN_BACKLOG) < 0)
		err = -errno;
	if (err) {
		close(fd);
		return err;
	}
	*ret_fd = fd;
	return 0;
}

int
rt_listen_unix(struct rt *rt, int dir_fd, const char *name, unsigned mode, int *ret_fd)
{
	struct rt_sockaddr address = {.len = sizeof(address.un)};
	int fd, len, err = 0;

	(void)rt;
	if (!*name || strchr(name, '/'))
		return -EINVAL;
	address.un.sun_family = AF_UNIX;
	len = snprintf(address.un.sun_path, sizeof(address.un.sun_path), "/proc/self/fd/%d/%s",
		       dir_fd, name);
	if (len < 0 || (size_t)len >= sizeof(address.un.sun_path))
		return -ENAMETOOLONG;
	if (unlinkat(dir_fd, name, 0) < 0 && errno != ENOENT)
		return -errno;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	/* Nobody can connect before listen, so the mode is right in time. */
	if (bind(fd, &address.any, address.len) < 0 ||
	    fchmodat(dir_fd, name, (mode_t)mode, 0) < 0 || listen(fd, RT_LISTEN_BACKLOG) < 0)
		err = -errno;
	if (err) {
		close(fd);
		return err;
	}
	*ret_fd = fd;
	return 0;
}

/* Errors of one connection that has gone already, or of its network: the next may be fine. */
static bool
accept_may_go_on(int error)
{
	return error == EINTR || error == ECONNABORTED || error == EPERM || error == EPROTO ||
	       error == ENETDOWN || error == ENETUNREACH || error == EHOSTDOWN ||
	       error == EHOSTUNREACH || error == ENOPROTOOPT || error == EOPNOTSUPP ||
	       error == ENONET;
}

/* 1: handed a stream to the owner; 0: nothing is waiting; < 0: an error for the owner. */
static int
accept_one(struct rt_listener *listener, struct rt_stream **ret_stream)
{
	struct rt_sockaddr address = {.len = sizeof(address.un)};
	struct net_addr peer;
	int fd, err;

	for (int i = 0; i < RT_ACCEPTS_PER_TURN; i++) {
		rt_operation(listener->rt, RT_OPERATION_ACCEPT, "");
		fd = accept4(listener->fd, &address.any, &address.len,
			     SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0 || !accept_may_go_on(errno))
			break;
		address.len = sizeof(address.un);
	}
	if (fd < 0)
		return errno == EAGAIN || accept_may_go_on(errno) ? 0 : -errno;
	peer = rt_sockaddr_addr(&address);
	err = rt_stream_of_fd(listener->rt, fd, &peer, ret_stream);
	if (err)
		close(fd);
	return err ? err : 1;
}

static void
on_acceptable(evutil_socket_t fd, short what, void *arg)
{
	struct rt_listener *listener = arg;

	(void)fd;
	(void)what;
	rt_turn_enter(listener->rt);
	listener->busy = true;
	for (int i = 0; i < RT_ACCEPTS_PER_TURN && !listener->dead && !listener->paused; i++) {
		struct rt_stream *stream = NULL;
		int got = accept_one(listener, &stream);

		if (got == 0)
			break;
		if (got < 0) {
			event_del(&listener->event);
			rt_timer_arm(&listener->rest, ACCEPT_REST_MS);
			listener->fn(listener->ctx, NULL, got);
			break;
		}
		listener->fn(listener->ctx, stream, 0);
	}
	listener->busy = false;
	if (listener->dead)
		mem_give(&listener->rt->mem, listener, sizeof(*listener));
}

static void
listen_again(struct rt_listener *listener)
{
	rt_timer_disarm(&listener->rest);
	if (event_add(&listener->event, NULL))
		rt_timer_arm(&listener->rest, ACCEPT_REST_MS);
}

static void
on_rest_over(void *ctx)
{
	struct rt_listener *listener = ctx;

	if (!listener->paused)
		listen_again(listener);
}

int
rt_listener_create(struct rt *rt, int fd, rt_accept_fn *fn, void *ctx,
		   struct rt_listener **ret_listener)
{
	struct rt_listener *listener = MEM_NEW(&rt->mem, struct rt_listener);

	if (!listener)
		return ERR_NO_MEMORY;
	listener->rt = rt;
	listener->fd = fd;
	listener->fn = fn;
	listener->ctx = ctx;
	rt_timer_init(&listener->rest, rt, on_rest_over, listener);
	if (event_assign(&listener->event, rt->base, fd, EV_READ | EV_PERSIST, on_acceptable,
			 listener) ||
	    event_add(&listener->event, NULL)) {
		mem_give(&rt->mem, listener, sizeof(*listener));
		return ERR_NO_MEMORY;
	}
	*ret_listener = listener;
	return 0;
}

void
rt_listener_pause(struct rt_listener *listener, bool paused)
{
	if (paused == listener->paused)
		return;
	listener->paused = paused;
	if (paused) {
		event_del(&listener->event);
		rt_timer_disarm(&listener->rest);
	} else {
		listen_again(listener);
	}
}

void
rt_listener_destroy(struct rt_listener **listener)
{
	struct rt_listener *gone = *listener;

	*listener = NULL;
	if (!gone)
		return;
	event_del(&gone->event);
	rt_timer_finish(&gone->rest);
	close(gone->fd);
	gone->dead = true;
	if (!gone->busy)
		mem_give(&gone->rt->mem, gone, sizeof(*gone));
}

int
rt_listener_addr(const struct rt_listener *listener, struct net_addr *ret_addr)
{
	struct net_addr addr = rt_local_addr(listener->fd);

	if (addr.family == NET_FAMILY_NONE)
		return ERR_UNSUPPORTED;
	*ret_addr = addr;
	return 0;
}
