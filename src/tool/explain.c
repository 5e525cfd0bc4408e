/*
 * explain: frank explain: a refusal that somebody has before him, explained. Needs no server, no
 * configuration and no network; links are shown and never followed. A line stands for a whole
 * reply, with \n between the reply's own lines. With --json it is an array with an element for
 * each.
 */
#include <string.h>

#include "base/assert.h"
#include "rt/file.h"
#include "rule/explain/show.h"
#include "tool/tool.h"

#define REPLIES_BYTES_MAX ((size_t)256 << 20)
#define OUTPUT_BYTES (2 * EXPLAIN_SHOWN_MAX)

struct explain {
	struct tool *tool;
	const char *reply, *replies;
	const char *stage, *host, *mx;
	struct facts_given given;
	struct json_writer json;
	struct builder out;
	size_t count;
	bool unknown;
	uint8_t room[OUTPUT_BYTES];
	uint8_t text[VERDICT_REPLY_MAX];
	struct explained explained;
	struct match work;
};

static int
not_yet(struct tool *tool, const char *word)
{
	tool_complain(tool,
		      "explain reads replies so far (--reply LINE, --replies FILE); bounce mails, "
		      "codes and log lines are not there yet: ",
		      word);
	return TOOL_EXIT_USAGE;
}

static int
words_read(struct explain *ex)
{
	const struct {
		const char *name;
		const char **value;
	} options[] = {
		{"--reply", &ex->reply}, {"--replies", &ex->replies}, {"--stage", &ex->stage},
		{"--host", &ex->host},	 {"--mx", &ex->mx},
	};
	struct tool *tool = ex->tool;

	for (size_t i = 1; i < tool->word_count; i++) {
		const char **value = NULL;

		for (size_t k = 0; k < sizeof(options) / sizeof(options[0]); k++)
			if (strcmp(tool->words[i], options[k].name) == 0)
				value = options[k].value;
		if (!value && (tool->words[i][0] != '-' || !tool->words[i][1]))
			return not_yet(tool, tool->words[i]);
		if (!value) {
			tool_complain(tool, "no such option of explain: ", tool->words[i]);
			return TOOL_EXIT_USAGE;
		}
		if (++i == tool->word_count) {
			tool_complain(tool, "a value is missing behind ", tool->words[i - 1]);
			return TOOL_EXIT_USAGE;
		}
		*value = tool->words[i];
	}
	return 0;
}

static int
given_read(struct explain *ex)
{
	ex->given = (struct facts_given){
		.stage = VERDICT_STAGE_MAX, .host = slice_str(ex->host), .mx = slice_str(ex->mx)};
	if (!ex->reply == !ex->replies) {
		tool_complain(ex->tool, "expected explain --reply LINE or explain --replies FILE",
			      "");
		return TOOL_EXIT_USAGE;
	}
	if (!ex->stage)
		return 0;
	ex->given.stage = (uint8_t)facts_stage_of_name(slice_str(ex->stage));
	if (ex->given.stage < VERDICT_STAGE_MAX)
		return 0;
	tool_complain(ex->tool,
		      "--stage: expected dns, connect, greeting, hello, tls, login, sender, "
		      "recipient, data, final or local, not ",
		      ex->stage);
	return TOOL_EXIT_USAGE;
}

static void
flush(struct explain *ex)
{
	tool_print(ex->tool, TOOL_OUT, builder_slice(&ex->out));
	builder_clear(&ex->out);
}

/* \n parts the lines of a reply, and so does \r\n. What does not fit is not read anyway. */
static struct slice
unescape(struct explain *ex, struct slice line)
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

static void
explain_line(struct explain *ex, struct slice line)
{
	explain_read(unescape(ex, line), &ex->given, explain_builtin(), &ex->work, &ex->explained);
	/* An empty line of a file keeps the count of results; it asks nothing. */
	if (ex->explained.facts.verdict.cause == VERDICT_CAUSE_UNKNOWN &&
	    !(ex->explained.facts.empty && ex->replies))
		ex->unknown = true;
	if (ex->tool->json) {
		explain_show_json(&ex->json, &ex->explained);
	} else {
		if (ex->count)
			builder_str(&ex->out, "\n----\n\n");
		explain_show_text(&ex->out, &ex->explained);
	}
	ex->count++;
	if (ex->out.len > OUTPUT_BYTES - EXPLAIN_SHOWN_MAX)
		flush(ex);
}

static int
explain_file(struct explain *ex)
{
	struct slice text, rest;
	int fd, err;

	err = rt_open(ex->tool->rt, RT_AT_PATH, ex->replies, RT_OPEN_READ, &fd);
	if (!err) {
		err = rt_read_all(ex->tool->rt, fd, REPLIES_BYTES_MAX, &text);
		rt_close(ex->tool->rt, fd);
	}
	if (err) {
		tool_complain(ex->tool, ex->replies, " cannot be read:");
		tool_complain(ex->tool, tool_err_str(err), "");
		return TOOL_EXIT_DATA;
	}
	/* A line that ends the file is none that is empty. */
	for (rest = text; rest.len;) {
		struct slice line = slice_cut(&rest, '\n');

		if (line.len && line.data[line.len - 1] == '\r')
			line.len--;
		explain_line(ex, line);
	}
	mem_give(rt_mem(ex->tool->rt), (void *)(uintptr_t)text.data, text.len);
	return 0;
}

static int
explain_all(struct explain *ex)
{
	int exit_code = 0;

	builder_init_fixed(&ex->out, ex->room, sizeof(ex->room));
	json_init(&ex->json, &ex->out);
	if (ex->tool->json)
		json_array_begin(&ex->json, NULL);
	if (ex->reply)
		explain_line(ex, slice_str(ex->reply));
	else
		exit_code = explain_file(ex);
	if (exit_code)
		return exit_code; /* nothing has been printed */
	if (ex->tool->json) {
		json_array_end(&ex->json);
		builder_byte(&ex->out, '\n');
	}
	ASSERT(!ex->out.failed);
	flush(ex);
	return ex->unknown ? TOOL_EXIT_UNKNOWN : 0;
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
	exit_code = words_read(ex);
	if (!exit_code)
		exit_code = given_read(ex);
	if (!exit_code)
		exit_code = explain_all(ex);
	mem_give(rt_mem(tool->rt), ex, sizeof(*ex));
	return exit_code;
}
