/*
 * smtp client job: what is refused before it is tried, because this peer cannot take it: certainly
 * too large (RFC 1870 6.1), 8-bit without 8BITMIME (RFC 6152 3), internationalized without SMTPUTF8
 * (RFC 6531 3.2), and addresses that would break out of a command.
 */
#include "base/assert.h"
#include "wire/smtp/client_private.h"

static const char *const stage_names[] = {
#define X(NAME, text) text,
	SMTP_CLIENT_STAGES(X)
#undef X
};

static const char *const how_names[] = {
#define X(NAME, text) text,
	SMTP_CLIENT_HOWS(X)
#undef X
};

const char *
smtp_client_stage_str(unsigned stage)
{
	ASSERT(stage < SMTP_CLIENT_STAGE_MAX);
	return stage_names[stage];
}

const char *
smtp_client_how_str(unsigned how)
{
	ASSERT(how < SMTP_CLIENT_HOW_MAX);
	return how_names[how];
}

uint32_t
smtp_client_job_open(const struct smtp_client_job *job)
{
	uint32_t open = 0;

	for (uint32_t i = 0; i < job->rcpt_count; i++)
		open += job->rcpts[i].state != SMTP_CLIENT_RCPT_SETTLED;
	return open;
}

void
smtp_client_settle_begin(struct smtp_client *c, struct smtp_client_job *job, unsigned states,
			 enum smtp_client_how how)
{
	ASSERT(!c->settle.job);
	c->settle.job = job;
	c->settle.at = 0;
	c->settle.end = job->rcpt_count;
	c->settle.states = states;
	c->settle.stage = smtp_client_job_stage(job);
	c->settle.how = how;
}

static bool
job_is_refused(struct smtp_client *c, struct smtp_client_job *job)
{
	enum smtp_client_how how = SMTP_CLIENT_HOW_REPLY;

	if (!smtp_client_addr_is_sendable(job->sender))
		how = SMTP_CLIENT_HOW_ADDRESS;
	else if ((job->utf8 || !slice_is_ascii(job->sender)) && !c->caps.utf8)
		how = SMTP_CLIENT_HOW_UTF8;
	else if (job->eight_bit && !c->caps.eight_bit)
		how = SMTP_CLIENT_HOW_EIGHT_BIT;
	else if (c->caps.size_max && job->size_min > c->caps.size_max)
		how = SMTP_CLIENT_HOW_SIZE;
	if (how == SMTP_CLIENT_HOW_REPLY)
		return false;
	smtp_client_settle_begin(c, job, RCPT_STATES_OPEN, how);
	return true;
}

static bool
rcpt_is_refused(struct smtp_client *c, struct smtp_client_job *job, uint32_t index)
{
	struct slice addr = job->rcpts[index].addr;
	enum smtp_client_how how;

	if (job->rcpts[index].state == SMTP_CLIENT_RCPT_SETTLED)
		return false;
	if (addr.len == 0 || !smtp_client_addr_is_sendable(addr))
		how = SMTP_CLIENT_HOW_ADDRESS;
	else if (!slice_is_ascii(addr) && !c->caps.utf8)
		how = SMTP_CLIENT_HOW_UTF8;
	else
		return false;
	smtp_client_settle_begin(c, job, RCPT_STATES_OPEN, how);
	c->settle.at = index;
	c->settle.end = index + 1;
	c->settle.stage = SMTP_CLIENT_STAGE_RECIPIENT;
	return true;
}

bool
smtp_client_job_check(struct smtp_client *c, struct smtp_client_job *job)
{
	if (job->check_at == 0) {
		job->utf8_mail = job->utf8 || !slice_is_ascii(job->sender);
		if (job_is_refused(c, job)) {
			job->checked = true;
			return true;
		}
	}
	while (job->check_at < job->rcpt_count) {
		uint32_t index = job->check_at++;

		if (rcpt_is_refused(c, job, index))
			return true;
		job->utf8_mail |= !slice_is_ascii(job->rcpts[index].addr);
	}
	job->checked = true;
	return false;
}
