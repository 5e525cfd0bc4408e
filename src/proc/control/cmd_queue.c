/*
 * cmd_queue: frank queue ...: asks queue, writes its rows. A row is one recipient.
 */
#include "proc/control/control.h"
#include "wire/text/clean.h"

static const char *const state_words[CTL_RCPT_STATE_MAX] = {"waiting", "active", "held",
							    "reporting", "suspended"};

static bool
is_narrowed(const struct control_arguments *a)
{
	return a->position_count || a->given[ARGUMENT_ID] || a->given[ARGUMENT_SENDER] ||
	       a->given[ARGUMENT_RCPT] || a->given[ARGUMENT_DESTINATION] || a->given[ARGUMENT_ALL];
}

static int
after_parse(struct control_client *client, msg_id *ret_after)
{
	struct slice word = client->arguments.named[ARGUMENT_AFTER];

	*ret_after = 0;
	if (!client->arguments.given[ARGUMENT_AFTER] || msg_id_parse(word, ret_after) == 0)
		return 0;
	control_fail(client, EXIT_CODE_USAGE, "--after wants a message id, not ", word);
	return ERR_SYNTAX;
}

void
cmd_queue_run(struct control_client *client)
{
	const struct control_arguments *a = &client->arguments;
	unsigned verb = client->command->detail;
	bool shows = verb == CTL_QUEUE_LIST || verb == CTL_QUEUE_SHOW;
	struct ipc_channel *queue;
	uint64_t limit;
	msg_id id, after;

	if (control_argument_id(client, &id) || after_parse(client, &after) ||
	    control_argument_count(client, ARGUMENT_LIMIT, CONTROL_ROWS_DEFAULT, CONTROL_ROWS_MAX,
				   &limit))
		return;
	if (!shows && verb != CTL_QUEUE_FLUSH && !is_narrowed(a)) {
		control_fail(client, EXIT_CODE_USAGE,
			     "say which: an ID, --sender, --rcpt, --destination, or --all",
			     SLICE_EMPTY);
		return;
	}
	if (verb == CTL_QUEUE_SHOW)
		limit = CONTROL_ROWS_MAX;
	queue = control_peer(client, IPC_ROLE_QUEUE);
	if (!queue)
		return;
	control_sent(client, queue,
		     IPC_SEND(queue, CTL_QUEUE, ctl_queue, .request = client->number,
			      .verb = (uint8_t)verb, .message = id,
			      .sender = a->named[ARGUMENT_SENDER], .rcpt = a->named[ARGUMENT_RCPT],
			      .destination = a->named[ARGUMENT_DESTINATION],
			      .limit = (uint32_t)limit, .after = after));
	if (client->json && shows) {
		json_object_begin(&client->writer, NULL);
		json_array_begin(&client->writer, "recipients");
	}
}

/* What was never tried may have the refusal that its destination is suspended for. */
static bool
has_last(const struct ipc_ctl_queue_row *row)
{
	return row->attempts || row->last.class != VERDICT_OK;
}

static void
row_json(struct control_client *client, const struct ipc_ctl_queue_row *row)
{
	struct json_writer *w = &client->writer;

	json_object_begin(w, NULL);
	render_id_json(w, "id", row->message);
	json_number(w, "rcpt_index", row->rcpt_index);
	json_text(w, "state", slice_str(state_words[row->state % CTL_RCPT_STATE_MAX]));
	json_text(w, "sender", row->sender);
	json_text(w, "rcpt", row->rcpt);
	json_text(w, "destination", row->destination);
	json_number(w, "accepted_ms", row->accepted_wall_ms);
	json_number(w, "next_ms", row->next_wall_ms);
	json_number(w, "expires_ms", row->expires_wall_ms);
	json_number(w, "attempts", row->attempts);
	json_number(w, "size", (int64_t)row->size_bytes);
	if (has_last(row))
		render_verdict_json(w, "last", &row->last);
	else
		json_null(w, "last");
	json_object_end(w);
}

static void
row_numbers(struct control_client *client, const struct ipc_ctl_queue_row *row)
{
	bool waits = row->state == CTL_RCPT_WAITING || row->state == CTL_RCPT_SUSPENDED;
	uint8_t buf[3][24];
	struct builder next, tries, size;

	builder_init_fixed(&next, buf[0], sizeof(buf[0]));
	builder_init_fixed(&tries, buf[1], sizeof(buf[1]));
	builder_init_fixed(&size, buf[2], sizeof(buf[2]));
	if (waits && row->next_wall_ms > client->now_ms)
		render_duration(&next, row->next_wall_ms - client->now_ms);
	else
		builder_str(&next, waits ? "now" : "-");
	builder_dec(&tries, row->attempts);
	render_size(&size, row->size_bytes);
	render_padded(&client->out, builder_slice(&next), 8);
	render_padded(&client->out, builder_slice(&tries), 7);
	render_padded(&client->out, builder_slice(&size), 8);
}

static void
row_text(struct control_client *client, const struct ipc_ctl_queue_row *row)
{
	struct builder *b = &client->out;

	if (client->rows == 0)
		suspensions_text(client);
	if (client->rows == 0)
		builder_str(b, "ID             STATE      NEXT    TRIES  SIZE    FROM -> TO\n");
	msg_id_format(b, row->message);
	builder_str(b, "  ");
	render_padded(b, slice_str(state_words[row->state % CTL_RCPT_STATE_MAX]), 9);
	builder_str(b, "  ");
	row_numbers(client, row);
	clean_line(b, row->sender.len ? row->sender : SLICE("<>"), 320);
	builder_str(b, " -> ");
	clean_line(b, row->rcpt, 320);
	builder_byte(b, '\n');
	if (has_last(row))
		render_verdict(b, &row->last, "               ");
}

void
cmd_queue_row(struct control_client *client, struct ipc_message *message)
{
	if (client->json)
		row_json(client, &message->u.ctl_queue_row);
	else
		row_text(client, &message->u.ctl_queue_row);
	client->rows++;
}

static void
end_shown(struct control_client *client, const struct ipc_ctl_done *done)
{
	const struct control_arguments *a = &client->arguments;

	if (client->json) {
		json_array_end(&client->writer);
		suspensions_json(client);
		json_number(&client->writer, "count", (int64_t)client->rows);
		json_flag(&client->writer, "more", done->count > client->rows);
		json_object_end(&client->writer);
		builder_byte(&client->out, '\n');
	} else if (client->rows == 0) {
		builder_str(&client->out, is_narrowed(a) || a->given[ARGUMENT_AFTER] || done->count
						  ? "Nothing that fits is waiting.\n"
						  : "The queue is empty.\n");
	} else if (done->count > client->rows) {
		builder_str(&client->out, "There is more; see --limit and --after.\n");
	}
}

void
cmd_queue_end(struct control_client *client, const struct ipc_ctl_done *done)
{
	unsigned verb = client->command->detail;

	if (done->exit) {
		control_fail(client, done->exit, "", done->text);
		return;
	}
	if (verb == CTL_QUEUE_SHOW && client->rows == 0) {
		control_fail(client, EXIT_CODE_NO_SUCH,
			     "no such message in the queue; `frank trace ID` knows finished ones",
			     SLICE_EMPTY);
		return;
	}
	if (verb == CTL_QUEUE_LIST || verb == CTL_QUEUE_SHOW) {
		end_shown(client, done);
		return;
	}
	if (client->json) {
		json_object_begin(&client->writer, NULL);
		json_number(&client->writer, "count", (int64_t)done->count);
		json_object_end(&client->writer);
	} else {
		builder_dec(&client->out, done->count);
		builder_str(&client->out, done->count == 1 ? " recipient" : " recipients");
	}
	builder_byte(&client->out, '\n');
}
