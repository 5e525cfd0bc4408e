/*
 * map: intrusive hash map with a keyed hash (SipHash-1-3), since keys are chosen by attackers.
 *
 * The owner embeds struct map_node and says by a match function whether a node has a key. Growth
 * moves a few buckets per operation, so that no insert takes long. Nodes are never owned.
 */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include "base/err.h"
#include "base/mem.h"
#include "base/slice.h"

struct map_node {
	struct map_node *next;
	uint64_t hash;
};

struct map_table {
	struct map_node **buckets;
	size_t size; /* power of two, or 0 */
};

struct map {
	struct mem *mem;
	struct map_table now, old; /* old is being emptied while moved < old.size */
	size_t moved;
	size_t any_from; /* buckets of now before it are empty */
	size_t count;
	uint64_t key[2];
};

typedef bool map_match_fn(const struct map_node *node, struct slice key);

/* key: 16 random bytes from rt. */
void map_init(struct map *map, struct mem *mem, const uint64_t key[2]);
/* Gives the buckets back; the nodes are the owner's matter. */
void map_finish(struct map *map);

uint64_t map_hash(const struct map *map, struct slice key);
/* The node that matches, or NULL. */
struct map_node *map_find(struct map *map, struct slice key, map_match_fn *match);
/* Inserts without looking for an equal one. ERR_NO_MEMORY changes nothing. */
int map_insert(struct map *map, struct map_node *node, struct slice key) MUST_USE;
/* The node must be in the map. */
void map_remove(struct map *map, struct map_node *node);
/* Any node, or NULL when empty: to take a map apart. */
struct map_node *map_any(struct map *map);

/* Key for integers: their bytes. */
#define MAP_KEY(variable) slice_of(&(variable), sizeof(variable))

uint64_t siphash(const uint64_t key[2], struct slice input);

#endif
