/*
 * index: see index.h. A recipient is in exactly one of: the heap (WAITING), its destination's list
 * (READY), nothing (all else, and when held). index_park takes it out of where it is; every change
 * goes through that, so counts stay true.
 */
#include "proc/queue/index.h"

#include <string.h>

#include "base/assert.h"
#include "proc/queue/queue.h"
#include "proc/queue/suspend.h"

#define DEST_KEY_BYTES 256

void
index_init(struct queue *queue)
{
	struct queue_index *index = &queue->index;
	uint64_t key[2];

	rt_random(queue->rt, key, sizeof(key));
	map_init(&index->msgs, queue->mem, key);
	map_init(&index->dests, queue->mem, key);
	heap_init(&index->waits, queue->mem);
	turns_init(&index->turns);
	list_init(&index->walks);
}

static size_t
msg_bytes(uint16_t rcpt_count)
{
	return sizeof(struct queue_msg) + rcpt_count * sizeof(struct queue_rcpt);
}

void
index_dest_idle(struct queue *queue, struct queue_dest *dest)
{
	if (dest->rcpts || dest->turn.active)
		return;
	ASSERT(list_empty(&dest->ready));
	suspend_forget(dest);
	turns_remove(&queue->index.turns, &dest->turn);
	map_remove(&queue->index.dests, &dest->node);
	mem_give(queue->mem, dest, sizeof(*dest) + dest->name_len);
}

void
index_dest_unref(struct queue *queue, struct queue_dest *dest)
{
	ASSERT(dest->rcpts > 0);
	dest->rcpts--;
	index_dest_idle(queue, dest);
}

void
index_finish(struct queue *queue)
{
	struct queue_index *index = &queue->index;
	struct map_node *node;

	while ((node = map_any(&index->msgs))) {
		struct queue_msg *msg = CONTAINER_OF(node, struct queue_msg, node);

		for (size_t i = 0; i < msg->rcpt_count; i++)
			index_set(queue, &msg->rcpts[i], RCPT_FINISHED);
		index_remove(queue, msg);
	}
	while ((node = map_any(&index->dests))) {
		struct queue_dest *dest = CONTAINER_OF(node, struct queue_dest, node);

		dest->turn.active = 0;
		dest->rcpts = 1;
		index_dest_unref(queue, dest);
	}
	map_finish(&index->msgs);
	map_finish(&index->dests);
	heap_finish(&index->waits);
}

static bool
msg_match(const struct map_node *node, struct slice key)
{
	const struct queue_msg *msg =
		CONTAINER_OF((struct map_node *)(uintptr_t)node, struct queue_msg, node);

	return slice_eq(MAP_KEY(msg->id), key);
}

struct queue_msg *
index_find(struct queue *queue, msg_id id)
{
	struct map_node *node = map_find(&queue->index.msgs, MAP_KEY(id), msg_match);

	return node ? CONTAINER_OF(node, struct queue_msg, node) : NULL;
}

struct queue_msg *
index_add(struct queue *queue, msg_id id, uint16_t rcpt_count)
{
	struct queue_msg *msg = mem_take(queue->mem, msg_bytes(rcpt_count));

	if (!msg)
		return NULL;
	msg->id = id;
	msg->rcpt_count = msg->open = rcpt_count;
	for (size_t i = 0; i < rcpt_count; i++) {
		msg->rcpts[i].index = (uint16_t)i;
		msg->rcpts[i].state = RCPT_BLOCKED;
	}
	if (map_insert(&queue->index.msgs, &msg->node, MAP_KEY(msg->id))) {
		mem_give(queue->mem, msg, msg_bytes(rcpt_count));
		return NULL;
	}
	queue->index.rcpt_count += rcpt_count;
	queue->index.bytes += msg_bytes(rcpt_count);
	return msg;
}

void
index_remove(struct queue *queue, struct queue_msg *msg)
{
	struct queue_index *index = &queue->index;

	for (size_t i = 0; i < msg->rcpt_count; i++) {
		ASSERT(msg->rcpts[i].state != RCPT_WAITING && msg->rcpts[i].state != RCPT_READY);
		if (msg->rcpts[i].dest)
			index_dest_unref(queue, msg->rcpts[i].dest);
	}
	for (struct list_node *node = list_first(&index->walks); node;
	     node = list_next(&index->walks, node))
		ASSERT(CONTAINER_OF(node, struct queue_walk, node)->next != msg);
	list_remove(&msg->place);
	map_remove(&index->msgs, &msg->node);
	index->rcpt_count -= msg->rcpt_count;
	index->bytes -= msg_bytes(msg->rcpt_count);
	mem_give(queue->mem, msg, msg_bytes(msg->rcpt_count));
}

struct queue_msg *
index_msg_of(struct queue_rcpt *rcpt)
{
	return CONTAINER_OF(rcpt - rcpt->index, struct queue_msg, rcpts);
}

uint8_t
index_hash(struct slice address)
{
	uint32_t hash = 2166136261; /* FNV-1a, folded */

	for (size_t i = 0; i < address.len; i++)
		hash = (hash ^ ascii_lower(address.data[i])) * 16777619;
	return (uint8_t)(hash ^ hash >> 8 ^ hash >> 16 ^ hash >> 24);
}

static struct slice
dest_key(uint8_t buf[DEST_KEY_BYTES], uint8_t kind, struct slice name)
{
	ASSERT(name.len < DEST_KEY_BYTES);
	buf[0] = kind;
	if (name.len)
		memcpy(buf + 1, name.data, name.len);
	return slice_of(buf, name.len + 1);
}

static bool
dest_match(const struct map_node *node, struct slice key)
{
	const struct queue_dest *dest =
		CONTAINER_OF((struct map_node *)(uintptr_t)node, struct queue_dest, node);

	return key.data[0] == dest->kind &&
	       slice_eq(slice_of(dest->name, dest->name_len), slice_from(key, 1));
}

struct queue_dest *
index_dest(struct queue *queue, uint8_t kind, struct slice name)
{
	struct slice given =
		kind == SPOOL_RCPT_LOCAL ? SLICE_EMPTY : slice_sub(name, 0, DEST_KEY_BYTES - 1);
	uint8_t buf[DEST_KEY_BYTES];
	struct slice key = dest_key(buf, kind, given);
	struct map_node *node = map_find(&queue->index.dests, key, dest_match);
	struct queue_dest *dest;

	if (node) {
		dest = CONTAINER_OF(node, struct queue_dest, node);
		dest->rcpts++;
		return dest;
	}
	dest = mem_take(queue->mem, sizeof(*dest) + given.len);
	if (!dest)
		return NULL;
	dest->kind = kind;
	dest->name_len = (uint8_t)given.len;
	if (given.len)
		memcpy(dest->name, given.data, given.len);
	list_init(&dest->ready);
	dest->rcpts = 1;
	dest->turn.limit = 1; /* grant.c sets it */
	if (map_insert(&queue->index.dests, &dest->node, key)) {
		mem_give(queue->mem, dest, sizeof(*dest) + given.len);
		return NULL;
	}
	return dest;
}

void
index_park(struct queue *queue, struct queue_rcpt *rcpt)
{
	if (rcpt->state == RCPT_WAITING && !(rcpt->flags & RCPT_HELD)) {
		heap_remove(&queue->index.waits, &rcpt->link.wait);
		queue->index.waiting_count--;
	} else if (rcpt->state == RCPT_READY && !(rcpt->flags & RCPT_HELD)) {
		list_remove(&rcpt->link.ready);
		rcpt->dest->turn.ready--;
		turns_update(&queue->index.turns, &rcpt->dest->turn);
	}
}

void
index_set(struct queue *queue, struct queue_rcpt *rcpt, enum queue_rcpt_state state)
{
	struct queue_msg *msg = index_msg_of(rcpt);

	ASSERT(state != RCPT_WAITING && state != RCPT_READY);
	index_park(queue, rcpt);
	if (rcpt->state == RCPT_ACTIVE) {
		ASSERT(msg->active > 0 && queue->index.active_count > 0);
		msg->active--;
		queue->index.active_count--;
	}
	if (state == RCPT_ACTIVE) {
		msg->active++;
		queue->index.active_count++;
	}
	if (state == RCPT_FINISHED && rcpt->state != RCPT_FINISHED) {
		ASSERT(msg->open > 0);
		msg->open--;
	}
	ASSERT(rcpt->state != RCPT_FINISHED || state == RCPT_FINISHED);
	rcpt->state = (uint8_t)state;
}

void
index_ready(struct queue *queue, struct queue_rcpt *rcpt)
{
	index_set(queue, rcpt, RCPT_BLOCKED);
	rcpt->state = RCPT_READY;
	rcpt->link.ready = (struct list_node){0};
	if (rcpt->flags & RCPT_HELD)
		return;
	list_push_back(&rcpt->dest->ready, &rcpt->link.ready);
	rcpt->dest->turn.ready++;
	turns_update(&queue->index.turns, &rcpt->dest->turn);
}

void
index_wait(struct queue *queue, struct queue_rcpt *rcpt, uint64_t next_ms, uint64_t wake_ms)
{
	index_set(queue, rcpt, RCPT_BLOCKED);
	rcpt->next_ms = next_ms;
	if (rcpt->flags & RCPT_HELD) {
		rcpt->state = RCPT_WAITING;
		return;
	}
	heap_node_init(&rcpt->link.wait);
	rcpt->link.wait.key = wake_ms < next_ms ? wake_ms : next_ms;
	if (heap_insert(&queue->index.waits, &rcpt->link.wait)) {
		index_ready(queue, rcpt); /* out of memory: now rather than never */
		return;
	}
	rcpt->state = RCPT_WAITING;
	queue->index.waiting_count++;
}

/* --- walks ------------------------------------------------------------------------------------ */

static struct queue_segment *
segment_after(struct queue *queue, struct queue_segment *segment)
{
	struct list_node *node = segment ? list_next(&queue->files.all, &segment->all)
					 : list_first(&queue->files.all);

	return node ? CONTAINER_OF(node, struct queue_segment, all) : NULL;
}

static void
walk_enter(struct queue *queue, struct queue_walk *walk)
{
	while (!walk->next && walk->segment) {
		struct list_node *node = list_first(&walk->segment->live);

		if (node)
			walk->next = CONTAINER_OF(node, struct queue_msg, place);
		else
			walk->segment = segment_after(queue, walk->segment);
	}
}

void
walk_begin(struct queue *queue, struct queue_walk *walk)
{
	walk->next = NULL;
	walk->segment = segment_after(queue, NULL);
	list_push_back(&queue->index.walks, &walk->node);
	walk_enter(queue, walk);
}

void
walk_end(struct queue_walk *walk)
{
	list_remove(&walk->node);
}

struct queue_msg *
walk_next(struct queue *queue, struct queue_walk *walk)
{
	struct queue_msg *msg = walk->next;
	struct list_node *node;

	if (!msg)
		return NULL;
	node = list_next(&msg->segment->live, &msg->place);
	walk->next = node ? CONTAINER_OF(node, struct queue_msg, place) : NULL;
	if (!walk->next) {
		walk->segment = segment_after(queue, walk->segment);
		walk_enter(queue, walk);
	}
	return msg;
}
