#include "oracle.h"

#include <string.h>

#include "programs.h"

/* Turns of a process between two looks, 5 s apart: more is a loop that does not rest. */
#define TURNS_MAX 200000
#define TURNS_MAX_IDLE 1000

static const char *const event_names[] = {
#define EVENT(name, level, help) #name,
#include "def/events.def"
#undef EVENT
};

#define EVENT_COUNT (sizeof(event_names) / sizeof(event_names[0]))

/* --- the log: I12 ---------------------------------------------------------------------------- */

void
oracle_log(struct run *run, struct slice line)
{
	struct slice time = slice_cut(&line, ' '), level = slice_cut(&line, ' '), event;

	(void)time;
	(void)slice_cut(&line, ' ');
	event = slice_cut(&line, ' ');
	_Static_assert(EVENT_COUNT <= RUN_EVENTS_MAX, "a counter for each event");
	if (!slice_eq(level, SLICE("error")) && !slice_eq(level, SLICE("warn")))
		return;
	for (size_t i = 0; i < EVENT_COUNT; i++)
		if (slice_eq(event, slice_str(event_names[i])))
			run->events[i]++;
}

enum {
	CRASH = 1,
	POWER = 2,
	DISK = 4,
	MEMORY = 8,
	SPAWN = 16,
	ACCEPT = 32,
	DIRECTORY = 64,
	JUMP = 128,
	SPOILT = 256,
	ALWAYS = 512,
};

static const struct {
	const char *event;
	unsigned causes;
} expected[] = {
#define EXPECT(event, causes) {#event, causes},
#include "expected.def"
#undef EXPECT
};

static unsigned
causes_of(const struct run *run)
{
	static const struct {
		enum sim_fault fault;
		unsigned cause;
	} faults[] = {
		{SIM_FAULT_ALLOC, MEMORY}, {SIM_FAULT_OPEN, DISK},   {SIM_FAULT_WRITE, DISK},
		{SIM_FAULT_NO_ROOM, DISK}, {SIM_FAULT_SYNC, DISK},   {SIM_FAULT_READ, DISK},
		{SIM_FAULT_NAME, DISK},	   {SIM_FAULT_SPAWN, SPAWN}, {SIM_FAULT_ACCEPT, ACCEPT}};
	unsigned causes = ALWAYS;

	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		if (sim_fault_count(run->world, faults[i].fault))
			causes |= faults[i].cause;
	causes |= run->crashes ? CRASH : 0;
	causes |= run->power_cuts ? POWER : 0;
	causes |= run->was_full ? DISK : 0;
	causes |= run->directory_failed ? DIRECTORY : 0;
	causes |= run->jumps ? JUMP : 0;
	causes |= run->spoilt ? SPOILT : 0;
	return causes;
}

void
oracle_lines(struct run *run)
{
	unsigned causes = causes_of(run);

	for (size_t i = 0; i < EVENT_COUNT; i++) {
		unsigned may = 0;

		for (size_t k = 0; k < sizeof(expected) / sizeof(expected[0]); k++)
			if (!strcmp(expected[k].event, event_names[i]))
				may = expected[k].causes;
		if (run->events[i] && !(may & causes))
			run_find(run, "I12", NULL,
				 "the log says %s %u times, and nothing has caused it",
				 event_names[i], run->events[i]);
	}
}

/* --- mailboxes ------------------------------------------------------------------------------- */

struct reading {
	struct run *run;
	unsigned mailbox;
	char folder[64];
	char taken[64][256];
	size_t count;
};

static void
mail_take(void *ctx, const char *name, bool is_dir, struct slice bytes)
{
	struct reading *reading = ctx;
	struct run *run = reading->run;
	struct place place = {.host = -1, .mailbox = reading->mailbox};
	char path[400];

	(void)is_dir;
	if (reading->count == sizeof(reading->taken) / sizeof(reading->taken[0]))
		return;
	(void)snprintf(path, sizeof(path), "%s/%s", reading->folder, name);
	if (!sim_disk_durable(run->world, path))
		return;
	(void)ledger_take(run, &place, bytes);
	(void)snprintf(reading->taken[reading->count++], sizeof(reading->taken[0]), "%s", name);
}

void
oracle_mail(struct run *run)
{
	for (unsigned i = 0; i < RUN_MAILBOXES; i++) {
		struct reading reading = {.run = run, .mailbox = i};

		(void)snprintf(reading.folder, sizeof(reading.folder),
			       "/mail/" RUN_DOMAIN "/m%u/Maildir/new", i);
		do {
			reading.count = 0;
			sim_disk_each(run->world, reading.folder, mail_take, &reading);
			for (size_t k = 0; k < reading.count; k++) {
				char path[400];

				(void)snprintf(path, sizeof(path), "%s/%s", reading.folder,
					       reading.taken[k]);
				sim_disk_remove(run->world, path);
			}
		} while (reading.count);
	}
}

/* --- rest: I9 -------------------------------------------------------------------------------- */

void
oracle_tick(struct run *run)
{
	for (size_t i = 0; i < SIM_PROGRAM_COUNT; i++) {
		int pid = sim_pid(run->world, sim_programs[i].name, 0);
		uint64_t turns = pid ? sim_turns(run->world, pid) : 0;

		if (pid && pid == run->seen_pid[i] &&
		    turns - run->seen_turns[i] > (run->settled_us ? TURNS_MAX_IDLE : TURNS_MAX))
			run_find(run, "I9", NULL, "%s does not rest: %llu turns in 5 s",
				 sim_programs[i].name,
				 (unsigned long long)(turns - run->seen_turns[i]));
		run->seen_pid[i] = pid;
		run->seen_turns[i] = turns;
	}
}

void
oracle_end(struct run *run)
{
	for (size_t i = 0; i < SIM_PROGRAM_COUNT; i++)
		if (strcmp(sim_programs[i].name, "frank-config") != 0 &&
		    !sim_pid(run->world, sim_programs[i].name, 0))
			run_find(run, "I8", NULL, "%s does not run any more", sim_programs[i].name);
	for (unsigned i = 0; i < RUN_MAILBOXES; i++) {
		char path[64];

		(void)snprintf(path, sizeof(path), "/mail/" RUN_DOMAIN "/m%u/Maildir/new", i);
		if (sim_disk_count(run->world, path))
			run_find(run, "I7", NULL, "m%u has mail that is not durable", i);
	}
	oracle_disk(run, false);
}

/* --- the spool: I11 -------------------------------------------------------------------------- */

struct naming {
	struct run *run;
	const char *folder, *ending;
	size_t count;
};

static bool
is_numbered(struct slice name, struct slice ending)
{
	if (name.len != 8 + ending.len || !slice_ends_nocase(name, ending))
		return false;
	for (size_t i = 0; i < 8; i++)
		if (!ascii_is_digit(name.data[i]) && (name.data[i] < 'a' || name.data[i] > 'f'))
			return false;
	return true;
}

static void
name_check(void *ctx, const char *name, bool is_dir, struct slice bytes)
{
	struct naming *naming = ctx;

	(void)bytes;
	naming->count++;
	/* What was put there by the scenario goes with the next start. */
	if (naming->run->spoilt && !naming->run->at_rest)
		return;
	if (is_dir || !is_numbered(slice_str(name), slice_str(naming->ending)))
		run_find(naming->run, "I11", NULL, "%s has %s", naming->folder, name);
}

void
oracle_disk(struct run *run, bool at_rest)
{
	static const struct {
		const char *folder, *ending;
		size_t at_rest_max;
	} rows[] = {{"/spool/segments", ".seg", 4},
		    {"/spool/bodies", ".body", 0},
		    {"/spool/journal", ".journal", 1000}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct naming naming = {run, rows[i].folder, rows[i].ending, 0};

		sim_disk_each(run->world, rows[i].folder, name_check, &naming);
		if (at_rest && naming.count > rows[i].at_rest_max)
			run_note(run, "- %zu files are left in %s", naming.count, rows[i].folder);
	}
}
