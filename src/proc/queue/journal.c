/*
 * journal: one buffer of all that is not known to be on disk. What is appended goes to its end; at
 * the end of the turn it is written (page cache: a killed queue has lost nothing that it has acted
 * on); a sync that has succeeded takes what was written before it off the front. When a write or
 * sync fails the file is given up and the whole buffer is written again into a new one; until that
 * works nothing may be granted.
 */
#include "proc/queue/journal.h"

#include <string.h>

#include "base/assert.h"
#include "proc/queue/journal_file.h"
#include "proc/queue/queue.h"

static void hook_run(void *ctx);
static void sync_run(void *ctx);
static void again_run(void *ctx);
static void sync_done(void *ctx);

int
journal_init(struct queue *queue)
{
	struct queue_journal *j = &queue->journal;

	j->fd = j->read_fd = j->other_fd = j->retiring_fd = -1;
	j->next_number = 1;
	list_init(&j->waits);
	list_init(&j->old);
	rt_hook_init(&j->hook, hook_run, queue);
	rt_timer_init(&j->sync_timer, queue->rt, sync_run, queue);
	rt_timer_init(&j->again_timer, queue->rt, again_run, queue);
	rt_timer_init(&j->keep_timer, queue->rt, journal_keep_run, queue);
	j->unsynced = mem_take(queue->mem, JOURNAL_UNSYNCED_MAX);
	j->meta = mem_take(queue->mem, SPOOL_META_MAX);
	return j->unsynced && j->meta ? 0 : ERR_NO_MEMORY;
}

void
journal_finish(struct queue *queue)
{
	struct queue_journal *j = &queue->journal;
	struct list_node *node;

	ASSERT(!j->busy);
	journal_write_now(queue);
	journal_keep_finish(queue);
	journal_file_close(queue);
	while ((node = list_pop_front(&j->old)))
		mem_give(queue->mem, CONTAINER_OF(node, struct journal_old, node),
			 sizeof(struct journal_old));
	if (j->other_fd >= 0)
		rt_close(queue->rt, j->other_fd);
	mem_give(queue->mem, j->unsynced, JOURNAL_UNSYNCED_MAX);
	mem_give(queue->mem, j->meta, SPOOL_META_MAX);
	rt_hook_finish(&j->hook);
	rt_timer_finish(&j->sync_timer);
	rt_timer_finish(&j->again_timer);
	rt_timer_finish(&j->keep_timer);
}

int
journal_start(struct queue *queue)
{
	struct journal_record start = {.kind = JOURNAL_START};
	int err = journal_again(queue);

	if (err)
		return err;
	(void)journal_append(queue, &start);
	rt_timer_arm(&queue->journal.keep_timer, JOURNAL_KEEP_MS);
	return 0;
}

bool
journal_broken(const struct queue *queue)
{
	return queue->journal.broken || queue->journal.failing;
}

bool
journal_full(const struct queue *queue)
{
	return queue->journal.unsynced_len >= JOURNAL_UNSYNCED_FULL;
}

static void
broke(struct queue *queue, int err)
{
	struct queue_journal *j = &queue->journal;
	struct log_line line;

	if (!j->failing) {
		log_begin(&line, queue->boot->log, EVENT_queue_journal_broken);
		log_err(&line, err);
		log_end(&line);
	}
	j->broken = j->failing = true;
	rt_timer_arm(&j->again_timer, JOURNAL_AGAIN_MS);
}

size_t
journal_put(struct queue *queue, size_t at, struct spool_head head, size_t meta_length)
{
	struct queue_journal *j = &queue->journal;
	struct builder b;

	head.sequence = ++j->sequence;
	builder_init_fixed(&b, j->unsynced + at, JOURNAL_UNSYNCED_MAX - at);
	spool_record_encode(&b, head, j->secret, slice_of(j->meta, meta_length));
	ASSERT(!b.failed);
	j->size_bytes += b.len;
	return b.len;
}

struct journal_at
journal_append(struct queue *queue, struct journal_record *record)
{
	struct queue_journal *j = &queue->journal;
	struct journal_at at = {j->number, (uint32_t)(j->size_bytes / SPOOL_ALIGN)};
	struct builder meta;
	size_t len;

	ASSERT(j->number); /* or it would be written nowhere, with another file's secret */
	record->wall_ms = rt_wall_ms(queue->rt);
	builder_init_fixed(&meta, j->meta, SPOOL_META_MAX);
	journal_encode(&meta, record);
	ASSERT(!meta.failed);
	len = journal_put(queue, j->unsynced_len,
			  (struct spool_head){.kind = record->kind, .id = record->id}, meta.len);
	j->serial++;
	j->unsynced_len += len;
	j->appended_bytes += len;
	rt_at_turn_end(queue->rt, &j->hook);
	return at;
}

void
journal_when_synced(struct queue *queue, struct journal_wait *wait, bool urgent)
{
	struct queue_journal *j = &queue->journal;

	wait->serial = j->serial;
	list_push_back(&j->waits, &wait->node);
	j->urgent |= urgent;
	rt_at_turn_end(queue->rt, &j->hook);
}

void
journal_write_now(struct queue *queue)
{
	struct queue_journal *j = &queue->journal;
	int err;

	if (j->number == 0 || j->broken || j->unsynced_len == j->written)
		return;
	err = rt_write(queue->rt, j->fd,
		       slice_of(j->unsynced + j->written, j->unsynced_len - j->written));
	if (err)
		broke(queue, err);
	else
		j->written = j->unsynced_len;
}

static void
waits_run(struct queue *queue)
{
	struct queue_journal *j = &queue->journal;
	struct list_node *node;

	while ((node = list_first(&j->waits))) {
		struct journal_wait *wait = CONTAINER_OF(node, struct journal_wait, node);

		if (wait->serial > j->synced_serial)
			return;
		list_remove(node);
		wait->fn(wait->ctx);
	}
}

static void
hook_run(void *ctx)
{
	struct queue *queue = ctx;
	struct queue_journal *j = &queue->journal;

	if (j->number == 0 || queue->phase == QUEUE_STOPPED)
		return;
	journal_write_now(queue);
	if (j->broken || j->busy || j->synced_serial == j->serial) {
		if (!j->broken && !j->busy)
			waits_run(queue);
		return;
	}
	if (j->urgent)
		sync_run(queue);
	else if (!rt_timer_armed(&j->sync_timer))
		rt_timer_arm(&j->sync_timer, queue->boot->config->journal_sync);
}

static void
sync_run(void *ctx)
{
	struct queue *queue = ctx;
	struct queue_journal *j = &queue->journal;
	int fd = j->fd;

	journal_write_now(queue);
	if (j->broken || j->busy || queue->phase == QUEUE_STOPPED)
		return;
	rt_timer_disarm(&j->sync_timer);
	j->busy = true;
	if (j->folder_dirty) {
		fd = queue->journal_fd;
	} else {
		ASSERT(j->syncing == 0 && j->retiring_fd < 0);
		j->syncing = j->unsynced_len;
		j->syncing_from = (struct journal_part){
			.number = j->number,
			.secret = j->secret,
			.offset = j->size_bytes - j->unsynced_len,
		};
		j->urgent = false;
		j->sync_serial = j->serial;
		if (journal_file_is_full(queue))
			journal_file_rotate(queue);
	}
	j->io = (struct rt_io){.kind = RT_IO_SYNC, .fd = fd, .done = sync_done, .ctx = queue};
	rt_io_submit(queue->rt, &j->io);
}

/* What was synced leaves the front. */
static void
synced_forget(struct queue_journal *j)
{
	j->unsynced_len -= j->syncing;
	j->written -= j->syncing;
	memmove(j->unsynced, j->unsynced + j->syncing, j->unsynced_len);
	j->syncing = 0;
}

/* A sync has worked again: only now may anything be granted, for a power cut repeats what was
 * delivered since the last one. */
static void
mended(struct queue *queue)
{
	struct log_line line;

	queue->journal.failing = false;
	log_begin(&line, queue->boot->log, EVENT_queue_journal_mended);
	log_end(&line);
	rt_at_turn_end(queue->rt, &queue->grant_hook);
}

static void
sync_done(void *ctx)
{
	struct queue *queue = ctx;
	struct queue_journal *j = &queue->journal;

	j->busy = false;
	journal_file_retire(queue);
	if (j->io.err) {
		broke(queue, j->io.err);
		return;
	}
	if (j->io.fd == queue->journal_fd) {
		j->folder_dirty = false;
		sync_run(queue);
		return;
	}
	j->durable |= j->io.fd == j->fd;
	synced_forget(j);
	if (j->failing && !j->broken)
		mended(queue);
	j->synced_serial = j->sync_serial;
	waits_run(queue);
	queue_listen(queue);
	rt_at_turn_end(queue->rt, &j->hook);
}

static void
again_run(void *ctx)
{
	struct queue *queue = ctx;
	struct queue_journal *j = &queue->journal;
	int err;

	if (queue->phase == QUEUE_STOPPED)
		return;
	/* While the old file is being synced: its outcome does not matter, but its end does. */
	err = j->busy || j->number == 0 ? ERR_AGAIN : journal_again(queue);
	if (err) {
		broke(queue, err);
		return;
	}
	j->broken = false;
	j->urgent = true;
	journal_write_now(queue);
	if (j->broken)
		return;
	journal_file_moved(queue);
	rt_at_turn_end(queue->rt, &j->hook);
}

static int
read_whole(struct queue *queue, int fd, struct slice room, uint64_t offset)
{
	ssize_t got = rt_pread(queue->rt, fd, (void *)(uintptr_t)room.data, room.len, offset);

	if (got < 0)
		return (int)got;
	return (size_t)got == room.len ? 0 : ERR_TRUNCATED;
}

static int
record_read(struct queue *queue, struct journal_at at, struct arena *arena,
	    struct journal_record *ret_record)
{
	uint64_t offset = (uint64_t)at.at * SPOOL_ALIGN, secret;
	struct spool_found found;
	uint8_t head_bytes[SPOOL_HEAD_BYTES], *bytes;
	struct spool_head head;
	int fd, err;

	if (at.file == 0)
		return ERR_NOT_FOUND;
	if (at.file == queue->journal.number)
		journal_write_now(queue);
	err = journal_file_find(queue, at.file, &fd, &secret);
	if (err)
		return err;
	err = read_whole(queue, fd, slice_of(head_bytes, sizeof(head_bytes)), offset);
	if (err)
		return err;
	err = spool_head_decode(slice_of(head_bytes, sizeof(head_bytes)), secret, &head);
	if (err)
		return err;
	bytes = arena_alloc(arena, head.length);
	if (!bytes)
		return ERR_NO_MEMORY;
	err = read_whole(queue, fd, slice_of(bytes, head.length), offset);
	if (err)
		return err;
	if (spool_scan(slice_of(bytes, head.length), secret, true, &found) <= 0 || found.skipped)
		return ERR_CHECKSUM;
	return journal_decode(&found.head, spool_record_meta(&found), ret_record);
}

static bool
is_about(const struct journal_result *result, uint16_t number)
{
	for (size_t i = 0; i < result->rcpts.count; i++)
		if (journal_rcpt_at(result->rcpts, i) == number)
			return true;
	return false;
}

int
journal_last_result(struct queue *queue, struct queue_rcpt *rcpt, struct arena *arena,
		    struct journal_result *ret_result)
{
	struct journal_at at = {rcpt->verdict_file, rcpt->verdict_at};
	struct journal_record record;
	int err = record_read(queue, at, arena, &record);

	if (err)
		return err;
	if (record.kind != JOURNAL_RESULT || record.id != index_msg_of(rcpt)->id ||
	    !is_about(&record.u.result, rcpt->index))
		return ERR_NOT_FOUND;
	*ret_result = record.u.result;
	return 0;
}
