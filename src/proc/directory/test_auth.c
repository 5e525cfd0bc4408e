/*
 * directory/auth: whole exchanges of all mechanisms over a real database and real threads: right,
 * wrong, unknown, for somebody else, out of turn, aborted; unknown users cannot be told from
 * others.
 */
#include "proc/directory/auth.h"
#include "proc/directory/password.h"
#include "proc/directory/scram.h"
#include "rt/test_rt.h"
#include "tls/crypto.h"
#include "wire/text/base64.h"

static struct world {
	struct test_rt t;
	struct log *log;
	struct db_directory *db;
	struct names names;
	struct auth *auth;
	int null_fd;
	char path[128];
	bool many; /* of other numbers than 1, too */
	/* The last event. */
	unsigned challenges, results;
	char challenge[1200];
	enum auth_outcome outcome;
	char login[200];
} w;

static const struct auth_peer peer = {&w, 1};

static void
challenged(void *ctx, const struct auth_peer *from, struct slice challenge)
{
	(void)ctx;
	assert_true(w.many || from->request == 1);
	w.challenges++;
	snprintf(w.challenge, sizeof(w.challenge), "%.*s", SLICE_ARG(challenge));
}

static void
ended(void *ctx, const struct auth_peer *from, enum auth_outcome outcome, struct slice login)
{
	(void)ctx;
	assert_int_equal(from->request, 1);
	w.results++;
	w.outcome = outcome;
	snprintf(w.login, sizeof(w.login), "%.*s", SLICE_ARG(login));
	rt_stop(w.t.rt);
}

static void
mailbox_make(const char *name, const char *password)
{
	struct db_password p;
	uint8_t random[PASSWORD_RANDOM_LEN];

	rt_random(w.t.rt, random, sizeof(random));
	assert_int_equal(password_make(slice_str(password), random, &p), 0);
	assert_int_equal(db_mailbox_add(w.db, slice_str(name), SLICE("office"), &p), 0);
}

static void
world_begin(void)
{
	struct auth_options options;
	struct db_mailbox mailbox;
	struct db_password p;
	struct db_address address = {.local = SLICE("info"), .domain = SLICE("example.test")};

	memset(&w, 0, sizeof(w));
	test_rt_begin(&w.t);
	test_rt_folder(&w.t);
	snprintf(w.path, sizeof(w.path), "%s/x.db", w.t.path);
	w.null_fd = open("/dev/null", O_WRONLY);
	assert_int_equal(log_create(w.t.rt, "test", w.null_fd, &w.log), 0);
	assert_int_equal(db_directory_open(rt_mem(w.t.rt), w.path, &w.db), 0);
	assert_int_equal(db_postoffice_add(w.db, SLICE("office")), 0);
	assert_int_equal(db_domain_add(w.db, SLICE("example.test"), SLICE("office")), 0);
	mailbox_make("ann", "secret");
	assert_int_equal(db_mailbox_find(w.db, SLICE("ann"), SLICE("office"), &mailbox, &p), 0);
	address.mailbox_id = mailbox.id;
	assert_int_equal(db_address_add(w.db, &address), 0);
	w.names.db = w.db;
	options = (struct auth_options){
		w.t.rt, w.log, &w.names, {2, 24, 64}, {&w, challenged, ended}};
	assert_int_equal(auth_create(&options, &w.auth), 0);
}

static void
world_end(void)
{
	while (auth_busy(w.auth)) {
		rt_timer_arm(&w.t.guard, 5);
		rt_run(w.t.rt);
	}
	assert_int_equal(auth_exchanges(w.auth), 0);
	auth_destroy(&w.auth);
	db_directory_close(&w.db);
	log_destroy(&w.log);
	close(w.null_fd);
	test_rt_end(&w.t);
}

static void
begin(const char *mechanism, const char *initial, size_t len)
{
	struct auth_begin b = {.mechanism = slice_str(mechanism),
			       .has_initial = initial != NULL,
			       .initial = slice_of(initial, len)};

	auth_begin(w.auth, &peer, &b);
}

/* Waits for the result of what was begun. */
static void
wait(unsigned results)
{
	while (w.results < results)
		test_rt_run(&w.t);
	assert_int_equal(w.results, results);
}

#define TEXT_LEN(text) (text), sizeof(text) - 1

TEST(plain)
{
	static const struct {
		const char *message;
		size_t len;
		enum auth_outcome want;
		const char *login;
	} rows[] = {
		{TEXT_LEN("\0ann@office\0secret"), AUTH_OUTCOME_OK, "ann@office"},
		{TEXT_LEN("\0ANN@Office\0secret"), AUTH_OUTCOME_OK, "ann@office"},
		{TEXT_LEN("\0info@example.test\0secret"), AUTH_OUTCOME_OK, "ann@office"},
		{TEXT_LEN("ann@office\0ann@office\0secret"), AUTH_OUTCOME_OK, "ann@office"},
		{TEXT_LEN("\0ann@office\0Secret"), AUTH_OUTCOME_BAD, "ann@office"},
		{TEXT_LEN("\0ann@office\0"), AUTH_OUTCOME_BAD, "ann@office"},
		{TEXT_LEN("\0bob@office\0secret"), AUTH_OUTCOME_BAD, ""},
		{TEXT_LEN("\0ann\0secret"), AUTH_OUTCOME_BAD, ""},
		/* authzid is checked and never used as a login. */
		{TEXT_LEN("bob@office\0ann@office\0secret"), AUTH_OUTCOME_BAD, ""},
		{TEXT_LEN("ann@office\0bob@office\0secret"), AUTH_OUTCOME_BAD, ""},
		{TEXT_LEN(""), AUTH_OUTCOME_SYNTAX, ""},
		{TEXT_LEN("ann@office"), AUTH_OUTCOME_SYNTAX, ""},
		{TEXT_LEN("\0ann@office"), AUTH_OUTCOME_SYNTAX, ""},
		{TEXT_LEN("\0\0secret"), AUTH_OUTCOME_SYNTAX, ""},
		{TEXT_LEN("\0ann@office\0secret\0more"), AUTH_OUTCOME_SYNTAX, ""},
	};

	world_begin();
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		begin("PLAIN", rows[i].message, rows[i].len);
		wait(i + 1);
		assert_int_equal(w.outcome, rows[i].want);
		assert_string_equal(w.login, rows[i].login);
	}
	assert_int_equal(w.challenges, 0);
	/* Without an initial response, an empty challenge first. */
	begin("plain", NULL, 0);
	assert_int_equal(w.challenges, 1);
	assert_string_equal(w.challenge, "");
	auth_step(w.auth, &peer, SLICE("\0ann@office\0secret"));
	wait(sizeof(rows) / sizeof(rows[0]) + 1);
	assert_int_equal(w.outcome, AUTH_OUTCOME_OK);
	world_end();
}

TEST(login)
{
	world_begin();
	begin("LOGIN", NULL, 0);
	assert_string_equal(w.challenge, "Username:");
	auth_step(w.auth, &peer, SLICE("ann@office"));
	assert_string_equal(w.challenge, "Password:");
	auth_step(w.auth, &peer, SLICE("secret"));
	wait(1);
	assert_int_equal(w.outcome, AUTH_OUTCOME_OK);
	assert_string_equal(w.login, "ann@office");
	begin("LOGIN", TEXT_LEN("ann@office"));
	assert_string_equal(w.challenge, "Password:");
	auth_step(w.auth, &peer, SLICE("wrong"));
	wait(2);
	assert_int_equal(w.outcome, AUTH_OUTCOME_BAD);
	begin("LOGIN", TEXT_LEN("nobody@office"));
	auth_step(w.auth, &peer, SLICE("secret"));
	wait(3);
	assert_int_equal(w.outcome, AUTH_OUTCOME_BAD);
	world_end();
}

/* A client: answers the challenge in w.challenge with that password and channel. */
static void
scram_answer(const char *password, const char *bare, const char *bind_text)
{
	uint8_t salt[64], salted[32], key[32], stored[32], mac[32], auth[2000], final[1000];
	struct slice text = slice_str(w.challenge), nonce = slice_cut(&text, ',');
	struct slice salt64 = slice_from(slice_cut(&text, ','), 2);
	uint64_t iterations = 0;
	struct builder s, f, a;

	assert_true(slice_to_u64(slice_from(text, 2), 1000000, &iterations));
	builder_init_fixed(&s, salt, sizeof(salt));
	assert_int_equal(base64_decode(&s, salt64), 0);
	assert_int_equal(crypto_pbkdf2_sha256(slice_str(password), builder_slice(&s),
					      (uint32_t)iterations, salted),
			 0);
	assert_int_equal(crypto_hmac_sha256(slice_of(salted, 32), SLICE("Client Key"), key), 0);
	assert_int_equal(crypto_sha256(slice_of(key, 32), stored), 0);
	builder_init_fixed(&f, final, sizeof(final));
	builder_str(&f, "c=");
	base64_encode(&f, slice_str(bind_text));
	builder_str(&f, ",");
	builder_add(&f, nonce);
	builder_init_fixed(&a, auth, sizeof(auth));
	builder_str(&a, bare);
	builder_str(&a, ",");
	builder_str(&a, w.challenge);
	builder_str(&a, ",");
	builder_add(&a, builder_slice(&f));
	assert_int_equal(crypto_hmac_sha256(slice_of(stored, 32), builder_slice(&a), mac), 0);
	for (size_t i = 0; i < 32; i++)
		key[i] ^= mac[i];
	builder_str(&f, ",p=");
	base64_encode(&f, slice_of(key, 32));
	assert_false(f.failed || a.failed);
	auth_step(w.auth, &peer, builder_slice(&f));
}

TEST(scram)
{
	world_begin();
	begin("SCRAM-SHA-256", TEXT_LEN("n,,n=ann@office,r=abc"));
	assert_memory_equal(w.challenge, "r=abc", 5);
	scram_answer("secret", "n=ann@office,r=abc", "n,,");
	assert_int_equal(w.challenges, 2);
	assert_memory_equal(w.challenge, "v=", 2);
	auth_step(w.auth, &peer, SLICE_EMPTY);
	assert_int_equal(w.results, 1);
	assert_int_equal(w.outcome, AUTH_OUTCOME_OK);
	assert_string_equal(w.login, "ann@office");

	begin("SCRAM-SHA-256", TEXT_LEN("n,,n=ann@office,r=abc"));
	scram_answer("wrong", "n=ann@office,r=abc", "n,,");
	assert_int_equal(w.outcome, AUTH_OUTCOME_BAD);
	/* Somebody else's name in front, without initial response. */
	begin("SCRAM-SHA-256", NULL, 0);
	auth_step(w.auth, &peer, SLICE("n,a=bob@office,n=ann@office,r=abc"));
	assert_int_equal(w.results, 3);
	assert_int_equal(w.outcome, AUTH_OUTCOME_BAD);
	begin("SCRAM-SHA-256", TEXT_LEN("nonsense"));
	assert_int_equal(w.outcome, AUTH_OUTCOME_SYNTAX);
	world_end();
}

/* Two exchanges show the same salt, another name another one, and no password fits. */
TEST(scram_unknown)
{
	char first[200], second[200];

	world_begin();
	begin("SCRAM-SHA-256", TEXT_LEN("n,,n=nobody@office,r=abc"));
	snprintf(first, sizeof(first), "%s", strchr(w.challenge, ','));
	scram_answer("secret", "n=nobody@office,r=abc", "n,,");
	assert_int_equal(w.outcome, AUTH_OUTCOME_BAD);
	begin("SCRAM-SHA-256", TEXT_LEN("n,,n=NOBODY@office,r=xyz"));
	snprintf(second, sizeof(second), "%s", strchr(w.challenge, ','));
	assert_string_equal(first, second);
	begin("SCRAM-SHA-256", TEXT_LEN("n,,n=nobody2@office,r=xyz"));
	assert_string_not_equal(first, strchr(w.challenge, ','));
	assert_int_equal(strlen(first), strlen(strchr(w.challenge, ',')));
	begin("SCRAM-SHA-256", TEXT_LEN("n,,n=ann@office,r=xyz"));
	assert_int_equal(strlen(first), strlen(strchr(w.challenge, ',')));
	auth_abort(w.auth, &peer);
	world_end();
}

/* How a spelling is looked up does not tell whether it is somebody's. */
TEST(scram_spellings)
{
	static const struct {
		const char *one, *other;
		bool same;
	} rows[] = {
		{"nobody@example.test", "nobody@example.test.", true},
		{"nobody@example.test", "Nobody@EXAMPLE.test", true},
		{"nobody@example.test", "nobody@example.test\343\200\202", true},
		{"info@example.test", "info@example.test.", true},
		{"info@example.test", "info@example.test\343\200\202", true},
		{"info@example.test", "ann@office", true},
		{"nobody@office", "nobody@office.", true},
		{"ann@office", "ann@office.", true},
		{"nobody@b\303\274cher.test", "nobody@xn--bcher-kva.test", true},
		{"info@b\303\274cher.test", "INFO@xn--bcher-kva.test", true},
		{"nobody@-x", "nobody@-X", true},
		{"nobody@-x", "nobody@-x.", false},
		{"nobody", "NOBODY", true},
		{"nobody@example.test", "other@example.test", false},
	};
	char first[200], message[200];

	world_begin();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(message, sizeof(message), "n,,n=%s,r=abc", rows[i].one);
		begin("SCRAM-SHA-256", message, strlen(message));
		snprintf(first, sizeof(first), "%s", strchr(w.challenge, ','));
		snprintf(message, sizeof(message), "n,,n=%s,r=abc", rows[i].other);
		begin("SCRAM-SHA-256", message, strlen(message));
		if (rows[i].same != (strcmp(first, strchr(w.challenge, ',')) == 0))
			fail_msg("%s and %s", rows[i].one, rows[i].other);
	}
	auth_abort(w.auth, &peer);
	world_end();
}

static void
begin_bound(const char *mechanism, const char *initial, const char *binding)
{
	struct auth_begin b = {.mechanism = slice_str(mechanism),
			       .has_initial = true,
			       .initial = slice_str(initial),
			       .binding_type = SLICE("tls-exporter"),
			       .binding = slice_str(binding)};

	auth_begin(w.auth, &peer, &b);
}

TEST(scram_plus)
{
	static const char bare[] = "n=ann@office,r=abc";

	world_begin();
	begin_bound("SCRAM-SHA-256-PLUS", "p=tls-exporter,,n=ann@office,r=abc", "channel");
	scram_answer("secret", bare, "p=tls-exporter,,channel");
	auth_step(w.auth, &peer, SLICE_EMPTY);
	assert_int_equal(w.outcome, AUTH_OUTCOME_OK);
	/* A man in the middle: the client sees another channel. */
	begin_bound("SCRAM-SHA-256-PLUS", "p=tls-exporter,,n=ann@office,r=abc", "channel");
	scram_answer("secret", bare, "p=tls-exporter,,other");
	assert_int_equal(w.outcome, AUTH_OUTCOME_BAD);
	assert_int_equal(w.results, 2);
	/* Downgrade: the client could bind, and was not offered it. */
	begin_bound("SCRAM-SHA-256", "y,,n=ann@office,r=abc", "channel");
	assert_int_equal(w.results, 3);
	assert_int_equal(w.outcome, AUTH_OUTCOME_BAD);
	begin("SCRAM-SHA-256-PLUS", TEXT_LEN("p=tls-exporter,,n=ann@office,r=abc"));
	assert_int_equal(w.outcome, AUTH_OUTCOME_UNSUPPORTED);
	world_end();
}

TEST(order)
{
	world_begin();
	begin("CRAM-MD5", NULL, 0);
	assert_int_equal(w.outcome, AUTH_OUTCOME_UNSUPPORTED);
	/* A step that nobody waits for. */
	auth_step(w.auth, &peer, SLICE("x"));
	assert_int_equal(w.results, 2);
	assert_int_equal(w.outcome, AUTH_OUTCOME_LATER);
	/* While the hash is made. */
	begin("PLAIN", TEXT_LEN("\0ann@office\0secret"));
	auth_step(w.auth, &peer, SLICE("x"));
	assert_int_equal(w.outcome, AUTH_OUTCOME_SYNTAX);
	assert_int_equal(w.results, 3);
	/* Aborted while the hash is made: no result. */
	begin("PLAIN", TEXT_LEN("\0ann@office\0secret"));
	auth_abort(w.auth, &peer);
	begin("LOGIN", NULL, 0);
	auth_abort_all(w.auth, &w);
	while (auth_busy(w.auth)) {
		rt_timer_arm(&w.t.guard, 5);
		rt_run(w.t.rt);
	}
	assert_int_equal(w.results, 3);
	world_end();
}

/* Many at once: two threads, the rest waits, all are answered. */
TEST(crowd)
{
	struct auth_begin b = {.mechanism = SLICE("PLAIN"),
			       .has_initial = true,
			       .initial = SLICE("\0ann@office\0secret")};

	world_begin();
	for (uint32_t i = 0; i < 6; i++) {
		struct auth_peer one = {&w, 1};
		struct auth_peer other = {&b, i};

		auth_begin(w.auth, i == 0 ? &one : &other, &b);
	}
	assert_int_equal(auth_exchanges(w.auth), 6);
	assert_int_equal(auth_busy(w.auth), 6);
	auth_abort_all(w.auth, &b);
	assert_int_equal(auth_exchanges(w.auth), 1);
	/* No thread works for those that waited and are gone. */
	assert_int_equal(auth_busy(w.auth), 2);
	wait(1);
	assert_int_equal(w.outcome, AUTH_OUTCOME_OK);
	world_end();
}

/* One network has its share; others go on. */
TEST(crowd_of_a_network)
{
	struct auth_begin b = {.mechanism = SLICE("LOGIN")};

	world_begin();
	for (uint32_t i = 0; i < AUTH_EXCHANGES_NETWORK_MAX; i++) {
		uint8_t bytes[] = {192, 0, 2, (uint8_t)i};

		b.client = net_addr_of(slice_of(bytes, sizeof(bytes)));
		w.many = true;
		auth_begin(w.auth, &(struct auth_peer){&b, i}, &b);
	}
	w.many = false;
	assert_int_equal(auth_exchanges(w.auth), AUTH_EXCHANGES_NETWORK_MAX);
	assert_int_equal(w.results, 0);
	auth_begin(w.auth, &peer, &b);
	assert_int_equal(w.results, 1);
	assert_int_equal(w.outcome, AUTH_OUTCOME_LATER);
	b.client = net_addr_of(slice_of("\xc0\x00\x03\x01", 4));
	auth_begin(w.auth, &peer, &b);
	assert_int_equal(w.results, 1);
	assert_int_equal(auth_exchanges(w.auth), AUTH_EXCHANGES_NETWORK_MAX + 1);
	auth_abort(w.auth, &peer);
	/* Whoever is gone is not counted. */
	auth_abort_all(w.auth, &b);
	b.client = net_addr_of(slice_of("\xc0\x00\x02\x01", 4));
	auth_begin(w.auth, &peer, &b);
	assert_int_equal(w.results, 1);
	auth_abort(w.auth, &peer);
	world_end();
}

TESTS(TEST_ROW(plain), TEST_ROW(login), TEST_ROW(scram), TEST_ROW(scram_unknown),
      TEST_ROW(scram_spellings), TEST_ROW(scram_plus), TEST_ROW(order), TEST_ROW(crowd),
      TEST_ROW(crowd_of_a_network))
