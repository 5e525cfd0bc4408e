/*
 * map: two bucket arrays while growing. Every insert and remove moves MAP_MOVE_STEP buckets of the
 * old array, so the old one is empty long before the new one is full. SipHash-1-3 after Aumasson
 * and Bernstein's description.
 */
#include "base/map.h"

#include <string.h>

#include "base/assert.h"

#define MAP_FIRST_SIZE ((size_t)16)
#define MAP_MOVE_STEP ((size_t)8)

static inline uint64_t
rotate(uint64_t x, unsigned bits)
{
	return x << bits | x >> (64 - bits);
}

static inline void
sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotate(v[1], 13) ^ v[0];
	v[0] = rotate(v[0], 32);
	v[2] += v[3];
	v[3] = rotate(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotate(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotate(v[1], 17) ^ v[2];
	v[2] = rotate(v[2], 32);
}

uint64_t
siphash(const uint64_t key[2], struct slice input)
{
	uint64_t v[4] = {key[0] ^ 0x736f6d6570736575u, key[1] ^ 0x646f72616e646f6du,
			 key[0] ^ 0x6c7967656e657261u, key[1] ^ 0x7465646279746573u};
	uint64_t word;

	for (size_t at = 0;; at += 8) {
		size_t left = input.len - at;

		word = left < 8 ? (uint64_t)(input.len & 0xff) << 56 : 0;
		for (size_t i = 0; i < left && i < 8; i++)
			word |= (uint64_t)input.data[at + i] << (8 * i);
		v[3] ^= word;
		sip_round(v);
		v[0] ^= word;
		if (left < 8)
			break;
	}
	v[2] ^= 0xff;
	for (int i = 0; i < 3; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

void
map_init(struct map *map, struct mem *mem, const uint64_t key[2])
{
	*map = (struct map){.mem = mem, .key = {key[0], key[1]}};
}

static void
map_table_give(struct map *map, struct map_table *table)
{
	mem_give(map->mem, table->buckets, table->size * sizeof(*table->buckets));
	*table = (struct map_table){0};
}

void
map_finish(struct map *map)
{
	if (!map->mem)
		return;
	map_table_give(map, &map->now);
	map_table_give(map, &map->old);
	map->count = 0;
}

uint64_t
map_hash(const struct map *map, struct slice key)
{
	return siphash(map->key, key);
}

static struct map_node **
map_bucket(struct map *map, uint64_t hash)
{
	if (map->old.size && (hash & (map->old.size - 1)) >= map->moved)
		return &map->old.buckets[hash & (map->old.size - 1)];
	return &map->now.buckets[hash & (map->now.size - 1)];
}

static void
map_move_some(struct map *map)
{
	if (!map->old.size)
		return;
	map->any_from = 0;
	for (size_t i = 0; i < MAP_MOVE_STEP && map->moved < map->old.size; i++) {
		struct map_node *node = map->old.buckets[map->moved++];

		while (node) {
			struct map_node *next = node->next;
			struct map_node **to = &map->now.buckets[node->hash & (map->now.size - 1)];

			node->next = *to;
			*to = node;
			node = next;
		}
	}
	if (map->moved == map->old.size)
		map_table_give(map, &map->old);
}

static int
map_grow(struct map *map)
{
	size_t size = map->now.size ? map->now.size * 2 : MAP_FIRST_SIZE;
	struct map_node **buckets;

	if (map->count < map->now.size || map->old.size)
		return 0;
	buckets = mem_take_array(map->mem, size, sizeof(*buckets));
	if (!buckets)
		return map->now.size ? 0 : ERR_NO_MEMORY; /* fuller buckets still work */
	map->old = map->now;
	map->moved = 0;
	map->now = (struct map_table){buckets, size};
	return 0;
}

struct map_node *
map_find(struct map *map, struct slice key, map_match_fn *match)
{
	uint64_t hash;

	if (!map->now.size)
		return NULL;
	hash = map_hash(map, key);
	for (struct map_node *node = *map_bucket(map, hash); node; node = node->next)
		if (node->hash == hash && match(node, key))
			return node;
	return NULL;
}

int
map_insert(struct map *map, struct map_node *node, struct slice key)
{
	struct map_node **bucket;
	int err = map_grow(map);

	if (err)
		return err;
	map_move_some(map);
	node->hash = map_hash(map, key);
	bucket = map_bucket(map, node->hash);
	node->next = *bucket;
	*bucket = node;
	map->any_from = 0;
	map->count++;
	return 0;
}

void
map_remove(struct map *map, struct map_node *node)
{
	struct map_node **link;

	ASSERT(map->now.size);
	for (link = map_bucket(map, node->hash); *link; link = &(*link)->next) {
		if (*link == node) {
			*link = node->next;
			node->next = NULL;
			map->count--;
			map_move_some(map);
			return;
		}
	}
	ASSERT_UNREACHABLE();
}

/* The first bucket from index on that is not empty, or the table's size. */
static size_t
map_table_any(const struct map_table *table, size_t index)
{
	while (index < table->size && !table->buckets[index])
		index++;
	return index;
}

struct map_node *
map_any(struct map *map)
{
	size_t index;

	map->any_from = map_table_any(&map->now, map->any_from);
	if (map->any_from < map->now.size)
		return map->now.buckets[map->any_from];
	index = map_table_any(&map->old, map->moved);
	return index < map->old.size ? map->old.buckets[index] : NULL;
}
