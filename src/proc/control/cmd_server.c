/*
 * cmd_server: frank status, reload, stop. Status asks every process for its counters.
 */
#include "proc/control/control.h"
#include "wire/text/clean.h"

void
cmd_status_run(struct control_client *client)
{
	struct control *control = client->control;

	if (client->json) {
		json_object_begin(&client->writer, NULL);
		json_object_begin(&client->writer, "counters");
	}
	for (size_t i = 0; i < control->peer_count; i++)
		if (IPC_SEND(control->peers[i], CTL_STATUS, ctl_status,
			     .request = client->number) == 0)
			control_asked(client, control->peers[i]);
	if (!client->asked_count)
		control_fail(client, EXIT_CODE_TEMPFAIL, "no process answers; try again",
			     SLICE_EMPTY);
}

void
cmd_status_row(struct control_client *client, struct ipc_message *message)
{
	const struct ipc_ctl_counter *counter = &message->u.ctl_counter;
	uint8_t name[65];
	struct builder b;

	client->rows++;
	if (client->json) {
		builder_init_fixed(&b, name, sizeof(name));
		builder_add(&b, counter->name);
		builder_byte(&b, 0);
		json_number(&client->writer, (const char *)name, counter->value);
		return;
	}
	render_padded(&client->out, counter->name, 40);
	builder_byte(&client->out, ' ');
	builder_dec_signed(&client->out, counter->value);
	builder_byte(&client->out, '\n');
}

void
cmd_status_end(struct control_client *client, const struct ipc_ctl_done *done)
{
	(void)done;
	if (!client->json)
		return;
	json_object_end(&client->writer);
	json_object_end(&client->writer);
	builder_byte(&client->out, '\n');
}

void
cmd_super_run(struct control_client *client)
{
	struct ipc_channel *super = control_peer(client, IPC_ROLE_SUPER);

	if (!super)
		return;
	control_sent(client, super,
		     client->command->detail == IPC_CTL_RELOAD
			     ? IPC_SEND(super, CTL_RELOAD, ctl_reload, .request = client->number)
			     : IPC_SEND(super, CTL_STOP, ctl_stop, .request = client->number));
}

void
cmd_super_end(struct control_client *client, const struct ipc_ctl_done *done)
{
	if (done->exit) {
		control_fail(client, done->exit, "", done->text);
		return;
	}
	if (client->json) {
		json_object_begin(&client->writer, NULL);
		json_flag(&client->writer, "done", true);
		json_text(&client->writer, "text", done->text);
		json_object_end(&client->writer);
	} else {
		clean_line(&client->out, done->text.len ? done->text : SLICE("Done."), 2000);
	}
	builder_byte(&client->out, '\n');
}
