/*
 * smtpin: the process. One struct smtpin holds what its sessions share; a service is a listener as
 * it was configured when a session came, kept alive by its sessions over reloads.
 */
#ifndef PROC_SMTPIN_SMTPIN_H
#define PROC_SMTPIN_SMTPIN_H

#include "base/map.h"
#include "boot/boot.h"
#include "rt/net.h"
#include "rule/admit/budget.h"
#include "spool/writer.h"
#include "tls/conn.h"
#include "wire/smtp/server.h"

#define SMTPIN_NETWORKS_MAX 200000u /* client networks remembered at once */
#define SMTPIN_SWEEP_MS 30000u	    /* between two looks for those that may be forgotten */
#define SMTPIN_REQUEST_MS 20000u    /* for an answer of the directory */
#define SMTPIN_LINGER_MS 2000u	    /* for the client to close after we did */
/* Sessions beyond a limit that are being told so; the sandbox has descriptors for them. */
#define SMTPIN_REFUSED_MAX 256u

struct service {
	unsigned refs;
	struct mem *mem;
	struct smtp_server_options smtp;
	struct admit_limits limits;
	uint64_t login_ms, session_ms;
	enum config_kind kind;
	uint8_t name[CONFIG_NAME_MAX], hostname[SMTP_DOMAIN_MAX];
	uint8_t name_len;
};

struct listener {
	struct list_node node;
	struct smtpin *in;
	struct rt_listener *rt;
	struct service *service; /* of new sessions */
};

/* A client network on one listener's limits. */
struct network {
	struct map_node map_node;
	struct list_node node;
	struct admit_budget budget;
	uint8_t key[18]; /* family, bytes */
};

struct smtpin_counters {
	uint64_t connections, refused_connections, messages, refused_recipients, logins,
		failed_logins, bytes;
};

struct smtpin {
	struct boot *boot;
	struct spool_writer *writer;
	struct ipc_channel *directory;
	struct tls_context *tls;
	struct list sessions, listeners, networks;
	size_t session_count, refused_count, network_count;
	uint64_t transaction_bytes; /* that count towards transaction-memory-total-max */
	struct map requests;	    /* struct session by the number of its question */
	struct map network_map;	    /* struct network by key */
	uint32_t request_last;
	uint64_t session_last;
	uint64_t started_wall_ms; /* part of the names of sessions */
	struct rt_timer sweep, stop_poll;
	bool stopping;
	uint64_t stop_ms; /* the latest end */
	struct smtpin_counters counters;
	uint8_t buffer[SMTP_SERVER_INPUT_MAX]; /* what a session reads goes through here */
};

extern const struct boot_process smtpin_process;

/* service.c. NULL without memory. */
struct service *service_create(struct mem *mem, const struct config *config,
			       const struct config_listener *listener, bool has_tls);
struct service *service_ref(struct service *service);
/* NULL is fine; nulls. */
void service_unref(struct service **service);
static inline struct slice
service_name(const struct service *service)
{
	return slice_of(service->name, service->name_len);
}

/* networks.c: limits per client network. */
enum admit_reason networks_open(struct smtpin *in, const struct net_addr *client,
				const struct admit_limits *limits, struct network **ret_network);
void networks_close(struct network *network);
/* Forgets those that are as good as new. */
void networks_sweep(struct smtpin *in);
void networks_finish(struct smtpin *in);
bool networks_trusted(const struct config *config, const struct net_addr *client);

#endif
