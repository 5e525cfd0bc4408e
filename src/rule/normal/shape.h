/*
 * shape: what is left of a reply when its fields are out, as it is written. Case and runs of blanks
 * do not count; a placeholder that only signs part from the same one before it is left out, so that
 * a list of ten numbers has the shape of a list of two.
 */
#ifndef RULE_NORMAL_SHAPE_H
#define RULE_NORMAL_SHAPE_H

#include "rule/normal/normalise.h"
#include "rule/normal/token.h"

struct shape {
	uint8_t *bytes; /* room for NORMAL_SHAPE_MAX, which no text fills */
	size_t len;
	size_t mark_len; /* behind the last placeholder */
	uint8_t mark;	 /* which, 0 for none */
	bool apart;	 /* something but signs came since */
	bool blank;	 /* one is due before the next sign */
};

/* The placeholder of a kind of field. */
void shape_field(struct shape *s, enum normal_kind kind);
/* The last thing was a number's placeholder, and nothing but signs came since. */
bool shape_is_behind_number(const struct shape *s);
/* What two shapes are compared by; the same everywhere. */
uint64_t shape_hash(const struct shape *s);

static inline void
shape_blank(struct shape *s)
{
	s->blank = s->len > 0;
}

static inline void
shape_begin(struct shape *s)
{
	if (s->blank)
		s->bytes[s->len++] = ' ';
	s->blank = false;
}

/* One that stands for itself: punctuation, or a byte that nothing is known about. */
void shape_sign(struct shape *s, uint8_t byte);

/* The last thing was len bytes of text, which are a field after all. joint: shape_is_behind_number
 * before they came. */
void shape_replace(struct shape *s, size_t len, bool joint, enum normal_kind kind);

/* Answers the text as it stands in the shape, in lower case. */
static inline struct slice
shape_text(struct shape *s, const uint8_t *text, size_t len)
{
	uint8_t *to;

	shape_begin(s);
	to = s->bytes + s->len;
	for (size_t i = 0; i < len; i++)
		to[i] = text[i] | (token_classes[text[i]] & TOKEN_UPPER ? 0x20 : 0);
	s->len += len;
	s->apart = true;
	return slice_of(to, len);
}

#endif
