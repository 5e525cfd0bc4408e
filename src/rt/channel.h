/*
 * rt/channel: packets with descriptors between two processes over a SOCK_SEQPACKET pair. The typed
 * messages stand above, in ipc.
 */
#ifndef RT_CHANNEL_H
#define RT_CHANNEL_H

#include "base/slice.h"
#include "rt/rt.h"

#define RT_PACKET_MAX ((size_t)16384)
#define RT_PACKET_FDS_MAX 16

struct rt_channel;

struct rt_channel_events {
	/* The callee owns the descriptors and closes those that it does not want. */
	void (*packet)(void *ctx, struct slice packet, const int *fds, size_t fd_count);
	/* There is room again after ERR_AGAIN. */
	void (*writable)(void *ctx);
	/* Comes once, after the last packet; the owner destroys. ERR_CLOSED: the other side is
	 * gone. ERR_PROTOCOL: its packet was too long. -EMFILE: descriptors did not fit into this
	 * process, and what came with them is lost. */
	void (*closed)(void *ctx, int err);
};

int rt_channel_pair(struct rt *rt, int ret_fds[2]) MUST_USE;
/* Owns fd from now on. */
int rt_channel_create(struct rt *rt, int fd, const struct rt_channel_events *events, void *ctx,
		      struct rt_channel **ret_channel) MUST_USE;
/* 0; ERR_AGAIN when full (nothing sent); ERR_CLOSED. Descriptors are duplicated into the packet:
 * the caller keeps its own. */
int rt_channel_send(struct rt_channel *channel, struct slice packet, const int *fds,
		    size_t fd_count) MUST_USE;
/* Stops (starts again) reading: back-pressure to the sender. */
void rt_channel_pause(struct rt_channel *channel, bool paused);
void rt_channel_destroy(struct rt_channel **channel);

#endif
