/*
 * frank: options, then the command. Local commands stand in one table; all others go to control.
 */
#include <string.h>

#include "rt/file.h"
#include "tool/tool.h"

#define TOOL_NOW_MAX ((uint64_t)1 << 40)
#define MS_PER_S 1000

static const char usage_text[] =
	"usage: frank [--config FILE] [--socket PATH] [--json] COMMAND ...\n"
	"\n"
	"Without a running server:\n"
	"  run [--zone FILE] [--now EPOCH]   run the server in the foreground\n"
	"  check                             check the configuration: file, line, column\n"
	"  config show [--changed]           every option with its value\n"
	"  config explain [OPTION]           what an option means, its default and bounds\n"
	"  explain FILE | FOLDER | - | CODE | LINE\n"
	"                                    of a bounce, a log, a reply, a code: why a server "
	"refused\n"
	"                                    mail, whose turn it is, what to do\n"
	"  explain --reply LINE [--stage S] [--host NAME] [--mx NAME] [--rules FILE]\n"
	"  explain --replies FILE            the same for a file with one reply a line\n"
	"  explain --unknown FILE            which replies no rule fits, most frequent first\n"
	"  explain --redact FILE             a bounce without addresses and names\n"
	"\n"
	"Of a running server:\n"
	"  status | reload | stop\n"
	"  queue list | show | retry | hold | release | delete | flush\n"
	"  trace ID | --sender A | --rcpt A | --since 1h\n"
	"  why ID                            where each recipient stands, and what to do\n"
	"  postoffice | domain | mailbox | address   add | list | show | set | remove\n"
	"\n"
	"frank --version, or -V, says which it is.\n"
	"Every command takes --json. Exit codes are those of sysexits.h; check exits 1 on a "
	"fault,\n"
	"explain when it does not know.\n"
	"The manual: frank(8), frank.conf(5).\n";

static int
tool_version(struct tool *tool)
{
	tool_print(tool, TOOL_OUT, SLICE("frank " FRANK_VERSION "\n"));
	return 0;
}

/* words_max: that it can take, its name among them. */
static const struct {
	const char *word;
	int (*run)(struct tool *tool);
	size_t words_max;
} local_commands[] = {
	{"run", tool_run, 1},		{"check", tool_check, 1},
	{"config", tool_config, 3},	{"explain", tool_explain, COMMAND_WORDS_MAX},
	{"--version", tool_version, 1}, {"-V", tool_version, 1},
};

void
tool_print(struct tool *tool, int fd, struct slice text)
{
	int err = rt_write(tool->rt, fd, text);

	if (err)
		tool->exit_code =
			TOOL_EXIT_IO; /* a closed pipe, a full disk: nobody to tell it to */
}

void
tool_complain(struct tool *tool, const char *text, const char *detail)
{
	tool_print(tool, TOOL_ERROR, SLICE("frank: "));
	tool_print(tool, TOOL_ERROR, slice_str(text));
	tool_print(tool, TOOL_ERROR, slice_str(detail));
	tool_print(tool, TOOL_ERROR, SLICE("\n"));
}

const char *
tool_err_str(int err)
{
	const char *text = err_errno(err) ? strerrordesc_np(err_errno(err)) : NULL;

	return text ? text : err_str(err);
}

/* The value behind a global option, or NULL when argv[i] is none. */
static const char **
global_option(struct tool *tool, const char *word)
{
	const struct {
		const char *name;
		const char **value;
	} options[] = {
		{"--config", &tool->config_path},
		{"--socket", &tool->socket_path},
		{"--zone", &tool->zone_path},
		{"--now", &tool->now},
	};

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if (strcmp(word, options[i].name) == 0)
			return options[i].value;
	return NULL;
}

static int
words_take(struct tool *tool, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		const char **value = global_option(tool, argv[i]);

		if (value && i + 1 < argc) {
			*value = argv[++i];
		} else if (value) {
			tool_complain(tool, "a value is missing behind ", argv[i]);
			return TOOL_EXIT_USAGE;
		} else if (strcmp(argv[i], "--json") == 0) {
			tool->json = true;
		} else if (tool->word_count == COMMAND_WORDS_MAX) {
			tool_complain(tool, "more than 64 words",
				      strcmp(tool->words[0], "explain") == 0
					      ? "; of many files name the folder"
					      : "");
			return TOOL_EXIT_USAGE;
		} else {
			tool->words[tool->word_count++] = argv[i];
		}
	}
	return 0;
}

static int
tool_dispatch(struct tool *tool)
{
	if (tool->word_count == 0 || strcmp(tool->words[0], "--help") == 0 ||
	    strcmp(tool->words[0], "help") == 0) {
		tool_print(tool, tool->word_count ? TOOL_OUT : TOOL_ERROR, slice_str(usage_text));
		return tool->word_count ? 0 : TOOL_EXIT_USAGE;
	}
	for (size_t i = 0; i < sizeof(local_commands) / sizeof(local_commands[0]); i++) {
		if (strcmp(tool->words[0], local_commands[i].word) != 0)
			continue;
		if (tool->word_count > local_commands[i].words_max) {
			tool_complain(tool, "not understood; frank help lists what is: ",
				      tool->words[local_commands[i].words_max]);
			return TOOL_EXIT_USAGE;
		}
		return local_commands[i].run(tool);
	}
	if (tool->words[0][0] == '-') {
		tool_complain(tool, "no such option; frank help lists them: ", tool->words[0]);
		return TOOL_EXIT_USAGE;
	}
	return tool_ask_server(tool);
}

/* The wall clock of a command that needs no server starts at --now, as the server's does. */
static int
clock_set(struct tool *tool)
{
	struct rt_options options = {0};
	uint64_t now_s;

	if (!tool->now)
		return 0;
	if (!slice_to_u64(slice_str(tool->now), TOOL_NOW_MAX, &now_s)) {
		tool_complain(tool, "--now: expected seconds since 1970, not ", tool->now);
		return TOOL_EXIT_USAGE;
	}
	options.wall_offset_ms = (int64_t)now_s * MS_PER_S - rt_wall_ms(tool->rt);
	rt_destroy(&tool->rt);
	return rt_create(&options, &tool->rt) ? TOOL_EXIT_SOFTWARE : 0;
}

int
main(int argc, char **argv)
{
	struct tool tool = {.config_path = TOOL_DEFAULT_CONFIG};
	int exit_code;

	if (rt_create(&(struct rt_options){0}, &tool.rt))
		return TOOL_EXIT_SOFTWARE;
	exit_code = words_take(&tool, argc, argv);
	if (!exit_code)
		exit_code = clock_set(&tool);
	if (!exit_code)
		exit_code = tool_dispatch(&tool);
	if (tool.rt)
		rt_destroy(&tool.rt);
	return exit_code ? exit_code : tool.exit_code;
}
