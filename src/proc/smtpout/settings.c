/*
 * smtpout settings: the options of the configuration that matter here, checked and in the form in
 * which they are used. What super let pass and is no address after all is as if it were not set.
 */
#include <string.h>

#include "proc/smtpout/smtpout.h"
#include "rule/route/mx.h"
#include "wire/conf/host.h"

#define SETTINGS_ARENA_BYTES ((size_t)8192)

static struct net_addr
addr_of(struct slice text)
{
	struct net_addr addr = {0};

	if (text.len == 0 || net_addr_parse(text, &addr) < 0)
		return (struct net_addr){0};
	return addr;
}

static void
smart_host_read(struct smtpout_settings *s, struct slice text)
{
	struct conf_host host;

	s->smart_port = s->port;
	if (text.len == 0 || conf_host_read(text, &host) < 0)
		return;
	if (host.port)
		s->smart_port = host.port;
	s->smart_addr = host.addr;
	if (host.addr.family != NET_FAMILY_NONE)
		s->smart_addr.port = s->smart_port;
	s->smart_host = arena_keep(&s->arena, host.text);
}

static void
limits_read(struct smtpout_settings *s, const struct config *config)
{
	smtp_client_limits_default(s->limit_ms);
	s->limit_ms[SMTP_CLIENT_STAGE_GREETING] = (uint32_t)config->out_greeting;
	s->limit_ms[SMTP_CLIENT_STAGE_HELLO] = (uint32_t)config->out_command;
	s->limit_ms[SMTP_CLIENT_STAGE_LOGIN] = (uint32_t)config->out_command;
	s->limit_ms[SMTP_CLIENT_STAGE_SENDER] = (uint32_t)config->out_command;
	s->limit_ms[SMTP_CLIENT_STAGE_RECIPIENT] = (uint32_t)config->out_command;
	s->limit_ms[SMTP_CLIENT_STAGE_TLS] = (uint32_t)config->out_command;
	s->limit_ms[SMTP_CLIENT_STAGE_DATA] = (uint32_t)config->out_data;
	s->limit_ms[SMTP_CLIENT_STAGE_FINAL] = (uint32_t)config->out_final;
	s->limit_ms[SMTP_CLIENT_STAGE_QUIT] = SMTPOUT_QUIT_MS;
	s->connect_ms = (uint32_t)config->out_connect;
	s->block_ms = (uint32_t)config->out_block;
	s->family_delay_ms = (uint32_t)config->out_family_delay;
	s->idle_ms = (uint32_t)config->out_idle;
	s->dns_ms = (uint32_t)config->dns_timeout + SMTPOUT_DNS_GRACE_MS;
}

int
smtpout_settings_create(struct smtpout *out, struct smtpout_settings **ret_settings)
{
	const struct config *config = out->boot->config;
	struct smtpout_settings *s = MEM_NEW(out->mem, struct smtpout_settings);

	if (!s)
		return ERR_NO_MEMORY;
	s->mem = out->mem;
	s->ref_count = 1;
	arena_init(&s->arena, out->mem, SETTINGS_ARENA_BYTES);
	s->port = (uint16_t)config->smtp_out_port;
	s->helo = arena_keep(&s->arena, config->helo.len ? config->helo : config->hostname);
	s->login = arena_keep(&s->arena, config->smart_host_login);
	s->source4 = addr_of(config->source_address4);
	s->source6 = addr_of(config->source_address6);
	s->tls = config->tls_out == CONFIG_TLS_OUT_OPPORTUNISTIC;
	s->asked_max = MX_ASKING_MAX / (uint32_t)config->smtpout_processes;
	s->jobs_ahead = (uint32_t)config->destination_jobs_ahead;
	s->sessions_max = (uint32_t)config->outbound_connections_max;
	s->messages_max = (uint32_t)config->out_messages_max;
	smart_host_read(s, config->smart_host);
	limits_read(s, config);
	if (s->helo.len == 0)
		s->helo = SLICE("localhost");
	if (s->arena.failed) {
		smtpout_settings_unref(&s);
		return ERR_NO_MEMORY;
	}
	*ret_settings = s;
	return 0;
}

struct smtpout_settings *
smtpout_settings_ref(struct smtpout_settings *settings)
{
	settings->ref_count++;
	return settings;
}

void
smtpout_settings_unref(struct smtpout_settings **settings)
{
	struct smtpout_settings *s = *settings;

	*settings = NULL;
	if (!s || --s->ref_count > 0)
		return;
	arena_finish(&s->arena);
	mem_give(s->mem, s, sizeof(*s));
}
