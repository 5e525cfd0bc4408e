/*
 * journal: two buffers. What is appended goes to fresh; at the end of the turn it is written (page
 * cache: a killed queue has lost nothing that it has acted on); a sync moves fresh to syncing and
 * forgets it when it has succeeded. When a write or sync fails the file is given up and both
 * buffers are written again into a new one; until that works nothing may be granted.
 */
#include "proc/queue/journal.h"

#include <string.h>

#include "base/assert.h"
#include "proc/queue/journal_file.h"
#include "proc/queue/queue.h"

#define BYTES_FIRST ((size_t)64 << 10)
#define ARENA_BYTES ((size_t)16 << 20)
#define ENCODED_MAX ((size_t)4 << 20)

static void hook_run(void *ctx);
static void sync_run(void *ctx);
static void again_run(void *ctx);
static int begin_again(struct queue *queue);
static void sync_done(void *ctx);

void
journal_init(struct queue *queue)
{
	struct queue_journal *j = &queue->journal;

	j->fd = j->read_fd = j->other_fd = j->retiring_fd = -1;
	j->next_number = 1;
	list_init(&j->waits);
	list_init(&j->old);
	arena_init(&j->arena, queue->mem, ARENA_BYTES);
	rt_hook_init(&j->hook, hook_run, queue);
	rt_timer_init(&j->sync_timer, queue->rt, sync_run, queue);
	rt_timer_init(&j->again_timer, queue->rt, again_run, queue);
	rt_timer_init(&j->keep_timer, queue->rt, journal_keep_run, queue);
}

static void
bytes_finish(struct queue *queue, struct journal_bytes *bytes)
{
	mem_give(queue->mem, bytes->data, bytes->cap);
	*bytes = (struct journal_bytes){0};
}

bool
journal_bytes_add(struct queue *queue, struct journal_bytes *bytes, struct slice add)
{
	if (add.len > bytes->cap - bytes->len) {
		size_t cap = bytes->cap ? bytes->cap : BYTES_FIRST;
		uint8_t *data;

		while (cap - bytes->len < add.len)
			cap *= 2;
		data = mem_take(queue->mem, cap);
		if (!data)
			return false;
		if (bytes->len)
			memcpy(data, bytes->data, bytes->len);
		mem_give(queue->mem, bytes->data, bytes->cap);
		bytes->data = data;
		bytes->cap = cap;
	}
	if (add.len)
		memcpy(bytes->data + bytes->len, add.data, add.len);
	bytes->len += add.len;
	return true;
}

void
journal_finish(struct queue *queue)
{
	struct queue_journal *j = &queue->journal;
	struct list_node *node;

	ASSERT(!j->busy);
	if (j->number && !j->broken)
		hook_run(queue);
	journal_keep_finish(queue);
	journal_file_close(queue);
	while ((node = list_pop_front(&j->old)))
		mem_give(queue->mem, CONTAINER_OF(node, struct journal_old, node),
			 sizeof(struct journal_old));
	if (j->other_fd >= 0)
		rt_close(queue->rt, j->other_fd);
	bytes_finish(queue, &j->fresh);
	bytes_finish(queue, &j->syncing);
	bytes_finish(queue, &j->entries);
	arena_finish(&j->arena);
	rt_hook_finish(&j->hook);
	rt_timer_finish(&j->sync_timer);
	rt_timer_finish(&j->again_timer);
	rt_timer_finish(&j->keep_timer);
}

int
journal_start(struct queue *queue)
{
	struct journal_record start = {.kind = JOURNAL_START};
	int err = begin_again(queue); /* neighbours may have said something meanwhile */

	if (err)
		return err;
	(void)journal_append(queue, &start);
	rt_timer_arm(&queue->journal.keep_timer, JOURNAL_KEEP_MS);
	return 0;
}

bool
journal_broken(const struct queue *queue)
{
	return queue->journal.broken;
}

static void
broke(struct queue *queue, int err)
{
	struct queue_journal *j = &queue->journal;
	struct log_line line;

	if (!j->broken) {
		log_begin(&line, queue->boot->log, EVENT_queue_journal_broken);
		log_err(&line, err);
		log_end(&line);
	}
	j->broken = true;
	rt_timer_arm(&j->again_timer, JOURNAL_AGAIN_MS);
}

static struct slice
encode(struct queue *queue, const struct journal_record *record)
{
	struct queue_journal *j = &queue->journal;
	struct spool_head head = {
		.kind = record->kind, .sequence = j->sequence + 1, .id = record->id};
	struct builder meta, whole;

	arena_reset(&j->arena);
	builder_init_arena(&meta, &j->arena, ENCODED_MAX);
	journal_encode(&meta, record);
	builder_init_arena(&whole, &j->arena, ENCODED_MAX);
	if (!meta.failed)
		spool_record_encode(&whole, head, j->secret, builder_slice(&meta));
	return meta.failed || whole.failed ? SLICE_EMPTY : builder_slice(&whole);
}

struct journal_at
journal_append(struct queue *queue, struct journal_record *record)
{
	struct queue_journal *j = &queue->journal;
	struct journal_at at = {j->number, (uint32_t)(j->size_bytes / SPOOL_ALIGN)};
	struct slice bytes;

	ASSERT(j->number); /* or it would be written nowhere, with another file's secret */
	record->wall_ms = rt_wall_ms(queue->rt);
	j->serial++;
	bytes = encode(queue, record);
	if (bytes.len == 0 || j->fresh.len + bytes.len > JOURNAL_UNSYNCED_MAX ||
	    !journal_bytes_add(queue, &j->fresh, bytes)) {
		j->lost++; /* as if it had not been synced */
		broke(queue, ERR_NO_MEMORY);
		return (struct journal_at){0};
	}
	j->sequence++;
	journal_file_entry(queue, record->id, bytes);
	j->size_bytes += bytes.len;
	j->appended_bytes += bytes.len;
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

	if (j->number == 0 || j->broken || j->fresh.len == j->written)
		return;
	err = rt_write(queue->rt, j->fd,
		       slice_of(j->fresh.data + j->written, j->fresh.len - j->written));
	if (err)
		broke(queue, err);
	else
		j->written = j->fresh.len;
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

	if (j->number == 0) /* journal_start writes what is here */
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
	struct journal_bytes bytes = j->syncing;
	int fd = j->fd;

	journal_write_now(queue);
	if (j->broken || j->busy)
		return;
	rt_timer_disarm(&j->sync_timer);
	j->busy = true;
	if (j->folder_dirty) {
		fd = queue->journal_fd;
	} else {
		ASSERT(j->syncing.len == 0 && j->retiring_fd < 0);
		j->syncing = j->fresh;
		j->syncing_secret = j->secret;
		j->fresh = bytes;
		j->written = 0;
		j->urgent = false;
		j->sync_serial = j->serial;
		if (j->size_bytes >= queue->boot->config->journal_size_max)
			journal_file_rotate(queue);
	}
	j->io = (struct rt_io){.kind = RT_IO_SYNC, .fd = fd, .done = sync_done, .ctx = queue};
	rt_io_submit(queue->rt, &j->io);
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
	j->syncing.len = 0;
	j->synced_serial = j->sync_serial;
	waits_run(queue);
	rt_at_turn_end(queue->rt, &j->hook);
}

/* A new file takes all that is not known to be on disk. */
static int
begin_again(struct queue *queue)
{
	struct queue_journal *j = &queue->journal;
	struct journal_bytes syncing = j->syncing, fresh = j->fresh;
	uint64_t syncing_secret = j->syncing_secret, fresh_secret = j->secret;
	int err;

	j->syncing = j->fresh = (struct journal_bytes){0};
	j->written = 0;
	err = journal_file_open(queue);
	if (err) {
		j->syncing = syncing;
		j->fresh = fresh;
		return err;
	}
	journal_file_retire(queue);
	err = journal_file_again(queue, slice_of(syncing.data, syncing.len), syncing_secret);
	if (!err)
		err = journal_file_again(queue, slice_of(fresh.data, fresh.len), fresh_secret);
	bytes_finish(queue, &syncing);
	bytes_finish(queue, &fresh);
	if (err)
		j->lost++; /* without memory some are missing, as if they had not been synced */
	return 0;
}

static void
again_run(void *ctx)
{
	struct queue *queue = ctx;
	struct queue_journal *j = &queue->journal;
	struct log_line line;
	int err;

	/* While the old file is being synced: its outcome does not matter, but its end does. */
	err = j->busy || j->number == 0 ? ERR_AGAIN : begin_again(queue);
	if (err) {
		broke(queue, err);
		return;
	}
	j->broken = false;
	j->urgent = true;
	log_begin(&line, queue->boot->log, EVENT_queue_journal_mended);
	log_end(&line);
	rt_at_turn_end(queue->rt, &j->hook);
	rt_at_turn_end(queue->rt, &queue->grant_hook);
}

int
journal_read(struct queue *queue, struct journal_at at, struct arena *arena,
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
	if (rt_pread(queue->rt, fd, head_bytes, sizeof(head_bytes), offset) !=
	    (ssize_t)sizeof(head_bytes))
		return ERR_TRUNCATED;
	err = spool_head_decode(slice_of(head_bytes, sizeof(head_bytes)), secret, &head);
	if (err)
		return err;
	bytes = arena_alloc(arena, head.length);
	if (!bytes)
		return ERR_NO_MEMORY;
	if (rt_pread(queue->rt, fd, bytes, head.length, offset) != (ssize_t)head.length ||
	    spool_scan(slice_of(bytes, head.length), secret, true, &found) <= 0 || found.skipped)
		return ERR_CHECKSUM;
	return journal_decode(&found.head, spool_record_meta(&found), ret_record);
}
