/*
 * A child for the tests of super: it plays the role that its name says (frank-smtpin, ...), by the
 * frame that all children live in, and logs what happens to it as event test_child. After a reload
 * smtpout cheats its neighbours when the host name begins with "cheat.", and says that each
 * neighbour cheated when it begins with "accuse.". With "ask." control wants a reload at its start.
 * With "refuse-ROLE." that one says at its start that it cannot use a file; with "again." smtpin
 * says so once more, while postoffice takes its time.
 */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "boot/boot.h"
#include "rt/file.h"

#define SUPER_FD 3
#define CHEAT_FD_FIRST 4
#define CHEAT_FD_END 64
#define SLOW_US 500000

struct test_child {
	struct boot *boot;
	size_t channels;
	struct ipc_channel *super; /* of control */
	struct rt_timer again;
};

static void
note(struct test_child *child, const char *what, struct slice name, int64_t number)
{
	struct log_line line;

	log_begin(&line, child->boot->log, EVENT_test_child);
	log_text(&line, "what", slice_str(what));
	log_text(&line, "name", name);
	log_number(&line, "number", number);
	log_end(&line);
}

/* As one that was taken over could: a message to super that no event of its own is behind. */
static int
super_tell(struct test_child *child, const struct ipc_message *message)
{
	uint8_t body_buf[16], packet_buf[32];
	struct builder body, packet;
	int err;

	builder_init_fixed(&body, body_buf, sizeof(body_buf));
	err = ipc_encode(&body, message);
	builder_init_fixed(&packet, packet_buf, sizeof(packet_buf));
	builder_u16(&packet, (uint16_t)message->type);
	builder_u16(&packet, 0);
	builder_u32(&packet, (uint32_t)body.len);
	builder_add(&packet, builder_slice(&body));
	return err ? err : rt_write(child->boot->rt, SUPER_FD, builder_slice(&packet));
}

static void
on_again(void *ctx)
{
	struct ipc_message message = {.type = IPC_BOOT_READY, .u.boot_ready = {.refused = true}};

	note(ctx, "again", SLICE_EMPTY, super_tell(ctx, &message));
}

static int
child_create(struct boot *boot, void **ret_state)
{
	struct test_child *child = MEM_NEW(rt_mem(boot->rt), struct test_child);

	if (!child)
		return ERR_NO_MEMORY;
	child->boot = boot;
	rt_timer_init(&child->again, boot->rt, on_again, child);
	if (boot->role == IPC_ROLE_POSTOFFICE &&
	    slice_starts(boot->config->hostname, SLICE("again.")))
		(void)usleep(SLOW_US);
	*ret_state = child;
	return 0;
}

static void
child_channel(void *state, struct ipc_channel *channel)
{
	struct test_child *child = state;
	struct ipc_ends ends = ipc_channel_ends(channel);

	if (ends.peer == IPC_ROLE_SUPER)
		child->super = channel;
	child->channels++;
	note(child, "channel", slice_str(ipc_role_str(ends.peer)), ends.peer_instance);
}

static void
child_channel_closed(void *state, struct ipc_channel *channel)
{
	struct test_child *child = state;

	child->channels--;
	note(child, "closed", slice_str(ipc_role_str(ipc_channel_ends(channel).peer)),
	     ipc_channel_ends(channel).peer_instance);
}

static void
child_fd(void *state, struct slice name, int fd)
{
	struct test_child *child = state;

	note(child, "descriptor", name, fd);
	rt_close(child->boot->rt, fd);
}

static void
child_tls(void *state, struct slice name, struct slice certificate, struct slice key)
{
	note(state, "tls", name, (int64_t)(certificate.len + key.len));
}

static void
child_file(void *state, struct slice name, struct slice content)
{
	note(state, "file", name, (int64_t)content.len);
}

static void
child_start(void *state)
{
	struct test_child *child = state;

	struct slice hostname = child->boot->config->hostname;
	struct slice rest = hostname;

	note(child, "start", hostname, (int64_t)child->channels);
	if (slice_eq(slice_cut(&rest, '-'), SLICE("refuse")))
		child->boot->refused =
			slice_eq(slice_cut(&rest, '.'), slice_str(ipc_role_str(child->boot->role)));
	if (child->boot->role == IPC_ROLE_SMTPIN && slice_starts(hostname, SLICE("again.")))
		rt_timer_arm(&child->again, 50);
	if (child->super && slice_starts(child->boot->config->hostname, SLICE("ask.")))
		note(child, "ask", SLICE_EMPTY,
		     IPC_SEND(child->super, CTL_RELOAD, ctl_reload, .request = 1));
}

static void
child_receive(void *state, struct ipc_channel *from, struct ipc_message *message)
{
	(void)from;
	if (message->type == IPC_CTL_DONE)
		note(state, "answer", message->u.ctl_done.text, message->u.ctl_done.exit);
}

/* Bytes that are no message, into every channel but super's. */
static void
cheat(struct test_child *child)
{
	for (int fd = CHEAT_FD_FIRST; fd < CHEAT_FD_END; fd++) {
		int type = 0;
		socklen_t len = sizeof(type);

		if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_SEQPACKET)
			note(child, "cheat", SLICE_EMPTY,
			     rt_write(child->boot->rt, fd, SLICE("no message")));
	}
}

static void
accuse(struct test_child *child)
{
	for (unsigned role = 0; role < IPC_ROLE_MAX; role++) {
		struct ipc_message message = {.type = IPC_BOOT_BROKEN,
					      .u.boot_broken = {.role = (uint8_t)role}};

		note(child, "accuse", slice_str(ipc_role_str(role)), super_tell(child, &message));
	}
}

static void
child_reload(void *state)
{
	struct test_child *child = state;
	struct slice hostname = child->boot->config->hostname;

	if (child->boot->role == IPC_ROLE_SMTPOUT && slice_starts(hostname, SLICE("cheat.")))
		cheat(child);
	if (child->boot->role == IPC_ROLE_SMTPOUT && slice_starts(hostname, SLICE("accuse.")))
		accuse(child);
	note(child, "reload", child->boot->config->hostname, 0);
}

static void
child_stop(void *state)
{
	struct test_child *child = state;

	note(child, "stop", SLICE_EMPTY, 0);
	boot_stopped(child->boot);
}

static void
child_destroy(void **state)
{
	struct test_child *child = *state;

	rt_timer_finish(&child->again);
	mem_give(rt_mem(child->boot->rt), child, sizeof(*child));
	*state = NULL;
}

int
main(int argc, char **argv)
{
	struct boot_process process = {
		.create = child_create,
		.channel = child_channel,
		.channel_closed = child_channel_closed,
		.receive = child_receive,
		.listener = child_fd,
		.dir = child_fd,
		.tls = child_tls,
		.file = child_file,
		.start = child_start,
		.reload = child_reload,
		.stop = child_stop,
		.destroy = child_destroy,
	};
	const char *dash = strrchr(argv[0], '-');

	for (unsigned role = 0; dash && role < IPC_ROLE_MAX; role++)
		if (!strcmp(dash + 1, ipc_role_str(role)))
			process.role = (enum ipc_role)role;
	return boot_main(argc, argv, &process);
}
