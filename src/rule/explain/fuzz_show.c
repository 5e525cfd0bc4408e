/*
 * Fuzz target for facts and show: any text at any stage gets a cause, and both forms of it are
 * UTF-8, harmless to a terminal, and within their limit.
 */
#include "base/fuzz.h"
#include "rule/explain/show.h"
#include "wire/text/clean.h"
#include "wire/text/utf8.h"

static void
check_plain(struct slice text)
{
	uint32_t code;

	while (text.len) {
		ASSERT(utf8_next(&text, &code));
		ASSERT(code == '\n' || clean_code_is_plain(code));
	}
}

FUZZ(input)
{
	static struct explained explained;
	static struct match work;
	static uint8_t out[EXPLAIN_SHOWN_MAX];
	struct facts_given given = {0};
	const struct verdict *v = &explained.facts.verdict;
	struct json_writer w;
	struct builder b;
	struct cursor c;

	cursor_init(&c, input);
	given.stage = cursor_u8(&c) % (VERDICT_STAGE_MAX + 1);
	given.host = cursor_bytes(&c, cursor_u8(&c) % 16);
	explain_read(c.rest, &given, explain_builtin(), &work, &explained);
	ASSERT(cause_row(v->cause) && v->action < VERDICT_ACTION_MAX);
	ASSERT(v->stage < VERDICT_STAGE_MAX && v->code >= 200 && v->code <= 599);
	builder_init_fixed(&b, out, sizeof(out));
	json_init(&w, &b);
	explain_show_json(&w, &explained, SLICE_EMPTY);
	ASSERT(!b.failed);
	check_plain(builder_slice(&b));
	builder_clear(&b);
	explain_show_text(&b, &explained, SLICE_EMPTY);
	ASSERT(!b.failed);
	check_plain(builder_slice(&b));
}
