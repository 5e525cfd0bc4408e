/*
 * test_rig: smtpout alone, with this test in place of queue, dns, spool and boot. Jobs are sent to
 * it over a real channel; what it answers is kept.
 */
#ifndef PROC_SMTPOUT_TEST_RIG_H
#define PROC_SMTPOUT_TEST_RIG_H

#include "proc/smtpout/smtpout.h"
#include "proc/smtpout/test_peer.h"
#include "rt/test_rt.h"

#define RIG_PEERS_MAX 3
/* Of the first message. */
#define RIG_CONTENT "Subject: x\r\n\r\n..dot\r\n"
/* Messages, by segment, that must not go out as they are; and whose sender is j@n\xc3\xb6.test. */
#define RIG_BAD_FIRST 4
#define RIG_BAD_LAST 8
#define RIG_IDN_SENDER 9
/* More than sockets hold. */
#define RIG_HUGE 10
#define RIG_CHANGED 11
#define RIG_WRITES_MAX 8
#define RIG_RESULTS_MAX 64
/* Questions of this number are nobody's, and get no answer. */
#define RIG_REQUEST_NONE UINT32_MAX

/* Segment n is the n-th of these. */
struct rig_message {
	const char *sender;
	const char *rcpts[4];
	const char *content;
	size_t file_bytes; /* so many more bytes, in lines, in a body file */
	uint16_t flags;
	const char *file_bad; /* these instead, in the middle of the body file */
	bool file_changed;    /* since it was accepted */
};

struct rig_result {
	uint64_t job;
	uint16_t rcpts[8];
	size_t rcpt_count;
	uint8_t class, stage;
	uint16_t code;
	struct verdict_status status;
	char reply[512], host[64], evidence[1100];
	struct net_addr address;
};

struct rig {
	struct test_rt t;
	struct boot boot;
	struct arena arena;
	struct config config;
	struct smtpout *out;
	struct ipc_channel *queue_far, *queue_near, *dns_far, *dns_near;
	struct peer peers[RIG_PEERS_MAX];
	unsigned peer_count;
	struct net_addr dead[RIG_PEERS_MAX]; /* tried before the peers */
	unsigned dead_count;
	struct verdict dns_verdict; /* class OK: the peers */
	bool dns_mute;
	unsigned asked; /* questions that dns got */
	bool stopped;

	struct rig_result results[RIG_RESULTS_MAX];
	size_t result_count;
	unsigned done_count, done_wanted;
	/* writes of smtpout that begin with the head of the first message */
	char writes[RIG_WRITES_MAX][512];
	unsigned write_count;
};

void rig_begin(struct rig *rig);
/* A peer with rules (may be NULL); each has a preference of its own, in order. */
struct peer *rig_peer(struct rig *rig, struct peer_rule *rules, size_t rule_count);
/* Grants job for the message and its first recipients. */
void rig_job(struct rig *rig, uint64_t job, uint32_t segment, unsigned rcpt_count, unsigned slots);
/* To this destination instead of far.test. */
void rig_job_to(struct rig *rig, uint64_t job, const char *destination);
/* Until so many jobs are done in all. */
void rig_run(struct rig *rig, unsigned done);
/* For so long. */
void rig_run_ms(struct rig *rig, uint64_t ms);
/* dns dies and comes back. */
void rig_dns_restart(struct rig *rig);
/* All memory must be back. */
void rig_end(struct rig *rig);

/* What a result says; code 0: there was no reply. */
void rig_result_is(const struct rig *rig, size_t index, unsigned class, unsigned stage,
		   unsigned code);
void rig_status_is(const struct rig *rig, size_t index, unsigned class, unsigned subject,
		   unsigned detail);
/* want is a part of it. */
void rig_evidence_is(const struct rig *rig, size_t index, const char *want);

#define RULES(...)                                                                                 \
	(struct peer_rule[]){__VA_ARGS__},                                                         \
		sizeof((struct peer_rule[]){__VA_ARGS__}) / sizeof(struct peer_rule)

#define STARTTLS                                                                                   \
	{"STARTTLS", "@tls", 0}, {"EHLO", "250-peer\r\n250-STARTTLS\r\n250 AUTH PLAIN\r\n", 1},    \
	{                                                                                          \
		"EHLO", "250-peer\r\n250-PIPELINING\r\n250 AUTH PLAIN\r\n", 0                      \
	}

#endif
