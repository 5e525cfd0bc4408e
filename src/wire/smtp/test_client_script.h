/*
 * Runs a written dialogue against the client's machine and compares. A script has a line for each
 * thing that happens, in order:
 *
 *   S: text          the server sends the line; adjacent ones come in one piece, or at random cuts
 *   C: text          the machine sends the line
 *   C: =N=           the content of job N
 *   E: event         the machine tells one, in one of these forms:
 *                      ready
 *                      tls
 *                      result JOB RCPT STAGE HOW CODE x.y.z
 *                      finished JOB OPEN
 *                      closed STAGE HOW CODE
 *   !job             the owner submits the next job
 *   !out             the content is out (only where the script holds it)
 *   !tls-ok, !tls-failed, !quit, !lost, !timeout
 *
 * The runner feeds the lines with S: and !, and demands that those with C: and E: come out as
 * written. CODE is 0 and x.y.z 0.0.0 where no reply belongs to the event.
 */
#ifndef WIRE_SMTP_TEST_CLIENT_SCRIPT_H
#define WIRE_SMTP_TEST_CLIENT_SCRIPT_H

#include "base/test.h"

#include "base/builder.h"
#include "base/prng.h"
#include "wire/smtp/client.h"

#define SCRIPT_JOBS_MAX 6
#define SCRIPT_RCPTS_MAX 12
#define SCRIPT_LOG_MAX 65536

/* How many scripts begin: a session with PIPELINING; and the content of its first job is out. */
#define SCRIPT_PIPELINING                                                                          \
	"S: 220 mx\n"                                                                              \
	"C: EHLO me.test\n"                                                                        \
	"S: 250-mx\n"                                                                              \
	"S: 250 PIPELINING\n"                                                                      \
	"E: ready\n"
#define SCRIPT_CONTENT_OUT                                                                         \
	SCRIPT_PIPELINING                                                                          \
	"C: MAIL FROM:<a@me.test>\n"                                                               \
	"C: RCPT TO:<x@y.test>\n"                                                                  \
	"C: DATA\n"                                                                                \
	"S: 250 ok\n"                                                                              \
	"S: 250 ok\n"                                                                              \
	"S: 354 go\n"                                                                              \
	"C: =0=\n"

struct script_job {
	const char *sender, *rcpts; /* separated by blanks */
	const char *envid, *ret, *auth, *orcpt;
	uint64_t size, size_min; /* size_min 0: size */
	bool eight_bit, utf8;
	uint8_t notify;
};

struct script {
	const char *name;
	const char *lines;
	struct script_job jobs[SCRIPT_JOBS_MAX];
	unsigned submit_count; /* before the greeting */
	enum smtp_client_tls tls;
	const char *login, *password;
	bool login_plain;
	bool hold; /* content is out only at !out */
};

struct script_run {
	const struct script *script;
	struct smtp_client client;
	struct smtp_client_options options;
	struct smtp_client_job jobs[SCRIPT_JOBS_MAX];
	struct smtp_client_rcpt rcpts[SCRIPT_JOBS_MAX][SCRIPT_RCPTS_MAX];
	unsigned next_job;
	uint64_t now_ms;
	struct builder log;
	uint8_t log_room[SCRIPT_LOG_MAX];
	struct prng *prng; /* NULL: whole pieces */
};

/* The greeting is still to come; jobs that are submitted before it are. */
void script_begin(struct script_run *run, const struct script *script, struct prng *prng);
void script_feed(struct script_run *run, struct slice input);
/* What stands behind "!". */
void script_act(struct script_run *run, struct slice act);
/* Each script whole and at ten random cuts; fails with both texts. */
void script_check_all(const struct script *scripts, size_t count);

#endif
