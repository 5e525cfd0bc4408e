/*
 * cause: the rows of src/def/causes.def as values: name, number, defaults, and the two sentences
 * that people read. A verdict's cause is one of these; 0 says that nobody has looked for it yet.
 */
#ifndef WIRE_VERDICT_CAUSE_H
#define WIRE_VERDICT_CAUSE_H

#include "wire/verdict/verdict.h"

struct cause_row {
	const char *name;
	uint16_t number; /* FR-E1001 ... */
	uint8_t actor, action, scope;
	const char *sender_text, *admin_text; /* whole sentences */
};

/* NULL for VERDICT_CAUSE_NONE and beyond the table. */
const struct cause_row *cause_row(unsigned cause);
/* The sentence for the sender: that of the row, or another one once the mail has failed. cause as
 * in a row that exists. */
const char *cause_sender_text(unsigned cause, bool failed);
/* VERDICT_CAUSE_NONE when there is no such name. */
enum verdict_cause cause_of_name(struct slice name);
/* The status (RFC 3463) that fits where the remote gave none; klass as in the verdict's class. */
struct verdict_status cause_status(unsigned cause, unsigned verdict_class);

#endif
