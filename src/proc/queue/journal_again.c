/*
 * journal_again: a new file takes all records that are not known to be on disk. They keep their
 * place in memory and their length; their sums have the file's secret, so they are made anew. Who
 * remembers where a recipient's last verdict stands is told the new place.
 */
#include <string.h>

#include "base/assert.h"
#include "proc/queue/journal_file.h"
#include "proc/queue/queue.h"

static void
verdict_move(struct queue_rcpt *rcpt, const struct journal_part *from, size_t bytes,
	     struct journal_at to)
{
	uint64_t offset = (uint64_t)rcpt->verdict_at * SPOOL_ALIGN;

	if (rcpt->verdict_file != from->number || offset < from->offset ||
	    offset >= from->offset + bytes)
		return;
	rcpt->verdict_file = to.file;
	rcpt->verdict_at = to.at + (uint32_t)((offset - from->offset) / SPOOL_ALIGN);
}

static void
verdicts_move(struct queue *queue, const struct journal_part *from, size_t bytes,
	      struct journal_at to)
{
	struct queue_walk walk = {0};
	struct queue_msg *msg;

	walk_begin(queue, &walk);
	while ((msg = walk_next(queue, &walk)))
		for (size_t i = 0; i < msg->rcpt_count; i++)
			verdict_move(&msg->rcpts[i], from, bytes, to);
	walk_end(&walk);
}

/* What stands at those places in unsynced. */
static void
part_again(struct queue *queue, const struct journal_part *from, size_t at, size_t end)
{
	struct queue_journal *j = &queue->journal;
	struct journal_at to = {j->number, (uint32_t)(j->size_bytes / SPOOL_ALIGN)};
	struct spool_found found;
	size_t bytes = end - at;

	while (at < end) {
		struct slice meta;
		int got = spool_scan(slice_of(j->unsynced + at, end - at), from->secret, true,
				     &found);

		ASSERT(got > 0 && found.skipped == 0);
		meta = spool_record_meta(&found);
		memcpy(j->meta, meta.data, meta.len);
		at += journal_put(queue, at, found.head, meta.len);
	}
	if (bytes)
		verdicts_move(queue, from, bytes, to);
}

int
journal_again(struct queue *queue)
{
	struct queue_journal *j = &queue->journal;
	struct journal_part syncing = j->syncing_from;
	struct journal_part rest = {
		.number = j->number,
		.secret = j->secret,
		.offset = j->size_bytes - (j->unsynced_len - j->syncing),
	};
	bool numbers = j->number == 0 || j->durable; /* else they are in unsynced already */
	int err = journal_file_open(queue, true);

	if (err)
		return err;
	journal_file_retire(queue);
	part_again(queue, &syncing, 0, j->syncing);
	part_again(queue, &rest, j->syncing, j->unsynced_len);
	j->syncing = j->written = 0;
	if (numbers)
		journal_file_numbers(queue);
	return 0;
}
