/*
 * resolver/unbound: libunbound as a backend. Its thread resolves and validates; the loop watches
 * its descriptor and takes the answers. What it answers is read by wire/dns like any packet, so
 * that rcodes, TTLs and CNAME chains are the real ones. Root keys: those that IANA
 * publishes, KSK-2017 and KSK-2024.
 */
#include "resolver/unbound.h"

#include <string.h>

#include <unbound.h>

#include "base/assert.h"
#include "wire/dns/name.h"
#include "wire/dns/packet.h"

#define CLASS_IN 1
#define WHY_MAX 256

struct resolver_unbound {
	struct rt *rt;
	struct ub_ctx *ctx;
	struct rt_watch *watch;
};

static const char *const root_keys[] = {
	". IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D",
	". IN DS 38696 8 2 683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16",
};

static const char *const settings[][2] = {
	{"use-syslog:", "no"},
	{"logfile:", ""},
	{"verbosity:", "0"},
	{"msg-cache-size:", "8m"},
	{"rrset-cache-size:", "16m"},
	{"cache-max-ttl:", "86400"},
	/* A resolver on this machine is the usual case. */
	{"do-not-query-localhost:", "no"},
};

static int
servers_set(struct ub_ctx *ctx, const struct resolver_options *options)
{
	char text[NET_ADDR_TEXT_MAX + 8];
	struct builder b;

	if (options->server_count == 0)
		return ub_ctx_resolvconf(ctx, NULL) == 0 ? 0 : ERR_DNS;
	for (size_t i = 0; i < options->server_count && i < RESOLVER_SERVERS_MAX; i++) {
		const struct net_addr *addr = &options->servers[i];

		builder_init_fixed(&b, text, sizeof(text));
		net_addr_format(&b, addr);
		builder_byte(&b, '@');
		builder_dec(&b, addr->port ? addr->port : 53);
		builder_byte(&b, 0);
		if (b.failed || ub_ctx_set_fwd(ctx, text) != 0)
			return ERR_DNS;
	}
	return 0;
}

static int
context_set_up(struct ub_ctx *ctx, const struct resolver_options *options)
{
	int err;

	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
		if (ub_ctx_set_option(ctx, settings[i][0], settings[i][1]) != 0)
			return ERR_DNS;
	for (size_t i = 0; options->validate && i < sizeof(root_keys) / sizeof(root_keys[0]); i++)
		if (ub_ctx_add_ta(ctx, root_keys[i]) != 0)
			return ERR_DNS;
	if (ub_ctx_async(ctx, 1) != 0)
		return ERR_DNS;
	err = servers_set(ctx, options);
	/* Test domains are served by test servers; a public resolver denies them all the same.
	 * After this nothing can be set any more. */
	if (!err && ub_ctx_zone_remove(ctx, "test.") != 0)
		err = ERR_DNS;
	return err;
}

static void
answers_ready(void *ctx, unsigned events)
{
	struct resolver_unbound *unbound = ctx;

	(void)events;
	(void)ub_process(unbound->ctx);
}

int
resolver_unbound_create(struct rt *rt, const struct resolver_options *options,
			struct resolver_unbound **ret_unbound)
{
	struct resolver_unbound *unbound = MEM_NEW(rt_mem(rt), struct resolver_unbound);
	int err = ERR_NO_MEMORY;

	if (!unbound)
		return err;
	unbound->rt = rt;
	unbound->ctx = ub_ctx_create();
	if (unbound->ctx)
		err = context_set_up(unbound->ctx, options);
	if (err == 0)
		err = rt_watch_create(rt,
				      &(struct rt_watch_options){.fd = ub_fd(unbound->ctx),
								 .events = RT_READABLE,
								 .fn = answers_ready,
								 .ctx = unbound},
				      &unbound->watch);
	if (err < 0)
		resolver_unbound_destroy(&unbound);
	else
		*ret_unbound = unbound;
	return err;
}

void
resolver_unbound_destroy(struct resolver_unbound **unbound)
{
	struct resolver_unbound *u = *unbound;

	if (!u)
		return;
	rt_watch_destroy(&u->watch);
	if (u->ctx)
		ub_ctx_delete(u->ctx);
	mem_give(rt_mem(u->rt), u, sizeof(*u));
	*unbound = NULL;
}

static void
answer_fail(struct resolver_query *query, enum dns_outcome outcome, const char *why)
{
	struct slice text = slice_str(why);

	query->answer = (struct dns_answer){
		.outcome = outcome,
		.ttl = RESOLVER_FAILURE_TTL_S,
		.why = arena_keep(&query->arena, slice_sub(text, 0, WHY_MAX)),
	};
}

/* What libunbound knows beside the packet: whether it validates, and why not. */
static void
answer_read(struct resolver_query *query, const struct ub_result *result)
{
	struct dns_packet packet;
	struct slice bytes = {result->answer_packet, (size_t)result->answer_len};
	int err;

	if (result->bogus) {
		answer_fail(query, DNS_BOGUS, result->why_bogus ? result->why_bogus : "");
		return;
	}
	err = dns_packet_parse(bytes, &query->arena, &packet);
	if (err == 0)
		err = dns_packet_answer(&packet, &query->arena, &query->answer);
	if (err < 0)
		answer_fail(query, DNS_SERVFAIL, err_str(err));
	query->answer.secure = err == 0 && result->secure;
}

static void
result_taken(void *ctx, int err, struct ub_result *result)
{
	struct resolver_query *query = ctx;

	if (err != 0 || !result || !result->answer_packet)
		answer_fail(query, DNS_SERVFAIL, err ? ub_strerror(err) : "no answer packet");
	else
		answer_read(query, result);
	ub_resolve_free(result);
	resolver_query_answered(query);
}

int
resolver_unbound_ask(struct resolver_unbound *unbound, struct resolver_query *query,
		     struct slice name, unsigned type)
{
	char text[DNS_NAME_TEXT_MAX + 2];
	struct builder b;
	int err;

	builder_init_fixed(&b, text, sizeof(text));
	builder_add(&b, dns_name_bare(name));
	builder_str(&b, ".");
	builder_byte(&b, 0);
	if (b.failed)
		return ERR_LIMIT;
	err = ub_resolve_async(unbound->ctx, text, (int)type, CLASS_IN, query, result_taken,
			       &query->async_id);
	return err == 0 ? 0 : err == UB_NOMEM ? ERR_NO_MEMORY : ERR_DNS;
}

void
resolver_unbound_cancel(struct resolver_unbound *unbound, struct resolver_query *query)
{
	/* An error means that the answer is on its way back through ub_process of this very turn,
	 * which has taken the query out already. */
	(void)ub_cancel(unbound->ctx, query->async_id);
}
