/*
 * run: becomes frank-super. The other programs lie beside this one (a lab, one folder) or in
 * ../libexec/frank from it (installed); both are looked for where this program was called, and
 * then, had that been a link, where it lies.
 */
#include <limits.h>
#include <string.h>

#include "rt/file.h"
#include "rt/process.h"
#include "tool/tool.h"

#define RUN_WORDS_MAX 9
#define RUN_PATH_BYTES (PATH_MAX + 64)

static const struct {
	enum rt_program_as as;
	const char *below;
} places[] = {
	{RT_PROGRAM_CALLED, ""},
	{RT_PROGRAM_CALLED, "/../libexec/frank"},
	{RT_PROGRAM_RESOLVED, ""},
	{RT_PROGRAM_RESOLVED, "/../libexec/frank"},
};

/* The path, with its 0. */
static int
path_make(char path[RUN_PATH_BYTES], const char *folder, const char *below, const char *name)
{
	struct builder b;

	builder_init_fixed(&b, path, RUN_PATH_BYTES);
	builder_str(&b, folder);
	builder_str(&b, below);
	builder_str(&b, name);
	builder_byte(&b, 0);
	return b.failed ? ERR_LIMIT : 0;
}

/* The folder of frank-super, and its path. */
static int
programs_find(struct tool *tool, char folder[RUN_PATH_BYTES], char path[RUN_PATH_BYTES])
{
	char base[PATH_MAX];

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		int fd, err = rt_program_folder(tool->rt, places[i].as, base, sizeof(base));

		if (!err)
			err = path_make(folder, base, places[i].below, "");
		if (!err)
			err = path_make(path, base, places[i].below, "/frank-super");
		if (!err)
			err = rt_open_program(tool->rt, RT_AT_PATH, path, &fd);
		if (err)
			continue;
		rt_close(tool->rt, fd);
		return 0;
	}
	return ERR_NOT_FOUND;
}

int
tool_run(struct tool *tool)
{
	const char *words[RUN_WORDS_MAX + 1] = {"frank-super", "--config", tool->config_path};
	char folder[RUN_PATH_BYTES], path[RUN_PATH_BYTES];
	size_t count = 3;

	if (programs_find(tool, folder, path)) {
		tool_complain(tool,
			      "frank-super lies neither beside this program nor in "
			      "../libexec/frank from it; install Frank as a whole",
			      "");
		return TOOL_EXIT_NO_INPUT;
	}
	words[count++] = "--programs";
	words[count++] = folder;
	if (tool->zone_path) {
		words[count++] = "--zone";
		words[count++] = tool->zone_path;
	}
	if (tool->now) {
		words[count++] = "--now";
		words[count++] = tool->now;
	}
	tool_complain(tool, "cannot start the server: ", err_str(rt_exec(tool->rt, path, words)));
	return TOOL_EXIT_SOFTWARE;
}
