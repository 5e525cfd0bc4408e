/*
 * Packets over SOCK_SEQPACKET. One receive buffer serves all channels of a process, since packets
 * are handed out one at a time from the loop. A packet that does not fit or lost descriptors on its
 * way is a broken other side: the channel counts as closed.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "rt/channel.h"
#include "rt/rt_linux.h"

/* Then other channels and timers have their turn. */
#define PACKETS_PER_TURN 16

struct rt_channel {
	struct rt *rt;
	int fd;
	const struct rt_channel_events *events;
	void *ctx;
	struct event readable, writable;
	bool paused, closed;
	bool busy, dead; /* destroyed inside its callback: given back after it */
};

union control {
	struct cmsghdr header;
	char bytes[CMSG_SPACE(sizeof(int) * RT_PACKET_FDS_MAX)];
};

static void on_readable(evutil_socket_t fd, short what, void *arg);
static void on_writable(evutil_socket_t fd, short what, void *arg);

int
rt_channel_pair(struct rt *rt, int ret_fds[2])
{
	int fds[2];

	(void)rt;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) < 0)
		return -errno;
	memcpy(ret_fds, fds, sizeof(fds));
	return 0;
}

int
rt_channel_create(struct rt *rt, int fd, const struct rt_channel_events *events, void *ctx,
		  struct rt_channel **ret_channel)
{
	struct rt_channel *channel;

	if (!rt->packet_buf)
		rt->packet_buf = malloc(RT_PACKET_MAX + 1);
	channel = rt->packet_buf ? MEM_NEW(&rt->mem, struct rt_channel) : NULL;
	if (!channel)
		return ERR_NO_MEMORY;
	channel->rt = rt;
	channel->fd = fd;
	channel->events = events;
	channel->ctx = ctx;
	event_assign(&channel->readable, rt->base, fd, EV_READ | EV_PERSIST, on_readable, channel);
	event_assign(&channel->writable, rt->base, fd, EV_WRITE, on_writable, channel);
	if (event_add(&channel->readable, NULL)) {
		mem_give(&rt->mem, channel, sizeof(*channel));
		return ERR_NO_MEMORY;
	}
	*ret_channel = channel;
	return 0;
}

int
rt_channel_send(struct rt_channel *channel, struct slice packet, const int *fds, size_t fd_count)
{
	union control control;
	struct iovec iov = {(void *)(uintptr_t)packet.data, packet.len};
	struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};
	ssize_t put;

	ASSERT(packet.len > 0 && packet.len <= RT_PACKET_MAX);
	ASSERT(fd_count <= RT_PACKET_FDS_MAX);
	if (fd_count) {
		memset(&control, 0, sizeof(control));
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(sizeof(int) * fd_count);
		memcpy(CMSG_DATA(&control.header), fds, sizeof(int) * fd_count);
		message.msg_control = &control;
		message.msg_controllen = CMSG_SPACE(sizeof(int) * fd_count);
	}
	rt_operation(channel->rt, RT_OPERATION_PACKET, "");
	do
		put = sendmsg(channel->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (put < 0 && errno == EINTR);
	if (put >= 0)
		return 0;
	if (errno == EPIPE || errno == ECONNRESET || errno == ENOTCONN)
		return ERR_CLOSED;
	/* ETOOMANYREFS: too many descriptors in flight, which the other side's reading ends. */
	if (errno != EAGAIN && errno != ENOBUFS && errno != ENOMEM && errno != ETOOMANYREFS)
		return -errno;
	if (event_add(&channel->writable, NULL))
		return ERR_NO_MEMORY;
	return ERR_AGAIN;
}

static size_t
take_fds(struct msghdr *message, int fds[RT_PACKET_FDS_MAX])
{
	size_t count = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		/* The buffer holds RT_PACKET_FDS_MAX; the kernel closes what does not fit. */
		for (size_t at = 0; CMSG_LEN(at + sizeof(int)) <= c->cmsg_len; at += sizeof(int)) {
			ASSERT(count < RT_PACKET_FDS_MAX);
			memcpy(&fds[count++], CMSG_DATA(c) + at, sizeof(int));
		}
	}
	return count;
}

static int
packet_fault(ssize_t got, int flags)
{
	if (got == 0)
		return ERR_CLOSED;
	if (flags & MSG_CTRUNC)
		return -EMFILE;
	return got > (ssize_t)RT_PACKET_MAX || flags & MSG_TRUNC ? ERR_PROTOCOL : 0;
}

/* 1: a packet was handed out; 0: none is waiting; < 0: closed or broken. */
static int
receive_one(struct rt_channel *channel)
{
	union control control;
	struct iovec iov = {channel->rt->packet_buf, RT_PACKET_MAX + 1};
	struct msghdr message = {.msg_iov = &iov,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = sizeof(control)};
	int fds[RT_PACKET_FDS_MAX];
	size_t fd_count;
	ssize_t got;
	int err;

	do
		got = recvmsg(channel->fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return errno == EAGAIN ? 0 : ERR_CLOSED;
	fd_count = take_fds(&message, fds);
	err = packet_fault(got, message.msg_flags);
	if (err) {
		for (size_t i = 0; i < fd_count; i++)
			close(fds[i]);
		return err;
	}
	channel->events->packet(channel->ctx, slice_of(channel->rt->packet_buf, (size_t)got), fds,
				fd_count);
	explicit_bzero(channel->rt->packet_buf, (size_t)got); /* it may have held a password */
	return 1;
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct rt_channel *channel = arg;
	int got = 1;

	(void)fd;
	(void)what;
	rt_turn_enter(channel->rt);
	channel->busy = true;
	for (int i = 0; i < PACKETS_PER_TURN && got > 0 && !channel->dead && !channel->paused; i++)
		got = receive_one(channel);
	if (got < 0 && !channel->dead) {
		channel->closed = true;
		event_del(&channel->readable);
		event_del(&channel->writable);
		channel->events->closed(channel->ctx, got);
	}
	channel->busy = false;
	if (channel->dead)
		mem_give(&channel->rt->mem, channel, sizeof(*channel));
}

static void
on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct rt_channel *channel = arg;

	(void)fd;
	(void)what;
	rt_turn_enter(channel->rt);
	if (channel->events->writable)
		channel->events->writable(channel->ctx);
}

void
rt_channel_pause(struct rt_channel *channel, bool paused)
{
	if (paused == channel->paused)
		return;
	channel->paused = paused;
	if (channel->closed)
		return;
	if (paused)
		event_del(&channel->readable);
	else if (event_add(&channel->readable, NULL))
		event_active(&channel->readable, EV_READ, 1);
}

void
rt_channel_destroy(struct rt_channel **channel)
{
	struct rt_channel *gone = *channel;

	*channel = NULL;
	if (!gone)
		return;
	event_del(&gone->readable);
	event_del(&gone->writable);
	close(gone->fd);
	gone->dead = true;
	if (!gone->busy)
		mem_give(&gone->rt->mem, gone, sizeof(*gone));
}
