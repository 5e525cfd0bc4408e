/*
 * clean: text from outside made safe to show. What a terminal, a mail program or a log reader could
 * take for more than text becomes visible: \xHH for a byte that is no character or is a control
 * character, \x{HHHH} for a Unicode character that reorders, hides or breaks lines. Nothing is
 * removed silently: what was cut off is marked with CLEAN_CUT.
 *
 * clean_line and clean_ascii are for people: a backslash stands for itself, so their output cannot
 * be turned back. clean_quote is for log lines and can.
 */
#ifndef WIRE_TEXT_CLEAN_H
#define WIRE_TEXT_CLEAN_H

#include "base/builder.h"

#define CLEAN_CUT "[...]"

/* One line of at most max bytes, UTF-8; line ends inside become one space, tabs too. */
void clean_line(struct builder *b, struct slice text, size_t max);
/* As clean_line, and all that is not ASCII is escaped as well: fit for a header field. */
void clean_ascii(struct builder *b, struct slice text, size_t max);
/*
 * A value of a log line: as it is when it holds only letters, digits and harmless signs, else in
 * double quotes with \" \\ \n \r \t and escapes. Never more than max bytes, quotes included
 * (max >= 16); no input can end the quotes or the line.
 */
void clean_quote(struct builder *b, struct slice text, size_t max);

/* Takes the next line (without its CRLF, LF or CR) off *rest; false when there is none. */
bool clean_line_next(struct slice *rest, struct slice *ret_line);

/* Shown as it is by clean_line: no control, no reordering, no invisible character. */
bool clean_code_is_plain(uint32_t code);

#endif
