/*
 * The frame: channels and messages, what waits too long, status and stop.
 */
#include "proc/bounce/bounce.h"

#include "base/assert.h"
#include "proc/bounce/report.h"

#define SWEEP_MS 1000

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

void
bounce_look(struct bounce *bounce)
{
	if (!bounce->stopping || bounce->stopped || bounce->report_count || !bounce->writer ||
	    !spool_writer_idle(bounce->writer))
		return;
	bounce->stopped = true;
	boot_stopped(bounce->boot);
}

/* Ends what is not being committed and fits: all, or what has waited too long. */
static void
reports_end(struct bounce *bounce, bool all)
{
	struct list_node *node = list_first(&bounce->in_order), *next;
	uint64_t now_ms = rt_now_ms(bounce->rt);

	for (; node; node = next) {
		struct report *report = CONTAINER_OF(node, struct report, order_node);

		next = list_next(&bounce->in_order, node);
		if (report->state != REPORT_COMMITTING && (all || now_ms >= report->due_ms))
			report_end(report, REPORT_OUTCOME_LATER);
	}
}

static void
on_sweep(void *ctx)
{
	struct bounce *bounce = ctx;

	reports_end(bounce, false);
	bounce_look(bounce);
	rt_timer_arm(&bounce->sweep, SWEEP_MS);
}

static int
bounce_create(struct boot *boot, void **ret_state)
{
	struct spool_writer_options options = writer_options(boot->config);
	struct bounce *bounce = MEM_NEW(rt_mem(boot->rt), struct bounce);
	uint64_t key[2];
	int err;

	if (!bounce)
		return ERR_NO_MEMORY;
	err = spool_writer_create(boot->rt, &options, &bounce->writer);
	if (err)
		goto out;
	err = spool_reader_create(boot->rt, &bounce->reader);
	if (err) {
		spool_writer_destroy(&bounce->writer);
		goto out;
	}
	bounce->boot = boot;
	bounce->rt = boot->rt;
	rt_random(boot->rt, key, sizeof(key));
	map_init(&bounce->reports, rt_mem(boot->rt), key);
	list_init(&bounce->in_order);
	rt_timer_init(&bounce->sweep, boot->rt, on_sweep, bounce);
	rt_timer_arm(&bounce->sweep, SWEEP_MS);
	*ret_state = bounce;
	return 0;
out:
	mem_give(rt_mem(boot->rt), bounce, sizeof(*bounce));
	return err;
}

static void
bounce_channel(void *state, struct ipc_channel *channel)
{
	struct bounce *bounce = state;

	if (ipc_channel_ends(channel).peer == IPC_ROLE_QUEUE) {
		bounce->queue = channel;
		spool_writer_set_queue(bounce->writer, channel);
	} else if (ipc_channel_ends(channel).peer == IPC_ROLE_DIRECTORY) {
		bounce->directory = channel;
	}
}

/* Queue's orders die with it, but what is being written: that a new queue finds by its key, or
 * asks for and is told about. */
static void
queue_lost(struct bounce *bounce)
{
	struct list_node *node = list_first(&bounce->in_order);

	bounce->queue = NULL;
	spool_writer_set_queue(bounce->writer, NULL);
	for (; node; node = list_next(&bounce->in_order, node))
		CONTAINER_OF(node, struct report, order_node)->orphan = true;
	reports_end(bounce, true);
	spool_reader_reset(bounce->reader);
}

static void
bounce_channel_closed(void *state, struct ipc_channel *channel)
{
	struct bounce *bounce = state;

	if (channel == bounce->queue) {
		queue_lost(bounce);
	} else if (channel == bounce->directory) {
		struct list_node *node = list_first(&bounce->in_order), *next;

		bounce->directory = NULL;
		for (; node; node = next) {
			struct report *report = CONTAINER_OF(node, struct report, order_node);

			next = list_next(&bounce->in_order, node);
			if (report->state == REPORT_ASKING)
				report_end(report, REPORT_OUTCOME_LATER);
		}
	}
}

static void
order_take(struct bounce *bounce, const struct ipc_report_make *make)
{
	struct report *report = bounce_report_find(bounce, make->key);

	if (report && report->state == REPORT_COMMITTING) {
		report->orphan = false; /* a new queue asks for what is on its way */
		return;
	}
	if (report) {
		report->orphan = true;
		report_end(report, REPORT_OUTCOME_LATER);
	}
	(void)report_begin(bounce, make);
}

static void
status_tell(struct bounce *bounce, struct ipc_channel *from, uint32_t request)
{
	const struct {
		const char *name;
		uint64_t value;
	} rows[] = {
		{"bounce.reports", bounce->counters.reports},
		{"bounce.none", bounce->counters.none},
		{"bounce.later", bounce->counters.later},
		{"bounce.at_hand", bounce->report_count},
	};
	int err = 0;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]) && !err; i++)
		err = IPC_SEND(from, CTL_COUNTER, ctl_counter, .request = request,
			       .name = slice_str(rows[i].name), .value = (int64_t)rows[i].value);
	if (!err)
		err = IPC_SEND(from, CTL_DONE, ctl_done, .request = request);
	(void)err; /* control's deadline tells the person */
}

static void
bounce_receive(void *state, struct ipc_channel *from, struct ipc_message *message)
{
	struct bounce *bounce = state;
	struct report *report;

	switch (message->type) {
	case IPC_REPORT_MAKE:
		order_take(bounce, &message->u.report_make);
		break;
	case IPC_REPORT_RCPT:
		report = bounce_report_find(bounce, message->u.report_rcpt.key);
		if (report && report->state == REPORT_GATHERING)
			bounce_report_add(report, &message->u.report_rcpt);
		break;
	case IPC_REPORT_END:
		report = bounce_report_find(bounce, message->u.report_end.key);
		if (report && report->state == REPORT_GATHERING)
			report_go(report);
		break;
	case IPC_DIR_RCPT:
		report_answer(bounce, &message->u.dir_rcpt);
		break;
	case IPC_CTL_STATUS:
		status_tell(bounce, from, message->u.ctl_status.request);
		break;
	default:
		if (!spool_writer_receive(bounce->writer, message))
			(void)spool_reader_receive(bounce->reader, message);
		break;
	}
}

static void
bounce_reload(void *state)
{
	struct bounce *bounce = state;
	struct spool_writer_options options = writer_options(bounce->boot->config);

	spool_writer_set_options(bounce->writer, &options);
}

/* What is being written is finished; queue asks again for the rest. */
static void
bounce_stop(void *state)
{
	struct bounce *bounce = state;

	bounce->stopping = true;
	reports_end(bounce, true);
	bounce_look(bounce);
}

static void
bounce_destroy(void **state)
{
	struct bounce *bounce = *state;
	struct list_node *node;

	rt_timer_finish(&bounce->sweep);
	spool_writer_destroy(&bounce->writer);
	while ((node = list_first(&bounce->in_order))) {
		struct report *report = CONTAINER_OF(node, struct report, order_node);

		report->state = REPORT_ASKING; /* the writer is gone */
		report->orphan = true;
		report_end(report, REPORT_OUTCOME_LATER);
	}
	map_finish(&bounce->reports);
	spool_reader_destroy(&bounce->reader);
	mem_give(rt_mem(bounce->rt), bounce, sizeof(*bounce));
	*state = NULL;
}

const struct boot_process bounce_process = {
	.role = IPC_ROLE_BOUNCE,
	.io_threads = 1,
	.create = bounce_create,
	.channel = bounce_channel,
	.channel_closed = bounce_channel_closed,
	.receive = bounce_receive,
	.reload = bounce_reload,
	.stop = bounce_stop,
	.destroy = bounce_destroy,
};
