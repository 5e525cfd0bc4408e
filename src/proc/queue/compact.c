/*
 * compact: see compact.h. One batch of records at a time: read and checked, given new heads (their
 * sums have the secret of the file), appended and synced in a thread, then the messages move, some
 * in a turn. A message that has gone meanwhile leaves a dead copy.
 */
#include "proc/queue/compact.h"

#include <string.h>

#include "base/assert.h"
#include "base/planted.h"
#include "proc/queue/carry.h"

#define COMPACT_MS 5000 /* how often it is looked for work, or as compact-after says if less */
#define BATCH_BYTES ((size_t)1 << 20)
#define BATCH_MESSAGES 256
/* A segment is worth it when less than this part of it is live. */
#define LIVE_PART 4
#define NOTHING_AGAIN_MS 1000
#define FAILED_AGAIN_MS 60000
/* Others are looked at before one with a record that cannot be copied. */
#define UNREADABLE_AGAIN_MS 3600000

struct moved {
	msg_id id;
	uint64_t offset;
};

struct queue_compaction {
	struct queue *queue;
	struct rt_timer timer, step;
	struct queue_segment *from, *to;
	int to_fd; /* for appending */
	uint64_t to_sequence;
	uint8_t *bytes;
	size_t size, len;
	struct moved moved[BATCH_MESSAGES];
	bool moved_any; /* out of from */
	size_t moved_count, moved_done;
	struct slice slice;
	struct rt_io io;
	bool busy;
	struct journal_wait wait;
};

static void timer_run(void *ctx);
static void move_some(void *ctx);
static void batch_begin(struct queue_compaction *c);

static void
look_later(struct queue_compaction *c)
{
	uint64_t after_ms = c->queue->boot->config->compact_after;

	rt_timer_arm(&c->timer, after_ms < COMPACT_MS ? after_ms : COMPACT_MS);
}

int
compact_init(struct queue *queue)
{
	struct queue_compaction *c = MEM_NEW(queue->mem, struct queue_compaction);

	if (!c)
		return ERR_NO_MEMORY;
	c->queue = queue;
	c->to_fd = -1;
	rt_timer_init(&c->timer, queue->rt, timer_run, c);
	rt_timer_init(&c->step, queue->rt, move_some, c);
	queue->compaction = c;
	look_later(c);
	return 0;
}

void
compact_finish(struct queue *queue)
{
	struct queue_compaction *c = queue->compaction;

	if (!c)
		return;
	ASSERT(!c->busy);
	list_remove(&c->wait.node);
	if (c->to_fd >= 0)
		rt_close(queue->rt, c->to_fd);
	mem_give(queue->mem, c->bytes, c->size);
	rt_timer_finish(&c->timer);
	rt_timer_finish(&c->step);
	mem_give(queue->mem, c, sizeof(*c));
	queue->compaction = NULL;
}

bool
compact_busy(const struct queue *queue)
{
	return queue->compaction && queue->compaction->busy;
}

void
compact_kick(struct queue *queue)
{
	rt_timer_arm(&queue->compaction->timer, 0);
}

static bool
is_worth(const struct queue *queue, const struct queue_segment *segment)
{
	return segment->closed && !segment->compacting &&
	       (!segment->leases || PLANTED(LEASE_FORGOTTEN)) && segment->live_count &&
	       segment->read_end >= segment->limit &&
	       segment->live_bytes < segment->limit / LIVE_PART &&
	       rt_now_ms(queue->rt) >= segment->compact_from_ms &&
	       rt_now_ms(queue->rt) - segment->closed_ms >= queue->boot->config->compact_after;
}

static struct queue_segment *
candidate(struct queue *queue)
{
	for (struct list_node *node = list_first(&queue->files.all); node;
	     node = list_next(&queue->files.all, node)) {
		struct queue_segment *segment = CONTAINER_OF(node, struct queue_segment, all);

		if (is_worth(queue, segment))
			return segment;
	}
	return NULL;
}

/* What stands behind limit was not synced: it must never count, also after a restart that finds it
 * in the page cache. */
static void
to_close(struct queue_compaction *c, uint8_t flags)
{
	struct journal_record record = {.kind = JOURNAL_SEGMENT};
	struct queue_segment *to = c->to;

	if (!to)
		return;
	to->end = to->limit;
	record.u.segment = (struct journal_segment){to->number, to->end, flags};
	(void)journal_append(c->queue, &record);
	rt_close(c->queue->rt, c->to_fd);
	c->to_fd = -1;
	c->to = NULL;
	to->compacting = false;
	to->closed = true;
	to->closed_ms = rt_now_ms(c->queue->rt);
	segment_check(c->queue, to);
}

static void
give_up(struct queue_compaction *c, int err)
{
	struct queue_segment *from = c->from;
	struct log_line line;

	log_begin(&line, c->queue->boot->log, EVENT_queue_compact_failed);
	log_number(&line, "segment", from->number);
	log_err(&line, err);
	log_end(&line);
	c->from = NULL;
	from->compacting = false;
	segment_check(c->queue, from);
	to_close(c, JOURNAL_SEGMENT_POISONED); /* nothing is ever written behind a failure */
	rt_timer_arm(&c->timer, FAILED_AGAIN_MS);
}

static void
folder_synced(void *ctx)
{
	struct queue_compaction *c = ctx;

	c->busy = false;
	if (c->io.err)
		give_up(c, c->io.err);
	else
		batch_begin(c);
}

static int
to_open(struct queue_compaction *c)
{
	int err = stock_make_segment(c->queue, IPC_ROLE_QUEUE, 0, &c->to, &c->to_fd);

	if (err)
		return err;
	c->to->compacting = true;
	c->to_sequence = 0;
	c->io = (struct rt_io){.kind = RT_IO_SYNC,
			       .fd = c->queue->compact_segments_fd,
			       .done = folder_synced,
			       .ctx = c};
	c->busy = true;
	rt_io_submit(c->queue->rt, &c->io);
	return 0;
}

static void
timer_run(void *ctx)
{
	struct queue_compaction *c = ctx;
	struct queue *queue = c->queue;
	int err = 0;

	look_later(c);
	if (queue->phase != QUEUE_SERVING || queue->recovery || journal_broken(queue) || c->busy ||
	    c->from)
		return;
	c->from = candidate(queue);
	if (!c->from)
		return;
	c->from->compacting = true;
	c->moved_any = false;
	if (c->to && c->to->limit >= queue->boot->config->segment_size_max)
		to_close(c, 0);
	if (!c->to)
		err = to_open(c);
	else
		batch_begin(c);
	if (err)
		give_up(c, err);
}

static bool
room_for(struct queue_compaction *c, size_t add)
{
	size_t size = c->size ? c->size : BATCH_BYTES;
	uint8_t *bytes;

	while (size - c->len < add)
		size *= 2;
	if (size == c->size)
		return true;
	bytes = mem_take(c->queue->mem, size);
	if (!bytes)
		return false;
	if (c->len)
		memcpy(bytes, c->bytes, c->len);
	mem_give(c->queue->mem, c->bytes, c->size);
	c->bytes = bytes;
	c->size = size;
	return true;
}

/* A copy of the record behind what is in the buffer. */
static int
copy_one(struct queue_compaction *c, const struct queue_msg *msg)
{
	uint64_t secret = c->to->secret;
	struct spool_found found;
	struct spool_head head;
	struct builder b;
	struct slice body;
	uint8_t *at;

	if (!room_for(c, msg->length))
		return ERR_NO_MEMORY;
	at = c->bytes + c->len;
	if (rt_pread(c->queue->rt, msg->segment->fd, at, msg->length, msg->offset) !=
	    (ssize_t)msg->length)
		return ERR_TRUNCATED;
	if (spool_scan(slice_of(at, msg->length), msg->segment->secret, true, &found) <= 0 ||
	    found.skipped || found.head.id != msg->id)
		return ERR_CHECKSUM;
	head = found.head;
	body = slice_of(at + SPOOL_HEAD_BYTES, msg->length - SPOOL_HEAD_BYTES);
	head.sequence = ++c->to_sequence;
	head.meta_sum = spool_sum(secret, slice_sub(body, 0, head.meta_length));
	head.content_sum = spool_sum(secret, slice_from(body, head.meta_length));
	builder_init_fixed(&b, at, SPOOL_HEAD_BYTES);
	spool_head_encode(&b, &head, secret);
	c->moved[c->moved_count++] = (struct moved){msg->id, c->to->limit + c->len};
	c->len += msg->length;
	return 0;
}

static void
batch_synced(void *ctx)
{
	struct queue_compaction *c = ctx;

	batch_begin(c);
}

/* It is carried before it moves: until then it is found where it was, by whoever walks. */
static int
move_one(struct queue_compaction *c, const struct moved *moved, struct carry_step *step)
{
	struct queue *queue = c->queue;
	struct queue_msg *msg = index_find(queue, moved->id);
	int err;

	if (!msg || msg->segment != c->from || msg->open == 0)
		return 0;
	err = carry_msg(queue, msg,
			(struct journal_place){c->to->number, moved->offset, msg->length}, step);
	if (err)
		return err;
	c->moved_any = true;
	segment_let_go(queue, msg);
	msg->offset = moved->offset;
	segment_place(queue, c->to, msg);
	return 0;
}

/* The copies are durable: the messages live there now. The old segment stays until the journal
 * says so on disk. */
static void
move_some(void *ctx)
{
	struct queue_compaction *c = ctx;
	struct queue *queue = c->queue;
	struct carry_step step;

	if (queue->phase != QUEUE_SERVING) /* a stop: what has not moved stays where it was */
		return;
	if (carry_waits(queue)) {
		rt_timer_arm(&c->step, CARRY_PAUSE_MS);
		return;
	}
	carry_step_begin(queue, &step);
	for (; c->moved_done < c->moved_count; c->moved_done++) {
		bool over = carry_step_over(queue, &step);

		if (over || move_one(c, &c->moved[c->moved_done], &step)) {
			rt_timer_arm(&c->step, over ? 0 : CARRY_AGAIN_MS);
			return;
		}
	}
	if (PLANTED(COMPACT_EARLY)) {
		batch_begin(c);
		return;
	}
	c->wait.fn = batch_synced;
	c->wait.ctx = c;
	journal_when_synced(queue, &c->wait, true);
}

static void
batch_written(void *ctx)
{
	struct queue_compaction *c = ctx;

	c->busy = false;
	if (c->io.err) {
		give_up(c, c->io.err);
		return;
	}
	c->to->limit += c->len;
	c->to->read_end = c->to->limit;
	c->moved_done = 0;
	move_some(c);
}

static void
done(struct queue_compaction *c)
{
	struct queue_segment *from = c->from;
	struct log_line line;

	c->from = NULL;
	from->compacting = false;
	if (!c->moved_any) { /* what lives there is finished and only waits for the disk, or did */
		from->compact_from_ms = rt_now_ms(c->queue->rt) + NOTHING_AGAIN_MS;
		segment_check(c->queue, from);
		rt_timer_arm(&c->timer, NOTHING_AGAIN_MS);
		return;
	}
	log_begin(&line, c->queue->boot->log, EVENT_queue_compacted);
	log_number(&line, "segment", from->number);
	log_number(&line, "into", c->to->number);
	log_end(&line);
	segment_check(c->queue, from);
	rt_timer_arm(&c->timer, 0); /* there may be another */
}

static void
batch_begin(struct queue_compaction *c)
{
	struct queue *queue = c->queue;
	int err = 0;

	c->len = c->moved_count = 0;
	for (struct list_node *node = list_first(&c->from->live);
	     node && c->len < BATCH_BYTES && c->moved_count < BATCH_MESSAGES && !err;
	     node = list_next(&c->from->live, node)) {
		const struct queue_msg *msg = CONTAINER_OF(node, struct queue_msg, place);

		if (msg->open) /* a finished one only waits for the disk */
			err = copy_one(c, msg);
	}
	if (err) {
		c->from->compact_from_ms =
			rt_now_ms(queue->rt) +
			(err == ERR_NO_MEMORY ? 2 * FAILED_AGAIN_MS : UNREADABLE_AGAIN_MS);
		give_up(c, err);
		return;
	}
	if (c->moved_count == 0) {
		done(c);
		return;
	}
	c->slice = slice_of(c->bytes, c->len);
	c->io = (struct rt_io){.kind = PLANTED(COMPACT_EARLY) ? RT_IO_APPEND : RT_IO_APPEND_SYNC,
			       .fd = c->to_fd,
			       .slices = &c->slice,
			       .slice_count = 1,
			       .done = batch_written,
			       .ctx = c};
	c->busy = true;
	rt_io_submit(queue->rt, &c->io);
}
