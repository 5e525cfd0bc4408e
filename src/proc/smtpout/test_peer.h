/*
 * test_peer: an SMTP server for tests of smtpout, inside the test's own loop. It accepts all unless
 * a rule says otherwise, and keeps a log of what it was sent: one line per command, "=N=" for a
 * content of N bytes, "<" and ">" for a connection that came and went.
 */
#ifndef PROC_SMTPOUT_TEST_PEER_H
#define PROC_SMTPOUT_TEST_PEER_H

#include "base/builder.h"
#include "tls/conn.h"
#include "tls/test_pem.h"

#define PEER_LINKS_MAX 64
#define PEER_LOG_MAX 65536
#define PEER_CONTENT_MAX ((size_t)1 << 20)

/* To a command that begins so (or "@greeting", "."), this is the reply; the first rule that fits.
 * "@close", "@silent", "@tls" (220, then the handshake), "@tls-close" (and then the end) and
 * "@stall" (220, then nothing) and "@deaf" (354, then it reads no more) are actions. count: how
 * often, 0: always. */
struct peer_rule {
	const char *command, *reply;
	unsigned count;
};

struct peer;

struct peer_link {
	struct peer *peer;
	struct conn *conn;
	bool shaking, closes; /* closes: when the handshake is done */
	bool stalled;	      /* dumb from now on */
	bool deaf;	      /* what comes in stays in the socket from now on */
	uint8_t line[4096];
	size_t line_len;
	bool in_data;
	uint8_t out[8192];
	size_t out_len;
};

struct peer {
	struct rt *rt;
	struct rt_listener *listener;
	struct net_addr address;
	struct tls_context *tls; /* made when it is needed */
	unsigned shaken;
	struct peer_rule *rules; /* count is counted down */
	size_t rule_count;
	struct peer_link links[PEER_LINKS_MAX];
	unsigned connects, open, open_most;
	struct builder log;
	uint8_t log_room[PEER_LOG_MAX];
	uint8_t content[PEER_CONTENT_MAX]; /* the last one, with its dot line */
	size_t content_len;
};

/* Listens on 127.0.0.1 and a free port. */
void peer_init(struct peer *peer, struct rt *rt, struct peer_rule *rules, size_t rule_count);
void peer_finish(struct peer *peer);

#endif
