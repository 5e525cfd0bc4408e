/* smtp reply: what counts in good and bad replies, limits, and the same result at any cut. */
#include "base/test.h"

#include "base/builder.h"
#include "base/prng.h"
#include "wire/smtp/reply.h"

struct row {
	const char *name, *input;
	int want;
	unsigned code;
	struct smtp_status status;
	const char *text;
	const char *left; /* not taken, as it belongs to the next reply */
};

static const struct row rows[] = {
	{"one line", "250 2.1.0 Ok\r\n", 1, 250, {2, 1, 0}, "250 2.1.0 Ok", ""},
	{"code alone", "250\r\n", 1, 250, {2, 0, 0}, "250", ""},
	{"code and blank", "250 \r\n", 1, 250, {2, 0, 0}, "250 ", ""},
	{"rest is left", "250 a\r\n251 b\r\n", 1, 250, {2, 0, 0}, "250 a", "251 b\r\n"},
	{"more lines",
	 "220-mx.lines.test\r\n220-\r\n220 hello\r\n",
	 1,
	 220,
	 {2, 0, 0},
	 "220-mx.lines.test\n220-\n220 hello",
	 ""},
	{"the last line counts",
	 "450-4.2.1 later\r\n550 5.1.1 never\r\n",
	 1,
	 550,
	 {5, 1, 1},
	 "450-4.2.1 later\n550 5.1.1 never",
	 ""},
	{"and its code decides the status",
	 "550-5.1.1 never\r\n450 later\r\n",
	 1,
	 450,
	 {4, 0, 0},
	 "550-5.1.1 never\n450 later",
	 ""},
	{"status on the first line only",
	 "550-5.7.1 refused\r\n550 for a reason\r\n",
	 1,
	 550,
	 {5, 7, 1},
	 "550-5.7.1 refused\n550 for a reason",
	 ""},
	{"gateway",
	 "554-gateway.test\r\n554 Your access\r\n",
	 1,
	 554,
	 {5, 0, 0},
	 "554-gateway.test\n554 Your access",
	 ""},
	{"unknown code", "599 what\r\n", 1, 599, {5, 0, 0}, "599 what", ""},
	{"two digits", "45 two\r\n", 1, 450, {4, 0, 0}, "45 two", ""},
	{"two digits, more lines", "45-a\r\n45 b\r\n", 1, 450, {4, 0, 0}, "45-a\n45 b", ""},
	{"one digit", "5\r\n", 1, 500, {5, 0, 0}, "5", ""},
	{"unknown status", "550 5.123.456 x\r\n", 1, 550, {5, 123, 456}, "550 5.123.456 x", ""},
	{"status of another class", "450 5.1.1 x\r\n", 1, 450, {4, 0, 0}, "450 5.1.1 x", ""},
	{"status too long", "550 5.1234.1 x\r\n", 1, 550, {5, 0, 0}, "550 5.1234.1 x", ""},
	{"status glued", "550 5.1.1x\r\n", 1, 550, {5, 0, 0}, "550 5.1.1x", ""},
	{"status half", "550 5.1\r\n", 1, 550, {5, 0, 0}, "550 5.1", ""},
	{"status alone", "550 5.1.1\r\n", 1, 550, {5, 1, 1}, "550 5.1.1", ""},
	{"bare LF ends a line", "250-a\n250 b\n", 1, 250, {2, 0, 0}, "250-a\n250 b", ""},
	{"bare CR does not", "250 a\rb\r\n", 1, 250, {2, 0, 0}, "250 a b", ""},
	{"escape and bell", "550 \a\x1b[31m\r\n", 1, 550, {5, 0, 0}, "550 \\x07\\x1b[31m", ""},
	{"direction", "550 \xe2\x80\xae\r\n", 1, 550, {5, 0, 0}, "550 \\x{202E}", ""},
	{"UTF-8 is kept", "550 \xc3\xa4\r\n", 1, 550, {5, 0, 0}, "550 \xc3\xa4", ""},
	{"not whole", "250-a\r\n250 b", 0, 250, {2, 0, 0}, "250-a", ""},
	{"words", "HTTP/1.1 400 Bad Request\r\n", ERR_SYNTAX, 0, {0, 0, 0}, "", ""},
	{"empty line", "\r\n", ERR_SYNTAX, 0, {0, 0, 0}, "", ""},
	{"first digit 1", "150 x\r\n", ERR_SYNTAX, 0, {0, 0, 0}, "", ""},
	{"first digit 6", "600 x\r\n", ERR_SYNTAX, 0, {0, 0, 0}, "", ""},
	{"first digit 0", "050 x\r\n", ERR_SYNTAX, 0, {0, 0, 0}, "", ""},
	{"four digits", "2500 x\r\n", ERR_SYNTAX, 0, {0, 0, 0}, "", ""},
	{"glued text", "250x\r\n", ERR_SYNTAX, 0, {0, 0, 0}, "", ""},
	{"negative", "-250 x\r\n", ERR_SYNTAX, 0, {0, 0, 0}, "", ""},
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static int
feed(struct smtp_reply *r, struct slice input, struct prng *prng, size_t *ret_used)
{
	int got = 0;
	size_t total = 0;

	smtp_reply_init(r);
	while (got == 0 && total < input.len) {
		size_t used = 0;
		size_t piece = prng ? 1 + (size_t)prng_below(prng, 5) : input.len;

		got = smtp_reply_feed(r, slice_sub(input, total, piece), &used);
		total += used;
	}
	*ret_used = total;
	return got;
}

static void
check_row(const struct row *row, struct prng *prng)
{
	static struct smtp_reply r;
	struct slice input = slice_str(row->input);
	struct smtp_status status;
	size_t used;
	int got = feed(&r, input, prng, &used);

	if (got != row->want)
		fail_msg("%s: got %d, want %d", row->name, got, row->want);
	if (got < 0)
		return;
	status = smtp_reply_status(&r);
	assert_int_equal(r.code, row->code);
	assert_int_equal(status.klass, row->status.klass);
	assert_int_equal(status.subject, row->status.subject);
	assert_int_equal(status.detail, row->status.detail);
	assert_slice_str(smtp_reply_text(&r), row->text);
	assert_slice_str(slice_from(input, used), row->left);
}

TEST(table)
{
	for (size_t i = 0; i < COUNT(rows); i++)
		check_row(&rows[i], NULL);
}

TEST(split_anywhere)
{
	struct prng prng;

	for (size_t i = 0; i < COUNT(rows); i++) {
		for (uint64_t seed = 0; seed < 30; seed++) {
			prng_init(&prng, seed);
			check_row(&rows[i], &prng);
		}
	}
}

TEST(nul_is_shown)
{
	static struct smtp_reply r;
	size_t used;

	assert_int_equal(feed(&r, SLICE("250 a\0b\r\n"), NULL, &used), 1);
	assert_slice_str(smtp_reply_text(&r), "250 a\\x00b");
}

/* A line that never ends is cut at what is kept, and refused at the limit. */
TEST(endless_line)
{
	static struct smtp_reply r;
	static uint8_t input[SMTP_REPLY_BYTES_MAX + 1];
	size_t used;

	memset(input, 'x', sizeof(input));
	memcpy(input, "550 ", 4);
	assert_int_equal(feed(&r, slice_of(input, sizeof(input)), NULL, &used), ERR_LIMIT);
	memcpy(input + 2000, "\r\n", 2);
	assert_int_equal(feed(&r, slice_of(input, sizeof(input)), NULL, &used), 1);
	assert_int_equal(used, 2002);
	assert_int_equal(smtp_reply_text(&r).len, SMTP_REPLY_LINE_KEPT_MAX);
	assert_true(slice_ends_nocase(smtp_reply_text(&r), SLICE("x[...]")));
	memcpy(input + SMTP_REPLY_LINE_KEPT_MAX, "\r\n", 2);
	assert_int_equal(feed(&r, slice_of(input, sizeof(input)), NULL, &used), 1);
	assert_true(slice_ends_nocase(smtp_reply_text(&r), SLICE("xxxxxxxx")));
}

TEST(endless_lines)
{
	static struct smtp_reply r;
	static char input[SMTP_REPLY_LINES_MAX * 6 + 7];
	size_t used;

	for (size_t i = 0; i < SMTP_REPLY_LINES_MAX + 1; i++)
		memcpy(input + 6 * i, "550-\r\n", 6);
	assert_int_equal(feed(&r, slice_str(input), NULL, &used), ERR_LIMIT);
	memcpy(input + 6 * (SMTP_REPLY_LINES_MAX - 1), "550 \r\n", 7);
	assert_int_equal(feed(&r, slice_str(input), NULL, &used), 1);
	assert_int_equal(r.line_count, SMTP_REPLY_LINES_MAX);
}

/* One long line costs itself alone. */
TEST(lines_behind_a_long_one)
{
	static struct smtp_reply r;
	static uint8_t input[4096];
	struct builder b;
	size_t used;

	builder_init_fixed(&b, input, sizeof(input));
	builder_str(&b, "550-one\r\n550-");
	while (b.len < 1500)
		builder_byte(&b, 'x');
	builder_str(&b, "\r\n550-three\r\n550 four\r\n");
	assert_int_equal(feed(&r, builder_slice(&b), NULL, &used), 1);
	assert_true(slice_ends_nocase(smtp_reply_text(&r), SLICE("x[...]\n550-three\n550 four")));
	assert_true(slice_starts(smtp_reply_text(&r), SLICE("550-one\n550-xxx")));
}

/* However much stands before it, the last line is kept: it is the one that counts. */
TEST(last_line_has_room)
{
	static struct smtp_reply r;
	static uint8_t input[20 * 1000 + 64];
	struct slice text;
	size_t used, len = 0;

	for (size_t i = 0; i < 20; i++) {
		memset(input + len, '\a', 500);
		memcpy(input + len, "550-", 4);
		memcpy(input + len + 498, "\r\n", 2);
		len += 500;
	}
	memcpy(input + len, "552 5.2.2 full\r\n", 16);
	assert_int_equal(feed(&r, slice_of(input, len + 16), NULL, &used), 1);
	assert_int_equal(used, len + 16);
	text = smtp_reply_text(&r);
	assert_true(text.len <= SMTP_REPLY_TEXT_MAX);
	assert_true(slice_ends_nocase(text, SLICE("\n[...]\n552 5.2.2 full")));
	assert_int_equal(r.code, 552);
}

TEST(line_text)
{
	assert_slice_str(smtp_reply_line_text(SLICE("250-SIZE 10")), "SIZE 10");
	assert_slice_str(smtp_reply_line_text(SLICE("250")), "");
	assert_slice_str(smtp_reply_line_text(SLICE("45 x")), "x");
}

TESTS(TEST_ROW(table), TEST_ROW(split_anywhere), TEST_ROW(nul_is_shown), TEST_ROW(endless_line),
      TEST_ROW(endless_lines), TEST_ROW(lines_behind_a_long_one), TEST_ROW(last_line_has_room),
      TEST_ROW(line_text))
