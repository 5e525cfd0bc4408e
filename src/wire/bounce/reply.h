/*
 * reply: the server's answer within what a reporter wrote around it: code, status and words.
 */
#ifndef WIRE_BOUNCE_REPLY_H
#define WIRE_BOUNCE_REPLY_H

#include "base/arena.h"
#include "wire/bounce/phrase.h"
#include "wire/verdict/verdict.h"

struct bounce_reply {
	struct slice words; /* from the code on, up to the end of its paragraph; not yet cleaned */
	size_t at;	    /* where they begin in the text */
	uint16_t code;
	struct verdict_status status; /* of the reply itself; 0.0.0 none */
	bool gave_up; /* the lifetime's end was told, and the reply is from before */
};

/* The first reply in text (with a code, 4xx or 5xx); false when there is none. */
bool bounce_reply_find(const struct phrase_index *index, struct slice text,
		       struct bounce_reply *ret_reply);
/* The value of a Diagnostic-Code behind its type: any code counts at the beginning. Words without a
 * code are a reply too. False when there is nothing to read. */
bool bounce_reply_diagnostic(const struct phrase_index *index, struct slice value,
			     struct bounce_reply *ret_reply);

/* A status code anywhere in it, as servers write them: 5.1.1, (#5.1.1), [5.1.1]. 0.0.0: none. */
struct verdict_status bounce_status_find(struct slice text);
/* It says more than its class. */
bool bounce_status_is_precise(struct verdict_status status);
/* The words with blanks joined, a line for each line of the reply, at most BOUNCE_REPLY_MAX. */
struct slice bounce_reply_clean(struct arena *arena, struct slice words);
/* The name (else the address) of the host spoken of in the text, the last one; or empty. */
struct slice bounce_host_find(const struct phrase_index *index, struct slice text);

#endif
