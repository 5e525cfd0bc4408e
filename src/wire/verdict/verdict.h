/*
 * verdict: the one type that crosses all borders with the outcome of an attempt or decision. Its
 * words are those of src/def/verdict_words.def and causes.def, the same in code, journal, log and
 * JSON. Slices are borrowed; codecs copy.
 */
#ifndef WIRE_VERDICT_VERDICT_H
#define WIRE_VERDICT_VERDICT_H

#include "base/builder.h"
#include "base/cursor.h"
#include "base/net_addr.h"

#define VERDICT_REPLY_MAX 4096 /* the remote's words, lines joined by LF */
#define VERDICT_HOST_MAX 255
#define VERDICT_PUBLIC_MAX 512
#define VERDICT_EVIDENCE_MAX 1024
#define VERDICT_ENCODED_MAX 8192

enum verdict_class {
	VERDICT_OK,    /* delivered, relayed, accepted */
	VERDICT_LATER, /* temporary */
	VERDICT_NEVER, /* permanent */
	VERDICT_CLASS_MAX
};

enum verdict_stage {
#define STAGE(NAME, text) VERDICT_STAGE_##NAME,
#include "def/verdict_words.def"
#undef STAGE
	VERDICT_STAGE_MAX
};

enum verdict_actor {
#define ACTOR(NAME, text) VERDICT_ACTOR_##NAME,
#include "def/verdict_words.def"
#undef ACTOR
	VERDICT_ACTOR_MAX
};

enum verdict_action {
#define ACTION(NAME, text) VERDICT_ACTION_##NAME,
#include "def/verdict_words.def"
#undef ACTION
	VERDICT_ACTION_MAX
};

enum verdict_scope {
#define SCOPE(NAME, text) VERDICT_SCOPE_##NAME,
#include "def/verdict_words.def"
#undef SCOPE
	VERDICT_SCOPE_MAX
};

enum verdict_cause {
	VERDICT_CAUSE_NONE, /* nothing went wrong, or not judged yet */
#define CAUSE(NAME, ...) VERDICT_CAUSE_##NAME,
#include "def/causes.def"
#undef CAUSE
	VERDICT_CAUSE_MAX
};

/* Enhanced status code (RFC 3463); 0.0.0 is none. */
struct verdict_status {
	uint8_t class;
	uint16_t subject, detail;
};

struct verdict {
	uint8_t class; /* enum verdict_class */
	uint8_t stage; /* enum verdict_stage */
	uint16_t code; /* SMTP reply code, or 0 when there was no reply */
	struct verdict_status status;
	uint16_t cause; /* enum verdict_cause; 0: not looked for yet */
	uint8_t confidence_percent;
	uint8_t actor, action, scope;
	struct slice reply;	  /* the remote's own words, all lines, cleaned */
	struct slice public_text; /* for the SMTP peer, without private detail */
	struct slice evidence;	  /* verbatim parts and facts */
	struct slice host;	  /* name of the remote host; empty: it was given by its address */
	struct net_addr address;  /* of the remote host */
	struct net_addr source;	  /* ours */
	struct slice helo;	  /* what we called ourselves */
	int64_t wall_ms;	  /* when */
	uint32_t retry_after_s;	  /* not before; 0: as scheduled */
	uint32_t took_ms;	  /* the attempt, from grant to end */
};

const char *verdict_class_str(unsigned class);
const char *verdict_stage_str(unsigned stage);
const char *verdict_actor_str(unsigned actor);
const char *verdict_action_str(unsigned action);
const char *verdict_scope_str(unsigned scope);
const char *verdict_cause_str(unsigned cause); /* "none" for VERDICT_CAUSE_NONE */
/* The evidence, unless it is words of the reply, which says it then. */
struct slice verdict_facts(const struct verdict *verdict);
/* "5.7.1", or nothing for none. */
void verdict_status_format(struct builder *b, struct verdict_status status);

/* The binary form for ipc and journal. decode borrows from the input; every enum is checked. */
void verdict_encode(struct builder *b, const struct verdict *verdict);
void verdict_decode(struct cursor *c, struct verdict *ret_verdict);

#endif
