/*
 * cmd_server: frank status, reload, stop. Status asks every process for its counters; those that
 * several processes of a kind tell are shown for each and summed up.
 */
#include "proc/control/control.h"
#include "wire/text/clean.h"

#define STATUS_COUNTERS_MAX 4000

struct counter {
	struct list_node node;
	struct slice name;
	unsigned instance; /* of the process that told it */
	int64_t value;
};

void
cmd_status_run(struct control_client *client)
{
	struct control *control = client->control;
	struct list *counters = ARENA_NEW(&client->arena, struct list);

	if (!counters) {
		control_fail(client, EXIT_CODE_TEMPFAIL, "no memory now; try again", SLICE_EMPTY);
		return;
	}
	list_init(counters);
	client->state = counters;
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
	const struct ipc_ctl_counter *told = &message->u.ctl_counter;
	struct counter *counter = ARENA_NEW(&client->arena, struct counter);

	client->rows++;
	if (!counter || client->rows > STATUS_COUNTERS_MAX)
		return; /* beyond any truth: a process that was taken over */
	counter->name = arena_keep(&client->arena, told->name);
	counter->instance = ipc_channel_ends(client->teller).peer_instance;
	counter->value = told->value;
	list_push_back(client->state, &counter->node);
}

/* The sum over all processes that told it, and how many did. */
static int64_t
counter_sum(const struct list *counters, struct slice name, size_t *ret_count)
{
	uint64_t sum = 0; /* may go over: what is told is no number of ours */

	*ret_count = 0;
	for (struct list_node *node = list_first(counters); node;
	     node = list_next(counters, node)) {
		const struct counter *counter = CONTAINER_OF(node, struct counter, node);

		if (slice_eq(counter->name, name)) {
			sum += (uint64_t)counter->value;
			++*ret_count;
		}
	}
	return (int64_t)sum;
}

static void
counter_print(struct control_client *client, struct slice name, int64_t value)
{
	uint8_t buf[80];
	struct builder key;

	if (!client->json) {
		render_padded(&client->out, name, 40);
		builder_byte(&client->out, ' ');
		builder_dec_signed(&client->out, value);
		builder_byte(&client->out, '\n');
		return;
	}
	builder_init_fixed(&key, buf, sizeof(buf));
	builder_add(&key, name);
	builder_byte(&key, 0);
	json_number(&client->writer, (const char *)buf, value);
}

/* One of several processes of a kind: smtpin.bytes is smtpin-1.bytes; before the first of them
 * comes the sum, under the plain name. */
static void
counter_of_many(struct control_client *client, const struct counter *counter, int64_t sum)
{
	size_t dot = slice_index(counter->name, '.');
	uint8_t buf[80];
	struct builder name;

	if (counter->instance == 0)
		counter_print(client, counter->name, sum);
	builder_init_fixed(&name, buf, sizeof(buf));
	builder_add(&name, slice_sub(counter->name, 0, dot));
	builder_byte(&name, '-');
	builder_dec(&name, counter->instance);
	builder_add(&name, slice_from(counter->name, dot));
	counter_print(client, builder_slice(&name), counter->value);
}

/* What an operator looks for first. */
static void
summary_print(struct control_client *client)
{
	static const struct {
		const char *before, *counter;
	} rows[] = {
		{"Queue: ", "queue.messages"},
		{" messages for ", "queue.recipients"},
		{" recipients, ", "queue.waiting"},
		{" waiting, ", "queue.active"},
		{" under way\nSince the start: ", "smtpin.messages"},
		{" messages taken, ", "queue.delivered"},
		{" recipients served, ", "queue.deferred"},
		{" deferrals, ", "queue.failed"},
		{" failed, ", "queue.expired"},
	};
	struct builder *out = &client->out;
	size_t count;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		builder_str(out, rows[i].before);
		builder_dec_signed(out,
				   counter_sum(client->state, slice_str(rows[i].counter), &count));
	}
	builder_str(out, " expired\n\n");
}

void
cmd_status_end(struct control_client *client, const struct ipc_ctl_done *done)
{
	const struct list *counters = client->state;

	(void)done;
	if (client->json) {
		json_object_begin(&client->writer, NULL);
		json_object_begin(&client->writer, "counters");
	} else {
		summary_print(client);
		suspensions_text(client);
	}
	for (struct list_node *node = list_first(counters); node;
	     node = list_next(counters, node)) {
		const struct counter *counter = CONTAINER_OF(node, struct counter, node);
		size_t count;
		int64_t sum = counter_sum(counters, counter->name, &count);

		if (count > 1)
			counter_of_many(client, counter, sum);
		else
			counter_print(client, counter->name, counter->value);
	}
	if (!client->json)
		return;
	json_object_end(&client->writer);
	suspensions_json(client);
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
