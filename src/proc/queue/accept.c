/*
 * accept: see accept.h. The same path for a commit a millisecond ago and for a record found after a
 * crash: what the journal knew of the message (recover.c has put it into the index without a place)
 * decides whether it is new.
 */
#include "proc/queue/accept.h"

#include <string.h>

#include "base/assert.h"
#include "base/planted.h"
#include "proc/queue/grant.h"
#include "proc/queue/queue.h"
#include "proc/queue/recover.h"
#include "proc/queue/report.h"
#include "proc/queue/result.h"

/* A finished message until that is on disk. */
struct leaving {
	struct journal_wait wait;
	struct queue *queue;
	msg_id id;
};

static void leaving_run(void *ctx);

static void
log_accepted(struct queue *queue, const struct spool_accept *accept)
{
	struct log_line line;

	log_begin(&line, queue->boot->log, EVENT_queue_accepted);
	log_msg(&line, accept->id);
	log_text(&line, "from", accept->sender);
	log_number(&line, "rcpts", (int64_t)accept->rcpt_count);
	log_number(&line, "bytes", (int64_t)accept->size_bytes);
	log_end(&line);
}

static void
note_accepted(struct queue *queue, struct queue_msg *msg, const struct spool_found *found,
	      const struct spool_accept *accept)
{
	struct journal_record record = {.kind = JOURNAL_ACCEPTED, .id = msg->id};

	record.u.accepted.place =
		(struct journal_place){msg->segment->number, msg->offset, msg->length};
	record.u.accepted.meta = spool_record_meta(found);
	msg->known_file = journal_append(queue, &record).file;
	queue->counters.accepted++;
	log_accepted(queue, accept);
}

/* Gives the message what the record says; false when memory is out. */
static bool
fill(struct queue *queue, struct queue_msg *msg, const struct spool_accept *accept)
{
	msg->body = accept->body.file;
	msg->sender_hash = index_hash(accept->sender);
	if (accept->sender.len && !(accept->flags & SPOOL_REPORT))
		msg->flags |= MSG_HAS_SENDER;
	for (size_t i = 0; i < msg->rcpt_count; i++) {
		const struct spool_rcpt *given = &accept->rcpts[i];
		struct queue_rcpt *rcpt = &msg->rcpts[i];

		if (!rcpt->dest)
			rcpt->dest = index_dest(queue, given->kind, given->target);
		if (!rcpt->dest)
			return false;
		grant_dest(queue, rcpt->dest);
		rcpt->notify = given->notify;
		rcpt->address_hash = index_hash(given->address);
		if (given->kind == SPOOL_RCPT_LOCAL)
			rcpt->flags |= RCPT_LOCAL;
	}
	return true;
}

static void
body_keep(struct queue *queue, struct queue_msg *msg)
{
	struct queue_body *body = msg->body ? body_find(queue, msg->body) : NULL;
	struct log_line line;

	if (body) {
		body->kept = !PLANTED(BODY_NOT_KEPT) || !queue->recovery;
	} else if (msg->body) {
		msg->flags |= MSG_BODY_MISSING;
		for (size_t i = 0; i < msg->rcpt_count; i++)
			msg->rcpts[i].flags |= RCPT_HELD;
		log_begin(&line, queue->boot->log, EVENT_queue_body_missing);
		log_msg(&line, msg->id);
		log_number(&line, "body", msg->body);
		log_end(&line);
	}
}

static uint64_t
born_of(struct queue *queue, const struct spool_accept *accept)
{
	uint64_t age_ms = schedule_age_restart(&queue->rules, 0, accept->accepted_wall_ms,
					       rt_wall_ms(queue->rt));

	return rt_now_ms(queue->rt) - age_ms;
}

static struct queue_msg *
add_new(struct queue *queue, const struct spool_accept *accept)
{
	struct queue_msg *msg = index_add(queue, accept->id, (uint16_t)accept->rcpt_count);

	if (msg)
		msg->born_ms = (int64_t)born_of(queue, accept);
	return msg;
}

/* A record on its way into the index. */
struct taking {
	struct queue_segment *segment;
	const struct spool_found *found;
	uint64_t offset;
	struct spool_accept accept;
	struct queue_msg *msg;
	bool is_new;
};

/* Where this record belongs: t->msg is a message without a place, or NULL when the record is to be
 * ignored (finished, a copy, dead by what the journal carried forward). */
static int
find_message(struct queue *queue, struct taking *t)
{
	struct queue_msg *msg = index_find(queue, t->accept.id);

	if (!msg && recover_is_dead(t->segment, t->accept.id, t->offset))
		return 0;
	if (msg && !msg->segment && msg->known_segment &&
	    msg->known_segment != t->segment->number) {
		/* A copy that the journal does not know may not be durable. */
		t->segment->has_copies = true;
		return 0;
	}
	t->is_new = !msg;
	if (!msg)
		msg = add_new(queue, &t->accept);
	if (!msg)
		return ERR_NO_MEMORY;
	if (!msg->segment && msg->open && msg->rcpt_count == t->accept.rcpt_count)
		t->msg = msg;
	return 0;
}

static void
place(struct queue *queue, struct taking *t)
{
	struct queue_msg *msg = t->msg;

	msg->offset = t->offset;
	msg->length = t->found->head.length;
	msg->meta_length = t->found->head.meta_length;
	if (msg->flags & MSG_AGE_UNKNOWN)
		msg->born_ms = (int64_t)born_of(queue, &t->accept);
	msg->flags &= (uint8_t)~MSG_AGE_UNKNOWN;
	segment_place(queue, t->segment, msg);
	body_keep(queue, msg);
	if (t->is_new)
		note_accepted(queue, msg, t->found, &t->accept);
	if (t->accept.report_key && report_found(queue, msg, &t->accept))
		return; /* it goes on when its making is on disk */
	for (size_t i = 0; i < msg->rcpt_count; i++)
		grant_enter(queue, &msg->rcpts[i]);
	result_delete_due(queue, msg);
	finish_check(queue, msg);
}

static int
take(struct queue *queue, struct taking *t)
{
	int err = find_message(queue, t);

	if (err || !t->msg)
		return err;
	if (!fill(queue, t->msg, &t->accept)) {
		if (t->is_new)
			index_remove(queue, t->msg);
		return ERR_NO_MEMORY;
	}
	place(queue, t);
	return 0;
}

int
accept_record(struct queue *queue, struct queue_segment *segment, const struct spool_found *found,
	      uint64_t offset)
{
	struct taking t = {.segment = segment, .found = found, .offset = offset};
	struct arena arena;
	int err;

	arena_init(&arena, queue->mem, ACCEPT_ARENA_BYTES);
	err = spool_meta_decode(&arena, spool_record_meta(found), found->head.id, &t.accept);
	if (!err && found->head.id == 0)
		err = ERR_RANGE;
	if (err && !arena.failed) { /* good sums around nonsense: a writer that was taken over */
		segment_set_aside(queue, segment, offset, offset + found->head.length, false);
		err = 0;
	} else {
		err = err ? ERR_NO_MEMORY : take(queue, &t);
	}
	arena_finish(&arena);
	return err;
}

int
accept_read(struct queue *queue, const struct queue_msg *msg, struct arena *arena,
	    struct spool_accept *ret_accept)
{
	size_t size = SPOOL_HEAD_BYTES + msg->meta_length;
	uint8_t *bytes = arena_alloc(arena, size);
	struct spool_head head;
	struct slice meta;
	int err;

	if (!bytes)
		return ERR_NO_MEMORY;
	if (!msg->segment)
		return ERR_NOT_FOUND;
	if (rt_pread(queue->rt, msg->segment->fd, bytes, size, msg->offset) != (ssize_t)size)
		return ERR_TRUNCATED;
	err = spool_head_decode(slice_of(bytes, size), msg->segment->secret, &head);
	if (err)
		return err;
	meta = slice_of(bytes + SPOOL_HEAD_BYTES, msg->meta_length);
	if (head.id != msg->id || head.meta_length != msg->meta_length ||
	    spool_sum(msg->segment->secret, meta) != head.meta_sum)
		return ERR_CHECKSUM;
	return spool_meta_decode(arena, meta, msg->id, ret_accept);
}

void
finish_rcpt(struct queue *queue, struct queue_rcpt *rcpt)
{
	index_set(queue, rcpt, RCPT_FINISHED);
}

void
finish_check(struct queue *queue, struct queue_msg *msg)
{
	struct leaving *leaving;

	if (msg->open || msg->flags & MSG_LEAVING)
		return;
	leaving = MEM_NEW(queue->mem, struct leaving);
	if (!leaving)
		return; /* stays until the next start */
	msg->flags |= MSG_LEAVING;
	leaving->queue = queue;
	leaving->id = msg->id;
	leaving->wait.fn = leaving_run;
	leaving->wait.ctx = leaving;
	journal_when_synced(queue, &leaving->wait, false);
}

void
finish_forget(struct queue *queue)
{
	struct list *waits = &queue->journal.waits;
	struct list_node *node, *after;

	for (node = list_first(waits); node; node = after) {
		struct journal_wait *wait = CONTAINER_OF(node, struct journal_wait, node);

		after = list_next(waits, node);
		if (wait->fn != leaving_run)
			continue;
		list_remove(node);
		mem_give(queue->mem, CONTAINER_OF(wait, struct leaving, wait),
			 sizeof(struct leaving));
	}
}

static void
leaving_run(void *ctx)
{
	struct leaving *leaving = ctx;
	struct queue *queue = leaving->queue;
	struct queue_msg *msg = index_find(queue, leaving->id);
	struct queue_segment *segment;
	struct queue_body *body;

	mem_give(queue->mem, leaving, sizeof(*leaving));
	if (!msg)
		return;
	segment = msg->segment;
	body = msg->body ? body_find(queue, msg->body) : NULL;
	segment_let_go(queue, msg);
	if (body) {
		body->kept = false;
		if (!body->leases && !body->holder)
			body_remove(queue, body);
	}
	if (queue->recovery)
		recover_keep(queue, msg); /* a copy may still come */
	else
		index_remove(queue, msg);
	if (segment)
		segment_check(queue, segment);
}
