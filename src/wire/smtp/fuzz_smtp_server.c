/*
 * Fuzz target for the SMTP server machine: the first bytes choose options, cuts and answers, the
 * rest is what a client says. Whatever it says: every reply is well formed and its status fits, a
 * message has the bytes and size that were announced, nothing leaks, and the machine closes once.
 */
#include "base/fuzz.h"
#include "wire/smtp/server_impl.h"

struct session {
	struct smtp_server s;
	struct test_mem mem;
	uint64_t now_ms, body_size;
	uint8_t answers;
	bool closed;
};

static const struct smtp_server_options options[] = {
	{.hostname = SLICE("mx.test"),
	 .starttls = true,
	 .size_max = 200,
	 .header_max = 100,
	 .line_max = 50,
	 .received_max = 2,
	 .recipients_max = 2,
	 .mails_max = 5,
	 .commands_max = 200,
	 .errors_max = 100,
	 .command_ms = 1000,
	 .login_ms = 500,
	 .data_ms = 1000,
	 .message_ms = 5000},
	{.hostname = SLICE("mx.test"),
	 .auth_mechanisms = SLICE("PLAIN LOGIN"),
	 .auth_mechanisms_plus = SLICE("X-PLUS"),
	 .logins_max = 3},
};

/* Lines of code, separator, and a status of the same class but where there is none. */
static void
check_reply(struct slice out)
{
	while (out.len) {
		size_t end = slice_find(out, SLICE("\r\n"));
		struct slice line = slice_sub(out, 0, end);

		ASSERT(end < out.len && line.len >= 4 && line.len <= 510);
		ASSERT(line.data[0] >= '2' && line.data[0] <= '5');
		ASSERT(ascii_is_digit(line.data[1]) && ascii_is_digit(line.data[2]));
		ASSERT(line.data[3] == ' ' || line.data[3] == '-');
		if (line.data[0] >= '4')
			ASSERT(line.data[4] == line.data[0] && line.data[5] == '.');
		out = slice_from(out, end + 2);
	}
}

static void
flush(struct session *f)
{
	struct slice out = smtp_server_output(&f->s);

	check_reply(out);
	smtp_server_sent(&f->s, out.len, f->now_ms);
}

static void
answer(struct session *f, enum smtp_server_event_kind kind)
{
	static const uint16_t good[] = {
		[SMTP_SERVER_CONNECT] = 220,	   [SMTP_SERVER_HELLO] = 250,
		[SMTP_SERVER_STARTTLS] = 220,	   [SMTP_SERVER_AUTH] = 334,
		[SMTP_SERVER_AUTH_RESPONSE] = 235, [SMTP_SERVER_MAIL] = 250,
		[SMTP_SERVER_RCPT] = 250,	   [SMTP_SERVER_DATA] = 354,
		[SMTP_SERVER_MESSAGE] = 250,
	};
	struct smtp_answer a = {.code = good[kind], .text = SLICE("a\nb")};
	bool bad = kind != SMTP_SERVER_CONNECT && (f->answers & 7) == 7;

	f->answers = (uint8_t)(f->answers << 1 | f->answers >> 7);
	if (bad)
		a = (struct smtp_answer){550, "5.0.0", SLICE("no"), false};
	else if (a.code != 334 && a.code != 354)
		a.status = a.code == 220 && kind == SMTP_SERVER_CONNECT ? NULL : "2.0.0";
	smtp_server_answer(&f->s, &a, f->now_ms);
}

static void
handle(struct session *f, const struct smtp_server_event *event)
{
	ASSERT(!f->closed);
	if (event->kind == SMTP_SERVER_BODY) {
		ASSERT(event->bytes.len > 0);
		f->body_size += event->bytes.len;
	}
	if (event->kind == SMTP_SERVER_MESSAGE) {
		ASSERT(event->data->size == f->body_size);
		ASSERT(!(event->data->flags & SMTP_DATA_FLAWS));
	}
	if (event->kind == SMTP_SERVER_DATA || event->kind == SMTP_SERVER_RESET ||
	    event->kind == SMTP_SERVER_MESSAGE)
		f->body_size = 0;
	if (event->kind == SMTP_SERVER_CLOSE)
		f->closed = true;
}

static void
pull(struct session *f)
{
	struct smtp_server_event event;

	while (smtp_server_next(&f->s, &event)) {
		handle(f, &event);
		if (smtp_server_is_waiting(&f->s) && event.kind <= SMTP_SERVER_MESSAGE)
			answer(f, event.kind);
		flush(f);
		if (f->s.state == STATE_TLS)
			smtp_server_tls_started(&f->s, f->answers & 1);
	}
	flush(f);
}

FUZZ(input)
{
	struct session f = {.mem = TEST_MEM_INIT};
	size_t step;

	if (input.len < 3)
		return;
	step = 1 + input.data[1] % 64;
	f.answers = input.data[2];
	f.mem.fail_at = input.data[1] / 64 == 3 ? 1 + input.data[0] / 2 : 0;
	smtp_server_init(&f.s, &f.mem.mem, &options[input.data[0] & 1], 0);
	if (input.data[0] & 1)
		smtp_server_tls_started(&f.s, true);
	pull(&f);
	for (size_t at = 3; at < input.len && !f.closed; at += step) {
		struct slice piece = slice_sub(input, at, step);

		f.now_ms += piece.data[0] / 16;
		ASSERT(smtp_server_room(&f.s) >= piece.len);
		smtp_server_feed(&f.s, piece, f.now_ms);
		pull(&f);
		smtp_server_tick(&f.s, f.now_ms);
		pull(&f);
	}
	smtp_server_finish(&f.s);
	ASSERT(f.mem.taken == f.mem.given);
}
