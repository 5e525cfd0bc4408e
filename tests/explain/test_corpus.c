/*
 * corpus: all sample mails and replies, through all that frank explain does with them, without the
 * command: the same answers for LF, CRLF and CR; and whatever is cut off or flipped, an answer that
 * holds together. Meant for the sanitizers. Skipped where the samples are not at hand.
 */
#include <dirent.h>

#include "base/prng.h"
#include "base/test.h"
#include "rule/explain/returned.h"
#include "rule/explain/show.h"

#define MAIL_MAX ((size_t)1 << 20)
#define CUTS 16
#define FLIPS 12
#define RESULT_MAX 64

static struct test_mem memory = TEST_MEM_INIT;
static uint8_t mail[MAIL_MAX], form[2 * MAIL_MAX], out[EXPLAIN_SHOWN_MAX];
static struct match work;
static struct explained explained;
static struct bounce bounce;

/* What must not differ: cause and status of each recipient. */
struct results {
	size_t count;
	uint16_t cause[RESULT_MAX];
	uint16_t detail[RESULT_MAX];
};

static void
show(void)
{
	struct json_writer w;
	struct builder b;

	builder_init_fixed(&b, out, sizeof(out));
	json_init(&w, &b);
	explain_show_json(&w, &explained, SLICE_EMPTY);
	assert_false(b.failed);
	builder_clear(&b);
	explain_show_text(&b, &explained, SLICE_EMPTY);
	assert_false(b.failed);
	assert_non_null(cause_row(explained.facts.verdict.cause));
}

static void
explain_mail(struct slice text, struct results *ret)
{
	struct arena arena;
	struct builder b;

	arena_init(&arena, &memory.mem, BOUNCE_ARENA_BYTES + 2 * MAIL_MAX);
	builder_init_arena(&b, &arena, 2 * MAIL_MAX);
	mime_lines(&b, text);
	assert_true(bounce_read(builder_slice(&b), NULL, &arena, &bounce));
	ret->count = bounce.rcpt_count;
	for (size_t i = 0; i < bounce.rcpt_count; i++) {
		if (bounce.kind == BOUNCE_FAILURE || bounce.kind == BOUNCE_DELAY)
			explain_returned(&bounce, i, explain_builtin(), &work, &explained);
		else
			explain_no_bounce(&bounce, i, explain_builtin(), &explained);
		show();
		if (i < RESULT_MAX) {
			ret->cause[i] = explained.facts.verdict.cause;
			ret->detail[i] = explained.facts.verdict.status.detail;
		}
	}
	arena_finish(&arena);
	assert_int_equal(memory.taken, memory.given);
}

/* With this line end in place of LF and CRLF. */
static struct slice
with_ends(struct slice text, const char *end)
{
	size_t len = 0;

	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] == '\r' && i + 1 < text.len && text.data[i + 1] == '\n')
			continue;
		for (const char *c = text.data[i] == '\n' ? end : ""; *c; c++)
			form[len++] = (uint8_t)*c;
		if (text.data[i] != '\n')
			form[len++] = text.data[i];
	}
	return slice_of(form, len);
}

static void
flip(size_t len, struct prng *prng)
{
	for (unsigned i = 0; len && i < FLIPS; i++)
		form[prng_next(prng) % len] ^= (uint8_t)(1u << prng_next(prng) % 8);
}

static void
try_mail(const char *name, struct slice text)
{
	static const char *const ends[] = {"\n", "\r\n", "\r"};
	struct results want, got;
	struct prng prng;

	explain_mail(text, &want);
	prng_init(&prng, text.len);
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		struct slice other = with_ends(text, ends[i]);

		explain_mail(other, &got);
		assert_int_equal(got.count, want.count);
		for (size_t k = 0; k < want.count && k < RESULT_MAX; k++) {
			if (got.cause[k] != want.cause[k] || got.detail[k] != want.detail[k])
				fail_msg("%s, form %zu, recipient %zu: %s, else %s", name, i, k,
					 verdict_cause_str(got.cause[k]),
					 verdict_cause_str(want.cause[k]));
		}
		for (size_t cut = 0; cut < CUTS; cut++)
			explain_mail(slice_sub(other, 0, other.len * cut / CUTS), &got);
		flip(other.len, &prng);
		explain_mail(other, &got);
	}
}

static size_t
file_read(const char *path)
{
	FILE *file = fopen(path, "rb");
	size_t len = file ? fread(mail, 1, sizeof(mail), file) : 0;

	if (file)
		fclose(file);
	return len;
}

TEST(mails)
{
	const char *corpora = getenv("FRANK_CORPORA");
	struct dirent **entries;
	char path[4096];
	int count;

	snprintf(path, sizeof(path), "%s/bounces/mails", corpora ? corpora : ".");
	count = scandir(path, &entries, NULL, alphasort);
	if (count < 0) {
		printf("skipped: no sample mails here\n");
		skip();
	}
	for (int i = 0; i < count; i++) {
		snprintf(path, sizeof(path), "%s/bounces/mails/%s", corpora, entries[i]->d_name);
		if (entries[i]->d_name[0] != '.')
			try_mail(entries[i]->d_name, slice_of(mail, file_read(path)));
		free(entries[i]);
	}
	free(entries);
}

TEST(replies)
{
	const char *corpora = getenv("FRANK_CORPORA");
	const struct facts_given given = {.stage = VERDICT_STAGE_MAX};
	struct slice rest, line;
	struct prng prng;
	char path[4096];

	snprintf(path, sizeof(path), "%s/bounces/replies.tsv", corpora ? corpora : ".");
	rest = slice_of(mail, file_read(path));
	if (!rest.len) {
		printf("skipped: no sample replies here\n");
		skip();
	}
	prng_init(&prng, 1);
	while (rest.len) {
		line = slice_cut(&rest, '\n');
		for (size_t cut = 0; cut <= CUTS; cut++) {
			struct slice part = slice_sub(line, 0, line.len * cut / CUTS);

			explain_read(part, &given, explain_builtin(), &work, &explained);
			show();
			if (part.len)
				memcpy(form, part.data, part.len);
			flip(part.len, &prng);
			explain_read(slice_of(form, part.len), &given, explain_builtin(), &work,
				     &explained);
			show();
		}
	}
}

TESTS(TEST_ROW(mails), TEST_ROW(replies))
