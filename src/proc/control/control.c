/*
 * control: the process. Channels to the others, the socket, and the way of each answer to the
 * request that asked for it.
 */
#include "proc/control/control.h"

#include "base/assert.h"
#include "rt/file.h"

static int
control_create(struct boot *boot, void **ret_state)
{
	struct control *control = MEM_NEW(rt_mem(boot->rt), struct control);

	if (!control)
		return ERR_NO_MEMORY;
	control->boot = boot;
	list_init(&control->clients);
	*ret_state = control;
	return 0;
}

/* Without a socket it would be of no use to anybody: it ends, and super tries again later. */
static void
control_dir(void *state, struct slice name, int fd)
{
	struct control *control = state;
	struct log_line line;
	int err = 0, socket_fd;

	if (slice_eq(name, SLICE("run")))
		err = rt_listen_unix(control->boot->rt, fd, COMMAND_SOCKET_NAME, 0600, &socket_fd);
	if (!err && slice_eq(name, SLICE("run")))
		err = rt_listener_create(control->boot->rt, socket_fd, control_client_accept,
					 control, &control->listener);
	rt_close(control->boot->rt, fd);
	if (err) {
		log_begin(&line, control->boot->log, EVENT_control_socket);
		log_err(&line, err);
		log_end(&line);
		rt_stop(control->boot->rt);
	}
}

static void
control_channel(void *state, struct ipc_channel *channel)
{
	struct control *control = state;

	if (control->peer_count < CONTROL_PEERS_MAX)
		control->peers[control->peer_count++] = channel;
}

/* asked_count when it was not asked, or has answered. */
static size_t
asked_index(const struct control_client *client, const struct ipc_channel *channel)
{
	size_t i = 0;

	while (i < client->asked_count && client->asked[i] != channel)
		i++;
	return i;
}

static void
control_channel_closed(void *state, struct ipc_channel *channel)
{
	struct control *control = state;
	struct list_node *node, *next;

	for (size_t i = 0; i < control->peer_count; i++)
		if (control->peers[i] == channel)
			control->peers[i] = control->peers[--control->peer_count];
	for (node = list_first(&control->clients); node; node = next) {
		struct control_client *client = CONTAINER_OF(node, struct control_client, node);

		next = list_next(&control->clients, node);
		if (asked_index(client, channel) < client->asked_count)
			control_fail(client, EXIT_CODE_TEMPFAIL,
				     "a process was restarted meanwhile; try again", SLICE_EMPTY);
	}
}

struct ipc_channel *
control_peer(struct control_client *client, enum ipc_role role)
{
	struct control *control = client->control;

	for (size_t i = 0; i < control->peer_count; i++)
		if (ipc_channel_ends(control->peers[i]).peer == role)
			return control->peers[i];
	control_fail(client, EXIT_CODE_TEMPFAIL,
		     "not running at the moment, try again: ", slice_str(ipc_role_str(role)));
	return NULL;
}

void
control_asked(struct control_client *client, struct ipc_channel *channel)
{
	ASSERT(client->asked_count < CONTROL_PEERS_MAX);
	client->asked[client->asked_count++] = channel;
}

void
control_sent(struct control_client *client, struct ipc_channel *channel, int err)
{
	if (!err)
		control_asked(client, channel);
	else
		control_fail(
			client, EXIT_CODE_TEMPFAIL,
			"the process takes no commands now, try again: ", slice_str(err_str(err)));
}

/* The request of that number, if it is this one's turn to answer it. */
static struct control_client *
client_by_number(struct control *control, const struct ipc_channel *from, uint32_t number)
{
	for (struct list_node *node = list_first(&control->clients); node;
	     node = list_next(&control->clients, node)) {
		struct control_client *client = CONTAINER_OF(node, struct control_client, node);

		if (client->number == number && asked_index(client, from) < client->asked_count)
			return client;
	}
	return NULL; /* it went away, took too long, or never asked */
}

static void
control_done(struct control *control, const struct ipc_channel *from,
	     const struct ipc_ctl_done *done)
{
	struct control_client *client = client_by_number(control, from, done->request);

	if (!client)
		return;
	client->asked[asked_index(client, from)] = client->asked[client->asked_count - 1];
	client->asked_count--;
	if (done->exit && !client->exit)
		client->exit = done->exit;
	if (client->asked_count)
		return;
	if (client->command->end)
		client->command->end(client, done);
	control_client_answer(client);
}

static const struct {
	enum ipc_type type;
	size_t request_offset; /* in the message */
} rows[] = {
	{IPC_CTL_QUEUE_ROW, offsetof(struct ipc_message, u.ctl_queue_row.request)},
	{IPC_CTL_DIRECTORY_ROW, offsetof(struct ipc_message, u.ctl_directory_row.request)},
	{IPC_CTL_TRACE_FILE, offsetof(struct ipc_message, u.ctl_trace_file.request)},
	{IPC_CTL_SUSPENSION, offsetof(struct ipc_message, u.ctl_suspension.request)},
	{IPC_CTL_COUNTER, offsetof(struct ipc_message, u.ctl_counter.request)},
};

static void
control_receive(void *state, struct ipc_channel *from, struct ipc_message *message)
{
	struct control *control = state;
	struct control_client *client = NULL;

	if (message->type == IPC_CTL_DONE)
		control_done(control, from, &message->u.ctl_done);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].type == message->type)
			client = client_by_number(
				control, from,
				*(const uint32_t *)(const void *)((const char *)message +
								  rows[i].request_offset));
	if (client && message->type == IPC_CTL_SUSPENSION && client->command->suspensions)
		suspensions_row(client, message);
	if (client && client->command->row_type == message->type) {
		client->teller = from;
		client->command->row(client, message);
	}
}

static void
control_stop(void *state)
{
	struct control *control = state;

	control->stopping = true;
	boot_stopped(control->boot);
}

static void
control_destroy(void **state)
{
	struct control *control = *state;

	while (!list_empty(&control->clients))
		control_client_destroy(
			CONTAINER_OF(list_first(&control->clients), struct control_client, node));
	if (control->listener)
		rt_listener_destroy(&control->listener);
	mem_give(rt_mem(control->boot->rt), control, sizeof(*control));
	*state = NULL;
}

const struct boot_process control_process = {
	.role = IPC_ROLE_CONTROL,
	.create = control_create,
	.channel = control_channel,
	.channel_closed = control_channel_closed,
	.receive = control_receive,
	.dir = control_dir,
	.stop = control_stop,
	.destroy = control_destroy,
};
