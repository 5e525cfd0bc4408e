/*
 * super: the parent of all. What its files share: arguments.c, super.c (start, signals,
 * end), resources.c (what is opened), child.c (one child's life), wiring.c (what children are
 * sent), reload.c (the config child), command.c (what control asks).
 */
#ifndef PROC_SUPER_SUPER_H
#define PROC_SUPER_SUPER_H

#include "boot/boot.h"
#include "log/log.h"
#include "rt/file.h"
#include "rt/process.h"
#include "wire/conf/config.h"

#define SUPER_CHILDREN_MAX 40 /* 16 + 16 of the options, and one of each other */
#define SUPER_SOCKETS_MAX 64
#define SUPER_PATH_MAX 4096
#define SUPER_PROGRAM_NAME_MAX 64
#define SUPER_STOP_PHASES 3
/* Children of a super that was killed have still to go. */
#define SUPER_CLAIMS_MAX 30
#define SUPER_CLAIM_MS 100

enum super_exit {
	SUPER_EXIT_OK = 0,
	SUPER_EXIT_USAGE = 64,
	SUPER_EXIT_SOFTWARE = 70,
	SUPER_EXIT_OS = 71,
	SUPER_EXIT_IO = 74,
	SUPER_EXIT_TEMPORARY = 75, /* another Frank has the spool */
	SUPER_EXIT_CONFIG = 78,
};

struct super_options {
	const char *config_path;
	const char *programs_path;
	const char *zone_path; /* NULL: the one of the configuration */
	int64_t wall_offset_ms;
};

struct super_child {
	struct super *super;
	enum ipc_role role;
	unsigned instance;
	unsigned uid, gid;
	int pid;		     /* 0: not running */
	struct ipc_channel *channel; /* NULL when not running */
	bool ready;
	unsigned failures; /* in a row */
	unsigned reloads;  /* boot_config that it has not answered yet */
	uint64_t restarts;
	uint64_t started_ms;
	struct rt_timer restart;
};

struct super_socket {
	char name[CONFIG_NAME_MAX + 1];
	int fd;
};

/* As super keeps it: values (log: the one that is in force), and the children's sealed snapshot. */
struct super_config {
	struct arena arena;
	struct config values;
	int fd;
};

/* Opened anew for each (re)start and reload. -1: not configured. */
struct super_files {
	int certificate, key, zone, smart_host_password, refusal_rules;
};

/* Of a request for a reload that control passed on. */
struct super_asker {
	bool waits; /* for its answer */
	uint32_t request;
};

#define SUPER_NOTE_MAX 600

/* The config child that runs, if any. */
struct super_asking {
	int pid; /* 0: none */
	int result_fd;
	bool again; /* asked for once more meanwhile: what runs may have read the older file */
	struct super_asker now, next;
	struct super_asker told; /* the children have the new configuration, and are to say so */
	struct rt_timer limit, told_limit;
	/* Of what the children were told last: the options that wait for a restart. */
	uint8_t note_buf[SUPER_NOTE_MAX];
	struct builder note;
};

struct super {
	uint8_t values[2][64 << 10]; /* an option's now and next, encoded to be compared */
	struct rt *rt;
	struct log *log;
	int log_fd; /* 2, or the log file */
	struct super_options options;
	int programs_fd;
	int forbid_err; /* of boot_sandbox_forbid */
	bool started;
	struct super_config config;
	/* What it was started with: the fixed options of it are in force. fd -1: config still is
	 * it. */
	struct super_config first;
	struct super_asking asking;
	struct super_child children[SUPER_CHILDREN_MAX];
	size_t child_count;
	struct super_socket sockets[SUPER_SOCKETS_MAX];
	size_t socket_count;
	int spool_fd, mail_fd, state_fd, run_fd;
	bool all_ready; /* said once */
	int stop_phase; /* -1: not stopping */
	struct rt_timer stop_timer;
	struct rt_timer claim_timer;
	unsigned claims;
	int exit_code;
};

/* arguments.c. The program; answers its exit code. */
int super_main(int argc, char **argv);

/* super.c */
int super_run(struct rt *rt, const struct super_options *options);
/* Everything that the first configuration brings. */
void super_start(struct super *super);
void super_stop(struct super *super);
/* A child of the current phase has gone. */
void super_stop_next(struct super *super);
void super_log_reopen(struct super *super);
/* Owns fd. */
void super_log_use(struct super *super, int fd);
/* Logs what failed and ends with that code. name: a path or what it was about. */
void super_fail(struct super *super, enum super_exit code, const char *what, struct slice name,
		int err);

/* resources.c */
int super_path(struct slice path, char buf[SUPER_PATH_MAX]) MUST_USE;
/* Of a path; "." when it has no slash. */
struct slice super_folder_of(struct slice path);
/* Empty: standard error. */
int super_log_open(struct super *super, struct slice path, int *ret_fd) MUST_USE;
/* Each tells what failed by super_fail. */
int super_dirs_open(struct super *super) MUST_USE;
/* From here on super, and all that it starts, can change nothing on disk but beneath these folders
 * and that of the log (def/places.def). */
int super_bound(struct super *super) MUST_USE;
/* The lock on the spool and the listening sockets. ERR_AGAIN, unless it is the last try, while
 * somebody has them. */
int super_claim(struct super *super, bool last) MUST_USE;
void super_resources_close(struct super *super);
/* Logs what cannot be opened and answers the error; then nothing is open. ret_bad: its path; may be
 * NULL. */
int super_files_open(struct super *super, const struct config *config,
		     struct super_files *ret_files, struct slice *ret_bad) MUST_USE;
void super_files_close(struct super *super, struct super_files *files);

/* child.c */
int super_children_init(struct super *super) MUST_USE;
struct super_child *super_child_find(struct super *super, unsigned role, unsigned instance);
/* Starts it and sends everything but boot_complete; on failure it is tried again later. */
bool super_child_start(struct super_child *child, const struct super_files *files);
void super_child_kill(struct super_child *child, const char *why);
void super_child_exited(struct super *super, int pid, int status);
void super_children_finish(struct super *super);

/* wiring.c */
/* The first messages to a new child. */
int super_send_start(struct super_child *child, const struct super_files *files) MUST_USE;
/* Channels between it and all running neighbours. */
int super_wire(struct super_child *child) MUST_USE;
int super_send_complete(struct super_child *child) MUST_USE;
int super_send_files(struct super_child *child, const struct super_files *files) MUST_USE;

/* reload.c */
void super_config_ask(struct super *super);
void super_config_ask_by(struct super *super, uint32_t request);
/* Whoever waits for an answer is gone with its control. */
void super_config_forget(struct super *super);
/* A child has answered, or is gone. refused: there was something that it could not use. */
void super_config_told(struct super_child *child, bool refused);
/* Not all have answered in time. */
void super_config_untold(void *ctx);
/* True when it was the config child. */
bool super_config_exited(struct super *super, int pid, int status);
void super_config_finish(struct super *super);

/* restart_only.c */
/* Whether the log of next lies where nothing can be written before a restart (super_bound). */
bool super_log_waits(const struct super *super, const struct config *next);
/* Logs each option of next that differs from what is in force and needs a restart, and names it in
 * note: ", x, y". */
void super_restart_only_log(struct super *super, const struct config *next, struct builder *note);

/* command.c */
void super_receive(void *ctx, struct ipc_channel *from, struct ipc_message *message);
void super_command_done(struct super *super, uint32_t request, int exit_code, struct slice text);

#endif
