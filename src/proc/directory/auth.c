/*
 * directory/auth: an exchange is a row of the mechanisms' table and a state; each message of the
 * client goes to the function of the state, in auth_password.c and auth_scram.c.
 */
#include <string.h>

#include "base/assert.h"
#include "proc/directory/auth_impl.h"
#include "tls/crypto.h"

static const struct mechanism mechanisms[] = {
	{SLICE("PLAIN"), auth_plain_first, SLICE(""), false},
	{SLICE("LOGIN"), auth_login_first, SLICE("Username:"), false},
	{SLICE("SCRAM-SHA-256"), auth_scram_first, SLICE(""), false},
	{SLICE("SCRAM-SHA-256-PLUS"), auth_scram_first, SLICE(""), true},
};

int
auth_create(const struct auth_options *options, struct auth **ret_auth)
{
	struct mem *mem = rt_mem(options->rt);
	struct auth *auth = MEM_NEW(mem, struct auth);
	uint8_t random[PASSWORD_RANDOM_LEN], nobody[DB_KEY_LEN];
	struct db_password fake;
	struct builder b;
	uint64_t key[2];
	char text[2 * DB_KEY_LEN];
	int err;

	if (!auth)
		return ERR_NO_MEMORY;
	auth->options = *options;
	rt_random(options->rt, key, sizeof(key));
	rt_random(options->rt, random, sizeof(random));
	rt_random(options->rt, nobody, sizeof(nobody));
	map_init(&auth->exchanges, mem, key);
	list_init(&auth->waiting);
	list_init(&auth->all);
	/* A password that nobody can know, hashed like any other. */
	builder_init_fixed(&b, text, sizeof(text));
	builder_hex(&b, slice_of(nobody, sizeof(nobody)));
	err = password_make(builder_slice(&b), random, &fake);
	rt_random(options->rt, random, sizeof(random));
	if (err == 0)
		err = db_directory_secret(options->names->db, random, auth->secret);
	if (err < 0) {
		map_finish(&auth->exchanges);
		mem_give(mem, auth, sizeof(*auth));
		return err;
	}
	memcpy(auth->fake_crypt, fake.crypt, sizeof(auth->fake_crypt));
	*ret_auth = auth;
	return 0;
}

static void
exchange_free(struct exchange *exchange)
{
	struct auth *auth = exchange->auth;
	struct mem *mem = rt_mem(auth->options.rt);

	if (exchange->check)
		auth_check_abort(exchange->check);
	rt_timer_finish(&exchange->deadline);
	map_remove(&auth->exchanges, &exchange->by_peer);
	list_remove(&exchange->node);
	if (exchange->scram)
		mem_give(mem, exchange->scram, sizeof(*exchange->scram));
	crypto_wipe(&exchange->password, sizeof(exchange->password));
	mem_give(mem, exchange, sizeof(*exchange));
	auth->exchange_count--;
}

void
auth_destroy(struct auth **auth)
{
	struct auth *a = *auth;
	struct list_node *node;

	if (!a)
		return;
	ASSERT(auth_busy(a) == 0);
	while ((node = list_first(&a->all)))
		exchange_free(CONTAINER_OF(node, struct exchange, node));
	map_finish(&a->exchanges);
	crypto_wipe(a->secret, sizeof(a->secret));
	mem_give(rt_mem(a->options.rt), a, sizeof(*a));
	*auth = NULL;
}

/* "mailbox@postoffice". */
static struct slice
login_build(const struct exchange *exchange, uint8_t buf[NAMES_LOGIN_MAX])
{
	struct builder b;

	builder_init_fixed(&b, buf, NAMES_LOGIN_MAX);
	if (exchange->known) {
		builder_str(&b, exchange->mailbox.mailbox);
		builder_byte(&b, '@');
		builder_str(&b, exchange->mailbox.postoffice);
	}
	return builder_slice(&b);
}

void
auth_finish(struct exchange *exchange, enum auth_outcome outcome, const char *why)
{
	const struct auth_events *events = &exchange->auth->options.events;
	uint8_t buf[NAMES_LOGIN_MAX];
	struct slice login = login_build(exchange, buf);
	struct auth_peer peer = exchange->peer;
	struct log_line line;

	log_begin(&line, exchange->auth->options.log,
		  outcome == AUTH_OUTCOME_OK ? EVENT_auth_good : EVENT_auth_refused);
	log_text(&line, "sess", slice_of(exchange->session, exchange->session_len));
	log_addr(&line, "client", &exchange->client);
	log_text(&line, "mechanism", exchange->mechanism->name);
	log_text(&line, "login", login);
	if (outcome != AUTH_OUTCOME_OK)
		log_text(&line, "why", slice_str(why));
	log_end(&line);
	exchange_free(exchange);
	events->result(events->ctx, &peer, outcome, login);
}

void
auth_challenge(struct exchange *exchange, struct slice text, step_fn *next)
{
	const struct auth_events *events = &exchange->auth->options.events;

	exchange->step = next;
	rt_timer_arm(&exchange->deadline, AUTH_EXCHANGE_MS);
	events->challenge(events->ctx, &exchange->peer, text);
}

bool
auth_user_find(struct exchange *exchange, struct slice name)
{
	int err = names_login(exchange->auth->options.names, name, &exchange->mailbox,
			      &exchange->password);

	exchange->known = err == 0;
	if (err == 0 || err == ERR_NOT_FOUND)
		return true;
	auth_finish(exchange, AUTH_OUTCOME_LATER, "the database does not answer");
	return false;
}

static void
key_build(const struct auth_peer *peer, uint8_t key[PEER_KEY_LEN])
{
	memcpy(key, &peer->asker, sizeof(peer->asker));
	memcpy(key + sizeof(peer->asker), &peer->request, sizeof(peer->request));
}

static bool
peer_matches(const struct map_node *node, struct slice key)
{
	const struct exchange *exchange = CONTAINER_OF(node, struct exchange, by_peer);

	return slice_eq(slice_of(exchange->key, PEER_KEY_LEN), key);
}

static struct exchange *
exchange_find(struct auth *auth, const struct auth_peer *peer)
{
	uint8_t key[PEER_KEY_LEN];
	struct map_node *node;

	key_build(peer, key);
	node = map_find(&auth->exchanges, slice_of(key, PEER_KEY_LEN), peer_matches);
	return node ? CONTAINER_OF(node, struct exchange, by_peer) : NULL;
}

static void
deadline_passed(void *ctx)
{
	struct exchange *exchange = ctx;

	auth_finish(exchange, AUTH_OUTCOME_LATER, "took too long");
}

static const struct mechanism *
mechanism_find(struct slice name)
{
	for (size_t i = 0; i < sizeof(mechanisms) / sizeof(mechanisms[0]); i++)
		if (slice_eq_nocase(mechanisms[i].name, name))
			return &mechanisms[i];
	return NULL;
}

static struct net_addr
network_of(const struct auth *auth, const struct net_addr *client)
{
	const struct auth_limits *limits = &auth->options.limits;
	struct net_addr addr = net_addr_unmap(client);

	return net_addr_masked(&addr, addr.family == NET_FAMILY_4 ? limits->network_bits4
								  : limits->network_bits6);
}

/* An exchange costs a stranger nothing but a connection: no network may have them all. */
static bool
network_has_room(const struct auth *auth, const struct net_addr *client)
{
	struct net_addr network = network_of(auth, client);
	unsigned count = 0;

	for (struct list_node *node = list_first(&auth->all); node;
	     node = list_next(&auth->all, node))
		if (net_addr_eq(&CONTAINER_OF(node, struct exchange, node)->network, &network))
			count++;
	return count < AUTH_EXCHANGES_NETWORK_MAX;
}

static void
begin_refused_log(const struct auth *auth, const struct auth_begin *begin)
{
	struct log_line line;

	log_begin(&line, auth->options.log, EVENT_auth_refused);
	log_text(&line, "sess", begin->session);
	log_addr(&line, "client", &begin->client);
	log_text(&line, "mechanism", begin->mechanism);
	log_text(&line, "why", SLICE("too many logins at once"));
	log_end(&line);
}

static struct exchange *
exchange_create(struct auth *auth, const struct auth_peer *peer, const struct auth_begin *begin)
{
	struct exchange *exchange = NULL;

	if (begin->binding_type.len > sizeof(exchange->binding_type) ||
	    begin->binding.len > sizeof(exchange->binding))
		return NULL;
	if (auth->exchange_count < AUTH_EXCHANGES_MAX && network_has_room(auth, &begin->client))
		exchange = MEM_NEW(rt_mem(auth->options.rt), struct exchange);
	if (!exchange)
		return NULL;
	exchange->auth = auth;
	exchange->peer = *peer;
	exchange->client = begin->client;
	exchange->network = network_of(auth, &begin->client);
	key_build(peer, exchange->key);
	if (begin->binding_type.len)
		memcpy(exchange->binding_type, begin->binding_type.data, begin->binding_type.len);
	if (begin->binding.len)
		memcpy(exchange->binding, begin->binding.data, begin->binding.len);
	exchange->session_len = slice_sub(begin->session, 0, AUTH_SESSION_MAX).len;
	if (exchange->session_len)
		memcpy(exchange->session, begin->session.data, exchange->session_len);
	exchange->binding_type_len = begin->binding_type.len;
	exchange->binding_len = begin->binding.len;
	if (map_insert(&auth->exchanges, &exchange->by_peer,
		       slice_of(exchange->key, PEER_KEY_LEN)) < 0) {
		mem_give(rt_mem(auth->options.rt), exchange, sizeof(*exchange));
		return NULL;
	}
	rt_timer_init(&exchange->deadline, auth->options.rt, deadline_passed, exchange);
	list_push_back(&auth->all, &exchange->node);
	auth->exchange_count++;
	return exchange;
}

void
auth_begin(struct auth *auth, const struct auth_peer *peer, const struct auth_begin *begin)
{
	const struct auth_events *events = &auth->options.events;
	const struct mechanism *mechanism = mechanism_find(begin->mechanism);
	struct exchange *exchange;

	auth_abort(auth, peer);
	if (!mechanism || (mechanism->plus && begin->binding_type.len == 0)) {
		events->result(events->ctx, peer, AUTH_OUTCOME_UNSUPPORTED, SLICE_EMPTY);
		return;
	}
	exchange = exchange_create(auth, peer, begin);
	if (!exchange) {
		begin_refused_log(auth, begin);
		events->result(events->ctx, peer, AUTH_OUTCOME_LATER, SLICE_EMPTY);
		return;
	}
	exchange->mechanism = mechanism;
	rt_timer_arm(&exchange->deadline, AUTH_EXCHANGE_MS);
	if (begin->has_initial)
		mechanism->first(exchange, begin->initial);
	else
		auth_challenge(exchange, mechanism->invitation, mechanism->first);
}

void
auth_step(struct auth *auth, const struct auth_peer *peer, struct slice response)
{
	const struct auth_events *events = &auth->options.events;
	struct exchange *exchange = exchange_find(auth, peer);
	step_fn *step = exchange ? exchange->step : NULL;

	if (step) {
		exchange->step = NULL;
		step(exchange, response);
	} else if (exchange) {
		auth_finish(exchange, AUTH_OUTCOME_SYNTAX, "speaks out of turn");
	} else {
		events->result(events->ctx, peer, AUTH_OUTCOME_LATER, SLICE_EMPTY);
	}
}

void
auth_abort(struct auth *auth, const struct auth_peer *peer)
{
	struct exchange *exchange = exchange_find(auth, peer);

	if (exchange)
		exchange_free(exchange);
}

void
auth_abort_all(struct auth *auth, const void *asker)
{
	struct list_node *next;

	for (struct list_node *node = list_first(&auth->all); node; node = next) {
		struct exchange *exchange = CONTAINER_OF(node, struct exchange, node);

		next = list_next(&auth->all, node);
		if (exchange->peer.asker == asker)
			exchange_free(exchange);
	}
}

void
auth_set_limits(struct auth *auth, const struct auth_limits *limits)
{
	auth->options.limits = *limits;
}

size_t
auth_busy(const struct auth *auth)
{
	return auth->running + auth->waiting_count;
}

size_t
auth_exchanges(const struct auth *auth)
{
	return auth->exchange_count;
}
