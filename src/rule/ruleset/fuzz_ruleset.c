/*
 * Fuzz target for the compiler of rules: any text gives a set or an error with a place; a set
 * answers any reply, with words of it, and a check of it ends.
 */
#include <string.h>

#include "base/fuzz.h"
#include "base/test_mem.h"
#include "rule/ruleset/compile.h"

FUZZ(input)
{
	static struct ruleset_check work;
	struct test_mem mem = TEST_MEM_INIT;
	struct ruleset_error error = {0};
	struct ruleset_source *source;
	struct slice rest = input, reply = slice_cut(&rest, 0);
	struct ruleset_file file = {SLICE("1-x.rules"), rest, 1, input.len % 2 == 0};
	const struct facts_given given = {.stage = VERDICT_STAGE_MAX};
	struct slice parts[MATCH_EVIDENCE_MAX];
	struct arena arena;
	struct ruleset set;
	size_t index, count;
	int err;

	arena_init(&arena, &mem.mem, RULESET_ARENA_MAX);
	err = ruleset_compile(&arena, (struct ruleset_files){&file, 1}, &set, &source, &error);
	ASSERT(err != ERR_SYNTAX || (error.len && error.column >= 1));
	if (!err) {
		memset(&work, 0, offsetof(struct ruleset_check, match));
		while (ruleset_check(source, &work))
			ASSERT(error.line > 0);
		facts_read(reply, &given, &work.facts);
		match_find(&work.match, &set, &work.facts);
		index = match_next(&work.match, 0);
		ASSERT(index <= set.rule_count);
		count = index < set.rule_count ? match_evidence(&work.match, index, parts) : 0;
		for (size_t i = 0; i < count; i++) {
			ASSERT(parts[i].len <= MATCH_EVIDENCE_BYTES_MAX);
			ASSERT(slice_find(reply, parts[i]) < reply.len);
		}
	}
	arena_finish(&arena);
}
