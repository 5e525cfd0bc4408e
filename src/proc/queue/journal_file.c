/*
 * journal_file: see journal_file.h. A new file's name is made durable by the first sync of what
 * stands in it (folder_dirty).
 */
#include "proc/queue/journal_file.h"

#include <string.h>

#include "base/assert.h"
#include "proc/queue/queue.h"
#include "proc/queue/suspend.h"

static void
old_add(struct queue *queue, uint32_t number, uint64_t size_bytes, int64_t last_wall_ms, bool moved)
{
	struct journal_old *old = MEM_NEW(queue->mem, struct journal_old);
	struct log_line line;

	if (!old) { /* no younger one may go before it */
		queue->journal.keep_ended = true;
		log_begin(&line, queue->boot->log, EVENT_queue_journal_kept);
		log_number(&line, "journal", number);
		log_end(&line);
		return;
	}
	old->number = number;
	old->size_bytes = size_bytes;
	old->last_wall_ms = last_wall_ms;
	old->moved = moved;
	list_push_back(&queue->journal.old, &old->node);
	queue->journal.old_bytes += size_bytes;
}

int
journal_file_open(struct queue *queue, bool given_up)
{
	struct queue_journal *j = &queue->journal;
	struct spool_file_head head = {
		.kind = SPOOL_FILE_JOURNAL,
		.node = (uint16_t)queue->boot->config->node,
		.number = j->next_number,
		.created_wall_ms = rt_wall_ms(queue->rt),
		.writer_role = IPC_ROLE_QUEUE,
	};
	uint8_t bytes[SPOOL_FILE_HEAD_BYTES];
	char name[QUEUE_NAME_BYTES];
	struct builder b;
	int fd, read_fd, err;

	rt_random(queue->rt, &head.secret, sizeof(head.secret));
	builder_init_fixed(&b, bytes, sizeof(bytes));
	spool_file_head_encode(&b, &head);
	queue_name(name, head.number, "journal");
	j->next_number++; /* a name that failed is not tried again */
	err = rt_open(queue->rt, queue->journal_fd, name,
		      RT_OPEN_WRITE | RT_OPEN_APPEND | RT_OPEN_CREATE | RT_OPEN_EXCLUSIVE, &fd);
	if (err)
		return err;
	err = rt_open(queue->rt, queue->journal_fd, name, RT_OPEN_READ, &read_fd);
	if (!err) {
		err = rt_write(queue->rt, fd, builder_slice(&b));
		if (err)
			rt_close(queue->rt, read_fd);
	}
	if (err) { /* each try would leave one, on a disk that is full */
		rt_close(queue->rt, fd);
		(void)!rt_unlink(queue->rt, queue->journal_fd, name);
		return err;
	}
	if (j->number) {
		old_add(queue, j->number, j->size_bytes - (j->unsynced_len - j->written),
			rt_wall_ms(queue->rt), given_up && !j->durable);
		rt_close(queue->rt, j->read_fd);
		j->retiring_fd = j->fd;
	}
	j->folder_dirty = true;
	j->durable = false;
	j->number = head.number;
	j->fd = fd;
	j->read_fd = read_fd;
	j->secret = head.secret;
	j->sequence = 0;
	j->size_bytes = j->begun_bytes = SPOOL_FILE_HEAD_BYTES;
	return 0;
}

void
journal_file_numbers(struct queue *queue)
{
	struct journal_record numbers = {.kind = JOURNAL_NUMBERS};

	numbers.u.numbers.next_segment = queue->files.next_segment;
	numbers.u.numbers.next_body = queue->files.next_body;
	(void)journal_append(queue, &numbers);
	suspend_carry(queue);
	queue->journal.begun_bytes = queue->journal.size_bytes;
}

bool
journal_file_is_full(const struct queue *queue)
{
	const struct queue_journal *j = &queue->journal;

	return j->size_bytes >= queue->boot->config->journal_size_max &&
	       j->size_bytes - j->begun_bytes >= j->begun_bytes;
}

void
journal_file_retire(struct queue *queue)
{
	if (queue->journal.retiring_fd >= 0)
		rt_close(queue->rt, queue->journal.retiring_fd);
	queue->journal.retiring_fd = -1;
}

void
journal_file_close(struct queue *queue)
{
	struct queue_journal *j = &queue->journal;

	journal_file_retire(queue);
	if (j->number == 0)
		return;
	rt_close(queue->rt, j->fd);
	rt_close(queue->rt, j->read_fd);
	j->number = 0;
	j->fd = j->read_fd = -1;
}

void
journal_file_rotate(struct queue *queue)
{
	struct log_line line;
	int err = journal_file_open(queue, false);

	if (!err) {
		journal_file_numbers(queue);
		return;
	}
	/* It goes on in the old one, and tries again with the next sync. */
	log_begin(&line, queue->boot->log, EVENT_queue_journal_not_rotated);
	log_err(&line, err);
	log_end(&line);
}

void
journal_add_old(struct queue *queue, uint32_t number, uint64_t size_bytes, int64_t last_wall_ms)
{
	old_add(queue, number, size_bytes, last_wall_ms, false);
}

void
journal_file_moved(struct queue *queue)
{
	struct queue_journal *j = &queue->journal;
	struct list_node *node, *after;

	for (node = list_first(&j->old); node; node = after) {
		struct journal_old *old = CONTAINER_OF(node, struct journal_old, node);
		char name[QUEUE_NAME_BYTES];

		after = list_next(&j->old, node);
		if (!old->moved || (j->keep && j->keep_number == old->number))
			continue;
		queue_name(name, old->number, "journal");
		if (rt_unlink(queue->rt, queue->journal_fd, name))
			continue; /* it goes with the others, later */
		j->old_bytes -= old->size_bytes;
		list_remove(node);
		mem_give(queue->mem, old, sizeof(*old));
	}
}

int
journal_file_find(struct queue *queue, uint32_t number, int *ret_fd, uint64_t *ret_secret)
{
	struct queue_journal *j = &queue->journal;
	uint8_t bytes[SPOOL_FILE_HEAD_BYTES];
	struct spool_file_head head;
	char name[QUEUE_NAME_BYTES];
	int fd, err;

	if (number == j->number) {
		*ret_fd = j->read_fd;
		*ret_secret = j->secret;
		return 0;
	}
	if (j->other_fd < 0 || number != j->other_number) {
		queue_name(name, number, "journal");
		err = rt_open(queue->rt, queue->journal_fd, name, RT_OPEN_READ, &fd);
		if (err)
			return err;
		err = rt_pread(queue->rt, fd, bytes, sizeof(bytes), 0) == (ssize_t)sizeof(bytes)
			      ? spool_file_head_decode(slice_of(bytes, sizeof(bytes)), &head)
			      : ERR_TRUNCATED;
		if (err) {
			rt_close(queue->rt, fd);
			return err;
		}
		if (j->other_fd >= 0)
			rt_close(queue->rt, j->other_fd);
		j->other_fd = fd;
		j->other_number = number;
		j->other_secret = head.secret;
	}
	*ret_fd = j->other_fd;
	*ret_secret = j->other_secret;
	return 0;
}
