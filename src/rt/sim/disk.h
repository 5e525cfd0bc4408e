/*
 * sim/disk: what lies on the simulated disk, for those who prepare and examine it. Paths begin at
 * the root, "/spool/segments". What is put here is durable at once.
 *
 * A file has bytes that are durable and bytes that are not; a name is durable once its folder was
 * synced. A power cut keeps the former and, by the seed, some of the latter.
 */
#ifndef RT_SIM_DISK_H
#define RT_SIM_DISK_H

#include "base/slice.h"
#include "rt/sim/sim.h"

void sim_disk_mkdir(struct sim_world *world, const char *path);
void sim_disk_put(struct sim_world *world, const char *path, struct slice bytes);
/* ERR_NOT_FOUND. Valid until the file changes. */
int sim_disk_get(const struct sim_world *world, const char *path, struct slice *ret_bytes) MUST_USE;
/* Each entry of a folder in the order of making; nothing when there is no such folder. */
typedef void sim_disk_fn(void *ctx, const char *name, bool is_dir, struct slice bytes);
void sim_disk_each(const struct sim_world *world, const char *path, sim_disk_fn *fn, void *ctx);
/* Whether a power cut would leave it there, whole. */
bool sim_disk_durable(const struct sim_world *world, const char *path);
size_t sim_disk_count(const struct sim_world *world, const char *path);
void sim_disk_remove(struct sim_world *world, const char *path);

/* Reading these bytes answers EIO from now on; len 0 takes all such places away. */
void sim_disk_bad(struct sim_world *world, const char *path, uint64_t offset, uint64_t len);
/* These bytes become others, durably. */
void sim_disk_garble(struct sim_world *world, const char *path, uint64_t offset, uint64_t len);
uint64_t sim_disk_used(const struct sim_world *world);
void sim_disk_set_size(struct sim_world *world, uint64_t bytes);
/* How many syncs were done. */
uint64_t sim_disk_syncs(const struct sim_world *world);

#endif
