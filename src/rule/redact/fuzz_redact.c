/*
 * Fuzz target for redact: any bytes give a text within its limit in which every at sign is one of
 * ours, no byte is a control, and no address of the input is left.
 */
#include "base/fuzz.h"
#include "rule/redact/redact.h"

static void
check_signs(struct slice text)
{
	for (size_t at = slice_index(text, '@'); at < text.len; at = slice_index(text, '@')) {
		text = slice_from(text, at + 1);
		ASSERT(slice_starts(text, SLICE("domain-")) ||
		       slice_starts(text, SLICE("id.invalid>")));
	}
}

FUZZ(input)
{
	struct test_mem mem = TEST_MEM_INIT;
	struct arena arena;
	struct slice text;

	arena_init(&arena, &mem.mem, REDACT_ARENA_BYTES);
	ASSERT(redact_mail(input, NULL, &arena, &text) == 0);
	check_signs(text);
	for (size_t i = 0; i < text.len; i++)
		ASSERT(text.data[i] >= ' ' || text.data[i] == '\n' || text.data[i] == '\t');
	arena_finish(&arena);
	ASSERT(mem.taken == mem.given);
}
