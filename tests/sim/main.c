/*
 * sim: runs scenarios by seed. ./dev sim says how; docs/simulator.md has the rest.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/planted.h"
#include "run.h"
#include "trouble.h"

#define USAGE                                                                                      \
	"sim [--scenario FILE]... [--seed N] [--runs N] [--for SECONDS] [--without BITS]\n"        \
	"    [--verbose] [--calm] [--twice] [--reduce] [--plant NAME] [--list-planted]\n"

#define SCENARIOS_MAX 100
#define REDUCE_TRIES 6
#define REDUCE_STEP 1000003

struct arguments {
	const char *paths[SCENARIOS_MAX];
	size_t count;
	uint64_t seed, runs, seconds, without, torture;
	const char *plant;
	uint64_t torture_at;
	bool *ret_tortured;
	bool verbose, calm, twice, reduce, list, until_found, quiet;
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
		    {"--reduce", &a->reduce},
		    {"--until-found", &a->until_found},
		    {"--list-planted", &a->list}};

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
		    {"--without", &a->without},
		    {"--torture", &a->torture}};

	if (!strcmp(word, "--plant")) {
		a->plant = text;
		return true;
	}
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
	return a->count > 0 || a->list;
}

/* --- planted bugs ---------------------------------------------------------------------------- */

static const struct {
	const char *name, *invariant, *scenario, *help;
} bugs[] = {
#define PLANTED_BUG(name, invariant, scenario, help) {#name, invariant, scenario, help},
#include "base/planted.def"
#undef PLANTED_BUG
};

static void
planted_list(void)
{
	for (size_t i = 0; i < sizeof(bugs) / sizeof(bugs[0]); i++)
		printf("%s\t%s\t%s\t%s\n", bugs[i].name, bugs[i].invariant, bugs[i].scenario,
		       bugs[i].help);
}

static bool
plant(const char *name)
{
#ifdef FRANK_PLANTED
	for (size_t i = 0; i < sizeof(bugs) / sizeof(bugs[0]); i++) {
		if (strcmp(bugs[i].name, name) != 0)
			continue;
		planted_choose((enum planted)(i + 1));
		return true;
	}
#endif
	fprintf(stderr, "no such bug to plant, or a build without -Dplanted=true: %s\n", name);
	return false;
}

static bool
run_once(const struct arguments *a, const struct scenario *scenario, uint64_t seed,
	 uint64_t *ret_hash)
{
	struct run_options options = {.seed = seed,
				      .without = a->without,
				      .torture = a->torture_at,
				      .verbose = a->verbose,
				      .calm = a->calm};
	struct run *run = calloc(1, sizeof(*run));
	bool good;

	good = run && run_scenario(run, scenario, &options);
	if (!good && !a->quiet) {
		run_report(run, stdout);
		printf("FAILED seed %llu scenario %s troubles %#llx\n", (unsigned long long)seed,
		       scenario->title, (unsigned long long)trouble_on(run));
	} else if (good && a->runs <= 1 && !a->quiet) {
		printf("ok seed %llu: %zu submissions, %zu accepted, %llu deliveries, %llu s\n",
		       (unsigned long long)seed, run->ledger.count, run->ledger.accepted,
		       (unsigned long long)run->ledger.deliveries,
		       (unsigned long long)(sim_now_us(run->world) / US_PER_S));
	}
	if (a->ret_tortured)
		*a->ret_tortured = run->tortured;
	*ret_hash = sim_hash(run->world);
	run_finish(run);
	free(run);
	return good;
}

/* Whether it still fails: with this seed or, since everything happens otherwise then, with another.
 */
static bool
still_fails(const struct arguments *a, const struct scenario *scenario, uint64_t *seed)
{
	uint64_t hash;

	for (uint64_t i = 0; i < REDUCE_TRIES; i++) {
		if (run_once(a, scenario, *seed + i * REDUCE_STEP, &hash))
			continue;
		*seed += i * REDUCE_STEP;
		return true;
	}
	return false;
}

/* Switches off one line of trouble after the other while it still fails. */
static void
reduce(const struct arguments *given, const struct scenario *scenario, uint64_t seed)
{
	struct arguments a = *given;
	uint64_t hash;

	a.quiet = true;
	for (size_t i = 0; i < scenario->trouble_count; i++) {
		a.without |= (uint64_t)1 << i;
		if (!still_fails(&a, scenario, &seed))
			a.without &= ~((uint64_t)1 << i);
	}
	a.quiet = false;
	printf("REDUCED to --seed %llu --without %#llx; what is left:\n", (unsigned long long)seed,
	       (unsigned long long)a.without);
	for (size_t i = 0; i < scenario->trouble_count; i++) {
		const struct scn_trouble *trouble = &scenario->troubles[i];

		if (!(a.without >> i & 1))
			printf("  line %u: %s %s\n", trouble->line, scn_trouble_str(trouble->kind),
			       trouble->kind == SCN_FAULT ? sim_fault_str(trouble->fault)
							  : trouble->word);
	}
	(void)run_once(&a, scenario, seed, &hash);
}

/* One of a series; false when it failed. */
static bool
judge(const struct arguments *a, const struct scenario *scenario, uint64_t seed)
{
	uint64_t hash, again = 0;

	if (!run_once(a, scenario, seed, &hash)) {
		if (a->reduce)
			reduce(a, scenario, seed);
		return false;
	}
	if (!a->twice || (run_once(a, scenario, seed, &again) && again == hash))
		return true;
	printf("NOT THE SAME: seed %llu, %llx and %llx\n", (unsigned long long)seed,
	       (unsigned long long)hash, (unsigned long long)again);
	return false;
}

/* Fails the first, the second ... fallible call, every step-th, until there is none left. */
static int
torture(const struct arguments *given, struct scenario *scenario)
{
	struct arguments a = *given;
	unsigned long long passed = 0, failed = 0;
	bool came = true;
	uint64_t hash;

	a.ret_tortured = &came;
	a.runs = 2; /* quiet about those that pass */
	if (!scenario_read(scenario, a.paths[0]))
		return 64;
	a.torture_at = 1;
	while (came) {
		bool good = run_once(&a, scenario, a.seed, &hash);

		if (!good)
			printf("FAILED at call %llu\n", (unsigned long long)a.torture_at);
		*(good ? &passed : &failed) += 1;
		a.torture_at += a.torture;
		fflush(stdout);
	}
	printf("%llu passed, %llu failed, 0 skipped\n", passed, failed);
	return failed ? 1 : 0;
}

static int
series(const struct arguments *a, struct scenario *scenario)
{
	unsigned long long passed = 0, failed = 0;
	time_t start = time(NULL);

	for (uint64_t i = 0; a->seconds ? time(NULL) - start < (time_t)a->seconds : i < a->runs;
	     i++) {
		if (!scenario_read(scenario, a->paths[i % a->count]))
			return 64;
		if (judge(a, scenario, a->seed + i / a->count))
			passed++;
		else
			failed++;
		fflush(stdout);
		if (failed && a->until_found)
			break;
	}
	printf("%llu passed, %llu failed, 0 skipped\n", passed, failed);
	return failed ? 1 : 0;
}

int
main(int argc, char **argv)
{
	struct arguments a = {.seed = 1, .runs = 1};
	struct scenario *scenario = calloc(1, sizeof(*scenario));
	int exit_code;

	if (!scenario || !arguments_read(argc, argv, &a)) {
		fputs(USAGE, stderr);
		return 64;
	}
	if (a.list) {
		planted_list();
		return 0;
	}
	if (a.plant && !plant(a.plant))
		exit_code = 64;
	else
		exit_code = a.torture ? torture(&a, scenario) : series(&a, scenario);
	free(scenario);
	return exit_code;
}
