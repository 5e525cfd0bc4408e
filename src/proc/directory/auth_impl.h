/*
 * directory/auth_impl: what the files of auth share; private to them.
 */
#ifndef PROC_DIRECTORY_AUTH_IMPL_H
#define PROC_DIRECTORY_AUTH_IMPL_H

#include "base/list.h"
#include "base/map.h"
#include "proc/directory/auth.h"
#include "proc/directory/password.h"
#include "proc/directory/scram.h"
#include "rt/work.h"

#define PEER_KEY_LEN (sizeof(void *) + sizeof(uint32_t))

struct exchange;
typedef void step_fn(struct exchange *exchange, struct slice message);

struct mechanism {
	struct slice name;
	step_fn *first;		 /* takes the client's first message */
	struct slice invitation; /* the challenge when there was no initial response */
	bool plus;
};

struct check {
	struct rt_work work;
	struct list_node node; /* waiting for a thread */
	bool submitted;	       /* a thread has it, or will */
	struct auth *auth;
	struct exchange *exchange; /* NULL: aborted */
	char password[PASSWORD_MAX];
	size_t password_len;
	char crypt[DB_CRYPT_MAX + 1];
	bool good;
};

struct exchange {
	struct map_node by_peer;
	struct list_node node; /* in all */
	struct auth *auth;
	struct auth_peer peer;
	uint8_t key[PEER_KEY_LEN];
	const struct mechanism *mechanism;
	step_fn *step;
	struct rt_timer deadline;
	struct net_addr client, network;
	uint8_t session[AUTH_SESSION_MAX];
	size_t session_len;
	uint8_t binding_type[32], binding[SCRAM_BINDING_MAX];
	size_t binding_type_len, binding_len;
	bool known; /* there is such a mailbox */
	struct db_mailbox mailbox;
	struct db_password password;
	struct name_text name; /* LOGIN: between its two steps */
	struct scram *scram;
	struct check *check;
};

struct auth {
	struct auth_options options;
	struct map exchanges;
	struct list all;
	size_t exchange_count;
	struct list waiting;
	size_t waiting_count, running; /* checks: for a thread, in one */
	uint8_t secret[DB_KEY_LEN];
	char fake_crypt[DB_CRYPT_MAX + 1];
};

/* The exchange of this check is over: one that waits is dropped, one in a thread ends unheard. */
void auth_check_abort(struct check *check);

/* The mechanisms' first steps. */
step_fn auth_plain_first, auth_login_first, auth_scram_first;

/* Ends the exchange. A login that does not exist is not logged: it may be a mistyped password. */
void auth_finish(struct exchange *exchange, enum auth_outcome outcome, const char *why);
/* Sends a challenge; next takes the answer. */
void auth_challenge(struct exchange *exchange, struct slice text, step_fn *next);
/* Finds out who it is; false when the exchange had to end. */
bool auth_user_find(struct exchange *exchange, struct slice name);

#endif
