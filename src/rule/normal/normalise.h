/*
 * normalise: a refusal taken apart. What differs from mail to mail becomes fields (addresses,
 * hosts, links, block lists, ids, times, sizes, numbers); what remains is the shape: the same text,
 * lower case, one blank for any run of blanks and line ends, a placeholder for each field. A
 * million replies make some hundred shapes, so that rules can be written for them and unknown ones
 * counted.
 *
 * Pure, in time linear to the text, without memory but the caller's. Nothing is judged here.
 */
#ifndef RULE_NORMAL_NORMALISE_H
#define RULE_NORMAL_NORMALISE_H

#include "wire/verdict/verdict.h"

#define NORMAL_TEXT_MAX VERDICT_REPLY_MAX /* bytes of a reply that are read */
#define NORMAL_FIELDS_MAX 64		  /* that are kept; the shape has all of them */
/* A digit becomes "<n>"; nothing grows more. The rest is for code and status in front. */
#define NORMAL_SHAPE_MAX (3 * NORMAL_TEXT_MAX + 32)

enum normal_kind {
	NORMAL_IP,	  /* IPv4 or IPv6 */
	NORMAL_HOST,	  /* a name with a dot in it */
	NORMAL_MAIL,	  /* local@domain */
	NORMAL_URL,	  /* shown with a caution, never fetched */
	NORMAL_LIST,	  /* a block list: its zone or its operator's name */
	NORMAL_LIST_CODE, /* what such a zone answers: 127.0.0.4, 127.255.255.254 */
	NORMAL_TAG,   /* a code of the receiver's own: TSS04, S3140, AS780090; stays in the shape */
	NORMAL_ID,    /* of a queue, a session, a message */
	NORMAL_WAIT,  /* when to come again; value in seconds */
	NORMAL_SPAN,  /* any other time; value in seconds */
	NORMAL_SIZE,  /* value in bytes */
	NORMAL_LIMIT, /* a number where a limit or quota is spoken of */
	NORMAL_NUMBER,
	NORMAL_TIME, /* a day or a time of day */
	NORMAL_KIND_MAX
};

struct normal_field {
	uint8_t kind;	/* enum normal_kind */
	bool inside;	/* part of a link that is a field itself, or a word that stays */
	uint16_t index; /* where it begins in the text */
	uint16_t len;
	uint64_t value; /* of numbers, times and sizes */
};

struct normal {
	struct slice text; /* what was read, borrowed */
	struct normal_field fields[NORMAL_FIELDS_MAX];
	size_t field_count;
	bool fields_cut; /* there were more */
	bool again;	 /* a sentence speaks of coming again */
	size_t shape_len;
	uint64_t hash; /* of the shape */
	uint8_t shape[NORMAL_SHAPE_MAX];
};

/*
 * text: all lines, separated by LF or CRLF, with their codes or without. code and status, where
 * they are known, stand in front of the shape, and those at line starts are left out of it.
 */
void normalise(struct slice text, uint16_t code, struct verdict_status status,
	       struct normal *ret_normal);

/* The bytes of a field in the text. */
struct slice normal_field_text(const struct normal *normal, const struct normal_field *field);
/* The first field of that kind, or NULL. One outside of a link goes before one inside. */
const struct normal_field *normal_find(const struct normal *normal, enum normal_kind kind);
struct slice normal_shape(const struct normal *normal);
/* "ip", "host", ... as in JSON and placeholders. */
const char *normal_kind_str(unsigned kind);

#endif
