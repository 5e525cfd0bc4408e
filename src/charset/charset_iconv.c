/*
 * iconv in a loop: what it writes goes to the builder piece by piece; a byte with which no
 * character begins becomes U+FFFD and is passed over, so that each turn takes input or gives
 * output. Converters stay open, since opening one costs more than most texts.
 */
#include "charset/charset_iconv.h"

#include <errno.h>
#include <iconv.h>
#include <string.h>

#include "base/assert.h"
#include "wire/text/utf8.h"

#define CHARSET_PIECE_BYTES 1024

void
charset_iconv_init(struct charset_iconv *c)
{
	c->count = 0;
}

void
charset_iconv_finish(struct charset_iconv *c)
{
	for (size_t i = 0; i < c->count; i++) {
		if (c->open[i].converter)
			iconv_close((iconv_t)c->open[i].converter);
	}
	c->count = 0;
}

static iconv_t
converter_find(struct charset_iconv *c, const char *charset)
{
	iconv_t converter;

	for (size_t i = 0; i < c->count; i++) {
		if (strcmp(c->open[i].name, charset) == 0)
			return c->open[i].converter;
	}
	if (c->count == CHARSET_ICONV_MAX)
		return NULL;
	converter = iconv_open("UTF-8", charset);
	if (converter == (iconv_t)-1)
		converter = NULL;
	c->open[c->count].name = charset;
	c->open[c->count++].converter = converter;
	return converter;
}

/* Takes input off *rest until it ends or is refused, or the piece is full. */
static int
converter_step(iconv_t converter, struct builder *b, struct slice *rest)
{
	char piece[CHARSET_PIECE_BYTES];
	char *in = (char *)(uintptr_t)rest->data, *out = piece;
	size_t in_bytes = rest->len, out_bytes = sizeof(piece);
	int err = 0;

	if (iconv(converter, rest->len ? &in : NULL, &in_bytes, &out, &out_bytes) == (size_t)-1)
		err = errno;
	utf8_add_head(b, slice_of(piece, sizeof(piece) - out_bytes));
	*rest = slice_from(*rest, rest->len - in_bytes);
	return err;
}

bool
charset_iconv_convert(struct builder *b, const char *charset, struct slice text, void *context)
{
	iconv_t converter = converter_find(context, charset);

	if (!converter)
		return false;
	iconv(converter, NULL, NULL, NULL, NULL); /* forgets the text before */
	while (text.len && !b->failed) {
		size_t before = text.len;
		int err = converter_step(converter, b, &text);

		if (err != 0 && err != E2BIG && text.len) {
			utf8_put(b, UTF8_REPLACEMENT);
			/* What is incomplete is the end. */
			text = slice_from(text, err == EINVAL ? text.len : 1);
		}
		ASSERT(text.len < before || err == E2BIG);
	}
	if (!b->failed)
		converter_step(converter, b, &text); /* what was kept back */
	return true;
}

struct charset_hook
charset_iconv_hook(struct charset_iconv *c)
{
	return (struct charset_hook){charset_iconv_convert, c};
}
