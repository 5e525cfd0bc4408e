/* html: what a reader would see of good and bad HTML. */
#include "base/test.h"

#include "wire/message/html.h"
#include "wire/text/utf8.h"

TEST(texts)
{
	static const struct {
		const char *html, *want;
	} rows[] = {
		{"", ""},
		{"plain", "plain\n"},
		{"  many \n\t blanks  ", "many blanks\n"},
		{"<html><body>a<br>b<br/>c<BR >d</body></html>", "a\nb\nc\nd\n"},
		{"a<br><br><br><br>b", "a\n\nb\n"},
		{"<p>one</p>\n<p>two</p>", "one\n\ntwo\n"},
		{"<div>a</div><div>b</div>", "a\nb\n"},
		{"<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\nc\n"},
		{"<ul><li>a<li>b</ul>c", "a\nb\nc\n"},
		{"a <b>bold</b>, <i class=x>it</i>", "a bold, it\n"},
		{"<pre>a  b\n  c</pre>d  e", "a  b\n  c\nd e\n"},
		{"<head><title>T</title><style>p { a: b }</style></head><p>x", "T\n\nx\n"},
		{"a<script>if (a<b) alert('</p>')</script>b", "ab\n"},
		{"a<STYLE>no end", "a\n"},
		{"a<!-- no > text -->b<!DOCTYPE html>c<?xml ?>d", "abcd\n"},
		{"a<!-- no end> b -- c", "a b -- c\n"},
		{"<a href=\"x>y\" title='>'>link</a>", "link\n"},
		{"<a href=\"no end>link</a> more", "link more\n"},
		{"<o:p>&nbsp;</o:p>x", "x\n"},
		/* what begins no tag is text */
		{"<user@example.org>", "<user@example.org>\n"},
		{"<mailto:user@example.org>", "<mailto:user@example.org>\n"},
		{"<http://example.org/>", "<http://example.org/>\n"},
		{"1 < 2 <3 << <- <", "1 < 2 <3 << <- <\n"},
		{"host said: 550 <b", "host said: 550 <b\n"},
		/* entities */
		{"&lt;a&gt; &amp;amp; &quot;q&quot; &apos;", "<a> &amp; \"q\" '\n"},
		{"a&nbsp;&nbsp;b", "a b\n"},
		{"&auml;&Auml;&szlig;&euro;&hellip;", "äÄß€…\n"},
		{"&#228;&#xE4;&#X20ac;&#146;&#0;&#xd800;&#9999999999;",
		 "ää€’\xef\xbf\xbd\xef\xbf\xbd"
		 "\xef\xbf\xbd\n"},
		{"&amp &lt", "& <\n"},
		{"?a=1&copy=2&unknown;&;&#;&#x;&", "?a=1&copy=2&unknown;&;&#;&#x;&\n"},
		{"AT&T", "AT&T\n"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t buf[512];
		struct builder b;

		builder_init_fixed(&b, buf, sizeof(buf));
		builder_str(&b, "before");
		html_text(&b, slice_str(rows[i].html));
		assert_slice_str(slice_from(builder_slice(&b), 6), rows[i].want);
	}
}

/* The table is searched by halves: each entity is found only if it stands in order. */
TEST(every_entity)
{
	static const struct {
		const char *name;
		uint32_t code;
	} entities[] = {
#define HTML_ENTITY(name, code) {"&" name ";", code},
#include "wire/message/html_entities.def"
	};

	for (size_t i = 0; i < sizeof(entities) / sizeof(entities[0]); i++) {
		uint8_t buf[16];
		struct builder b;
		struct slice rest;
		uint32_t code;

		builder_init_fixed(&b, buf, sizeof(buf));
		html_text(&b, slice_str(entities[i].name));
		rest = builder_slice(&b);
		if (entities[i].code == 0xa0) {
			assert_int_equal(rest.len, 0); /* a blank at the end */
			continue;
		}
		assert_true(utf8_next(&rest, &code));
		assert_int_equal(code, entities[i].code);
		assert_slice_str(rest, "\n");
	}
}

/* Repetitions of what might make a reader search again and again: were it so, this would not end.
 */
TEST(linear)
{
	static const char *const patterns[] = {"<",	   "<a",       "<a b='", "<!--",
					       "<!",	   "&",	       "&#",	 "</",
					       "<script>", "<a x=\">", "<br>",	 "</script"};
	static uint8_t html[1 << 19], out[sizeof(html) + 1];

	for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
		size_t len = strlen(patterns[i]);
		struct builder b;

		for (size_t at = 0; at < sizeof(html); at++)
			html[at] = (uint8_t)patterns[i][at % len];
		builder_init_fixed(&b, out, sizeof(out));
		html_text(&b, slice_of(html, sizeof(html)));
		assert_false(b.failed);
	}
}

TESTS(TEST_ROW(texts), TEST_ROW(every_entity), TEST_ROW(linear))
