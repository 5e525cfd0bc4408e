/*
 * control: the one gate for commands. Takes requests of the frank tool on a Unix socket, asks the
 * process concerned by typed messages, writes the answer as text or JSON. Knows no mail itself.
 */
#ifndef PROC_CONTROL_CONTROL_H
#define PROC_CONTROL_CONTROL_H

#include "boot/boot.h"
#include "rt/net.h"
#include "wire/command/command.h"
#include "wire/text/json.h"

#define CONTROL_CLIENTS_MAX 32
#define CONTROL_REQUEST_MS_MAX 60000 /* a request without an end by then: exit 75 */
#define CONTROL_OUTPUT_BYTES_MAX ((size_t)32 << 20)
#define CONTROL_PEERS_MAX 64
#define CONTROL_ROWS_DEFAULT 100
#define CONTROL_ROWS_MAX 10000
#define CONTROL_SUSPENSIONS_MAX 1000

/* Exit codes of sysexits.h that commands use. */
enum exit_code {
	EXIT_CODE_OK = 0,
	EXIT_CODE_FAULT = 1,
	EXIT_CODE_USAGE = 64,
	EXIT_CODE_DATA = 65,
	EXIT_CODE_NO_SUCH = 67,
	EXIT_CODE_UNAVAILABLE = 69,
	EXIT_CODE_SOFTWARE = 70,
	EXIT_CODE_TEMPFAIL = 75,
	EXIT_CODE_CONFIG = 78,
};

struct control {
	struct boot *boot;
	struct rt_listener *listener;
	struct ipc_channel *peers[CONTROL_PEERS_MAX];
	size_t peer_count;
	struct list clients;
	size_t client_count;
	uint32_t last_request;
	bool stopping;
};

/* The words of a request behind the command's name: positions and --name value pairs. */
enum control_argument {
	ARGUMENT_ID,
	ARGUMENT_SENDER,
	ARGUMENT_RCPT,
	ARGUMENT_DESTINATION,
	ARGUMENT_LIMIT,
	ARGUMENT_AFTER,
	ARGUMENT_SINCE,
	ARGUMENT_PASSWORD,
	ARGUMENT_ALL, /* takes no value */
	ARGUMENT_MAX
};

#define CONTROL_POSITIONS_MAX 4

struct control_arguments {
	struct slice positions[CONTROL_POSITIONS_MAX];
	size_t position_count;
	struct slice named[ARGUMENT_MAX];
	bool given[ARGUMENT_MAX];
};

struct control_command;

/* One connection of the tool, which is one request. */
struct control_client {
	struct list_node node;
	struct control *control;
	struct rt_stream *stream;
	struct rt_timer deadline;
	struct arena arena;
	uint8_t *input;
	size_t input_len;
	/* The request, once it is complete. */
	uint32_t number;
	const struct control_command *command;
	struct control_arguments arguments;
	bool json, terminal;
	/* Who was asked and has not said CTL_DONE yet. What others say is no answer: request
	 * numbers can be guessed, and some of the others talk with strangers. */
	struct ipc_channel *asked[CONTROL_PEERS_MAX];
	size_t asked_count;
	const struct ipc_channel *teller; /* of the row at hand */
	uint64_t rows;
	struct list suspensions; /* that queue told of (suspensions.c) */
	size_t suspension_count;
	size_t suspension_total; /* as queue says: these and those that it did not tell of */
	int64_t now_ms;
	void *state; /* of the command, in the arena */
	/* The answer. */
	struct builder out, error;
	struct json_writer writer;
	uint8_t exit;
	bool answered, sending;
	struct slice to_send; /* frames, all of them */
	size_t sent;
};

struct control_command {
	const char *words[2]; /* the second may be NULL */
	const char *synopsis; /* behind the words */
	const char *help;
	uint32_t accepts; /* bits of enum control_argument */
	size_t positions_min, positions_max;
	unsigned detail; /* of the command's own: a verb */
	/* Sends what is to be sent and tells control_sent, or answers by control_fail. */
	void (*run)(struct control_client *client);
	/* A row of the answer, and its type; what is of another type is dropped. */
	enum ipc_type row_type;
	void (*row)(struct control_client *client, struct ipc_message *message);
	/* All CTL_DONE have come: ends the output. NULL: nothing to add. */
	void (*end)(struct control_client *client, const struct ipc_ctl_done *done);
	/* Gives back what the state holds beside memory, also after a failure. May be NULL. */
	void (*finish)(struct control_client *client);
	/* Whether queue also tells of suspended destinations. */
	bool suspensions;
};

extern const struct boot_process control_process;
extern const struct control_command control_commands[];
extern const size_t control_command_count;

/* client.c */
void control_client_accept(void *ctx, struct rt_stream *stream, int err);
void control_client_destroy(struct control_client *client);
/* Sends what was written and closes. */
void control_client_answer(struct control_client *client);
/* Says what is wrong and what to do; ends the request. */
void control_fail(struct control_client *client, enum exit_code exit, const char *text,
		  struct slice detail);

/* arguments.c: 0, or control_fail has been called. */
int control_arguments_parse(struct control_client *client, const struct command_request *request);
/* A message id from position 0 or --id; 0 when none; ERR_SYNTAX after control_fail. */
int control_argument_id(struct control_client *client, msg_id *ret_id) MUST_USE;
int control_argument_count(struct control_client *client, enum control_argument argument,
			   uint64_t fallback, uint64_t max, uint64_t *ret_count) MUST_USE;

/* control.c: the channel to a process, NULL while it is away (then control_fail was called). */
struct ipc_channel *control_peer(struct control_client *client, enum ipc_role role);
/* Its CTL_DONE is to come now. */
void control_asked(struct control_client *client, struct ipc_channel *channel);
/* After an ipc_send to that channel: control_asked, or fails the request. */
void control_sent(struct control_client *client, struct ipc_channel *channel, int err);

/* render.c */
void render_duration(struct builder *b, int64_t ms);
void render_size(struct builder *b, uint64_t bytes);
void render_padded(struct builder *b, struct slice text, size_t width);
void render_verdict(struct builder *b, const struct verdict *verdict, const char *indent);
void render_verdict_json(struct json_writer *w, const char *key, const struct verdict *verdict);
void render_id_json(struct json_writer *w, const char *key, msg_id id);

/* suspensions.c: keeps a row; shows all of them. */
void suspensions_row(struct control_client *client, struct ipc_message *message);
/* NULL: queue told of none such. */
const struct ipc_ctl_suspension *suspensions_find(const struct control_client *client,
						  struct slice destination);
void suspensions_text(struct control_client *client);
void suspensions_json(struct control_client *client);

/* cmd_queue.c, cmd_directory.c, cmd_server.c, cmd_trace.c, cmd_why.c */
void cmd_queue_run(struct control_client *client);
void cmd_queue_row(struct control_client *client, struct ipc_message *message);
void cmd_queue_end(struct control_client *client, const struct ipc_ctl_done *done);
void cmd_directory_run(struct control_client *client);
void cmd_directory_row(struct control_client *client, struct ipc_message *message);
void cmd_directory_end(struct control_client *client, const struct ipc_ctl_done *done);
void cmd_status_run(struct control_client *client);
void cmd_status_row(struct control_client *client, struct ipc_message *message);
void cmd_status_end(struct control_client *client, const struct ipc_ctl_done *done);
void cmd_trace_run(struct control_client *client);
void cmd_trace_row(struct control_client *client, struct ipc_message *message);
void cmd_trace_end(struct control_client *client, const struct ipc_ctl_done *done);
/* What the journal knows of those that were asked for; an error: control_fail was called. */
struct trace;
int cmd_trace_gather(struct control_client *client, const struct ipc_ctl_done *done,
		     struct trace *ret_trace) MUST_USE;
void cmd_why_end(struct control_client *client, const struct ipc_ctl_done *done);
void cmd_trace_finish(struct control_client *client);
void cmd_super_run(struct control_client *client);
void cmd_super_end(struct control_client *client, const struct ipc_ctl_done *done);

#endif
