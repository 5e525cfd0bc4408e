/*
 * The life of a child: started, told what it gets, watched, started again after 1, 2, 4 ... 60 s
 * (options restart-wait and restart-wait-max) when it dies. All others go on; its neighbours get
 * new channels.
 */
#include "proc/super/super.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "base/assert.h"

#define RESTART_DOUBLINGS_MAX 20 /* far beyond the longest wait */

static void on_restart(void *ctx);
static void on_closed(void *ctx, struct ipc_channel *channel, int err);

static void
program_name(enum ipc_role role, char buf[SUPER_PROGRAM_NAME_MAX])
{
	struct builder b;

	builder_init_fixed(&b, buf, SUPER_PROGRAM_NAME_MAX);
	builder_str(&b, "frank-");
	builder_str(&b, ipc_role_str(role));
	builder_byte(&b, 0);
	ASSERT(!b.failed);
}

static unsigned
instances_of(const struct config *config, enum ipc_role role)
{
	if (role == IPC_ROLE_SUPER || role == IPC_ROLE_CONFIG)
		return 0;
	if (role == IPC_ROLE_SMTPIN)
		return (unsigned)config->smtpin_processes;
	if (role == IPC_ROLE_SMTPOUT)
		return (unsigned)config->smtpout_processes;
	return 1;
}

/* Started as root every child has a uid of its own. */
static int
child_account(struct super *super, struct super_child *child)
{
	char name[SUPER_PROGRAM_NAME_MAX];
	int err;

	if (rt_uid(super->rt) != 0)
		return 0;
	if (super->config.values.uid_base) {
		child->uid = child->gid = (unsigned)super->config.values.uid_base + child->role;
		return 0;
	}
	program_name(child->role, name);
	err = rt_account(super->rt, name, &child->uid, &child->gid);
	if (!err && child->uid == 0)
		err = ERR_DENIED;
	if (err)
		super_fail(super, SUPER_EXIT_CONFIG, "no such account, and no uid-base",
			   slice_str(name), err);
	return err;
}

int
super_children_init(struct super *super)
{
	int err = 0;

	for (unsigned role = 0; role < IPC_ROLE_MAX; role++) {
		unsigned count = instances_of(&super->config.values, (enum ipc_role)role);

		for (unsigned i = 0; !err && i < count; i++) {
			struct super_child *child = &super->children[super->child_count++];

			ASSERT(super->child_count <= SUPER_CHILDREN_MAX);
			child->super = super;
			child->role = (enum ipc_role)role;
			child->instance = i;
			rt_timer_init(&child->restart, super->rt, on_restart, child);
			err = child_account(super, child);
		}
	}
	return err;
}

struct super_child *
super_child_find(struct super *super, unsigned role, unsigned instance)
{
	for (size_t i = 0; i < super->child_count; i++)
		if (super->children[i].role == role && super->children[i].instance == instance)
			return &super->children[i];
	return NULL;
}

static void
child_log(struct super_child *child, struct log_line *line, enum log_event event)
{
	log_begin(line, child->super->log, event);
	log_text(line, "child", slice_str(ipc_role_str(child->role)));
	log_number(line, "instance", child->instance);
	if (child->pid)
		log_number(line, "pid", child->pid);
}

static int
child_spawn(struct super_child *child, int child_fd)
{
	struct super *super = child->super;
	char name[SUPER_PROGRAM_NAME_MAX], instance[24], offset[24];
	const char *argv[] = {name, instance, offset, NULL};
	struct rt_spawn spawn = {.argv = argv,
				 .fds = &child_fd,
				 .fd_count = 1,
				 .log_fd = super->log_fd,
				 .uid = child->uid,
				 .gid = child->gid,
				 .starts = (unsigned)child->restarts};
	struct builder b;
	int err;

	program_name(child->role, name);
	builder_init_fixed(&b, instance, sizeof(instance));
	builder_dec(&b, child->instance);
	builder_byte(&b, 0);
	builder_init_fixed(&b, offset, sizeof(offset));
	builder_dec_signed(&b, super->options.wall_offset_ms);
	builder_byte(&b, 0);
	ASSERT(!b.failed);
	err = rt_open_program(super->rt, super->programs_fd, name, &spawn.program_fd);
	if (err)
		return err;
	err = rt_spawn(super->rt, &spawn, &child->pid);
	rt_close(super->rt, spawn.program_fd);
	return err;
}

/* The process, and our end of its channel. */
static int
child_make(struct super_child *child)
{
	struct super *super = child->super;
	struct ipc_events events = {child, super_receive, NULL, on_closed};
	struct ipc_ends ends = {
		.self = IPC_ROLE_SUPER, .peer = child->role, .peer_instance = child->instance};
	int fds[2], err = rt_channel_pair(super->rt, fds);

	if (err)
		return err;
	err = child_spawn(child, fds[1]);
	rt_close(super->rt, fds[1]);
	if (!err)
		err = ipc_channel_create(super->rt, fds[0], &ends, &events, &child->channel);
	if (err)
		rt_close(super->rt, fds[0]);
	return err;
}

static void
restart_later(struct super_child *child)
{
	const struct config *config = &child->super->config.values;
	uint64_t wait_ms;

	if (child->super->stop_phase >= 0)
		return;
	wait_ms = config->restart_wait << child->failures;
	if (wait_ms > config->restart_wait_max)
		wait_ms = config->restart_wait_max;
	if (child->failures < RESTART_DOUBLINGS_MAX)
		child->failures++;
	rt_timer_arm(&child->restart, wait_ms);
}

bool
super_child_start(struct super_child *child, const struct super_files *files)
{
	struct log_line line;
	int err = child_make(child);

	child->started_ms = rt_now_ms(child->super->rt);
	child->ready = false;
	if (!err)
		err = super_send_start(child, files);
	if (!err)
		err = super_wire(child);
	if (!err)
		return true;
	child_log(child, &line, EVENT_child_failed);
	log_err(&line, err);
	log_end(&line);
	if (child->pid)
		super_child_kill(child, "cannot be started");
	else
		restart_later(child);
	return false;
}

static void
on_restart(void *ctx)
{
	struct super_child *child = ctx;
	struct super *super = child->super;
	struct super_files files;

	child->restarts++;
	if (super_files_open(super, &super->config.values, &files, NULL)) {
		restart_later(child);
		return;
	}
	if (super_child_start(child, &files) && super_send_complete(child))
		super_child_kill(child, "cannot be told to start");
	super_files_close(super, &files);
}

void
super_child_kill(struct super_child *child, const char *why)
{
	struct log_line line;

	if (!child->pid)
		return;
	child_log(child, &line, EVENT_child_killed);
	log_text(&line, "why", slice_str(why));
	log_end(&line);
	rt_kill(child->super->rt, child->pid, SIGKILL);
}

static void
exit_log(struct super_child *child, int status)
{
	struct log_line line;
	bool wanted = child->super->stop_phase >= 0 && WIFEXITED(status) && !WEXITSTATUS(status);

	child_log(child, &line, wanted ? EVENT_child_stopped : EVENT_child_died);
	if (WIFEXITED(status))
		log_number(&line, "status", WEXITSTATUS(status));
	else
		log_number(&line, "signal", WTERMSIG(status));
	log_end(&line);
}

void
super_child_exited(struct super *super, int pid, int status)
{
	for (size_t i = 0; i < super->child_count; i++) {
		struct super_child *child = &super->children[i];

		if (child->pid != pid)
			continue;
		exit_log(child, status);
		child->pid = 0;
		child->ready = false;
		ipc_channel_destroy(&child->channel);
		if (child->role == IPC_ROLE_CONTROL)
			super_config_forget(super);
		child->reloads = 0;
		super_config_told(child, false);
		if (rt_now_ms(super->rt) - child->started_ms >=
		    super->config.values.restart_wait_max)
			child->failures = 0;
		restart_later(child);
	}
	if (super->stop_phase >= 0)
		super_stop_next(super);
}

/* It closed its end or broke the rules: either way it is no use any more. */
static void
on_closed(void *ctx, struct ipc_channel *channel, int err)
{
	struct super_child *child = ctx;
	struct log_line line;

	if (err == ERR_PROTOCOL) {
		child_log(child, &line, EVENT_ipc_broken);
		log_end(&line);
	}
	ASSERT(channel == child->channel);
	ipc_channel_destroy(&child->channel);
	/* One that is about to end by itself has its turn. */
	if (child->super->stop_phase < 0 && child->pid)
		rt_kill(child->super->rt, child->pid, SIGKILL);
}

void
super_children_finish(struct super *super)
{
	for (size_t i = 0; i < super->child_count; i++) {
		struct super_child *child = &super->children[i];

		if (child->pid)
			rt_kill(super->rt, child->pid, SIGKILL);
		ipc_channel_destroy(&child->channel);
		rt_timer_finish(&child->restart);
	}
}
