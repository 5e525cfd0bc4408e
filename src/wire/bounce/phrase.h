/*
 * phrase: the words of phrases.def found in a text, in one pass: at each place where a word begins
 * the bytes there select the few phrases that can stand.
 */
#ifndef WIRE_BOUNCE_PHRASE_H
#define WIRE_BOUNCE_PHRASE_H

#include "base/slice.h"

enum phrase_kind {
	PHRASE_FORM = 1 << 0,
	PHRASE_LIST = 1 << 1,
	PHRASE_RETURNED = 1 << 2,
	PHRASE_GAVE_UP = 1 << 3,
	PHRASE_WAITING = 1 << 4,
	PHRASE_FAILED = 1 << 5,
	PHRASE_TAIL = 1 << 6,
	PHRASE_COMMAND = 1 << 7,
	PHRASE_AWAY = 1 << 8,
	PHRASE_NOTICE = 1 << 9,
	PHRASE_OURS = 1 << 10,
	PHRASE_WHOM = 1 << 11,
	PHRASE_HOST = 1 << 12,
	PHRASE_DIALOGUE = 1 << 13,
	PHRASE_STATUS = 1 << 14,
	PHRASE_DAEMON = 1 << 15,
	PHRASE_DONE = 1 << 16,
	PHRASE_COMPLAINT = 1 << 17,
	PHRASE_CAUSE = 1 << 18,
	PHRASE_REASON = 1 << 19,
	PHRASE_FOOTER = 1 << 20,
};

#define PHRASES_MAX 1024
#define PHRASE_BUCKETS 1024

/* Made anew for each mail; costs less than reading a line of it. */
struct phrase_index {
	uint16_t first[PHRASE_BUCKETS], next[PHRASES_MAX];
	uint32_t kinds[PHRASE_BUCKETS]; /* of all in it, enum phrase_kind */
	uint8_t folded[256];		/* lower case; '0' for digits, ' ' for blanks */
	bool word[256];			/* a letter or digit of ASCII */
};

struct phrase_hit {
	unsigned kind;	   /* enum phrase_kind */
	const char *value; /* as in phrases.def, or NULL */
	size_t at, end;	   /* in the text */
};

void phrase_index_init(struct phrase_index *index);
/* The next phrase of one of the kinds at or behind *at, which moves behind its beginning. */
bool phrase_next(const struct phrase_index *index, struct slice text, unsigned kinds, size_t *at,
		 struct phrase_hit *ret_hit);
/* The first one; false when there is none. ret_hit may be NULL. */
bool phrase_find(const struct phrase_index *index, struct slice text, unsigned kinds,
		 struct phrase_hit *ret_hit);

#endif
