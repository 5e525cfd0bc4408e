/*
 * Fuzz target for explain and letter: any reply at any stage gets a cause, evidence that lies in
 * the reply, and a letter whose lines are harmless.
 */
#include "base/fuzz.h"
#include "rule/explain/explain.h"
#include "rule/explain/letter.h"
#include "wire/text/clean.h"
#include "wire/text/utf8.h"

static void
check_letter(struct slice text)
{
	struct slice line;
	uint32_t code;

	ASSERT(slice_ends_nocase(text, SLICE("\r\n")));
	while (clean_line_next(&text, &line)) {
		while (line.len) {
			ASSERT(utf8_next(&line, &code));
			ASSERT(clean_code_is_plain(code));
		}
	}
}

FUZZ(input)
{
	static uint8_t out[DSN_LETTER_BYTES_MAX];
	struct cursor c;
	struct dsn_rcpt rcpt = {.attempts = 2};
	struct dsn_report report = {
		.host = SLICE("h.test"), .id = SLICE("1"), .rcpts = &rcpt, .rcpt_count = 1};
	struct verdict *v = &rcpt.verdict;
	struct slice known;
	struct builder b;

	cursor_init(&c, input);
	report.kind = cursor_u8(&c) % DSN_KIND_MAX;
	rcpt.action = cursor_u8(&c) % DSN_ACTION_MAX;
	rcpt.expired = cursor_u8(&c) & 1;
	v->class = cursor_u8(&c) % VERDICT_CLASS_MAX;
	v->stage = cursor_u8(&c) % VERDICT_STAGE_MAX;
	v->code = cursor_u16(&c);
	v->status = (struct verdict_status){cursor_u8(&c), cursor_u8(&c), cursor_u8(&c)};
	rcpt.address = cursor_bytes(&c, cursor_u8(&c));
	v->host = cursor_bytes(&c, cursor_u8(&c));
	known = cursor_bytes(&c, cursor_u8(&c));
	v->evidence = c.err ? SLICE_EMPTY : known;
	v->reply = c.err ? SLICE_EMPTY : c.rest;
	explain_verdict(v);
	ASSERT(cause_row(v->cause) && v->action < VERDICT_ACTION_MAX);
	if (v->evidence.len && !known.len)
		ASSERT(v->evidence.data >= v->reply.data &&
		       v->evidence.data + v->evidence.len <= v->reply.data + v->reply.len);
	builder_init_fixed(&b, out, sizeof(out));
	letter_build(&b, &report);
	ASSERT(!b.failed);
	check_letter(builder_slice(&b));
}
