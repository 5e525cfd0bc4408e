/* bounce: any bytes as a mail. What comes out is bounded, is text, and says something. */
#include "base/fuzz.h"

#include "wire/bounce/bounce.h"
#include "wire/text/utf8.h"

static void
check_rcpt(const struct bounce_rcpt *rcpt)
{
	ASSERT(rcpt->recipient.len <= BOUNCE_ADDRESS_MAX && utf8_is_valid(rcpt->recipient));
	ASSERT(rcpt->reply.len <= BOUNCE_REPLY_MAX && utf8_is_valid(rcpt->reply));
	ASSERT(rcpt->remote_host.len <= VERDICT_HOST_MAX && utf8_is_valid(rcpt->remote_host));
	ASSERT(rcpt->code == 0 || (rcpt->code >= 200 && rcpt->code < 600));
	ASSERT(rcpt->action < BOUNCE_ACTION_MAX);
	ASSERT(!rcpt->command.len || bounce_command_stage(rcpt->command) != VERDICT_STAGE_MAX);
}

FUZZ(input)
{
	static struct bounce bounce;
	struct test_mem mem = TEST_MEM_INIT;
	uint8_t *lines = malloc(input.len + 1);
	struct arena arena;
	struct builder b;

	arena_init(&arena, &mem.mem, BOUNCE_ARENA_BYTES);
	builder_init_fixed(&b, lines, input.len + 1);
	mime_lines(&b, input);
	ASSERT(bounce_read(builder_slice(&b), NULL, &arena, &bounce));
	ASSERT(bounce.kind < BOUNCE_KIND_MAX && bounce.rcpt_count <= BOUNCE_RCPTS_MAX);
	ASSERT((bounce.kind == BOUNCE_NONE) == (bounce.rcpt_count == 0));
	for (size_t i = 0; i < bounce.rcpt_count; i++)
		check_rcpt(&bounce.rcpts[i]);
	arena_finish(&arena);
	free(lines);
}
