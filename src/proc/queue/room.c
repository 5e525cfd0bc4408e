/*
 * room: see room.h. Refusing ends only when there is an eighth more than the reserve, so that it
 * does not flap. By bounce's reports recipients leave the queue, and segments the disk: a queue
 * that is full could not drain without. So their number is no matter for bounce, and half of the
 * disk's reserve is for it.
 */
#include "proc/queue/room.h"

#define ROOM_MS 1000
#define CLOCK_STEP_MS (5 * 60 * 1000)

enum { ROOM_FINE, ROOM_FULL, ROOM_NOT_NOW };

static void room_run(void *ctx);

void
room_init(struct queue *queue)
{
	rt_timer_init(&queue->room_timer, queue->rt, room_run, queue);
}

void
room_finish(struct queue *queue)
{
	rt_timer_finish(&queue->room_timer);
}

void
room_begin(struct queue *queue)
{
	room_run(queue);
}

/* What of it such a neighbour is told. */
static uint8_t
told(const struct queue *queue, const struct queue_peer *peer)
{
	return peer->role == IPC_ROLE_BOUNCE ? queue->refuse_reports : queue->refuse;
}

void
room_tell(struct queue *queue, struct queue_peer *peer)
{
	if (peer->role != IPC_ROLE_SMTPIN && peer->role != IPC_ROLE_BOUNCE &&
	    peer->role != IPC_ROLE_POSTOFFICE)
		return;
	/* Full: it is told a second later. */
	peer->knows_room =
		IPC_SEND(peer->channel, SPOOL_ROOM, spool_room, .refuse = told(queue, peer)) == 0;
}

/* was: what has been told so far. */
static uint8_t
disk_now(struct queue *queue, uint64_t reserve, uint8_t was)
{
	uint64_t free_bytes = 0;
	int err = rt_free_bytes(queue->rt, queue->spool_fd, &free_bytes);

	if (was == ROOM_FULL)
		reserve += reserve / 8;
	if (!err && free_bytes < reserve)
		return ROOM_FULL;
	/* A full disk breaks the journal, too: then the disk is what is said. */
	return journal_broken(queue) ? ROOM_NOT_NOW : ROOM_FINE;
}

/* Waiting runs on the monotonic clock and does not mind; people who read times do. */
static void
clock_watch(struct queue *queue)
{
	int64_t offset_ms = rt_wall_ms(queue->rt) - (int64_t)(rt_now_us(queue->rt) / 1000);
	int64_t step_ms = offset_ms - queue->clock_offset_ms;
	struct log_line line;

	if (queue->clock_offset_ms && (step_ms > CLOCK_STEP_MS || step_ms < -CLOCK_STEP_MS)) {
		log_begin(&line, queue->boot->log, EVENT_queue_clock_step);
		log_number(&line, "ms", step_ms);
		log_end(&line);
	}
	queue->clock_offset_ms = offset_ms;
}

static void
room_run(void *ctx)
{
	struct queue *queue = ctx;
	const struct config *config = queue->boot->config;
	bool many = queue->index.rcpt_count >= config->queue_recipients_max;
	uint8_t disk = disk_now(queue, config->disk_reserve, queue->refuse);
	uint8_t refuse = many ? ROOM_FULL : disk;
	uint8_t reports = disk_now(queue, config->disk_reserve / 2, queue->refuse_reports);
	struct log_line line;

	rt_timer_arm(&queue->room_timer, ROOM_MS);
	clock_watch(queue);
	if (refuse != queue->refuse) {
		log_begin(&line, queue->boot->log, refuse ? EVENT_queue_no_room : EVENT_queue_room);
		log_number(&line, "refuse", refuse);
		log_end(&line);
	}
	for (size_t i = 0; i < QUEUE_PEERS_MAX; i++) {
		struct queue_peer *peer = &queue->peers[i];
		uint8_t now = peer->role == IPC_ROLE_BOUNCE ? reports : refuse;

		peer->knows_room = peer->knows_room && told(queue, peer) == now;
	}
	queue->refuse = refuse;
	queue->refuse_reports = reports;
	for (size_t i = 0; i < QUEUE_PEERS_MAX; i++)
		if (queue->peers[i].channel && !queue->peers[i].knows_room)
			room_tell(queue, &queue->peers[i]);
}
