/*
 * Files: bytes in memory, and how far they are durable. After a sync that failed the kernel takes
 * the pages for clean: they can be read until they are evicted, and no later sync writes them.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "rt/sim/impl.h"

#define FIRST_CAP 4096
#define SECTOR 512

struct sim_inode *
sim_inode_make(struct sim_world *world, bool is_dir)
{
	struct sim_inode *inode = sim_take(world, sizeof(*inode));
	struct sim_table *tables[] = {&inode->now, &inode->durable};
	const uint64_t key[2] = {1, 2};

	inode->world = world;
	inode->refs = 1;
	inode->is_dir = is_dir;
	inode->number = ++world->disk.next_number;
	inode->changed_ms = sim_wall_ms(world);
	list_init(&inode->holes);
	list_init(&inode->bad);
	for (size_t i = 0; i < 2; i++) {
		map_init(&tables[i]->map, &world->mem, key);
		list_init(&tables[i]->list);
	}
	list_push_back(&world->disk.inodes, &inode->node);
	return inode;
}

static void
ranges_free(struct list *ranges)
{
	struct list_node *node;

	while ((node = list_pop_front(ranges)))
		free(CONTAINER_OF(node, struct sim_range, node));
}

static void
table_finish(struct sim_table *table)
{
	struct list_node *node;

	while ((node = list_first(&table->list)))
		sim_table_remove(table, CONTAINER_OF(node, struct sim_entry, node)->name);
	map_finish(&table->map);
}

void
sim_inode_unref(struct sim_inode *inode)
{
	ASSERT(inode->refs > 0);
	if (--inode->refs > 0)
		return;
	inode->world->disk.used_bytes -= inode->size;
	list_remove(&inode->node);
	table_finish(&inode->now);
	table_finish(&inode->durable);
	ranges_free(&inode->holes);
	ranges_free(&inode->bad);
	free(inode->data);
	free(inode);
}

static bool
entry_match(const struct map_node *node, struct slice key)
{
	const struct sim_entry *entry =
		CONTAINER_OF((struct map_node *)(uintptr_t)node, struct sim_entry, in_map);

	return slice_eq(slice_str(entry->name), key);
}

static struct sim_entry *
entry_find(struct sim_table *table, const char *name)
{
	struct map_node *node = map_find(&table->map, slice_str(name), entry_match);

	return node ? CONTAINER_OF(node, struct sim_entry, in_map) : NULL;
}

struct sim_inode *
sim_table_find(struct sim_table *table, const char *name)
{
	struct sim_entry *entry = entry_find(table, name);

	return entry ? entry->inode : NULL;
}

/* Replaces what has the name. */
void
sim_table_add(struct sim_table *table, const char *name, struct sim_inode *inode)
{
	struct sim_entry *entry = sim_take(inode->world, sizeof(*entry));
	int err;

	inode->refs++;
	sim_table_remove(table, name);
	ASSERT(strlen(name) <= SIM_NAME_MAX);
	memcpy(entry->name, name, strlen(name) + 1);
	entry->inode = inode;
	list_push_back(&table->list, &entry->node);
	err = map_insert(&table->map, &entry->in_map, slice_str(entry->name));
	ASSERT(!err);
}

void
sim_table_remove(struct sim_table *table, const char *name)
{
	struct sim_entry *entry = entry_find(table, name);

	if (!entry)
		return;
	map_remove(&table->map, &entry->in_map);
	list_remove(&entry->node);
	sim_inode_unref(entry->inode);
	free(entry);
}

static void
reserve(struct sim_inode *inode, size_t size)
{
	size_t cap = inode->cap ? inode->cap : FIRST_CAP;
	uint8_t *data;

	while (cap < size)
		cap *= 2;
	if (cap == inode->cap)
		return;
	data = realloc(inode->data, cap);
	ASSERT(data);
	inode->data = data;
	inode->cap = cap;
}

size_t
sim_inode_write(struct sim_inode *inode, uint64_t offset, struct slice bytes)
{
	struct sim_disk *disk = &inode->world->disk;
	size_t end = (size_t)offset + bytes.len;
	uint64_t more = end > inode->size ? end - inode->size : 0, room;

	room = disk->full || disk->used_bytes >= disk->size_bytes
		       ? 0
		       : disk->size_bytes - disk->used_bytes;
	if (more > room) {
		if (bytes.len <= more - room)
			return 0;
		bytes.len -= (size_t)(more - room);
		end = (size_t)offset + bytes.len;
	}
	reserve(inode, end);
	if (offset > inode->size)
		memset(inode->data + inode->size, 0, (size_t)offset - inode->size);
	memcpy(inode->data + offset, bytes.data, bytes.len);
	if (end > inode->size) {
		disk->used_bytes += end - inode->size;
		inode->size = end;
	}
	if (offset < inode->synced)
		inode->synced = (size_t)offset;
	inode->changed_ms = sim_wall_ms(inode->world);
	return bytes.len;
}

void
sim_inode_truncate(struct sim_inode *inode, uint64_t size)
{
	if (size > inode->size) {
		reserve(inode, (size_t)size);
		memset(inode->data + inode->size, 0, (size_t)size - inode->size);
	}
	inode->world->disk.used_bytes += size - inode->size;
	inode->size = (size_t)size;
	if (inode->synced > size)
		inode->synced = (size_t)size;
}

size_t
sim_inode_good(const struct sim_inode *inode, uint64_t offset, size_t len)
{
	struct list_node *node = list_first(&inode->bad);

	for (; node; node = list_next(&inode->bad, node)) {
		struct sim_range *bad = CONTAINER_OF(node, struct sim_range, node);

		if (bad->to > offset && bad->from < offset + len)
			len = bad->from > offset ? (size_t)(bad->from - offset) : 0;
	}
	return len;
}

ssize_t
sim_inode_read(struct sim_inode *inode, void *buf, size_t len, uint64_t offset)
{
	if (offset >= inode->size || len == 0)
		return 0;
	if (len > inode->size - offset)
		len = inode->size - (size_t)offset;
	len = sim_inode_good(inode, offset, len);
	if (len == 0)
		return -EIO;
	memcpy(buf, inode->data + offset, len);
	return (ssize_t)len;
}

void
sim_inode_sync(struct sim_inode *inode, size_t to)
{
	if (to > inode->size)
		to = inode->size;
	if (to > inode->synced)
		inode->synced = to;
	inode->world->disk.syncs++;
}

void
sim_inode_sync_fail(struct sim_inode *inode)
{
	struct sim_world *world = inode->world;
	struct sim_range *hole;

	if (inode->size == inode->synced)
		return;
	hole = sim_take(world, sizeof(*hole));
	hole->from = inode->synced;
	hole->to = inode->size;
	list_push_back(&inode->holes, &hole->node);
	/* Some file systems throw the pages away at once. */
	if (sim_below(world, 4) == 0)
		memset(inode->data + hole->from, 0, (size_t)(hole->to - hole->from));
	inode->synced = inode->size;
}

/* What a sector holds that was allocated and never written: zeros, noise, or somebody else's. */
static void
sector_garble(struct sim_inode *inode, size_t from, size_t to)
{
	struct sim_world *world = inode->world;
	uint64_t how = sim_below(world, 3);
	struct sim_inode *other =
		CONTAINER_OF(list_first(&world->disk.inodes), struct sim_inode, node);

	for (uint64_t skip = sim_below(world, 8); skip > 0; skip--)
		if (list_next(&world->disk.inodes, &other->node))
			other = CONTAINER_OF(list_next(&world->disk.inodes, &other->node),
					     struct sim_inode, node);
	memset(inode->data + from, 0, to - from);
	for (size_t i = from; how == 1 && i < to; i++)
		inode->data[i] = (uint8_t)prng_next(&world->prng);
	if (how == 2 && other != inode && other->size >= to)
		memcpy(inode->data + from, other->data + from, to - from);
}

void
sim_inode_power_cut(struct sim_inode *inode)
{
	struct sim_world *world = inode->world;
	size_t from = inode->synced, dirty = inode->size - from;
	struct list_node *node;
	uint64_t torn;

	if (dirty && sim_below(world, 4) == 0)
		sim_inode_truncate(inode, from);
	else if (dirty && sim_below(world, 3))
		sim_inode_truncate(inode, from + sim_below(world, dirty + 1));
	torn = sim_below(world, 2) ? 3 : 0;
	while (torn && from < inode->size) {
		size_t to = (from / SECTOR + 1) * SECTOR;

		if (to > inode->size)
			to = inode->size;
		if (sim_below(world, torn) == 0)
			sector_garble(inode, from, to);
		from = to;
	}
	while ((node = list_pop_front(&inode->holes))) {
		struct sim_range *hole = CONTAINER_OF(node, struct sim_range, node);

		if (hole->to > inode->size)
			hole->to = inode->size;
		for (size_t at = (size_t)hole->from; at < hole->to; at += SECTOR)
			sector_garble(inode, at,
				      at + SECTOR < hole->to ? at + SECTOR : (size_t)hole->to);
		free(hole);
	}
	inode->synced = inode->size;
	inode->lock = NULL;
}
