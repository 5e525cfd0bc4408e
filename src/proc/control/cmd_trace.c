/*
 * cmd_trace: frank trace: asks queue for the journal's files, reads them (trace.c), tells the life
 * of each message: from connect to the end of every recipient, the reports that came of it
 * included.
 */
#include <string.h>

#include "proc/control/control.h"
#include "proc/control/trace.h"
#include "wire/message/date.h"
#include "wire/text/clean.h"

#define TRACE_FILES_MAX 4096

struct files {
	int fds[TRACE_FILES_MAX];
	size_t count;
	struct trace_filter filter;
};

/* "90s", "15m", "4h", "7d": how long ago. */
static int
since_parse(struct control_client *client, int64_t *ret_since_ms)
{
	static const struct {
		char unit;
		int64_t ms;
	} units[] = {{'s', 1000}, {'m', 60000}, {'h', 3600000}, {'d', 86400000}};
	struct slice word = client->arguments.named[ARGUMENT_SINCE];
	uint64_t count;

	*ret_since_ms = 0;
	if (!client->arguments.given[ARGUMENT_SINCE])
		return 0;
	for (size_t i = 0; word.len && i < sizeof(units) / sizeof(units[0]); i++) {
		if (word.data[word.len - 1] == units[i].unit &&
		    slice_to_u64(slice_sub(word, 0, word.len - 1), 36500, &count)) {
			*ret_since_ms = client->now_ms - (int64_t)count * units[i].ms;
			return 0;
		}
	}
	control_fail(client, EXIT_CODE_USAGE,
		     "--since wants a time such as 90s, 15m, 4h or 7d, not ", word);
	return ERR_SYNTAX;
}

void
cmd_trace_run(struct control_client *client)
{
	const struct control_arguments *a = &client->arguments;
	struct files *files = ARENA_NEW(&client->arena, struct files);
	struct ipc_channel *queue;

	if (!files) {
		control_fail(client, EXIT_CODE_TEMPFAIL, "no memory now; try again", SLICE_EMPTY);
		return;
	}
	if (control_argument_id(client, &files->filter.id) ||
	    since_parse(client, &files->filter.since_wall_ms))
		return;
	if (!files->filter.id && !a->given[ARGUMENT_SENDER] && !a->given[ARGUMENT_RCPT] &&
	    !a->given[ARGUMENT_SINCE]) {
		control_fail(client, EXIT_CODE_USAGE,
			     "say which: an ID, --sender, --rcpt or --since", SLICE_EMPTY);
		return;
	}
	files->filter.sender = arena_keep(&client->arena, a->named[ARGUMENT_SENDER]);
	files->filter.rcpt = arena_keep(&client->arena, a->named[ARGUMENT_RCPT]);
	client->state = files;
	queue = control_peer(client, IPC_ROLE_QUEUE);
	if (queue)
		control_sent(client, queue,
			     IPC_SEND(queue, CTL_TRACE, ctl_trace, .request = client->number));
}

void
cmd_trace_row(struct control_client *client, struct ipc_message *message)
{
	struct files *files = client->state;

	if (files->count == TRACE_FILES_MAX)
		return;
	files->fds[files->count++] = message->u.ctl_trace_file.file;
	message->u.ctl_trace_file.file = -1;
}

static void
rcpts_write(struct builder *b, const struct trace_message *message, struct journal_rcpts rcpts)
{
	for (size_t i = 0; i < rcpts.count && i < 5; i++) {
		uint16_t rcpt = journal_rcpt_at(rcpts, i);

		if (i > 0)
			builder_str(b, ", ");
		if (rcpt < message->accept.rcpt_count)
			clean_line(b, message->accept.rcpts[rcpt].address, 320);
	}
	if (rcpts.count > 5) {
		builder_str(b, " and ");
		builder_dec(b, rcpts.count - 5);
		builder_str(b, " more");
	}
}

static void
result_write(struct builder *b, const struct trace_message *message,
	     const struct journal_result *result)
{
	if (result->flags & JOURNAL_NOT_TRIED) {
		builder_str(b, "put aside for ");
	} else {
		builder_str(b, "attempt ");
		builder_dec(b, result->attempt);
		builder_str(b, " for ");
	}
	rcpts_write(b, message, result->rcpts);
	builder_str(b, ": ");
	builder_str(b, journal_state_str(result->state));
	if (result->state == JOURNAL_WAITING &&
	    (result->verdict.class == VERDICT_NEVER || result->flags & JOURNAL_NOT_TRIED)) {
		builder_str(b, " until their server lets ours in");
	} else if (result->state == JOURNAL_WAITING) {
		builder_str(b, ", next in ");
		render_duration(b, (int64_t)result->wait_ms);
	}
	builder_byte(b, '\n');
	render_verdict(b, &result->verdict, "      ");
}

static void
report_write(struct builder *b, const struct trace_message *message,
	     const struct journal_report *report, bool made)
{
	static const char *const kinds[SPOOL_REPORT_KIND_MAX] = {"report", "failure report",
								 "delay notice", "success report"};

	builder_str(b, kinds[report->kind % SPOOL_REPORT_KIND_MAX]);
	builder_str(b, made ? (report->report ? " made: " : " not needed") : " asked for, about ");
	if (made && report->report)
		msg_id_format(b, report->report);
	else if (!made)
		rcpts_write(b, message, report->rcpts);
	builder_byte(b, '\n');
}

static void
event_write(struct builder *b, const struct trace_message *message,
	    const struct journal_record *record)
{
	builder_str(b, "  ");
	date_stamp_build(b, record->wall_ms, false);
	builder_str(b, "  ");
	if (record->kind == JOURNAL_RESULT) {
		result_write(b, message, &record->u.result);
	} else if (record->kind == JOURNAL_ACTION) {
		builder_str(b, "administrator: ");
		builder_str(b, journal_action_str(record->u.action.action));
		builder_str(b, " for ");
		rcpts_write(b, message, record->u.action.rcpts);
		builder_byte(b, '\n');
	} else {
		report_write(b, message, &record->u.report, record->kind == JOURNAL_REPORT_MADE);
	}
}

static void
accept_write(struct builder *b, const struct spool_accept *accept)
{
	msg_id_format(b, accept->id);
	builder_str(b, "  from ");
	clean_line(b, accept->sender.len ? accept->sender : SLICE("<>"), 320);
	builder_str(b, "  ");
	render_size(b, accept->size_bytes);
	if (accept->report_of) {
		builder_str(b, "  report about ");
		msg_id_format(b, accept->report_of);
	}
	builder_str(b, "\n  ");
	date_stamp_build(b, accept->accepted_wall_ms, false);
	builder_str(b, "  accepted");
	if (accept->client.family) {
		builder_str(b, " from ");
		net_addr_format(b, &accept->client);
		builder_str(b, " (");
		clean_line(b, accept->helo, 255);
		builder_str(b, ") by ");
		clean_line(b, accept->listener, 64);
	}
	if (accept->login.len) {
		builder_str(b, ", login ");
		clean_line(b, accept->login, 320);
	}
	if (accept->tls.len) {
		builder_str(b, ", ");
		clean_line(b, accept->tls, 100);
	}
	builder_byte(b, '\n');
}

static void
message_write(struct builder *b, const struct trace_message *message)
{
	accept_write(b, &message->accept);
	for (struct list_node *node = list_first(&message->events); node;
	     node = list_next(&message->events, node))
		event_write(b, message, &CONTAINER_OF(node, struct trace_event, node)->record);
	for (uint32_t i = 0; i < message->accept.rcpt_count; i++) {
		builder_str(b, "  ");
		clean_line(b, message->accept.rcpts[i].address, 320);
		builder_str(b, ": ");
		builder_str(b, trace_state_str(message->states[i]));
		builder_byte(b, '\n');
	}
}

static void
rcpts_json(struct json_writer *w, const struct trace_message *message, struct journal_rcpts rcpts)
{
	json_array_begin(w, "rcpts");
	for (size_t i = 0; i < rcpts.count; i++) {
		uint16_t rcpt = journal_rcpt_at(rcpts, i);

		if (rcpt < message->accept.rcpt_count)
			json_text(w, NULL, message->accept.rcpts[rcpt].address);
	}
	json_array_end(w);
}

static void
event_json(struct json_writer *w, const struct trace_message *message,
	   const struct journal_record *record)
{
	json_object_begin(w, NULL);
	json_number(w, "at_ms", record->wall_ms);
	json_text(w, "event", slice_str(journal_kind_str(record->kind)));
	if (record->kind == JOURNAL_RESULT) {
		json_number(w, "attempt", record->u.result.attempt);
		json_flag(w, "tried", !(record->u.result.flags & JOURNAL_NOT_TRIED));
		json_text(w, "state", slice_str(journal_state_str(record->u.result.state)));
		json_number(w, "next_in_ms", (int64_t)record->u.result.wait_ms);
		rcpts_json(w, message, record->u.result.rcpts);
		render_verdict_json(w, "verdict", &record->u.result.verdict);
	} else if (record->kind == JOURNAL_ACTION) {
		json_text(w, "action", slice_str(journal_action_str(record->u.action.action)));
		rcpts_json(w, message, record->u.action.rcpts);
	} else {
		rcpts_json(w, message, record->u.report.rcpts);
		if (record->u.report.report)
			render_id_json(w, "report", record->u.report.report);
	}
	json_object_end(w);
}

/* The worst state of a report's recipients: a report is over when all have their end. */
static unsigned
report_state(const struct trace_message *report)
{
	unsigned state = TRACE_DELIVERED;

	for (uint32_t i = 0; i < report->accept.rcpt_count; i++)
		if (report->states[i] != TRACE_DELIVERED)
			state = report->states[i];
	return state;
}

static void
reports_json(struct json_writer *w, const struct trace *trace, msg_id about)
{
	json_array_begin(w, "reports");
	for (struct list_node *node = list_first(&trace->messages); node;
	     node = list_next(&trace->messages, node)) {
		const struct trace_message *report = CONTAINER_OF(node, struct trace_message, node);

		if (report->accept.report_of != about)
			continue;
		json_object_begin(w, NULL);
		render_id_json(w, "id", report->accept.id);
		json_number(w, "kind", report->accept.report_kind);
		json_text(w, "state", slice_str(trace_state_str(report_state(report))));
		json_object_end(w);
	}
	json_array_end(w);
}

static void
message_json(struct json_writer *w, const struct trace *trace, const struct trace_message *message)
{
	const struct spool_accept *accept = &message->accept;
	uint8_t buf[NET_ADDR_TEXT_MAX];
	struct builder client;

	builder_init_fixed(&client, buf, sizeof(buf));
	net_addr_format(&client, &accept->client);
	json_object_begin(w, NULL);
	render_id_json(w, "id", accept->id);
	json_text(w, "sender", accept->sender);
	json_number(w, "accepted_ms", accept->accepted_wall_ms);
	json_number(w, "size", (int64_t)accept->size_bytes);
	json_text(w, "client", builder_slice(&client));
	json_text(w, "helo", accept->helo);
	json_text(w, "listener", accept->listener);
	json_text(w, "login", accept->login);
	json_text(w, "tls", accept->tls);
	if (accept->report_of)
		render_id_json(w, "report_of", accept->report_of);
	json_array_begin(w, "recipients");
	for (uint32_t i = 0; i < accept->rcpt_count; i++) {
		json_object_begin(w, NULL);
		json_text(w, "address", accept->rcpts[i].address);
		json_text(w, "state", slice_str(trace_state_str(message->states[i])));
		json_number(w, "attempts", message->attempts[i]);
		json_object_end(w);
	}
	json_array_end(w);
	json_array_begin(w, "events");
	for (struct list_node *node = list_first(&message->events); node;
	     node = list_next(&message->events, node))
		event_json(w, message, &CONTAINER_OF(node, struct trace_event, node)->record);
	json_array_end(w);
	reports_json(w, trace, accept->id);
	json_object_end(w);
}

/* With an ID the document is that message; its reports stand in it by id. */
static void
trace_json(struct control_client *client, const struct trace *trace)
{
	struct list_node *node = list_first(&trace->messages);

	if (trace->filter.id && node) {
		message_json(&client->writer, trace,
			     CONTAINER_OF(node, struct trace_message, node));
		builder_byte(&client->out, '\n');
		return;
	}
	json_object_begin(&client->writer, NULL);
	json_array_begin(&client->writer, "messages");
	for (; node; node = list_next(&trace->messages, node))
		message_json(&client->writer, trace,
			     CONTAINER_OF(node, struct trace_message, node));
	json_array_end(&client->writer);
	json_flag(&client->writer, "cut", trace->cut);
	json_object_end(&client->writer);
	builder_byte(&client->out, '\n');
}

static void
trace_text(struct control_client *client, const struct trace *trace)
{
	for (struct list_node *node = list_first(&trace->messages); node;
	     node = list_next(&trace->messages, node))
		message_write(&client->out, CONTAINER_OF(node, struct trace_message, node));
	if (trace->cut)
		builder_str(&client->out, "There is more; narrow it down.\n");
}

void
cmd_trace_finish(struct control_client *client)
{
	struct files *files = client->state;

	for (size_t i = 0; i < files->count; i++)
		rt_close(client->control->boot->rt, files->fds[i]);
}

int
cmd_trace_gather(struct control_client *client, const struct ipc_ctl_done *done,
		 struct trace *ret_trace)
{
	struct files *files = client->state;
	int err = 0;

	trace_init(ret_trace, client->control->boot->rt, &client->arena, &files->filter);
	for (size_t i = 0; i < files->count && !err; i++)
		err = trace_read(ret_trace, files->fds[i]);
	if (done->exit)
		control_fail(client, done->exit, "", done->text);
	else if (err)
		control_fail(client, EXIT_CODE_TEMPFAIL,
			     "the journal could not be read: ", slice_str(err_str(err)));
	else if (ret_trace->message_count == 0)
		control_fail(client, EXIT_CODE_NO_SUCH, TRACE_NO_MESSAGE, SLICE_EMPTY);
	return client->answered ? ERR_NOT_FOUND : 0;
}

void
cmd_trace_end(struct control_client *client, const struct ipc_ctl_done *done)
{
	struct trace trace;

	if (cmd_trace_gather(client, done, &trace))
		return;
	if (client->json)
		trace_json(client, &trace);
	else
		trace_text(client, &trace);
}
