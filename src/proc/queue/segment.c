/*
 * segment: the list of segments and body files. A segment goes when it is closed, read to its end,
 * and nothing in it is live or being read by anybody; its last outcomes are on disk then, because a
 * message lets go of its segment only after that (accept.c).
 */
#include "proc/queue/segment.h"

#include <errno.h>
#include <string.h>

#include "base/assert.h"
#include "base/planted.h"
#include "proc/queue/patient.h"
#include "proc/queue/queue.h"
#include "proc/queue/recover.h"

#define ASIDE_BYTES ((size_t)1 << 20)
#define ASIDE_MAX ((uint64_t)64 << 20)
#define ASIDE_NAME_BYTES 48
#define UNLINK_AGAIN_MS 60000
#define NUMBERS_EPOCH_S INT64_C(1767225600) /* 2026-01-01 */

static void unlink_again(void *ctx);

/* Where an empty spool begins to count: later than any earlier life of the same host, so that the
 * ids made of these numbers stay unique in logs and in the memory of others. */
static uint32_t
first_number(int64_t wall_ms)
{
	int64_t seconds = wall_ms / 1000 - NUMBERS_EPOCH_S;

	return seconds < 1 ? 1 : seconds > UINT32_MAX / 2 ? UINT32_MAX / 2 : (uint32_t)seconds;
}

void
files_init(struct queue *queue)
{
	struct queue_files *files = &queue->files;
	uint64_t key[2];

	rt_random(queue->rt, key, sizeof(key));
	map_init(&files->segments, queue->mem, key);
	map_init(&files->bodies, queue->mem, key);
	list_init(&files->all);
	list_init(&files->all_bodies);
	list_init(&files->reading);
	files->next_segment = first_number(rt_wall_ms(queue->rt));
	files->next_body = 1;
	rt_timer_init(&files->unlink_timer, queue->rt, unlink_again, queue);
	read_init(queue);
	stock_init(queue);
}

void
segment_free(struct queue *queue, struct queue_segment *segment)
{
	ASSERT(list_empty(&segment->live));
	list_remove(&segment->all);
	list_remove(&segment->reading);
	map_remove(&queue->files.segments, &segment->node);
	queue->files.segment_count--;
	recover_live_forget(queue, segment);
	rt_close(queue->rt, segment->fd);
	mem_give(queue->mem, segment, sizeof(*segment));
}

static void
body_free(struct queue *queue, struct queue_body *body)
{
	map_remove(&queue->files.bodies, &body->node);
	list_remove(&body->all);
	mem_give(queue->mem, body, sizeof(*body));
}

void
files_finish(struct queue *queue)
{
	struct queue_files *files = &queue->files;
	struct map_node *node;

	stock_finish(queue);
	while ((node = map_any(&files->segments)))
		segment_free(queue, CONTAINER_OF(node, struct queue_segment, node));
	while ((node = map_any(&files->bodies)))
		body_free(queue, CONTAINER_OF(node, struct queue_body, node));
	map_finish(&files->segments);
	map_finish(&files->bodies);
	mem_give(queue->mem, files->window, files->window_size);
	rt_hook_finish(&files->read_hook);
	rt_timer_finish(&files->read_timer);
	rt_timer_finish(&files->sweep_timer);
	rt_timer_finish(&files->unlink_timer);
}

static bool
segment_match(const struct map_node *node, struct slice key)
{
	const struct queue_segment *segment =
		CONTAINER_OF((struct map_node *)(uintptr_t)node, struct queue_segment, node);

	return slice_eq(MAP_KEY(segment->number), key);
}

struct queue_segment *
segment_find(struct queue *queue, uint32_t number)
{
	struct map_node *node = map_find(&queue->files.segments, MAP_KEY(number), segment_match);

	return node ? CONTAINER_OF(node, struct queue_segment, node) : NULL;
}

/* Numbers grow, so the place is nearly always the end. */
static void
list_in_order(struct queue_files *files, struct queue_segment *segment)
{
	struct list_node *before = files->all.head.prev;

	while (before != &files->all.head &&
	       CONTAINER_OF(before, struct queue_segment, all)->number > segment->number)
		before = before->prev;
	segment->all.prev = before;
	segment->all.next = before->next;
	before->next->prev = &segment->all;
	before->next = &segment->all;
}

struct queue_segment *
segment_add(struct queue *queue, uint32_t number, int fd, uint64_t secret)
{
	struct queue_segment *segment = MEM_NEW(queue->mem, struct queue_segment);

	if (segment) {
		segment->number = number;
		if (map_insert(&queue->files.segments, &segment->node, MAP_KEY(segment->number))) {
			mem_give(queue->mem, segment, sizeof(*segment));
			segment = NULL;
		}
	}
	if (!segment) {
		rt_close(queue->rt, fd);
		return NULL;
	}
	segment->fd = fd;
	segment->secret = secret;
	segment->read_end = segment->limit = SPOOL_FILE_HEAD_BYTES;
	segment->end = UINT64_MAX;
	list_init(&segment->live);
	list_in_order(&queue->files, segment);
	queue->files.segment_count++;
	return segment;
}

static void
close_at_peers(struct queue *queue, uint64_t mask, const struct ipc_message *message)
{
	for (size_t i = 0; i < QUEUE_PEERS_MAX; i++) {
		struct queue_peer *peer = &queue->peers[i];

		if (peer->channel && mask & peer->bit && ipc_send(peer->channel, message))
			continue; /* it keeps the file open until its channel ends */
	}
}

/* Whether it is gone. */
static bool
segment_unlink(struct queue *queue, struct queue_segment *segment)
{
	char name[QUEUE_NAME_BYTES];
	struct log_line line;
	int err;

	queue_name(name, segment->number, "seg");
	err = rt_unlink(queue->rt, queue->segments_fd, name);
	if (err && segment->stays && err != -ENOENT)
		return false; /* that has been said */
	log_begin(&line, queue->boot->log,
		  err ? EVENT_queue_unlink_failed : EVENT_queue_segment_gone);
	log_text(&line, "file", slice_str(name));
	if (err)
		log_err(&line, err);
	log_end(&line);
	return !err || err == -ENOENT;
}

void
segment_check(struct queue *queue, struct queue_segment *segment)
{
	struct ipc_message close = {.type = IPC_SEGMENT_CLOSE};

	if (!segment->closed || segment->read_end < segment->limit || segment->live_count ||
	    (segment->leases && !PLANTED(LEASE_FORGOTTEN)) || segment->compacting ||
	    list_linked(&segment->reading) || queue->recovery)
		return;
	close.u.segment_close.segment = segment->number;
	close_at_peers(queue, segment->open_mask, &close);
	segment->open_mask = 0;
	if (segment_unlink(queue, segment)) {
		segment_free(queue, segment);
		return;
	}
	segment->stays = true;
	rt_timer_arm(&queue->files.unlink_timer, UNLINK_AGAIN_MS);
}

static void
unlink_again(void *ctx)
{
	struct queue *queue = ctx;
	struct list *all = &queue->files.all;
	struct list_node *node, *after;

	for (node = list_first(all); node; node = after) {
		struct queue_segment *segment = CONTAINER_OF(node, struct queue_segment, all);

		after = list_next(all, node);
		if (segment->stays)
			segment_check(queue, segment);
	}
}

static bool
body_match(const struct map_node *node, struct slice key)
{
	const struct queue_body *body =
		CONTAINER_OF((struct map_node *)(uintptr_t)node, struct queue_body, node);

	return slice_eq(MAP_KEY(body->number), key);
}

struct queue_body *
body_find(struct queue *queue, uint32_t number)
{
	struct map_node *node = map_find(&queue->files.bodies, MAP_KEY(number), body_match);

	return node ? CONTAINER_OF(node, struct queue_body, node) : NULL;
}

struct queue_body *
body_add(struct queue *queue, uint32_t number)
{
	struct queue_body *body = MEM_NEW(queue->mem, struct queue_body);

	if (!body)
		return NULL;
	body->number = number;
	if (map_insert(&queue->files.bodies, &body->node, MAP_KEY(body->number))) {
		mem_give(queue->mem, body, sizeof(*body));
		return NULL;
	}
	list_push_back(&queue->files.all_bodies, &body->all);
	return body;
}

void
body_remove(struct queue *queue, struct queue_body *body)
{
	struct ipc_message close = {.type = IPC_BODY_CLOSE};
	char name[QUEUE_NAME_BYTES];
	struct log_line line;
	int err;

	close.u.body_close.body = body->number;
	close_at_peers(queue, body->open_mask, &close);
	queue_name(name, body->number, "body");
	err = rt_unlink(queue->rt, queue->bodies_fd, name);
	if (err == -EISDIR || err == -EPERM) { /* no file at all */
		recover_set_aside(queue, queue->bodies_fd, name, err);
	} else if (err) {
		log_begin(&line, queue->boot->log, EVENT_queue_unlink_failed);
		log_text(&line, "file", slice_str(name));
		log_err(&line, err);
		log_end(&line);
	}
	body_free(queue, body);
}

static int
body_open_at(struct queue *queue, struct queue_body *body, struct queue_peer *peer)
{
	char name[QUEUE_NAME_BYTES];
	int fd, err;

	if (body->open_mask & peer->bit)
		return 0;
	queue_name(name, body->number, "body");
	err = rt_open(queue->rt, queue->bodies_fd, name, RT_OPEN_READ, &fd);
	if (err)
		return err;
	err = IPC_SEND(peer->channel, BODY_OPEN, body_open, .body = body->number, .file = fd);
	rt_close(queue->rt, fd);
	if (!err)
		body->open_mask |= peer->bit;
	return err;
}

int
lease_begin(struct queue *queue, struct queue_msg *msg, struct queue_peer *peer)
{
	struct queue_segment *segment = msg->segment;
	struct queue_body *body = msg->body ? body_find(queue, msg->body) : NULL;
	int err = msg->body && !body ? -ENOENT : 0;

	if (!err && !(segment->open_mask & peer->bit)) {
		err = IPC_SEND(peer->channel, SEGMENT_OPEN, segment_open,
			       .segment = segment->number, .secret = segment->secret,
			       .file = segment->fd);
		if (!err)
			segment->open_mask |= peer->bit;
	}
	if (!err && body)
		err = body_open_at(queue, body, peer);
	if (err)
		return err;
	segment->leases++;
	if (body)
		body->leases++;
	return 0;
}

void
lease_end(struct queue *queue, struct queue_segment *segment, uint32_t number,
	  struct queue_peer *peer)
{
	struct queue_body *body = number ? body_find(queue, number) : NULL;

	ASSERT(segment->leases > 0);
	segment->leases--;
	if (body) {
		ASSERT(body->leases > 0);
		body->leases--;
	}
	if (body && body->leases == 0 && body->kept && peer->channel &&
	    body->open_mask & peer->bit &&
	    IPC_SEND(peer->channel, BODY_CLOSE, body_close, .body = number) == 0)
		body->open_mask &= ~peer->bit;
	if (body && body->leases == 0 && !body->kept && !body->holder)
		body_remove(queue, body);
	segment_check(queue, segment);
}

void
segment_place(struct queue *queue, struct queue_segment *segment, struct queue_msg *msg)
{
	(void)queue;
	msg->segment = segment;
	list_remove(&msg->place);
	list_push_back(&segment->live, &msg->place);
	segment->live_count++;
	segment->live_bytes += msg->length;
}

void
segment_let_go(struct queue *queue, struct queue_msg *msg)
{
	struct queue_segment *segment = msg->segment;

	for (struct list_node *node = list_first(&queue->index.walks); node;
	     node = list_next(&queue->index.walks, node)) {
		struct queue_walk *walk = CONTAINER_OF(node, struct queue_walk, node);

		if (walk->next == msg)
			(void)walk_next(queue, walk);
	}
	if (!segment)
		return;
	list_remove(&msg->place);
	ASSERT(segment->live_count > 0);
	segment->live_count--;
	segment->live_bytes -= msg->length;
	msg->segment = NULL;
}

void
files_forget_peer(struct queue *queue, struct queue_peer *peer)
{
	for (struct list_node *node = list_first(&queue->files.all); node;
	     node = list_next(&queue->files.all, node)) {
		struct queue_segment *segment = CONTAINER_OF(node, struct queue_segment, all);

		segment->open_mask &= ~peer->bit;
		if (segment->writer == peer)
			segment->writer = NULL;
	}
	for (struct list_node *node = list_first(&queue->files.all_bodies); node;
	     node = list_next(&queue->files.all_bodies, node)) {
		struct queue_body *body = CONTAINER_OF(node, struct queue_body, all);

		body->open_mask &= ~peer->bit;
		if (body->holder == peer)
			body->holder = NULL;
	}
	sweep_soon(queue);
}

void
segment_set_aside(struct queue *queue, struct queue_segment *segment, uint64_t from, uint64_t to,
		  bool tail)
{
	char name[ASIDE_NAME_BYTES];
	struct builder b;
	struct log_line line;
	uint8_t *bytes = mem_take(queue->mem, ASIDE_BYTES);
	unsigned tried = PATIENT_TRIES; /* it has been: the copy waits for nothing */
	int fd = -1, err;

	builder_init_fixed(&b, name, sizeof(name) - 1);
	builder_str(&b, "segment-");
	builder_dec(&b, segment->number);
	builder_str(&b, "-at-");
	builder_dec(&b, from);
	name[b.len] = 0;
	err = bytes ? rt_open(queue->rt, queue->damaged_fd, name,
			      RT_OPEN_WRITE | RT_OPEN_CREATE | RT_OPEN_TRUNCATE, &fd)
		    : ERR_NO_MEMORY;
	for (uint64_t at = from; !err && at < to && at - from < ASIDE_MAX;) {
		size_t want = to - at < ASIDE_BYTES ? (size_t)(to - at) : ASIDE_BYTES;
		struct patient patient = {.rt = queue->rt,
					  .fd = segment->fd,
					  .at = at,
					  .buf = bytes,
					  .want = want,
					  .failures = &tried};
		size_t got;

		if (!patient_read(&patient, &got) || got == 0)
			break;
		err = rt_write(queue->rt, fd, slice_of(bytes, got));
		at += got;
	}
	if (fd >= 0)
		rt_close(queue->rt, fd);
	mem_give(queue->mem, bytes, ASIDE_BYTES);
	log_begin(&line, queue->boot->log, tail ? EVENT_queue_tail_dropped : EVENT_queue_damaged);
	log_text(&line, "copy", slice_of(name, b.len));
	log_number(&line, "bytes", (int64_t)(to - from));
	if (err)
		log_err(&line, err);
	log_end(&line);
}
