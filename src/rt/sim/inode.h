/*
 * sim/inode: files, folders and names, with what of them is durable. Private to this folder.
 */
#ifndef RT_SIM_INODE_H
#define RT_SIM_INODE_H

#include <sys/types.h>

#include "base/assert.h"
#include "base/map.h"
#include "rt/sim/disk.h"

#define SIM_NAME_MAX 255

struct sim_desc;

/* A file or folder, as the kernel has it. */
struct sim_range {
	struct list_node node;
	uint64_t from, to;
};

struct sim_entry {
	struct map_node in_map;
	struct list_node node;
	struct sim_inode *inode;
	char name[SIM_NAME_MAX + 1];
};

struct sim_table { /* names of a folder */
	struct map map;
	struct list list;
};

struct sim_inode {
	struct list_node node;
	struct sim_world *world;
	unsigned refs; /* names, descriptions, changes that wait */
	bool is_dir;
	uint64_t number;
	uint8_t *data;
	size_t size, cap;
	size_t synced;	   /* bytes before it were synced, or lost by a sync that failed */
	struct list holes; /* of them lost: struct sim_range */
	struct list bad;   /* cannot be read */
	int64_t changed_ms;
	struct sim_desc *lock;
	struct sim_table now, durable; /* of a folder */
};

/* Something about names that is not yet durable. */
enum sim_change_kind { SIM_CHANGE_LINK, SIM_CHANGE_UNLINK, SIM_CHANGE_RENAME };
struct sim_change {
	struct list_node node;
	enum sim_change_kind kind;
	struct sim_inode *dir, *to_dir, *inode;
	char name[SIM_NAME_MAX + 1], to_name[SIM_NAME_MAX + 1];
};

struct sim_disk {
	struct sim_inode *root;
	struct list inodes;
	struct list changes;
	uint64_t used_bytes, size_bytes, next_number, syncs;
	bool full;
};

/* inode.c, disk.c */
void sim_disk_init(struct sim_world *world);
void sim_disk_finish(struct sim_world *world);
struct sim_inode *sim_inode_make(struct sim_world *world, bool is_dir);
void sim_inode_unref(struct sim_inode *inode);
struct sim_inode *sim_table_find(struct sim_table *table, const char *name);
void sim_table_add(struct sim_table *table, const char *name, struct sim_inode *inode);
void sim_table_remove(struct sim_table *table, const char *name);
/* Answers the bytes that went in; fewer when the disk is full. */
size_t sim_inode_write(struct sim_inode *inode, uint64_t offset, struct slice bytes);
void sim_inode_truncate(struct sim_inode *inode, uint64_t size);
/* How many of these bytes come before one that cannot be read. */
size_t sim_inode_good(const struct sim_inode *inode, uint64_t offset, size_t len);
ssize_t sim_inode_read(struct sim_inode *inode, void *buf, size_t len, uint64_t offset);
void sim_inode_sync(struct sim_inode *inode, size_t to);
/* What was to be synced is lost, and the next sync will succeed. */
void sim_inode_sync_fail(struct sim_inode *inode);
void sim_inode_power_cut(struct sim_inode *inode);
void sim_dir_change(struct sim_world *world, const struct sim_change *change);
void sim_dir_sync(struct sim_world *world, struct sim_inode *dir); /* NULL: all */
void sim_disk_power_cut(struct sim_world *world);
struct sim_inode *sim_path(const struct sim_world *world, const char *path);

#endif
