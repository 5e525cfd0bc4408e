#include "trouble.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "host.h"
#include "programs.h"

#define BOOT_US_MIN (5 * US_PER_S)
#define BOOT_US_MAX (60 * US_PER_S)
#define SECTOR 512
#define PAGE 4096 /* a page with a sector that cannot be read cannot be read */
#define SEGMENT_HEAD 64
#define RECORD_HEAD 56

struct trouble {
	struct run *run;
	const struct scn_trouble *scn;
	struct sim_event event, heal;
	bool on, done;
};

static void
again(struct trouble *trouble, rt_fn *fn)
{
	struct run *run = trouble->run;

	if (run->load_over)
		return;
	sim_after(run->world, &trouble->event,
		  run_between(run, trouble->scn->low_us, trouble->scn->high_us), fn, trouble);
}

/* Any of the programs, or the named one: the name without frank-. */
static int
victim(struct run *run, const char *word)
{
	char name[SCN_WORD_MAX + 8];

	if (!strcmp(word, "any"))
		return sim_pid(run->world,
			       sim_programs[run_between(run, 0, SIM_PROGRAM_COUNT - 1)].name, 0);
	(void)snprintf(name, sizeof(name), "frank-%s", word);
	return sim_pid(run->world, name, 0);
}

static void
kill_one(struct run *run, const struct scn_trouble *scn)
{
	int pid = victim(run, scn->word);

	run_note(run, "- kill %s (%d)", scn->word, pid);
	if (pid)
		sim_signal(run->world, pid, SIGKILL);
}

static void
kill_later(struct run *run, const struct scn_trouble *scn)
{
	char name[SCN_WORD_MAX + 8];
	uint64_t op = run_between(run, 1, scn->number);

	if (!strcmp(scn->word, "any"))
		(void)snprintf(name, sizeof(name), "%s",
			       sim_programs[run_between(run, 2, SIM_PROGRAM_COUNT - 1)].name);
	else
		(void)snprintf(name, sizeof(name), "frank-%s", scn->word);
	run_note(run, "- kill %s in %llu operations", name, (unsigned long long)op);
	sim_kill_at(run->world, name, op);
}

static void
power_cut(struct run *run)
{
	run_note(run, "- power cut");
	run->power_cuts++;
	run->crashes++;
	run_misfortunes_note(run);
	sim_power_cut(run->world);
	run_start_frank(run, run_between(run, BOOT_US_MIN, BOOT_US_MAX));
}

/* Some file of the spool. */
struct pick {
	struct run *run;
	const char *folder;
	char path[400];
	size_t len, count;
};

static void
pick_one(void *ctx, const char *name, bool is_dir, struct slice bytes)
{
	struct pick *pick = ctx;

	if (is_dir || bytes.len < SECTOR || run_between(pick->run, 0, pick->count++))
		return;
	(void)snprintf(pick->path, sizeof(pick->path), "%s/%s", pick->folder, name);
	pick->len = bytes.len;
}

static uint32_t
u32_at(struct slice bytes, size_t at)
{
	return (uint32_t)bytes.data[at] | (uint32_t)bytes.data[at + 1] << 8 |
	       (uint32_t)bytes.data[at + 2] << 16 | (uint32_t)bytes.data[at + 3] << 24;
}

/* Whose records lie there: nobody can ask for them back. */
static void
spoilt_mark(struct run *run, struct slice file, size_t from, size_t to)
{
	static const char magic[4] = {(char)0x8b, 'F', 'R', 'K'};
	size_t at = SEGMENT_HEAD, len;

	for (; at + RECORD_HEAD <= file.len && at < to; at += len) {
		struct slice record, number;
		struct sub *sub;
		uint64_t value;

		len = 8;
		if (memcmp(file.data + at, magic, sizeof(magic)) != 0)
			continue;
		len = u32_at(file, at + 8);
		record = slice_sub(file, at, len);
		number = slice_from(record, slice_find(record, SLICE("X-Sim: ")) + 7);
		number = slice_sub(number, 0, slice_index(number, ' '));
		sub = at + len > from && slice_to_u64(number, UINT64_MAX, &value)
			      ? ledger_find(run, value)
			      : NULL;
		if (sub)
			sub->spoilt = true;
		if (len < RECORD_HEAD || len > file.len)
			len = 8;
	}
}

static void
spoil(struct run *run, bool garble)
{
	struct slice file;
	struct pick pick = {.run = run, .folder = "/spool/segments"};
	uint64_t at, size = garble ? SECTOR : PAGE;

	sim_disk_each(run->world, pick.folder, pick_one, &pick);
	if (pick.count == 0)
		return;
	at = run_between(run, 0, (pick.len - 1) / size) * size;
	run_note(run, "- %s %s at %llu", garble ? "garbled" : "a bad sector in", pick.path,
		 (unsigned long long)at);
	run->spoilt++;
	if (sim_disk_get(run->world, pick.path, &file) == 0)
		spoilt_mark(run, file, at, at + size);
	if (garble)
		sim_disk_garble(run->world, pick.path, at, size);
	else
		sim_disk_bad(run->world, pick.path, at, size);
}

/* Files that nobody of Frank made. */
static void
junk(struct run *run)
{
	static const char *const names[] = {
		"/spool/segments/00000001.seg",	   "/spool/journal/00000001.journal",
		"/spool/bodies/00000001.body",	   "/spool/segments/core",
		"/spool/journal/7fffffff.journal", "/spool/segments/7ffffff0.seg"};
	const char *name = names[run_between(run, 0, 5)];
	struct slice there;
	uint8_t bytes[3000];
	size_t len = (size_t)run_between(run, 0, sizeof(bytes));

	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)run_between(run, 0, 255);
	if (!sim_disk_count(run->world, "/spool/segments") ||
	    sim_disk_get(run->world, name, &there) == 0)
		return;
	run_note(run, "- junk in %s", name);
	run->spoilt++;
	sim_disk_put(run->world, name, slice_of(bytes, len));
}

static enum dns_outcome
dns_word(const char *word)
{
	for (unsigned i = 0; i < DNS_OUTCOME_MAX; i++)
		if (!strcmp(word, dns_outcome_str((enum dns_outcome)i)))
			return (enum dns_outcome)i;
	return DNS_SERVFAIL;
}

static void
hosts_silent(struct run *run, const char *name, bool silent)
{
	for (unsigned i = 0; i < run->host_count; i++)
		if (!strcmp(name, "all") || !strcmp(name, run->scenario->hosts[i].name))
			host_silent(run->hosts[i], silent);
}

static void
heal(void *ctx)
{
	struct trouble *trouble = ctx;
	struct run *run = trouble->run;

	switch (trouble->scn->kind) {
	case SCN_FULL:
		sim_disk_full(run->world, false);
		break;
	case SCN_DNS:
		run->dns_trouble = DNS_OK;
		run->dns_lies = false;
		break;
	case SCN_DIRECTORY:
		run->directory_fails = false;
		break;
	case SCN_SILENT:
		hosts_silent(run, trouble->scn->word, false);
		break;
	case SCN_AWAY:
		run_start_frank(run, 1);
		break;
	default:
		return;
	}
	run_note(run, "- %s is over", scn_trouble_str(trouble->scn->kind));
}

/* What lasts for a while. */
static void
begin_state(struct trouble *trouble)
{
	struct run *run = trouble->run;
	const struct scn_trouble *scn = trouble->scn;

	run_note(run, "- %s %s", scn_trouble_str(scn->kind), scn->word);
	switch (scn->kind) {
	case SCN_FULL:
		sim_disk_full(run->world, true);
		run->was_full = true;
		break;
	case SCN_DNS:
		if (!strcmp(scn->word, "LIES"))
			run->dns_lies = true;
		else
			run->dns_trouble = dns_word(scn->word);
		break;
	case SCN_DIRECTORY:
		run->directory_fails = run->directory_failed = true;
		break;
	case SCN_SILENT:
		hosts_silent(run, scn->word, true);
		break;
	case SCN_AWAY:
	case SCN_STOP:
		run->on = run->on && scn->kind == SCN_STOP;
		run_stop_frank(run);
		break;
	case SCN_HUP:
		if (sim_pid(run->world, "frank-super", 0))
			sim_signal(run->world, sim_pid(run->world, "frank-super", 0), SIGHUP);
		break;
	default:
		break;
	}
	sim_after(run->world, &trouble->heal, scn->for_us, heal, trouble);
}

static void
strike(void *ctx)
{
	struct trouble *trouble = ctx;
	struct run *run = trouble->run;
	const struct scn_trouble *scn = trouble->scn;

	if (run->load_over)
		return;
	switch (scn->kind) {
	case SCN_KILL:
		kill_one(run, scn);
		break;
	case SCN_KILL_OP:
		kill_later(run, scn);
		break;
	case SCN_POWER_CUT:
		power_cut(run);
		break;
	case SCN_JUMP:
		run_note(run, "- the clock jumps by %lld ms", (long long)scn->by_ms);
		run->jumps++;
		sim_wall_jump(run->world, scn->by_ms);
		break;
	case SCN_BAD_SECTOR:
	case SCN_GARBLE:
		spoil(run, scn->kind == SCN_GARBLE);
		break;
	case SCN_JUNK:
		junk(run);
		break;
	default:
		begin_state(trouble);
		break;
	}
	trouble->done = true;
	if (scn->every)
		again(trouble, strike);
}

void
trouble_begin(struct run *run)
{
	const struct scenario *s = run->scenario;

	run->troubles = calloc(s->trouble_count + 1, sizeof(*run->troubles));
	ASSERT(run->troubles);
	for (size_t i = 0; i < s->trouble_count; i++) {
		struct trouble *trouble = &run->troubles[i];
		const struct scn_trouble *scn = &s->troubles[i];
		bool on = run_between(run, 0, 9) < 7;

		trouble->run = run;
		trouble->scn = scn;
		trouble->on = (on || scn->always) && !(run->options.without >> i & 1) &&
			      !run->options.calm;
		if (!trouble->on)
			continue;
		if (scn->kind == SCN_FAULT)
			sim_fault_set(run->world, scn->fault,
				      (uint32_t)run_between(run, 1, 2 * scn->ppm));
		else
			again(trouble, strike);
	}
}

void
trouble_end(struct run *run)
{
	for (unsigned i = 0; i < SIM_FAULT_MAX; i++)
		sim_fault_set(run->world, (enum sim_fault)i, 0);
	for (size_t i = 0; i < run->scenario->trouble_count; i++) {
		struct trouble *trouble = &run->troubles[i];

		sim_cancel(&trouble->event);
		if (sim_pending(&trouble->heal)) {
			sim_cancel(&trouble->heal);
			heal(trouble);
		}
		if (trouble->scn->kind == SCN_KILL_OP && trouble->on)
			for (unsigned k = 0; k < SIM_PROGRAM_COUNT; k++)
				sim_kill_at(run->world, sim_programs[k].name, 0);
	}
}

bool
trouble_over(const struct run *run)
{
	for (size_t i = 0; i < run->scenario->trouble_count; i++) {
		const struct trouble *trouble = &run->troubles[i];

		if (trouble->on && trouble->scn->kind != SCN_FAULT && !trouble->done)
			return false;
		if (sim_pending(&trouble->heal))
			return false;
	}
	return true;
}

void
trouble_finish(struct run *run)
{
	for (size_t i = 0; run->troubles && i < run->scenario->trouble_count; i++) {
		sim_cancel(&run->troubles[i].event);
		sim_cancel(&run->troubles[i].heal);
	}
	free(run->troubles);
	run->troubles = NULL;
}

uint64_t
trouble_on(const struct run *run)
{
	uint64_t bits = 0;

	for (size_t i = 0; i < run->scenario->trouble_count; i++)
		bits |= (uint64_t)run->troubles[i].on << i;
	return bits;
}
