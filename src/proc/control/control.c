/*
 * control: the process. Channels to the others, the socket, and the way of each answer to the
 * request that asked for it.
 */
#include "proc/control/control.h"

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
	}
}

static void
control_channel(void *state, struct ipc_channel *channel)
{
	struct control *control = state;

	if (control->peer_count < CONTROL_PEERS_MAX)
		control->peers[control->peer_count++] = channel;
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
		if (client->waiting)
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
control_sent(struct control_client *client, int err)
{
	if (!err)
		client->waiting++;
	else
		control_fail(
			client, EXIT_CODE_TEMPFAIL,
			"the process takes no commands now, try again: ", slice_str(err_str(err)));
}

static struct control_client *
client_by_number(struct control *control, uint32_t number)
{
	for (struct list_node *node = list_first(&control->clients); node;
	     node = list_next(&control->clients, node)) {
		struct control_client *client = CONTAINER_OF(node, struct control_client, node);

		if (client->number == number && client->waiting)
			return client;
	}
	return NULL; /* it went away or took too long */
}

static void
control_done(struct control *control, const struct ipc_ctl_done *done)
{
	struct control_client *client = client_by_number(control, done->request);

	if (!client)
		return;
	client->waiting--;
	if (done->exit && !client->exit)
		client->exit = done->exit;
	if (client->waiting)
		return;
	if (client->command->end)
		client->command->end(client, done);
	control_client_answer(client);
}

/* The request number is the first field of each row. */
static void
control_row(struct control *control, uint32_t number, struct ipc_message *message)
{
	struct control_client *client = client_by_number(control, number);

	if (client && client->command->row)
		client->command->row(client, message);
}

static void
control_receive(void *state, struct ipc_channel *from, struct ipc_message *message)
{
	struct control *control = state;

	(void)from;
	switch (message->type) {
	case IPC_CTL_DONE:
		control_done(control, &message->u.ctl_done);
		break;
	case IPC_CTL_QUEUE_ROW:
		control_row(control, message->u.ctl_queue_row.request, message);
		break;
	case IPC_CTL_DIRECTORY_ROW:
		control_row(control, message->u.ctl_directory_row.request, message);
		break;
	case IPC_CTL_TRACE_FILE:
		control_row(control, message->u.ctl_trace_file.request, message);
		break;
	case IPC_CTL_COUNTER:
		control_row(control, message->u.ctl_counter.request, message);
		break;
	default:
		break; /* the routes allow nothing else */
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
