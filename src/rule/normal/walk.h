/*
 * walk: the state of one normalisation and what its parts share; for normalise.c and the files
 * beside it alone. All functions that take something begin at w->at and move it forward.
 */
#ifndef RULE_NORMAL_WALK_H
#define RULE_NORMAL_WALK_H

#include "rule/normal/normalise.h"
#include "rule/normal/shape.h"
#include "rule/normal/token.h"
#include "rule/normal/vocabulary.h"

#define WALK_PAD_BYTES 16 /* more than anything looks ahead */
#define WALK_CODE_DIGITS 3
#define WALK_STATUS_LEN_MAX 10 /* "5.999.999", and one more shows that it is none */

struct walk {
	struct slice text; /* a copy with zeros behind it, so that looking ahead needs no check */
	size_t at;
	struct normal *out;
	struct shape shape;
	bool line_start;
	bool mails;		/* the chunk has an at sign */
	size_t code_end;	/* behind code and status of this line */
	uint8_t heard;		/* roles of words in this sentence */
	size_t sentence_fields; /* fields before this sentence */
	uint32_t span_unit;	/* of the last field, when it is a time */
};

/* Up to WALK_PAD_BYTES beyond the end are zero. */
static inline uint8_t
walk_byte(const struct walk *w, size_t at)
{
	return w->text.data[at];
}

/* What the byte is; a blank beyond the end. */
static inline uint16_t
walk_class(const struct walk *w, size_t at)
{
	return token_classes[walk_byte(w, at)];
}

/* "10,485,760" is one number. */
static inline bool
walk_is_inner_comma(const struct walk *w, size_t at)
{
	return walk_byte(w, at) == ',' && at > 0 && walk_class(w, at - 1) == TOKEN_DIGIT &&
	       walk_class(w, at + 1) == TOKEN_DIGIT;
}

/* The bytes of the form, where d is any digit: "dd:dd". */
static inline bool
walk_looks_like(const struct walk *w, size_t at, const char *form)
{
	for (; *form; form++, at++) {
		if (*form == 'd' ? walk_class(w, at) != TOKEN_DIGIT
				 : walk_byte(w, at) != (uint8_t)*form)
			return false;
	}
	return true;
}

/* Bytes of a token from at on, at most max. */
static inline size_t
walk_run(const struct walk *w, size_t at, size_t max)
{
	size_t len = 0;

	while (len < max && (walk_class(w, at + len) & TOKEN_BYTE))
		len++;
	return len;
}

/* What could be a status, which is told from other numbers without looking at their values. */
static inline bool
walk_has_status(const struct walk *w, size_t at)
{
	return token_has_status_form(slice_sub(w->text, at, walk_run(w, at, WALK_STATUS_LEN_MAX)));
}

/* walk.c: what is taken becomes a field, and its placeholder stays in the shape. */
void walk_field(struct walk *w, enum normal_kind kind, size_t end, uint64_t value);
/* A field that is part of another one or of the shape. */
void walk_inside(struct walk *w, enum normal_kind kind, size_t index, size_t len);
/* One byte that stays as it is; it may end the sentence. */
void walk_sign(struct walk *w);
/* A word of the sentence speaks of coming again, or of a limit: so do the numbers before it. */
void walk_hear(struct walk *w, uint8_t roles);

/* walk_amount.c: a number up to end, with the unit behind it if there is one. */
void walk_number(struct walk *w, size_t end);
/* The same where the unit is known; end is behind it. */
void walk_amount(struct walk *w, struct slice number, size_t end,
		 const struct vocabulary_word *unit);
/* "2024-06-11T09:04:02.679Z", "00:04:57": false when none is there. */
bool walk_day(struct walk *w, size_t until);
bool walk_clock(struct walk *w, size_t until);
/* The word up to end is part of a date and not "may". */
bool walk_is_in_date(const struct walk *w, size_t end, bool behind_number);

/* walk_link.c: where a link begins before end, or end. *ret_host: behind its scheme. seen: the
 * classes of the bytes up to end. */
size_t walk_link_find(const struct walk *w, size_t end, uint16_t seen, size_t *ret_host);
/* A link whose host begins at host; false when nothing is there. */
bool walk_link(struct walk *w, size_t host);

#endif
