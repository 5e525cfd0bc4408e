/*
 * queue: the frame of the process: neighbours come and go, messages are sent to the part that they
 * belong to.
 */
#include "proc/queue/queue.h"

#include <string.h>

#include "base/assert.h"
#include "proc/queue/accept.h"
#include "proc/queue/command.h"
#include "proc/queue/compact.h"
#include "proc/queue/grant.h"
#include "proc/queue/journal_file.h"
#include "proc/queue/recover.h"
#include "proc/queue/report.h"
#include "proc/queue/result.h"
#include "proc/queue/room.h"
#include "proc/queue/suspend.h"

#define STOP_POLL_MS 10
#define STOP_MS_MAX 2000
#define NAME_DIGITS 8

void
queue_name(char name[QUEUE_NAME_BYTES], uint32_t number, const char *kind)
{
	uint8_t bytes[4] = {(uint8_t)(number >> 24), (uint8_t)(number >> 16),
			    (uint8_t)(number >> 8), (uint8_t)number};
	struct builder b;

	builder_init_fixed(&b, name, QUEUE_NAME_BYTES - 1);
	builder_hex(&b, slice_of(bytes, sizeof(bytes)));
	builder_byte(&b, '.');
	builder_str(&b, kind);
	ASSERT(!b.failed);
	name[b.len] = 0;
}

bool
queue_name_parse(const char *name, const char *kind, uint32_t *ret_number)
{
	struct slice rest = slice_str(name);
	uint32_t number = 0;

	if (rest.len != NAME_DIGITS + 1 + strlen(kind) || rest.data[NAME_DIGITS] != '.' ||
	    !slice_eq(slice_from(rest, NAME_DIGITS + 1), slice_str(kind)))
		return false;
	for (size_t i = 0; i < NAME_DIGITS; i++) {
		size_t digit = slice_index(SLICE("0123456789abcdef"), rest.data[i]);

		if (digit > 15)
			return false;
		number = number << 4 | (uint32_t)digit;
	}
	if (number == 0 || number == UINT32_MAX)
		return false;
	*ret_number = number;
	return true;
}

struct queue_peer *
queue_peer_of(struct queue *queue, const struct ipc_channel *channel)
{
	for (size_t i = 0; i < QUEUE_PEERS_MAX; i++)
		if (channel && queue->peers[i].channel == channel)
			return &queue->peers[i];
	return NULL;
}

struct queue_peer *
queue_peer_role(struct queue *queue, enum ipc_role role)
{
	struct queue_peer *best = NULL;

	for (size_t i = 0; i < QUEUE_PEERS_MAX; i++) {
		struct queue_peer *peer = &queue->peers[i];

		if (peer->channel && peer->role == role &&
		    (!best || peer->instance < best->instance))
			best = peer;
	}
	return best;
}

static bool
is_deliverer(const struct queue_peer *peer)
{
	return peer->role == IPC_ROLE_SMTPOUT || peer->role == IPC_ROLE_POSTOFFICE;
}

void
queue_listen(struct queue *queue)
{
	bool deaf = journal_full(queue);
	struct log_line line;

	if (deaf == queue->deaf)
		return;
	queue->deaf = deaf;
	for (size_t i = 0; i < QUEUE_PEERS_MAX; i++)
		if (queue->peers[i].channel && is_deliverer(&queue->peers[i]))
			ipc_channel_pause(queue->peers[i].channel, deaf);
	if (deaf) {
		log_begin(&line, queue->boot->log, EVENT_queue_journal_full);
		log_end(&line);
		return;
	}
	read_kick(queue);
	rt_at_turn_end(queue->rt, &queue->grant_hook);
}

static void
rules_set(struct queue *queue)
{
	const struct config *config = queue->boot->config;

	queue->rules = (struct schedule_rules){
		.waits_ms = config->retry_schedule.items,
		.wait_count = config->retry_schedule.count,
		.jitter_percent = (unsigned)config->retry_jitter_percent,
		.lifetime_ms = config->lifetime,
		.attempts_min = (unsigned)config->attempts_min,
		.delay = (uint8_t)config->delay_notice,
		.delay_after_ms = config->delay_notice_after,
		.suspend = config->greeting_refusal == CONFIG_GREETING_SUSPEND,
		.probes = {config->probe_wait, config->probe_wait_max},
	};
}

static int
on_create(struct boot *boot, void **ret_state)
{
	struct queue *queue = MEM_NEW(rt_mem(boot->rt), struct queue);
	uint64_t seed;
	int err;

	if (!queue)
		return ERR_NO_MEMORY;
	queue->boot = boot;
	queue->rt = boot->rt;
	queue->mem = rt_mem(boot->rt);
	queue->spool_fd = queue->lock_fd = queue->segments_fd = -1;
	queue->bodies_fd = queue->journal_fd = queue->damaged_fd = -1;
	queue->compact_segments_fd = queue->keep_segments_fd = queue->keep_journal_fd = -1;
	for (size_t i = 0; i < QUEUE_PEERS_MAX; i++) {
		queue->peers[i].queue = queue;
		queue->peers[i].bit = (uint64_t)1 << i;
		list_init(&queue->peers[i].jobs);
	}
	rt_random(boot->rt, &seed, sizeof(seed));
	prng_init(&queue->prng, seed);
	rules_set(queue);
	index_init(queue);
	files_init(queue);
	err = journal_init(queue);
	grant_init(queue);
	suspend_init(queue);
	report_init(queue);
	command_init(queue);
	room_init(queue);
	*ret_state = queue;
	return err ? err : compact_init(queue);
}

static void
on_destroy(void **state)
{
	struct queue *queue = *state;
	int fds[] = {queue->spool_fd,	     queue->lock_fd,	      queue->segments_fd,
		     queue->bodies_fd,	     queue->journal_fd,	      queue->damaged_fd,
		     queue->keep_journal_fd, queue->keep_segments_fd, queue->compact_segments_fd};

	room_finish(queue);
	command_finish(queue);
	compact_finish(queue);
	finish_forget(queue);
	report_finish(queue);
	grant_finish(queue);
	suspend_finish(queue);
	journal_finish(queue);
	recover_finish(queue);
	index_finish(queue);
	files_finish(queue);
	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		if (fds[i] >= 0)
			rt_close(queue->rt, fds[i]);
	rt_timer_finish(&queue->stop_timer);
	mem_give(queue->mem, queue, sizeof(*queue));
	*state = NULL;
}

static void
on_channel(void *state, struct ipc_channel *channel)
{
	struct queue *queue = state;
	struct ipc_ends ends = ipc_channel_ends(channel);

	for (size_t i = 0; i < QUEUE_PEERS_MAX; i++) {
		struct queue_peer *peer = &queue->peers[i];

		if (peer->channel)
			continue;
		peer->channel = channel;
		peer->role = ends.peer;
		peer->instance = ends.peer_instance;
		peer->has_said = peer->supplied = peer->knows_room = false;
		peer->segments = peer->spares = 0;
		peer->alone = 0;
		if (queue->deaf && is_deliverer(peer))
			ipc_channel_pause(channel, true);
		room_tell(queue, peer);
		grant_kick(queue);
		return;
	}
}

static void
on_channel_closed(void *state, struct ipc_channel *channel)
{
	struct queue *queue = state;
	struct queue_peer *peer = queue_peer_of(queue, channel);

	if (!peer)
		return;
	peer->channel = NULL;
	grant_forget_peer(queue, peer);
	report_forget_peer(queue, peer);
	command_forget_peer(queue, peer);
	files_forget_peer(queue, peer);
}

static void
on_receive(void *state, struct ipc_channel *from, struct ipc_message *message)
{
	struct queue *queue = state;
	struct queue_peer *peer = queue_peer_of(queue, from);

	if (!peer)
		return;
	switch ((int)message->type) {
	case IPC_SPOOL_HAVE:
	case IPC_SPOOL_HOLDS:
	case IPC_SPOOL_DURABLE:
	case IPC_SPOOL_SEALED:
	case IPC_SPOOL_SPARE_USED:
		stock_receive(queue, peer, message);
		break;
	case IPC_JOB_RESULT:
		result_receive(queue, peer, &message->u.job_result);
		break;
	case IPC_JOB_DONE:
		result_done(queue, peer, &message->u.job_done);
		break;
	case IPC_REPORT_DONE:
		report_done(queue, &message->u.report_done);
		report_kick(queue);
		break;
	default:
		command_receive(queue, peer, message);
		break;
	}
	queue_listen(queue);
}

static void
on_dir(void *state, struct slice name, int fd)
{
	struct queue *queue = state;

	if (slice_eq(name, SLICE("spool")) && queue->spool_fd < 0)
		queue->spool_fd = fd;
	else
		rt_close(queue->rt, fd);
}

static void
on_start(void *state)
{
	struct queue *queue = state;
	struct log_line line;
	int err = queue->spool_fd < 0 ? ERR_NOT_FOUND : recover_begin(queue);

	if (err) {
		log_begin(&line, queue->boot->log,
			  err == ERR_EXISTS ? EVENT_queue_spool_locked
					    : EVENT_queue_spool_unusable);
		log_err(&line, err);
		log_end(&line);
		rt_stop(queue->rt);
		return;
	}
	room_begin(queue);
}

static void
on_reload(void *state)
{
	struct queue *queue = state;

	rules_set(queue);
	suspend_reload(queue);
	grant_reload(queue);
	stock_fill(queue);
}

/* Deliveries in hand may end; then what the journal holds is synced. */
static void
stop_run(void *ctx)
{
	struct queue *queue = ctx;
	bool late = rt_now_ms(queue->rt) >= queue->stop_ms;
	bool busy = queue->journal.busy || queue->files.stock.busy || compact_busy(queue) ||
		    journal_keep_busy(queue) || recover_busy(queue);

	if ((queue->index.active_count && !late) || busy ||
	    (queue->journal.synced_serial < queue->journal.serial && !late)) {
		rt_timer_arm(&queue->stop_timer, STOP_POLL_MS);
		return;
	}
	queue->phase = QUEUE_STOPPED;
	boot_stopped(queue->boot);
}

static void
on_stop(void *state)
{
	struct queue *queue = state;

	queue->phase = QUEUE_STOPPING;
	queue->stop_ms = rt_now_ms(queue->rt) + STOP_MS_MAX;
	rt_timer_init(&queue->stop_timer, queue->rt, stop_run, queue);
	rt_timer_arm(&queue->stop_timer, 0);
}

const struct boot_process queue_process = {
	.role = IPC_ROLE_QUEUE,
	.io_threads = 2,
	.create = on_create,
	.channel = on_channel,
	.channel_closed = on_channel_closed,
	.receive = on_receive,
	.dir = on_dir,
	.start = on_start,
	.reload = on_reload,
	.stop = on_stop,
	.destroy = on_destroy,
};
