/*
 * What each role is sent at its start, as a table by role; and the channels between neighbours: two
 * roles are neighbours when def/routes.def has a row between them.
 */
#include "proc/super/super.h"

int
super_send_files(struct super_child *child, const struct super_files *files)
{
	int err = 0;

	if (child->role == IPC_ROLE_SMTPIN && files->certificate >= 0 && files->key >= 0)
		err = IPC_SEND(child->channel, BOOT_TLS, boot_tls, .name = SLICE("default"),
			       .certificate = files->certificate, .key = files->key);
	if (!err && child->role == IPC_ROLE_DNS && files->zone >= 0)
		err = IPC_SEND(child->channel, BOOT_FILE, boot_file, .name = SLICE("zone"),
			       .file = files->zone);
	if (!err && child->role == IPC_ROLE_SMTPOUT && files->smart_host_password >= 0)
		err = IPC_SEND(child->channel, BOOT_FILE, boot_file,
			       .name = SLICE("smart-host-password"),
			       .file = files->smart_host_password);
	if (!err && child->role == IPC_ROLE_SMTPOUT && files->refusal_rules >= 0)
		err = IPC_SEND(child->channel, BOOT_FILE, boot_file, .name = SLICE("refusal-rules"),
			       .file = files->refusal_rules);
	return err;
}

static int
send_sockets(struct super_child *child)
{
	struct super *super = child->super;
	int err = 0;

	for (size_t i = 0; !err && child->role == IPC_ROLE_SMTPIN && i < super->socket_count; i++)
		err = IPC_SEND(child->channel, BOOT_LISTENER, boot_listener,
			       .name = slice_str(super->sockets[i].name),
			       .socket = super->sockets[i].fd);
	return err;
}

static int
send_dir(struct super_child *child, struct slice name, int fd)
{
	return IPC_SEND(child->channel, BOOT_DIR, boot_dir, .name = name, .dir = fd);
}

static int
send_dirs(struct super_child *child)
{
	struct super *super = child->super;

	switch (child->role) {
	case IPC_ROLE_QUEUE:
		return send_dir(child, SLICE("spool"), super->spool_fd);
	case IPC_ROLE_POSTOFFICE:
		return send_dir(child, SLICE("mail"), super->mail_fd);
	case IPC_ROLE_DIRECTORY:
		return send_dir(child, SLICE("state"), super->state_fd);
	case IPC_ROLE_CONTROL:
		return send_dir(child, SLICE("run"), super->run_fd);
	default:
		return 0;
	}
}

int
super_send_start(struct super_child *child, const struct super_files *files)
{
	struct super *super = child->super;
	int err = IPC_SEND(child->channel, BOOT_START, boot_start,
			   .instance = (uint16_t)child->instance, .config = super->config.fd,
			   .log = super->log_fd);

	if (!err)
		err = send_dirs(child);
	if (!err)
		err = send_sockets(child);
	return err ? err : super_send_files(child, files);
}

int
super_send_complete(struct super_child *child)
{
	return IPC_SEND(child->channel, BOOT_COMPLETE, boot_complete, .unused = 0);
}

static int
send_channel(struct super_child *to, const struct super_child *peer, int fd)
{
	return IPC_SEND(to->channel, BOOT_CHANNEL, boot_channel, .role = (uint8_t)peer->role,
			.instance = (uint16_t)peer->instance, .channel = fd);
}

/* An error of the older one is its own matter. */
static int
wire_pair(struct super_child *child, struct super_child *other)
{
	struct super *super = child->super;
	int fds[2], err = rt_channel_pair(super->rt, fds);

	if (err)
		return err;
	err = send_channel(child, other, fds[0]);
	if (!err && send_channel(other, child, fds[1]))
		super_child_kill(other, "cannot be told of a neighbour");
	rt_close(super->rt, fds[0]);
	rt_close(super->rt, fds[1]);
	return err;
}

int
super_wire(struct super_child *child)
{
	struct super *super = child->super;
	int err = 0;

	for (size_t i = 0; !err && i < super->child_count; i++) {
		struct super_child *other = &super->children[i];

		if (other != child && other->channel && ipc_roles_speak(child->role, other->role))
			err = wire_pair(child, other);
	}
	return err;
}
