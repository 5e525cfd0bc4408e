/*
 * command: see command.h. A command over the queue goes through all messages in steps of a turn
 * each, holds its place by a walk, and stops for a while when its channel is full. What it needs to
 * know of a message beyond the index it reads from the segment.
 */
#include "proc/queue/command.h"

#include <string.h>

#include "base/assert.h"
#include "proc/queue/accept.h"
#include "proc/queue/grant.h"
#include "proc/queue/result.h"
#include "proc/queue/suspend.h"

#define COMMANDS_MAX 32
#define STEP_MESSAGES 4000
#define STEP_READS 200
#define FULL_AGAIN_MS 20
#define COMMAND_ARENA_BYTES ((size_t)2 << 20)
#define UNREADABLE SLICE("(unreadable)")
#define EXIT_UNAVAILABLE 69

struct command {
	struct list_node node;
	struct queue *queue;
	struct queue_peer *peer;
	uint32_t request;
	uint8_t verb;
	msg_id id, after;
	bool found_after;
	uint32_t limit;
	uint64_t count;
	bool more;	  /* another one fits, beyond the limit: only that is told of it */
	msg_id at;	  /* some of its rows had no room in the channel; 0: none */
	uint16_t at_rcpt; /* from this one on */
	uint8_t texts[SPOOL_ADDRESS_MAX * 2 + 256];
	struct slice sender, rcpt, destination;
	uint8_t sender_hash, rcpt_hash;
	struct queue_walk walk;
	struct rt_timer timer;
};

static void step_run(void *ctx);

void
command_init(struct queue *queue)
{
	list_init(&queue->commands);
}

static void
command_free(struct command *command)
{
	walk_end(&command->walk);
	rt_timer_finish(&command->timer);
	list_remove(&command->node);
	mem_give(command->queue->mem, command, sizeof(*command));
}

void
command_finish(struct queue *queue)
{
	struct list_node *node;

	while ((node = list_first(&queue->commands)))
		command_free(CONTAINER_OF(node, struct command, node));
}

void
command_forget_peer(struct queue *queue, struct queue_peer *peer)
{
	struct list_node *node, *after;

	for (node = list_first(&queue->commands); node; node = after) {
		struct command *command = CONTAINER_OF(node, struct command, node);

		after = list_next(&queue->commands, node);
		if (command->peer == peer)
			command_free(command);
	}
}

/* --- what fits -------------------------------------------------------------------------------- */

static struct slice
dest_name(const struct queue_rcpt *rcpt)
{
	return slice_of(rcpt->dest->name, rcpt->dest->name_len);
}

/* By the index alone; what needs the record is asked by rcpt_fits. */
static bool
rcpt_may_fit(const struct command *command, const struct queue_rcpt *rcpt)
{
	if (command->rcpt.len && rcpt->address_hash != command->rcpt_hash)
		return false;
	return command->destination.len == 0 ||
	       (rcpt->dest && (rcpt->flags & RCPT_LOCAL ||
			       slice_eq_nocase(dest_name(rcpt), command->destination)));
}

static bool
msg_may_fit(const struct command *command, const struct queue_msg *msg)
{
	if (command->id)
		return msg->id == command->id;
	if (command->sender.len && msg->sender_hash != command->sender_hash)
		return false;
	for (size_t i = 0; i < msg->rcpt_count; i++)
		if (rcpt_may_fit(command, &msg->rcpts[i]))
			return true;
	return false;
}

/* What the record says of a recipient; when it cannot be read, what the index knows. */
static struct spool_rcpt
rcpt_given(const struct spool_accept *accept, const struct queue_rcpt *rcpt)
{
	if (accept->rcpts)
		return accept->rcpts[rcpt->index];
	return (struct spool_rcpt){.address = UNREADABLE,
				   .kind = rcpt->flags & RCPT_LOCAL ? SPOOL_RCPT_LOCAL
								    : SPOOL_RCPT_REMOTE,
				   .target = dest_name(rcpt)};
}

static bool
rcpt_fits(const struct command *command, const struct queue_rcpt *rcpt,
	  const struct spool_rcpt *given)
{
	struct slice target = given->target;

	if (rcpt->state == RCPT_FINISHED)
		return false;
	if (command->rcpt.len && !slice_eq_nocase(given->address, command->rcpt))
		return false;
	if (command->destination.len == 0 || slice_eq_nocase(target, command->destination))
		return true;
	/* A local one also by its postoffice. */
	return given->kind == SPOOL_RCPT_LOCAL &&
	       slice_eq_nocase(slice_from(target, slice_rindex(target, '@') + 1),
			       command->destination);
}

/* --- what is done ----------------------------------------------------------------------------- */

static uint8_t
shown_state(const struct queue_rcpt *rcpt)
{
	if (rcpt->flags & RCPT_HELD && rcpt->state != RCPT_REPORTING)
		return CTL_RCPT_HELD;
	if (rcpt->state == RCPT_ACTIVE)
		return CTL_RCPT_ACTIVE;
	if (rcpt->flags & RCPT_ASIDE && rcpt->dest->suspension)
		return CTL_RCPT_SUSPENDED;
	return rcpt->state == RCPT_REPORTING ? CTL_RCPT_REPORTING : CTL_RCPT_WAITING;
}

static int
row_send(struct command *command, const struct queue_msg *msg, struct queue_rcpt *rcpt,
	 const struct spool_accept *accept)
{
	struct queue *queue = command->queue;
	struct ipc_message message = {.type = IPC_CTL_QUEUE_ROW};
	struct ipc_ctl_queue_row *row = &message.u.ctl_queue_row;
	struct schedule_case now = grant_case(queue, msg, rcpt);
	struct spool_rcpt given = rcpt_given(accept, rcpt);
	int64_t wall_ms = rt_wall_ms(queue->rt);
	struct journal_result last;
	struct arena arena;
	int err;

	arena_init(&arena, queue->mem, COMMAND_ARENA_BYTES);
	row->request = command->request;
	row->message = msg->id;
	row->rcpt_index = rcpt->index;
	row->state = shown_state(rcpt);
	row->sender = accept->sender;
	row->rcpt = given.address;
	row->destination = given.target;
	row->accepted_wall_ms = accept->accepted_wall_ms;
	row->next_wall_ms = wall_ms;
	if (rcpt->state == RCPT_WAITING && rcpt->next_ms > rt_now_ms(queue->rt))
		row->next_wall_ms += (int64_t)(rcpt->next_ms - rt_now_ms(queue->rt));
	if (row->state == CTL_RCPT_SUSPENDED)
		row->next_wall_ms = suspend_probe_wall_ms(queue, rcpt->dest->suspension);
	row->expires_wall_ms = wall_ms + (int64_t)queue->rules.lifetime_ms - (int64_t)now.age_ms;
	row->attempts = rcpt->attempts;
	row->size_bytes = accept->size_bytes;
	if (journal_last_result(queue, rcpt, &arena, &last) == 0)
		row->last = last.verdict;
	err = ipc_send(command->peer->channel, &message);
	arena_finish(&arena);
	return err;
}

static void
note_action(struct queue *queue, const struct queue_msg *msg, uint8_t action, uint16_t *numbers,
	    size_t count)
{
	struct journal_record record = {.kind = JOURNAL_ACTION, .id = msg->id};
	struct log_line line;

	record.u.action.action = action;
	record.u.action.rcpts = journal_rcpts_make(numbers, count);
	(void)journal_append(queue, &record);
	log_begin(&line, queue->boot->log, EVENT_queue_action);
	log_msg(&line, msg->id);
	log_text(&line, "action", slice_str(journal_action_str(action)));
	log_number(&line, "rcpts", (int64_t)count);
	log_end(&line);
}

static bool
act_hold(struct queue *queue, struct queue_rcpt *rcpt)
{
	if (rcpt->flags & RCPT_HELD || rcpt->state == RCPT_REPORTING)
		return false;
	index_park(queue, rcpt);
	rcpt->flags |= RCPT_HELD;
	return true;
}

static bool
act_retry(struct queue *queue, struct queue_rcpt *rcpt)
{
	if (rcpt->state != RCPT_WAITING || rcpt->flags & RCPT_HELD)
		return false;
	rcpt->next_ms = 0;
	suspend_probe_now(queue, rcpt->dest);
	index_ready(queue, rcpt);
	return true;
}

static bool
act_release(struct queue *queue, struct queue_rcpt *rcpt)
{
	if (!(rcpt->flags & RCPT_HELD) || index_msg_of(rcpt)->flags & MSG_BODY_MISSING)
		return false;
	rcpt->flags &= (uint8_t)~RCPT_HELD;
	rcpt->next_ms = 0;
	if (rcpt->state == RCPT_WAITING || rcpt->state == RCPT_READY) {
		rcpt->state = RCPT_BLOCKED;
		index_ready(queue, rcpt);
	}
	return true;
}

static bool
act_delete(struct queue *queue, struct queue_rcpt *rcpt)
{
	(void)queue;
	return rcpt->state == RCPT_ACTIVE || rcpt->state == RCPT_WAITING ||
	       rcpt->state == RCPT_READY || rcpt->state == RCPT_REPORTING ||
	       (rcpt->state == RCPT_BLOCKED && rcpt->flags & RCPT_HELD);
}

static const struct {
	uint8_t action;
	bool (*act)(struct queue *queue, struct queue_rcpt *rcpt);
} verbs[CTL_QUEUE_VERB_MAX] = {
	[CTL_QUEUE_RETRY] = {JOURNAL_RETRY, act_retry},
	[CTL_QUEUE_HOLD] = {JOURNAL_HOLD, act_hold},
	[CTL_QUEUE_RELEASE] = {JOURNAL_RELEASE, act_release},
	[CTL_QUEUE_DELETE] = {JOURNAL_DELETE, act_delete},
	[CTL_QUEUE_FLUSH] = {JOURNAL_RETRY, act_retry},
};

/* Those that owe a report go now, and nobody is told; the others once no attempt is under way. */
static void
act_delete_end(struct queue *queue, struct queue_msg *msg, const uint16_t *numbers, size_t count)
{
	uint16_t owing[SPOOL_RCPTS_MAX];
	size_t owing_count = 0;

	for (size_t i = 0; i < count; i++) {
		if (msg->rcpts[numbers[i]].state == RCPT_REPORTING)
			owing[owing_count++] = numbers[i];
		else
			msg->rcpts[numbers[i]].flags |= RCPT_DELETING;
	}
	msg->flags |= MSG_DELETING;
	if (owing_count)
		result_delete(queue, msg, owing, owing_count, RESULT_DELETED);
	result_delete_due(queue, msg);
}

static void
act(struct command *command, struct queue_msg *msg, const uint16_t *fits, size_t fit_count)
{
	struct queue *queue = command->queue;
	uint16_t numbers[SPOOL_RCPTS_MAX], copy[SPOOL_RCPTS_MAX];
	size_t count = 0;

	for (size_t i = 0; i < fit_count; i++)
		if (verbs[command->verb].act(queue, &msg->rcpts[fits[i]]))
			numbers[count++] = fits[i];
	if (count == 0)
		return;
	command->count += count;
	memcpy(copy, numbers, count * sizeof(copy[0]));
	note_action(queue, msg, verbs[command->verb].action, copy, count);
	if (command->verb != CTL_QUEUE_DELETE)
		return;
	act_delete_end(queue, msg, numbers, count);
}

/* --- steps ------------------------------------------------------------------------------------ */

static bool
is_list(const struct command *command)
{
	return command->verb == CTL_QUEUE_LIST || command->verb == CTL_QUEUE_SHOW;
}

/* Rows of one message: as many as the channel takes now. A limit cuts between messages, so that
 * --after leaves none out. < 0: the channel is gone. */
static int
rows_send(struct command *command, struct queue_msg *msg, const struct spool_accept *accept,
	  const uint16_t *numbers, size_t count)
{
	bool begun = command->at != 0;
	uint16_t from = command->at_rcpt;
	int err = 0;

	command->at = 0;
	command->at_rcpt = 0;
	command->more = count && !begun && command->limit && command->count >= command->limit;
	for (size_t i = 0; i < count && !err && !command->more; i++) {
		if (numbers[i] < from)
			continue;
		if (ipc_full(command->peer->channel)) {
			command->at = msg->id;
			command->at_rcpt = numbers[i];
			break;
		}
		err = row_send(command, msg, &msg->rcpts[numbers[i]], accept);
		command->count++;
	}
	return err;
}

/* < 0: the channel is gone. */
static int
visit(struct command *command, struct queue_msg *msg)
{
	uint16_t numbers[SPOOL_RCPTS_MAX];
	struct spool_accept accept;
	struct arena arena;
	size_t count = 0;
	int err = 0;

	arena_init(&arena, command->queue->mem, COMMAND_ARENA_BYTES);
	if (accept_read(command->queue, msg, &arena, &accept) ||
	    accept.rcpt_count != msg->rcpt_count)
		accept = (struct spool_accept){.sender = UNREADABLE};
	for (size_t i = 0; i < msg->rcpt_count; i++) {
		struct spool_rcpt given = rcpt_given(&accept, &msg->rcpts[i]);

		if ((command->sender.len == 0 || slice_eq_nocase(accept.sender, command->sender)) &&
		    rcpt_fits(command, &msg->rcpts[i], &given))
			numbers[count++] = (uint16_t)i;
	}
	if (is_list(command))
		err = rows_send(command, msg, &accept, numbers, count);
	else if (count)
		act(command, msg, numbers, count);
	arena_finish(&arena);
	return err;
}

static void
command_end(struct command *command, uint8_t exit, const char *text)
{
	command_answer(command->peer, command->request, exit, command->count + command->more, text);
	grant_kick(command->queue);
	command_free(command);
}

/* Only those behind the last one that was shown. Its place counts, not its id, which it keeps where
 * it is moved; only when it is gone the ids tell about where it was. */
static bool
skipped(struct command *command, const struct queue_msg *msg)
{
	if (command->found_after)
		return false;
	if (msg->id == command->after) {
		command->found_after = true;
		return true;
	}
	if (msg->id < command->after || index_find(command->queue, command->after))
		return true;
	command->found_after = true;
	return false;
}

/* The one that the last turn did not get through, if it is still there; else the next that may fit.
 * NULL: this one does not. */
static struct queue_msg *
message_next(struct command *command, bool *ret_end)
{
	struct queue_msg *msg = command->at ? index_find(command->queue, command->at) : NULL;

	*ret_end = false;
	if (msg)
		return msg;
	command->at = 0;
	command->at_rcpt = 0;
	msg = walk_next(command->queue, &command->walk);
	*ret_end = !msg;
	return msg && !skipped(command, msg) && msg_may_fit(command, msg) ? msg : NULL;
}

static void
step_run(void *ctx)
{
	struct command *command = ctx;
	struct queue *queue = command->queue;
	int reads = 0;

	for (int i = 0; i < STEP_MESSAGES && reads < STEP_READS; i++) {
		struct queue_msg *msg;
		bool end = false;

		if (ipc_full(command->peer->channel) || (queue->deaf && !is_list(command))) {
			rt_timer_arm(&command->timer, FULL_AGAIN_MS);
			return;
		}
		msg = command->more ? NULL : message_next(command, &end);
		if (command->more || end) {
			command_end(command, 0, "");
			return;
		}
		if (!msg)
			continue;
		reads++;
		if (visit(command, msg)) {
			command_end(command, EXIT_UNAVAILABLE, "the answer was too long");
			return;
		}
	}
	if (!is_list(command)) {
		grant_kick(queue); /* what may go now does not wait for the rest */
		queue_listen(queue);
	}
	rt_timer_arm(&command->timer, 0);
}

static struct slice
text_keep(struct command *command, size_t *at, struct slice text)
{
	struct slice kept = {command->texts + *at, text.len};

	ASSERT(*at + text.len <= sizeof(command->texts));
	if (text.len)
		memcpy(command->texts + *at, text.data, text.len);
	*at += text.len;
	return kept;
}

/* Why no command can be taken now, or NULL. */
static const char *
not_now(const struct queue *queue)
{
	size_t running = 0;

	for (struct list_node *node = list_first(&queue->commands); node;
	     node = list_next(&queue->commands, node))
		running++;
	if (queue->phase == QUEUE_NEW || queue->phase == QUEUE_JOURNALS)
		return "the queue still reads its journal: try again in a moment";
	if (queue->phase != QUEUE_SERVING)
		return "the queue is about to stop";
	return running < COMMANDS_MAX ? NULL : "too many commands at once: try again";
}

static void
queue_command(struct queue *queue, struct queue_peer *peer, const struct ipc_ctl_queue *given)
{
	const char *why = not_now(queue);
	struct command *command;
	size_t at = 0;

	command = !why && given->verb < CTL_QUEUE_VERB_MAX ? MEM_NEW(queue->mem, struct command)
							   : NULL;
	if (!command) {
		command_answer(peer, given->request, EXIT_UNAVAILABLE, 0,
			       why ? why : "no memory for it: try again");
		return;
	}
	command->queue = queue;
	command->peer = peer;
	command->request = given->request;
	command->verb = given->verb;
	command->id = given->message;
	command->after = given->after;
	command->found_after = given->after == 0;
	command->limit = given->limit;
	command->sender = text_keep(command, &at, given->sender);
	command->rcpt = text_keep(command, &at, given->rcpt);
	command->destination = text_keep(command, &at, given->destination);
	command->sender_hash = index_hash(command->sender);
	command->rcpt_hash = index_hash(command->rcpt);
	rt_timer_init(&command->timer, queue->rt, step_run, command);
	list_push_back(&queue->commands, &command->node);
	walk_begin(queue, &command->walk);
	if (given->verb == CTL_QUEUE_LIST && suspend_show(queue, peer, given->request))
		command_end(command, EXIT_UNAVAILABLE, "the answer was too long");
	else
		step_run(command);
}

void
command_receive(struct queue *queue, struct queue_peer *peer, struct ipc_message *message)
{
	switch ((int)message->type) {
	case IPC_CTL_QUEUE:
		queue_command(queue, peer, &message->u.ctl_queue);
		break;
	case IPC_CTL_TRACE:
		command_trace(queue, peer, &message->u.ctl_trace);
		break;
	case IPC_CTL_STATUS:
		command_status(queue, peer, &message->u.ctl_status);
		break;
	default:
		break;
	}
}
