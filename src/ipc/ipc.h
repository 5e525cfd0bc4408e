/*
 * ipc: typed messages between processes. Structs, encoders, decoders and printers are made from
 * def/messages.def; who may send what to whom stands in def/routes.def.
 *
 * A packet (rt/channel) is a run of messages: u16 type, u16 zero, u32 length of the body, body.
 * Messages sent within one turn of the loop travel in as few packets as possible (at its end, or
 * when a packet is full), so batching needs no code in the processes. A malformed message, one off
 * its route, or leftovers drop the channel: closed comes, the process logs, super restarts the
 * sender. Slices in a received message are borrowed until the callback returns; descriptors belong
 * to the receiver (set the field to -1 to keep one; all others are closed after the callback).
 */
#ifndef IPC_IPC_H
#define IPC_IPC_H

#include "base/msg_id.h"
#include "rt/channel.h"
#include "wire/verdict/verdict.h"

/* What may wait in a channel whose receiver is slow. Beyond it ipc_send answers ERR_LIMIT. */
#define IPC_PENDING_BYTES_MAX ((size_t)4 << 20)
/* From here on ipc_full says that the sender should stop taking work in. */
#define IPC_PENDING_BYTES_FULL ((size_t)256 << 10)

enum ipc_role {
#define ROLE(NAME, name, trust, help) IPC_ROLE_##NAME,
#include "def/roles.def"
#undef ROLE
	IPC_ROLE_MAX
};
const char *ipc_role_str(unsigned role);
/* More is trusted more (def/roles.def); 0 for what is no role. */
unsigned ipc_role_trust(unsigned role);
/* There is a route from one to the other. */
bool ipc_roles_speak(unsigned a, unsigned b);

struct ipc_u16s {
	const uint8_t *data; /* little-endian pairs */
	size_t count;
};
/* index < list.count. */
uint16_t ipc_u16s_at(struct ipc_u16s list, size_t index);
/* For sending: numbers in host form, turned in place into the wire's form. */
struct ipc_u16s ipc_u16s_make(uint16_t *numbers, size_t count);

#define IPC_C_u8 uint8_t
#define IPC_C_u16 uint16_t
#define IPC_C_u32 uint32_t
#define IPC_C_u64 uint64_t
#define IPC_C_i64 int64_t
#define IPC_C_flag bool
#define IPC_C_id msg_id
#define IPC_C_bytes struct slice
#define IPC_C_u16s struct ipc_u16s
#define IPC_C_addr struct net_addr
#define IPC_C_verdict struct verdict
#define IPC_C_fd int

#define FIELD(type, name, ...) IPC_C_##type name;
#define MESSAGE(NAME, name, fields)                                                                \
	struct ipc_##name {                                                                        \
		fields                                                                             \
	};
#include "def/messages.def"
#undef MESSAGE
#undef FIELD

enum ipc_type {
#define MESSAGE(NAME, name, fields) IPC_##NAME,
#include "def/messages.def"
#undef MESSAGE
	IPC_TYPE_MAX
};
const char *ipc_type_str(unsigned type);

struct ipc_message {
	enum ipc_type type;
	union {
#define MESSAGE(NAME, name, fields) struct ipc_##name name;
#include "def/messages.def"
#undef MESSAGE
	} u;
};

/* Values of the small enumerations in messages.def. */
enum dir_rcpt_kind {
	DIR_RCPT_NOT_LOCAL,
	DIR_RCPT_LOCAL,
	DIR_RCPT_UNKNOWN,
	DIR_RCPT_LATER,
	DIR_RCPT_KIND_MAX
};
enum auth_outcome {
	AUTH_OUTCOME_OK,
	AUTH_OUTCOME_BAD,
	AUTH_OUTCOME_SYNTAX,
	AUTH_OUTCOME_UNSUPPORTED,
	AUTH_OUTCOME_LATER,
	AUTH_OUTCOME_MAX
};
enum ctl_queue_verb {
	CTL_QUEUE_LIST,
	CTL_QUEUE_SHOW,
	CTL_QUEUE_RETRY,
	CTL_QUEUE_HOLD,
	CTL_QUEUE_RELEASE,
	CTL_QUEUE_DELETE,
	CTL_QUEUE_FLUSH,
	CTL_QUEUE_VERB_MAX
};
enum ctl_rcpt_state {
	CTL_RCPT_WAITING,
	CTL_RCPT_ACTIVE,
	CTL_RCPT_HELD,
	CTL_RCPT_REPORTING,
	CTL_RCPT_SUSPENDED, /* waits for its destination to take mail from us again */
	CTL_RCPT_STATE_MAX
};
enum ctl_directory_object {
	CTL_DIRECTORY_POSTOFFICE,
	CTL_DIRECTORY_DOMAIN,
	CTL_DIRECTORY_MAILBOX,
	CTL_DIRECTORY_ADDRESS,
	CTL_DIRECTORY_OBJECT_MAX
};
enum ctl_directory_verb {
	CTL_DIRECTORY_ADD,
	CTL_DIRECTORY_LIST,
	CTL_DIRECTORY_SHOW,
	CTL_DIRECTORY_SET,
	CTL_DIRECTORY_REMOVE,
	CTL_DIRECTORY_VERB_MAX
};

/* Encoding without a channel: for tests, fuzzing and the pair check of debug builds. ERR_RANGE for
 * a value over its maximum, ERR_LIMIT when it does not fit; of a descriptor only its presence. */
int ipc_encode(struct builder *b, const struct ipc_message *message) MUST_USE;
/* Decodes the body of one message of that type. Descriptors come as -1. */
int ipc_decode(enum ipc_type type, struct slice body, struct ipc_message *ret_message) MUST_USE;

struct ipc_channel;

struct ipc_events {
	void *ctx;
	void (*receive)(void *ctx, struct ipc_channel *from, struct ipc_message *message);
	/* Pending bytes fell below IPC_PENDING_BYTES_FULL again; may be NULL. */
	void (*drained)(void *ctx, struct ipc_channel *channel);
	/* The neighbour is gone (err ERR_CLOSED), broke the rules (ERR_PROTOCOL), or something was
	 * lost here (any other). The owner destroys. */
	void (*closed)(void *ctx, struct ipc_channel *channel, int err);
};

struct ipc_ends {
	enum ipc_role self, peer;
	unsigned self_instance, peer_instance;
};

/* Owns fd. */
int ipc_channel_create(struct rt *rt, int fd, const struct ipc_ends *ends,
		       const struct ipc_events *events, struct ipc_channel **ret_channel) MUST_USE;
/* Not from inside receive of the same channel: then it is deferred to the end of the callback. */
void ipc_channel_destroy(struct ipc_channel **channel);
struct ipc_ends ipc_channel_ends(const struct ipc_channel *channel);
/* Stops reading: back-pressure. */
void ipc_channel_pause(struct ipc_channel *channel, bool paused);

/* 0; ERR_LIMIT when too much is pending; ERR_RANGE for a value over its maximum; ERR_CLOSED.
 * Descriptors in the message stay the caller's (they are duplicated). ASSERTs that the message is
 * on a route from self to peer. */
int ipc_send(struct ipc_channel *channel, const struct ipc_message *message) MUST_USE;
bool ipc_full(const struct ipc_channel *channel);

/* IPC_SEND(channel, JOB_DONE, job_done, .job = 5) */
#define IPC_SEND(channel, NAME, name, ...)                                                         \
	ipc_send((channel), &(struct ipc_message){.type = IPC_##NAME, .u.name = {__VA_ARGS__}})

#endif
