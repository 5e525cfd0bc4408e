/*
 * check: rules over the whole configuration, one row each: a test, a level, the options that it is
 * about, a sentence that says what to do. And the problem list itself.
 */
#include "base/assert.h"
#include "wire/conf/host.h"
#include "wire/conf/parse.h"
#include "wire/smtp/address.h"

void
conf_problem_add(struct arena *arena, struct conf_problems *problems,
		 const struct conf_problem *problem)
{
	size_t at;

	if (!problem->warning)
		problems->errors++;
	if (problems->count == CONF_PROBLEMS_MAX)
		return;
	/* In the order of the file; what has no line comes last. */
	at = problems->count++;
	for (; at > 0 && problems->items[at - 1].line - 1 > problem->line - 1; at--)
		problems->items[at] = problems->items[at - 1];
	problems->items[at] = *problem;
	problems->items[at].text = arena_keep(arena, problem->text);
}

static bool
hostname_missing(const struct config *c)
{
	return c->hostname.len == 0;
}

static bool
hostname_wrong(const struct config *c)
{
	return c->hostname.len && !conf_full_name_is_valid(c->hostname);
}

static bool
helo_wrong(const struct config *c)
{
	return c->helo.len && !conf_full_name_is_valid(c->helo);
}

static bool
no_listener(const struct config *c)
{
	return c->listener_count == 0;
}

static bool
certificate_without_key(const struct config *c)
{
	return (c->tls_certificate.len == 0) != (c->tls_key.len == 0);
}

static bool
address_wrong(struct slice text, enum net_family family)
{
	struct net_addr addr;

	return text.len && (net_addr_parse(text, &addr) || addr.family != family);
}

static bool
source_address4_wrong(const struct config *c)
{
	return address_wrong(c->source_address4, NET_FAMILY_4);
}

static bool
source_address6_wrong(const struct config *c)
{
	return address_wrong(c->source_address6, NET_FAMILY_6);
}

static bool
smart_host_wrong(const struct config *c)
{
	struct conf_host host;

	return c->smart_host.len && conf_host_read(c->smart_host, &host) < 0;
}

static bool
login_without_password(const struct config *c)
{
	return (c->smart_host_login.len == 0) != (c->smart_host_password_file.len == 0);
}

static bool
login_without_smart_host(const struct config *c)
{
	return c->smart_host_login.len && !c->smart_host.len;
}

static bool
failure_copy_wrong(const struct config *c)
{
	uint8_t scratch[SMTP_LOCAL_MAX];
	struct smtp_address address;

	return c->failure_copy.len && smtp_address_parse(c->failure_copy, scratch, &address) < 0;
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

/* The options that a rule is about: it stands where the first one does that is there, and keeps
 * quiet when one of them is bad already. */
#define RULE_OPTIONS_MAX 2
#define ABOUT(...)                                                                                 \
	{                                                                                          \
		__VA_ARGS__                                                                        \
	}

static const struct {
	bool (*holds)(const struct config *);
	bool warning;
	const char *options[RULE_OPTIONS_MAX];
	const char *text;
} rules[] = {
	{hostname_missing, false, ABOUT("hostname"),
	 "hostname is missing: expected `hostname mail.example.com`, the name that reverse DNS "
	 "gives for this server"},
	{hostname_wrong, false, ABOUT("hostname"),
	 "hostname: expected a full DNS name of letters, digits and hyphens, such as "
	 "mail.example.com"},
	{helo_wrong, false, ABOUT("helo"),
	 "helo: expected a full DNS name of letters, digits and hyphens, such as "
	 "mail.example.com"},
	{no_listener, false, ABOUT(NULL),
	 "no listener: expected at least one block `listener NAME { address 0.0.0.0:25 }`"},
	{certificate_without_key, false, ABOUT("tls-certificate", "tls-key"),
	 "tls-certificate and tls-key belong together: expected both or none"},
	{source_address4_wrong, false, ABOUT("source-address-4"),
	 "source-address-4: expected an IPv4 address without port"},
	{source_address6_wrong, false, ABOUT("source-address-6"),
	 "source-address-6: expected an IPv6 address without port"},
	{smart_host_wrong, false, ABOUT("smart-host"),
	 "smart-host: expected a host name or an address, with a port or without: "
	 "relay.example.com, relay.example.com:587, [2001:db8::1]:587"},
	{failure_copy_wrong, false, ABOUT("failure-copy"),
	 "failure-copy: expected one mail address, such as postmaster@example.com"},
	{relays_for_anybody, false, ABOUT("relay-trusted"),
	 "relay-trusted holds everybody: this would be an open relay; expected your own networks"},
	{no_schedule, false, ABOUT("retry-schedule"), "retry-schedule: expected at least one time"},
	{login_without_password, false, ABOUT("smart-host-login", "smart-host-password-file"),
	 "smart-host-login and smart-host-password-file belong together: expected both or none"},
	{password_in_the_clear, false, ABOUT("tls-out", "smart-host-login"),
	 "smart-host-login with tls-out off would send the password in the clear: expected tls-out "
	 "opportunistic"},
	{login_without_smart_host, true, ABOUT("smart-host-login", "smart-host"),
	 "smart-host-login is used for nothing: there is no smart-host"},
	{relays_for_many, true, ABOUT("relay-trusted"),
	 "relay-trusted holds a very large network: whoever is in it can send in your name; name "
	 "your own networks"},
	{lab_port, true, ABOUT("smtp-out-port"),
	 "smtp-out-port is not 25: for a lab only; mail to other servers goes to port 25"},
	{lab_loopback, true, ABOUT("allow-loopback-destinations"),
	 "allow-loopback-destinations is on: for a lab only; mail loops become possible"},
	{lab_zone, true, ABOUT("zone-file"), "zone-file answers all DNS questions: for a lab only"},
	{short_lifetime, true, ABOUT("lifetime"),
	 "lifetime is under 4 days: mail to a server that is down over a weekend would come back "
	 "(RFC 5321 4.5.4.1)"},
	{notice_after_lifetime, true, ABOUT("delay-notice-after", "lifetime"),
	 "delay-notice-after is not less than lifetime: no notice will be sent"},
	{sandbox_off, true, ABOUT("sandbox"),
	 "sandbox is off: a taken-over process could do more harm; use a kernel with Landlock and "
	 "seccomp"},
};

/* About a listener; index is its number. */
static bool
without_address(const struct config *c, size_t index)
{
	return c->listeners[index].address.count == 0;
}

/* Whether an address and port stands in the list before its item number end; port 0 (any free one)
 * never clashes. */
static bool
address_is_in(const struct config_addrs *list, size_t end, const struct net_addr *addr)
{
	for (size_t i = 0; i < end; i++)
		if (addr->port && list->items[i].port == addr->port &&
		    net_addr_eq(&list->items[i], addr))
			return true;
	return false;
}

static bool
address_twice(const struct config *c, size_t index)
{
	const struct config_addrs *own = &c->listeners[index].address;

	for (size_t i = 0; i < own->count; i++) {
		if (address_is_in(own, i, &own->items[i]))
			return true;
		for (size_t j = 0; j < index; j++)
			if (address_is_in(&c->listeners[j].address, c->listeners[j].address.count,
					  &own->items[i]))
				return true;
	}
	return false;
}

static bool
submission_without_tls(const struct config *c, size_t index)
{
	return c->listeners[index].kind != CONFIG_KIND_MX && c->tls_certificate.len == 0;
}

static const struct {
	bool (*holds)(const struct config *, size_t index);
	const char *option;	  /* of the listener */
	const char *other_option; /* a global one, or NULL */
	const char *text;	  /* follows the listener's name */
} listener_rules[] = {
	{without_address, "address", NULL, " has no address: expected `address 192.0.2.1:25`"},
	{address_twice, "address", NULL,
	 " has an address and port that another one has, too: give each its own"},
	{submission_without_tls, "kind", "tls-certificate",
	 " needs TLS, which submission never goes without: expected tls-certificate and tls-key"},
};

static const struct conf_place *
place_find(const struct conf_place *places, struct conf_options options, const char *name)
{
	const struct conf_option *option = conf_option_find(options, slice_str(name));

	ASSERT(option);
	return &places[option - options.rows];
}

struct conf_problem
conf_problem_about(const struct conf_problems *problems, const char *option)
{
	const struct conf_place *place;

	if (!problems->places)
		return (struct conf_problem){0};
	place = place_find(problems->places->options, conf_global_options, option);
	return (struct conf_problem){.line = place->line, .column = place->column};
}

static void
rule_check(struct arena *arena, const struct config *config, const struct conf_places *places,
	   struct conf_problems *problems, size_t rule)
{
	struct conf_problem found = {.warning = rules[rule].warning,
				     .text = slice_str(rules[rule].text)};

	if (!rules[rule].holds(config))
		return;
	for (size_t i = 0; i < RULE_OPTIONS_MAX && rules[rule].options[i]; i++) {
		const struct conf_place *place =
			place_find(places->options, conf_global_options, rules[rule].options[i]);

		if (place->bad)
			return;
		if (!found.line) {
			found.line = place->line;
			found.column = place->column;
		}
	}
	conf_problem_add(arena, problems, &found);
}

static void
listener_check(struct arena *arena, const struct config *config, const struct conf_places *places,
	       struct conf_problems *problems, size_t index)
{
	const struct conf_block_places *block = &places->listeners[index];

	for (size_t i = 0; i < sizeof(listener_rules) / sizeof(listener_rules[0]); i++) {
		const char *other = listener_rules[i].other_option;
		const struct conf_place *place =
			place_find(block->options, conf_listener_options, listener_rules[i].option);
		struct builder b;

		if (block->head.bad || place->bad || !listener_rules[i].holds(config, index) ||
		    (other && place_find(places->options, conf_global_options, other)->bad))
			continue;
		if (!place->line)
			place = &block->head;
		builder_init_arena(&b, arena, CONFIG_VALUE_MAX);
		builder_str(&b, "listener ");
		builder_add(&b, config->listeners[index].name);
		builder_str(&b, listener_rules[i].text);
		conf_problem_add(arena, problems,
				 &(struct conf_problem){place->line, place->column, false,
							builder_slice(&b)});
	}
}

void
conf_check(struct arena *arena, const struct config *config, const struct conf_places *places,
	   struct conf_problems *problems)
{
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		rule_check(arena, config, places, problems, i);
	for (size_t i = 0; i < config->listener_count; i++)
		listener_check(arena, config, places, problems, i);
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
