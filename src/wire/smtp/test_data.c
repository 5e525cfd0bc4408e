/*
 * data: every input is read whole, byte by byte and with every single cut; all must agree.
 */
#include "base/builder.h"
#include "base/prng.h"
#include "base/test.h"
#include "wire/smtp/data.h"

#define OUT_MAX 4096

struct got {
	struct smtp_data d;
	uint8_t body[OUT_MAX];
	size_t len;
	struct slice rest; /* behind the end */
	bool ended;
};

static void
keep(struct got *got, struct slice chunk)
{
	assert_true(got->len + chunk.len <= sizeof(got->body));
	if (chunk.len)
		memcpy(got->body + got->len, chunk.data, chunk.len);
	got->len += chunk.len;
}

static void
feed(struct got *got, struct slice input)
{
	for (;;) {
		struct slice chunk = SLICE_EMPTY;
		enum smtp_data_step step = smtp_data_next(&got->d, &input, &chunk);

		if (step == SMTP_DATA_CHUNK) {
			assert_true(chunk.len > 0);
			keep(got, chunk);
			continue;
		}
		got->ended = step == SMTP_DATA_END;
		got->rest = input;
		return;
	}
}

/* Pieces of step bytes after a first one of cut bytes. */
static void
read_cut(struct got *got, enum smtp_data_mode mode, struct slice input, size_t cut, size_t step)
{
	size_t at = 0;

	*got = (struct got){.ended = false};
	smtp_data_init(&got->d, mode);
	while (at < input.len && !got->ended) {
		size_t len = at ? step : cut;
		struct slice piece = slice_sub(input, at, len);

		feed(got, piece);
		at += piece.len;
	}
	if (got->ended)
		got->rest = slice_from(input, at - got->rest.len);
	if (mode == SMTP_DATA_OCTETS)
		keep(got, smtp_data_finish(&got->d));
	assert_int_equal(got->d.size, got->len);
}

static struct slice
body_of(const struct got *got)
{
	return slice_of(got->body, got->len);
}

static void
read_all_ways(struct got *whole, enum smtp_data_mode mode, struct slice input)
{
	read_cut(whole, mode, input, input.len, 1);
	for (size_t cut = 1; cut < input.len; cut++) {
		for (unsigned way = 0; way < 2; way++) {
			struct got got;

			read_cut(&got, mode, input, cut, way ? 1 : input.len);
			assert_int_equal(got.ended, whole->ended);
			assert_slice(body_of(&got), body_of(whole));
			assert_slice(got.rest, whole->rest);
			assert_int_equal(got.d.flags, whole->d.flags);
			assert_int_equal(got.d.header_size, whole->d.header_size);
			assert_int_equal(got.d.line_longest, whole->d.line_longest);
			assert_int_equal(got.d.received_count, whole->d.received_count);
			assert_int_equal(got.d.dots, whole->d.dots);
		}
	}
}

struct row {
	struct slice input, body, rest;
	unsigned flags;
	bool ended;
	size_t header_size;
};

static void
check(const struct row *row, enum smtp_data_mode mode)
{
	struct got got;

	read_all_ways(&got, mode, row->input);
	assert_int_equal(got.ended, row->ended);
	assert_slice(body_of(&got), row->body);
	assert_slice(got.rest, row->rest);
	assert_int_equal(got.d.flags, row->flags);
	assert_int_equal(got.d.header_size, row->header_size);
}

#define END "\r\n.\r\n"
#define CR SMTP_DATA_BARE_CR
#define LF SMTP_DATA_BARE_LF
#define ROW(in, out, tail, bits, header)                                                           \
	{                                                                                          \
		SLICE(in), SLICE(out), SLICE(tail), bits, true, header                             \
	}

TEST(dotted)
{
	static const struct row rows[] = {
		ROW(".\r\n", "", "", 0, 0),
		ROW(".\r\nQUIT\r\n", "", "QUIT\r\n", 0, 0),
		ROW("a: b\r\n\r\nx" END, "a: b\r\n\r\nx\r\n", "", 0, 8),
		ROW("a: b" END, "a: b\r\n", "", 0, 6),
		ROW("\r\nx" END, "\r\nx\r\n", "", 0, 2),
		ROW("\r\n.." END, "\r\n..\r\n", "", 0, 2),
		ROW("\r\n..." END, "\r\n...\r\n", "", 0, 2),
		ROW("\r\n..x" END, "\r\n..x\r\n", "", 0, 2),
		/* Stuffed by nobody: the line has no dot, and no field hides behind one. */
		ROW("\r\n.x" END, "\r\nx\r\n", "", 0, 2),
		ROW(".From: x" END, "From: x\r\n", "", 0, 9),
		ROW("a: b\r\n. c\r\n.\r\n", "a: b\r\n c\r\n", "", 0, 10),
		ROW(" x" END, " x\r\n", "", SMTP_DATA_CONTINUES, 4),
		ROW(".\tx" END, "\tx\r\n", "", SMTP_DATA_CONTINUES, 4),
		ROW("\r\n..\r\n.." END, "\r\n..\r\n..\r\n", "", 0, 2),
		ROW("a\r\n\r\nb\0c" END, "a\r\n\r\nb\0c\r\n", "", SMTP_DATA_NUL, 5),
		ROW("\r\n\xc3\xb6" END, "\r\n\xc3\xb6\r\n", "", SMTP_DATA_EIGHT_BIT, 2),
		ROW("s: \xc3\xb6\r\n" END, "s: \xc3\xb6\r\n\r\n", "",
		    SMTP_DATA_EIGHT_BIT | SMTP_DATA_EIGHT_BIT_HEADER, 9),
		{SLICE("x\r\n."), SLICE("x\r\n"), SLICE(""), 0, false, 3},
		{SLICE("x\r\n.\r"), SLICE("x\r\n"), SLICE(""), 0, false, 3},
		{SLICE("x"), SLICE("x"), SLICE(""), 0, false, 1},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check(&rows[i], SMTP_DATA_DOTTED);
}

/* What other servers have taken for an end: it is none here, and leaves a flaw. */
TEST(not_the_end)
{
	static const struct row rows[] = {
		ROW("\r\na\n.\nb" END, "\r\na\n.\nb\r\n", "", LF, 2),
		ROW("\r\na\n.\r\nb" END, "\r\na\n.\r\nb\r\n", "", LF, 2),
		ROW("\r\na\r.\rb" END, "\r\na\r.\rb\r\n", "", CR, 2),
		ROW("\r\na\r.\nb" END, "\r\na\r.\nb\r\n", "", CR | LF, 2),
		ROW("\r\na\r.\r\nb" END, "\r\na\r.\r\nb\r\n", "", CR, 2),
		ROW("\r\na\n.\rb" END, "\r\na\n.\rb\r\n", "", CR | LF, 2),
		ROW("\r\na\r\n.\nb" END, "\r\na\r\n\nb\r\n", "", LF, 2),
		ROW("\r\na\r\n.\rb" END, "\r\na\r\n.\rb\r\n", "", CR, 2),
		ROW("\r\na\r\n.\r\r\nb" END, "\r\na\r\n.\r\r\nb\r\n", "", CR, 2),
		ROW("\r\na\r\r\n.\r\r\nb" END, "\r\na\r\r\n.\r\r\nb\r\n", "", CR, 2),
		ROW("\r\na\r\n\0.\r\nb" END, "\r\na\r\n\0.\r\nb\r\n", "", SMTP_DATA_NUL, 2),
		ROW("\r\na\r\n.\0\r\nb" END, "\r\na\r\n\0\r\nb\r\n", "", SMTP_DATA_NUL, 2),
		ROW("\n.\r\nb" END, "\n.\r\nb\r\n", "", LF, 7),
		ROW("\r.\r\nb" END, "\r.\r\nb\r\n", "", CR, 7),
		/* CR CR LF ends a line all the same: dots behind it count. */
		ROW("\r\na\r\r\n.\r\nb", "\r\na\r\r\n", "b", CR, 2),
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check(&rows[i], SMTP_DATA_DOTTED);
}

TEST(octets)
{
	static const struct row rows[] = {
		{SLICE(""), SLICE(""), SLICE(""), 0, false, 0},
		{SLICE("\r\nx\r\n"), SLICE("\r\nx\r\n"), SLICE(""), 0, false, 2},
		{SLICE("\r\nx"), SLICE("\r\nx\r\n"), SLICE(""), SMTP_DATA_NO_FINAL_CRLF, false, 2},
		{SLICE("."), SLICE("..\r\n"), SLICE(""), SMTP_DATA_NO_FINAL_CRLF, false, 4},
		{SLICE(".\r\n"), SLICE("..\r\n"), SLICE(""), 0, false, 4},
		{SLICE("\r\n..\r\n.x\r\n"), SLICE("\r\n...\r\n..x\r\n"), SLICE(""), 0, false, 2},
		{SLICE("a\nb\r\n"), SLICE("a\nb\r\n"), SLICE(""), LF, false, 5},
		{SLICE("a\r\n.\r\nb\r\n"), SLICE("a\r\n..\r\nb\r\n"), SLICE(""), 0, false, 10},
		{SLICE("a\r"), SLICE("a\r\r\n"), SLICE(""), CR | SMTP_DATA_NO_FINAL_CRLF, false, 4},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check(&rows[i], SMTP_DATA_OCTETS);
}

TEST(counts)
{
	struct got got;

	read_all_ways(&got, SMTP_DATA_DOTTED,
		      SLICE("Received: a\r\n\tReceived: b\r\nRECEIVED: c\r\nReceive: d\r\n"
			    "X-Received: e\r\nReceived : f\r\n\r\nReceived: g" END));
	assert_int_equal(got.d.received_count, 2);
	assert_int_equal(got.d.line_longest, 15);
	read_all_ways(&got, SMTP_DATA_DOTTED, SLICE("\r\n..345" END));
	assert_int_equal(got.d.line_longest, 6);
	assert_int_equal(got.d.dots, 1);
}

/* Random lines: stuffed, ended by a dot, read, unstuffed: the same bytes. */
TEST(there_and_back)
{
	static const char *const parts[] = {".", "\r\n", "a", ": ", "..", "\xc3\xa4", "line"};
	struct prng prng;

	prng_init(&prng, 42);
	for (unsigned round = 0; round < 20000; round++) {
		uint8_t plain[256], wire[1024], back[1024];
		size_t wire_len, back_len = 0;
		struct builder b;
		struct got got;
		struct smtp_unstuff unstuff = {0};
		struct slice chunk, rest;

		builder_init_fixed(&b, plain, sizeof(plain));
		for (uint64_t n = prng_below(&prng, 24); n > 0; n--)
			builder_str(&b, parts[prng_below(&prng, 7)]);
		read_cut(&got, SMTP_DATA_OCTETS, builder_slice(&b), 1 + prng_below(&prng, 9),
			 1 + prng_below(&prng, 9));
		if (got.d.flags & SMTP_DATA_NO_FINAL_CRLF)
			builder_str(&b, "\r\n");
		assert_int_equal(got.d.flags & SMTP_DATA_FLAWS, 0);
		memcpy(wire, got.body, got.len);
		memcpy(wire + got.len, ".\r\nNOOP", 7);
		wire_len = got.len + 7;
		read_cut(&got, SMTP_DATA_DOTTED, slice_of(wire, wire_len), 1 + prng_below(&prng, 9),
			 1 + prng_below(&prng, 9));
		assert_true(got.ended);
		assert_slice_str(got.rest, "NOOP");
		assert_slice(body_of(&got), slice_of(wire, wire_len - 7));
		for (size_t at = 0; at < got.len; at += rest.len) {
			struct slice piece;

			rest = slice_sub(body_of(&got), at, 1 + prng_below(&prng, 9));
			piece = rest;
			while (smtp_unstuff_next(&unstuff, &piece, &chunk)) {
				memcpy(back + back_len, chunk.data, chunk.len);
				back_len += chunk.len;
			}
		}
		assert_slice(slice_of(back, back_len), builder_slice(&b));
	}
}

/* What may go out as it is kept, and what would be two messages or half of one at some server. */
TEST(kept)
{
	static const struct {
		struct slice body;
		bool good;
		uint64_t dots;
	} rows[] = {
		{SLICE(""), true, 0},
		{SLICE("a\r\n"), true, 0},
		{SLICE("no end."), true, 0},
		{SLICE("\r\n\r\n"), true, 0},
		{SLICE("a\r\n..\r\n..x\r\n...\r\n"), true, 3},
		{SLICE("a\r\n.x\r\n"), false, 0},
		{SLICE("..\r\n"), true, 1},
		{SLICE("a\0b\r\n"), true, 0},
		{SLICE(".\r\n"), false, 0},
		{SLICE("a\r\n.\r\n"), false, 0},
		{SLICE("a\r\n.\r\nMAIL FROM:<>\r\n"), false, 0},
		{SLICE("."), false, 0},
		{SLICE("a\r\n."), false, 0},
		{SLICE("a\r\n.\r"), false, 0},
		{SLICE("a\r\n.\rb\r\n"), false, 0},
		{SLICE("a\nb\r\n"), false, 0},
		{SLICE("\n"), false, 0},
		{SLICE("a\n.\r\n"), false, 0},
		{SLICE("a\r\n.\n"), false, 0},
		{SLICE("a\rb\r\n"), false, 0},
		{SLICE("a\r\r\n"), false, 0},
		{SLICE("\r.\r\n"), false, 0},
		{SLICE("a\r"), false, 0},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (size_t step = 1; step <= rows[i].body.len + 1; step++) {
			struct smtp_kept k = {0};
			bool good = true;

			for (size_t at = 0; at < rows[i].body.len && good; at += step)
				good = smtp_kept_feed(&k, slice_sub(rows[i].body, at, step));
			if ((good && smtp_kept_end(&k)) != rows[i].good)
				fail_msg("row %zu in pieces of %zu", i, step);
			if (rows[i].good)
				assert_int_equal(k.dots, rows[i].dots);
		}
	}
}

TESTS(TEST_ROW(kept), TEST_ROW(dotted), TEST_ROW(not_the_end), TEST_ROW(octets), TEST_ROW(counts),
      TEST_ROW(there_and_back))
