/*
 * client: one connection of the tool: read a request, run it, send frames, close.
 */
#include <string.h>

#include "proc/control/control.h"

#define CLIENT_OVERHEAD_BYTES ((size_t)1 << 20)

void
control_client_destroy(struct control_client *client)
{
	struct mem *mem = rt_mem(client->control->boot->rt);

	if (client->state && client->command->finish)
		client->command->finish(client);
	list_remove(&client->node);
	client->control->client_count--;
	rt_timer_finish(&client->deadline);
	rt_stream_destroy(&client->stream);
	explicit_bzero(client->input, client->input_len); /* it may have held a password */
	mem_give(mem, client->input, COMMAND_REQUEST_BYTES_MAX + 4);
	arena_finish(&client->arena);
	mem_give(mem, client, sizeof(*client));
}

static void
client_send(struct control_client *client)
{
	while (client->sent < client->to_send.len) {
		struct slice rest = slice_from(client->to_send, client->sent);
		ssize_t sent = rt_stream_send(client->stream, &rest, 1);

		if (sent == ERR_AGAIN) {
			rt_stream_want(client->stream, RT_WRITABLE);
			return;
		}
		if (sent < 0)
			break;
		client->sent += (size_t)sent;
	}
	control_client_destroy(client);
}

static void
frames_add(struct builder *b, enum command_frame_kind kind, struct slice content)
{
	while (content.len) {
		struct slice piece = slice_sub(content, 0, COMMAND_FRAME_BYTES_MAX);

		command_frame_head(b, kind, piece.len);
		builder_add(b, piece);
		content = slice_from(content, piece.len);
	}
}

/* The socket may be full and the caller may be inside its callback: sending starts from the
 * deadline timer at once. */
void
control_client_answer(struct control_client *client)
{
	struct builder frames;

	if (client->answered)
		return;
	client->answered = true;
	client->asked_count = 0;
	if (client->out.failed) {
		builder_clear(&client->out);
		builder_str(&client->error, "frank: the answer is too long; narrow it down\n");
		client->exit = EXIT_CODE_SOFTWARE;
	}
	builder_init_arena(&frames, &client->arena,
			   CONTROL_OUTPUT_BYTES_MAX + CLIENT_OVERHEAD_BYTES);
	frames_add(&frames, COMMAND_FRAME_OUT, builder_slice(&client->out));
	frames_add(&frames, COMMAND_FRAME_ERROR, builder_slice(&client->error));
	frames_add(&frames, COMMAND_FRAME_EXIT, slice_of(&client->exit, 1));
	client->to_send = builder_slice(&frames);
	rt_timer_arm(&client->deadline, 0);
}

void
control_fail(struct control_client *client, enum exit_code exit, const char *text,
	     struct slice detail)
{
	if (client->answered)
		return;
	builder_clear(&client->out);
	builder_str(&client->error, "frank: ");
	builder_str(&client->error, text);
	builder_add(&client->error, slice_sub(detail, 0, 1000));
	builder_byte(&client->error, '\n');
	client->exit = (uint8_t)exit;
	control_client_answer(client);
}

static void
client_timer(void *ctx)
{
	struct control_client *client = ctx;

	if (client->answered && !client->sending) {
		client->sending = true;
		rt_timer_arm(&client->deadline, CONTROL_REQUEST_MS_MAX);
		client_send(client);
		return;
	}
	if (client->answered || !client->command) {
		control_client_destroy(client); /* it does not read, or says nothing */
		return;
	}
	control_fail(client, EXIT_CODE_TEMPFAIL, "no answer within a minute; try again",
		     SLICE_EMPTY);
}

static void
client_run(struct control_client *client, const struct command_request *request)
{
	client->json = request->flags & COMMAND_JSON;
	client->terminal = request->flags & COMMAND_TERMINAL;
	client->number = ++client->control->last_request;
	client->now_ms = rt_wall_ms(client->control->boot->rt);
	if (control_arguments_parse(client, request))
		return;
	client->command->run(client);
	if (!client->asked_count)
		control_client_answer(client);
}

static void
client_ready(void *ctx, unsigned events)
{
	struct control_client *client = ctx;
	struct command_request request;
	ssize_t got;
	int used;

	if (client->answered) {
		if (client->sending && (events & RT_WRITABLE))
			client_send(client);
		return;
	}
	got = rt_stream_recv(client->stream, client->input + client->input_len,
			     COMMAND_REQUEST_BYTES_MAX + 4 - client->input_len);
	if (got == ERR_AGAIN)
		return;
	if (got < 0) {
		control_client_destroy(client);
		return;
	}
	client->input_len += (size_t)got;
	used = command_request_decode(slice_of(client->input, client->input_len), &request);
	if (used == 0)
		return;
	rt_stream_want(client->stream, 0);
	if (used < 0)
		control_fail(
			client, EXIT_CODE_USAGE,
			"the tool and the server do not fit together: ", slice_str(err_str(used)));
	else
		client_run(client, &request);
}

void
control_client_accept(void *ctx, struct rt_stream *stream, int err)
{
	struct control *control = ctx;
	struct mem *mem = rt_mem(control->boot->rt);
	struct control_client *client;

	if (err)
		return;
	client = control->stopping || control->client_count >= CONTROL_CLIENTS_MAX
			 ? NULL
			 : MEM_NEW(mem, struct control_client);
	if (client)
		client->input = mem_take(mem, COMMAND_REQUEST_BYTES_MAX + 4);
	if (!client || !client->input) {
		mem_give(mem, client, sizeof(*client));
		rt_stream_destroy(&stream);
		return;
	}
	client->control = control;
	client->stream = stream;
	list_push_back(&control->clients, &client->node);
	control->client_count++;
	arena_init(&client->arena, mem, 4 * CONTROL_OUTPUT_BYTES_MAX);
	builder_init_arena(&client->out, &client->arena, CONTROL_OUTPUT_BYTES_MAX);
	builder_init_arena(&client->error, &client->arena, CLIENT_OVERHEAD_BYTES);
	json_init(&client->writer, &client->out);
	list_init(&client->suspensions);
	rt_timer_init(&client->deadline, control->boot->rt, client_timer, client);
	rt_timer_arm(&client->deadline, CONTROL_REQUEST_MS_MAX);
	rt_stream_on_ready(stream, client_ready, client);
	rt_stream_want(stream, RT_READABLE);
}
