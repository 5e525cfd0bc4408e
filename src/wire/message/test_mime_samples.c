/*
 * mime on real bounces, where a folder of them is at hand: whatever the line ends, the parts are
 * the same, and their texts too.
 */
#include "base/test.h"

#include <dirent.h>

#include "base/builder.h"
#include "wire/message/mime.h"
#include "wire/text/utf8.h"

#define SAMPLE_MAX ((size_t)1 << 20)

static uint8_t raw[SAMPLE_MAX], form[2 * SAMPLE_MAX], lines[2][2 * SAMPLE_MAX];
static uint8_t texts[2][MIME_TEXT_ROOM(2 * SAMPLE_MAX)];
static struct mime mimes[2];

static struct slice
sample_read(const char *folder, const char *name)
{
	char path[4096];
	size_t len;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "rb");
	assert_non_null(file);
	len = fread(raw, 1, sizeof(raw), file);
	fclose(file);
	assert_true(len < sizeof(raw));
	return slice_of(raw, len);
}

/* lines (LF) with another end each. */
static struct slice
sample_form(struct slice text, const char *line_end)
{
	struct builder b;

	builder_init_fixed(&b, form, sizeof(form));
	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] == '\n')
			builder_str(&b, line_end);
		else
			builder_byte(&b, text.data[i]);
	}
	assert_false(b.failed);
	return builder_slice(&b);
}

static struct slice
sample_take_apart(size_t index, struct slice text)
{
	struct builder b;

	builder_init_fixed(&b, lines[index], sizeof(lines[index]));
	mime_lines(&b, text);
	assert_false(b.failed);
	mime_read(builder_slice(&b), &mimes[index]);
	return builder_slice(&b);
}

static struct slice
sample_text(size_t index, size_t part)
{
	struct builder b;
	struct slice rest;
	uint32_t code;

	builder_init_fixed(&b, texts[index], sizeof(texts[index]));
	mime_text(&b, &mimes[index].parts[part], NULL);
	assert_false(b.failed);
	for (rest = builder_slice(&b); rest.len;)
		assert_true(utf8_next(&rest, &code));
	return builder_slice(&b);
}

static void
check_same(void)
{
	assert_int_equal(mimes[0].part_count, mimes[1].part_count);
	assert_int_equal(mimes[0].cut, mimes[1].cut);
	for (size_t i = 0; i < mimes[0].part_count; i++) {
		const struct mime_part *a = &mimes[0].parts[i], *b = &mimes[1].parts[i];

		assert_slice(a->header, b->header);
		assert_slice(a->body, b->body);
		assert_slice(a->type, b->type);
		assert_slice(a->charset, b->charset);
		assert_slice(a->report_type, b->report_type);
		assert_int_equal(a->encoding, b->encoding);
		assert_int_equal(a->depth, b->depth);
		assert_int_equal(a->parent, b->parent);
		assert_int_equal(a->container, b->container);
		assert_int_equal(a->open, b->open);
		assert_slice(sample_text(0, i), sample_text(1, i));
	}
}

TEST(line_ends)
{
	static const char *const ends[] = {"\n", "\r\n", "\r"};
	const char *corpora = getenv("FRANK_CORPORA");
	unsigned count = 0, several = 0;
	struct dirent *entry;
	char folder[2048];
	DIR *dir;

	snprintf(folder, sizeof(folder), "%s/bounces/mails", corpora ? corpora : ".");
	dir = opendir(folder);
	if (!dir) {
		printf("skipped: no sample mails here\n");
		skip();
	}
	while ((entry = readdir(dir)) != NULL) {
		struct slice text;

		if (!slice_ends_nocase(slice_str(entry->d_name), SLICE(".eml")))
			continue;
		text = sample_take_apart(0, sample_read(folder, entry->d_name));
		count++;
		several += mimes[0].part_count > 1;
		assert_false(mimes[0].cut);
		for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
			sample_take_apart(1, sample_form(text, ends[i]));
			check_same();
		}
	}
	closedir(dir);
	printf("%u mails, %u of several parts\n", count, several);
	assert_true(count > 0 && several > 0);
}

TESTS(TEST_ROW(line_ends))
