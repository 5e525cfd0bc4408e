/*
 * run: becomes frank-super, which lies beside this program.
 */
#include <limits.h>
#include <string.h>

#include "rt/process.h"
#include "tool/tool.h"

#define RUN_WORDS_MAX 8

int
tool_run(struct tool *tool)
{
	const char *words[RUN_WORDS_MAX + 1] = {"frank-super", "--config", tool->config_path};
	char path[PATH_MAX + sizeof("/frank-super")];
	size_t count = 3;
	int err = rt_program_folder(tool->rt, path, PATH_MAX);

	if (err) {
		tool_complain(tool, "the folder of the programs is not known: ", err_str(err));
		return TOOL_EXIT_SOFTWARE;
	}
	if (tool->zone_path) {
		words[count++] = "--zone";
		words[count++] = tool->zone_path;
	}
	if (tool->now) {
		words[count++] = "--now";
		words[count++] = tool->now;
	}
	memcpy(path + strlen(path), "/frank-super", sizeof("/frank-super"));
	err = rt_exec(tool->rt, path, words);
	tool_complain(tool, "cannot start ", path);
	return err_errno(err) ? TOOL_EXIT_NO_INPUT : TOOL_EXIT_SOFTWARE;
}
