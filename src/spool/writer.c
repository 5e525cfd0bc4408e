/*
 * writer: commits and the dealings with queue. Drafts that are ready wait in a list while the last
 * commit is being synced (that is the second buffer: sessions go on). The next commit starts when
 * nothing is under way and 3/4 as many wait as the last one took, or commit_gap has passed: a lone
 * message therefore goes at once, and under load the syncs are shared. After a failed write or sync
 * the segment is never touched again.
 */
#include <errno.h>
#include <string.h>

#include "base/assert.h"
#include "base/planted.h"
#include "spool/writer_impl.h"

#define ENTRIES_FIRST 1024
#define SLICES_FIRST 256

/* A footer being written to a segment that is no longer used. */
struct writer_seal {
	struct list_node node;
	struct spool_writer *writer;
	struct writer_segment segment;
	uint8_t *bytes;
	size_t size;
	struct slice slice;
	struct rt_io io;
};

static void hook_run(void *ctx);
static void gap_run(void *ctx);
static void commit_on_done(void *ctx);
static void segment_leave(struct spool_writer *writer, bool poisoned);

int
spool_writer_create(struct rt *rt, const struct spool_writer_options *options,
		    struct spool_writer **ret_writer)
{
	struct spool_writer *writer = MEM_NEW(rt_mem(rt), struct spool_writer);

	if (!writer)
		return ERR_NO_MEMORY;
	writer->rt = rt;
	writer->mem = rt_mem(rt);
	writer->options = *options;
	for (size_t i = 0; i < WRITER_SEGMENTS; i++)
		writer->segments[i].fd = -1;
	writer->sends = mem_take_array(writer->mem, WRITER_SENDS_MAX, sizeof(*writer->sends));
	if (!writer->sends) {
		mem_give(writer->mem, writer, sizeof(*writer));
		return ERR_NO_MEMORY;
	}
	list_init(&writer->seals);
	list_init(&writer->ready);
	list_init(&writer->failed);
	list_init(&writer->with_body);
	list_init(&writer->batch);
	rt_hook_init(&writer->hook, hook_run, writer);
	rt_timer_init(&writer->gap_timer, rt, gap_run, writer);
	rt_timer_init(&writer->send_timer, rt, writer_send_again, writer);
	rt_timer_init(&writer->ask_timer, rt, writer_ask_again, writer);
	*ret_writer = writer;
	return 0;
}

static void
segment_finish(struct spool_writer *writer, struct writer_segment *segment)
{
	if (segment->fd >= 0)
		rt_close(writer->rt, segment->fd);
	mem_give(writer->mem, segment->entries, segment->entry_cap * SPOOL_SEAL_ENTRY_BYTES);
	*segment = (struct writer_segment){.fd = -1};
}

static int
seal_encode(struct spool_writer *writer, const struct writer_segment *segment, uint8_t **ret_bytes,
	    size_t *ret_size)
{
	size_t size = spool_seal_bytes(segment->entry_count);
	uint8_t *bytes = segment->entries_lost ? NULL : mem_take(writer->mem, size);
	struct builder b;

	if (!bytes)
		return ERR_NO_MEMORY;
	builder_init_fixed(&b, bytes, size);
	spool_seal_encode(&b, segment->secret,
			  slice_of(segment->entries, segment->entry_count * SPOOL_SEAL_ENTRY_BYTES),
			  segment->end, segment->records);
	ASSERT(!b.failed && b.len == size);
	*ret_bytes = bytes;
	*ret_size = size;
	return 0;
}

/* The footer is only an index: it need not be durable, nor complete. */
static void
seal_at_once(struct spool_writer *writer, struct writer_segment *segment)
{
	uint8_t *bytes;
	size_t size;

	if (segment->fd < 0 || segment->records == 0 || seal_encode(writer, segment, &bytes, &size))
		return;
	if (rt_write(writer->rt, segment->fd, slice_of(bytes, size)))
		segment->entries_lost = true;
	mem_give(writer->mem, bytes, size);
}

void
spool_writer_destroy(struct spool_writer **writer_at)
{
	struct spool_writer *writer = *writer_at;

	if (!writer)
		return;
	ASSERT(spool_writer_idle(writer));
	for (size_t i = 0; i < WRITER_SEGMENTS; i++) {
		seal_at_once(writer, &writer->segments[i]);
		segment_finish(writer, &writer->segments[i]);
	}
	for (size_t i = 0; i < writer->spare_count; i++)
		rt_close(writer->rt, writer->spares[i].fd);
	chunk_cache_finish(writer);
	rt_hook_finish(&writer->hook);
	rt_timer_finish(&writer->gap_timer);
	rt_timer_finish(&writer->send_timer);
	rt_timer_finish(&writer->ask_timer);
	mem_give(writer->mem, writer->slices, writer->slice_cap * sizeof(*writer->slices));
	mem_give(writer->mem, writer->marks, writer->mark_cap * sizeof(*writer->marks));
	mem_give(writer->mem, writer->sends, WRITER_SENDS_MAX * sizeof(*writer->sends));
	mem_give(writer->mem, writer, sizeof(*writer));
	*writer_at = NULL;
}

void
spool_writer_set_options(struct spool_writer *writer, const struct spool_writer_options *options)
{
	writer->options = *options;
}

bool
spool_writer_idle(const struct spool_writer *writer)
{
	return !writer->io_busy && writer->draft_count == 0 && list_empty(&writer->ready) &&
	       list_empty(&writer->failed) && list_empty(&writer->seals);
}

struct spool_writer_counters
spool_writer_counters(const struct spool_writer *writer)
{
	return writer->counters;
}

/* --- commits ---------------------------------------------------------------------------------- */

void
writer_ready(struct spool_writer *writer, struct spool_draft *draft)
{
	list_push_back(&writer->ready, &draft->node);
	writer->ready_count++;
	rt_at_turn_end(writer->rt, &writer->hook);
}

void
writer_failed(struct spool_writer *writer, struct spool_draft *draft)
{
	list_push_back(&writer->failed, &draft->node);
	rt_at_turn_end(writer->rt, &writer->hook);
}

static void
drafts_tell(struct list *drafts, int err)
{
	struct list_node *node;

	while ((node = list_pop_front(drafts))) {
		struct spool_draft *draft = CONTAINER_OF(node, struct spool_draft, node);

		if (!draft->err)
			draft->err = err;
		draft->done(draft->done_ctx, draft->id, draft->err);
		draft_free(draft);
	}
}

static bool
slice_add(struct spool_writer *writer, struct slice slice)
{
	if (writer->slice_count == writer->slice_cap) {
		size_t cap = writer->slice_cap ? writer->slice_cap * 2 : SLICES_FIRST;
		struct slice *slices = mem_take_array(writer->mem, cap, sizeof(*slices));

		if (!slices)
			return false;
		if (writer->slice_count)
			memcpy(slices, writer->slices, writer->slice_count * sizeof(*slices));
		mem_give(writer->mem, writer->slices, writer->slice_cap * sizeof(*slices));
		writer->slices = slices;
		writer->slice_cap = cap;
	}
	writer->slices[writer->slice_count++] = slice;
	return true;
}

static void
entry_add(struct spool_writer *writer, const struct spool_head *head)
{
	struct writer_segment *segment = &writer->segments[0];
	struct spool_seal_entry entry = {head->id, writer->batch_end, head->length,
					 head->meta_length};
	struct builder b;

	if (segment->entry_count == segment->entry_cap) {
		size_t cap = segment->entry_cap ? segment->entry_cap * 2 : ENTRIES_FIRST;
		uint8_t *entries = mem_take_array(writer->mem, cap, SPOOL_SEAL_ENTRY_BYTES);

		if (!entries) {
			segment->entries_lost = true;
			return;
		}
		if (segment->entry_count)
			memcpy(entries, segment->entries,
			       segment->entry_count * SPOOL_SEAL_ENTRY_BYTES);
		mem_give(writer->mem, segment->entries,
			 segment->entry_cap * SPOOL_SEAL_ENTRY_BYTES);
		segment->entries = entries;
		segment->entry_cap = cap;
	}
	builder_init_fixed(&b, segment->entries + segment->entry_count * SPOOL_SEAL_ENTRY_BYTES,
			   SPOOL_SEAL_ENTRY_BYTES);
	spool_seal_entry_encode(&b, &entry);
	segment->entry_count++;
}

/* Sums, head, and the slices to be written. False when memory is out: nothing was added. */
static bool
batch_add(struct spool_writer *writer, struct spool_draft *draft)
{
	static const uint8_t zeros[SPOOL_ALIGN] = {0};
	struct writer_segment *segment = &writer->segments[0];
	uint64_t bytes = draft->front_size + draft->memory.bytes;
	size_t pad = spool_padding(bytes), first_slice = writer->slice_count;
	struct slice front = slice_of(draft->front, draft->front_size);
	struct slice trace = slice_from(front, SPOOL_HEAD_BYTES + draft->meta_length);
	struct spool_head head = {.kind = SPOOL_RECORD_ACCEPT, .id = draft->id};
	struct spool_sum_state sum;
	struct builder b;
	bool fits = slice_add(writer, front);

	spool_sum_begin(&sum, segment->secret);
	spool_sum_add(&sum, trace);
	for (struct chunk *chunk = draft->memory.first; chunk; chunk = chunk->next) {
		struct slice part = slice_of(chunk->bytes, chunk->used);

		spool_sum_add(&sum, part);
		fits = fits && slice_add(writer, part);
	}
	spool_sum_add(&sum, slice_of(zeros, pad));
	fits = fits && slice_add(writer, slice_of(zeros, pad));
	if (!fits) {
		writer->slice_count = first_slice;
		return false;
	}
	head.length = (uint32_t)(bytes + pad);
	head.meta_length = draft->meta_length;
	head.sequence = ++segment->records;
	head.meta_sum =
		spool_sum(segment->secret, slice_sub(front, SPOOL_HEAD_BYTES, draft->meta_length));
	head.content_sum = spool_sum_end(&sum);
	builder_init_fixed(&b, draft->front, SPOOL_HEAD_BYTES);
	spool_head_encode(&b, &head, segment->secret);
	entry_add(writer, &head);
	writer->batch_end += head.length;
	return true;
}

static void
commit_begin(struct spool_writer *writer)
{
	struct writer_segment *segment = &writer->segments[0];
	struct list_node *node;

	writer->slice_count = writer->batch_count = 0;
	writer->batch_end = segment->end;
	while ((node = list_first(&writer->ready)) &&
	       writer->batch_end - segment->end < BATCH_BYTES_MAX) {
		if (!batch_add(writer, CONTAINER_OF(node, struct spool_draft, node)))
			break;
		list_remove(node);
		writer->ready_count--;
		list_push_back(&writer->batch, node);
		writer->batch_count++;
	}
	if (writer->batch_count == 0) {
		drafts_tell(&writer->ready, ERR_LIMIT); /* no memory even for one */
		writer->ready_count = 0;
		return;
	}
	rt_timer_disarm(&writer->gap_timer);
	writer->gap_over = false;
	writer->io = (struct rt_io){.kind = PLANTED(REPLY_BEFORE_SYNC) ? RT_IO_APPEND
								       : RT_IO_APPEND_SYNC,
				    .fd = segment->fd,
				    .slices = writer->slices,
				    .slice_count = writer->slice_count,
				    .done = commit_on_done,
				    .ctx = writer};
	writer->io_busy = true;
	rt_io_submit(writer->rt, &writer->io);
}

static void
hook_run(void *ctx)
{
	struct spool_writer *writer = ctx;
	size_t want = writer->last_count * 3 / 4;

	if (!list_empty(&writer->failed))
		drafts_tell(&writer->failed, -EIO);
	if (writer->io_busy || list_empty(&writer->ready))
		return;
	if (writer->segments[0].fd < 0) {
		/* Its segment was poisoned, and queue has given no other. */
		drafts_tell(&writer->ready, ERR_AGAIN);
		writer->ready_count = 0;
	} else if (writer->ready_count >= want || writer->gap_over ||
		   writer->options.commit_gap_ms == 0) {
		commit_begin(writer);
	} else if (!rt_timer_armed(&writer->gap_timer)) {
		rt_timer_arm(&writer->gap_timer, writer->options.commit_gap_ms);
	}
}

static void
gap_run(void *ctx)
{
	struct spool_writer *writer = ctx;

	writer->gap_over = true;
	hook_run(writer);
}

static void
commit_on_done(void *ctx)
{
	struct spool_writer *writer = ctx;
	struct writer_segment *segment = &writer->segments[0];
	int err = writer->io.err;

	if (err && PLANTED(SYNC_RETRIED) && writer->io.kind == RT_IO_APPEND_SYNC) {
		writer->io.kind = RT_IO_SYNC;
		rt_io_submit(writer->rt, &writer->io);
		return;
	}
	writer->io_busy = false;
	writer->last_count = writer->batch_count;
	writer->counters.commits++;
	writer->counters.sync_us += writer->io.took_us;
	histogram_add(&writer->counters.commit_messages, writer->batch_count, 1);
	histogram_add(&writer->counters.commit_us, writer->io.took_us, 1);
	if (err) {
		if (!PLANTED(POISON_IGNORED))
			segment_leave(writer, true);
		if (PLANTED(ERROR_TOLD_AS_OK))
			err = 0;
		drafts_tell(&writer->batch, err == -EDQUOT ? -ENOSPC : err);
	} else {
		writer->counters.bytes += writer->batch_end - segment->end;
		writer->counters.messages += writer->batch_count;
		segment->end = writer->batch_end;
		writer_mark(writer);
		writer_send_durable(writer, segment);
		drafts_tell(&writer->batch, 0);
		if (segment->end >= writer->options.segment_size_max ||
		    segment->ids == MSG_ID_SEQUENCE_MAX)
			segment_leave(writer, false);
	}
	if (!list_empty(&writer->ready))
		rt_at_turn_end(writer->rt, &writer->hook);
}

/* --- leaving a segment ------------------------------------------------------------------------ */

static void
sealed_send(struct spool_writer *writer, const struct writer_segment *segment, bool poisoned)
{
	struct ipc_message sealed = {.type = IPC_SPOOL_SEALED};

	sealed.u.spool_sealed.segment = segment->number;
	sealed.u.spool_sealed.end = segment->end;
	sealed.u.spool_sealed.poisoned = poisoned;
	writer_send(writer, &sealed);
}

static void
seal_on_done(void *ctx)
{
	struct writer_seal *seal = ctx;
	struct spool_writer *writer = seal->writer;

	/* Whether the footer got there matters to nobody. */
	sealed_send(writer, &seal->segment, false);
	segment_finish(writer, &seal->segment);
	list_remove(&seal->node);
	mem_give(writer->mem, seal->bytes, seal->size);
	mem_give(writer->mem, seal, sizeof(*seal));
}

static void
seal_begin(struct spool_writer *writer, struct writer_segment *segment)
{
	struct writer_seal *seal = MEM_NEW(writer->mem, struct writer_seal);

	if (!seal || seal_encode(writer, segment, &seal->bytes, &seal->size)) {
		mem_give(writer->mem, seal, sizeof(*seal));
		sealed_send(writer, segment, false);
		segment_finish(writer, segment);
		return;
	}
	seal->writer = writer;
	seal->segment = *segment;
	*segment = (struct writer_segment){.fd = -1};
	seal->slice = slice_of(seal->bytes, seal->size);
	seal->io = (struct rt_io){.kind = RT_IO_APPEND_SYNC,
				  .fd = seal->segment.fd,
				  .slices = &seal->slice,
				  .slice_count = 1,
				  .done = seal_on_done,
				  .ctx = seal};
	list_push_back(&writer->seals, &seal->node);
	rt_io_submit(writer->rt, &seal->io);
}

/* The next one moves up. A full segment stays in use while there is no other. */
static void
segment_leave(struct spool_writer *writer, bool poisoned)
{
	struct writer_segment *segment = &writer->segments[0];

	if (!poisoned && writer->segments[1].fd < 0)
		return;
	if (poisoned) {
		sealed_send(writer, segment, true);
		segment_finish(writer, segment);
	} else {
		seal_begin(writer, segment);
	}
	writer->segments[0] = writer->segments[1];
	writer->segments[1] = (struct writer_segment){.fd = -1};
}
