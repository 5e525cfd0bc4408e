/*
 * directory/auth: verifies logins: PLAIN (RFC 4616), LOGIN, SCRAM-SHA-256 and -PLUS. Knows nothing
 * of channels: an exchange is named by whoever asks and a number.
 *
 * Somebody who does not exist is treated like somebody who does: SCRAM shows a salt that is always
 * the same for the name, PLAIN and LOGIN take the time of a hash. Hashes run in work threads, at
 * most `threads` at once.
 */
#ifndef PROC_DIRECTORY_AUTH_H
#define PROC_DIRECTORY_AUTH_H

#include "log/log.h"
#include "proc/directory/names.h"

#define AUTH_EXCHANGES_MAX 2000
#define AUTH_EXCHANGES_NETWORK_MAX 40 /* of one client network; more are answered "later" */
#define AUTH_WAITING_MAX 500	      /* for a hash; more are answered "later" */
#define AUTH_EXCHANGE_MS 120000

struct auth;

struct auth_peer {
	const void *asker; /* compared only */
	uint32_t request;
};

struct auth_events {
	void *ctx;
	void (*challenge)(void *ctx, const struct auth_peer *peer, struct slice challenge);
	/* The end of an exchange that was not aborted. login: the mailbox's own form, where it is
	 * known; also after a wrong password. */
	void (*result)(void *ctx, const struct auth_peer *peer, enum auth_outcome outcome,
		       struct slice login);
};

struct auth_limits {
	unsigned threads;
	unsigned network_bits4, network_bits6; /* which clients are one network */
};

struct auth_options {
	struct rt *rt;
	struct log *log;
	const struct names *names;
	struct auth_limits limits;
	struct auth_events events;
};

#define AUTH_SESSION_MAX 48

struct auth_begin {
	struct slice mechanism;
	bool has_initial;
	struct slice initial;
	struct slice binding_type, binding; /* empty: the channel cannot be bound */
	struct slice session;		    /* for the log; at most AUTH_SESSION_MAX is kept */
	struct net_addr client;		    /* for the log, and for the limit of its network */
};

/* Takes the time of a hash. ERR_DB, ERR_NO_MEMORY, ERR_UNSUPPORTED. */
int auth_create(const struct auth_options *options, struct auth **ret_auth) MUST_USE;
/* No hash may be at work: see auth_busy. */
void auth_destroy(struct auth **auth);
void auth_set_limits(struct auth *auth, const struct auth_limits *limits);

/* Events may come from inside. */
void auth_begin(struct auth *auth, const struct auth_peer *peer, const struct auth_begin *begin);
void auth_step(struct auth *auth, const struct auth_peer *peer, struct slice response);
/* No event comes any more. Unknown ones are fine. */
void auth_abort(struct auth *auth, const struct auth_peer *peer);
void auth_abort_all(struct auth *auth, const void *asker);

/* Hashes at work or waiting. */
size_t auth_busy(const struct auth *auth);
size_t auth_exchanges(const struct auth *auth);

#endif
