/*
 * From a row of def/sandbox.def to rt_sandbox; of super, with def/places.def, to rt_bounds. The
 * size of files is not what limits a writer (the log is one of them): it only stops a runaway
 * before it fills the disk.
 */
#include "boot/sandbox.h"

#include "base/assert.h"
#include "rt/file.h"
#include "rt/sandbox.h"

#define FILE_BYTES_MAX ((uint64_t)16 << 30)
/* No new processes or threads: RLIMIT_NPROC counts all of a uid, so this only works as zero. */
#define PROCESSES_MAX 0

#define SANDBOX(NAME, memory, descriptors, ...)                                                    \
	static const char *const calls_##NAME[] = {__VA_ARGS__, NULL};
#include "def/sandbox.def"
#undef SANDBOX

static const char *const *
row_fill(enum ipc_role role, const struct config *config, struct rt_sandbox *row)
{
	switch (role) {
#define SANDBOX(NAME, memory, descriptors, ...)                                                    \
	case IPC_ROLE_##NAME:                                                                      \
		row->memory_bytes_max = (memory);                                                  \
		row->descriptors_max = (descriptors);                                              \
		return calls_##NAME;
#include "def/sandbox.def"
#undef SANDBOX
	default:
		(void)config;
		return NULL;
	}
}

int
boot_sandbox_enter(struct rt *rt, enum ipc_role role, const struct config *config,
		   const struct boot_dirs *dirs)
{
	struct rt_sandbox row = {.writable_dirs = dirs->fds,
				 .writable_dir_count = dirs->count,
				 .file_bytes_max = FILE_BYTES_MAX,
				 .processes_max = PROCESSES_MAX};

	row.system_calls = row_fill(role, config, &row);
	if (!row.system_calls)
		return ERR_NOT_FOUND;
	return rt_sandbox_enter(rt, &row);
}

int
boot_sandbox_forbid(struct rt *rt)
{
	static const char *const names[] = {
#define FORBIDDEN(name) name,
#include "def/forbidden.def"
#undef FORBIDDEN
		NULL};

	return rt_sandbox_forbid(rt, names);
}

int
boot_sandbox_bound(struct rt *rt, const struct boot_places *places)
{
	const struct rt_place all[] = {
#define PLACE(name, may) {places->name, (may)},
#include "def/places.def"
#undef PLACE
	};
	struct rt_place open[sizeof(all) / sizeof(all[0])];
	struct rt_bounds bounds = {.places = open, .file_bytes_max = FILE_BYTES_MAX};
	struct rt_sandbox row = {0};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (all[i].dir_fd >= 0)
			open[bounds.place_count++] = all[i];
	(void)row_fill(IPC_ROLE_SUPER, NULL, &row);
	bounds.memory_bytes_max = row.memory_bytes_max;
	bounds.descriptors_max = row.descriptors_max;
	return rt_sandbox_bound(rt, &bounds);
}

struct probe_output {
	struct rt *rt;
	const char *folder; /* that is changed; NULL: none */
	int err;
};

static void
probe_print(void *ctx, const char *name, bool refused)
{
	struct probe_output *output = ctx;
	char buf[128];
	struct builder b;

	builder_init_fixed(&b, buf, sizeof(buf));
	if (output->folder) {
		builder_str(&b, output->folder);
		builder_str(&b, "/");
	}
	builder_str(&b, name);
	builder_str(&b, refused ? " refused\n" : " allowed\n");
	if (!output->err)
		output->err = rt_write(output->rt, 1, builder_slice(&b));
}

static int
probe_run(struct rt *rt, struct arena *arena, enum ipc_role role, const char *folder)
{
	struct probe_output output = {.rt = rt};
	struct rt_sandbox_probe *probe;
	struct boot_dirs dirs = {0};
	struct config config;
	int err, folder_fd;

	err = config_defaults(arena, &config);
	if (!err)
		err = rt_open_dir(rt, RT_AT_PATH, folder, false, &folder_fd);
	if (!err)
		err = rt_open_dir(rt, folder_fd, "inside", true, &dirs.fds[0]);
	if (err)
		return err;
	dirs.count = 1;
	err = rt_sandbox_probe_create(rt, dirs.fds[0], folder_fd, &probe);
	if (!err)
		err = boot_sandbox_enter(rt, role, &config, &dirs);
	if (!err) {
		rt_sandbox_probe_run(probe, probe_print, &output);
		err = output.err;
	}
	return err;
}

static int
probe_run_super(struct rt *rt, const char *folder)
{
	static const char *const names[] = {
#define PLACE(name, may) #name,
#include "def/places.def"
#undef PLACE
		"outside"};
	enum { COUNT = sizeof(names) / sizeof(names[0]) };
	struct probe_output output = {.rt = rt};
	struct rt_sandbox_probe *probe;
	struct boot_places places;
	int fds[COUNT], folder_fd, err = rt_open_dir(rt, RT_AT_PATH, folder, false, &folder_fd);
	size_t i = 0;

	for (i = 0; !err && i < COUNT; i++)
		err = rt_open_dir(rt, folder_fd, names[i], false, &fds[i]);
	if (err)
		return err;
	i = 0;
#define PLACE(name, may) places.name = fds[i++];
#include "def/places.def"
#undef PLACE
	err = rt_sandbox_probe_create(rt, places.spool, folder_fd, &probe);
	if (!err)
		err = boot_sandbox_forbid(rt);
	if (!err)
		err = boot_sandbox_bound(rt, &places);
	if (err)
		return err;
	for (i = 0; i < COUNT; i++) {
		output.folder = names[i];
		rt_sandbox_probe_changes(fds[i], probe_print, &output);
	}
	output.folder = NULL;
	rt_sandbox_probe_run(probe, probe_print, &output);
	return output.err;
}

/* What the probe has opened goes with the process, which may be poisoned by its own tries. */
int
boot_sandbox_probe_super(const char *folder)
{
	struct rt *rt;

	return rt_create(&(struct rt_options){0}, &rt) || probe_run_super(rt, folder) ? 1 : 0;
}

int
boot_sandbox_probe(enum ipc_role role, const char *folder)
{
	struct rt_options options = {.io_threads = 1};
	struct arena arena;
	struct rt *rt;
	int err;

	if (rt_create(&options, &rt))
		return 1;
	arena_init(&arena, rt_mem(rt), CONFIG_ARENA_BYTES);
	err = probe_run(rt, &arena, role, folder);
	/* What the probe has opened goes with the process, which may be poisoned by its own tries.
	 */
	return err ? 1 : 0;
}
