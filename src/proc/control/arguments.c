/*
 * arguments: which command is meant, and its words. Tables only; what is wrong is said with the
 * synopsis of the command.
 */
#include "proc/control/control.h"

static const struct {
	const char *name;
	bool value;
} argument_names[ARGUMENT_MAX] = {
	[ARGUMENT_ID] = {"--id", true},	      [ARGUMENT_SENDER] = {"--sender", true},
	[ARGUMENT_RCPT] = {"--rcpt", true},   [ARGUMENT_DESTINATION] = {"--destination", true},
	[ARGUMENT_LIMIT] = {"--limit", true}, [ARGUMENT_AFTER] = {"--after", true},
	[ARGUMENT_SINCE] = {"--since", true}, [ARGUMENT_PASSWORD] = {"--password", true},
	[ARGUMENT_ALL] = {"--all", false},
};

static void
synopsis_write(struct builder *b, const struct control_command *command)
{
	builder_str(b, "frank ");
	builder_str(b, command->words[0]);
	if (command->words[1]) {
		builder_byte(b, ' ');
		builder_str(b, command->words[1]);
	}
	builder_byte(b, ' ');
	builder_str(b, command->synopsis);
}

static int
usage(struct control_client *client, const char *what, struct slice word)
{
	struct builder b;

	builder_init_arena(&b, &client->arena, 2000);
	builder_add(&b, slice_sub(word, 0, 100));
	if (client->command) {
		builder_str(&b, "\nusage: ");
		synopsis_write(&b, client->command);
	}
	control_fail(client, EXIT_CODE_USAGE, what, builder_slice(&b));
	return ERR_SYNTAX;
}

/* How many words name the command; 0 when it is not meant. */
static size_t
command_matches(const struct control_command *command, const struct command_request *request)
{
	if (request->count < 1 || !slice_eq(request->words[0], slice_str(command->words[0])))
		return 0;
	if (!command->words[1])
		return 1;
	return request->count > 1 && slice_eq(request->words[1], slice_str(command->words[1])) ? 2
											       : 0;
}

static enum control_argument
argument_find(struct slice word)
{
	enum control_argument argument = 0;

	while (argument < ARGUMENT_MAX && !slice_eq(slice_str(argument_names[argument].name), word))
		argument++;
	return argument;
}

static int
unknown_command(struct control_client *client, const struct command_request *request)
{
	struct builder b;

	builder_init_arena(&b, &client->arena, 8000);
	builder_str(&b, "; known are:\n");
	for (size_t i = 0; i < control_command_count; i++) {
		if (request->count && i > 0 &&
		    !slice_eq(request->words[0], slice_str(control_commands[i].words[0])) &&
		    slice_eq(slice_str(control_commands[i].words[0]),
			     slice_str(control_commands[i - 1].words[0])))
			continue;
		builder_str(&b, "  ");
		synopsis_write(&b, &control_commands[i]);
		builder_byte(&b, '\n');
	}
	builder_str(&client->error, "frank: unknown command");
	builder_add(&client->error, builder_slice(&b));
	client->exit = EXIT_CODE_USAGE;
	control_client_answer(client);
	return ERR_SYNTAX;
}

static int
argument_take(struct control_client *client, const struct command_request *request, size_t *index)
{
	struct control_arguments *arguments = &client->arguments;
	struct slice word = request->words[*index];
	enum control_argument argument = argument_find(word);

	if (!slice_starts(word, SLICE("--"))) {
		if (arguments->position_count == client->command->positions_max)
			return usage(client, "one word too many: ", word);
		arguments->positions[arguments->position_count++] = word;
		return 0;
	}
	if (argument == ARGUMENT_MAX || !(client->command->accepts & 1u << argument))
		return usage(client, "not an option of this command: ", word);
	if (argument_names[argument].value && ++*index == request->count)
		return usage(client, "a value is missing behind ", word);
	arguments->given[argument] = true;
	arguments->named[argument] =
		argument_names[argument].value ? request->words[*index] : SLICE_EMPTY;
	return 0;
}

int
control_arguments_parse(struct control_client *client, const struct command_request *request)
{
	size_t named = 0;

	for (size_t i = 0; i < control_command_count && !named; i++) {
		named = command_matches(&control_commands[i], request);
		client->command = named ? &control_commands[i] : NULL;
	}
	if (!named)
		return unknown_command(client, request);
	for (size_t i = named; i < request->count; i++) {
		int err = argument_take(client, request, &i);

		if (err)
			return err;
	}
	if (client->arguments.position_count < client->command->positions_min)
		return usage(client, "a word is missing", SLICE_EMPTY);
	return 0;
}

int
control_argument_id(struct control_client *client, msg_id *ret_id)
{
	struct slice word = client->arguments.named[ARGUMENT_ID];

	if (client->arguments.position_count)
		word = client->arguments.positions[0];
	*ret_id = 0;
	if (word.len == 0 || msg_id_parse(word, ret_id) == 0)
		return 0;
	control_fail(client, EXIT_CODE_USAGE, "not a message id (13 letters and digits): ", word);
	return ERR_SYNTAX;
}

int
control_argument_count(struct control_client *client, enum control_argument argument,
		       uint64_t fallback, uint64_t max, uint64_t *ret_count)
{
	*ret_count = fallback;
	if (!client->arguments.given[argument] ||
	    slice_to_u64(client->arguments.named[argument], max, ret_count))
		return 0;
	control_fail(client, EXIT_CODE_USAGE,
		     "a number is expected here: ", client->arguments.named[argument]);
	return ERR_SYNTAX;
}
