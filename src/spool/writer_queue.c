/*
 * writer_queue: what a writer and queue tell each other: segments and spares come, what is durable
 * goes, and how far queue has read is remembered (when it falls too far behind, mail is answered
 * 451 rather than piling up unseen).
 */
#include <errno.h>
#include <string.h>

#include "base/assert.h"
#include "spool/writer_impl.h"

#define MARKS_FIRST 64

/* Of what waits last, for the same segment: its later end says all that the earlier one did. */
static bool
durable_join(struct spool_writer *writer, const struct ipc_message *message)
{
	struct ipc_message *last;

	if (writer->send_count == 0 || message->type != IPC_SPOOL_DURABLE)
		return false;
	last = &writer->sends[writer->send_count - 1];
	if (last->type != IPC_SPOOL_DURABLE ||
	    last->u.spool_durable.segment != message->u.spool_durable.segment)
		return false;
	*last = *message;
	return true;
}

/* Kept until queue takes it. There is room for what each spare and segment brings; if ever more
 * wait, what is lost is only knowledge that queue gets by itself once this process ends. */
void
writer_send(struct spool_writer *writer, const struct ipc_message *message)
{
	if (writer->queue && !writer->have_due && writer->send_count == 0 &&
	    ipc_send(writer->queue, message) == 0)
		return;
	if (!durable_join(writer, message) && writer->send_count < WRITER_SENDS_MAX)
		writer->sends[writer->send_count++] = *message;
	if (writer->queue && !rt_timer_armed(&writer->send_timer))
		rt_timer_arm(&writer->send_timer, WRITER_SEND_AGAIN_MS);
}

void
writer_send_again(void *ctx)
{
	struct spool_writer *writer = ctx;
	size_t sent = 0;

	if (writer->have_due) {
		spool_writer_set_queue(writer, writer->queue);
		return;
	}
	while (writer->queue && sent < writer->send_count &&
	       ipc_send(writer->queue, &writer->sends[sent]) == 0)
		sent++;
	writer->send_count -= sent;
	memmove(writer->sends, writer->sends + sent, writer->send_count * sizeof(*writer->sends));
	if (writer->queue && writer->send_count)
		rt_timer_arm(&writer->send_timer, WRITER_SEND_AGAIN_MS);
}

void
writer_send_durable(struct spool_writer *writer, const struct writer_segment *segment)
{
	struct ipc_message durable = {.type = IPC_SPOOL_DURABLE};

	durable.u.spool_durable.segment = segment->number;
	durable.u.spool_durable.end = segment->end;
	writer_send(writer, &durable);
}

/* Queue answers each SPOOL_DURABLE. When an answer does not come (the segment was sealed or
 * poisoned before it was read to its end, or the channel was full), the next one does for it: a
 * higher segment's covers all before it. */
void
writer_ask_again(void *ctx)
{
	struct spool_writer *writer = ctx;

	if (writer->mark_count == 0)
		return;
	if (writer->queue && writer->send_count == 0 && writer->segments[0].fd >= 0)
		writer_send_durable(writer, &writer->segments[0]);
	rt_timer_arm(&writer->ask_timer, WRITER_ASK_AGAIN_MS);
}

static unsigned
segment_count(const struct spool_writer *writer)
{
	unsigned count = 0;

	for (size_t i = 0; i < WRITER_SEGMENTS; i++)
		count += writer->segments[i].fd >= 0;
	return count;
}

/* A body that queue does not know to be held, and no record that it has read names, is unlinked as
 * soon as its file is closed here; so each is named before anything can become durable. */
static int
have_send(struct spool_writer *writer)
{
	int err = IPC_SEND(writer->queue, SPOOL_HAVE, spool_have,
			   .segments = (uint8_t)segment_count(writer),
			   .bodies = (uint16_t)(writer->spare_count + writer->body_count));

	for (size_t i = 0; i < writer->spare_count && !err; i++)
		err = IPC_SEND(writer->queue, SPOOL_HOLDS, spool_holds,
			       .body = writer->spares[i].body);
	for (struct list_node *node = list_first(&writer->with_body); node && !err;
	     node = list_next(&writer->with_body, node))
		err = IPC_SEND(writer->queue, SPOOL_HOLDS, spool_holds,
			       .body = CONTAINER_OF(node, struct spool_draft, with_body)->body);
	return err;
}

void
spool_writer_set_queue(struct spool_writer *writer, struct ipc_channel *queue)
{
	size_t kept = 0;

	writer->queue = queue;
	writer->have_due = false;
	rt_timer_disarm(&writer->send_timer);
	if (!queue)
		return;
	/* What is durable is told anew below, from what is true now. */
	for (size_t i = 0; i < writer->send_count; i++)
		if (writer->sends[i].type != IPC_SPOOL_DURABLE)
			writer->sends[kept++] = writer->sends[i];
	writer->send_count = kept;
	/* Queue gives nothing before it knows. A fresh channel closes or takes it: when there is
	 * memory for it. */
	writer->have_due = have_send(writer) != 0;
	if (writer->have_due) {
		rt_timer_arm(&writer->send_timer, WRITER_SEND_AGAIN_MS);
		return;
	}
	for (size_t i = 0; i < WRITER_SEGMENTS; i++)
		if (writer->segments[i].fd >= 0)
			writer_send_durable(writer, &writer->segments[i]);
	writer_send_again(writer);
}

static void
segment_take(struct spool_writer *writer, struct ipc_spool_segment *given)
{
	for (size_t i = 0; i < WRITER_SEGMENTS; i++) {
		if (writer->segments[i].fd >= 0)
			continue;
		writer->segments[i] = (struct writer_segment){
			.number = given->segment,
			.secret = given->secret,
			.fd = given->file,
			.end = SPOOL_FILE_HEAD_BYTES,
		};
		given->file = -1;
		if (!list_empty(&writer->ready))
			rt_at_turn_end(writer->rt, &writer->hook);
		return;
	}
}

static void
spare_take(struct spool_writer *writer, struct ipc_spool_spare *given)
{
	if (writer->spare_count == SPARES_MAX)
		return; /* closed by ipc; queue sees that its lock is gone */
	writer->spares[writer->spare_count++] = (struct writer_spare){given->body, given->file};
	given->file = -1;
}

static void
indexed_take(struct spool_writer *writer, const struct ipc_spool_indexed *given)
{
	while (writer->mark_count) {
		const struct writer_mark *mark = &writer->marks[writer->mark_first];

		if (mark->segment > given->segment ||
		    (mark->segment == given->segment && mark->end > given->end))
			return;
		writer->indexed_messages = mark->messages;
		writer->mark_first = (writer->mark_first + 1) % writer->mark_cap;
		writer->mark_count--;
	}
}

bool
spool_writer_receive(struct spool_writer *writer, struct ipc_message *message)
{
	if (message->type == IPC_SPOOL_SEGMENT)
		segment_take(writer, &message->u.spool_segment);
	else if (message->type == IPC_SPOOL_SPARE)
		spare_take(writer, &message->u.spool_spare);
	else if (message->type == IPC_SPOOL_INDEXED)
		indexed_take(writer, &message->u.spool_indexed);
	else if (message->type == IPC_SPOOL_ROOM)
		writer->refuse = message->u.spool_room.refuse;
	else
		return false;
	return true;
}

int
spool_writer_ready(const struct spool_writer *writer)
{
	const struct writer_mark *oldest;

	if (writer->refuse)
		return writer->refuse == 1 ? -ENOSPC : ERR_AGAIN;
	if (writer->segments[0].fd < 0)
		return ERR_AGAIN;
	if (writer->mark_count == 0)
		return 0;
	oldest = &writer->marks[writer->mark_first];
	if (rt_now_ms(writer->rt) - oldest->at_ms > SPOOL_UNINDEXED_MS_MAX ||
	    writer->counters.messages - writer->indexed_messages > SPOOL_UNINDEXED_MESSAGES_MAX)
		return ERR_AGAIN;
	return 0;
}

void
writer_mark(struct spool_writer *writer)
{
	struct writer_mark *mark;

	if (writer->mark_count == writer->mark_cap) {
		size_t cap = writer->mark_cap ? writer->mark_cap * 2 : MARKS_FIRST;
		struct writer_mark *marks = mem_take_array(writer->mem, cap, sizeof(*marks));

		if (!marks)
			return; /* the next one counts for this too */
		for (size_t i = 0; i < writer->mark_count; i++)
			marks[i] = writer->marks[(writer->mark_first + i) % writer->mark_cap];
		mem_give(writer->mem, writer->marks, writer->mark_cap * sizeof(*marks));
		writer->marks = marks;
		writer->mark_cap = cap;
		writer->mark_first = 0;
	}
	mark = &writer->marks[(writer->mark_first + writer->mark_count++) % writer->mark_cap];
	*mark = (struct writer_mark){writer->segments[0].number, writer->segments[0].end,
				     writer->counters.messages, rt_now_ms(writer->rt)};
	if (!rt_timer_armed(&writer->ask_timer))
		rt_timer_arm(&writer->ask_timer, WRITER_ASK_AGAIN_MS);
}
