/*
 * Fuzzes the client against a hostile server. The first byte chooses options; what follows is what
 * the server says, with 0xff and a byte for what else may happen (lost, timeout, a job, TLS done).
 * Whole and in single bytes must give the same events and the same commands; no command may hold a
 * control character; each recipient is settled at most once; after CLOSED no job is held.
 */
#include <string.h>

#include "base/builder.h"
#include "base/fuzz.h"
#include "wire/smtp/client.h"

#define FUZZ_JOBS_MAX 8
#define FUZZ_RCPTS_MAX 4
#define FUZZ_LOG_MAX (1u << 20)

struct world {
	struct smtp_client client;
	struct smtp_client_options options;
	struct smtp_client_job jobs[FUZZ_JOBS_MAX];
	struct smtp_client_rcpt rcpts[FUZZ_JOBS_MAX][FUZZ_RCPTS_MAX];
	unsigned submitted, finished, settled[FUZZ_JOBS_MAX];
	bool tls_asked, closed, hold;
	size_t piece;
	uint64_t now_ms;
	struct builder log;
};

static void
job_submit(struct world *w)
{
	static const char *const addrs[FUZZ_RCPTS_MAX] = {"x@y.test", "z@y.test", "\xc3\xb6@y.test",
							  "q@z.test"};
	unsigned index = w->submitted;
	struct smtp_client_job *job = &w->jobs[index];

	if (index == FUZZ_JOBS_MAX || !smtp_client_can_submit(&w->client))
		return;
	w->submitted++;
	*job = (struct smtp_client_job){.sender = SLICE("a@me.test"),
					.envid = SLICE("QQ1"),
					.size = 1000,
					.size_min = 800,
					.eight_bit = index & 2,
					.utf8 = index == 5,
					.rcpts = w->rcpts[index],
					.rcpt_count = 1 + index % FUZZ_RCPTS_MAX};
	for (unsigned i = 0; i < job->rcpt_count; i++)
		job->rcpts[i] = (struct smtp_client_rcpt){.addr = slice_str(addrs[i]), .notify = 2};
	smtp_client_submit(&w->client, job, w->now_ms);
}

static void
event_check(struct world *w, const struct smtp_client_event *event)
{
	size_t job = event->job ? (size_t)(event->job - w->jobs) : 0;

	ASSERT(!w->closed && job < FUZZ_JOBS_MAX);
	builder_u8(&w->log, (uint8_t)event->kind);
	builder_u8(&w->log, (uint8_t)job);
	builder_u8(&w->log, (uint8_t)event->rcpt);
	builder_u8(&w->log, (uint8_t)event->stage);
	builder_u8(&w->log, (uint8_t)event->how);
	builder_blob(&w->log, event->reply ? smtp_reply_text(event->reply) : SLICE_EMPTY);
	if (event->kind == SMTP_CLIENT_CONTENT) {
		smtp_client_answer_content(&w->client, w->now_ms);
		if (!w->hold)
			smtp_client_content_out(&w->client, w->now_ms);
	}
	if (event->kind == SMTP_CLIENT_RESULT)
		w->settled[job]++;
	if (event->kind == SMTP_CLIENT_FINISHED) {
		w->finished++;
		ASSERT(w->settled[job] + smtp_client_job_open(event->job) ==
		       event->job->rcpt_count);
	}
	w->tls_asked |= event->kind == SMTP_CLIENT_TLS;
	w->closed |= event->kind == SMTP_CLIENT_CLOSED;
	ASSERT(!w->closed || w->finished == w->submitted);
}

static void
drain(struct world *w)
{
	struct smtp_client_event event;
	struct slice out;

	do {
		while (smtp_client_next(&w->client, &event) != SMTP_CLIENT_NONE)
			event_check(w, &event);
		out = smtp_client_output(&w->client);
		ASSERT(out.len < 2 || out.data[out.len - 1] == '\n');
		for (size_t i = 0; i < out.len; i++)
			ASSERT(out.data[i] >= 0x20 || out.data[i] == '\r' || out.data[i] == '\n');
		builder_add(&w->log, out);
		smtp_client_output_taken(&w->client, out.len, w->now_ms);
	} while (out.len);
}

static void
act(struct world *w, uint8_t what)
{
	if (what == 'l')
		smtp_client_lost(&w->client, w->now_ms);
	else if (what == 't')
		smtp_client_expire(&w->client, w->now_ms);
	else if (what == 'o')
		smtp_client_content_out(&w->client, w->now_ms);
	else if (what == 'j')
		job_submit(w);
	else if (what == 'q' && w->submitted == w->finished)
		smtp_client_quit(&w->client, w->now_ms);
	else if ((what == 'h' || what == 'H') && w->tls_asked)
		smtp_client_answer_tls(&w->client, what == 'H', w->now_ms);
	if (what == 'h' || what == 'H')
		w->tls_asked = false;
	drain(w);
}

static void
feed(struct world *w, struct slice input)
{
	while (input.len) {
		struct slice piece = slice_sub(input, 0, w->piece);
		size_t used = smtp_client_feed(&w->client, piece, w->now_ms);

		input = slice_from(input, used);
		drain(w);
		ASSERT(used > 0);
	}
}

static void
play(struct world *w, struct slice input, size_t piece)
{
	static uint8_t room[2][FUZZ_LOG_MAX];
	uint8_t options = input.len ? input.data[0] : 0;

	memset(w, 0, sizeof(*w));
	w->piece = piece;
	w->hold = options & 8;
	w->options.helo = SLICE("me.test");
	w->options.tls = options % 3;
	w->options.login_plain = options & 0x10;
	w->options.login = options & 0x20 ? SLICE("frank") : SLICE_EMPTY;
	w->options.password = SLICE("secret");
	smtp_client_limits_default(w->options.limit_ms);
	builder_init_fixed(&w->log, room[piece == 1], FUZZ_LOG_MAX);
	smtp_client_init(&w->client, &w->options, 0);
	for (unsigned i = 0; i < (options >> 6); i++)
		job_submit(w);
	drain(w);
	for (input = slice_from(input, 1); input.len;) {
		size_t at = slice_index(input, 0xff);

		feed(w, slice_sub(input, 0, at));
		if (at + 1 < input.len && !w->closed)
			act(w, input.data[at + 1]);
		w->now_ms += 10;
		(void)smtp_client_deadline(&w->client);
		input = slice_from(input, at + 2);
	}
}

FUZZ(input)
{
	static struct world whole, bytes;

	/* a longer one finds nothing more and could fill the log */
	if (input.len > 8192)
		return;
	play(&whole, input, SIZE_MAX);
	play(&bytes, input, 1);
	ASSERT(slice_eq(builder_slice(&whole.log), builder_slice(&bytes.log)));
}
