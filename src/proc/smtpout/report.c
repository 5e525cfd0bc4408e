/*
 * smtpout report: JOB_RESULT and JOB_DONE. ipc gathers those of one turn into few packets. The list
 * of what could not be sent keeps the order; it is emptied by a timer. An outcome that is neither
 * sent nor kept must not be followed by others: a JOB_DONE without its JOB_RESULT has mail sent
 * again, a JOB_RESULT without its JOB_DONE leaves a job for ever. Then the process ends, and queue
 * learns all there is to know from the end of the channel.
 */
#include "proc/smtpout/report.h"

#include <string.h>

#include "base/assert.h"

#define UNSENT_RETRY_MS 20u

/* An encoded message; bytes behind the struct. */
struct unsent {
	struct list_node node;
	enum ipc_type type;
	size_t len;
	uint8_t body[];
};

static void
give_up(struct smtpout *out)
{
	struct log_line line;

	log_begin(&line, out->log, EVENT_smtpout_lost_result);
	log_err(&line, ERR_NO_MEMORY);
	log_end(&line);
	out->queue = NULL; /* not another word to it */
	rt_stop(out->rt);
}

static void
unsent_keep(struct smtpout *out, const struct ipc_message *message)
{
	uint8_t buf[VERDICT_ENCODED_MAX + 2 * SMTPOUT_RCPTS_MAX + 64];
	struct unsent *unsent;
	struct builder b;

	builder_init_fixed(&b, buf, sizeof(buf));
	if (ipc_encode(&b, message) < 0)
		ASSERT_UNREACHABLE();
	unsent = mem_take(out->mem, sizeof(*unsent) + b.len);
	if (!unsent) {
		give_up(out);
		return;
	}
	unsent->type = message->type;
	unsent->len = b.len;
	memcpy(unsent->body, buf, b.len);
	list_push_back(&out->unsent, &unsent->node);
	if (!rt_timer_armed(&out->unsent_timer))
		rt_timer_arm(&out->unsent_timer, UNSENT_RETRY_MS);
}

static void
unsent_free(struct smtpout *out, struct unsent *unsent)
{
	list_remove(&unsent->node);
	mem_give(out->mem, unsent, sizeof(*unsent) + unsent->len);
}

/* False: it has to be sent again. A channel that is closed has nobody at its end. */
static bool
is_sent(int err)
{
	return err == 0 || err == ERR_CLOSED;
}

static void
report_send(struct smtpout *out, const struct ipc_message *message)
{
	if (!out->queue)
		return;
	if (!list_empty(&out->unsent) || !is_sent(ipc_send(out->queue, message)))
		unsent_keep(out, message);
}

void
report_retry(void *ctx)
{
	struct smtpout *out = ctx;
	struct list_node *node;

	while (out->queue && (node = list_first(&out->unsent))) {
		struct unsent *unsent = CONTAINER_OF(node, struct unsent, node);
		struct ipc_message message;
		int err;

		err = ipc_decode(unsent->type, slice_of(unsent->body, unsent->len), &message);
		ASSERT(err == 0);
		if (!is_sent(ipc_send(out->queue, &message))) {
			rt_timer_arm(&out->unsent_timer, UNSENT_RETRY_MS);
			return;
		}
		unsent_free(out, unsent);
	}
	smtpout_turn_end(out);
}

void
report_drop(struct smtpout *out)
{
	struct list_node *node;

	while ((node = list_first(&out->unsent)))
		unsent_free(out, CONTAINER_OF(node, struct unsent, node));
	rt_timer_disarm(&out->unsent_timer);
}

bool
report_is_full(const struct smtpout *out)
{
	return !out->queue || !list_empty(&out->unsent) || ipc_full(out->queue);
}

void
report_result(struct smtpout *out, uint64_t job, struct ipc_u16s rcpts, bool dsn_passed,
	      const struct verdict *verdict)
{
	report_send(out, &(struct ipc_message){.type = IPC_JOB_RESULT,
					       .u.job_result = {.job = job,
								.rcpts = rcpts,
								.dsn_passed = dsn_passed,
								.verdict = *verdict}});
}

void
smtpout_report_done(struct smtpout *out, uint64_t job)
{
	report_send(out, &(struct ipc_message){.type = IPC_JOB_DONE, .u.job_done = {.job = job}});
}
