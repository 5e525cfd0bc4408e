/*
 * check: rules over the whole configuration, one row each: a test, a level, a sentence that says
 * what to do. And the problem list itself.
 */
#include "wire/conf/option.h"
#include "wire/conf/parse.h"

void
conf_problem_add(struct arena *arena, struct conf_problems *problems,
		 const struct conf_problem *problem)
{
	if (!problem->warning)
		problems->errors++;
	if (problems->count == CONF_PROBLEMS_MAX)
		return;
	problems->items[problems->count] = *problem;
	problems->items[problems->count++].text = arena_keep(arena, problem->text);
}

static bool
hostname_missing(const struct config *c)
{
	return c->hostname.len == 0;
}

static bool
hostname_wrong(const struct config *c)
{
	struct slice rest = c->hostname;

	while (rest.data) {
		struct slice label = slice_cut(&rest, '.');

		if (label.len == 0 || label.len > 63 || label.data[0] == '-')
			return c->hostname.len > 0;
		for (size_t i = 0; i < label.len; i++)
			if (!ascii_is_alpha(label.data[i]) && !ascii_is_digit(label.data[i]) &&
			    label.data[i] != '-')
				return true;
	}
	return false;
}

static bool
no_listener(const struct config *c)
{
	return c->listener_count == 0;
}

static bool
listener_without_address(const struct config *c)
{
	for (size_t i = 0; i < c->listener_count; i++)
		if (c->listeners[i].address.count == 0)
			return true;
	return false;
}

/* How often this address and port is listened on; port 0 (any free one) never clashes. */
static size_t
address_uses(const struct config *c, const struct net_addr *addr)
{
	size_t uses = 0;

	for (size_t i = 0; i < c->listener_count; i++) {
		const struct config_addrs *list = &c->listeners[i].address;

		for (size_t j = 0; j < list->count; j++)
			uses += addr->port && list->items[j].port == addr->port &&
				net_addr_eq(&list->items[j], addr);
	}
	return uses;
}

static bool
address_twice(const struct config *c)
{
	for (size_t i = 0; i < c->listener_count; i++)
		for (size_t j = 0; j < c->listeners[i].address.count; j++)
			if (address_uses(c, &c->listeners[i].address.items[j]) > 1)
				return true;
	return false;
}

static bool
submission_without_tls(const struct config *c)
{
	for (size_t i = 0; i < c->listener_count; i++)
		if (c->listeners[i].kind != CONFIG_KIND_MX && c->tls_certificate.len == 0)
			return true;
	return false;
}

static bool
certificate_without_key(const struct config *c)
{
	return (c->tls_certificate.len == 0) != (c->tls_key.len == 0);
}

static bool
source_address_wrong(const struct config *c)
{
	struct net_addr addr;

	return (c->source_address4.len &&
		(net_addr_parse(c->source_address4, &addr) || addr.family != NET_FAMILY_4)) ||
	       (c->source_address6.len &&
		(net_addr_parse(c->source_address6, &addr) || addr.family != NET_FAMILY_6));
}

static bool
relays_for_anybody(const struct config *c)
{
	for (size_t i = 0; i < c->relay_trusted.count; i++)
		if (c->relay_trusted.items[i].bits == 0)
			return true;
	return false;
}

static bool
relays_for_many(const struct config *c)
{
	for (size_t i = 0; i < c->relay_trusted.count; i++) {
		const struct net_cidr *net = &c->relay_trusted.items[i];

		if (!net_addr_is_loopback(&net->base) && net->bits > 0 &&
		    net->bits < (net->base.family == NET_FAMILY_4 ? 16 : 32))
			return true;
	}
	return false;
}

static bool
lab_port(const struct config *c)
{
	return c->smtp_out_port != 25;
}

static bool
lab_loopback(const struct config *c)
{
	return c->allow_loopback_destinations;
}

static bool
lab_zone(const struct config *c)
{
	return c->zone_file.len > 0;
}

static bool
short_lifetime(const struct config *c)
{
	return c->lifetime < (uint64_t)4 * 86400 * 1000;
}

static bool
notice_after_lifetime(const struct config *c)
{
	return c->delay_notice == CONFIG_DELAY_AFTER && c->delay_notice_after >= c->lifetime;
}

static bool
password_in_the_clear(const struct config *c)
{
	return c->smart_host_login.len && c->tls_out == CONFIG_TLS_OUT_OFF;
}

static bool
no_schedule(const struct config *c)
{
	return c->retry_schedule.count == 0;
}

static bool
sandbox_off(const struct config *c)
{
	return c->sandbox == CONFIG_SANDBOX_OFF;
}

static const struct {
	bool (*holds)(const struct config *);
	bool warning;
	const char *text;
} rules[] = {
	{hostname_missing, false,
	 "hostname is missing: expected `hostname mail.example.com`, the name that reverse DNS "
	 "gives for this server"},
	{hostname_wrong, false,
	 "hostname: expected a full DNS name of letters, digits and hyphens"},
	{no_listener, false,
	 "no listener: expected at least one block `listener NAME { address 0.0.0.0:25 }`"},
	{listener_without_address, false,
	 "a listener has no address: expected `address 192.0.2.1:25`"},
	{address_twice, false, "two listeners share an address and port: give each its own"},
	{submission_without_tls, false,
	 "a submission listener needs TLS: expected tls-certificate and tls-key"},
	{certificate_without_key, false,
	 "tls-certificate and tls-key belong together: expected both or none"},
	{source_address_wrong, false,
	 "source-address-4 or source-address-6: expected an address of that family without port"},
	{relays_for_anybody, false,
	 "relay-trusted holds everybody: this would be an open relay; expected your own networks"},
	{no_schedule, false, "retry-schedule: expected at least one time"},
	{password_in_the_clear, false,
	 "smart-host-login with tls-out off would send the password in the clear: expected tls-out "
	 "opportunistic"},
	{relays_for_many, true,
	 "relay-trusted holds a very large network: whoever is in it can send in your name; name "
	 "your own networks"},
	{lab_port, true,
	 "smtp-out-port is not 25: for a lab only; mail to other servers goes to port 25"},
	{lab_loopback, true,
	 "allow-loopback-destinations is on: for a lab only; mail loops become possible"},
	{lab_zone, true, "zone-file answers all DNS questions: for a lab only"},
	{short_lifetime, true,
	 "lifetime is under 4 days: mail to a server that is down over a weekend would come back "
	 "(RFC 5321 4.5.4.1)"},
	{notice_after_lifetime, true,
	 "delay-notice-after is not less than lifetime: no notice will be sent"},
	{sandbox_off, true,
	 "sandbox is off: a taken-over process could do more harm; use a kernel with Landlock and "
	 "seccomp"},
};

void
conf_check(struct arena *arena, const struct config *config, struct conf_problems *problems)
{
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (rules[i].holds(config))
			conf_problem_add(arena, problems,
					 &(struct conf_problem){0, 0, rules[i].warning,
								slice_str(rules[i].text)});
}

void
conf_problems_write(struct builder *b, struct slice file, const struct conf_problems *problems)
{
	for (size_t i = 0; i < problems->count; i++) {
		const struct conf_problem *p = &problems->items[i];

		builder_add(b, file);
		if (p->line) {
			builder_byte(b, ':');
			builder_dec(b, p->line);
			builder_byte(b, ':');
			builder_dec(b, p->column);
		}
		builder_str(b, p->warning ? ": warning: " : ": error: ");
		builder_add(b, p->text);
		builder_byte(b, '\n');
	}
}

/* Both values are written, since a list may be longer than any buffer here; then the other one is
 * taken back. */
static bool
is_same(struct builder *b, const struct conf_option *option, const void *holder, const void *other)
{
	size_t start = b->len, middle;
	bool same;

	conf_value_write(b, option, holder);
	middle = b->len;
	conf_value_write(b, option, other);
	same = slice_eq(slice_sub(builder_slice(b), start, middle - start),
			slice_from(builder_slice(b), middle));
	if (!b->failed)
		b->len = start;
	return same;
}

static void
options_show(struct builder *b, struct conf_options options, const void *holder, const void *other)
{
	for (size_t i = 0; i < options.count; i++) {
		if (other && is_same(b, &options.rows[i], holder, other))
			continue;
		if (options.rows == conf_listener_options.rows)
			builder_byte(b, '\t');
		builder_str(b, options.rows[i].name);
		builder_byte(b, ' ');
		conf_value_write(b, &options.rows[i], holder);
		builder_byte(b, '\n');
	}
}

void
conf_show(struct builder *b, const struct config *config, const struct config *defaults)
{
	options_show(b, conf_global_options, config, defaults);
	for (size_t i = 0; i < config->listener_count; i++) {
		builder_str(b, "listener ");
		builder_add(b, config->listeners[i].name);
		builder_str(b, " {\n");
		options_show(b, conf_listener_options, &config->listeners[i], NULL);
		builder_str(b, "}\n");
	}
}
