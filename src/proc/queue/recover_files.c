/*
 * recover_files: folders and names at start. Whatever is not ours, or not readable as what its name
 * says, is moved to damaged/ and reported; nothing of it stops the rest (I8).
 */
#include <errno.h>
#include <string.h>

#include "base/assert.h"
#include "base/planted.h"
#include "proc/queue/recover.h"

#define TRIES 3
#define NUMBERS_FIRST 64
#define ASIDE_NAME_BYTES 300

int
recover_folders(struct queue *queue)
{
	const struct {
		const char *name;
		int *fd;
	} folders[] = {
		{"segments", &queue->segments_fd},	{"segments", &queue->compact_segments_fd},
		{"segments", &queue->keep_segments_fd}, {"bodies", &queue->bodies_fd},
		{"journal", &queue->journal_fd},	{"journal", &queue->keep_journal_fd},
		{"damaged", &queue->damaged_fd},
	};
	int err = rt_open(queue->rt, queue->spool_fd, "lock", RT_OPEN_WRITE | RT_OPEN_CREATE,
			  &queue->lock_fd);

	if (err) {
		queue->lock_fd = -1;
		return err;
	}
	err = rt_lock(queue->rt, queue->lock_fd);
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]) && !err; i++) {
		err = rt_open_dir(queue->rt, queue->spool_fd, folders[i].name, true, folders[i].fd);
		if (err)
			*folders[i].fd = -1;
	}
	return err;
}

bool
recover_is_shortage(int err)
{
	return err == -EMFILE || err == -ENFILE || err == -ENOMEM || err == -EAGAIN ||
	       err == ERR_NO_MEMORY;
}

void
recover_set_aside(struct queue *queue, int dir_fd, const char *name, int why)
{
	char to[ASIDE_NAME_BYTES];
	struct log_line line;
	struct builder b;
	int err;

	builder_init_fixed(&b, to, sizeof(to) - 1);
	builder_dec(&b, (uint64_t)rt_wall_ms(queue->rt));
	builder_str(&b, "-");
	builder_str(&b, name);
	to[b.len] = 0;
	err = b.failed ? -ENAMETOOLONG : rt_rename(queue->rt, dir_fd, name, queue->damaged_fd, to);
	log_begin(&line, queue->boot->log, EVENT_queue_damaged);
	log_text(&line, "file", slice_str(name));
	log_err(&line, why);
	if (err)
		log_number(&line, "not_moved", err);
	log_end(&line);
}

struct listing {
	struct queue *queue;
	int dir_fd;
	const char *kind;
	struct recover_numbers *numbers;
	int err;
};

static int
numbers_add(struct queue *queue, struct recover_numbers *numbers, uint32_t number)
{
	if (numbers->count == numbers->cap) {
		size_t cap = numbers->cap ? numbers->cap * 2 : NUMBERS_FIRST;
		uint32_t *grown = mem_take_array(queue->mem, cap, sizeof(*grown));

		if (!grown)
			return ERR_NO_MEMORY;
		if (numbers->count)
			memcpy(grown, numbers->numbers, numbers->count * sizeof(*grown));
		mem_give(queue->mem, numbers->numbers, numbers->cap * sizeof(*grown));
		numbers->numbers = grown;
		numbers->cap = cap;
	}
	numbers->numbers[numbers->count++] = number;
	return 0;
}

static int
on_name(void *ctx, const char *name)
{
	struct listing *listing = ctx;
	uint32_t number;

	if (!queue_name_parse(name, listing->kind, &number)) {
		if (PLANTED(JUNK_STOPS))
			return ERR_SYNTAX;
		recover_set_aside(listing->queue, listing->dir_fd, name, ERR_SYNTAX);
		return 0;
	}
	return numbers_add(listing->queue, listing->numbers, number);
}

static void
numbers_sort(struct recover_numbers *numbers)
{
	/* Shell sort: there may be thousands, in any order. */
	for (size_t gap = numbers->count / 2; gap; gap /= 2) {
		for (size_t i = gap; i < numbers->count; i++) {
			uint32_t number = numbers->numbers[i];
			size_t at = i;

			for (; at >= gap && numbers->numbers[at - gap] > number; at -= gap)
				numbers->numbers[at] = numbers->numbers[at - gap];
			numbers->numbers[at] = number;
		}
	}
}

static int
list_one(struct queue *queue, int dir_fd, const char *kind, struct recover_numbers *numbers)
{
	struct listing listing = {queue, dir_fd, kind, numbers, 0};
	int err = rt_list(queue->rt, dir_fd, on_name, &listing);

	numbers_sort(numbers);
	return err;
}

/* A segment that was never written to: its head may not even have reached the disk. */
static bool
never_used(uint64_t size, struct slice head_bytes, int head_err)
{
	return size <= SPOOL_FILE_HEAD_BYTES &&
	       (!head_err || spool_file_head_unborn(head_bytes, SPOOL_FILE_SEGMENT));
}

/* An error of the disk may pass. */
static int
open_insisting(struct queue *queue, const char *name, int *ret_fd)
{
	int err = -EIO;

	for (int i = 0; i < TRIES && err == -EIO; i++)
		err = rt_open(queue->rt, queue->segments_fd, name, RT_OPEN_READ, ret_fd);
	return err;
}

static ssize_t
read_insisting(struct queue *queue, int fd, void *buf, size_t len)
{
	ssize_t got = -EIO;

	for (int i = 0; i < TRIES && got == -EIO; i++)
		got = rt_pread(queue->rt, fd, buf, len, 0);
	return got;
}

static int
segment_head(struct queue *queue, int fd, uint32_t number, struct spool_file_head *ret_head,
	     bool *ret_never_used)
{
	uint8_t bytes[SPOOL_FILE_HEAD_BYTES] = {0};
	struct rt_stat stat = {0};
	ssize_t got = read_insisting(queue, fd, bytes, sizeof(bytes));
	struct slice head_bytes = slice_of(bytes, got > 0 ? (size_t)got : 0);
	int err = got < 0 ? (int)got : spool_file_head_decode(head_bytes, ret_head);

	if (rt_stat_fd(queue->rt, fd, &stat) == 0)
		*ret_never_used = got >= 0 && never_used(stat.size_bytes, head_bytes, err);
	if (!err && (ret_head->kind != SPOOL_FILE_SEGMENT || ret_head->number != number))
		err = ERR_RANGE;
	return err;
}

/* Whether a writer has it. */
static int
is_alive(struct queue *queue, const char *name, bool *ret_alive)
{
	int fd, err = open_insisting(queue, name, &fd);

	if (err)
		return err;
	*ret_alive = rt_lock(queue->rt, fd) == ERR_EXISTS;
	rt_close(queue->rt, fd);
	return 0;
}

/* Takes fd over. Without a good head the journal may know what it said. */
static int
segment_take(struct queue *queue, uint32_t number, int fd, const struct spool_file_head *head)
{
	struct queue_segment *segment = segment_add(queue, number, fd, head->secret);

	if (!segment)
		return ERR_NO_MEMORY;
	segment->role = head->writer_role;
	segment->headless = head->number != number;
	if (!segment->headless && number >= queue->files.next_segment)
		queue->files.next_segment = number + 1;
	segment->recovered = true;
	return 0;
}

/* A good head, but of something else, or of a newer Frank. */
static bool
is_foreign(int err)
{
	return err == ERR_VERSION || err == ERR_RANGE;
}

/* Puts it into the queue, sets it aside, or unlinks it. An error says that it cannot be told now
 * what it is: then queue does not start. */
static int
segment_here(struct queue *queue, uint32_t number, size_t *count)
{
	struct spool_file_head head = {0};
	char name[QUEUE_NAME_BYTES];
	bool never = false, alive = false;
	int fd, err;

	queue_name(name, number, "seg");
	err = open_insisting(queue, name, &fd);
	if (recover_is_shortage(err))
		return err;
	if (err) {
		recover_set_aside(queue, queue->segments_fd, name, err);
		return 0;
	}
	err = is_alive(queue, name, &alive);
	if (err) {
		rt_close(queue->rt, fd);
		return err;
	}
	err = segment_head(queue, fd, number, &head, &never);
	if (recover_is_shortage(err)) {
		rt_close(queue->rt, fd);
		return err;
	}
	if (alive || (!never && !is_foreign(err))) {
		++*count;
		return segment_take(queue, number, fd, &head);
	}
	rt_close(queue->rt, fd);
	if (never)
		(void)!rt_unlink(queue->rt, queue->segments_fd, name);
	else
		recover_set_aside(queue, queue->segments_fd, name, err);
	return 0;
}

/* A writer that lives goes on in its file: what it writes there is set aside as it is read. */
size_t
recover_headless(struct queue *queue)
{
	struct list_node *node, *after;
	size_t count = 0;

	for (node = list_first(&queue->files.all); node; node = after) {
		struct queue_segment *segment = CONTAINER_OF(node, struct queue_segment, all);
		char name[QUEUE_NAME_BYTES];
		bool alive = true;

		after = list_next(&queue->files.all, node);
		queue_name(name, segment->number, "seg");
		if (!segment->headless || is_alive(queue, name, &alive) || alive)
			continue;
		recover_set_aside(queue, queue->segments_fd, name, ERR_CHECKSUM);
		segment_free(queue, segment);
		count++;
	}
	return count;
}

static int
on_stray(void *ctx, const char *name)
{
	static const char *const known[] = {"lock", "segments", "bodies", "journal", "damaged"};
	struct queue *queue = ctx;

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(name, known[i]) == 0)
			return 0;
	recover_set_aside(queue, queue->spool_fd, name, ERR_SYNTAX);
	return 0;
}

int
recover_list(struct queue *queue, struct recover_numbers *ret_journals, size_t *ret_segments)
{
	struct recover_numbers journals = {0}, segments = {0}, bodies = {0};
	size_t segment_count = 0;
	int err = list_one(queue, queue->journal_fd, "journal", &journals);

	if (!err)
		err = list_one(queue, queue->segments_fd, "seg", &segments);
	if (!err)
		err = list_one(queue, queue->bodies_fd, "body", &bodies);
	if (!err)
		err = rt_list(queue->rt, queue->spool_fd, on_stray, queue);
	for (size_t i = 0; i < segments.count && !err; i++)
		err = segment_here(queue, segments.numbers[i], &segment_count);
	for (size_t i = 0; i < bodies.count && !err; i++)
		if (!body_add(queue, bodies.numbers[i]))
			err = ERR_NO_MEMORY;
	mem_give(queue->mem, segments.numbers, segments.cap * sizeof(uint32_t));
	mem_give(queue->mem, bodies.numbers, bodies.cap * sizeof(uint32_t));
	if (err) {
		mem_give(queue->mem, journals.numbers, journals.cap * sizeof(uint32_t));
		return err;
	}
	*ret_journals = journals;
	*ret_segments = segment_count;
	return 0;
}
