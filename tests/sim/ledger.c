/*
 * The rules about single messages: I1 to I6 of docs/simulator.md. What must never be is found when
 * it happens; what must have happened is asked at the end.
 */
#include "ledger.h"

#include <stdlib.h>
#include <string.h>

#include "mail.h"
#include "run.h"

/* How far from a copy the trouble may be that repeats it: bytes are under way for 20 s at most, and
 * mailboxes are read every 5 s. */
#define BEFORE_US (30 * US_PER_S)
#define AFTER_US (20 * US_PER_S)
/* So long before the host lets us in mail must have come in for its sender to be told, whatever
 * died meanwhile. */
#define NOTICE_US (600 * US_PER_S)

struct sub *
ledger_new(struct run *run)
{
	struct ledger *ledger = &run->ledger;
	struct sub *sub = calloc(1, sizeof(*sub));

	ASSERT(sub);
	if (ledger->count == ledger->cap) {
		ledger->cap = ledger->cap ? ledger->cap * 2 : 256;
		ledger->subs = realloc(ledger->subs, ledger->cap * sizeof(*ledger->subs));
		ASSERT(ledger->subs);
	}
	ledger->subs[ledger->count++] = sub;
	sub->number = ledger->count;
	sub->begun_us = sim_now_us(run->world);
	sub->misfortunes = run_misfortunes(run);
	return sub;
}

struct sub *
ledger_find(const struct run *run, uint64_t number)
{
	return number && number <= run->ledger.count ? run->ledger.subs[number - 1] : NULL;
}

void
ledger_finish(struct ledger *ledger)
{
	for (size_t i = 0; i < ledger->count; i++)
		free(ledger->subs[i]);
	free(ledger->subs);
	*ledger = (struct ledger){0};
}

static struct sub_rcpt *
rcpt_find(struct sub *sub, const struct place *place)
{
	for (unsigned i = 0; i < sub->rcpt_count; i++) {
		struct sub_rcpt *rcpt = &sub->rcpts[i];

		if (rcpt->host != place->host)
			continue;
		if (place->host < 0 ? rcpt->mailbox == place->mailbox
				    : slice_eq_nocase(slice_str(rcpt->addr), place->rcpt))
			return rcpt;
	}
	return NULL;
}

/* Its host has taken it without a word: a server that is told to stop meanwhile, or waits for the
 * next attempt, cannot know and has to try again. */
static bool
is_untold(const struct sub_rcpt *rcpt)
{
	return rcpt->copies && !rcpt->told && !rcpt->failed && !rcpt->refused_there;
}

/* A slow destination holds up no other. */
static void
check_promptness(struct run *run, const struct place *place, struct sub *sub)
{
	uint64_t took_us = sim_now_us(run->world) - sub->begun_us;
	uint64_t within_us = place->host < 0 ? 0 : run->scenario->hosts[place->host].within_us;

	if (within_us && took_us > within_us)
		run_find(run, "fair", sub, "%s had it %llu ms after its client began",
			 run->scenario->hosts[place->host].name,
			 (unsigned long long)(took_us / 1000));
}

static struct sub_rcpt *
copy_take(struct run *run, const struct place *place, const struct mail *mail)
{
	struct sub *sub = ledger_find(run, mail->number);
	struct sub_rcpt *rcpt = sub ? rcpt_find(sub, place) : NULL;

	if (!rcpt) {
		run_find(run, "I3", sub, "a copy came to where it was not sent");
		return NULL;
	}
	if (!mail->intact)
		run_find(run, "I3", sub, "a copy for %s is not what was sent", rcpt->addr);
	if (sub->state == SUB_OPEN)
		run_find(run, "I3", sub, "%s got a message that was never sent whole", rcpt->addr);
	if (rcpt->refused)
		run_find(run, "I4", sub, "%s was refused and got it", rcpt->addr);
	if (run->ledger.over && !is_untold(rcpt))
		run_find(run, "I4", sub, "%s had its end, and a restart delivers once more",
			 rcpt->addr);
	if (rcpt->copies < SUB_COPIES_MAX)
		rcpt->copy_us[rcpt->copies] = sim_now_us(run->world);
	check_promptness(run, place, sub);
	rcpt->copies++;
	rcpt->told += place->host < 0;
	run->ledger.deliveries++;
	run_note(run, "= copy %u of %llu for %s", rcpt->copies, (unsigned long long)sub->number,
		 rcpt->addr);
	return rcpt;
}

/* A report of failure needs a reason: refused there, no such domain, or too old (I5). */
static void
failure_judge(struct run *run, struct sub *sub, struct sub_rcpt *rcpt, const struct mail *mail)
{
	uint64_t age_us = sim_now_us(run->world) - sub->begun_us;
	uint64_t lifetime_us = run->scenario->lifetime_us;
	uint64_t jumped_us = run->jumps ? run->crashes * lifetime_us / 4 : 0;

	rcpt->failed++;
	if (sub->state == SUB_OPEN)
		run_find(run, "I3", sub, "a report about a message that was never sent whole");
	if (!rcpt->refused_there && age_us + jumped_us < lifetime_us)
		run_find(run, "I5", sub, "%s is told to have failed, and nobody refused it",
			 rcpt->addr);
	for (unsigned i = 0; i < rcpt->report_count; i++)
		if (rcpt->report_ids[i] == mail->id_hash)
			return;
	if (rcpt->report_count < SUB_REPORTS_MAX)
		rcpt->report_ids[rcpt->report_count++] = mail->id_hash;
	if (rcpt->report_count > 1)
		run_find(run, "I6", sub, "%u different reports say that %s failed",
			 rcpt->report_count, rcpt->addr);
}

/* That it waits is told once; the same notice may come twice where anything else may. */
static void
notice_judge(struct run *run, struct sub *sub, struct sub_rcpt *rcpt, const struct mail *mail)
{
	rcpt->delayed++;
	if (!rcpt->notice_id)
		rcpt->notice_id = mail->id_hash;
	if (rcpt->notice_id != mail->id_hash)
		run_find(run, "I6", sub, "two different notices say that %s waits", rcpt->addr);
}

static struct sub_rcpt *
rcpt_of_report(struct sub *sub, struct slice addr)
{
	for (unsigned i = 0; i < sub->rcpt_count; i++)
		if (slice_eq_nocase(slice_str(sub->rcpts[i].addr), addr))
			return &sub->rcpts[i];
	return NULL;
}

static void
report_take(struct run *run, const struct mail *mail)
{
	struct sub *sub = ledger_find(run, mail->number);
	struct slice addr, action;
	size_t at = 0, count = 0;

	if (!sub) {
		run_find(run, "I3", NULL, "a report about no message of ours");
		return;
	}
	if (sub->sender[0] == 0)
		run_find(run, "I6", sub, "a report about a message from <>");
	for (; mail_report_next(mail->text, &at, &addr, &action); count++) {
		struct sub_rcpt *rcpt = rcpt_of_report(sub, addr);

		run_note(run, "= report about %llu: %.*s %.*s", (unsigned long long)sub->number,
			 SLICE_ARG(addr), SLICE_ARG(action));
		if (!rcpt)
			run_find(run, "I3", sub, "a report about a recipient that it had not");
		else if (slice_eq(action, SLICE("failed")))
			failure_judge(run, sub, rcpt, mail);
		else if (slice_eq(action, SLICE("delayed")))
			notice_judge(run, sub, rcpt, mail);
		else
			rcpt->success++;
	}
	if (count == 0)
		run_find(run, "I3", sub, "a report that names nobody");
}

struct sub_rcpt *
ledger_take(struct run *run, const struct place *place, struct slice text)
{
	struct mail mail = mail_read(text);

	if (mail.kind == MAIL_COPY)
		return copy_take(run, place, &mail);
	if (mail.kind == MAIL_REPORT)
		report_take(run, &mail);
	else
		run_find(run, "I3", NULL, "what came to %s is no message of ours (%zu bytes)",
			 place->host < 0 ? "a mailbox" : run->scenario->hosts[place->host].name,
			 text.len);
	return NULL;
}

/* Nobody hears of a failure of mail from <>. */
static bool
may_be_silent(struct run *run, const struct sub *sub, const struct sub_rcpt *rcpt)
{
	uint64_t age_us = sim_now_us(run->world) - sub->begun_us;

	return sub->sender[0] == 0 && (rcpt->refused_there || age_us > run->scenario->lifetime_us);
}

static bool
has_end(struct run *run, const struct sub *sub, const struct sub_rcpt *rcpt)
{
	return rcpt->refused || rcpt->copies || rcpt->failed || sub->spoilt ||
	       may_be_silent(run, sub, rcpt);
}

bool
ledger_settled(struct run *run)
{
	struct ledger *ledger = &run->ledger;

	for (; ledger->settled < ledger->count; ledger->settled++) {
		struct sub *sub = ledger->subs[ledger->settled];

		for (unsigned i = 0; i < sub->rcpt_count; i++)
			if (sub->state == SUB_ACCEPTED && !has_end(run, sub, &sub->rcpts[i]))
				return false;
	}
	return true;
}

/* Nothing went wrong that could explain anything. */
static bool
was_calm(const struct run *run, const struct sub *sub)
{
	return run_misfortunes(run) == sub->misfortunes;
}

/* A copy is repeated when its outcome was not yet on disk as something died: that takes a moment,
 * unless the journal cannot be written. */
static unsigned
copies_explained(const struct run *run, const struct sub_rcpt *rcpt)
{
	bool at_any_time = run->was_full || sim_fault_count(run->world, SIM_FAULT_WRITE) ||
			   sim_fault_count(run->world, SIM_FAULT_NO_ROOM) ||
			   sim_fault_count(run->world, SIM_FAULT_SYNC) ||
			   sim_fault_count(run->world, SIM_FAULT_OPEN) ||
			   sim_fault_count(run->world, SIM_FAULT_ALLOC);
	unsigned count = 1 + rcpt->unsure;

	for (unsigned i = 0; i + 1 < rcpt->copies && i + 1 < SUB_COPIES_MAX; i++) {
		uint64_t at = rcpt->copy_us[i], next = rcpt->copy_us[i + 1];

		count += run_was_troubled(run, at < BEFORE_US ? 0 : at - BEFORE_US,
					  at_any_time ? next : at + AFTER_US);
	}
	return count;
}

static void
copies_check(struct run *run, struct sub *sub, struct sub_rcpt *rcpt)
{
	unsigned may = copies_explained(run, rcpt);

	if (rcpt->copies > may)
		run_find(run, "I2", sub, "%u copies for %s, at most %u can be explained",
			 rcpt->copies, rcpt->addr, may);
	if (rcpt->failed && !rcpt->unsure && !rcpt->refused_there && was_calm(run, sub))
		run_find(run, "I4", sub, "%s got it, and a report says that it failed", rcpt->addr);
	if (sub->state == SUB_REFUSED && was_calm(run, sub))
		run_find(run, "I4", sub, "%s got what its sender was told to send again",
			 rcpt->addr);
	if (sub->notify_success && sub->state == SUB_ACCEPTED && sub->sender[0] && rcpt->host < 0 &&
	    !rcpt->success)
		run_find(run, "I1", sub, "%s: delivered, and the report of success is missing",
			 rcpt->addr);
}

/* Whoever sends to a host that does not let us in is told at once. */
static void
notice_check(struct run *run, const struct sub *sub, const struct sub_rcpt *rcpt)
{
	const struct scn_host *host = rcpt->host < 0 ? NULL : &run->scenario->hosts[rcpt->host];

	for (size_t i = 0; host && i < host->rule_count; i++) {
		const struct scn_rule *rule = &host->rules[i];

		if (rule->stage != SCN_CONNECT || rule->reply[0] != '5' ||
		    sub->ended_us + NOTICE_US > rule->until_us)
			continue;
		if (sub->state == SUB_ACCEPTED && sub->sender[0] && !rcpt->delayed &&
		    !rcpt->refused && !sub->spoilt)
			run_find(run, "I6", sub, "%s does not let us in, and no notice came",
				 rcpt->addr);
	}
}

static void
rcpt_check(struct run *run, struct sub *sub, struct sub_rcpt *rcpt)
{
	if (sub->state == SUB_ACCEPTED && !has_end(run, sub, rcpt))
		run_find(run, "I1", sub, "%s: accepted, neither delivered nor reported%s",
			 rcpt->addr, sub->sender[0] ? "" : " (from <>)");
	if (rcpt->copies)
		copies_check(run, sub, rcpt);
	notice_check(run, sub, rcpt);
}

void
ledger_check(struct run *run)
{
	for (size_t i = 0; i < run->ledger.count; i++) {
		struct sub *sub = run->ledger.subs[i];

		for (unsigned k = 0; k < sub->rcpt_count; k++)
			rcpt_check(run, sub, &sub->rcpts[k]);
	}
}
