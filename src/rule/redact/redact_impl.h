/*
 * redact_impl: the state of one redaction; for redact.c and the files beside it alone. A mail is
 * written twice: first for the names alone, which may stand in the text before the address that
 * they are part of.
 */
#ifndef RULE_REDACT_REDACT_IMPL_H
#define RULE_REDACT_REDACT_IMPL_H

#include "base/builder.h"
#include "rule/normal/normalise.h"

#define REDACT_SLOTS 2048u /* power of two */
#define REDACT_NAMES_MAX (REDACT_SLOTS / 2)
#define REDACT_PROBES_MAX 64u
#define REDACT_KEY_MAX 512
#define REDACT_FIELD_MAX 8192 /* bytes of a field's value */
#define REDACT_LEFT_OUT "[left out]"

enum redact_kind {
	REDACT_ADDRESS,
	REDACT_DOMAIN,
	REDACT_ID,
	REDACT_LOCAL, /* a local part alone: the number is that of the address */
	REDACT_WORD,  /* of a display name */
	REDACT_KIND_MAX
};

struct redact_name {
	struct slice key; /* lower case, in the arena; empty: a free slot */
	uint16_t number;
	uint8_t kind;
};

struct redact {
	struct arena *arena;
	const struct charset_hook *hook; /* or NULL */
	struct builder out;
	struct redact_name names[REDACT_SLOTS];
	size_t name_count;
	uint16_t counts[REDACT_KIND_MAX];
	struct normal normal; /* of the text at hand */
	uint8_t field_room[REDACT_FIELD_MAX];
};

/* redact_name.c: each appends the stand-in. */
void redact_address(struct redact *r, struct slice local, struct slice domain);
void redact_id(struct redact *r, struct slice id);
/* false, nothing appended, when the word is none that was learned. */
bool redact_known(struct redact *r, struct slice word);
bool redact_is_known(const struct redact *r, struct slice word);
/* A local part that is nobody's own: postmaster. Stays. */
bool redact_is_role(struct slice local);
/* The words of a display name. */
void redact_learn_words(struct redact *r, struct slice text);

/* redact_text.c: one line without its end, safe to show. */
void redact_line(struct redact *r, struct slice line);
/* The addresses in a value alone, separated by commas; what stands beside them is a display name.
 * Answers how many there were. */
size_t redact_addresses(struct redact *r, struct slice value);

/* redact_body.c: a part of text, line by line, up to the message that it returns. */
void redact_body(struct redact *r, struct slice text);

/* redact_field.c */
enum redact_place {
	REDACT_PLACE_MAIL,     /* of the bounce itself */
	REDACT_PLACE_PART,     /* of a part of it */
	REDACT_PLACE_RETURNED, /* of the message that it returns */
	REDACT_PLACE_STATUS    /* the fields of a report for machines */
};
/* Fields with LF lines and folds; answers how many were left out. */
size_t redact_fields(struct redact *r, struct slice fields, enum redact_place place);
/* One field with its line end; false when it was left out. */
bool redact_field(struct redact *r, struct slice name, struct slice value, enum redact_place place);
/* A name that something is known of. */
bool redact_is_listed(struct slice name);
/* A name that tells of the message alone, wherever it stands: From, Subject. */
bool redact_is_about_message(struct slice name);

#endif
