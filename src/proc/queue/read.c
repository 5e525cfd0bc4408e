/*
 * read: records of segments into the index. One code for normal running, where a writer says up to
 * where its segment is durable, and for recovery, where a dead writer's segment is read to its last
 * valid record. Reads at most READ_STEP_BYTES in a turn, so that nothing else waits for long.
 */
#include <errno.h>
#include <string.h>

#include "base/assert.h"
#include "base/planted.h"
#include "proc/queue/accept.h"
#include "proc/queue/patient.h"
#include "proc/queue/queue.h"
#include "proc/queue/recover.h"
#include "proc/queue/report.h"

#define WINDOW_BYTES ((size_t)1 << 20)
#define READ_STEP_BYTES ((uint64_t)2 << 20)
#define SWEEP_MS 100
#define MEMORY_AGAIN_MS 1000
#define SWEEP_STEP_FILES ((size_t)256)

enum read_step {
	READ_ON,
	READ_LATER,   /* the disk does not give it now */
	READ_STARVED, /* more memory is needed than there is */
};

static void hook_run(void *ctx);
static void sweep_run(void *ctx);

void
read_init(struct queue *queue)
{
	rt_hook_init(&queue->files.read_hook, hook_run, queue);
	rt_timer_init(&queue->files.read_timer, queue->rt, hook_run, queue);
	rt_timer_init(&queue->files.sweep_timer, queue->rt, sweep_run, queue);
}

void
read_kick(struct queue *queue)
{
	rt_at_turn_end(queue->rt, &queue->files.read_hook);
}

void
read_more(struct queue *queue, struct queue_segment *segment)
{
	if (segment->limit > segment->end)
		segment->limit = segment->end;
	if (!list_linked(&segment->reading))
		list_push_back(&queue->files.reading, &segment->reading);
	read_kick(queue);
}

static bool
window_grow(struct queue *queue, size_t need)
{
	struct queue_files *files = &queue->files;
	uint8_t *window;

	if (need <= files->window_size)
		return true;
	window = mem_take(queue->mem, need);
	if (!window)
		return false;
	mem_give(queue->mem, files->window, files->window_size);
	files->window = window;
	files->window_size = need;
	return true;
}

/* A record that a crash has cut off, or the zeros that a power cut makes of it: a commit that
 * nobody was told of. */
static bool
is_torn(const struct queue_segment *segment, struct slice bytes)
{
	struct spool_head head;
	size_t zeros = 0;

	if (bytes.len < SPOOL_HEAD_BYTES ||
	    (spool_head_decode(bytes, segment->secret, &head) == 0 && head.length > bytes.len))
		return true;
	while (zeros < bytes.len && bytes.data[zeros] == 0)
		zeros++;
	return zeros == bytes.len;
}

/* Bytes that are no record. tail: nothing follows. */
static void
gap(struct queue *queue, struct queue_segment *segment, struct slice bytes, bool tail)
{
	struct log_line line;

	if (!tail || !is_torn(segment, bytes)) {
		segment_set_aside(queue, segment, segment->read_end, segment->read_end + bytes.len,
				  tail);
		return;
	}
	log_begin(&line, queue->boot->log, EVENT_queue_tail_dropped);
	log_number(&line, "segment", segment->number);
	log_number(&line, "bytes", (int64_t)bytes.len);
	log_end(&line);
}

static int
record_take(struct queue *queue, struct queue_segment *segment, const struct spool_found *found)
{
	int err = found->head.kind == SPOOL_RECORD_ACCEPT
			  ? accept_record(queue, segment, found, segment->read_end)
			  : 0;

	if (!err)
		segment->read_end += found->record.len;
	return err;
}

/* One window. */
static enum read_step
read_window(struct queue *queue, struct queue_segment *segment)
{
	uint64_t left = segment->limit - segment->read_end, start = segment->read_end;
	size_t most = segment->need > WINDOW_BYTES ? segment->need : WINDOW_BYTES;
	size_t want = left < most ? (size_t)left : most;
	struct patient patient = {.rt = queue->rt,
				  .fd = segment->fd,
				  .at = start,
				  .want = want,
				  .failures = &segment->read_failures};
	struct spool_found found = {0};
	struct slice window;
	size_t len;
	bool last;

	if (!window_grow(queue, most))
		return READ_STARVED;
	patient.buf = queue->files.window;
	if (!patient_read(&patient, &len))
		return READ_LATER;
	segment->need = 0;
	window = slice_of(queue->files.window, len);
	last = len == left || len < want;
	while (spool_scan(window, segment->secret, last, &found) > 0) {
		if (found.skipped && PLANTED(DAMAGE_STOPS)) {
			segment->read_end = segment->limit;
			return READ_ON;
		}
		if (found.skipped)
			gap(queue, segment, slice_sub(window, 0, found.skipped), false);
		segment->read_end += found.skipped;
		if (record_take(queue, segment, &found))
			return READ_STARVED;
		window = slice_from(window, found.skipped + found.record.len);
	}
	if (found.skipped)
		gap(queue, segment, slice_sub(window, 0, found.skipped),
		    last && segment->writer == NULL);
	segment->read_end += found.skipped;
	if (last)
		segment->read_end = segment->limit;
	if (segment->read_end == start)
		segment->need = found.need;
	return READ_ON;
}

/* Writers hear nothing meanwhile, and after a while refuse mail. */
static void
starve(struct queue *queue)
{
	struct log_line line;

	if (!queue->files.starved) {
		log_begin(&line, queue->boot->log, EVENT_queue_no_memory);
		log_end(&line);
	}
	queue->files.starved = true;
	rt_timer_arm(&queue->files.read_timer, MEMORY_AGAIN_MS);
}

static void
indexed_tell(const struct queue_segment *segment)
{
	if (segment->writer && IPC_SEND(segment->writer->channel, SPOOL_INDEXED, spool_indexed,
					.segment = segment->number, .end = segment->read_end))
		return; /* full or gone: the writer says again what is durable */
}

static void
read_done(struct queue *queue, struct queue_segment *segment)
{
	list_remove(&segment->reading);
	indexed_tell(segment);
	if (segment->recovered && (segment->closed || segment->writer)) {
		segment->recovered = false;
		recover_segment_read(queue); /* at its end it checks them all */
	} else {
		segment_check(queue, segment);
	}
}

/* Some of what waits to be read. */
static enum read_step
read_some(struct queue *queue)
{
	uint64_t budget = READ_STEP_BYTES;
	struct list_node *node;

	while (budget && (node = list_first(&queue->files.reading))) {
		struct queue_segment *segment = CONTAINER_OF(node, struct queue_segment, reading);
		uint64_t start = segment->read_end, got;
		enum read_step step = READ_ON;

		if (segment->read_end < segment->limit)
			step = read_window(queue, segment);
		if (step == READ_LATER) { /* others meanwhile */
			list_remove(node);
			list_push_back(&queue->files.reading, node);
		}
		if (step != READ_ON)
			return step;
		got = segment->read_end - start;
		if (segment->read_end >= segment->limit)
			read_done(queue, segment);
		budget -= got < budget ? got : budget;
	}
	return READ_ON;
}

static void
hook_run(void *ctx)
{
	struct queue *queue = ctx;
	enum read_step step;

	if (queue->journal.number == 0 || queue->phase == QUEUE_STOPPED || queue->deaf)
		return;
	step = read_some(queue);
	if (step == READ_STARVED) {
		starve(queue);
	} else {
		queue->files.starved = false;
		if (!list_empty(&queue->files.reading))
			rt_timer_arm(&queue->files.read_timer,
				     step == READ_LATER ? PATIENT_AGAIN_MS : 0);
	}
	queue_listen(queue);
	rt_at_turn_end(queue->rt, &queue->grant_hook);
	report_kick(queue);
}

/* Whether the writer is gone: its lock is free then. What cannot be found out now is not so. */
static bool
lock_is_free(struct queue *queue, int dir_fd, const char *name)
{
	int fd, err = rt_open(queue->rt, dir_fd, name, RT_OPEN_READ, &fd);

	if (err)
		return err == -ENOENT;
	err = rt_lock(queue->rt, fd);
	rt_close(queue->rt, fd);
	return err == 0;
}

/* A file system that was damaged can give a file any length: endless zeros are not read. */
static uint64_t
data_end(struct queue *queue, struct queue_segment *segment)
{
	struct rt_stat stat;
	struct log_line line;
	uint64_t end;

	if (rt_stat_fd(queue->rt, segment->fd, &stat))
		return 0;
	if (rt_data_end(queue->rt, segment->fd, &end) || end >= stat.size_bytes)
		return stat.size_bytes;
	log_begin(&line, queue->boot->log, EVENT_queue_tail_dropped);
	log_number(&line, "segment", segment->number);
	log_number(&line, "bytes", (int64_t)(stat.size_bytes - end));
	log_end(&line);
	return end;
}

static bool
sweep_segment(struct queue *queue, struct queue_segment *segment)
{
	char name[QUEUE_NAME_BYTES];
	uint64_t end;

	queue_name(name, segment->number, "seg");
	if (!lock_is_free(queue, queue->segments_fd, name))
		return false;
	segment->closed = true;
	segment->closed_ms = rt_now_ms(queue->rt);
	end = data_end(queue, segment);
	if (end > segment->limit &&
	    !(PLANTED(WRITER_TAIL_LOST) && segment->limit > SPOOL_FILE_HEAD_BYTES))
		segment->limit = end;
	read_more(queue, segment);
	return true;
}

/* True when none is left whose writer is not known. */
static bool
sweep_segments(struct queue *queue, size_t *budget)
{
	bool all = true;

	for (struct list_node *node = list_first(&queue->files.all); node;
	     node = list_next(&queue->files.all, node)) {
		struct queue_segment *segment = CONTAINER_OF(node, struct queue_segment, all);

		if (segment->closed || segment->writer || segment->compacting)
			continue;
		if (*budget == 0)
			return false;
		--*budget;
		all = sweep_segment(queue, segment) && all;
	}
	return all;
}

/* Bodies whose writer is gone and that no record names. Each that has been looked at goes to the
 * end of the list. */
static void
sweep_bodies(struct queue *queue, size_t budget)
{
	struct queue_files *files = &queue->files;
	struct list_node *node;

	while (files->sweep_left && budget && (node = list_pop_front(&files->all_bodies))) {
		struct queue_body *body = CONTAINER_OF(node, struct queue_body, all);
		char name[QUEUE_NAME_BYTES];

		list_push_back(&files->all_bodies, node);
		files->sweep_left--;
		if (body->kept || body->holder || body->leases)
			continue;
		budget--;
		queue_name(name, body->number, "body");
		if (lock_is_free(queue, queue->bodies_fd, name))
			body_remove(queue, body);
	}
}

void
sweep_soon(struct queue *queue)
{
	queue->files.sweep_left = queue->files.bodies.count;
	rt_timer_arm(&queue->files.sweep_timer, 0);
}

static void
sweep_run(void *ctx)
{
	struct queue *queue = ctx;
	struct queue_files *files = &queue->files;
	size_t budget = SWEEP_STEP_FILES;

	if (queue->phase == QUEUE_STOPPED)
		return;
	if (queue->journal.number == 0 || !sweep_segments(queue, &budget) ||
	    !list_empty(&files->reading) || queue->recovery) {
		rt_timer_arm(&files->sweep_timer, budget ? SWEEP_MS : 0);
		return;
	}
	sweep_bodies(queue, budget);
	if (files->sweep_left || PLANTED(NO_REST))
		rt_timer_arm(&files->sweep_timer, 0);
}
