/*
 * smtp client's test scripts: plays one against the machine and keeps a log of what happened in the
 * form of a script, so that comparing is comparing text. See test_client_script.h.
 */
#include "wire/smtp/test_client_script.h"

static void
script_job_submit(struct script_run *run)
{
	unsigned index = run->next_job++;
	const struct script_job *from = &run->script->jobs[index];
	struct smtp_client_job *job = &run->jobs[index];
	struct slice rest = slice_str(from->rcpts);

	*job = (struct smtp_client_job){
		.sender = slice_str(from->sender),
		.envid = from->envid ? slice_str(from->envid) : SLICE_EMPTY,
		.ret = from->ret ? slice_str(from->ret) : SLICE_EMPTY,
		.auth = from->auth ? slice_str(from->auth) : SLICE_EMPTY,
		.size = from->size,
		.size_min = from->size_min ? from->size_min : from->size,
		.eight_bit = from->eight_bit,
		.utf8 = from->utf8,
		.rcpts = run->rcpts[index],
	};
	while (rest.data && job->rcpt_count < SCRIPT_RCPTS_MAX) {
		job->rcpts[job->rcpt_count++] = (struct smtp_client_rcpt){
			.addr = slice_cut(&rest, ' '),
			.orcpt = from->orcpt ? slice_str(from->orcpt) : SLICE_EMPTY,
			.notify = from->notify,
		};
	}
	smtp_client_submit(&run->client, job, run->now_ms);
}

static void
script_log_dec(struct script_run *run, const char *before, uint64_t value)
{
	builder_str(&run->log, before);
	builder_dec(&run->log, value);
}

static void
script_log_end(struct script_run *run, const struct smtp_client_event *event)
{
	builder_str(&run->log, smtp_client_stage_str(event->stage));
	builder_str(&run->log, " ");
	builder_str(&run->log, smtp_client_how_str(event->how));
	script_log_dec(run, " ", event->reply ? event->reply->code : 0);
}

static void
script_event(struct script_run *run, const struct smtp_client_event *event)
{
	unsigned job = event->job ? (unsigned)(event->job - run->jobs) : 0;

	if (event->kind == SMTP_CLIENT_CONTENT) {
		script_log_dec(run, "C: =", job);
		builder_str(&run->log, "=\n");
		smtp_client_answer_content(&run->client, run->now_ms);
		if (!run->script->hold)
			smtp_client_content_out(&run->client, run->now_ms);
		return;
	}
	builder_str(&run->log, "E: ");
	builder_str(&run->log, smtp_client_event_str(event->kind));
	if (event->kind == SMTP_CLIENT_RESULT) {
		struct smtp_status status = {0, 0, 0};

		script_log_dec(run, " ", job);
		script_log_dec(run, " ", event->rcpt);
		builder_str(&run->log, " ");
		script_log_end(run, event);
		if (event->reply && event->reply->code)
			status = smtp_reply_status(event->reply);
		script_log_dec(run, " ", status.klass);
		script_log_dec(run, ".", status.subject);
		script_log_dec(run, ".", status.detail);
	} else if (event->kind == SMTP_CLIENT_FINISHED) {
		script_log_dec(run, " ", job);
		script_log_dec(run, " ", smtp_client_job_open(event->job));
	} else if (event->kind == SMTP_CLIENT_CLOSED) {
		builder_str(&run->log, " ");
		script_log_end(run, event);
	}
	builder_str(&run->log, "\n");
}

/* Events, then output, until both are dry. */
static void
script_drain(struct script_run *run)
{
	struct smtp_client_event event;
	struct slice out;

	do {
		while (smtp_client_next(&run->client, &event) != SMTP_CLIENT_NONE)
			script_event(run, &event);
		out = smtp_client_output(&run->client);
		for (struct slice rest = out; rest.len;) {
			struct slice line = slice_cut(&rest, '\n');

			ASSERT(line.len && line.data[line.len - 1] == '\r');
			builder_str(&run->log, "C: ");
			builder_add(&run->log, slice_sub(line, 0, line.len - 1));
			builder_str(&run->log, "\n");
		}
		smtp_client_output_taken(&run->client, out.len, run->now_ms);
	} while (out.len);
}

void
script_feed(struct script_run *run, struct slice input)
{
	while (input.len) {
		size_t piece = run->prng ? 1 + (size_t)prng_below(run->prng, 7) : input.len;
		size_t used;

		used = smtp_client_feed(&run->client, slice_sub(input, 0, piece), run->now_ms);
		input = slice_from(input, used);
		script_drain(run);
	}
}

void
script_act(struct script_run *run, struct slice act)
{
	if (slice_eq(act, SLICE("lost")))
		smtp_client_lost(&run->client, run->now_ms);
	else if (slice_eq(act, SLICE("timeout")))
		smtp_client_expire(&run->client, run->now_ms);
	else if (slice_eq(act, SLICE("tls-ok")))
		smtp_client_answer_tls(&run->client, true, run->now_ms);
	else if (slice_eq(act, SLICE("tls-failed")))
		smtp_client_answer_tls(&run->client, false, run->now_ms);
	else if (slice_eq(act, SLICE("quit")))
		smtp_client_quit(&run->client, run->now_ms);
	else if (slice_eq(act, SLICE("out")))
		smtp_client_content_out(&run->client, run->now_ms);
	else if (slice_eq(act, SLICE("job")))
		script_job_submit(run);
	else
		ASSERT_UNREACHABLE();
	script_drain(run);
}

void
script_begin(struct script_run *run, const struct script *script, struct prng *prng)
{
	*run = (struct script_run){.script = script, .now_ms = 1000, .prng = prng};
	run->options = (struct smtp_client_options){
		.helo = SLICE("me.test"),
		.tls = script->tls,
		.login = script->login ? slice_str(script->login) : SLICE_EMPTY,
		.password = script->password ? slice_str(script->password) : SLICE_EMPTY,
		.login_plain = script->login_plain,
	};
	smtp_client_limits_default(run->options.limit_ms);
	builder_init_fixed(&run->log, run->log_room, sizeof(run->log_room));
	smtp_client_init(&run->client, &run->options, run->now_ms);
	for (unsigned i = 0; i < script->submit_count; i++)
		script_job_submit(run);
	script_drain(run);
}

/* The log then holds what happened, in the form of a script. */
static void
script_play(struct script_run *run, const struct script *script, struct prng *prng)
{
	static uint8_t room[SCRIPT_LOG_MAX];
	struct slice rest = slice_str(script->lines);
	struct builder piece;

	script_begin(run, script, prng);
	builder_init_fixed(&piece, room, sizeof(room));
	while (rest.data && rest.len) {
		struct slice line = slice_cut(&rest, '\n');

		if (slice_starts(line, SLICE("S: "))) {
			builder_add(&run->log, line);
			builder_str(&run->log, "\n");
			builder_add(&piece, slice_from(line, 3));
			builder_str(&piece, "\r\n");
			if (slice_starts(rest, SLICE("S: ")))
				continue;
			script_feed(run, builder_slice(&piece));
			builder_clear(&piece);
		} else if (slice_starts(line, SLICE("!"))) {
			builder_add(&run->log, line);
			builder_str(&run->log, "\n");
			script_act(run, slice_from(line, 1));
		}
		run->now_ms += 10;
	}
}

static void
script_check(const struct script *script, struct prng *prng)
{
	static struct script_run run;

	script_play(&run, script, prng);
	if (!slice_eq(builder_slice(&run.log), slice_str(script->lines)))
		fail_msg("%s (%s)\n--- got\n%.*s--- want\n%s", script->name,
			 prng ? "in pieces" : "whole", SLICE_ARG(builder_slice(&run.log)),
			 script->lines);
}

void
script_check_all(const struct script *scripts, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		script_check(&scripts[i], NULL);
		for (uint64_t seed = 0; seed < 10; seed++) {
			struct prng prng;

			prng_init(&prng, seed);
			script_check(&scripts[i], &prng);
		}
	}
}
