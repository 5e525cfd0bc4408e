/*
 * smtpout job: from a record of the spool to what the client's machine sends, and from its outcome
 * to what queue hears.
 */
#include "proc/smtpout/job.h"

#include "base/assert.h"
#include "proc/smtpout/outcome.h"
#include "proc/smtpout/report.h"
#include "resolver/idna.h"
#include "rule/explain/explain.h"

/* struct job, then the recipients for the machine, then their numbers. */
static size_t
block_bytes(size_t rcpt_count)
{
	return sizeof(struct job) +
	       rcpt_count * (sizeof(struct smtp_client_rcpt) + sizeof(uint16_t));
}

int
job_create(struct smtpout *out, const struct ipc_job *message, struct job **ret_job)
{
	size_t count = message->rcpts.count;
	struct job *job;

	if (count == 0 || count > SMTPOUT_RCPTS_MAX)
		return ERR_PROTOCOL;
	job = mem_take(out->mem, block_bytes(count));
	if (!job)
		return ERR_NO_MEMORY;
	job->out = out;
	job->block_bytes = block_bytes(count);
	job->smtp_rcpts = (struct smtp_client_rcpt *)(void *)(job + 1);
	job->rcpts = (uint16_t *)(void *)(job->smtp_rcpts + count);
	job->rcpt_count = job->open_count = (uint32_t)count;
	for (size_t i = 0; i < count; i++)
		job->rcpts[i] = ipc_u16s_at(message->rcpts, i);
	job->number = message->job;
	job->message = message->message;
	job->segment = message->segment;
	job->offset = message->offset;
	job->length = message->length;
	job->attempt = message->attempt;
	job->granted_ms = rt_now_ms(out->rt);
	out->job_count++;
	*ret_job = job;
	return 0;
}

void
job_destroy(struct job **job)
{
	struct smtpout *out = (*job)->out;

	job_close(*job);
	list_remove(&(*job)->node);
	out->job_count--;
	mem_give(out->mem, *job, (*job)->block_bytes);
	*job = NULL;
}

void
job_give_back(struct job *job)
{
	smtpout_report_done(job->out, job->number);
	job_destroy(&job);
}

static struct slice
ret_word(uint8_t ret)
{
	if (ret == SPOOL_RET_FULL)
		return SLICE("FULL");
	return ret == SPOOL_RET_HDRS ? SLICE("HDRS") : SLICE_EMPTY;
}

/*
 * A domain in its own script behind a local part in ASCII goes out in its ASCII form (which is what
 * queue found the way by), so that only what needs SMTPUTF8 asks for it (RFC 6531 3.2).
 */
static struct slice
addr_for_wire(struct job *job, const struct spool_rcpt *rcpt)
{
	size_t at = slice_rindex(rcpt->address, '@');
	struct slice local = slice_sub(rcpt->address, 0, at), wire;
	struct builder b;

	if (slice_is_ascii(rcpt->address) || !slice_is_ascii(local) || rcpt->target.len == 0)
		return rcpt->address;
	builder_init_arena(&b, &job->record.arena, SMTP_CLIENT_ADDR_MAX);
	builder_add(&b, local);
	builder_byte(&b, '@');
	builder_add(&b, rcpt->target);
	return builder_take(&b, &wire) ? rcpt->address : wire;
}

/* Kept as it is it may need SMTPUTF8, which the server may lack: not for want of memory. */
static int
sender_for_wire(struct job *job)
{
	const struct slice sender = job->record.accept.sender;
	struct slice wire;
	struct builder b;
	int err;

	builder_init_arena(&b, &job->record.arena, SMTP_CLIENT_ADDR_MAX);
	err = idna_address(sender, &b);
	if (err == ERR_NO_MEMORY)
		return err;
	job->smtp.sender = err || builder_take(&b, &wire) ? sender : wire;
	return 0;
}

static int
rcpts_fill(struct job *job)
{
	const struct spool_accept *accept = &job->record.accept;

	for (uint32_t i = 0; i < job->rcpt_count; i++) {
		const struct spool_rcpt *from;

		if (job->rcpts[i] >= accept->rcpt_count)
			return ERR_RANGE;
		from = &accept->rcpts[job->rcpts[i]];
		job->smtp_rcpts[i].addr = addr_for_wire(job, from);
		job->smtp_rcpts[i].orcpt = from->orcpt;
		job->smtp_rcpts[i].notify = from->notify; /* the same bits, see below */
	}
	return 0;
}

_Static_assert((int)SPOOL_NOTIFY_NEVER == (int)SMTP_CLIENT_NOTIFY_NEVER &&
		       (int)SPOOL_NOTIFY_SUCCESS == (int)SMTP_CLIENT_NOTIFY_SUCCESS &&
		       (int)SPOOL_NOTIFY_FAILURE == (int)SMTP_CLIENT_NOTIFY_FAILURE &&
		       (int)SPOOL_NOTIFY_DELAY == (int)SMTP_CLIENT_NOTIFY_DELAY,
	       "spool and client share the bits of NOTIFY");

/*
 * What smtpin wrote is believed no more than what came in: a line that is a lone dot, or a line end
 * that is none, could end the message early at the peer, and what follows would be commands. The
 * inline part is looked at here, body files as they are read (session_io.c).
 */
static int
content_check(struct job *job)
{
	const struct spool_message *record = &job->record;

	job->kept = (struct smtp_kept){0};
	if (!smtp_kept_feed(&job->kept, record->content))
		return ERR_SYNTAX;
	if (record->accept.size_bytes > record->content.len)
		return 0;
	return smtp_kept_end(&job->kept) ? 0 : ERR_SYNTAX;
}

/*
 * A peer's limit and SIZE= are about the message without stuffed dots (RFC 1870 3). Those of the
 * inline part have been counted; a body file is not read beforehand for it, and bounded.
 */
static void
size_fill(struct job *job)
{
	const struct spool_message *record = &job->record;
	uint64_t file = record->accept.size_bytes - record->content.len;
	uint64_t file_dots = (file + SMTP_KEPT_DOT_LINE_MIN - 1) / SMTP_KEPT_DOT_LINE_MIN;

	job->smtp.size = record->accept.size_bytes - job->kept.dots;
	job->smtp.size_min = job->smtp.size - file_dots;
}

int
job_open(struct job *job)
{
	const struct spool_accept *accept = &job->record.accept;
	unsigned header = SPOOL_UTF8 | SPOOL_HEADER_EIGHT_BIT;
	int err;

	ASSERT(!job->is_open);
	err = spool_message_open(job->out->reader, job->segment, job->offset, job->length,
				 &job->record);
	if (err)
		return err;
	job->is_open = true;
	job->smtp = (struct smtp_client_job){
		.envid = accept->envid,
		.ret = ret_word(accept->ret),
		.eight_bit = accept->flags & (SPOOL_EIGHT_BIT | SPOOL_HEADER_EIGHT_BIT),
		.utf8 = (accept->flags & header) == header,
		.rcpts = job->smtp_rcpts,
		.rcpt_count = job->rcpt_count,
	};
	err = sender_for_wire(job);
	if (!err)
		err = rcpts_fill(job);
	if (!err)
		err = content_check(job);
	if (err)
		job_close(job);
	else
		size_fill(job);
	return err;
}

void
job_close(struct job *job)
{
	if (job->is_open)
		spool_message_close(job->out->reader, &job->record);
	job->is_open = false;
}

static void
result_log(const struct job *job, const struct verdict *verdict, size_t count)
{
	struct log_line line;

	log_begin(&line, job->out->log, EVENT_smtpout_result);
	log_msg(&line, job->message);
	log_number(&line, "rcpts", (int64_t)count);
	log_number(&line, "try", job->attempt);
	log_verdict(&line, verdict);
	log_number(&line, "took_ms", verdict->took_ms);
	if (job->smtp.begin_ms) {
		const struct smtp_client_job *smtp = &job->smtp;

		log_number(&line, "waited_ms", (int64_t)(smtp->begin_ms - job->granted_ms));
		if (smtp->data_ms)
			log_number(&line, "envelope_ms", (int64_t)(smtp->data_ms - smtp->begin_ms));
		if (smtp->content_ms && smtp->end_ms >= smtp->content_ms)
			log_number(&line, "final_ms", (int64_t)(smtp->end_ms - smtp->content_ms));
	}
	log_end(&line);
}

static void
counters_add(struct smtpout_counters *counters, const struct verdict *verdict, size_t count)
{
	if (verdict->class == VERDICT_OK)
		counters->accepted += count;
	else if (verdict->class == VERDICT_LATER)
		counters->later += count;
	else
		counters->never += count;
}

void
job_report(struct job *job, const uint16_t *indexes, size_t count, bool dsn_passed,
	   const struct verdict *verdict)
{
	uint16_t numbers[SMTPOUT_RCPTS_MAX];
	struct smtpout *out = job->out;
	struct verdict full = *verdict;

	ASSERT(count > 0 && count <= job->open_count);
	for (size_t i = 0; i < count; i++) {
		numbers[i] = job->rcpts[indexes[i]];
		job->smtp_rcpts[indexes[i]].state = SMTP_CLIENT_RCPT_SETTLED;
	}
	job->open_count -= (uint32_t)count;
	full.wall_ms = rt_wall_ms(out->rt);
	full.took_ms = (uint32_t)(rt_now_ms(out->rt) - job->granted_ms);
	if (full.helo.len == 0)
		full.helo = out->settings->helo;
	if (full.class != VERDICT_OK)
		explain_verdict_by(&full, smtpout_rules(out));
	result_log(job, &full, count);
	counters_add(&out->counters, &full, count);
	report_result(out, job->number, ipc_u16s_make(numbers, count), dsn_passed, &full);
	if (job->open_count == 0)
		smtpout_report_done(out, job->number);
}

void
job_report_open(struct job *job, const struct verdict *verdict)
{
	uint16_t indexes[SMTPOUT_RCPTS_MAX];
	size_t count = 0;

	for (uint32_t i = 0; i < job->rcpt_count; i++) {
		if (job->smtp_rcpts[i].state != SMTP_CLIENT_RCPT_SETTLED)
			indexes[count++] = (uint16_t)i;
	}
	ASSERT(count == job->open_count);
	if (count > 0)
		job_report(job, indexes, count, false, verdict);
}

static void
unreadable_log(const struct job *job, int err)
{
	struct log_line line;

	log_begin(&line, job->out->log, EVENT_smtpout_record);
	log_msg(&line, job->message);
	log_number(&line, "segment", job->segment);
	log_number(&line, "offset", (int64_t)job->offset);
	log_err(&line, err);
	log_end(&line);
}

void
job_report_unreadable(struct job *job, int err)
{
	struct verdict verdict = outcome_of_trouble(
		err == ERR_SYNTAX ? "The stored message is damaged: it holds a line end or a lone "
				    "dot that must not be sent."
				  : "The message could not be read from the spool.");

	verdict.evidence = slice_str(err_str(err));
	unreadable_log(job, err);
	job_report_open(job, &verdict);
}
