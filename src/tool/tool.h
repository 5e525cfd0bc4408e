/*
 * tool: the frank command. What needs no server is done here; everything else is one request to
 * control, whose answer is printed as it comes.
 */
#ifndef TOOL_TOOL_H
#define TOOL_TOOL_H

#include "rt/rt.h"
#include "wire/command/command.h"

#define TOOL_DEFAULT_CONFIG "/etc/frank/frank.conf"

struct tool {
	struct rt *rt;
	const char *config_path;
	const char *socket_path;     /* NULL: in the run folder of the configuration */
	const char *zone_path, *now; /* handed to the server */
	bool json;
	const char *words[COMMAND_WORDS_MAX];
	size_t word_count;
	int exit_code; /* when output failed, else 0 */
};

/* Each answers the exit code. */
int tool_check(struct tool *tool);	/* check.c */
int tool_config(struct tool *tool);	/* check.c */
int tool_explain(struct tool *tool);	/* explain.c */
int tool_run(struct tool *tool);	/* run.c */
int tool_ask_server(struct tool *tool); /* ask.c */
/* sysexits.h */
#define TOOL_EXIT_FAULT 1
#define TOOL_EXIT_UNKNOWN 1
#define TOOL_EXIT_USAGE 64
#define TOOL_EXIT_DATA 65
#define TOOL_EXIT_NO_INPUT 66
#define TOOL_EXIT_UNAVAILABLE 69
#define TOOL_EXIT_SOFTWARE 70
#define TOOL_EXIT_IO 74
#define TOOL_EXIT_TEMPFAIL 75
#define TOOL_EXIT_CONFIG 78

/* check.c: the parsed configuration, in an arena of the caller's; problems are printed. */
struct config;
int tool_config_read(struct tool *tool, struct arena *arena, struct config *ret_config) MUST_USE;

/* check_files.c: what is wrong with the files that the configuration names. */
struct conf_problems;
void tool_check_files(struct tool *tool, struct arena *arena, const struct config *config,
		      struct conf_problems *problems);

/* main.c */
#define TOOL_IN 0
#define TOOL_OUT 1
#define TOOL_ERROR 2
void tool_print(struct tool *tool, int fd, struct slice text);
void tool_complain(struct tool *tool, const char *text, const char *detail);
/* In the system's words where it is an errno. */
const char *tool_err_str(int err);

#endif
