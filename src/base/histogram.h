/*
 * histogram: how often values of which size came, by powers of two. Bucket n counts those below 2^n
 * that no bucket before it counts; the last one counts all that is larger, too.
 */
#ifndef BASE_HISTOGRAM_H
#define BASE_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_BUCKETS 36

struct histogram {
	uint64_t counts[HISTOGRAM_BUCKETS];
};

static inline void
histogram_add(struct histogram *histogram, uint64_t value, uint64_t count)
{
	unsigned bucket = value ? 64 - (unsigned)__builtin_clzll(value) : 0;

	if (bucket >= HISTOGRAM_BUCKETS)
		bucket = HISTOGRAM_BUCKETS - 1;
	histogram->counts[bucket] += count;
}

#endif
