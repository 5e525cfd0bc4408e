/*
 * boot: what each process does first, and the frame that it then lives in. boot_main reads the
 * start message on descriptor 3, collects what super hands over, enters the sandbox of its row in
 * def/sandbox.def, starts the process and runs the loop. A process is a struct of functions over a
 * state of its own, so that a simulator can hold all of them in one thread.
 *
 * Order: create (configuration is there) -> channel, listener, tls, dir, file in any order
 * (also later, when a neighbour was restarted or at a reload) -> start (sandboxed) -> ... -> stop
 * -> the process calls boot_stopped when it has finished what was at hand -> destroy.
 */
#ifndef BOOT_BOOT_H
#define BOOT_BOOT_H

#include "ipc/ipc.h"
#include "log/log.h"
#include "rt/rt.h"
#include "wire/conf/config.h"

/* From stop until boot_stopped: whoever takes longer is killed by super. */
#define BOOT_STOP_MS_MAX 8000u

/* A file that a configuration names: a zone, a password, a certificate chain. frank check holds to
 * the same. */
#define BOOT_FILE_BYTES_MAX ((size_t)16 << 20)

struct boot {
	struct rt *rt;
	struct log *log;
	const struct config *config; /* changes with a reload; valid until then */
	enum ipc_role role;
	unsigned instance;
	/* Set by tls and file: what came is no good, and the old one stays (the process logs it).
	 * boot tells super, which does not start then, or tells whoever asked for the reload. */
	bool refused;
};

struct boot_process {
	enum ipc_role role;
	unsigned io_threads, work_threads;
	/* Required; all others may be NULL when the process never gets such a thing. */
	int (*create)(struct boot *boot, void **ret_state);
	/* The (new) channel to a neighbour; boot owns it. control also gets the one to super. */
	void (*channel)(void *state, struct ipc_channel *channel);
	/* It is gone; a new one will come when super has restarted the neighbour. */
	void (*channel_closed)(void *state, struct ipc_channel *channel);
	void (*receive)(void *state, struct ipc_channel *from, struct ipc_message *message);
	/* It was full (ipc_full) and has room again. */
	void (*drained)(void *state, struct ipc_channel *channel);
	/* The process owns the descriptors. */
	void (*listener)(void *state, struct slice name, int fd);
	void (*dir)(void *state, struct slice name, int fd);
	/* Contents, valid during the call; boot has read and closed the files. */
	void (*tls)(void *state, struct slice name, struct slice certificate, struct slice key);
	void (*file)(void *state, struct slice name, struct slice content);
	void (*start)(void *state);
	/* boot->config has changed. */
	void (*reload)(void *state);
	void (*stop)(void *state);
	void (*destroy)(void **state);
};

/* The main of each child process; answers its exit code. argv: name, instance, wall offset in ms
 * (see rt_options). --sandbox-probe instead of an instance enters the sandbox and tries what is
 * forbidden (tests). */
int boot_main(int argc, char **argv, const struct boot_process *process);

/* The process has nothing more at hand: tells super and ends the loop. */
void boot_stopped(struct boot *boot);

#endif
