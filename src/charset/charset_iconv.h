/*
 * charset_iconv: the charsets that wire/message/charset.h has no table for (ISO-2022-JP, Shift_JIS,
 * GBK, Big5, EUC-KR ...), by the C library's iconv. The one folder that includes <iconv.h>; only
 * the names of charset_names.def ever reach it. It reads the library's tables from files when a
 * charset is first asked for: a process that locks itself in asks before, or does without.
 */
#ifndef CHARSET_CHARSET_ICONV_H
#define CHARSET_CHARSET_ICONV_H

#include "wire/message/charset.h"

#define CHARSET_ICONV_MAX 16 /* different converters that are open at once */

struct charset_iconv {
	struct {
		const char *name; /* borrowed from charset_names.def */
		void *converter;  /* NULL: the library does not know it */
	} open[CHARSET_ICONV_MAX];
	size_t count;
};

void charset_iconv_init(struct charset_iconv *c);
/* Closes all converters; c may be used again. */
void charset_iconv_finish(struct charset_iconv *c);

/* A charset_convert_fn whose context is a struct charset_iconv. Time is linear in text. */
bool charset_iconv_convert(struct builder *b, const char *charset, struct slice text,
			   void *context);

/* The hook for mime_text and mime_header_text; c must outlive it. */
struct charset_hook charset_iconv_hook(struct charset_iconv *c);

#endif
