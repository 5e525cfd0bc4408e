/*
 * dial: one search for a connection to a destination: its targets in order, the second family a
 * little later beside the first (RFC 8305), the next one after each failure up to the hello (RFC
 * 5321 5.1), once more without TLS where that failed. It ends when a session is ready, or with the
 * best reason why there is none.
 */
#ifndef PROC_SMTPOUT_DIAL_H
#define PROC_SMTPOUT_DIAL_H

#include "proc/smtpout/destination.h"

/* Of what other servers said, together and each. Fits into a verdict's evidence, beside its own. */
#define DIAL_OTHERS_BYTES ((size_t)880)
#define DIAL_OTHER_REPLY_BYTES ((size_t)400)

struct dial {
	struct list_node node; /* in the destination's dials */
	struct destination *destination;
	struct list sessions; /* under way: two at most, one once it is connected */
	struct mx_target targets[MX_TARGETS_MAX]; /* hosts of equal preference shuffled */
	size_t count, next;			  /* next: to be tried next */
	struct rt_timer race;
	struct arena arena; /* the words of reason */
	bool has_reason;
	struct verdict reason;
	struct builder others; /* what servers said that is not the reason */
	bool others_cut;
	uint8_t others_room[DIAL_OTHERS_BYTES];
	/* a target whose TLS failed */
	bool again;
	struct session_target again_target;
};

/* The destination has targets. Begins at once; may fail at once, too: then the destination has
 * been told and there is no dial. */
int dial_create(struct destination *destination) MUST_USE;
/* Ends it without a word. */
void dial_drop(struct dial *dial);

/* From its sessions. */
void dial_session_connected(struct dial *dial, struct session *session);
void dial_session_ready(struct dial *dial, struct session *session);
/* Notes why; dial_go_on follows when the session is gone. */
void dial_session_failed(struct dial *dial, const struct session *session,
			 const struct verdict *verdict, bool without_tls);
void dial_go_on(struct dial *dial);

#endif
