/*
 * Start, signals and end. The first thing is to have the configuration read by a child; everything
 * else follows when it answers. The end goes in phases: those that take in and carry out first,
 * then queue, then those that only answer questions.
 */
#include "proc/super/super.h"

#include <signal.h>

#include "base/assert.h"
#include "boot/sandbox.h"

#define STDERR_FD 2
#define PID_FILE "frank.pid"

static const uint8_t stop_phases[IPC_ROLE_MAX] = {
	[IPC_ROLE_QUEUE] = 1,
	[IPC_ROLE_DNS] = 2,
	[IPC_ROLE_DIRECTORY] = 2,
	[IPC_ROLE_CONTROL] = 2,
};

static void claim(void *ctx);

void
super_fail(struct super *super, enum super_exit code, const char *what, struct slice name, int err)
{
	struct log_line line;

	log_begin(&line, super->log, EVENT_super_failed);
	log_text(&line, "what", slice_str(what));
	log_text(&line, "name", name);
	if (err)
		log_err(&line, err);
	log_end(&line);
	super->exit_code = code;
	rt_stop(super->rt);
}

static void
on_signal(void *ctx, int number)
{
	struct super *super = ctx;

	if (number == SIGHUP && super->started && super->stop_phase < 0)
		super_config_ask(super);
	else if (number == SIGUSR1 && super->started)
		super_log_reopen(super);
	else if (number == SIGTERM || number == SIGINT)
		super_stop(super);
}

static void
on_child(void *ctx, int pid, int status)
{
	struct super *super = ctx;

	if (!super_config_exited(super, pid, status))
		super_child_exited(super, pid, status);
}

static void
on_stop_time(void *ctx)
{
	struct super *super = ctx;

	for (size_t i = 0; i < super->child_count; i++)
		if (stop_phases[super->children[i].role] <= super->stop_phase)
			super_child_kill(&super->children[i], "did not stop in time");
}

static int
signals_init(struct super *super)
{
	static const int numbers[] = {SIGHUP, SIGUSR1, SIGTERM, SIGINT};
	int err = 0;

	for (size_t i = 0; !err && i < sizeof(numbers) / sizeof(numbers[0]); i++)
		err = rt_on_signal(super->rt, numbers[i], on_signal, super);
	rt_on_child(super->rt, on_child, super);
	return err;
}

int
super_run(struct rt *rt, const struct super_options *options)
{
	struct super *super = MEM_NEW(rt_mem(rt), struct super);
	int err, exit_code = SUPER_EXIT_SOFTWARE;

	if (!super)
		return exit_code;
	super->rt = rt;
	super->options = *options;
	super->log_fd = STDERR_FD;
	super->config.fd = super->first.fd = super->programs_fd = -1;
	super->spool_fd = super->mail_fd = super->state_fd = super->run_fd = -1;
	super->stop_phase = -1;
	rt_timer_init(&super->stop_timer, rt, on_stop_time, super);
	rt_timer_init(&super->claim_timer, rt, claim, super);
	rt_timer_init(&super->asking.told_limit, rt, super_config_untold, super);
	err = log_create(rt, "super", STDERR_FD, &super->log);
	if (!err) {
		rt_on_crash(rt, log_crash, super->log);
		/* Before anything else: what is started inherits it. Whether Frank goes on
		 * without, the configuration says. */
		super->forbid_err = boot_sandbox_forbid(rt);
		err = signals_init(super);
		if (!err)
			err = rt_open_dir(rt, RT_AT_PATH, options->programs_path, false,
					  &super->programs_fd);
		if (err)
			super_fail(super, SUPER_EXIT_OS, "start", slice_str(options->programs_path),
				   err);
		else
			super_config_ask(super);
		rt_run(rt);
		exit_code = super->exit_code;
	}
	super_config_finish(super);
	super_children_finish(super);
	super_resources_close(super);
	rt_timer_finish(&super->stop_timer);
	rt_timer_finish(&super->claim_timer);
	rt_timer_finish(&super->asking.told_limit);
	rt_on_crash(rt, NULL, NULL);
	log_destroy(&super->log);
	mem_give(rt_mem(rt), super, sizeof(*super));
	return exit_code;
}

/* For people and their scripts; the lock is what excludes a second Frank. */
static int
pid_write(struct super *super)
{
	char buf[24];
	struct builder b;
	int fd, err;

	builder_init_fixed(&b, buf, sizeof(buf));
	builder_dec(&b, (uint64_t)rt_pid(super->rt));
	builder_str(&b, "\n");
	err = rt_open(super->rt, super->run_fd, PID_FILE,
		      RT_OPEN_WRITE | RT_OPEN_CREATE | RT_OPEN_TRUNCATE, &fd);
	if (err)
		return err;
	err = rt_write(super->rt, fd, builder_slice(&b));
	rt_close(super->rt, fd);
	return err;
}

void
super_start(struct super *super)
{
	int err = super_log_open(super, super->config.values.log, &super->log_fd);

	if (err) {
		super_fail(super, SUPER_EXIT_IO, "log", super->config.values.log, err);
		return;
	}
	log_set_fd(super->log, super->log_fd);
	if (super->log_fd != STDERR_FD)
		log_set_echo(super->log, STDERR_FD); /* until all serve, somebody may look on */
	log_set_level(super->log, (enum log_level)super->config.values.log_level);
	/* Each of these has said what failed. */
	if (super_children_init(super) || super_dirs_open(super) || super_bound(super))
		return;
	claim(super);
}

/* Then all others can start. */
static void
claim(void *ctx)
{
	struct super *super = ctx;
	struct super_files files;
	int err = super_claim(super, ++super->claims == SUPER_CLAIMS_MAX);

	if (err == ERR_AGAIN)
		rt_timer_arm(&super->claim_timer, SUPER_CLAIM_MS);
	if (err)
		return;
	err = pid_write(super);
	if (err) {
		super_fail(super, SUPER_EXIT_IO, "pid file", SLICE(PID_FILE), err);
		return;
	}
	err = super_files_open(super, &super->config.values, &files, NULL);
	if (err) {
		super->exit_code = SUPER_EXIT_CONFIG;
		rt_stop(super->rt);
		return;
	}
	super->started = true;
	for (size_t i = 0; i < super->child_count; i++)
		(void)super_child_start(&super->children[i], &files);
	for (size_t i = 0; i < super->child_count; i++)
		if (super->children[i].channel && super_send_complete(&super->children[i]))
			super_child_kill(&super->children[i], "cannot be told to start");
	super_files_close(super, &files);
}

void
super_log_use(struct super *super, int fd)
{
	log_set_fd(super->log, fd);
	if (super->log_fd != STDERR_FD)
		rt_close(super->rt, super->log_fd);
	super->log_fd = fd;
	for (size_t i = 0; i < super->child_count; i++) {
		struct super_child *child = &super->children[i];

		if (child->channel && IPC_SEND(child->channel, BOOT_LOG, boot_log, .log = fd))
			super_child_kill(child, "cannot be told of the log");
	}
}

void
super_log_reopen(struct super *super)
{
	struct log_line line;
	int fd, err = super_log_open(super, super->config.values.log, &fd);

	log_begin(&line, super->log, EVENT_log_reopened);
	if (err)
		log_err(&line, err);
	log_end(&line);
	if (!err)
		super_log_use(super, fd);
}

static void
phase_begin(struct super *super)
{
	rt_timer_arm(&super->stop_timer, BOOT_STOP_MS_MAX);
	for (size_t i = 0; i < super->child_count; i++) {
		struct super_child *child = &super->children[i];

		rt_timer_disarm(&child->restart);
		if (child->pid && stop_phases[child->role] == super->stop_phase && child->channel &&
		    IPC_SEND(child->channel, BOOT_STOP, boot_stop, .unused = 0))
			super_child_kill(child, "cannot be told to stop");
	}
}

void
super_stop(struct super *super)
{
	if (super->stop_phase >= 0) { /* asked twice: at once */
		super->stop_phase = SUPER_STOP_PHASES;
		on_stop_time(super);
		return;
	}
	super->stop_phase = 0;
	if (!super->started) {
		rt_stop(super->rt);
		return;
	}
	phase_begin(super);
	super_stop_next(super);
}

void
super_stop_next(struct super *super)
{
	struct log_line line;

	while (super->stop_phase < SUPER_STOP_PHASES) {
		for (size_t i = 0; i < super->child_count; i++)
			if (super->children[i].pid &&
			    stop_phases[super->children[i].role] <= super->stop_phase)
				return;
		if (++super->stop_phase < SUPER_STOP_PHASES)
			phase_begin(super);
	}
	for (size_t i = 0; i < super->child_count; i++)
		if (super->children[i].pid)
			return;
	if (rt_unlink(super->rt, super->run_fd, PID_FILE) == 0) {
		log_begin(&line, super->log, EVENT_stop);
		log_end(&line);
	}
	rt_stop(super->rt);
}
