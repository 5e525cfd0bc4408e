/*
 * Names, and when they are durable. A change of a folder waits in one list until the folder is
 * synced; a power cut keeps a part of what waits: a beginning, as a journal would, or any part. A
 * rename is one change: it happened or it did not.
 */
#include <stdlib.h>
#include <string.h>

#include "rt/sim/impl.h"

#define DISK_BYTES ((uint64_t)4 << 30)

void
sim_disk_init(struct sim_world *world)
{
	list_init(&world->disk.inodes);
	list_init(&world->disk.changes);
	world->disk.size_bytes = DISK_BYTES;
	world->disk.root = sim_inode_make(world, true);
}

static void
change_free(struct sim_change *change)
{
	list_remove(&change->node);
	sim_inode_unref(change->dir);
	if (change->to_dir)
		sim_inode_unref(change->to_dir);
	sim_inode_unref(change->inode);
	free(change);
}

void
sim_disk_finish(struct sim_world *world)
{
	struct list_node *node;

	while ((node = list_first(&world->disk.changes)))
		change_free(CONTAINER_OF(node, struct sim_change, node));
	sim_inode_unref(world->disk.root);
	ASSERT(list_empty(&world->disk.inodes));
}

static void
apply(const struct sim_change *change, bool durable)
{
	struct sim_table *table = durable ? &change->dir->durable : &change->dir->now;

	switch (change->kind) {
	case SIM_CHANGE_LINK:
		sim_table_add(table, change->name, change->inode);
		break;
	case SIM_CHANGE_UNLINK:
		if (sim_table_find(table, change->name) == change->inode)
			sim_table_remove(table, change->name);
		break;
	case SIM_CHANGE_RENAME:
		if (sim_table_find(table, change->name) == change->inode)
			sim_table_remove(table, change->name);
		sim_table_add(durable ? &change->to_dir->durable : &change->to_dir->now,
			      change->to_name, change->inode);
		break;
	}
}

void
sim_dir_change(struct sim_world *world, const struct sim_change *given)
{
	struct sim_change *change = sim_take(world, sizeof(*change));

	*change = *given;
	change->dir->refs++;
	change->inode->refs++;
	if (change->to_dir)
		change->to_dir->refs++;
	apply(change, false);
	list_push_back(&world->disk.changes, &change->node);
}

static bool
same_name(const struct sim_inode *dir, const char *name, const struct sim_inode *other_dir,
	  const char *other_name)
{
	return dir == other_dir && !strcmp(name, other_name);
}

/* What was to become of the same name before is settled with it. */
static void
forget_older(struct sim_world *world, const struct sim_change *settled, const struct sim_inode *dir,
	     const char *name)
{
	struct list_node *node = list_first(&world->disk.changes), *next;

	for (; node != &settled->node; node = next) {
		struct sim_change *change = CONTAINER_OF(node, struct sim_change, node);

		next = list_next(&world->disk.changes, node);
		if (change->kind != SIM_CHANGE_RENAME &&
		    same_name(change->dir, change->name, dir, name))
			change_free(change);
		else if (change->kind == SIM_CHANGE_RENAME &&
			 same_name(change->to_dir, change->to_name, dir, name))
			change_free(change);
	}
}

void
sim_dir_sync(struct sim_world *world, struct sim_inode *dir)
{
	struct list_node *node = list_first(&world->disk.changes), *next;

	while (node) {
		struct sim_change *change = CONTAINER_OF(node, struct sim_change, node);

		if (!dir || change->dir == dir || change->to_dir == dir) {
			apply(change, true);
			forget_older(world, change, change->dir, change->name);
			if (change->to_dir)
				forget_older(world, change, change->to_dir, change->to_name);
			next = list_next(&world->disk.changes, node);
			change_free(change);
		} else {
			next = list_next(&world->disk.changes, node);
		}
		node = next;
	}
	world->disk.syncs++;
}

static void
changes_power_cut(struct sim_world *world)
{
	struct list *changes = &world->disk.changes;
	struct list_node *node;
	uint64_t mode = sim_below(world, 3), kept = 0, count = 0;

	for (node = list_first(changes); node; node = list_next(changes, node))
		count++;
	kept = mode == 0 ? 0 : sim_below(world, count + 1);
	for (uint64_t i = 0; (node = list_first(changes)); i++) {
		struct sim_change *change = CONTAINER_OF(node, struct sim_change, node);

		if (mode == 2 ? sim_below(world, 2) : i < kept)
			apply(change, true);
		change_free(change);
	}
}

/* The durable names become those of now. */
static void
dir_power_cut(struct sim_inode *dir)
{
	struct list_node *node;

	while ((node = list_first(&dir->now.list)))
		sim_table_remove(&dir->now, CONTAINER_OF(node, struct sim_entry, node)->name);
	for (node = list_first(&dir->durable.list); node;
	     node = list_next(&dir->durable.list, node)) {
		struct sim_entry *entry = CONTAINER_OF(node, struct sim_entry, node);

		sim_table_add(&dir->now, entry->name, entry->inode);
	}
}

void
sim_disk_power_cut(struct sim_world *world)
{
	struct list *inodes = &world->disk.inodes;
	struct list_node *node;
	struct sim_inode **all;
	size_t count = 0, i = 0;

	changes_power_cut(world);
	for (node = list_first(inodes); node; node = list_next(inodes, node))
		count++;
	/* Held meanwhile: what becomes of names may free them. */
	all = sim_take(world, count * sizeof(struct sim_inode *));
	for (node = list_first(inodes); node; node = list_next(inodes, node)) {
		all[i] = CONTAINER_OF(node, struct sim_inode, node);
		all[i++]->refs++;
	}
	for (i = 0; i < count; i++) {
		if (all[i]->is_dir)
			dir_power_cut(all[i]);
		else
			sim_inode_power_cut(all[i]);
	}
	for (i = 0; i < count; i++)
		sim_inode_unref(all[i]);
	free(all);
}

static struct sim_inode *
walk(const struct sim_world *world, const char *path, bool durable)
{
	struct sim_inode *inode = world->disk.root;
	char name[SIM_NAME_MAX + 1];

	while (inode && *path) {
		size_t len = strcspn(path, "/");

		if (len > SIM_NAME_MAX || !inode->is_dir)
			return NULL;
		memcpy(name, path, len);
		name[len] = 0;
		if (len && strcmp(name, ".") != 0)
			inode = sim_table_find(durable ? &inode->durable : &inode->now, name);
		path += len + (path[len] == '/');
	}
	return inode;
}

struct sim_inode *
sim_path(const struct sim_world *world, const char *path)
{
	return walk(world, path, false);
}

bool
sim_disk_durable(const struct sim_world *world, const char *path)
{
	const struct sim_inode *inode = walk(world, path, true);

	return inode && inode == sim_path(world, path) && inode->synced == inode->size &&
	       list_empty(&inode->holes);
}

/* Its folder, and where its last name begins. */
static struct sim_inode *
path_parent(const struct sim_world *world, const char *path, const char **ret_name)
{
	const char *slash = strrchr(path, '/');
	char parent[1024];
	size_t len = slash ? (size_t)(slash - path) : 0;

	ASSERT(len < sizeof(parent));
	memcpy(parent, path, len);
	parent[len] = 0;
	*ret_name = slash ? slash + 1 : path;
	return sim_path(world, parent);
}

static struct sim_inode *
place(struct sim_world *world, const char *path, bool is_dir)
{
	const char *name;
	struct sim_inode *dir = path_parent(world, path, &name);
	struct sim_inode *inode = sim_path(world, path);

	ASSERT(dir);
	if (inode)
		return inode;
	inode = sim_inode_make(world, is_dir);
	sim_table_add(&dir->now, name, inode);
	sim_table_add(&dir->durable, name, inode);
	sim_inode_unref(inode);
	return inode;
}

void
sim_disk_mkdir(struct sim_world *world, const char *path)
{
	(void)place(world, path, true);
}

void
sim_disk_put(struct sim_world *world, const char *path, struct slice bytes)
{
	struct sim_inode *inode = place(world, path, false);

	sim_inode_truncate(inode, 0);
	(void)sim_inode_write(inode, 0, bytes);
	sim_inode_sync(inode, inode->size);
}

int
sim_disk_get(const struct sim_world *world, const char *path, struct slice *ret_bytes)
{
	const struct sim_inode *inode = sim_path(world, path);

	if (!inode || inode->is_dir)
		return ERR_NOT_FOUND;
	*ret_bytes = slice_of(inode->data, inode->size);
	return 0;
}

void
sim_disk_each(const struct sim_world *world, const char *path, sim_disk_fn *fn, void *ctx)
{
	const struct sim_inode *dir = sim_path(world, path);
	struct list_node *node, *next;

	if (!dir)
		return;
	for (node = list_first(&dir->now.list); node; node = next) {
		struct sim_entry *entry = CONTAINER_OF(node, struct sim_entry, node);

		next = list_next(&dir->now.list, node);
		fn(ctx, entry->name, entry->inode->is_dir,
		   slice_of(entry->inode->data, entry->inode->size));
	}
}

static void
count_one(void *ctx, const char *name, bool is_dir, struct slice bytes)
{
	(void)name;
	(void)is_dir;
	(void)bytes;
	++*(size_t *)ctx;
}

size_t
sim_disk_count(const struct sim_world *world, const char *path)
{
	size_t count = 0;

	sim_disk_each(world, path, count_one, &count);
	return count;
}

void
sim_disk_remove(struct sim_world *world, const char *path)
{
	const char *name;
	struct sim_inode *dir = path_parent(world, path, &name);

	if (!dir)
		return;
	sim_table_remove(&dir->now, name);
	sim_table_remove(&dir->durable, name);
}

void
sim_disk_bad(struct sim_world *world, const char *path, uint64_t offset, uint64_t len)
{
	struct sim_inode *inode = sim_path(world, path);
	struct sim_range *bad;
	struct list_node *node;

	if (!inode)
		return;
	if (len == 0) {
		while ((node = list_pop_front(&inode->bad)))
			free(CONTAINER_OF(node, struct sim_range, node));
		return;
	}
	bad = sim_take(world, sizeof(*bad));
	bad->from = offset;
	bad->to = offset + len;
	list_push_back(&inode->bad, &bad->node);
}

void
sim_disk_garble(struct sim_world *world, const char *path, uint64_t offset, uint64_t len)
{
	struct sim_inode *inode = sim_path(world, path);

	for (uint64_t i = offset; inode && i < offset + len && i < inode->size; i++)
		inode->data[i] = (uint8_t)prng_next(&world->prng);
}

uint64_t
sim_disk_used(const struct sim_world *world)
{
	return world->disk.used_bytes;
}

void
sim_disk_set_size(struct sim_world *world, uint64_t bytes)
{
	world->disk.size_bytes = bytes;
}

uint64_t
sim_disk_syncs(const struct sim_world *world)
{
	return world->disk.syncs;
}

void
sim_disk_full(struct sim_world *world, bool full)
{
	world->disk.full = full;
}
