/*
 * service: a listener's configuration in the form that its sessions use. It owns its texts, since
 * the configuration it came from goes away with the next reload.
 */
#include <string.h>

#include "base/assert.h"
#include "proc/smtpin/smtpin.h"

/* RFC 5321 4.5.3.1.6: a text line with its CRLF. */
#define TEXT_LINE_MAX 1000u

static void
set_smtp(struct service *service, const struct config *config,
	 const struct config_listener *listener, bool has_tls)
{
	bool submission = listener->kind != CONFIG_KIND_MX;
	uint64_t header_max = config->header_size_max;

	/* The header block is looked at in memory. */
	if (header_max > config->body_memory_max)
		header_max = config->body_memory_max;
	service->smtp = (struct smtp_server_options){
		.hostname = slice_of(service->hostname, config->hostname.len),
		.starttls = has_tls && listener->kind != CONFIG_KIND_SUBMISSIONS,
		.auth_required = submission,
		.size_max = config->message_size_max,
		.header_max = (uint32_t)header_max,
		.line_max = TEXT_LINE_MAX,
		.received_max = (uint32_t)config->received_max,
		.recipients_max = (uint32_t)config->recipients_max,
		.mails_max = (uint32_t)listener->messages_max,
		.commands_max = (uint32_t)listener->commands_max,
		.errors_max = (uint32_t)listener->errors_max,
		.logins_max = (uint32_t)listener->login_failures_max,
		.command_ms = (uint32_t)listener->time_command,
		.login_ms = (uint32_t)listener->time_login,
		.data_ms = (uint32_t)listener->time_data,
		.message_ms = (uint32_t)listener->time_message,
	};
	if (!submission)
		return;
	service->smtp.auth_mechanisms = SLICE("PLAIN LOGIN SCRAM-SHA-256");
	service->smtp.auth_mechanisms_plus = SLICE("SCRAM-SHA-256-PLUS");
}

struct service *
service_create(struct mem *mem, const struct config *config, const struct config_listener *listener,
	       bool has_tls)
{
	struct service *service = MEM_NEW(mem, struct service);

	ASSERT(listener->name.len <= sizeof(service->name));
	ASSERT(config->hostname.len <= sizeof(service->hostname));
	if (!service)
		return NULL;
	service->refs = 1;
	service->mem = mem;
	service->name_len = (uint8_t)listener->name.len;
	if (listener->name.len)
		memcpy(service->name, listener->name.data, listener->name.len);
	if (config->hostname.len)
		memcpy(service->hostname, config->hostname.data, config->hostname.len);
	service->kind = (enum config_kind)listener->kind;
	service->limits.connections_max = (uint32_t)listener->connections_per_network;
	service->limits.per_minute_max = (uint32_t)listener->connection_rate;
	service->login_ms = listener->time_login;
	service->session_ms = listener->time_session;
	set_smtp(service, config, listener, has_tls);
	return service;
}

struct service *
service_ref(struct service *service)
{
	service->refs++;
	return service;
}

void
service_unref(struct service **service)
{
	struct service *old = *service;

	*service = NULL;
	if (!old)
		return;
	ASSERT(old->refs > 0);
	if (--old->refs == 0)
		mem_give(old->mem, old, sizeof(*old));
}
