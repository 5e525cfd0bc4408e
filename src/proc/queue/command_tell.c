/*
 * command_tell: what control asks of queue as a whole: the files of its journal, its counters. All
 * goes out at once, little enough for a channel.
 */
#include "boot/status.h"
#include "proc/queue/command.h"
#include "proc/queue/suspend.h"

#define EXIT_UNAVAILABLE 69

void
command_answer(struct queue_peer *peer, uint32_t request, uint8_t exit, uint64_t count,
	       const char *text)
{
	if (IPC_SEND(peer->channel, CTL_DONE, ctl_done, .request = request, .exit = exit,
		     .count = count, .text = slice_str(text)))
		return; /* control is gone or does not read: nobody to tell */
}

/* False when it could not be passed. */
static bool
trace_send(struct queue *queue, struct queue_peer *peer, uint32_t request, uint32_t number)
{
	char name[QUEUE_NAME_BYTES];
	int fd, err;

	queue_name(name, number, "journal");
	if (rt_open(queue->rt, queue->journal_fd, name, RT_OPEN_READ, &fd))
		return false;
	err = IPC_SEND(peer->channel, CTL_TRACE_FILE, ctl_trace_file, .request = request,
		       .number = number, .file = fd);
	rt_close(queue->rt, fd);
	return !err;
}

void
command_trace(struct queue *queue, struct queue_peer *peer, const struct ipc_ctl_trace *given)
{
	struct queue_journal *j = &queue->journal;
	bool all = true;

	for (struct list_node *node = list_first(&j->old); node; node = list_next(&j->old, node))
		all &= trace_send(queue, peer, given->request,
				  CONTAINER_OF(node, struct journal_old, node)->number);
	if (j->number) {
		journal_write_now(queue);
		all &= trace_send(queue, peer, given->request, j->number);
	}
	if (!all) {
		command_answer(
			peer, given->request, EXIT_UNAVAILABLE, 0,
			"a file of the journal could not be opened or passed on, and without "
			"it this would not be the whole story; try again, and see the log");
		return;
	}
	if (suspend_show(queue, peer, given->request)) {
		command_answer(peer, given->request, EXIT_UNAVAILABLE, 0,
			       "the answer was too long");
		return;
	}
	command_answer(peer, given->request, 0, 0, "");
}

void
command_status(struct queue *queue, struct queue_peer *peer, const struct ipc_ctl_status *given)
{
	const struct {
		const char *name;
		uint64_t value;
	} rows[] = {
		{"queue.messages", queue->index.msgs.count},
		{"queue.recipients", queue->index.rcpt_count},
		{"queue.active", queue->index.active_count},
		{"queue.waiting", queue->index.waiting_count},
		{"queue.destinations", queue->index.dests.count},
		{"queue.suspended", queue->suspended_count},
		{"queue.index_bytes", queue->index.bytes},
		{"queue.segments", queue->files.segment_count},
		{"queue.accepted", queue->counters.accepted},
		{"queue.delivered", queue->counters.delivered},
		{"queue.deferred", queue->counters.deferred},
		{"queue.failed", queue->counters.failed},
		{"queue.expired", queue->counters.expired},
		{"queue.reports", queue->counters.reports},
		{"queue.jobs", queue->counters.jobs},
		{"queue.jobs_lost", queue->counters.lost_jobs},
		{"queue.refusing", queue->refuse},
		{"queue.recovering", queue->recovery != NULL},
		{"queue.journal_broken", journal_broken(queue)},
		{"queue.journal_full", queue->deaf},
		{"queue.journal_bytes", queue->journal.size_bytes + queue->journal.old_bytes},
	};
	int err = 0;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]) && !err; i++)
		err = IPC_SEND(peer->channel, CTL_COUNTER, ctl_counter, .request = given->request,
			       .name = slice_str(rows[i].name), .value = (int64_t)rows[i].value);
	if (!err)
		err = boot_status_histogram(peer->channel, given->request, "queue.delivered_ms",
					    &queue->counters.delivered_ms);
	if (!err)
		err = boot_status_histogram(peer->channel, given->request, "queue.attempt_ms",
					    &queue->counters.attempt_ms);
	if (!err)
		err = suspend_show(queue, peer, given->request);
	(void)err; /* control's deadline tells the person */
	command_answer(peer, given->request, 0, 0, "");
}
