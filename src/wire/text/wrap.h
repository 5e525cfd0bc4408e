/*
 * wrap: a paragraph broken into lines at its blanks.
 */
#ifndef WIRE_TEXT_WRAP_H
#define WIRE_TEXT_WRAP_H

#include "base/builder.h"

/* Lines of at most columns bytes, each with its end behind it; a longer word stands alone. Runs of
 * blanks count as one. */
void wrap_text(struct builder *b, struct slice text, size_t columns, const char *line_end);

#endif
