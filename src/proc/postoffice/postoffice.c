/*
 * Jobs wait in a list; their recipients are delivered in order, so many at once over all jobs.
 * What is done within one turn of the loop is told queue in one message per job and outcome. What
 * cannot be sent (the channel is full, memory is short) is kept and sent later: a JOB_DONE without
 * its JOB_RESULT would have mail delivered again that lies in the mailbox. A local fault is
 * temporary, always: mail is not lost because our disk is full.
 */
#include "proc/postoffice/postoffice.h"

#include <errno.h>
#include <string.h>

#include "base/assert.h"
#include "proc/postoffice/delivery.h"
#include "rule/explain/explain.h"

#define REPORT_AGAIN_MS 50

/* A recipient that has come to its end without a delivery. */
struct failure {
	uint16_t rcpt;
	int err;
	uint32_t took_ms;
};

struct job {
	struct list_node node; /* of postoffice.jobs */
	struct postoffice *postoffice;
	struct ipc_job ipc;
	uint16_t *rcpts;
	size_t rcpt_room, rcpt_count;
	size_t begun, ended, told;
	bool open;
	bool orphan; /* the queue that granted it is gone: nothing is told */
	struct delivery_source source;
	/* Delivered and not told yet. */
	uint16_t *good;
	size_t good_count;
	uint64_t begun_us;
	uint32_t took_ms; /* the longest of those */
	/* Failed and not told yet. Room for all: keeping an outcome must not need memory. */
	struct failure *failures;
	size_t failure_count;
};

/* A delivery under way. */
struct carrier {
	struct delivery delivery;
	struct job *job;
	uint16_t rcpt;
	uint64_t begun_us;
};

struct counters {
	uint64_t delivered, faults, loops;
};

struct postoffice {
	struct boot *boot;
	struct rt *rt;
	struct ipc_channel *queue;
	struct spool_reader *reader;
	struct mailbox_store store;
	bool has_store;
	struct list jobs;
	size_t job_count, active;
	/* Ended, but the channel was full: queue is still to be told. It counts them as ours, so
	 * that there are never more of these and of jobs than so many. */
	uint64_t untold[POSTOFFICE_JOBS_MAX];
	size_t untold_count;
	uint64_t unique, file_count;
	struct rt_hook report_hook;
	struct rt_timer report_again;
	struct counters counters;
	bool started, stopping, stopped;
};

static void jobs_advance(struct postoffice *p);

/* What an error of ours means to the sender and to the administrator. */
static const struct fault {
	int err;
	uint16_t subject, detail;
	const char *text;
} faults[] = {
	{-ENOSPC, 3, 1, "no room on the disk of the mail store"},
	{-EDQUOT, 3, 1, "disk quota of the mail store is used up"},
	{-EROFS, 3, 0, "the mail store cannot be written"},
	{-EACCES, 3, 0, "no permission in the mail store"},
	{-EPERM, 3, 0, "no permission in the mail store"},
	{-EIO, 3, 0, "the disk of the mail store has a fault"},
	{ERR_SYNTAX, 3, 5, "the mailbox has a name that cannot be a folder"},
	{ERR_NO_MEMORY, 3, 0, "out of memory"},
	{ERR_LIMIT, 3, 2, "too many deliveries wait"},
};

static struct verdict
verdict_of(struct postoffice *p, int err)
{
	struct verdict v = {
		.class = err ? VERDICT_LATER : VERDICT_OK,
		.stage = VERDICT_STAGE_LOCAL,
		.status = {err ? 4 : 2, err ? 3 : 0, 0},
		.reply = err ? SLICE("the mail store did not take it") : SLICE_EMPTY,
		.wall_ms = rt_wall_ms(p->rt),
	};

	if (err == ERR_EXISTS) {
		v.class = VERDICT_NEVER;
		v.status = (struct verdict_status){5, 4, 6};
		v.reply = SLICE("the message has been in this mailbox before: a mail loop");
	}
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		if (err && faults[i].err == err) {
			v.status.subject = faults[i].subject;
			v.status.detail = faults[i].detail;
			v.reply = slice_str(faults[i].text);
		}
	}
	explain_verdict(&v);
	return v;
}

static void
fault_log(struct postoffice *p, const struct job *job, uint16_t rcpt, int err)
{
	const struct spool_accept *accept = &job->source.message.accept;
	struct log_line line;

	log_begin(&line, p->boot->log, EVENT_postoffice_fault);
	log_msg(&line, job->ipc.message);
	if (job->open && rcpt < accept->rcpt_count)
		log_text(&line, "mailbox", accept->rcpts[rcpt].target);
	log_err(&line, err);
	log_end(&line);
}

/* False: it has to be sent again. A channel that is closed has nobody at its end. */
static bool
is_sent(int err)
{
	return err == 0 || err == ERR_CLOSED;
}

/* Tells queue this outcome of these recipients. False: not now. */
static bool
result_tell(struct job *job, const uint16_t *rcpts, size_t count, const struct verdict *v)
{
	uint16_t numbers[SPOOL_RCPTS_MAX]; /* turned in place, and rcpts may be sent again */
	struct postoffice *p = job->postoffice;

	ASSERT(p->queue && count <= SPOOL_RCPTS_MAX);
	memcpy(numbers, rcpts, count * sizeof(numbers[0]));
	return is_sent(IPC_SEND(p->queue, JOB_RESULT, job_result, .job = job->ipc.job,
				.rcpts = ipc_u16s_make(numbers, count), .verdict = *v));
}

static bool
done_tell(struct postoffice *p, uint64_t job)
{
	return is_sent(IPC_SEND(p->queue, JOB_DONE, job_done, .job = job));
}

static void
job_destroy(struct job *job)
{
	struct postoffice *p = job->postoffice;
	struct mem *mem = rt_mem(p->rt);

	ASSERT(job->begun == job->ended);
	list_remove(&job->node);
	if (job->open)
		delivery_source_close(&job->source, p->rt);
	p->job_count--;
	mem_give(mem, job->rcpts, 2 * job->rcpt_room * sizeof(uint16_t));
	mem_give(mem, job->failures, job->rcpt_room * sizeof(job->failures[0]));
	mem_give(mem, job, sizeof(*job));
}

/* What has ended since the last time. */
static bool
outcomes_tell(struct job *job)
{
	struct postoffice *p = job->postoffice;
	struct verdict v;

	while (job->failure_count) {
		const struct failure *failure = &job->failures[job->failure_count - 1];

		v = verdict_of(p, failure->err);
		v.took_ms = failure->took_ms;
		if (!result_tell(job, &failure->rcpt, 1, &v))
			return false;
		job->told++;
		job->failure_count--;
	}
	if (job->good_count) {
		v = verdict_of(p, 0);
		v.took_ms = job->took_ms;
		if (!result_tell(job, job->good, job->good_count, &v))
			return false;
		job->told += job->good_count;
		job->good_count = 0;
	}
	return true;
}

/* The outcomes; then, when all is told, the end. */
static bool
job_report(struct job *job)
{
	if (!job->orphan && !outcomes_tell(job))
		return false;
	if (job->told < job->rcpt_count)
		return true;
	if (!job->orphan && !done_tell(job->postoffice, job->ipc.job))
		return false;
	job_destroy(job);
	return true;
}

static void
stop_when_idle(struct postoffice *p)
{
	if (!p->stopping || p->stopped || p->active || p->job_count || p->untold_count)
		return;
	p->stopped = true;
	boot_stopped(p->boot);
}

static void
untold_tell(struct postoffice *p)
{
	while (p->untold_count) {
		if (!done_tell(p, p->untold[p->untold_count - 1])) {
			rt_timer_arm(&p->report_again, REPORT_AGAIN_MS);
			return;
		}
		p->untold_count--;
	}
}

static void
on_report(void *ctx)
{
	struct postoffice *p = ctx;
	struct list_node *node = list_first(&p->jobs), *next;

	untold_tell(p);
	for (; node; node = next) {
		next = list_next(&p->jobs, node);
		if (!job_report(CONTAINER_OF(node, struct job, node))) {
			rt_timer_arm(&p->report_again, REPORT_AGAIN_MS);
			break;
		}
	}
	jobs_advance(p);
	stop_when_idle(p);
}

/* One recipient has come to its end. */
static void
rcpt_end(struct job *job, uint16_t rcpt, int err, uint32_t took_ms)
{
	struct postoffice *p = job->postoffice;

	rt_at_turn_end(p->rt, &p->report_hook);
	job->ended++;
	if (job->orphan) {
		job->told++;
		return;
	}
	if (!err) {
		p->counters.delivered++;
		if (!job->good_count || took_ms > job->took_ms)
			job->took_ms = took_ms;
		job->good[job->good_count++] = rcpt;
		return;
	}
	if (err == ERR_EXISTS) {
		p->counters.loops++;
	} else {
		p->counters.faults++;
		fault_log(p, job, rcpt, err);
	}
	job->failures[job->failure_count++] = (struct failure){rcpt, err, took_ms};
}

static void
on_delivered(void *ctx, int err)
{
	struct carrier *carrier = ctx;
	struct job *job = carrier->job;
	struct postoffice *p = job->postoffice;
	uint64_t took_us = rt_now_us(p->rt) - carrier->begun_us;

	ASSERT(p->active > 0);
	p->active--;
	rcpt_end(job, carrier->rcpt, err, (uint32_t)(took_us / 1000));
	mem_give(rt_mem(p->rt), carrier, sizeof(*carrier));
}

static int
rcpt_deliver(struct job *job, uint16_t rcpt)
{
	struct postoffice *p = job->postoffice;
	const struct spool_accept *accept = &job->source.message.accept;
	struct delivery_options options = {
		.store = &p->store,
		.source = &job->source,
		.file = {.wall_ms = rt_wall_ms(p->rt),
			 .unique = p->unique,
			 .count = ++p->file_count,
			 .host = p->boot->config->hostname},
		.done = on_delivered,
	};
	struct carrier *carrier;
	int err;

	if (rcpt >= accept->rcpt_count || accept->rcpts[rcpt].kind != SPOOL_RCPT_LOCAL)
		return ERR_RANGE;
	carrier = MEM_NEW(rt_mem(p->rt), struct carrier);
	if (!carrier)
		return ERR_NO_MEMORY;
	carrier->job = job;
	carrier->rcpt = rcpt;
	carrier->begun_us = rt_now_us(p->rt);
	options.target = accept->rcpts[rcpt].target;
	options.ctx = carrier;
	err = delivery_begin(&carrier->delivery, p->rt, &options);
	if (err)
		mem_give(rt_mem(p->rt), carrier, sizeof(*carrier));
	else
		p->active++;
	return err;
}

/* Begins as many recipients of the job as there is room for. */
static void
job_advance(struct job *job)
{
	struct postoffice *p = job->postoffice;
	int err = 0;

	if (!job->open && job->begun < job->rcpt_count) {
		job->source.reader = p->reader;
		err = delivery_source_open(&job->source, p->rt, &job->ipc);
		job->open = err == 0;
	}
	while (job->begun < job->rcpt_count && p->active < POSTOFFICE_DELIVERIES_MAX) {
		uint16_t rcpt = job->rcpts[job->begun++];
		int failed = err ? err : rcpt_deliver(job, rcpt);

		if (failed)
			rcpt_end(job, rcpt, failed, 0);
	}
}

static void
jobs_advance(struct postoffice *p)
{
	struct list_node *node = list_first(&p->jobs);

	if (!p->started || p->stopping || !p->has_store)
		return;
	for (; node && p->active < POSTOFFICE_DELIVERIES_MAX; node = list_next(&p->jobs, node))
		job_advance(CONTAINER_OF(node, struct job, node));
}

static struct job *
job_create(struct postoffice *p, const struct ipc_job *ipc)
{
	struct mem *mem = rt_mem(p->rt);
	size_t count = ipc->rcpts.count;
	struct job *job;

	if (!count || p->job_count >= POSTOFFICE_JOBS_MAX)
		return NULL;
	job = MEM_NEW(mem, struct job);
	if (!job)
		return NULL;
	job->rcpts = mem_take_array(mem, 2 * count, sizeof(uint16_t));
	job->failures = mem_take_array(mem, count, sizeof(job->failures[0]));
	if (!job->rcpts || !job->failures) {
		mem_give(mem, job->rcpts, 2 * count * sizeof(uint16_t));
		mem_give(mem, job->failures, count * sizeof(job->failures[0]));
		mem_give(mem, job, sizeof(*job));
		return NULL;
	}
	job->postoffice = p;
	job->ipc = *ipc;
	job->ipc.destination = SLICE_EMPTY; /* borrowed from the packet */
	job->rcpt_room = job->rcpt_count = count;
	job->good = job->rcpts + count;
	for (size_t i = 0; i < count; i++)
		job->rcpts[i] = ipc_u16s_at(ipc->rcpts, i);
	list_push_back(&p->jobs, &job->node);
	p->job_count++;
	return job;
}

/* A job that cannot be taken ends at once without results: queue grants it again. */
static void
job_take(struct postoffice *p, const struct ipc_job *ipc)
{
	if (!p->stopping && job_create(p, ipc)) {
		jobs_advance(p);
		return;
	}
	if (p->untold_count < POSTOFFICE_JOBS_MAX)
		p->untold[p->untold_count++] = ipc->job;
	untold_tell(p);
}

/* Queue is away: what has not begun is not ours any more, what has begun ends unheard. Queue
 * grants all of it again. */
static void
jobs_orphan(struct postoffice *p)
{
	struct list_node *node = list_first(&p->jobs), *next;

	p->untold_count = 0;
	for (; node; node = next) {
		struct job *job = CONTAINER_OF(node, struct job, node);

		next = list_next(&p->jobs, node);
		job->orphan = true;
		job->source.cancelled = true;
		job->told += job->good_count + job->failure_count;
		job->good_count = job->failure_count = 0;
		job->rcpt_count = job->begun;
		if (job->told == job->rcpt_count)
			job_destroy(job);
	}
	spool_reader_reset(p->reader);
}

static void
status_tell(struct postoffice *p, struct ipc_channel *from, uint32_t request)
{
	const struct {
		const char *name;
		uint64_t value;
	} rows[] = {
		{"postoffice.delivered", p->counters.delivered},
		{"postoffice.faults", p->counters.faults},
		{"postoffice.loops", p->counters.loops},
		{"postoffice.jobs", p->job_count},
		{"postoffice.deliveries", p->active},
	};
	int err = 0;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]) && !err; i++)
		err = IPC_SEND(from, CTL_COUNTER, ctl_counter, .request = request,
			       .name = slice_str(rows[i].name), .value = (int64_t)rows[i].value);
	if (!err)
		err = IPC_SEND(from, CTL_DONE, ctl_done, .request = request);
	(void)err; /* control's deadline tells the person */
}

static int
postoffice_create(struct boot *boot, void **ret_state)
{
	struct postoffice *p = MEM_NEW(rt_mem(boot->rt), struct postoffice);
	int err;

	if (!p)
		return ERR_NO_MEMORY;
	p->boot = boot;
	p->rt = boot->rt;
	list_init(&p->jobs);
	rt_hook_init(&p->report_hook, on_report, p);
	rt_timer_init(&p->report_again, p->rt, on_report, p);
	rt_random(p->rt, &p->unique, sizeof(p->unique));
	err = spool_reader_create(p->rt, &p->reader);
	if (err)
		mem_give(rt_mem(p->rt), p, sizeof(*p));
	else
		*ret_state = p;
	return err;
}

static void
postoffice_channel(void *state, struct ipc_channel *channel)
{
	struct postoffice *p = state;

	if (ipc_channel_ends(channel).peer == IPC_ROLE_QUEUE)
		p->queue = channel;
}

static void
postoffice_channel_closed(void *state, struct ipc_channel *channel)
{
	struct postoffice *p = state;

	if (channel != p->queue)
		return;
	p->queue = NULL;
	jobs_orphan(p);
	stop_when_idle(p);
}

static void
postoffice_receive(void *state, struct ipc_channel *from, struct ipc_message *message)
{
	struct postoffice *p = state;

	if (message->type == IPC_JOB)
		job_take(p, &message->u.job);
	else if (message->type == IPC_CTL_STATUS)
		status_tell(p, from, message->u.ctl_status.request);
	else
		(void)spool_reader_receive(p->reader, message);
}

static void
postoffice_dir(void *state, struct slice name, int fd)
{
	struct postoffice *p = state;

	if (!slice_eq(name, SLICE("mail")) || p->has_store) {
		rt_close(p->rt, fd);
		return;
	}
	mailbox_store_init(&p->store, p->rt, fd);
	p->has_store = true;
}

static void
postoffice_start(void *state)
{
	struct postoffice *p = state;

	p->started = true;
	jobs_advance(p);
}

/* What is being written is finished; the rest is queue's again. */
static void
postoffice_stop(void *state)
{
	struct postoffice *p = state;
	struct list_node *node = list_first(&p->jobs), *next;

	p->stopping = true;
	for (; node; node = next) {
		struct job *job = CONTAINER_OF(node, struct job, node);

		next = list_next(&p->jobs, node);
		job->rcpt_count = job->begun;
		if (!job_report(job))
			rt_timer_arm(&p->report_again, REPORT_AGAIN_MS);
	}
	stop_when_idle(p);
}

static void
postoffice_destroy(void **state)
{
	struct postoffice *p = *state;
	struct list_node *node;

	while ((node = list_first(&p->jobs)))
		job_destroy(CONTAINER_OF(node, struct job, node));
	rt_hook_finish(&p->report_hook);
	rt_timer_finish(&p->report_again);
	if (p->has_store)
		mailbox_store_finish(&p->store);
	spool_reader_destroy(&p->reader);
	mem_give(rt_mem(p->rt), p, sizeof(*p));
	*state = NULL;
}

const struct boot_process postoffice_process = {
	.role = IPC_ROLE_POSTOFFICE,
	.io_threads = 16, /* syncs that run at once share commits of the file system */
	.create = postoffice_create,
	.channel = postoffice_channel,
	.channel_closed = postoffice_channel_closed,
	.receive = postoffice_receive,
	.dir = postoffice_dir,
	.start = postoffice_start,
	.stop = postoffice_stop,
	.destroy = postoffice_destroy,
};
