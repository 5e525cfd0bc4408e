/*
 * keep: journal files that are too old or too many are dropped, one at a time, in steps: live
 * messages that the file knows are carried forward; each segment's live ids are written (LIVE), for
 * what the file said of the others is forgotten with it; all of that is synced, and the folder of
 * segments too, so that a segment already unlinked cannot come back with records that nobody knows
 * to be dead; then the file goes.
 */
#include "base/assert.h"
#include "proc/queue/carry.h"
#include "proc/queue/journal_file.h"

#define STEP_MESSAGES 500
#define ID_BYTES 8

struct queue_keep {
	struct queue *queue;
	uint32_t number;
	struct queue_walk walk;
	uint32_t next_segment; /* LIVE has been written for those before it */
	struct rt_timer step;
	struct journal_wait wait;
	struct rt_io io;
	bool walking, syncing;
};

static void walk_step(void *ctx);
static void synced(void *ctx);
static void folder_synced(void *ctx);

static void
keep_free(struct queue_keep *keep)
{
	struct queue *queue = keep->queue;

	walk_end(&keep->walk);
	rt_timer_finish(&keep->step);
	list_remove(&keep->wait.node);
	queue->journal.keep = NULL;
	mem_give(queue->mem, keep, sizeof(*keep));
}

void
journal_keep_finish(struct queue *queue)
{
	if (!queue->journal.keep)
		return;
	ASSERT(!queue->journal.keep->syncing);
	keep_free(queue->journal.keep);
}

bool
journal_keep_busy(const struct queue *queue)
{
	return queue->journal.keep && queue->journal.keep->syncing;
}

static struct journal_old *
oldest_to_go(struct queue *queue)
{
	struct list_node *node = list_first(&queue->journal.old);
	struct journal_old *old = node ? CONTAINER_OF(node, struct journal_old, node) : NULL;
	const struct config *config = queue->boot->config;

	if (!old)
		return NULL;
	if (queue->journal.old_bytes > config->trace_keep_size)
		return old;
	return rt_wall_ms(queue->rt) - old->last_wall_ms > (int64_t)config->trace_keep ? old : NULL;
}

void
journal_keep_run(void *ctx)
{
	struct queue *queue = ctx;
	struct journal_old *old = oldest_to_go(queue);
	struct queue_keep *keep;

	rt_timer_arm(&queue->journal.keep_timer, JOURNAL_KEEP_MS);
	if (!old || queue->journal.keep || queue->recovery || queue->phase != QUEUE_SERVING ||
	    journal_broken(queue))
		return;
	keep = MEM_NEW(queue->mem, struct queue_keep);
	if (!keep)
		return;
	keep->queue = queue;
	keep->number = old->number;
	keep->walking = true;
	walk_begin(queue, &keep->walk);
	rt_timer_init(&keep->step, queue->rt, walk_step, keep);
	rt_timer_arm(&keep->step, 0);
	queue->journal.keep = keep;
}

static void
live_part(struct queue *queue, const struct queue_segment *segment, struct builder *ids,
	  uint32_t part)
{
	struct journal_record record = {.kind = JOURNAL_LIVE};

	record.u.live = (struct journal_live){
		.segment = segment->number,
		.end = segment->read_end,
		.part = part,
		.parts = segment->live_count / JOURNAL_LIVE_IDS_MAX + 1,
		.ids = builder_slice(ids),
	};
	(void)journal_append(queue, &record);
	builder_clear(ids);
}

static void
live_write(struct queue *queue, const struct queue_segment *segment)
{
	uint8_t bytes[JOURNAL_LIVE_IDS_MAX * ID_BYTES];
	struct builder ids;
	uint32_t part = 0;

	builder_init_fixed(&ids, bytes, sizeof(bytes));
	for (struct list_node *node = list_first(&segment->live); node;
	     node = list_next(&segment->live, node)) {
		builder_u64(&ids, CONTAINER_OF(node, struct queue_msg, place)->id);
		if (ids.len == sizeof(bytes))
			live_part(queue, segment, &ids, part++);
	}
	live_part(queue, segment, &ids, part);
}

/* One segment per step. True when all have been written. */
static bool
live_step(struct queue_keep *keep)
{
	struct queue *queue = keep->queue;

	for (struct list_node *node = list_first(&queue->files.all); node;
	     node = list_next(&queue->files.all, node)) {
		struct queue_segment *segment = CONTAINER_OF(node, struct queue_segment, all);

		if (segment->number < keep->next_segment)
			continue;
		live_write(queue, segment);
		keep->next_segment = segment->number + 1;
		return false;
	}
	return true;
}

/* Its acceptance or place stands in that file or before, or the last word about a recipient: what
 * was carried forward may not have come through a power cut whole. */
static bool
is_known_there(const struct queue_msg *msg, uint32_t number)
{
	if (msg->known_file <= number)
		return true;
	for (size_t i = 0; i < msg->rcpt_count; i++)
		if (msg->rcpts[i].verdict_file && msg->rcpts[i].verdict_file <= number)
			return true;
	return false;
}

static void
walk_step(void *ctx)
{
	struct queue_keep *keep = ctx;
	struct queue *queue = keep->queue;

	for (int i = 0; i < STEP_MESSAGES && keep->walking; i++) {
		struct queue_msg *msg = walk_next(queue, &keep->walk);

		if (!msg)
			keep->walking = false;
		else if (msg->open && is_known_there(msg, keep->number))
			carry_msg(queue, msg);
	}
	if (keep->walking || !live_step(keep)) {
		rt_timer_arm(&keep->step, 0);
		return;
	}
	keep->wait.fn = synced;
	keep->wait.ctx = keep;
	journal_when_synced(queue, &keep->wait, true);
}

static void
synced(void *ctx)
{
	struct queue_keep *keep = ctx;

	keep->io = (struct rt_io){.kind = RT_IO_SYNC,
				  .fd = keep->queue->segments_fd,
				  .done = folder_synced,
				  .ctx = keep};
	keep->syncing = true;
	rt_io_submit(keep->queue->rt, &keep->io);
}

static void
drop(struct queue *queue, uint32_t number)
{
	struct queue_journal *j = &queue->journal;
	struct list_node *node = list_first(&j->old);
	struct journal_old *old = CONTAINER_OF(node, struct journal_old, node);
	char name[QUEUE_NAME_BYTES];
	struct log_line line;
	int err;

	ASSERT(node && old->number == number);
	queue_name(name, number, "journal");
	err = rt_unlink(queue->rt, queue->journal_fd, name);
	log_begin(&line, queue->boot->log,
		  err ? EVENT_queue_unlink_failed : EVENT_queue_journal_dropped);
	log_text(&line, "file", slice_str(name));
	if (err)
		log_err(&line, err);
	log_end(&line);
	j->old_bytes -= old->size_bytes;
	list_remove(node);
	mem_give(queue->mem, old, sizeof(*old));
}

static void
folder_synced(void *ctx)
{
	struct queue_keep *keep = ctx;
	struct queue *queue = keep->queue;

	keep->syncing = false;
	if (keep->io.err == 0)
		drop(queue, keep->number);
	keep_free(keep);
	if (oldest_to_go(queue))
		rt_timer_arm(&queue->journal.keep_timer, 1);
}
