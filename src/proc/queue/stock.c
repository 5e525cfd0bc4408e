/*
 * stock: segments and spare body files made ahead, so that a writer never waits for one. A file is
 * handed out only when its name is durable (I7): a batch is made, both folders are synced, then all
 * go out. Each file is locked before it goes, and the lock goes with it: it is free again when the
 * writer has closed it or died.
 */
#include <string.h>

#include "base/assert.h"
#include "base/planted.h"
#include "proc/queue/queue.h"
#include "proc/queue/report.h"

#define SEGMENTS_PER_WRITER 2
#define SPARES_PER_BATCH 32
#define STOCK_AGAIN_MS 1000

struct stock_item {
	struct list_node node;
	struct queue_peer *peer;
	uint32_t number;
	uint64_t secret;
	int fd;
	bool is_body;
};

static void segments_synced(void *ctx);
static void bodies_synced(void *ctx);
static void again_run(void *ctx);

void
stock_init(struct queue *queue)
{
	list_init(&queue->files.stock.making);
	rt_timer_init(&queue->files.stock.again_timer, queue->rt, again_run, queue);
}

static void
item_free(struct queue *queue, struct stock_item *item)
{
	rt_close(queue->rt, item->fd);
	list_remove(&item->node);
	mem_give(queue->mem, item, sizeof(*item));
}

void
stock_finish(struct queue *queue)
{
	struct list_node *node;

	ASSERT(!queue->files.stock.busy);
	while ((node = list_first(&queue->files.stock.making)))
		item_free(queue, CONTAINER_OF(node, struct stock_item, node));
	rt_timer_finish(&queue->files.stock.again_timer);
}

static bool
is_writer(enum ipc_role role)
{
	return role == IPC_ROLE_SMTPIN || role == IPC_ROLE_BOUNCE || role == IPC_ROLE_POSTOFFICE;
}

static void
failed_log(struct queue *queue, const char *name, int err)
{
	struct log_line line;

	log_begin(&line, queue->boot->log, EVENT_queue_file_failed);
	log_text(&line, "file", slice_str(name));
	log_err(&line, err);
	log_end(&line);
}

static int
make_file(struct queue *queue, int dir_fd, const char *name, struct slice head, int *ret_fd)
{
	int fd, err = rt_open(queue->rt, dir_fd, name,
			      RT_OPEN_WRITE | RT_OPEN_APPEND | RT_OPEN_CREATE | RT_OPEN_EXCLUSIVE,
			      &fd);

	if (err) {
		failed_log(queue, name, err);
		return err;
	}
	err = rt_lock(queue->rt, fd);
	if (!err && head.len)
		err = rt_write(queue->rt, fd, head);
	if (err) {
		failed_log(queue, name, err);
		rt_close(queue->rt, fd);
		(void)!rt_unlink(queue->rt, dir_fd, name);
		return err;
	}
	*ret_fd = fd;
	return 0;
}

int
stock_make_segment(struct queue *queue, enum ipc_role role, unsigned instance,
		   struct queue_segment **ret_segment, int *ret_fd)
{
	struct spool_file_head head = {
		.kind = SPOOL_FILE_SEGMENT,
		.node = (uint16_t)queue->boot->config->node,
		.number = queue->files.next_segment,
		.created_wall_ms = rt_wall_ms(queue->rt),
		.writer_role = (uint8_t)role,
		.writer_instance = (uint16_t)instance,
	};
	uint8_t bytes[SPOOL_FILE_HEAD_BYTES];
	struct queue_segment *segment;
	char name[QUEUE_NAME_BYTES];
	struct builder b;
	int fd, read_fd, err;

	if (head.number == UINT32_MAX) {
		failed_log(queue, "segments", ERR_LIMIT);
		return ERR_LIMIT;
	}
	queue->files.next_segment++;
	rt_random(queue->rt, &head.secret, sizeof(head.secret));
	builder_init_fixed(&b, bytes, sizeof(bytes));
	spool_file_head_encode(&b, &head);
	queue_name(name, head.number, "seg");
	err = make_file(queue, queue->segments_fd, name, builder_slice(&b), &fd);
	if (err)
		return err;
	err = rt_open(queue->rt, queue->segments_fd, name, RT_OPEN_READ, &read_fd);
	segment = err ? NULL : segment_add(queue, head.number, read_fd, head.secret);
	if (!segment) { /* each try would leave one */
		rt_close(queue->rt, fd);
		(void)!rt_unlink(queue->rt, queue->segments_fd, name);
		return err ? err : ERR_NO_MEMORY;
	}
	segment->role = (uint8_t)role;
	stock_made_write(queue, segment);
	*ret_segment = segment;
	*ret_fd = fd;
	return 0;
}

/* Owns fd. NULL: out of memory; the sweep finds the file. */
static struct stock_item *
item_add(struct queue *queue, struct queue_peer *peer, int fd)
{
	struct stock_item *item = MEM_NEW(queue->mem, struct stock_item);

	if (!item) {
		rt_close(queue->rt, fd);
		sweep_soon(queue);
		return NULL;
	}
	item->peer = peer;
	item->fd = fd;
	list_push_back(&queue->files.stock.making, &item->node);
	return item;
}

static int
make_segment(struct queue *queue, struct queue_peer *peer)
{
	struct queue_segment *segment;
	struct stock_item *item;
	int fd, err = stock_make_segment(queue, peer->role, peer->instance, &segment, &fd);

	if (err)
		return err;
	item = item_add(queue, peer, fd);
	if (!item)
		return ERR_NO_MEMORY;
	item->number = segment->number;
	item->secret = segment->secret;
	segment->writer = peer;
	peer->segments++;
	return 0;
}

static int
make_spare(struct queue *queue, struct queue_peer *peer)
{
	uint32_t number = queue->files.next_body;
	struct queue_body *body;
	struct stock_item *item;
	char name[QUEUE_NAME_BYTES];
	int fd, err;

	/* A power cut may have taken the NUMBERS of those that are there. They do not decide what
	 * is next, though: anybody could have left a file with the last number. */
	while (number < UINT32_MAX && body_find(queue, number))
		number++;
	if (number == UINT32_MAX) {
		failed_log(queue, "bodies", ERR_LIMIT);
		return ERR_LIMIT;
	}
	queue->files.next_body = number + 1;
	queue_name(name, number, "body");
	err = make_file(queue, queue->bodies_fd, name, SLICE_EMPTY, &fd);
	if (err)
		return err;
	body = body_add(queue, number);
	if (!body) {
		rt_close(queue->rt, fd);
		(void)!rt_unlink(queue->rt, queue->bodies_fd, name);
		return ERR_NO_MEMORY;
	}
	item = item_add(queue, peer, fd);
	if (!item)
		return ERR_NO_MEMORY;
	item->number = number;
	item->is_body = true;
	body->holder = peer;
	peer->spares++;
	return 0;
}

/* Makes files for one writer; false when the disk refuses. */
static bool
make_for(struct queue *queue, struct queue_peer *peer, size_t *spares_left)
{
	int err = 0;

	while (!err && peer->segments < SEGMENTS_PER_WRITER)
		err = make_segment(queue, peer);
	while (!err && peer->spares < queue->boot->config->spare_bodies && *spares_left) {
		err = make_spare(queue, peer);
		--*spares_left;
	}
	return err == 0;
}

void
stock_fill(struct queue *queue)
{
	struct queue_stock *stock = &queue->files.stock;
	struct journal_record numbers = {.kind = JOURNAL_NUMBERS};
	size_t spares_left = SPARES_PER_BATCH;
	bool good = true;

	if (stock->busy || queue->journal.number == 0 || queue->phase == QUEUE_STOPPED)
		return;
	/* Each try would add to what the journal cannot write. */
	if (queue->deaf || journal_broken(queue)) {
		rt_timer_arm(&stock->again_timer, STOCK_AGAIN_MS);
		return;
	}
	for (size_t i = 0; i < QUEUE_PEERS_MAX && good; i++)
		if (queue->peers[i].channel && queue->peers[i].has_said)
			good = make_for(queue, &queue->peers[i], &spares_left);
	if (!good)
		rt_timer_arm(&stock->again_timer, STOCK_AGAIN_MS);
	if (list_empty(&stock->making))
		return;
	numbers.u.numbers.next_segment = queue->files.next_segment;
	numbers.u.numbers.next_body = queue->files.next_body;
	(void)journal_append(queue, &numbers);
	stock->io = (struct rt_io){.kind = RT_IO_SYNC,
				   .fd = queue->segments_fd,
				   .done = segments_synced,
				   .ctx = queue};
	stock->busy = true;
	if (PLANTED(FOLDER_NOT_SYNCED))
		bodies_synced(queue);
	else
		rt_io_submit(queue->rt, &stock->io);
}

static void
again_run(void *ctx)
{
	stock_fill(ctx);
}

static void
segments_synced(void *ctx)
{
	struct queue *queue = ctx;
	struct queue_stock *stock = &queue->files.stock;

	if (stock->io.err) {
		bodies_synced(queue);
		return;
	}
	stock->io.fd = queue->bodies_fd;
	stock->io.done = bodies_synced;
	rt_io_submit(queue->rt, &stock->io);
}

/* The neighbour may have gone, or another may have its place: the sweep finds the file then. */
static bool
is_still_for(struct queue *queue, const struct stock_item *item)
{
	return item->peer->channel &&
	       (item->is_body ? body_find(queue, item->number)->holder
			      : segment_find(queue, item->number)->writer) == item->peer;
}

static void
item_take_back(struct queue *queue, const struct stock_item *item)
{
	if (item->is_body) {
		body_find(queue, item->number)->holder = NULL;
		item->peer->spares--;
	} else {
		segment_find(queue, item->number)->writer = NULL;
		item->peer->segments--;
	}
}

static void
hand_out(struct queue *queue, struct stock_item *item)
{
	struct ipc_channel *channel = item->peer->channel;
	int err;

	if (!is_still_for(queue, item))
		return;
	if (item->is_body)
		err = IPC_SEND(channel, SPOOL_SPARE, spool_spare, .body = item->number,
			       .file = item->fd);
	else
		err = IPC_SEND(channel, SPOOL_SEGMENT, spool_segment, .segment = item->number,
			       .secret = item->secret, .file = item->fd);
	if (err)
		item_take_back(queue, item); /* made again; the sweep finds this one */
	else
		item->peer->supplied |= !item->is_body;
}

/* Their names may never be durable, also when a second sync succeeds: others are made, and the
 * sweep finds these. */
static void
making_failed(struct queue *queue)
{
	struct queue_stock *stock = &queue->files.stock;
	struct list_node *node;

	failed_log(queue, "", stock->io.err);
	while ((node = list_first(&stock->making))) {
		struct stock_item *item = CONTAINER_OF(node, struct stock_item, node);

		if (is_still_for(queue, item))
			item_take_back(queue, item);
		item_free(queue, item);
	}
	sweep_soon(queue);
	rt_timer_arm(&stock->again_timer, STOCK_AGAIN_MS);
}

static void
bodies_synced(void *ctx)
{
	struct queue *queue = ctx;
	struct queue_stock *stock = &queue->files.stock;
	struct list_node *node;

	stock->busy = false;
	if (stock->io.err) {
		making_failed(queue);
		return;
	}
	while ((node = list_first(&stock->making))) {
		struct stock_item *item = CONTAINER_OF(node, struct stock_item, node);

		hand_out(queue, item);
		item_free(queue, item);
	}
	sweep_soon(queue);
	report_kick(queue);
	stock_fill(queue);
}

void
stock_made_write(struct queue *queue, struct queue_segment *segment)
{
	struct journal_record record = {.kind = JOURNAL_MADE};

	if (segment->headless)
		return;
	record.u.made = (struct journal_made){segment->number, segment->secret, segment->role};
	(void)journal_append(queue, &record);
	segment->told = true;
}

static void
end_write(struct queue *queue, struct queue_segment *segment)
{
	struct journal_record record = {.kind = JOURNAL_SEGMENT};

	record.u.segment.segment = segment->number;
	record.u.segment.end = segment->end;
	record.u.segment.flags = segment->poisoned ? JOURNAL_SEGMENT_POISONED : 0;
	(void)journal_append(queue, &record);
	segment->end_owed = false;
}

void
stock_journal_open(struct queue *queue)
{
	for (struct list_node *node = list_first(&queue->files.all); node;
	     node = list_next(&queue->files.all, node)) {
		struct queue_segment *segment = CONTAINER_OF(node, struct queue_segment, all);

		if (!segment->told)
			stock_made_write(queue, segment);
		if (segment->end_owed)
			end_write(queue, segment);
	}
}

static void
sealed_take(struct queue *queue, struct queue_peer *peer, const struct ipc_spool_sealed *sealed)
{
	struct queue_segment *segment = segment_find(queue, sealed->segment);

	if (!segment || segment->closed || (segment->writer && segment->writer != peer))
		return;
	if (segment->writer && peer->segments)
		peer->segments--;
	segment->writer = NULL;
	segment->closed = true;
	segment->closed_ms = rt_now_ms(queue->rt);
	segment->end = sealed->end;
	segment->limit = sealed->end;
	segment->poisoned = sealed->poisoned;
	segment->end_owed = true;
	if (queue->journal.number) /* else it comes when the old ones have been read */
		end_write(queue, segment);
	if (sealed->poisoned) {
		struct log_line line;

		log_begin(&line, queue->boot->log, EVENT_queue_segment_poisoned);
		log_number(&line, "segment", segment->number);
		log_end(&line);
	}
	read_more(queue, segment);
	stock_fill(queue);
}

static void
durable_take(struct queue *queue, struct queue_peer *peer, const struct ipc_spool_durable *durable)
{
	struct queue_segment *segment = segment_find(queue, durable->segment);

	if (!segment || segment->closed || (segment->writer && segment->writer != peer))
		return;
	segment->writer = peer; /* after a restart of ours it says so anew */
	if (durable->end > segment->limit)
		segment->limit = durable->end;
	read_more(queue, segment);
}

static void
spare_used_take(struct queue *queue, struct queue_peer *peer,
		const struct ipc_spool_spare_used *used)
{
	struct queue_body *body = body_find(queue, used->body);

	if (!body || (body->holder && body->holder != peer))
		return;
	if (body->holder && peer->spares)
		peer->spares--;
	body->holder = NULL;
	if (!used->kept && !body->kept && !body->leases)
		body_remove(queue, body);
	stock_fill(queue);
}

static void
have_take(struct queue *queue, struct queue_peer *peer, const struct ipc_spool_have *have)
{
	peer->has_said = true;
	peer->segments = have->segments;
	peer->supplied = peer->segments > 0;
	peer->spares = have->bodies;
	stock_fill(queue);
}

static void
holds_take(struct queue *queue, struct queue_peer *peer, const struct ipc_spool_holds *holds)
{
	struct queue_body *body = body_find(queue, holds->body);

	if (body && !body->holder)
		body->holder = peer;
}

void
stock_receive(struct queue *queue, struct queue_peer *peer, struct ipc_message *message)
{
	ASSERT(is_writer(peer->role));
	switch ((int)message->type) {
	case IPC_SPOOL_HAVE:
		have_take(queue, peer, &message->u.spool_have);
		break;
	case IPC_SPOOL_HOLDS:
		holds_take(queue, peer, &message->u.spool_holds);
		break;
	case IPC_SPOOL_DURABLE:
		durable_take(queue, peer, &message->u.spool_durable);
		break;
	case IPC_SPOOL_SEALED:
		sealed_take(queue, peer, &message->u.spool_sealed);
		break;
	default:
		spare_used_take(queue, peer, &message->u.spool_spare_used);
		break;
	}
}
