/*
 * test_world: smtpin as a whole: the process with real sockets and a real segment; queue and
 * directory are played here. A client says something and waits for what it must hear.
 */
#ifndef PROC_SMTPIN_TEST_WORLD_H
#define PROC_SMTPIN_TEST_WORLD_H

#include "proc/smtpin/session.h"
#include "rt/test_rt.h"
#include "spool/reader.h"

#define CLIENT_HEARD_MAX 65536

struct client {
	struct conn *conn;
	uint8_t heard[CLIENT_HEARD_MAX];
	size_t heard_len;
	bool closed;
};

struct world {
	struct test_rt t;
	struct boot boot;
	struct arena arena;
	struct config config;
	struct config_listener listeners[3];
	struct smtpin *in;
	struct ipc_channel *to_queue, *queue, *to_directory, *directory;
	struct spool_reader *reader;
	struct ipc_spool_durable durable;
	size_t durable_count;
	struct net_addr addrs[3];
	struct client client;
	bool directory_silent;
	uint32_t auth_request;
	uint64_t read_to;
};

void world_begin(struct world *w);
/* The client goes, and all sessions must end. */
void world_end(struct world *w);
/* The message that was accepted next. */
void world_read_next(struct world *w, struct spool_message *message);

/* Connects to a listener: 0 for mx, 1 for submission, 2 for submissions. */
void client_dial(struct world *w, struct client *client, size_t listener);
void client_tls(struct world *w, struct client *client);
/* The world's own client. */
void client_say(struct world *w, struct slice text);
/* Waits until what was heard ends in text; then it is forgotten. */
void client_hear(struct world *w, const char *text);
void client_talk(struct world *w, const char *text, const char *want);

#define WORLD_WAIT(w, condition) TEST_RT_WAIT(&(w)->t, condition)

#endif
