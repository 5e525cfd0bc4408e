/*
 * smtpin: the process around the sessions: what super, queue and directory send, listeners,
 * reload and stop.
 */
#include "proc/smtpin/smtpin.h"

#include "base/assert.h"
#include "boot/status.h"
#include "proc/smtpin/session.h"

/* While stopping, how often to look whether all is done; and how long at most. */
#define STOP_POLL_MS 50u
#define STOP_MAX_MS (BOOT_STOP_MS_MAX - 2000u)

static struct spool_writer_options
writer_options(const struct config *config)
{
	return (struct spool_writer_options){
		.node = (unsigned)config->node,
		.commit_gap_ms = config->commit_gap,
		.body_memory_max = config->body_memory_max,
		.body_memory_total_max = config->body_memory_total_max,
		.segment_size_max = config->segment_size_max,
	};
}

static void
sweep(void *ctx)
{
	struct smtpin *in = ctx;

	networks_sweep(in);
	rt_timer_arm(&in->sweep, SMTPIN_SWEEP_MS);
}

static void stop_look(void *ctx);

static int
smtpin_create(struct boot *boot, void **ret_state)
{
	struct spool_writer_options options = writer_options(boot->config);
	struct smtpin *in = MEM_NEW(rt_mem(boot->rt), struct smtpin);
	uint64_t keys[4];
	int err;

	if (!in)
		return ERR_NO_MEMORY;
	err = spool_writer_create(boot->rt, &options, &in->writer);
	if (err) {
		mem_give(rt_mem(boot->rt), in, sizeof(*in));
		return err;
	}
	in->boot = boot;
	in->started_wall_ms = (uint64_t)rt_wall_ms(boot->rt);
	list_init(&in->sessions);
	list_init(&in->listeners);
	list_init(&in->networks);
	rt_random(boot->rt, keys, sizeof(keys));
	map_init(&in->requests, rt_mem(boot->rt), keys);
	map_init(&in->network_map, rt_mem(boot->rt), keys + 2);
	rt_timer_init(&in->sweep, boot->rt, sweep, in);
	rt_timer_init(&in->stop_poll, boot->rt, stop_look, in);
	rt_timer_arm(&in->sweep, SMTPIN_SWEEP_MS);
	*ret_state = in;
	return 0;
}

static void
smtpin_channel(void *state, struct ipc_channel *channel)
{
	struct smtpin *in = state;

	switch (ipc_channel_ends(channel).peer) {
	case IPC_ROLE_QUEUE:
		spool_writer_set_queue(in->writer, channel);
		break;
	case IPC_ROLE_DIRECTORY:
		in->directory = channel;
		break;
	default:
		break; /* control only asks */
	}
}

/* Whoever waits for the directory gets a 4xx; asking again is the client's matter. */
static void
directory_lost(struct smtpin *in)
{
	struct list_node *node, *next;

	in->directory = NULL;
	for (node = list_first(&in->sessions); node; node = next) {
		struct session *session = CONTAINER_OF(node, struct session, node);

		next = list_next(&in->sessions, node);
		if (session->question != QUESTION_NONE && smtp_server_is_waiting(&session->smtp))
			session_ask_failed(session);
		else if (session->question == QUESTION_AUTH)
			session_ask_end(session);
	}
}

static void
smtpin_channel_closed(void *state, struct ipc_channel *channel)
{
	struct smtpin *in = state;

	if (ipc_channel_ends(channel).peer == IPC_ROLE_QUEUE)
		spool_writer_set_queue(in->writer, NULL);
	if (channel == in->directory)
		directory_lost(in);
}

static void
send_counter(struct ipc_channel *to, uint32_t request, struct slice name, uint64_t value)
{
	if (IPC_SEND(to, CTL_COUNTER, ctl_counter, .request = request, .name = name,
		     .value = (int64_t)value)) {
		/* A full channel: the caller's time runs out, nothing else is lost. */
	}
}

static void
status(struct smtpin *in, struct ipc_channel *to, uint32_t request)
{
	struct spool_writer_counters writer = spool_writer_counters(in->writer);
	const struct {
		struct slice name;
		uint64_t value;
	} rows[] = {
		{SLICE("smtpin.sessions"), in->session_count},
		{SLICE("smtpin.connections"), in->counters.connections},
		{SLICE("smtpin.refused_connections"), in->counters.refused_connections},
		{SLICE("smtpin.messages"), in->counters.messages},
		{SLICE("smtpin.refused_recipients"), in->counters.refused_recipients},
		{SLICE("smtpin.logins"), in->counters.logins},
		{SLICE("smtpin.failed_logins"), in->counters.failed_logins},
		{SLICE("smtpin.bytes"), in->counters.bytes},
		{SLICE("smtpin.commits"), writer.commits},
		{SLICE("smtpin.sync_us"), writer.sync_us},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		send_counter(to, request, rows[i].name, rows[i].value);
	if (boot_status_histogram(to, request, "smtpin.commit_messages", &writer.commit_messages) ||
	    boot_status_histogram(to, request, "smtpin.commit_us", &writer.commit_us)) {
		/* As above. */
	}
	if (IPC_SEND(to, CTL_DONE, ctl_done, .request = request,
		     .count = sizeof(rows) / sizeof(rows[0]))) {
		/* As above. */
	}
}

static void
smtpin_receive(void *state, struct ipc_channel *from, struct ipc_message *message)
{
	struct smtpin *in = state;

	if (message->type == IPC_CTL_STATUS)
		status(in, from, message->u.ctl_status.request);
	else if (!spool_writer_receive(in->writer, message))
		(void)session_receive(in, message);
}

static const struct config_listener *
find_listener(const struct config *config, struct slice name)
{
	for (size_t i = 0; i < config->listener_count; i++)
		if (slice_eq(config->listeners[i].name, name))
			return &config->listeners[i];
	return NULL;
}

static void
accepted(void *ctx, struct rt_stream *stream, int err)
{
	struct listener *listener = ctx;
	struct log_line line;

	if (stream) {
		session_open(listener, stream);
		return;
	}
	log_begin(&line, listener->in->boot->log, EVENT_smtpin_accept_failed);
	log_err(&line, err);
	log_end(&line);
}

static void
listener_destroy(struct listener *listener)
{
	rt_listener_destroy(&listener->rt);
	service_unref(&listener->service);
	list_remove(&listener->node);
	mem_give(rt_mem(listener->in->boot->rt), listener, sizeof(*listener));
}

static void
smtpin_listener(void *state, struct slice name, int fd)
{
	struct smtpin *in = state;
	struct mem *mem = rt_mem(in->boot->rt);
	const struct config_listener *config = find_listener(in->boot->config, name);
	struct listener *listener = config ? MEM_NEW(mem, struct listener) : NULL;

	if (!listener) {
		rt_close(in->boot->rt, fd);
		if (config)
			rt_stop(in->boot->rt);
		return;
	}
	listener->in = in;
	list_push_back(&in->listeners, &listener->node);
	listener->service = service_create(mem, in->boot->config, config, in->tls != NULL);
	if (listener->service &&
	    rt_listener_create(in->boot->rt, fd, accepted, listener, &listener->rt) == 0)
		return;
	/* Better to start again than to leave a port that nobody answers. */
	rt_close(in->boot->rt, fd);
	listener_destroy(listener);
	rt_stop(in->boot->rt);
}

/* After a reload, or when TLS came or went: what new sessions get. */
static void
renew_services(struct smtpin *in)
{
	for (struct list_node *node = list_first(&in->listeners); node;
	     node = list_next(&in->listeners, node)) {
		struct listener *listener = CONTAINER_OF(node, struct listener, node);
		const struct config_listener *config =
			find_listener(in->boot->config, service_name(listener->service));
		struct service *service =
			config ? service_create(rt_mem(in->boot->rt), in->boot->config, config,
						in->tls != NULL)
			       : NULL;

		if (!service)
			continue;
		service_unref(&listener->service);
		listener->service = service;
	}
}

static void
smtpin_tls(void *state, struct slice name, struct slice certificate, struct slice key)
{
	struct smtpin *in = state;
	struct tls_context *context;
	struct tls_why why;
	struct log_line line;
	int err;

	(void)name;
	err = tls_context_server_create(rt_mem(in->boot->rt), certificate, key, &why, &context);
	if (err) {
		log_begin(&line, in->boot->log, EVENT_smtpin_certificate);
		log_err(&line, err);
		log_text(&line, "why", slice_str(err == ERR_SYNTAX ? why.text : ""));
		log_end(&line);
		in->boot->refused = true;
		return; /* the old one stays */
	}
	tls_context_unref(&in->tls);
	in->tls = context;
	renew_services(in);
}

static void
smtpin_reload(void *state)
{
	struct smtpin *in = state;
	struct spool_writer_options options = writer_options(in->boot->config);

	spool_writer_set_options(in->writer, &options);
	/* A new one came before this; sessions keep what they began with. */
	if (in->boot->config->tls_certificate.len == 0)
		tls_context_unref(&in->tls);
	renew_services(in);
}

/* All sessions said goodbye and nothing is being written. */
static void
stop_look(void *ctx)
{
	struct smtpin *in = ctx;
	bool late = rt_now_ms(in->boot->rt) >= in->stop_ms;
	struct list_node *node, *next;

	for (node = list_first(&in->sessions); late && node; node = next) {
		next = list_next(&in->sessions, node);
		session_abort(CONTAINER_OF(node, struct session, node));
	}
	if (list_empty(&in->sessions) && spool_writer_idle(in->writer)) {
		boot_stopped(in->boot);
		return;
	}
	rt_timer_arm(&in->stop_poll, STOP_POLL_MS);
}

static void
smtpin_stop(void *state)
{
	struct smtpin *in = state;
	struct list_node *node, *next;

	if (in->stopping)
		return;
	in->stopping = true;
	in->stop_ms = rt_now_ms(in->boot->rt) + STOP_MAX_MS;
	while ((node = list_first(&in->listeners)))
		listener_destroy(CONTAINER_OF(node, struct listener, node));
	for (node = list_first(&in->sessions); node; node = next) {
		next = list_next(&in->sessions, node);
		session_stop(CONTAINER_OF(node, struct session, node));
	}
	rt_timer_arm(&in->stop_poll, 0);
}

static void
smtpin_destroy(void **state)
{
	struct smtpin *in = *state;
	struct rt *rt = in->boot->rt;
	struct list_node *node;

	*state = NULL;
	while ((node = list_first(&in->listeners)))
		listener_destroy(CONTAINER_OF(node, struct listener, node));
	while ((node = list_first(&in->sessions))) {
		struct session *session = CONTAINER_OF(node, struct session, node);

		session->committing = false;
		if (session->phase == SESSION_GONE)
			session_free(session);
		else
			session_abort(session);
	}
	spool_writer_destroy(&in->writer);
	networks_finish(in);
	map_finish(&in->requests);
	rt_timer_finish(&in->sweep);
	rt_timer_finish(&in->stop_poll);
	tls_context_unref(&in->tls);
	mem_give(rt_mem(rt), in, sizeof(*in));
}

const struct boot_process smtpin_process = {
	.role = IPC_ROLE_SMTPIN,
	.io_threads = 1,
	.create = smtpin_create,
	.channel = smtpin_channel,
	.channel_closed = smtpin_channel_closed,
	.receive = smtpin_receive,
	.listener = smtpin_listener,
	.tls = smtpin_tls,
	.reload = smtpin_reload,
	.stop = smtpin_stop,
	.destroy = smtpin_destroy,
};
