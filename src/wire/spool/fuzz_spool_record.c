/*
 * Any bytes as a segment: scanning ends, goes forward and never reads beyond; and as meta, where
 * what decodes must encode to the same bytes.
 */
#include "base/fuzz.h"
#include "wire/spool/record.h"

#define ARENA_BYTES ((size_t)4 << 20)

static void
meta_one(struct slice input)
{
	struct test_mem mem = TEST_MEM_INIT;
	struct spool_accept accept;
	struct arena arena;
	struct builder b;

	arena_init(&arena, &mem.mem, ARENA_BYTES);
	if (spool_meta_decode(&arena, input, 1, &accept) == 0) {
		builder_init_arena(&b, &arena, SPOOL_META_MAX);
		spool_meta_encode(&b, &accept);
		ASSERT(!b.failed && slice_eq(builder_slice(&b), input));
	}
	arena_finish(&arena);
	ASSERT(mem.taken == mem.given);
}

FUZZ(input)
{
	struct spool_file_head head;
	struct spool_found found;
	uint64_t offset;
	size_t count;

	meta_one(input);
	if (spool_trailer_decode(input, &offset) == 0)
		ASSERT(offset % SPOOL_ALIGN == 0);
	if (spool_file_head_decode(input, &head) == 0)
		input = slice_from(input, SPOOL_FILE_HEAD_BYTES);
	while (spool_scan(input, 0, true, &found) > 0) {
		ASSERT(found.record.len >= SPOOL_HEAD_BYTES);
		meta_one(spool_record_meta(&found));
		if (spool_seal_decode(&found, &count) == 0 && count)
			(void)spool_seal_entry_at(&found, count - 1);
		input = slice_from(input, found.skipped + found.record.len);
	}
	ASSERT(found.skipped == input.len);
}
