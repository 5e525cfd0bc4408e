/*
 * explain: frank explain: a refusal that somebody has before him, explained. Needs no server, no
 * configuration and no network; links are shown and never followed. With --json the results are one
 * array.
 */
#include "tool/explain.h"

#include <string.h>

#include "base/assert.h"
#include "rt/file.h"

static int
usage_fail(struct explain *ex, const char *text, const char *word)
{
	tool_complain(ex->tool, text, word);
	return TOOL_EXIT_USAGE;
}

static int
words_read(struct explain *ex)
{
	const struct {
		const char *name;
		const char **value;
	} options[] = {
		{"--reply", &ex->reply},   {"--replies", &ex->replies}, {"--unknown", &ex->unknown},
		{"--redact", &ex->redact}, {"--stage", &ex->stage},	{"--host", &ex->host},
		{"--mx", &ex->mx},	   {"--rules", &ex->rules},
	};
	struct tool *tool = ex->tool;

	for (size_t i = 1; i < tool->word_count; i++) {
		const char **value = NULL;

		for (size_t k = 0; k < sizeof(options) / sizeof(options[0]); k++)
			if (strcmp(tool->words[i], options[k].name) == 0)
				value = options[k].value;
		if (!value && (tool->words[i][0] != '-' || !tool->words[i][1])) {
			ex->inputs[ex->input_count++] = tool->words[i];
			continue;
		}
		if (!value)
			return usage_fail(ex, "no such option of explain: ", tool->words[i]);
		if (++i == tool->word_count)
			return usage_fail(ex, "a value is missing behind ", tool->words[i - 1]);
		*value = tool->words[i];
	}
	return 0;
}

static int
given_read(struct explain *ex)
{
	unsigned asked = (ex->reply != NULL) + (ex->replies != NULL) + (ex->unknown != NULL) +
			 (ex->redact != NULL) + (ex->input_count > 0);

	ex->given = (struct facts_given){
		.stage = VERDICT_STAGE_MAX, .host = slice_str(ex->host), .mx = slice_str(ex->mx)};
	if (asked != 1)
		return usage_fail(ex,
				  "expected one of: explain FILE|FOLDER|-|CODE|LINE, --reply LINE, "
				  "--replies FILE, --unknown FILE, --redact FILE",
				  "");
	if (!ex->stage)
		return 0;
	ex->given.stage = (uint8_t)facts_stage_of_name(slice_str(ex->stage));
	if (ex->given.stage < VERDICT_STAGE_MAX)
		return 0;
	return usage_fail(ex,
			  "--stage: expected dns, connect, greeting, hello, tls, login, sender, "
			  "recipient, data, final or local, not ",
			  ex->stage);
}

void
explain_flush(struct explain *ex)
{
	tool_print(ex->tool, TOOL_OUT, builder_slice(&ex->out));
	builder_clear(&ex->out);
}

/* \n parts the lines of a reply, and so does \r\n. What does not fit is not read anyway. */
struct slice
explain_unescape(struct explain *ex, struct slice line)
{
	size_t len = 0;

	for (size_t i = 0; i < line.len && len < sizeof(ex->text); i++) {
		struct slice rest = slice_from(line, i);

		if (slice_starts(rest, SLICE("\\r\\n")))
			i += 2;
		else if (!slice_starts(rest, SLICE("\\n"))) {
			ex->text[len++] = line.data[i];
			continue;
		}
		i++;
		ex->text[len++] = '\n';
	}
	return slice_of(ex->text, len);
}

void
explain_begin(struct explain *ex)
{
	if (ex->count++ && !ex->tool->json)
		builder_str(&ex->out, EXPLAIN_SEPARATOR);
}

void
explain_end(struct explain *ex)
{
	if (ex->out.len > EXPLAIN_OUTPUT_BYTES - EXPLAIN_SHOWN_MAX)
		explain_flush(ex);
}

void
explain_put(struct explain *ex, const char *file)
{
	const struct explained *e = &ex->explained;

	/* An empty line of a file keeps the count of results; it asks nothing. */
	if (e->facts.verdict.cause == VERDICT_CAUSE_UNKNOWN && !(e->facts.empty && ex->replies))
		ex->unknown_seen = true;
	explain_begin(ex);
	if (ex->tool->json)
		explain_show_json(&ex->json, e, slice_str(file));
	else
		explain_show_text(&ex->out, e, slice_str(file));
	explain_end(ex);
}

void
explain_reply(struct explain *ex, struct slice text, const char *file)
{
	explain_read(text, &ex->given, ex->set, &ex->match, &ex->explained);
	explain_put(ex, file);
}

void
explain_line(struct explain *ex, struct slice line, const char *file)
{
	explain_reply(ex, explain_unescape(ex, line), file);
}

struct slice
explain_next_line(struct slice *rest)
{
	struct slice line = slice_cut(rest, '\n');

	if (line.len && line.data[line.len - 1] == '\r')
		line.len--;
	return line;
}

static int
replies_content(struct explain *ex, const char *file, struct slice content)
{
	(void)file;
	/* A line that ends the file is none that is empty. */
	while (content.len)
		explain_line(ex, explain_next_line(&content), NULL);
	return 0;
}

static int
explain_asked(struct explain *ex)
{
	int worst = 0;

	if (ex->reply) {
		explain_line(ex, slice_str(ex->reply), NULL);
		return 0;
	}
	if (ex->replies)
		return explain_with_file(ex, ex->replies, EXPLAIN_REPLIES_BYTES_MAX,
					 replies_content);
	for (size_t i = 0; i < ex->input_count; i++) {
		int exit_code = explain_input(ex, ex->inputs[i]);

		worst = exit_code > worst ? exit_code : worst;
	}
	return worst;
}

static int
rules_content(struct explain *ex, const char *file, struct slice content)
{
	uint8_t room[RULESET_ERROR_MAX + 512];
	struct ruleset_error error;
	struct builder b;
	int err =
		explain_local_compile(&ex->rules_arena, slice_str(file), content, &ex->own, &error);

	ex->set = &ex->own;
	if (!err)
		return 0;
	builder_init_fixed(&b, room, sizeof(room));
	if (err == ERR_SYNTAX)
		explain_local_error(&b, slice_str(file), &error);
	else
		builder_str(&b, err_str(err));
	builder_byte(&b, 0);
	tool_complain(ex->tool, b.failed ? "rules are no good" : (const char *)room, "");
	return TOOL_EXIT_DATA;
}

/* Results of all that could be read are printed, also when something could not. */
static int
explain_all(struct explain *ex)
{
	int exit_code;

	if (ex->redact)
		return explain_redact(ex);
	if (ex->unknown)
		return explain_unknown(ex);
	if (ex->tool->json)
		json_array_begin(&ex->json, NULL);
	exit_code = explain_asked(ex);
	if (exit_code && !ex->count)
		return exit_code; /* nothing has been printed */
	if (!ex->count && !ex->tool->json)
		tool_complain(ex->tool, "nothing to explain was found", "");
	if (ex->tool->json) {
		json_array_end(&ex->json);
		builder_byte(&ex->out, '\n');
	}
	ASSERT(!ex->out.failed);
	explain_flush(ex);
	if (exit_code)
		return exit_code;
	return ex->unknown_seen ? TOOL_EXIT_UNKNOWN : 0;
}

int
tool_explain(struct tool *tool)
{
	struct explain *ex = mem_take(rt_mem(tool->rt), sizeof(*ex));
	int exit_code;

	if (!ex)
		return TOOL_EXIT_SOFTWARE;
	memset(ex, 0, sizeof(*ex));
	ex->tool = tool;
	ex->set = explain_builtin();
	charset_iconv_init(&ex->iconv);
	builder_init_fixed(&ex->out, ex->room, sizeof(ex->room));
	json_init(&ex->json, &ex->out);
	exit_code = words_read(ex);
	if (!exit_code)
		exit_code = given_read(ex);
	arena_init(&ex->rules_arena, rt_mem(tool->rt), RULESET_ARENA_MAX);
	if (!exit_code && ex->rules)
		exit_code = explain_with_file(ex, ex->rules, RULESET_FILE_BYTES_MAX, rules_content);
	if (!exit_code)
		exit_code = explain_all(ex);
	arena_finish(&ex->rules_arena);
	charset_iconv_finish(&ex->iconv);
	mem_give(rt_mem(tool->rt), ex, sizeof(*ex));
	return exit_code;
}
