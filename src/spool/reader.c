/*
 * reader: segments and body files by number, each with the descriptor that queue gave. A message is
 * read whole (record) into one block and checked there; the body file is read as it is sent.
 */
#include "spool/reader.h"

#include <errno.h>
#include <string.h>

#include "base/assert.h"
#include "base/map.h"
#include "base/planted.h"
#include "rt/file.h"

#define MESSAGE_ARENA_BYTES ((size_t)256 << 10)

struct reader_file {
	struct map_node node;
	uint32_t number;
	int fd;
	uint64_t secret; /* of a segment */
};

struct spool_reader {
	struct rt *rt;
	struct mem *mem;
	struct map segments, bodies;
};

static bool
file_match(const struct map_node *node, struct slice key)
{
	const struct reader_file *file =
		CONTAINER_OF((struct map_node *)(uintptr_t)node, struct reader_file, node);

	return slice_eq(MAP_KEY(file->number), key);
}

static struct reader_file *
file_find(struct map *map, uint32_t number)
{
	struct map_node *node = map_find(map, MAP_KEY(number), file_match);

	return node ? CONTAINER_OF(node, struct reader_file, node) : NULL;
}

int
spool_reader_create(struct rt *rt, struct spool_reader **ret_reader)
{
	struct spool_reader *reader = MEM_NEW(rt_mem(rt), struct spool_reader);
	uint64_t key[2];

	if (!reader)
		return ERR_NO_MEMORY;
	reader->rt = rt;
	reader->mem = rt_mem(rt);
	rt_random(rt, key, sizeof(key));
	map_init(&reader->segments, reader->mem, key);
	map_init(&reader->bodies, reader->mem, key);
	*ret_reader = reader;
	return 0;
}

static void
file_remove(struct spool_reader *reader, struct map *map, struct reader_file *file)
{
	map_remove(map, &file->node);
	rt_close(reader->rt, file->fd);
	mem_give(reader->mem, file, sizeof(*file));
}

void
spool_reader_reset(struct spool_reader *reader)
{
	struct map *maps[] = {&reader->segments, &reader->bodies};

	for (size_t i = 0; i < 2; i++) {
		struct map_node *node;

		while ((node = map_any(maps[i])))
			file_remove(reader, maps[i], CONTAINER_OF(node, struct reader_file, node));
	}
}

void
spool_reader_destroy(struct spool_reader **reader_at)
{
	struct spool_reader *reader = *reader_at;

	if (!reader)
		return;
	spool_reader_reset(reader);
	map_finish(&reader->segments);
	map_finish(&reader->bodies);
	mem_give(reader->mem, reader, sizeof(*reader));
	*reader_at = NULL;
}

/* Takes *fd over. Queue gives it once: without memory to remember it this process starts again, and
 * queue gives all anew. */
static void
file_open(struct spool_reader *reader, struct map *map, struct reader_file given, int *fd)
{
	struct reader_file *file = file_find(map, given.number);

	if (file)
		file_remove(reader, map, file);
	file = MEM_NEW(reader->mem, struct reader_file);
	if (!file) {
		rt_stop(reader->rt);
		return;
	}
	*file = given;
	if (map_insert(map, &file->node, MAP_KEY(file->number))) {
		mem_give(reader->mem, file, sizeof(*file));
		rt_stop(reader->rt);
		return;
	}
	file->fd = *fd;
	*fd = -1;
}

static void
file_close(struct spool_reader *reader, struct map *map, uint32_t number)
{
	struct reader_file *file = file_find(map, number);

	if (file)
		file_remove(reader, map, file);
}

bool
spool_reader_receive(struct spool_reader *reader, struct ipc_message *message)
{
	const struct ipc_segment_open *segment = &message->u.segment_open;

	if (message->type == IPC_SEGMENT_OPEN)
		file_open(
			reader, &reader->segments,
			(struct reader_file){.number = segment->segment, .secret = segment->secret},
			&message->u.segment_open.file);
	else if (message->type == IPC_SEGMENT_CLOSE)
		file_close(reader, &reader->segments, message->u.segment_close.segment);
	else if (message->type == IPC_BODY_OPEN)
		file_open(reader, &reader->bodies,
			  (struct reader_file){.number = message->u.body_open.body},
			  &message->u.body_open.file);
	else if (message->type == IPC_BODY_CLOSE)
		file_close(reader, &reader->bodies, message->u.body_close.body);
	else
		return false;
	return true;
}

static int
read_record(struct spool_reader *reader, const struct reader_file *file, uint64_t offset,
	    struct spool_message *message)
{
	ssize_t got = rt_pread(reader->rt, file->fd, message->bytes, message->byte_count, offset);

	if (got < 0)
		return (int)got;
	if ((size_t)got != message->byte_count)
		return ERR_TRUNCATED;
	return spool_record_decode(&message->arena, slice_of(message->bytes, message->byte_count),
				   file->secret, &message->accept, &message->content);
}

static int
find_body(struct spool_reader *reader, struct spool_message *message)
{
	struct reader_file *body;

	message->body_fd = -1;
	if (!message->accept.body.file)
		return 0;
	body = file_find(&reader->bodies, message->accept.body.file);
	if (!body)
		return ERR_NOT_FOUND;
	message->body_fd = body->fd;
	return 0;
}

int
spool_message_open(struct spool_reader *reader, uint32_t segment, uint64_t offset, uint32_t length,
		   struct spool_message *ret_message)
{
	struct reader_file *file = file_find(&reader->segments, segment);
	struct spool_message message = {.byte_count = length};
	int err;

	if (!file)
		return ERR_NOT_FOUND;
	if (length < SPOOL_HEAD_BYTES || length > SPOOL_RECORD_MAX)
		return ERR_RANGE;
	message.bytes = mem_take(reader->mem, length);
	if (!message.bytes)
		return ERR_NO_MEMORY;
	arena_init(&message.arena, reader->mem, MESSAGE_ARENA_BYTES);
	err = read_record(reader, file, offset, &message);
	if (!err)
		err = find_body(reader, &message);
	if (err) {
		spool_message_close(reader, &message);
		return err;
	}
	*ret_message = message;
	return 0;
}

void
spool_message_close(struct spool_reader *reader, struct spool_message *message)
{
	arena_finish(&message->arena);
	mem_give(reader->mem, message->bytes, message->byte_count);
	*message = (struct spool_message){.body_fd = -1};
}

ssize_t
spool_message_read(struct spool_reader *reader, const struct spool_message *message,
		   uint64_t offset, void *buf, size_t len)
{
	uint64_t left;
	ssize_t got;

	if (offset < message->content.len) {
		struct slice part = slice_sub(message->content, (size_t)offset, len);

		memcpy(buf, part.data, part.len);
		return (ssize_t)part.len;
	}
	offset -= message->content.len;
	if (offset >= message->accept.body.file_bytes)
		return 0;
	left = message->accept.body.file_bytes - offset;
	if (len > left)
		len = (size_t)left;
	ASSERT(message->body_fd >= 0);
	if (PLANTED(BODY_SHIFTED) && left > 20000)
		offset += 64;
	got = rt_pread(reader->rt, message->body_fd, buf, len, offset);
	return got == 0 && len ? ERR_TRUNCATED : got;
}
