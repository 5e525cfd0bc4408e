/*
 * facts: a refusal as somebody has it before him (pasted from a bounce or a log) made into facts:
 * code, status, class, stage, and its fields. What the text does not say is not made up: it is
 * marked as not known, and stands as what is most frequent. Nothing is judged here.
 */
#ifndef RULE_NORMAL_FACTS_H
#define RULE_NORMAL_FACTS_H

#include "rule/normal/normalise.h"

/* Slices borrow from what was read. */
struct facts {
	struct verdict verdict; /* without cause and what hangs on it */
	struct normal normal;	/* of the other side's words, where somebody quotes them */
	struct slice mx;	/* name of the exchanger, as given; or empty */
	struct slice reporter;	/* whose words they are, where a report says it; or empty */
	bool code_known;  /* else the verdict has one of its class, so that rules can be tried */
	bool class_known; /* by code or status; else it is a guess by the words */
	bool stage_known; /* else it stands as one about the recipient */
	bool empty;	  /* no text at all */
};

/* What the caller knows beside the text. */
struct facts_given {
	uint8_t stage;		      /* enum verdict_stage, or VERDICT_STAGE_MAX for not known */
	uint16_t code;		      /* 0: see the text */
	struct verdict_status status; /* used where the text has none */
	struct slice host, mx, reporter;
};

/* text: lines separated by LF or CRLF, at most VERDICT_REPLY_MAX bytes of which are read; any bytes
 * at all. */
void facts_read(struct slice text, const struct facts_given *given, struct facts *ret_facts);
/* Stage of a command as a report names it: "RCPT TO", "end of data"; VERDICT_STAGE_MAX for none. */
enum verdict_stage facts_stage_of_command(struct slice command);
/* VERDICT_STAGE_MAX when there is no such stage. */
enum verdict_stage facts_stage_of_name(struct slice name);

#endif
