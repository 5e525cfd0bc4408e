/*
 * What children say: ready, stopped, a neighbour that broke the rules; and the commands that
 * control passes on: reload, stop, status.
 */
#include "base/assert.h"
#include "proc/super/super.h"

#define MS_PER_S 1000

void
super_command_done(struct super *super, uint32_t request, int exit_code, struct slice text)
{
	struct super_child *control = super_child_find(super, IPC_ROLE_CONTROL, 0);

	if (control && control->channel &&
	    IPC_SEND(control->channel, CTL_DONE, ctl_done, .request = request,
		     .exit = (uint8_t)exit_code, .text = text))
		super_child_kill(control, "does not take answers");
}

/* A child has a say only about a file of its own. */
static bool
has_file(const struct super_child *child)
{
	const struct config *config = &child->super->config.values;

	switch (child->role) {
	case IPC_ROLE_SMTPIN:
		return config->tls_certificate.len > 0;
	case IPC_ROLE_SMTPOUT:
		return config->smart_host_password_file.len > 0;
	case IPC_ROLE_DNS:
		return config->zone_file.len > 0;
	default:
		return false;
	}
}

static void
take_ready(struct super_child *child, const struct ipc_message *message)
{
	struct super *super = child->super;
	struct log_line line;

	/* It is said once, before anybody outside has been heard: what comes later would let one
	 * that was taken over end all. */
	if (child->ready)
		return;
	/* When all serve, a restarted child shall rather do without than the mail stop. */
	if (message->u.boot_ready.refused && !super->all_ready && has_file(child)) {
		super_fail(super, SUPER_EXIT_CONFIG,
			   "a process cannot use a file that it was given",
			   slice_str(ipc_role_str(child->role)), 0);
		return;
	}
	child->ready = true;
	for (size_t i = 0; i < super->child_count; i++)
		if (!super->children[i].ready)
			return;
	if (super->all_ready)
		return;
	super->all_ready = true;
	log_set_echo(super->log, -1);
	log_begin(&line, super->log, EVENT_ready);
	log_number(&line, "pid", rt_pid(super->rt));
	log_number(&line, "processes", (int64_t)super->child_count);
	log_end(&line);
}

/* Believed only of a neighbour: nobody else could know; and only when it is trusted no less, for
 * otherwise whoever takes over smtpin could keep queue from running. The channel is gone either
 * way, so that one of the two has to start again: then it is the one that accuses. */
static void
take_broken(struct super_child *child, const struct ipc_message *message)
{
	const struct ipc_boot_broken *broken = &message->u.boot_broken;
	struct super_child *bad = super_child_find(child->super, broken->role, broken->instance);

	if (!bad || bad == child || !ipc_roles_speak(child->role, bad->role))
		return;
	if (ipc_role_trust(child->role) < ipc_role_trust(bad->role))
		super_child_kill(child, "says that a more trusted one broke the rules");
	else
		super_child_kill(bad, "broke the rules of its channel");
}

/* It ends by itself now. */
static void
take_stopped(struct super_child *child, const struct ipc_message *message)
{
	(void)child;
	(void)message;
}

static void
take_reload(struct super_child *child, const struct ipc_message *message)
{
	super_config_ask_by(child->super, message->u.ctl_reload.request);
}

static void
take_reloaded(struct super_child *child, const struct ipc_message *message)
{
	if (!child->reloads)
		return;
	child->reloads--;
	super_config_told(child, message->u.boot_reloaded.refused);
}

static void
take_stop(struct super_child *child, const struct ipc_message *message)
{
	super_command_done(child->super, message->u.ctl_stop.request, SUPER_EXIT_OK,
			   SLICE("stopping"));
	super_stop(child->super);
}

static int
counter_send(struct super_child *control, uint32_t request, const struct super_child *about,
	     const char *what, int64_t value)
{
	char buf[64];
	struct builder name;

	builder_init_fixed(&name, buf, sizeof(buf));
	builder_str(&name, ipc_role_str(about->role));
	builder_str(&name, "-");
	builder_dec(&name, about->instance);
	builder_str(&name, ".");
	builder_str(&name, what);
	ASSERT(!name.failed);
	return IPC_SEND(control->channel, CTL_COUNTER, ctl_counter, .request = request,
			.name = builder_slice(&name), .value = value);
}

static void
take_status(struct super_child *control, const struct ipc_message *message)
{
	struct super *super = control->super;
	uint32_t request = message->u.ctl_status.request;
	uint64_t now_ms = rt_now_ms(super->rt);
	int err = 0;

	for (size_t i = 0; !err && i < super->child_count; i++) {
		struct super_child *child = &super->children[i];
		uint64_t ran_ms = child->pid ? now_ms - child->started_ms : 0;

		err = counter_send(control, request, child, "pid", child->pid);
		if (!err)
			err = counter_send(control, request, child, "ready", child->ready);
		if (!err)
			err = counter_send(control, request, child, "restarts",
					   (int64_t)child->restarts);
		if (!err)
			err = counter_send(control, request, child, "seconds",
					   (int64_t)(ran_ms / MS_PER_S));
	}
	if (err)
		super_child_kill(control, "does not take answers");
	else
		super_command_done(super, request, SUPER_EXIT_OK, SLICE_EMPTY);
}

static const struct {
	enum ipc_type type;
	void (*take)(struct super_child *child, const struct ipc_message *message);
} handlers[] = {
	{IPC_BOOT_READY, take_ready},	    {IPC_BOOT_BROKEN, take_broken},
	{IPC_BOOT_STOPPED, take_stopped},   {IPC_CTL_RELOAD, take_reload},
	{IPC_CTL_STOP, take_stop},	    {IPC_CTL_STATUS, take_status},
	{IPC_BOOT_RELOADED, take_reloaded},
};

void
super_receive(void *ctx, struct ipc_channel *from, struct ipc_message *message)
{
	struct super_child *child = ctx;

	ASSERT(from == child->channel);
	log_recent_message(child->super->log, ipc_role_str(child->role),
			   ipc_type_str(message->type));
	for (size_t i = 0; i < sizeof(handlers) / sizeof(handlers[0]); i++)
		if (handlers[i].type == message->type)
			handlers[i].take(child, message);
}
