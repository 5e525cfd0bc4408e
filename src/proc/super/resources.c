/*
 * What super opens for the others: folders, listening sockets, files that hold secrets. As root a
 * folder that is new (root's) is given to the process that works in it; one that belongs to
 * somebody else is refused rather than taken over. Then super gives up changing anything else.
 */
#include "proc/super/super.h"

#include <errno.h>

#include "boot/sandbox.h"
#include "rt/net.h"

#define STDERR_FD 2

int
super_path(struct slice path, char buf[SUPER_PATH_MAX])
{
	struct builder b;

	builder_init_fixed(&b, buf, SUPER_PATH_MAX);
	builder_add(&b, path);
	builder_byte(&b, 0);
	if (b.failed || slice_index(path, 0) < path.len)
		return ERR_RANGE;
	return 0;
}

struct slice
super_folder_of(struct slice path)
{
	size_t slash = slice_rindex(path, '/');

	return slash == path.len ? SLICE(".") : slash == 0 ? SLICE("/") : slice_sub(path, 0, slash);
}

int
super_log_open(struct super *super, struct slice path, int *ret_fd)
{
	char buf[SUPER_PATH_MAX];
	int err;

	if (path.len == 0) {
		*ret_fd = STDERR_FD;
		return 0;
	}
	err = super_path(path, buf);
	return err ? err
		   : rt_open(super->rt, RT_AT_PATH, buf,
			     RT_OPEN_WRITE | RT_OPEN_APPEND | RT_OPEN_CREATE, ret_fd);
}

/* A new folder is durable with the name that its parent has for it. */
static int
dir_make(struct super *super, const char *path, int *ret_fd)
{
	struct slice rest = slice_str(path), parent;
	char buf[SUPER_PATH_MAX];
	int fd, err = rt_open_dir(super->rt, RT_AT_PATH, path, true, ret_fd);

	if (err)
		return err;
	while (rest.len > 1 && rest.data[rest.len - 1] == '/')
		rest.len--;
	parent = slice_sub(rest, 0, slice_rindex(rest, '/') + 1);
	err = super_path(slice_index(rest, '/') < rest.len ? parent : SLICE("."), buf);
	if (!err)
		err = rt_open_dir(super->rt, RT_AT_PATH, buf, false, &fd);
	if (!err) {
		err = rt_sync_dir(super->rt, fd);
		rt_close(super->rt, fd);
	}
	if (err)
		rt_close(super->rt, *ret_fd);
	return err;
}

static int
dir_open(struct super *super, struct slice path, enum ipc_role owner, int *ret_fd)
{
	struct super_child *child = super_child_find(super, owner, 0);
	char buf[SUPER_PATH_MAX];
	struct rt_stat stat;
	int fd = -1, err = super_path(path, buf);

	if (!err)
		err = rt_open_dir(super->rt, RT_AT_PATH, buf, false, &fd);
	if (err == -ENOENT)
		err = dir_make(super, buf, &fd);
	if (!err)
		err = rt_stat_fd(super->rt, fd, &stat);
	if (!err && rt_uid(super->rt) == 0 && stat.uid != child->uid)
		err = stat.uid == 0 ? rt_own(super->rt, fd, child->uid, child->gid) : ERR_DENIED;
	if (err) {
		rt_close(super->rt, fd);
		super_fail(super, SUPER_EXIT_IO, "folder", path, err);
		return err;
	}
	*ret_fd = fd;
	return 0;
}

int
super_dirs_open(struct super *super)
{
	const struct config *config = &super->config.values;
	int err = dir_open(super, config->run, IPC_ROLE_CONTROL, &super->run_fd);

	if (!err)
		err = dir_open(super, config->spool, IPC_ROLE_QUEUE, &super->spool_fd);
	if (!err)
		err = dir_open(super, config->mail, IPC_ROLE_POSTOFFICE, &super->mail_fd);
	if (!err)
		err = dir_open(super, config->state, IPC_ROLE_DIRECTORY, &super->state_fd);
	return err;
}

/* None, -1, when there is no log file; nor for one like /dev/stdout, which nobody rotates: disks
 * lie beside it. */
static int
log_dir_open(struct super *super, int *ret_fd)
{
	struct slice path = super->config.values.log, folder = super_folder_of(path);
	char buf[SUPER_PATH_MAX];
	int err;

	*ret_fd = -1;
	if (path.len == 0 || slice_eq(folder, SLICE("/dev")))
		return 0;
	err = super_path(folder, buf);
	return err ? err : rt_open_dir(super->rt, RT_AT_PATH, buf, false, ret_fd);
}

int
super_bound(struct super *super)
{
	struct boot_places places = {.spool = super->spool_fd,
				     .mail = super->mail_fd,
				     .state = super->state_fd,
				     .run = super->run_fd};
	struct log_line line;
	int err = log_dir_open(super, &places.log);

	if (err) {
		super_fail(super, SUPER_EXIT_IO, "folder of the log", super->config.values.log,
			   err);
		return err;
	}
	err = boot_sandbox_bound(super->rt, &places);
	rt_close(super->rt, places.log);
	if (!err)
		err = super->forbid_err;
	if (!err)
		return 0;
	if (super->config.values.sandbox == CONFIG_SANDBOX_REQUIRED) {
		super_fail(super, SUPER_EXIT_OS, "sandbox", SLICE("super"), err);
		return err;
	}
	log_begin(&line, super->log, EVENT_super_unlimited);
	log_err(&line, err);
	log_end(&line);
	return 0;
}

/* ret_text: the address, for the log. */
static int
socket_open(struct super *super, const struct config_listener *listener,
	    const struct net_addr *addr, struct builder *ret_text)
{
	struct super_socket *socket = &super->sockets[super->socket_count];
	int err = super->socket_count < SUPER_SOCKETS_MAX ? rt_listen(super->rt, addr, &socket->fd)
							  : ERR_LIMIT;

	builder_clear(ret_text);
	net_addr_format_port(ret_text, addr);
	if (err)
		return err;
	for (size_t i = 0; i < listener->name.len && i < CONFIG_NAME_MAX; i++)
		socket->name[i] = (char)listener->name.data[i];
	super->socket_count++;
	return 0;
}

static void
sockets_close(struct super *super)
{
	for (size_t i = 0; i < super->socket_count; i++)
		rt_close(super->rt, super->sockets[i].fd);
	super->socket_count = 0;
}

static int
sockets_open(struct super *super, struct builder *ret_text)
{
	const struct config *config = &super->config.values;
	int err = 0;

	for (size_t i = 0; i < config->listener_count; i++) {
		const struct config_listener *listener = &config->listeners[i];

		for (size_t j = 0; !err && j < listener->address.count; j++)
			err = socket_open(super, listener, &listener->address.items[j], ret_text);
	}
	if (err)
		sockets_close(super);
	return err;
}

/* The folder itself is locked, for as long as super or a child that was given it lives; the names
 * inside are queue's. */
int
super_claim(struct super *super, bool last)
{
	char buf[NET_ADDR_TEXT_MAX];
	struct builder text;
	int err = rt_lock(super->rt, super->spool_fd);

	if (err == ERR_EXISTS && last)
		super_fail(super, SUPER_EXIT_TEMPORARY, "another Frank has this spool",
			   super->config.values.spool, err);
	else if (err && err != ERR_EXISTS)
		super_fail(super, SUPER_EXIT_IO, "spool lock", super->config.values.spool, err);
	if (err)
		return err == ERR_EXISTS && !last ? ERR_AGAIN : err;
	builder_init_fixed(&text, buf, sizeof(buf));
	err = sockets_open(super, &text);
	if (err == -EADDRINUSE && !last)
		return ERR_AGAIN;
	if (err)
		super_fail(super, SUPER_EXIT_OS, "listen", builder_slice(&text), err);
	return err;
}

void
super_resources_close(struct super *super)
{
	sockets_close(super);
	rt_close(super->rt, super->spool_fd);
	rt_close(super->rt, super->mail_fd);
	rt_close(super->rt, super->state_fd);
	rt_close(super->rt, super->run_fd);
	rt_close(super->rt, super->programs_fd);
	if (super->log_fd != STDERR_FD)
		rt_close(super->rt, super->log_fd);
}

static int
file_open(struct super *super, struct slice path, int *ret_fd)
{
	char buf[SUPER_PATH_MAX];
	struct log_line line;
	int err;

	if (path.len == 0)
		return 0;
	err = super_path(path, buf);
	if (!err)
		err = rt_open(super->rt, RT_AT_PATH, buf, RT_OPEN_READ, ret_fd);
	if (err) {
		log_begin(&line, super->log, EVENT_file_unreadable);
		log_text(&line, "path", path);
		log_err(&line, err);
		log_end(&line);
	}
	return err;
}

static const struct super_files files_none = {-1, -1, -1, -1, -1};

int
super_files_open(struct super *super, const struct config *config, struct super_files *ret_files,
		 struct slice *ret_bad)
{
	struct super_files files = files_none;
	struct slice zone =
		super->options.zone_path ? slice_str(super->options.zone_path) : config->zone_file;
	const struct {
		struct slice path;
		int *fd;
	} rows[] = {
		{config->tls_certificate, &files.certificate},
		{config->tls_key, &files.key},
		{zone, &files.zone},
		{config->smart_host_password_file, &files.smart_host_password},
		{config->refusal_rules, &files.refusal_rules},
	};
	int err = 0;

	for (size_t i = 0; !err && i < sizeof(rows) / sizeof(rows[0]); i++) {
		err = file_open(super, rows[i].path, rows[i].fd);
		if (err && ret_bad)
			*ret_bad = rows[i].path;
	}
	if (err)
		super_files_close(super, &files);
	else
		*ret_files = files;
	return err;
}

void
super_files_close(struct super *super, struct super_files *files)
{
	rt_close(super->rt, files->certificate);
	rt_close(super->rt, files->key);
	rt_close(super->rt, files->zone);
	rt_close(super->rt, files->smart_host_password);
	rt_close(super->rt, files->refusal_rules);
	*files = files_none;
}
