/*
 * smtpout: messages in, and the frame of the process. At the end of each turn destinations that
 * something happened to are looked at, and sessions that have ended are freed.
 */
#include "proc/smtpout/smtpout.h"

#include <string.h>

#include "base/assert.h"
#include "base/planted.h"
#include "proc/smtpout/destination.h"
#include "proc/smtpout/job.h"
#include "proc/smtpout/lookup.h"
#include "proc/smtpout/report.h"

/* How long mail that is going out may take to end when we are to stop: less than super waits. */
#define STOP_MS 5000u

static void on_stop_timer(void *ctx);

static void
on_turn_end(void *ctx)
{
	struct smtpout *out = ctx;

	destination_look_all(out);
	session_bury(out);
	smtpout_stop_check(out);
}

void
smtpout_turn_end(struct smtpout *out)
{
	rt_at_turn_end(out->rt, &out->turn_end);
}

static void
maps_init(struct smtpout *out)
{
	uint64_t key[2], seed;

	rt_random(out->rt, key, sizeof(key));
	map_init(&out->destinations, out->mem, key);
	map_init(&out->requests, out->mem, key);
	rt_random(out->rt, &seed, sizeof(seed));
	prng_init(&out->prng, seed);
}

static void
out_init(struct smtpout *out, struct boot *boot)
{
	out->boot = boot;
	out->rt = boot->rt;
	out->log = boot->log;
	out->mem = rt_mem(boot->rt);
	list_init(&out->all);
	list_init(&out->unasked);
	list_init(&out->dirty);
	list_init(&out->hungry);
	list_init(&out->idle);
	list_init(&out->dead);
	list_init(&out->unsent);
	maps_init(out);
	rt_hook_init(&out->turn_end, on_turn_end, out);
	rt_timer_init(&out->unsent_timer, out->rt, report_retry, out);
	rt_timer_init(&out->stop_timer, out->rt, on_stop_timer, out);
}

const struct ruleset *
smtpout_rules(const struct smtpout *out)
{
	return out->has_rules ? &out->rules : explain_builtin();
}

static void
rules_drop(struct smtpout *out)
{
	if (out->has_rules)
		arena_finish(&out->rules_arena);
	out->has_rules = false;
}

static void
smtpout_destroy(void **state)
{
	struct smtpout *out = *state;

	out->queue = NULL; /* there is nobody to be told any more */
	destination_abort_all(out);
	destination_look_all(out);
	session_bury(out);
	report_drop(out);
	ASSERT(out->job_count == 0 && out->session_count == 0);
	rt_hook_finish(&out->turn_end);
	rt_timer_finish(&out->unsent_timer);
	rt_timer_finish(&out->stop_timer);
	map_finish(&out->destinations);
	map_finish(&out->requests);
	smtpout_settings_unref(&out->settings);
	tls_context_unref(&out->tls);
	rules_drop(out);
	spool_reader_destroy(&out->reader);
	memset(out->password, 0, sizeof(out->password));
	mem_give(out->mem, out, sizeof(*out));
	*state = NULL;
}

static int
smtpout_create(struct boot *boot, void **ret_state)
{
	struct smtpout *out = MEM_NEW(rt_mem(boot->rt), struct smtpout);
	void *state = out;
	int err;

	if (!out)
		return ERR_NO_MEMORY;
	out_init(out, boot);
	err = smtpout_settings_create(out, &out->settings);
	if (!err)
		err = spool_reader_create(out->rt, &out->reader);
	if (!err)
		err = tls_context_client_create(out->mem, &out->tls);
	if (err)
		smtpout_destroy(&state);
	else
		*ret_state = out;
	return err;
}

/* ---- neighbours */

static void
smtpout_channel(void *state, struct ipc_channel *channel)
{
	struct smtpout *out = state;
	struct ipc_ends ends = ipc_channel_ends(channel);

	if (ends.peer == IPC_ROLE_QUEUE) {
		out->queue = channel;
	} else if (ends.peer == IPC_ROLE_DNS) {
		out->dns = channel;
		lookup_resume(out);
	}
}

/*
 * Queue is gone, and with it who could hear of an outcome; the new one will grant anew. Ending the
 * connections now keeps mails whose dot is not out from going twice.
 */
static void
queue_gone(struct smtpout *out)
{
	out->queue = NULL;
	destination_abort_all(out);
	report_drop(out);
	spool_reader_reset(out->reader);
}

static void
smtpout_channel_closed(void *state, struct ipc_channel *channel)
{
	struct smtpout *out = state;

	if (channel == out->queue) {
		queue_gone(out);
	} else if (channel == out->dns) {
		out->dns = NULL;
		lookup_pause(out);
	}
}

/* dns takes questions again. */
static void
smtpout_drained(void *state, struct ipc_channel *channel)
{
	struct smtpout *out = state;

	if (channel == out->dns)
		lookup_resume(out);
}

/* ---- messages */

static void
job_in(struct smtpout *out, const struct ipc_job *message)
{
	struct job *job;
	int err = job_create(out, message, &job);

	if (err) {
		/* without memory for a job there is none for a longer story */
		struct verdict verdict = {.class = VERDICT_LATER,
					  .stage = VERDICT_STAGE_LOCAL,
					  .status = {4, 3, 0},
					  .wall_ms = rt_wall_ms(out->rt)};

		if (message->rcpts.count)
			report_result(out, message->job, message->rcpts, false, &verdict);
		smtpout_report_done(out, message->job);
		return;
	}
	out->counters.jobs++;
	if (out->stopping)
		job_give_back(job);
	else
		destination_add(out, message->destination, message->slots, job);
}

static void
status_answer(struct smtpout *out, struct ipc_channel *control, uint32_t request)
{
	const struct {
		const char *name;
		uint64_t value;
	} rows[] = {
		{"smtpout.jobs", out->counters.jobs},
		{"smtpout.jobs_at_hand", out->job_count},
		{"smtpout.recipients_accepted", out->counters.accepted},
		{"smtpout.recipients_later", out->counters.later},
		{"smtpout.recipients_never", out->counters.never},
		{"smtpout.connections", out->session_count},
		{"smtpout.connects", out->counters.connects},
		{"smtpout.connections_reused", out->counters.reused},
	};

	/* what has no room is missing in a status, and no more than that */
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (IPC_SEND(control, CTL_COUNTER, ctl_counter, .request = request,
			     .name = slice_str(rows[i].name), .value = (int64_t)rows[i].value) < 0)
			return;
	}
	if (IPC_SEND(control, CTL_DONE, ctl_done, .request = request) < 0)
		return;
}

static void
smtpout_receive(void *state, struct ipc_channel *from, struct ipc_message *message)
{
	struct smtpout *out = state;

	if (message->type == IPC_JOB)
		job_in(out, &message->u.job);
	else if (message->type == IPC_DNS_TARGET)
		destination_target_in(out, &message->u.dns_target);
	else if (message->type == IPC_DNS_DONE)
		destination_answer(out, &message->u.dns_done);
	else if (message->type == IPC_CTL_STATUS)
		status_answer(out, from, message->u.ctl_status.request);
	else
		(void)spool_reader_receive(out->reader, message);
}

static void
password_set(struct smtpout *out, struct slice password)
{
	memset(out->password, 0, sizeof(out->password));
	if (password.len)
		memcpy(out->password, password.data, password.len);
	out->password_len = password.len;
}

static void
password_read(struct smtpout *out, struct slice content)
{
	struct slice password = slice_cut(&content, '\n');
	struct log_line line;

	if (password.len && password.data[password.len - 1] == '\r')
		password.len--;
	if (password.len > 0 && password.len <= SMTPOUT_PASSWORD_MAX) {
		password_set(out, password);
		return;
	}
	/* A part of it would be a wrong one at every attempt. */
	log_begin(&line, out->log, EVENT_smtpout_password);
	log_number(&line, "bytes", (int64_t)password.len);
	log_number(&line, "bytes_max", SMTPOUT_PASSWORD_MAX);
	log_end(&line);
	out->boot->refused = true;
}

/* The old ones stay where the new ones are no good. */
static void
rules_set(struct smtpout *out, struct slice content)
{
	struct slice name = out->boot->config->refusal_rules;
	struct ruleset_error error = {0};
	struct ruleset rules;
	struct arena arena;
	struct log_line line;
	int err;

	arena_init(&arena, out->mem, RULESET_ARENA_MAX);
	err = explain_local_compile(&arena, name, content, &rules, &error);
	if (!err) {
		rules_drop(out);
		out->rules_arena = arena;
		out->rules = rules;
		out->has_rules = true;
		return;
	}
	arena_finish(&arena);
	log_begin(&line, out->log, EVENT_smtpout_rules);
	log_text(&line, "path", name);
	log_number(&line, "line", error.line);
	log_number(&line, "column", error.column);
	log_text(&line, "text", slice_of(error.text, error.len));
	log_err(&line, err);
	log_end(&line);
	out->boot->refused = true;
}

static void
smtpout_file(void *state, struct slice name, struct slice content)
{
	struct smtpout *out = state;

	if (slice_eq(name, SLICE("refusal-rules")))
		rules_set(out, content);
	else if (slice_eq(name, SLICE("smart-host-password")))
		password_read(out, content);
}

static void
smtpout_reload(void *state)
{
	struct smtpout *out = state;
	struct smtpout_settings *settings;

	/* A new one came as a file before this. */
	if (out->boot->config->smart_host_password_file.len == 0)
		password_set(out, SLICE_EMPTY);
	if (out->boot->config->refusal_rules.len == 0)
		rules_drop(out);
	/* without memory the old ones stay: better than none */
	if (smtpout_settings_create(out, &settings) < 0)
		return;
	smtpout_settings_unref(&out->settings);
	out->settings = settings;
	destination_forget_all(out);
}

/* ---- the end */

void
smtpout_stop_check(struct smtpout *out)
{
	if (!out->stopping || out->stopped || out->job_count > 0 || !list_empty(&out->unsent))
		return;
	if (PLANTED(STOP_IGNORED))
		return;
	out->stopped = true;
	rt_timer_disarm(&out->stop_timer);
	boot_stopped(out->boot);
}

static void
smtpout_stop(void *state)
{
	struct smtpout *out = state;

	out->stopping = true;
	destination_drop_waiting(out);
	rt_timer_arm(&out->stop_timer, STOP_MS);
	smtpout_turn_end(out);
}

static void
on_stop_timer(void *ctx)
{
	struct smtpout *out = ctx;

	destination_abort_all(out);
	smtpout_turn_end(out);
}

const struct boot_process smtpout_process = {
	.role = IPC_ROLE_SMTPOUT,
	.create = smtpout_create,
	.channel = smtpout_channel,
	.channel_closed = smtpout_channel_closed,
	.receive = smtpout_receive,
	.drained = smtpout_drained,
	.file = smtpout_file,
	.reload = smtpout_reload,
	.stop = smtpout_stop,
	.destroy = smtpout_destroy,
};
