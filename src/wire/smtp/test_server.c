/*
 * smtp server: dialogues as a table. Each has segments, which a client sends without waiting in
 * between, and the transcript wanted: replies, and the events that the owner saw in brackets. Every
 * dialogue runs whole, byte by byte, and at random cuts, with answers at once and with answers
 * given only when a segment has been fed: all transcripts must be the same.
 */
#include "base/prng.h"
#include "base/test.h"
#include "wire/smtp/server.h"
#include "wire/smtp/server_impl.h"
#include "wire/smtp/test_server_words.h"

#define TRANSCRIPT_MAX 65536u

struct owner {
	struct smtp_server s;
	struct test_mem mem;
	struct builder out;
	uint8_t text[TRANSCRIPT_MAX];
	uint8_t body[TRANSCRIPT_MAX];
	size_t body_len;
	struct smtp_server_event asked;
	bool deferred, waiting, closed, no_room;
	bool deaf;	   /* the client reads nothing */
	uint8_t kept[512]; /* of the event asked, what an answer needs */
	size_t kept_len;
	uint64_t now_ms;
};

static void
say(struct owner *o, const char *string)
{
	builder_str(&o->out, string);
}

static void
say_address(struct owner *o, const struct smtp_address *address)
{
	smtp_address_build(&o->out, address);
	if (address->flags & SMTP_ADDRESS_SOURCE_ROUTE)
		say(o, " routed");
}

static void
say_mail(struct owner *o, const struct smtp_server_event *event)
{
	const struct smtp_mail_params *mail = &event->mail;

	say(o, "<MAIL ");
	say_address(o, &event->address);
	if (mail->has_size) {
		say(o, " size=");
		builder_dec(&o->out, mail->size);
	}
	say(o, mail->body == SMTP_BODY_8BITMIME ? " 8bit" : "");
	say(o, mail->utf8 ? " utf8" : "");
	say(o, mail->ret == SMTP_RET_HDRS ? " hdrs" : "");
	if (mail->envid.len) {
		say(o, " envid=");
		builder_add(&o->out, mail->envid);
	}
	say(o, ">\n");
}

static void
say_rcpt(struct owner *o, const struct smtp_server_event *event)
{
	o->no_room = slice_eq(event->address.local, SLICE("full"));
	say(o, "<RCPT ");
	say_address(o, &event->address);
	if (event->rcpt.notify) {
		say(o, " notify=");
		builder_dec(&o->out, event->rcpt.notify);
	}
	if (event->rcpt.orcpt.len) {
		say(o, " orcpt=");
		builder_add(&o->out, event->rcpt.orcpt);
	}
	say(o, ">\n");
}

static void
say_message(struct owner *o, const struct smtp_server_event *event)
{
	say(o, "<MESSAGE ");
	builder_bytes(&o->out, o->body, o->body_len);
	if (event->data->flags & SMTP_DATA_NO_FINAL_CRLF)
		say(o, "added CRLF");
	say(o, event->chunking ? "by BDAT>\n" : ">\n");
	assert_int_equal(event->data->size, o->body_len);
	o->body_len = 0;
}

static void
say_bytes(struct owner *o, const char *what, const struct smtp_server_event *event)
{
	say(o, what);
	builder_add(&o->out, event->name);
	say(o, event->has_bytes ? " '" : "");
	for (size_t i = 0; i < event->bytes.len; i++)
		builder_byte(&o->out, event->bytes.data[i] ? event->bytes.data[i] : '~');
	say(o, event->has_bytes ? "'>\n" : ">\n");
}

static void
keep_answer_input(struct owner *o, const struct smtp_server_event *event)
{
	struct slice what =
		event->kind == SMTP_SERVER_AUTH && !event->has_bytes ? event->name : event->bytes;

	if (event->kind == SMTP_SERVER_MAIL || event->kind == SMTP_SERVER_RCPT)
		what = event->address.local;
	assert_true(what.len < sizeof(o->kept));
	if (what.len)
		memcpy(o->kept, what.data, what.len);
	o->kept_len = what.len;
}

static void
handle(struct owner *o, const struct smtp_server_event *event)
{
	switch (event->kind) {
	case SMTP_SERVER_HELLO:
		say(o, event->esmtp ? "<EHLO " : "<HELO ");
		builder_add(&o->out, event->name);
		say(o, ">\n");
		break;
	case SMTP_SERVER_STARTTLS:
		say(o, "<STARTTLS>\n");
		break;
	case SMTP_SERVER_AUTH:
		say_bytes(o, "<AUTH ", event);
		break;
	case SMTP_SERVER_AUTH_RESPONSE:
		say_bytes(o, "<RESPONSE", event);
		break;
	case SMTP_SERVER_AUTH_END:
		say(o, "<AUTH END>\n");
		break;
	case SMTP_SERVER_MAIL:
		say_mail(o, event);
		break;
	case SMTP_SERVER_RCPT:
		say_rcpt(o, event);
		break;
	case SMTP_SERVER_BODY:
		assert_true(event->bytes.len > 0 &&
			    event->bytes.len < TRANSCRIPT_MAX - o->body_len);
		memcpy(o->body + o->body_len, event->bytes.data, event->bytes.len);
		o->body_len += event->bytes.len;
		break;
	case SMTP_SERVER_MESSAGE:
		say_message(o, event);
		break;
	case SMTP_SERVER_RESET:
		say(o, "<RESET>\n");
		o->body_len = 0;
		break;
	case SMTP_SERVER_REFUSED:
		say(o, "<refused ");
		say(o, smtp_refusal_str(event->refused));
		say(o, ">\n");
		break;
	case SMTP_SERVER_CLOSE:
		say(o, "<CLOSE>\n");
		o->closed = true;
		break;
	default:
		break;
	}
}

static bool
kept_is(const struct owner *o, const char *string)
{
	return slice_eq(slice_of(o->kept, o->kept_len), slice_str(string));
}

/* What the owner decides: by the kind of question and a few well-known words. */
static struct smtp_answer
decide(const struct owner *o)
{
	switch (o->asked.kind) {
	case SMTP_SERVER_CONNECT:
		return (struct smtp_answer){.code = 220};
	case SMTP_SERVER_STARTTLS:
		return (struct smtp_answer){.code = 220, .status = "2.0.0", .text = SLICE("Go")};
	case SMTP_SERVER_DATA:
		if (o->no_room)
			return (struct smtp_answer){452, "4.3.1", SLICE("Full"), false};
		return (struct smtp_answer){.code = 354};
	case SMTP_SERVER_AUTH:
	case SMTP_SERVER_AUTH_RESPONSE:
		if (kept_is(o, "LOGIN"))
			return (struct smtp_answer){.code = 334, .text = SLICE("Username:")};
		if (kept_is(o, "PLAIN") || kept_is(o, "more"))
			return (struct smtp_answer){.code = 334};
		if (o->kept_len > 4)
			return (struct smtp_answer){235, "2.7.0", SLICE("Welcome"), false};
		return (struct smtp_answer){535, "5.7.8", SLICE("Wrong"), false};
	case SMTP_SERVER_HELLO:
		return (struct smtp_answer){.code = 250};
	default:
		break;
	}
	if (kept_is(o, "unknown"))
		return (struct smtp_answer){550, "5.1.1", SLICE("No such\nmailbox"), false};
	if (kept_is(o, "busy"))
		return (struct smtp_answer){451, "4.3.0", SLICE("Later"), false};
	if (kept_is(o, "closed"))
		return (struct smtp_answer){421, "4.3.2", SLICE("Closed"), false};
	return (struct smtp_answer){250, "2.0.0", SLICE("Ok"), false};
}

static void
flush(struct owner *o)
{
	struct slice out;

	while (!o->deaf && (out = smtp_server_output(&o->s)).len) {
		size_t part = out.len > 7 ? 7 : out.len;

		for (size_t i = 0; i < part; i++)
			if (out.data[i] != '\r')
				builder_byte(&o->out, out.data[i]);
		smtp_server_sent(&o->s, part, o->now_ms);
	}
}

static void
answer(struct owner *o)
{
	struct smtp_answer a = decide(o);

	o->waiting = false;
	smtp_server_answer(&o->s, &a, o->now_ms);
}

/* Pulls until nothing comes; in deferred mode leaves questions open. */
static void
pull(struct owner *o)
{
	struct smtp_server_event event;

	while (smtp_server_next(&o->s, &event)) {
		flush(o);
		assert_false(o->closed);
		handle(o, &event);
		if (!smtp_server_is_waiting(&o->s) || o->waiting)
			continue;
		o->waiting = true;
		o->asked = event;
		keep_answer_input(o, &event);
		if (!o->deferred)
			answer(o);
	}
	flush(o);
}

static void
settle(struct owner *o)
{
	pull(o);
	while (o->waiting && !o->closed) {
		answer(o);
		pull(o);
	}
	if (o->s.state == STATE_TLS) {
		say(o, "<TLS>\n");
		smtp_server_tls_started(&o->s, true);
		pull(o);
	}
}

static void
feed_segment(struct owner *o, const char *segment, struct prng *prng, size_t cut_max)
{
	size_t len = strlen(segment), at = 0;
	uint8_t *copy = malloc(len + 1);

	assert_non_null(copy);
	for (size_t i = 0; i < len; i++)
		copy[i] = (uint8_t)(segment[i] == '~' ? 0 : segment[i]);
	while (at < len && !o->closed) {
		size_t part = cut_max ? 1 + prng_below(prng, cut_max) : len;
		struct slice piece = slice_sub(slice_of(copy, len), at, part < 8192 ? part : 8192);

		if (smtp_server_room(&o->s) < piece.len)
			settle(o);
		smtp_server_feed(&o->s, piece, o->now_ms);
		pull(o);
		at += piece.len;
	}
	free(copy);
	settle(o);
}

/* cut_max 0: whole segments. */
static void
run(struct owner *o, const struct dialogue *d, uint64_t seed, size_t cut_max, bool deferred)
{
	struct prng prng;

	prng_init(&prng, seed);
	*o = (struct owner){.deferred = deferred, .mem = TEST_MEM_INIT};
	builder_init_fixed(&o->out, o->text, sizeof(o->text));
	smtp_server_init(&o->s, &o->mem.mem, d->options, 0);
	if (d->tls)
		smtp_server_tls_started(&o->s, true);
	settle(o);
	for (size_t i = 0; i < SEGMENTS_MAX && d->segments[i]; i++)
		feed_segment(o, d->segments[i], &prng, cut_max);
	assert_false(o->out.failed);
	if (o->s.view.len == 0 && !o->s.decoded) /* idle sessions hold nothing */
		assert_int_equal(o->mem.taken, o->mem.given);
	smtp_server_finish(&o->s);
	assert_int_equal(o->mem.taken, o->mem.given);
}

static void
check(const struct dialogue *d)
{
	static struct owner whole, cut;
	struct slice want = slice_str(d->want);

	run(&whole, d, 0, 0, true);
	if (!slice_eq(builder_slice(&whole.out), want))
		fail_msg("%s: got\n%.*s\nwant\n%s", d->name, SLICE_ARG(builder_slice(&whole.out)),
			 d->want);
	for (uint64_t seed = 1; seed <= 24; seed++) {
		size_t cut_max = seed <= 2 ? 1 : seed;
		bool deferred = d->only_deferred || seed & 1;

		run(&cut, d, seed, cut_max, deferred);
		if (!slice_eq(builder_slice(&cut.out), want))
			fail_msg("%s, seed %u: got\n%.*s", d->name, (unsigned)seed,
				 SLICE_ARG(builder_slice(&cut.out)));
	}
}

static const struct dialogue dialogues[] = {
#include "wire/smtp/test_server_rows.def"
};

TEST(all_dialogues)
{
	for (size_t i = 0; i < sizeof(dialogues) / sizeof(dialogues[0]); i++)
		check(&dialogues[i]);
}

/* Room behind the end of DATA: RFC 5321 4.5.3.1.5 would be broken by unbounded replies too. */
TEST(limits)
{
	static char line[40000];
	static struct dialogue d;
	size_t at = 0;

	/* A line without end is skipped, not kept. */
	memset(line, 'x', 30000);
	memcpy(line + 30000, "\r\nQUIT\r\n", 9);
	d = (struct dialogue){"long line",
			      &mx,
			      {EHLO, line},
			      START "500 5.5.2 Line too long\n<refused line-long>\n" BYE};
	check(&d);

	/* Many commands at once: replies come in order, output is held within bounds. */
	for (unsigned i = 0; i < 55; i++)
		at += (size_t)snprintf(line + at, sizeof(line) - at, "NOOP %u\r\n", i);
	static char want[40000];
	size_t want_at = (size_t)snprintf(want, sizeof(want), "%s", START);
	for (unsigned i = 0; i < 55; i++)
		want_at += (size_t)snprintf(want + want_at, sizeof(want) - want_at, "%s", OK);
	d = (struct dialogue){"many", &mx, {EHLO, line}, want};
	check(&d);
}

/* A message over the limit is read to its end, but not one that never ends. */
TEST(drain)
{
	static char data[6000];
	static struct dialogue d;

	for (size_t i = 0; i < 3000; i += 10)
		memcpy(data + i, "12345678\r\n", 10);
	memcpy(data + 3000, ".\r\nQUIT\r\n", 10);
	d = (struct dialogue){"too big",
			      &mx,
			      {EHLO MAIL_A RCPT_B "DATA\r\n", "\r\n", data},
			      START MAIL_RCPT GO "<RESET>\n552 5.3.4 Message too big\n"
						 "<refused size-max>\n" BYE};
	check(&d);
	for (size_t i = 0; i < 5990; i += 10)
		memcpy(data + i, "12345678\r\n", 10);
	data[5990] = '\0';
	d = (struct dialogue){"endless",
			      &mx,
			      {EHLO MAIL_A RCPT_B "DATA\r\n", "\r\n", data, "x\r\n"},
			      START MAIL_RCPT GO "<RESET>\n421 4.3.0 Far too much data, closing\n"
						 "<refused drain-max>\n<CLOSE>\n"};
	check(&d);
}

static void
start(struct owner *o, const struct smtp_server_options *options, const char *segment)
{
	struct dialogue d = {"start", options, {NULL}, NULL};

	*o = (struct owner){.mem = TEST_MEM_INIT};
	builder_init_fixed(&o->out, o->text, sizeof(o->text));
	smtp_server_init(&o->s, &o->mem.mem, d.options, 0);
	settle(o);
	feed_segment(o, segment, NULL, 0);
}

static struct slice
tail(const struct owner *o, const char *behind)
{
	struct slice all = builder_slice(&o->out);
	size_t at = slice_find(all, slice_str(behind));

	return slice_from(all, at + strlen(behind));
}

TEST(deadlines)
{
	static struct owner o;

	start(&o, &mx, EHLO MAIL_A RCPT_B);
	assert_int_equal(smtp_server_deadline(&o.s), 300000);
	smtp_server_tick(&o.s, 299999);
	pull(&o);
	assert_false(o.closed);
	/* Half a command does not buy time, a whole one does. */
	o.now_ms = 299999;
	feed_segment(&o, "DA", NULL, 0);
	assert_int_equal(smtp_server_deadline(&o.s), 300000);
	feed_segment(&o, "TA\r\n", NULL, 0);
	assert_int_equal(smtp_server_deadline(&o.s), 299999 + 180000);
	o.now_ms = 400000;
	feed_segment(&o, "x", NULL, 0);
	assert_int_equal(smtp_server_deadline(&o.s), 580000);
	o.now_ms = 550000;
	feed_segment(&o, "x", NULL, 0);
	o.now_ms = 700000;
	feed_segment(&o, "x", NULL, 0);
	o.now_ms = 850000;
	feed_segment(&o, "x", NULL, 0);
	assert_int_equal(smtp_server_deadline(&o.s), 899999); /* message_ms */
	smtp_server_tick(&o.s, 900000);
	pull(&o);
	assert_true(o.closed);
	assert_slice_str(tail(&o, GO), "421 4.4.2 Waited too long, closing\n<refused time-max>\n"
				       "<RESET>\n<CLOSE>\n");
	assert_int_equal(smtp_server_deadline(&o.s), SMTP_SERVER_NEVER);
	smtp_server_finish(&o.s);
}

/* Who reads nothing has command_ms, whatever it sends meanwhile. */
TEST(deadline_of_unread_output)
{
	static struct owner o;

	start(&o, &mx, EHLO MAIL_A RCPT_B);
	o.deaf = true;
	o.now_ms = 1000;
	feed_segment(&o, "NOOP\r\n", NULL, 0);
	o.now_ms = 100000;
	feed_segment(&o, "NOOP\r\nBDAT 900 LAST\r\n", NULL, 0);
	assert_int_equal(smtp_server_deadline(&o.s), 100000 + 180000);
	for (o.now_ms = 200000; o.now_ms <= 300000; o.now_ms += 50000)
		feed_segment(&o, "x", NULL, 0);
	assert_int_equal(smtp_server_deadline(&o.s), 301000);
	smtp_server_tick(&o.s, 301000);
	pull(&o);
	assert_true(o.closed);
	/* nor is it waited for what is said last */
	assert_int_equal(smtp_server_deadline(&o.s), 301000);
	smtp_server_finish(&o.s);
}

/* A message has message_ms, whatever is read meanwhile. */
TEST(deadline_of_message_with_output)
{
	static struct owner o;

	start(&o, &mx, EHLO MAIL_A RCPT_B);
	o.deaf = true;
	feed_segment(&o, "NOOP\r\nBDAT 900 LAST\r\n", NULL, 0);
	for (o.now_ms = 100000; o.now_ms <= 500000; o.now_ms += 100000) {
		smtp_server_sent(&o.s, 1, o.now_ms);
		feed_segment(&o, "x", NULL, 0);
	}
	assert_int_equal(smtp_server_deadline(&o.s), 600000);
	smtp_server_tick(&o.s, 600000);
	pull(&o);
	assert_true(o.closed);
	smtp_server_finish(&o.s);
}

TEST(deadline_of_message_in_chunks)
{
	static struct owner o;

	start(&o, &mx, EHLO MAIL_A RCPT_B);
	for (o.now_ms = 0; o.now_ms <= 580000; o.now_ms += 290000)
		feed_segment(&o, "BDAT 1\r\nx", NULL, 0);
	assert_int_equal(smtp_server_deadline(&o.s), 600000);
	feed_segment(&o, "RSET\r\n", NULL, 0);
	assert_int_equal(smtp_server_deadline(&o.s), 870000 + 300000);
	smtp_server_finish(&o.s);
}

TEST(shutdown)
{
	static struct owner o;

	start(&o, &mx, EHLO MAIL_A RCPT_B "DATA\r\n");
	smtp_server_shutdown(&o.s);
	pull(&o);
	feed_segment(&o, "\r\n.\r\nNOOP\r\n", NULL, 0);
	assert_slice_str(tail(&o, GO),
			 "<MESSAGE \r\n>\n" OK "421 4.3.2 Shutting down, come back later\n"
			 "<refused shutdown>\n<CLOSE>\n");
	smtp_server_finish(&o.s);
	start(&o, &mx, EHLO);
	smtp_server_shutdown(&o.s);
	pull(&o);
	assert_true(o.closed);
	smtp_server_finish(&o.s);
}

/* What arrives while our answer to DATA is still unsent was sent before it (RFC 2920 3.1). */
TEST(data_at_the_border_of_a_read)
{
	static const char *const commands[] = {EHLO MAIL_A RCPT_B "DATA\r\n", EHLO "DATA\r\n"};
	static struct owner o;
	struct smtp_server_event event;

	for (size_t i = 0; i < 2; i++) {
		start(&o, &mx, "");
		smtp_server_feed(&o.s, slice_str(commands[i]), 0);
		while (smtp_server_next(&o.s, &event)) {
			handle(&o, &event);
			o.asked = event;
			keep_answer_input(&o, &event);
			if (smtp_server_is_waiting(&o.s))
				answer(&o);
		}
		smtp_server_feed(&o.s, SLICE("\r\n.\r\nNOOP\r\n"), 0);
		o.out.len = 0;
		pull(&o);
		assert_true(o.closed);
		assert_true(slice_ends_nocase(builder_slice(&o.out),
					      SLICE("before the reply; closing\n<refused "
						    "before-354>\n<CLOSE>\n")) ||
			    slice_ends_nocase(builder_slice(&o.out),
					      SLICE("<refused before-354>\n<RESET>\n<CLOSE>\n")));
		smtp_server_finish(&o.s);
	}
}

/* In the middle of a message, too. */
TEST(abort_now)
{
	static struct owner o;

	start(&o, &mx, EHLO MAIL_A RCPT_B "DATA\r\n");
	feed_segment(&o, "\r\nhalf of it\r\n", NULL, 0);
	o.out.len = 0;
	smtp_server_abort(&o.s);
	pull(&o);
	assert_slice_str(builder_slice(&o.out), "421 4.3.2 Shutting down, come back later\n"
						"<refused shutdown>\n<RESET>\n<CLOSE>\n");
	smtp_server_finish(&o.s);
}

/* Answers that come when the session is over are ignored. */
TEST(late_answer)
{
	static struct owner o;

	start(&o, &mx, EHLO);
	o.deferred = true;
	smtp_server_feed(&o.s, SLICE(MAIL_A), 0);
	pull(&o);
	assert_true(smtp_server_is_waiting(&o.s));
	assert_int_equal(smtp_server_deadline(&o.s), SMTP_SERVER_NEVER);
	server_close(&o.s);
	pull(&o);
	assert_true(o.closed);
	answer(&o);
	pull(&o);
	smtp_server_finish(&o.s);
}

/* The n-th request for memory fails, n = 1, 2, ...: the session closes, nothing leaks. */
TEST(out_of_memory)
{
	static const char *const segments[] = {EHLO MAIL_A RCPT_B "DATA\r\n", "\r\nbody\r\n.\r\nNO",
					       "OP\r\nMAIL FROM:<a@x>\r\nRCPT TO:<b@x>\r\nBDAT 5",
					       " LAST\r\n12345QUIT\r\n"};
	static struct owner o;

	for (size_t n = 1; n < 60; n++) {
		bool failed;

		o = (struct owner){.mem = TEST_MEM_INIT, .deferred = n & 1};
		o.mem.fail_at = n;
		builder_init_fixed(&o.out, o.text, sizeof(o.text));
		smtp_server_init(&o.s, &o.mem.mem, &mx, 0);
		settle(&o);
		for (size_t i = 0; i < 4 && !o.closed; i++)
			feed_segment(&o, segments[i], NULL, 0);
		failed = o.mem.fail_at == 0;
		assert_true(o.closed);
		smtp_server_finish(&o.s);
		assert_int_equal(o.mem.taken, o.mem.given);
		if (!failed)
			return;
	}
	fail_msg("never without a failure");
}

TEST(small_when_idle)
{
	assert_true(sizeof(struct smtp_server) < 512);
}

TESTS(TEST_ROW(all_dialogues), TEST_ROW(limits), TEST_ROW(drain), TEST_ROW(deadlines),
      TEST_ROW(deadline_of_unread_output), TEST_ROW(deadline_of_message_with_output),
      TEST_ROW(deadline_of_message_in_chunks), TEST_ROW(shutdown),
      TEST_ROW(data_at_the_border_of_a_read), TEST_ROW(abort_now), TEST_ROW(late_answer),
      TEST_ROW(out_of_memory), TEST_ROW(small_when_idle))
