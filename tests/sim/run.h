/*
 * run: one simulated run: the world, the scenario, and what the parts around Frank share. Nothing
 * here is global: the world's context leads to it.
 */
#ifndef TESTS_SIM_RUN_H
#define TESTS_SIM_RUN_H

#include <stdio.h>

#include "base/arena.h"
#include "base/assert.h"
#include "ledger.h"
#include "rt/sim/disk.h"
#include "rt/sim/net.h"
#include "scenario.h"
#include "wire/dns/zone.h"

#define RUN_FINDINGS_MAX 8
#define RUN_FINDING_MAX 400
#define RUN_LINES_MAX 400000
#define RUN_MAILBOXES 6
#define RUN_DOMAIN "example.test"
#define RUN_SENDER_HOST "sender.test" /* where senders from outside get their reports */
#define RUN_EVENTS_MAX 400

struct host;
struct client;

struct run_finding {
	char text[RUN_FINDING_MAX];
	char invariant[8];
	uint64_t sub; /* 0: about no message */
};

struct run_options {
	uint64_t seed;
	uint64_t without; /* troubles that are switched off, a bit each */
	uint64_t torture; /* 0: none */
	bool verbose;	  /* log lines as they come */
	bool calm;	  /* no trouble at all */
};

struct run {
	struct run_options options;
	const struct scenario *scenario;
	struct sim_world *world;
	struct prng prng; /* of those around Frank */
	struct ledger ledger;
	struct run_finding findings[RUN_FINDINGS_MAX];
	size_t finding_count;

	/* What happens, for histories. */
	char **lines;
	size_t line_count;
	uint32_t events[RUN_EVENTS_MAX]; /* warnings and errors by event */

	struct host **hosts;
	size_t host_count;
	struct client **clients;
	size_t clients_busy;

	/* DNS. */
	struct arena zone_arena;
	struct dns_zone zone;
	enum dns_outcome dns_trouble; /* DNS_OK: none */
	bool dns_lies;
	bool directory_fails;

	/* The machine. */
	bool on; /* Frank shall run */
	bool stopping, ending;
	bool load_over;
	bool probe_taken;
	bool tortured; /* the n-th call came */
	struct client *probe;
	bool at_rest; /* the last end must be clean */
	int exit_status;
	uint64_t crashes;	 /* deaths of processes that were not asked for */
	uint64_t *misfortune_us; /* when the count of misfortunes has grown */
	size_t misfortune_count, misfortune_cap;
	uint64_t misfortunes_seen;
	uint64_t jumps, spoilt;
	uint64_t power_cuts;
	bool was_full, directory_failed;
	struct sim_event start_event, load_event, settle_event, tick_event;
	uint64_t load_end_us, settled_us;
	struct trouble *troubles;
	int seen_pid[16];
	uint64_t seen_turns[16];
};

/* Runs the scenario to its end; true when nothing was found. */
bool run_scenario(struct run *run, const struct scenario *scenario,
		  const struct run_options *options);
/* Prints findings and the history of their messages. */
void run_report(const struct run *run, FILE *out);
void run_finish(struct run *run);

/* For the parts. */
void run_find(struct run *run, const char *invariant, const struct sub *sub, const char *format,
	      ...) __attribute__((format(printf, 4, 5)));
/* A line of the history. */
void run_note(struct run *run, const char *format, ...) __attribute__((format(printf, 2, 3)));
uint64_t run_between(struct run *run, uint64_t low, uint64_t high);
struct run *run_of(struct sim_world *world);
/* Deaths and faults that may double a delivery, so far. */
uint64_t run_misfortunes(const struct run *run);
/* Whether something happened around then that may repeat a delivery. */
bool run_was_troubled(const struct run *run, uint64_t from_us, uint64_t to_us);
void run_misfortunes_note(struct run *run);
/* Asks super to end; it is started again after the pause, or stays away. */
void run_stop_frank(struct run *run);
void run_start_frank(struct run *run, uint64_t after_us);
struct net_addr run_addr(unsigned a, unsigned b, unsigned c, unsigned port);

#endif
