/*
 * sim: runs scenarios by seed. ./dev sim says how; docs/simulator.md has the rest.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "run.h"
#include "trouble.h"

#define USAGE                                                                                      \
	"sim [--scenario FILE]... [--seed N] [--runs N] [--for SECONDS] [--without BITS]\n"        \
	"    [--verbose] [--calm] [--twice] [--reduce]\n"

#define SCENARIOS_MAX 100

struct arguments {
	const char *paths[SCENARIOS_MAX];
	size_t count;
	uint64_t seed, runs, seconds, without;
	bool verbose, calm, twice, reduce;
};

static bool
flag(struct arguments *a, const char *word)
{
	const struct {
		const char *name;
		bool *to;
	} rows[] = {{"--verbose", &a->verbose},
		    {"--calm", &a->calm},
		    {"--twice", &a->twice},
		    {"--reduce", &a->reduce}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (strcmp(rows[i].name, word) != 0)
			continue;
		*rows[i].to = true;
		return true;
	}
	return false;
}

static bool
value(struct arguments *a, const char *word, const char *text)
{
	const struct {
		const char *name;
		uint64_t *to;
	} rows[] = {{"--seed", &a->seed},
		    {"--runs", &a->runs},
		    {"--for", &a->seconds},
		    {"--without", &a->without}};

	if (!strcmp(word, "--scenario") && a->count < SCENARIOS_MAX) {
		a->paths[a->count++] = text;
		return true;
	}
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (strcmp(rows[i].name, word) != 0)
			continue;
		*rows[i].to = strtoull(text, NULL, 0);
		return true;
	}
	return false;
}

static bool
arguments_read(int argc, char **argv, struct arguments *a)
{
	for (int i = 1; i < argc; i++) {
		if (flag(a, argv[i]))
			continue;
		if (i + 1 == argc || !value(a, argv[i], argv[i + 1]))
			return false;
		i++;
	}
	return a->count > 0;
}

static bool
run_once(const struct arguments *a, const struct scenario *scenario, uint64_t seed,
	 uint64_t *ret_hash)
{
	struct run_options options = {
		.seed = seed, .without = a->without, .verbose = a->verbose, .calm = a->calm};
	struct run *run = calloc(1, sizeof(*run));
	bool good;

	good = run && run_scenario(run, scenario, &options);
	if (!good) {
		run_report(run, stdout);
		printf("FAILED seed %llu scenario %s troubles %#llx\n", (unsigned long long)seed,
		       scenario->title, (unsigned long long)trouble_on(run));
	} else if (a->runs <= 1) {
		printf("ok seed %llu: %zu submissions, %zu accepted, %llu deliveries, %llu s\n",
		       (unsigned long long)seed, run->ledger.count, run->ledger.accepted,
		       (unsigned long long)run->ledger.deliveries,
		       (unsigned long long)(sim_now_us(run->world) / US_PER_S));
	}
	*ret_hash = sim_hash(run->world);
	run_finish(run);
	free(run);
	return good;
}

int
main(int argc, char **argv)
{
	struct arguments a = {.seed = 1, .runs = 1};
	struct scenario *scenario = calloc(1, sizeof(*scenario));
	time_t start = time(NULL);
	unsigned long long passed = 0, failed = 0;

	if (!scenario || !arguments_read(argc, argv, &a)) {
		fputs(USAGE, stderr);
		return 64;
	}
	for (uint64_t i = 0; a.seconds ? time(NULL) - start < (time_t)a.seconds : i < a.runs; i++) {
		uint64_t hash, again = 0;

		if (!scenario_read(scenario, a.paths[i % a.count]))
			return 64;
		if (!run_once(&a, scenario, a.seed + i / a.count, &hash))
			failed++;
		else if (a.twice &&
			 (!run_once(&a, scenario, a.seed + i / a.count, &again) || again != hash))
			failed++, printf("NOT THE SAME: %llx %llx\n", (unsigned long long)hash,
					 (unsigned long long)again);
		else
			passed++;
		fflush(stdout);
	}
	free(scenario);
	printf("%llu passed, %llu failed, 0 skipped\n", passed, failed);
	return failed ? 1 : 0;
}
