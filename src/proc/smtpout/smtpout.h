/*
 * smtpout: the state of the process and what its files share. destination.h decides which job goes
 * over which connection, dial.h finds a host that listens, session.h is one connection, job.h one
 * message on its way, report.h the way back to queue.
 */
#ifndef PROC_SMTPOUT_SMTPOUT_H
#define PROC_SMTPOUT_SMTPOUT_H

#include "base/map.h"
#include "base/prng.h"
#include "boot/boot.h"
#include "rule/explain/local.h"
#include "spool/reader.h"
#include "tls/context.h"
#include "wire/smtp/client.h"

#define SMTPOUT_READ_BYTES ((size_t)16384)
#define SMTPOUT_RCPTS_MAX 1000u
/* A job that came back untried this often from connections that broke is put off. */
#define SMTPOUT_RETURNS_MAX 4u
/* No new connection for this long after one was refused while others work. */
#define SMTPOUT_DIAL_PAUSE_MS 15000u
/* dns answers every question by itself; this is for the case that it does not. */
#define SMTPOUT_DNS_GRACE_MS 10000u
#define SMTPOUT_QUIT_MS 5000u
#define SMTPOUT_HANDSHAKE_MS 60000u
#define SMTPOUT_PASSWORD_MAX SMTP_CLIENT_LOGIN_MAX

/* What the configuration says, in the form that is needed. Slices live in arena. */
struct smtpout_settings {
	struct mem *mem;
	unsigned ref_count;
	struct arena arena;
	struct slice helo;
	struct net_addr source4, source6; /* family none: the system chooses */
	struct slice smart_host;	  /* a name, or empty */
	struct net_addr smart_addr;	  /* its address when it is given as one */
	uint16_t smart_port;
	struct slice login;
	uint16_t port;
	uint32_t asked_max; /* questions to dns at once */
	uint32_t jobs_ahead, sessions_max, messages_max;
	uint32_t idle_ms, family_delay_ms, connect_ms, block_ms, dns_ms;
	bool tls;
	uint32_t limit_ms[SMTP_CLIENT_STAGE_MAX];
};

struct smtpout_counters {
	uint64_t jobs, accepted, later, never, connects, reused;
};

struct smtpout {
	struct boot *boot;
	struct rt *rt;
	struct mem *mem;
	struct log *log;
	struct ipc_channel *queue, *dns;
	struct spool_reader *reader;
	struct tls_context *tls;
	struct smtpout_settings *settings; /* replaced by a reload; sessions keep theirs */
	uint8_t password[SMTPOUT_PASSWORD_MAX];
	size_t password_len;
	struct arena rules_arena; /* of an administrator's rules */
	struct ruleset rules;
	bool has_rules; /* else the built-in ones alone */
	struct prng prng;

	struct map destinations; /* by name */
	struct map requests;	 /* of dns, by number */
	uint32_t request_last;
	struct list unasked;  /* destinations whose question dns has not got yet, oldest first */
	uint32_t asked_count; /* questions that it has */
	struct list all;      /* destinations */
	struct list dirty;    /* those to look at before the turn ends */
	struct list hungry;   /* those that wait for sessions_max */
	struct list idle;     /* sessions without jobs, oldest first */
	struct list dead;     /* sessions to be freed before the turn ends */
	uint32_t session_count, job_count;
	struct rt_hook turn_end;
	bool stopping, stopped;
	struct rt_timer stop_timer;

	struct list unsent; /* reports that queue's channel had no room for */
	struct rt_timer unsent_timer;

	struct smtpout_counters counters;
	uint8_t input[SMTPOUT_READ_BYTES];
};

/* One reference. */
int smtpout_settings_create(struct smtpout *out, struct smtpout_settings **ret_settings) MUST_USE;
struct smtpout_settings *smtpout_settings_ref(struct smtpout_settings *settings);
void smtpout_settings_unref(struct smtpout_settings **settings);

/* smtpout.c: asks for a look at the destinations at the end of this turn. */
void smtpout_turn_end(struct smtpout *out);
/* When stopping: nothing is at hand any more. */
void smtpout_stop_check(struct smtpout *out);

extern const struct boot_process smtpout_process;
/* By which refusals are explained. */
const struct ruleset *smtpout_rules(const struct smtpout *out);

#endif
