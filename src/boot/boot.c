/*
 * The frame of a child process. Everything comes as messages on descriptor 3, so there is one order
 * of events for the start, a reload and the restart of a neighbour. Until boot_complete nothing but
 * our own parent has been read; after it the sandbox is closed.
 *
 * A neighbour that breaks the rules loses its channel here and is reported to super, which restarts
 * it; when super itself goes, so do we.
 */
#include "boot/boot.h"

#include <string.h>

#include "base/assert.h"
#include "boot/sandbox.h"
#include "rt/file.h"
#include "rt/process.h"

#define SUPER_FD 3
#define STDERR_FD 2
#define EXIT_SOFTWARE 70
#define EXIT_USAGE 64
#define INSTANCE_MAX 1000
#define PROCESS_NAME_MAX 32

struct neighbour {
	struct list_node node;
	struct ipc_channel *channel;
};

struct frame {
	struct boot boot; /* first: what the process sees */
	const struct boot_process *process;
	void *state;
	struct ipc_channel *super;
	struct list neighbours;
	struct boot_dirs dirs;
	struct arena arenas[2]; /* the configuration of now, and the next */
	struct config configs[2];
	unsigned config_index;
	int log_fd;
	bool started, stopped;
	int exit_code;
	char name[PROCESS_NAME_MAX]; /* in the log: queue, smtpin-1 */
};

typedef void frame_handler(struct frame *frame, struct ipc_message *message);

static void on_super(void *ctx, struct ipc_channel *from, struct ipc_message *message);
static void on_super_closed(void *ctx, struct ipc_channel *channel, int err);
static void on_receive(void *ctx, struct ipc_channel *from, struct ipc_message *message);
static void on_drained(void *ctx, struct ipc_channel *channel);
static void on_closed(void *ctx, struct ipc_channel *channel, int err);

/* Before there is a log. */
static int
fail_early(struct rt *rt, enum ipc_role role, const char *what, int err)
{
	char buf[256];
	struct builder b;

	builder_init_fixed(&b, buf, sizeof(buf));
	builder_str(&b, "frank-");
	builder_str(&b, ipc_role_str(role));
	builder_str(&b, ": ");
	builder_str(&b, what);
	builder_str(&b, ": ");
	builder_str(&b, err_str(err));
	builder_str(&b, " ");
	builder_dec_signed(&b, err);
	builder_str(&b, "\n");
	if (rt && rt_write_line(rt, STDERR_FD, builder_slice(&b)))
		return EXIT_SOFTWARE + 1;
	return EXIT_SOFTWARE;
}

static void
fail(struct frame *frame, const char *what, int err)
{
	struct log_line line;

	frame->exit_code = EXIT_SOFTWARE;
	rt_stop(frame->boot.rt);
	if (!frame->boot.log) {
		frame->exit_code = fail_early(frame->boot.rt, frame->boot.role, what, err);
		return;
	}
	log_begin(&line, frame->boot.log, EVENT_boot_failed);
	log_text(&line, "what", slice_str(what));
	log_err(&line, err);
	log_end(&line);
}

static int
config_take(struct frame *frame, int fd)
{
	struct rt *rt = frame->boot.rt;
	unsigned next = !frame->config_index;
	struct slice snapshot;
	int err = rt_read_all(rt, fd, CONFIG_SNAPSHOT_BYTES_MAX, &snapshot);

	if (err)
		return err;
	arena_finish(&frame->arenas[next]);
	arena_init(&frame->arenas[next], rt_mem(rt), CONFIG_ARENA_BYTES);
	err = config_decode(&frame->arenas[next], snapshot, &frame->configs[next]);
	mem_give(rt_mem(rt), (void *)(uintptr_t)snapshot.data, snapshot.len);
	if (err)
		return err;
	frame->config_index = next;
	frame->boot.config = &frame->configs[next];
	return 0;
}

static void
name_make(struct frame *frame)
{
	struct builder name;

	builder_init_fixed(&name, frame->name, sizeof(frame->name));
	builder_str(&name, ipc_role_str(frame->boot.role));
	if (frame->boot.instance) {
		builder_str(&name, "-");
		builder_dec(&name, frame->boot.instance);
	}
	builder_byte(&name, 0);
	ASSERT(!name.failed);
}

static int
log_open(struct frame *frame, int fd)
{
	struct boot *boot = &frame->boot;
	int err = log_create(boot->rt, frame->name, fd, &boot->log);

	if (err)
		return err;
	rt_on_crash(boot->rt, log_crash, boot->log);
	frame->log_fd = fd;
	log_set_level(boot->log, (enum log_level)boot->config->log_level);
	return 0;
}

static void
take_start(struct frame *frame, struct ipc_message *message)
{
	struct ipc_boot_start *start = &message->u.boot_start;
	int err;

	if (frame->state || start->instance != frame->boot.instance) {
		fail(frame, "start", ERR_STATE);
		return;
	}
	err = config_take(frame, start->config);
	if (!err)
		err = log_open(frame, start->log);
	if (!err)
		start->log = -1;
	if (!err)
		err = frame->process->create(&frame->boot, &frame->state);
	if (err)
		fail(frame, "create", err);
	else if (frame->boot.role == IPC_ROLE_CONTROL && frame->process->channel)
		frame->process->channel(frame->state, frame->super);
}

static struct neighbour *
neighbour_find(struct frame *frame, unsigned role, unsigned instance)
{
	struct list_node *node = list_first(&frame->neighbours);

	for (; node; node = list_next(&frame->neighbours, node)) {
		struct neighbour *neighbour = CONTAINER_OF(node, struct neighbour, node);
		struct ipc_ends ends = ipc_channel_ends(neighbour->channel);

		if (ends.peer == role && ends.peer_instance == instance)
			return neighbour;
	}
	return NULL;
}

static void
neighbour_drop(struct frame *frame, struct neighbour *neighbour)
{
	list_remove(&neighbour->node);
	if (frame->state && frame->process->channel_closed)
		frame->process->channel_closed(frame->state, neighbour->channel);
	ipc_channel_destroy(&neighbour->channel);
	mem_give(rt_mem(frame->boot.rt), neighbour, sizeof(*neighbour));
}

static void
take_channel(struct frame *frame, struct ipc_message *message)
{
	struct ipc_boot_channel *given = &message->u.boot_channel;
	struct ipc_events events = {frame, on_receive, on_drained, on_closed};
	struct ipc_ends ends = {.self = frame->boot.role,
				.peer = (enum ipc_role)given->role,
				.self_instance = frame->boot.instance,
				.peer_instance = given->instance};
	struct neighbour *neighbour = neighbour_find(frame, given->role, given->instance);
	int err;

	if (neighbour)
		neighbour_drop(frame, neighbour);
	neighbour = MEM_NEW(rt_mem(frame->boot.rt), struct neighbour);
	if (!neighbour) {
		fail(frame, "channel", ERR_NO_MEMORY);
		return;
	}
	err = ipc_channel_create(frame->boot.rt, given->channel, &ends, &events,
				 &neighbour->channel);
	if (err) {
		mem_give(rt_mem(frame->boot.rt), neighbour, sizeof(*neighbour));
		fail(frame, "channel", err);
		return;
	}
	given->channel = -1;
	/* What it says is heard once we have started: queue knows no segments before. */
	if (!frame->started)
		ipc_channel_pause(neighbour->channel, true);
	list_push_back(&frame->neighbours, &neighbour->node);
	if (frame->process->channel)
		frame->process->channel(frame->state, neighbour->channel);
}

static void
take_listener(struct frame *frame, struct ipc_message *message)
{
	struct ipc_boot_listener *given = &message->u.boot_listener;
	int fd = given->socket;

	if (!frame->process->listener)
		return;
	given->socket = -1;
	frame->process->listener(frame->state, given->name, fd);
}

static void
take_dir(struct frame *frame, struct ipc_message *message)
{
	struct ipc_boot_dir *given = &message->u.boot_dir;
	int fd = given->dir, err = ERR_LIMIT;

	/* A copy for the sandbox: the process may close its own before. */
	if (!frame->started && frame->dirs.count < BOOT_DIRS_MAX)
		err = rt_dup(frame->boot.rt, fd, &frame->dirs.fds[frame->dirs.count]);
	if (err) {
		fail(frame, "directory", err);
		return;
	}
	frame->dirs.count++;
	if (!frame->process->dir)
		return;
	given->dir = -1;
	frame->process->dir(frame->state, given->name, fd);
}

static int
content_read(struct frame *frame, int fd, struct slice *ret_content)
{
	return rt_read_all(frame->boot.rt, fd, BOOT_FILE_BYTES_MAX, ret_content);
}

/* May have been a secret. */
static void
content_wipe(struct frame *frame, struct slice *content)
{
	void *block = (void *)(uintptr_t)content->data;

	if (content->len)
		explicit_bzero(block, content->len);
	mem_give(rt_mem(frame->boot.rt), block, content->len);
	*content = SLICE_EMPTY;
}

static void
take_tls(struct frame *frame, struct ipc_message *message)
{
	struct ipc_boot_tls *given = &message->u.boot_tls;
	struct slice certificate = SLICE_EMPTY, key = SLICE_EMPTY;
	int err = content_read(frame, given->certificate, &certificate);

	if (!err)
		err = content_read(frame, given->key, &key);
	if (!err && frame->process->tls)
		frame->process->tls(frame->state, given->name, certificate, key);
	content_wipe(frame, &certificate);
	content_wipe(frame, &key);
	if (err)
		fail(frame, "tls", err);
}

static void
take_file(struct frame *frame, struct ipc_message *message)
{
	struct ipc_boot_file *given = &message->u.boot_file;
	struct slice content = SLICE_EMPTY;
	int err = content_read(frame, given->file, &content);

	if (!err && frame->process->file)
		frame->process->file(frame->state, given->name, content);
	content_wipe(frame, &content);
	if (err)
		fail(frame, "file", err);
}

static void
take_complete(struct frame *frame, struct ipc_message *message)
{
	struct boot *boot = &frame->boot;
	struct log_line line;
	int err;

	(void)message;
	if (frame->started) {
		fail(frame, "complete", ERR_STATE);
		return;
	}
	err = boot_sandbox_enter(boot->rt, boot->role, boot->config, &frame->dirs);
	for (size_t i = 0; i < frame->dirs.count; i++)
		rt_close(boot->rt, frame->dirs.fds[i]);
	frame->dirs.count = 0;
	if (err && boot->config->sandbox == CONFIG_SANDBOX_REQUIRED) {
		fail(frame, "sandbox", err);
		return;
	}
	frame->started = true;
	if (frame->process->start)
		frame->process->start(frame->state);
	for (struct list_node *node = list_first(&frame->neighbours); node;
	     node = list_next(&frame->neighbours, node))
		ipc_channel_pause(CONTAINER_OF(node, struct neighbour, node)->channel, false);
	log_begin(&line, boot->log, EVENT_start);
	log_number(&line, "pid", rt_pid(boot->rt));
	if (err)
		log_text(&line, "sandbox", slice_str("off"));
	log_end(&line);
	err = IPC_SEND(frame->super, BOOT_READY, boot_ready, .refused = boot->refused);
	boot->refused = false;
	if (err)
		fail(frame, "ready", err);
}

static void
take_config(struct frame *frame, struct ipc_message *message)
{
	int err = config_take(frame, message->u.boot_config.config);

	if (err) {
		fail(frame, "config", err);
		return;
	}
	log_set_level(frame->boot.log, (enum log_level)frame->boot.config->log_level);
	if (frame->process->reload)
		frame->process->reload(frame->state);
	err = IPC_SEND(frame->super, BOOT_RELOADED, boot_reloaded, .refused = frame->boot.refused);
	frame->boot.refused = false;
	if (err)
		fail(frame, "reloaded", err);
}

static void
take_log(struct frame *frame, struct ipc_message *message)
{
	int fd = message->u.boot_log.log;

	message->u.boot_log.log = -1;
	log_set_fd(frame->boot.log, fd);
	rt_close(frame->boot.rt, frame->log_fd);
	frame->log_fd = fd;
}

static void
take_stop(struct frame *frame, struct ipc_message *message)
{
	(void)message;
	if (frame->process->stop && frame->started)
		frame->process->stop(frame->state);
	else
		boot_stopped(&frame->boot);
}

static const struct {
	enum ipc_type type;
	bool needs_fd;
	size_t fd_offset; /* in the message: a descriptor that must be there */
	frame_handler *take;
} handlers[] = {
#define HAS_FD(name, field) true, offsetof(struct ipc_message, u.name.field)
	{IPC_BOOT_START, HAS_FD(boot_start, config), take_start},
	{IPC_BOOT_CHANNEL, HAS_FD(boot_channel, channel), take_channel},
	{IPC_BOOT_LISTENER, HAS_FD(boot_listener, socket), take_listener},
	{IPC_BOOT_TLS, HAS_FD(boot_tls, certificate), take_tls},
	{IPC_BOOT_DIR, HAS_FD(boot_dir, dir), take_dir},
	{IPC_BOOT_FILE, HAS_FD(boot_file, file), take_file},
	{IPC_BOOT_COMPLETE, false, 0, take_complete},
	{IPC_BOOT_CONFIG, HAS_FD(boot_config, config), take_config},
	{IPC_BOOT_LOG, HAS_FD(boot_log, log), take_log},
	{IPC_BOOT_STOP, false, 0, take_stop},
#undef HAS_FD
};

static void
recent_note(struct frame *frame, struct ipc_channel *from, const struct ipc_message *message)
{
	if (frame->boot.log)
		log_recent_message(frame->boot.log, ipc_role_str(ipc_channel_ends(from).peer),
				   ipc_type_str(message->type));
}

static void
on_super(void *ctx, struct ipc_channel *from, struct ipc_message *message)
{
	struct frame *frame = ctx;

	if (frame->exit_code || frame->stopped)
		return;
	recent_note(frame, from, message);
	for (size_t i = 0; i < sizeof(handlers) / sizeof(handlers[0]); i++) {
		if (handlers[i].type != message->type)
			continue;
		if (handlers[i].needs_fd &&
		    *(int *)(void *)((char *)message + handlers[i].fd_offset) < 0)
			fail(frame, "no descriptor", ERR_PROTOCOL);
		else if (!frame->state && message->type != IPC_BOOT_START)
			fail(frame, "not started", ERR_STATE);
		else
			handlers[i].take(frame, message);
		return;
	}
	/* Of control and super: commands. */
	if (frame->state && frame->process->receive)
		frame->process->receive(frame->state, from, message);
}

static void
on_super_closed(void *ctx, struct ipc_channel *channel, int err)
{
	struct frame *frame = ctx;

	(void)channel;
	(void)err;
	rt_stop(frame->boot.rt);
}

static void
on_receive(void *ctx, struct ipc_channel *from, struct ipc_message *message)
{
	struct frame *frame = ctx;

	recent_note(frame, from, message);
	if (frame->process->receive)
		frame->process->receive(frame->state, from, message);
}

static void
on_drained(void *ctx, struct ipc_channel *channel)
{
	struct frame *frame = ctx;

	if (frame->process->drained)
		frame->process->drained(frame->state, channel);
}

static void
on_closed(void *ctx, struct ipc_channel *channel, int err)
{
	struct frame *frame = ctx;
	struct ipc_ends ends = ipc_channel_ends(channel);
	struct log_line line;

	neighbour_drop(frame, neighbour_find(frame, ends.peer, ends.peer_instance));
	if (err == ERR_CLOSED)
		return;
	if (err != ERR_PROTOCOL) {
		/* Nobody makes this channel anew but super, when it starts us again. */
		fail(frame, "channel", err);
		return;
	}
	log_begin(&line, frame->boot.log, EVENT_ipc_broken);
	log_text(&line, "peer", slice_str(ipc_role_str(ends.peer)));
	log_number(&line, "instance", ends.peer_instance);
	log_end(&line);
	err = IPC_SEND(frame->super, BOOT_BROKEN, boot_broken, .role = (uint8_t)ends.peer,
		       .instance = (uint16_t)ends.peer_instance);
	if (err)
		fail(frame, "broken", err);
}

void
boot_stopped(struct boot *boot)
{
	struct frame *frame = CONTAINER_OF(boot, struct frame, boot);
	struct log_line line;
	int err;

	if (frame->stopped)
		return;
	frame->stopped = true;
	log_begin(&line, boot->log, EVENT_stop);
	log_end(&line);
	err = IPC_SEND(frame->super, BOOT_STOPPED, boot_stopped, .unused = 0);
	if (err)
		frame->exit_code = EXIT_SOFTWARE;
	rt_stop(boot->rt);
}

static void
frame_finish(struct frame *frame)
{
	struct list_node *node;

	while ((node = list_first(&frame->neighbours))) {
		struct neighbour *neighbour = CONTAINER_OF(node, struct neighbour, node);

		/* The process is told by destroy, not channel by channel. */
		list_remove(node);
		ipc_channel_destroy(&neighbour->channel);
		mem_give(rt_mem(frame->boot.rt), neighbour, sizeof(*neighbour));
	}
	if (frame->boot.log)
		rt_close(frame->boot.rt, frame->log_fd);
	rt_on_crash(frame->boot.rt, NULL, NULL);
	log_destroy(&frame->boot.log);
	ipc_channel_destroy(&frame->super);
	arena_finish(&frame->arenas[0]);
	arena_finish(&frame->arenas[1]);
}

static int
frame_run(struct frame *frame)
{
	struct ipc_events events = {frame, on_super, NULL, on_super_closed};
	struct ipc_ends ends = {.self = frame->boot.role,
				.peer = IPC_ROLE_SUPER,
				.self_instance = frame->boot.instance};
	int err = ipc_channel_create(frame->boot.rt, SUPER_FD, &ends, &events, &frame->super);

	if (err)
		return fail_early(frame->boot.rt, frame->boot.role, "no channel", err);
	rt_run(frame->boot.rt);
	/* Only what came to rest is taken apart. When super went there may be work in threads, and
	 * the end is like that of a killed process, which recovery is made for. */
	if (frame->stopped && frame->state && frame->process->destroy)
		frame->process->destroy(&frame->state);
	frame_finish(frame);
	return frame->exit_code;
}

/* "-5" or "5": a number of milliseconds. */
static bool
offset_read(struct slice text, int64_t *ret_offset_ms)
{
	bool minus = slice_starts(text, SLICE("-"));
	uint64_t value;

	if (!slice_to_u64(slice_from(text, minus), INT64_MAX, &value))
		return false;
	*ret_offset_ms = minus ? -(int64_t)value : (int64_t)value;
	return true;
}

int
boot_main(int argc, char **argv, const struct boot_process *process)
{
	struct rt_options options = {.io_threads = process->io_threads,
				     .work_threads = process->work_threads};
	struct frame frame = {.process = process, .boot.role = process->role, .log_fd = -1};
	uint64_t instance = 0;
	int err, exit_code;

	if (argc == 3 && !strcmp(argv[1], "--sandbox-probe"))
		return boot_sandbox_probe(process->role, argv[2]);
	if (argc != 3 || !slice_to_u64(slice_str(argv[1]), INSTANCE_MAX, &instance) ||
	    !offset_read(slice_str(argv[2]), &options.wall_offset_ms))
		return EXIT_USAGE;
	frame.boot.instance = (unsigned)instance;
	name_make(&frame);
	options.process = frame.name;
	err = rt_create(&options, &frame.boot.rt);
	if (err)
		return EXIT_SOFTWARE;
	list_init(&frame.neighbours);
	exit_code = frame_run(&frame);
	rt_destroy(&frame.boot.rt);
	return exit_code;
}
