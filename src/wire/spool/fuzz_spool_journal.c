/*
 * Any bytes as the meta of a journal record of any kind; what decodes encodes to the same bytes,
 * but for a verdict of a newer catalogue, which is mapped to unknown.
 */
#include "base/fuzz.h"
#include "wire/spool/journal.h"

#define ARENA_BYTES ((size_t)8 << 20)

static bool
is_unknown(const struct journal_record *record)
{
	switch (record->kind) {
	case JOURNAL_RESULT:
		return record->u.result.verdict.cause == VERDICT_CAUSE_UNKNOWN;
	case JOURNAL_SUSPENDED:
		return record->u.suspended.verdict.cause == VERDICT_CAUSE_UNKNOWN;
	default:
		return false;
	}
}

FUZZ(input)
{
	struct test_mem mem = TEST_MEM_INIT;
	struct spool_head head = {.id = 1};
	struct journal_record record;
	struct arena arena;
	struct builder b;

	if (!input.len)
		return;
	head.kind = (uint8_t)(SPOOL_RECORD_JOURNAL_FIRST + input.data[0] % 16);
	input = slice_from(input, 1);
	if (journal_decode(&head, input, &record))
		return;
	ASSERT(record.kind == head.kind && journal_kind_str(record.kind)[0] != '?');
	arena_init(&arena, &mem.mem, ARENA_BYTES);
	builder_init_arena(&b, &arena, (size_t)4 << 20);
	journal_encode(&b, &record);
	ASSERT(!b.failed && b.len == input.len);
	if (!is_unknown(&record))
		ASSERT(slice_eq(builder_slice(&b), input));
	arena_finish(&arena);
}
