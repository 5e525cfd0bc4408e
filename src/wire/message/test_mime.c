/* mime: the parts of good, bad and cut messages; bodies as bytes and as text; fields and
 * parameters. */
#include "base/test.h"

#include "base/builder.h"
#include "wire/message/mime.h"

static struct mime mime;

/* One line for each part: depth, type, body's first line, "+" for a container, "!" for open. */
static struct slice
outline(const char *message)
{
	static uint8_t text[8192], out[2048];
	struct builder lines, b;

	builder_init_fixed(&lines, text, sizeof(text));
	mime_lines(&lines, slice_str(message));
	mime_read(builder_slice(&lines), &mime);
	builder_init_fixed(&b, out, sizeof(out));
	for (size_t i = 0; i < mime.part_count; i++) {
		const struct mime_part *part = &mime.parts[i];

		builder_dec(&b, part->depth);
		builder_str(&b, part->container ? "+" : "");
		builder_str(&b, part->open ? "!" : "");
		builder_byte(&b, ' ');
		builder_add(&b, part->type);
		builder_byte(&b, ' ');
		if (!part->container)
			builder_add(&b, part->body);
		builder_byte(&b, ';');
	}
	if (mime.cut)
		builder_str(&b, "cut");
	return builder_slice(&b);
}

#define REPORT "Content-Type: multipart/report; report-type=delivery-status;\n boundary=\"b\"\n\n"
#define TEXT "--b\n\ntext\n"
#define STATUS "--b\nContent-Type: message/delivery-status\n\nAction: failed\n"
#define RETURNED "--b\nContent-Type: message/rfc822\n\nSubject: x\n\nhello\n"

TEST(parts)
{
	static const struct {
		const char *message, *want;
	} rows[] = {
		{"", "0  ;"},
		{"\n", "0  ;"},
		{"A: b\n\nbody\n", "0  body\n;"},
		{"A: b\nbody\n", "0  body\n;"},
		{"body\n\nmore\n", "0  body\n\nmore\n;"},
		{"From x Mon\nA: b\n\nbody", "0  body;"},
		{"\n\nA: b\n\nbody", "0  body;"},
		{"A: b\njunk line\nContent-Type: text/html\n\nx", "0 text/html x;"},
		{"Content-Type: text/html\n \nbody\n", "0 text/html  \nbody\n;"},
		{REPORT TEXT STATUS RETURNED "--b--\n",
		 "0+ multipart/report ;1  text;1 message/delivery-status Action: failed;"
		 "1+ message/rfc822 ;2  hello;"},
		/* no final boundary */
		{REPORT TEXT STATUS, "0+! multipart/report ;1  text;"
				     "1! message/delivery-status Action: failed\n;"},
		{REPORT TEXT RETURNED,
		 "0+! multipart/report ;1  text;1+! message/rfc822 ;2!  hello\n;"},
		/* preamble and epilogue are nothing */
		{REPORT "pre\n" TEXT "--b--\npost\n", "0+ multipart/report ;1  text;"},
		/* blanks behind a boundary; a boundary that only begins like one */
		{REPORT "--b \t\n\ntext\n--bc\n--b--  \n", "0+ multipart/report ;1  text\n--bc;"},
		/* no boundary anywhere, none named, none that fits */
		{REPORT "just text\n", "0! multipart/report just text\n;"},
		{"Content-Type: multipart/mixed\n\n--b\n\nx\n", "0 multipart/mixed --b\n\nx\n;"},
		/* none named, but one is there */
		{"Content-Type: multipart/mixed\nboundary=b\n\n--\n-- \n--b \nContent-Type: "
		 "text/x\n\nx\n"
		 "--b--\n",
		 "0+ multipart/mixed ;1 text/x x;"},
		/* no empty line behind a part's header */
		{REPORT "--b\nContent-Type: text/plain\nThe text.\n--b\ntext: at once\n--b--\n",
		 "0+ multipart/report ;1 text/plain The text.;1  text: at once;"},
		{REPORT "--b\nContent-Type: text/plain\n--b--\n",
		 "0+ multipart/report ;1 text/plain ;"},
		/* the outer boundary ends what the inner one left open */
		{REPORT
		 "--b\nContent-Type: multipart/alternative; boundary=bb\n\n--bb\n\nx\n" STATUS
		 "--b--\n",
		 "0+ multipart/report ;1+ multipart/alternative ;2  x;"
		 "1 message/delivery-status Action: failed;"},
		/* the same boundary again after its end */
		{REPORT TEXT "--b--\n" TEXT "--b--\n", "0+ multipart/report ;1  text;1  text;"},
		/* headers only, cut like this by many */
		{REPORT "--b\nContent-Type: text/rfc822-headers\n\nSubject: x\n"
			"Content-Type: multipart/mixed; boundary=y\n--b--\n",
		 "0+ multipart/report ;1+ text/rfc822-headers ;2 multipart/mixed ;"},
		{REPORT "--b\nContent-Type: message/rfc822\n\n\n\nSubject: x\n\ny\n--b--\n",
		 "0+ multipart/report ;1+ message/rfc822 ;2  y;"},
		/* an encoded message cannot be read in place; one that says so only, can */
		{"Content-Type: message/rfc822\nContent-Transfer-Encoding: "
		 "base64\n\nU3ViamVjdA==\n",
		 "0 message/rfc822 U3ViamVjdA==\n;"},
		{"Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nA: b\n\nc\n",
		 "0+ message/rfc822 ;1  c\n;"},
		{"Content-Type:\n "
		 "multipart/mixed;\n\tboundary*0=\"a\";\n\tboundary*1=b\n\n--ab\n\nx\n--ab--",
		 "0+ multipart/mixed ;1  x;"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_slice_str(outline(rows[i].message), rows[i].want);
}

TEST(part_fields)
{
	const struct mime_part *part;

	outline("Content-Type: Multipart/Report (a comment); Report-Type=\"delivery-status\";\n"
		"\tboundary=\"=_\\\"x \"\nContent-Transfer-Encoding: 7bit\n\n"
		"--=_\"x\nContent-type: text/plain;charset='utf-8' ; x\n"
		"Content-Transfer-Encoding: Quoted-Printable\n\n\n"
		"--=_\"x\nContent-Type: text/html charset=koi8-r; charset*=utf-8'en'other\n"
		"CONTENT-TRANSFER-ENCODING : BASE64 \n\n\n"
		"--=_\"x\nContent-Type: text/x; charset*=us-ascii'en'iso-8859-2\n"
		"Content-Transfer-Encoding: x-uuencode\n\n"
		"--=_\"x\nContent-Type: ; charset=\"\n\n--=_\"x--\n");
	assert_int_equal(mime.part_count, 5);
	part = mime.parts;
	assert_slice_str(part[0].type, "Multipart/Report");
	assert_slice_str(part[0].report_type, "delivery-status");
	assert_int_equal(part[0].encoding, MIME_PLAIN);
	assert_slice_str(part[1].charset, "'utf-8'");
	assert_int_equal(part[1].encoding, MIME_QP);
	assert_slice_str(part[2].type, "text/html");
	assert_slice_str(part[2].charset, "koi8-r");
	assert_int_equal(part[2].encoding, MIME_BASE64);
	assert_slice_str(part[3].charset, "iso-8859-2");
	assert_int_equal(part[3].encoding, MIME_OTHER);
	assert_slice_str(part[4].type, "");
	assert_slice_str(part[4].charset, "");
	for (size_t i = 1; i < 5; i++)
		assert_int_equal(part[i].parent, 0);
}

TEST(limits)
{
	static char text[MIME_MESSAGE_MAX + 100];
	size_t len = 0;

	/* Many parts: the first ones, each with its end. */
	len = (size_t)snprintf(text, sizeof(text), "Content-Type: multipart/mixed; boundary=b\n\n");
	for (int i = 0; i < MIME_PARTS_MAX + 5; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "--b\n\n%d\n", i);
	mime_read(slice_of(text, len), &mime);
	assert_int_equal(mime.part_count, MIME_PARTS_MAX);
	assert_true(mime.cut);
	assert_slice_str(mime.parts[MIME_PARTS_MAX - 1].body, "62");

	/* Deep nesting: what is too deep is opaque. */
	len = 0;
	for (int i = 0; i < MIME_DEPTH_MAX + 5; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len,
					"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n", i,
					i);
	len += (size_t)snprintf(text + len, sizeof(text) - len, "\nend\n--b0\n\nafter\n");
	mime_read(slice_of(text, len), &mime);
	assert_true(mime.cut);
	assert_int_equal(mime.part_count, MIME_DEPTH_MAX + 1);
	assert_int_equal(mime.parts[MIME_DEPTH_MAX - 1].depth, MIME_DEPTH_MAX - 1);
	assert_false(mime.parts[MIME_DEPTH_MAX - 1].container);
	assert_slice_str(mime.parts[MIME_DEPTH_MAX].body, "after\n");

	/* A boundary that is too long is none. */
	len = (size_t)snprintf(text, sizeof(text),
			       "Content-Type: multipart/mixed; boundary=%0*d\n\n--%0*d\n\nx",
			       MIME_BOUNDARY_MAX + 1, 0, MIME_BOUNDARY_MAX + 1, 0);
	mime_read(slice_of(text, len), &mime);
	assert_int_equal(mime.part_count, 1);
	len = (size_t)snprintf(text, sizeof(text),
			       "Content-Type: multipart/mixed; boundary=%0*d\n\n--%0*d\n\nx",
			       MIME_BOUNDARY_MAX, 0, MIME_BOUNDARY_MAX, 0);
	mime_read(slice_of(text, len), &mime);
	assert_int_equal(mime.part_count, 2);

	memset(text, 'x', sizeof(text));
	mime_read(slice_of(text, sizeof(text)), &mime);
	assert_true(mime.cut);
	assert_int_equal(mime.parts[0].body.len, MIME_MESSAGE_MAX);
}

/* Repetitions of what might make a reader look again and again: were it so, this would not end. */
TEST(linear)
{
	static const char *const patterns[] = {
		"\n",
		" ",
		"a\n",
		"a:\n",
		" \n",
		"--\n",
		"--b\n",
		"--b--\n",
		"--b\n\n",
		"--b\na\n",
		"--b\na:b\n",
		"--b\nContent-Type: message/rfc822\n\n",
		"Content-Type: multipart/x; boundary=b\n\n--b\n",
		"Content-Type: multipart/x\n\n--b\n",
		"=",
		"=\n",
		"\"",
		"; a=\"\\",
		"Zm8=\n",
	};
	static uint8_t text[1 << 19];
	static uint8_t out[MIME_TEXT_ROOM(sizeof(text))];
	static const char head[] = "Content-Type: multipart/mixed; boundary=\"b\"\n"
				   "Content-Transfer-Encoding: base64\n\n--b\n";

	for (size_t i = 0; i < 2 * sizeof(patterns) / sizeof(patterns[0]); i++) {
		const char *pattern = patterns[i / 2];
		size_t len = strlen(pattern), start = i % 2 ? sizeof(head) - 1 : 0;
		struct builder b;

		memcpy(text, head, start);
		for (size_t at = start; at < sizeof(text); at++)
			text[at] = (uint8_t)pattern[(at - start) % len];
		mime_read(slice_of(text, sizeof(text)), &mime);
		for (uint8_t encoding = 0; encoding <= MIME_BASE64; encoding++) {
			builder_init_fixed(&b, out, sizeof(out));
			mime.parts[0].encoding = encoding;
			mime_text(&b, &mime.parts[0], NULL);
			assert_false(b.failed);
		}
	}
}

TEST(line_ends)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{"", ""},
		{"a\r\nb", "a\nb"},
		{"a\rb\r", "a\nb\n"},
		{"a\r\r\nb\n", "a\nb\n"},
		{"a\r\n\r\nb", "a\n\nb"},
		{"\r\r", "\n\n"},
		{"a\n\rb", "a\n\nb"},
	};
	uint8_t buf[16];
	struct builder b;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		builder_init_fixed(&b, buf, sizeof(buf));
		mime_lines(&b, slice_str(rows[i].text));
		assert_slice_str(builder_slice(&b), rows[i].want);
	}
	builder_init_fixed(&b, buf, 4);
	mime_lines(&b, SLICE("a\r\nbcdef"));
	assert_true(b.failed);
	assert_slice_str(builder_slice(&b), "a\nbc");
}

#define PLAIN(charset, encoding)                                                                   \
	"Content-Type: text/plain; charset=" charset "\nContent-Transfer-Encoding: " encoding "\n" \
	"\n"
#define HTML(encoding)                                                                             \
	"Content-Type: Text/HTML; charset=iso-8859-1\nContent-Transfer-Encoding: " encoding "\n\n"

static const struct {
	const char *message, *bytes, *text;
} body_rows[] = {
	{"\nsimply\n", "simply\n", "simply\n"},
	{PLAIN("utf-8", "8bit") "gr\xc3\xbcn \xff", "gr\xc3\xbcn \xff", "gr\xc3\xbcn \xef\xbf\xbd"},
	{PLAIN("iso-8859-1", "quoted-printable") "gr=FC=\nn =E2=82=AC", "gr\xfcn \xe2\x82\xac",
	 "gr\xc3\xbcn \xc3\xa2\xe2\x80\x9a\xc2\xac"},
	{PLAIN("koi8-r", "base64") "79TX\nxdQ=", "\xef\xd4\xd7\xc5\xd4",
	 "\xd0\x9e\xd1\x82\xd0\xb2\xd0\xb5\xd1\x82"},
	/* what stands below base64, and what never was any */
	{PLAIN("utf-8", "base64") "Zm9v\nYmE=\n\n-- \nadded by a list\n",
	 "fooba-- \nadded by a list\n", "fooba-- \nadded by a list\n"},
	{PLAIN("utf-8", "base64") "hello\n", "hello\n", "hello\n"},
	{PLAIN("utf-8", "x-unknown") "as it is", "as it is", "as it is"},
	{HTML("quoted-printable") "<p>gr=FC=DFe &amp;<br>mehr</p>",
	 "<p>gr\xfc\xdf"
	 "e &amp;<br>mehr</p>",
	 "gr\xc3\xbc\xc3\x9f"
	 "e &\nmehr\n"},
};

TEST(bodies)
{
	for (size_t i = 0; i < sizeof(body_rows) / sizeof(body_rows[0]); i++) {
		uint8_t buf[512];
		struct builder b;

		outline(body_rows[i].message);
		builder_init_fixed(&b, buf, sizeof(buf));
		mime_decode(&b, mime.parts);
		assert_slice_str(builder_slice(&b), body_rows[i].bytes);
		builder_clear(&b);
		builder_str(&b, "before:");
		mime_text(&b, mime.parts, NULL);
		assert_false(b.failed);
		assert_slice_str(slice_from(builder_slice(&b), 7), body_rows[i].text);
	}
}

/* With any room the text is the beginning of the whole, and only a cut one fails. */
TEST(text_in_little_room)
{
	for (size_t i = 0; i < sizeof(body_rows) / sizeof(body_rows[0]); i++) {
		struct slice want = slice_str(body_rows[i].text);

		outline(body_rows[i].message);
		for (size_t room = 0; room <= MIME_TEXT_ROOM(mime.parts[0].body.len); room++) {
			uint8_t buf[512];
			struct builder b;
			struct slice got;

			builder_init_fixed(&b, buf, room);
			mime_text(&b, mime.parts, NULL);
			got = builder_slice(&b);
			if (!b.failed) {
				assert_slice(got, want);
				continue;
			}
			assert_true(room < MIME_TEXT_ROOM(mime.parts[0].body.len));
			/* A cut in a character or entity shows at the end only. */
			got = slice_sub(got, 0, got.len < 8 ? 0 : got.len - 8);
			assert_true(slice_starts(want, got));
		}
	}
}

TEST(text_in_an_arena)
{
	struct test_mem mem = TEST_MEM_INIT;
	struct arena arena;
	struct builder b;

	arena_init(&arena, &mem.mem, 1 << 20);

	for (size_t i = 0; i < sizeof(body_rows) / sizeof(body_rows[0]); i++) {
		outline(body_rows[i].message);
		builder_init_arena(&b, &arena, 1 << 16);
		mime_text(&b, mime.parts, NULL);
		assert_false(b.failed);
		assert_slice_str(builder_slice(&b), body_rows[i].text);
	}
	arena_finish(&arena);
	assert_int_equal(mem.taken, mem.given);
}

/* What lies so far behind is not sought: each field would cost the whole of a long header. */
TEST(long_header)
{
	static uint8_t room[MIME_HEADER_MAX + 16];
	static const char field[] = "To: b";
	struct slice value;

	for (size_t at = MIME_HEADER_MAX - 5; at <= MIME_HEADER_MAX; at += 5) {
		memset(room, '\n', sizeof(room));
		memcpy(room + at, field, 5);
		assert_int_equal(
			mime_header_find(slice_of(room, sizeof(room)), SLICE("to"), &value),
			at < MIME_HEADER_MAX);
	}
}

TEST(fields)
{
	const struct slice header =
		SLICE("From x\nSubject: a\n b\nno field\nX-Empty:\nsubject : c\n"
		      "\nStatus: 5.1.1");
	struct slice rest = header, name, value;

	assert_true(mime_header_find(header, SLICE("SUBJECT"), &value));
	assert_slice_str(value, " a\n b");
	assert_false(mime_header_find(header, SLICE("X"), &value));
	assert_slice_str(value, " a\n b");
	assert_true(mime_field_next(&rest, &name, &value));
	assert_true(mime_field_next(&rest, &name, &value));
	assert_slice_str(name, "X-Empty");
	assert_slice_str(value, "");
	assert_true(mime_field_next(&rest, &name, &value));
	assert_slice_str(name, "subject");
	assert_slice_str(value, " c");
	assert_true(mime_field_next(&rest, &name, &value));
	assert_slice_str(name, "Status");
	assert_false(mime_field_next(&rest, &name, &value));
}

TESTS(TEST_ROW(parts), TEST_ROW(part_fields), TEST_ROW(limits), TEST_ROW(linear),
      TEST_ROW(long_header), TEST_ROW(line_ends), TEST_ROW(bodies), TEST_ROW(text_in_little_room),
      TEST_ROW(text_in_an_arena), TEST_ROW(fields))
