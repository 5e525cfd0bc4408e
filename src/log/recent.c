/*
 * recent: see recent.h.
 */
#include "log/recent.h"

struct recent_entry *
recent_add(struct recent *recent, uint64_t at_ms, const char *what, const char *from)
{
	struct recent_entry *entry = &recent->entries[recent->count++ % RECENT_MAX];

	*entry = (struct recent_entry){.at_ms = at_ms, .what = what, .from = from};
	return entry;
}

const struct recent_entry *
recent_at(const struct recent *recent, uint64_t ago)
{
	if (ago == 0 || ago > recent->count || ago > RECENT_MAX)
		return NULL;
	return &recent->entries[(recent->count - ago) % RECENT_MAX];
}
