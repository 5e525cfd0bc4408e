/*
 * cmd_why: frank why ID: where each recipient of a message stands and why, in the sentences that
 * its sender reads in a report (rule/explain/letter.h). The facts are those of the journal, as
 * frank trace reads them.
 */
#include <string.h>

#include "proc/control/control.h"
#include "proc/control/trace.h"
#include "rule/explain/explain.h"
#include "rule/explain/letter.h"
#include "rule/explain/show.h"
#include "wire/message/date.h"
#include "wire/text/clean.h"

#define ADVICE_BYTES_MAX ((size_t)16 << 10)
#define CODE_BYTES_MAX 16

/* What is known of one recipient. */
struct standing {
	struct slice address;
	unsigned state; /* enum trace_state */
	unsigned attempts;
	const struct journal_result *last;	     /* NULL: no attempt has ended */
	const struct ipc_ctl_suspension *suspension; /* of its destination, or NULL */
	int64_t next_wall_ms;			     /* of a next attempt; 0: unknown, or none */
	bool held;				     /* waits for an administrator */
	msg_id report; /* the last one to the sender about it, 0: none */
	struct dsn_rcpt rcpt;
};

static bool
is_among(struct journal_rcpts rcpts, uint32_t index)
{
	for (size_t i = 0; i < rcpts.count; i++)
		if (journal_rcpt_at(rcpts, i) == index)
			return true;
	return false;
}

/* Refused for our address, and kept; or for now, while queue says that its destination is. */
static bool
is_suspended(const struct standing *s)
{
	return s->state == TRACE_WAITING && s->last &&
	       (s->suspension || s->last->flags & JOURNAL_NOT_TRIED ||
		s->last->verdict.class == VERDICT_NEVER);
}

/* What an administrator did; other than holding it, it makes the next attempt due. */
static void
action_take(struct standing *s, const struct journal_record *record)
{
	if (record->u.action.action == JOURNAL_HOLD)
		s->held = true;
	else if (record->u.action.action == JOURNAL_RELEASE)
		s->held = false;
	if (record->u.action.action != JOURNAL_HOLD)
		s->next_wall_ms = record->wall_ms;
}

static struct standing
standing_of(const struct control_client *client, const struct trace_message *message,
	    uint32_t index)
{
	struct slice destination = message->accept.rcpts[index].target;
	struct standing s = {.address = message->accept.rcpts[index].address,
			     .suspension = suspensions_find(client, destination),
			     .state = message->states[index],
			     .attempts = message->attempts[index]};

	for (struct list_node *node = list_first(&message->events); node;
	     node = list_next(&message->events, node)) {
		const struct journal_record *record =
			&CONTAINER_OF(node, struct trace_event, node)->record;

		if (record->kind == JOURNAL_RESULT && is_among(record->u.result.rcpts, index)) {
			s.last = &record->u.result;
			s.next_wall_ms = record->wall_ms + (int64_t)record->u.result.wait_ms;
			s.held = record->u.result.flags & JOURNAL_HELD;
		} else if (record->kind == JOURNAL_ACTION &&
			   is_among(record->u.action.rcpts, index)) {
			action_take(&s, record);
		} else if (record->kind == JOURNAL_REPORT_MADE &&
			   is_among(record->u.report.rcpts, index)) {
			s.report = record->u.report.report;
		}
	}
	s.held = s.held && s.state == TRACE_WAITING;
	if (!s.last)
		return s;
	s.rcpt = (struct dsn_rcpt){
		.address = s.address,
		.action = s.state == TRACE_WAITING ? DSN_DELAYED : DSN_FAILED,
		.expired = s.last->state == JOURNAL_EXPIRED,
		.attempts = (uint16_t)s.attempts,
		.verdict = s.last->verdict,
	};
	explain_verdict(&s.rcpt.verdict);
	if (s.state != TRACE_WAITING || s.held)
		s.next_wall_ms = 0;
	else if (is_suspended(&s))
		s.next_wall_ms = s.suspension ? s.suspension->next_wall_ms : 0;
	return s;
}

static bool
is_explained(const struct standing *s)
{
	return s->last && s->last->verdict.class != VERDICT_OK && s->state != TRACE_DELETED;
}

/* --- text ------------------------------------------------------------------------------------- */

static const char *
what_next(const struct standing *s)
{
	static const char *const texts[TRACE_STATE_MAX] = {
		[TRACE_WAITING] = "waits; it is tried again by itself, next at ",
		[TRACE_DELIVERED] = "delivered.",
		[TRACE_RELAYED] = "handed to the mail server responsible for it.",
		[TRACE_REPORTING] =
			"failed and is not tried again; its sender is about to be told.",
		[TRACE_FAILED] = "failed and is not tried again.",
		[TRACE_EXPIRED] = "failed and is not tried again.",
		[TRACE_DELETED] = "deleted by an administrator; not tried again.",
	};

	if (s->held)
		return "held by an administrator; it is not tried until it is released.";
	if (s->state == TRACE_WAITING && !s->last)
		return "no attempt has ended yet.";
	if (is_suspended(s))
		return s->next_wall_ms
			       ? "kept until their server lets ours in; one message tries at "
			       : "kept until their server lets ours in.";
	return texts[s->state];
}

static void
reply_write(struct builder *b, const struct verdict *v)
{
	struct slice rest = v->reply.len ? v->reply : v->public_text, line;

	builder_str(b, v->reply.len ? "The server returned:\n\n" : "What we found:\n\n");
	while (clean_line_next(&rest, &line)) {
		builder_str(b, "    ");
		clean_line(b, line, DSN_REPLY_LINE_MAX);
		builder_byte(b, '\n');
	}
	rest = verdict_facts(v);
	while (clean_line_next(&rest, &line)) {
		builder_str(b, "    ");
		clean_line(b, line, DSN_REPLY_LINE_MAX);
		builder_byte(b, '\n');
	}
	builder_byte(b, '\n');
}

static void
standing_text(struct builder *b, const struct standing *s)
{
	const char *next = what_next(s);

	builder_byte(b, '\n');
	clean_line(b, s->address, 320);
	builder_str(b, ": ");
	builder_str(b, next);
	if (s->next_wall_ms) {
		date_stamp_build(b, s->next_wall_ms, false);
		builder_byte(b, '.');
	}
	builder_byte(b, '\n');
	if (!is_explained(s))
		return;
	builder_str(b, "Reason: ");
	letter_code_build(b, &s->rcpt);
	builder_str(b, ". ");
	builder_str(b, explain_turn_str(&s->rcpt.verdict));
	builder_str(b, "\nAttempts: ");
	builder_dec(b, s->attempts);
	if (s->report) {
		builder_str(b, "\nTold to the sender: ");
		msg_id_format(b, s->report);
	}
	builder_byte(b, '\n');
	reply_write(b, &s->rcpt.verdict);
	letter_advice_build(b, &s->rcpt, "\n");
}

/* --- JSON ------------------------------------------------------------------------------------- */

static void
standing_json(struct control_client *client, const struct standing *s)
{
	struct json_writer *w = &client->writer;
	uint8_t code_room[CODE_BYTES_MAX];
	struct builder advice, code;

	json_object_begin(w, NULL);
	json_text(w, "address", s->address);
	json_text(w, "state", slice_str(trace_state_str(s->state)));
	json_number(w, "attempts", s->attempts);
	json_flag(w, "retried", s->state == TRACE_WAITING && !s->held);
	json_flag(w, "held", s->held);
	json_flag(w, "suspended", is_suspended(s));
	if (s->next_wall_ms)
		json_number(w, "next_ms", s->next_wall_ms);
	else
		json_null(w, "next_ms");
	if (s->report)
		render_id_json(w, "report", s->report);
	else
		json_null(w, "report");
	if (is_explained(s)) {
		builder_init_fixed(&code, code_room, sizeof(code_room));
		letter_code_build(&code, &s->rcpt);
		builder_init_arena(&advice, &client->arena, ADVICE_BYTES_MAX);
		letter_advice_build(&advice, &s->rcpt, "\n");
		json_text(w, "number", builder_slice(&code));
		json_text(w, "turn", slice_str(explain_turn_str(&s->rcpt.verdict)));
		json_text(w, "text", builder_slice(&advice));
		render_verdict_json(w, "verdict", &s->rcpt.verdict);
	} else {
		json_null(w, "number");
		json_null(w, "turn");
		json_null(w, "text");
		json_null(w, "verdict");
	}
	json_object_end(w);
}

static void
why_json(struct control_client *client, const struct trace_message *message)
{
	struct json_writer *w = &client->writer;

	json_object_begin(w, NULL);
	render_id_json(w, "id", message->accept.id);
	json_text(w, "sender", message->accept.sender);
	json_array_begin(w, "recipients");
	for (uint32_t i = 0; i < message->accept.rcpt_count; i++) {
		struct standing s = standing_of(client, message, i);

		standing_json(client, &s);
	}
	json_array_end(w);
	json_object_end(w);
	builder_byte(&client->out, '\n');
}

static void
why_text(struct control_client *client, const struct trace_message *message)
{
	struct builder *b = &client->out;

	msg_id_format(b, message->accept.id);
	builder_str(b, "  from ");
	clean_line(b, message->accept.sender.len ? message->accept.sender : SLICE("<>"), 320);
	builder_byte(b, '\n');
	for (uint32_t i = 0; i < message->accept.rcpt_count; i++) {
		struct standing s = standing_of(client, message, i);

		standing_text(b, &s);
	}
}

void
cmd_why_end(struct control_client *client, const struct ipc_ctl_done *done)
{
	const struct trace_message *message;
	struct trace trace;

	if (cmd_trace_gather(client, done, &trace))
		return;
	message = trace_find(&trace, trace.filter.id);
	if (!message)
		control_fail(client, EXIT_CODE_NO_SUCH, TRACE_NO_MESSAGE, SLICE_EMPTY);
	else if (client->json)
		why_json(client, message);
	else
		why_text(client, message);
}
