/*
 * run: becomes frank-super, which lies beside this program.
 */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "tool/tool.h"

#define RUN_WORDS_MAX 8

int
tool_run(struct tool *tool)
{
	const char *words[RUN_WORDS_MAX] = {"frank-super", "--config", tool->config_path};
	size_t count = 3;
	char path[PATH_MAX];
	struct builder b;
	ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 20);
	struct slice folder;

	if (len <= 0) {
		tool_complain("the folder of the programs is not known: ", strerror(errno));
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
	folder = slice_of(path, (size_t)len);
	builder_init_fixed(&b, path, sizeof(path));
	b.len = slice_rindex(folder, '/') + 1;
	builder_bytes(&b, "frank-super", sizeof("frank-super"));
	execv(path, (char *const *)(uintptr_t)words);
	tool_complain("cannot start frank-super beside this program: ", strerror(errno));
	return TOOL_EXIT_SOFTWARE;
}
