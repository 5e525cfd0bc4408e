/*
 * bench_explain: what one reply costs, in processor time: the sample replies where they are at
 * hand, and replies of 4 KiB made to be slow, each the best of many runs. Figures are for reading;
 * nothing fails. meson test -C build/release --benchmark -v explain
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "rule/explain/explain.h"
#include "rule/normal/normalise.h"

#define RUNS 200
#define SAMPLE_LINES_MAX 1000
#define SAMPLE_BYTES_MAX 4096
#define SAMPLE_ROUNDS 200

/* Repeated up to the limit of a reply. */
static const char *const hostile[] = {
	"a ",		"s ",
	"1 ",		"1,",
	"a:",		"a@",
	"a/",		"a-",
	"::",		"0:0:",
	"://",		"http://x ",
	"www.a ",	"a.co ",
	"a.b/c ",	"a@b ",
	"1.2.3.4 ",	"127.0.0.2 ",
	"1::2 ",	"1 h",
	"5 minutes ",	"00:00:00 ",
	"2024-01-01 ",	"may ",
	"9 segundosx ", "bl.spamcop.net ",
	"dnsbl.dnsbl.", "x=",
	"A1b2C3d4+",	"550 5.1.1 ",
	"\n550-x",	"  ",
	"..",		"\xc3\xa9",
	"again; ",	"not permitted to rela ",
	"relay ",	"re ",
	"--------",	"unable to rela ",
	"reverse dn ",
};

static struct normal normal;
static char samples[SAMPLE_LINES_MAX][SAMPLE_BYTES_MAX];

static double
cpu_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static void
run_normalise(struct slice text)
{
	normalise(text, 550, (struct verdict_status){5, 1, 1}, &normal);
}

static void
run_explain(struct slice text)
{
	struct verdict verdict = {.class = VERDICT_NEVER,
				  .stage = VERDICT_STAGE_RECIPIENT,
				  .code = 550,
				  .reply = text};

	explain_verdict(&verdict);
}

static double
best_of(void (*run)(struct slice), struct slice text)
{
	double best = 1e9;

	for (int i = 0; i < RUNS; i++) {
		double begun = cpu_us(), took;

		run(text);
		took = cpu_us() - begun;
		best = took < best ? took : best;
	}
	return best;
}

static void
measure_hostile(const char *name, void (*run)(struct slice))
{
	static char text[VERDICT_REPLY_MAX];
	double worst = 0, took;
	size_t which = 0;

	for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
		for (size_t k = 0; k < sizeof(text); k++)
			text[k] = hostile[i][k % strlen(hostile[i])];
		took = best_of(run, slice_of(text, sizeof(text)));
		if (getenv("FRANK_BENCH_VERBOSE"))
			printf("  %6.1f us  %s\n", took, hostile[i]);
		if (took > worst) {
			worst = took;
			which = i;
		}
	}
	printf("%s: at most %.1f us for a hostile reply of %d bytes ('%s')\n", name, worst,
	       VERDICT_REPLY_MAX, hostile[which]);
}

static size_t
samples_read(void)
{
	const char *corpora = getenv("FRANK_CORPORA");
	char path[4096];
	size_t count = 0;
	FILE *file;

	snprintf(path, sizeof(path), "%s/bounces/replies.tsv", corpora ? corpora : ".");
	file = fopen(path, "r");
	while (file && count < SAMPLE_LINES_MAX && fgets(samples[count], SAMPLE_BYTES_MAX, file))
		count++;
	if (file)
		fclose(file);
	return count;
}

static void
measure_samples(const char *name, void (*run)(struct slice), size_t count)
{
	double begun = cpu_us();

	for (size_t round = 0; round < SAMPLE_ROUNDS; round++) {
		for (size_t i = 0; i < count; i++)
			run(slice_str(samples[i]));
	}
	printf("%s: %.2f us a reply, of %zu samples\n", name,
	       (cpu_us() - begun) / (double)(SAMPLE_ROUNDS * count), count);
}

int
main(void)
{
	size_t count = samples_read();

	measure_hostile("normalise", run_normalise);
	measure_hostile("explain", run_explain);
	if (count) {
		measure_samples("normalise", run_normalise, count);
		measure_samples("explain", run_explain, count);
	}
	return 0;
}
