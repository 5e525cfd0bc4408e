/*
 * draft: one message being gathered. In memory it is a chain of chunks, which the commit writes as
 * they are. Over body_memory_max what comes further streams into a spare body file: chunks wait,
 * are appended in a thread, and are given back. At the commit the file is synced first and only
 * then the draft joins the ready ones. A draft whose owner has gone while a write is under way
 * lives on until that ends.
 */
#include <errno.h>
#include <string.h>

#include "base/assert.h"
#include "base/planted.h"
#include "spool/writer_impl.h"

static void body_kick(struct spool_draft *draft);
static void body_on_done(void *ctx);

static struct chunk *
chunk_take(struct spool_writer *writer, bool first)
{
	uint32_t cap = first ? CHUNK_FIRST_BYTES : CHUNK_BYTES;
	struct chunk **cache = first ? &writer->free_first : &writer->free_big;
	struct chunk *chunk = *cache;

	if (writer->memory_bytes + cap > writer->options.body_memory_total_max)
		return NULL;
	if (chunk) {
		*cache = chunk->next;
		writer->free_count--;
	} else {
		chunk = mem_take(writer->mem, sizeof(*chunk) + cap);
		if (!chunk)
			return NULL;
	}
	writer->memory_bytes += cap;
	chunk->next = NULL;
	chunk->used = 0;
	chunk->cap = cap;
	return chunk;
}

static void
chunk_give(struct spool_writer *writer, struct chunk *chunk)
{
	struct chunk **cache =
		chunk->cap == CHUNK_FIRST_BYTES ? &writer->free_first : &writer->free_big;

	ASSERT(writer->memory_bytes >= chunk->cap);
	writer->memory_bytes -= chunk->cap;
	if (writer->free_count >= CHUNKS_FREE_MAX) {
		mem_give(writer->mem, chunk, sizeof(*chunk) + chunk->cap);
		return;
	}
	chunk->next = *cache;
	*cache = chunk;
	writer->free_count++;
}

void
chunks_free(struct spool_writer *writer, struct chunks *chunks)
{
	while (chunks->first) {
		struct chunk *chunk = chunks->first;

		chunks->first = chunk->next;
		chunk_give(writer, chunk);
	}
	*chunks = (struct chunks){0};
}

void
chunk_cache_finish(struct spool_writer *writer)
{
	struct chunk **caches[] = {&writer->free_first, &writer->free_big};

	for (size_t i = 0; i < 2; i++) {
		while (*caches[i]) {
			struct chunk *chunk = *caches[i];

			*caches[i] = chunk->next;
			mem_give(writer->mem, chunk, sizeof(*chunk) + chunk->cap);
		}
	}
	writer->free_count = 0;
}

/* Copies into the chain; false when memory is out. */
static bool
chunks_add(struct spool_writer *writer, struct chunks *chunks, struct slice bytes)
{
	while (bytes.len) {
		struct chunk *last = chunks->last;
		size_t part;

		if (!last || last->used == last->cap) {
			struct chunk *chunk = chunk_take(writer, !last);

			if (!chunk)
				return false;
			*(last ? &last->next : &chunks->first) = chunk;
			chunks->last = last = chunk;
		}
		part = last->cap - last->used;
		if (part > bytes.len)
			part = bytes.len;
		memcpy(last->bytes + last->used, bytes.data, part);
		last->used += (uint32_t)part;
		chunks->bytes += part;
		bytes = slice_from(bytes, part);
	}
	return true;
}

/* A number in the count of the segment that will probably take it. */
static int
id_reserve(struct spool_writer *writer, msg_id *ret_id)
{
	for (size_t i = 0; i < WRITER_SEGMENTS; i++) {
		struct writer_segment *segment = &writer->segments[i];

		if (segment->fd < 0 || segment->ids == MSG_ID_SEQUENCE_MAX)
			continue;
		*ret_id = msg_id_make(writer->options.node, segment->number, ++segment->ids);
		return 0;
	}
	return ERR_AGAIN;
}

int
spool_draft_begin(struct spool_writer *writer, uint64_t size_hint, struct spool_draft **ret_draft)
{
	struct spool_draft *draft;
	int err = spool_writer_ready(writer);
	msg_id id;

	if (err)
		return err;
	if (size_hint > writer->options.body_memory_max && writer->spare_count == 0)
		return -ENOSPC;
	err = id_reserve(writer, &id);
	if (err)
		return err;
	draft = MEM_NEW(writer->mem, struct spool_draft);
	if (!draft)
		return ERR_NO_MEMORY;
	draft->writer = writer;
	draft->id = id;
	draft->body_fd = -1;
	writer->draft_count++;
	*ret_draft = draft;
	return 0;
}

void
draft_free(struct spool_draft *draft)
{
	struct spool_writer *writer = draft->writer;

	ASSERT(!draft->io_busy && writer->draft_count > 0);
	chunks_free(writer, &draft->memory);
	chunks_free(writer, &draft->waiting);
	chunks_free(writer, &draft->writing);
	mem_give(writer->mem, draft->head_copy, draft->head_copy_size);
	mem_give(writer->mem, draft->sum, sizeof(*draft->sum));
	if (draft->front)
		writer->memory_bytes -= draft->front_size;
	mem_give(writer->mem, draft->front, draft->front_size);
	if (draft->body_fd >= 0 && !PLANTED(DESCRIPTOR_LOST))
		rt_close(writer->rt, draft->body_fd);
	if (draft->body) {
		struct ipc_message used = {.type = IPC_SPOOL_SPARE_USED};

		list_remove(&draft->with_body);
		writer->body_count--;
		used.u.spool_spare_used.body = draft->body;
		used.u.spool_spare_used.kept = draft->committed && !draft->err;
		writer_send(writer, &used);
	}
	writer->draft_count--;
	if (!PLANTED(MEMORY_LOST))
		mem_give(writer->mem, draft, sizeof(*draft));
}

msg_id
spool_draft_id(const struct spool_draft *draft)
{
	return draft->id;
}

int
spool_draft_error(const struct spool_draft *draft)
{
	return draft->err;
}

static int
body_begin(struct spool_draft *draft)
{
	struct spool_writer *writer = draft->writer;
	struct writer_spare spare;

	if (writer->spare_count == 0)
		return -ENOSPC;
	draft->sum = MEM_NEW(writer->mem, struct spool_sum_state);
	if (!draft->sum)
		return ERR_LIMIT;
	spool_sum_begin(draft->sum, 0);
	spare = writer->spares[--writer->spare_count];
	draft->body = spare.body;
	draft->body_fd = spare.fd;
	list_push_back(&writer->with_body, &draft->with_body);
	writer->body_count++;
	return 0;
}

void
spool_draft_add(struct spool_draft *draft, struct slice bytes)
{
	struct spool_writer *writer = draft->writer;

	ASSERT(!draft->committed);
	if (draft->err || bytes.len == 0)
		return;
	if (!draft->body && !draft->keep_head &&
	    draft->memory.bytes + bytes.len > writer->options.body_memory_max)
		draft->err = body_begin(draft);
	if (draft->err)
		return;
	if (!draft->body) {
		if (!chunks_add(writer, &draft->memory, bytes))
			draft->err = ERR_LIMIT;
		return;
	}
	spool_sum_add(draft->sum, bytes);
	draft->body_bytes += bytes.len;
	if (!chunks_add(writer, &draft->waiting, bytes))
		draft->err = ERR_LIMIT;
	else
		body_kick(draft);
}

void
spool_draft_keep_head(struct spool_draft *draft, bool keep)
{
	draft->keep_head = keep;
}

bool
spool_draft_full(const struct spool_draft *draft)
{
	return draft->waiting.bytes + draft->writing.bytes > BODY_WAITING_MAX;
}

void
spool_draft_on_room(struct spool_draft *draft, rt_fn *fn, void *ctx)
{
	draft->on_room = fn;
	draft->room_ctx = ctx;
	draft->was_full = true;
}

struct slice
spool_draft_head(struct spool_draft *draft, size_t max)
{
	size_t len = draft->memory.bytes < max ? (size_t)draft->memory.bytes : max, at = 0;
	struct chunk *chunk = draft->memory.first;

	if (!chunk || len <= chunk->used)
		return chunk ? slice_of(chunk->bytes, len) : SLICE_EMPTY;
	mem_give(draft->writer->mem, draft->head_copy, draft->head_copy_size);
	draft->head_copy = mem_take(draft->writer->mem, len);
	draft->head_copy_size = len;
	if (!draft->head_copy) {
		draft->err = ERR_NO_MEMORY; /* or an empty head would be judged */
		return SLICE_EMPTY;
	}
	for (; at < len; chunk = chunk->next) {
		size_t part = len - at < chunk->used ? len - at : chunk->used;

		memcpy(draft->head_copy + at, chunk->bytes, part);
		at += part;
	}
	return slice_of(draft->head_copy, len);
}

/* Starts what is next on the body file, unless something is under way. */
static void
body_kick(struct spool_draft *draft)
{
	struct spool_writer *writer = draft->writer;
	size_t count = 0;

	if (draft->io_busy || (!draft->waiting.first && !draft->committed))
		return;
	draft->io = (struct rt_io){.kind = RT_IO_SYNC,
				   .fd = PLANTED(BODY_NOT_SYNCED) && !draft->waiting.first
						 ? writer->segments[0].fd
						 : draft->body_fd,
				   .slices = draft->io_slices,
				   .done = body_on_done,
				   .ctx = draft};
	while (draft->waiting.first && count < BODY_SLICES_MAX) {
		struct chunk *chunk = draft->waiting.first;

		draft->waiting.first = chunk->next;
		draft->waiting.bytes -= chunk->used;
		chunk->next = NULL;
		*(draft->writing.last ? &draft->writing.last->next : &draft->writing.first) = chunk;
		draft->writing.last = chunk;
		draft->writing.bytes += chunk->used;
		draft->io_slices[count++] = slice_of(chunk->bytes, chunk->used);
	}
	if (!draft->waiting.first)
		draft->waiting.last = NULL;
	if (count)
		draft->io.kind = RT_IO_APPEND;
	draft->io.slice_count = count;
	draft->io_busy = true;
	rt_io_submit(writer->rt, &draft->io);
}

static void
body_on_done(void *ctx)
{
	struct spool_draft *draft = ctx;

	draft->io_busy = false;
	chunks_free(draft->writer, &draft->writing);
	if (draft->io.err && !draft->err)
		draft->err = draft->io.err == -EDQUOT ? -ENOSPC : draft->io.err;
	if (draft->err)
		chunks_free(draft->writer, &draft->waiting);
	if (draft->aborted) {
		draft_free(draft);
	} else if (draft->committed && draft->err) {
		writer_failed(draft->writer, draft);
	} else if (draft->committed && draft->io.kind == RT_IO_SYNC) {
		writer_ready(draft->writer, draft);
	} else {
		if (!draft->err)
			body_kick(draft);
		if (draft->was_full && !draft->committed && !spool_draft_full(draft)) {
			draft->was_full = false;
			draft->on_room(draft->room_ctx);
		}
	}
}

/* Meta and trace fields, with room for the head before them. */
static int
front_make(struct spool_draft *draft, struct slice trace, const struct spool_accept *given)
{
	struct spool_writer *writer = draft->writer;
	struct spool_accept accept = *given;
	uint64_t inline_len = trace.len + draft->memory.bytes;
	struct builder b;
	size_t size;

	accept.id = draft->id;
	accept.trace_len = (uint32_t)trace.len;
	accept.inline_len = (uint32_t)inline_len;
	accept.body = (struct spool_body){draft->body, draft->body_bytes, 0};
	if (draft->body)
		accept.body.sum = spool_sum_end(draft->sum);
	accept.size_bytes = inline_len + draft->body_bytes;
	size = spool_meta_bytes(&accept);
	if (size == 0 || SPOOL_HEAD_BYTES + size + inline_len + SPOOL_ALIGN > SPOOL_RECORD_MAX)
		return ERR_LIMIT;
	draft->meta_length = (uint32_t)size;
	size += SPOOL_HEAD_BYTES + trace.len;
	draft->front = mem_take(writer->mem, size);
	if (!draft->front)
		return ERR_LIMIT;
	draft->front_size = size;
	writer->memory_bytes += size;
	builder_init_fixed(&b, draft->front + SPOOL_HEAD_BYTES, size - SPOOL_HEAD_BYTES);
	spool_meta_encode(&b, &accept);
	builder_add(&b, trace);
	ASSERT(!b.failed && b.len == size - SPOOL_HEAD_BYTES);
	return 0;
}

void
spool_draft_commit(struct spool_draft **draft_at, struct slice trace,
		   const struct spool_accept *accept, spool_commit_fn *done, void *ctx)
{
	struct spool_draft *draft = *draft_at;

	ASSERT(!draft->committed && done);
	*draft_at = NULL;
	draft->committed = true;
	draft->done = done;
	draft->done_ctx = ctx;
	if (!draft->err)
		draft->err = front_make(draft, trace, accept);
	if (draft->io_busy)
		return; /* body_on_done goes on */
	if (draft->err)
		writer_failed(draft->writer, draft);
	else if (draft->body)
		body_kick(draft);
	else
		writer_ready(draft->writer, draft);
}

void
spool_draft_abort(struct spool_draft **draft_at)
{
	struct spool_draft *draft = *draft_at;

	if (!draft)
		return;
	*draft_at = NULL;
	draft->aborted = true;
	draft->was_full = false;
	if (!draft->io_busy)
		draft_free(draft);
}
