/*
 * writer: accepts messages into a segment of its own, with group commit (architecture: "The
 * spool"). Used by every process that accepts mail: smtpin, bounce, postoffice. One per process.
 *
 * A draft gathers one message. When the owner commits it, the writer appends all that is ready,
 * syncs once, and only then calls back each owner (whose 250 goes out). Then queue is told once
 * "segment durable up to". Segments and spare body files come from queue by messages that the owner
 * hands in. Errors are kept in the draft and told at the commit, so that a session checks once:
 * ERR_LIMIT (too big for memory: 451 4.3.1), -ENOSPC (452 4.3.1), -EIO and others (451 4.3.0),
 * ERR_AGAIN (no segment, or queue away for too long: 451 4.3.2).
 */
#ifndef SPOOL_WRITER_H
#define SPOOL_WRITER_H

#include "base/histogram.h"
#include "ipc/ipc.h"
#include "rt/file.h"
#include "wire/spool/record.h"

#define SPOOL_UNINDEXED_MESSAGES_MAX 50000
#define SPOOL_UNINDEXED_MS_MAX 10000

struct spool_writer;
struct spool_draft;

struct spool_writer_options {
	unsigned node;
	uint64_t commit_gap_ms;
	uint64_t body_memory_max;
	uint64_t body_memory_total_max;
	uint64_t segment_size_max;
};

int spool_writer_create(struct rt *rt, const struct spool_writer_options *options,
			struct spool_writer **ret_writer) MUST_USE;
/* No draft may be open. Seals the segment when it can. */
void spool_writer_destroy(struct spool_writer **writer);
void spool_writer_set_options(struct spool_writer *writer,
			      const struct spool_writer_options *options);

/* The channel to queue (again after a restart of queue), NULL while it is away. */
void spool_writer_set_queue(struct spool_writer *writer, struct ipc_channel *queue);
/* Messages from queue: SPOOL_SEGMENT, SPOOL_SPARE, SPOOL_INDEXED, SPOOL_ROOM. True when it was one
 * of them. */
bool spool_writer_receive(struct spool_writer *writer, struct ipc_message *message);

/* 0 when a message may be begun now, else the error that a draft would get. Cheap: ask at MAIL. */
int spool_writer_ready(const struct spool_writer *writer);

/* Reserves an id. size_hint: declared SIZE, or 0. */
int spool_draft_begin(struct spool_writer *writer, uint64_t size_hint,
		      struct spool_draft **ret_draft) MUST_USE;
msg_id spool_draft_id(const struct spool_draft *draft);
/* Header and body as they travel, in any pieces; copied. Sticky errors. Full says that the file
 * behind a large body is slow: the owner stops reading until the callback. */
void spool_draft_add(struct spool_draft *draft, struct slice bytes);
bool spool_draft_full(const struct spool_draft *draft);
/* While keep is set what is added stays in memory, whatever its size: an owner that looks at the
 * header block sets it until that is complete, and bounds it. */
void spool_draft_keep_head(struct spool_draft *draft, bool keep);
void spool_draft_on_room(struct spool_draft *draft, rt_fn *fn, void *ctx);
int spool_draft_error(const struct spool_draft *draft);
/* The bytes added so far that are still in memory (the header block, for the owner's checks).
 * Without memory the draft fails. */
struct slice spool_draft_head(struct spool_draft *draft, size_t max);

/* trace: fields put before what was added. accept: envelope; id, trace_len, inline_len, body,
 * size_bytes are filled in here; everything is encoded before the call returns. done(ctx, err)
 * comes later, always; err 0 means durable. The draft is gone after the call. */
typedef void spool_commit_fn(void *ctx, msg_id id, int err);
void spool_draft_commit(struct spool_draft **draft, struct slice trace,
			const struct spool_accept *accept, spool_commit_fn *done, void *ctx);
void spool_draft_abort(struct spool_draft **draft);

/* Nothing is being committed: for a graceful stop. */
bool spool_writer_idle(const struct spool_writer *writer);

struct spool_writer_counters {
	uint64_t messages, commits, sync_us, bytes;
	/* Of each commit: messages in it, microseconds of its write and sync. */
	struct histogram commit_messages, commit_us;
};
struct spool_writer_counters spool_writer_counters(const struct spool_writer *writer);

#endif
