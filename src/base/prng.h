/*
 * prng: seeded numbers for jitter, simulation and tests (splitmix64). Never for secrets: those
 * come from rt_random.
 */
#ifndef BASE_PRNG_H
#define BASE_PRNG_H

#include <stdint.h>

struct prng {
	uint64_t state;
};

static inline void
prng_init(struct prng *prng, uint64_t seed)
{
	prng->state = seed;
}

static inline uint64_t
prng_next(struct prng *prng)
{
	uint64_t z = prng->state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

/* 0 .. below - 1; below > 0. */
static inline uint64_t
prng_below(struct prng *prng, uint64_t below)
{
	return prng_next(prng) % below;
}

#endif
