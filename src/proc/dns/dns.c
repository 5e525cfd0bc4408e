/*
 * dns: the frame around the look-ups: takes DNS_ASK from the smtpout processes, answers DNS_TARGETs
 * and DNS_DONE, follows the configuration and the zone file.
 */
#include "proc/dns/dns.h"

#include "base/assert.h"
#include "base/prng.h"
#include "proc/dns/lookup.h"
#include "rt/net.h"

/* Names of ours: hostname, helo. Addresses: of the listeners, sources. */
#define OWN_NAMES_MAX 2
#define OWN_ADDRS_MAX 64

struct state {
	struct boot *boot;
	struct resolver *resolver;
	struct dns_lookups *lookups;
	struct prng prng;
	struct list requests;
	size_t request_count;
	struct slice own_names[OWN_NAMES_MAX];
	size_t own_name_count;
	struct net_addr own_addrs[OWN_ADDRS_MAX];
	size_t own_addr_count;
	struct net_addr interfaces[OWN_ADDRS_MAX]; /* as they were at the start */
	size_t interface_count;
	bool from_system; /* asks the servers of /etc/resolv.conf */
};

/* One DNS_ASK under way. */
struct request {
	struct dns_waiter waiter;
	struct list_node node;
	struct state *state;
	struct ipc_channel *channel;
	uint32_t id;
	uint16_t port;
};

static void
own_addr_add(struct state *state, const struct net_addr *addr)
{
	if (addr->family == NET_FAMILY_NONE || net_addr_is_nowhere(addr) ||
	    state->own_addr_count == OWN_ADDRS_MAX)
		return;
	state->own_addrs[state->own_addr_count] = *addr;
	state->own_addrs[state->own_addr_count++].port = 0;
}

static void
own_text_add(struct state *state, struct slice text)
{
	struct net_addr addr;

	if (text.len && net_addr_parse(text, &addr) == 0)
		own_addr_add(state, &addr);
}

/* A listener: its address, or those of all interfaces when it listens everywhere. */
static void
own_listener_add(struct state *state, const struct net_addr *addr)
{
	own_addr_add(state, addr);
	for (size_t i = 0; net_addr_is_nowhere(addr) && i < state->interface_count; i++)
		own_addr_add(state, &state->interfaces[i]);
}

static struct mx_own
own_collect(struct state *state)
{
	const struct config *config = state->boot->config;

	state->own_name_count = state->own_addr_count = 0;
	state->own_names[state->own_name_count++] = config->hostname;
	if (config->helo.len)
		state->own_names[state->own_name_count++] = config->helo;
	for (size_t i = 0; i < config->listener_count; i++)
		for (size_t j = 0; j < config->listeners[i].address.count; j++)
			own_listener_add(state, &config->listeners[i].address.items[j]);
	own_text_add(state, config->source_address4);
	own_text_add(state, config->source_address6);
	return (struct mx_own){
		.names = state->own_names,
		.name_count = state->own_name_count,
		.addrs = state->own_addrs,
		.addr_count = state->own_addr_count,
		.allow_loopback = config->allow_loopback_destinations,
	};
}

static struct dns_lookups_options
lookups_options(struct state *state)
{
	return (struct dns_lookups_options){
		.cache_entries_max = state->boot->config->dns_cache_entries,
		.resolver = state->resolver,
		.own = own_collect(state),
	};
}

/* The resolver for the configuration of now; zone.data NULL asks the network. An error is logged
 * and leaves none: then all is answered "later". */
static int
resolver_make(struct state *state, struct slice zone, struct resolver **ret_resolver)
{
	const struct config *config = state->boot->config;
	struct resolver_options options = {
		.zone = zone,
		.servers = config->dns_servers.items,
		.server_count = config->dns_servers.count,
		.timeout_ms = config->dns_timeout,
		.validate = config->dns_validate,
	};
	struct dns_zone_error error = {0};
	struct log_line line;
	int err = resolver_create(state->boot->rt, &options, &error, ret_resolver);

	if (err == 0)
		return 0;
	log_begin(&line, state->boot->log, EVENT_dns_no_resolver);
	log_err(&line, err);
	if (err == ERR_SYNTAX) {
		log_number(&line, "line", (int64_t)error.line);
		log_number(&line, "column", (int64_t)error.column);
		log_text(&line, "expected", slice_str(error.expected));
		log_text(&line, "got", error.got);
	}
	log_end(&line);
	return err;
}

static int
dns_create(struct boot *boot, void **ret_state)
{
	struct state *state = MEM_NEW(rt_mem(boot->rt), struct state);
	struct dns_lookups_options options;
	uint64_t seed;
	int err = 0;

	if (!state)
		return ERR_NO_MEMORY;
	state->boot = boot;
	list_init(&state->requests);
	rt_random(boot->rt, &seed, sizeof(seed));
	prng_init(&state->prng, seed);
	/* Both before the sandbox: a netlink socket, and /etc/resolv.conf; a zone comes as a file
	 * later. */
	state->interface_count = rt_own_addrs(boot->rt, state->interfaces, OWN_ADDRS_MAX);
	if (boot->config->zone_file.len == 0)
		err = resolver_make(state, SLICE_EMPTY, &state->resolver);
	state->from_system = boot->config->zone_file.len == 0 && !boot->config->dns_servers.count;
	options = lookups_options(state);
	/* What is wrong with the servers' addresses stays wrong; without memory super tries again.
	 */
	if (err != ERR_NO_MEMORY)
		err = dns_lookups_create(boot->rt, &options, &state->lookups);
	if (err < 0) {
		resolver_destroy(&state->resolver);
		mem_give(rt_mem(boot->rt), state, sizeof(*state));
		return err;
	}
	*ret_state = state;
	return 0;
}

/* Puts another resolver in the place of the one there is. */
static void
resolver_replace(struct state *state, struct resolver *resolver)
{
	struct resolver *old = state->resolver;
	struct dns_lookups_options options;

	state->resolver = resolver;
	state->from_system = false;
	options = lookups_options(state);
	dns_lookups_set(state->lookups, &options);
	resolver_destroy(&old);
}

static void
dns_file(void *ctx, struct slice name, struct slice content)
{
	struct state *state = ctx;
	struct resolver *resolver;

	if (!slice_eq(name, SLICE("zone")))
		return;
	if (!content.data)
		content = SLICE("");
	/* A bad file at a reload leaves the good one. */
	if (resolver_make(state, content, &resolver) == 0)
		resolver_replace(state, resolver);
	else
		state->boot->refused = true;
}

/* Without a list, /etc/resolv.conf was read at start and is out of reach now. */
static void
system_ask(struct state *state)
{
	struct log_line line;

	if (state->from_system)
		return;
	log_begin(&line, state->boot->log, EVENT_dns_restart_needed);
	log_end(&line);
	state->boot->refused = true;
}

static void
dns_reload(void *ctx)
{
	struct state *state = ctx;
	const struct config *config = state->boot->config;
	struct resolver *resolver;
	struct dns_lookups_options options;

	/* Servers may have changed; a zone comes again as a file. */
	if (config->zone_file.len == 0 && config->dns_servers.count) {
		if (resolver_make(state, SLICE_EMPTY, &resolver) == 0) {
			resolver_replace(state, resolver);
			return;
		}
		state->boot->refused = true;
	} else if (config->zone_file.len == 0) {
		system_ask(state);
	}
	options = lookups_options(state);
	dns_lookups_set(state->lookups, &options);
}

static void
request_free(struct request *request)
{
	struct state *state = request->state;

	dns_waiter_cancel(&request->waiter);
	list_remove(&request->node);
	state->request_count--;
	mem_give(rt_mem(state->boot->rt), request, sizeof(*request));
}

/* What cannot be sent is not worth keeping: the asker has a time limit and asks again. */
static void
result_send(struct ipc_channel *channel, const struct request *request, struct mx_result *result)
{
	int err = 0;

	for (size_t i = 0; i < result->count && err == 0; i++) {
		struct mx_target *target = &result->targets[i];
		struct net_addr address = target->address;

		address.port = request->port;
		err = IPC_SEND(channel, DNS_TARGET, dns_target, .request = request->id,
			       .host = target->host, .preference = target->preference,
			       .address = address, .secure = target->secure);
	}
	if (err == 0)
		err = IPC_SEND(channel, DNS_DONE, dns_done, .request = request->id,
			       .ttl_s = result->ttl_s, .verdict = result->verdict);
	(void)err;
}

static void
lookup_log(struct state *state, const struct request *request, const struct mx_result *result)
{
	struct log_line line;

	log_begin(&line, state->boot->log, EVENT_dns_answer);
	log_number(&line, "request", request->id);
	log_number(&line, "targets", (int64_t)result->count);
	log_text(&line, "evidence", result->verdict.evidence);
	log_verdict(&line, &result->verdict);
	log_end(&line);
}

static void
answered(struct dns_waiter *waiter, struct mx_result *result)
{
	struct request *request = CONTAINER_OF(waiter, struct request, waiter);
	struct state *state = request->state;

	mx_targets_shuffle(result->targets, result->count, &state->prng);
	lookup_log(state, request, result);
	result_send(request->channel, request, result);
	request_free(request);
}

static void
ask(struct state *state, struct ipc_channel *from, const struct ipc_dns_ask *message)
{
	struct mx_ask ask = {.domain = message->domain, .host_only = message->host_only};
	uint16_t port = (uint16_t)state->boot->config->smtp_out_port;
	struct request *request = NULL;

	if (state->request_count < DNS_REQUESTS_MAX)
		request = MEM_NEW(rt_mem(state->boot->rt), struct request);
	if (!request) {
		(void)!IPC_SEND(from, DNS_DONE, dns_done, .request = message->request,
				.verdict = {.class = VERDICT_LATER,
					    .stage = VERDICT_STAGE_DNS,
					    .status = {4, 3, 2},
					    .public_text = SLICE("Too many questions at once.")});
		return;
	}
	*request = (struct request){
		.waiter.fn = answered,
		.state = state,
		.channel = from,
		.id = message->request,
		.port = message->port ? message->port : port,
	};
	list_push_back(&state->requests, &request->node);
	state->request_count++;
	dns_lookups_ask(state->lookups, &ask, &request->waiter);
}

static void
status_send(struct state *state, struct ipc_channel *to, uint32_t request)
{
	struct dns_counters counters = dns_lookups_counters(state->lookups);
	const struct {
		const char *name;
		uint64_t value;
	} rows[] = {
		{"dns.asked", counters.asked},		 {"dns.from_cache", counters.from_cache},
		{"dns.joined", counters.joined},	 {"dns.refused", counters.refused},
		{"dns.cache_entries", counters.entries}, {"dns.asking", counters.asking},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		(void)!IPC_SEND(to, CTL_COUNTER, ctl_counter, .request = request,
				.name = slice_str(rows[i].name), .value = (int64_t)rows[i].value);
	(void)!IPC_SEND(to, CTL_DONE, ctl_done, .request = request);
}

static void
dns_receive(void *ctx, struct ipc_channel *from, struct ipc_message *message)
{
	struct state *state = ctx;

	if (message->type == IPC_DNS_ASK)
		ask(state, from, &message->u.dns_ask);
	else if (message->type == IPC_CTL_STATUS)
		status_send(state, from, message->u.ctl_status.request);
}

static void
dns_channel_closed(void *ctx, struct ipc_channel *channel)
{
	struct state *state = ctx;
	struct list_node *next;

	for (struct list_node *node = list_first(&state->requests); node; node = next) {
		struct request *request = CONTAINER_OF(node, struct request, node);

		next = list_next(&state->requests, node);
		if (request->channel == channel)
			request_free(request);
	}
}

/* Nobody's mail is in here. */
static void
dns_stop(void *ctx)
{
	struct state *state = ctx;

	boot_stopped(state->boot);
}

static void
dns_destroy(void **ret_state)
{
	struct state *state = *ret_state;
	struct list_node *node;

	while ((node = list_first(&state->requests)))
		request_free(CONTAINER_OF(node, struct request, node));
	dns_lookups_destroy(&state->lookups);
	resolver_destroy(&state->resolver);
	mem_give(rt_mem(state->boot->rt), state, sizeof(*state));
	*ret_state = NULL;
}

const struct boot_process dns_process = {
	.role = IPC_ROLE_DNS,
	.create = dns_create,
	.channel_closed = dns_channel_closed,
	.receive = dns_receive,
	.file = dns_file,
	.reload = dns_reload,
	.stop = dns_stop,
	.destroy = dns_destroy,
};
