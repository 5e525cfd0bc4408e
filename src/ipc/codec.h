/*
 * codec: what channel.c needs beyond ipc.h: messages inside a packet, descriptors beside them,
 * routes.
 */
#ifndef IPC_CODEC_H
#define IPC_CODEC_H

#include "ipc/ipc.h"

#define IPC_HEADER_BYTES 8u
#define IPC_BODY_BYTES_MAX (RT_PACKET_MAX - IPC_HEADER_BYTES)

struct ipc_fds {
	int fds[RT_PACKET_FDS_MAX];
	size_t count;
	size_t taken; /* decoding: how many messages have claimed */
};

/* Header and body. The descriptors of the message are added to fds (not duplicated). */
int ipc_encode_with_fds(struct builder *b, const struct ipc_message *message,
			struct ipc_fds *fds) MUST_USE;
int ipc_decode_with_fds(enum ipc_type type, struct slice body, struct ipc_fds *fds,
			struct ipc_message *ret_message) MUST_USE;
/* Takes the next message off *rest. ERR_PROTOCOL for anything that is not a whole message. */
int ipc_packet_next(struct slice *rest, enum ipc_type *ret_type, struct slice *ret_body) MUST_USE;

/* Calls fn for each descriptor field that holds one. */
typedef void ipc_fd_fn(void *ctx, int *fd);
void ipc_message_each_fd(struct ipc_message *message, ipc_fd_fn *fn, void *ctx);

/* A bit per message type. */
struct ipc_routes {
	uint64_t bits[(IPC_TYPE_MAX + 63) / 64];
};
struct ipc_routes ipc_routes_between(enum ipc_role from, enum ipc_role to);
bool ipc_routes_have(const struct ipc_routes *routes, unsigned type);

#endif
