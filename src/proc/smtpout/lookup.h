/*
 * lookup: where a destination's mail goes: asked of dns, or known already when the smart host is
 * given as an address. The answer is kept in the destination for its time to live. No more
 * questions are out than dns takes; the others wait for their turn, which costs mail nothing.
 */
#ifndef PROC_SMTPOUT_LOOKUP_H
#define PROC_SMTPOUT_LOOKUP_H

#include "proc/smtpout/destination.h"

#define LOOKUP_ARENA_BYTES ((size_t)32768)
#define LOOKUP_TTL_MIN_MS 5000u
#define LOOKUP_TTL_MAX_MS 3600000u

/* There are targets and they may still be believed. */
bool lookup_is_fresh(const struct destination *destination);
/* Asks, unless it is asking already. ERR_NOT_FOUND: there is no smart host to be asked for. */
int lookup_begin(struct destination *destination) MUST_USE;
void lookup_cancel(struct destination *destination);
/* Who asked this, or NULL when nobody does any more. */
struct destination *lookup_find(struct smtpout *out, uint32_t request);
void lookup_target_add(struct destination *destination, const struct ipc_dns_target *message);
/* True when there are targets now. */
bool lookup_end(struct destination *destination, const struct ipc_dns_done *message);

/* The time for an answer is over. True when dns is there and has not got the question yet, for
 * others that went before it: then it has more time. */
bool lookup_is_held(struct destination *destination);

/* dns is gone: what it was asked is asked again by lookup_resume, when it is back. */
void lookup_pause(struct smtpout *out);
/* Asks what waits to be asked, as far as settings->asked_max and the channel allow. */
void lookup_resume(struct smtpout *out);

/* The verdict when dns has not answered. */
struct verdict lookup_silence(void);

#endif
