/* mime: the parts of good, bad and cut messages; bodies as bytes and as text; fields and
 * parameters. */
#include "base/test.h"

#include "base/builder.h"
#include "base/prng.h"
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

TESTS(TEST_ROW(parts))
