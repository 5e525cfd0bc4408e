/*
 * arena: a list of blocks, each at least ARENA_BLOCK_BYTES, filled from the front. A request that
 * does not fit into the newest block gets a new one; large requests get a block of their own size.
 */
#include "base/arena.h"

#include <string.h>

#include "base/assert.h"

#define ARENA_BLOCK_BYTES ((size_t)4096)
#define ARENA_ALIGN ((size_t)16)

struct arena_block {
	struct arena_block *next;
	size_t size; /* of the whole block, this header included */
	size_t used;
	size_t pad;
	uint8_t bytes[];
};

void
arena_init(struct arena *arena, struct mem *mem, size_t cap_bytes)
{
	*arena = (struct arena){.mem = mem, .cap_bytes = cap_bytes};
}

static void
arena_give_from(struct arena *arena, struct arena_block *block)
{
	while (block) {
		struct arena_block *next = block->next;

		mem_give(arena->mem, block, block->size);
		block = next;
	}
}

void
arena_finish(struct arena *arena)
{
	if (!arena->mem)
		return;
	arena_give_from(arena, arena->blocks);
	arena->blocks = NULL;
	arena->used_bytes = 0;
	arena->failed = false;
}

void
arena_reset(struct arena *arena)
{
	struct arena_block *keep = arena->blocks;

	if (keep) {
		arena_give_from(arena, keep->next);
		keep->next = NULL;
		memset(keep->bytes, 0, keep->used);
		keep->used = 0;
	}
	arena->used_bytes = 0;
	arena->failed = false;
}

static struct arena_block *
arena_grow(struct arena *arena, size_t size)
{
	size_t whole = sizeof(struct arena_block) + size;
	struct arena_block *block;

	if (whole < ARENA_BLOCK_BYTES)
		whole = ARENA_BLOCK_BYTES;
	block = mem_take(arena->mem, whole);
	if (!block)
		return NULL;
	block->size = whole;
	block->next = arena->blocks;
	arena->blocks = block;
	return block;
}

void *
arena_alloc(struct arena *arena, size_t size)
{
	struct arena_block *block = arena->blocks;
	uint8_t *bytes;

	if (arena->failed || size > arena->cap_bytes) {
		arena->failed = true;
		return NULL;
	}
	size = size ? (size + ARENA_ALIGN - 1) & ~(ARENA_ALIGN - 1) : ARENA_ALIGN;
	if (size > arena->cap_bytes - arena->used_bytes) {
		arena->failed = true;
		return NULL;
	}
	if (!block || size > block->size - sizeof(*block) - block->used)
		block = arena_grow(arena, size);
	if (!block) {
		arena->failed = true;
		return NULL;
	}
	ASSERT(block->used + size <= block->size - sizeof(*block));
	bytes = block->bytes + block->used;
	block->used += size;
	arena->used_bytes += size;
	return bytes;
}

struct slice
arena_keep(struct arena *arena, struct slice s)
{
	uint8_t *copy = arena_alloc(arena, s.len);

	if (!copy)
		return SLICE_EMPTY;
	if (s.len)
		memcpy(copy, s.data, s.len);
	return (struct slice){copy, s.len};
}
