/*
 * html: what a reader of an HTML mail would see, as plain text: tags, comments, scripts and styles
 * out, entities resolved, blanks collapsed, blocks on lines of their own. No parser of HTML:
 * nothing nests, and everything ends somewhere. Time is linear.
 */
#ifndef WIRE_MESSAGE_HTML_H
#define WIRE_MESSAGE_HTML_H

#include "base/builder.h"

/* html is UTF-8. Appends never more than html.len bytes and one LF; cut at b's room, and b fails.
 */
void html_text(struct builder *b, struct slice html);

#endif
