/*
 * arena: memory for what dies together (a transaction, a DNS answer, a request), with one cap.
 *
 * Blocks come from a struct mem. At its cap an arena answers NULL from then on until reset
 * (failed stays set), so that code on top of it checks once, at the end. Pointers into an arena
 * never outlive it and are never kept in a longer-lived struct.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/mem.h"
#include "base/slice.h"

struct arena_block;

struct arena {
	struct mem *mem;
	struct arena_block *blocks; /* newest first */
	size_t used_bytes;	    /* handed out, with alignment */
	size_t cap_bytes;
	bool failed;
};

/* Takes no memory yet. cap_bytes counts what is handed out. */
void arena_init(struct arena *arena, struct mem *mem, size_t cap_bytes);
/* Gives all memory back; the arena may be used again. */
void arena_finish(struct arena *arena);
/* As finish, but keeps one block for the next use. */
void arena_reset(struct arena *arena);

/* size zeroed bytes aligned to 16, or NULL (sticky) at the cap or when memory is out. */
void *arena_alloc(struct arena *arena, size_t size) __attribute__((warn_unused_result));
/* A copy of s that lives as long as the arena; {NULL,0} and failed set when there is no room. */
struct slice arena_keep(struct arena *arena, struct slice s);

#define ARENA_NEW(arena, type) ((type *)arena_alloc((arena), sizeof(type)))

#endif
