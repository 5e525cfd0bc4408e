/*
 * sim/kernel: what a kernel has: open files, inodes, names, channels, sockets. All of it belongs to
 * the world and is counted; it outlives the processes that use it. Private to this folder.
 */
#ifndef RT_SIM_KERNEL_H
#define RT_SIM_KERNEL_H

#include "base/assert.h"
#include "rt/channel.h"
#include "rt/file.h"
#include "rt/sim/inode.h"
#include "rt/sim/net.h"

struct sim_proc;

enum sim_kind {
	SIM_NULL,
	SIM_LOG,
	SIM_FILE,
	SIM_DIR,
	SIM_MEMORY,
	SIM_PROGRAM,
	SIM_CHANNEL,
	SIM_LISTENER,
	SIM_STREAM,
};

/* An open file description; descriptors of processes refer to it. */
struct sim_desc {
	struct sim_world *world;
	enum sim_kind kind;
	unsigned refs;
	unsigned flags; /* enum rt_open_flags */
	uint64_t offset;
	bool sealed;
	union {
		struct sim_inode *inode;
		const struct sim_program *program;
		struct sim_end *end;
		struct sim_listener *listener;
		struct sim_sock *sock;
	} u;
};

/* One end of a channel. */
struct sim_packet {
	struct sim_event event;
	struct list_node node;
	struct sim_end *to;
	bool arrived, end; /* end: the other side has closed */
	size_t len, fd_count;
	struct sim_desc *fds[RT_PACKET_FDS_MAX];
	uint8_t data[];
};

struct sim_end {
	struct sim_world *world;
	unsigned refs; /* its description, packets under way, the other end */
	bool closed, peer_closed;
	struct sim_end *peer;
	struct list packets; /* struct sim_packet, for us */
	size_t packet_count, packet_bytes;
	uint64_t last_us;
	struct rt_channel *owner;
};

struct sim_listener {
	struct sim_world *world;
	struct list_node node;
	unsigned refs;
	struct net_addr addr;
	bool closed, silent;
	struct list backlog; /* sim_sock.backlog */
	size_t backlog_count;
	struct list owners; /* struct rt_listener.of_listener */
	sim_accept_fn *fn;
	void *ctx;
	struct sim_event event;
};

struct sim_sock {
	struct sim_world *world;
	struct list_node node;
	unsigned refs; /* its holder, what is under way to it, its peer */
	struct sim_sock *peer;
	struct net_addr local, remote;
	bool connecting, connected, held, shut, eof;
	int err;
	uint8_t *rx;
	size_t rx_from, rx_to, rx_cap, under_way, window;
	uint64_t last_us;
	struct list_node backlog;
	struct sim_listener *target;
	struct list ways; /* struct sim_way to here */
	struct sim_event event;
	/* One of both. */
	struct rt_stream *owner;
	sim_sock_fn *fn;
	void *ctx;
	struct sim_event notice;
};

/* desc.c */
struct sim_desc *sim_desc_make(struct sim_world *world, enum sim_kind kind);
const char *sim_kind_str(enum sim_kind kind);
struct sim_desc *sim_desc_ref(struct sim_desc *desc);
void sim_desc_unref(struct sim_desc *desc);
/* Takes the reference; -EMFILE leaves it with the caller. */
int sim_fd_add(struct sim_proc *proc, struct sim_desc *desc, int *ret_fd) MUST_USE;
void sim_fd_set(struct sim_proc *proc, int fd, struct sim_desc *desc);
struct sim_desc *sim_fd(struct rt *rt, int fd); /* NULL: bad */
void sim_fd_close(struct sim_proc *proc, int fd);

/* file.c */
/* A part may have gone in when it fails. */
int sim_desc_write(struct rt *rt, struct sim_desc *desc, struct slice data) MUST_USE;

/* sock.c */
void sim_sock_unref(struct sim_sock *sock);
void sim_sock_finish(struct sim_sock *sock, bool hard);
struct sim_sock *sim_sock_make(struct sim_world *world);
int sim_sock_connect(struct sim_sock *sock, const struct net_addr *to);
unsigned sim_sock_events(const struct sim_sock *sock);
ssize_t sim_sock_take(struct sim_sock *sock, void *buf, size_t len);
ssize_t sim_sock_give(struct sim_sock *sock, const struct slice *slices, size_t count);
void sim_sock_shut(struct sim_sock *sock);
void sim_sock_break(struct sim_sock *sock);
void sim_socks_finish(struct sim_world *world);
void sim_net_finish(struct sim_world *world);
struct sim_listener *sim_listener_make(struct sim_world *world, const struct net_addr *addr);
void sim_listener_unref(struct sim_listener *listener);
struct sim_listener *sim_listener_find(struct sim_world *world, const struct net_addr *addr);
struct sim_sock *sim_listener_take(struct sim_listener *listener);

/* actor.c */
void sim_listener_actor_notice(struct sim_listener *listener);

/* channel.c */
void sim_end_close(struct sim_end *end);
void sim_end_unref(struct sim_end *end);

#endif
