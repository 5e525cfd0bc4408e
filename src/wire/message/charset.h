/*
 * charset: text in the charsets of old mail made UTF-8. The single-byte ones are tables here; for
 * the others (ISO-2022-JP, Shift_JIS, GBK, Big5, EUC-KR …) a program may give a hook, since their
 * tables are libraries of their own (charset/).
 *
 * Declarations are often wrong. What is not declared, or unknown, is UTF-8 if it is valid, else
 * windows-1252 (or ISO-2022-JP, if it holds its escapes); what is declared as US-ASCII, ISO-8859-1
 * or windows-1252 is taken as not declared.
 */
#ifndef WIRE_MESSAGE_CHARSET_H
#define WIRE_MESSAGE_CHARSET_H

#include "base/builder.h"

/*
 * Appends text, made UTF-8, to b (bytes that are no character as U+FFFD; as much as fits, else b
 * fails). charset: one of the names that charset_names.def gives to CHARSET_FOREIGN. False when it
 * does not know that one: nothing is appended then.
 */
typedef bool charset_convert_fn(struct builder *b, const char *charset, struct slice text,
				void *context);

struct charset_hook {
	charset_convert_fn *convert;
	void *context;
};

/* A charset name longer than this is none. */
#define CHARSET_NAME_MAX 40
/* No byte of any charset becomes more than this many. */
#define CHARSET_GROWTH 3

/* The text needs no conversion: it is UTF-8 and means so under that name. */
bool charset_is_utf8(struct slice charset, struct slice text);
/* Appends text made UTF-8; hook may be NULL. At most b's room: cut then, and b fails. */
void charset_convert(struct builder *b, struct slice charset, struct slice text,
		     const struct charset_hook *hook);
/* The character of a windows-1252 byte. */
uint32_t charset_windows_1252_code(uint8_t byte);

#endif
