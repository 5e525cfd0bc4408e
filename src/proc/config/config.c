/*
 * frank-config: super's reader of configurations, so that root parses nothing. Descriptor 3 is the
 * file, 4 a memory file for the answer: the snapshot (exit 0), or the problems as text (exit 78).
 * Arguments: the file's name for messages, the folder for relative paths.
 */
#include "proc/config/config.h"

#include "boot/config_child.h"
#include "boot/sandbox.h"
#include "rt/file.h"
#include "wire/conf/parse.h"

#define EXIT_SOFTWARE 70

static int
config_read(struct rt *rt, struct arena *arena, char **argv, struct builder *answer)
{
	struct conf_problems problems = {0};
	struct config config;
	struct slice text;
	int err = rt_read_all(rt, CONFIG_CHILD_FD_FILE, CONFIG_TEXT_BYTES_MAX + 1, &text);

	if (err == 0) {
		err = conf_parse(arena, text, slice_str(argv[2]), &config, &problems);
		mem_give(rt_mem(rt), (void *)(uintptr_t)text.data, text.len);
	} else {
		conf_problem_add(
			arena, &problems,
			&(struct conf_problem){.text = SLICE("cannot be read, or is too large")});
	}
	if (err == 0)
		return config_encode(answer, &config);
	conf_problems_write(answer, slice_str(argv[1]), &problems);
	return err;
}

int
config_main(int argc, char **argv)
{
	const struct boot_dirs none = {0};
	struct builder answer;
	struct arena arena;
	struct rt *rt;
	int err;

	if (argc == 3 && slice_eq(slice_str(argv[1]), SLICE("--sandbox-probe")))
		return boot_sandbox_probe(IPC_ROLE_CONFIG, argv[2]);
	if (argc != 3 || rt_create(&(struct rt_options){0}, &rt))
		return EXIT_SOFTWARE;
	arena_init(&arena, rt_mem(rt), 4 * CONFIG_ARENA_BYTES);
	builder_init_arena(&answer, &arena, CONFIG_SNAPSHOT_BYTES_MAX);
	err = boot_sandbox_enter(rt, IPC_ROLE_CONFIG, NULL, &none);
	if (err && err != ERR_UNSUPPORTED)
		return EXIT_SOFTWARE;
	err = config_read(rt, &arena, argv, &answer);
	if (answer.failed || rt_write(rt, CONFIG_CHILD_FD_RESULT, builder_slice(&answer)))
		return EXIT_SOFTWARE;
	arena_finish(&arena);
	rt_destroy(&rt);
	return err ? CONFIG_CHILD_EXIT_INVALID : 0;
}
