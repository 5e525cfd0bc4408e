/*
 * test_world: see test_world.h.
 */
#include "proc/queue/test_world.h"

#include <dirent.h>
#include <sys/stat.h>

#include "proc/queue/compact.h"
#include "proc/queue/journal_file.h"

#define ARENA_BYTES ((size_t)4 << 20)

static const uint64_t waits_ms[] = {50, 100};

static void
remove_all(const char *path)
{
	char name[600];
	DIR *folder = opendir(path);

	if (!folder)
		return;
	for (struct dirent *entry = readdir(folder); entry; entry = readdir(folder)) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
		if (unlink(name) < 0)
			remove_all(name);
	}
	closedir(folder);
	rmdir(path);
}

void
world_begin(struct world *w, const char *path)
{
	memset(w, 0, sizeof(*w));
	test_rt_begin(&w->t);
	if (path) {
		snprintf(w->path, sizeof(w->path), "%s", path);
	} else {
		snprintf(w->path, sizeof(w->path), "/tmp/frank-queue.XXXXXX");
		assert_non_null(mkdtemp(w->path));
		w->owns_path = true;
	}
	arena_init(&w->arena, rt_mem(w->t.rt), ARENA_BYTES);
	assert_int_equal(config_defaults(&w->arena, &w->config), 0);
	w->config.disk_reserve = 1 << 20;
	w->config.spare_bodies = 2;
	w->config.journal_sync = 5;
	w->config.lifetime = 600;
	w->config.attempts_min = 2;
	w->config.delay_notice = CONFIG_DELAY_NEVER;
	w->config.retry_schedule = (struct config_times){waits_ms, 2};
	w->config.retry_jitter_percent = 0;
	w->log_fd = open(getenv("FRANK_TEST_LOG") ? getenv("FRANK_TEST_LOG") : "/dev/null",
			 O_WRONLY | O_CREAT | O_APPEND, 0600);
	assert_true(w->log_fd >= 0);
	assert_int_equal(log_create(w->t.rt, "queue", w->log_fd, &w->boot.log), 0);
	w->boot.rt = w->t.rt;
	w->boot.config = &w->config;
	w->boot.role = IPC_ROLE_QUEUE;
	w->smtpin = (struct world_end){.world = w, .role = IPC_ROLE_SMTPIN};
	w->bounce = (struct world_end){.world = w, .role = IPC_ROLE_BOUNCE};
	w->smtpout = (struct world_end){.world = w, .role = IPC_ROLE_SMTPOUT};
	w->postoffice = (struct world_end){.world = w, .role = IPC_ROLE_POSTOFFICE};
	w->control = (struct world_end){.world = w, .role = IPC_ROLE_CONTROL};
}

/* --- neighbours ------------------------------------------------------------------------------- */

static void
queue_receive(void *ctx, struct ipc_channel *from, struct ipc_message *message)
{
	queue_process.receive(((struct world_end *)ctx)->world->queue, from, message);
}

static void
channel_closed(void *ctx, struct ipc_channel *channel, int err)
{
	(void)channel;
	(void)ctx;
	assert_int_not_equal(err, ERR_PROTOCOL);
}

static void
delivery_note(struct world *w, struct world_end *end, const struct ipc_job *job, uint16_t rcpt,
	      uint8_t class)
{
	struct world_delivery *d = &w->deliveries[w->delivery_count++];
	struct spool_message message;
	uint64_t from;
	ssize_t got;

	assert_true(w->delivery_count < WORLD_DELIVERIES_MAX);
	*d = (struct world_delivery){.id = job->message, .rcpt = rcpt, .class = class};
	snprintf(d->destination, sizeof(d->destination), "%.*s", SLICE_ARG(job->destination));
	assert_int_equal(
		spool_message_open(end->reader, job->segment, job->offset, job->length, &message),
		0);
	assert_true(message.accept.id == job->message);
	assert_true(rcpt < message.accept.rcpt_count);
	d->report = message.accept.flags & SPOOL_REPORT;
	from = message.accept.size_bytes > 40 ? message.accept.size_bytes - 40 : 0;
	got = spool_message_read(end->reader, &message, from, d->body, sizeof(d->body) - 1);
	assert_true(got >= 0);
	spool_message_close(end->reader, &message);
}

static struct verdict
verdict_of(uint8_t answer)
{
	struct verdict v = {.class = answer,
			    .stage = VERDICT_STAGE_FINAL,
			    .code = answer == VERDICT_OK ? 250 : 550,
			    .reply = SLICE("their own words")};

	if (answer == WORLD_CLOSED || answer == WORLD_SLOWER) {
		v.class = answer == WORLD_CLOSED ? VERDICT_NEVER : VERDICT_LATER;
		v.stage = VERDICT_STAGE_GREETING;
		v.scope = VERDICT_SCOPE_ADDRESS_AT_DESTINATION;
		v.action = answer == WORLD_CLOSED ? VERDICT_ACTION_SUSPEND : VERDICT_ACTION_SLOW;
	}
	return v;
}

static void
job_answer(struct world_end *end, const struct ipc_job *job)
{
	struct world *w = end->world;
	size_t answered = 0;

	w->job_count++;
	for (size_t i = 0; i < job->rcpts.count; i++) {
		uint16_t rcpt = ipc_u16s_at(job->rcpts, i), list[1] = {rcpt};
		struct ipc_message result = {.type = IPC_JOB_RESULT};
		uint8_t class = w->answer ? w->answer(w, job, rcpt) : VERDICT_OK;

		if (class == WORLD_SILENT)
			continue;
		delivery_note(w, end, job, rcpt, class);
		result.u.job_result.job = job->job;
		result.u.job_result.rcpts = ipc_u16s_make(list, 1);
		result.u.job_result.dsn_passed = w->dsn_passed;
		result.u.job_result.verdict = verdict_of(class);
		result.u.job_result.verdict.retry_after_s = w->retry_after_s;
		if (w->reply.len)
			result.u.job_result.verdict.reply = w->reply;
		assert_int_equal(ipc_send(end->own_side, &result), 0);
		answered++;
	}
	if (answered == job->rcpts.count)
		assert_int_equal(IPC_SEND(end->own_side, JOB_DONE, job_done, .job = job->job), 0);
}

static void
on_commit(void *ctx, msg_id id, int err)
{
	struct world *w = ctx;

	w->last_id = id;
	w->last_err = err;
	*(err ? &w->refused_count : &w->accepted_count) += 1;
}

static void
report_commit_done(void *ctx, msg_id id, int err)
{
	struct world *w = ctx;

	assert_int_equal(err, 0);
	w->report_count++;
	if (w->bounce.own_side)
		assert_int_equal(IPC_SEND(w->bounce.own_side, REPORT_DONE, report_done,
					  .key = w->report_make.key, .outcome = 0, .report = id),
				 0);
}

void
world_report_make(struct world *w)
{
	const struct spool_rcpt rcpt = {
		SLICE("me@local"), {NULL, 0}, 0, SPOOL_RCPT_LOCAL, SLICE("me@local")};
	struct spool_accept accept = {
		.flags = SPOOL_REPORT,
		.rcpts = &rcpt,
		.rcpt_count = 1,
		.report_kind = w->report_make.kind,
		.report_key = w->report_make.key,
		.report_of = w->report_make.message,
		.accepted_wall_ms = rt_wall_ms(w->t.rt),
	};
	struct spool_draft *draft;

	if (w->report_outcome) {
		assert_int_equal(IPC_SEND(w->bounce.own_side, REPORT_DONE, report_done,
					  .key = w->report_make.key, .outcome = w->report_outcome),
				 0);
		return;
	}
	assert_int_equal(spool_draft_begin(w->bounce.writer, 0, &draft), 0);
	spool_draft_add(draft, SLICE("report"));
	spool_draft_commit(&draft, SLICE_EMPTY, &accept, report_commit_done, w);
}

static void
control_receive(struct world *w, struct ipc_message *message)
{
	if (message->type == IPC_CTL_QUEUE_ROW) {
		struct ipc_ctl_queue_row *row = &message->u.ctl_queue_row;

		if (w->row_count < 64) {
			snprintf(w->row_rcpts[w->row_count], 64, "%.*s", SLICE_ARG(row->rcpt));
			snprintf(w->row_replies[w->row_count], 64, "%.*s",
				 SLICE_ARG(row->last.reply));
			w->rows[w->row_count] = *row;
		}
		w->row_count++;
	} else if (message->type == IPC_CTL_SUSPENSION) {
		w->suspension_count++;
		w->suspension_total = message->u.ctl_suspension.total;
	} else if (message->type == IPC_CTL_COUNTER) {
		w->counter_count++;
		if (slice_eq(slice_sub(message->u.ctl_counter.name, 0, 19),
			     SLICE("queue.delivered_ms.")))
			w->delivered_counted += (size_t)message->u.ctl_counter.value;
	} else if (message->type == IPC_CTL_TRACE_FILE) {
		w->file_count++;
	} else if (message->type == IPC_CTL_DONE) {
		w->done = message->u.ctl_done;
		w->is_done = true;
	}
}

static void
own_receive(void *ctx, struct ipc_channel *from, struct ipc_message *message)
{
	struct world_end *end = ctx;
	struct world *w = end->world;

	(void)from;
	if (message->type == IPC_SPOOL_INDEXED && w->lose_indexed)
		return;
	if (end->writer && spool_writer_receive(end->writer, message))
		return;
	if (end->reader && spool_reader_receive(end->reader, message))
		return;
	if (message->type == IPC_JOB) {
		job_answer(end, &message->u.job);
	} else if (message->type == IPC_REPORT_MAKE) {
		w->report_make = message->u.report_make;
		w->report_rcpt_count = 0;
	} else if (message->type == IPC_REPORT_RCPT) {
		assert_true(message->u.report_rcpt.key == w->report_make.key);
		w->report_rcpts[w->report_rcpt_count++] = message->u.report_rcpt.rcpt;
		snprintf(w->report_reply, sizeof(w->report_reply), "%.*s",
			 SLICE_ARG(message->u.report_rcpt.verdict.reply));
		snprintf(w->report_evidence, sizeof(w->report_evidence), "%.*s",
			 SLICE_ARG(message->u.report_rcpt.verdict.evidence));
		w->report_expired = message->u.report_rcpt.expired;
	} else if (message->type == IPC_REPORT_END) {
		if (!w->bounce_silent)
			world_report_make(w);
	} else {
		control_receive(w, message);
	}
}

void
world_connect(struct world *w, struct world_end *end)
{
	struct ipc_events queue_events = {end, queue_receive, NULL, channel_closed};
	struct ipc_events own_events = {end, own_receive, NULL, channel_closed};
	struct ipc_ends queue_ends = {IPC_ROLE_QUEUE, end->role, 0, end->instance};
	struct ipc_ends own_ends = {end->role, IPC_ROLE_QUEUE, end->instance, 0};
	struct spool_writer_options options = {.commit_gap_ms = 2,
					       .body_memory_max = 8192,
					       .body_memory_total_max = 16 << 20,
					       .segment_size_max = w->config.segment_size_max};
	bool writes = end->role == IPC_ROLE_SMTPIN || end->role == IPC_ROLE_BOUNCE;
	int fds[2];

	if (writes && !end->writer)
		assert_int_equal(spool_writer_create(w->t.rt, &options, &end->writer), 0);
	if (end->role != IPC_ROLE_SMTPIN && end->role != IPC_ROLE_CONTROL && !end->reader)
		assert_int_equal(spool_reader_create(w->t.rt, &end->reader), 0);
	if (end->reader)
		spool_reader_reset(end->reader);
	assert_int_equal(rt_channel_pair(w->t.rt, fds), 0);
	assert_int_equal(
		ipc_channel_create(w->t.rt, fds[0], &queue_ends, &queue_events, &end->queue_side),
		0);
	assert_int_equal(
		ipc_channel_create(w->t.rt, fds[1], &own_ends, &own_events, &end->own_side), 0);
	queue_process.channel(w->queue, end->queue_side);
	if (end->writer)
		spool_writer_set_queue(end->writer, end->own_side);
}

void
world_disconnect(struct world *w, struct world_end *end)
{
	if (!end->own_side)
		return;
	if (end->writer)
		spool_writer_set_queue(end->writer, NULL);
	ipc_channel_destroy(&end->own_side);
	if (w->queue)
		queue_process.channel_closed(w->queue, end->queue_side);
	ipc_channel_destroy(&end->queue_side);
}

uint8_t
answer_silent(struct world *w, const struct ipc_job *job, uint16_t rcpt)
{
	(void)w;
	(void)job;
	(void)rcpt;
	return WORLD_SILENT;
}

uint8_t
answer_never(struct world *w, const struct ipc_job *job, uint16_t rcpt)
{
	(void)w;
	(void)job;
	(void)rcpt;
	return VERDICT_NEVER;
}

uint8_t
answer_far_later(struct world *w, const struct ipc_job *job, uint16_t rcpt)
{
	(void)w;
	(void)rcpt;
	return job->destination.len ? VERDICT_LATER : VERDICT_OK;
}

uint8_t
answer_far_never(struct world *w, const struct ipc_job *job, uint16_t rcpt)
{
	(void)w;
	(void)rcpt;
	return job->destination.len ? VERDICT_NEVER : VERDICT_OK;
}

uint8_t
answer_near_ok(struct world *w, const struct ipc_job *job, uint16_t rcpt)
{
	(void)w;
	(void)rcpt;
	return slice_eq(job->destination, SLICE("far.test")) ? VERDICT_LATER : VERDICT_OK;
}

/* --- the whole -------------------------------------------------------------------------------- */

void
world_open(struct world *w)
{
	void *state;
	int fd;

	assert_int_equal(queue_process.create(&w->boot, &state), 0);
	w->queue = state;
	assert_int_equal(rt_open_dir(w->t.rt, RT_AT_PATH, w->path, false, &fd), 0);
	queue_process.dir(state, SLICE("spool"), fd);
	queue_process.start(state);
}

void
world_connect_all(struct world *w)
{
	world_connect(w, &w->smtpin);
	world_connect(w, &w->bounce);
	world_connect(w, &w->smtpout);
	world_connect(w, &w->postoffice);
	world_connect(w, &w->control);
	WORLD_WAIT(w, spool_writer_ready(w->smtpin.writer) == 0);
	WORLD_WAIT(w, spool_writer_ready(w->bounce.writer) == 0);
}

void
world_start(struct world *w)
{
	world_open(w);
	world_connect_all(w);
}

void
world_stop(struct world *w)
{
	void *state = w->queue;

	WORLD_WAIT(w, !w->queue->journal.busy && !w->queue->files.stock.busy &&
			      !compact_busy(w->queue) && !journal_keep_busy(w->queue));
	queue_process.destroy(&state);
	w->queue = NULL;
	world_disconnect(w, &w->smtpin);
	world_disconnect(w, &w->bounce);
	world_disconnect(w, &w->smtpout);
	world_disconnect(w, &w->postoffice);
	world_disconnect(w, &w->control);
}

void
world_end(struct world *w)
{
	struct world_end *ends[] = {&w->smtpin, &w->bounce, &w->smtpout, &w->postoffice};

	if (w->queue)
		world_stop(w);
	for (size_t i = 0; i < 4; i++) {
		spool_writer_destroy(&ends[i]->writer);
		spool_reader_destroy(&ends[i]->reader);
	}
	log_destroy(&w->boot.log);
	close(w->log_fd);
	arena_finish(&w->arena);
	test_rt_end(&w->t);
	if (w->owns_path)
		remove_all(w->path);
}

void
world_defer(struct world *w, world_answer_fn *answer)
{
	w->answer = answer;
	w->retry_after_s = 3600;
}

void
world_run_ms(struct world *w, uint64_t ms)
{
	test_rt_run_ms(&w->t, ms);
}

static void *
hunger_take(struct mem *mem, size_t size)
{
	struct world_hunger *hunger = CONTAINER_OF(mem, struct world_hunger, mem);

	return size == hunger->size || hunger->size == SIZE_MAX ? NULL
								: mem_take(hunger->source, size);
}

static void
hunger_give(struct mem *mem, void *block, size_t size)
{
	mem_give(CONTAINER_OF(mem, struct world_hunger, mem)->source, block, size);
}

void
world_starve(struct world *w, size_t size)
{
	if (!w->hunger.source)
		w->hunger = (struct world_hunger){{hunger_take, hunger_give}, w->queue->mem, 0};
	w->hunger.size = size;
	w->queue->mem = size ? &w->hunger.mem : w->hunger.source;
}

static struct spool_rcpt
rcpt_of(const char *address)
{
	struct slice text = slice_str(address);
	struct slice domain = slice_from(text, slice_rindex(text, '@') + 1);
	bool local = slice_eq(domain, SLICE("local"));

	return (struct spool_rcpt){
		.address = text,
		.kind = local ? SPOOL_RCPT_LOCAL : SPOOL_RCPT_REMOTE,
		.target = local ? text : domain,
	};
}

void
world_commit(struct world *w, struct spool_draft **draft, const struct spool_accept *accept)
{
	spool_draft_commit(draft, SLICE("Received: x\r\n"), accept, on_commit, w);
}

static msg_id
commit(struct world *w, struct spool_draft *draft, const struct spool_accept *accept)
{
	size_t before = w->accepted_count + w->refused_count;

	world_commit(w, &draft, accept);
	WORLD_WAIT(w, w->accepted_count + w->refused_count > before);
	assert_int_equal(w->last_err, 0);
	return w->last_id;
}

msg_id
world_accept(struct world *w, const char *sender, const char *const *addresses, size_t count,
	     const char *body)
{
	struct spool_rcpt rcpts[64];
	struct spool_accept accept = {
		.sender = slice_str(sender),
		.rcpts = rcpts,
		.rcpt_count = (uint32_t)count,
		.accepted_wall_ms = rt_wall_ms(w->t.rt),
	};
	struct spool_draft *draft;

	assert_true(count <= 64);
	for (size_t i = 0; i < count; i++) {
		const char *notify = strchr(addresses[i], ' ');

		rcpts[i] = rcpt_of(addresses[i]);
		if (!notify)
			continue;
		/* "address N": N is the NOTIFY bits. */
		rcpts[i].notify = (uint8_t)(notify[1] - '0');
		rcpts[i].address.len = (size_t)(notify - addresses[i]);
		rcpts[i].target = slice_sub(rcpts[i].target, 0, rcpts[i].target.len - 2);
		if (slice_eq(rcpts[i].target, SLICE("local")))
			rcpts[i].kind = SPOOL_RCPT_LOCAL;
	}
	assert_int_equal(spool_draft_begin(w->smtpin.writer, 0, &draft), 0);
	spool_draft_add(draft, slice_str(body));
	return commit(w, draft, &accept);
}

msg_id
world_accept_large(struct world *w, const char *address, size_t bytes)
{
	struct spool_rcpt rcpt = rcpt_of(address);
	struct spool_accept accept = {.sender = SLICE("me@local"),
				      .rcpts = &rcpt,
				      .rcpt_count = 1,
				      .accepted_wall_ms = rt_wall_ms(w->t.rt)};
	struct spool_draft *draft = NULL;

	WORLD_WAIT(w, spool_draft_begin(w->smtpin.writer, bytes, &draft) == 0);
	for (size_t i = 0; i < bytes; i += 10)
		spool_draft_add(draft, SLICE("0123456789"));
	return commit(w, draft, &accept);
}

size_t
world_delivered(const struct world *w, msg_id id, uint16_t rcpt)
{
	size_t count = 0;

	for (size_t i = 0; i < w->delivery_count; i++)
		count += w->deliveries[i].id == id && w->deliveries[i].rcpt == rcpt &&
			 w->deliveries[i].class == VERDICT_OK;
	return count;
}

void
world_ctl(struct world *w, uint8_t verb, msg_id id)
{
	w->row_count = 0;
	w->is_done = false;
	assert_int_equal(IPC_SEND(w->control.own_side, CTL_QUEUE, ctl_queue, .request = 1,
				  .verb = verb, .message = id),
			 0);
	WORLD_WAIT(w, w->is_done);
	assert_int_equal(w->done.exit, 0);
}

size_t
world_files(struct world *w, const char *folder)
{
	char path[128];
	size_t count = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/%s", w->path, folder);
	dir = opendir(path);
	assert_non_null(dir);
	for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir))
		count += entry->d_name[0] != '.';
	closedir(dir);
	return count;
}

bool
world_is_empty(const struct world *w)
{
	return w->queue->index.msgs.count == 0 && !w->queue->recovery;
}
