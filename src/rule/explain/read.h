/*
 * read: a refusal as somebody has it before him (pasted from a bounce or a log) made into the facts
 * that explain needs: code, status, class, stage. What the text does not say is not made up: it is
 * marked as not known, and judged as what is most frequent.
 */
#ifndef RULE_EXPLAIN_READ_H
#define RULE_EXPLAIN_READ_H

#include "rule/explain/explain.h"
#include "rule/explain/normalise.h"

/* One refusal, explained. Slices borrow from what was read. */
struct explained {
	struct verdict verdict;
	struct normal normal;
	struct slice mx;  /* name of the exchanger, as given; or empty */
	bool code_known;  /* else the verdict has one of its class, so that rules can be tried */
	bool class_known; /* by code or status; else it is a guess by the words */
	bool stage_known; /* else it is judged as one about the recipient */
	bool empty;	  /* no text at all */
};

/* What the caller knows beside the text. */
struct explain_given {
	uint8_t stage; /* enum verdict_stage, or VERDICT_STAGE_MAX for not known */
	struct slice host, mx;
};

/* text: lines separated by LF or CRLF, at most VERDICT_REPLY_MAX bytes of which are read; any bytes
 * at all. Answers what the rules can tell. */
void explain_read(struct slice text, const struct explain_given *given,
		  struct explained *ret_explained);
/* VERDICT_STAGE_MAX when there is no such stage. */
enum verdict_stage explain_stage_of_name(struct slice name);

#endif
