/*
 * xtext: the encoding of RFC 3461 4 for ENVID, ORCPT and AUTH= values: printable US-ASCII without
 * "+" and "=" stands for itself, everything else is "+" and two upper-case hex digits.
 */
#ifndef WIRE_TEXT_XTEXT_H
#define WIRE_TEXT_XTEXT_H

#include "base/builder.h"

void xtext_encode(struct builder *b, struct slice bytes);
/* Appends the bytes; ERR_SYNTAX when it is no xtext (lower-case hex is none), ERR_LIMIT when full.
 */
int xtext_decode(struct builder *b, struct slice text) MUST_USE;

#endif
