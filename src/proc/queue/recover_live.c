/*
 * recover_live: what LIVE records say of a segment at start. Of the records before their end only
 * those that they name, or that the journal knows besides, are live; all others have been forgotten
 * with a file that was dropped. Parts are gathered apart, and count only when they are complete: a
 * crash in between, or a part that was lost, leaves what was said before.
 *
 * That a live message is only named is rare (its ACCEPTED or PLACED was damaged): then it is new.
 */
#include <string.h>

#include "base/assert.h"
#include "proc/queue/recover.h"

#define IDS_FIRST 256

static void
named_free(struct queue *queue, struct segment_named *named)
{
	mem_give(queue->mem, named->ids, named->cap * sizeof(msg_id));
	*named = (struct segment_named){0};
}

void
recover_live_forget(struct queue *queue, struct queue_segment *segment)
{
	named_free(queue, &segment->named);
	named_free(queue, &segment->naming);
	segment->dead_before = 0;
}

static bool
named_add(struct queue *queue, struct segment_named *named, msg_id id)
{
	if (named->count == named->cap) {
		size_t cap = named->cap ? named->cap * 2 : IDS_FIRST;
		msg_id *ids = mem_take_array(queue->mem, cap, sizeof(*ids));

		if (!ids)
			return false;
		if (named->count)
			memcpy(ids, named->ids, named->count * sizeof(*ids));
		mem_give(queue->mem, named->ids, named->cap * sizeof(*ids));
		named->ids = ids;
		named->cap = cap;
	}
	named->ids[named->count++] = id;
	return true;
}

/* Nearly in order already. */
static void
named_sort(struct segment_named *named)
{
	for (size_t gap = named->count / 2; gap; gap /= 2) {
		for (size_t i = gap; i < named->count; i++) {
			msg_id id = named->ids[i];
			size_t at = i;

			for (; at >= gap && named->ids[at - gap] > id; at -= gap)
				named->ids[at] = named->ids[at - gap];
			named->ids[at] = id;
		}
	}
}

static bool
named_has(const struct segment_named *named, msg_id id)
{
	size_t low = 0, high = named->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (named->ids[middle] < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low < named->count && named->ids[low] == id;
}

int
recover_live(struct queue *queue, struct queue_segment *segment, const struct journal_live *live)
{
	struct segment_named *naming = &segment->naming;
	size_t count;

	if (live->part == 0)
		named_free(queue, naming);
	/* After a failed sync parts may stand in two files; one that is missing ends it. */
	if (live->part != naming->parts)
		return 0;
	count = naming->count;
	for (size_t i = 0; i < live->ids.len / sizeof(msg_id); i++) {
		if (!named_add(queue, naming, journal_live_at(live, i))) {
			naming->count = count;
			return ERR_NO_MEMORY;
		}
	}
	if (++naming->parts < live->parts)
		return 0;
	named_free(queue, &segment->named);
	segment->named = *naming;
	*naming = (struct segment_named){0};
	named_sort(&segment->named);
	segment->dead_before = live->end;
	return 0;
}

bool
recover_is_dead(const struct queue_segment *segment, msg_id id, uint64_t offset)
{
	return offset < segment->dead_before && !named_has(&segment->named, id);
}
