/*
 * The configuration: a child without rights reads the file (boot/config_child.h) and answers a
 * snapshot, which is decoded, sealed and handed to all. At a reload an answer that is no snapshot,
 * or files that cannot be opened, leave everything as it was. What one child cannot use (a
 * certificate) it says, and whoever asked for the reload is told when all have answered.
 */
#include "proc/super/super.h"

#include <signal.h>
#include <sys/wait.h>

#include "base/assert.h"
#include "boot/config_child.h"

#define STDERR_FD 2
/* Nobody: its own uid is not known before the file has been read. */
#define CONFIG_CHILD_UID 65534u
#define REASON_MAX 1900	  /* of a CTL_DONE text */
#define TOLD_MS_MAX 10000 /* for the children to say what they think of it */

static void
on_limit(void *ctx)
{
	struct super *super = ctx;

	if (super->asking.pid)
		rt_kill(super->rt, super->asking.pid, SIGKILL);
}

static int
child_run(struct super *super, int config_fd)
{
	char folder[SUPER_PATH_MAX];
	const char *argv[] = {"frank-config", super->options.config_path, folder, NULL};
	const int fds[] = {config_fd, super->asking.result_fd};
	struct rt_spawn spawn = {.argv = argv, .fds = fds, .fd_count = 2, .log_fd = STDERR_FD};
	/* That relative paths start from. */
	int err = super_path(super_folder_of(slice_str(super->options.config_path)), folder);

	_Static_assert(CONFIG_CHILD_FD_FILE == 3 && CONFIG_CHILD_FD_RESULT == 4, "order of fds");
	if (rt_uid(super->rt) == 0)
		spawn.uid = spawn.gid = CONFIG_CHILD_UID;
	if (!err)
		err = rt_open_program(super->rt, super->programs_fd, argv[0], &spawn.program_fd);
	if (err)
		return err;
	err = rt_spawn(super->rt, &spawn, &super->asking.pid);
	rt_close(super->rt, spawn.program_fd);
	return err;
}

/* To whoever waits; of what is in force now, with the options that are not. */
static void
told_answer(struct super *super, int exit_code, struct slice text)
{
	struct super_asking *asking = &super->asking;
	uint8_t buf[SUPER_NOTE_MAX + 400];
	struct builder b;

	if (!asking->told.waits)
		return;
	builder_init_fixed(&b, buf, sizeof(buf));
	builder_add(&b, text);
	if (asking->note.len) {
		builder_str(&b, "; a restart is needed for ");
		builder_add(&b, slice_from(builder_slice(&asking->note), sizeof(", ") - 1));
	}
	if (asking->note.failed)
		builder_str(&b, " ... (see the log)");
	ASSERT(!b.failed);
	super_command_done(super, asking->told.request, exit_code, builder_slice(&b));
	asking->told.waits = false;
}

static void
asker_answer(struct super *super, struct super_asker *asker, int exit_code, struct slice text)
{
	if (asker->waits)
		super_command_done(super, asker->request, exit_code, text);
	asker->waits = false;
}

/* The first one must work; a later one leaves all as it is. */
static void
refuse(struct super *super, const char *what, struct slice reason, int err)
{
	struct super_asking *asking = &super->asking;
	struct log_line line;

	log_begin(&line, super->log, EVENT_config_refused);
	log_text(&line, "path", slice_str(super->options.config_path));
	log_text(&line, "what", slice_str(what));
	log_text(&line, "reason", reason);
	if (err)
		log_err(&line, err);
	log_end(&line);
	asker_answer(super, &asking->now, SUPER_EXIT_CONFIG,
		     reason.len ? slice_sub(reason, 0, REASON_MAX) : slice_str(what));
	if (!super->started) {
		super->exit_code = SUPER_EXIT_CONFIG;
		rt_stop(super->rt);
	}
}

void
super_config_ask(struct super *super)
{
	struct super_asking *asking = &super->asking;
	int config_fd = -1, err;

	if (asking->pid) {
		asking->again = true;
		return;
	}
	asking->result_fd = -1;
	err = rt_open(super->rt, RT_AT_PATH, super->options.config_path, RT_OPEN_READ, &config_fd);
	if (!err)
		err = rt_memfd_empty(super->rt, "frank-config", &asking->result_fd);
	if (!err)
		err = child_run(super, config_fd);
	rt_close(super->rt, config_fd);
	if (err) {
		rt_close(super->rt, asking->result_fd);
		refuse(super, "cannot be read", SLICE_EMPTY, err);
		return;
	}
	rt_timer_init(&asking->limit, super->rt, on_limit, super);
	rt_timer_arm(&asking->limit, CONFIG_CHILD_TIME_MS);
}

void
super_config_ask_by(struct super *super, uint32_t request)
{
	struct super_asking *asking = &super->asking;
	struct super_asker asker = {.waits = true, .request = request};

	if (asking->now.waits || asking->next.waits || asking->told.waits ||
	    super->stop_phase >= 0) {
		super_command_done(super, request, SUPER_EXIT_TEMPORARY, SLICE("busy; try again"));
		return;
	}
	if (asking->pid)
		asking->next = asker;
	else
		asking->now = asker;
	super_config_ask(super);
}

void
super_config_forget(struct super *super)
{
	super->asking.now.waits = super->asking.next.waits = super->asking.told.waits = false;
}

void
super_config_told(struct super_child *child, bool refused)
{
	struct super *super = child->super;
	uint8_t buf[200];
	struct builder b;

	if (refused) {
		builder_init_fixed(&b, buf, sizeof(buf));
		builder_str(&b, "reloaded, but ");
		builder_str(&b, ipc_role_str(child->role));
		builder_str(&b, " cannot use a file that it was given and keeps the old one: see "
				"the log");
		ASSERT(!b.failed);
		told_answer(super, SUPER_EXIT_CONFIG, builder_slice(&b));
	}
	for (size_t i = 0; i < super->child_count; i++)
		if (super->children[i].reloads)
			return;
	told_answer(super, SUPER_EXIT_OK, SLICE("reloaded"));
}

void
super_config_untold(void *ctx)
{
	struct super *super = ctx;

	told_answer(super, SUPER_EXIT_TEMPORARY,
		    SLICE("reloaded, but not every process has said so yet"));
}

static void
config_drop(struct super *super, struct super_config *config)
{
	arena_finish(&config->arena);
	rt_close(super->rt, config->fd);
	config->fd = -1;
}

static int
config_make(struct super *super, struct slice snapshot, struct super_config *config)
{
	int err;

	config->fd = -1;
	arena_init(&config->arena, rt_mem(super->rt), CONFIG_ARENA_BYTES);
	err = config_decode(&config->arena, snapshot, &config->values);
	if (!err)
		err = rt_memfd(super->rt, "frank-snapshot", snapshot, &config->fd);
	if (err)
		config_drop(super, config);
	return err;
}

static void
send_all(struct super *super, const struct super_files *files)
{
	for (size_t i = 0; i < super->child_count; i++) {
		struct super_child *child = &super->children[i];
		int err;

		if (!child->channel)
			continue;
		err = super_send_files(child, files);
		if (!err)
			err = IPC_SEND(child->channel, BOOT_CONFIG, boot_config,
				       .config = super->config.fd);
		if (err)
			super_child_kill(child, "cannot be told of the configuration");
		else
			child->reloads++;
	}
}

static void
file_refuse(struct super *super, struct super_config *next, struct slice path, int err)
{
	uint8_t buf[REASON_MAX];
	struct builder b;

	builder_init_fixed(&b, buf, sizeof(buf));
	builder_str(&b, "cannot be opened: ");
	builder_add(&b, path);
	refuse(super, "a file that it names", builder_slice(&b), err);
	config_drop(super, next);
}

static void
reload(struct super *super, struct super_config *next)
{
	struct super_asking *asking = &super->asking;
	struct slice now = super->config.values.log;
	struct slice log = super_log_waits(super, &next->values) ? arena_keep(&next->arena, now)
								 : next->values.log;
	bool other_log = !slice_eq(now, log);
	struct slice bad = log;
	struct super_files files;
	struct log_line line;
	int log_fd = -1, err = next->arena.failed ? ERR_NO_MEMORY : 0;

	if (!err && other_log)
		err = super_log_open(super, log, &log_fd);
	if (!err)
		err = super_files_open(super, &next->values, &files, &bad);
	if (err) {
		if (log_fd > STDERR_FD)
			rt_close(super->rt, log_fd);
		file_refuse(super, next, bad, err);
		return;
	}
	builder_init_fixed(&asking->note, asking->note_buf, sizeof(asking->note_buf));
	super_restart_only_log(super, &next->values, &asking->note);
	if (super->first.fd < 0)
		super->first = super->config;
	else
		config_drop(super, &super->config);
	super->config = *next;
	super->config.values.log = log;
	if (other_log)
		super_log_use(super, log_fd);
	log_set_level(super->log, (enum log_level)super->config.values.log_level);
	if (asking->now.waits) /* else somebody may still wait for the last one */
		asking->told = asking->now;
	asking->now.waits = false;
	rt_timer_arm(&asking->told_limit, TOLD_MS_MAX);
	send_all(super, &files);
	super_files_close(super, &files);
	log_begin(&line, super->log, EVENT_reload);
	log_end(&line);
}

static void
answer_take(struct super *super, struct slice answer, int status)
{
	struct super_config next;
	int err;

	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		bool invalid =
			WIFEXITED(status) && WEXITSTATUS(status) == CONFIG_CHILD_EXIT_INVALID;

		refuse(super, invalid ? "not valid" : "its reader failed",
		       invalid ? answer : SLICE_EMPTY, 0);
		return;
	}
	err = config_make(super, answer, &next);
	if (err) {
		refuse(super, "its reader answered nonsense", SLICE_EMPTY, err);
	} else if (super->started) {
		reload(super, &next);
	} else {
		super->config = next;
		super_start(super);
	}
}

bool
super_config_exited(struct super *super, int pid, int status)
{
	struct super_asking *asking = &super->asking;
	struct slice answer = SLICE_EMPTY;
	int err;

	if (!asking->pid || pid != asking->pid)
		return false;
	asking->pid = 0;
	rt_timer_finish(&asking->limit);
	err = rt_read_all(super->rt, asking->result_fd, CONFIG_SNAPSHOT_BYTES_MAX, &answer);
	rt_close(super->rt, asking->result_fd);
	if (err)
		refuse(super, "its reader's answer", SLICE_EMPTY, err);
	else if (super->stop_phase < 0)
		answer_take(super, answer, status);
	mem_give(rt_mem(super->rt), (void *)(uintptr_t)answer.data, answer.len);
	if (asking->again && super->stop_phase < 0) {
		asking->again = false;
		asking->now = asking->next;
		asking->next.waits = false;
		super_config_ask(super);
	}
	return true;
}

void
super_config_finish(struct super *super)
{
	struct super_asking *asking = &super->asking;

	if (asking->pid) {
		rt_kill(super->rt, asking->pid, SIGKILL);
		rt_timer_finish(&asking->limit);
		rt_close(super->rt, asking->result_fd);
	}
	config_drop(super, &super->config);
	config_drop(super, &super->first);
}
