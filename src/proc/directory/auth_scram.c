/*
 * directory/auth_scram: the steps of SCRAM between auth's exchanges and the pure machine of
 * scram.c. Who does not exist gets keys derived from his name and the database's secret.
 */
#include <string.h>

#include "base/assert.h"
#include "proc/directory/auth_impl.h"
#include "tls/crypto.h"

#define CHALLENGE_MAX 1024
#define NONCE_RANDOM_LEN 18
#define FAKE_NAME_MAX (1 + NAMES_LOCAL_MAX + 1 + NAMES_LOCAL_MAX) /* the purpose in front */

_Static_assert(SCRAM_NAME_MAX <= NAMES_LOCAL_MAX, "a name that nobody can have fits, too");

/* What the keys are derived from has to be the same for all spellings of a login that lead to the
 * same mailbox, if there is one: else two spellings tell whether there is. */
static void
fake_name_add(struct builder *b, struct slice name)
{
	struct name_text left, right;

	if (names_login_split(name, &left, &right) < 0) {
		builder_lower(b, name);
		return;
	}
	builder_add(b, name_slice(&left));
	builder_byte(b, '@');
	builder_add(b, name_slice(&right));
}

/* Keys for somebody who does not exist: always the same for a name, and fitting no password. */
static int
fake_keys(struct exchange *exchange, struct slice name)
{
	struct db_password *fake = &exchange->password;
	struct slice secret = {exchange->auth->secret, DB_KEY_LEN};
	uint8_t buf[FAKE_NAME_MAX], mac[CRYPTO_SHA256_LEN];
	struct builder b;
	int err;

	*fake = (struct db_password){.salt_len = PASSWORD_SALT_LEN,
				     .iterations = PASSWORD_ITERATIONS};
	builder_init_fixed(&b, buf, sizeof(buf));
	builder_byte(&b, 's');
	fake_name_add(&b, name);
	ASSERT(!b.failed);
	err = crypto_hmac_sha256(secret, builder_slice(&b), mac);
	memcpy(fake->salt, mac, PASSWORD_SALT_LEN);
	buf[0] = 'k';
	if (err == 0)
		err = crypto_hmac_sha256(secret, builder_slice(&b), fake->stored_key);
	buf[0] = 'v';
	if (err == 0)
		err = crypto_hmac_sha256(secret, builder_slice(&b), fake->server_key);
	return err;
}

static struct scram_keys
scram_keys_of(const struct exchange *exchange)
{
	const struct db_password *password = &exchange->password;

	return (struct scram_keys){
		.salt = slice_of(password->salt, password->salt_len),
		.iterations = password->iterations,
		.stored_key = password->stored_key,
		.server_key = password->server_key,
	};
}

static void
scram_failed(struct exchange *exchange, int err, const char *denied)
{
	if (err == ERR_DENIED)
		auth_finish(exchange, AUTH_OUTCOME_BAD, denied);
	else if (err == ERR_SYNTAX || err == ERR_LIMIT)
		auth_finish(exchange, AUTH_OUTCOME_SYNTAX, "not well formed");
	else
		auth_finish(exchange, AUTH_OUTCOME_LATER, err_str(err));
}

static step_fn scram_final, scram_end;

static void
scram_challenge(struct exchange *exchange)
{
	uint8_t random[NONCE_RANDOM_LEN], nonce_buf[2 * NONCE_RANDOM_LEN], text[CHALLENGE_MAX];
	struct scram_keys keys = scram_keys_of(exchange);
	struct builder nonce, b;
	int err;

	rt_random(exchange->auth->options.rt, random, sizeof(random));
	builder_init_fixed(&nonce, nonce_buf, sizeof(nonce_buf));
	builder_hex(&nonce, slice_of(random, sizeof(random)));
	builder_init_fixed(&b, text, sizeof(text));
	err = scram_server_first(exchange->scram, &keys, builder_slice(&nonce), &b);
	if (err < 0)
		scram_failed(exchange, err, "");
	else
		auth_challenge(exchange, builder_slice(&b), scram_final);
}

void
auth_scram_first(struct exchange *exchange, struct slice message)
{
	struct scram_offer offer = {
		.plus = exchange->mechanism->plus,
		.binding_type = slice_of(exchange->binding_type, exchange->binding_type_len),
		.binding = slice_of(exchange->binding, exchange->binding_len),
	};
	struct scram *scram = MEM_NEW(rt_mem(exchange->auth->options.rt), struct scram);
	int err;

	exchange->scram = scram;
	if (!scram) {
		auth_finish(exchange, AUTH_OUTCOME_LATER, "out of memory");
		return;
	}
	err = scram_client_first(scram, message, &offer);
	if (err == 0 && scram->authzid.len && !slice_eq_nocase(scram->authzid, scram->name)) {
		auth_finish(exchange, AUTH_OUTCOME_BAD, "wants to act for somebody else");
		return;
	}
	if (err < 0) {
		scram_failed(exchange, err, "channel binding was taken out of the offer");
		return;
	}
	if (!auth_user_find(exchange, scram->name))
		return;
	if (!exchange->known && fake_keys(exchange, scram->name) < 0)
		auth_finish(exchange, AUTH_OUTCOME_LATER, "out of memory");
	else
		scram_challenge(exchange);
}

static void
scram_final(struct exchange *exchange, struct slice message)
{
	struct scram_keys keys = scram_keys_of(exchange);
	uint8_t text[CHALLENGE_MAX];
	struct builder b;
	int err;

	builder_init_fixed(&b, text, sizeof(text));
	err = scram_client_final(exchange->scram, message, &keys, &b);
	if (err == 0 && !exchange->known)
		err = ERR_DENIED;
	if (err < 0)
		scram_failed(exchange, err,
			     exchange->known ? "wrong password or channel" : "no such login");
	else
		auth_challenge(exchange, builder_slice(&b), scram_end);
}

/* RFC 5802 5: the client has seen our signature and says nothing more. */
static void
scram_end(struct exchange *exchange, struct slice message)
{
	if (message.len)
		auth_finish(exchange, AUTH_OUTCOME_SYNTAX, "not well formed");
	else
		auth_finish(exchange, AUTH_OUTCOME_OK, "");
}
