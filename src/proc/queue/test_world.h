/*
 * test_world: a queue process on a folder, with neighbours that behave: a smtpin and a bounce that
 * write by the real writer, a smtpout and a postoffice that read by the real reader and answer as
 * the test wants. All in one loop.
 */
#ifndef PROC_QUEUE_TEST_WORLD_H
#define PROC_QUEUE_TEST_WORLD_H

#include "proc/queue/queue.h"
#include "rt/test_rt.h"
#include "spool/reader.h"
#include "spool/writer.h"

#define WORLD_DELIVERIES_MAX 4096

struct world;

/* One neighbour of queue. */
struct world_end {
	struct world *world;
	enum ipc_role role;
	unsigned instance;
	struct ipc_channel *queue_side, *own_side;
	struct spool_writer *writer; /* smtpin, bounce */
	struct spool_reader *reader; /* smtpout, postoffice, bounce */
};

struct world_delivery {
	msg_id id;
	uint16_t rcpt;
	uint8_t class;
	bool report;
	char body[64]; /* the end of the content */
	char destination[64];
};

/* Answers the verdict's class for a recipient, or one of those below. */
#define WORLD_SILENT 99
/* Refused for good at the greeting, for our address. */
#define WORLD_CLOSED 98
/* Wants us to come more slowly, at the greeting. */
#define WORLD_SLOWER 97
typedef uint8_t world_answer_fn(struct world *world, const struct ipc_job *job, uint16_t rcpt);

world_answer_fn answer_silent;
world_answer_fn answer_never;
world_answer_fn answer_far_later; /* the local ones are delivered */
world_answer_fn answer_far_never;
world_answer_fn answer_near_ok; /* far.test: later; all others are delivered */

struct world {
	struct test_rt t;
	char path[64];
	bool owns_path;
	struct arena arena;
	struct config config;
	struct boot boot;
	int log_fd;
	struct queue *queue;
	struct world_end smtpin, bounce, smtpout, postoffice, control;
	world_answer_fn *answer;
	bool dsn_passed;
	uint32_t retry_after_s;
	struct slice reply; /* in place of the usual one */
	struct world_delivery deliveries[WORLD_DELIVERIES_MAX];
	size_t delivery_count, job_count;
	/* Commits. */
	size_t accepted_count, refused_count;
	bool lose_indexed;
	msg_id last_id;
	int last_err;
	/* Reports. */
	struct ipc_report_make report_make;
	uint16_t report_rcpts[64];
	size_t report_rcpt_count, report_count;
	uint8_t report_outcome;
	bool bounce_silent;
	char report_reply[64];
	char report_evidence[256];
	bool report_expired;
	/* Control. */
	struct ipc_ctl_queue_row rows[64]; /* the first of row_count */
	char row_rcpts[64][64];
	char row_replies[64][64];
	size_t suspension_count, suspension_total;
	size_t row_count, counter_count, delivered_counted, file_count;
	struct ipc_ctl_done done;
	bool is_done;
	struct world_hunger {
		struct mem mem;
		struct mem *source;
		size_t size;
	} hunger;
};

/* path NULL: a fresh folder. */
void world_begin(struct world *w, const char *path);
/* queue starts, neighbours connect. */
void world_start(struct world *w);
/* The two halves of it: queue begins; neighbours come and are supplied. */
void world_open(struct world *w);
void world_connect_all(struct world *w);
void world_connect(struct world *w, struct world_end *end);
void world_disconnect(struct world *w, struct world_end *end);
/* Ends queue in order. Neighbours stay. */
void world_stop(struct world *w);
/* Ends all; removes the folder if it is the world's own. */
void world_end(struct world *w);
/* Answers so from now on; whatever is to come later comes in an hour. */
void world_defer(struct world *w, world_answer_fn *answer);
void world_run_ms(struct world *w, uint64_t ms);
/* Queue gets no block of this size, or none at all (SIZE_MAX); 0: it does again. */
void world_starve(struct world *w, size_t size);

/* Accepts a message with these recipients ("ann@local" is local, else remote); comes back when it
 * is durable. */
msg_id world_accept(struct world *w, const char *sender, const char *const *rcpts, size_t count,
		    const char *body);
/* Of so many bytes, from me@local. */
msg_id world_accept_large(struct world *w, const char *rcpt, size_t bytes);
/* Of a draft that the test has made; counted when it is durable or refused. */
void world_commit(struct world *w, struct spool_draft **draft, const struct spool_accept *accept);
/* How often the recipient was delivered (class OK). */
size_t world_delivered(const struct world *w, msg_id id, uint16_t rcpt);
/* Nothing is queued, and all of the spool is known. */
bool world_is_empty(const struct world *w);
/* The report that bounce was last asked for, or report_outcome instead. */
void world_report_make(struct world *w);
void world_ctl(struct world *w, uint8_t verb, msg_id id);
size_t world_files(struct world *w, const char *folder);

#define WORLD_WAIT(w, condition) TEST_RT_WAIT(&(w)->t, condition)

#endif
