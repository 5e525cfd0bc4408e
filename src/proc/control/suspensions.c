/*
 * suspensions: what `frank status`, `frank queue list` and `frank why` say of destinations that
 * refuse our address: since when, why, how much is kept, when the next probe is due.
 */
#include "proc/control/control.h"
#include "wire/message/date.h"
#include "wire/text/clean.h"

struct shown {
	struct list_node node;
	struct ipc_ctl_suspension row;
};

void
suspensions_row(struct control_client *client, struct ipc_message *message)
{
	struct shown *shown = client->suspension_count < CONTROL_SUSPENSIONS_MAX
				      ? ARENA_NEW(&client->arena, struct shown)
				      : NULL;
	struct verdict *last;

	if (!shown)
		return;
	client->suspension_count++;
	client->suspension_total = message->u.ctl_suspension.total;
	shown->row = message->u.ctl_suspension;
	shown->row.destination = arena_keep(&client->arena, shown->row.destination);
	last = &shown->row.last;
	last->reply = arena_keep(&client->arena, last->reply);
	last->public_text = arena_keep(&client->arena, last->public_text);
	last->evidence = arena_keep(&client->arena, last->evidence);
	last->host = arena_keep(&client->arena, last->host);
	last->helo = arena_keep(&client->arena, last->helo);
	list_push_back(&client->suspensions, &shown->node);
}

const struct ipc_ctl_suspension *
suspensions_find(const struct control_client *client, struct slice destination)
{
	for (struct list_node *node = list_first(&client->suspensions); node;
	     node = list_next(&client->suspensions, node)) {
		const struct shown *shown = CONTAINER_OF(node, struct shown, node);

		if (slice_eq_nocase(shown->row.destination, destination))
			return &shown->row;
	}
	return NULL;
}

static void
one_text(struct control_client *client, const struct ipc_ctl_suspension *row)
{
	struct builder *b = &client->out;

	builder_str(b, "Suspended: ");
	clean_line(b, row->destination, 255);
	builder_str(b, " refuses our server since ");
	date_stamp_build(b, row->since_wall_ms, false);
	builder_str(b, " (");
	builder_dec(b, row->refusals);
	builder_str(b, row->refusals == 1 ? " time), " : " times), ");
	builder_dec(b, row->rcpts);
	builder_str(b, row->rcpts == 1 ? " recipient kept, next probe "
				       : " recipients kept, next probe ");
	if (row->next_wall_ms > client->now_ms) {
		builder_str(b, "in ");
		render_duration(b, row->next_wall_ms - client->now_ms);
	} else {
		builder_str(b, "now");
	}
	builder_byte(b, '\n');
	render_verdict(b, &row->last, "    ");
}

void
suspensions_text(struct control_client *client)
{
	for (struct list_node *node = list_first(&client->suspensions); node;
	     node = list_next(&client->suspensions, node))
		one_text(client, &CONTAINER_OF(node, struct shown, node)->row);
	if (client->suspension_total > client->suspension_count) {
		size_t more = client->suspension_total - client->suspension_count;

		builder_dec(&client->out, more);
		builder_str(&client->out, more == 1 ? " more destination is suspended.\n"
						    : " more destinations are suspended.\n");
	}
	if (client->suspension_count)
		builder_byte(&client->out, '\n');
}

void
suspensions_json(struct control_client *client)
{
	struct json_writer *w = &client->writer;

	json_array_begin(w, "suspended");
	for (struct list_node *node = list_first(&client->suspensions); node;
	     node = list_next(&client->suspensions, node)) {
		const struct ipc_ctl_suspension *row = &CONTAINER_OF(node, struct shown, node)->row;

		json_object_begin(w, NULL);
		json_text(w, "destination", row->destination);
		json_number(w, "since_ms", row->since_wall_ms);
		json_number(w, "next_probe_ms", row->next_wall_ms);
		json_number(w, "refusals", row->refusals);
		json_number(w, "recipients", row->rcpts);
		render_verdict_json(w, "last", &row->last);
		json_object_end(w);
	}
	json_array_end(w);
	json_number(w, "suspended_count", (int64_t)client->suspension_total);
}
