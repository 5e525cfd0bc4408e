/*
 * cmd_directory: frank postoffice | domain | mailbox | address ...: asks directory.
 */
#include "proc/control/control.h"
#include "wire/text/clean.h"

static const char *const row_keys[CTL_DIRECTORY_OBJECT_MAX][2] = {
	[CTL_DIRECTORY_POSTOFFICE] = {"postoffice", "detail"},
	[CTL_DIRECTORY_DOMAIN] = {"domain", "postoffice"},
	[CTL_DIRECTORY_MAILBOX] = {"mailbox", "detail"},
	[CTL_DIRECTORY_ADDRESS] = {"address", "mailbox"},
};

void
cmd_directory_run(struct control_client *client)
{
	const struct control_arguments *a = &client->arguments;
	unsigned verb = client->command->detail % CTL_DIRECTORY_VERB_MAX;
	unsigned object = client->command->detail / CTL_DIRECTORY_VERB_MAX;
	struct ipc_channel *directory;

	if (object == CTL_DIRECTORY_MAILBOX &&
	    (verb == CTL_DIRECTORY_ADD || verb == CTL_DIRECTORY_SET) &&
	    a->named[ARGUMENT_PASSWORD].len == 0) {
		control_fail(client, EXIT_CODE_USAGE,
			     "a password is needed: --password WORD, or --password-stdin",
			     SLICE_EMPTY);
		return;
	}
	directory = control_peer(client, IPC_ROLE_DIRECTORY);
	if (!directory)
		return;
	control_sent(client, directory,
		     IPC_SEND(directory, CTL_DIRECTORY, ctl_directory, .request = client->number,
			      .object = (uint8_t)object, .verb = (uint8_t)verb,
			      .name = a->positions[0], .value = a->positions[1],
			      .secret = a->named[ARGUMENT_PASSWORD]));
	if (client->json && verb == CTL_DIRECTORY_LIST) {
		json_object_begin(&client->writer, NULL);
		json_array_begin(&client->writer, "rows");
	}
}

void
cmd_directory_row(struct control_client *client, struct ipc_message *message)
{
	const struct ipc_ctl_directory_row *row = &message->u.ctl_directory_row;
	const char *const *keys = row_keys[row->object % CTL_DIRECTORY_OBJECT_MAX];

	client->rows++;
	if (client->json) {
		json_object_begin(&client->writer, NULL);
		json_text(&client->writer, keys[0], row->name);
		json_text(&client->writer, keys[1], row->value);
		json_object_end(&client->writer);
		return;
	}
	render_padded(&client->out, row->name, 40);
	builder_byte(&client->out, ' ');
	clean_line(&client->out, row->value, 400);
	builder_byte(&client->out, '\n');
}

void
cmd_directory_end(struct control_client *client, const struct ipc_ctl_done *done)
{
	unsigned verb = client->command->detail % CTL_DIRECTORY_VERB_MAX;

	if (done->exit) {
		control_fail(client, done->exit, "", done->text);
		return;
	}
	if (client->json && verb == CTL_DIRECTORY_LIST) {
		json_array_end(&client->writer);
		json_object_end(&client->writer);
	} else if (client->json && verb == CTL_DIRECTORY_SHOW) {
		/* The row is the document. */
	} else if (client->json) {
		json_object_begin(&client->writer, NULL);
		json_flag(&client->writer, "done", true);
		json_object_end(&client->writer);
	} else if (verb == CTL_DIRECTORY_LIST || verb == CTL_DIRECTORY_SHOW) {
		if (client->rows == 0)
			builder_str(&client->out, "None.\n");
		return;
	} else {
		builder_str(&client->out, "Done.");
	}
	builder_byte(&client->out, '\n');
}
