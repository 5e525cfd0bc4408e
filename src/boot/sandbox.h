/*
 * boot/sandbox: the rows of def/sandbox.def, what def/forbidden.def and def/places.def say of
 * super, and a probe of what they refuse.
 */
#ifndef BOOT_SANDBOX_H
#define BOOT_SANDBOX_H

#include "ipc/ipc.h"
#include "wire/conf/config.h"

#define BOOT_DIRS_MAX 8

struct boot_dirs {
	int fds[BOOT_DIRS_MAX];
	size_t count;
};

/* Enters the sandbox of the role. ERR_UNSUPPORTED as rt_sandbox_enter; ERR_NOT_FOUND when the role
 * has no row. config may be NULL for the config child. */
int boot_sandbox_enter(struct rt *rt, enum ipc_role role, const struct config *config,
		       const struct boot_dirs *dirs) MUST_USE;

/* For super, and for all that it starts. First thing: the calls that nobody needs. */
int boot_sandbox_forbid(struct rt *rt) MUST_USE;

/* Descriptors of what def/places.def names; -1: there is none. */
struct boot_places {
#define PLACE(name, may) int name;
#include "def/places.def"
#undef PLACE
};

/* As soon as these folders are open: nothing else on disk can be changed, and resource limits.
 * ERR_UNSUPPORTED as rt_sandbox_enter. */
int boot_sandbox_bound(struct rt *rt, const struct boot_places *places) MUST_USE;

/* `frank-NAME --sandbox-probe FOLDER`: enters the role's sandbox with FOLDER/inside as its
 * directory and prints a line "name refused" or "name allowed" for each thing tried. Answers the
 * exit code. */
int boot_sandbox_probe(enum ipc_role role, const char *folder);

/* The same for super: FOLDER/spool, FOLDER/log ... are its folders, FOLDER/outside is none. First
 * "folder/change refused" or "... allowed" for each (rt_sandbox_probe_changes), then the rest with
 * spool as what is inside. */
int boot_sandbox_probe_super(const char *folder);

#endif
