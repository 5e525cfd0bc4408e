/*
 * scenario: a text file says which hosts there are and how they behave, what mail is sent, and what
 * goes wrong when. docs/simulator.md has the grammar. Lines that cause trouble have numbers, so
 * that they can be switched off one by one.
 */
#ifndef TESTS_SIM_SCENARIO_H
#define TESTS_SIM_SCENARIO_H

#include "base/slice.h"
#include "rt/sim/sim.h"

#define SCN_HOSTS_MAX 40
#define SCN_RULES_MAX 8
#define SCN_TROUBLES_MAX 40
#define SCN_CONFIG_MAX 16384
#define SCN_WORD_MAX 64
#define SCN_REPLY_MAX 200
#define US_PER_S ((uint64_t)1000000)

enum scn_stage {
	SCN_CONNECT,
	SCN_EHLO,
	SCN_MAIL,
	SCN_RCPT,
	SCN_DATA,
	SCN_DOT,
	SCN_QUIT,
	SCN_STAGE_MAX
};

/* What a host does at a stage instead of saying yes. */
struct scn_rule {
	enum scn_stage stage;
	uint32_t first;	 /* only so often for one message and recipient; 0: always */
	uint32_t one_in; /* only by that chance; 0: always */
	bool keep, close, reset, silence;
	uint64_t wait_us;
	uint64_t until_us; /* only before this, from the start of the load on; 0: for ever */
	char reply[SCN_REPLY_MAX]; /* without the line end; empty: the usual one */
};

struct scn_host {
	char name[SCN_WORD_MAX];
	char dns[SCN_WORD_MAX]; /* NXDOMAIN and the like; empty: it has an address */
	uint32_t weight;
	uint64_t within_us; /* its mail comes so soon, whatever other hosts do; 0: nothing is asked
			     */
	struct scn_rule rules[SCN_RULES_MAX];
	size_t rule_count;
	bool nobody; /* its address refuses connections */
};

enum scn_trouble_kind {
	SCN_FAULT,
	SCN_KILL,
	SCN_KILL_OP,
	SCN_POWER_CUT,
	SCN_STOP,
	SCN_HUP,
	SCN_JUMP,
	SCN_DNS,
	SCN_DIRECTORY,
	SCN_FULL,
	SCN_BAD_SECTOR,
	SCN_GARBLE,
	SCN_SILENT,
	SCN_AWAY,
	SCN_JUNK,
	SCN_TROUBLE_MAX
};

struct scn_trouble {
	enum scn_trouble_kind kind;
	unsigned line;
	enum sim_fault fault;
	uint32_t ppm;
	char word[SCN_WORD_MAX]; /* a program, a DNS word, a host */
	uint64_t number;	 /* operations */
	int64_t by_ms;		 /* of a jump */
	uint64_t low_us, high_us, for_us;
	bool every, always;
};

struct scenario {
	char title[SCN_REPLY_MAX];
	uint64_t load_us, drain_us, lifetime_us;
	uint64_t messages;
	uint32_t clients;
	uint64_t pause_low_us, pause_high_us;
	uint64_t size_low, size_high;
	uint32_t rcpts_low, rcpts_high;
	uint32_t from_local, from_remote, from_null;
	uint32_t records_in; /* one body in so many looks like records; 0: none */
	uint32_t local_weight;
	uint32_t notify_in; /* one message in so many asks for a report of success */
	struct scn_host hosts[SCN_HOSTS_MAX];
	size_t host_count;
	struct scn_trouble troubles[SCN_TROUBLES_MAX];
	size_t trouble_count;
	char config[SCN_CONFIG_MAX];
	size_t config_len;
};

/* Prints what is wrong and answers false. */
bool scenario_read(struct scenario *scenario, const char *path);
const char *scn_stage_str(enum scn_stage stage);
const char *scn_trouble_str(enum scn_trouble_kind kind);

#endif
