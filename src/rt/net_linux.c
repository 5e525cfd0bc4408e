/*
 * Streams by readiness. An idle one costs its struct and the kernel's socket. Reading that is no
 * longer wanted stays registered until it fires once (most sessions want it again before that);
 * writing is dropped at once, since a socket is nearly always writable.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "rt/net_linux.h"

struct rt_stream {
	struct rt *rt;
	rt_stream_fn *fn;
	void *ctx;
	int fd;
	int err; /* of connect, kept since the kernel tells it once */
	bool connected;
	uint8_t wanted, armed; /* RT_READABLE, RT_WRITABLE */
	struct net_addr peer;
	struct event readable, writable;
};

static void
on_event(evutil_socket_t fd, short what, void *arg)
{
	struct rt_stream *stream = arg;
	unsigned events = rt_events_of_ev(what);

	(void)fd;
	rt_turn_enter(stream->rt);
	if (events & RT_READABLE && !(stream->wanted & RT_READABLE)) {
		event_del(&stream->readable);
		stream->armed &= (uint8_t)~RT_READABLE;
	}
	events &= stream->wanted;
	if (events)
		stream->fn(stream->ctx, events);
}

int
rt_stream_of_fd(struct rt *rt, int fd, const struct net_addr *peer, struct rt_stream **ret_stream)
{
	struct rt_stream *stream = MEM_NEW(&rt->mem, struct rt_stream);

	if (!stream)
		return ERR_NO_MEMORY;
	stream->rt = rt;
	stream->fd = fd;
	stream->peer = *peer;
	event_assign(&stream->readable, rt->base, fd, EV_READ | EV_PERSIST, on_event, stream);
	event_assign(&stream->writable, rt->base, fd, EV_WRITE | EV_PERSIST, on_event, stream);
	*ret_stream = stream;
	return 0;
}

void
rt_stream_on_ready(struct rt_stream *stream, rt_stream_fn *fn, void *ctx)
{
	stream->fn = fn;
	stream->ctx = ctx;
}

static void
arm(struct rt_stream *stream, struct event *event, uint8_t bit)
{
	stream->armed |= bit;
	/* Out of memory or of watches: let the owner run into the error by trying. */
	if (event_add(event, NULL))
		event_active(event, rt_events_to_ev(bit), 1);
}

void
rt_stream_want(struct rt_stream *stream, unsigned events)
{
	ASSERT(stream->fn || !events);
	ASSERT(!(events & ~(RT_READABLE | RT_WRITABLE)));
	stream->wanted = (uint8_t)events;
	if (events & RT_READABLE && !(stream->armed & RT_READABLE))
		arm(stream, &stream->readable, RT_READABLE);
	if (events & RT_WRITABLE && !(stream->armed & RT_WRITABLE))
		arm(stream, &stream->writable, RT_WRITABLE);
	if (!(events & RT_WRITABLE) && stream->armed & RT_WRITABLE) {
		event_del(&stream->writable);
		stream->armed &= (uint8_t)~RT_WRITABLE;
	}
}

ssize_t
rt_stream_recv(struct rt_stream *stream, void *buf, size_t len)
{
	ssize_t got;

	ASSERT(len > 0);
	do
		got = recv(stream->fd, buf, len, MSG_DONTWAIT);
	while (got < 0 && errno == EINTR);
	if (got > 0)
		return got;
	if (got == 0)
		return ERR_EOF;
	return errno == EAGAIN ? ERR_AGAIN : -errno;
}

ssize_t
rt_stream_send(struct rt_stream *stream, const struct slice *slices, size_t count)
{
	struct iovec iov[RT_SEND_SLICES_MAX];
	struct msghdr message = {.msg_iov = iov, .msg_iovlen = count};
	ssize_t put;

	ASSERT(count <= RT_SEND_SLICES_MAX);
	for (size_t i = 0; i < count; i++)
		iov[i] = (struct iovec){(void *)(uintptr_t)slices[i].data, slices[i].len};
	rt_operation(stream->rt, RT_OPERATION_SEND, "");
	do
		put = sendmsg(stream->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (put < 0 && errno == EINTR);
	if (put >= 0)
		return put;
	return errno == EAGAIN ? ERR_AGAIN : -errno;
}

void
rt_stream_shutdown(struct rt_stream *stream)
{
	/* Fails only when the other side has gone; then there is nobody to tell. */
	(void)shutdown(stream->fd, SHUT_WR);
}

void
rt_stream_destroy(struct rt_stream **stream)
{
	struct rt *rt;

	if (!*stream)
		return;
	rt = (*stream)->rt;
	event_del(&(*stream)->readable);
	event_del(&(*stream)->writable);
	close((*stream)->fd);
	mem_give(&rt->mem, *stream, sizeof(**stream));
	*stream = NULL;
}

/* Takes fd, also when it fails. */
static int
connect_fd(struct rt *rt, int fd, const struct rt_sockaddr *to, const struct net_addr *peer,
	   struct rt_stream **ret_stream)
{
	int err = 0;

	rt_operation(rt, RT_OPERATION_CONNECT, "");
	if (connect(fd, &to->any, to->len) < 0 && errno != EINPROGRESS)
		err = errno == EAGAIN ? ERR_AGAIN : -errno;
	if (!err)
		err = rt_stream_of_fd(rt, fd, peer, ret_stream);
	if (err)
		close(fd);
	return err;
}

int
rt_stream_connect(struct rt *rt, const struct net_addr *to, const struct net_addr *from,
		  struct rt_stream **ret_stream)
{
	struct rt_sockaddr address;
	int fd, one = 1, err = 0;

	rt_sockaddr_of(to, &address);
	fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) < 0)
		err = -errno;
	if (!err && from) {
		rt_sockaddr_of(from, &address);
		if (setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one)) < 0 ||
		    bind(fd, &address.any, address.len) < 0)
			err = -errno;
	}
	if (err) {
		close(fd);
		return err;
	}
	rt_sockaddr_of(to, &address);
	return connect_fd(rt, fd, &address, to, ret_stream);
}

int
rt_stream_connect_unix(struct rt *rt, const char *path, struct rt_stream **ret_stream)
{
	struct rt_sockaddr address = {.len = sizeof(address.un)};
	struct net_addr none = {0};
	int fd;

	if (strlen(path) >= sizeof(address.un.sun_path))
		return -ENAMETOOLONG;
	address.un.sun_family = AF_UNIX;
	memcpy(address.un.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	return connect_fd(rt, fd, &address, &none, ret_stream);
}

int
rt_stream_connect_result(struct rt_stream *stream)
{
	struct sockaddr_storage peer;
	socklen_t len = sizeof(peer), err_len = sizeof(stream->err);

	if (stream->connected || stream->err)
		return -stream->err;
	if (getsockopt(stream->fd, SOL_SOCKET, SO_ERROR, &stream->err, &err_len) < 0)
		stream->err = errno;
	if (stream->err)
		return -stream->err;
	if (getpeername(stream->fd, (struct sockaddr *)&peer, &len) < 0) {
		if (errno == ENOTCONN)
			return ERR_AGAIN;
		return -errno;
	}
	stream->connected = true;
	return 0;
}

struct net_addr
rt_stream_peer(const struct rt_stream *stream)
{
	return stream->peer;
}

struct net_addr
rt_stream_local(const struct rt_stream *stream)
{
	return rt_local_addr(stream->fd);
}

int
rt_stream_peer_uid(const struct rt_stream *stream, unsigned *ret_uid)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (getsockopt(stream->fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
		return -errno;
	if (len != sizeof(peer) || peer.uid == (uid_t)-1)
		return ERR_UNSUPPORTED;
	*ret_uid = peer.uid;
	return 0;
}

struct rt *
rt_stream_rt(const struct rt_stream *stream)
{
	return stream->rt;
}
