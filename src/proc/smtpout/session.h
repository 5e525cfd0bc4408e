/*
 * session: one connection to a server, from connect to close: the client's machine with a socket.
 * Until it is ready it belongs to a dial; then to its destination, which gives it jobs. Body, dot
 * and the next envelope go out in one write. It frees itself at the end of a turn (session_drop).
 */
#ifndef PROC_SMTPOUT_SESSION_H
#define PROC_SMTPOUT_SESSION_H

#include "proc/smtpout/job.h"
#include "tls/conn.h"

#define SESSION_PIECE_BYTES ((size_t)65536)
#define SESSION_HOST_MAX 255u

struct dial;

struct session {
	struct list_node node; /* in the dial's or the destination's sessions, or in out->dead */
	struct list_node idle_node; /* in out->idle */
	struct smtpout *out;
	struct smtpout_settings *settings;
	struct destination *destination;
	struct dial *dial; /* NULL once it is ready or dead */
	struct conn *conn;
	struct rt_timer timer;
	struct smtp_client_options options;
	struct smtp_client client;

	char host[SESSION_HOST_MAX + 1]; /* empty: it was given as an address */
	struct net_addr address, source;
	bool plain; /* TLS failed there: without */
	bool connecting, shaking, ready, dead, quitting;
	uint64_t begin_ms, connected_ms, idle_ms;
	uint64_t moved_ms; /* the last time bytes went out, or were first wanted to */
	bool blocked;
	uint64_t sent_count; /* jobs */

	struct list jobs;
	uint32_t job_count;

	/* the content that is going out */
	struct job *content;
	uint64_t content_at; /* bytes of it that are out */
	size_t dot_at;	     /* bytes of the end mark that are out */
	uint8_t tail[2];     /* the last bytes of the content so far */
	struct smtp_kept kept;
	uint8_t *piece;		     /* part of a body file; NULL without one */
	struct spool_sum_state *sum; /* of the body file so far */
	size_t piece_at, piece_len;
};

struct session_target {
	struct slice host;
	struct net_addr address; /* with port */
	bool plain;
};

/* Begins to connect. On an error there is none. */
int session_create(struct dial *dial, const struct session_target *target,
		   struct session **ret_session) MUST_USE;
/* Closes at once. Jobs must have been taken from it. */
void session_drop(struct session *session);
/* Really frees those that were dropped; at the end of a turn. */
void session_bury(struct smtpout *out);

/* It is ready, and its peer may get one more job now. */
bool session_can_take(const struct session *session, uint32_t jobs_max);
/* The job's record must be open. */
void session_give(struct session *session, struct job *job);
/* Does all that can be done now: events, writing. The session may be dead afterwards. */
void session_run(struct session *session);
/* Says QUIT; only without jobs. */
void session_quit(struct session *session);
/* Closes and gives its jobs back. */
void smtpout_session_abort(struct session *session);

/* Fills host and addresses in. */
void session_sign(const struct session *session, struct verdict *verdict);

#endif
