/*
 * keep: journal files that are too old or too many are dropped, one at a time, in steps: live
 * messages that the file knows are carried forward; each segment's live ids are written (LIVE), for
 * what the file said of the others is forgotten with it; all of that is synced, and the folder of
 * segments too, so that a segment already unlinked cannot come back with records that nobody knows
 * to be dead, and the journal's, so that an older file cannot come back without this one, which
 * knows what became of its messages; then the file goes.
 */
#include <errno.h>

#include "base/assert.h"
#include "proc/queue/carry.h"
#include "proc/queue/journal_file.h"

#define ID_BYTES 8

struct queue_keep {
	struct queue *queue;
	uint32_t number;
	struct queue_walk walk;
	uint32_t next_segment; /* LIVE has been written for those before it */
	uint64_t appended;     /* of the journal, when it began */
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
	if (queue->journal.old_bytes > config->trace_keep_size &&
	    queue->journal.old_bytes >= queue->journal.drop_above_bytes)
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
	if (!old || queue->journal.keep || queue->journal.keep_ended || queue->recovery ||
	    queue->phase != QUEUE_SERVING || journal_broken(queue))
		return;
	keep = MEM_NEW(queue->mem, struct queue_keep);
	if (!keep)
		return;
	keep->queue = queue;
	keep->number = old->number;
	keep->appended = queue->journal.appended_bytes;
	keep->walking = true;
	walk_begin(queue, &keep->walk);
	rt_timer_init(&keep->step, queue->rt, walk_step, keep);
	rt_timer_arm(&keep->step, 0);
	queue->journal.keep = keep;
	queue->journal.keep_number = old->number;
}

/* Finished ones whose outcome is not yet on disk are not live: what says so stands before. */
static const struct queue_msg *
live_next(const struct queue_segment *segment, struct list_node **at)
{
	while (*at) {
		struct queue_msg *msg = CONTAINER_OF(*at, struct queue_msg, place);

		*at = list_next(&segment->live, *at);
		if (msg->open)
			return msg;
	}
	return NULL;
}

static uint32_t
live_count(const struct queue_segment *segment)
{
	struct list_node *at = list_first(&segment->live);
	uint32_t count = 0;

	while (live_next(segment, &at))
		count++;
	return count;
}

static void
live_write(struct queue *queue, const struct queue_segment *segment)
{
	uint8_t bytes[JOURNAL_LIVE_IDS_MAX * ID_BYTES];
	struct list_node *at = list_first(&segment->live);
	struct journal_record record = {.kind = JOURNAL_LIVE};
	struct journal_live *live = &record.u.live;
	const struct queue_msg *msg;
	struct builder ids;

	live->segment = segment->number;
	live->end = segment->read_end;
	live->parts = live_count(segment) / JOURNAL_LIVE_IDS_MAX + 1;
	for (live->part = 0; live->part < live->parts; live->part++) {
		builder_init_fixed(&ids, bytes, sizeof(bytes));
		while (ids.len < sizeof(bytes) && (msg = live_next(segment, &at)))
			builder_u64(&ids, msg->id);
		live->ids = builder_slice(&ids);
		(void)journal_append(queue, &record);
	}
}

/* What is known of its end may stand in the file that goes. */
static void
end_write(struct queue *queue, const struct queue_segment *segment)
{
	struct journal_record record = {.kind = JOURNAL_SEGMENT};

	if (segment->end == UINT64_MAX)
		return;
	record.u.segment.segment = segment->number;
	record.u.segment.end = segment->end;
	(void)journal_append(queue, &record);
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
		stock_made_write(queue, segment);
		end_write(queue, segment);
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

static int
carry_some(struct queue_keep *keep)
{
	struct queue *queue = keep->queue;
	struct carry_step step;
	int err = 0;

	carry_step_begin(queue, &step);
	while (keep->walking && !err && !carry_step_over(queue, &step)) {
		struct queue_msg *msg = walk_next(queue, &keep->walk);

		step.units--;
		if (!msg)
			keep->walking = false;
		else if (msg->open && is_known_there(msg, keep->number))
			err = carry_msg(queue, msg,
					(struct journal_place){msg->segment->number, msg->offset,
							       msg->length},
					&step);
	}
	return err;
}

/* The file stays, and is looked at again: what has been carried is passed by then. */
static void
put_off(struct queue_keep *keep, int err)
{
	struct queue *queue = keep->queue;
	struct log_line line;

	keep_free(keep);
	if (journal_broken(queue))
		return; /* which has been said */
	log_begin(&line, queue->boot->log, EVENT_queue_file_failed);
	log_err(&line, err);
	log_end(&line);
}

static void
walk_step(void *ctx)
{
	struct queue_keep *keep = ctx;
	struct queue *queue = keep->queue;
	int err;

	if (carry_waits(queue)) {
		rt_timer_arm(&keep->step, CARRY_PAUSE_MS);
		return;
	}
	err = carry_some(keep);
	if (err) {
		put_off(keep, err);
		return;
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
folder_sync(struct queue_keep *keep, int fd)
{
	keep->io = (struct rt_io){.kind = RT_IO_SYNC, .fd = fd, .done = folder_synced, .ctx = keep};
	keep->syncing = true;
	rt_io_submit(keep->queue->rt, &keep->io);
}

static void
synced(void *ctx)
{
	struct queue_keep *keep = ctx;

	folder_sync(keep, keep->queue->keep_segments_fd);
}

/* False when the file is still there: it is tried again, and no younger one goes before it, for its
 * records alone would bring back what is over. */
static bool
file_remove(struct queue *queue, uint32_t number)
{
	char name[QUEUE_NAME_BYTES];
	struct log_line line;
	int err;

	queue_name(name, number, "journal");
	err = rt_unlink(queue->rt, queue->journal_fd, name);
	log_begin(&line, queue->boot->log,
		  err ? EVENT_queue_unlink_failed : EVENT_queue_journal_dropped);
	log_text(&line, "file", slice_str(name));
	if (err)
		log_err(&line, err);
	log_end(&line);
	return err == 0 || err == -ENOENT;
}

static bool
drop(struct queue *queue, const struct queue_keep *keep)
{
	struct queue_journal *j = &queue->journal;
	struct list_node *node = list_first(&j->old);
	struct journal_old *old = CONTAINER_OF(node, struct journal_old, node);
	uint64_t carried = j->appended_bytes - keep->appended;

	ASSERT(node && old->number == keep->number);
	if (!file_remove(queue, keep->number))
		return false;
	j->old_bytes -= old->size_bytes;
	j->drop_above_bytes =
		carried < old->size_bytes / 2
			? 0
			: j->old_bytes + j->size_bytes + queue->boot->config->journal_size_max;
	list_remove(node);
	mem_give(queue->mem, old, sizeof(*old));
	return true;
}

static void
sync_failed(struct queue *queue, int err)
{
	struct log_line line;

	/* A second sync may succeed without a word about what the first has lost. */
	queue->journal.keep_ended = true;
	log_begin(&line, queue->boot->log, EVENT_queue_file_failed);
	log_err(&line, err);
	log_end(&line);
}

static void
folder_synced(void *ctx)
{
	struct queue_keep *keep = ctx;
	struct queue *queue = keep->queue;
	bool dropped = false;

	keep->syncing = false;
	if (keep->io.err) {
		sync_failed(queue, keep->io.err);
	} else if (keep->io.fd == queue->keep_segments_fd) {
		folder_sync(keep, queue->keep_journal_fd);
		return;
	} else {
		dropped = drop(queue, keep);
	}
	keep_free(keep);
	if (dropped && oldest_to_go(queue))
		rt_timer_arm(&queue->journal.keep_timer, 1);
}
