/*
 * writer_impl: what writer.c (segments, commits, queue), draft.c (one message being gathered) and
 * nobody else share.
 */
#ifndef SPOOL_WRITER_IMPL_H
#define SPOOL_WRITER_IMPL_H

#include "spool/writer.h"

#define CHUNK_FIRST_BYTES 4000u /* with its head below a page */
#define CHUNK_BYTES 16300u
#define CHUNKS_FREE_MAX 256
/* Waiting to be written into a body file before the owner is asked to stop reading. */
#define BODY_WAITING_MAX ((size_t)256 << 10)
#define BODY_SLICES_MAX 16
#define SPARES_MAX 512
#define WRITER_SEGMENTS 2
#define WRITER_SENDS_MAX 1024
#define WRITER_SEND_AGAIN_MS 100
#define WRITER_ASK_AGAIN_MS 1000
#define BATCH_BYTES_MAX ((uint64_t)8 << 20)

struct chunk {
	struct chunk *next;
	uint32_t used, cap;
	uint8_t bytes[];
};

struct chunks {
	struct chunk *first, *last;
	uint64_t bytes;
};

struct spool_draft {
	struct spool_writer *writer;
	struct list_node node;	    /* in one of the writer's lists once it is committed */
	struct list_node with_body; /* in the writer's list, while it has a body file */
	msg_id id;
	int err;
	struct chunks memory; /* what stands in the record behind the trace fields */
	uint8_t *head_copy;   /* spool_draft_head, when it is in more than one chunk */
	size_t head_copy_size;
	bool keep_head; /* no body file yet */

	/* The body file, from the moment that memory does not do. */
	uint32_t body;
	int body_fd;
	struct chunks waiting, writing;
	uint64_t body_bytes;
	struct spool_sum_state *sum;
	struct rt_io io;
	struct slice io_slices[BODY_SLICES_MAX];
	bool io_busy, aborted, was_full;
	rt_fn *on_room;
	void *room_ctx;

	/* The commit. */
	uint8_t *front; /* head (room for it), meta, trace fields */
	size_t front_size;
	uint32_t meta_length;
	bool committed;
	spool_commit_fn *done;
	void *done_ctx;
};

struct writer_segment {
	uint32_t number;
	uint64_t secret;
	int fd; /* -1: none */
	uint64_t end;
	uint64_t records;
	uint32_t ids;	  /* reserved */
	uint8_t *entries; /* encoded, for the footer; NULL when there was no memory for them */
	size_t entry_count, entry_cap;
	bool entries_lost;
};

struct writer_spare {
	uint32_t body;
	int fd;
};

/* How far queue has not yet read. */
struct writer_mark {
	uint32_t segment;
	uint64_t end, messages, at_ms;
};

struct spool_writer {
	struct rt *rt;
	struct mem *mem;
	struct spool_writer_options options;
	struct ipc_channel *queue;
	struct ipc_message *sends; /* small ones that wait for queue */
	size_t send_count;
	struct rt_timer send_timer;
	bool have_due;	 /* queue does not yet know what this writer holds */
	unsigned refuse; /* SPOOL_ROOM */

	struct writer_segment segments[WRITER_SEGMENTS]; /* the first is written to */
	struct writer_spare spares[SPARES_MAX];
	size_t spare_count;
	struct list seals; /* struct writer_seal: footers being written */

	struct list ready, failed; /* drafts */
	struct list with_body;	   /* drafts, whatever else they are in */
	size_t body_count;
	size_t ready_count;
	struct rt_hook hook;
	struct rt_timer gap_timer;
	bool gap_over;

	/* The commit being written. */
	struct list batch;
	size_t batch_count, last_count;
	uint64_t batch_end;
	struct rt_io io;
	struct slice *slices;
	size_t slice_count, slice_cap;
	bool io_busy;

	struct writer_mark *marks; /* a ring */
	size_t mark_first, mark_count, mark_cap;
	uint64_t indexed_messages;
	struct rt_timer ask_timer; /* while there are marks */

	struct chunk *free_first, *free_big; /* of the two sizes */
	size_t free_count;
	uint64_t memory_bytes; /* in drafts */
	size_t draft_count;    /* that the owners hold or that are being committed */
	struct spool_writer_counters counters;
};

/* writer_queue.c */
void writer_send(struct spool_writer *writer, const struct ipc_message *message);
void writer_send_again(void *ctx);
void writer_ask_again(void *ctx);
void writer_send_durable(struct spool_writer *writer, const struct writer_segment *segment);
/* A commit is durable: remembers how far queue has to come. */
void writer_mark(struct spool_writer *writer);

/* writer.c */
void writer_ready(struct spool_writer *writer, struct spool_draft *draft);
/* Told later. */
void writer_failed(struct spool_writer *writer, struct spool_draft *draft);

/* draft.c */
void draft_free(struct spool_draft *draft);
void chunks_free(struct spool_writer *writer, struct chunks *chunks);
void chunk_cache_finish(struct spool_writer *writer);

#endif
