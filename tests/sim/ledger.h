/*
 * ledger: what clients have handed in and what became of it, kept outside the server. A submission
 * is one try of a client to send one message; its number is in every copy and report.
 */
#ifndef TESTS_SIM_LEDGER_H
#define TESTS_SIM_LEDGER_H

#include "base/slice.h"
#include "scenario.h"

struct run;

#define SUB_RCPTS_MAX 8
#define SUB_ADDR_MAX 80
#define SUB_REPORTS_MAX 8
#define SUB_COPIES_MAX 16

enum sub_state {
	SUB_OPEN,     /* the final dot was not sent */
	SUB_UNSURE,   /* it was, and no reply came */
	SUB_REFUSED,  /* 4xx or 5xx */
	SUB_ACCEPTED, /* the client saw 250 */
};

struct sub_rcpt {
	char addr[SUB_ADDR_MAX];
	int host;			/* -1: a mailbox of ours */
	unsigned mailbox;		/* then */
	bool refused;			/* at RCPT */
	bool refused_there;		/* its host said 5xx to it, or has no address */
	unsigned stages[SCN_STAGE_MAX]; /* how often a rule of the host has met it */
	unsigned copies;
	unsigned told;	 /* copies that its host has said 250 to, or that lie in a mailbox */
	unsigned unsure; /* its host took a copy, and nothing more came over that connection */
	unsigned failed, delayed, success;    /* reports */
	uint64_t copy_us[SUB_COPIES_MAX];     /* when each came */
	uint64_t report_ids[SUB_REPORTS_MAX]; /* hashes of the Message-IDs of failure reports */
	unsigned report_count;
	uint64_t notice_id; /* hash of the Message-ID of the notice that it waits */
};

struct sub {
	uint64_t number; /* from 1 */
	enum sub_state state;
	uint64_t begun_us, ended_us, misfortunes;
	char sender[SUB_ADDR_MAX]; /* empty: null */
	bool notify_success;
	bool spoilt; /* the scenario has damaged its record */
	char frank_id[24];
	uint64_t body_len, body_hash;
	struct sub_rcpt rcpts[SUB_RCPTS_MAX];
	unsigned rcpt_count;
};

struct ledger {
	struct sub **subs;
	size_t count, cap;
	size_t accepted;
	uint64_t deliveries;
	size_t settled; /* all before it have an end */
	bool over;	/* all had its end, and Frank has ended, too */
};

struct sub *ledger_new(struct run *run);
struct sub *ledger_find(const struct run *run, uint64_t number);
void ledger_finish(struct ledger *ledger);

/* A whole message came to a place. rcpt: the address that it came for at a host, or empty and
 * the mailbox. */
struct place {
	int host; /* -1: Maildir */
	unsigned mailbox;
	struct slice rcpt;
};
/* Checks the text and counts it. Answers the recipient of a copy, NULL for a report or nonsense. */
struct sub_rcpt *ledger_take(struct run *run, const struct place *place, struct slice text);

/* Whether all that was accepted has an end. */
bool ledger_settled(struct run *run);
/* What holds when all is over. */
void ledger_check(struct run *run);

#endif
