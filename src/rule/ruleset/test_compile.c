/* compile: errors with their places, what words and levels mean, what a check finds. */
#include "base/test.h"

#include "rule/ruleset/compile.h"

static struct test_mem memory = TEST_MEM_INIT;
static struct ruleset_error error;
static struct ruleset_check work;
static struct arena arena;
static struct ruleset set;
static struct ruleset_source *source;

#define RULE "rule a\n\tsource RFC\n\texample 550 x\n\tcause spam 50\n"

static int
compile(const char *text, const char *more)
{
	struct ruleset_file files[2] = {
		{SLICE("50-a.rules"), slice_str(text), 50, false},
		{SLICE("50-b.rules"), slice_str(more ? more : ""), 50, false}};

	arena_finish(&arena);
	arena_init(&arena, &memory.mem, RULESET_ARENA_MAX);
	memset(&work, 0, offsetof(struct ruleset_check, match));
	return ruleset_compile(&arena, (struct ruleset_files){files, more ? 2 : 1}, &set, &source,
			       &error);
}

TEST(errors)
{
	static const struct {
		const char *text;
		unsigned line, column;
		const char *says;
	} rows[] = {
		{"rule a\n", 1, 1, "expected level"},
		{"levle words\n", 1, 1, "expected level, set, provider or rule"},
		{"level wrong\n", 1, 7, "no such level"},
		{"level local\n", 1, 7, "only an administrator's"},
		{"\twords a\n", 1, 2, "in the first column"},
		{"level words\nrule a\n\tcolour red\n", 3, 2, "no such keyword"},
		{"level words\nrule a\n\tcause spam 101\n", 3, 8, "expected a cause"},
		{"level words\nrule a\n\tcause ham 50\n", 3, 8, "no such cause"},
		{"level words\nrule a\n\twords Abc\n", 3, 8, "expected a phrase"},
		{"level words\nrule a\n\twords ab*c\n", 3, 8, "expected a phrase"},
		{"level words\nrule a\n\twords abc | | d\n", 3, 8, "between two bars"},
		{"level words\nrule a\n\twords ab | $none\n\tcause spam 5\n\tsource x\n\texample "
		 "x\n",
		 3, 13, "no such set"},
		{"level words\nrule a\n\twords abc\n\tstatus 5.1\n", 4, 9, "expected a status"},
		{"level words\nrule a\n\twords abc\n\tstage here\n", 4, 8, "no such stage"},
		{"level words\nrule a\n\twords abc\n\tcode 999\n", 4, 7, "expected reply codes"},
		{"level words\nrule a\n\twords abc\n\tfield hat\n", 4, 8, "no such kind"},
		{"level words\nrule a\n\twords abc\n", 2, 1, "rule \"a\" has no cause"},
		{"level words\nrule a\n\tcause spam 5\n\texample x\n", 2, 1, "\"a\" has no source"},
		{"level words\nrule a\n\tcause spam 5\n\tsource x\n", 2, 1, "\"a\" has no example"},
		{"level words\n" RULE, 2, 1, "needs words"},
		{"level status\n" RULE, 2, 1, "needs a status"},
		{"level provider\n" RULE, 2, 1, "needs a provider"},
		{"level code\n" RULE "\twords abc\n", 2, 1, "has no words"},
		{"level provider\n" RULE "\tprovider x\n", 6, 11, "no such provider"},
		{"level words\n" RULE "\tcause spam 60\n", 6, 2, "a second"},
		{"set a\n\twords $a\nlevel words\n" RULE "\twords $a\n", 2, 8, "holds itself"},
		{"level words\n" RULE "\twords abc\n" RULE, 7, 6, "a second rule"},
		{"level words\n\xff\n", 2, 1, "expected UTF-8"},
		{"level words\nrule a\n\twords a\x01\n", 3, 2, "no control characters"},
		{"provider p\n\tstatus *.1.9 5.1.1\n", 2, 15, "expected statuses as"},
		{"provider p\n\tstatus *.7.600-500\n", 2, 9, "expected statuses as"},
		{"provider p\n\tstatus *.7.600-\n", 2, 9, "expected statuses as"},
		{"provider p\n\ttitle a\n\ttitle b\n", 3, 2, "a second \"title\" in the same prov"},
		{"level words\nrule a\n\ttake ip x\n\ttake ip y\n", 4, 7, "a second take of"},
		{"level words\nrule a\n\tarticle a b\n", 3, 10, "the name of one article"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct slice says;

		assert_int_equal(compile(rows[i].text, NULL), ERR_SYNTAX);
		says = slice_of(error.text, error.len);
		if (slice_find(says, slice_str(rows[i].says)) == says.len)
			fail_msg("row %zu says: %.*s", i, SLICE_ARG(says));
		if (error.line != rows[i].line || error.column != rows[i].column)
			fail_msg("row %zu: %u:%u", i, error.line, error.column);
	}
}

static uint8_t long_text[RULESET_FILE_BYTES_MAX + 2];
static struct builder b;

static void
put(const char *before, size_t number, const char *behind)
{
	builder_str(&b, before);
	builder_dec(&b, number);
	builder_str(&b, behind);
}

static int
compile_long(void)
{
	builder_byte(&b, 0);
	assert_false(b.failed);
	b.len--;
	return compile((const char *)long_text, NULL);
}

/* A file of many short lines ends early, and says why. */
TEST(limits)
{
	static const struct {
		const char *head, *before, *behind;
		size_t count;
		const char *says;
	} rows[] = {
		{"", "set s", "\n", RULESET_SETS_MAX, "more than 512 sets"},
		{"provider p\n", "\thost h", ".example\n", RULESET_DOMAINS_MAX,
		 "more than 4096 names of hosts"},
		{"", "provider p", "\n", RULESET_PROVIDERS_MAX, "more than 128 providers"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct slice says;

		builder_init_fixed(&b, long_text, sizeof(long_text));
		builder_str(&b, rows[i].head);
		for (size_t k = 0; k < rows[i].count; k++)
			put(rows[i].before, k, rows[i].behind);
		assert_int_equal(compile_long(), 0);
		put(rows[i].before, rows[i].count, rows[i].behind);
		assert_int_equal(compile_long(), ERR_SYNTAX);
		says = slice_of(error.text, error.len);
		if (slice_find(says, slice_str(rows[i].says)) == says.len)
			fail_msg("row %zu says: %.*s", i, SLICE_ARG(says));
	}
	memset(long_text, '\n', RULESET_FILE_BYTES_MAX + 1);
	long_text[RULESET_FILE_BYTES_MAX + 1] = 0;
	assert_int_equal(compile((const char *)long_text, NULL), ERR_SYNTAX);
	assert_slice_str(slice_of(error.text, error.len), "a file is at most 256 KiB");
	assert_int_equal(error.line, 1);
}

/* Each set has the one before it nine times. */
static int
compile_sets(size_t depth)
{
	builder_init_fixed(&b, long_text, sizeof(long_text));
	builder_str(&b, "\xef\xbb\xbfset s0\n\twords bad\n"); /* a byte order mark, too */
	for (size_t i = 1; i < depth; i++) {
		put("set s", i, "\n\twords ");
		for (size_t k = 0; k < 9; k++)
			put(k ? "|$s" : "$s", i - 1, "");
		builder_str(&b, "\n");
	}
	put("level words\nrule a\n\twords $s", depth - 1,
	    "\n\tcause spam 50\n\tsource x\n\texample 550 bad\n"
	    "rule b\n\twords very bad\n\tcause spam 50\n\tsource x\n\texample 550 very bad\n");
	return compile_long();
}

/* Sets in one another are followed once each: else the time is 9 to the power of their depth. */
TEST(sets_in_sets)
{
	assert_int_equal(compile_sets(RULESET_SET_DEPTH_MAX), 0);
	assert_int_equal(ruleset_check(source, &work), ERR_SYNTAX);
	assert_slice_str(slice_sub(slice_of(error.text, error.len), 0, 23),
			 "this rule can never win");
	assert_int_equal(compile_sets(RULESET_SET_DEPTH_MAX + 1), ERR_SYNTAX);
	assert_slice_str(slice_sub(slice_of(error.text, error.len), 0, 15), "sets lie more t");
}

static const struct ruleset_rule *
winner(const char *reply)
{
	const struct facts_given given = {.stage = VERDICT_STAGE_MAX};
	size_t index;

	facts_read(slice_str(reply), &given, &work.facts);
	match_find(&work.match, &set, &work.facts);
	index = match_next(&work.match, 0);
	return index < set.rule_count ? &set.rules[index] : NULL;
}

#define REST "\n\tcause spam 50\n\tsource x\n\texample 550 x\n"

TEST(words)
{
	static const struct {
		const char *condition, *fits, *fits_not;
	} rows[] = {
		{"words no such user", "550 No  such\n550-user", "550 no such users"},
		{"words block*", "550 blocked", "550 unblock"},
		{"words over quota", "550 over-quota now", "550 over quotas"},
		{"words a1 | full", "550 (full)", "550 fully"},
		{"words <ip> listed", "550 [192.0.2.1] listed", "550 listed 192.0.2.1"},
		{"near user\n\tnear unknown", "550 unknown is the user", "550 user. Unknown host"},
		{"words user\n\twords unknown", "550 user. Unknown host", "550 user"},
		{"words user\n\tunless host | name", "550 user", "550 user host"},
		{"words gesperrt | \xc3\xbc"
		 "bung",
		 "550 \xc3\x9c"
		 "BUNG",
		 "550 bung"},
		{"words \xe4\xb8\x8d\xe5\xad\x98", "550 x\xe4\xb8\x8d\xe5\xad\x98x",
		 "550 \xe4\xb8\x8d"},
		{"words \xd0\xbd\xd0\xb5\xd1\x82", "550 \xd0\x9d\xd0\x95\xd0\xa2", "550 net"},
		{"words <ip> listed", "550 192.0.2.1 \x01 listed", "550 \x01 listed"},
		{"words <ip> listed", "550 192.0.2.1\nlisted", "550 \xd0\x01 listed"},
		{"words no\n\tfield ip", "550 no 192.0.2.1", "550 no"},
		{"words no\n\tstatus *.7.*", "550 5.7.9 no", "550 5.1.7 no"},
		{"words no\n\tstatus none", "550 no", "550 5.1.1 no"},
		{"words no\n\tclass later", "450 no", "550 no"},
		{"words doesn't", "550 it doesn\xe2\x80\x99t", "550 does"},
		{"words user unknown", "550 user@example.org: user unknown",
		 "550 user@user unknown"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[512];

		snprintf(text, sizeof(text), "level words\nrule a\n\t%s" REST, rows[i].condition);
		if (compile(text, NULL) != 0)
			fail_msg("row %zu: %.*s", i, (int)error.len, (const char *)error.text);
		if (!winner(rows[i].fits) || winner(rows[i].fits_not))
			fail_msg("row %zu: %d %d", i, winner(rows[i].fits) != NULL,
				 winner(rows[i].fits_not) != NULL);
	}
}

/* A label of the tree has eight bytes: phrases of all lengths around it and twice of it, alone and
 * beside one that parts from it at each place. */
TEST(long_phrases)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz";

	for (size_t len = 7; len < 24; len++) {
		for (size_t part = 0; part < len; part++) {
			char text[512], reply[64];

			snprintf(text, sizeof(text),
				 "level words\nrule a\n\twords %.*s | %.*sa" REST, (int)len,
				 letters, (int)part + 2, letters);
			assert_int_equal(compile(text, NULL), 0);
			snprintf(reply, sizeof(reply), "550 %.*s", (int)len, letters);
			assert_non_null(winner(reply));
			reply[4 + part] = 'x';
			assert_null(winner(reply));
			snprintf(reply, sizeof(reply), "550 %.*sa", (int)part + 2, letters);
			assert_non_null(winner(reply));
			snprintf(reply, sizeof(reply), "550 %.*s", (int)len - 1, letters);
			assert_null(winner(reply));
		}
	}
}

/* Rules without words are told apart by the subject of the status first. */
TEST(statuses)
{
	static const struct {
		const char *status, *fits, *fits_not;
	} rows[] = {
		{"none", "550 x", "550 5.1.1 x"},
		{"none", "550 5.0.0 x", "550 5.0.1 x"},
		{"none 5.7.1", "550 5.7.1 x", "550 5.7.2 x"},
		{"none 5.7.1", "550 x", "550 5.1.0 x"},
		{"*.0.1", "550 5.0.1 x", "550 5.0.0 x"},
		{"5.7.*", "550 5.7.99 x", "550 5.6.1 x"},
		{"5.8.1", "550 5.8.1 x", "550 5.9.1 x"},
		{"5.9.1 *.1.2", "550 5.9.1 x", "550 5.8.1 x"},
		{"5.9.1 *.1.2", "450 4.1.2 x", "450 4.9.1 x"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[512];

		snprintf(text, sizeof(text), "level code\nrule a\n\tstatus %s" REST,
			 rows[i].status);
		if (compile(text, NULL) != 0)
			fail_msg("row %zu: %.*s", i, (int)error.len, (const char *)error.text);
		if (!winner(rows[i].fits) || winner(rows[i].fits_not))
			fail_msg("row %zu: %d %d", i, winner(rows[i].fits) != NULL,
				 winner(rows[i].fits_not) != NULL);
	}
}

TEST(levels_and_providers)
{
	const struct ruleset_rule *rule;

	assert_int_equal(
		compile("provider p\n\ttitle The P\n\thost p.example\n\tlink help.p.example\n"
			"\twords p says\n"
			"level code\nrule code\n\tcode 550" REST
			"level words\nrule words\n\twords bad" REST
			"level provider\nrule provider\n\tprovider p\n\tcode 550" REST,
			NULL),
		0);
	rule = winner("550 bad");
	assert_slice_str(ruleset_slice(&set, rule->name), "words");
	assert_int_equal(work.match.provider, RULESET_NO_PROVIDER);
	rule = winner("550 good");
	assert_slice_str(ruleset_slice(&set, rule->name), "code");
	rule = winner("550 bad, see https://help.p.example/x");
	assert_slice_str(ruleset_slice(&set, rule->name), "provider");
	assert_slice_str(ruleset_slice(&set, set.providers[work.match.provider].title), "The P");
	rule = winner("550 P says no");
	assert_slice_str(ruleset_slice(&set, rule->name), "provider");
	assert_null(winner("450 good"));
	/* None is not 0.0 */
	assert_int_equal(compile("provider p\n\tstatus *.0.0\nlevel provider\nrule provider\n"
				 "\tprovider p\n\tcode 550" REST,
				 NULL),
			 0);
	assert_non_null(winner("550 5.0.0"));
	assert_null(winner("550 no"));
	assert_int_equal(compile("provider p\n\tstatus *.7.500-599 *.1.90\nprovider q\n\tstatus "
				 "*.7.600\n"
				 "level provider\nrule provider\n\tprovider p\n\tcode 550" REST,
				 NULL),
			 0);
	for (unsigned i = 0; i < 8; i++) {
		static const char *const fit[] = {"550 5.7.500", "550 5.7.599", "550 5.1.90"},
					 *const not_fit[] = {"550 5.7.499", "550 5.7.600",
							     "550 5.1.91", "550 5.6.500", "550 x"};

		if (i < 3)
			assert_non_null(winner(fit[i]));
		else
			assert_null(winner(not_fit[i - 3]));
	}
}

static void
assert_check(const char *text, const char *more, const char *says)
{
	struct slice said;

	assert_int_equal(compile(text, more), 0);
	if (!says) {
		assert_int_equal(ruleset_check(source, &work), 0);
		return;
	}
	assert_int_equal(ruleset_check(source, &work), ERR_SYNTAX);
	said = slice_of(error.text, error.len);
	if (slice_find(said, slice_str(says)) == said.len)
		fail_msg("%.*s", SLICE_ARG(said));
}

#define TAIL "\n\tcause spam 50\n\tsource x\n\texample 550 "

TEST(checks)
{
	assert_check("level words\nrule a\n\twords bad" TAIL "bad\n", NULL, NULL);
	assert_check("level words\nrule a\n\twords bad" TAIL "good\n", NULL, "by no rule");
	assert_check("level words\nrule a\n\twords bad" TAIL "bad\nrule b\n\twords worse" TAIL
		     "bad and worse\n",
		     NULL, "explained by rule \"a\"");
	assert_check("level words\nrule a\n\twords bad" TAIL "bad\n\tnot 550 bad dog\n", NULL,
		     "must not");
	/* never wins */
	assert_check("level words\nrule a\n\twords bad" TAIL
		     "bad\nrule b\n\twords very bad | bad dog\n\tcode 550" TAIL "bad dog\n",
		     NULL, "can never win");
	assert_check("level words\nrule a\n\twords bad\n\tunless cat" TAIL
		     "bad\nrule b\n\twords bad dog" TAIL "bad dog cat\n",
		     NULL, NULL);
	assert_check("level words\nrule a\n\twords bad*" TAIL "badly\nrule b\n\twords bad dog" TAIL
		     "x\n",
		     NULL, "can never win");
	/* two files of one number */
	assert_check("level words\nrule a\n\twords bad" TAIL "bad dog\n",
		     "level words\nrule b\n\twords dog\n\tcause virus 50\n\tsource x\n\texample "
		     "550 dog\n",
		     "no order is stated");
}

/* All words of all examples in all conditions: an end to it. */
TEST(examples_cost)
{
	builder_init_fixed(&b, long_text, sizeof(long_text));
	builder_str(&b, "level words\nrule a\n\twords good\n\tcause spam 5\n\tsource x\n"
			"\texample 550 good\n");
	for (size_t i = 0; i < 60; i++) {
		builder_str(&b, "\tnot 550");
		for (size_t k = 0; k < 490; k++)
			builder_str(&b, " bad");
		builder_str(&b, "\n");
	}
	for (size_t i = 0; i < 340; i++) {
		put("rule r", i, "\n\tcause spam 5\n\tsource x\n\texample 550 x\n");
		for (size_t k = 0; k < 2 * RULESET_CONDITIONS_MAX; k++) {
			put(k % 2 ? "\tunless bad|x" : "\twords bad|x", i, "");
			put("y", k, "\n");
		}
	}
	assert_int_equal(compile_long(), 0);
	assert_int_equal(ruleset_check(source, &work), ERR_SYNTAX);
	assert_slice_str(slice_sub(slice_of(error.text, error.len), 0, 22),
			 "up to here examples ha");
}

/* Out of memory at any request is told, and all is given back. */
TEST(memory_runs_out)
{
	int err = ERR_NO_MEMORY;

	for (size_t n = 1; err == ERR_NO_MEMORY; n++) {
		memory.fail_at = n;
		err = compile(
			"set s\n\twords very | much\nprovider p\n\thost a.example\n\twords pp\n"
			"level words\nrule a\n\twords bad | $s\n\ttake ip x" TAIL "bad\n",
			NULL);
		assert_true(n < 10000);
	}
	assert_int_equal(err, 0);
	memory.fail_at = 0;
	arena_finish(&arena);
	assert_int_equal(memory.taken, memory.given);
}

TESTS(TEST_ROW(errors), TEST_ROW(limits), TEST_ROW(sets_in_sets), TEST_ROW(words),
      TEST_ROW(long_phrases), TEST_ROW(statuses), TEST_ROW(levels_and_providers), TEST_ROW(checks),
      TEST_ROW(examples_cost), TEST_ROW(memory_runs_out))
