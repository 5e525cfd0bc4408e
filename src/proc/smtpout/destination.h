/*
 * destination: a domain (or the smart host, by the empty name): jobs that wait for a connection,
 * the connections, and where they lead. Exists while it has any of them.
 *
 * A job goes to a connection that is free; else a new one is dialled, as far as queue allows
 * (slots); else it is put ahead behind the jobs of the one with the fewest. Until a first
 * connection is ready only one is dialled, so that a dead host sees one attempt and not twenty.
 */
#ifndef PROC_SMTPOUT_DESTINATION_H
#define PROC_SMTPOUT_DESTINATION_H

#include "proc/smtpout/session.h"
#include "rule/route/mx.h"

/* Addresses that are remembered for their broken TLS. */
#define DESTINATION_PLAIN_MAX 8u

struct destination {
	struct map_node map_node;   /* in out->destinations */
	struct map_node asked_node; /* in out->requests while asking */
	struct list_node all_node, dirty_node, hungry_node;
	struct list_node unasked_node; /* in out->unasked while asking and not asked */
	struct smtpout *out;
	struct slice name; /* behind the struct */
	struct list waiting;
	uint32_t waiting_count;
	struct list sessions; /* ready ones */
	uint32_t session_count;
	struct list dials;
	uint32_t dial_count;
	uint32_t slots;
	bool proven; /* a connection has been ready lately */
	uint64_t pause_until_ms;
	struct rt_timer timer; /* dns is silent; or the pause is over */

	bool asking, asked; /* asked: dns has the question */
	uint32_t request;
	struct arena arenas[2]; /* of the targets in use and of those that come in */
	unsigned arena_index;
	struct mx_target *targets, *incoming; /* address with port */
	uint32_t target_count, incoming_count;
	uint64_t targets_until_ms;
	struct net_addr plain[DESTINATION_PLAIN_MAX];
	uint32_t plain_count;
};

/* Takes the job over; it may be reported at once. */
void destination_add(struct smtpout *out, struct slice name, uint32_t slots, struct job *job);
/* A job that came back untried. */
void destination_take_back(struct destination *destination, struct job *job);

/* Looks at all that were touched: gives jobs, dials, asks, says goodbye, frees. */
void destination_touch(struct destination *destination);
void destination_look_all(struct smtpout *out);
/* Every one: a neighbour is there again. */
void destination_touch_all(struct smtpout *out);
/* The configuration has changed: where they lead is asked for anew. */
void destination_forget_all(struct smtpout *out);
/* Jobs that no connection has are given back: we stop. */
void destination_drop_waiting(struct smtpout *out);
/* All jobs, dials and sessions: queue is gone, or we have no more time. */
void destination_abort_all(struct smtpout *out);

/* From dns. */
void destination_target_in(struct smtpout *out, const struct ipc_dns_target *message);
void destination_answer(struct smtpout *out, const struct ipc_dns_done *message);

/* From dials and sessions. */
void destination_session_ready(struct destination *destination, struct session *session);
void destination_session_gone(struct destination *destination);
/* One of its jobs is done: gives the next ones, without running the session. */
void destination_session_wants(struct destination *destination, struct session *session);
/* Drops the dial. */
void destination_dial_failed(struct destination *destination, struct dial *dial);

#endif
