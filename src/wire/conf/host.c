/*
 * host: on the grammar of domain names that SMTP has (RFC 5321 4.1.2), with what an operator must
 * not write even so: a last label of digits is a broken IP address, never a name (RFC 3696 2).
 */
#include "wire/conf/host.h"

#include "wire/smtp/address.h"

static bool
name_is_valid(struct slice text)
{
	size_t dot = slice_rindex(text, '.');
	struct slice last = dot < text.len ? slice_from(text, dot + 1) : text;
	uint64_t number;

	return smtp_domain_is_valid(text) && !slice_to_u64(last, UINT64_MAX, &number);
}

int
conf_host_read(struct slice text, struct conf_host *ret_host)
{
	struct conf_host host = {.text = text};
	struct slice rest = text;
	uint64_t port;

	if (net_addr_parse_port(text, &host.addr) == 0) {
		host.port = host.addr.port;
	} else if (net_addr_parse(text, &host.addr) < 0) {
		host.addr = (struct net_addr){0};
		host.text = slice_cut(&rest, ':');
		if (!name_is_valid(host.text))
			return ERR_SYNTAX;
		if (rest.data && (!slice_to_u64(rest, UINT16_MAX, &port) || port == 0))
			return ERR_SYNTAX;
		host.port = rest.data ? (uint16_t)port : 0;
	}
	*ret_host = host;
	return 0;
}

bool
conf_full_name_is_valid(struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.data[i] & 0x80)
			return false;
	return name_is_valid(text) && slice_index(text, '.') < text.len;
}
