/*
 * recent: the last things that a process did, in a ring: events, whether or not their level was
 * wanted in the log, and messages from its neighbours. They are written to the log when it crashes.
 */
#ifndef LOG_RECENT_H
#define LOG_RECENT_H

#include "log/log.h"

#define RECENT_MAX 64

struct recent_entry {
	uint64_t at_ms;	  /* monotonic */
	const char *what; /* an event's name, or a message's type; NULL: nothing yet */
	const char *from; /* who sent the message, or NULL */
	msg_id id;	  /* 0: about none */
};

struct recent {
	struct recent_entry entries[RECENT_MAX];
	uint64_t count; /* ever */
};

/* The names must stay. The entry may be filled in until the next call. */
struct recent_entry *recent_add(struct recent *recent, uint64_t at_ms, const char *what,
				const char *from);
/* The entry that was added so long ago, 1 for the last one; NULL: there is none. */
const struct recent_entry *recent_at(const struct recent *recent, uint64_t ago);

#endif
