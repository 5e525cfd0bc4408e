/*
 * boot/sandbox: the rows of def/sandbox.def, and a probe of what they refuse.
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

/* `frank-NAME --sandbox-probe FOLDER`: enters the role's sandbox with FOLDER/inside as its
 * directory and prints a line "name refused" or "name allowed" for each thing tried. Answers the
 * exit code. */
int boot_sandbox_probe(enum ipc_role role, const char *folder);

#endif
