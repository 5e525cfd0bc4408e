/*
 * frank-super [--config FILE] [--programs FOLDER] [--zone FILE] [--now EPOCH]: starts Frank, in the
 * foreground. The other programs lie in FOLDER, else where this one lies; --zone answers all DNS
 * questions from a file; --now lets the wall clock start there. --sandbox-probe FOLDER is for tests
 * (boot/sandbox.h).
 */
#include <limits.h>
#include <string.h>

#include "boot/sandbox.h"
#include "proc/super/super.h"

#define CONFIG_PATH "/etc/frank/frank.conf"
#define USAGE "usage: frank-super [--config FILE] [--programs FOLDER] [--zone FILE] [--now EPOCH]\n"
#define STDERR_FD 2
#define MS_PER_S 1000
#define NOW_MAX ((uint64_t)1 << 40)

struct arguments {
	struct super_options options;
	const char *now;
};

static const struct {
	const char *name;
	size_t offset; /* of a const char * in struct arguments */
} rows[] = {
	{"--config", offsetof(struct arguments, options.config_path)},
	{"--programs", offsetof(struct arguments, options.programs_path)},
	{"--zone", offsetof(struct arguments, options.zone_path)},
	{"--now", offsetof(struct arguments, now)},
};

static bool
arguments_read(int argc, char **argv, struct arguments *arguments)
{
	for (int i = 1; i < argc; i += 2) {
		size_t row = 0;

		while (row < sizeof(rows) / sizeof(rows[0]) && strcmp(argv[i], rows[row].name) != 0)
			row++;
		if (row == sizeof(rows) / sizeof(rows[0]) || i + 1 == argc)
			return false;
		*(const char **)(void *)((char *)arguments + rows[row].offset) = argv[i + 1];
	}
	return true;
}

int
super_main(int argc, char **argv)
{
	struct arguments arguments = {.options = {.config_path = CONFIG_PATH}};
	char folder[PATH_MAX];
	struct rt_options options = {.process = "super"};
	uint64_t now_s = 0;
	struct rt *rt;
	int exit_code;

	if (argc == 3 && !strcmp(argv[1], "--sandbox-probe"))
		return boot_sandbox_probe_super(argv[2]);
	if (rt_create(&options, &rt))
		return SUPER_EXIT_SOFTWARE;
	if (!arguments_read(argc, argv, &arguments) ||
	    (arguments.now && !slice_to_u64(slice_str(arguments.now), NOW_MAX, &now_s))) {
		exit_code =
			rt_write(rt, STDERR_FD, SLICE(USAGE)) ? SUPER_EXIT_IO : SUPER_EXIT_USAGE;
		rt_destroy(&rt);
		return exit_code;
	}
	if (arguments.now) {
		options.wall_offset_ms = (int64_t)now_s * MS_PER_S - rt_wall_ms(rt);
		arguments.options.wall_offset_ms = options.wall_offset_ms;
		rt_destroy(&rt);
		if (rt_create(&options, &rt))
			return SUPER_EXIT_SOFTWARE;
	}
	if (!arguments.options.programs_path) {
		if (rt_program_folder(rt, RT_PROGRAM_RESOLVED, folder, sizeof(folder)))
			folder[0] = 0; /* which super_run cannot open, and says so */
		arguments.options.programs_path = folder;
	}
	exit_code = super_run(rt, &arguments.options);
	rt_destroy(&rt);
	return exit_code;
}
