/*
 * bench_explain: what one reply and one bounce mail cost, in processor time: the samples where they
 * are at hand, and replies of 4 KiB and mails of 4 MiB made to be slow, each the best of several
 * runs. Figures are for reading; nothing fails. meson test -C build/release --benchmark -v explain
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/test_mem.h"
#include "rule/explain/returned.h"
#include "rule/normal/normalise.h"

#define RUNS 200
#define SAMPLE_LINES_MAX 1000
#define SAMPLE_BYTES_MAX 4096
#define SAMPLE_ROUNDS 2000
#define SAMPLE_MAILS_MAX 400
#define SAMPLE_MAIL_BYTES_MAX 65536
#define SAMPLE_MAIL_ROUNDS 100

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

static struct match work;
static struct explained explained;

/* The library call: facts, fields, cause, evidence. */
static void
run_explain(struct slice text)
{
	const struct facts_given given = {.stage = VERDICT_STAGE_MAX};

	explain_read(text, &given, explain_builtin(), &work, &explained);
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

/* The third column of each line but the first. */
static size_t
samples_read(void)
{
	const char *corpora = getenv("FRANK_CORPORA");
	char path[4096], line[SAMPLE_BYTES_MAX];
	size_t count = 0;
	FILE *file;

	snprintf(path, sizeof(path), "%s/bounces/replies.tsv", corpora ? corpora : ".");
	file = fopen(path, "r");
	if (!file)
		return 0;
	while (count < SAMPLE_LINES_MAX && fgets(line, sizeof(line), file)) {
		struct slice rest = slice_str(line), reply;

		slice_cut(&rest, '\t');
		slice_cut(&rest, '\t');
		reply = slice_cut(&rest, '\t');
		memcpy(samples[count], reply.data, reply.len);
		samples[count++][reply.len] = 0;
	}
	fclose(file);
	return count;
}

static int
double_cmp(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* What else the machine does is seen in the middle round, not in the best. */
static void
rounds_print(const char *name, double *took_us, size_t rounds, size_t count)
{
	double best, middle;

	qsort(took_us, rounds, sizeof(took_us[0]), double_cmp);
	best = took_us[0];
	middle = took_us[rounds / 2];
	printf("%s: %.2f us each, %.0f a second, of %zu samples (median of %zu rounds; the best "
	       "%.2f us, %.0f)\n",
	       name, middle, 1e6 / middle, count, rounds, best, 1e6 / best);
}

static void
measure_samples(const char *name, void (*run)(struct slice), size_t count)
{
	static double took[SAMPLE_ROUNDS];

	for (size_t round = 0; round < SAMPLE_ROUNDS; round++) {
		double begun = cpu_us();

		for (size_t i = 0; i < count; i++)
			run(slice_str(samples[i]));
		took[round] = (cpu_us() - begun) / (double)count;
	}
	rounds_print(name, took, SAMPLE_ROUNDS, count);
}

/* --- mails ------------------------------------------------------------------------------------ */

/* Repeated up to the limit of a mail, behind what stands in front. */
static const struct {
	const char *front, *piece;
} hostile_mails[] = {
	{"From: a@b.test\n\n", "<a@b.test>: host x[192.0.2.1] said: 550 5.1.1 no\n"},
	{"From: a@b.test\n\n", "a@b.test\n"},
	{"From: a@b.test\n\n", "550 5.1.1 no such user\n"},
	{"From: a@b.test\n\n", "   ----- Transcript of session follows -----\n<<< 550 x\n"},
	{"From: mailer-daemon@b.test\nSubject: undelivered mail\n\na@b.test\n", "reason: x\n"},
	{"From: mailer-daemon@b.test\nSubject: undelivered mail\n\na@b.test\n", "reason:\n"},
	{"From: a@b.test\n\n", "x"},
	{"From: a@b.test\n", "a:\n"},
	{"From: a@b.test\n\n", "--\nspam\n\n"},
	{"From: a@b.test\n\n--\n", "spam "},
	{"From: a@b.test\n\n", "\n"},
	{"From: a@b.test\r\n\r\n", "\r\n"},
	{"From: a@b.test\r\r", "x\r"},
	{"Content-Type: multipart/mixed; boundary=b\n\n--b\n\n", "\n"},
	{"Content-Type: multipart/mixed; boundary=b\n\n--b\n\n", "-\n"},
	{"Subject: x\nContent-Type: multipart/report; boundary=b\n\n",
	 "--b\nContent-Type: message/delivery-status\n\nFinal-Recipient: rfc822; a@b.test\n\n"},
	{"Content-Type: multipart/report; boundary=b\n\n--b\nContent-Type: "
	 "message/delivery-status\n\n",
	 "Final-Recipient: rfc822; a@b.test\nStatus: 5.1.1\nAction: failed\n\n"},
	{"Content-Type: multipart/mixed; boundary=b\n\n", "--b\n\n"},
	{"Content-Type: text/html\n\n", "<p><a href=\"x\">a@b.test</a>&amp;"},
	{"Content-Transfer-Encoding: quoted-printable\n\n", "=41=42=\n"},
	{"Content-Transfer-Encoding: base64\n\n", "QUJDREVGR0hJSktM\n"},
	{"", "X-Failed-Recipients: a@b.test\n"},
	{"\n", "It may contain confidential words.\n\n"},
	{"\n", "-- \nIt is believed to be clean. "},
	{"", "Content-Type: message/rfc822\n\n"},
	{"Subject: ", "=?utf-8?q?x?= "},
};

static struct test_mem memory = TEST_MEM_INIT;
static struct bounce bounce;

static void
run_mail(struct slice text)
{
	struct arena arena;
	struct builder b;

	arena_init(&arena, &memory.mem, BOUNCE_ARENA_BYTES + MIME_MESSAGE_MAX + 64);
	builder_init_arena(&b, &arena, MIME_MESSAGE_MAX);
	mime_lines(&b, text);
	if (bounce_read(builder_slice(&b), NULL, &arena, &bounce)) {
		for (size_t i = 0; i < bounce.rcpt_count; i++)
			explain_returned(&bounce, i, explain_builtin(), &work, &explained);
	}
	arena_finish(&arena);
}

static void
measure_hostile_mails(void)
{
	static char text[MIME_MESSAGE_MAX];
	double worst = 0;
	size_t which = 0;

	for (size_t i = 0; i < sizeof(hostile_mails) / sizeof(hostile_mails[0]); i++) {
		size_t len = strlen(hostile_mails[i].front), piece = strlen(hostile_mails[i].piece);
		double best = 1e12;

		memcpy(text, hostile_mails[i].front, len);
		for (; len + piece <= sizeof(text); len += piece)
			memcpy(text + len, hostile_mails[i].piece, piece);
		for (int run = 0; run < 3; run++) {
			double begun = cpu_us(), took;

			run_mail(slice_of(text, len));
			took = cpu_us() - begun;
			best = took < best ? took : best;
		}
		if (getenv("FRANK_BENCH_VERBOSE"))
			printf("  %6.1f ms  %.40s\n", best / 1000, hostile_mails[i].piece);
		if (best > worst) {
			worst = best;
			which = i;
		}
	}
	printf("mail: at most %.1f ms for a hostile mail of 4 MiB ('%.40s')\n", worst / 1000,
	       hostile_mails[which].piece);
}

static void
measure_sample_mails(void)
{
	static char mails[SAMPLE_MAILS_MAX][SAMPLE_MAIL_BYTES_MAX];
	static size_t lens[SAMPLE_MAILS_MAX];
	const char *corpora = getenv("FRANK_CORPORA");
	struct dirent **entries;
	size_t count = 0, bytes = 0;
	char path[4096];
	static double took[SAMPLE_MAIL_ROUNDS];
	int found;

	snprintf(path, sizeof(path), "%s/bounces/mails", corpora ? corpora : ".");
	found = scandir(path, &entries, NULL, alphasort);
	for (int i = 0; i < found && count < SAMPLE_MAILS_MAX; i++) {
		FILE *file;

		snprintf(path, sizeof(path), "%s/bounces/mails/%s", corpora, entries[i]->d_name);
		file = entries[i]->d_name[0] == '.' ? NULL : fopen(path, "r");
		if (!file)
			continue;
		lens[count] = fread(mails[count], 1, SAMPLE_MAIL_BYTES_MAX, file);
		bytes += lens[count++];
		fclose(file);
	}
	if (!count)
		return;
	for (size_t round = 0; round < SAMPLE_MAIL_ROUNDS; round++) {
		double begun = cpu_us();

		for (size_t i = 0; i < count; i++)
			run_mail(slice_of(mails[i], lens[i]));
		took[round] = (cpu_us() - begun) / (double)count;
	}
	printf("mail: %zu bytes each\n", bytes / count);
	rounds_print("mail", took, SAMPLE_MAIL_ROUNDS, count);
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
	measure_hostile_mails();
	measure_sample_mails();
	return 0;
}
