/*
 * bounce: made-up reports of many forms (test_bounce_mails.def), the same with other line ends, cut
 * and damaged; limits; and where sample mails are at hand, how much is understood.
 */
#include "base/test.h"

#include "wire/bounce/bounce.h"
#include "wire/text/utf8.h"

static struct bounce bounce, other;
static uint8_t raw[(size_t)1 << 20], lines[(size_t)5 << 20];
static char results[(size_t)1 << 20];

static const struct {
	uint8_t kind;
	const char *form, *text, *want;
} mails[] = {
#define MAIL(kind, form, text, want) {BOUNCE_##kind, form, text, want},
#include "wire/bounce/test_bounce_mails.def"
#undef MAIL
};

#define MAIL_COUNT (sizeof(mails) / sizeof(mails[0]))

/* Reads into *ret; what it borrows lives as long as the arena. */
static void
read_into(struct slice text, struct arena *arena, struct bounce *ret)
{
	struct builder b;

	builder_init_fixed(&b, lines, sizeof(lines));
	mime_lines(&b, text);
	arena_reset(arena);
	assert_true(bounce_read(builder_slice(&b), NULL, arena, ret));
}

/* "failed|bob@example.net|550|5.1.1|yes|RCPT TO|mx.example.net|550 5.1.1 unknown", a line each. */
static const char *
results_of(const struct bounce *b)
{
	struct builder out;

	builder_init_fixed(&out, results, sizeof(results) - 1);
	for (size_t i = 0; i < b->rcpt_count; i++) {
		const struct bounce_rcpt *rcpt = &b->rcpts[i];

		builder_str(&out, bounce_action_str(rcpt->action));
		builder_byte(&out, '|');
		builder_add(&out, rcpt->recipient);
		builder_byte(&out, '|');
		builder_dec(&out, rcpt->code);
		builder_byte(&out, '|');
		verdict_status_format(&out, rcpt->status);
		builder_str(&out, rcpt->gave_up ? "|yes|" : "||");
		builder_add(&out, rcpt->command);
		builder_byte(&out, '|');
		builder_add(&out, rcpt->remote_host);
		builder_byte(&out, '|');
		builder_add(&out, rcpt->reply);
		builder_byte(&out, '\n');
	}
	assert_false(out.failed);
	results[out.len] = 0;
	return results;
}

/* Each wanted line is the beginning of the result's first line. */
static bool
results_fit(size_t mail)
{
	struct slice want = slice_str(mails[mail].want);
	bool right = true;

	for (size_t i = 0; i < bounce.rcpt_count; i++) {
		struct slice line = slice_cut(&want, '\n'), all;
		struct bounce one = {.rcpt_count = 1};

		one.rcpts[0] = bounce.rcpts[i];
		all = slice_str(results_of(&one));
		if (line.len && slice_starts(all, line))
			continue;
		print_error("mail %zu: want '%.*s', got '%.*s'\n", mail, SLICE_ARG(line),
			    SLICE_ARG(all));
		right = false;
	}
	if (want.len)
		print_error("mail %zu: missing '%.*s'\n", mail, SLICE_ARG(want));
	return right && !want.len;
}

TEST(forms)
{
	struct test_mem mem = TEST_MEM_INIT;
	struct arena arena;
	size_t wrong = 0;

	arena_init(&arena, &mem.mem, BOUNCE_ARENA_BYTES);
	for (size_t i = 0; i < MAIL_COUNT; i++) {
		read_into(slice_str(mails[i].text), &arena, &bounce);
		if (bounce.kind == mails[i].kind &&
		    slice_eq(bounce.form, slice_str(mails[i].form)) && results_fit(i))
			continue;
		wrong++;
		print_error("mail %zu: %s by %.*s\n%s\n", i, bounce_kind_str(bounce.kind),
			    SLICE_ARG(bounce.form), mails[i].text);
	}
	arena_finish(&arena);
	assert_int_equal(wrong, 0);
	assert_int_equal(mem.taken, mem.given);
}

TEST(names)
{
	assert_string_equal(bounce_kind_str(BOUNCE_FEEDBACK), "feedback");
	assert_string_equal(bounce_kind_str(BOUNCE_KIND_MAX), "?");
	assert_string_equal(bounce_action_str(BOUNCE_ANSWERED), "answered");
	assert_string_equal(bounce_action_str(BOUNCE_ACTION_MAX), "?");
	assert_int_equal(bounce_command_stage(SLICE("RCPT TO")), VERDICT_STAGE_RECIPIENT);
	assert_int_equal(bounce_command_stage(SLICE("end of data")), VERDICT_STAGE_FINAL);
	assert_int_equal(bounce_command_stage(SLICE("")), VERDICT_STAGE_MAX);
}

/* --- line ends, cuts, damage ------------------------------------------------------------------ */

/* The mail with other line ends; the caller's buffer holds twice the bytes. */
static struct slice
with_ends(struct slice text, const char *end, uint8_t *buf, size_t cap)
{
	struct builder b;

	builder_init_fixed(&b, buf, cap);
	for (size_t i = 0; i < text.len; i++)
		if (text.data[i] == '\n')
			builder_str(&b, end);
		else
			builder_byte(&b, text.data[i]);
	assert_false(b.failed);
	return builder_slice(&b);
}

static void
check_ends(struct slice text, struct arena *arena)
{
	static const char *const ends[] = {"\r\n", "\r"};
	static uint8_t turned[(size_t)2 << 20], plain[sizeof(raw)];
	static char first[sizeof(results)];
	struct builder b;

	builder_init_fixed(&b, plain, sizeof(plain));
	mime_lines(&b, text);
	text = builder_slice(&b);
	read_into(text, arena, &bounce);
	memcpy(first, results_of(&bounce), sizeof(first));
	for (size_t i = 0; i < 2; i++) {
		read_into(with_ends(text, ends[i], turned, sizeof(turned)), arena, &other);
		assert_int_equal(other.kind, bounce.kind);
		assert_string_equal(results_of(&other), first);
	}
}

/* Reads from memory of its own, so that a look beyond its end is seen. */
static void
read_alone(struct slice text, struct arena *arena)
{
	uint8_t *copy = malloc(text.len + 1);

	if (text.len)
		memcpy(copy, text.data, text.len);
	arena_reset(arena);
	assert_true(bounce_read(slice_of(copy, text.len), NULL, arena, &other));
	assert_true(other.rcpt_count <= BOUNCE_RCPTS_MAX);
	assert_true(other.kind == BOUNCE_NONE ? !other.rcpt_count : other.rcpt_count > 0);
	for (size_t i = 0; i < other.rcpt_count; i++) {
		assert_true(utf8_is_valid(other.rcpts[i].recipient));
		assert_true(utf8_is_valid(other.rcpts[i].reply));
		assert_true(other.rcpts[i].reply.len <= BOUNCE_REPLY_MAX);
		assert_true(other.rcpts[i].remote_host.len <= VERDICT_HOST_MAX);
	}
	results_of(&other);
	free(copy);
}

static void
check_damage(struct slice text, struct arena *arena)
{
	static uint8_t bent[sizeof(raw)];

	for (size_t cut = 1; cut < 16; cut++)
		read_alone(slice_sub(text, 0, text.len * cut / 16), arena);
	for (unsigned seed = 1; seed < 4; seed++) {
		uint32_t state = seed;

		if (text.len)
			memcpy(bent, text.data, text.len);
		for (size_t i = 0; i < text.len / 64 + 1 && text.len; i++) {
			state = state * 1664525u + 1013904223u;
			bent[(state >> 8) % text.len] ^= (uint8_t)(1u << (state & 7));
		}
		read_alone(slice_of(bent, text.len), arena);
	}
}

TEST(other_line_ends_and_damage)
{
	struct test_mem mem = TEST_MEM_INIT;
	struct arena arena;

	arena_init(&arena, &mem.mem, BOUNCE_ARENA_BYTES);
	for (size_t i = 0; i < MAIL_COUNT; i++) {
		check_ends(slice_str(mails[i].text), &arena);
		check_damage(slice_str(mails[i].text), &arena);
	}
	arena_finish(&arena);
}

TEST(memory_runs_out)
{
	struct slice text = slice_str(mails[0].text);

	for (size_t cap = 0; cap < 200000; cap += 997) {
		struct test_mem mem = TEST_MEM_INIT;
		struct arena arena;

		arena_init(&arena, &mem.mem, cap);
		assert_true(bounce_read(text, NULL, &arena, &bounce) == !arena.failed);
		arena_finish(&arena);
		assert_int_equal(mem.taken, mem.given);
	}
}

TEST(many_recipients)
{
	struct test_mem mem = TEST_MEM_INIT;
	struct arena arena;
	struct builder b;

	arena_init(&arena, &mem.mem, BOUNCE_ARENA_BYTES);
	builder_init_fixed(&b, raw, sizeof(raw));
	builder_str(&b, "From: MAILER-DAEMON@example.org\nSubject: x\nContent-Type: message/"
			"delivery-status\n\nReporting-MTA: dns; example.org\n");
	for (unsigned i = 0; i < BOUNCE_RCPTS_MAX + 9; i++) {
		builder_str(&b, "\nFinal-Recipient: rfc822; r");
		builder_dec(&b, i);
		builder_str(&b, "@example.net\nAction: failed\nStatus: 5.1.1\n");
	}
	read_into(builder_slice(&b), &arena, &bounce);
	assert_int_equal(bounce.rcpt_count, BOUNCE_RCPTS_MAX);
	assert_int_equal(bounce.rcpts_left_out, 9);
	assert_slice_str(bounce.rcpts[9].recipient, "r9@example.net");
	assert_slice_str(bounce.reporter, "example.org");
	arena_finish(&arena);
}

/* --- the sample mails ------------------------------------------------------------------------- */

struct label {
	struct slice file, cause, status, reply;
};

struct score {
	size_t mails, counted, statuses, statuses_found, codes, codes_same;
};

static struct slice
file_read(const char *dir, struct slice name, uint8_t *buf, size_t cap)
{
	char path[4096];
	FILE *file;
	size_t len;

	snprintf(path, sizeof(path), "%s/bounces/%.*s", dir, SLICE_ARG(name));
	file = fopen(path, "rb");
	if (!file)
		return SLICE_EMPTY;
	len = fread(buf, 1, cap, file);
	fclose(file);
	return slice_of(buf, len);
}

static bool
label_next(struct slice *rest, struct label *ret)
{
	struct slice line = slice_cut(rest, '\n');

	ret->file = slice_cut(&line, '\t');
	slice_cut(&line, '\t');
	ret->cause = slice_cut(&line, '\t');
	slice_cut(&line, '\t');
	ret->status = slice_cut(&line, '\t');
	ret->reply = slice_cut(&line, '\t');
	return ret->file.len > 0;
}

static void
score_mail(struct score *score, const struct label *labels, size_t count)
{
	score->mails++;
	score->counted += bounce.rcpt_count == count;
	for (size_t i = 0; i < count; i++) {
		const struct bounce_rcpt *rcpt = i < bounce.rcpt_count ? &bounce.rcpts[i] : NULL;
		uint64_t code = 0;

		if (slice_eq(labels[i].cause, SLICE("not-bounce")))
			continue;
		score->statuses += labels[i].status.len > 0;
		score->statuses_found += labels[i].status.len && rcpt && rcpt->status.class;
		score->codes += slice_to_u64(labels[i].reply, 999, &code);
		score->codes_same += rcpt && code && rcpt->code == code;
	}
}

static void
check_score(const struct score *score)
{
	printf("%zu mails, %zu with the right count; %zu of %zu statuses; %zu of %zu codes\n",
	       score->mails, score->counted, score->statuses_found, score->statuses,
	       score->codes_same, score->codes);
	assert_true(score->counted * 100 >= score->mails * 98);
	assert_true(score->statuses_found * 100 >= score->statuses * 98);
	assert_true(score->codes_same * 100 >= score->codes * 97);
}

TEST(sample_mails)
{
	static uint8_t table[(size_t)1 << 20];
	const char *dir = getenv("FRANK_CORPORA");
	struct slice rest =
		dir ? file_read(dir, SLICE("labels.tsv"), table, sizeof(table)) : SLICE_EMPTY;
	struct test_mem mem = TEST_MEM_INIT;
	struct label labels[64], next;
	struct score score = {0};
	struct arena arena;

	if (!rest.len) {
		printf("no sample mails here\n");
		skip();
	}
	arena_init(&arena, &mem.mem, BOUNCE_ARENA_BYTES);
	slice_cut(&rest, '\n');
	for (bool more = label_next(&rest, &next); more;) {
		char name[512];
		size_t count = 0;
		struct slice text;

		do
			labels[count++] = next;
		while ((more = label_next(&rest, &next)) && slice_eq(next.file, labels[0].file) &&
		       count < 64);
		snprintf(name, sizeof(name), "mails/%.*s", SLICE_ARG(labels[0].file));
		text = file_read(dir, slice_str(name), raw, sizeof(raw));
		check_ends(text, &arena);
		check_damage(text, &arena);
		read_into(text, &arena, &bounce);
		score_mail(&score, labels, count);
	}
	check_score(&score);
	arena_finish(&arena);
}

TESTS(TEST_ROW(forms), TEST_ROW(names), TEST_ROW(other_line_ends_and_damage),
      TEST_ROW(memory_runs_out), TEST_ROW(many_recipients), TEST_ROW(sample_mails))
