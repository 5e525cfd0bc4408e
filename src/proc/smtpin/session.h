/*
 * session: one connection. session.c moves bytes and time between socket and machine; what events
 * mean is in session_mail.c (MAIL, RCPT), session_message.c (from DATA to 250), session_auth.c.
 *
 * Whoever answers the machine outside of an event's handler calls session_pump afterwards, as its
 * last act: the session may be gone then.
 */
#ifndef PROC_SMTPIN_SESSION_H
#define PROC_SMTPIN_SESSION_H

#include "base/arena.h"
#include "proc/smtpin/smtpin.h"

/* Envelope, trace and header facts of one message. */
#define SESSION_ARENA_BYTES ((size_t)3 << 20)
/* Addresses in From and Sender that are checked against a login. */
#define SESSION_AUTHORS_MAX 10

struct session_rcpt {
	struct session_rcpt *next;
	struct spool_rcpt spool;
	struct smtp_address address; /* its slices live in the arena */
};

struct envelope {
	struct slice sender;
	struct smtp_mail_params mail; /* slices live in the arena */
	struct session_rcpt *first, **last;
	struct session_rcpt *asked; /* being looked up */
	uint32_t rcpt_count;
	bool head_read;
	bool date_missing, id_missing;
	enum admit_reason author; /* by the form of From */
	struct smtp_address authors[SESSION_AUTHORS_MAX];
	size_t author_count, authors_checked;
};

enum session_phase {
	SESSION_HANDSHAKE, /* TLS is being agreed on */
	SESSION_OPEN,
	SESSION_LINGERING, /* all said; waits for the client to close */
	SESSION_GONE,	   /* the connection is closed; a commit is still under way */
};

enum session_question {
	QUESTION_NONE,
	QUESTION_RCPT,
	QUESTION_SENDER,
	QUESTION_AUTHOR,
	QUESTION_AUTH,
};

/* A source of memory that counts (memory.c). */
struct transaction_memory {
	struct mem mem;
	struct smtpin *in;
	size_t used_bytes;
};
void transaction_memory_init(struct transaction_memory *memory, struct smtpin *in);

struct session {
	struct list_node node;
	struct smtpin *in;
	struct service *service;
	struct network *network;
	struct conn *conn;
	struct smtp_server smtp;
	struct rt_timer timer;
	struct map_node request_node;
	struct transaction_memory memory; /* of the arena */
	struct arena arena;
	struct envelope *envelope; /* in the arena; NULL outside a transaction */
	struct spool_draft *draft;
	uint64_t number;	     /* of this process; see session_name */
	uint64_t started_ms, due_ms; /* due: of what is awaited besides the machine */
	struct slice helo, login;    /* own memory */
	struct net_addr client;
	uint32_t request;
	uint32_t messages;
	enum admit_reason refuse; /* at the greeting */
	uint8_t phase, question;
	unsigned wanted;
	bool esmtp, trusted, tls_wanted, committing, pulling, old;
};

/* A new connection; owns stream. */
void session_open(struct listener *listener, struct rt_stream *stream);
void session_pump(struct session *session);
/* The process stops: 421 at the next border. May destroy it. */
void session_stop(struct session *session);
/* At once, with a 421. */
void session_abort(struct session *session);
/* The rest of a session in SESSION_GONE. */
void session_free(struct session *session);

/* To the machine; without session_pump. */
void session_answer(struct session *session, uint16_t code, const char *status, const char *text);
void session_answer_reason(struct session *session, enum admit_reason reason);
/* For an error of the spool or of memory: 452 4.3.1, 451 4.3.1, 451 4.3.2 or 451 4.3.0. */
void session_answer_error(struct session *session, int err);
/* The transaction is over: draft, envelope and arena go. */
void session_transaction_end(struct session *session);
/* A copy in memory of its own instead of *text. */
int session_text_set(struct session *session, struct slice *text, struct slice value) MUST_USE;

/* session_ask.c: one question to the directory at a time. Number of the question, or 0 when it
 * cannot be asked. */
uint32_t session_ask_begin(struct session *session, enum session_question question);
void session_ask_end(struct session *session);
/* Whose question this is, or NULL when nobody waits for it any more. */
struct session *session_by_request(struct smtpin *in, uint32_t request);
/* No answer will come (the directory is away or slow). Pumps. */
void session_ask_failed(struct session *session);
/* From the directory. False when it is no message for sessions. */
bool session_receive(struct smtpin *in, const struct ipc_message *message);

/* Handlers of events. */
void session_on_mail(struct session *session, const struct smtp_server_event *event);
void session_on_rcpt(struct session *session, const struct smtp_server_event *event);
void session_on_data(struct session *session, const struct smtp_server_event *event);
void session_on_body(struct session *session, const struct smtp_server_event *event);
void session_on_message(struct session *session, const struct smtp_server_event *event);
void session_on_auth(struct session *session, const struct smtp_server_event *event);
void session_on_auth_response(struct session *session, const struct smtp_server_event *event);
void session_on_auth_end(struct session *session);

/* Answers of the directory; without session_pump. */
void session_rcpt_answer(struct session *session, const struct ipc_dir_rcpt *answer);
void session_sender_answer(struct session *session, enum admit_bound bound);
void session_author_answer(struct session *session, enum admit_bound bound);
void session_auth_challenge(struct session *session, struct slice challenge);
void session_auth_result(struct session *session, enum auth_outcome outcome, struct slice login);
/* Sends DIR_SENDER_ASK for the address. False when it cannot be asked. */
bool session_ask_bound(struct session *session, enum session_question question,
		       const struct smtp_address *address);

/* sess= in all logs: no other session has it, of any process at any time. */
#define SESSION_NAME_MAX 48
struct slice session_name(const struct session *session, uint8_t buf[SESSION_NAME_MAX]);
void session_log(struct session *session, struct log_line *line, enum log_event event);

#endif
