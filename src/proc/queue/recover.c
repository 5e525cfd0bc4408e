/*
 * recover: see recover.h.
 */
#include "proc/queue/recover.h"

#include <errno.h>
#include <string.h>

#include "base/assert.h"
#include "proc/queue/grant.h"
#include "proc/queue/patient.h"
#include "proc/queue/report.h"
#include "proc/queue/suspend.h"

#define WINDOW_BYTES ((size_t)1 << 20)
#define MEMORY_AGAIN_MS 1000

struct queue_recovery {
	struct recover_numbers journals;
	size_t at; /* the file being read */
	int fd;	   /* of it, or -1 */
	unsigned read_failures;
	uint64_t offset, size_bytes, secret;
	int64_t last_wall_ms;
	uint8_t *window;
	size_t window_size;
	size_t segments_left;
	struct list kept; /* messages without a place */
	struct rt_timer step;
	struct rt_io io;
	bool busy, starved;
	uint64_t start_us, records;
	size_t messages;
};

static void sync_run(void *ctx);
static void step_run(void *ctx);

int
recover_begin(struct queue *queue)
{
	struct queue_recovery *r;
	int err = recover_folders(queue);

	if (err)
		return err;
	r = MEM_NEW(queue->mem, struct queue_recovery);
	if (!r)
		return ERR_NO_MEMORY;
	r->fd = -1;
	r->start_us = rt_now_us(queue->rt);
	list_init(&r->kept);
	rt_timer_init(&r->step, queue->rt, sync_run, queue);
	r->window = mem_take(queue->mem, WINDOW_BYTES);
	err = r->window ? recover_list(queue, &r->journals, &r->segments_left) : ERR_NO_MEMORY;
	if (err) {
		mem_give(queue->mem, r->window, WINDOW_BYTES);
		mem_give(queue->mem, r, sizeof(*r));
		return err;
	}
	r->window_size = WINDOW_BYTES;
	queue->recovery = r;
	queue->phase = QUEUE_JOURNALS;
	rt_timer_arm(&r->step, 0);
	return 0;
}

/* The names of the folders are durable before anything is put into them. */
static void
synced(void *ctx)
{
	struct queue *queue = ctx;
	struct queue_recovery *r = queue->recovery;
	struct log_line line;

	r->busy = false;
	if (r->io.err) {
		log_begin(&line, queue->boot->log, EVENT_queue_file_failed);
		log_err(&line, r->io.err);
		log_end(&line);
	} else {
		rt_timer_finish(&r->step);
		rt_timer_init(&r->step, queue->rt, step_run, queue);
	}
	rt_timer_arm(&r->step, r->io.err ? JOURNAL_AGAIN_MS : 0);
}

static void
sync_run(void *ctx)
{
	struct queue *queue = ctx;
	struct queue_recovery *r = queue->recovery;

	if (queue->phase != QUEUE_JOURNALS) /* it is to stop */
		return;
	r->io = (struct rt_io){
		.kind = RT_IO_SYNC, .fd = queue->spool_fd, .done = synced, .ctx = queue};
	r->busy = true;
	rt_io_submit(queue->rt, &r->io);
}

bool
recover_busy(const struct queue *queue)
{
	return queue->recovery && queue->recovery->busy;
}

void
recover_finish(struct queue *queue)
{
	struct queue_recovery *r = queue->recovery;

	if (!r)
		return;
	ASSERT(!r->busy);
	if (r->fd >= 0)
		rt_close(queue->rt, r->fd);
	while (list_pop_front(&r->kept)) /* at a stop they outlive the list */
		;
	rt_timer_finish(&r->step);
	mem_give(queue->mem, r->window, r->window_size);
	mem_give(queue->mem, r->journals.numbers, r->journals.cap * sizeof(uint32_t));
	mem_give(queue->mem, r, sizeof(*r));
	queue->recovery = NULL;
}

struct queue_msg *
recover_msg(struct queue *queue, msg_id id, uint16_t rcpt_count)
{
	struct queue_msg *msg = index_add(queue, id, rcpt_count);

	if (msg)
		list_push_back(&queue->recovery->kept, &msg->place);
	return msg;
}

void
recover_keep(struct queue *queue, struct queue_msg *msg)
{
	list_remove(&msg->place); /* without a place it is among them already */
	list_push_back(&queue->recovery->kept, &msg->place);
}

static void
damage_note(struct queue *queue, uint32_t number, uint64_t bytes, bool tail)
{
	struct log_line line;

	log_begin(&line, queue->boot->log, tail ? EVENT_queue_tail_dropped : EVENT_queue_damaged);
	log_number(&line, "journal", number);
	log_number(&line, "bytes", (int64_t)bytes);
	log_end(&line);
}

/* Its head. unborn: a crash left no more of the file than a part of that. */
static int
file_head(struct queue *queue, uint32_t number, int fd, struct spool_file_head *ret_head,
	  bool *ret_unborn)
{
	uint8_t bytes[SPOOL_FILE_HEAD_BYTES];
	struct slice content;
	struct rt_stat stat;
	uint64_t end;
	ssize_t got;
	int err = rt_stat_fd(queue->rt, fd, &stat);

	if (err)
		return err;
	got = rt_pread(queue->rt, fd, bytes, sizeof(bytes), 0);
	if (got < 0)
		return (int)got;
	content = slice_of(bytes, (size_t)got);
	err = spool_file_head_decode(content, ret_head);
	if (!err && (ret_head->kind != SPOOL_FILE_JOURNAL || ret_head->number != number))
		return ERR_RANGE;
	*ret_unborn = err && stat.size_bytes <= SPOOL_FILE_HEAD_BYTES &&
		      spool_file_head_unborn(content, SPOOL_FILE_JOURNAL);
	/* Endless zeros, of a damaged file system, are not read. */
	queue->recovery->size_bytes = stat.size_bytes;
	if (!err && !rt_data_end(queue->rt, fd, &end) && end < stat.size_bytes) {
		damage_note(queue, number, stat.size_bytes - end, true);
		queue->recovery->size_bytes = end;
	}
	return err;
}

/* Whether it may be otherwise in a moment: the file itself may be as good as ever. */
static bool
is_passing(struct queue_recovery *r, int err)
{
	return recover_is_shortage(err) || (err_errno(err) && r->read_failures++ < PATIENT_TRIES);
}

/* What is no journal is passed by. An error: it cannot be told now. */
static int
file_begin(struct queue *queue, struct queue_recovery *r)
{
	uint32_t number = r->journals.numbers[r->at];
	struct spool_file_head head;
	char name[QUEUE_NAME_BYTES];
	bool unborn = false;
	int err;

	queue_name(name, number, "journal");
	err = rt_open(queue->rt, queue->journal_fd, name, RT_OPEN_READ, &r->fd);
	if (err)
		r->fd = -1;
	else
		err = file_head(queue, number, r->fd, &head, &unborn);
	if (!err) {
		if (number >= queue->journal.next_number)
			queue->journal.next_number = number + 1;
		r->secret = head.secret;
		r->offset = SPOOL_FILE_HEAD_BYTES;
		r->last_wall_ms = head.created_wall_ms;
		return 0;
	}
	if (r->fd >= 0)
		rt_close(queue->rt, r->fd);
	r->fd = -1;
	if (!unborn && is_passing(r, err))
		return err;
	r->read_failures = 0;
	if (unborn)
		(void)!rt_unlink(queue->rt, queue->journal_fd, name);
	else
		recover_set_aside(queue, queue->journal_fd, name, err);
	r->at++;
	return 0;
}

static int
record_take(struct queue *queue, struct queue_recovery *r, const struct spool_found *found)
{
	struct journal_at at = {r->journals.numbers[r->at], (uint32_t)(r->offset / SPOOL_ALIGN)};
	struct journal_record record;
	int err = found->head.kind == SPOOL_RECORD_SEAL
			  ? ERR_VERSION
			  : journal_decode(&found->head, spool_record_meta(found), &record);

	if (err && err != ERR_VERSION)
		damage_note(queue, at.file, found->record.len, false);
	if (err)
		return 0; /* skipped: said just now, or of a newer Frank */
	if (recover_apply(queue, &record, at))
		return ERR_NO_MEMORY;
	r->records++;
	if (record.wall_ms > r->last_wall_ms)
		r->last_wall_ms = record.wall_ms;
	return 0;
}

static bool
window_grow(struct queue *queue, struct queue_recovery *r, size_t need)
{
	uint8_t *window = mem_take(queue->mem, need);

	if (!window)
		return false;
	mem_give(queue->mem, r->window, r->window_size);
	r->window = window;
	r->window_size = need;
	return true;
}

enum file_step {
	FILE_ON,
	FILE_LATER,   /* the disk does not give it now */
	FILE_STARVED, /* more memory is needed than there is */
	FILE_READ,    /* to its end */
};
static const uint64_t file_waits_ms[] = {
	[FILE_ON] = 0, [FILE_LATER] = PATIENT_AGAIN_MS, [FILE_STARVED] = MEMORY_AGAIN_MS};

/* Reads one window of the file. */
static enum file_step
file_step(struct queue *queue, struct queue_recovery *r)
{
	uint64_t left = r->size_bytes - r->offset, start = r->offset;
	size_t want = left < r->window_size ? (size_t)left : r->window_size;
	struct patient patient = {.rt = queue->rt,
				  .fd = r->fd,
				  .at = start,
				  .buf = r->window,
				  .want = want,
				  .failures = &r->read_failures};
	struct spool_found found = {0};
	struct slice window;
	size_t len;
	bool last;

	if (!patient_read(&patient, &len))
		return FILE_LATER;
	window = slice_of(r->window, len);
	last = len == left || len < want;
	while (spool_scan(window, r->secret, last, &found) > 0) {
		if (found.skipped)
			damage_note(queue, r->journals.numbers[r->at], found.skipped, false);
		r->offset += found.skipped;
		if (record_take(queue, r, &found))
			return FILE_STARVED;
		r->offset += found.record.len;
		window = slice_from(window, found.skipped + found.record.len);
	}
	if (found.skipped)
		damage_note(queue, r->journals.numbers[r->at], found.skipped, last);
	r->offset += found.skipped;
	if (last)
		return FILE_READ;
	return r->offset > start || window_grow(queue, r, found.need) ? FILE_ON : FILE_STARVED;
}

static void
journals_done(struct queue *queue)
{
	struct queue_recovery *r = queue->recovery;
	struct log_line line;
	int err = journal_start(queue);

	if (err) {
		log_begin(&line, queue->boot->log, EVENT_queue_journal_broken);
		log_err(&line, err);
		log_end(&line);
		rt_timer_arm(&r->step, JOURNAL_AGAIN_MS);
		return;
	}
	queue->phase = QUEUE_SERVING;
	r->segments_left -= recover_headless(queue);
	stock_journal_open(queue);
	r->messages = queue->index.msgs.count;
	log_begin(&line, queue->boot->log, EVENT_queue_journal_read);
	log_number(&line, "files", (int64_t)r->journals.count);
	log_number(&line, "records", (int64_t)r->records);
	log_number(&line, "took_ms", (int64_t)(rt_now_us(queue->rt) - r->start_us) / 1000);
	log_end(&line);
	sweep_soon(queue); /* closes and reads what dead writers left */
	read_kick(queue);  /* what living writers have said meanwhile */
	stock_fill(queue);
	if (r->segments_left == 0) {
		r->segments_left = 1;
		recover_segment_read(queue);
	}
}

static void
file_synced(void *ctx)
{
	struct queue *queue = ctx;
	struct queue_recovery *r = queue->recovery;
	struct log_line line;

	if (!r->io.err && r->io.fd == r->fd) { /* and its name */
		r->io.fd = queue->journal_fd;
		rt_io_submit(queue->rt, &r->io);
		return;
	}
	r->busy = false;
	if (r->io.err) {
		log_begin(&line, queue->boot->log, EVENT_queue_journal_broken);
		log_number(&line, "journal", r->journals.numbers[r->at]);
		log_err(&line, r->io.err);
		log_end(&line);
	}
	rt_close(queue->rt, r->fd);
	r->fd = -1;
	journal_add_old(queue, r->journals.numbers[r->at], r->size_bytes, r->last_wall_ms);
	r->at++;
	rt_timer_arm(&r->step, 0);
}

/* A queue that was killed has left what it had not yet synced in the page cache only. What is read
 * here is acted upon, so a power cut must not take it back. */
static void
file_sync(struct queue *queue, struct queue_recovery *r)
{
	r->io = (struct rt_io){.kind = RT_IO_SYNC, .fd = r->fd, .done = file_synced, .ctx = queue};
	r->busy = true;
	rt_io_submit(queue->rt, &r->io);
}

static void
step_run(void *ctx)
{
	struct queue *queue = ctx;
	struct queue_recovery *r = queue->recovery;
	enum file_step step;
	struct log_line line;

	if (queue->phase != QUEUE_JOURNALS) /* it is to stop */
		return;

	if (r->fd < 0 && r->at < r->journals.count && file_begin(queue, r)) {
		rt_timer_arm(&r->step, PATIENT_AGAIN_MS);
		return;
	}
	if (r->fd < 0 && r->at >= r->journals.count) {
		journals_done(queue);
		return;
	}
	step = r->fd < 0 ? FILE_ON : file_step(queue, r); /* no journal: the next one */
	if (step == FILE_STARVED && !r->starved) {
		log_begin(&line, queue->boot->log, EVENT_queue_no_memory);
		log_number(&line, "journal", r->journals.numbers[r->at]);
		log_end(&line);
	}
	r->starved = step == FILE_STARVED;
	if (step == FILE_READ)
		file_sync(queue, r);
	else
		rt_timer_arm(&r->step, file_waits_ms[step]);
}

static void
missing_note(struct queue *queue, const struct queue_msg *msg)
{
	struct log_line line;

	log_begin(&line, queue->boot->log, EVENT_queue_record_missing);
	log_msg(&line, msg->id);
	log_number(&line, "rcpts", msg->open);
	log_end(&line);
}

/* What is not where the journal has it may still be a copy that was passed by. Then these segments
 * are read again, and any place will do. */
static bool
copies_needed(struct queue *queue, struct queue_recovery *r)
{
	bool missing = false;

	for (struct list_node *node = list_first(&r->kept); node;
	     node = list_next(&r->kept, node)) {
		struct queue_msg *msg = CONTAINER_OF(node, struct queue_msg, place);

		missing = missing || (msg->open && msg->known_segment);
		msg->known_segment = 0;
	}
	for (struct list_node *node = list_first(&queue->files.all); node;
	     node = list_next(&queue->files.all, node)) {
		struct queue_segment *segment = CONTAINER_OF(node, struct queue_segment, all);

		if (!missing || !segment->has_copies)
			continue;
		segment->has_copies = false;
		segment->recovered = true;
		segment->read_end = SPOOL_FILE_HEAD_BYTES;
		r->segments_left++;
		read_more(queue, segment);
	}
	return r->segments_left > 0;
}

void
recover_segment_read(struct queue *queue)
{
	struct queue_recovery *r = queue->recovery;
	struct list_node *node;
	struct log_line line;

	if (!r)
		return;
	ASSERT(r->segments_left > 0);
	if (--r->segments_left || copies_needed(queue, r))
		return;
	while ((node = list_first(&r->kept))) {
		struct queue_msg *msg = CONTAINER_OF(node, struct queue_msg, place);

		if (msg->open)
			missing_note(queue, msg);
		for (size_t i = 0; i < msg->rcpt_count; i++)
			index_set(queue, &msg->rcpts[i], RCPT_FINISHED);
		index_remove(queue, msg);
	}
	log_begin(&line, queue->boot->log, EVENT_queue_recovered);
	log_number(&line, "messages", (int64_t)queue->index.msgs.count);
	log_number(&line, "rcpts", (int64_t)queue->index.rcpt_count);
	log_number(&line, "took_ms", (int64_t)(rt_now_us(queue->rt) - r->start_us) / 1000);
	log_end(&line);
	recover_finish(queue);
	suspend_recover_end(queue);
	for (node = list_first(&queue->files.all); node;) {
		struct queue_segment *segment = CONTAINER_OF(node, struct queue_segment, all);

		node = list_next(&queue->files.all, node);
		recover_live_forget(queue, segment);
		segment_check(queue, segment);
	}
	report_recover_end(queue);
	sweep_soon(queue);
}
