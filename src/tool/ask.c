/*
 * ask: one request to control over its socket; frames are printed as they come. --password-stdin
 * becomes --password with the first line of standard input, so that no secret stands in a process
 * list.
 */
#include <stdlib.h>
#include <string.h>

#include "rt/file.h"
#include "rt/net.h"
#include "tool/tool.h"
#include "wire/conf/parse.h"

#define PASSWORD_BYTES_MAX 256
#define ASK_MS_MAX 90000

struct ask {
	struct tool *tool;
	struct rt_stream *stream;
	struct rt_timer deadline;
	struct arena arena;
	struct slice request;
	size_t sent;
	uint8_t *input;
	size_t input_len;
	int exit_code;
};

#define INPUT_BYTES (COMMAND_FRAME_BYTES_MAX + COMMAND_FRAME_HEAD_BYTES)

static void
ask_end(struct ask *ask, int exit_code)
{
	ask->exit_code = exit_code;
	rt_stop(ask->tool->rt);
}

static void
ask_late(void *ctx)
{
	struct ask *ask = ctx;

	tool_complain(ask->tool, "the server did not answer in time; try again", "");
	ask_end(ask, TOOL_EXIT_TEMPFAIL);
}

/* True when the exit frame came. */
static bool
frames_print(struct ask *ask)
{
	for (;;) {
		struct slice content;
		uint8_t kind;
		int used =
			command_frame_decode(slice_of(ask->input, ask->input_len), &kind, &content);

		if (used == 0)
			return false;
		if (used < 0) {
			tool_complain(ask->tool,
				      "the server's answer is not understood: ", err_str(used));
			ask_end(ask, TOOL_EXIT_SOFTWARE);
			return true;
		}
		if (kind == COMMAND_FRAME_EXIT) {
			ask_end(ask, content.data[0]);
			return true;
		}
		tool_print(ask->tool, kind == COMMAND_FRAME_OUT ? TOOL_OUT : TOOL_ERROR, content);
		ask->input_len -= (size_t)used;
		memmove(ask->input, ask->input + used, ask->input_len);
	}
}

static void
ask_receive(struct ask *ask)
{
	ssize_t got = rt_stream_recv(ask->stream, ask->input + ask->input_len,
				     INPUT_BYTES - ask->input_len);

	if (got == ERR_AGAIN)
		return;
	if (got < 0) {
		tool_complain(ask->tool, "the server closed the connection; is it stopping?", "");
		ask_end(ask, TOOL_EXIT_TEMPFAIL);
		return;
	}
	ask->input_len += (size_t)got;
	frames_print(ask);
}

static void
ask_ready(void *ctx, unsigned events)
{
	struct ask *ask = ctx;
	struct slice rest = slice_from(ask->request, ask->sent);
	ssize_t sent;

	if (rest.len && (events & RT_WRITABLE)) {
		sent = rt_stream_send(ask->stream, &rest, 1);
		if (sent > 0)
			ask->sent += (size_t)sent;
		if (sent < 0 && sent != ERR_AGAIN) {
			tool_complain(ask->tool, "the server closed the connection", "");
			ask_end(ask, TOOL_EXIT_TEMPFAIL);
			return;
		}
		rt_stream_want(ask->stream, ask->sent == ask->request.len
						    ? RT_READABLE
						    : RT_READABLE | RT_WRITABLE);
	}
	if (events & RT_READABLE)
		ask_receive(ask);
}

/* A pipe gives what was written so far: the line may come in parts. */
static int
password_read(struct ask *ask, struct slice *ret_password)
{
	uint8_t buf[PASSWORD_BYTES_MAX + 1] = {0};
	struct slice text = slice_of(buf, 0), line;
	ssize_t got = 1;
	bool good;

	while (got > 0 && text.len < sizeof(buf) && slice_index(text, '\n') == text.len) {
		got = rt_read(ask->tool->rt, TOOL_IN, buf + text.len, sizeof(buf) - text.len);
		text.len += got > 0 ? (size_t)got : 0;
	}
	line = slice_cut(&text, '\n');
	good = got >= 0 && line.len > 0 && line.len <= PASSWORD_BYTES_MAX;
	if (good)
		*ret_password = arena_keep(&ask->arena, line);
	else
		tool_complain(ask->tool, "expected a password of 1 to 256 bytes on standard input",
			      "");
	explicit_bzero(buf, sizeof(buf));
	return good ? 0 : TOOL_EXIT_USAGE;
}

static int
request_make(struct ask *ask)
{
	struct tool *tool = ask->tool;
	struct command_request request = {0};
	struct builder b;

	request.flags = (uint8_t)((tool->json ? COMMAND_JSON : 0) |
				  (rt_is_terminal(tool->rt, TOOL_OUT) ? COMMAND_TERMINAL : 0));
	for (size_t i = 0; i < tool->word_count; i++) {
		bool secret = strcmp(tool->words[i], "--password-stdin") == 0;

		if (request.count + 2 > COMMAND_WORDS_MAX) {
			tool_complain(ask->tool, "too many words", "");
			return TOOL_EXIT_USAGE;
		}
		request.words[request.count++] =
			secret ? SLICE("--password") : slice_str(tool->words[i]);
		if (secret && password_read(ask, &request.words[request.count++]))
			return TOOL_EXIT_USAGE;
	}
	builder_init_arena(&b, &ask->arena, COMMAND_REQUEST_BYTES_MAX + 4);
	if (command_request_encode(&b, &request)) {
		tool_complain(ask->tool, "the command is too long", "");
		return TOOL_EXIT_USAGE;
	}
	ask->request = builder_slice(&b);
	return 0;
}

static int
socket_find(struct ask *ask, char *path, size_t size)
{
	struct config config;
	struct builder b;

	builder_init_fixed(&b, path, size);
	if (!ask->tool->socket_path)
		ask->tool->socket_path = getenv("FRANK_CONTROL");
	if (ask->tool->socket_path) {
		builder_str(&b, ask->tool->socket_path);
	} else {
		if (tool_config_read(ask->tool, &ask->arena, &config)) {
			tool_complain(ask->tool,
				      "a running server keeps what it has; without this file it is "
				      "reached by --socket ",
				      "PATH");
			return TOOL_EXIT_CONFIG;
		}
		builder_add(&b, config.run);
		builder_str(&b, "/" COMMAND_SOCKET_NAME);
	}
	builder_byte(&b, 0);
	if (b.failed) {
		tool_complain(ask->tool, "the path of the control socket is too long", "");
		return TOOL_EXIT_CONFIG;
	}
	return 0;
}

static int
ask_over(struct ask *ask, const char *path)
{
	if (rt_stream_connect_unix(ask->tool->rt, path, &ask->stream)) {
		tool_complain(ask->tool, "no server answers at ", path);
		return TOOL_EXIT_UNAVAILABLE;
	}
	ask->input = mem_take(rt_mem(ask->tool->rt), INPUT_BYTES);
	if (!ask->input)
		return TOOL_EXIT_SOFTWARE;
	rt_timer_init(&ask->deadline, ask->tool->rt, ask_late, ask);
	rt_timer_arm(&ask->deadline, ASK_MS_MAX);
	rt_stream_on_ready(ask->stream, ask_ready, ask);
	rt_stream_want(ask->stream, RT_READABLE | RT_WRITABLE);
	rt_run(ask->tool->rt);
	rt_timer_finish(&ask->deadline);
	mem_give(rt_mem(ask->tool->rt), ask->input, INPUT_BYTES);
	rt_stream_destroy(&ask->stream);
	return ask->exit_code;
}

int
tool_ask_server(struct tool *tool)
{
	struct ask ask = {.tool = tool};
	char path[108]; /* of a Unix socket */
	int exit_code;

	arena_init(&ask.arena, rt_mem(tool->rt), 4 * CONFIG_ARENA_BYTES);
	exit_code = request_make(&ask);
	if (!exit_code)
		exit_code = socket_find(&ask, path, sizeof(path));
	if (!exit_code)
		exit_code = ask_over(&ask, path);
	arena_finish(&ask.arena);
	return exit_code;
}
