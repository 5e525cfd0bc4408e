/*
 * part: what the readers of the single formats share. Of use to this folder alone.
 */
#ifndef WIRE_LOGLINE_PART_H
#define WIRE_LOGLINE_PART_H

#include "wire/logline/logline.h"

/* The bytes behind the first needle, or an empty slice. */
struct slice part_behind(struct slice text, struct slice needle);
/* What stands between the first needle and the next such byte after it; empty without either. */
struct slice part_between(struct slice text, struct slice needle, uint8_t end);
/* The next word that blanks end; *rest moves to the one after it. */
struct slice part_word(struct slice *rest);
bool part_all_digits(struct slice s); /* and at least one */
/* "550 ", "550-" or "550" alone: 200 to 599; else 0. */
uint16_t part_code(struct slice text);
/* The whole of s as a status (RFC 3463), or class 0. */
struct verdict_status part_status(struct slice s);

/* Reply, and code and status where it begins with them. A status that is known already stays. */
void part_reply_set(struct logline *l, struct slice text);
/* Words that name a command or a moment of the dialogue. */
void part_stage_set(struct logline *l, struct slice words);
/*
 * name[ip]:port, name [ip], name (said) [ip], [ip]:port or ip:port at the start of text. False,
 * nothing set, when there is no address.
 */
bool part_host_set(struct logline *l, struct slice text);

/* Each answers whether the text is of its program. daemon: "smtp"; empty when there was no prefix
 * to tell. */
bool postfix_read(struct slice daemon, struct slice text, struct logline *l);
bool frank_read(struct slice line, struct logline *l);
bool exim_read(struct slice text, struct logline *l);
bool sendmail_read(struct slice text, struct logline *l);
bool mailenable_read(struct slice line, struct logline *l);
bool exchange_read(struct slice line, struct slice fields, struct logline *l);

#endif
